//! `hither send`: offer files and folders.

use super::flow::{Flow, ended, failed, items_of, transfer_of};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    words,
};
use clap::Args;
use hither_control::NewsFeed;
use hither_model::{
    Answer, Ask, News, TransferId,
    row::{Direction, FailedItem},
    text,
};
use serde::Serialize;
use std::path::PathBuf;

/// Offer files and folders to a device with an open session.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither send Ana photos/ notes.txt --wait")]
pub(crate) struct Send {
    /// A device with an open session
    peer: String,
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Wait until everything is there and verified
    #[arg(long)]
    wait: bool,
}

#[derive(Serialize)]
struct Offered<'a> {
    transfer: TransferId,
    items: u64,
    bytes: u64,
    direction: Direction,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    skipped: &'a [FailedItem],
}

impl Send {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let paths = self.paths.iter().map(std::path::absolute).collect::<Result<Vec<PathBuf>, _>>()?;
        let mut client = desk.client().await?;
        let news = if self.wait { Some(client.news().await?) } else { None };
        let answer = client.ask(Ask::Send { peer: self.peer.clone(), paths }).await?;
        let Answer::Offered { transfer, items, bytes, skipped } = answer else { return Err(unexpected()) };
        let offered = Offered { transfer, items, bytes, direction: Direction::Out, skipped: &skipped };
        desk.screen.event("offered", &offered, || {
            let to = text::printable(&self.peer);
            format!("offered {}, {} to {to}; transfer {}", items_of(items), words::size(bytes), transfer.short())
        })?;
        for item in &skipped {
            desk.screen.remark(&format!("{} {}", desk.screen.paint_error().yellow("left out:"), failed(item)))?;
        }
        match news {
            Some(news) => follow(desk, news, transfer).await,
            None => Ok(()),
        }
    }
}

async fn follow(desk: &Desk<'_>, mut news: NewsFeed, ours: TransferId) -> Result<(), Halt> {
    let mut flow = Flow::new(desk);
    desk.screen.remark("waiting for the other person… (Ctrl-C leaves the transfer to the agent)")?;
    loop {
        let heard = news.next().await?;
        let over = match &heard {
            News::Snapshot { transfers, .. } => transfers.iter().find(|t| t.transfer == ours).and_then(ended),
            News::Offered { .. } => None,
            about if transfer_of(about) == Some(ours) => flow.show(about)?,
            _ => None,
        };
        if let Some(outcome) = over {
            flow.clear()?;
            return Ok(outcome?);
        }
    }
}

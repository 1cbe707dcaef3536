//! `hither send`: offer files and folders, at once or by way of the outbox.

use super::{
    flow::{Flow, ended, failed, items_of, transfer_of},
    outbox::{self, Cost, Rank},
};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    words,
};
use clap::Args;
use hither_control::{Client, NewsFeed};
use hither_model::{
    Answer, Ask, ErrorCode, Failure, News, TransferId,
    ask::OutboxAsk,
    row::{Direction, FailedItem},
    text,
};
use serde::Serialize;
use std::path::PathBuf;

/// Offer files and folders to a device with an open session, or put them into the outbox for devices that are away.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  hither send Ana photos/ notes.txt --wait\n  hither send Ana report.pdf --later --expires 7d\n  hither send --to Ana --to Ben slides.odp --later"
)]
#[command(
    override_usage = "hither send [OPTIONS] PEER PATH...\n       hither send [OPTIONS] --to PEER [--to PEER] PATH..."
)]
pub(crate) struct Send {
    /// A device that was met (with --to: one more path)
    #[arg(value_name = "PEER")]
    first: PathBuf,
    /// Files and folders
    #[arg(required_unless_present = "to", value_name = "PATH")]
    rest: Vec<PathBuf>,
    /// To this device; several times for several, what is sent is then read once for all
    #[arg(long, value_name = "PEER")]
    to: Vec<String>,
    /// Also if it is away: it goes when the device is seen next
    #[arg(long)]
    later: bool,
    /// How long it waits at most (7d, 12h …; a week unless said otherwise)
    #[arg(long, value_name = "TIME", value_parser = words::seconds)]
    expires: Option<u64>,
    /// Before or after the others in the outbox
    #[arg(long, value_enum, value_name = "P")]
    priority: Option<Rank>,
    /// Over which networks: not where it is dear, only where it is free, or over any
    #[arg(long, value_enum, value_name = "C")]
    cost: Option<Cost>,
    /// The group of the outbox it belongs to
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
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
    pub(crate) async fn run(mut self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut paths = std::mem::take(&mut self.rest);
        let mut to = std::mem::take(&mut self.to);
        if to.is_empty() {
            to.push(self.first.to_string_lossy().into_owned());
        } else {
            paths.insert(0, self.first.clone());
        }
        let paths = paths.iter().map(std::path::absolute).collect::<Result<Vec<PathBuf>, _>>()?;
        let mut client = desk.client().await?;
        match to.as_slice() {
            [peer] if !self.by_outbox() => self.send(desk, client, peer, paths).await,
            _ => {
                if !self.later {
                    all_here(&mut client, &to).await?;
                }
                self.post(desk, client, to, paths).await
            }
        }
    }

    /// Whether something was said that only the outbox understands.
    fn by_outbox(&self) -> bool {
        let terms = self.expires.is_some() || self.priority.is_some() || self.cost.is_some() || self.group.is_some();
        self.later || terms
    }

    async fn post(
        &self,
        desk: &Desk<'_>,
        mut client: Client,
        to: Vec<String>,
        paths: Vec<PathBuf>,
    ) -> Result<(), Halt> {
        let news = if self.wait { Some(client.news().await?) } else { None };
        let ask = OutboxAsk::Post {
            to,
            paths,
            seconds: self.expires,
            priority: self.priority.map(Into::into),
            cost: self.cost.map(Into::into),
            group: self.group.clone(),
        };
        let Answer::Outbox { rows, .. } = client.ask(Ask::Outbox(ask)).await? else { return Err(unexpected()) };
        for row in &rows {
            desk.screen.event("outbox", row, || outbox::line(row))?;
        }
        match news {
            Some(news) => outbox::follow(desk, client, news, rows).await,
            None => Ok(()),
        }
    }

    async fn send(&self, desk: &Desk<'_>, mut client: Client, peer: &str, paths: Vec<PathBuf>) -> Result<(), Halt> {
        let news = if self.wait { Some(client.news().await?) } else { None };
        let answer = client.ask(Ask::Send { peer: peer.to_owned(), paths }).await.map_err(or_later)?;
        let Answer::Offered { transfer, items, bytes, skipped } = answer else { return Err(unexpected()) };
        let offered = Offered { transfer, items, bytes, direction: Direction::Out, skipped: &skipped };
        desk.screen.event("offered", &offered, || {
            let to = text::printable(peer);
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

/// Without `--later` nothing is left to wait for a device that is away.
async fn all_here(client: &mut Client, to: &[String]) -> Result<(), Failure> {
    for peer in to {
        client.ask(Ask::Session { session: peer.clone() }).await.map_err(or_later)?;
    }
    Ok(())
}

fn or_later(failure: Failure) -> Failure {
    match failure.code {
        ErrorCode::UnknownId => {
            failure.hint("open a session with `hither invite`, or add --later: it goes when the device is seen next")
        }
        _ => failure,
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

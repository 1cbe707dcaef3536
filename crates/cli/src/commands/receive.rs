//! `hither receive`: accept what is offered, for as long as this runs.

use super::flow::{Ended, Flow, ended, items_of, transfer_of};
use crate::{desk::Desk, halt::Halt, words};
use clap::Args;
use hither_control::{Client, NewsFeed};
use hither_model::{
    Answer, Ask, News, TransferId,
    row::{Direction, TransferRow},
    text,
};
use std::{collections::HashMap, path::PathBuf};

/// Accept what devices with an open session offer, while this runs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither receive --to ~/Pictures --from Ana --once")]
pub(crate) struct Receive {
    /// Put the files here instead of the inbox
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// End after the first offer
    #[arg(long)]
    once: bool,
    /// From this device only
    #[arg(long, value_name = "PEER")]
    from: Option<String>,
}

impl Receive {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let to = self.to.as_deref().map(std::path::absolute).transpose()?;
        // One connection stands for this command: the agent accepts for as long as it lasts.
        let mut standing = desk.client().await?;
        let mut news = standing.news().await?;
        standing.ask(Ask::Receive { to, from: self.from.clone(), once: self.once }).await?;
        desk.screen.remark("waiting for files… (Ctrl-C ends)")?;
        let asking = desk.running().await?;
        let receiving =
            Receiving { desk, asking, from: self.from, once: self.once, seen: HashMap::new(), flow: Flow::new(desk) };
        let outcome = receiving.follow(&mut news).await;
        drop(standing);
        outcome
    }
}

struct Receiving<'a> {
    desk: &'a Desk<'a>,
    asking: Client,
    from: Option<String>,
    once: bool,
    /// Which transfers are ours to show.
    seen: HashMap<TransferId, bool>,
    flow: Flow<'a>,
}

impl Receiving<'_> {
    async fn follow(mut self, news: &mut NewsFeed) -> Result<(), Halt> {
        loop {
            let heard = news.next().await?;
            let over = match &heard {
                News::Snapshot { transfers, .. } => self.take_snapshot(transfers),
                News::Stopping => return Ok(()),
                about => match transfer_of(about) {
                    Some(transfer) if self.ours(transfer, about).await? => self.show(about)?,
                    _ => None,
                },
            };
            if let Some(outcome) = over {
                self.flow.clear()?;
                if self.once {
                    return Ok(outcome?);
                }
                if let Err(failure) = outcome {
                    self.desk.screen.remark(&text::printable(&format!("dropped: {failure}")))?;
                }
            }
        }
    }

    /// After a gap in the news: how the transfers that were shown have ended.
    fn take_snapshot(&mut self, transfers: &[TransferRow]) -> Option<Ended> {
        transfers.iter().filter(|row| self.seen.get(&row.transfer) == Some(&true)).find_map(ended)
    }

    /// Whether a transfer comes in, from whom it should.
    async fn ours(&mut self, transfer: TransferId, about: &News) -> Result<bool, Halt> {
        if let Some(known) = self.seen.get(&transfer) {
            return Ok(*known);
        }
        if let News::Offered { direction: Direction::Out, .. } = about {
            self.seen.insert(transfer, false);
            return Ok(false);
        }
        let answer = self.asking.ask(Ask::Transfer { transfer: transfer.to_string() }).await;
        let Ok(Answer::Transfers { rows }) = answer else { return Ok(false) };
        let ours = rows.first().is_some_and(|row| row.direction == Direction::In && self.wanted(row));
        self.seen.insert(transfer, ours);
        Ok(ours)
    }

    fn wanted(&self, row: &TransferRow) -> bool {
        self.from.as_ref().is_none_or(|from| {
            row.name == *from || (!from.is_empty() && row.peer.to_string().starts_with(&from.to_lowercase()))
        })
    }

    fn show(&mut self, about: &News) -> Result<Option<Ended>, Halt> {
        if let News::Offered { items, bytes, peer, .. } = about {
            let text = format!("{} offers {}, {}", peer.short(), items_of(*items), words::size(*bytes));
            self.desk.screen.news(about, || Some(text))?;
            return Ok(None);
        }
        if let (News::Dropped { .. }, true, false) = (about, self.desk.screen.json(), self.once) {
            self.desk.screen.object(about)?;
        }
        self.flow.show(about)
    }
}

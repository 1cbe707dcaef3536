//! Following transfers: what is said while bytes move, the same for sender and receiver.

use crate::{desk::Desk, halt::Halt, progress::Progress, words};
use hither_model::{
    ErrorCode, Failure, News, TransferId, TransferState,
    row::{FailedItem, TransferRow},
    text,
};

/// Shows the news of transfers.
pub(crate) struct Flow<'a> {
    desk: &'a Desk<'a>,
    progress: Progress,
    paused: bool,
}

/// How a transfer ended.
pub(crate) type Ended = Result<(), Failure>;

impl<'a> Flow<'a> {
    pub(crate) fn new(desk: &'a Desk<'a>) -> Self {
        Self { desk, progress: Progress::default(), paused: false }
    }

    /// Shows news of one transfer (the caller has seen to that); `Some` when it is over.
    pub(crate) fn show(&mut self, heard: &News) -> Result<Option<Ended>, Halt> {
        let screen = self.desk.screen;
        match heard {
            News::Progress { done, total, bytes_per_s, .. } => {
                screen.news(heard, || None)?;
                self.progress.show(screen, *done, *total, *bytes_per_s)?;
            }
            News::Kept { .. } => screen.news(heard, || None)?,
            News::Transfer { transfer } => self.state(heard, transfer)?,
            News::ItemFailed { item, .. } => {
                self.progress.clear(screen)?;
                screen.news(heard, || None)?;
                screen.remark(&format!("{} {}", screen.paint_error().yellow("failed:"), failed(item)))?;
            }
            News::Done { items, bytes, path, .. } => {
                self.progress.clear(screen)?;
                let to = path.as_ref().map(|p| format!(" in {}", text::printable(p))).unwrap_or_default();
                screen.news(heard, || {
                    Some(format!("done: {}, {}{to}; every byte verified", items_of(*items), words::size(*bytes)))
                })?;
                return Ok(Some(Ok(())));
            }
            News::Dropped { failure, .. } => {
                self.progress.clear(screen)?;
                return Ok(Some(Err(failure.clone())));
            }
            _ => {}
        }
        Ok(None)
    }

    fn state(&mut self, heard: &News, row: &TransferRow) -> Result<(), Halt> {
        let screen = self.desk.screen;
        screen.news(heard, || None)?;
        let paused = row.state == TransferState::Paused;
        if paused != self.paused {
            self.progress.clear(screen)?;
            let why = row.why.as_ref().map(|w| format!(": {}", text::printable(w))).unwrap_or_default();
            screen.remark(&if paused { format!("paused{why}") } else { "goes on".to_owned() })?;
        }
        self.paused = paused;
        Ok(())
    }

    /// Makes room for other lines.
    pub(crate) fn clear(&mut self) -> Result<(), Halt> {
        self.progress.clear(self.desk.screen)
    }
}

/// Which transfer news are about.
pub(crate) fn transfer_of(news: &News) -> Option<TransferId> {
    match news {
        News::Offered { transfer, .. }
        | News::Progress { transfer, .. }
        | News::Kept { transfer, .. }
        | News::ItemFailed { transfer, .. }
        | News::Done { transfer, .. }
        | News::Dropped { transfer, .. } => Some(*transfer),
        News::Transfer { transfer } => Some(transfer.transfer),
        _ => None,
    }
}

/// How a transfer stands that a snapshot tells of: over, or not.
pub(crate) fn ended(row: &TransferRow) -> Option<Ended> {
    match row.state {
        TransferState::Kept => Some(Ok(())),
        TransferState::Dropped => {
            let why = row.why.clone().unwrap_or_else(|| "the transfer ended early".into());
            let code = row.failed.first().map_or(ErrorCode::Interrupted, |item| item.code);
            Some(Err(Failure::new(code, why).hint("`hither resume` tries again what failed")))
        }
        TransferState::Offered
        | TransferState::Accepted
        | TransferState::Moving
        | TransferState::Paused
        | TransferState::Checking => None,
    }
}

/// One item that did not make it, in a line.
pub(crate) fn failed(item: &FailedItem) -> String {
    text::printable(&format!("{}: {} ({})", item.path, item.why, item.code))
}

/// `3 items`.
pub(crate) fn items_of(items: u64) -> String {
    words::count(items, "item", "items")
}

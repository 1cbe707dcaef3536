//! Endings: told, written down, and only then cleared away, so that whatever the moment of a crash is, the next run
//! either goes on from the records or knows that it is over.

use super::{Tool, course::Course};
use crate::state::State;
use hither_model::{ErrorCode, Failure, News, TransferId, row::Direction};
use hither_transfer::{Inbox, Limits, Outgoing};

impl State {
    /// It is over without everything kept, and will not go on.
    pub(super) fn dropped(&mut self, id: TransferId, failure: Failure) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.kept.canceled = true;
        transfer.offered = None;
        self.tell_dropped(id, failure);
    }

    fn tell_dropped(&mut self, id: TransferId, failure: Failure) {
        self.transfer_is(id, Some(failure.message.clone()));
        let Some(transfer) = self.transfers.get(&id) else { return };
        let (peer, name, title) = (transfer.kept.peer, transfer.kept.name.clone(), transfer.kept.title.clone());
        self.note("transfer", Some(peer), Some(name), format!("{title}: {}", failure.message));
        self.tell(News::Dropped { transfer: id, failure });
    }

    /// Every item is settled: kept, or failed with its reason.
    pub(super) fn settled(&mut self, id: TransferId, complete: bool, path: Option<String>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.kept.path.clone_from(&path);
        transfer.kept.receipt = true;
        if !complete {
            let failed = transfer.kept.items.saturating_sub(transfer.kept.items_done);
            let first = transfer.kept.failed.first();
            let code = first.map_or(ErrorCode::Interrupted, |f| f.code);
            let first = first.map(|f| format!("; the first: {}: {}", f.path, f.why)).unwrap_or_default();
            let message = format!("{failed} item(s) failed, the others are kept{first}");
            let failure = Failure::new(code, message).hint("`hither resume` tries just these again");
            return self.tell_dropped(id, failure);
        }
        transfer.kept.failed.clear();
        transfer.kept.done = transfer.kept.total;
        transfer.kept.items_done = transfer.kept.items;
        let kept = transfer.kept.clone();
        self.transfer_is(id, None);
        let what = if kept.direction == Direction::In { "received" } else { "sent" };
        self.note(
            what,
            Some(kept.peer),
            Some(kept.name),
            format!("{}, {} bytes, receipt signed", kept.title, kept.total),
        );
        self.tell(News::Done { transfer: id, items: kept.items, bytes: kept.total, path });
        self.clear(id);
    }

    /// Failed items are tried again: the last receipt does not count any more.
    pub(super) fn reopened(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.kept.receipt_text = None;
        transfer.kept.receipt = false;
    }

    /// Removes what a restart would have needed, once the end is on disk. If that fails, or we end before, the next
    /// start does it.
    pub(super) fn clear(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let tool = std::mem::replace(&mut transfer.tool, Tool::None);
        let inbox = transfer.kept.inbox.clone();
        let outgoing = matches!(transfer.course, Course::Out(_));
        let directory = self.outgoing_dir();
        let written = self.stale_transfers.mark_and_wait();
        self.tasks.spawn(async move {
            if !matches!(written.await, Ok(Ok(()))) {
                return;
            }
            let cleared = tokio::task::spawn_blocking(move || match (tool, inbox) {
                (Tool::Send(sender), _) => sender.into_outgoing().forget(),
                (Tool::Receive(receiving), _) => receiving.discard(),
                (Tool::None, _) if outgoing => Outgoing::remove(&directory, id),
                (Tool::None, Some(inbox)) => Inbox::open(&inbox, &Limits::default()).and_then(|i| i.discard(id)),
                (Tool::None, None) => Ok(()),
            });
            if let Ok(Err(error)) = cleared.await {
                tracing::debug!(%error, "nothing to clear away");
            }
        });
    }
}

//! Transfers found again at start, and what ended ones may have left behind.

use super::Transfer;
use crate::{state::State, store::KeptTransfers};
use hither_model::{TransferId, TransferState, row::Direction};
use hither_transfer::{Inbox, Limits, Outgoing};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

impl State {
    /// Takes up what an earlier run left: what moved waits for its session; offers to us that nobody had consented to
    /// are forgotten, so that they are asked about when they are made again.
    pub(crate) fn revive_transfers(&mut self, kept: KeptTransfers) {
        let mut gone: BTreeMap<PathBuf, BTreeSet<TransferId>> = BTreeMap::new();
        for (id, mut kept) in kept {
            // Agreed to, and begun: only the note of that is missing.
            if kept.state == TransferState::Offered && kept.inbox.as_ref().is_some_and(|i| Inbox::has_begun(i, id)) {
                kept.state = TransferState::Accepted;
            }
            let over = kept.state == TransferState::Kept || kept.canceled || kept.state == TransferState::Offered;
            if let Some(inbox) = kept.inbox.clone().filter(|_| over && kept.direction == Direction::In) {
                gone.entry(inbox).or_default().insert(id);
            }
            if let Some(transfer) = Transfer::revived(kept) {
                self.transfers.insert(id, transfer);
            }
        }
        self.sweep_inboxes(gone);
        self.sweep_outgoing();
        self.sweep_lists();
    }

    /// The end may have come between that of a transfer and the removal of its part files. Only transfers of this
    /// profile are looked for: another one may use the same inbox.
    fn sweep_inboxes(&self, gone: BTreeMap<PathBuf, BTreeSet<TransferId>>) {
        for (path, ids) in gone {
            self.tasks.spawn_blocking(move || {
                let swept = Inbox::open(&path, &Limits::default()).and_then(|inbox| inbox.sweep(&ids));
                match swept {
                    Ok(0) => {}
                    Ok(count) => {
                        tracing::info!(count, inbox = %path.display(), "part files of ended transfers removed")
                    }
                    Err(error) => tracing::debug!(%error, "an inbox was not swept"),
                }
            });
        }
    }

    /// Offers of ours that are over, or that no transfer belongs to. They are listed before any new one is made.
    fn sweep_outgoing(&self) {
        let directory = self.outgoing_dir();
        let goes_on = |id: &TransferId| {
            self.transfers.get(id).is_some_and(|t| !t.is_over() || t.course.is_partly()) || self.outbox.needs(id)
        };
        let listed = Outgoing::list(&directory).unwrap_or_default();
        let stray: Vec<TransferId> = listed.into_iter().filter(|id| !goes_on(id)).collect();
        self.tasks.spawn_blocking(move || {
            for id in stray {
                if let Err(error) = Outgoing::remove(&directory, id) {
                    tracing::debug!(%error, "an offer of an earlier run stays");
                }
            }
        });
    }
}

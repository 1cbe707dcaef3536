//! Transfers found again at start.

use super::Transfer;
use crate::{state::State, store::KeptTransfers};
use data_encoding::HEXLOWER;
use hither_model::{TransferState, row::Direction};
use hither_transfer::{Inbox, Limits, Receiving};

impl State {
    /// Takes up what an earlier run left: what moved waits for its session, offers nobody consented to are off.
    pub(crate) fn revive_transfers(&mut self, kept: KeptTransfers) {
        for (id, mut kept) in kept {
            match (kept.direction, kept.state) {
                (_, TransferState::Kept | TransferState::Dropped) | (Direction::Out, TransferState::Offered) => {}
                (Direction::In, TransferState::Offered) => {
                    kept.state = TransferState::Dropped;
                    kept.why = Some("the agent stopped before anybody answered".into());
                }
                (
                    _,
                    TransferState::Accepted | TransferState::Moving | TransferState::Paused | TransferState::Checking,
                ) => {
                    kept.state = TransferState::Paused;
                    kept.why = Some("waiting for the other device".into());
                }
            }
            self.transfers.insert(id, Transfer::new(kept));
        }
        self.discard_canceled();
        self.sweep_lists();
    }

    /// The end may have come between a cancel and the removal of its part files.
    fn discard_canceled(&self) {
        for (id, transfer) in &self.transfers {
            let kept = &transfer.kept;
            let hash = HEXLOWER.decode(kept.manifest_hash.as_bytes()).map(<[u8; 32]>::try_from);
            let (Some(path), true, Ok(Ok(hash))) = (kept.inbox.clone(), kept.canceled, hash) else { continue };
            let (id, peer) = (*id, kept.peer);
            self.tasks.spawn_blocking(move || {
                let found = Inbox::open(&path, &Limits::default()).and_then(|i| Receiving::resume(&i, id, peer, hash));
                if let Ok(receiving) = found {
                    let _ = receiving.discard();
                }
            });
        }
    }
}

//! Transfers found again at start.

use super::Transfer;
use crate::{state::State, store::KeptTransfers};
use hither_model::{TransferState, row::Direction};

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
    }
}

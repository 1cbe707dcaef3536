//! Transfers that the outbox makes: of what was put there, for one of its devices; held and let go as it says.

use super::{
    Transfer,
    machine::outgoing::Event,
    threads::{self, Posted},
};
use crate::{asks::Reply, state::State, store::KeptTransfer};
use hither_model::{ErrorCode, Failure, PeerId, TransferId, TransferState, row::Direction};
use std::path::PathBuf;

impl State {
    /// Makes a transfer of what was put into the outbox, and offers it when it is still that.
    pub(crate) fn begin_posted(&mut self, id: TransferId, peer: PeerId, name: String, posted: Posted, reply: Reply) {
        let kept = KeptTransfer::offered(peer, name, Direction::Out, self.clock.unix());
        self.transfers.insert(id, Transfer::scanning(kept, posted.paths.clone()));
        let (reporter, directory) = (self.reporter(id), self.outgoing_dir());
        self.tasks.spawn_blocking(move || threads::prepare_posted(&reporter, directory, peer, &posted, reply));
    }

    /// Lets it stand still for that reason until it is let go; false if it is not that far, or a person holds it already.
    pub(crate) fn hold_transfer(&mut self, id: TransferId, why: &str) -> bool {
        let is_held = |state: &Self| state.transfers.get(&id).is_some_and(|t| t.course.is_held());
        if is_held(self) {
            return false;
        }
        self.sending(id, Event::Hold(why.to_owned()));
        is_held(self)
    }

    /// Goes on with it, or tries what failed of it again.
    pub(crate) fn release_transfer(&mut self, id: TransferId) {
        self.sending(id, Event::Resume);
    }

    /// It is not wanted any more.
    pub(crate) fn call_off_transfer(&mut self, id: TransferId) {
        self.sending(id, Event::Cancel(Failure::new(ErrorCode::Canceled, "taken out of the outbox")));
    }

    /// Whether some of it is kept there, and the rest can be tried again.
    pub(crate) fn transfer_is_partly(&self, id: TransferId) -> bool {
        self.transfers.get(&id).is_some_and(|t| t.course.is_partly())
    }

    /// Whether it is more than an offer.
    pub(crate) fn transfer_is_agreed(&self, id: TransferId) -> bool {
        self.transfers.get(&id).is_some_and(|t| t.kept.state != TransferState::Offered)
    }

    /// How many are under way.
    pub(crate) fn unfinished_transfers(&self) -> usize {
        self.transfers.values().filter(|t| !t.is_over()).count()
    }

    /// Whether exactly this is being sent there.
    pub(crate) fn is_being_sent(&self, peer: &PeerId, paths: &[PathBuf]) -> bool {
        let mut open = self.transfers.values().filter(|t| !t.is_over() && t.kept.direction == Direction::Out);
        open.any(|t| t.kept.peer == *peer && t.sources == paths)
    }

    /// Where it stands, and why, if it is known.
    pub(crate) fn transfer_stands(&self, id: TransferId) -> Option<(TransferState, Option<&str>)> {
        self.transfers.get(&id).map(|t| (t.kept.state, t.kept.why.as_deref()))
    }
}

//! Services that are used by a grant: each connection is counted, on disk, before the service hears of it. Where the service
//! is and how it is reached is `services`' matter.

use super::{Written, now};
use crate::state::State;
use hither_model::{GrantId, LentName, PeerId};
use std::collections::BTreeMap;

impl State {
    /// The grant by which a device may connect to a service now.
    pub(crate) fn grant_for(&mut self, service: &LentName, peer: &PeerId) -> Option<GrantId> {
        self.grants_due();
        if !self.is_proven(peer) {
            return None;
        }
        let here = |place: &_| self.is_here(place, peer);
        self.grants.ledger.opens(peer, service, now(self.clock), here)
    }

    /// Whether the device used up what it had: it may be told, for it knew.
    pub(crate) fn has_used_up(&self, service: &LentName, peer: &PeerId) -> bool {
        self.grants.ledger.is_used_up(peer, service)
    }

    /// Counts a connection by a grant; it may be made once that is on disk.
    pub(crate) fn connecting_by(&mut self, grant: &GrantId) -> Written {
        self.grants.ledger.connecting(grant);
        self.keep_grants()
    }

    /// The connection stands, or came to nothing.
    pub(crate) fn connected_by(&mut self, grant: Option<GrantId>, stands: bool) {
        let Some(grant) = grant else { return };
        let unix = self.clock.unix();
        self.grants.ledger.connected(&grant, stands, unix);
        drop(self.keep_grants());
        if stands && let Some(one) = self.grants.ledger.find(&grant) {
            let (used, of) = (one.used(), one.limit().map(|limit| format!(" of {limit}")).unwrap_or_default());
            self.note_grant(&grant, &format!("used the grant {}: connection {used}{of}", grant.short()));
        }
        self.tell_grant(&grant);
    }

    /// Whether what a connection was made by was not taken back, and did not expire, meanwhile.
    pub(crate) fn grant_stands(&self, grant: &GrantId) -> bool {
        let found = self.grants.ledger.find(grant);
        found.is_some_and(|one| one.over.is_none_or(|(why, _)| why == hither_model::row::GrantOver::Used))
    }

    /// Who may use a service by a grant, and until when.
    pub(crate) fn holders_of(&self, service: &LentName) -> BTreeMap<PeerId, Option<u64>> {
        self.grants.ledger.holders(service)
    }
}

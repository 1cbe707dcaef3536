//! Grants that are over: by time, by a person's word, with the device they were for.

use super::now;
use crate::state::State;
use hither_model::{GrantId, LentName, PeerId, row::Allows};

impl State {
    /// Looks at the time.
    pub(crate) fn grants_due(&mut self) {
        let at = now(self.clock);
        let (expired, shorter) = self.grants.ledger.pass(at);
        let waits = self.grants.deadline().is_some();
        let old = at.unix.abs_diff(self.grants.written) >= super::WRITE_EVERY;
        if !expired.is_empty() || shorter || (waits && old) {
            drop(self.keep_grants());
        }
        for id in expired {
            self.close_grant(&id, "its time is over");
        }
    }

    pub(crate) fn grants_deadline(&self) -> Option<u64> {
        self.grants.deadline()
    }

    /// A grant was taken back: what is under way by it ends.
    pub(super) fn end_grant(&mut self, id: &GrantId, why: &str) {
        self.withdraw_what_came_by(id);
        self.close_grant(id, why);
    }

    /// A grant is over: connections by it end, files that were let in go on.
    fn close_grant(&mut self, id: &GrantId, why: &str) {
        self.note_grant(id, &format!("has the grant {} no more: {why}", id.short()));
        self.tell_grant(id);
        let Some(one) = self.grants.ledger.find(id) else { return };
        if let Allows::Service { name, .. } = one.allows.clone() {
            self.end_connections_by(id);
            self.holders_changed(&name);
        }
    }

    /// A service is lent no more, to one device or to all: grants for it end too.
    pub(crate) fn end_service_grants(&mut self, service: &LentName, to: Option<&PeerId>, why: &str) -> bool {
        let standing = self.grants.ledger.standing(to, Some(service));
        self.revoke_all(&standing, why);
        !standing.is_empty()
    }

    /// A device was blocked, or (`forget`) forgotten: it has no grant any more, and none is listed of one forgotten.
    pub(crate) async fn end_grants_to(&mut self, peer: PeerId, forget: bool, why: &str) {
        let standing = self.grants.ledger.standing(Some(&peer), None);
        self.revoke_all(&standing, why);
        if forget {
            self.grants.ledger.forget(&peer);
        }
        let _ = self.keep_grants().await;
    }

    fn revoke_all(&mut self, ids: &[GrantId], why: &str) {
        if ids.is_empty() {
            return;
        }
        let unix = self.clock.unix();
        for id in ids {
            let _ = self.grants.ledger.revoke(id, unix);
        }
        drop(self.keep_grants());
        for id in ids {
            self.end_grant(id, why);
        }
    }

    /// The device has another key, signed for by the one before: its grants are its own.
    pub(crate) fn grants_follow(&mut self, old: &PeerId, new: PeerId) {
        if self.grants.ledger.succeed(old, new) {
            drop(self.keep_grants());
        }
    }
}

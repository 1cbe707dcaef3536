//! Offers that come by a grant: it is used, on disk, before anybody hears a yes; and what was not kept is given back once the
//! transfer's end is on disk.

use super::ledger::weight;
use crate::{event::Event, questions::Terms, state::State, store::Slot};
use hither_model::{ErrorCode, Failure, GrantId, TransferId, row::Allows};

impl State {
    /// An offer was read and is to be asked about. If there is a grant for it, it is used up to that much and written; the
    /// offer is taken, or asked about after all, when that is done.
    pub(crate) fn comes_by_grant(&mut self, id: TransferId) -> bool {
        self.grants_due();
        let Some(transfer) = self.transfers.get(&id) else { return false };
        let (peer, weight) = (transfer.kept.peer, weight(transfer.kept.total, transfer.kept.items));
        // An agent that is about to end takes nothing by itself: a question holds nothing up.
        if self.rests() || !self.is_proven(&peer) {
            return false;
        }
        let here = |place: &_| self.is_here(place, &peer);
        let Some(grant) = self.grants.ledger.takes(&peer, weight, super::now(self.clock), here) else { return false };
        self.grants.ledger.reserve(&grant, id, weight);
        let (written, events) = (self.keep_grants(), self.events.clone());
        self.tasks.spawn(async move {
            let written = matches!(written.await, Ok(Ok(())));
            let _ = events.send(Event::GrantUsed { transfer: id, written }).await;
        });
        true
    }

    /// That a grant is used for an offer is on disk, or could not be written.
    pub(crate) fn grant_used(&mut self, transfer: TransferId, written: bool) {
        // Revoked or taken back meanwhile, it is dealt with already.
        let Some(grant) = self.grants.ledger.of_transfer(&transfer) else { return };
        if !written {
            self.grants.ledger.settle(transfer, 0, self.clock.unix());
            return self.offer_not_granted(transfer);
        }
        let to = match self.grants.ledger.find(&grant).map(|one| &one.allows) {
            Some(Allows::Files { to, .. }) => to.clone(),
            _ => None,
        };
        let title = self.transfers.get(&transfer).map(|t| (t.kept.title.clone(), t.kept.total));
        if self.offer_granted(transfer, grant, Terms { to, ..Terms::default() }) {
            let (title, total) = title.unwrap_or_default();
            self.note_grant(&grant, &format!("used the grant {}: sends {title}, {total} bytes", grant.short()));
        }
        self.tell_grant(&grant);
    }

    /// Transfers by grants that are over, and whose end is on disk: what was not kept is given back.
    pub(crate) fn settle_grants(&mut self) {
        let under_way = self.grants.ledger.under_way(None);
        if under_way.is_empty() || self.keeper.is_writing(Slot::Transfers) {
            return;
        }
        let mut settled = Vec::new();
        for id in under_way {
            let kept = match self.transfers.get(&id) {
                Some(transfer) if !transfer.is_settled() => continue,
                Some(transfer) => weight(transfer.kept.done, transfer.kept.items_done),
                // Not remembered any more, and some of it was kept.
                None => u64::MAX,
            };
            settled.extend(self.grants.ledger.settle(id, kept, self.clock.unix()));
        }
        if !settled.is_empty() {
            drop(self.keep_grants());
            settled.iter().for_each(|grant| self.tell_grant(grant));
        }
    }

    /// After a restart: transfers that go on by a grant count for it, whatever was written when; offers that nobody had
    /// taken yet do not.
    pub(crate) fn revive_grants(&mut self) {
        let by_grant = |(id, t): (&TransferId, &crate::transfers::Transfer)| {
            let weight = weight(t.kept.total, t.kept.items);
            Some((*id, t.kept.grant?, weight)).filter(|_| !t.is_settled())
        };
        let going: Vec<(TransferId, GrantId, u64)> = self.transfers.iter().filter_map(by_grant).collect();
        for (id, grant, weight) in going {
            if self.grants.ledger.of_transfer(&id).is_none() {
                self.grants.ledger.reserve(&grant, id, weight);
            }
        }
        for id in self.grants.ledger.under_way(None) {
            if !self.transfers.contains_key(&id) {
                self.grants.ledger.settle(id, 0, self.clock.unix());
            }
        }
    }

    /// What came by a grant that was taken back does not go on.
    pub(super) fn withdraw_what_came_by(&mut self, grant: &GrantId) {
        for id in self.grants.ledger.under_way(Some(grant)) {
            let why = "the grant it came by was revoked";
            self.withdraw_transfer(id, Failure::new(ErrorCode::Withdrawn, why));
            // What could have been tried again is not any more.
            if let Some(transfer) = self.transfers.get(&id).filter(|transfer| transfer.is_partly()) {
                let kept = weight(transfer.kept.done, transfer.kept.items_done);
                self.grants.ledger.settle(id, kept, self.clock.unix());
            }
        }
    }

    /// Whether a transfer that could be tried again came by a grant that was taken back: the other side does not take it up.
    pub(crate) fn came_by_revoked(&self, id: TransferId) -> bool {
        let partly = self.transfers.get(&id).filter(|transfer| transfer.is_partly());
        let grant = partly.and_then(|transfer| transfer.kept.grant);
        grant.is_some_and(|grant| {
            let found = self.grants.ledger.find(&grant);
            found.is_none_or(|one| matches!(one.over, Some((hither_model::row::GrantOver::Revoked, _))))
        })
    }
}

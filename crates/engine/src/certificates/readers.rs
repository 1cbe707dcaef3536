//! Cards that come and go, as the service for readers tells: whoever waits for one goes on, and sessions that began with
//! one end when it is taken out.

use super::{
    errand::Stage,
    holder::CardPlace,
    shelf::{Looked, Wish},
};
use crate::{event::Event, state::State};
use hither_identity::card::{ReaderWatch, Readers, Token, watch_readers};
use hither_model::SessionId;
use std::time::Duration;

/// How often to look for the service while there is none.
const NO_SERVICE: Duration = Duration::from_secs(5);

/// A slot's description is the reader's name, cut at 64 characters by PKCS#11.
fn same_reader(slot: &str, reader: &str) -> bool {
    let (slot, reader) = (slot.trim(), reader.trim());
    slot == reader || (slot.len() >= 16 && reader.starts_with(slot))
}

impl CardPlace {
    fn is(&self, token: &Token) -> bool {
        self.token == token.name.label && self.serial == token.name.serial
    }
}

impl State {
    /// Listens to readers from now on, if cards may be used. Nothing is sent to any card.
    pub(crate) fn watch_readers(&mut self) {
        if self.certificates.watching.is_some() {
            return;
        }
        let events = self.events.downgrade();
        let hear = move |readers| {
            if let Some(events) = events.upgrade() {
                let _ = events.blocking_send(Event::Readers(readers));
            }
        };
        match watch_readers(ReaderWatch::place(), NO_SERVICE, hear) {
            Ok(watching) => self.certificates.watching = Some(watching),
            Err(error) => tracing::warn!(%error, "readers cannot be watched"),
        }
    }

    /// What the settings say of lists; and sessions taken over from the agent's last life may have begun with a card.
    pub(crate) fn begin_certificates(&mut self) {
        self.align_stale_crl();
        let with_card =
            |session: &crate::sessions::Session| session.kept.shown.as_ref().is_some_and(|s| s.card.is_some());
        let granted = self.gate.allows(hither_capability::Capability::SharedUserCertificates).is_ok();
        if granted && self.sessions.values().any(with_card) {
            self.watch_readers();
        }
    }

    /// Cards came or went.
    pub(crate) fn readers_changed(&mut self, readers: &Readers) {
        self.certificates.readers = Some(readers.clone());
        let Readers::There(readers) = readers else { return };
        // Faster than asking the module: the reader a session's card was in has none now.
        let taken = |place: &CardPlace| {
            let mut its = readers.iter().filter(|reader| same_reader(&place.reader, &reader.name)).peekable();
            its.peek().is_some() && its.all(|reader| !reader.card)
        };
        self.end_without_card(taken);
        if self.gate.allows(hither_capability::Capability::SharedUserCertificates).is_ok() {
            // One look for all of them: a slow card is not read twice before its PIN is asked for.
            let errands = self.certificates.errands.iter();
            let waiting = errands.filter(|(_, errand)| matches!(errand.stage, Stage::Inserting));
            let wishes = waiting.map(|(id, _)| Wish::Errand(*id)).chain([Wish::Changed]).collect();
            self.look_for_all(wishes);
        }
    }

    /// What is there was looked up: a card that is not among it is gone, if every module answered.
    pub(super) fn cards_seen(&mut self, looked: &Looked) {
        let Some(shelf) = looked.shelf.as_ref().filter(|shelf| shelf.faults.is_empty()) else { return };
        let tokens = shelf.tokens.clone();
        self.end_without_card(move |place| !tokens.iter().any(|token| place.is(token)));
    }

    fn end_without_card(&mut self, gone: impl Fn(&CardPlace) -> bool) {
        if !self.settings.borrow().certificates.card_bound {
            return;
        }
        let without: Vec<(SessionId, String)> = self
            .sessions
            .iter()
            .filter_map(|(id, session)| {
                let place = session.kept.shown.as_ref()?.card.as_ref()?;
                gone(place).then(|| (*id, place.token.clone()))
            })
            .collect();
        for (session, token) in without {
            self.close_session(session, &format!("the card {token:?} was taken out"), true);
        }
    }

    /// The capability was taken away: logins end, processes too, and the sessions that began with a card.
    pub(crate) fn certificates_revoked(&mut self) {
        self.certificates.cards.revoke();
        (self.certificates.watching, self.certificates.readers) = (None, None);
        let of_cards: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.kept.shown.as_ref().is_some_and(|shown| shown.card.is_some()))
            .map(|(id, _)| *id)
            .collect();
        for session in of_cards {
            self.close_session(session, "the capability `sharedUserCertificates` was revoked", true);
        }
    }
}

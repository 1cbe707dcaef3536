//! Another key for a device: ours, which those who know us are told before we take it, and theirs.
//!
//! The present key and the next one sign that one succeeds the other. The statement is sent inside sessions that the
//! present key has proven; whoever knows the device keeps it and takes either key for the device until the next one is
//! shown, which ends the old one. Who never heard it meets a stranger (T14).

use crate::{
    door::Purpose,
    state::State,
    store::{Heir, Person, Slot},
};
use hither_identity::Succession;
use hither_model::{Answer, ErrorCode, Failure, PeerId, SessionId};
use hither_protocol::{Blob, session::Frame};

impl State {
    /// Prepares our next key, or takes it over.
    pub(crate) async fn rotate_key(&mut self, now: bool) -> Result<Answer, Failure> {
        if now {
            return self.take_over();
        }
        let heir = self.me.prepare_heir().map_err(Failure::from)?;
        let first = self.heir.replace(heir.clone()).is_none();
        if first {
            let open: Vec<SessionId> = self.sessions.keys().copied().collect();
            for session in open {
                self.tell_heir(session);
            }
            self.note("trust", None, None, format!("this device prepared another key, {}", heir.new_id().short()));
        }
        Ok(self.rotation(heir.new_id()))
    }

    fn take_over(&mut self) -> Result<Answer, Failure> {
        let Some(heir) = self.heir.clone() else {
            return Err(Failure::new(ErrorCode::Misuse, "no other key is prepared for this device")
                .hint("run `hither identity rotate` first; who knows this device is told then"));
        };
        let answer = self.rotation(heir.new_id());
        // Taken up again they would be shown a key that nobody expects there.
        let open: Vec<SessionId> = self.sessions.keys().copied().collect();
        for session in open {
            self.close_session(session, "this device takes another key", true);
        }
        self.me.take_over().map_err(Failure::from)?;
        self.heir = None;
        self.people.taken_over(&heir.new_id());
        self.keeper.save(Slot::People, &self.people);
        // By the old one radios would be taken for the old device.
        self.renew_radio_key();
        self.note("trust", None, None, format!("this device took another key, {}", heir.new_id().short()));
        Ok(answer)
    }

    /// Who keeps our next key, and who has not heard of it.
    fn rotation(&self, heir: PeerId) -> Answer {
        let known = || self.people.iter().filter(|(_, person)| person.is_known());
        let names = |heard: bool| {
            let of = known().filter(|(_, person)| (person.told_heir == Some(heir)) == heard);
            of.map(|(_, person)| person.name.to_string()).collect()
        };
        Answer::Rotation { heir, heard: names(true), unheard: names(false) }
    }

    /// Tells the other end of a session about our next key, if there is one and they know us.
    pub(crate) fn tell_heir(&mut self, session: SessionId) {
        let Some(statement) = self.heir.as_ref().map(|heir| Blob(heir.encode())) else { return };
        let Some(session) = self.sessions.get_mut(&session) else { return };
        if self.people.find(&session.kept.peer).is_some_and(Person::is_known) {
            session.post(Frame::Heir { statement });
        }
    }

    /// The other end of a session keeps our next key.
    pub(crate) fn heir_kept(&mut self, session: SessionId, heir: PeerId) {
        let ours = self.heir.as_ref().is_some_and(|own| own.new_id() == heir);
        let Some(peer) = self.sessions.get(&session).map(|session| session.kept.peer) else { return };
        if let Some(person) = self.people.find_mut(&peer).filter(|_| ours) {
            person.told_heir = Some(heir);
            self.keeper.save(Slot::People, &self.people);
        }
    }

    /// The other end of a session names its next key. Whatever is wrong with the statement, nothing changes.
    pub(crate) async fn heir_named(&mut self, session: SessionId, statement: &[u8]) {
        let Some(peer) = self.sessions.get(&session).map(|session| session.kept.peer) else { return };
        let unix = self.clock.unix();
        let Ok(named) = Succession::decode(statement) else {
            return tracing::info!("a next key that nobody signed for");
        };
        let heir = Heir { peer: named.new_id(), made: named.made() };
        let taken = heir.peer == self.my_id || self.people.is_another(&heir.peer, &peer);
        let Some(person) = self.people.find_mut(&peer).filter(|person| person.is_known() && !taken) else { return };
        if person.heir != Some(heir) {
            let since = person.heir.map_or(0, |before| before.made);
            if !named.accepts(peer, heir.peer, since, unix) {
                return tracing::info!("a next key that is not theirs to name");
            }
            person.heir = Some(heir);
            let name = person.name.to_string();
            let what = format!("named its next key, {}", heir.peer.short());
            self.note("trust", Some(peer), Some(name), what);
            let written = self.keeper.save_now(Slot::People, &self.people).await;
            self.people_changed();
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
        if let Some(session) = self.sessions.get_mut(&session) {
            session.post(Frame::HeirKept { heir: heir.peer });
        }
    }

    /// Somebody proved this key: if a known device named it as its next one, it is that device from now on, and the key
    /// before is none any more. What a door was opened for follows.
    pub(crate) fn heir_shown(&mut self, peer: PeerId, purpose: Purpose) -> Purpose {
        let Some(old) = self.people.succeed(&peer) else { return purpose };
        let name = self.people.find(&peer).map(|person| person.name.to_string());
        self.grants_follow(&old, peer);
        let what = format!("has another key, signed for by the one before, {}", old.short());
        self.note("trust", Some(peer), name, what);
        self.keeper.save(Slot::People, &self.people);
        self.people_changed();
        if purpose == Purpose::Known(old) { Purpose::Known(peer) } else { purpose }
    }
}

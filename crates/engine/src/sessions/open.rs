//! Sessions begin and end.

use super::{Generation, Link, Session};
use crate::{
    certificates::{Shown, differs},
    knocks::KnockId,
    state::State,
    store::{KeptSession, Person, Slot},
};
use hither_capability::{Consent, is_place, is_web};
use hither_identity::SessionKey;
use hither_model::{
    DisplayName, ErrorCode, Failure, News, PeerId, SessionId, SessionState, Trust, Verified, row::CertifiedRow,
};
use hither_protocol::{
    Admission, Over,
    rendezvous::pair_key,
    session::{Frame, Inbound, Outbox},
};
use hither_socket::{Channel, Proven, SocketError};
use std::{net::SocketAddr, sync::Arc};

/// Label of the session key, R3.29.
const SESSION_LABEL: &str = "EXPORTER-hither-session";

impl State {
    /// The invite protocol admitted the peer: what was proven is stored, and the session begins.
    pub(crate) async fn admitted(
        &mut self,
        id: KnockId,
        admission: Admission,
        channel: Result<Box<Channel<Proven>>, SocketError>,
    ) {
        let terms = self.terms_of(id);
        let Some(knock) = self.knocks.remove(&id) else { return };
        let channel = match channel {
            Ok(channel) => channel,
            Err(error) => {
                if knock.ours {
                    self.tell(News::InviteEnded { invite: knock.invite, failure: error.into() });
                }
                return self
                    .retract(knock.question, Over::Lapsed, "the connection broke", Some(ErrorCode::Interrupted))
                    .await;
            }
        };
        let Ok(secret) = channel.exporter(SESSION_LABEL, b"") else { return };
        let peer = admission.peer();
        self.directory.reached(knock.instance.as_ref(), knock.remote, peer);
        let name = self.name_after(&admission);
        let route = knock.ours.then_some(knock.remote);
        let certified = knock.theirs.as_ref().map(|proven| Box::new(proven.row.clone()));
        self.remember_person(&admission, &name, terms.always, route).await;
        self.remember_certificates(peer, &name, certified.clone(), knock.shown.as_ref());
        let kept = KeptSession {
            peer,
            name: name.clone(),
            verified: admission.verified(),
            inviter: knock.ours,
            resume_key: pair_key(&secret, &self.both_ids(knock.ours, &peer)),
            routes: route.into_iter().filter(|route| is_place(*route)).collect(),
            web: knock.web.clone(),
            opened: self.clock.unix(),
            outbox: Outbox::default(),
            inbound: Inbound::default(),
            certified,
            shown: knock.shown.clone(),
            messages: std::collections::VecDeque::new(),
        };
        let session = admission.session();
        let key = match SessionKey::generate() {
            Ok(key) => Arc::new(key),
            Err(error) => return tracing::error!(%error, "no session key could be made"),
        };
        let mut opened = Session::new(kept, key, SessionState::Open);
        opened.fresh = Some((knock.invite, knock.question));
        self.sessions.insert(session, opened);
        // Remembered before the other side hears that it is open: whoever is told of it finds it again.
        let written = self.keeper.save_now(Slot::Sessions, &self.kept_sessions());
        if !matches!(written.await, Ok(Ok(()))) {
            self.alarm(format!("the session with {name} could not be written to disk"), Some(peer));
        }
        self.attach(session, *channel);
        self.give_to_admitted(peer, &terms, admission.verified()).await;
        self.keep_sessions();
        self.note(
            "session",
            Some(peer),
            Some(name.to_string()),
            format!("session opened, verified: {}", admission.verified()),
        );
        self.retract(knock.question, Over::Accepted, "accepted", None).await;
    }

    /// The inviter's id and the invitee's.
    fn both_ids(&self, ours: bool, peer: &PeerId) -> [u8; 64] {
        let (inviter, invitee) = if ours { (&self.my_id, peer) } else { (peer, &self.my_id) };
        let mut both = [0; 64];
        both[..32].copy_from_slice(inviter.as_bytes());
        both[32..].copy_from_slice(invitee.as_bytes());
        both
    }

    fn name_after(&self, admission: &Admission) -> DisplayName {
        let stored = self.people.find(&admission.peer()).filter(|p| p.is_known()).map(|p| p.name.clone());
        let fallback = || DisplayName::new(&format!("device {}", admission.peer().short()));
        // A known device may have changed its name; it is proven now, so its own word counts.
        admission.name().cloned().or(stored).or_else(|| fallback().ok()).unwrap_or_else(|| self.unnamed())
    }

    /// Stores what was proven. Trust is on disk before the session is used.
    async fn remember_person(
        &mut self,
        admission: &Admission,
        name: &DisplayName,
        always: bool,
        route: Option<SocketAddr>,
    ) {
        let (peer, unix) = (admission.peer(), self.clock.unix());
        let verified = admission.verified();
        let before = self.people.find(&peer).cloned();
        let mut person = before.clone().unwrap_or_else(|| Person {
            name: name.clone(),
            trust: Trust::New,
            verified,
            pair_key: None,
            since: unix,
            last_seen: unix,
            routes: vec![],
            always: false,
            certified: None,
            identity: None,
            radio: None,
            web: None,
            heir: None,
            told_heir: None,
        });
        person.name = name.clone();
        person.last_seen = unix;
        person.always |= always && verified != Verified::No;
        if let Some(route) = route {
            person.reached_at(route);
        }
        if let Some(key) = admission.pair_key() {
            person.pair_key = Some(key.clone());
            person.verified = verified;
            // A block is taken back by hand only.
            if person.trust != Trust::Blocked {
                person.trust = Trust::Verified;
            }
        }
        self.people.insert(peer, person);
        if before.is_none() {
            self.note(
                "met",
                Some(peer),
                Some(name.to_string()),
                format!("met for the first time, verified: {verified}"),
            );
        }
        let written = self.keeper.save_now(Slot::People, &self.people);
        if !matches!(written.await, Ok(Ok(()))) {
            self.alarm(format!("what was agreed with {name} could not be written to disk"), Some(peer));
        }
        self.people_changed();
    }

    /// Who they are by a certificate, and as whom we met them, for the next time.
    fn remember_certificates(
        &mut self,
        peer: PeerId,
        name: &DisplayName,
        certified: Option<Box<CertifiedRow>>,
        shown: Option<&Shown>,
    ) {
        let Some(person) = self.people.find_mut(&peer) else { return };
        if let Some(shown) = shown {
            person.identity = Some(shown.id.clone());
        }
        let before = certified.as_ref().and_then(|now| person.certified.replace(now.clone()));
        if let (Some(before), Some(now)) = (before, certified)
            && differs(&before, &now)
        {
            let message = format!(
                "{name} was certified as {:?} before, and is certified as {:?} now",
                before.subject, now.subject
            );
            self.alarm(message, Some(peer));
        }
        self.keeper.save(Slot::People, &self.people);
    }

    /// Gives a session its (new) connection.
    pub(crate) fn attach(&mut self, id: SessionId, channel: Channel<Proven>) {
        let (cancel, unix) = (self.cancel.child_token(), self.clock.unix());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.generations += 1;
        if !session.key.is_fresh(unix)
            && let Ok(key) = SessionKey::generate()
        {
            session.key = Arc::new(key);
        }
        session.proof = Some(Arc::clone(channel.proof()));
        let remote = channel.remote_addr();
        if channel.is_client() && is_web(remote) && session.kept.web.is_none() {
            // By what is remembered of the device; lanes go the same way.
            session.kept.web = self.people.find(&session.kept.peer).and_then(|person| person.web.clone());
        }
        let web = session.kept.web.clone().filter(|_| channel.is_client());
        if channel.is_client() && is_place(remote) {
            session.kept.routes.retain(|r| *r != remote);
            session.kept.routes.insert(0, remote);
            session.kept.routes.truncate(8);
        }
        let generation = Generation(session.generations);
        let link = Link::start(id, generation, channel, self.events.clone(), &self.tasks, cancel, self.clock);
        session.link = Some(link);
        session.their_lane = None;
        session.redial_at = None;
        session.crossed = false;
        if let Some(attempt) = session.redialling.take() {
            attempt.cancel();
        }
        session.backoff.up(self.clock.now());
        let peer = session.kept.peer;
        let known = self.people.find(&peer).is_some_and(Person::is_known);
        let radio = known.then(|| self.radio.key().clone());
        let keys = Frame::Keys { lane: hither_identity::Credential::peer_id(&*session.key), name: None, radio };
        session.post(keys);
        for frame in session.kept.outbox.resend() {
            session.post(frame);
        }
        self.tell_heir(id);
        let now = self.clock.now();
        let consent = Consent::reconnect(id.to_string(), vec![remote], now);
        if let (Some(session), Ok(grant)) = (self.sessions.get_mut(&id), self.gate.dial(consent, now)) {
            session.grant = Some(Arc::new(grant));
        }
        if is_web(remote) {
            // Beyond this network, so not near.
            self.led_by_web(&peer, web.as_ref());
        } else {
            self.directory.connected(peer, Some(remote));
        }
        self.show_changes();
        self.publish_door();
    }

    /// Both sides are ready: the faces hear of it, and can use it at once.
    pub(super) fn session_ready(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some((invite, question)) = session.fresh.take() {
            let (peer, verified) = (session.kept.peer, session.kept.verified);
            self.tell(News::Accepted { invite: Some(invite), session: id, peer, verified });
            if let Some(id) = question {
                self.tell(News::QuestionGone { id, why: "accepted".into(), code: None });
            }
        }
        self.tell_session(id);
    }

    /// Ends a session; `tell_peer` sends a reason first.
    pub(crate) fn close_session(&mut self, id: SessionId, why: &str, tell_peer: bool) {
        let Some(mut session) = self.sessions.remove(&id) else { return };
        if let Some((invite, question)) = session.fresh {
            if let Some(id) = question {
                self.tell(News::QuestionGone { id, why: why.to_owned(), code: Some(ErrorCode::Interrupted) });
            }
            let failure = Failure::new(ErrorCode::Interrupted, format!("the session ended before it began: {why}"));
            self.tell(News::InviteEnded { invite, failure });
        }
        if tell_peer {
            session.post(Frame::Close { why: Some(why.to_owned()) });
        }
        if let Some(attempt) = session.redialling.take() {
            attempt.cancel();
        }
        if let Some(grant) = session.grant.take() {
            grant.end();
        }
        let peer = session.kept.peer;
        self.end_lanes_of(id);
        self.end_loans_of(id, why);
        self.transfers_without_session(peer, why);
        if !self.sessions.values().any(|s| s.kept.peer == peer && s.link.is_some()) {
            self.directory.connected(peer, None);
        }
        if let Some(person) = self.people.find_mut(&peer) {
            person.last_seen = self.clock.unix();
        }
        self.keep_sessions();
        self.publish_door();
        self.note("session", Some(peer), Some(session.kept.name.to_string()), format!("session closed: {why}"));
        self.tell(News::SessionClosed { session: id, peer, why: why.to_owned() });
        self.show_changes();
    }

    /// Sessions with a device, newest first.
    pub(crate) fn sessions_with(&self, peer: &PeerId) -> Vec<SessionId> {
        let mut found: Vec<(u64, SessionId)> =
            self.sessions.iter().filter(|(_, s)| s.kept.peer == *peer).map(|(id, s)| (s.kept.opened, *id)).collect();
        found.sort_by(|a, b| b.cmp(a));
        found.into_iter().map(|(_, id)| id).collect()
    }

    pub(crate) fn session_mut(&mut self, id: SessionId) -> Result<&mut Session, Failure> {
        self.sessions.get_mut(&id).ok_or_else(|| {
            Failure::new(ErrorCode::Stale, "that session is over").hint("run `hither invite` for a new one")
        })
    }
}

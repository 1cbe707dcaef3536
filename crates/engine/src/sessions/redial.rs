//! Taking a session up again: both sides try while both want it, with back-off (R7.8), the one that invited first. Where
//! both succeed at the same moment, the inviter's connection wins (T15).

use super::{Generation, Session};
use crate::{
    calling::Dialling,
    clock::random,
    directory::DeviceId,
    event::Event,
    knocks::{Silence, Wire},
    state::State,
    web::Outward,
};
use hither_capability::{Consent, radio_address};
use hither_model::{Failure, PeerId, SessionId, SessionState};
use hither_protocol::{Frame, Hello, No, epoch, known_rid};
use hither_socket::Expected;
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// What came of an attempt.
pub(crate) enum Redialled {
    /// The other side goes on with it.
    Up(Box<Wire>),
    /// The other side does not know the session any more.
    Unknown,
    /// Not reached, or it is busy with its own attempt.
    Failed(String),
}

/// Head start of the inviter, milliseconds.
const HEAD_START: u64 = 700;
/// How long the answer to a resume may take.
const ANSWER: Duration = Duration::from_secs(10);

impl State {
    /// A session's connection is gone.
    pub(crate) fn session_lost(&mut self, id: SessionId, generation: Generation, why: &str) {
        let now = self.clock.now();
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.link.as_ref().is_none_or(|link| link.generation != generation) {
            return;
        }
        tracing::debug!(session = %id.short(), why, "a session lost its connection");
        session.backoff.down(now);
        if session.drain.is_some() {
            return self.close_session(id, "closed", false);
        }
        session.state = SessionState::Reconnecting;
        session.redial_at = Some(now + if session.kept.inviter { 0 } else { HEAD_START });
        let peer = session.kept.peer;
        self.disconnect(id);
        self.directory.connected(peer, None);
        self.tell_session(id);
        self.show_changes();
    }

    /// Lets go of a session's connection and of everything that was under way on it.
    fn disconnect(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.link = None;
        session.their_lane = None;
        session.offers.clear();
        session.fetch.clear();
        session.dialling_back = false;
        let peer = session.kept.peer;
        self.end_lanes_of(id);
        self.interrupt_transfers_with(peer, "the connection is being made again");
    }

    /// Sessions that were open when the agent stopped are taken up again.
    pub(crate) fn revive_sessions(&mut self, kept: crate::store::KeptSessions) {
        let now = self.clock.now();
        for (id, kept) in kept {
            let Ok(key) = hither_identity::SessionKey::generate() else { continue };
            let mut session = Session::new(kept, Arc::new(key), SessionState::Reconnecting);
            session.redial_at = Some(now + if session.kept.inviter { 0 } else { HEAD_START });
            self.sessions.insert(id, session);
        }
    }

    /// Starts the attempts that are due.
    pub(crate) fn redials_due(&mut self) {
        let now = self.clock.now();
        let due: Vec<SessionId> =
            self.sessions.iter().filter(|(_, s)| s.redial_at.is_some_and(|at| at <= now)).map(|(id, _)| *id).collect();
        for id in due {
            self.redial(id);
        }
    }

    pub(crate) fn redials_deadline(&self) -> Option<u64> {
        self.sessions.values().filter_map(|s| s.redial_at).min()
    }

    /// The network changed or the device was heard: waiting attempts start at once.
    pub(crate) fn redial_soon(&mut self, peer: Option<PeerId>) {
        let now = self.clock.now();
        for session in self.sessions.values_mut() {
            let meant = peer.is_none_or(|peer| session.kept.peer == peer);
            if meant && session.redial_at.is_some() {
                session.backoff.network_changed();
                session.redial_at = Some(now + if session.kept.inviter { 0 } else { HEAD_START });
            }
        }
    }

    fn redial(&mut self, id: SessionId) {
        let now = self.clock.now();
        let (credential, profile, unix) = (self.credential(), self.profile(), self.clock.unix());
        let Some((peer, web)) = self.sessions.get(&id).map(|s| (s.kept.peer, s.kept.web.clone())) else { return };
        let web = web.or_else(|| self.people.find(&peer)?.web.clone()).and_then(|route| self.outward(&route));
        let as_friend = self.known_rids(&peer, None);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.redial_at = None;
        let reach = self.directory.reach(&DeviceId::Met(peer), &self.people);
        let (mut routes, radio) = reach.map(|reach| (reach.routes, reach.radio)).unwrap_or_default();
        routes.extend(session.kept.routes.iter().copied());
        routes.extend(web.as_ref().map(Outward::address));
        if self.radio.ble.is_some() {
            routes.extend(radio.iter().map(|source| radio_address(*source.as_bytes())));
        }
        let mut seen = std::collections::BTreeSet::new();
        routes.retain(|r| seen.insert(*r));
        let here = epoch(unix);
        let rids = [here, here.wrapping_sub(1), here.wrapping_add(1)];
        let mut rids = rids.map(|e| known_rid(&session.kept.resume_key, e, &peer)).to_vec();
        // Where the session is not known any more, a friend is still let in to be told so.
        rids.extend(as_friend);
        let consent = Consent::reconnect(peer.to_string(), routes.clone(), now);
        let grant = match self.gate.dial(consent, now) {
            Ok(grant) => Arc::new(grant),
            Err(denied) => {
                tracing::info!(%denied, "a session cannot be taken up again yet");
                let [a, b, c, d] = random();
                session.redial_at = Some(now + session.backoff.next(u32::from_be_bytes([a, b, c, d])));
                return;
            }
        };
        let (cancel, ble) = (self.cancel.child_token(), self.radio.ble.clone());
        session.redialling = Some(cancel.clone());
        let dialling =
            Dialling { grant, routes, rids, expected: Expected::Only(peer), me: credential, profile, ble, web };
        let events = self.events.clone();
        self.tasks.spawn(async move {
            let outcome = tokio::select! {
                outcome = resume(id, dialling) => outcome,
                () = cancel.cancelled() => return,
            };
            let _ = events.send(Event::Redialled { session: id, outcome: Box::new(outcome) }).await;
        });
    }

    /// One of our attempts is over.
    pub(crate) fn redialled(&mut self, id: SessionId, outcome: Redialled) {
        let now = self.clock.now();
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.redialling = None;
        if session.link.is_some() {
            return;
        }
        match outcome {
            Redialled::Up(wire) => {
                let Wire::Known(channel) = *wire else { return };
                session.state = SessionState::Open;
                self.attach(id, channel);
                self.tell_session(id);
                tracing::debug!(session = %id.short(), "a session is up again");
            }
            Redialled::Unknown => self.close_session(id, "the other side has ended it", false),
            Redialled::Failed(why) => {
                let [a, b, c, d] = random();
                let wait = session.backoff.next(u32::from_be_bytes([a, b, c, d]));
                tracing::debug!(session = %id.short(), why, wait, "a session could not be taken up again yet");
                session.redial_at = Some(now + wait);
                let device = DeviceId::Met(session.kept.peer);
                self.directory.failed(&device);
                self.show_changes();
            }
        }
    }

    /// The other side wants to take a session up again.
    pub(crate) fn resumed_by_peer(&mut self, id: SessionId, mut wire: Wire, from: SocketAddr) {
        if self.sessions.get(&id).is_some_and(|s| s.kept.peer == wire.peer() && s.drain.is_some()) {
            // It lost the connection before it heard that we finish: it hears it now.
            self.close_session(id, "closed", false);
        }
        let known = self.sessions.get(&id).is_some_and(|s| s.kept.peer == wire.peer());
        let Some(session) = self.sessions.get_mut(&id).filter(|_| known) else {
            self.tasks.spawn(wire.reply_and_close(Frame::No { why: No::Unknown }));
            return;
        };
        // Ours is under way and has the right of way, once.
        if session.kept.inviter && session.redialling.is_some() && !session.crossed {
            session.crossed = true;
            self.tasks.spawn(wire.reply_and_close(Frame::No { why: No::Busy }));
            return;
        }
        if let Some(attempt) = session.redialling.take() {
            attempt.cancel();
        }
        session.redial_at = None;
        let events = self.events.clone();
        tracing::debug!(session = %id.short(), %from, "the other side takes a session up again");
        self.tasks.spawn(async move {
            let outcome = match wire.say(&Frame::Resumed).await {
                Ok(()) => Redialled::Up(Box::new(wire)),
                Err(_) => Redialled::Failed("the connection broke again".into()),
            };
            let _ = events.send(Event::Resumed { session: id, outcome: Box::new(outcome) }).await;
        });
    }

    /// The answer to the other side's resume is out: its connection replaces whatever we had.
    pub(crate) fn resumed(&mut self, id: SessionId, outcome: Redialled) {
        self.disconnect(id);
        self.redialled(id, outcome);
    }
}

async fn resume(session: SessionId, dialling: Dialling) -> Redialled {
    let outcome: Result<(Wire, SocketAddr), Failure> = dialling.run().await;
    let mut wire = match outcome {
        Ok((wire, _)) => wire,
        Err(failure) => return Redialled::Failed(failure.message),
    };
    let answer = tokio::time::timeout(ANSWER, async {
        wire.say(&Hello::Resume { session }).await?;
        wire.next().await
    });
    match answer.await {
        Ok(Ok(Frame::Resumed)) => Redialled::Up(Box::new(wire)),
        Ok(Ok(Frame::No { why: No::Unknown })) => Redialled::Unknown,
        Ok(Ok(_)) => Redialled::Failed("the other side is busy".into()),
        Ok(Err(Silence::Lost)) => Redialled::Failed("the connection broke again".into()),
        Ok(Err(Silence::Breach(breach))) => Redialled::Failed(breach.to_string()),
        Err(_) => Redialled::Failed("no answer".into()),
    }
}

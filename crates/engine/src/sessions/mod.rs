//! Open sessions: what both sides agreed to, over whichever connection stands at the moment.

mod drain;
mod frames;
mod link;
mod open;
mod redial;
mod say;

pub(crate) use link::{Generation, Link};
pub(crate) use redial::Redialled;

use crate::{lanes::Pipes, state::State, store::KeptSession};
use drain::Drain;
use hither_capability::{Dial, Grant, is_web, radio_of};
use hither_identity::{Credential, SessionKey};
use hither_model::{
    CertificateFacts, ErrorCode, Failure, InviteId, Negotiated, PeerId, ProtectionLevel, QuestionId, SessionId,
    SessionState,
    row::{MessageRow, SessionRow},
};
use hither_protocol::{
    Backoff,
    session::{FetchIntake, Frame, OfferIntake},
};
use hither_socket::Proof;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Messages kept for each session, and their bytes: as many as can be listed in one answer, however they are escaped.
pub(crate) const MAX_MESSAGES: usize = 1_000;
pub(crate) const MAX_MESSAGE_BYTES: usize = 512 << 10;

/// One session.
pub(crate) struct Session {
    pub(crate) kept: KeptSession,
    pub(crate) state: SessionState,
    /// Shown on lanes, so that a card signs once per session.
    pub(crate) key: Arc<SessionKey>,
    /// What the peer shows on lanes.
    pub(crate) their_lane: Option<PeerId>,
    pub(crate) link: Option<Link>,
    /// What was read from the live connection, or the last one.
    pub(crate) proof: Option<Arc<Proof>>,
    /// Leave to dial exactly the peer's address; ends with the session (R1.11).
    pub(crate) grant: Option<Arc<Grant<Dial>>>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) offers: BTreeMap<hither_model::TransferId, OfferIntake>,
    pub(crate) fetch: BTreeMap<hither_model::TransferId, FetchIntake>,
    pub(crate) backoff: Backoff,
    /// When to try to take it up again, monotonic milliseconds.
    pub(crate) redial_at: Option<u64>,
    /// The attempt that is under way.
    pub(crate) redialling: Option<CancellationToken>,
    /// A resume from the other side was refused in favour of our own attempt.
    pub(crate) crossed: bool,
    /// The invite that led here, until both sides are ready and the faces were told.
    pub(crate) fresh: Option<(InviteId, Option<QuestionId>)>,
    /// Its open pipes.
    pub(crate) pipes: Pipes,
    /// We try whether the other side can be reached, as it asked.
    pub(crate) dialling_back: bool,
    /// Set while it is being finished.
    pub(crate) drain: Option<Drain>,
    /// Numbers the connections of this session.
    pub(crate) generations: u64,
}

impl Session {
    pub(crate) fn new(kept: KeptSession, key: Arc<SessionKey>, state: SessionState) -> Self {
        Self {
            kept,
            state,
            key,
            their_lane: None,
            link: None,
            proof: None,
            grant: None,
            bytes_in: 0,
            bytes_out: 0,
            offers: BTreeMap::new(),
            fetch: BTreeMap::new(),
            backoff: Backoff::new(),
            redial_at: None,
            redialling: None,
            crossed: false,
            fresh: None,
            pipes: Pipes::default(),
            dialling_back: false,
            drain: None,
            generations: 0,
        }
    }

    /// Whether frames can be sent now.
    pub(crate) fn is_up(&self) -> bool {
        self.link.is_some() && self.their_lane.is_some()
    }

    /// Sends a frame; false if there is no connection or it is stuck.
    pub(crate) fn post(&self, frame: Frame) -> bool {
        self.link.as_ref().is_some_and(|link| link.frames.try_send(frame).is_ok())
    }

    /// The credential for lanes.
    pub(crate) fn credential(&self) -> Arc<dyn Credential> {
        Arc::clone(&self.key) as Arc<dyn Credential>
    }

    pub(crate) fn row(&self, id: SessionId) -> SessionRow {
        let blank = || CertificateFacts {
            subject: String::new(),
            issuer: String::new(),
            not_before: String::new(),
            not_after: String::new(),
            sha256: String::new(),
            spki_sha256: self.kept.peer,
            key: String::new(),
            source: hither_model::CertificateSource::Local,
        };
        let none =
            || Negotiated { version: String::new(), cipher: String::new(), kx: String::new(), alpn: String::new() };
        let proof = self.proof.as_ref();
        SessionRow {
            session: id,
            peer: self.kept.peer,
            name: self.kept.name.to_string(),
            verified: self.kept.verified,
            state: self.state,
            requested: proof.map_or(ProtectionLevel::Tls13, |p| p.requested),
            negotiated: proof.map_or_else(none, |p| p.negotiated.clone()),
            local_certificate: proof.map_or_else(blank, |p| p.local_certificate.clone()),
            peer_certificate: proof.map_or_else(blank, |p| p.peer_certificate.clone()),
            certified: self.kept.certified.clone(),
            shown: self.kept.shown.as_ref().map(|shown| Box::new(shown.row.clone())),
            route: self.route().map(shown).unwrap_or_default(),
            rtt_us: self.link.as_ref().map_or(0, Link::rtt_us),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            opened: self.kept.opened,
        }
    }

    pub(crate) fn route(&self) -> Option<SocketAddr> {
        self.link.as_ref().map(|link| link.remote).or_else(|| self.kept.routes.first().copied())
    }

    pub(crate) fn remember(&mut self, message: MessageRow) {
        let messages = &mut self.kept.messages;
        messages.push_back(message);
        let mut bytes: usize = messages.iter().map(|m| m.text.len()).sum();
        // The newest stays, however long it is.
        while messages.len() > 1 && (messages.len() > MAX_MESSAGES || bytes > MAX_MESSAGE_BYTES) {
            bytes -= messages.pop_front().map_or(0, |m| m.text.len());
        }
    }
}

/// A route as people see it.
fn shown(route: SocketAddr) -> String {
    match radio_of(route) {
        Some(_) => "bluetooth".to_owned(),
        None if is_web(route) => "websocket".to_owned(),
        None => route.to_string(),
    }
}

impl State {
    /// The session named by its id, a beginning of it, or the device it is with.
    pub(crate) fn session_named(&self, wanted: &str) -> Result<SessionId, Failure> {
        let wanted = wanted.trim();
        let lower = wanted.to_lowercase();
        let by = |test: &dyn Fn(&SessionId, &Session) -> bool| -> Vec<SessionId> {
            self.sessions.iter().filter(|(id, s)| test(id, s)).map(|(id, _)| *id).collect()
        };
        let mut found = by(&|_, s| s.kept.name.as_str() == wanted);
        if found.is_empty() && lower.len() >= 4 {
            found = by(&|id, s| id.to_string().starts_with(&lower) || s.kept.peer.to_string().starts_with(&lower));
        }
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(Failure::new(ErrorCode::UnknownId, format!("there is no open session with {wanted:?}"))
                .hint("run `hither sessions` to see them, or `hither invite` to open one")),
            [first, ..] => {
                let same = found.iter().all(|id| {
                    self.sessions.get(id).map(|s| s.kept.peer) == self.sessions.get(first).map(|s| s.kept.peer)
                });
                // Several sessions with one device: the newest is meant.
                let newest = found.iter().max_by_key(|id| self.sessions.get(id).map(|s| s.kept.opened)).copied();
                newest.filter(|_| same).ok_or_else(|| {
                    Failure::new(ErrorCode::UnknownId, format!("{wanted:?} could be several sessions"))
                        .hint("name it by its id: run `hither sessions`")
                })
            }
        }
    }

    pub(crate) fn session_rows(&self) -> Vec<SessionRow> {
        let mut rows: Vec<SessionRow> = self.sessions.iter().map(|(id, s)| s.row(*id)).collect();
        rows.sort_by_key(|r| r.opened);
        rows
    }

    /// Tells everybody how a session stands now.
    pub(crate) fn tell_session(&self, id: SessionId) {
        if let Some(session) = self.sessions.get(&id) {
            self.tell(hither_model::News::Session { session: Box::new(session.row(id)) });
        }
    }

    /// The sessions that should survive a restart have changed.
    pub(crate) fn keep_sessions(&mut self) {
        self.stale_sessions.mark();
    }

    /// The same; the receiver hears when it is on disk.
    pub(crate) fn keep_sessions_now(&mut self) -> tokio::sync::oneshot::Receiver<std::io::Result<()>> {
        self.stale_sessions.mark_and_wait()
    }

    pub(crate) fn kept_sessions(&self) -> BTreeMap<&SessionId, &KeptSession> {
        // One that is being finished is not taken up again.
        self.sessions.iter().filter(|(_, s)| s.drain.is_none()).map(|(id, s)| (id, &s.kept)).collect()
    }
}

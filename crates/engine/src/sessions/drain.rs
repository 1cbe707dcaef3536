//! The orderly end of a session: nothing new is begun, what was begun ends, and when neither side has anything left both
//! let go. Each side says `drain` once, and `drained` when it has nothing left; whoever said and heard that closes.

use super::Session;
use crate::state::State;
use hither_model::{ErrorCode, Failure, SessionId, SessionState, TransferState};
use hither_protocol::session::Frame;

/// How long the other side may take to find that nothing is left, milliseconds. Everything both know of has ended then.
const PATIENCE: u64 = 30_000;

/// How far the end has come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Drain {
    /// The person here wanted it.
    ours: bool,
    /// When we said that nothing is left here, monotonic milliseconds.
    said: Option<u64>,
    /// They said that nothing is left there.
    heard: bool,
}

impl State {
    /// A person finishes a session; asked a second time, it ends where it stands.
    pub(crate) fn finish_session(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let again = session.drain.is_some_and(|drain| drain.ours);
        if again || !session.is_up() || !session.post(Frame::Drain) {
            return self.close_session(id, "closed", true);
        }
        self.drain(id, true);
    }

    /// The other side wants to finish.
    pub(super) fn drain_heard(&mut self, id: SessionId) {
        self.drain(id, false);
    }

    /// Nothing is left at the other side.
    pub(super) fn drained_heard(&mut self, id: SessionId) {
        self.drain(id, false);
        if let Some(drain) = self.sessions.get_mut(&id).and_then(|s| s.drain.as_mut()) {
            drain.heard = true;
        }
    }

    fn drain(&mut self, id: SessionId, ours: bool) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let begun = session.drain.is_none();
        session.drain.get_or_insert_default().ours |= ours;
        if begun {
            session.state = SessionState::Draining;
            self.keep_sessions();
            self.tell_session(id);
            // They have no end of their own that could be waited for.
            self.end_loans_of(id, "the session is being closed");
        }
    }

    /// Sessions that are being finished and have nothing left say so, or end.
    pub(crate) fn drains_due(&mut self) {
        let now = self.clock.now();
        let draining: Vec<SessionId> =
            self.sessions.iter().filter(|(_, s)| s.drain.is_some()).map(|(id, _)| *id).collect();
        for id in draining {
            if self.has_unfinished(id) {
                continue;
            }
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            let Some(mut drain) = session.drain else { continue };
            if drain.said.is_none() && session.post(Frame::Drained) {
                drain.said = Some(now);
                session.drain = Some(drain);
            }
            if drain.said.is_some_and(|at| drain.heard || at + PATIENCE <= now) {
                self.close_session(id, if drain.ours { "closed" } else { "the other side: closed" }, true);
            }
        }
    }

    pub(crate) fn drains_deadline(&self) -> Option<u64> {
        self.sessions.values().filter_map(|s| s.drain?.said).map(|at| at + PATIENCE).min()
    }

    /// Whether anything that was begun in the session is still under way.
    fn has_unfinished(&self, id: SessionId) -> bool {
        let Some(session) = self.sessions.get(&id) else { return false };
        let moves = |state| matches!(state, TransferState::Accepted | TransferState::Moving | TransferState::Checking);
        session.kept.outbox.waiting() > 0
            || session.pipes.open() > 0
            || self.lanes.values().any(|lane| lane.session == id)
            || self.transfers.values().any(|t| t.kept.peer == session.kept.peer && moves(t.kept.state))
    }

    /// Whether something new may begin in a session.
    pub(crate) fn takes_new(&self, id: SessionId) -> Result<(), Failure> {
        match self.sessions.get(&id) {
            Some(Session { drain: Some(_), .. }) => {
                Err(Failure::new(ErrorCode::Stale, "the session is being closed; what was begun is finished first")
                    .hint("run `hither invite` for a new one"))
            }
            _ => Ok(()),
        }
    }

    /// The session of that name, if something new may begin in it.
    pub(crate) fn session_for_new(&self, wanted: &str) -> Result<SessionId, Failure> {
        let id = self.session_named(wanted)?;
        self.takes_new(id).map(|()| id)
    }
}

//! Text messages: kept until the other side has them, each taken once (M11).

use crate::{clock::random, state::State};
use hither_model::{
    ErrorCode, Failure, News, QuestionId, SessionId,
    row::{Direction, MessageRow},
};
use hither_protocol::session::Frame;

impl State {
    /// Queues a message; it goes out at once if the session is connected, else when it is again.
    pub(crate) fn say(&mut self, id: SessionId, text: String) -> Result<u64, Failure> {
        let at = self.clock.unix();
        let session = self.session_mut(id)?;
        let bytes = text.len() as u64;
        let frame = session.kept.outbox.say(text.clone()).map_err(Failure::from)?;
        let Frame::Say { number, .. } = frame else {
            return Err(Failure::new(ErrorCode::Internal, "a message has no number"));
        };
        session.post(frame);
        session.bytes_out += bytes;
        let (peer, name, direction) = (session.kept.peer, session.kept.name.to_string(), Direction::Out);
        let message = MessageRow { session: id, peer, name, direction, text, delivered: false, at, number };
        session.remember(message.clone());
        self.keep_sessions();
        self.tell(News::Message { message });
        Ok(number)
    }

    /// A message came.
    pub(super) fn said_to_us(&mut self, id: SessionId, number: u64, text: String) {
        let at = self.clock.unix();
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let taken = match session.kept.inbound.take(number) {
            Ok(taken) => taken,
            Err(breach) => return self.breach(id, &breach.to_string()),
        };
        if taken {
            session.bytes_in += text.len() as u64;
            let (peer, name, direction) = (session.kept.peer, session.kept.name.to_string(), Direction::In);
            let message = MessageRow { session: id, peer, name, direction, text, delivered: true, at, number };
            session.remember(message.clone());
            self.tell(News::Message { message });
        }
        // The other side lets go of the message when it hears that we have it: so it is on disk first.
        let written = self.keep_sessions_now();
        let Some(frames) = self.sessions.get(&id).and_then(|s| s.link.as_ref()).map(|l| l.frames.clone()) else {
            return;
        };
        self.tasks.spawn(async move {
            if matches!(written.await, Ok(Ok(()))) {
                let _ = frames.send(Frame::Said { number }).await;
            }
        });
    }

    /// The other side has a message of ours.
    pub(super) fn delivered(&mut self, id: SessionId, number: u64) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match session.kept.outbox.said(number) {
            Ok(true) => {
                let ours = |m: &&mut MessageRow| m.direction == Direction::Out && m.number == number;
                if let Some(message) = session.kept.messages.iter_mut().find(ours) {
                    message.delivered = true;
                }
                self.keep_sessions();
                self.tell(News::MessageDelivered { session: id, number });
            }
            Ok(false) => {}
            Err(breach) => self.breach(id, &breach.to_string()),
        }
    }

    /// The other program broke the protocol: the session ends with a word.
    pub(crate) fn breach(&mut self, id: SessionId, what: &str) {
        tracing::warn!(session = %id.short(), what, "the other program broke the protocol");
        self.close_session(id, &format!("the other program broke the protocol: {what}"), true);
    }

    /// A fresh name for a question.
    pub(crate) fn next_question(&self) -> QuestionId {
        QuestionId::new(random())
    }
}

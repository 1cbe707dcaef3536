//! What the frames of an open session do.

use super::Generation;
use crate::state::State;
use hither_model::{DisplayName, SessionId};
use hither_protocol::session::Frame;

impl State {
    /// A frame came on the session's present connection.
    pub(crate) async fn session_heard(&mut self, id: SessionId, generation: Generation, frame: Frame) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.link.as_ref().is_none_or(|link| link.generation != generation) {
            return;
        }
        match frame {
            Frame::Keys { lane, name, radio } => {
                session.their_lane = Some(lane);
                let peer = session.kept.peer;
                if let Some(name) = name.as_deref().and_then(DisplayName::cleaned) {
                    session.kept.name = name;
                }
                self.know_radio(peer, radio);
                self.publish_door();
                self.session_ready(id);
                self.go_on_with_transfers(id);
            }
            Frame::Heir { statement } => self.heir_named(id, &statement.0).await,
            Frame::HeirKept { heir } => self.heir_kept(id, heir),
            Frame::Ping { .. } | Frame::Pong { .. } => {}
            Frame::Say { number, text } => self.said_to_us(id, number, text),
            Frame::Said { number } => self.delivered(id, number),
            Frame::Drain => self.drain_heard(id),
            Frame::Drained => self.drained_heard(id),
            Frame::Close { why } => {
                let why = why.unwrap_or_else(|| "closed".into());
                self.close_session(id, &format!("the other side: {}", hither_model::text::printable(&why)), false);
            }
            Frame::DialBack { port } => self.dial_back(id, port),
            Frame::DialBackResult { reached, why } => self.dialled_back(id, reached, why),
            Frame::OpenLane { lane, rid, purpose } => self.lane_wanted(id, lane, rid, purpose),
            Frame::LaneAnswer { lane, ok, code, why } => self.lane_answered(id, lane, ok, code, why),
            other => self.transfer_heard(id, other).await,
        }
    }
}

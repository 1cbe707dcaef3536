//! Byte streams for any program: a client of ours on one end, a client of theirs on the other.

use super::Use;
use crate::{
    handle::{ClientId, PipeAsk, StreamSlot},
    state::State,
};
use hither_model::{ErrorCode, Failure, LaneId, PeerId, SessionId};
use hither_protocol::session::Purpose;
use hither_socket::{Channel, Proven};

/// A client that waits for a pipe.
pub(crate) struct PipeListener {
    pub(crate) client: ClientId,
    name: Option<String>,
    from: Option<PeerId>,
    stream: StreamSlot,
}

impl State {
    /// A client wants a pipe.
    pub(crate) fn pipe(&mut self, client: ClientId, ask: PipeAsk, stream: StreamSlot) {
        match ask {
            PipeAsk::To { peer, name } => match self.session_for_new(&peer) {
                Ok(session) => self.request_lane(session, Purpose::Pipe { name }, Use::Pipe(stream)),
                Err(failure) => {
                    let _ = stream.send(Err(failure));
                }
            },
            PipeAsk::Listen { name, from } => {
                let from = match from.map(|wanted| self.peer_named(&wanted)).transpose() {
                    Ok(from) => from,
                    Err(failure) => {
                        let _ = stream.send(Err(failure));
                        return;
                    }
                };
                self.pipes.push(PipeListener { client, name, from, stream });
            }
        }
    }

    /// The other side wants a pipe: the first client that waits for one like it gets it.
    pub(super) fn pipe_wanted(&mut self, session: SessionId, name: Option<&str>) -> Result<StreamSlot, Failure> {
        let peer = self.sessions.get(&session).map(|s| s.kept.peer);
        self.pipes.retain(|p| !p.stream.is_closed());
        let fits = |p: &PipeListener| p.name.as_deref() == name && p.from.is_none_or(|from| Some(from) == peer);
        match self.pipes.iter().position(fits) {
            Some(index) => Ok(self.pipes.remove(index).stream),
            None => Err(Failure::new(ErrorCode::Declined, "nobody listens for that pipe there")
                .hint("ask them to run `hither pipe --listen` first")),
        }
    }

    pub(super) fn pipe_on(&mut self, lane: LaneId, session: SessionId, client: StreamSlot, channel: Channel<Proven>) {
        tracing::debug!(lane = %lane.short(), session = %session.short(), "a pipe is open");
        let Some(open) = self.sessions.get(&session) else { return };
        let stream = open.pipes.leash(channel.into_stream(), self.events.clone());
        let _ = client.send(Ok(Box::new(stream)));
    }
}

//! Lanes: further TLS connections of a session, for bulk and pipes, dialled by the side that dialled the session and
//! proven by the session's own short-lived certificates.

mod leash;
mod pipes;

pub(crate) use leash::Pipes;
pub(crate) use pipes::PipeListener;

use crate::{
    calling::Dialling,
    clock::random,
    event::Event,
    handle::StreamSlot,
    knocks::Wire,
    services::{Borrow, Lend, Seek},
    state::State,
};
use hither_model::{ErrorCode, Failure, LaneId, Rid, SessionId, TransferId};
use hither_protocol::session::{Frame, Purpose};
use hither_socket::{Channel, Expected, Proven};
use std::sync::Arc;

/// How long the other side may take to come to a lane, milliseconds.
const ARRIVAL: u64 = 20_000;
/// Lanes of one session at a time.
const MAX_LANES: usize = 64;

/// What a lane is for here.
pub(crate) enum Use {
    /// We send the files of a transfer.
    Send(TransferId),
    /// We receive them.
    Receive(TransferId),
    /// A byte stream for a client of ours.
    Pipe(StreamSlot),
    /// A device uses a service of ours.
    Lend(Box<Lend>),
    /// A program of ours uses a service of theirs.
    Borrow(Box<Borrow>),
    /// Whether a service is lent to us; no lane follows.
    Seek(Box<Seek>),
}

/// Where a lane stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// We asked, and wait for leave to dial.
    AwaitAnswer,
    /// We asked, and the answer is all we want.
    AwaitWord,
    /// We dial.
    Dialling,
    /// The other side dials.
    AwaitArrival,
}

/// A lane that is being made.
pub(crate) struct Lane {
    pub(crate) session: SessionId,
    pub(crate) rid: Rid,
    pub(crate) stage: Stage,
    /// Taken when the lane is handed over.
    pub(crate) purpose: Use,
    pub(crate) deadline: u64,
}

impl State {
    /// Asks for a lane; what comes of it reaches the use.
    pub(crate) fn request_lane(&mut self, session: SessionId, purpose: Purpose, use_: Use) {
        let deadline = self.clock.now() + ARRIVAL;
        let (lane, rid) = (LaneId::new(random()), Rid::new(random()));
        let Some(open) = self.sessions.get(&session).filter(|s| s.is_up()) else {
            return self.lane_failed(use_, not_connected());
        };
        if self.lanes.values().filter(|l| l.session == session).count() >= MAX_LANES {
            return self.lane_failed(use_, Failure::new(ErrorCode::Busy, "too many lanes at once"));
        }
        let client = open.link.as_ref().is_some_and(|l| l.is_client);
        let stage = match use_ {
            Use::Seek(_) => Stage::AwaitWord,
            _ if client => Stage::AwaitAnswer,
            _ => Stage::AwaitArrival,
        };
        self.lanes.insert(lane, Lane { session, rid, stage, purpose: use_, deadline });
        // The door is open before the other side can know the value.
        self.publish_door();
        let sent = self.sessions.get(&session).is_some_and(|s| s.post(Frame::OpenLane { lane, rid, purpose }));
        if !sent {
            self.drop_lane(lane, not_connected());
        }
    }

    /// The other side asks for a lane, or says that it waits for us on one.
    pub(crate) fn lane_wanted(&mut self, session: SessionId, lane: LaneId, rid: Rid, purpose: Purpose) {
        let count = self.lanes.values().filter(|l| l.session == session).count();
        let count = count + self.loans.preparing(session);
        let known = self.lanes.contains_key(&lane) || self.lanes.values().any(|l| l.rid == rid);
        if known || self.loans.prepares(&lane, &rid) {
            return self.breach(session, "it used a lane's name twice");
        }
        let use_ = match purpose {
            _ if count >= MAX_LANES => Err(Failure::new(ErrorCode::Busy, "too many lanes at once")),
            Purpose::Bulk { transfer } => self.expects_bulk(session, transfer).map(|()| Use::Receive(transfer)),
            Purpose::Pipe { name } => {
                self.takes_new(session).and_then(|()| self.pipe_wanted(session, name.as_deref())).map(Use::Pipe)
            }
            // It is answered when the service has taken the connection.
            Purpose::Service { name, ask } => return self.service_wanted(session, lane, rid, &name, ask),
        };
        match use_ {
            Ok(use_) => self.await_lane(session, lane, rid, use_),
            Err(failure) => self.answer_lane(session, lane, Err(failure)),
        }
    }

    /// Lets a lane come that the other side asked for.
    pub(crate) fn await_lane(&mut self, session: SessionId, lane: LaneId, rid: Rid, use_: Use) {
        let client = self.sessions.get(&session).and_then(|s| s.link.as_ref()).is_some_and(|l| l.is_client);
        let deadline = self.clock.now() + ARRIVAL;
        let stage = if client { Stage::Dialling } else { Stage::AwaitArrival };
        self.lanes.insert(lane, Lane { session, rid, stage, purpose: use_, deadline });
        if client {
            self.dial_lane(lane);
        } else {
            self.publish_door();
            self.answer_lane(session, lane, Ok(()));
        }
    }

    pub(crate) fn answer_lane(&mut self, session: SessionId, lane: LaneId, outcome: Result<(), Failure>) {
        let (ok, code, why) = match outcome {
            Ok(()) => (true, None, None),
            Err(failure) => (false, Some(failure.code), Some(failure.message)),
        };
        if let Some(session) = self.sessions.get(&session) {
            session.post(Frame::LaneAnswer { lane, ok, code, why });
        }
    }

    pub(crate) fn lane_answered(
        &mut self,
        session: SessionId,
        lane: LaneId,
        ok: bool,
        code: Option<ErrorCode>,
        why: Option<String>,
    ) {
        let Some(entry) = self.lanes.get_mut(&lane).filter(|l| l.session == session) else { return };
        match (ok, entry.stage) {
            (true, Stage::AwaitAnswer) => {
                entry.stage = Stage::Dialling;
                self.dial_lane(lane);
            }
            (true, Stage::AwaitWord) => {
                if let Some(Lane { purpose: Use::Seek(seek), .. }) = self.lanes.remove(&lane) {
                    self.seek_granted(*seek);
                }
            }
            (true, _) => self.breach(session, "it answered a lane nobody asked about"),
            (false, _) => {
                let why =
                    why.map_or_else(|| "the other side refused it".to_owned(), |w| hither_model::text::printable(&w));
                self.drop_lane(lane, Failure::new(code.unwrap_or(ErrorCode::Declined), why));
            }
        }
    }

    fn dial_lane(&mut self, lane: LaneId) {
        let profile = self.profile();
        let Some(entry) = self.lanes.get(&lane) else { return };
        let Some(session) = self.sessions.get(&entry.session) else { return };
        let (Some(link), Some(grant), Some(theirs)) = (&session.link, &session.grant, session.their_lane) else {
            return self.drop_lane(lane, not_connected());
        };
        let dialling = Dialling {
            grant: Arc::new(grant.narrow(link.remote)),
            routes: vec![link.remote],
            rids: vec![entry.rid],
            expected: Expected::Only(theirs),
            me: session.credential(),
            profile,
            ble: self.radio.ble.clone(),
            web: session.kept.web.as_ref().and_then(|route| self.outward(route)),
        };
        let events = self.events.clone();
        self.tasks.spawn(async move {
            let outcome = match dialling.run().await {
                Ok((Wire::Known(channel), _)) => Ok(Box::new(channel)),
                Ok((Wire::Stranger(_), _)) => Err(Failure::new(ErrorCode::Misbehaved, "a stranger answered")),
                Err(failure) => Err(failure),
            };
            let _ = events.send(Event::LaneDialled { lane, outcome }).await;
        });
    }

    /// The lane stands, or will not.
    pub(crate) fn lane_ready(&mut self, lane: LaneId, outcome: Result<Box<Channel<Proven>>, Failure>) {
        let Some(entry) = self.lanes.remove(&lane) else { return };
        self.publish_door();
        let channel = match outcome {
            Ok(channel) => channel,
            Err(failure) => return self.lane_failed(entry.purpose, failure),
        };
        match entry.purpose {
            Use::Send(transfer) => self.send_on(transfer, *channel),
            Use::Receive(transfer) => self.receive_on(transfer, *channel),
            Use::Pipe(client) => self.pipe_on(lane, entry.session, client, *channel),
            Use::Lend(lend) => self.lend_on(entry.session, *lend, *channel),
            Use::Borrow(borrow) => self.borrow_on(entry.session, *borrow, *channel),
            Use::Seek(_) => {}
        }
    }

    fn drop_lane(&mut self, lane: LaneId, failure: Failure) {
        if let Some(entry) = self.lanes.remove(&lane) {
            self.publish_door();
            self.lane_failed(entry.purpose, failure);
        }
    }

    fn lane_failed(&mut self, use_: Use, failure: Failure) {
        match use_ {
            Use::Send(transfer) | Use::Receive(transfer) => self.lane_of_transfer_failed(transfer, &failure),
            Use::Pipe(client) => {
                let _ = client.send(Err(failure));
            }
            Use::Lend(lend) => self.lend_failed(*lend),
            Use::Borrow(borrow) => self.borrow_failed(*borrow, &failure),
            Use::Seek(seek) => self.seek_failed(*seek, failure),
        }
    }

    /// Lanes that are being made end with their session's connection.
    pub(crate) fn end_lanes_of(&mut self, session: SessionId) {
        let ids: Vec<LaneId> = self.lanes.iter().filter(|(_, l)| l.session == session).map(|(id, _)| *id).collect();
        for id in ids {
            self.drop_lane(id, not_connected());
        }
    }

    pub(crate) fn lanes_due(&mut self) {
        let now = self.clock.now();
        let due: Vec<LaneId> = self.lanes.iter().filter(|(_, l)| l.deadline <= now).map(|(id, _)| *id).collect();
        for id in due {
            self.drop_lane(id, Failure::new(ErrorCode::TimedOut, "the other side did not come to the lane"));
        }
    }

    pub(crate) fn lanes_deadline(&self) -> Option<u64> {
        self.lanes.values().map(|l| l.deadline).min()
    }
}

fn not_connected() -> Failure {
    Failure::new(ErrorCode::Interrupted, "the session is not connected at the moment")
        .hint("it reconnects by itself; `hither session` shows its state")
}

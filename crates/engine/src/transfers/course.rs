//! Events go to the machine of their transfer, and what it says is done, in order.

use super::{
    Transfer,
    machine::{Context, Pause, incoming, outgoing},
};
use crate::state::State;
use hither_model::{ErrorCode, Failure, PeerId, SessionId, TransferId, TransferState};
use hither_protocol::session::Frame;

/// Where a transfer stands.
pub(super) enum Course {
    In(incoming::Incoming),
    Out(outgoing::Outgoing),
}

impl Course {
    /// The state people see.
    pub(super) fn shown(&self) -> TransferState {
        match self {
            Self::In(machine) => machine.shown(),
            Self::Out(machine) => machine.shown(),
        }
    }

    /// Whether a person here has paused it.
    pub(super) fn is_held(&self) -> bool {
        match self {
            Self::In(machine) => machine.stage() == incoming::Stage::Paused(Pause::Here),
            Self::Out(machine) => machine.stage() == outgoing::Stage::Paused(Pause::Here),
        }
    }

    /// Whether it ended with some items failed, and can be taken up again.
    pub(super) fn is_partly(&self) -> bool {
        match self {
            Self::In(machine) => machine.stage() == incoming::Stage::Partly,
            Self::Out(machine) => machine.stage() == outgoing::Stage::Partly,
        }
    }

    pub(super) fn was_fetched(&self) -> bool {
        match self {
            Self::In(_) => true,
            Self::Out(machine) => machine.was_fetched(),
        }
    }

    fn deadline(&self) -> Option<u64> {
        match self {
            Self::In(machine) => machine.deadline(),
            Self::Out(machine) => machine.deadline(),
        }
    }
}

/// What both machines know.
#[derive(Debug, Clone)]
pub(super) enum Shared {
    Pause,
    Resume,
    Cancel(Failure),
    PausedThere,
    CanceledThere(Failure),
    Connected,
    Lost(String),
    SessionOver(Failure),
    LaneFailed(String),
    Tick,
}

macro_rules! common {
    ($machine:ident) => {
        impl From<Shared> for $machine::Event {
            fn from(event: Shared) -> Self {
                match event {
                    Shared::Pause => Self::Pause,
                    Shared::Resume => Self::Resume,
                    Shared::Cancel(failure) => Self::Cancel(failure),
                    Shared::PausedThere => Self::PausedThere,
                    Shared::CanceledThere(failure) => Self::CanceledThere(failure),
                    Shared::Connected => Self::Connected,
                    Shared::Lost(why) => Self::Lost(why),
                    Shared::SessionOver(failure) => Self::SessionOver(failure),
                    Shared::LaneFailed(why) => Self::LaneFailed(why),
                    Shared::Tick => Self::Tick,
                }
            }
        }
    };
}
common!(incoming);
common!(outgoing);

impl State {
    /// Something happened to a transfer, whichever way it goes.
    pub(super) fn both_ways(&mut self, id: TransferId, event: Shared) {
        match self.transfers.get(&id).map(|t| &t.course) {
            Some(Course::In(_)) => self.receiving(id, event.into()),
            Some(Course::Out(_)) => self.sending(id, event.into()),
            None => {}
        }
    }

    fn context(&self, id: TransferId) -> Context {
        let peer = self.transfers.get(&id).map(|t| t.kept.peer);
        Context { now: self.clock.now(), up: peer.is_some_and(|peer| self.live_session(&peer).is_some()) }
    }

    /// Something happened to a transfer to us.
    pub(super) fn receiving(&mut self, id: TransferId, event: incoming::Event) {
        let at = self.context(id);
        let Some(Transfer { course: Course::In(machine), .. }) = self.transfers.get_mut(&id) else { return };
        let effects = machine.step(at, event);
        for effect in effects {
            self.do_receiving(id, effect);
        }
    }

    fn do_receiving(&mut self, id: TransferId, effect: incoming::Effect) {
        use incoming::Effect;
        match effect {
            Effect::Ask => self.ask_about(id),
            Effect::Unask { why, code } => self.close_offer_question(id, why, code),
            Effect::Open => self.open_inbox(id),
            Effect::Halt => self.halt(id),
            Effect::Fetch => self.fetch(id),
            Effect::Receive => self.receive_lane(id),
            Effect::Abort { for_good } => self.abort_lane(id, for_good),
            Effect::Answer(answer) => self.answer_about(id, answer.as_ref().copied()),
            Effect::SayPause => self.post_about(id, Frame::Pause { transfer: id }),
            Effect::SayCancel(why) => self.post_about(id, Frame::Cancel { transfer: id, why }),
            Effect::SayReceipt => self.repeat_receipt(id),
            Effect::Reopen => self.reopened(id),
            Effect::Settle { complete } => self.settle_received(id, complete),
            Effect::Show(why) => self.transfer_is(id, why),
            Effect::Drop(failure) => self.dropped(id, failure),
            Effect::Clear => self.clear(id),
        }
    }

    /// Something happened to a transfer of ours.
    pub(super) fn sending(&mut self, id: TransferId, event: outgoing::Event) {
        let at = self.context(id);
        let Some(Transfer { course: Course::Out(machine), .. }) = self.transfers.get_mut(&id) else { return };
        let effects = machine.step(at, event);
        for effect in effects {
            self.do_sending(id, effect);
        }
    }

    fn do_sending(&mut self, id: TransferId, effect: outgoing::Effect) {
        use outgoing::Effect;
        match effect {
            Effect::Offer => self.offer(id),
            Effect::Load => self.load(id),
            Effect::RequestLane => self.request_bulk(id),
            Effect::Send => self.send_lane(id),
            Effect::Abort { for_good } => self.abort_lane(id, for_good),
            Effect::Halt => self.halt(id),
            Effect::ForgetPlan => {
                if let Some(transfer) = self.transfers.get_mut(&id) {
                    transfer.plan = None;
                }
            }
            Effect::Check { recalled } => self.check_receipt(id, recalled),
            Effect::Recall => self.recall(id),
            Effect::SayMoving => self.post_about(id, Frame::Moving { transfer: id }),
            Effect::SayPause => self.post_about(id, Frame::Pause { transfer: id }),
            Effect::SayCancel(why) => self.post_about(id, Frame::Cancel { transfer: id, why }),
            Effect::Reopen => self.reopened(id),
            Effect::Settle { complete } => self.settle_sent(id, complete),
            Effect::Show(why) => self.transfer_is(id, why),
            Effect::Drop(failure) => self.dropped(id, failure),
            Effect::Clear => self.clear(id),
        }
    }

    fn halt(&self, id: TransferId) {
        if let Some(transfer) = self.transfers.get(&id) {
            transfer.halt.cancel();
        }
    }

    fn abort_lane(&self, id: TransferId, for_good: bool) {
        let Some(moving) = self.transfers.get(&id).and_then(|t| t.moving.as_ref()) else { return };
        if for_good {
            moving.stop.cancel();
        } else {
            moving.stop.pause();
        }
        moving.abort.abort();
    }

    /// No lane for a transfer.
    pub(crate) fn lane_of_transfer_failed(&mut self, id: TransferId, failure: &Failure) {
        self.both_ways(id, Shared::LaneFailed(failure.message.clone()));
    }

    fn each_with(&mut self, peer: PeerId, event: &Shared) {
        let ids: Vec<TransferId> =
            self.transfers.iter().filter(|(_, t)| t.kept.peer == peer).map(|(id, _)| *id).collect();
        for id in ids {
            self.both_ways(id, event.clone());
        }
    }

    /// The connection of a session is gone, or was replaced: its lanes and requests are of no use any more.
    pub(crate) fn interrupt_transfers_with(&mut self, peer: PeerId, why: &str) {
        self.each_with(peer, &Shared::Lost(why.to_owned()));
    }

    /// A session ended for good: what moves waits for the next one, what is only offered is off.
    pub(crate) fn transfers_without_session(&mut self, peer: PeerId, why: &str) {
        if self.live_session(&peer).is_none() {
            let failure = Failure::new(ErrorCode::Withdrawn, format!("the session ended: {why}"));
            self.each_with(peer, &Shared::SessionOver(failure));
        }
    }

    /// A session is connected (again): everything that waited for it goes on.
    pub(crate) fn go_on_with_transfers(&mut self, session: SessionId) {
        if let Some(peer) = self.sessions.get(&session).map(|s| s.kept.peer) {
            self.each_with(peer, &Shared::Connected);
        }
    }

    pub(crate) async fn transfers_due(&mut self) {
        let now = self.clock.now();
        let is_due = |transfer: &Transfer| transfer.course.deadline().is_some_and(|at| at <= now);
        let due: Vec<TransferId> = self.transfers.iter().filter(|(_, t)| is_due(t)).map(|(id, _)| *id).collect();
        for id in due {
            self.both_ways(id, Shared::Tick);
        }
        for (question, transfer) in self.questions.lapsed(now) {
            let failure = Failure::new(ErrorCode::Expired, "nobody answered in time");
            self.receiving(transfer, incoming::Event::Refused(failure));
            self.questions.close(&question);
        }
    }

    pub(crate) fn transfers_deadline(&self) -> Option<u64> {
        self.transfers.values().filter_map(|t| t.course.deadline()).min()
    }
}

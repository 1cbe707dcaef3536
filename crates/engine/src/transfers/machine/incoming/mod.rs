//! The receiving side: a list is read, a person asked, an inbox opened; then fetched and received until every item is
//! settled.

mod words;

pub(crate) use words::*;

use super::{Context, Past, Pause, backoff};
use hither_model::{ErrorCode, Failure, TransferState};

/// How long the sender may take to come with a lane, milliseconds: longer than a lane may take to be made.
const COMES: u64 = 45_000;

/// One transfer to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    stage: Stage,
    work: Work,
    attempts: u32,
}

impl Incoming {
    /// An offer whose list has come; a thread reads it.
    pub(crate) fn offered() -> Self {
        Self { stage: Stage::Reading, work: Work::Reading, attempts: 0 }
    }

    /// After a restart. `None` for what nobody had consented to: it is asked anew if it is offered again.
    pub(crate) fn revived(past: Past) -> Option<Self> {
        let stage = match past.state {
            TransferState::Offered => return None,
            TransferState::Kept => Stage::Kept,
            TransferState::Dropped if past.partly => Stage::Partly,
            TransferState::Dropped => Stage::Dropped,
            TransferState::Paused if past.held => Stage::Paused(Pause::Here),
            TransferState::Accepted | TransferState::Moving | TransferState::Checking | TransferState::Paused => {
                Stage::Paused(Pause::Waiting { again: None })
            }
        };
        Some(Self { stage, work: Work::Idle, attempts: 0 })
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    #[cfg(test)]
    pub(crate) fn work(&self) -> Work {
        self.work
    }

    /// The state people see.
    pub(crate) fn shown(&self) -> TransferState {
        match self.stage {
            Stage::Reading | Stage::Asked | Stage::Opening => TransferState::Offered,
            Stage::Awaiting { .. } => TransferState::Accepted,
            Stage::Moving => TransferState::Moving,
            Stage::Paused(_) => TransferState::Paused,
            Stage::Kept => TransferState::Kept,
            Stage::Partly | Stage::Dropped => TransferState::Dropped,
        }
    }

    /// Whether a lane may come now.
    pub(crate) fn expects_lane(&self) -> bool {
        matches!((self.stage, self.work), (Stage::Awaiting { .. }, Work::Idle))
    }

    /// When [`Event::Tick`] is due.
    pub(crate) fn deadline(&self) -> Option<u64> {
        match self.stage {
            Stage::Awaiting { until } => Some(until),
            Stage::Paused(Pause::Waiting { again }) if self.work == Work::Idle => again,
            _ => None,
        }
    }

    /// Takes an event; says what is to be done, in this order.
    pub(crate) fn step(&mut self, at: Context, event: Event) -> Vec<Effect> {
        match event {
            Event::Read => self.read(),
            Event::Refused(failure) => self.refused(failure),
            Event::Consent => self.consent(),
            Event::OfferedAgain => self.offered_again(at),
            Event::Ready { complete } => self.ready(at, complete),
            Event::NotReady(trouble) => self.not_ready(at, trouble),
            Event::LaneUp => self.lane_up(),
            Event::LaneFailed(why) => match self.stage {
                Stage::Awaiting { .. } => self.wait(at, why),
                _ => vec![],
            },
            Event::Progressed => {
                self.attempts = 0;
                vec![]
            }
            Event::Received(outcome) => self.received(at, outcome),
            Event::Pause => self.pause(Pause::Here, "paused here"),
            Event::PausedThere => self.pause(Pause::There, "paused by the other side"),
            Event::Resume => self.resume(at),
            Event::Cancel(failure) => {
                let why = Effect::SayCancel(None);
                self.end(failure).map_or_else(Vec::new, |effects| [vec![why], effects].concat())
            }
            Event::CanceledThere(failure) => self.end(failure).unwrap_or_default(),
            Event::MovingThere => self.moving_there(at),
            Event::Connected => match self.stage {
                Stage::Paused(Pause::There | Pause::Waiting { .. }) => self.go_on(at),
                _ => vec![],
            },
            Event::Lost(why) => self.lost(at, why),
            Event::SessionOver(failure) => match self.stage {
                Stage::Reading | Stage::Asked | Stage::Opening => self.end(failure).unwrap_or_default(),
                _ => self.lost(at, failure.message),
            },
            Event::Tick => match self.stage {
                Stage::Awaiting { until } if until <= at.now => {
                    self.wait(at, "the other side did not begin to send".into())
                }
                Stage::Paused(Pause::Waiting { .. }) => self.due(at),
                _ => vec![],
            },
        }
    }

    fn read(&mut self) -> Vec<Effect> {
        self.work = Work::Idle;
        match self.stage {
            Stage::Reading => {
                self.stage = Stage::Asked;
                vec![Effect::Ask]
            }
            // It was taken back meanwhile.
            _ => vec![],
        }
    }

    fn refused(&mut self, failure: Failure) -> Vec<Effect> {
        if self.work == Work::Reading {
            self.work = Work::Idle;
        }
        match self.stage {
            Stage::Reading | Stage::Asked => {
                let answer = vec![Effect::Answer(Err(failure.clone()))];
                [answer, self.end(failure).unwrap_or_default()].concat()
            }
            _ => vec![],
        }
    }

    fn consent(&mut self) -> Vec<Effect> {
        if self.stage != Stage::Asked {
            return vec![];
        }
        (self.stage, self.work) = (Stage::Opening, Work::Opening);
        vec![Effect::Unask { why: "accepted".into(), code: None }, Effect::Open]
    }

    fn offered_again(&mut self, at: Context) -> Vec<Effect> {
        let yes = Effect::Answer(Ok(()));
        match self.stage {
            Stage::Reading | Stage::Asked | Stage::Opening => vec![],
            Stage::Awaiting { .. } | Stage::Moving => vec![yes],
            Stage::Paused(Pause::Here) => vec![yes, Effect::SayPause],
            Stage::Paused(Pause::There | Pause::Waiting { .. }) => [vec![yes], self.go_on(at)].concat(),
            Stage::Partly | Stage::Kept => vec![yes, Effect::SayReceipt],
            Stage::Dropped => {
                let failure = Failure::new(ErrorCode::Declined, "it was refused before");
                vec![Effect::Answer(Err(failure))]
            }
        }
    }

    fn ready(&mut self, at: Context, complete: bool) -> Vec<Effect> {
        self.work = Work::Idle;
        let first = match self.stage {
            Stage::Opening => at.up.then_some(Effect::Answer(Ok(()))),
            Stage::Paused(_) => None,
            Stage::Dropped => return vec![Effect::Clear],
            Stage::Reading | Stage::Asked | Stage::Awaiting { .. } | Stage::Moving | Stage::Partly | Stage::Kept => {
                return vec![];
            }
        };
        let next = match self.stage {
            _ if complete => self.settle(true),
            Stage::Paused(Pause::Here | Pause::There) => vec![],
            _ if at.up => {
                self.stage = Stage::Awaiting { until: at.now + COMES };
                vec![Effect::Show(None), Effect::Fetch]
            }
            _ => self.stand(Pause::Waiting { again: None }, "the devices are not connected".into()),
        };
        first.into_iter().chain(next).collect()
    }

    fn not_ready(&mut self, at: Context, trouble: Trouble) -> Vec<Effect> {
        self.work = Work::Idle;
        match self.stage {
            Stage::Opening => {
                let failure = match trouble {
                    Trouble::Local(failure) | Trouble::Final(failure) => failure,
                    Trouble::Stopped => Failure::new(ErrorCode::Canceled, "it was stopped"),
                };
                let answer = vec![Effect::Answer(Err(failure.clone()))];
                [answer, self.end(failure).unwrap_or_default()].concat()
            }
            Stage::Paused(_) => self.troubled(at, trouble),
            Stage::Dropped => vec![Effect::Clear],
            _ => vec![],
        }
    }

    fn lane_up(&mut self) -> Vec<Effect> {
        if !self.expects_lane() {
            return vec![];
        }
        (self.stage, self.work) = (Stage::Moving, Work::Receiving);
        vec![Effect::Show(None), Effect::Receive]
    }

    fn received(&mut self, at: Context, outcome: Outcome) -> Vec<Effect> {
        self.work = Work::Idle;
        match self.stage {
            Stage::Moving | Stage::Paused(_) => {}
            Stage::Dropped => return vec![Effect::Clear],
            _ => return vec![],
        }
        match outcome {
            Outcome::Complete => self.settle(true),
            Outcome::Partly => self.settle(false),
            Outcome::TooLong(failure) => {
                let shown = self.stand(Pause::Here, failure.message);
                [vec![Effect::SayPause], shown].concat()
            }
            Outcome::Broken(why) if self.stage == Stage::Moving => self.wait(at, why),
            Outcome::Broken(_) => self.due(at),
            Outcome::Trouble(trouble) => self.troubled(at, trouble),
        }
    }

    /// A thread ended with trouble, in a transfer that was agreed to.
    fn troubled(&mut self, at: Context, trouble: Trouble) -> Vec<Effect> {
        match trouble {
            Trouble::Stopped if self.stage == Stage::Moving => self.wait(at, "paused".into()),
            Trouble::Stopped => self.due(at),
            Trouble::Local(failure) => match self.stage {
                Stage::Paused(Pause::Here | Pause::There) => vec![],
                // The sender need not ask: it goes on from here, as soon as it can.
                _ => [vec![Effect::SayPause], self.wait(at, failure.message)].concat(),
            },
            Trouble::Final(failure) => {
                let why = vec![Effect::SayCancel(Some(failure.message.clone()))];
                [why, self.end(failure).unwrap_or_default()].concat()
            }
        }
    }

    fn pause(&mut self, pause: Pause, why: &str) -> Vec<Effect> {
        match self.stage {
            Stage::Awaiting { .. } | Stage::Moving | Stage::Paused(Pause::There | Pause::Waiting { .. }) => {}
            // Nobody has consented yet, a person here holds it already, or it is over.
            Stage::Reading
            | Stage::Asked
            | Stage::Opening
            | Stage::Paused(Pause::Here)
            | Stage::Partly
            | Stage::Kept
            | Stage::Dropped => return vec![],
        }
        let said = (pause == Pause::Here).then_some(Effect::SayPause);
        let abort = (self.work == Work::Receiving).then_some(Effect::Abort { for_good: false });
        said.into_iter().chain(abort).chain(self.stand(pause, why.to_owned())).collect()
    }

    fn resume(&mut self, at: Context) -> Vec<Effect> {
        self.attempts = 0;
        match self.stage {
            Stage::Paused(_) => self.go_on(at),
            Stage::Partly => [vec![Effect::Reopen], self.go_on(at)].concat(),
            Stage::Reading
            | Stage::Asked
            | Stage::Opening
            | Stage::Awaiting { .. }
            | Stage::Moving
            | Stage::Kept
            | Stage::Dropped => vec![],
        }
    }

    fn moving_there(&mut self, at: Context) -> Vec<Effect> {
        match self.stage {
            Stage::Reading | Stage::Asked | Stage::Opening | Stage::Awaiting { .. } | Stage::Moving => vec![],
            Stage::Paused(Pause::Here) => vec![Effect::SayPause],
            Stage::Paused(Pause::There | Pause::Waiting { .. }) => self.go_on(at),
            Stage::Partly => [vec![Effect::Reopen], self.go_on(at)].concat(),
            Stage::Kept => vec![Effect::SayReceipt],
            Stage::Dropped => vec![Effect::SayCancel(None)],
        }
    }

    fn lost(&mut self, at: Context, why: String) -> Vec<Effect> {
        match self.stage {
            Stage::Awaiting { .. } => self.stand(at.at_once(), why),
            Stage::Moving => {
                // The thread still has the journal; its report ends it.
                let shown = self.stand(Pause::Waiting { again: Some(at.now) }, why);
                [vec![Effect::Abort { for_good: false }], shown].concat()
            }
            _ => vec![],
        }
    }

    /// Works out what is still wanted and asks for it, as soon as no thread is at work.
    fn go_on(&mut self, at: Context) -> Vec<Effect> {
        let shown = self.stand(Pause::Waiting { again: Some(at.now) }, "going on".into());
        [shown, self.due(at)].concat()
    }

    /// A wait may be over.
    fn due(&mut self, at: Context) -> Vec<Effect> {
        let Stage::Paused(Pause::Waiting { again: Some(again) }) = self.stage else { return vec![] };
        if self.work != Work::Idle || again > at.now {
            return vec![];
        }
        if !at.up {
            self.stage = Stage::Paused(Pause::Waiting { again: None });
            return vec![];
        }
        self.work = Work::Opening;
        vec![Effect::Open]
    }

    /// Stands still for a while, longer each time.
    fn wait(&mut self, at: Context, why: String) -> Vec<Effect> {
        let again = at.now + backoff(self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        self.stand(Pause::Waiting { again: Some(again) }, why)
    }

    fn stand(&mut self, pause: Pause, why: String) -> Vec<Effect> {
        self.stage = Stage::Paused(pause);
        vec![Effect::Show(Some(why))]
    }

    fn settle(&mut self, complete: bool) -> Vec<Effect> {
        self.stage = if complete { Stage::Kept } else { Stage::Partly };
        vec![Effect::Settle { complete }]
    }

    /// It is over; `None` if it was already. What is on disk goes when no thread has it any more.
    fn end(&mut self, failure: Failure) -> Option<Vec<Effect>> {
        if matches!(self.stage, Stage::Partly | Stage::Kept | Stage::Dropped) {
            return None;
        }
        let mut effects = vec![];
        if self.stage == Stage::Asked {
            effects.push(Effect::Unask { why: failure.message.clone(), code: Some(failure.code) });
        }
        self.stage = Stage::Dropped;
        effects.push(Effect::Drop(failure));
        effects.push(match self.work {
            Work::Idle | Work::Reading => Effect::Clear,
            Work::Opening => Effect::Halt,
            Work::Receiving => Effect::Abort { for_good: true },
        });
        Some(effects)
    }
}

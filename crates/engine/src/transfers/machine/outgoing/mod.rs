//! The sending side: scanned, offered, answered, fetched, sent, receipted. It moves when the receiver fetches; where
//! nothing comes, `moving` asks for it.

mod words;

pub(crate) use words::*;

use super::{Context, Past, Pause};
use hither_model::{Failure, TransferState};

/// How long the receiver may be silent before it is asked, milliseconds.
const NUDGE: u64 = 30_000;

/// One transfer of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    stage: Stage,
    hand: Hand,
    /// A receipt waits to be checked.
    receipt: bool,
    /// The receiver asked for its bytes at least once: without that there is nothing to receipt.
    fetched: bool,
}

impl Outgoing {
    /// A thread walks the sources.
    pub(crate) fn scanning() -> Self {
        Self { stage: Stage::Scanning, hand: Hand::Away(Work::Scanning), receipt: false, fetched: false }
    }

    /// After a restart.
    pub(crate) fn revived(past: Past) -> Self {
        let stage = match past.state {
            TransferState::Offered => Stage::Offered,
            TransferState::Kept => Stage::Kept,
            TransferState::Dropped if past.partly => Stage::Partly,
            TransferState::Dropped => Stage::Dropped,
            TransferState::Paused if past.held => Stage::Paused(Pause::Here),
            TransferState::Accepted | TransferState::Moving | TransferState::Checking | TransferState::Paused => {
                Stage::Paused(Pause::Waiting { again: None })
            }
        };
        Self { stage, hand: Hand::Absent, receipt: false, fetched: past.fetched }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    #[cfg(test)]
    pub(crate) fn hand(&self) -> Hand {
        self.hand
    }

    pub(crate) fn was_fetched(&self) -> bool {
        self.fetched
    }

    /// The state people see.
    pub(crate) fn shown(&self) -> TransferState {
        match self.stage {
            Stage::Scanning | Stage::Offered => TransferState::Offered,
            Stage::Accepted { .. } | Stage::Making { .. } => TransferState::Accepted,
            Stage::Moving => TransferState::Moving,
            Stage::Checking { .. } => TransferState::Checking,
            Stage::Paused(_) => TransferState::Paused,
            Stage::Kept => TransferState::Kept,
            Stage::Partly | Stage::Dropped => TransferState::Dropped,
        }
    }

    /// When [`Event::Tick`] is due.
    pub(crate) fn deadline(&self) -> Option<u64> {
        match self.stage {
            Stage::Accepted { nudge } | Stage::Checking { nudge } => Some(nudge),
            Stage::Paused(Pause::Waiting { again }) => again,
            _ => None,
        }
    }

    /// Takes an event; says what is to be done, in this order.
    pub(crate) fn step(&mut self, at: Context, event: Event) -> Vec<Effect> {
        match event {
            Event::Scanned => {
                self.hand = Hand::Here;
                match self.stage {
                    Stage::Scanning => {
                        self.stage = Stage::Offered;
                        vec![Effect::Offer]
                    }
                    _ => self.at_hand(false),
                }
            }
            Event::AnsweredYes => match self.stage {
                Stage::Offered => {
                    self.stage = Stage::Accepted { nudge: at.now + NUDGE };
                    vec![Effect::Show(None)]
                }
                _ => vec![],
            },
            Event::AnsweredNo(failure) => match self.stage {
                Stage::Offered => self.end(failure).unwrap_or_default(),
                _ => vec![],
            },
            Event::Fetched => self.was_asked_for(),
            Event::Loaded => self.loaded(),
            Event::LoadFailed(failure) => {
                self.hand = Hand::Absent;
                match self.stage {
                    Stage::Dropped => vec![Effect::Clear],
                    _ => {
                        let why = vec![Effect::SayCancel(Some(failure.message.clone()))];
                        self.end(failure).map_or_else(Vec::new, |effects| [why, effects].concat())
                    }
                }
            }
            Event::LaneUp => self.lane_up(at),
            Event::LaneFailed(why) => match self.stage {
                Stage::Making { lane: true } => self.stand(self.wait(at), why),
                _ => vec![],
            },
            Event::Sent(outcome) => self.sent(at, outcome),
            Event::Receipt => self.receipted(),
            Event::Checked(verdict) => self.checked(verdict),
            Event::Pause => self.pause(Pause::Here, "paused here"),
            Event::Hold(why) => self.pause(Pause::Here, &why),
            Event::PausedThere => self.pause(Pause::There, "paused by the other side"),
            Event::Resume => self.resume(at),
            Event::Cancel(failure) => {
                let why = Effect::SayCancel(None);
                self.end(failure).map_or_else(Vec::new, |effects| [vec![why], effects].concat())
            }
            Event::CanceledThere(failure) => self.end(failure).unwrap_or_default(),
            Event::Connected => self.connected(at),
            Event::Lost(why) => self.lost(at, why),
            Event::SessionOver(failure) => match self.stage {
                Stage::Scanning | Stage::Offered => self.end(failure).unwrap_or_default(),
                _ => self.lost(at, failure.message),
            },
            Event::Tick => self.tick(at),
        }
    }

    fn was_asked_for(&mut self) -> Vec<Effect> {
        let again = match self.stage {
            // Nobody can know it yet.
            Stage::Scanning => return vec![Effect::ForgetPlan],
            // The one lane that is being made will do for what is wanted now.
            Stage::Making { .. } => return vec![],
            Stage::Paused(Pause::Here) => return vec![Effect::ForgetPlan, Effect::SayPause],
            Stage::Kept | Stage::Dropped => return vec![Effect::ForgetPlan, Effect::SayCancel(None)],
            Stage::Partly => Some(Effect::Reopen),
            // Who fetches has said yes, even if the answer was lost.
            Stage::Offered
            | Stage::Accepted { .. }
            | Stage::Moving
            | Stage::Checking { .. }
            | Stage::Paused(Pause::There | Pause::Waiting { .. }) => None,
        };
        (self.fetched, self.receipt) = (true, false);
        let next = match self.hand {
            Hand::Here => Some(Effect::RequestLane),
            Hand::Absent => Some(Effect::Load),
            // An older lane is still at work: it ends first.
            Hand::Away(Work::Sending) => Some(Effect::Abort { for_good: false }),
            Hand::Away(Work::Scanning | Work::Loading | Work::Recalling) => None,
        };
        self.stage = Stage::Making { lane: self.hand == Hand::Here };
        if self.hand == Hand::Absent {
            self.hand = Hand::Away(Work::Loading);
        }
        again.into_iter().chain([Effect::Show(None)]).chain(next).collect()
    }

    fn loaded(&mut self) -> Vec<Effect> {
        let recalled = self.hand == Hand::Away(Work::Recalling);
        self.hand = Hand::Here;
        match self.stage {
            Stage::Offered => vec![Effect::Offer],
            _ => self.at_hand(recalled),
        }
    }

    /// A thread gave back what reads the sources: whatever waited for it goes on.
    fn at_hand(&mut self, recalled: bool) -> Vec<Effect> {
        match self.stage {
            Stage::Dropped => vec![Effect::Clear],
            Stage::Kept | Stage::Partly => vec![],
            _ if self.receipt => vec![Effect::Check { recalled }],
            Stage::Making { .. } => {
                self.stage = Stage::Making { lane: true };
                vec![Effect::RequestLane]
            }
            _ => vec![],
        }
    }

    fn lane_up(&mut self, at: Context) -> Vec<Effect> {
        match (self.stage, self.hand) {
            (Stage::Making { lane: true }, Hand::Here) => {
                (self.stage, self.hand) = (Stage::Moving, Hand::Away(Work::Sending));
                vec![Effect::Show(None), Effect::Send]
            }
            (Stage::Making { lane: true }, Hand::Absent | Hand::Away(_)) => {
                self.stand(self.wait(at), "a receipt is being checked".into())
            }
            _ => vec![],
        }
    }

    fn sent(&mut self, at: Context, outcome: Outcome) -> Vec<Effect> {
        self.hand = Hand::Here;
        let shown = match (self.stage, outcome) {
            (Stage::Moving, Outcome::Done) => {
                self.stage = Stage::Checking { nudge: at.now + NUDGE };
                vec![Effect::Show(None)]
            }
            (Stage::Moving, Outcome::Broken(why)) => self.stand(self.wait(at), why),
            (Stage::Moving, Outcome::Stopped) => self.stand(self.wait(at), "paused".into()),
            // Why it stands still is known already; the lane broke because of that.
            (_, Outcome::Done | Outcome::Broken(_) | Outcome::Stopped) => vec![],
        };
        [shown, self.at_hand(false)].concat()
    }

    fn receipted(&mut self) -> Vec<Effect> {
        match self.stage {
            Stage::Accepted { .. }
            | Stage::Making { .. }
            | Stage::Moving
            | Stage::Checking { .. }
            | Stage::Paused(_) => {}
            Stage::Scanning | Stage::Offered | Stage::Partly | Stage::Kept | Stage::Dropped => return vec![],
        }
        if !self.fetched {
            return vec![];
        }
        self.receipt = true;
        match self.hand {
            Hand::Here => vec![Effect::Check { recalled: false }],
            Hand::Absent => {
                self.hand = Hand::Away(Work::Loading);
                vec![Effect::Load]
            }
            Hand::Away(_) => vec![],
        }
    }

    fn checked(&mut self, verdict: Verdict) -> Vec<Effect> {
        if !std::mem::take(&mut self.receipt) || self.is_over() {
            return vec![];
        }
        let complete = match verdict {
            Verdict::Kept => true,
            Verdict::Partly => false,
            Verdict::Recall => {
                (self.receipt, self.hand) = (true, Hand::Away(Work::Recalling));
                return vec![Effect::Recall];
            }
            Verdict::Bad(failure) => return self.end(failure).unwrap_or_default(),
            Verdict::NotNow => {
                // A request that came before waits no longer for it.
                return if matches!(self.stage, Stage::Making { lane: false }) { self.at_hand(false) } else { vec![] };
            }
        };
        self.stage = if complete { Stage::Kept } else { Stage::Partly };
        vec![Effect::ForgetPlan, Effect::Settle { complete }]
    }

    fn pause(&mut self, pause: Pause, why: &str) -> Vec<Effect> {
        match self.stage {
            Stage::Accepted { .. }
            | Stage::Making { .. }
            | Stage::Moving
            | Stage::Checking { .. }
            | Stage::Paused(Pause::There | Pause::Waiting { .. }) => {}
            // Nobody has consented yet, a person here holds it already, or it is over.
            Stage::Scanning
            | Stage::Offered
            | Stage::Paused(Pause::Here)
            | Stage::Partly
            | Stage::Kept
            | Stage::Dropped => return vec![],
        }
        let said = (pause == Pause::Here).then_some(Effect::SayPause);
        let abort = (self.hand == Hand::Away(Work::Sending)).then_some(Effect::Abort { for_good: false });
        said.into_iter().chain(abort).chain(self.stand(pause, why.to_owned())).collect()
    }

    fn resume(&mut self, at: Context) -> Vec<Effect> {
        let again = match self.stage {
            Stage::Paused(_) => None,
            Stage::Partly => Some(Effect::Reopen),
            Stage::Accepted { .. } | Stage::Checking { .. } => return vec![Effect::SayMoving],
            Stage::Scanning | Stage::Offered | Stage::Making { .. } | Stage::Moving | Stage::Kept | Stage::Dropped => {
                return vec![];
            }
        };
        let shown = self.stand(self.wait(at), "going on".into());
        again.into_iter().chain([Effect::SayMoving]).chain(shown).collect()
    }

    fn connected(&mut self, at: Context) -> Vec<Effect> {
        match self.stage {
            Stage::Offered => match self.hand {
                Hand::Here => vec![Effect::Offer],
                Hand::Absent => {
                    self.hand = Hand::Away(Work::Loading);
                    vec![Effect::Load]
                }
                Hand::Away(_) => vec![],
            },
            Stage::Accepted { .. } => self.nudged(Stage::Accepted { nudge: at.now + NUDGE }),
            Stage::Checking { .. } => self.nudged(Stage::Checking { nudge: at.now + NUDGE }),
            Stage::Paused(Pause::There) => vec![Effect::SayMoving],
            Stage::Paused(Pause::Waiting { .. }) => self.nudged(Stage::Paused(self.wait(at))),
            Stage::Scanning
            | Stage::Making { .. }
            | Stage::Moving
            | Stage::Paused(Pause::Here)
            | Stage::Partly
            | Stage::Kept
            | Stage::Dropped => vec![],
        }
    }

    fn lost(&mut self, at: Context, why: String) -> Vec<Effect> {
        match self.stage {
            Stage::Accepted { .. } | Stage::Making { .. } | Stage::Checking { .. } => self.stand(at.at_once(), why),
            Stage::Moving => {
                let shown = self.stand(at.at_once(), why);
                [vec![Effect::Abort { for_good: false }], shown].concat()
            }
            _ => vec![],
        }
    }

    fn tick(&mut self, at: Context) -> Vec<Effect> {
        if self.deadline().is_none_or(|due| due > at.now) {
            return vec![];
        }
        match self.stage {
            Stage::Paused(Pause::Waiting { .. }) if !at.up => {
                self.stage = Stage::Paused(Pause::Waiting { again: None });
                vec![]
            }
            _ => self.connected(at),
        }
    }

    fn nudged(&mut self, stage: Stage) -> Vec<Effect> {
        self.stage = stage;
        vec![Effect::SayMoving]
    }

    fn wait(&self, at: Context) -> Pause {
        Pause::Waiting { again: Some(at.now + NUDGE) }
    }

    fn stand(&mut self, pause: Pause, why: String) -> Vec<Effect> {
        self.stage = Stage::Paused(pause);
        vec![Effect::ForgetPlan, Effect::Show(Some(why))]
    }

    fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Partly | Stage::Kept | Stage::Dropped)
    }

    /// It is over; `None` if it was already. Records go when no thread has them any more.
    fn end(&mut self, failure: Failure) -> Option<Vec<Effect>> {
        if self.is_over() {
            return None;
        }
        self.stage = Stage::Dropped;
        let mut effects = vec![Effect::ForgetPlan, Effect::Drop(failure)];
        match self.hand {
            Hand::Absent | Hand::Here => effects.push(Effect::Clear),
            Hand::Away(Work::Sending) => effects.push(Effect::Abort { for_good: true }),
            Hand::Away(Work::Recalling | Work::Scanning | Work::Loading) => effects.push(Effect::Halt),
        }
        Some(effects)
    }
}

//! One end: its machine, what it said, what its person did; and the rules that every step keeps.

use hither_model::Verified;
use hither_protocol::{
    Admission, Breach, Effect, Ending, Frame, Hello, Invitee, Inviter, LinkHost, LinkOpener, MAX_HELLO, Step,
    encode_payload, parse_lenient,
};
use std::collections::VecDeque;

/// What all four machines do.
pub(super) trait Machine: Sized {
    fn heard(self, now: u64, frame: Frame) -> Step<Self>;
    fn tick(self, now: u64) -> Step<Self>;
    fn lost(self) -> Step<Self>;
    fn deadline(&self) -> u64;
}

macro_rules! machine {
    ($($name:ty),+) => {
        $(impl Machine for $name {
            fn heard(self, now: u64, frame: Frame) -> Step<Self> {
                <$name>::heard(self, now, frame)
            }
            fn tick(self, now: u64) -> Step<Self> {
                <$name>::tick(self, now)
            }
            fn lost(self) -> Step<Self> {
                <$name>::lost(self)
            }
            fn deadline(&self) -> u64 {
                <$name>::deadline(self)
            }
        })+
    };
}
machine!(Inviter, Invitee, LinkOpener, LinkHost);

/// A person's yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Yes {
    pub(super) same_code: bool,
    pub(super) unverified: bool,
}

/// One end of a connection.
pub(super) struct Side<M> {
    pub(super) machine: Option<M>,
    pub(super) outbox: VecDeque<Frame>,
    pub(super) opened: Option<Hello>,
    /// What the person said, if the machine took it.
    pub(super) yes: Option<Yes>,
    pub(super) asked: bool,
    pub(super) run: bool,
    pub(super) confirmed: bool,
    /// The link is to be used up.
    pub(super) consume: bool,
    /// The link was used up, and that is stored.
    pub(super) stored: bool,
    pub(super) admission: Option<Admission>,
    pub(super) ending: Option<Ending>,
    /// Frames sent, all in all.
    pub(super) sent: usize,
}

impl<M> Default for Side<M> {
    fn default() -> Self {
        Self {
            machine: None,
            outbox: VecDeque::new(),
            opened: None,
            yes: None,
            asked: false,
            run: false,
            confirmed: false,
            consume: false,
            stored: false,
            admission: None,
            ending: None,
            sent: 0,
        }
    }
}

impl<M: Machine> Side<M> {
    /// Lets the machine make a step, if it still runs.
    pub(super) fn act(&mut self, step: impl FnOnce(M) -> Step<M>) {
        if let Some(machine) = self.machine.take() {
            self.take(step(machine));
        }
    }

    /// A person's word: it counts if the machine did not find it unfit.
    pub(super) fn say(&mut self, yes: Option<Yes>, step: impl FnOnce(M) -> Step<M>) {
        let Some(machine) = self.machine.take() else { return };
        let before = self.yes;
        self.yes = yes.or(before);
        let step = step(machine);
        if step.effects.iter().any(|effect| matches!(effect, Effect::Unfit(_))) {
            self.yes = before;
        }
        self.take(step);
    }

    /// Time passed: at its deadline a machine ends.
    pub(super) fn tick(&mut self, now: u64) {
        let Some(due) = self.machine.as_ref().map(Machine::deadline) else { return };
        self.act(|machine| machine.tick(now));
        assert_eq!(self.machine.is_none(), now >= due, "a machine ends at its deadline and not by itself before");
    }

    /// Takes note of a step.
    pub(super) fn take(&mut self, step: Step<M>) {
        let over = step.next.is_none();
        let last = step.effects.last();
        assert_eq!(over, matches!(last, Some(Effect::Admit(_) | Effect::End(_))), "the last effect ends it");
        let ends = step.effects.iter().filter(|effect| matches!(effect, Effect::Admit(_) | Effect::End(_)));
        assert_eq!(ends.count(), usize::from(over), "it ends once");
        self.machine = step.next;
        for effect in step.effects {
            self.effect(effect);
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Open(hello) => {
                assert!(self.opened.is_none() && self.sent == 0, "the hello comes first and once");
                self.sent += 1;
                self.opened = Some(hello);
            }
            Effect::Send(frame) => {
                assert_eq!(frame.check(), Ok(()), "what is sent keeps to the limits");
                let bytes = encode_payload(&frame, MAX_HELLO).expect("a frame fits");
                assert_eq!(parse_lenient::<Frame>(&bytes), Ok(Some(frame.clone())));
                self.sent += 1;
                self.outbox.push_back(frame);
            }
            Effect::AskPerson(_) => {
                assert!(!self.asked, "one question");
                self.asked = true;
            }
            Effect::RunStarted => {
                assert!(!self.run, "one run");
                self.run = true;
            }
            Effect::ShowCode(_) => assert!(self.run, "a code without a run that counts"),
            Effect::RunConfirmed => {
                assert!(self.run && !self.confirmed && self.yes.is_some_and(|yes| yes.same_code));
                self.confirmed = true;
            }
            Effect::Consume { .. } => {
                assert!(self.yes.is_some(), "a link is used up after a yes");
                self.consume = true;
            }
            Effect::Admit(admission) => {
                if admission.verified() == Verified::Code {
                    assert!(self.confirmed, "verified by a code that was not confirmed");
                }
                let keeps = matches!(admission.verified(), Verified::Code | Verified::Link | Verified::Certificate);
                assert_eq!(admission.pair_key().is_some(), keeps, "a new key only after a proof");
                self.admission = Some(admission);
            }
            Effect::End(ending) => {
                assert_ne!(ending, Ending::Misbehaved(Breach::SameKey), "the ends differ here");
                assert!(!hither_model::Failure::from(ending).message.is_empty());
                self.ending = Some(ending);
            }
            Effect::Alarm(alarm) => assert!(!alarm.to_string().is_empty()),
            Effect::Waiting | Effect::Unfit(_) => {}
        }
    }
}

//! The side that made a link: TLS server. It judges the proof, asks its person, uses the link up, and only then says yes.

use super::{LinkLedger, inviter_proof, ledger::Refused};
use crate::{
    breach::Breach,
    certified::Certified,
    hello::{Frame, LinkHello, No, cleaned, spoken},
    invite::{ANSWER_MS, Admission, Effect, Ending, Need, PROGRAM_MS, Question, Step, Unfit},
    pairing::Binding,
};
use hither_model::{DisplayName, InviteId, PeerId, Verified};

/// The hosting side of one attempt to redeem a link.
#[derive(Debug)]
pub struct LinkHost {
    ground: Ground,
    state: State,
}

#[derive(Debug)]
struct Ground {
    binding: Binding,
    invite: InviteId,
    hello: LinkHello,
    name: Option<DisplayName>,
    certified: Option<Box<Certified>>,
    deadline: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Proven; our person has not answered.
    Person,
    /// Our person said yes; the ledger is being stored.
    Consumption,
    /// We said yes; their last word is missing.
    Welcome,
}

impl LinkHost {
    /// Somebody knocked with the `rid` of link `invite` and said hello. Store the ledger afterwards: it may be bound to
    /// this device now, or burned. Every refusal sounds the same on the wire.
    pub fn start(
        now: u64,
        unix: u64,
        binding: Binding,
        hello: LinkHello,
        invite: InviteId,
        name: Option<DisplayName>,
        ledger: &mut LinkLedger,
    ) -> Step<Self> {
        if binding.same_ends() {
            return Step::end(Ending::OwnLink);
        }
        if let Err(breach) = hello.check() {
            return Step::end(breach);
        }
        let keys = match ledger.prove(unix, &invite, &binding, &hello.proof) {
            Ok(keys) => keys,
            Err(Refused { alarm }) => {
                let mut effects: Vec<_> = alarm.map(Effect::Alarm).into_iter().collect();
                effects.push(Effect::Send(Frame::No { why: No::Expired }));
                effects.push(Effect::End(Ending::LinkRefused));
                return Step { effects, next: None };
            }
        };
        let proof = Effect::Send(Frame::LinkProof { proof: inviter_proof(&keys, &binding) });
        let question = Question {
            invite,
            peer: binding.client(),
            name: cleaned(hello.name.as_deref()),
            message: None,
            need: Need::Link,
        };
        let ground = Ground { binding, invite, hello, name, certified: None, deadline: now.saturating_add(ANSWER_MS) };
        Step::go(Self { ground, state: State::Person }, vec![proof, Effect::AskPerson(question)])
    }

    /// The question has to wait behind others.
    pub fn queued(self, _now: u64) -> Step<Self> {
        match self.state {
            State::Person => Step::go(self, vec![Effect::Send(Frame::Waiting)]),
            State::Consumption | State::Welcome => Step::stay(self),
        }
    }

    /// The question is on the screen now; the person's time starts anew.
    pub fn displayed(mut self, now: u64) -> Step<Self> {
        if self.state == State::Person && now < self.ground.deadline {
            self.ground.deadline = now.saturating_add(ANSWER_MS);
        }
        Step::stay(self)
    }

    /// As [`Invitee::unlocking`](crate::Invitee::unlocking).
    pub fn unlocking(self, now: u64) -> Step<Self> {
        self.displayed(now)
    }

    /// Goes with the yes: who the person here is by a certificate.
    pub fn certify(&mut self, certified: Option<Box<Certified>>) {
        self.ground.certified = certified;
    }

    /// The person answered. A yes leads to [`Effect::Consume`].
    pub fn answer(mut self, now: u64, unix: u64, yes: bool, ledger: &mut LinkLedger) -> Step<Self> {
        if now >= self.ground.deadline {
            return self.tick(now);
        }
        if self.state == State::Welcome || (yes && self.state == State::Consumption) {
            return Step::unfit(self, Unfit::Answered);
        }
        if !yes {
            return self.refuse(now, No::Declined);
        }
        let (invite, peer) = (self.ground.invite, self.ground.binding.client());
        if ledger.confirm(unix, &invite, &peer).is_err() {
            return Step::say_and_end(Frame::No { why: No::Expired }, Ending::LinkDead);
        }
        self.state = State::Consumption;
        self.ground.deadline = now.saturating_add(PROGRAM_MS);
        Step::go(self, vec![Effect::Consume { invite, peer }])
    }

    /// The link is used up, and that is stored; or not `done`, because it was revoked or could not be stored.
    pub fn consumed(mut self, now: u64, done: bool) -> Step<Self> {
        if self.state != State::Consumption {
            return Step::stay(self);
        }
        if !done {
            return Step::say_and_end(Frame::No { why: No::Expired }, Ending::LinkDead);
        }
        self.state = State::Welcome;
        self.ground.deadline = now.saturating_add(PROGRAM_MS);
        let name = spoken(self.ground.name.as_ref());
        let accepted = Frame::Accepted { name, certified: self.ground.certified.take() };
        Step::go(self, vec![Effect::Send(accepted)])
    }

    /// Says no for a reason of the machine's driver: too busy, a blocked peer (who hears [`No::Declined`]).
    pub fn refuse(self, _now: u64, why: No) -> Step<Self> {
        Step::say_and_end(Frame::No { why }, Ending::said_no(why))
    }

    /// A frame came.
    pub fn heard(self, now: u64, frame: Frame) -> Step<Self> {
        if now >= self.ground.deadline {
            return self.tick(now);
        }
        if let Err(breach) = frame.check() {
            return Step::end(breach);
        }
        match (self.state, frame) {
            (_, Frame::Withdraw { why }) => Step::end(Ending::told_withdrawn(why)),
            (State::Welcome, Frame::Welcome { name }) => {
                let Ground { binding, invite, hello, .. } = self.ground;
                let name = cleaned(hello.name.as_deref()).or_else(|| cleaned(name.as_deref()));
                Step::admit(Vec::new(), Admission::of_server(&binding, invite, Verified::Link, name))
            }
            _ => Step::end(Breach::OutOfOrder),
        }
    }

    /// Time passed.
    pub fn tick(self, now: u64) -> Step<Self> {
        if now < self.ground.deadline {
            return Step::stay(self);
        }
        let ending = match self.state {
            State::Person => Ending::ExpiredHere,
            State::Consumption | State::Welcome => Ending::TimedOut,
        };
        Step::say_and_end(Frame::No { why: No::Expired }, ending)
    }

    /// The connection broke.
    pub fn lost(self) -> Step<Self> {
        Step::end(Ending::Interrupted)
    }

    /// When [`LinkHost::tick`] is due.
    pub fn deadline(&self) -> u64 {
        self.ground.deadline
    }

    /// Which link.
    pub fn invite(&self) -> InviteId {
        self.ground.invite
    }

    /// Who redeems it.
    pub fn peer(&self) -> PeerId {
        self.ground.binding.client()
    }
}

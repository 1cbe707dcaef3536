//! The side that asks: TLS client, speaks first, says the last word.

use super::{Admission, Effect, Ending, Step, Unfit};
use crate::{
    breach::Breach,
    certified::Certified,
    digest::Digest,
    hello::{Frame, Hello, Invite, MAX_MESSAGE, Taken, cleaned, spoken},
    pairing::{Binding, Code, Role, Run},
};
use hither_model::{DisplayName, InviteId, PeerId, Verified, text::shortened};

/// What the person asks for.
#[derive(Debug, Clone)]
pub struct InviteAsk {
    /// Names the invite; random.
    pub invite: InviteId,
    /// The name to go with it.
    pub name: Option<DisplayName>,
    /// A line to go with it; cut at 280 characters.
    pub message: Option<String>,
    /// The key at the other end is stored here from an earlier meeting (and the TLS connection was pinned to it).
    pub known: bool,
    /// The person settles for no code, once.
    pub unverified: bool,
    /// The run budget has room for a code run.
    pub codes: bool,
    /// Who the person here is by a certificate.
    pub certified: Option<Box<Certified>>,
    /// There are authorities here whose word takes the place of a code.
    pub codeless: bool,
}

/// The asking side of one invite.
#[derive(Debug)]
pub struct Inviter {
    ground: Ground,
    state: State,
}

#[derive(Debug)]
struct Ground {
    binding: Binding,
    ask: InviteAsk,
    /// The certificate in their yes was judged: an authority whose word takes the place of a code vouches for it.
    vouched: bool,
    deadline: u64,
}

enum State {
    Answer(AwaitAnswer),
    Nonce(AwaitNonce),
    Person(AwaitPerson),
    Confirm(AwaitConfirm),
    Yes(AwaitYes),
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Answer(_) => "AwaitAnswer",
            Self::Nonce(_) => "AwaitNonce",
            Self::Person(_) => "AwaitPerson",
            Self::Confirm(_) => "AwaitConfirm",
            Self::Yes(_) => "AwaitYes",
        })
    }
}

/// The invite is out; nothing came back yet.
struct AwaitAnswer {
    nonce_c: Digest,
}

/// They committed to a nonce and have ours.
struct AwaitNonce {
    nonce_c: Digest,
    commitment: Digest,
}

/// The code is on both screens; our person has not compared it yet.
struct AwaitPerson {
    run: Run,
    confirmed_there: bool,
}

/// Our person found the code right; theirs has not said so yet.
struct AwaitConfirm {
    run: Run,
}

/// Everything is proven; their word is missing.
struct AwaitYes {
    verified: Verified,
}

impl Inviter {
    /// Asks. `nonce_c` is 32 fresh random bytes; the whole invite takes `timeout` milliseconds at most.
    pub fn start(now: u64, binding: Binding, mut ask: InviteAsk, nonce_c: [u8; 32], timeout: u64) -> Step<Self> {
        let nonce_c = Digest(nonce_c);
        if binding.same_ends() {
            return Step::end(Breach::SameKey);
        }
        if nonce_c.is_zero() {
            return Step::end(Ending::NoRandomness);
        }
        ask.message = ask.message.as_deref().map(|text| shortened(text, MAX_MESSAGE));
        let hello = Hello::Invite(Invite {
            invite: ask.invite,
            name: spoken(ask.name.as_ref()),
            message: ask.message.clone(),
            known: ask.known,
            unverified: ask.unverified,
            certified: ask.certified.take(),
            codeless: ask.codeless,
        });
        let ground = Ground { binding, ask, vouched: false, deadline: now.saturating_add(timeout) };
        let state = State::Answer(AwaitAnswer { nonce_c });
        Step::go(Self { ground, state }, vec![Effect::Open(hello)])
    }

    /// The certificate in the [`Frame::Accepted`] that is about to be heard is proven, and an authority whose word takes
    /// the place of a code vouches for it.
    pub fn vouched(&mut self) {
        self.ground.vouched = true;
    }

    /// The certificate in their yes is not good: nothing is stored.
    pub fn refuse_certificate(self) -> Step<Self> {
        Step::say_and_end(Frame::Withdraw { why: Taken::Certificate }, Ending::CertificateRefused)
    }

    /// A frame came.
    pub fn heard(self, now: u64, frame: Frame) -> Step<Self> {
        if now >= self.ground.deadline {
            return self.tick(now);
        }
        if let Err(breach) = frame.check() {
            return Step::end(breach);
        }
        if let Frame::No { why } = frame {
            return Step::end(Ending::told_no(why));
        }
        let Self { ground, state } = self;
        let step = match state {
            State::Answer(state) => state.heard(&ground, frame),
            State::Nonce(state) => state.heard(&ground, &frame),
            State::Person(state) => state.heard(&frame),
            State::Confirm(state) => state.heard(&frame),
            State::Yes(state) => state.heard(&ground, &frame),
        };
        step.map(|state| Self { ground, state })
    }

    /// The person compared the codes.
    pub fn confirm_code(self, now: u64, same: bool) -> Step<Self> {
        if now >= self.ground.deadline {
            return self.tick(now);
        }
        let Self { ground, state } = self;
        let step = match state {
            State::Person(_) if !same => {
                Step::say_and_end(Frame::Withdraw { why: Taken::CodesDiffer }, Ending::CodesDiffer)
            }
            State::Person(state) => state.same(),
            State::Answer(_) | State::Nonce(_) => Step::unfit(state, Unfit::NoCodeYet),
            State::Confirm(_) | State::Yes(_) => Step::unfit(state, Unfit::Answered),
        };
        step.map(|state| Self { ground, state })
    }

    /// The person takes it back; possible at any time before the session opens.
    pub fn withdraw(self, _now: u64) -> Step<Self> {
        Step::say_and_end(Frame::Withdraw { why: Taken::Withdrawn }, Ending::Canceled)
    }

    /// Time passed.
    pub fn tick(self, now: u64) -> Step<Self> {
        if now < self.ground.deadline {
            return Step::stay(self);
        }
        let ending = match self.state {
            State::Person(_) => Ending::ExpiredHere,
            State::Answer(_) | State::Nonce(_) | State::Confirm(_) | State::Yes(_) => Ending::Expired,
        };
        Step::say_and_end(Frame::Withdraw { why: Taken::Expired }, ending)
    }

    /// The connection broke.
    pub fn lost(self) -> Step<Self> {
        Step::end(Ending::Interrupted)
    }

    /// When [`Inviter::tick`] is due.
    pub fn deadline(&self) -> u64 {
        self.ground.deadline
    }

    /// The code on the screen, while it is to be compared.
    pub fn code(&self) -> Option<Code> {
        match &self.state {
            State::Person(state) => Some(state.run.code()),
            State::Confirm(state) => Some(state.run.code()),
            State::Answer(_) | State::Nonce(_) | State::Yes(_) => None,
        }
    }

    /// Which invite.
    pub fn invite(&self) -> InviteId {
        self.ground.ask.invite
    }

    /// Whom it went to.
    pub fn peer(&self) -> PeerId {
        self.ground.binding.server()
    }
}

fn out_of_order() -> Step<State> {
    Step::end(Breach::OutOfOrder)
}

impl AwaitAnswer {
    fn heard(self, ground: &Ground, frame: Frame) -> Step<State> {
        match frame {
            Frame::Waiting => Step::go(State::Answer(self), vec![Effect::Waiting]),
            Frame::Commit { c } if ground.ask.codes => {
                let effects = vec![Effect::RunStarted, Effect::Send(Frame::NonceC { n: self.nonce_c })];
                Step::go(State::Nonce(AwaitNonce { nonce_c: self.nonce_c, commitment: c }), effects)
            }
            Frame::Commit { .. } => Step::say_and_end(Frame::Withdraw { why: Taken::LinkOnly }, Ending::LinkOnlyHere),
            Frame::NoCode if ground.ask.known => Step::stay(State::Yes(AwaitYes { verified: Verified::Stored })),
            Frame::NoCode if ground.ask.codeless => {
                Step::stay(State::Yes(AwaitYes { verified: Verified::Certificate }))
            }
            Frame::NoCode if ground.ask.unverified => Step::stay(State::Yes(AwaitYes { verified: Verified::No })),
            Frame::NoCode => Step::end(Breach::Unasked),
            _ => out_of_order(),
        }
    }
}

impl AwaitNonce {
    fn heard(self, ground: &Ground, frame: &Frame) -> Step<State> {
        let Frame::NonceS { n } = frame else { return out_of_order() };
        if !ground.binding.commit(&n.0).same(&self.commitment.0) {
            return Step::end(Breach::WrongCommitment);
        }
        match Run::new(&ground.binding, &self.nonce_c, n) {
            Ok(run) => {
                let effects = vec![Effect::ShowCode(run.code())];
                Step::go(State::Person(AwaitPerson { run, confirmed_there: false }), effects)
            }
            Err(breach) => Step::end(breach),
        }
    }
}

impl AwaitPerson {
    fn heard(self, frame: &Frame) -> Step<State> {
        match frame {
            Frame::Confirm { mac } if !self.confirmed_there => match self.run.check(Role::Server, mac) {
                Ok(()) => Step::stay(State::Person(Self { confirmed_there: true, ..self })),
                Err(breach) => Step::end(breach),
            },
            _ => out_of_order(),
        }
    }

    fn same(self) -> Step<State> {
        let confirm = Effect::Send(Frame::Confirm { mac: self.run.says(Role::Client) });
        if self.confirmed_there {
            let yes = State::Yes(AwaitYes { verified: Verified::Code });
            return Step::go(yes, vec![Effect::RunConfirmed, confirm]);
        }
        Step::go(State::Confirm(AwaitConfirm { run: self.run }), vec![confirm])
    }
}

impl AwaitConfirm {
    fn heard(self, frame: &Frame) -> Step<State> {
        let Frame::Confirm { mac } = frame else { return out_of_order() };
        match self.run.check(Role::Server, mac) {
            Ok(()) => Step::go(State::Yes(AwaitYes { verified: Verified::Code }), vec![Effect::RunConfirmed]),
            Err(breach) => Step::end(breach),
        }
    }
}

impl AwaitYes {
    fn heard(self, ground: &Ground, frame: &Frame) -> Step<State> {
        let Frame::Accepted { name, .. } = frame else { return out_of_order() };
        let verified = match self.verified {
            Verified::Certificate if !ground.vouched && ground.ask.unverified => Verified::No,
            Verified::Certificate if !ground.vouched => {
                return Step::say_and_end(Frame::Withdraw { why: Taken::Certificate }, Ending::CertificateRefused);
            }
            verified => verified,
        };
        let welcome = Effect::Send(Frame::Welcome { name: spoken(ground.ask.name.as_ref()) });
        let name = cleaned(name.as_deref());
        let admission = Admission::of_client(&ground.binding, ground.ask.invite, verified, name);
        Step::admit(vec![welcome], admission)
    }
}

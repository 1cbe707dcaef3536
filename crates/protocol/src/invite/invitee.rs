//! The side that is asked: TLS server. Its person is asked before anything is proven; what the yes must bring along is in
//! the question.

use super::{Admission, Effect, Ending, Need, PROGRAM_MS, Question, Step, Unfit};
use crate::{
    breach::Breach,
    certified::Certified,
    digest::Digest,
    hello::{Frame, Invite, No, cleaned, spoken},
    pairing::{Binding, Code, Role, Run},
};
use hither_model::{DisplayName, InviteId, PeerId, Verified};

/// Milliseconds a person has for an answer: from the moment the invite came while it is queued, and again from the moment
/// it is shown.
pub const ANSWER_MS: u64 = 60_000;

/// What this side brings along.
#[derive(Debug, Clone)]
pub struct InviteeSide {
    /// The name to tell once everything is proven.
    pub name: Option<DisplayName>,
    /// The key at the other end is stored here from an earlier meeting.
    pub known: bool,
    /// Their certificate is proven, an authority whose word takes the place of a code vouches for it, and the person here
    /// has one to answer with.
    pub codeless: bool,
}

/// What the person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Yes.
    Yes {
        /// The codes were compared and are the same.
        same_code: bool,
        /// This once without code.
        unverified: bool,
    },
    /// The codes were compared and are not the same.
    Different,
    /// No.
    No,
}

/// The asked side of one invite.
#[derive(Debug)]
pub struct Invitee {
    ground: Ground,
    state: State,
}

#[derive(Debug)]
struct Ground {
    binding: Binding,
    invite: Invite,
    me: InviteeSide,
    /// Who the person here is by a certificate.
    certified: Option<Box<Certified>>,
    deadline: u64,
}

enum State {
    Display(AwaitDisplay),
    Nonce(AwaitNonce),
    Person(AwaitPerson),
    Confirm(AwaitConfirm),
    Word(AwaitWord),
    Welcome(AwaitWelcome),
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Display(_) => "AwaitDisplay",
            Self::Nonce(_) => "AwaitNonce",
            Self::Person(_) => "AwaitPerson",
            Self::Confirm(_) => "AwaitConfirm",
            Self::Word(_) => "AwaitWord",
            Self::Welcome(_) => "AwaitWelcome",
        })
    }
}

/// The question waits for its turn on the screen.
struct AwaitDisplay {
    need: Need,
}

/// On the screen; we committed, their nonce is missing.
struct AwaitNonce {
    nonce_s: Digest,
}

/// The code is on both screens; our person has not answered.
struct AwaitPerson {
    run: Run,
    confirmed_there: bool,
}

/// Our person said yes; theirs has not confirmed the code yet.
struct AwaitConfirm {
    run: Run,
}

/// On the screen; no code is needed, only our person's word.
struct AwaitWord {
    need: Need,
}

/// We said yes; their last word is missing.
struct AwaitWelcome {
    verified: Verified,
}

impl Invitee {
    /// An invite came. The effect is the question to be asked.
    pub fn start(now: u64, binding: Binding, invite: Invite, me: InviteeSide) -> Step<Self> {
        if binding.same_ends() {
            return Step::end(Breach::SameKey);
        }
        if let Err(breach) = invite.check() {
            return Step::end(breach);
        }
        let need = match (me.known && invite.known, me.codeless && invite.codeless, invite.unverified) {
            (true, _, _) => Need::Stored,
            (false, true, _) => Need::Certificate,
            (false, false, true) => Need::Unverified,
            (false, false, false) => Need::Code,
        };
        let question = Question {
            invite: invite.invite,
            peer: binding.client(),
            name: cleaned(invite.name.as_deref()),
            message: invite.message.clone(),
            need,
        };
        let ground = Ground { binding, invite, me, certified: None, deadline: now.saturating_add(ANSWER_MS) };
        let state = State::Display(AwaitDisplay { need });
        Step::go(Self { ground, state }, vec![Effect::AskPerson(question)])
    }

    /// The question has to wait behind others; the inviter is told.
    pub fn queued(self, _now: u64) -> Step<Self> {
        match self.state {
            State::Display(_) => Step::go(self, vec![Effect::Send(Frame::Waiting)]),
            _ => Step::stay(self),
        }
    }

    /// Whether [`Invitee::displayed`] begins a code run. Ask the run budget first; without room, say
    /// [`No::LinkOnly`] with [`Invitee::refuse`].
    pub fn needs_run(&self) -> bool {
        matches!(self.state, State::Display(AwaitDisplay { need: Need::Code }))
    }

    /// The question is on the screen now. `nonce_s` is 32 fresh random bytes.
    pub fn displayed(mut self, now: u64, nonce_s: [u8; 32]) -> Step<Self> {
        if now >= self.ground.deadline {
            return self.tick(now);
        }
        let State::Display(AwaitDisplay { need }) = self.state else { return Step::stay(self) };
        self.ground.deadline = now.saturating_add(ANSWER_MS);
        let nonce_s = Digest(nonce_s);
        let (state, effects) = match need {
            Need::Code if nonce_s.is_zero() => return Step::end(Ending::NoRandomness),
            Need::Code => {
                let commit = Frame::Commit { c: self.ground.binding.commit(&nonce_s.0) };
                (State::Nonce(AwaitNonce { nonce_s }), vec![Effect::RunStarted, Effect::Send(commit)])
            }
            Need::Unverified | Need::Stored | Need::Link | Need::Certificate => {
                (State::Word(AwaitWord { need }), vec![Effect::Send(Frame::NoCode)])
            }
        };
        Step::go(Self { state, ..self }, effects)
    }

    /// The person said yes as the holder of a certificate, and unlocks its key: they have their time anew.
    pub fn unlocking(mut self, now: u64) -> Step<Self> {
        if now < self.ground.deadline && !matches!(self.state, State::Welcome(_)) {
            self.ground.deadline = now.saturating_add(ANSWER_MS);
        }
        Step::stay(self)
    }

    /// Goes with the yes that follows: who the person here is by a certificate, if they want to be. Nothing of it is said
    /// before.
    pub fn certify(&mut self, certified: Option<Box<Certified>>) {
        self.ground.certified = certified;
    }

    /// The person answered.
    pub fn answer(self, now: u64, reply: Reply) -> Step<Self> {
        if now >= self.ground.deadline {
            return self.tick(now);
        }
        let Self { mut ground, state } = self;
        let step = match (state, reply) {
            (state @ State::Welcome(_), _) => Step::unfit(state, Unfit::Answered),
            (_, Reply::No) => no(No::Declined),
            (State::Person(_) | State::Confirm(_), Reply::Different) => no(No::CodesDiffer),
            (state, Reply::Different) => Step::unfit(state, Unfit::NoCodeYet),
            (state @ State::Confirm(_), Reply::Yes { .. }) => Step::unfit(state, Unfit::Answered),
            (state @ State::Display(_), Reply::Yes { .. }) => Step::unfit(state, Unfit::NotDisplayed),
            (state @ State::Nonce(_), Reply::Yes { .. }) => Step::unfit(state, Unfit::NoCodeYet),
            (state @ State::Person(_), Reply::Yes { same_code: false, .. }) => Step::unfit(state, Unfit::CodeNeeded),
            (State::Person(state), Reply::Yes { same_code: true, .. }) => state.same(now, &mut ground),
            (State::Word(AwaitWord { need: Need::Unverified }), Reply::Yes { unverified: false, .. }) => {
                Step::unfit(State::Word(AwaitWord { need: Need::Unverified }), Unfit::SayUnverified)
            }
            (State::Word(AwaitWord { need: Need::Certificate }), Reply::Yes { .. }) => match ground.certified {
                Some(_) => accept(now, &mut ground, Verified::Certificate, Vec::new()),
                None => Step::unfit(State::Word(AwaitWord { need: Need::Certificate }), Unfit::CertificateNeeded),
            },
            (State::Word(_), Reply::Yes { .. }) => {
                let verified = if ground.me.known { Verified::Stored } else { Verified::No };
                accept(now, &mut ground, verified, Vec::new())
            }
        };
        step.map(|state| Self { ground, state })
    }

    /// Says no for a reason of the machine's driver: too busy, pairing paused, a blocked peer (who hears
    /// [`No::Declined`]).
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
        if let Frame::Withdraw { why } = frame {
            return Step::end(Ending::told_withdrawn(why));
        }
        let Self { mut ground, state } = self;
        let step = match (state, frame) {
            (State::Nonce(state), Frame::NonceC { n }) => state.heard(&ground, &n),
            (State::Person(state), Frame::Confirm { mac }) if !state.confirmed_there => {
                match state.run.check(Role::Client, &mac) {
                    Ok(()) => Step::stay(State::Person(AwaitPerson { confirmed_there: true, ..state })),
                    Err(breach) => Step::end(breach),
                }
            }
            (State::Confirm(state), Frame::Confirm { mac }) => match state.run.check(Role::Client, &mac) {
                Ok(()) => accept(now, &mut ground, Verified::Code, vec![Effect::RunConfirmed]),
                Err(breach) => Step::end(breach),
            },
            (State::Welcome(state), Frame::Welcome { name }) => state.heard(&ground, name.as_deref()),
            _ => Step::end(Breach::OutOfOrder),
        };
        step.map(|state| Self { ground, state })
    }

    /// Time passed.
    pub fn tick(self, now: u64) -> Step<Self> {
        if now < self.ground.deadline {
            return Step::stay(self);
        }
        let ending = match self.state {
            State::Confirm(_) => Ending::Expired,
            State::Welcome(_) => Ending::TimedOut,
            State::Display(_) | State::Nonce(_) | State::Person(_) | State::Word(_) => Ending::ExpiredHere,
        };
        Step::say_and_end(Frame::No { why: No::Expired }, ending)
    }

    /// The connection broke.
    pub fn lost(self) -> Step<Self> {
        Step::end(Ending::Interrupted)
    }

    /// When [`Invitee::tick`] is due.
    pub fn deadline(&self) -> u64 {
        self.ground.deadline
    }

    /// The code on the screen, while it is to be compared.
    pub fn code(&self) -> Option<Code> {
        match &self.state {
            State::Person(state) => Some(state.run.code()),
            State::Confirm(state) => Some(state.run.code()),
            State::Display(_) | State::Nonce(_) | State::Word(_) | State::Welcome(_) => None,
        }
    }

    /// Which invite.
    pub fn invite(&self) -> InviteId {
        self.ground.invite.invite
    }

    /// Who asks.
    pub fn peer(&self) -> PeerId {
        self.ground.binding.client()
    }
}

fn no(why: No) -> Step<State> {
    Step::say_and_end(Frame::No { why }, Ending::said_no(why))
}

/// Says yes, after `before`; from here on only the other program has to answer, and soon.
fn accept(now: u64, ground: &mut Ground, verified: Verified, mut before: Vec<Effect>) -> Step<State> {
    ground.deadline = now.saturating_add(PROGRAM_MS);
    before.push(Effect::Send(Frame::Accepted {
        name: spoken(ground.me.name.as_ref()),
        certified: ground.certified.take(),
    }));
    Step::go(State::Welcome(AwaitWelcome { verified }), before)
}

impl AwaitNonce {
    fn heard(self, ground: &Ground, nonce_c: &Digest) -> Step<State> {
        match Run::new(&ground.binding, nonce_c, &self.nonce_s) {
            Ok(run) => {
                let effects = vec![Effect::Send(Frame::NonceS { n: self.nonce_s }), Effect::ShowCode(run.code())];
                Step::go(State::Person(AwaitPerson { run, confirmed_there: false }), effects)
            }
            Err(breach) => Step::end(breach),
        }
    }
}

impl AwaitPerson {
    fn same(self, now: u64, ground: &mut Ground) -> Step<State> {
        let confirm = Effect::Send(Frame::Confirm { mac: self.run.says(Role::Server) });
        if self.confirmed_there {
            return accept(now, ground, Verified::Code, vec![Effect::RunConfirmed, confirm]);
        }
        Step::go(State::Confirm(AwaitConfirm { run: self.run }), vec![confirm])
    }
}

impl AwaitWelcome {
    fn heard(self, ground: &Ground, name: Option<&str>) -> Step<State> {
        // The name that was in the question stands: the person said yes to that one.
        let name = cleaned(ground.invite.name.as_deref()).or_else(|| cleaned(name));
        let admission = Admission::of_server(&ground.binding, ground.invite.invite, self.verified, name);
        Step::admit(Vec::new(), admission)
    }
}

//! The side that redeems a link: TLS client; its person has confirmed that it should.

use super::{InviteUrl, acceptor_proof, inviter_proof};
use crate::{
    breach::Breach,
    certified::Certified,
    digest::Digest,
    hello::{Frame, Hello, LinkHello, No, Taken, cleaned, spoken},
    invite::{Admission, Effect, Ending, PROGRAM_MS, Step},
    pairing::Binding,
};
use hither_model::{DisplayName, InviteId, PeerId, Verified};

/// The redeeming side of one link.
#[derive(Debug)]
pub struct LinkOpener {
    ground: Ground,
    state: State,
}

#[derive(Debug)]
struct Ground {
    binding: Binding,
    invite: InviteId,
    name: Option<DisplayName>,
    /// When the person's patience ends.
    end: u64,
}

#[derive(Debug)]
enum State {
    Proof(AwaitProof),
    Yes(AwaitYes),
}

/// Our proof is out; theirs, which no person has to make, is missing.
#[derive(Debug)]
struct AwaitProof {
    expected: Digest,
    deadline: u64,
}

/// Both proved; their person's word is missing.
#[derive(Debug)]
struct AwaitYes;

impl LinkOpener {
    /// Redeems a link on a connection whose other end has proven its key. `certified` goes with the first
    /// words. If that is not the key in the link, not a word
    /// is said (I4). `invite` is this side's own name for it; `timeout` is in milliseconds.
    pub fn start(
        now: u64,
        binding: Binding,
        url: &InviteUrl,
        invite: InviteId,
        (name, certified): (Option<DisplayName>, Option<Box<Certified>>),
        timeout: u64,
    ) -> Step<Self> {
        if let Err(own) = url.check_opener(&binding.client()) {
            return Step::end(own);
        }
        if binding.server() != url.inviter() {
            return Step::end(Ending::NotTheInviter);
        }
        let keys = url.keys();
        let proof = acceptor_proof(&keys, &binding);
        let hello = Hello::Link(LinkHello { name: spoken(name.as_ref()), proof, certified });
        let end = now.saturating_add(timeout);
        let state =
            AwaitProof { expected: inviter_proof(&keys, &binding), deadline: end.min(now.saturating_add(PROGRAM_MS)) };
        let ground = Ground { binding, invite, name, end };
        Step::go(Self { ground, state: State::Proof(state) }, vec![Effect::Open(hello)])
    }

    /// A frame came.
    pub fn heard(self, now: u64, frame: Frame) -> Step<Self> {
        if now >= self.deadline() {
            return self.tick(now);
        }
        if let Err(breach) = frame.check() {
            return Step::end(breach);
        }
        let Self { ground, state } = self;
        match (state, frame) {
            // Before their proof this says that the link is expired, used or unknown, without saying which.
            (State::Proof(_), Frame::No { why: No::Expired }) => Step::end(Ending::LinkDead),
            (_, Frame::No { why }) => Step::end(Ending::told_no(why)),
            (State::Proof(state), Frame::LinkProof { proof }) if proof.same(&state.expected.0) => {
                Step::stay(Self { ground, state: State::Yes(AwaitYes) })
            }
            (State::Proof(_), Frame::LinkProof { .. }) => Step::end(Breach::WrongProof),
            (state @ State::Yes(_), Frame::Waiting) => Step::go(Self { ground, state }, vec![Effect::Waiting]),
            (State::Yes(state), Frame::Accepted { name, .. }) => state.accepted(&ground, name.as_deref()),
            _ => Step::end(Breach::OutOfOrder),
        }
    }

    /// The person takes it back.
    pub fn withdraw(self, _now: u64) -> Step<Self> {
        Step::say_and_end(Frame::Withdraw { why: Taken::Withdrawn }, Ending::Canceled)
    }

    /// The certificate in their yes is not good: nothing is stored.
    pub fn refuse_certificate(self) -> Step<Self> {
        Step::say_and_end(Frame::Withdraw { why: Taken::Certificate }, Ending::CertificateRefused)
    }

    /// Time passed.
    pub fn tick(self, now: u64) -> Step<Self> {
        if now < self.deadline() {
            return Step::stay(self);
        }
        let ending = match self.state {
            State::Proof(_) => Ending::TimedOut,
            State::Yes(_) => Ending::Expired,
        };
        Step::say_and_end(Frame::Withdraw { why: Taken::Expired }, ending)
    }

    /// The connection broke.
    pub fn lost(self) -> Step<Self> {
        Step::end(Ending::Interrupted)
    }

    /// When [`LinkOpener::tick`] is due.
    pub fn deadline(&self) -> u64 {
        match &self.state {
            State::Proof(state) => state.deadline,
            State::Yes(_) => self.ground.end,
        }
    }

    /// This side's name for it.
    pub fn invite(&self) -> InviteId {
        self.ground.invite
    }

    /// Who made the link.
    pub fn peer(&self) -> PeerId {
        self.ground.binding.server()
    }
}

impl AwaitYes {
    fn accepted(self, ground: &Ground, name: Option<&str>) -> Step<LinkOpener> {
        let welcome = Effect::Send(Frame::Welcome { name: spoken(ground.name.as_ref()) });
        let admission = Admission::of_client(&ground.binding, ground.invite, Verified::Link, cleaned(name));
        Step::admit(vec![welcome], admission)
    }
}

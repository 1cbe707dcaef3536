//! The four machines an invite can be run by, behind one face. They decide; the engine acts on their effects.

use hither_protocol::{Certified, Effect, Frame, Invitee, Inviter, LinkHost, LinkOpener, Step};

/// Whichever machine runs this invite.
#[derive(Debug)]
pub(crate) enum Machine {
    /// We invite.
    Inviter(Inviter),
    /// We are invited.
    Invitee(Invitee),
    /// We redeem a link.
    Opener(LinkOpener),
    /// Somebody redeems our link.
    Host(LinkHost),
}

/// What came of a step: things to do, and the machine that goes on (none when it is over).
pub(crate) struct Stepped {
    pub(crate) effects: Vec<Effect>,
    pub(crate) next: Option<Machine>,
}

macro_rules! from_step {
    ($($machine:ident => $variant:ident),+) => {
        $(impl From<Step<$machine>> for Stepped {
            fn from(step: Step<$machine>) -> Self {
                Self { effects: step.effects, next: step.next.map(Machine::$variant) }
            }
        })+
    };
}
from_step!(Inviter => Inviter, Invitee => Invitee, LinkOpener => Opener, LinkHost => Host);

macro_rules! each {
    ($self:expr, $m:ident => $call:expr) => {
        match $self {
            Self::Inviter($m) => $call,
            Self::Invitee($m) => $call,
            Self::Opener($m) => $call,
            Self::Host($m) => $call,
        }
    };
}

impl Machine {
    pub(crate) fn heard(self, now: u64, frame: Frame) -> Stepped {
        each!(self, m => m.heard(now, frame).into())
    }

    pub(crate) fn tick(self, now: u64) -> Stepped {
        each!(self, m => m.tick(now).into())
    }

    pub(crate) fn lost(self) -> Stepped {
        each!(self, m => m.lost().into())
    }

    pub(crate) fn deadline(&self) -> u64 {
        each!(self, m => m.deadline())
    }

    /// The person here says yes as the holder of a certificate and unlocks its key: they have their time anew.
    pub(crate) fn unlocking(self, now: u64) -> Stepped {
        match self {
            Self::Invitee(m) => m.unlocking(now).into(),
            Self::Host(m) => m.unlocking(now).into(),
            other => Stepped { effects: vec![], next: Some(other) },
        }
    }

    /// Goes with the yes that follows: who the person here is by a certificate.
    pub(crate) fn certify(&mut self, certified: Option<Box<Certified>>) {
        match self {
            Self::Invitee(m) => m.certify(certified),
            Self::Host(m) => m.certify(certified),
            Self::Inviter(_) | Self::Opener(_) => {}
        }
    }

    /// The certificate in the yes that is about to be heard is as good as a code.
    pub(crate) fn vouched(&mut self) {
        if let Self::Inviter(m) = self {
            m.vouched();
        }
    }

    /// The certificate in their yes is not good.
    pub(crate) fn refuse_certificate(self) -> Stepped {
        match self {
            Self::Inviter(m) => m.refuse_certificate().into(),
            Self::Opener(m) => m.refuse_certificate().into(),
            other => Stepped { effects: vec![], next: Some(other) },
        }
    }

    /// The person here takes it back.
    pub(crate) fn withdraw(self, now: u64) -> Stepped {
        match self {
            Self::Inviter(m) => m.withdraw(now).into(),
            Self::Opener(m) => m.withdraw(now).into(),
            other => Stepped { effects: vec![], next: Some(other) },
        }
    }
}

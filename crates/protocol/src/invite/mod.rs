//! Invites between two persons: the inviter is the TLS client and speaks first (words: [`crate::hello`]).
//!
//! Each machine is a value that is consumed by what happens to it and comes back, or not, in a [`Step`]. There is one
//! struct for each thing it can wait for, holding just what is known by then; so a confirmation cannot be looked at before
//! both nonces are there, and an [`Admission`] cannot be made before the last frame. `now` is in milliseconds.
//!
//! What is *not* here: who may ask how often ([`crate::limits`]), and where trust is stored.

mod admission;
mod ending;
mod invitee;
mod inviter;

pub use admission::Admission;
pub use ending::{Ending, Unfit};
pub use invitee::{ANSWER_MS, Invitee, InviteeSide, Reply};
pub use inviter::{InviteAsk, Inviter};

use crate::{
    hello::{Frame, Hello},
    pairing::Code,
};
use hither_model::{DisplayName, InviteId, PeerId};
use std::fmt;

/// Milliseconds the other program has for an answer that no person is asked for.
pub const PROGRAM_MS: u64 = 10_000;

/// What is to be done, in order, and the machine that goes on, if any.
#[derive(Debug)]
#[must_use]
pub struct Step<M> {
    /// What is to be done, in order.
    pub effects: Vec<Effect>,
    /// The machine; `None` when it is over, and then the last effect is [`Effect::Admit`] or [`Effect::End`].
    pub next: Option<M>,
}

impl<M> Step<M> {
    pub(crate) fn go(next: impl Into<M>, effects: Vec<Effect>) -> Self {
        Self { effects, next: Some(next.into()) }
    }

    pub(crate) fn stay(next: impl Into<M>) -> Self {
        Self::go(next, Vec::new())
    }

    pub(crate) fn unfit(next: impl Into<M>, why: Unfit) -> Self {
        Self::go(next, vec![Effect::Unfit(why)])
    }

    pub(crate) fn end(ending: impl Into<Ending>) -> Self {
        Self { effects: vec![Effect::End(ending.into())], next: None }
    }

    pub(crate) fn say_and_end(last: Frame, ending: Ending) -> Self {
        Self { effects: vec![Effect::Send(last), Effect::End(ending)], next: None }
    }

    pub(crate) fn admit(mut effects: Vec<Effect>, admission: Admission) -> Self {
        effects.push(Effect::Admit(admission));
        Self { effects, next: None }
    }

    /// The same with the machine in another wrapping.
    pub(crate) fn map<N>(self, wrap: impl FnOnce(M) -> N) -> Step<N> {
        Step { effects: self.effects, next: self.next.map(wrap) }
    }
}

/// Something a machine wants done.
#[derive(Debug)]
pub enum Effect {
    /// Send this as the first frame of the connection.
    Open(Hello),
    /// Send this.
    Send(Frame),
    /// Put this to the person, now or when those before are answered.
    AskPerson(Question),
    /// Show this code on the screen, and ask whether the other screen shows the same.
    ShowCode(Code),
    /// The other person has others to answer first.
    Waiting,
    /// A code run begins. Count it ([`crate::RunBudget::started`]) and store the count before going on with the effects.
    RunStarted,
    /// Both persons found the code right ([`crate::RunBudget::confirmed`]).
    RunConfirmed,
    /// Use up the link: [`crate::LinkLedger::consume`], stored and fsynced, then [`crate::LinkHost::consumed`].
    Consume {
        /// Which link.
        invite: InviteId,
        /// By whom.
        peer: PeerId,
    },
    /// The person must know this.
    Alarm(Alarm),
    /// What the person said does not fit at this point; the machine is as before. Tell whoever called.
    Unfit(Unfit),
    /// Both persons said yes and everything is proven: store trust, open the session. Over.
    Admit(Admission),
    /// Came to nothing. Over; close the connection after what was to be sent.
    End(Ending),
}

/// An invite as it is put to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Names the invite.
    pub invite: InviteId,
    /// Who asks: the key is proven, not who holds it.
    pub peer: PeerId,
    /// Who they say they are, hidden characters dropped.
    pub name: Option<DisplayName>,
    /// What they wrote; escape it before showing.
    pub message: Option<String>,
    /// What a yes must bring along.
    pub need: Need,
}

/// What a yes must bring along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The codes compared and equal.
    Code,
    /// The person's word that this once no code is needed; the other side offered it.
    Unverified,
    /// Nothing more: both hold each other's key.
    Stored,
    /// Nothing more: they hold the link.
    Link,
    /// A certificate of our own: theirs is trusted in place of a code.
    Certificate,
}

/// Something the person must know whatever they are doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// A second device proved that it holds a link that is bound to another one.
    SecondDevice {
        /// Which link.
        invite: InviteId,
        /// The second device.
        peer: PeerId,
    },
    /// Somebody guessed at a link until it was made worthless.
    Burned {
        /// Which link.
        invite: InviteId,
    },
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecondDevice { invite, peer } => write!(
                f,
                "a second device ({}) tried to use the invite link {}: others may have read it; it was refused",
                peer.short(),
                invite.short()
            ),
            Self::Burned { invite } => {
                write!(f, "the invite link {} was made worthless after five wrong proofs", invite.short())
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! How an invite came to nothing, in the words of the side it is told to: what the inviter's person reads is not what the
//! invitee's person reads.

use crate::{
    breach::Breach,
    hello::{No, Taken},
};
use hither_model::{ErrorCode, Failure};

/// Why there is no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The other person said no.
    Declined,
    /// The person here said no.
    DeclinedHere,
    /// The other person has too many questions open.
    Busy,
    /// Too many questions are open here.
    BusyHere,
    /// Nobody answered there.
    Expired,
    /// Nobody answered here.
    ExpiredHere,
    /// The asker's time to wait was over.
    StoppedWaiting,
    /// The asker took it back.
    Withdrawn,
    /// The person here took it back.
    Canceled,
    /// The other side takes only links for now.
    LinkOnly,
    /// This side takes only links for now.
    LinkOnlyHere,
    /// The person here saw two different codes.
    CodesDiffer,
    /// The other person saw two different codes.
    CodesDifferThere,
    /// The connection broke.
    Interrupted,
    /// The other program stopped answering.
    TimedOut,
    /// The link is expired, used or unknown, as told by the inviter.
    LinkDead,
    /// A link was tried here that is not good, or not by this device.
    LinkRefused,
    /// Whoever answered is not the device that made the link.
    NotTheInviter,
    /// The link was made here.
    OwnLink,
    /// The other side takes only people with a certificate of an authority it trusts.
    CertificateNeeded,
    /// Somebody without a certificate of an authority trusted here was turned away.
    CertificateNeededHere,
    /// The certificate that came with the other person's yes is not good here.
    CertificateRefused,
    /// The certificate shown from here was not taken by the other side.
    CertificateRefusedThere,
    /// A nonce drawn here is zero.
    NoRandomness,
    /// The other program broke the protocol.
    Misbehaved(Breach),
}

impl From<Breach> for Ending {
    fn from(breach: Breach) -> Self {
        Self::Misbehaved(breach)
    }
}

impl Ending {
    /// What a server's no means to the client.
    pub(crate) fn told_no(why: No) -> Self {
        match why {
            No::Declined => Self::Declined,
            No::Busy => Self::Busy,
            No::Expired => Self::Expired,
            No::LinkOnly => Self::LinkOnly,
            No::CodesDiffer => Self::CodesDifferThere,
            No::Certificate => Self::CertificateNeeded,
            No::Unknown => Self::Misbehaved(Breach::OutOfOrder),
        }
    }

    /// What a server's own no means to the server.
    pub(crate) fn said_no(why: No) -> Self {
        match why {
            No::Declined | No::Unknown => Self::DeclinedHere,
            No::Busy => Self::BusyHere,
            No::Expired => Self::ExpiredHere,
            No::LinkOnly => Self::LinkOnlyHere,
            No::CodesDiffer => Self::CodesDiffer,
            No::Certificate => Self::CertificateNeededHere,
        }
    }

    /// What a client's withdrawal means to the server.
    pub(crate) fn told_withdrawn(why: Taken) -> Self {
        match why {
            Taken::Withdrawn => Self::Withdrawn,
            Taken::Expired => Self::StoppedWaiting,
            Taken::CodesDiffer => Self::CodesDifferThere,
            Taken::LinkOnly => Self::LinkOnly,
            Taken::Certificate => Self::CertificateRefusedThere,
        }
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Declined | Self::DeclinedHere => ErrorCode::Declined,
            Self::Busy | Self::BusyHere | Self::LinkOnly | Self::LinkOnlyHere => ErrorCode::Busy,
            Self::Expired | Self::ExpiredHere | Self::StoppedWaiting | Self::LinkDead => ErrorCode::Expired,
            Self::Withdrawn => ErrorCode::Withdrawn,
            Self::Canceled => ErrorCode::Canceled,
            Self::CodesDiffer
            | Self::CodesDifferThere
            | Self::NotTheInviter
            | Self::CertificateNeeded
            | Self::CertificateNeededHere
            | Self::CertificateRefused
            | Self::CertificateRefusedThere => ErrorCode::CertificateRefused,
            Self::Interrupted => ErrorCode::Interrupted,
            Self::TimedOut => ErrorCode::TimedOut,
            Self::LinkRefused => ErrorCode::AccessDenied,
            Self::OwnLink => ErrorCode::Misuse,
            Self::NoRandomness => ErrorCode::Internal,
            Self::Misbehaved(breach) => breach.code(),
        }
    }

    /// The same as told to the person on this side: what happened and what to do.
    pub fn failure(&self) -> Failure {
        if let Self::Misbehaved(breach) = self {
            return (*breach).into();
        }
        let (message, hint) = self.words();
        let failure = Failure::new(self.code(), message);
        if hint.is_empty() { failure } else { failure.hint(hint) }
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Declined => ("the other person declined", ""),
            Self::DeclinedHere => ("the invite was declined", ""),
            Self::Busy => ("the other person has too many invites to answer", "try again in a minute"),
            Self::BusyHere => ("an invite was turned away because too many are open", ""),
            Self::Expired => {
                ("nobody answered in time", "make sure somebody is at the other device, then invite again")
            }
            Self::ExpiredHere => ("the invite lapsed because nobody answered here", "ask them to invite again"),
            Self::StoppedWaiting => ("the asker stopped waiting for an answer", "ask them to invite again"),
            Self::Withdrawn => ("the asker took the invite back", ""),
            Self::Canceled => ("the invite was taken back", ""),
            Self::LinkOnly => (
                "the other device has paused pairing by code after several attempts that came to nothing",
                "ask for an invite link, or wait",
            ),
            Self::LinkOnlyHere => (
                "pairing by code is paused here after several attempts that came to nothing",
                "use an invite link, or wait",
            ),
            Self::CodesDiffer => (
                "the two screens showed different codes: somebody may be in between; nothing was stored",
                "try an invite link instead, handed over by a way you trust",
            ),
            Self::CodesDifferThere => (
                "the other person saw a different code: somebody may be in between; nothing was stored",
                "try an invite link instead, handed over by a way you trust",
            ),
            Self::Interrupted => ("the connection broke before the invite was settled", "invite again"),
            Self::TimedOut => ("the other device stopped answering", "invite again"),
            Self::LinkDead => ("this link is not good any more", "ask for a new one"),
            Self::LinkRefused => ("an attempt to use an invite link was refused", ""),
            Self::NotTheInviter => (
                "this is not the device that made this invite; nothing was sent to it",
                "ask for a new link, handed over by a way you trust",
            ),
            Self::OwnLink => ("this invite link was made by this device", "open it on the other device"),
            Self::CertificateNeeded => (
                "the other device takes invites only from people with a certificate of an authority it trusts",
                "invite as the holder of such a certificate, or ask for an invite link",
            ),
            Self::CertificateNeededHere => {
                ("somebody without a certificate of an authority trusted here was turned away", "")
            }
            Self::CertificateRefused => (
                "the other person answered with a certificate that is not good here; nothing was stored",
                "ask them which certificate they used; `hither trust ca list` shows the authorities trusted here",
            ),
            Self::CertificateRefusedThere => (
                "the other device did not take the certificate that was shown from here",
                "answer with another certificate, or with none",
            ),
            Self::NoRandomness => ("the system gave no random numbers", "restart the machine"),
            Self::Misbehaved(_) => ("the other program broke the protocol", ""),
        }
    }
}

impl From<Ending> for Failure {
    fn from(ending: Ending) -> Self {
        ending.failure()
    }
}

/// Why something a person said does not fit at this point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The question is not on the screen yet.
    #[error("this question waits behind another one; answer that one first")]
    NotDisplayed,
    /// There is no code yet to compare.
    #[error("there is no code to compare yet; wait until it is shown")]
    NoCodeYet,
    /// A yes without having compared the codes.
    #[error("compare the code with the other screen first, and say that it is the same")]
    CodeNeeded,
    /// A yes to a meeting without code that does not say so.
    #[error("the other side wants to meet without comparing codes; accept it as unverified, or decline")]
    SayUnverified,
    /// A yes without a certificate, where one takes the place of the code.
    #[error("this meeting needs your certificate in place of a code; accept it as the holder of one, or decline")]
    CertificateNeeded,
    /// It was answered before.
    #[error("this was answered already")]
    Answered,
}

impl Unfit {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotDisplayed | Self::NoCodeYet | Self::CodeNeeded | Self::SayUnverified | Self::CertificateNeeded => {
                ErrorCode::Misuse
            }
            Self::Answered => ErrorCode::Stale,
        }
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        Failure::new(unfit.code(), unfit.to_string())
    }
}

//! Which rule of the protocol the other program broke. Always the peer's doing, never a person's.

use crate::frame::FrameFault;
use hither_model::{ErrorCode, Failure};

/// A rule of the protocol that the peer broke. The connection ends; nothing is stored and nothing is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Breach {
    /// What came is not a frame.
    #[error("{0}")]
    Frame(#[from] FrameFault),
    /// A frame that has no place at this point.
    #[error("a frame came out of order")]
    OutOfOrder,
    /// A text or list longer than the protocol allows.
    #[error("{0} is longer than allowed")]
    TooLong(&'static str),
    /// The nonce shown does not fit the commitment made before.
    #[error("a nonce does not fit its commitment")]
    WrongCommitment,
    /// The confirmation was made for another connection, other keys or other nonces.
    #[error("the confirmation belongs to another connection; somebody may be in between")]
    WrongMac,
    /// The proof of knowing the link was made for another connection, or without the link.
    #[error("the proof of knowing the link is wrong")]
    WrongProof,
    /// A nonce that is zero or a copy of ours.
    #[error("a nonce is not random")]
    WeakNonce,
    /// The peer wants to skip a check that nobody agreed to skip.
    #[error("the peer wants to skip a check that was not waived")]
    Unasked,
    /// Both ends have the same key.
    #[error("both ends have the same key")]
    SameKey,
    /// A number that contradicts an earlier one, or the limits.
    #[error("{0} does not add up")]
    BadCount(&'static str),
    /// A text that is not encoded as agreed.
    #[error("{0} is not encoded as agreed")]
    BadText(&'static str),
}

impl Breach {
    /// The stable code; every breach has the same one.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Frame(_)
            | Self::OutOfOrder
            | Self::TooLong(_)
            | Self::WrongCommitment
            | Self::WrongMac
            | Self::WrongProof
            | Self::WeakNonce
            | Self::Unasked
            | Self::SameKey
            | Self::BadCount(_)
            | Self::BadText(_) => ErrorCode::Misbehaved,
        }
    }
}

impl From<Breach> for Failure {
    fn from(breach: Breach) -> Self {
        Failure::new(breach.code(), format!("the other program broke the protocol: {breach}")).hint(
            "make sure both devices run the same version of hither; if it happens again, do not trust this network",
        )
    }
}

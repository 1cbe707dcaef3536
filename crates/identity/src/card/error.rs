//! Why a card could not be used. Every case of it has its own words, and says what to do.

use hither_capability::Denied;
use hither_model::{ErrorCode, Failure, text::shortened};
use std::time::Duration;

/// Longest piece of a module's or token's own text in a message, in characters.
const SHOWN: usize = 120;

/// What a token says about the tries that are left after a wrong PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It does not say.
    Unsaid,
    /// Few: a wrong PIN was entered before.
    Few,
    /// One.
    Last,
}

/// A card, token or module could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// The capability is missing.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The token is in no reader.
    #[error("\"{token}\" is not there")]
    Absent {
        /// Its label.
        token: String,
    },
    /// The token was taken out while it was in use.
    #[error("\"{token}\" was taken out")]
    Removed {
        /// Its label.
        token: String,
    },
    /// The key is locked: nobody has logged in, or the login is over.
    #[error("\"{token}\" needs its PIN")]
    PinNeeded {
        /// Its label.
        token: String,
    },
    /// One try is left and nobody confirmed that it may be used up.
    #[error("one try is left: a wrong PIN now blocks \"{token}\"")]
    LastTry {
        /// Its label.
        token: String,
    },
    /// The PIN is too short or too long for the token. No try was spent.
    #[error("a PIN of \"{token}\" has {min} to {max} characters")]
    PinForm {
        /// Its label.
        token: String,
        /// Shortest.
        min: u32,
        /// Longest.
        max: u32,
    },
    /// The PIN was wrong. One try was spent.
    #[error("the PIN was wrong{}", match left { Left::Unsaid => "", Left::Few => ": few tries are left", Left::Last => ": one try is left" })]
    PinWrong {
        /// What the token says about tries.
        left: Left,
    },
    /// The PIN is blocked.
    #[error("\"{token}\" is blocked after too many wrong PINs")]
    PinBlocked {
        /// Its label.
        token: String,
    },
    /// The token has no PIN yet, or wants a new one.
    #[error("the PIN of \"{token}\" has to be set first")]
    PinUnset {
        /// Its label.
        token: String,
    },
    /// There is no private key for the certificate.
    #[error("\"{token}\" holds no private key for this certificate")]
    KeyMissing {
        /// Its label.
        token: String,
    },
    /// The signature is not by the certificate's key.
    #[error("the certificate and the key on \"{token}\" do not belong together")]
    KeyMismatch {
        /// Its label.
        token: String,
    },
    /// An RSA key on a token that cannot do what TLS 1.3 demands.
    #[error("\"{token}\" cannot make RSA-PSS signatures")]
    NoPss {
        /// Its label.
        token: String,
    },
    /// A kind of key or mechanism that is not supported.
    #[error("\"{token}\" cannot sign with this key: {why}")]
    Unsupported {
        /// Its label.
        token: String,
        /// What is missing.
        why: String,
    },
    /// The certificate itself is of no use.
    #[error("this certificate cannot be used: {0}")]
    Certificate(String),
    /// The module is not one that may be loaded.
    #[error("{module} may not be loaded: {why}")]
    Refused {
        /// Its path.
        module: String,
        /// Why.
        why: String,
    },
    /// The module is not there or is no PKCS#11 module.
    #[error("{module} is not a usable PKCS#11 module: {why}")]
    NoModule {
        /// Its path.
        module: String,
        /// Why.
        why: String,
    },
    /// The module's process ended.
    #[error("the software of the card ({module}) crashed: {how}")]
    Crashed {
        /// The module's name.
        module: String,
        /// The signal or exit code.
        how: String,
    },
    /// The module did not answer in time and was ended.
    #[error("the software of the card ({module}) did not answer within {} s and was ended", after.as_secs_f32())]
    Hung {
        /// The module's name.
        module: String,
        /// The deadline it missed.
        after: Duration,
    },
    /// Somebody else is using the token.
    #[error("the card is busy with something else")]
    Busy,
    /// It was cancelled while waiting.
    #[error("it was cancelled")]
    Canceled,
    /// The token or its module reported another fault.
    #[error("the card reports {what}")]
    Token {
        /// The module's word for it, such as `CKR_DEVICE_ERROR`.
        what: String,
    },
    /// The helper process could not be started or is of another version.
    #[error("the process for the card's software cannot be used: {0}")]
    Process(String),
}

impl CardError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Absent { .. } | Self::Removed { .. } => ErrorCode::TokenAbsent,
            Self::PinNeeded { .. } | Self::LastTry { .. } => ErrorCode::TokenLocked,
            Self::PinForm { .. } | Self::PinWrong { .. } => ErrorCode::PinWrong,
            Self::PinBlocked { .. } => ErrorCode::PinBlocked,
            Self::Refused { .. } => ErrorCode::AccessDenied,
            Self::Canceled => ErrorCode::Canceled,
            Self::PinUnset { .. }
            | Self::KeyMissing { .. }
            | Self::KeyMismatch { .. }
            | Self::NoPss { .. }
            | Self::Unsupported { .. }
            | Self::Certificate(_)
            | Self::NoModule { .. }
            | Self::Crashed { .. }
            | Self::Hung { .. }
            | Self::Busy
            | Self::Token { .. } => ErrorCode::KeyUnusable,
            Self::Process(_) => ErrorCode::Internal,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Denied(_) => "hither capability grant sharedUserCertificates",
            Self::Absent { .. } => "insert the card or plug the key in; `hither card list` shows what is there",
            Self::Removed { .. } => "insert it again and try once more",
            Self::PinNeeded { .. } => "unlock it with its PIN",
            Self::LastTry { .. } => {
                "confirm the last try only if you are sure of the PIN; its PUK can unblock it later"
            }
            Self::PinForm { .. } => "check what you typed; no try was spent",
            Self::PinWrong { left: Left::Unsaid } => "type it again with care; cards block after a few wrong PINs",
            Self::PinWrong { left: Left::Few } => "type it again with care, or stop here",
            Self::PinWrong { left: Left::Last } => "stop unless you are sure: one more wrong PIN blocks the card",
            Self::PinBlocked { .. } => "its PUK can unblock it, with the card's own software or by whoever issued it",
            Self::PinUnset { .. } => "set the PIN with the card's own software",
            Self::KeyMissing { .. } => "choose another certificate, or ask whoever issued the card",
            Self::KeyMismatch { .. } => "choose another certificate; whoever issued the card has to repair this one",
            Self::NoPss { .. } => "use a certificate with an elliptic curve key, or a newer card",
            Self::Unsupported { .. } | Self::Certificate(_) => "choose another certificate",
            Self::Refused { .. } => "register the module by its full path if you trust it",
            Self::NoModule { .. } => "install the card's software again, or take its entry away",
            Self::Crashed { .. } => "try again; if it stays, update the card's software",
            Self::Hung { .. } => "take the card out, insert it again and retry",
            Self::Busy => "wait until it is done, then try again",
            Self::Canceled => "nothing was sent",
            Self::Token { .. } => "take the card out, insert it again and retry",
            Self::Process(_) => "start the agent again: hither stop, then hither status",
        }
    }

    /// A module's or token's own words, fit to be shown.
    pub(super) fn words(text: &str) -> String {
        shortened(text.trim(), SHOWN)
    }
}

impl From<CardError> for Failure {
    fn from(error: CardError) -> Self {
        match error {
            CardError::Denied(denied) => denied.into(),
            other => Failure::new(other.code(), other.to_string()).hint(other.hint()),
        }
    }
}

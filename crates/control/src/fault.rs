//! What can go wrong between a client and its agent, and what to do about it.

use hither_model::{ErrorCode, Failure};
use std::{io, path::PathBuf};

/// A failure of the local API itself, as opposed to one that the agent reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Nothing listens.
    #[error("no agent is running for this profile")]
    NoAgent,
    /// The other program speaks another version.
    #[error("{0}")]
    Skew(String),
    /// Somebody else's process is at the other end.
    #[error("the control socket is held by another user (uid {theirs}, expected {ours})")]
    Stranger {
        /// Their uid.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// The place of the socket is not safe or cannot be made.
    #[error("{path}: {why}", path = path.display())]
    Place {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        fix: String,
    },
    /// The path of the socket is longer than the system allows.
    #[error("the path of the control socket is too long ({length} bytes, at most 107): {path}", path = path.display())]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// More bytes than a message may have.
    #[error("a message of {length} bytes is larger than the {cap} allowed")]
    TooLarge {
        /// Declared length.
        length: usize,
        /// The limit.
        cap: usize,
    },
    /// Not a message.
    #[error("a message cannot be read: {0}")]
    Malformed(String),
    /// The connection ended in the middle.
    #[error("the connection to the agent was lost")]
    Lost(#[source] io::Error),
    /// The other end takes or sends nothing.
    #[error("the agent does not answer")]
    Silent,
    /// The agent refused the connection or the request.
    #[error("{0}")]
    Refused(Failure),
    /// The agent could not be started.
    #[error("the agent could not be started: {0}")]
    NotStarted(String),
}

impl ControlError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoAgent | Self::NotStarted(_) => ErrorCode::NoAgent,
            Self::Skew(_) => ErrorCode::VersionSkew,
            Self::Stranger { .. } => ErrorCode::AccessDenied,
            Self::Place { .. } | Self::PathTooLong { .. } => ErrorCode::StorageFailed,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::Malformed(_) => ErrorCode::Misuse,
            Self::Lost(_) => ErrorCode::Interrupted,
            Self::Silent => ErrorCode::TimedOut,
            Self::Refused(failure) => failure.code,
        }
    }

    fn fix(&self) -> Option<String> {
        let text = match self {
            Self::NoAgent => "start it with `hither agent`, or leave out --no-start",
            Self::Skew(_) => "stop the agent with `hither stop` of its own version, then start it again",
            Self::Stranger { .. } => "something else sits on the socket: look who it is before you go on",
            Self::Place { fix, .. } => fix,
            Self::PathTooLong { .. } => "choose a shorter --profile, or set XDG_RUNTIME_DIR",
            Self::TooLarge { .. } => "ask for less at a time",
            Self::Lost(_) => "see whether the agent still runs: `hither status`",
            Self::Silent => "the agent may be stuck: its log is agent.log in the profile directory",
            Self::NotStarted(_) => "try `hither agent` in a terminal; its log is agent.log in the profile directory",
            Self::Malformed(_) | Self::Refused(_) => return None,
        };
        Some(text.to_owned())
    }
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        if let ControlError::Refused(failure) = error {
            return failure;
        }
        Self { code: error.code(), message: error.to_string(), hint: error.fix(), status: None }
    }
}

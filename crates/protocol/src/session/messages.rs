//! Text messages, each exactly once (M11): the sender keeps and repeats what is not acknowledged, the receiver drops what
//! it has. Both sides of this outlive the connection and the program; store them.

use super::{Frame, MAX_TEXT};
use crate::{
    breach::Breach,
    frame::{MAX_FRAME, encode_payload},
};
use hither_model::{ErrorCode, Failure};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

/// Most messages that wait for acknowledgement.
const MOST_WAITING: usize = 1000;

/// Most bytes of text that wait for acknowledgement.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Most numbers that are remembered beyond the first one missing.
const MOST_AHEAD: usize = 1024;

/// Why a message cannot be taken for sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SayFault {
    /// Nothing to say.
    #[error("the message is empty")]
    Empty,
    /// More than 64 KiB, or so many control characters that it does not fit a frame.
    #[error("the message is longer than 64 KiB; send it as a file")]
    TooLong,
    /// Too much waits for the other side.
    #[error("too many messages wait for the other side to take them")]
    Full,
}

impl SayFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Empty => ErrorCode::Misuse,
            Self::TooLong => ErrorCode::TooLarge,
            Self::Full => ErrorCode::Busy,
        }
    }
}

impl From<SayFault> for Failure {
    fn from(fault: SayFault) -> Self {
        Failure::new(fault.code(), fault.to_string())
    }
}

/// What was said and is not known to have arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    last: u64,
    waiting: VecDeque<(u64, String)>,
}

impl Outbox {
    /// Takes a message: store the outbox, then send the frame, if there is a connection.
    ///
    /// # Errors
    /// [`SayFault`].
    pub fn say(&mut self, text: String) -> Result<Frame, SayFault> {
        if text.is_empty() {
            return Err(SayFault::Empty);
        }
        let bytes: usize = self.waiting.iter().map(|(_, text)| text.len()).sum();
        if self.waiting.len() >= MOST_WAITING || bytes.saturating_add(text.len()) > MOST_BYTES {
            return Err(SayFault::Full);
        }
        let frame = Frame::Say { number: self.last.saturating_add(1), text: text.clone() };
        if text.len() > MAX_TEXT || encode_payload(&frame, MAX_FRAME).is_err() {
            return Err(SayFault::TooLong);
        }
        self.last = self.last.saturating_add(1);
        self.waiting.push_back((self.last, text));
        Ok(frame)
    }

    /// The other side has stored a message; whether that is new to us.
    ///
    /// # Errors
    /// [`Breach::BadCount`] for a message that was never sent.
    pub fn said(&mut self, number: u64) -> Result<bool, Breach> {
        if number == 0 || number > self.last {
            return Err(Breach::BadCount("the acknowledged message's number"));
        }
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != number);
        Ok(self.waiting.len() < before)
    }

    /// What to send again on a new connection, in order, before anything new.
    pub fn resend(&self) -> Vec<Frame> {
        self.waiting.iter().map(|(number, text)| Frame::Say { number: *number, text: text.clone() }).collect()
    }

    /// How many are not known to have arrived.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

/// Which messages are here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// All up to this one.
    through: u64,
    /// And these.
    ahead: BTreeSet<u64>,
}

impl Inbound {
    /// A message came; whether it is new. Store it together with this value, then send [`Frame::Said`]; also for one that
    /// is not new, since the acknowledgement may have been lost.
    ///
    /// # Errors
    /// [`Breach::BadCount`] for the number 0.
    pub fn take(&mut self, number: u64) -> Result<bool, Breach> {
        if number == 0 {
            return Err(Breach::BadCount("the message's number"));
        }
        if number <= self.through || !self.ahead.insert(number) {
            return Ok(false);
        }
        if self.ahead.len() > MOST_AHEAD {
            // A sender that leaves such gaps will not fill them.
            self.through = self.ahead.pop_first().unwrap_or(self.through);
        }
        while self.ahead.first().is_some_and(|first| *first == self.through.saturating_add(1)) {
            self.through = self.ahead.pop_first().unwrap_or(self.through);
        }
        Ok(true)
    }
}

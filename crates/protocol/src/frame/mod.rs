//! Frames: a big-endian u32 length, then that many bytes of JSON (UTF-8). Units are bytes.
//!
//! The declared length is judged before anything is allocated for it; a frame of length zero is an error. Unknown fields
//! are ignored. An unknown kind of frame is skipped if it says `"optional": true` and is an error otherwise.

mod decoder;
mod strict;

pub use decoder::Decoder;

use crate::breach::Breach;
use hither_model::{ErrorCode, Failure};
use serde::{Serialize, de::DeserializeOwned};

/// Longest frame before admission: a stranger's words, with a certificate chain as base64 at most.
pub const MAX_HELLO: usize = 24 * 1024;

/// Longest frame of an open session.
pub const MAX_FRAME: usize = 256 * 1024;

/// Deepest nesting of a frame's JSON.
pub const MAX_DEPTH: usize = 32;

/// Why bytes are not a frame, or a value cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameFault {
    /// The declared length is zero.
    #[error("an empty frame")]
    Empty,
    /// The declared length is over the limit.
    #[error("a frame of {length} bytes where {max} are allowed")]
    TooLong {
        /// As declared.
        length: u64,
        /// As allowed.
        max: usize,
    },
    /// Not UTF-8.
    #[error("a frame that is not UTF-8")]
    NotText,
    /// Not JSON, or JSON with something behind it.
    #[error("a frame that is not JSON")]
    NotJson,
    /// One object has the same key twice.
    #[error("a frame with a key given twice")]
    Duplicate,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("a frame nested too deeply")]
    TooDeep,
    /// A kind of frame this version does not know and may not skip.
    #[error("a frame of an unknown kind")]
    UnknownKind,
    /// Known kind, wrong or missing fields.
    #[error("a frame with wrong or missing fields")]
    WrongShape,
    /// The connection ended in the middle of a frame.
    #[error("a frame that was cut off")]
    Unfinished,
}

impl FrameFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unfinished => ErrorCode::Truncated,
            Self::UnknownKind => ErrorCode::Incompatible,
            Self::Empty
            | Self::TooLong { .. }
            | Self::NotText
            | Self::NotJson
            | Self::Duplicate
            | Self::TooDeep
            | Self::WrongShape => ErrorCode::Misbehaved,
        }
    }
}

impl From<FrameFault> for Failure {
    fn from(fault: FrameFault) -> Self {
        Failure { code: fault.code(), ..Breach::from(fault).into() }
    }
}

/// An enum of frames, told apart by the field `t`.
pub trait Vocabulary: DeserializeOwned {
    /// Every value of `t` that is known.
    const WORDS: &'static [&'static str];
}

/// The frame with its length in front, ready for the wire.
///
/// # Errors
/// [`FrameFault::TooLong`] if the JSON is over `max` bytes; [`FrameFault::WrongShape`] if the value cannot be JSON.
pub fn encode<T: Serialize>(frame: &T, max: usize) -> Result<Vec<u8>, FrameFault> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, frame).map_err(|_| FrameFault::WrongShape)?;
    let length = bytes.len() - 4;
    let too_long = FrameFault::TooLong { length: length as u64, max };
    if length > max {
        return Err(too_long);
    }
    let head = u32::try_from(length).map_err(|_| too_long)?.to_be_bytes();
    for (to, from) in bytes.iter_mut().zip(head) {
        *to = from;
    }
    Ok(bytes)
}

/// The frame's JSON alone, for a carrier that counts by itself.
///
/// # Errors
/// As [`encode`].
pub fn encode_payload<T: Serialize>(frame: &T, max: usize) -> Result<Vec<u8>, FrameFault> {
    let bytes = serde_json::to_vec(frame).map_err(|_| FrameFault::WrongShape)?;
    if bytes.len() > max {
        return Err(FrameFault::TooLong { length: bytes.len() as u64, max });
    }
    Ok(bytes)
}

/// Reads one frame's payload.
///
/// # Errors
/// Anything that is not exactly one JSON value of the wanted shape: see [`FrameFault`].
pub fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, FrameFault> {
    let text = std::str::from_utf8(payload).map_err(|_| FrameFault::NotText)?;
    strict::outline(text)?;
    shaped(text)
}

/// Reads one frame's payload; `None` for a kind that is not known and may be skipped.
///
/// # Errors
/// As [`parse`], and [`FrameFault::UnknownKind`] for an unknown kind that may not be skipped.
pub fn parse_lenient<T: Vocabulary>(payload: &[u8]) -> Result<Option<T>, FrameFault> {
    let text = std::str::from_utf8(payload).map_err(|_| FrameFault::NotText)?;
    let outline = strict::outline(text)?;
    let kind = outline.kind.ok_or(FrameFault::WrongShape)?;
    if T::WORDS.contains(&kind.as_str()) {
        return shaped(text).map(Some);
    }
    if outline.optional { Ok(None) } else { Err(FrameFault::UnknownKind) }
}

fn shaped<T: DeserializeOwned>(text: &str) -> Result<T, FrameFault> {
    serde_json::from_str(text).map_err(|e| if e.is_data() { FrameFault::WrongShape } else { FrameFault::NotJson })
}

#[cfg(test)]
mod tests;

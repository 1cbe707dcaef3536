//! Values on a stream (R3.30 to R3.35): numbers in either byte order, texts in three encodings, lengths measured in bytes,
//! and the length-prefixed message that other programs write the same way. A stream is lent to a [`ValueWriter`] or
//! [`ValueReader`] and can be taken back.

mod reader;
mod writer;

pub use reader::{InputStreamOptions, MAX_MESSAGE, ValueReader};
pub use writer::ValueWriter;

use std::io;

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum ByteOrder {
    /// The lowest.
    LittleEndian = 0,
    /// The highest.
    #[default]
    BigEndian = 1,
}

/// How text becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum UnicodeEncoding {
    /// One to four bytes a character.
    #[default]
    Utf8 = 0,
    /// Two or four bytes, the lower first.
    Utf16Le = 1,
    /// Two or four bytes, the higher first.
    Utf16Be = 2,
}

/// Why values could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// The stream was taken back, or an earlier operation on it was cancelled midway or failed.
    #[error("the stream is closed or was taken back")]
    Closed,
    /// The stream cannot be taken back now: there are bytes that would be lost.
    #[error("{0}")]
    InvalidOperation(&'static str),
    /// More was asked for than has been loaded.
    #[error("{wanted} bytes were asked for where {loaded} are loaded")]
    OutOfBounds {
        /// What was asked for.
        wanted: usize,
        /// What is there.
        loaded: usize,
    },
    /// The bytes are not text of this encoding.
    #[error("the bytes are not text")]
    NotText,
    /// The other end announced a negative length, or one over the limit.
    #[error("a message of {length} bytes was announced where {limit} are allowed")]
    BadLength {
        /// As announced.
        length: i64,
        /// The limit.
        limit: usize,
    },
    /// The stream ended inside a message: what had arrived of it is dropped.
    #[error("the stream ended in the middle of a message")]
    Truncated,
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Stream(#[from] io::Error),
}

impl FramingError {
    /// The stable code.
    pub fn code(&self) -> hither_model::ErrorCode {
        use hither_model::ErrorCode;
        match self {
            Self::Closed | Self::InvalidOperation(_) | Self::OutOfBounds { .. } => ErrorCode::Misuse,
            Self::NotText | Self::BadLength { .. } => ErrorCode::Misbehaved,
            Self::Truncated => ErrorCode::Truncated,
            Self::Stream(_) => ErrorCode::Interrupted,
        }
    }

    /// The number other systems know the error by (R7.6).
    pub fn hresult(&self) -> u32 {
        match self {
            Self::Closed => crate::status::RO_E_CLOSED,
            Self::InvalidOperation(_) => crate::status::ERROR_INVALID_OPERATION,
            Self::OutOfBounds { .. } => crate::status::E_BOUNDS,
            Self::NotText | Self::BadLength { .. } | Self::Truncated => crate::status::ERROR_INVALID_DATA,
            Self::Stream(error) => crate::status::hresult(crate::status::of_io(error)),
        }
    }
}

impl From<FramingError> for hither_model::Failure {
    fn from(error: FramingError) -> Self {
        let hint = match error {
            FramingError::Stream(_) | FramingError::Truncated => "connect again",
            FramingError::NotText | FramingError::BadLength { .. } => "check what program is at the other end",
            _ => "change the call",
        };
        hither_model::Failure::new(error.code(), error.to_string()).hint(hint)
    }
}

/// Bytes that a text takes in an encoding: never the number of its characters (R3.33).
pub fn measure(text: &str, encoding: UnicodeEncoding) -> usize {
    match encoding {
        UnicodeEncoding::Utf8 => text.len(),
        UnicodeEncoding::Utf16Le | UnicodeEncoding::Utf16Be => text.encode_utf16().count() * 2,
    }
}

pub(crate) fn encode(text: &str, encoding: UnicodeEncoding) -> Vec<u8> {
    match encoding {
        UnicodeEncoding::Utf8 => text.as_bytes().to_vec(),
        UnicodeEncoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        UnicodeEncoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}

pub(crate) fn decode(bytes: &[u8], encoding: UnicodeEncoding) -> Result<String, FramingError> {
    let wide = |unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units).ok().filter(|_| rest.is_empty()).ok_or(FramingError::NotText)
    };
    match encoding {
        UnicodeEncoding::Utf8 => String::from_utf8(bytes.to_vec()).map_err(|_| FramingError::NotText),
        UnicodeEncoding::Utf16Le => wide(u16::from_le_bytes),
        UnicodeEncoding::Utf16Be => wide(u16::from_be_bytes),
    }
}

#[cfg(test)]
mod tests;

//! What goes over a lane, sender to receiver only. All numbers big-endian; a frame is one byte of kind and a body:
//!
//! | kind | frame | body |
//! |---|---|---|
//! | 1 | ITEM | number (u32), offset (u64), declared size (u64): a file begins, or begins again, at this offset |
//! | 2 | BYTES | length (u32, 1 to 1 MiB), then as many bytes of the file |
//! | 3 | END | BLAKE3 (32 bytes) of the whole file, prefix included: the file is complete |
//! | 4 | FAIL | number (u32), length of code (u8, at most 32), code (text): this item will not come |
//! | 5 | DONE | nothing: no item follows |
//!
//! ITEM for the number that is being received starts it over (R6.13: never spliced). Folders are not sent: the manifest
//! has them. What is *not* here: anything from the receiver; version and transfer were agreed before the lane began.

mod reader;

use crate::bytes::{Cursor, code_named, put_short_text};
use hither_model::ErrorCode;
pub(crate) use reader::Chunk;
pub use reader::LaneReader;

/// Most bytes in one BYTES frame.
pub const MAX_BYTES: u32 = 1 << 20;
/// Longest frame, the bytes behind a BYTES head not counted.
pub const MAX_HEAD: usize = 1 + 4 + 1 + MAX_CODE;
/// Bytes of an ITEM frame.
pub(crate) const ITEM_BYTES: usize = 21;
/// Bytes of a BYTES head.
pub(crate) const BYTES_HEAD: usize = 5;
/// Bytes of an END frame.
pub(crate) const END_BYTES: usize = 33;
const MAX_CODE: usize = 32;

const ITEM: u8 = 1;
const BYTES: u8 = 2;
const END: u8 = 3;
const FAIL: u8 = 4;
const DONE: u8 = 5;

/// A frame; of BYTES, what precedes the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// A file begins, or begins again.
    Item {
        /// Its number in the manifest.
        item: u32,
        /// Where its bytes begin.
        offset: u64,
        /// Its size as the manifest declares it.
        size: u64,
    },
    /// Bytes of it follow.
    Bytes {
        /// How many.
        len: u32,
    },
    /// It is complete.
    End {
        /// BLAKE3 of all its bytes.
        blake3: [u8; 32],
    },
    /// An item will not come.
    Fail {
        /// Its number.
        item: u32,
        /// Why.
        code: ErrorCode,
    },
    /// No item follows.
    Done,
}

/// The bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WireFault(pub &'static str);

impl Head {
    /// Reads one frame from the beginning of `bytes`: the frame and how many bytes it took; `None` if more are needed.
    ///
    /// # Errors
    /// [`WireFault`] if no bytes that follow could make it a frame.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireFault> {
        let mut from = Cursor::new(bytes);
        let Some(kind) = from.u8() else { return Ok(None) };
        let head = match kind {
            ITEM => (|| Some(Self::Item { item: from.u32()?, offset: from.u64()?, size: from.u64()? }))(),
            BYTES => match from.u32() {
                Some(0) => return Err(WireFault("a frame of no bytes")),
                Some(len) if len > MAX_BYTES => return Err(WireFault("a frame of more than 1 MiB")),
                len => len.map(|len| Self::Bytes { len }),
            },
            END => from.array().map(|blake3| Self::End { blake3 }),
            FAIL => parse_fail(&mut from)?,
            DONE => Some(Self::Done),
            _ => return Err(WireFault("a frame of unknown kind")),
        };
        Ok(head.map(|head| (head, bytes.len() - from.left())))
    }

    /// Appends the frame (of BYTES, the head).
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Item { item, offset, size } => {
                out.push(ITEM);
                out.extend(item.to_be_bytes());
                out.extend(offset.to_be_bytes());
                out.extend(size.to_be_bytes());
            }
            Self::Bytes { len } => {
                out.push(BYTES);
                out.extend(len.to_be_bytes());
            }
            Self::End { blake3 } => {
                out.push(END);
                out.extend(blake3);
            }
            Self::Fail { item, code } => {
                out.push(FAIL);
                out.extend(item.to_be_bytes());
                put_short_text(out, code.name());
            }
            Self::Done => out.push(DONE),
        }
    }
}

fn parse_fail(from: &mut Cursor<'_>) -> Result<Option<Head>, WireFault> {
    let Some((item, length)) = from.u32().zip(from.u8()) else { return Ok(None) };
    if usize::from(length) > MAX_CODE {
        return Err(WireFault("a code that is too long"));
    }
    let Some(name) = from.take(usize::from(length)) else { return Ok(None) };
    let code = std::str::from_utf8(name).ok().and_then(code_named);
    // A code that a later version knows is still a failure.
    Ok(Some(Head::Fail { item, code: code.unwrap_or(ErrorCode::Internal) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_head() -> impl Strategy<Value = Head> {
        prop_oneof![
            any::<(u32, u64, u64)>().prop_map(|(item, offset, size)| Head::Item { item, offset, size }),
            (1..=MAX_BYTES).prop_map(|len| Head::Bytes { len }),
            any::<[u8; 32]>().prop_map(|blake3| Head::End { blake3 }),
            (any::<u32>(), 0..ErrorCode::ALL.len())
                .prop_map(|(item, code)| Head::Fail { item, code: ErrorCode::ALL[code] }),
            Just(Head::Done),
        ]
    }

    proptest! {
        #[test]
        fn a_frame_survives_and_every_beginning_of_it_asks_for_more(head in any_head()) {
            let mut bytes = Vec::new();
            head.put(&mut bytes);
            prop_assert!(bytes.len() <= MAX_HEAD);
            prop_assert_eq!(Head::parse(&bytes), Ok(Some((head, bytes.len()))));
            for cut in 0..bytes.len() { prop_assert_eq!(Head::parse(&bytes[..cut]), Ok(None)); }
        }

        #[test]
        fn any_bytes_are_judged_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            match Head::parse(&bytes) {
                Ok(Some((_, used))) => prop_assert!(used <= bytes.len()),
                Ok(None) => prop_assert!(bytes.len() < MAX_HEAD),
                Err(_) => {}
            }
        }
    }

    #[test]
    fn the_sizes_that_buffers_rely_on_are_right() {
        let size = |head: Head| {
            let mut out = Vec::new();
            head.put(&mut out);
            out.len()
        };
        assert_eq!(size(Head::Item { item: 1, offset: 2, size: 3 }), ITEM_BYTES);
        assert_eq!(size(Head::Bytes { len: 1 }), BYTES_HEAD);
        assert_eq!(size(Head::End { blake3: [0; 32] }), END_BYTES);
    }

    #[test]
    fn f6_frames_of_no_or_too_many_bytes_are_refused() {
        assert!(Head::parse(&[2, 0, 0, 0, 0]).is_err());
        assert!(Head::parse(&[2, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(Head::parse(&[9]).is_err());
        assert!(Head::parse(&[4, 0, 0, 0, 0, 33]).is_err());
    }
}

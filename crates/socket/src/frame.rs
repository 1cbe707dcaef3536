//! Frames on a channel: a big-endian u32 length, then so many bytes. A frame has at least one byte; its length is
//! checked before anything is allocated, and memory grows with what has arrived and not with what was announced.

use crate::{SocketError, error::cut_off, wire::Wire};
use std::task::{Context, Poll, ready};

/// Largest frame of any kind, bytes.
pub const MAX_FRAME: usize = 32 * 1024 * 1024;
/// How much a frame's buffer grows at a time.
const STEP: usize = 64 * 1024;

/// Appends a frame to `out`.
///
/// # Errors
/// [`SocketError::Misuse`] if it is empty or larger than `limit`.
pub(crate) fn encode(payload: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), SocketError> {
    if payload.is_empty() {
        return Err(SocketError::Misuse("a frame has at least one byte"));
    }
    let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= limit.min(MAX_FRAME));
    let length = length.ok_or(SocketError::Misuse("the frame is larger than allowed"))?;
    out.reserve(4 + payload.len());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(payload);
    Ok(())
}

/// A frame on its way in. Keeps what has arrived when its reader is cancelled.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    header: [u8; 4],
    have: usize,
    body: Vec<u8>,
    filled: usize,
    want: Option<usize>,
}

impl Incoming {
    /// Whether a part of a frame was taken.
    pub(crate) fn is_partial(&self) -> bool {
        self.have > 0
    }

    /// Reads on; `None` when the other end has closed between two frames.
    pub(crate) fn poll(
        &mut self,
        wire: &mut Wire,
        cx: &mut Context<'_>,
        max: usize,
    ) -> Poll<Result<Option<Vec<u8>>, SocketError>> {
        while self.have < self.header.len() {
            let Some(rest) = self.header.get_mut(self.have..) else { break };
            match ready!(wire.poll_read(cx, rest))? {
                0 if self.have == 0 => return Poll::Ready(Ok(None)),
                0 => return Poll::Ready(Err(cut_off())),
                count => self.have += count,
            }
        }
        let want = match self.want {
            Some(want) => want,
            None => *self.want.insert(checked(u32::from_be_bytes(self.header), max)?),
        };
        while self.filled < want {
            self.body.resize(want.min(self.filled + STEP), 0);
            let Some(rest) = self.body.get_mut(self.filled..) else { break };
            match ready!(wire.poll_read(cx, rest))? {
                0 => return Poll::Ready(Err(cut_off())),
                count => self.filled += count,
            }
        }
        Poll::Ready(Ok(Some(std::mem::take(self).body)))
    }
}

fn checked(length: u32, max: usize) -> Result<usize, SocketError> {
    let limit = max.min(MAX_FRAME);
    match usize::try_from(length) {
        Ok(0) => Err(SocketError::Misbehaved("an empty frame".into())),
        Ok(length) if length <= limit => Ok(length),
        _ => Err(SocketError::FrameTooLarge { size: u64::from(length), limit }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m1_lengths_out_of_bounds_are_refused() {
        assert!(matches!(checked(0, 10), Err(SocketError::Misbehaved(_))));
        for (length, max) in [(11, 10), (u32::MAX, 10), (u32::MAX, usize::MAX), (0x8000_0000, usize::MAX)] {
            assert!(matches!(checked(length, max), Err(SocketError::FrameTooLarge { .. })), "{length} of {max}");
        }
        assert_eq!(checked(10, 10).unwrap(), 10);
    }

    #[test]
    fn only_frames_the_other_end_would_take_are_made() {
        let mut out = Vec::new();
        assert!(encode(&[], 10, &mut out).is_err() && encode(&[0; 11], 10, &mut out).is_err());
        encode(b"abc", 10, &mut out).unwrap();
        assert_eq!(out, [0, 0, 0, 3, b'a', b'b', b'c']);
    }
}

//! Frames out of a lane with one buffer: few reads, no allocation per frame, file bytes lent out in place.

use super::{Head, MAX_HEAD};
use crate::{TransferError, limits::CHUNK};
use std::io::{ErrorKind, Read};

/// Bytes of the buffer: a chunk in use and as much of what follows.
const BUFFER: usize = 2 * CHUNK;
/// Bytes to ask for at least, when there is room.
const AHEAD: usize = 64 << 10;

/// File bytes in a buffer of their own, to be worked on elsewhere.
#[derive(Debug)]
pub(crate) struct Chunk {
    room: Vec<u8>,
    from: usize,
    to: usize,
}

impl Chunk {
    /// An empty buffer of the size that the reader uses.
    pub(crate) fn room() -> Vec<u8> {
        vec![0; BUFFER]
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.room.get(self.from..self.to).unwrap_or_default()
    }

    /// The buffer, to be used again.
    pub(crate) fn into_room(self) -> Vec<u8> {
        self.room
    }
}

/// The receiving end of a lane.
#[derive(Debug)]
pub struct LaneReader<R> {
    inner: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes of the current BYTES frame that were not lent out yet.
    bytes_left: usize,
}

impl<R: Read> LaneReader<R> {
    /// Reads frames from `inner`, which need not be buffered.
    pub fn new(inner: R) -> Self {
        Self { inner, buffer: Chunk::room(), start: 0, end: 0, bytes_left: 0 }
    }

    /// The next frame. Of BYTES, the bytes come from [`LaneReader::bytes`]; those not asked for are passed over.
    ///
    /// # Errors
    /// The lane broke or ended, or what came is not a frame.
    pub fn head(&mut self) -> Result<Head, TransferError> {
        while self.bytes().map(|bytes| bytes.is_some())? {}
        loop {
            let held = self.buffer.get(self.start..self.end).unwrap_or_default();
            match Head::parse(held).map_err(|fault| TransferError::Breach(fault.0))? {
                Some((head, used)) => {
                    self.start += used;
                    if let Head::Bytes { len } = head {
                        self.bytes_left = len as usize;
                    }
                    return Ok(head);
                }
                None => self.fill(MAX_HEAD)?,
            }
        }
    }

    /// The next bytes of the BYTES frame, at most 256 KiB at once; `None` at its end.
    ///
    /// # Errors
    /// The lane broke or ended.
    pub fn bytes(&mut self) -> Result<Option<&[u8]>, TransferError> {
        let Some((from, to)) = self.next_bytes()? else { return Ok(None) };
        Ok(self.buffer.get(from..to))
    }

    /// Whether the BYTES frame has more bytes.
    pub(crate) fn has_bytes(&self) -> bool {
        self.bytes_left > 0
    }

    /// Like [`LaneReader::bytes`], but gives the buffer away; `room` (from [`Chunk::room`]) takes its place.
    pub(crate) fn take(&mut self, mut room: Vec<u8>) -> Result<Chunk, TransferError> {
        let (from, to) = self.next_bytes()?.unwrap_or_default();
        let rest = self.buffer.get(self.start..self.end).unwrap_or_default();
        if let Some(start) = room.get_mut(..rest.len()) {
            start.copy_from_slice(rest);
        }
        (self.start, self.end) = (0, rest.len());
        Ok(Chunk { room: std::mem::replace(&mut self.buffer, room), from, to })
    }

    fn next_bytes(&mut self) -> Result<Option<(usize, usize)>, TransferError> {
        let wanted = self.bytes_left.min(CHUNK);
        if wanted == 0 {
            return Ok(None);
        }
        while self.end - self.start < wanted {
            self.fill(wanted)?;
        }
        let from = self.start;
        self.start += wanted;
        self.bytes_left -= wanted;
        Ok(Some((from, self.start)))
    }

    /// One read towards `wanted` bytes in a row.
    fn fill(&mut self, wanted: usize) -> Result<(), TransferError> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start + wanted.max(AHEAD) > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let missing = wanted.saturating_sub(self.end - self.start);
        // Behind a large chunk nothing is read ahead: it would have to be moved when the chunk is given away.
        let missing = if wanted > AHEAD { missing } else { missing.max(AHEAD) };
        let until = (self.end + missing).min(self.buffer.len());
        let room = self.buffer.get_mut(self.end..until).unwrap_or_default();
        loop {
            match self.inner.read(room) {
                Ok(0) => return Err(TransferError::LaneEnded),
                Ok(count) => {
                    self.end += count.min(until - self.end);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(TransferError::LaneEnded),
                Err(error) => return Err(TransferError::LaneBroken(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives at most so many bytes at once.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            let count = room.len().min(self.1).min(self.0.len());
            room[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_same_bytes_come_out_however_the_lane_cuts_them(sizes in prop::collection::vec(1u32..700_000, 1..6), step in prop_oneof![Just(1usize), 2usize..5000, Just(1 << 20)]) {
            let mut lane = Vec::new();
            for size in &sizes {
                let size = if step == 1 { size % 5000 + 1 } else { *size };
                Head::Bytes { len: size }.put(&mut lane);
                lane.extend((0..size).map(|at| (at % 251) as u8));
            }
            Head::Done.put(&mut lane);
            let mut reader = LaneReader::new(Drip(&lane, step));
            let mut again = Vec::new();
            loop {
                let head = reader.head().unwrap();
                head.put(&mut again);
                while let Some(bytes) = reader.bytes().unwrap() { again.extend_from_slice(bytes); }
                if head == Head::Done { break; }
            }
            prop_assert!(again == lane);
            prop_assert!(matches!(reader.head(), Err(TransferError::LaneEnded)));
        }
    }

    #[test]
    fn bytes_nobody_asked_for_are_passed_over() {
        let mut lane = Vec::new();
        Head::Bytes { len: 600_000 }.put(&mut lane);
        lane.resize(lane.len() + 600_000, 7);
        Head::Done.put(&mut lane);
        let mut reader = LaneReader::new(&lane[..]);
        assert_eq!(reader.head().unwrap(), Head::Bytes { len: 600_000 });
        assert_eq!(reader.bytes().unwrap().map(<[u8]>::len), Some(CHUNK));
        assert_eq!(reader.head().unwrap(), Head::Done);
    }
}

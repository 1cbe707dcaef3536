//! One file through the lane: read, hashed and framed in one buffer, written when 256 KiB are together.

use super::{
    Abandon,
    source::Sources,
    window::{Lease, Source},
};
use crate::{
    ItemFault, ResumePoint, Stop, TransferError,
    limits::{CHUNK, SMALL_FILE},
    scan::mtime_of,
    wire::{BYTES_HEAD, END_BYTES, Head, ITEM_BYTES},
};
use hither_model::ErrorCode;
use rustix::fs::{Advice, fadvise, fstat};
use std::{
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
};

/// What is written at once, at least, while there is more.
const FULL: usize = CHUNK;
/// Room for less than [`FULL`] and the largest single addition.
const BUFFER: usize = FULL + CHUNK + BYTES_HEAD + ITEM_BYTES + END_BYTES + 64;

/// How one attempt at a file ended.
pub(super) enum Ending {
    /// Sent whole: its digest, and whether it was sent from its start.
    Sent([u8; 32], bool),
    /// It changed meanwhile.
    StartOver,
    /// It will not come.
    Failed(ItemFault),
}

impl Ending {
    /// A second change is a failure.
    pub(super) fn settled(self) -> Result<([u8; 32], bool), ItemFault> {
        match self {
            Self::Sent(digest, from_start) => Ok((digest, from_start)),
            Self::StartOver => Err(ItemFault::changed()),
            Self::Failed(fault) => Err(fault),
        }
    }
}

/// The lane with its buffer.
pub(super) struct Output<'a, W> {
    lane: &'a mut W,
    buffer: Vec<u8>,
    held: usize,
    /// For one frame at a time.
    frame: Vec<u8>,
    stop: &'a Stop,
    abandon: &'a Abandon,
    /// Where blocks are shared with other recipients.
    shared: Option<Lease>,
}

impl<'a, W: Write> Output<'a, W> {
    pub(super) fn new(lane: &'a mut W, stop: &'a Stop, abandon: &'a Abandon, shared: Option<Lease>) -> Self {
        Self { lane, buffer: vec![0; BUFFER], held: 0, frame: Vec::with_capacity(64), stop, abandon, shared }
    }

    /// Adds a frame without bytes.
    pub(super) fn put(&mut self, head: Head) -> Result<(), TransferError> {
        self.frame.clear();
        head.put(&mut self.frame);
        if self.held + self.frame.len() > BUFFER {
            self.flush()?;
        }
        if let Some(room) = self.buffer.get_mut(self.held..self.held + self.frame.len()) {
            room.copy_from_slice(&self.frame);
            self.held += self.frame.len();
        }
        Ok(())
    }

    /// Writes what is held.
    pub(super) fn flush(&mut self) -> Result<(), TransferError> {
        self.stop.check()?;
        let held = self.buffer.get(..self.held).unwrap_or_default();
        self.lane.write_all(held).and_then(|()| self.lane.flush()).map_err(TransferError::LaneBroken)?;
        self.held = 0;
        Ok(())
    }

    /// One attempt at a file. `tell` hears how many of its bytes are through.
    pub(super) fn item(
        &mut self,
        sources: &mut Sources<'_>,
        item: u32,
        point: Option<&ResumePoint>,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Ending, TransferError> {
        let Some((size, offered)) = sources.entry(item).map(|entry| (entry.size(), entry.mtime)) else {
            return Ok(Ending::Failed(ItemFault::new(ErrorCode::Internal, "no such file in the offer")));
        };
        let (mut file, before) = match sources.open(item) {
            Ok(opened) => opened,
            Err(fault) => return Ok(Ending::Failed(fault)),
        };
        let seen = (size_of(&before), mtime_of(&before));
        if seen.0 != size {
            return Ok(Ending::Failed(ItemFault::changed()));
        }
        if size > SMALL_FILE {
            let _ = fadvise(&file, 0, None, Advice::Sequential);
        }
        let mut hasher = blake3::Hasher::new();
        let mut offset = 0;
        // A file of another time is another file: it goes from its start.
        if let Some(point) = point.filter(|point| point.offset <= size && seen.1 == offered) {
            match self.prefix(&mut file, point) {
                Ok(Some(same)) => (hasher, offset) = (same, point.offset),
                Ok(None) => {}
                Err(Failing::Lane(error)) => return Err(error),
                Err(Failing::Source(fault)) => return Ok(Ending::Failed(fault)),
            }
        }
        self.put(Head::Item { item, offset, size })?;
        tell(offset);
        let source = Source { item, size, mtime: seen.1 };
        match self.content(&file, source, offset, &mut hasher, tell) {
            Ok(()) => {}
            Err(Failing::Lane(error)) => return Err(error),
            Err(Failing::Source(fault)) => return Ok(Ending::Failed(fault)),
        }
        match fstat(&file) {
            Ok(after) if (size_of(&after), mtime_of(&after)) == seen => {}
            Ok(after) if size_of(&after) == size => return Ok(Ending::StartOver),
            _ => return Ok(Ending::Failed(ItemFault::changed())),
        }
        let blake3 = hasher.finalize().into();
        self.put(Head::End { blake3 })?;
        Ok(Ending::Sent(blake3, offset == 0))
    }

    /// Hashes the beginning of the file: the hasher if it is what the receiver has, and the file is then positioned
    /// behind it; else `None`, and the file is at its start.
    fn prefix(&mut self, file: &mut File, point: &ResumePoint) -> Result<Option<blake3::Hasher>, Failing> {
        self.flush()?;
        let mut hasher = blake3::Hasher::new();
        let mut left = point.offset;
        while left > 0 {
            self.stop.check()?;
            let take = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let room = self.buffer.get_mut(..take).unwrap_or_default();
            if read_full(file, room).map_err(unreadable)? < take {
                break;
            }
            hasher.update(room);
            left -= take as u64;
        }
        // Not a secret: both sides know these bytes.
        if left == 0 && hasher.finalize().as_bytes() == &point.prefix {
            return Ok(Some(hasher));
        }
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        Ok(None)
    }

    fn content(
        &mut self,
        file: &File,
        source: Source,
        offset: u64,
        hasher: &mut blake3::Hasher,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(), Failing> {
        let mut at = offset;
        while at < source.size {
            // Chunks end at multiples of their size, which the hash likes best.
            let step = CHUNK as u64 - at % CHUNK as u64;
            let len = u32::try_from(step.min(source.size - at)).unwrap_or(0);
            if self.held + BYTES_HEAD + len as usize > BUFFER - END_BYTES {
                self.flush()?;
            }
            let start = self.held + BYTES_HEAD;
            let room = self.buffer.get_mut(start..start + len as usize).unwrap_or_default();
            let read = |room: &mut [u8]| read_full_at(file, at, room);
            let count = match &self.shared {
                Some(lease) => lease.window().fill(source, at, room, read),
                None => read(room),
            };
            if count.map_err(unreadable)? < len as usize {
                return Err(Failing::Source(ItemFault::changed()));
            }
            hasher.update(room);
            self.put(Head::Bytes { len })?;
            self.held += len as usize;
            at += u64::from(len);
            if self.held >= FULL {
                self.flush()?;
                tell(at);
                if self.abandon.names(source.item) {
                    let why = "the receiver cannot take it";
                    return Err(Failing::Source(ItemFault::new(ErrorCode::Canceled, why)));
                }
            }
        }
        Ok(())
    }
}

/// What stands in the way of one file's bytes.
enum Failing {
    Lane(TransferError),
    Source(ItemFault),
}

impl From<TransferError> for Failing {
    fn from(error: TransferError) -> Self {
        Self::Lane(error)
    }
}

fn unreadable(error: io::Error) -> Failing {
    Failing::Source(ItemFault::io("read the file", &error))
}

fn size_of(stat: &rustix::fs::Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Reads until the room is full or the file ends.
fn read_full(file: &mut File, room: &mut [u8]) -> io::Result<usize> {
    let mut held = 0;
    while let Some(rest) = room.get_mut(held..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => held += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(held)
}

/// The same from a place in the file, whatever its position.
fn read_full_at(file: &File, at: u64, room: &mut [u8]) -> io::Result<usize> {
    let mut held = 0;
    while let Some(rest) = room.get_mut(held..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + held as u64) {
            Ok(0) => break,
            Ok(count) => held += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(held)
}

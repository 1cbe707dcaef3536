//! One file on its way: bytes into its part file, hashed as they come, judged at its end.

use super::{Receiving, batch::Done, disk::Disk};
use crate::{
    Entry, ItemFault, Kind, ResumePoint, Stop, TransferError,
    limits::SMALL_FILE,
    place::{hash_file, remove},
    plan::MAX_POINTS,
    wire::Chunk,
};
use hither_model::ErrorCode;
use rustix::{
    fs::{self, FileType, Timespec, Timestamps},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
};

/// What the lane is in the middle of.
#[derive(Debug)]
pub(super) enum Now {
    /// Between files.
    Between,
    /// A file.
    Taking(Part),
    /// A file that failed here: its bytes pass by.
    Passing {
        /// Its number.
        item: u32,
        /// Bytes that may still come.
        left: u64,
        /// How often it started over.
        restarts: u8,
    },
}

/// A file that is being received.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) item: u32,
    pub(super) size: u64,
    /// Bytes that are there.
    pub(super) at: u64,
    /// The file and the hash of what is in it; `None` while the disk thread has them.
    body: Option<(File, Box<blake3::Hasher>)>,
    pub(super) restarts: u8,
}

impl Part {
    /// Lets the disk thread write it, if it is large.
    pub(super) fn hand_over(&mut self, disk: &Disk) -> io::Result<()> {
        match self.body.take() {
            Some((file, hasher)) => disk.open(file, hasher),
            None => Ok(()),
        }
    }

    /// Whether the disk thread writes it.
    pub(super) fn is_away(&self) -> bool {
        self.body.is_none()
    }

    /// Adds bytes here; the caller has checked that they belong to the file.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        let Some((file, hasher)) = &mut self.body else { return Ok(()) };
        hasher.update(bytes);
        file.write_all(bytes)
    }

    /// Adds bytes through the disk thread. Its errors come late.
    pub(super) fn write_away(&mut self, chunk: Chunk, disk: &Disk) -> io::Result<()> {
        self.at += chunk.bytes().len() as u64;
        if disk.write(chunk)? { Ok(()) } else { self.fetch(disk) }
    }

    /// Takes the file back from the disk thread; an error if not all of it could be written.
    pub(super) fn fetch(&mut self, disk: &Disk) -> io::Result<()> {
        if self.body.is_none() {
            let landed = disk.close()?;
            self.body = Some((landed.file, landed.hasher));
            return landed.error.map_or(Ok(()), Err);
        }
        Ok(())
    }
}

impl Receiving {
    /// Opens the part file of an item, new or at its resume point.
    pub(super) fn open_part(&mut self, item: u32, offset: u64, size: u64) -> Result<Part, Opening> {
        if offset == 0 {
            self.points.remove(&item);
            let file = self.partial.create_file(&item.to_string()).map_err(Opening::Failed)?;
            return Ok(Part { item, size, at: 0, body: Some((file, Box::default())), restarts: 0 });
        }
        let Some((at, hasher)) = self.points.remove(&item).filter(|(at, _)| *at == offset) else {
            return Err(Opening::Breach);
        };
        let mut file = self.partial.part(item).map_err(Opening::Failed)?;
        let length = file.seek(SeekFrom::End(0)).map_err(|error| Opening::Failed(errno(&error)))?;
        if length != at {
            return Err(Opening::Failed(Errno::IO));
        }
        Ok(Part { item, size, at, body: Some((file, hasher)), restarts: 0 })
    }

    /// Judges a file at its end. Right bytes get their time and mode and are ready to be kept.
    pub(super) fn close_part(&mut self, part: Part, declared: &[u8; 32]) -> Result<Done, ItemFault> {
        if part.at < part.size {
            let why = format!("only {} of {} bytes came", part.at, part.size);
            return Err(ItemFault::new(ErrorCode::Truncated, why));
        }
        let Some((file, hasher)) = part.body else {
            return Err(ItemFault::new(ErrorCode::Internal, "the file is still being written"));
        };
        // Not a secret: both sides know these bytes.
        let blake3 = *hasher.finalize().as_bytes();
        if blake3 != *declared {
            return Err(ItemFault::new(ErrorCode::DigestWrong, "the bytes do not match their digest"));
        }
        let entry = self.manifest.entry(part.item);
        let entry = entry.ok_or_else(|| ItemFault::new(ErrorCode::Internal, "no such item"))?;
        let inode = self.dress(&file, entry).map_err(|error| ItemFault::io("finish the file", &error.into()))?;
        let small = part.size <= SMALL_FILE;
        Ok(Done { item: part.item, inode, blake3, size: part.size, file: Some(file), small })
    }

    /// Gives a file its time and mode (F15: nothing else), and says its inode.
    fn dress(&self, file: &File, entry: &Entry) -> Result<u64, Errno> {
        let executable = self.choices.executable && matches!(entry.kind, Kind::File { executable: true, .. });
        fs::fchmod(file, self.inbox.mode(executable))?;
        fs::futimens(file, &times(entry))?;
        Ok(fs::fstat(file)?.st_ino)
    }

    /// Drops a part file.
    pub(super) fn drop_part(&mut self, item: u32) {
        self.points.remove(&item);
        if let Err(error) = remove(self.partial.directory(), &item.to_string()) {
            tracing::warn!(%error, "cannot remove a part file");
        }
    }

    /// Before an item of this size: part files that are kept only in hope of more room make room for it.
    pub(super) fn make_room(&mut self, size: u64) {
        if self.spare.is_empty() || self.inbox.has_room(size) {
            return;
        }
        for item in std::mem::take(&mut self.spare) {
            self.drop_part(item);
        }
    }

    /// Part files that are worth going on with, hashed from the disk (F11); the others are removed.
    pub(super) fn find_points(&mut self, stop: &Stop) -> Result<Vec<ResumePoint>, TransferError> {
        let failed = |error: Errno| TransferError::storage("read", "the part files", error);
        self.now = Now::Between;
        self.points.clear();
        self.spare.clear();
        let mut points = Vec::new();
        for item in self.partial.parts().map_err(failed)? {
            if self.batch.has(item) {
                continue;
            }
            let size = self.manifest.entry(item).map_or(0, Entry::size);
            let prefix = self.prefix_of(item, size, stop);
            stop.check()?;
            match prefix {
                Some((offset, hasher)) if points.len() < MAX_POINTS && !self.kept.contains(item) => {
                    points.push(ResumePoint { item, offset, prefix: hasher.finalize().into() });
                    self.points.insert(item, (offset, Box::new(hasher)));
                }
                _ => self.drop_part(item),
            }
        }
        Ok(points)
    }

    fn prefix_of(&self, item: u32, size: u64, stop: &Stop) -> Option<(u64, blake3::Hasher)> {
        let mut file = self.partial.part(item).ok()?;
        let stat = fs::fstat(&file).ok()?;
        let length = u64::try_from(stat.st_size).ok()?;
        let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if !regular || length < SMALL_FILE || length > size {
            return None;
        }
        Some((length, hash_file(&mut file, length, stop).ok()??))
    }
}

/// Why a part file could not be opened.
pub(super) enum Opening {
    /// The sender goes on where nobody asked it to.
    Breach,
    /// The system refused.
    Failed(Errno),
}

pub(super) fn times(entry: &Entry) -> Timestamps {
    let time = Timespec { tv_sec: entry.mtime.seconds, tv_nsec: i64::from(entry.mtime.nanos) };
    Timestamps { last_access: time, last_modification: time }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

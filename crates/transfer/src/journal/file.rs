//! The journal as a file: appended to, locked while in use, synchronised when the caller says so.

use super::{Record, Replay, encode, parse};
use crate::TransferError;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
};

/// Largest journal that is read back.
const MAX_BYTES: u64 = 256 << 20;

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    end: u64,
    number: u32,
}

impl Journal {
    /// Takes a fresh, empty file.
    pub(crate) fn create(file: File) -> Result<Self, TransferError> {
        lock(&file)?;
        Ok(Self { file, end: 0, number: 0 })
    }

    /// Takes a file that is there and says what is in it. A torn end is cut off.
    pub(crate) fn open(file: File) -> Result<(Self, Vec<Record>), TransferError> {
        lock(&file)?;
        let failed = |error| TransferError::storage("read", "the journal", error);
        let mut bytes = Vec::new();
        (&file).take(MAX_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        let Replay { records, end } = parse(&bytes).map_err(|_| TransferError::JournalDamaged)?;
        file.set_len(end as u64).map_err(failed)?;
        let number = u32::try_from(records.len()).map_err(|_| TransferError::JournalDamaged)?;
        Ok((Self { file, end: end as u64, number }, records))
    }

    /// Adds a record. After an error the journal is as it was.
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<()> {
        let bytes = encode(record, self.number).ok_or(io::ErrorKind::InvalidInput)?;
        if let Err(error) = self.file.write_all_at(&bytes, self.end) {
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.end += bytes.len() as u64;
        self.number += 1;
        Ok(())
    }

    /// Waits until all records are on disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn lock(file: &File) -> Result<(), TransferError> {
    flock(file, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
        rustix::io::Errno::WOULDBLOCK => TransferError::InUse,
        other => TransferError::storage("lock", "the journal", other),
    })
}

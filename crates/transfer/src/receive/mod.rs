//! The receiving end: from a person's yes to verified files under their names, across any number of lanes and crashes.
//!
//! Order for every file (F9): all bytes in a part file, digest right → record *ready*, then data and record on disk → moved to a
//! free name → directories on disk → record *kept* and [`ReceiveEvent::Kept`]. A crash between any two steps is made good
//! by [`Receiving::resume`]. What is *not* here: who may send, and what a person was asked.

mod batch;
mod begin;
mod disk;
mod finish;
mod lane;
mod part;
mod tree;

use crate::{Digests, Inbox, Manifest, Plan, Ranges, Stop, TransferError, journal::Journal, place::Partial};
use hither_model::{ErrorCode, PeerId, TransferId, row::FailedItem};
use part::Now;
use std::collections::{BTreeMap, HashMap};
use tree::Tree;

/// What the receiver's person chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choices {
    /// Keep the executable bit of files that have it.
    pub executable: bool,
}

/// What happens while a lane is received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiveEvent {
    /// Bytes that are through, of the whole transfer; may go down when a file starts over.
    Progress {
        /// Bytes received or kept already.
        done: u64,
        /// Bytes of all files.
        total: u64,
    },
    /// Items are on disk under their names, verified and synchronised.
    Kept {
        /// Their numbers.
        items: Ranges,
        /// The path of the last of them, as offered.
        path: String,
        /// Their bytes.
        bytes: u64,
        /// BLAKE3 of the last file among them; zeros for a folder.
        blake3: [u8; 32],
    },
    /// An item failed; the others go on. The sender may be told to give it up ([`crate::Abandon`]).
    Failed {
        /// Its number.
        item: u32,
        /// For the list a person sees.
        row: FailedItem,
    },
}

/// What became of a lane that was received to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Whether every item is kept.
    pub complete: bool,
    /// Items that are kept, folders included.
    pub kept: u32,
    /// Items that neither came nor were given up: the sender left them out. They count as failed.
    pub missing: u32,
    /// Items that failed or are missing, at most 1,000 listed.
    pub failed: Vec<FailedItem>,
    /// Names at the top of the inbox that this run made, at most 20.
    pub names: Vec<String>,
}

/// Most failed items, and names, that are listed.
const MAX_FAILED: usize = 1_000;
const MAX_NAMES: usize = 20;

/// One transfer on its way into an inbox.
#[derive(Debug)]
pub struct Receiving {
    inbox: Inbox,
    transfer: TransferId,
    peer: PeerId,
    manifest: Manifest,
    choices: Choices,
    partial: Partial,
    journal: Journal,
    tree: Tree,
    kept: Ranges,
    kept_bytes: u64,
    digests: Digests,
    failed: BTreeMap<u32, FailedItem>,
    batch: batch::Batch,
    now: Now,
    /// Part files to go on with: bytes, and their hash so far.
    points: HashMap<u32, (u64, Box<blake3::Hasher>)>,
    /// Part files of items that failed for want of room; given up when room is needed.
    spare: Vec<u32>,
    names: Vec<String>,
}

impl Receiving {
    /// Which transfer.
    pub fn transfer(&self) -> TransferId {
        self.transfer
    }

    /// From whom.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// What was consented to.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Items that are in place.
    pub fn kept(&self) -> &Ranges {
        &self.kept
    }

    /// Bytes of files that are in place.
    pub fn kept_bytes(&self) -> u64 {
        self.kept_bytes
    }

    /// Items that failed so far.
    pub fn failed(&self) -> impl Iterator<Item = (u32, &FailedItem)> {
        self.failed.iter().map(|(item, row)| (*item, row))
    }

    /// Whether every item is kept.
    pub fn is_complete(&self) -> bool {
        self.kept.count() == u64::from(self.manifest.items())
    }

    /// What the sender shall send: all but what is kept, and in the middle of files whose part file is there. Reads
    /// those part files whole, so it may take a while (about 0.5 s per GiB, or what the disk takes).
    ///
    /// # Errors
    /// Stopped, or the part directory cannot be read.
    pub fn plan(&mut self, stop: &Stop) -> Result<Plan, TransferError> {
        let points = self.find_points(stop)?;
        Ok(Plan { points, skip: self.kept.clone(), only: None })
    }

    /// Removes the records of a finished transfer. Call it when the receipt is safe; until then [`Receiving::resume`]
    /// finds the transfer and can make the receipt again.
    ///
    /// # Errors
    /// The part directory cannot be removed.
    pub fn retire(self) -> Result<(), TransferError> {
        self.clear()
    }

    /// Gives the transfer up: part files and records go, items that are kept stay.
    ///
    /// # Errors
    /// The part directory cannot be removed.
    pub fn discard(self) -> Result<(), TransferError> {
        self.clear()
    }

    fn clear(self) -> Result<(), TransferError> {
        self.partial.remove(&self.inbox).map_err(|error| TransferError::storage("remove", "the part files", error))
    }

    /// Notes a failed item.
    fn fail(&mut self, item: u32, fault: crate::ItemFault, on: &mut dyn FnMut(ReceiveEvent)) {
        let row = FailedItem { path: self.manifest.path_text(item), code: fault.code, why: fault.why };
        if let Err(error) = self.journal.append(&crate::journal::Record::Failed { item, code: row.code }) {
            tracing::debug!(%error, "cannot note a failed item");
        }
        self.failed.insert(item, row.clone());
        on(ReceiveEvent::Failed { item, row });
    }

    /// Whether a failure may go away when there is more room, so that its part file is worth keeping.
    fn wants_room(code: ErrorCode) -> bool {
        code == ErrorCode::DiskFull
    }

    fn note_name(&mut self, name: &str) {
        if self.names.len() < MAX_NAMES {
            self.names.push(name.to_owned());
        }
    }
}

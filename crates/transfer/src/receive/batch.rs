//! From complete part files to kept ones: many small files together, large ones by themselves.
//!
//! One synchronisation of the file system serves up to 512 files; a few files, or a large one, are synchronised singly,
//! so that other programs' unwritten data is not waited for.

use super::{
    ReceiveEvent, Receiving,
    part::Now,
    tree::{Ground, names_for},
};
use crate::{
    ItemFault, Ranges, TransferError,
    journal::{Ready, Record},
    limits::{BATCH_BYTES, BATCH_ITEMS, NOTE_BYTES, NOTE_ITEMS},
    place::{move_new, sync_file_system},
};
use hither_model::ErrorCode;
use std::fs::File;

/// Files that are synchronised singly.
const FEW: usize = 4;

/// A file that is complete and right.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) item: u32,
    pub(super) inode: u64,
    pub(super) blake3: [u8; 32],
    pub(super) size: u64,
    /// Open while it may be synchronised singly.
    pub(super) file: Option<File>,
    pub(super) small: bool,
}

/// Files that wait to be kept.
#[derive(Debug, Default)]
pub(super) struct Batch {
    files: Vec<Done>,
    bytes: u64,
    /// How many of the files, and of their bytes, the journal has as ready.
    noted: (usize, u64),
}

impl Batch {
    pub(super) fn add(&mut self, done: Done) {
        self.bytes += done.size;
        self.files.push(done);
        if self.files.len() > FEW {
            self.files.iter_mut().for_each(|done| done.file = None);
        }
    }

    fn is_full(&self) -> bool {
        let large = self.files.last().is_some_and(|done| !done.small);
        large || self.files.len() >= BATCH_ITEMS || self.bytes >= BATCH_BYTES
    }

    fn wants_note(&self) -> bool {
        self.files.len() - self.noted.0 >= NOTE_ITEMS || self.bytes - self.noted.1 >= NOTE_BYTES
    }

    /// The files that the journal does not have as ready yet.
    fn unnoted(&self) -> Vec<Ready> {
        let files = self.files.get(self.noted.0..).unwrap_or_default().iter();
        files.map(|done| Ready { item: done.item, inode: done.inode, blake3: done.blake3 }).collect()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn has(&self, item: u32) -> bool {
        self.files.iter().any(|done| done.item == item)
    }
}

impl Receiving {
    /// Adds a complete file; notes and settles when it is time.
    pub(super) fn completed(&mut self, done: Done, on: &mut dyn FnMut(ReceiveEvent)) -> Result<(), TransferError> {
        self.batch.add(done);
        if self.batch.is_full() {
            return self.settle(on);
        }
        if self.batch.wants_note()
            && let Err(error) = self.note_ready()
        {
            tracing::debug!(%error, "cannot note complete files yet");
        }
        Ok(())
    }

    /// Notes the files that wait as ready, so that they are found again if we are killed. On disk it is with the batch.
    fn note_ready(&mut self) -> std::io::Result<()> {
        let ready = self.batch.unnoted();
        if !ready.is_empty() {
            self.journal.append(&Record::Ready(ready))?;
            self.batch.noted = (self.batch.files.len(), self.batch.bytes);
        }
        Ok(())
    }

    /// Keeps the files that wait. Trouble with them is theirs; only an inbox that is gone ends the transfer.
    pub(super) fn settle(&mut self, on: &mut dyn FnMut(ReceiveEvent)) -> Result<(), TransferError> {
        if self.batch.files.is_empty() {
            return Ok(());
        }
        self.inbox.still_there()?;
        let noted = self.note_ready();
        let mut batch = std::mem::take(&mut self.batch);
        if let Err(error) = noted {
            // Those that are noted can be kept; the others would be lost sight of in a crash.
            let unnoted = batch.files.split_off(batch.noted.0);
            self.fail_all(unnoted, &ItemFault::io("note the file in the journal", &error), on);
        }
        if let Err(error) = self.sync_batch(&batch.files) {
            self.fail_all(batch.files, &ItemFault::io("write the file to disk", &error), on);
            return Ok(());
        }
        let mut kept = Vec::with_capacity(batch.files.len());
        for done in batch.files {
            match self.put_in_place(done.item) {
                Ok(()) => kept.push(done),
                Err(fault) => {
                    self.drop_part(done.item);
                    self.fail(done.item, fault, on);
                }
            }
        }
        if let Err(fault) = self.sync_tree() {
            for done in kept {
                self.fail(done.item, fault.clone(), on);
            }
            return Ok(());
        }
        self.note_kept(&kept, on);
        Ok(())
    }

    fn fail_all(&mut self, files: Vec<Done>, fault: &ItemFault, on: &mut dyn FnMut(ReceiveEvent)) {
        for done in files {
            self.drop_part(done.item);
            self.fail(done.item, fault.clone(), on);
        }
    }

    fn sync_batch(&self, files: &[Done]) -> std::io::Result<()> {
        if files.iter().any(|done| done.file.is_none()) {
            return sync_file_system(self.partial.directory());
        }
        for file in files.iter().filter_map(|done| done.file.as_ref()) {
            file.sync_all()?;
        }
        self.journal.sync()
    }

    /// Moves a part file to its name, or the next that is free.
    fn put_in_place(&mut self, item: u32) -> Result<(), ItemFault> {
        let Some(entry) = self.manifest.entry(item) else {
            return Err(ItemFault::new(ErrorCode::Internal, "no such item"));
        };
        let (name, parent) = (entry.name.clone(), entry.parent);
        let (tree, mut ground) = self.ground();
        let folder = tree.parent(item, &mut ground)?;
        let part = item.to_string();
        let from = ground.partial.directory();
        use std::os::fd::AsFd;
        for free in names_for(&name, false) {
            let moved = move_new(from, &part, folder.as_fd(), &free);
            if moved.map_err(|error| ItemFault::io("move the file to its place", &error.into()))? {
                tree.changed(parent);
                if parent.is_none() {
                    self.note_name(free.as_str());
                }
                return Ok(());
            }
        }
        Err(ItemFault::new(ErrorCode::NameRefused, "too many files of that name are there already"))
    }

    pub(super) fn sync_tree(&mut self) -> Result<(), ItemFault> {
        let (tree, mut ground) = self.ground();
        tree.sync(&mut ground)
    }

    pub(super) fn note_kept(&mut self, files: &[Done], on: &mut dyn FnMut(ReceiveEvent)) {
        let Some(last) = files.last() else { return };
        let items: Ranges = files.iter().map(|done| done.item).collect();
        let bytes = files.iter().map(|done| done.size).sum();
        // If this is lost, the records of ready files say the same on resume.
        if let Err(error) = self.journal.append(&Record::Kept(items.clone())) {
            tracing::debug!(%error, "cannot note kept items");
        }
        for done in files {
            self.digests.set(done.item, done.blake3);
            self.failed.remove(&done.item);
        }
        self.kept.extend(&items);
        self.kept_bytes += bytes;
        let path = self.manifest.path_text(last.item);
        on(ReceiveEvent::Kept { items, path, bytes, blake3: last.blake3 });
    }

    /// The tree and what it works with.
    pub(super) fn ground(&mut self) -> (&mut super::Tree, Ground<'_>) {
        let ground =
            Ground { inbox: &self.inbox, manifest: &self.manifest, partial: &self.partial, journal: &mut self.journal };
        (&mut self.tree, ground)
    }

    /// Bytes that are through: kept, waiting to be, or in the current part file.
    pub(super) fn done(&self) -> u64 {
        let part = match &self.now {
            Now::Taking(part) => part.at,
            Now::Between | Now::Passing { .. } => 0,
        };
        self.kept_bytes + self.batch.bytes() + part
    }
}

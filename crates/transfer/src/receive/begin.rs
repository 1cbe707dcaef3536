//! The beginning of a transfer on disk, and finding it again after a crash (F9, F12).

use super::{
    Choices, Receiving,
    batch::{Batch, Done},
    part::Now,
    tree::{Tree, names_for},
};
use crate::{
    Digests, Inbox, Manifest, Ranges, Stop, TransferError,
    journal::{Journal, Ready, Record},
    limits::SMALL_FILE,
    place::{Partial, hash_file, open_beneath},
};
use hither_model::{PeerId, TransferId, row::FailedItem};
use rustix::{
    fs::{FileType, Mode, OFlags, fstat},
    io::Errno,
};
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    os::fd::AsFd,
};

impl Receiving {
    /// Begins a transfer that a person said yes to: checks room, then makes the part directory, the manifest's copy and
    /// the journal. Nothing but `.hither-partial` is touched.
    ///
    /// # Errors
    /// The manifest is refused, it does not fit, it was begun before, or the inbox cannot be written.
    pub fn begin(
        inbox: &Inbox,
        transfer: TransferId,
        peer: PeerId,
        manifest: &[u8],
        choices: Choices,
    ) -> Result<Self, TransferError> {
        let decoded = Manifest::decode(manifest, inbox.limits())?;
        inbox.check_room(&decoded, &Ranges::new(), 0)?;
        let partial = match Partial::create(inbox, transfer) {
            Err(TransferError::AlreadyBegun) if !was_begun(inbox, transfer)? => {
                let torn = Partial::open(inbox, transfer)?;
                torn.remove(inbox).map_err(|error| TransferError::storage("remove", "old part files", error))?;
                Partial::create(inbox, transfer)?
            }
            other => other?,
        };
        let begun = Self::write_beginning(inbox, &partial, transfer, peer, manifest, &decoded, choices);
        let journal = match begun {
            Ok(journal) => journal,
            Err(error) => {
                let _ = partial.remove(inbox);
                return Err(error);
            }
        };
        Ok(Self::assemble(inbox, transfer, peer, decoded, choices, partial, journal))
    }

    fn write_beginning(
        inbox: &Inbox,
        partial: &Partial,
        transfer: TransferId,
        peer: PeerId,
        manifest: &[u8],
        decoded: &Manifest,
        choices: Choices,
    ) -> Result<Journal, TransferError> {
        let failed = |error| TransferError::storage("write the journal in", inbox.path().to_string_lossy(), error);
        let file = partial.prepare(manifest).map_err(failed)?;
        inbox.check_sizes(decoded, &file)?;
        let mut journal = Journal::create(file)?;
        let record = Record::Begin { transfer, peer, manifest: decoded.hash(), executable: choices.executable };
        journal.append(&record).and_then(|()| journal.sync()).map_err(failed)?;
        partial.sync().and_then(|()| crate::place::sync_folder(inbox.directory())).map_err(failed)?;
        Ok(journal)
    }

    /// Finds an interrupted transfer again. Only the peer it began with can resume it, and only with the same manifest.
    /// Files that were complete but not yet in place are put there now.
    ///
    /// # Errors
    /// There is none for this peer, it is another one, it is in use, its records are damaged, or there is no room for
    /// the rest.
    pub fn resume(
        inbox: &Inbox,
        transfer: TransferId,
        peer: PeerId,
        manifest: [u8; 32],
    ) -> Result<Self, TransferError> {
        let partial = Partial::open(inbox, transfer)?;
        let file = partial.journal().map_err(|error| match error {
            Errno::NOENT => TransferError::NothingToResume,
            other => TransferError::storage("open", "the journal", other),
        })?;
        let (journal, records) = Journal::open(file)?;
        let choices = match records.first() {
            Some(Record::Begin { transfer: id, peer: from, manifest: hash, executable }) => {
                if *id != transfer || *from != peer {
                    return Err(TransferError::NothingToResume);
                }
                if *hash != manifest {
                    return Err(TransferError::OtherManifest);
                }
                Choices { executable: *executable }
            }
            _ => return Err(TransferError::NothingToResume),
        };
        let limit = inbox.limits().manifest_bytes;
        let bytes = partial.manifest(limit).map_err(|error| TransferError::storage("read", "the manifest", error))?;
        let decoded = Manifest::decode(&bytes, inbox.limits()).map_err(|_| TransferError::JournalDamaged)?;
        if decoded.hash() != manifest {
            return Err(TransferError::JournalDamaged);
        }
        let mut receiving = Self::assemble(inbox, transfer, peer, decoded, choices, partial, journal);
        let ready = receiving.replay(records)?;
        for ready in ready {
            receiving.find_again(ready);
        }
        receiving.settle(&mut |_| {})?;
        receiving.inbox.check_room(&receiving.manifest, &receiving.kept, receiving.held_bytes())?;
        Ok(receiving)
    }

    fn assemble(
        inbox: &Inbox,
        transfer: TransferId,
        peer: PeerId,
        manifest: Manifest,
        choices: Choices,
        partial: Partial,
        journal: Journal,
    ) -> Self {
        let digests = Digests::new(manifest.entries().len());
        Self {
            inbox: inbox.clone(),
            transfer,
            peer,
            manifest,
            choices,
            partial,
            journal,
            tree: Tree::default(),
            kept: Ranges::new(),
            kept_bytes: 0,
            digests,
            failed: BTreeMap::new(),
            batch: Batch::default(),
            now: Now::Between,
            points: HashMap::new(),
            spare: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Takes over what the journal says; the files that were ready but are not known to be kept.
    fn replay(&mut self, records: Vec<Record>) -> Result<Vec<Ready>, TransferError> {
        let mut ready: BTreeMap<u32, Ready> = BTreeMap::new();
        for record in records {
            match record {
                Record::Begin { .. } | Record::Finished => {}
                Record::Folder { item, inode, name } => self.tree.known(item, inode, name),
                Record::Ready(items) => {
                    for item in items {
                        self.digests.set(item.item, item.blake3);
                        ready.insert(item.item, item);
                    }
                }
                Record::Kept(items) => {
                    if items.end() > self.manifest.items() {
                        return Err(TransferError::JournalDamaged);
                    }
                    self.kept.extend(&items);
                    for item in items.iter() {
                        ready.remove(&item);
                        self.failed.remove(&item);
                    }
                }
                Record::Failed { item, code } => {
                    ready.remove(&item);
                    let why = format!("it failed before ({code})");
                    self.failed.insert(item, FailedItem { path: self.manifest.path_text(item), code, why });
                }
            }
        }
        let sizes = self.kept.iter().filter_map(|item| self.manifest.entry(item)).map(crate::Entry::size);
        self.kept_bytes = sizes.sum();
        Ok(ready.into_values().collect())
    }

    /// A file that was ready when the crash came: still a part file, or in place already; kept if its bytes are right.
    fn find_again(&mut self, ready: Ready) {
        let Some(size) = self.manifest.entry(ready.item).filter(|entry| !entry.is_folder()).map(crate::Entry::size)
        else {
            return;
        };
        let done = Done {
            item: ready.item,
            inode: ready.inode,
            blake3: ready.blake3,
            size,
            file: None,
            small: size <= SMALL_FILE,
        };
        if self.partial.part(ready.item).is_ok_and(|file| is_it(file, &ready, size)) {
            self.batch.add(done);
        } else if self.is_in_place(&ready, size) {
            self.note_kept(&[done], &mut |_| {});
        }
    }

    fn is_in_place(&mut self, ready: &Ready, size: u64) -> bool {
        let Some(name) = self.manifest.entry(ready.item).map(|entry| entry.name.clone()) else { return false };
        let (tree, mut ground) = self.ground();
        let Ok(folder) = tree.parent(ready.item, &mut ground) else { return false };
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        for free in names_for(&name, false) {
            match open_beneath(folder.as_fd(), free.as_str(), flags, Mode::empty()) {
                Ok(file) => {
                    if is_it(File::from(file), ready, size) {
                        return true;
                    }
                }
                Err(Errno::NOENT) => return false,
                Err(_) => {}
            }
        }
        false
    }

    /// Bytes of part files that are there.
    fn held_bytes(&self) -> u64 {
        let parts = self.partial.parts().unwrap_or_default();
        let lengths = parts.iter().filter_map(|item| self.partial.part(*item).ok()?.metadata().ok());
        lengths.map(|metadata| metadata.len()).sum()
    }
}

/// Whether a file is the one that was ready, with the bytes it had then.
fn is_it(mut file: File, ready: &Ready, size: u64) -> bool {
    let Ok(stat) = fstat(&file) else { return false };
    let same = stat.st_ino == ready.inode
        && u64::try_from(stat.st_size) == Ok(size)
        && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    same && matches!(hash_file(&mut file, size, &Stop::new()), Ok(Some(hasher)) if *hasher.finalize().as_bytes() == ready.blake3)
}

/// Whether the part directory that is there has a journal with a beginning.
fn was_begun(inbox: &Inbox, transfer: TransferId) -> Result<bool, TransferError> {
    match Partial::open(inbox, transfer)?.journal() {
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(TransferError::storage("open", "the journal", error)),
        Ok(file) => match Journal::open(file) {
            Ok((_, records)) => Ok(!records.is_empty()),
            Err(TransferError::InUse) => Err(TransferError::InUse),
            Err(_) => Ok(true),
        },
    }
}

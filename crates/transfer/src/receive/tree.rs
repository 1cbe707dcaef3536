//! The folders of a transfer in the inbox: made when needed, each name at the top chosen once and journalled (F13).
//!
//! A folder at the top is made among the part files, noted with its inode and the name it is about to get, and moved to
//! that name; so after a crash it is known again, and somebody else's folder is never taken for ours.

use crate::{
    Inbox, ItemFault, Manifest, SafeName,
    journal::{Journal, Record},
    place::{Partial, move_new, open_folder},
};
use hither_model::ErrorCode;
use rustix::{
    fs::{self, AtFlags, Mode},
    io::Errno,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

/// Folders kept open at once.
const OPEN_FOLDERS: usize = 64;
/// Names that are tried for one thing at the top.
pub(super) const MAX_NAMES_TRIED: u32 = 10_000;

/// The folders of one transfer.
#[derive(Debug, Default)]
pub(super) struct Tree {
    open: HashMap<u32, Arc<OwnedFd>>,
    /// Folders at the top: inode and name.
    tops: BTreeMap<u32, (u64, String)>,
    /// Folders with names that are not yet known to be on disk; `None` is the inbox.
    dirty: HashSet<Option<u32>>,
}

/// What the making of folders needs to know.
pub(super) struct Ground<'a> {
    pub(super) inbox: &'a Inbox,
    pub(super) manifest: &'a Manifest,
    pub(super) partial: &'a Partial,
    pub(super) journal: &'a mut Journal,
}

impl Tree {
    /// Notes what the journal says about a folder at the top.
    pub(super) fn known(&mut self, item: u32, inode: u64, name: String) {
        self.tops.insert(item, (inode, name));
    }

    /// The names of the folders at the top.
    pub(super) fn top_name(&self, item: u32) -> Option<&str> {
        self.tops.get(&item).map(|(_, name)| name.as_str())
    }

    /// Where an item's file belongs.
    pub(super) fn parent(&mut self, item: u32, ground: &mut Ground<'_>) -> Result<Arc<OwnedFd>, ItemFault> {
        match ground.manifest.entry(item).and_then(|entry| entry.parent) {
            None => Ok(ground.inbox.shared()),
            Some(parent) => self.folder(parent, ground),
        }
    }

    /// The folder that is this item; it and those around it are made if they are not there.
    pub(super) fn folder(&mut self, item: u32, ground: &mut Ground<'_>) -> Result<Arc<OwnedFd>, ItemFault> {
        if let Some(open) = self.open.get(&item) {
            return Ok(Arc::clone(open));
        }
        let entry = ground.manifest.entry(item).filter(|entry| entry.is_folder());
        let entry = entry.ok_or_else(|| ItemFault::new(ErrorCode::Internal, "no such folder"))?;
        let opened = match entry.parent {
            None => self.top_folder(item, ground)?,
            Some(parent) => {
                let around = self.folder(parent, ground)?;
                match fs::mkdirat(&around, entry.name.as_str(), Mode::from_raw_mode(0o755)) {
                    Ok(()) => self.changed(Some(parent)),
                    Err(Errno::EXIST) => {}
                    Err(error) => return Err(blocked(error)),
                }
                open_folder(around.as_fd(), entry.name.as_str()).map_err(blocked)?
            }
        };
        let opened = Arc::new(opened);
        if self.open.len() >= OPEN_FOLDERS {
            self.open.clear();
        }
        self.open.insert(item, Arc::clone(&opened));
        Ok(opened)
    }

    /// Notes that names in a folder changed.
    pub(super) fn changed(&mut self, folder: Option<u32>) {
        self.dirty.insert(folder);
    }

    /// Waits until all changed names are on disk.
    pub(super) fn sync(&mut self, ground: &mut Ground<'_>) -> Result<(), ItemFault> {
        const FEW: usize = 4;
        let failed = |error| ItemFault::io("write the folder to disk", &error);
        let dirty = std::mem::take(&mut self.dirty);
        if dirty.len() > FEW {
            return crate::place::sync_file_system(ground.inbox.directory()).map_err(failed);
        }
        for folder in dirty {
            match folder {
                None => crate::place::sync_folder(ground.inbox.directory()).map_err(failed)?,
                Some(item) => crate::place::sync_folder(&*self.folder(item, ground)?).map_err(failed)?,
            }
        }
        Ok(())
    }

    /// Drops what is held open, so that folders are looked at anew.
    pub(super) fn close(&mut self) {
        self.open.clear();
    }

    fn top_folder(&mut self, item: u32, ground: &mut Ground<'_>) -> Result<OwnedFd, ItemFault> {
        if let Some((inode, name)) = self.tops.get(&item)
            && let Ok(opened) = open_folder(ground.inbox.directory(), name)
            && fs::fstat(&opened).is_ok_and(|stat| stat.st_ino == *inode)
        {
            return Ok(opened);
        }
        let entry = ground.manifest.entry(item).ok_or_else(|| ItemFault::new(ErrorCode::Internal, "no such folder"))?;
        let stage = format!("folder-{item}");
        match fs::mkdirat(ground.partial.directory(), &stage, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(blocked(error)),
        }
        let opened = open_folder(ground.partial.directory(), &stage).map_err(blocked)?;
        let inode = fs::fstat(&opened).map_err(blocked)?.st_ino;
        for name in names_for(&entry.name, true) {
            if is_taken(ground.inbox.directory(), &name) {
                continue;
            }
            let record = Record::Folder { item, inode, name: name.as_str().to_owned() };
            let noted = ground.journal.append(&record).and_then(|()| ground.journal.sync());
            noted.map_err(|error| ItemFault::io("write the journal", &error))?;
            if move_new(ground.partial.directory(), &stage, ground.inbox.directory(), &name).map_err(blocked)? {
                self.tops.insert(item, (inode, name.as_str().to_owned()));
                self.changed(None);
                return Ok(opened);
            }
        }
        Err(ItemFault::new(ErrorCode::NameRefused, "too many folders of that name are there already"))
    }
}

/// A name and what to try when it is taken.
pub(super) fn names_for(name: &SafeName, folder: bool) -> impl Iterator<Item = SafeName> + use<'_> {
    std::iter::once(name.clone()).chain((2..MAX_NAMES_TRIED).map(move |number| name.numbered(number, folder)))
}

fn is_taken(directory: impl AsFd, name: &SafeName) -> bool {
    fs::statat(directory, name.as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// Something stands where a folder of ours should be, or the system refused.
fn blocked(error: Errno) -> ItemFault {
    match error {
        Errno::NOTDIR | Errno::LOOP | Errno::XDEV => {
            ItemFault::new(ErrorCode::StorageFailed, "something that is not a folder stands where its folder belongs")
        }
        other => ItemFault::io("make its folder", &other.into()),
    }
}

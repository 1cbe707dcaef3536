//! The sender's files, opened without following a link and without waiting for one that is a FIFO now.

use crate::{Entry, ItemFault, SafeName, Scan};
use hither_model::ErrorCode;
use rustix::{
    fs::{self, CWD, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use std::{collections::HashMap, fs::File, os::fd::OwnedFd, path::Path, rc::Rc};

/// Folders kept open at once.
const OPEN_FOLDERS: usize = 64;

/// The files of one scan; the folders they lie in stay open for a while.
pub(super) struct Sources<'a> {
    scan: &'a Scan,
    roots: HashMap<u32, &'a Path>,
    folders: HashMap<u32, Rc<OwnedFd>>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(scan: &'a Scan) -> Self {
        let tops = (0u32..).zip(scan.manifest.entries()).filter(|(_, entry)| entry.parent.is_none());
        let roots = tops.map(|(item, _)| item).zip(scan.roots.iter().map(AsRef::as_ref)).collect();
        Self { scan, roots, folders: HashMap::new() }
    }

    /// What the offer says about an item.
    pub(super) fn entry(&self, item: u32) -> Option<&'a Entry> {
        self.scan.manifest.entry(item)
    }

    /// Opens a file and says what it is now. Only regular files are opened.
    pub(super) fn open(&mut self, item: u32) -> Result<(File, Stat), ItemFault> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = self.open_with(item, flags).map_err(|error| fault(error, "open the file"))?;
        let stat = fs::fstat(&file).map_err(|error| fault(error, "look at the file"))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(ItemFault::new(ErrorCode::SourceChanged, "it is not a regular file any more"));
        }
        Ok((File::from(file), stat))
    }

    fn open_with(&mut self, item: u32, flags: OFlags) -> Result<OwnedFd, Errno> {
        let scan = self.scan;
        let entry = scan.manifest.entry(item).ok_or(Errno::NOENT)?;
        match entry.parent {
            None => {
                let root = self.roots.get(&item).ok_or(Errno::NOENT)?;
                fs::openat(CWD, *root, flags, Mode::empty())
            }
            Some(parent) => {
                let folder = self.folder(parent)?;
                fs::openat(&*folder, SafeName::as_str(&entry.name), flags, Mode::empty())
            }
        }
    }

    fn folder(&mut self, item: u32) -> Result<Rc<OwnedFd>, Errno> {
        if let Some(open) = self.folders.get(&item) {
            return Ok(Rc::clone(open));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = Rc::new(self.open_with(item, flags)?);
        if self.folders.len() >= OPEN_FOLDERS {
            self.folders.clear();
        }
        self.folders.insert(item, Rc::clone(&folder));
        Ok(folder)
    }
}

fn fault(error: Errno, action: &str) -> ItemFault {
    match error {
        Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO => {
            ItemFault::new(ErrorCode::SourceChanged, "it is not there any more, or is something else now")
        }
        other => ItemFault::io(action, &other.into()),
    }
}

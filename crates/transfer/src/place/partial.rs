//! The directory of one transfer's part files: `.hither-partial/<transfer>/` with `manifest`, `journal`, part files named
//! by item number, and folders on their way to the top of the inbox.

use super::{Inbox, beneath::open_beneath, open_folder, remove};
use crate::{TransferError, name::PARTIAL};
use hither_model::TransferId;
use rustix::{
    fs::{self, Mode, OFlags},
    io::Errno,
};
use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

const MANIFEST: &str = "manifest";
const JOURNAL: &str = "journal";
/// How often the parent may vanish while a directory is made in it.
const TRIES: usize = 100;

/// The directory of one transfer.
#[derive(Debug)]
pub(crate) struct Partial {
    /// `.hither-partial`.
    parent: OwnedFd,
    directory: OwnedFd,
    name: String,
}

impl Partial {
    /// Makes the directory. [`TransferError::AlreadyBegun`] if it is there.
    pub(crate) fn create(inbox: &Inbox, transfer: TransferId) -> Result<Self, TransferError> {
        let name = transfer.to_string();
        let failed = |error: Errno| TransferError::storage("create the part directory in", inbox.show(), error);
        // Another transfer that ends takes an empty parent away: then it is made again.
        for _ in 0..TRIES {
            match fs::mkdirat(inbox.directory(), PARTIAL, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failed(error)),
            }
            let parent = match open_private(inbox.directory(), PARTIAL) {
                Ok(parent) => parent,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(failed(error)),
            };
            match fs::mkdirat(&parent, &name, Mode::RWXU) {
                Ok(()) => {}
                Err(Errno::NOENT) => continue,
                Err(Errno::EXIST) => return Err(TransferError::AlreadyBegun),
                Err(error) => return Err(failed(error)),
            }
            let directory = open_private(parent.as_fd(), &name).map_err(failed)?;
            return Ok(Self { parent, directory, name });
        }
        Err(failed(Errno::NOENT))
    }

    /// Opens the directory of an interrupted transfer.
    pub(crate) fn open(inbox: &Inbox, transfer: TransferId) -> Result<Self, TransferError> {
        let name = transfer.to_string();
        let failed = |error: Errno| match error {
            Errno::NOENT => TransferError::NothingToResume,
            other => TransferError::storage("open the part directory in", inbox.show(), other),
        };
        let parent = open_private(inbox.directory(), PARTIAL).map_err(failed)?;
        let directory = open_private(parent.as_fd(), &name).map_err(failed)?;
        Ok(Self { parent, directory, name })
    }

    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Writes the manifest and waits until it is on disk; then makes an empty journal.
    pub(crate) fn prepare(&self, manifest: &[u8]) -> std::io::Result<File> {
        let mut file = self.create_file(MANIFEST)?;
        file.write_all(manifest)?;
        file.sync_all()?;
        Ok(self.create_file(JOURNAL)?)
    }

    /// The manifest's bytes, at most `limit` and one.
    pub(crate) fn manifest(&self, limit: usize) -> std::io::Result<Vec<u8>> {
        let file = open_beneath(self.directory(), MANIFEST, OFlags::RDONLY, Mode::empty())?;
        let mut bytes = Vec::new();
        File::from(file).take(limit as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The journal that is there.
    pub(crate) fn journal(&self) -> Result<File, Errno> {
        open_beneath(self.directory(), JOURNAL, OFlags::RDWR, Mode::empty()).map(File::from)
    }

    /// A new file that only we can read. An old one of that name is dropped.
    pub(crate) fn create_file(&self, name: &str) -> Result<File, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let mode = Mode::RUSR | Mode::WUSR;
        match open_beneath(self.directory(), name, flags, mode) {
            Err(Errno::EXIST) => {
                remove(self.directory(), name)?;
                open_beneath(self.directory(), name, flags, mode).map(File::from)
            }
            other => other.map(File::from),
        }
    }

    /// A part file that is there.
    pub(crate) fn part(&self, item: u32) -> Result<File, Errno> {
        open_beneath(self.directory(), &item.to_string(), OFlags::RDWR | OFlags::NONBLOCK, Mode::empty())
            .map(File::from)
    }

    /// The item numbers of the part files.
    pub(crate) fn parts(&self) -> Result<Vec<u32>, Errno> {
        let names = self.names()?;
        let mut items: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
        items.sort_unstable();
        Ok(items)
    }

    /// Waits until the directory and its place are on disk.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        super::sync_folder(&self.directory)?;
        super::sync_folder(&self.parent)
    }

    /// Removes the directory with all that is in it, the journal last, and its parent if nothing else is there.
    pub(crate) fn remove(&self, inbox: &Inbox) -> Result<(), Errno> {
        let mut names = self.names()?;
        names.sort_by_key(|name| name == JOURNAL);
        for name in names {
            remove(self.directory(), &name)?;
        }
        remove(&self.parent, &self.name)?;
        match remove(inbox.directory(), PARTIAL) {
            // Not empty, or another transfer was quicker.
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn names(&self) -> Result<Vec<String>, Errno> {
        names_in(self.directory())
    }
}

/// The names in a directory of ours. A second handle is read, so that the first keeps its position.
pub(super) fn names_in(directory: BorrowedFd<'_>) -> Result<Vec<String>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let again = fs::openat(directory, ".", flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in fs::Dir::new(again)? {
        if let Ok(name) = entry?.file_name().to_str()
            && name != "."
            && name != ".."
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Opens a directory that must be ours; others lose their access to it if they had any.
pub(super) fn open_private(directory: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    let opened = open_folder(directory, name)?;
    let stat = fs::fstat(&opened)?;
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Errno::PERM);
    }
    if stat.st_mode & 0o077 != 0 {
        fs::fchmod(&opened, Mode::RWXU)?;
    }
    Ok(opened)
}

impl Inbox {
    pub(super) fn show(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_that_begin_and_end_at_once_do_not_take_the_place_from_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(dir.path(), &crate::Limits::default()).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                let inbox = &inbox;
                scope.spawn(move || {
                    for round in 0..200_u8 {
                        let mut id = [thread; 16];
                        id[1] = round;
                        let partial = Partial::create(inbox, TransferId::new(id)).unwrap();
                        partial.remove(inbox).unwrap();
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

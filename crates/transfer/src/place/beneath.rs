//! Opening and moving by one safe name below an open directory, never through a link (F4).
//!
//! Paths are walked name by name from the inbox, each directory opened below the one before, so no path is ever given to
//! the kernel that could lead elsewhere, whatever is swapped meanwhile.

use crate::SafeName;
use rustix::{
    fs::{self, AtFlags, Mode, OFlags, RenameFlags, ResolveFlags},
    io::Errno,
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether the kernel lacks openat2 (before Linux 5.6, or a sandbox hides it).
static WITHOUT_OPENAT2: AtomicBool = AtomicBool::new(false);

/// Opens one name below a directory. `name` is a [`SafeName`] or one that this crate made.
pub(crate) fn open_beneath(directory: BorrowedFd<'_>, name: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    while !WITHOUT_OPENAT2.load(Ordering::Relaxed) {
        match fs::openat2(directory, name, flags, mode, resolve) {
            Err(Errno::NOSYS) => WITHOUT_OPENAT2.store(true, Ordering::Relaxed),
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
    // One name without separators and NOFOLLOW cannot leave the directory either.
    fs::openat(directory, name, flags, mode)
}

/// Opens one directory below another.
pub(crate) fn open_folder(directory: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    open_beneath(directory, name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
}

/// Moves a file or directory to a name that must be free. `false` if it is taken; nothing is ever replaced.
pub(crate) fn move_new(from: BorrowedFd<'_>, name: &str, to: BorrowedFd<'_>, new: &SafeName) -> Result<bool, Errno> {
    match fs::renameat_with(from, name, to, new.as_str(), RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_new(from, name, to, new),
        Err(error) => Err(error),
    }
}

/// The same where the file system cannot move without replacing: a second name, then the first is dropped.
fn link_new(from: BorrowedFd<'_>, name: &str, to: BorrowedFd<'_>, new: &SafeName) -> Result<bool, Errno> {
    match fs::linkat(from, name, to, new.as_str(), AtFlags::empty()) {
        Ok(()) => fs::unlinkat(from, name, AtFlags::empty()).map(|()| true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a file or an empty directory of ours; that it is not there is fine.
pub(crate) fn remove(directory: impl AsFd, name: &str) -> Result<(), Errno> {
    let directory = directory.as_fd();
    match fs::unlinkat(directory, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => match fs::unlinkat(directory, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOENT) => Ok(()),
            other => other,
        },
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

//! Opening and moving by one safe name below an open directory, never through a link (F4).
//!
//! Paths are walked name by name from the inbox, each directory opened below the one before, so no path is ever given to
//! the kernel that could lead elsewhere, whatever is swapped meanwhile.

use crate::SafeName;
use rustix::{
    fs::{self, AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags},
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
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => move_reserved(from, name, to, new),
        Err(error) => Err(error),
    }
}

/// The same where the file system cannot move without replacing (NFS, some of FUSE): the name is reserved by something
/// empty of ours, which is then replaced.
fn move_reserved(from: BorrowedFd<'_>, name: &str, to: BorrowedFd<'_>, new: &SafeName) -> Result<bool, Errno> {
    let stat = fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let reserved = if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        fs::mkdirat(to, new.as_str(), Mode::RWXU)
    } else {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        fs::openat(to, new.as_str(), flags, Mode::RUSR | Mode::WUSR).map(drop)
    };
    match reserved {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(false),
        Err(error) => return Err(error),
    }
    match fs::renameat(from, name, to, new.as_str()) {
        Ok(()) => Ok(true),
        // Somebody put something into the folder meanwhile: it is theirs now.
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NameRules;
    use std::{fs as disk, os::unix::fs::symlink};

    fn open_dir(path: &std::path::Path) -> OwnedFd {
        fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap()
    }

    #[test]
    fn f4_no_link_is_followed_with_or_without_openat2() {
        let home = tempfile::tempdir().unwrap();
        disk::create_dir(home.path().join("real")).unwrap();
        disk::write(home.path().join("file"), "x").unwrap();
        symlink("real", home.path().join("folder")).unwrap();
        symlink("file", home.path().join("link")).unwrap();
        let inbox = open_dir(home.path());
        for without in [false, true] {
            WITHOUT_OPENAT2.store(without, Ordering::Relaxed);
            assert!(open_folder(inbox.as_fd(), "real").is_ok());
            assert!(open_folder(inbox.as_fd(), "folder").is_err());
            assert!(open_beneath(inbox.as_fd(), "link", OFlags::RDONLY, Mode::empty()).is_err());
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
            assert!(open_beneath(inbox.as_fd(), "link", flags, Mode::RUSR).is_err());
        }
        WITHOUT_OPENAT2.store(false, Ordering::Relaxed);
    }

    #[test]
    fn f13_a_move_never_replaces_even_where_the_file_system_cannot_help() {
        type Move = fn(BorrowedFd<'_>, &str, BorrowedFd<'_>, &SafeName) -> Result<bool, Errno>;
        let ways: [Move; 2] = [move_new, move_reserved];
        for way in ways {
            let home = tempfile::tempdir().unwrap();
            let inbox = open_dir(home.path());
            let name = |text| SafeName::new(text, NameRules::Unix).unwrap();
            disk::write(home.path().join("part"), "new").unwrap();
            disk::create_dir(home.path().join("stage")).unwrap();
            disk::write(home.path().join("taken"), "old").unwrap();
            disk::create_dir(home.path().join("empty")).unwrap();
            for taken in ["taken", "empty"] {
                assert_eq!(way(inbox.as_fd(), "part", inbox.as_fd(), &name(taken)), Ok(false));
                assert_eq!(way(inbox.as_fd(), "stage", inbox.as_fd(), &name(taken)), Ok(false));
            }
            assert_eq!(way(inbox.as_fd(), "part", inbox.as_fd(), &name("free")), Ok(true));
            assert_eq!(way(inbox.as_fd(), "stage", inbox.as_fd(), &name("folder")), Ok(true));
            assert_eq!(disk::read(home.path().join("free")).unwrap(), b"new");
            assert_eq!(disk::read(home.path().join("taken")).unwrap(), b"old");
            assert!(home.path().join("folder").is_dir() && !home.path().join("part").exists());
        }
    }
}

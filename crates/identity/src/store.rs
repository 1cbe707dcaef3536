//! A directory for secrets and the files in it: nobody else may read or change them, not even for a moment.
//!
//! Everything goes through the directory's descriptor, so that its path cannot be exchanged underneath. A file is
//! written under another name (new, mode 0600 before its first byte), synced, and only then given its name; whoever
//! looks sees the old file, the new one, or none.

use crate::error::IdentityError;
use rustix::{
    fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, Stat},
    io::Errno,
};
use std::{
    fs::{DirBuilder, File},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Longest file that is read, in bytes.
const LIMIT: usize = 32 * 1024;

/// Who may do what with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// Nobody else may read or change it.
    Secret,
    /// Nobody else may change it.
    Public,
}

impl Secrecy {
    fn forbidden(self) -> u32 {
        match self {
            Self::Secret => 0o077,
            Self::Public => 0o022,
        }
    }
}

/// An open directory that is ours alone. Keeps nobody out until [`Self::lock`].
#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

impl Directory {
    /// Opens it, making it (and what lies above it) if it is not there.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, IdentityError> {
        let failed = |doing, cause: io::Error| IdentityError::Storage { doing, path: path.to_owned(), cause };
        DirBuilder::new().recursive(true).mode(0o700).create(path).or_else(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => Ok(()),
            _ => Err(failed("create", cause)),
        })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOTDIR | Errno::LOOP => IdentityError::WrongKind { path: path.to_owned(), wanted: "directory" },
            other => failed("open", other.into()),
        })?;
        let stat = rustix::fs::fstat(&fd).map_err(|errno| failed("examine", errno.into()))?;
        ours(&stat, me(), path, Secrecy::Secret, 0o700)?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// Keeps other processes out until the returned value is dropped. Where the file system cannot lock, the agent's
    /// own lock on the profile has to do.
    pub(crate) fn lock(&self) -> Result<Lock, IdentityError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // A description of its own: the lock then is not shared with `self.fd`.
        let fd = rustix::fs::openat(&self.fd, ".", flags, Mode::empty()).map_err(|e| self.failed("lock", ".", e))?;
        loop {
            match rustix::fs::flock(&fd, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                Ok(()) | Err(Errno::BADF | Errno::NOLCK | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => break,
                Err(errno) => return Err(self.failed("lock", ".", errno)),
            }
        }
        Ok(Lock(fd))
    }

    /// The path of a file in it, for messages.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The whole file; `None` if there is none. At most [`LIMIT`] bytes come back: a longer file cannot be ours, and
    /// its missing end makes it fail to parse.
    ///
    /// # Errors
    /// When it is not a plain file, belongs to somebody else, or is open to others.
    pub(crate) fn read(&self, name: &str, secrecy: Secrecy) -> Result<Option<Zeroizing<Vec<u8>>>, IdentityError> {
        // NONBLOCK: a pipe in its place must not make us wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NXIO) => return Err(self.not_plain(name)),
            Err(errno) => return Err(self.failed("open", name, errno)),
        };
        let stat = rustix::fs::fstat(&fd).map_err(|errno| self.failed("examine", name, errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(self.not_plain(name));
        }
        ours(&stat, me(), &self.path_of(name), secrecy, 0o600)?;
        // Reserved up front: growing would leave copies of a secret behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT + 1));
        let read = File::from(fd).take(LIMIT as u64).read_to_end(&mut bytes);
        read.map_err(|cause| IdentityError::Storage { doing: "read", path: self.path_of(name), cause })?;
        Ok(Some(bytes))
    }

    /// Whether something has that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Writes a file that must not exist yet.
    pub(crate) fn create(&self, _held: &Lock, name: &str, bytes: &[u8]) -> Result<(), IdentityError> {
        let fresh = self.written(name, bytes)?;
        // A link, not a rename: it fails if the name is taken, on every file system.
        let linked = rustix::fs::linkat(&self.fd, &*fresh, &self.fd, name, AtFlags::empty());
        step();
        let removed = rustix::fs::unlinkat(&self.fd, &*fresh, AtFlags::empty());
        linked.and(removed).map_err(|errno| self.failed("create", name, errno))?;
        self.sync(name)
    }

    /// Writes a file in place of the one with that name, if any.
    pub(crate) fn replace(&self, _held: &Lock, name: &str, bytes: &[u8]) -> Result<(), IdentityError> {
        let fresh = self.written(name, bytes)?;
        rustix::fs::renameat(&self.fd, &*fresh, &self.fd, name).map_err(|errno| self.failed("replace", name, errno))?;
        self.sync(name)
    }

    /// Removes a file. True if it was there.
    pub(crate) fn remove(&self, _held: &Lock, name: &str) -> Result<bool, IdentityError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => self.sync(name).map(|()| true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.failed("remove", name, errno)),
        }
    }

    /// Takes away what an interrupted writing left, which may be the file itself by a second name.
    pub(crate) fn forget_writing(&self, lock: &Lock, name: &str) -> Result<(), IdentityError> {
        self.remove(lock, &format!(".{name}.new")).map(drop)
    }

    /// Removes a secret, whatever is left of an earlier removal and of writing it included. Its bytes are overwritten
    /// first, which is as much as can be done: disks may keep what was there before.
    pub(crate) fn erase(&self, _held: &Lock, name: &str) -> Result<(), IdentityError> {
        let [old, new] = ["old", "new"].map(|end| format!(".{name}.{end}"));
        // Its name goes first: overwritten under its name it would count as damaged.
        match rustix::fs::renameat(&self.fd, name, &self.fd, &*old) {
            Ok(()) => self.sync(name)?,
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(self.failed("remove", name, errno)),
        }
        step();
        for left in [old, new] {
            let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let mut file = match rustix::fs::openat(&self.fd, &*left, flags, Mode::empty()) {
                Ok(fd) => File::from(fd),
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(self.failed("remove", &left, errno)),
            };
            let wiped = file.metadata().and_then(|found| {
                let length = usize::try_from(found.len()).unwrap_or(LIMIT).min(LIMIT);
                file.write_all(&vec![0; length]).and_then(|()| file.sync_all())
            });
            wiped.map_err(|cause| IdentityError::Storage { doing: "wipe", path: self.path_of(&left), cause })?;
            step();
            rustix::fs::unlinkat(&self.fd, &*left, AtFlags::empty()).map_err(|e| self.failed("remove", &left, e))?;
        }
        self.sync(name)
    }

    /// The names of the files in it, in order; none of those that are just being written.
    pub(crate) fn names(&self) -> Result<Vec<String>, IdentityError> {
        let failed = |errno| self.failed("read", ".", errno);
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn written(&self, name: &str, bytes: &[u8]) -> Result<String, IdentityError> {
        let (mut file, fresh) = self.fresh(name)?;
        step();
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|cause| IdentityError::Storage {
            doing: "write",
            path: self.path_of(name),
            cause,
        });
        if let Err(error) = written.and_then(|()| self.reads_back(&fresh, bytes)) {
            // Best effort: what stays behind is ours alone, and the next writer removes it.
            let _ = rustix::fs::unlinkat(&self.fd, &*fresh, AtFlags::empty());
            return Err(error);
        }
        step();
        Ok(fresh)
    }

    /// What was written counts only once it was read again.
    fn reads_back(&self, name: &str, bytes: &[u8]) -> Result<(), IdentityError> {
        let read = self.read(name, Secrecy::Secret)?;
        if read.is_some_and(|read| bytes.get(..LIMIT).unwrap_or(bytes) == read.as_slice()) {
            return Ok(());
        }
        let cause = io::Error::other("what was written is not what is read");
        Err(IdentityError::Storage { doing: "write", path: self.path_of(name), cause })
    }

    /// A new empty file beside `name`. The lock makes its fixed name safe: one that is there was left by a crash.
    fn fresh(&self, name: &str) -> Result<(File, String), IdentityError> {
        let fresh = format!(".{name}.new");
        match rustix::fs::unlinkat(&self.fd, &*fresh, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(self.failed("remove", &fresh, errno)),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let only_us = Mode::RUSR | Mode::WUSR;
        let fd = rustix::fs::openat(&self.fd, &*fresh, flags, only_us)
            .map_err(|errno| self.failed("create", &fresh, errno))?;
        // The mask may have taken our own bits away, and a default access list may have added others'.
        rustix::fs::fchmod(&fd, only_us).map_err(|errno| self.failed("protect", &fresh, errno))?;
        Ok((File::from(fd), fresh))
    }

    fn sync(&self, name: &str) -> Result<(), IdentityError> {
        step();
        rustix::fs::fsync(self.fd.as_fd()).map_err(|errno| self.failed("sync", name, errno))
    }

    fn not_plain(&self, name: &str) -> IdentityError {
        IdentityError::WrongKind { path: self.path_of(name), wanted: "file" }
    }

    fn failed(&self, doing: &'static str, name: &str, errno: Errno) -> IdentityError {
        IdentityError::Storage { doing, path: self.path_of(name), cause: errno.into() }
    }
}

/// Other processes are kept out while this lives.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "closing it releases the lock")] OwnedFd);

/// Here the process may end; a test ends it.
fn step() {
    #[cfg(test)]
    brink::step();
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether the thing is the user's own and closed to others.
fn ours(stat: &Stat, me: u32, path: &Path, secrecy: Secrecy, wanted: u32) -> Result<(), IdentityError> {
    if stat.st_uid != me {
        return Err(IdentityError::Foreign { path: path.to_owned(), owner: stat.st_uid, me });
    }
    let mode = stat.st_mode & 0o7777;
    if mode & secrecy.forbidden() != 0 {
        return Err(IdentityError::Exposed { path: path.to_owned(), mode, wanted });
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod brink {
    //! Ends what a thread does after so many steps, where it stands.

    use std::{
        cell::Cell,
        panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    };

    thread_local! { static LEFT: Cell<Option<usize>> = const { Cell::new(None) }; }

    pub(crate) fn step() {
        match LEFT.get() {
            Some(0) => resume_unwind(Box::new("it ends here")),
            left => LEFT.set(left.map(|left| left - 1)),
        }
    }

    /// What comes of it, if it needs no more steps than these.
    pub(crate) fn within<T>(steps: usize, act: impl FnOnce() -> T) -> Option<T> {
        LEFT.set(Some(steps));
        let outcome = catch_unwind(AssertUnwindSafe(act));
        LEFT.set(None);
        outcome.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    /// A place of its own for a test, and a directory in it that is not there yet.
    fn place() -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("identity");
        (place, path)
    }

    #[test]
    fn x6_a_file_is_closed_to_others_before_its_first_byte() {
        let (_place, path) = place();
        let directory = Directory::open_or_create(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o700);
        let (file, _) = directory.fresh("secret").unwrap();
        let found = file.metadata().unwrap();
        assert_eq!((found.len(), found.mode() & 0o7777), (0, 0o600));
    }

    #[test]
    fn x6_what_belongs_to_somebody_else_is_refused() {
        let (_place, path) = place();
        Directory::open_or_create(&path).unwrap();
        let stat = rustix::fs::stat(&path).unwrap();
        ours(&stat, stat.st_uid, &path, Secrecy::Secret, 0o700).unwrap();
        let fault = ours(&stat, stat.st_uid + 1, &path, Secrecy::Secret, 0o700).unwrap_err();
        assert!(matches!(fault, IdentityError::Foreign { .. }), "{fault}");
        assert!(fault.hint().contains("chown"), "{}", fault.hint());
    }

    #[test]
    fn a_file_is_created_once_and_replaced_whole_and_leaves_nothing_beside_it() {
        let (_place, path) = place();
        let directory = Directory::open_or_create(&path).unwrap();
        let lock = directory.lock().unwrap();
        // Left by a crash, and open to everyone.
        std::fs::write(path.join(".a.new"), "old").unwrap();
        std::fs::set_permissions(path.join(".a.new"), PermissionsExt::from_mode(0o666)).unwrap();

        directory.create(&lock, "a", b"one").unwrap();
        assert!(directory.create(&lock, "a", b"two").is_err(), "never over an existing file");
        assert_eq!(directory.read("a", Secrecy::Secret).unwrap().unwrap().as_slice(), b"one");
        directory.replace(&lock, "a", b"three").unwrap();
        assert_eq!(directory.read("a", Secrecy::Secret).unwrap().unwrap().as_slice(), b"three");
        let names: Vec<_> = path.read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn what_is_erased_leaves_nothing_even_after_an_erasure_that_was_interrupted() {
        let (_place, path) = place();
        let directory = Directory::open_or_create(&path).unwrap();
        let lock = directory.lock().unwrap();
        directory.create(&lock, "a", b"secret").unwrap();
        // A second name keeps the bytes in sight.
        std::fs::hard_link(path.join("a"), path.join("seen")).unwrap();
        directory.erase(&lock, "a").unwrap();
        assert!(std::fs::read(path.join("seen")).unwrap().iter().all(|byte| *byte == 0));
        std::fs::remove_file(path.join("seen")).unwrap();
        for left in [".a.old", ".a.new"] {
            std::fs::write(path.join(left), "secret").unwrap();
        }
        directory.erase(&lock, "a").unwrap();
        directory.erase(&lock, "a").unwrap();
        assert_eq!(path.read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let (_place, path) = place();
        let directory = Directory::open_or_create(&path).unwrap();
        let other = Directory::open_or_create(&path).unwrap();
        let held = directory.lock().unwrap();
        let flock = || rustix::fs::flock(&other.fd, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(flock(), Err(Errno::WOULDBLOCK));
        drop(held);
        assert_eq!(flock(), Ok(()));
    }
}

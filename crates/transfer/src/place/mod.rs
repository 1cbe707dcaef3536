//! The receiver's disk: an inbox that is only ever written to beneath its own directory, by the kernel's word.
//!
//! Part files lie in `.hither-partial/<transfer>/` inside the inbox (so on its file system), in directories only we can
//! enter; finished files are moved out under a name that is free. What is *not* here: when that happens (`receive`).

mod beneath;
mod leftover;
mod partial;
mod room;

use crate::{Limits, Stop, TransferError};
pub(crate) use beneath::{move_new, open_beneath, open_folder, remove};
pub(crate) use partial::Partial;
use rustix::fs::{self, Mode, OFlags};
use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The directory that received files go to. It is held open: files land in *this* directory or nowhere.
#[derive(Debug, Clone)]
pub struct Inbox {
    path: PathBuf,
    directory: Arc<OwnedFd>,
    limits: Limits,
    /// The process's umask, as new files shall obey it.
    umask: u32,
}

impl Inbox {
    /// Opens an inbox that exists.
    ///
    /// # Errors
    /// It is not a directory that can be opened.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, TransferError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = fs::open(path, flags, Mode::empty())
            .map_err(|error| TransferError::storage("open the inbox", path.to_string_lossy(), error))?;
        Ok(Self { path: path.to_owned(), directory: Arc::new(directory), limits: limits.clone(), umask: umask() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    pub(crate) fn shared(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.directory)
    }

    /// The mode of a finished file: what the umask leaves of `rw-r--r--`, and of `x` if it is wanted.
    pub(crate) fn mode(&self, executable: bool) -> Mode {
        let wanted = if executable { 0o755 } else { 0o644 };
        Mode::from_raw_mode(wanted & !self.umask)
    }

    /// Checks that the path still leads to the directory that was opened (F16).
    pub(crate) fn still_there(&self) -> Result<(), TransferError> {
        let gone = || TransferError::InboxGone { path: hither_model::text::printable(&self.path.to_string_lossy()) };
        let there = fs::stat(&self.path).map_err(|_| gone())?;
        let held = fs::fstat(&*self.directory).map_err(|_| gone())?;
        if (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino) { Ok(()) } else { Err(gone()) }
    }
}

/// Reads the umask without changing it, which would race with other threads.
fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o022)
}

/// Waits until everything on the file system of an open file is on disk.
pub(crate) fn sync_file_system(within: impl AsFd) -> std::io::Result<()> {
    Ok(fs::syncfs(within)?)
}

/// Waits until a directory's names are on disk. File systems that cannot do this do it by themselves.
pub(crate) fn sync_folder(folder: impl AsFd) -> std::io::Result<()> {
    match fs::fsync(folder) {
        Err(rustix::io::Errno::INVAL) => Ok(()),
        other => Ok(other?),
    }
}

/// The bytes of an open file from its start, hashed. `None` if it is shorter, or on a stop.
pub(crate) fn hash_file(file: &mut File, length: u64, stop: &Stop) -> std::io::Result<Option<blake3::Hasher>> {
    use std::io::Read;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; crate::limits::CHUNK];
    let mut left = length;
    while left > 0 {
        if stop.is_set() {
            return Ok(None);
        }
        let take = usize::try_from(left).unwrap_or(buffer.len()).min(buffer.len());
        let room = buffer.get_mut(..take).unwrap_or_default();
        match file.read(room)? {
            0 => return Ok(None),
            count => {
                hasher.update(room.get(..count).unwrap_or_default());
                left -= count as u64;
            }
        }
    }
    Ok(Some(hasher))
}

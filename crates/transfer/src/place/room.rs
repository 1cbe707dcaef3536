//! Whether what was offered fits, before anything is written (R6.19, F8).

use super::Inbox;
use crate::{Manifest, Ranges, TransferError};
use rustix::{
    fs::{self, SeekFrom},
    io::Errno,
    process::{Resource, getrlimit},
};
use std::os::fd::AsFd;

impl Inbox {
    /// Checks that the items that are not kept yet fit on the file system, the reserve left free.
    ///
    /// # Errors
    /// [`TransferError::DiskFull`], with figures.
    pub(crate) fn check_room(&self, manifest: &Manifest, kept: &Ranges, held: u64) -> Result<(), TransferError> {
        let room = fs::fstatvfs(self.directory())
            .map_err(|error| TransferError::storage("measure", self.path.to_string_lossy(), error))?;
        if room.f_blocks == 0 {
            return Ok(());
        }
        let unit = room.f_frsize.max(1);
        let reserve = self.limits.reserve.min((room.f_blocks / 100).saturating_mul(unit));
        let free = room.f_bavail.saturating_mul(unit).saturating_sub(reserve);
        let (mut needed, mut names) = (0u64, 0u64);
        for (item, entry) in (0u32..).zip(manifest.entries()) {
            if !kept.contains(item) {
                needed = needed.saturating_add(entry.size().div_ceil(unit).saturating_mul(unit));
                names += 1;
            }
        }
        let needed = needed.saturating_sub(held);
        if needed > free || (room.f_files > 0 && names > room.f_favail) {
            return Err(TransferError::DiskFull { needed, free });
        }
        Ok(())
    }

    /// Whether this many bytes fit at the moment, the reserve not counted.
    pub(crate) fn has_room(&self, size: u64) -> bool {
        fs::fstatvfs(self.directory())
            .is_ok_and(|room| room.f_blocks == 0 || size < room.f_bavail.saturating_mul(room.f_frsize.max(1)))
    }

    /// Checks that no file is larger than the file system (seen through an open file on it) or the process may write.
    ///
    /// # Errors
    /// [`TransferError::FileTooLarge`].
    pub(crate) fn check_sizes(&self, manifest: &Manifest, file: impl AsFd) -> Result<(), TransferError> {
        let largest = (0u32..).zip(manifest.entries()).max_by_key(|(_, entry)| entry.size());
        let Some((item, size)) = largest.map(|(item, entry)| (item, entry.size())) else { return Ok(()) };
        let file = file.as_fd();
        // File systems refuse to seek beyond their largest file.
        let beyond = matches!(fs::seek(file, SeekFrom::Start(size)), Err(Errno::INVAL | Errno::OVERFLOW | Errno::FBIG));
        let _ = fs::seek(file, SeekFrom::Start(0));
        if beyond || getrlimit(Resource::Fsize).current.is_some_and(|limit| size > limit) {
            return Err(TransferError::FileTooLarge { path: manifest.path_text(item), size });
        }
        Ok(())
    }
}

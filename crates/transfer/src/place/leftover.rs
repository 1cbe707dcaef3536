//! What earlier runs left in the inbox: transfers that can go on, and directories that nobody will come back for.

use super::{
    Inbox,
    partial::{Partial, names_in, open_private},
};
use crate::{
    TransferError,
    journal::{Journal, Record},
    name::PARTIAL,
};
use hither_model::{PeerId, TransferId};
use rustix::io::Errno;

/// An interrupted transfer in an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leftover {
    /// Which.
    pub transfer: TransferId,
    /// From whom.
    pub peer: PeerId,
    /// Hash of the manifest that was consented to.
    pub manifest: [u8; 32],
}

impl Inbox {
    /// The interrupted transfers that can go on. Those in use now are not among them.
    ///
    /// # Errors
    /// The part directory cannot be read.
    pub fn leftovers(&self) -> Result<Vec<Leftover>, TransferError> {
        let mut found = Vec::new();
        for transfer in self.partial_transfers()? {
            found.extend(Partial::open(self, transfer).ok().and_then(|partial| begun(&partial).ok().flatten()));
        }
        Ok(found)
    }

    /// Removes the part directories of all transfers but these, for use at start-up. Those in use stay. Says how many
    /// were removed.
    ///
    /// # Errors
    /// The part directory cannot be read.
    pub fn sweep(&self, keep: &[TransferId]) -> Result<usize, TransferError> {
        let mut removed = 0;
        for transfer in self.partial_transfers()? {
            if keep.contains(&transfer) {
                continue;
            }
            let Ok(partial) = Partial::open(self, transfer) else { continue };
            if matches!(begun(&partial), Err(TransferError::InUse)) {
                continue;
            }
            match partial.remove(self) {
                Ok(()) => removed += 1,
                Err(error) => tracing::warn!(%transfer, %error, "cannot remove the part files of a forgotten transfer"),
            }
        }
        Ok(removed)
    }

    fn partial_transfers(&self) -> Result<Vec<TransferId>, TransferError> {
        let names = open_private(self.directory(), PARTIAL).and_then(|parent| {
            use std::os::fd::AsFd;
            names_in(parent.as_fd())
        });
        match names {
            Ok(names) => Ok(names.iter().filter_map(|name| name.parse().ok()).collect()),
            Err(Errno::NOENT) => Ok(Vec::new()),
            Err(error) => Err(TransferError::storage("read the part directory in", self.show(), error)),
        }
    }
}

/// How a part directory's transfer began; `None` if it never did.
fn begun(partial: &Partial) -> Result<Option<Leftover>, TransferError> {
    let Ok(file) = partial.journal() else { return Ok(None) };
    let (_, records) = Journal::open(file)?;
    Ok(match records.first() {
        Some(Record::Begin { transfer, peer, manifest, .. }) => {
            Some(Leftover { transfer: *transfer, peer: *peer, manifest: *manifest })
        }
        _ => None,
    })
}

//! What ended transfers left in the inbox: part directories that nobody will come back for.

use super::{
    Inbox,
    partial::{Partial, names_in, open_private},
};
use crate::{TransferError, journal::Journal, name::PARTIAL};
use hither_model::TransferId;
use rustix::io::Errno;
use std::{collections::BTreeSet, path::Path};

impl Inbox {
    /// Removes the part directories of these transfers, for use at start-up. Those in use stay. Says how many were
    /// removed. All others stay too: they may be another profile's, that uses the same inbox.
    ///
    /// # Errors
    /// The part directory cannot be read.
    pub fn sweep(&self, gone: &BTreeSet<TransferId>) -> Result<usize, TransferError> {
        let mut removed = 0;
        for transfer in self.partial_transfers()? {
            if !gone.contains(&transfer) {
                continue;
            }
            match self.discard(transfer) {
                Ok(()) => removed += 1,
                Err(error) => tracing::warn!(%transfer, %error, "cannot remove the part files of an ended transfer"),
            }
        }
        Ok(removed)
    }

    /// Whether an inbox has a part directory of that transfer.
    pub fn has_begun(path: &Path, transfer: TransferId) -> bool {
        path.join(PARTIAL).join(transfer.to_string()).is_dir()
    }

    /// Removes the part directory of one transfer, whatever state it is in.
    ///
    /// # Errors
    /// There is none, it is in use, or it cannot be removed.
    pub fn discard(&self, transfer: TransferId) -> Result<(), TransferError> {
        let partial = Partial::open(self, transfer)?;
        if partial.journal().is_ok_and(|file| matches!(Journal::open(file), Err(TransferError::InUse))) {
            return Err(TransferError::InUse);
        }
        partial.remove(self).map_err(|error| TransferError::storage("remove", "the part files", error))
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

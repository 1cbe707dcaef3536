//! The end of a lane: folders complete with their times, the outcome, and the receipt.

use super::{MAX_FAILED, ReceiveEvent, Received, Receiving, part::times};
use crate::{ItemFault, Ranges, Receipt, TransferError, journal::Record};
use hither_model::{ErrorCode, row::FailedItem};
use rustix::fs::futimens;

impl Receiving {
    /// After the last frame, when nothing waits any more.
    pub(super) fn finish(&mut self, on: &mut dyn FnMut(ReceiveEvent)) -> Result<Received, TransferError> {
        self.inbox.still_there()?;
        self.finish_folders(on);
        on(ReceiveEvent::Progress { done: self.done(), total: self.manifest.bytes() });
        let complete = self.is_complete();
        if complete && let Err(error) = self.journal.append(&Record::Finished).and_then(|()| self.journal.sync()) {
            tracing::debug!(%error, "cannot note the end");
        }
        let missing: Vec<u32> = self.missing().collect();
        let left_out = missing.iter().map(|item| FailedItem {
            path: self.manifest.path_text(*item),
            code: ErrorCode::Truncated,
            why: "the sender left it out".to_owned(),
        });
        Ok(Received {
            complete,
            kept: u32::try_from(self.kept.count()).unwrap_or(u32::MAX),
            missing: u32::try_from(missing.len()).unwrap_or(u32::MAX),
            failed: self.failed.values().cloned().chain(left_out).take(MAX_FAILED).collect(),
            names: self.names.clone(),
        })
    }

    /// Makes the folders that are still missing, then sets the times of all, innermost first.
    fn finish_folders(&mut self, on: &mut dyn FnMut(ReceiveEvent)) {
        let folders: Vec<u32> = (0u32..)
            .zip(self.manifest.entries())
            .filter(|(_, entry)| entry.is_folder())
            .map(|(item, _)| item)
            .collect();
        let mut made = Vec::with_capacity(folders.len());
        for item in folders.iter().rev() {
            match self.finish_folder(*item) {
                Ok(()) => made.push(*item),
                Err(fault) => self.fail(*item, fault, on),
            }
        }
        if let Err(fault) = self.sync_tree() {
            for item in made {
                self.fail(item, fault.clone(), on);
            }
            return;
        }
        made.reverse();
        for item in &made {
            let top = self.manifest.entry(*item).is_some_and(|entry| entry.parent.is_none());
            if top
                && !self.kept.contains(*item)
                && let Some(name) = self.tree.top_name(*item).map(str::to_owned)
            {
                self.note_name(&name);
            }
            self.failed.remove(item);
        }
        let fresh: Ranges = made.into_iter().filter(|item| !self.kept.contains(*item)).collect();
        let Some(last) = fresh.iter().last() else { return };
        if let Err(error) = self.journal.append(&Record::Kept(fresh.clone())) {
            tracing::debug!(%error, "cannot note kept folders");
        }
        self.kept.extend(&fresh);
        let path = self.manifest.path_text(last);
        on(ReceiveEvent::Kept { items: fresh, path, bytes: 0, blake3: [0; 32] });
    }

    fn finish_folder(&mut self, item: u32) -> Result<(), ItemFault> {
        let Some(times) = self.manifest.entry(item).map(times) else { return Ok(()) };
        let (tree, mut ground) = self.ground();
        let folder = tree.folder(item, &mut ground)?;
        futimens(&*folder, &times).map_err(|error| ItemFault::io("set the folder's time", &error.into()))
    }

    /// Items that are neither kept nor failed, rising.
    fn missing(&self) -> impl Iterator<Item = u32> {
        (0..self.manifest.items()).filter(|item| !self.kept.contains(*item) && !self.failed.contains_key(item))
    }

    /// What is on disk, for the sender; sign its bytes elsewhere. Whatever is not kept has failed. `received_at` is
    /// seconds since 1970.
    pub fn receipt(&self, received_at: u64) -> Receipt {
        let failed = self.failed.iter().filter(|(item, _)| !self.kept.contains(**item));
        let failed = failed.map(|(item, row)| (*item, row.code));
        let mut failed: Vec<_> = failed.chain(self.missing().map(|item| (item, ErrorCode::Truncated))).collect();
        failed.sort_unstable_by_key(|(item, _)| *item);
        Receipt::new(self.transfer, &self.manifest, &self.digests, self.kept.clone(), failed, received_at)
    }
}

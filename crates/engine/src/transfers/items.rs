//! The items of a transfer one by one: a page of its list, each with where it stands.
//!
//! The list of a transfer that both sides want is written to the profile (`lists/`, one file for each transfer, named by
//! its id): the working copy is on the thread that moves the bytes, and gone once the transfer is over. Such a file is
//! only a convenience: it counts if its hash is the one that was consented to. What *is* kept comes from the receiver:
//! exactly on the receiving side and from a receipt; on the sending side, while it moves, as the number of items it has
//! confirmed, and items go in their order.

use super::{Tool, Transfer};
use crate::{asks::Reply, state::State};
use data_encoding::{BASE64, HEXLOWER};
use hither_model::{
    Answer, ErrorCode, Failure, ItemState, TransferId, TransferState,
    row::{Direction, ItemRow},
};
use hither_transfer::{Limits, Manifest, Ranges, Receipt};
use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Rows in one page at most.
const PAGE: u64 = 1_000;
/// Bytes of paths in one page at most: a page fits into one message of the control socket however they are escaped.
const PAGE_BYTES: usize = 512 << 10;
/// Lists of transfers that are over stay unless they are larger than this, bytes.
const LASTING: u64 = 1 << 20;

/// Where the items of one transfer stand.
#[derive(Debug, Default)]
struct Standing {
    kept: Ranges,
    /// Reasons by path, as they were told.
    failed: HashMap<String, String>,
    /// Numbers of failed items, from a receipt.
    refused: BTreeSet<u32>,
    moving: bool,
    /// Set when nothing more comes: why.
    over: Option<String>,
}

impl Standing {
    fn of(transfer: &Transfer, items: u32) -> Self {
        let kept = &transfer.kept;
        let text = kept.receipt_text.as_ref().and_then(|(text, _)| BASE64.decode(text.as_bytes()).ok());
        let receipt = text.and_then(|bytes| Receipt::decode(&bytes).ok());
        let confirmed = u32::try_from(kept.items_done).unwrap_or(u32::MAX).min(items);
        let there = match (&transfer.tool, &receipt) {
            _ if kept.state == TransferState::Kept => Ranges::of(0, items),
            (Tool::Receive(receiving), _) => receiving.kept().clone(),
            (_, Some(receipt)) => receipt.kept.clone(),
            _ if kept.direction == Direction::In => kept.kept_items.clone(),
            _ => Ranges::of(0, confirmed),
        };
        let over = (kept.state == TransferState::Dropped).then(|| kept.why.clone().unwrap_or_default());
        Self {
            kept: there,
            failed: kept.failed.iter().map(|f| (f.path.clone(), f.why.clone())).collect(),
            refused: receipt.iter().flat_map(|r| &r.failed).map(|(item, _)| *item).collect(),
            moving: kept.state == TransferState::Moving,
            over,
        }
    }

    /// The item whose bytes are on their way, as far as can be told: the first file that is neither kept nor failed.
    fn under_way(&self, manifest: &Manifest) -> Option<u32> {
        let files = (0..manifest.items()).filter(|i| manifest.entry(*i).is_some_and(|e| !e.is_folder()));
        let mut open = files.filter(|item| !self.kept.contains(*item) && !self.refused.contains(item));
        self.moving.then(|| open.find(|item| self.failed.is_empty() || !self.has_failed(manifest, *item)))?
    }

    fn has_failed(&self, manifest: &Manifest, item: u32) -> bool {
        self.failed.contains_key(&manifest.path_text(item))
    }

    fn state(&self, item: u32, path: &str, under_way: Option<u32>) -> (ItemState, Option<String>) {
        // Failures first: what a sender takes for kept is only a number of items.
        if let Some(why) = self.failed.get(path) {
            return (ItemState::Failed, Some(why.clone()));
        }
        if self.kept.contains(item) {
            return (ItemState::Kept, None);
        }
        if let Some(why) = &self.over {
            return (ItemState::Failed, Some(why.clone()));
        }
        if self.refused.contains(&item) {
            return (ItemState::Failed, None);
        }
        (if under_way == Some(item) { ItemState::Moving } else { ItemState::Waiting }, None)
    }

    fn page(&self, manifest: &Manifest, after: u64, limit: u32) -> Answer {
        let under_way = self.under_way(manifest);
        let first = u32::try_from(after).unwrap_or(u32::MAX);
        let limit = usize::try_from(u64::from(limit).clamp(1, PAGE)).unwrap_or(1);
        let (mut rows, mut bytes) = (Vec::new(), 0);
        for (item, entry) in (first..).map_while(|item| Some((item, manifest.entry(item)?))).take(limit) {
            let path = manifest.path_text(item);
            bytes += path.len();
            if bytes > PAGE_BYTES && !rows.is_empty() {
                break;
            }
            let (state, why) = self.state(item, &path, under_way);
            let index = u64::from(item);
            rows.push(ItemRow { index, path, bytes: entry.size(), folder: entry.is_folder(), state, why });
        }
        Answer::Items { rows, total: u64::from(manifest.items()) }
    }
}

impl State {
    /// Answers with a page of a transfer's items; a list that is not at hand is read on a thread.
    pub(crate) fn items(&mut self, wanted: &str, after: u64, limit: u32, reply: Reply) {
        let id = match self.transfer_named(wanted) {
            Ok(id) => id,
            Err(failure) => return drop(reply.send(Err(failure))),
        };
        let Some(transfer) = self.transfers.get(&id) else { return };
        let at_hand = match (&transfer.tool, &transfer.offered) {
            (Tool::Send(sender), _) => Some(sender.outgoing().manifest()),
            (Tool::Receive(receiving), _) => Some(receiving.manifest()),
            (Tool::None, Some((manifest, _))) => Some(&**manifest),
            (Tool::None, None) => None,
        };
        if let Some(manifest) = at_hand {
            let page = Standing::of(transfer, manifest.items()).page(manifest, after, limit);
            return drop(reply.send(Ok(page)));
        }
        let items = u32::try_from(transfer.kept.items).unwrap_or(u32::MAX);
        let (standing, hash) = (Standing::of(transfer, items), transfer.kept.manifest_hash.clone());
        let (path, list) = (self.list_of(id), transfer.list.clone());
        self.tasks.spawn_blocking(move || {
            let bytes = list.map_or_else(|| fs::read(&path), |list| Ok(list.to_vec()));
            let manifest = bytes.ok().and_then(|bytes| Manifest::decode(&bytes, &Limits::default()).ok());
            let manifest = manifest.filter(|m| HEXLOWER.encode(&m.hash()) == hash);
            let answer = manifest.map(|m| standing.page(&m, after, limit)).ok_or_else(|| {
                Failure::new(ErrorCode::Stale, "the list of that transfer's items is not kept any more")
                    .hint("`hither transfer` shows what is known of it")
            });
            let _ = reply.send(answer);
        });
    }

    /// Where the list of a transfer is.
    pub(super) fn list_of(&self, id: TransferId) -> PathBuf {
        self.profile_dir.join("lists").join(id.to_string())
    }

    /// Removes lists nobody can ask for any more, and those of ended transfers that take much room.
    pub(super) fn sweep_lists(&self) {
        let directory = self.profile_dir.join("lists");
        let wanted: HashMap<String, bool> =
            self.transfers.iter().map(|(id, t)| (id.to_string(), t.is_over())).collect();
        self.tasks.spawn_blocking(move || {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let over = entry.file_name().to_str().and_then(|name| wanted.get(name).copied());
                let large = entry.metadata().map_or(0, |m| m.len()) > LASTING;
                if over.is_none() || (over == Some(true) && large) {
                    let _ = fs::remove_file(entry.path());
                }
            }
        });
    }
}

/// Writes a list, for its owner only. A reader sees the whole of it or nothing.
pub(super) fn write_list(path: &Path, list: &[u8]) {
    let write = || -> io::Result<()> {
        let Some(directory) = path.parent() else { return Ok(()) };
        fs::DirBuilder::new().recursive(true).create(directory)?;
        let new = path.with_extension("new");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(list)?;
        fs::rename(&new, path)
    };
    if let Err(error) = write() {
        tracing::warn!(%error, "the list of a transfer could not be written");
    }
}

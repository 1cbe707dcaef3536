//! The sending end of a lane: items in the manifest's order, files back to back, in writes of 256 KiB and more.
//!
//! A file that is not what was offered is never spliced (R6.13, F11): if it changed in time only, it is sent whole; if it
//! changes while it is read, it starts over once and then fails with `SourceChanged`. Files that cannot be read fail and
//! the others go on. What is *not* here: what the receiver keeps; it says so over another channel.

mod item;
mod source;
mod window;

pub use window::Window;

use crate::{
    Outgoing, Plan, Ranges, Stop, TransferError, limits::PROGRESS, place::hash_file, scan::mtime_of, wire::Head,
};
use hither_model::{ErrorCode, row::FailedItem};
use item::{Ending, Output};
use source::Sources;
use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What happens while a lane is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendEvent {
    /// Bytes that are through, of the whole transfer; may go down when a file starts over.
    Progress {
        /// Bytes sent or kept already.
        done: u64,
        /// Bytes of all files.
        total: u64,
    },
    /// A file was sent whole (whether it is kept, the receiver says).
    Sent {
        /// Its number.
        item: u32,
        /// BLAKE3 of its bytes.
        blake3: [u8; 32],
    },
    /// A file changed and starts over.
    Restarted {
        /// Its number.
        item: u32,
    },
    /// A file will not come.
    Failed {
        /// Its number.
        item: u32,
        /// For the list a person sees.
        row: FailedItem,
    },
}

/// What became of a lane that was sent to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendOutcome {
    /// Files sent whole.
    pub sent: u32,
    /// Files that failed, at most 1,000 listed.
    pub failed: Vec<FailedItem>,
}

/// Lets the receiver's word that it gave up an item (its disk is full, say) save the rest of that item's bytes.
#[derive(Debug, Clone, Default)]
pub struct Abandon(Arc<AtomicU64>);

impl Abandon {
    /// Stops sending this item if it is being sent now; the others go on.
    pub fn item(&self, item: u32) {
        self.0.store(u64::from(item) + 1, Ordering::Relaxed);
    }

    fn names(&self, item: u32) -> bool {
        self.0.load(Ordering::Relaxed) == u64::from(item) + 1
    }

    fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Most failed items that are listed one by one.
const MAX_FAILED: usize = 1_000;

/// Sends one transfer, over as many lanes in turn as it takes.
#[derive(Debug)]
pub struct Sender {
    outgoing: Outgoing,
    abandon: Abandon,
    window: Option<Window>,
}

impl Sender {
    /// A sender for what is remembered.
    pub fn new(outgoing: Outgoing) -> Self {
        Self { outgoing, abandon: Abandon::default(), window: None }
    }

    /// What is sent; its digests grow with every file.
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// Gives back what is remembered, to forget it.
    pub fn into_outgoing(self) -> Outgoing {
        self.outgoing
    }

    /// Shares what is read with the other senders of the same scan, from the next lane on.
    pub fn share(&mut self, window: Option<Window>) {
        self.window = window;
    }

    /// A handle to give up single items with.
    pub fn abandon(&self) -> Abandon {
        self.abandon.clone()
    }

    /// Hashes sent files again whose digest was lost in a power cut, so that a receipt can be checked. Files that are not
    /// what was offered any more stay unknown. Says how many of the items are still unknown.
    ///
    /// # Errors
    /// Stopped.
    pub fn recall(&mut self, items: &Ranges, stop: &Stop) -> Result<u32, TransferError> {
        let scan = Arc::clone(self.outgoing.scan());
        let mut sources = Sources::new(&scan);
        let mut unknown = 0;
        for item in items.iter() {
            let Some(entry) = scan.manifest.entry(item).filter(|entry| !entry.is_folder()) else { continue };
            if self.outgoing.digests().of(item).is_some() {
                continue;
            }
            stop.check()?;
            let file = sources.open(item).ok().filter(|(_, stat)| mtime_of(stat) == entry.mtime);
            let hash = file.and_then(|(mut file, _)| hash_file(&mut file, entry.size(), stop).ok()?);
            match hash {
                Some(hasher) => self.outgoing.sent(item, hasher.finalize().into()),
                None => unknown += 1,
            }
        }
        self.outgoing.settle();
        Ok(unknown)
    }

    /// Sends what the plan wants. Blocks; flushes the lane at the end but does not close it.
    ///
    /// # Errors
    /// Stopped, or the lane broke. Trouble with single files is in the outcome instead.
    pub fn run(
        &mut self,
        lane: &mut impl Write,
        plan: &Plan,
        on: &mut dyn FnMut(SendEvent),
        stop: &Stop,
    ) -> Result<SendOutcome, TransferError> {
        self.abandon.clear();
        let result = self.items(lane, plan, on, stop);
        self.outgoing.settle();
        result.map_err(|error| stop.or(error))
    }

    fn items(
        &mut self,
        lane: &mut impl Write,
        plan: &Plan,
        on: &mut dyn FnMut(SendEvent),
        stop: &Stop,
    ) -> Result<SendOutcome, TransferError> {
        let scan = Arc::clone(self.outgoing.scan());
        let total = scan.manifest.bytes();
        let mut output = Output::new(lane, stop, &self.abandon, self.window.as_ref().map(Window::lease));
        let mut sources = Sources::new(&scan);
        let mut outcome = SendOutcome::default();
        let mut done = 0;
        let mut told = 0;
        for (item, entry) in (0u32..).zip(scan.manifest.entries()) {
            if entry.is_folder() {
                continue;
            }
            if !plan.wants(item) {
                done += if plan.skip.contains(item) { entry.size() } else { 0 };
                continue;
            }
            let mut tell = |within: u64| {
                let sum = done + within;
                if sum.abs_diff(told) >= PROGRESS {
                    told = sum;
                    on(SendEvent::Progress { done: sum, total });
                }
            };
            let mut ending = output.item(&mut sources, item, plan.point(item), &mut tell)?;
            if matches!(ending, Ending::StartOver) {
                on(SendEvent::Restarted { item });
                ending = output.item(&mut sources, item, None, &mut |_| {})?;
            }
            match ending.settled() {
                Ok((blake3, from_start)) => {
                    if from_start && plan.point(item).is_some() {
                        on(SendEvent::Restarted { item });
                    }
                    self.outgoing.sent(item, blake3);
                    outcome.sent += 1;
                    done += entry.size();
                    on(SendEvent::Sent { item, blake3 });
                }
                Err(fault) => {
                    output.put(Head::Fail { item, code: fault.code })?;
                    let row = FailedItem { path: scan.manifest.path_text(item), code: fault.code, why: fault.why };
                    if outcome.failed.len() < MAX_FAILED && fault.code != ErrorCode::Canceled {
                        outcome.failed.push(row.clone());
                    }
                    on(SendEvent::Failed { item, row });
                }
            }
        }
        output.put(Head::Done)?;
        output.flush()?;
        on(SendEvent::Progress { done, total });
        Ok(outcome)
    }
}

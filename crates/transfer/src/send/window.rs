//! One reading of the source for several recipients: those that send the same files at the same time share the blocks
//! read last. Whoever falls behind the window, or resumes elsewhere, reads for itself; nobody waits for anybody but for
//! the block that is just being read. What is *not* here: whether a file changed; every recipient looks for itself,
//! before and after, and takes only blocks of a file of the size and time it saw.

use crate::{Mtime, limits::CHUNK};
use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

/// Blocks kept: 4 MiB.
const BLOCKS: usize = 16;

/// Which file, as it was when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) item: u32,
    pub(super) size: u64,
    pub(super) mtime: Mtime,
}

#[derive(Debug)]
struct Block {
    source: Source,
    at: u64,
    bytes: Arc<[u8]>,
}

#[derive(Debug, Default)]
struct Inner {
    blocks: Mutex<VecDeque<Block>>,
    /// Lanes that are being sent from it.
    lanes: AtomicUsize,
    reads: AtomicU64,
}

/// The blocks that several senders of one scan share: at most 4 MiB, and nothing while no lane is sent.
#[derive(Debug, Clone, Default)]
pub struct Window(Arc<Inner>);

impl Window {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether no lane is sent from it.
    pub fn is_idle(&self) -> bool {
        self.0.lanes.load(Ordering::Acquire) == 0
    }

    /// How many blocks were read from files so far, whoever they were for.
    pub fn reads(&self) -> u64 {
        self.0.reads.load(Ordering::Relaxed)
    }

    /// For as long as a lane is sent.
    pub(super) fn lease(&self) -> Lease {
        self.0.lanes.fetch_add(1, Ordering::AcqRel);
        Lease(self.clone())
    }

    /// Fills the room with a block: from the window, or by reading. The first to come to a block reads it while the others
    /// wait for just that.
    pub(super) fn fill(
        &self,
        source: Source,
        at: u64,
        room: &mut [u8],
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut blocks = self.blocks();
        let here = |block: &&Block| block.source == source && block.at == at && block.bytes.len() == room.len();
        if let Some(block) = blocks.iter().rev().find(here) {
            let bytes = Arc::clone(&block.bytes);
            drop(blocks);
            room.copy_from_slice(&bytes);
            return Ok(room.len());
        }
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        let leads = blocks.back().is_none_or(|last| (last.source.item, last.at) < (source.item, at));
        if !leads || !at.is_multiple_of(CHUNK as u64) {
            drop(blocks);
            return read(room);
        }
        let count = read(room)?;
        if count == room.len() {
            if blocks.len() >= BLOCKS {
                blocks.pop_front();
            }
            blocks.push_back(Block { source, at, bytes: Arc::from(&*room) });
        }
        Ok(count)
    }

    fn blocks(&self) -> MutexGuard<'_, VecDeque<Block>> {
        self.0.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lane that is being sent.
#[derive(Debug)]
pub(super) struct Lease(Window);

impl Lease {
    pub(super) fn window(&self) -> &Window {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.0.0.lanes.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.blocks().clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(item: u32, size: u64) -> Source {
        Source { item, size, mtime: Mtime { seconds: 1, nanos: 0 } }
    }

    fn read(window: &Window, source: Source, at: u64, byte: u8) -> u8 {
        let mut room = vec![0; 64];
        let fill = |room: &mut [u8]| {
            room.fill(byte);
            Ok(room.len())
        };
        assert_eq!(window.fill(source, at, &mut room, fill).unwrap(), 64);
        room[63]
    }

    #[test]
    fn a_block_is_read_once_for_those_that_keep_up_and_again_for_those_that_do_not() {
        let window = Window::new();
        let (_one, two) = (window.lease(), window.lease());
        let chunk = CHUNK as u64;
        for n in 0..20_u8 {
            assert_eq!(read(&window, source(0, 99), u64::from(n) * chunk, n), n);
            assert_eq!(read(&window, source(0, 99), u64::from(n) * chunk, 255), n, "the second takes the first's");
        }
        assert_eq!(window.reads(), 20);
        assert_eq!(read(&window, source(0, 99), 0, 77), 77, "it fell out of the window");
        assert_eq!(read(&window, source(0, 99), 0, 78), 78, "and is not put back in front of the others");
        assert_eq!(read(&window, source(0, 98), 19 * chunk, 79), 79, "a file of another size is another file");
        drop(two);
        assert!(!window.is_idle());
    }

    #[test]
    fn nothing_stays_when_nobody_sends() {
        let window = Window::new();
        let lease = window.lease();
        read(&window, source(0, 1), 0, 1);
        drop(lease);
        assert!(window.is_idle());
        assert_eq!(read(&window, source(0, 1), 0, 2), 2);
    }
}

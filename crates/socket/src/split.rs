//! A proven channel as two halves for two tasks, and a light handle for a third that only watches.

use crate::{
    Meter, Proof, RoundTripTimeStatistics, SocketError,
    frame::{Incoming, MAX_FRAME, encode},
    statistics::round_trips,
    wire::Wire,
};
use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, ready},
};

/// Most bytes of frames that wait in a [`FrameWriter`]; one frame more may go over it.
const QUEUE: usize = 1024 * 1024;

/// Both halves share it. The lock is held for a poll only, never across an await.
struct Shared {
    wire: Mutex<Wire>,
    proof: Arc<Proof>,
    meter: Arc<Meter>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(self: &Arc<Self>) -> Link {
        Link { proof: Arc::clone(&self.proof), meter: Arc::clone(&self.meter), shared: Arc::downgrade(self) }
    }
}

pub(crate) fn split(wire: Wire, proof: Arc<Proof>, incoming: Incoming) -> (FrameReader, FrameWriter) {
    let meter = Arc::clone(wire.meter());
    let shared = Arc::new(Shared { wire: Mutex::new(wire), proof, meter });
    let reader = FrameReader { shared: Arc::clone(&shared), incoming };
    (reader, FrameWriter { shared, queue: Vec::new(), sent: 0 })
}

/// The receiving half.
pub struct FrameReader {
    shared: Arc<Shared>,
    incoming: Incoming,
}

impl FrameReader {
    /// Reads one frame of at most `max` bytes; `None` when the other end has closed in order.
    ///
    /// Cancellation safe: a frame that has arrived in part is kept for the next call.
    ///
    /// # Errors
    /// As [`Channel::read_frame`](crate::Channel::read_frame).
    pub async fn read_frame(&mut self, max: usize) -> Result<Option<Vec<u8>>, SocketError> {
        self.shared.lock().alive()?;
        let outcome = poll_fn(|cx| self.incoming.poll(&mut self.shared.lock(), cx, max)).await;
        if outcome.is_err() {
            self.shared.lock().set_dead(true);
        }
        outcome
    }

    /// A handle to watch the connection by.
    pub fn link(&self) -> Link {
        self.shared.link()
    }
}

/// The sending half. Frames that are fed together leave together.
pub struct FrameWriter {
    shared: Arc<Shared>,
    queue: Vec<u8>,
    sent: usize,
}

impl FrameWriter {
    /// Puts a frame into the queue without sending it.
    ///
    /// # Errors
    /// [`SocketError::Misuse`] if it is empty, larger than [`MAX_FRAME`], or a megabyte is waiting already;
    /// [`SocketError::Dead`].
    pub fn feed(&mut self, frame: &[u8]) -> Result<(), SocketError> {
        self.shared.lock().alive()?;
        if self.queued() >= QUEUE {
            return Err(SocketError::Misuse("flush the frames that wait before feeding more"));
        }
        encode(frame, MAX_FRAME, &mut self.queue)
    }

    /// Bytes in the queue.
    pub fn queued(&self) -> usize {
        self.queue.len() - self.sent
    }

    /// Sends the queue and hands it to the system. Cancellation safe: what was not sent stays in the queue.
    ///
    /// # Errors
    /// [`SocketError::Interrupted`], [`SocketError::Dead`].
    pub async fn flush(&mut self) -> Result<(), SocketError> {
        self.shared.lock().alive()?;
        let outcome = poll_fn(|cx| self.poll_flush(cx)).await;
        if outcome.is_err() {
            self.shared.lock().set_dead(true);
        }
        outcome
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        let mut wire = self.shared.lock();
        while let Some(rest) = self.queue.get(self.sent..).filter(|rest| !rest.is_empty()) {
            self.sent += ready!(wire.poll_write(cx, rest))?;
        }
        self.queue.clear();
        self.queue.shrink_to(QUEUE);
        self.sent = 0;
        wire.poll_push(cx)
    }

    /// Sends the queue and this frame. Cancelled midway, the connection is dead: whether the frame went out is not
    /// known (R3.9).
    ///
    /// # Errors
    /// As [`Self::feed`] and [`Self::flush`].
    pub async fn write_frame(&mut self, frame: &[u8]) -> Result<(), SocketError> {
        self.feed(frame)?;
        let mut tear = Tear { shared: Arc::clone(&self.shared), armed: true };
        self.flush().await?;
        tear.armed = false;
        Ok(())
    }

    /// Sends the queue and the proper end. The other half goes on reading.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub async fn close(&mut self) -> Result<(), SocketError> {
        self.flush().await?;
        poll_fn(|cx| self.shared.lock().poll_close(cx)).await
    }

    /// A handle to watch the connection by.
    pub fn link(&self) -> Link {
        self.shared.link()
    }
}

/// Kills the connection when dropped before the operation was through.
struct Tear {
    shared: Arc<Shared>,
    armed: bool,
}

impl Drop for Tear {
    fn drop(&mut self) {
        if self.armed {
            self.shared.lock().set_dead(true);
        }
    }
}

/// Watches a connection and can end it. Does not keep it open.
#[derive(Clone)]
pub struct Link {
    proof: Arc<Proof>,
    meter: Arc<Meter>,
    shared: Weak<Shared>,
}

impl Link {
    /// Everything the handshake proved.
    pub fn proof(&self) -> &Arc<Proof> {
        &self.proof
    }

    /// Counts the bytes carried.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Round trip times; zeros once the connection is gone.
    pub fn statistics(&self) -> RoundTripTimeStatistics {
        round_trips(self.proof.local_addr, self.proof.remote_addr, &self.meter)
    }

    /// Ends the connection at once: pending and later operations on it fail.
    pub fn abort(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.lock().abort();
        }
    }
}

impl fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReader").field("peer", &self.shared.proof.peer).finish_non_exhaustive()
    }
}

impl fmt::Debug for FrameWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameWriter").field("peer", &self.shared.proof.peer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.proof.peer).finish_non_exhaustive()
    }
}

//! A proven channel as a stream of bytes for any program: [`AsyncRead`] and [`AsyncWrite`].
//!
//! The two directions end separately: `shutdown` sends close_notify and FIN while reading goes on. Reading yields the
//! end only after the other side's close_notify; anything else is an `UnexpectedEof` error (T9).

use crate::{Meter, Proof, RoundTripTimeStatistics, wire::Wire};
use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream of bytes whose protection was checked. Shut it down before dropping it, or what is on its way may be lost.
pub struct PeerStream {
    wire: Wire,
    proof: Arc<Proof>,
}

impl PeerStream {
    pub(crate) fn new(wire: Wire, proof: Arc<Proof>) -> Self {
        Self { wire, proof }
    }

    /// Everything the handshake proved.
    pub fn proof(&self) -> &Arc<Proof> {
        &self.proof
    }

    /// Counts the bytes carried.
    pub fn meter(&self) -> &Arc<Meter> {
        self.wire.meter()
    }

    /// Round trip times so far.
    pub fn statistics(&self) -> RoundTripTimeStatistics {
        self.wire.statistics()
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.wire.alive()?;
        let outcome = ready!(self.wire.poll_read(cx, buf.initialize_unfilled()));
        self.wire.set_dead(outcome.is_err());
        buf.advance(outcome?);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.wire.alive()?;
        self.wire.poll_write(cx, from).map_err(io::Error::from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.alive()?;
        self.wire.poll_push(cx).map_err(io::Error::from)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.alive()?;
        self.wire.poll_close(cx).map_err(io::Error::from)
    }
}

impl fmt::Debug for PeerStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerStream").field("peer", &self.proof.peer).finish_non_exhaustive()
    }
}

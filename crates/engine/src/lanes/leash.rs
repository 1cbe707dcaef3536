//! Pipes belong to their session: they are counted while they are open, and break when it ends (R1.11).

use crate::event::Event;
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The open pipes of a session. Dropped, it breaks them.
#[derive(Default)]
pub(crate) struct Pipes {
    held: Arc<()>,
    end: CancellationToken,
}

impl Pipes {
    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        Arc::strong_count(&self.held) - 1
    }

    /// Ties a stream to the session.
    pub(crate) fn leash<S>(&self, stream: S, events: mpsc::Sender<Event>) -> Leashed<S> {
        let held = Some(Arc::clone(&self.held));
        Leashed { stream, end: Box::pin(self.end.clone().cancelled_owned()), held, events }
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// A stream that ends with its session.
pub(crate) struct Leashed<S> {
    stream: S,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
    held: Option<Arc<()>>,
    events: mpsc::Sender<Event>,
}

impl<S> Leashed<S> {
    fn standing(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the session was closed")),
            Poll::Pending => Ok(()),
        }
    }
}

impl<S> Drop for Leashed<S> {
    fn drop(&mut self) {
        self.held = None;
        // A session that is being finished may have waited for this. If the queue is full, whatever fills it wakes it.
        let _ = self.events.try_send(Event::PipeEnded);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Leashed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.standing(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Leashed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.standing(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.standing(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.standing(cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

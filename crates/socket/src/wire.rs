//! One TLS connection over one TCP connection, driven by polling. Both directions may be polled by different tasks as
//! long as each has its own waker: reading registers for readability only, writing for writability only.
//!
//! After an error, or an operation that was cancelled midway, the wire is dead: nothing more is read or written (R3.9).

use crate::{
    Phase, SocketError,
    error::cut_off,
    inbox::Inbox,
    profile::Signing,
    proof::Meter,
    statistics::{RoundTripTimeStatistics, round_trips},
};
use rustls::Connection;
use socket2::SockRef;
use std::{
    future::poll_fn,
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{io::AsyncWrite, net::TcpStream, time::timeout};

/// Most bytes the other end may send before it is authenticated: hello, certificates of 16 KiB, signature, and slack.
const UNAUTHENTICATED: usize = 64 * 1024;
/// Most ciphertext waiting for the system; more makes the allocator give memory back and fetch it again.
const OUTGOING: usize = 128 * 1024;
/// How long a refusing end waits for its alert to arrive.
const FAREWELL: Duration = Duration::from_millis(250);
/// Most bytes read and thrown away while closing.
const DRAINED: usize = 1024 * 1024;

/// A connection in use.
pub(crate) struct Wire {
    tcp: TcpStream,
    tls: Connection,
    inbox: Inbox,
    /// What the other end may still send before it is authenticated.
    budget: Option<usize>,
    /// Whether the other end has sent anything at all.
    heard: bool,
    /// TCP has ended.
    ended: bool,
    /// The other end has sent its close_notify.
    closed: bool,
    /// We have sent ours.
    closing: bool,
    dead: bool,
    meter: Arc<Meter>,
    /// Here and there, where the stream has no addresses of its own.
    ends: Option<(SocketAddr, SocketAddr)>,
}

/// What is left when a wire is taken apart for a lane.
pub(crate) struct Parts {
    pub(crate) tcp: TcpStream,
    pub(crate) tls: Connection,
    /// Ciphertext received and not decrypted yet.
    pub(crate) ciphertext: Vec<u8>,
    /// Plaintext decrypted and not read yet: less than one record.
    pub(crate) plaintext: Vec<u8>,
    /// Ciphertext to be sent before anything else.
    pub(crate) outgoing: Vec<u8>,
    pub(crate) closed: bool,
    pub(crate) meter: Arc<Meter>,
}

impl Wire {
    /// A wire before its handshake. `inbox` holds what was received already.
    pub(crate) fn new(tcp: TcpStream, mut tls: Connection, inbox: Inbox) -> Self {
        tls.set_buffer_limit(Some(OUTGOING));
        let heard = matches!(tls, Connection::Server(_));
        Self {
            tcp,
            tls,
            inbox,
            budget: Some(UNAUTHENTICATED),
            heard,
            ended: false,
            closed: false,
            closing: false,
            dead: false,
            meter: Arc::default(),
            ends: None,
        }
    }

    /// The same through a tunnel, whose stream has no addresses.
    pub(crate) fn through(mut self, remote: Option<SocketAddr>) -> Self {
        self.ends = remote.map(|remote| (hither_capability::radio_address([0; 6]), remote));
        self
    }

    pub(crate) fn tls(&self) -> &Connection {
        &self.tls
    }

    pub(crate) fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    pub(crate) fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        self.ends.map_or_else(|| Ok((self.tcp.local_addr()?, self.tcp.peer_addr()?)), Ok)
    }

    pub(crate) fn statistics(&self) -> RoundTripTimeStatistics {
        self.addresses().map(|(local, remote)| round_trips(local, remote, &self.meter)).unwrap_or_default()
    }

    /// The other end is who it should be: it may send as much as it likes.
    pub(crate) fn authenticated(&mut self) {
        self.budget = None;
    }

    /// Whether it can still be used.
    ///
    /// # Errors
    /// [`SocketError::Dead`].
    pub(crate) fn alive(&self) -> Result<(), SocketError> {
        if self.dead { Err(SocketError::Dead) } else { Ok(()) }
    }

    /// Marks it alive or dead. An operation that must not be cancelled midway is dead while it runs.
    pub(crate) fn set_dead(&mut self, dead: bool) {
        self.dead = dead;
    }

    /// Ends the connection at once, from whichever task.
    pub(crate) fn abort(&mut self) {
        self.dead = true;
        // It may be gone already.
        let _ = SockRef::from(&self.tcp).shutdown(Shutdown::Both);
    }

    /// Runs the TLS handshake. On failure the alert is sent before the connection is closed.
    pub(crate) async fn handshake(mut self, signing: Signing) -> Result<Self, SocketError> {
        loop {
            let step = match self.exchange().await {
                Ok(false) => return Ok(self),
                Ok(true) if signing == Signing::Aside => {
                    let (wire, step) = aside(move || {
                        let step = self.digest();
                        (self, step)
                    })
                    .await?;
                    self = wire;
                    step
                }
                Ok(true) => self.digest(),
                Err(error) => Err(error),
            };
            if let Err(error) = step {
                self.farewell().await;
                return Err(error);
            }
        }
    }

    /// Sends what is to be sent and waits for the next record; false when the handshake is complete.
    async fn exchange(&mut self) -> Result<bool, SocketError> {
        poll_fn(|cx| self.poll_push(cx)).await.map_err(|error| self.early(error))?;
        if !self.tls.is_handshaking() {
            return Ok(false);
        }
        while self.inbox.record()?.is_none() {
            poll_fn(|cx| self.poll_fill(cx)).await.map_err(|error| self.early(error))?;
            if self.ended {
                return Err(if self.heard { cut_off() } else { SocketError::TurnedAway });
            }
        }
        Ok(true)
    }

    /// A connection that breaks before a word was said was turned away.
    fn early(&self, error: SocketError) -> SocketError {
        match error {
            SocketError::Interrupted(_) if !self.heard => SocketError::TurnedAway,
            other => other,
        }
    }

    /// Gives the alert that explains a refusal time to arrive: closing with unread bytes would destroy it.
    pub(crate) async fn farewell(mut self) {
        let parting = async {
            poll_fn(|cx| self.poll_push(cx)).await?;
            poll_fn(|cx| Pin::new(&mut self.tcp).poll_shutdown(cx)).await?;
            self.drain().await
        };
        // The refusal itself is reported; how the parting went is of no interest.
        let _ = timeout(FAREWELL, parting).await;
    }

    /// Reads and forgets until the other end ends, a bounded amount.
    async fn drain(&mut self) -> Result<(), SocketError> {
        let mut seen = 0;
        while !self.ended && seen < DRAINED {
            self.inbox.discard(usize::MAX);
            poll_fn(|cx| self.poll_fill(cx)).await?;
            seen += self.inbox.rest().len();
        }
        Ok(())
    }

    /// Decrypts and processes the first record of the inbox, which must be whole.
    fn digest(&mut self) -> Result<(), SocketError> {
        let Some(mut record) = self.inbox.record()? else { return Ok(()) };
        let length = record.len();
        while !record.is_empty() {
            match self.tls.read_tls(&mut record) {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => return Err(SocketError::Misbehaved("an oversize handshake message".into())),
            }
        }
        self.inbox.discard(length);
        let outcome = self.tls.process_new_packets();
        // An alert or a key update goes out if there is room, else with the next bytes.
        let _ = self.try_push();
        self.closed = outcome?.peer_has_closed();
        Ok(())
    }

    /// Reads decrypted bytes; 0 only after the other end's close_notify. `into` must not be empty.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<usize, SocketError>> {
        loop {
            match self.tls.reader().read(into) {
                Ok(count) => {
                    self.meter.received(count);
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            if self.closed {
                return Poll::Ready(Ok(0));
            }
            if self.inbox.record()?.is_some() {
                self.digest()?;
            } else if self.ended {
                return Poll::Ready(Err(cut_off()));
            } else {
                ready!(self.poll_fill(cx))?;
            }
        }
    }

    /// Takes bytes to be sent, as many as there is room for.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, from: &[u8]) -> Poll<Result<usize, SocketError>> {
        if self.closing {
            return Poll::Ready(Err(SocketError::Misuse("nothing can be written after the end")));
        }
        loop {
            let count = self.tls.writer().write(from)?;
            self.try_push()?;
            if count > 0 || from.is_empty() {
                self.meter.sent(count);
                return Poll::Ready(Ok(count));
            }
            ready!(self.poll_push(cx))?;
        }
    }

    /// Waits until everything written is in the system's hands.
    pub(crate) fn poll_push(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        while !self.try_push()? {
            ready!(self.tcp.poll_write_ready(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends close_notify and FIN. Reading goes on.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        if !self.closing {
            self.closing = true;
            self.tls.send_close_notify();
        }
        ready!(self.poll_push(cx))?;
        Pin::new(&mut self.tcp).poll_shutdown(cx).map_err(SocketError::from)
    }

    /// Closes in order, and waits up to `linger` for the other end to do the same.
    pub(crate) async fn close(mut self, linger: Duration) -> Result<(), SocketError> {
        poll_fn(|cx| self.poll_close(cx)).await?;
        // Everything of ours is sent; the other end may take its time, or be gone.
        let _ = timeout(linger, self.drain()).await;
        Ok(())
    }

    /// Sends what the system takes without waiting; true if that was all.
    fn try_push(&mut self) -> Result<bool, SocketError> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut Outlet(&self.tcp)) {
                Ok(0) => return Err(SocketError::Interrupted(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Waits for bytes of the other end, or its end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        loop {
            ready!(self.tcp.poll_read_ready(cx))?;
            match self.inbox.fill(&self.tcp) {
                Ok(count) => {
                    self.ended = count == 0;
                    self.heard |= count > 0;
                    return Poll::Ready(self.spend(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    fn spend(&mut self, count: usize) -> Result<(), SocketError> {
        if let Some(budget) = &mut self.budget {
            *budget = budget
                .checked_sub(count)
                .ok_or_else(|| SocketError::Misbehaved("too many bytes before it was known".into()))?;
        }
        Ok(())
    }

    /// Takes the wire apart, between two records.
    pub(crate) fn into_parts(mut self) -> Result<Parts, SocketError> {
        self.alive()?;
        if self.closing {
            return Err(SocketError::Misuse("the connection is being closed"));
        }
        let mut plaintext = Vec::new();
        // Ends with WouldBlock or at the other end's close_notify; there is at most one record.
        let _ = self.tls.reader().read_to_end(&mut plaintext);
        // An empty write makes the library queue a key update it owes.
        let _ = self.tls.writer().write(&[]);
        let mut outgoing = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut outgoing)?;
        }
        Ok(Parts {
            ciphertext: self.inbox.rest().to_vec(),
            tcp: self.tcp,
            tls: self.tls,
            plaintext,
            outgoing,
            closed: self.closed,
            meter: self.meter,
        })
    }
}

/// Runs a step that may sign slowly on a thread for blocking work.
pub(crate) async fn aside<T: Send + 'static>(step: impl FnOnce() -> T + Send + 'static) -> Result<T, SocketError> {
    tokio::task::spawn_blocking(step).await.map_err(|error| SocketError::Internal(error.to_string()))
}

/// Runs a future under a deadline.
pub(crate) async fn within<T>(
    limit: Duration,
    phase: Phase,
    work: impl Future<Output = Result<T, SocketError>>,
) -> Result<T, SocketError> {
    timeout(limit, work).await.unwrap_or(Err(SocketError::TimedOut(phase)))
}

/// Writes to a TCP stream without waiting.
struct Outlet<'a>(&'a TcpStream);

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

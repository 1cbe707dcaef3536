//! A connection whose protection has been checked. What may be done with it depends on who is at the other end: the
//! type says so, and only an accepted invitation turns a stranger's channel into a proven one.

use crate::{
    BlockingLane, FrameReader, FrameWriter, Meter, PeerStream, Proof, RoundTripTimeStatistics, SocketError,
    StreamSocketControl,
    frame::{Incoming, MAX_FRAME, encode},
    profile::Profile,
    ready,
    wire::Wire,
};
use hither_model::{CertificateFacts, Negotiated, PeerId, ProtectionLevel};
use std::{fmt, future::poll_fn, marker::PhantomData, net::SocketAddr, sync::Arc, time::Duration};

/// Largest frame before an invitation was accepted, bytes.
const STRANGER_FRAME: usize = 4096;
/// Most frames in each direction before an invitation was accepted.
const STRANGER_FRAMES: u32 = 64;

/// The other end's key is the one that was demanded.
#[derive(Debug)]
pub enum Proven {}

/// The other end has proven a key, but nobody has vouched for it.
#[derive(Debug)]
pub enum Stranger {}

/// Who is at the other end: [`Proven`] or [`Stranger`].
pub trait Standing: sealed::Sealed + Send + 'static {
    /// Largest frame, bytes.
    const FRAME: usize;
    /// Most frames in each direction, if there is a limit.
    const FRAMES: Option<u32>;
}

impl Standing for Proven {
    const FRAME: usize = MAX_FRAME;
    const FRAMES: Option<u32> = None;
}

impl Standing for Stranger {
    const FRAME: usize = STRANGER_FRAME;
    const FRAMES: Option<u32> = Some(STRANGER_FRAMES);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Proven {}
    impl Sealed for super::Stranger {}
}

/// What only the invite protocol can show: that a person has accepted this peer.
pub trait Admits {
    /// Who was accepted.
    fn peer(&self) -> PeerId;
}

/// A fresh connection.
#[derive(Debug)]
pub enum Connected {
    /// To the one who was expected.
    Known(Channel<Proven>),
    /// To somebody who is not known yet.
    Stranger(Channel<Stranger>),
}

impl Connected {
    /// What the handshake proved.
    pub fn proof(&self) -> &Arc<Proof> {
        match self {
            Self::Known(channel) => channel.proof(),
            Self::Stranger(channel) => channel.proof(),
        }
    }

    /// The key at the other end.
    pub fn peer(&self) -> PeerId {
        self.proof().peer
    }

    /// The channel, if it is to the one who was expected.
    pub fn known(self) -> Option<Channel<Proven>> {
        match self {
            Self::Known(channel) => Some(channel),
            Self::Stranger(_) => None,
        }
    }

    /// The channel, if it is to a stranger.
    pub fn stranger(self) -> Option<Channel<Stranger>> {
        match self {
            Self::Known(_) => None,
            Self::Stranger(channel) => Some(channel),
        }
    }
}

/// A connection that carries frames. Dropping it ends it abruptly; [`Channel::close`] loses nothing.
pub struct Channel<S: Standing> {
    core: Core,
    standing: PhantomData<S>,
}

/// What channels have in common.
pub(crate) struct Core {
    pub(crate) wire: Wire,
    pub(crate) proof: Arc<Proof>,
    pub(crate) linger: Duration,
    pub(crate) control: StreamSocketControl,
    incoming: Incoming,
    frames_in: u32,
    frames_out: u32,
}

impl Core {
    pub(crate) fn new(wire: Wire, proof: Proof, profile: &Profile, control: StreamSocketControl) -> Self {
        let (proof, linger, control) = (Arc::new(proof), profile.linger, control.connected());
        Self { wire, proof, linger, control, incoming: Incoming::default(), frames_in: 0, frames_out: 0 }
    }

    /// READY both ways, the listening end first. On failure the other end is told by closing.
    pub(crate) async fn greet(mut self, me: PeerId) -> Result<Self, SocketError> {
        match self.ready(me).await {
            Ok(()) => {
                self.wire.authenticated();
                Ok(self)
            }
            Err(error) => {
                self.wire.farewell().await;
                Err(error)
            }
        }
    }

    async fn ready(&mut self, me: PeerId) -> Result<(), SocketError> {
        let peer = self.proof.peer;
        let word = ready::say(me, peer)?;
        if !self.proof.is_client {
            self.write(&word, ready::MAX_READY).await?;
        }
        let said = self.read(ready::MAX_READY).await?.ok_or_else(crate::error::cut_off)?;
        ready::hear(&said, me, peer)?;
        if self.proof.is_client {
            self.write(&word, ready::MAX_READY).await?;
        }
        Ok(())
    }

    async fn read(&mut self, max: usize) -> Result<Option<Vec<u8>>, SocketError> {
        if self.incoming.is_partial() {
            self.wire.set_dead(true);
        }
        self.read_on(max).await
    }

    /// Like [`Core::read`], but a cancelled call is taken up by the next one.
    async fn read_on(&mut self, max: usize) -> Result<Option<Vec<u8>>, SocketError> {
        self.wire.alive()?;
        let outcome = poll_fn(|cx| self.incoming.poll(&mut self.wire, cx, max)).await;
        self.wire.set_dead(outcome.is_err());
        outcome
    }

    async fn write(&mut self, payload: &[u8], limit: usize) -> Result<(), SocketError> {
        self.wire.alive()?;
        let mut bytes = Vec::new();
        encode(payload, limit, &mut bytes)?;
        self.wire.set_dead(true); // until it is through: R3.9
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let count = poll_fn(|cx| self.wire.poll_write(cx, rest)).await?;
            rest = rest.get(count..).unwrap_or_default();
        }
        poll_fn(|cx| self.wire.poll_push(cx)).await?;
        self.wire.set_dead(false);
        Ok(())
    }
}

impl<S: Standing> Channel<S> {
    pub(crate) fn new(core: Core) -> Self {
        Self { core, standing: PhantomData }
    }

    /// The key at the other end.
    pub fn peer(&self) -> PeerId {
        self.core.proof.peer
    }

    /// Whether this end dialled.
    pub fn is_client(&self) -> bool {
        self.core.proof.is_client
    }

    /// The protection that was asked for; a floor.
    pub fn requested(&self) -> ProtectionLevel {
        self.core.proof.requested
    }

    /// The protection in use.
    pub fn negotiated(&self) -> &Negotiated {
        &self.core.proof.negotiated
    }

    /// Whether the protection in use is at least `min` (R3.13).
    pub fn verify(&self, min: ProtectionLevel) -> bool {
        self.core.proof.verify(min)
    }

    /// What this end showed.
    pub fn local_certificate(&self) -> &CertificateFacts {
        &self.core.proof.local_certificate
    }

    /// What the other end showed; not for showing while it is a stranger (R3.18).
    pub fn peer_certificate(&self) -> &CertificateFacts {
        &self.core.proof.peer_certificate
    }

    /// The other end's certificate, DER.
    pub fn peer_certificate_der(&self) -> &[u8] {
        &self.core.proof.peer_certificate_der
    }

    /// A secret that only the two ends of this TLS connection have (RFC 8446 section 7.5).
    ///
    /// # Errors
    /// [`SocketError::Internal`] if the TLS library cannot make it.
    pub fn exporter(&self, label: &str, context: &[u8]) -> Result<[u8; 32], SocketError> {
        let tls = self.core.wire.tls();
        tls.export_keying_material([0; 32], label.as_bytes(), Some(context))
            .map_err(|error| SocketError::Internal(error.to_string()))
    }

    /// This end's address.
    pub fn local_addr(&self) -> SocketAddr {
        self.core.proof.local_addr
    }

    /// The other end's address.
    pub fn remote_addr(&self) -> SocketAddr {
        self.core.proof.remote_addr
    }

    /// Round trip times so far.
    pub fn statistics(&self) -> RoundTripTimeStatistics {
        self.core.wire.statistics()
    }

    /// Everything the handshake proved.
    pub fn proof(&self) -> &Arc<Proof> {
        &self.core.proof
    }

    /// Counts the bytes it carries, also after it was split or became a lane.
    pub fn meter(&self) -> &Arc<Meter> {
        self.core.wire.meter()
    }

    /// The socket options; settled by now (R3.10).
    pub fn control(&mut self) -> &mut StreamSocketControl {
        &mut self.core.control
    }

    /// Reads one frame of at most `max` bytes; `None` when the other end has closed in order.
    ///
    /// Cancelled between two frames, nothing is lost. Cancelled within one, the channel is dead (R3.9).
    ///
    /// # Errors
    /// [`SocketError::Interrupted`] if the connection broke or ended without its proper end,
    /// [`SocketError::FrameTooLarge`], [`SocketError::TooManyFrames`] from a stranger, [`SocketError::Misbehaved`],
    /// [`SocketError::Dead`].
    pub async fn read_frame(&mut self, max: usize) -> Result<Option<Vec<u8>>, SocketError> {
        let frame = self.core.read(max.min(S::FRAME)).await?;
        self.counted(frame)
    }

    /// Like [`Channel::read_frame`], for a `select!`: cancelled anywhere, the next call goes on where it was.
    ///
    /// # Errors
    /// As [`Channel::read_frame`].
    pub async fn next_frame(&mut self, max: usize) -> Result<Option<Vec<u8>>, SocketError> {
        let frame = self.core.read_on(max.min(S::FRAME)).await?;
        self.counted(frame)
    }

    fn counted(&mut self, frame: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, SocketError> {
        if frame.is_some()
            && let Some(limit) = S::FRAMES
        {
            self.core.frames_in += 1;
            if self.core.frames_in > limit {
                self.core.wire.set_dead(true);
                return Err(SocketError::TooManyFrames(limit));
            }
        }
        Ok(frame)
    }

    /// Writes one frame and hands it to the system. Cancelled midway, the channel is dead (R3.9).
    ///
    /// # Errors
    /// [`SocketError::Interrupted`], [`SocketError::Misuse`] if it is empty or too large,
    /// [`SocketError::TooManyFrames`] to a stranger, [`SocketError::Dead`].
    pub async fn write_frame(&mut self, frame: &[u8]) -> Result<(), SocketError> {
        if let Some(limit) = S::FRAMES.filter(|limit| self.core.frames_out >= *limit) {
            return Err(SocketError::TooManyFrames(limit));
        }
        self.core.write(frame, S::FRAME).await?;
        self.core.frames_out = self.core.frames_out.saturating_add(1);
        Ok(())
    }

    /// Ends the connection in order: what was written arrives, then the other end reads the end. Waits for its end
    /// a short time ([`Profile::linger`]).
    ///
    /// # Errors
    /// [`SocketError::Interrupted`] or [`SocketError::Dead`] if the proper end could not be sent.
    pub async fn close(self) -> Result<(), SocketError> {
        self.core.wire.alive()?;
        self.core.wire.close(self.core.linger).await
    }
}

impl Channel<Stranger> {
    /// The stranger was accepted by a person: from here on it is treated as proven.
    ///
    /// # Errors
    /// [`SocketError::Misuse`] if somebody else was accepted, [`SocketError::Dead`].
    pub fn admitted(self, by: &dyn Admits) -> Result<Channel<Proven>, SocketError> {
        self.core.wire.alive()?;
        if by.peer() != self.peer() {
            return Err(SocketError::Misuse("the admission is for another device"));
        }
        Ok(Channel::new(self.core))
    }
}

impl Channel<Proven> {
    /// Two halves for two tasks.
    pub fn split(self) -> (FrameReader, FrameWriter) {
        let Core { wire, proof, incoming, .. } = self.core;
        crate::split::split(wire, proof, incoming)
    }

    /// Any program's bytes, both ways.
    pub fn into_stream(self) -> PeerStream {
        PeerStream::new(self.core.wire, self.core.proof)
    }

    /// Bulk data, for a thread that may block.
    ///
    /// # Errors
    /// [`SocketError::Incompatible`] on TLS 1.2, [`SocketError::Dead`], [`SocketError::Internal`].
    pub fn into_blocking(self) -> Result<BlockingLane, SocketError> {
        if self.core.incoming.is_partial() {
            return Err(SocketError::Dead);
        }
        BlockingLane::new(self.core.wire, self.core.proof)
    }
}

impl<S: Standing> fmt::Debug for Channel<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("peer", &self.peer())
            .field("remote", &self.remote_addr())
            .finish_non_exhaustive()
    }
}

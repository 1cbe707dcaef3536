//! The socket itself: its states, what it knows, its bytes.

use super::{
    OutwardControl, ServerError,
    control::Moment,
    reach::{Goal, Reached, reach},
};
use crate::{
    EndpointPair, HostName, Meter, RoundTripTimeStatistics, SocketProtectionLevel,
    names::Names,
    server::ServerCertificate,
    statistics::{BandwidthStatistics, bandwidth, round_trips},
    wire::Wire,
};
use hither_capability::Reach;
use hither_model::{Negotiated, ProtectionLevel};
use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};

/// What is known about a connection (R3.12, R3.13, R3.16).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StreamSocketInformation {
    /// The level that was asked for, after the socket's minimum was applied; `None` before connecting.
    pub requested: Option<ProtectionLevel>,
    /// What is in use, read from the connection; `None` without TLS.
    pub negotiated: Option<Negotiated>,
    /// This end.
    pub local_address: Option<SocketAddr>,
    /// The server, or the proxy on the way to it.
    pub remote_address: Option<SocketAddr>,
    /// Whether a proxy is in between.
    pub by_proxy: bool,
    /// Whether the server was reached in a network that the person trusts, under `privateNetworkClientServer`.
    pub private: bool,
    /// The host that was asked for.
    pub remote_host_name: Option<HostName>,
    /// The service that was asked for; empty before connecting.
    pub remote_service_name: String,
    /// What the server showed, also after a failed handshake.
    pub server_certificate: Option<ServerCertificate>,
}

impl StreamSocketInformation {
    /// Whether the level in use is at least `min` (R3.13).
    pub fn verify(&self, min: ProtectionLevel) -> bool {
        let level = match self.negotiated.as_ref().map(|negotiated| negotiated.version.as_str()) {
            Some("TLS1.3") => ProtectionLevel::Tls13,
            Some("TLS1.2") => ProtectionLevel::Tls12,
            _ => ProtectionLevel::Plain,
        };
        self.requested.is_some() && level >= min
    }
}

/// What carries the bytes.
pub(super) enum Face {
    /// Not connected, or not any more.
    None,
    Plain(TcpStream),
    Protected(Box<Wire>),
}

/// A stream to a server. Close it before dropping it, or what is on its way may be lost (R3.8).
#[must_use = "a socket that is dropped may lose what was written"]
pub struct StreamSocket {
    pub(super) permission: Reach,
    pub(super) names: Names,
    pub(super) control: OutwardControl,
    pub(super) information: StreamSocketInformation,
    pub(super) face: Face,
    /// For a plain connection; a protected one counts itself.
    meter: Arc<Meter>,
    closed: bool,
}

impl StreamSocket {
    /// A socket that is not connected. Names are looked up by the system.
    pub fn new(permission: Reach) -> Self {
        Self::with_names(permission, Names::system())
    }

    /// The same with other name servers.
    pub fn with_names(permission: Reach, names: Names) -> Self {
        Self {
            permission,
            names,
            control: OutwardControl::default(),
            information: StreamSocketInformation::default(),
            face: Face::None,
            meter: Arc::default(),
            closed: false,
        }
    }

    /// What can be set.
    pub fn control(&mut self) -> &mut OutwardControl {
        &mut self.control
    }

    /// What is known.
    pub fn information(&self) -> &StreamSocketInformation {
        &self.information
    }

    /// Connects to a service of a host: a port, a name of the system, or a service the host announces (R3.4). After a
    /// failure it may be called again.
    ///
    /// # Errors
    /// [`ServerError`]. Where the server's certificate was the reason, [`Self::information`] holds it.
    pub async fn connect(
        &mut self,
        host: &HostName,
        service: &str,
        level: SocketProtectionLevel,
    ) -> Result<(), ServerError> {
        let goal = Goal { host: host.clone(), service: service.to_owned(), local: None };
        self.go(goal, level).await
    }

    /// Connects a pair of endpoints. If the pair names a local host or port, no proxy is used (R3.3).
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_pair(&mut self, pair: &EndpointPair, level: SocketProtectionLevel) -> Result<(), ServerError> {
        let port = match pair.local_service.as_str() {
            "" => 0,
            text => text.parse().map_err(|_| ServerError::Argument("the local service is a port"))?,
        };
        let local = (pair.local_host.is_some() || port != 0).then(|| (pair.local_host.clone(), port));
        let goal = Goal { host: pair.remote_host.clone(), service: pair.remote_service.clone(), local };
        self.go(goal, level).await
    }

    async fn go(&mut self, goal: Goal, level: SocketProtectionLevel) -> Result<(), ServerError> {
        if self.closed {
            return Err(ServerError::Closed);
        }
        if !matches!(self.face, Face::None) {
            return Err(ServerError::IllegalCall("the socket is connected already"));
        }
        let asked = level.floor()?;
        let floor = if asked == ProtectionLevel::Plain { asked } else { self.control.floor(asked) };
        self.information = StreamSocketInformation {
            requested: Some(floor),
            remote_host_name: Some(goal.host.clone()),
            remote_service_name: goal.service.clone(),
            ..StreamSocketInformation::default()
        };
        let Reached { tcp, at, by_proxy } = reach(&self.permission, &self.names, &self.control, &goal).await?;
        self.information.local_address = Some(tcp.local_addr()?);
        self.information.remote_address = Some(at);
        self.information.by_proxy = by_proxy;
        self.information.private = !by_proxy && self.permission.is_private(at);
        if floor == ProtectionLevel::Plain {
            self.face = Face::Plain(tcp);
            self.settle(Moment::Plain);
        } else {
            self.face = Face::Protected(Box::new(self.protect(tcp, floor, &goal.host).await?));
            self.settle(Moment::Protected);
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, moment: Moment) {
        self.control.moment = moment;
        self.control.options = self.control.options.clone().connected();
    }

    /// Whether the connection may go on: its capability may have been revoked (R1.17).
    fn allowed(&self) -> Result<(), ServerError> {
        let at = self.information.remote_address.ok_or(ServerError::Closed)?;
        match self.information.by_proxy {
            true => self.permission.permits_proxy(at)?,
            false => self.permission.permits(at)?,
        }
        Ok(())
    }

    /// Round trip times so far; zeros if the system does not tell.
    pub fn statistics(&self) -> RoundTripTimeStatistics {
        match (&self.face, self.information.local_address, self.information.remote_address) {
            (Face::Protected(wire), ..) => wire.statistics(),
            (Face::Plain(_), Some(local), Some(remote)) => round_trips(local, remote, &self.meter),
            _ => RoundTripTimeStatistics::default(),
        }
    }

    /// How fast bytes get through; zeros if the system does not tell.
    pub fn bandwidth(&self) -> BandwidthStatistics {
        match (&self.face, self.information.local_address, self.information.remote_address) {
            (Face::Plain(_) | Face::Protected(_), Some(local), Some(remote)) => bandwidth(local, remote),
            _ => BandwidthStatistics::default(),
        }
    }

    /// Counts the bytes carried.
    pub fn meter(&self) -> &Arc<Meter> {
        match &self.face {
            Face::Protected(wire) => wire.meter(),
            Face::None | Face::Plain(_) => &self.meter,
        }
    }

    /// Ends the connection in order: what was written arrives, then the server reads the end.
    ///
    /// # Errors
    /// [`ServerError::Interrupted`] if the proper end could not be sent.
    pub async fn close(mut self) -> Result<(), ServerError> {
        match std::mem::replace(&mut self.face, Face::None) {
            Face::None => Ok(()),
            Face::Protected(wire) => Ok(wire.close(std::time::Duration::from_millis(500)).await?),
            Face::Plain(mut tcp) => {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                tcp.shutdown().await?;
                // Unread bytes would turn our FIN into a reset and destroy what is on its way.
                let mut sink = [0; 4096];
                let drain = async { while let Ok(1..) = tcp.read(&mut sink).await {} };
                let _ = timeout(std::time::Duration::from_millis(500), drain).await;
                Ok(())
            }
        }
    }

    /// Takes what carries the bytes; the socket is closed unless something is put back.
    pub(super) fn take_face(&mut self) -> Face {
        self.closed = true;
        std::mem::replace(&mut self.face, Face::None)
    }

    pub(super) fn put_face(&mut self, face: Face) {
        self.closed = false;
        self.face = face;
    }
}

impl AsyncRead for StreamSocket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.allowed()?;
        let Self { face, meter, .. } = &mut *self;
        match face {
            Face::None => Poll::Ready(Err(ServerError::Closed.into())),
            Face::Plain(tcp) => {
                let before = buf.filled().len();
                ready!(Pin::new(tcp).poll_read(cx, buf))?;
                meter.received(buf.filled().len() - before);
                Poll::Ready(Ok(()))
            }
            Face::Protected(wire) => {
                wire.alive().map_err(ServerError::from)?;
                let outcome = ready!(wire.poll_read(cx, buf.initialize_unfilled()));
                wire.set_dead(outcome.is_err());
                buf.advance(outcome.map_err(ServerError::from)?);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for StreamSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.allowed()?;
        let Self { face, meter, .. } = &mut *self;
        match face {
            Face::None => Poll::Ready(Err(ServerError::Closed.into())),
            Face::Plain(tcp) => {
                let count = ready!(Pin::new(tcp).poll_write(cx, from))?;
                meter.sent(count);
                Poll::Ready(Ok(count))
            }
            Face::Protected(wire) => {
                wire.alive().map_err(ServerError::from)?;
                wire.poll_write(cx, from).map_err(|error| ServerError::from(error).into())
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.face {
            Face::None => Poll::Ready(Err(ServerError::Closed.into())),
            Face::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Face::Protected(wire) => {
                wire.alive().map_err(ServerError::from)?;
                wire.poll_push(cx).map_err(|error| ServerError::from(error).into())
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.face {
            Face::None => Poll::Ready(Err(ServerError::Closed.into())),
            Face::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Face::Protected(wire) => {
                wire.alive().map_err(ServerError::from)?;
                wire.poll_close(cx).map_err(|error| ServerError::from(error).into())
            }
        }
    }
}

impl fmt::Debug for StreamSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamSocket").field("information", &self.information).finish_non_exhaustive()
    }
}

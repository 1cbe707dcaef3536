//! Options of a socket, set before it is connected or bound (R3.10, R3.11).

use crate::SocketError;
use socket2::{SockRef, TcpKeepalive};
use std::{io, net::SocketAddr, time::Duration};

/// IPv4 type of service and IPv6 traffic class for low latency; Linux derives the queue from it.
const LOW_DELAY: u32 = 0x10;
/// How long a connection is silent before TCP asks whether the other end is still there.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(60);
/// How often TCP asks, and how often in vain before the connection is given up.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TRIES: u32 = 3;

/// How urgently packets are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum QualityOfService {
    /// As everything else.
    #[default]
    Normal = 0,
    /// Before bulk data.
    LowLatency = 1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Connected,
    Bound,
}

/// The options. Each setter fails once a connection or listener was made with them; the one exception is the outbound
/// buffer of a connected socket, which then has no effect and is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSocketControl {
    keep_alive: bool,
    no_delay: bool,
    hop_limit: u8,
    quality: QualityOfService,
    outbound_buffer: Option<u32>,
    stage: Stage,
}

impl Default for StreamSocketControl {
    fn default() -> Self {
        Self {
            keep_alive: false,
            no_delay: true,
            hop_limit: 128,
            quality: QualityOfService::Normal,
            outbound_buffer: None,
            stage: Stage::Open,
        }
    }
}

impl StreamSocketControl {
    /// Whether TCP asks a silent peer, after a minute, if it is still there.
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether small writes are sent at once (no Nagle algorithm).
    pub fn no_delay(&self) -> bool {
        self.no_delay
    }

    /// Hop limit (IPv6) or time to live (IPv4).
    pub fn hop_limit(&self) -> u8 {
        self.hop_limit
    }

    /// How urgently packets are sent.
    pub fn quality_of_service(&self) -> QualityOfService {
        self.quality
    }

    /// Bytes of the send buffer; `None` leaves it to the system, which adapts it.
    pub fn outbound_buffer(&self) -> Option<u32> {
        self.outbound_buffer
    }

    /// Sets [`Self::keep_alive`].
    ///
    /// # Errors
    /// [`SocketError::AlreadySettled`].
    pub fn set_keep_alive(&mut self, on: bool) -> Result<(), SocketError> {
        self.open("keep-alive")?;
        self.keep_alive = on;
        Ok(())
    }

    /// Sets [`Self::no_delay`].
    ///
    /// # Errors
    /// [`SocketError::AlreadySettled`].
    pub fn set_no_delay(&mut self, on: bool) -> Result<(), SocketError> {
        self.open("no-delay")?;
        self.no_delay = on;
        Ok(())
    }

    /// Sets [`Self::hop_limit`]; 1 to 255.
    ///
    /// # Errors
    /// [`SocketError::AlreadySettled`]; [`SocketError::Misuse`] for 0.
    pub fn set_hop_limit(&mut self, hops: u8) -> Result<(), SocketError> {
        self.open("the hop limit")?;
        if hops == 0 {
            return Err(SocketError::Misuse("a hop limit is at least 1"));
        }
        self.hop_limit = hops;
        Ok(())
    }

    /// Sets [`Self::quality_of_service`].
    ///
    /// # Errors
    /// [`SocketError::AlreadySettled`].
    pub fn set_quality_of_service(&mut self, quality: QualityOfService) -> Result<(), SocketError> {
        self.open("the quality of service")?;
        self.quality = quality;
        Ok(())
    }

    /// Sets [`Self::outbound_buffer`]; this switches the system's own adaptation off. Has no effect on a connected
    /// socket.
    ///
    /// # Errors
    /// [`SocketError::AlreadySettled`] on a listener that was bound.
    pub fn set_outbound_buffer(&mut self, bytes: u32) -> Result<(), SocketError> {
        match self.stage {
            Stage::Connected => Ok(()),
            Stage::Bound => Err(SocketError::AlreadySettled("the outbound buffer")),
            Stage::Open => {
                self.outbound_buffer = Some(bytes);
                Ok(())
            }
        }
    }

    fn open(&self, what: &'static str) -> Result<(), SocketError> {
        if self.stage == Stage::Open { Ok(()) } else { Err(SocketError::AlreadySettled(what)) }
    }

    /// The same options, settled by a connection.
    pub(crate) fn connected(mut self) -> Self {
        self.stage = Stage::Connected;
        self
    }

    /// The same options, settled by a listener.
    pub(crate) fn bound(mut self) -> Self {
        self.stage = Stage::Bound;
        self
    }

    /// Puts the options on a socket of the address's family.
    pub(crate) fn apply(&self, socket: &SockRef<'_>, family: SocketAddr) -> io::Result<()> {
        socket.set_tcp_nodelay(self.no_delay)?;
        if self.keep_alive {
            let watch = TcpKeepalive::new().with_time(KEEP_ALIVE_AFTER);
            // The systems' own patience is up to eleven minutes more.
            socket.set_tcp_keepalive(&watch.with_interval(KEEP_ALIVE_EVERY).with_retries(KEEP_ALIVE_TRIES))?;
        }
        if let Some(bytes) = self.outbound_buffer {
            socket.set_send_buffer_size(usize::try_from(bytes).unwrap_or(usize::MAX))?;
        }
        let hops = u32::from(self.hop_limit);
        let class = match self.quality {
            QualityOfService::Normal => None,
            QualityOfService::LowLatency => Some(LOW_DELAY),
        };
        if family.is_ipv4() {
            socket.set_ttl_v4(hops)?;
            class.map_or(Ok(()), |class| socket.set_tos_v4(class))
        } else {
            socket.set_unicast_hops_v6(hops)?;
            class.map_or(Ok(()), |class| socket.set_tclass_v6(class))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Socket, Type};

    #[test]
    fn r3_10_each_option_reaches_the_socket() {
        let mut control = StreamSocketControl::default();
        assert!(control.no_delay() && !control.keep_alive() && control.hop_limit() == 128);
        control.set_keep_alive(true).unwrap();
        control.set_no_delay(false).unwrap();
        control.set_hop_limit(9).unwrap();
        control.set_quality_of_service(QualityOfService::LowLatency).unwrap();
        control.set_outbound_buffer(20_000).unwrap();
        for (domain, at) in [(Domain::IPV4, "127.0.0.1:0"), (Domain::IPV6, "[::1]:0")] {
            let socket = Socket::new(domain, Type::STREAM, None).unwrap();
            control.apply(&SockRef::from(&socket), at.parse().unwrap()).unwrap();
            assert!(socket.keepalive().unwrap() && !socket.tcp_nodelay().unwrap());
            let (hops, class) = match domain {
                Domain::IPV4 => (socket.ttl_v4().unwrap(), socket.tos_v4().unwrap()),
                _ => (socket.unicast_hops_v6().unwrap(), socket.tclass_v6().unwrap()),
            };
            assert_eq!((hops, class), (9, LOW_DELAY));
            assert!(socket.send_buffer_size().unwrap() >= 20_000);
        }
    }

    #[test]
    fn r3_10_options_are_settled_by_connecting() {
        let mut control = StreamSocketControl::default().connected();
        assert!(control.set_keep_alive(true).is_err() && control.set_no_delay(false).is_err());
        assert!(control.set_hop_limit(3).is_err());
        assert!(control.set_quality_of_service(QualityOfService::LowLatency).is_err());
        control.set_outbound_buffer(1).unwrap();
        assert_eq!(control, StreamSocketControl::default().connected());
    }

    #[test]
    fn r3_11_a_bound_listener_takes_no_option_any_more() {
        let mut control = StreamSocketControl::default().bound();
        assert!(control.set_outbound_buffer(1).is_err() && control.set_keep_alive(true).is_err());
    }
}

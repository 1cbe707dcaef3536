//! Round trip times of a TCP connection (R3.28), asked of the system over its socket diagnosis interface (sock_diag(7)):
//! the same figures as the socket option TCP_INFO, which safe code cannot ask for. Microseconds; 0 if the system does
//! not tell.

use crate::proof::Meter;
use std::net::SocketAddr;

/// Round trip times, microseconds; 0 if not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoundTripTimeStatistics {
    /// The shortest the system has seen.
    pub min: u64,
    /// The longest of the smoothed values asked for on this connection.
    pub max: u64,
    /// The smoothed value.
    pub smoothed: u64,
    /// Mean deviation.
    pub variance: u64,
}

/// How fast bytes get through; 0 if not known. Which way the system does not measure stays 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BandwidthStatistics {
    /// What the other end has lately acknowledged, bits a second.
    pub outbound_bits_per_second: u64,
    /// Not measured by the system.
    pub inbound_bits_per_second: u64,
}

/// What the system tells about one connection.
#[derive(Debug, Default)]
struct Figures {
    smoothed: u64,
    variance: u64,
    min: u64,
    /// Bytes a second.
    delivery: u64,
}

/// Asks the system about the connection between two addresses of this network namespace.
pub(crate) fn round_trips(local: SocketAddr, remote: SocketAddr, meter: &Meter) -> RoundTripTimeStatistics {
    let Some(Figures { smoothed, variance, min, .. }) = diagnosis::ask(local, remote) else {
        return RoundTripTimeStatistics::default();
    };
    RoundTripTimeStatistics { min, max: meter.slowest(smoothed), smoothed, variance }
}

/// The same for the speed.
pub(crate) fn bandwidth(local: SocketAddr, remote: SocketAddr) -> BandwidthStatistics {
    let figures = diagnosis::ask(local, remote).unwrap_or_default();
    BandwidthStatistics { outbound_bits_per_second: figures.delivery.saturating_mul(8), inbound_bits_per_second: 0 }
}

#[cfg(target_os = "linux")]
mod diagnosis {
    use super::Figures;
    use socket2::{Domain, Protocol, Socket, Type};
    use std::{
        io::{Read, Write},
        net::{IpAddr, SocketAddr},
        time::Duration,
    };

    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    const AF_NETLINK: i32 = 16;
    const NETLINK_SOCK_DIAG: i32 = 4;
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLM_F_REQUEST: u16 = 1;
    const IPPROTO_TCP: u8 = 6;
    /// Attribute 2 (`struct tcp_info`) and the bit that asks for it.
    const INET_DIAG_INFO: u16 = 2;
    const WANT_INFO: u8 = 1 << (INET_DIAG_INFO - 1);
    /// Lengths of `struct nlmsghdr` and `struct inet_diag_msg`.
    const MESSAGE_HEADER: usize = 16;
    const DIAG: usize = 72;
    /// Offsets in `struct tcp_info`.
    const RTT: usize = 68;
    const RTT_VARIANCE: usize = 72;
    const MIN_RTT: usize = 148;
    const DELIVERY_RATE: usize = 160;

    pub(super) fn ask(local: SocketAddr, remote: SocketAddr) -> Option<Figures> {
        let kind = Socket::new(Domain::from(AF_NETLINK), Type::DGRAM, Some(Protocol::from(NETLINK_SOCK_DIAG)));
        let mut socket = kind.ok()?;
        socket.set_read_timeout(Some(Duration::from_millis(100))).ok()?;
        socket.write_all(&request(local, remote)).ok()?;
        let mut answer = [0; 4096];
        let length = socket.read(&mut answer).ok()?;
        figures(answer.get(..length)?)
    }

    /// `struct nlmsghdr` and `struct inet_diag_req_v2`: one connection, by its addresses, in whatever state.
    fn request(local: SocketAddr, remote: SocketAddr) -> Vec<u8> {
        let mapped = |ip: IpAddr| match ip.to_canonical() {
            IpAddr::V4(v4) => [&v4.octets()[..], &[0; 12]].concat(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        let family = if local.ip().to_canonical().is_ipv4() { AF_INET } else { AF_INET6 };
        let mut body = vec![family, IPPROTO_TCP, WANT_INFO, 0];
        body.extend(u32::MAX.to_ne_bytes());
        body.extend(local.port().to_be_bytes());
        body.extend(remote.port().to_be_bytes());
        body.extend(mapped(local.ip()));
        body.extend(mapped(remote.ip()));
        let interface = match local {
            SocketAddr::V6(v6) => v6.scope_id(),
            SocketAddr::V4(_) => 0,
        };
        body.extend(interface.to_ne_bytes());
        body.extend([0xff; 8]); // no cookie
        let mut out = Vec::with_capacity(MESSAGE_HEADER + body.len());
        out.extend(u32::try_from(MESSAGE_HEADER + body.len()).unwrap_or_default().to_ne_bytes());
        out.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        out.extend(NLM_F_REQUEST.to_ne_bytes());
        out.extend([0; 8]); // sequence number, port
        out.extend(body);
        out
    }

    fn figures(answer: &[u8]) -> Option<Figures> {
        let kind = answer.get(4..6)?;
        if kind != SOCK_DIAG_BY_FAMILY.to_ne_bytes() {
            return None;
        }
        let mut attributes = answer.get(MESSAGE_HEADER + DIAG..)?;
        loop {
            let length = usize::from(u16::from_ne_bytes(attributes.get(..2)?.try_into().ok()?));
            let kind = u16::from_ne_bytes(attributes.get(2..4)?.try_into().ok()?);
            let value = attributes.get(4..length)?;
            if kind == INET_DIAG_INFO {
                let at = |offset: usize| {
                    let field = value.get(offset..offset + 4)?.try_into().ok()?;
                    Some(u64::from(u32::from_ne_bytes(field)))
                };
                let min = at(MIN_RTT).filter(|min| *min != u64::from(u32::MAX));
                let rate = value.get(DELIVERY_RATE..DELIVERY_RATE + 8).and_then(|field| field.try_into().ok());
                return Some(Figures {
                    smoothed: at(RTT)?,
                    variance: at(RTT_VARIANCE)?,
                    min: min.unwrap_or(0),
                    delivery: rate.map(u64::from_ne_bytes).unwrap_or(0),
                });
            }
            attributes = attributes.get(length.next_multiple_of(4)..)?;
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod diagnosis {
    use super::Figures;
    use std::net::SocketAddr;

    pub(super) fn ask(_local: SocketAddr, _remote: SocketAddr) -> Option<Figures> {
        None
    }
}

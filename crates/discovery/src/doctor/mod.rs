//! Questions for when nobody is seen. Costs nothing until asked.
//!
//! [`echo`] sends one query per interface from a port of its own, so that every responder answers to that port directly
//! (RFC 6762 section 6.7): our own answer shows that multicast leaves and is heard on this machine, answers of others
//! show that the network carries it. [`port_5353`] says who else has the mDNS port. What is *not* here: judging.

mod port;

pub use port::{Holder, port_5353};

use crate::{
    fault::DiscoveryError,
    interfaces::{Interface, Subnet},
};
use hither_capability::{Discover, Grant};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    time::Duration,
};
use tokio::{net::UdpSocket, task::JoinSet, time::Instant};

const PORT: u16 = 5353;
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
/// Our service, and the question which services there are: most responders answer at least that one (RFC 6763 section 9).
const QUESTIONS: [&[&str]; 2] = [&["_hither", "_tcp", "local"], &["_services", "_dns-sd", "_udp", "local"]];
/// Answering hosts that are counted.
const MAX_OTHERS: usize = 1_000;

/// Who answered on one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// The interface.
    pub interface: String,
    /// This machine: our responder, while we are announced, or the system's.
    pub own: bool,
    /// How many other addresses did.
    pub others: usize,
    /// Why the question could not be asked, in the system's words.
    pub trouble: Option<String>,
}

/// Asks on each interface who speaks mDNS, and collects answers for `wait` (a second is plenty).
///
/// # Errors
/// [`DiscoveryError::Denied`]. Trouble with one interface is told in its [`Echo`].
pub async fn echo(
    grant: &Grant<Discover>,
    interfaces: &[Interface],
    wait: Duration,
) -> Result<Vec<Echo>, DiscoveryError> {
    grant.check()?;
    let own: BTreeSet<IpAddr> = interfaces.iter().flat_map(|i| i.addrs.iter().map(|a| a.ip)).collect();
    let mut asking = JoinSet::new();
    for (number, interface) in interfaces.iter().cloned().enumerate() {
        let own = own.clone();
        asking.spawn(async move {
            let name = interface.name.clone();
            let found = ask(&interface, &own, wait).await;
            let trouble = found.as_ref().err().map(ToString::to_string);
            let (own, others) = found.unwrap_or_default();
            (number, Echo { interface: name, own, others: others.len(), trouble })
        });
    }
    let mut echoes: Vec<(usize, Echo)> = asking.join_all().await;
    echoes.sort_by_key(|(number, _)| *number);
    Ok(echoes.into_iter().map(|(_, echo)| echo).collect())
}

async fn ask(interface: &Interface, own: &BTreeSet<IpAddr>, wait: Duration) -> io::Result<(bool, BTreeSet<IpAddr>)> {
    let id = u16::try_from(std::process::id() & 0xffff).unwrap_or(1) | 1;
    let (socket, group) = open(interface)?;
    socket.send_to(&query(id), group).await?;
    let until = Instant::now() + wait;
    let (mut from_us, mut others) = (false, BTreeSet::new());
    let mut buffer = vec![0; 9_000];
    while let Ok(received) = tokio::time::timeout_at(until, socket.recv_from(&mut buffer)).await {
        let Ok((length, from)) = received else { continue };
        if !buffer.get(..length).is_some_and(|packet| answers(packet, id)) {
            continue;
        }
        if own.contains(&from.ip()) {
            from_us = true;
        } else if others.len() < MAX_OTHERS {
            others.insert(from.ip());
        }
    }
    Ok((from_us, others))
}

/// A socket on a port of its own that sends through this interface, and where to.
fn open(interface: &Interface) -> io::Result<(UdpSocket, SocketAddr)> {
    let v4 = interface.addrs.iter().find_map(|Subnet { ip, .. }| match ip {
        IpAddr::V4(ip) => Some(*ip),
        IpAddr::V6(_) => None,
    });
    let (socket, bind, group): (Socket, SocketAddr, SocketAddr) = match v4 {
        Some(ip) => {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_multicast_if_v4(&ip)?;
            socket.set_multicast_ttl_v4(255)?;
            (socket, (ip, 0).into(), (GROUP_V4, PORT).into())
        }
        None => {
            let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_only_v6(true)?;
            socket.set_multicast_if_v6(interface.index)?;
            socket.set_multicast_hops_v6(255)?;
            (socket, (Ipv6Addr::UNSPECIFIED, 0).into(), SocketAddrV6::new(GROUP_V6, PORT, 0, interface.index).into())
        }
    };
    socket.set_nonblocking(true)?;
    socket.bind(&bind.into())?;
    Ok((UdpSocket::from_std(socket.into())?, group))
}

/// A DNS query for the pointers of [`QUESTIONS`].
fn query(id: u16) -> Vec<u8> {
    const POINTER_INTERNET: [u8; 4] = [0, 12, 0, 1];
    let mut packet = id.to_be_bytes().to_vec();
    packet.extend([0, 0, 0, u8::try_from(QUESTIONS.len()).unwrap_or(0), 0, 0, 0, 0, 0, 0]);
    for name in QUESTIONS {
        for label in name {
            packet.push(u8::try_from(label.len()).unwrap_or(0));
            packet.extend(label.bytes());
        }
        packet.push(0);
        packet.extend(POINTER_INTERNET);
    }
    packet
}

/// Whether a packet is a response to our query with at least one answer. Nothing in it is believed.
fn answers(packet: &[u8], id: u16) -> bool {
    let [high, low, flags, _, _, _, many, few, _, _, _, _, ..] = packet else { return false };
    u16::from_be_bytes([*high, *low]) == id && flags & 0x80 != 0 && (*many, *few) != (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_a_query_and_only_an_answer_to_it_counts() {
        let asked = query(0x1234);
        assert_eq!(asked.get(..12).unwrap(), [0x12, 0x34, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]);
        let ours = b"\x07_hither\x04_tcp\x05local\0\0\x0c\0\x01";
        assert_eq!(asked.get(12..12 + ours.len()).unwrap(), ours);
        let mut answer = asked.clone();
        assert!(!answers(&answer, 0x1234), "a query is no answer");
        answer[2] = 0x84;
        assert!(!answers(&answer, 0x1234), "without records it is none either");
        answer[7] = 1;
        assert!(answers(&answer, 0x1234) && !answers(&answer, 0x4321) && !answers(&answer[..11], 0x1234));
    }
}

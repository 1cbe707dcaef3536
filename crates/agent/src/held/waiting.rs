//! Waiting at a socket without reading from it: that something is there, that its other end is gone, or that nothing came for a
//! time (R4.7–R4.10). Also what a descriptor is, as the system says.

use hither_broker::Reason;
use hither_model::row::HeldKind;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SocketType, getpeername, getsockname, recv,
        sockopt::{socket_acceptconn, socket_domain, socket_type},
    },
};
use std::{
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};
use tokio::net::unix::pipe::Receiver;

/// What a descriptor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nature {
    pub(super) kind: HeldKind,
    pub(super) local: Option<String>,
    pub(super) remote: Option<String>,
    /// Whether it reaches, or is reached from, beyond this machine.
    pub(super) beyond: bool,
}

/// Looks at a descriptor.
///
/// # Errors
/// It is no socket, or none of a kind that is held.
pub(super) fn nature(fd: impl AsFd) -> Result<Nature, String> {
    let fd = fd.as_fd();
    let sort = socket_type(fd).map_err(|_| "the descriptor is no socket".to_owned())?;
    let domain = socket_domain(fd).map_err(|e| e.to_string())?;
    if ![AddressFamily::INET, AddressFamily::INET6, AddressFamily::UNIX].contains(&domain) {
        return Err("only Internet and Unix sockets are held".into());
    }
    let kind = match sort {
        SocketType::STREAM | SocketType::SEQPACKET => {
            let listens = socket_acceptconn(fd).map_err(|e| e.to_string())?;
            if listens { HeldKind::Listener } else { HeldKind::Stream }
        }
        SocketType::DGRAM => HeldKind::Datagram,
        _ => return Err("only streams, listeners and datagrams are held".into()),
    };
    let (ours, theirs) = (getsockname(fd).ok(), getpeername(fd).ok().flatten());
    if domain == AddressFamily::UNIX {
        let path = ours.and_then(|a| rustix::net::SocketAddrUnix::try_from(a).ok());
        let local = path.and_then(|a| a.path().map(|p| p.to_string_lossy().into_owned()));
        return Ok(Nature { kind, local, remote: None, beyond: false });
    }
    let [ours, theirs] = [ours, theirs].map(|a| a.and_then(|a| SocketAddr::try_from(a).ok()));
    let near = |a: &SocketAddr| home(a.ip());
    let beyond = !theirs.as_ref().or(ours.as_ref()).is_some_and(near);
    let [local, remote] = [ours, theirs].map(|a| a.map(|a| a.to_string()));
    Ok(Nature { kind, local, remote, beyond })
}

fn home(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Waits until a program is wanted for the socket. Nothing is read.
///
/// # Errors
/// The system cannot wait for it.
pub(super) async fn wanted(fd: OwnedFd, kind: HeldKind, keep_alive: Option<Duration>) -> std::io::Result<Reason> {
    let ready = async {
        loop {
            // Only waited for, and a pipe is waited for as a socket is. A new one is told what is so already.
            let waits = Receiver::from_owned_fd_unchecked(fd.try_clone()?)?;
            waits.readable().await?;
            if let Some(reason) = look(&fd, kind) {
                return Ok(reason);
            }
        }
    };
    match keep_alive {
        None => ready.await,
        Some(time) => tokio::time::timeout(time, ready).await.unwrap_or(Ok(Reason::KeepAliveTimerExpired)),
    }
}

/// What is so now.
fn look(fd: &OwnedFd, kind: HeldKind) -> Option<Reason> {
    if kind == HeldKind::Listener {
        let mut one = [PollFd::new(fd, PollFlags::IN)];
        let there = poll(&mut one, Some(&Timespec::default()));
        return there.is_ok_and(|count| count > 0).then_some(Reason::ConnectionAccepted);
    }
    match recv(fd, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        // A datagram may be empty.
        Ok((0, _)) if kind == HeldKind::Stream => Some(Reason::SocketClosed),
        Ok(_) => Some(Reason::SocketActivity),
        Err(Errno::AGAIN | Errno::INTR) => None,
        // Nobody was there for a datagram that was sent: the next one may find somebody.
        Err(_) if kind == HeldKind::Datagram => None,
        Err(_) => Some(Reason::SocketClosed),
    }
}

/// Whether a network beyond this machine is up (R4.14): some interface has an address that is good for more than its own link.
pub(super) fn online() -> bool {
    let good = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local() && !ip.is_unspecified(),
    };
    if_addrs::get_if_addrs().unwrap_or_default().iter().any(|interface| good(interface.ip()))
}

//! Lending services between devices near: which addresses of this machine may be lent, where one of another device's may
//! be reached, and the grants for both. The session between the two is under `proximity`, and so is this.
//!
//! Addresses are taken as they are written, never looked up: the address that is checked is the one connected to (W1).

use super::{Grant, canonical};
use crate::{
    capability::Capability,
    denied::Denied,
    endpoint::{EndpointClass, critical_port},
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, atomic::AtomicBool},
};

/// May connect to one service of this machine for another device.
#[derive(Debug, Clone)]
pub struct Lend {
    target: SocketAddr,
}

/// May accept connections of this machine's programs for a service of another device.
#[derive(Debug, Clone)]
pub struct Forward {
    bind: SocketAddr,
}

/// The address of a service as a person writes it: `127.0.0.1:22`, `[::1]:22` or `localhost:22`, which is `127.0.0.1`.
///
/// # Errors
/// [`Denied::Spelling`] for everything else, names and short or numeric spellings of addresses among them.
pub fn spelt(text: &str) -> Result<SocketAddr, Denied> {
    let text = text.trim();
    if let Some(port) = text.strip_prefix("localhost:").and_then(digits) {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    let port = text.rsplit_once(':').and_then(|(_, port)| digits(port));
    match (text.parse(), port) {
        (Ok(address), Some(_)) => Ok(address),
        _ => Err(Denied::Spelling { text: text.chars().take(64).collect() }),
    }
}

/// A port as people write it: no sign, no leading zero.
fn digits(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// Whether this is an address of this machine's own, in its plain spelling: 127.0.0.0/8 or ::1.
fn own(address: SocketAddr) -> Result<(), Denied> {
    let plain = match address {
        SocketAddr::V4(v4) => v4.ip().is_loopback(),
        SocketAddr::V6(v6) => *v6.ip() == Ipv6Addr::LOCALHOST && v6.scope_id() == 0 && v6.flowinfo() == 0,
    };
    match (plain, address.ip()) {
        (true, _) => Ok(()),
        (false, IpAddr::V6(ip)) if EndpointClass::of(ip.into()) == EndpointClass::Loopback => {
            Err(Denied::Spelling { text: address.to_string() })
        }
        (false, ip) => Err(Denied::NotOwn { address, class: EndpointClass::of(ip) }),
    }
}

impl Grant<Lend> {
    pub(crate) fn lend(
        capability: Capability,
        revoked: Arc<AtomicBool>,
        loopback: bool,
        target: SocketAddr,
    ) -> Result<Self, Denied> {
        own(target)?;
        if target.port() == 0 {
            return Err(Denied::Spelling { text: target.to_string() });
        }
        Ok(Self { capability, revoked, loopback, purpose: Lend { target } })
    }

    /// The address to connect to, if it still may be. Ask right before connecting.
    ///
    /// # Errors
    /// [`Denied::Revoked`].
    pub fn target(&self) -> Result<SocketAddr, Denied> {
        self.unrevoked()?;
        Ok(self.purpose.target)
    }
}

impl Grant<Forward> {
    pub(crate) fn forward(
        capability: Capability,
        revoked: Arc<AtomicBool>,
        loopback: bool,
        bind: SocketAddr,
    ) -> Result<Self, Denied> {
        own(bind)?;
        if critical_port(bind.port()) {
            return Err(Denied::CriticalPort { port: bind.port() });
        }
        Ok(Self { capability, revoked, loopback, purpose: Forward { bind } })
    }

    /// The address to listen on, if it still may be. Port 0 is any free one.
    ///
    /// # Errors
    /// [`Denied::Revoked`].
    pub fn bind(&self) -> Result<SocketAddr, Denied> {
        self.unrevoked()?;
        Ok(self.purpose.bind)
    }

    /// Whether a connection that came from there may be taken: from this machine, while the grant holds.
    ///
    /// # Errors
    /// [`Denied::Revoked`], [`Denied::NotOwn`].
    pub fn permits(&self, from: SocketAddr) -> Result<(), Denied> {
        self.unrevoked()?;
        own(canonical(from))
    }
}

#[cfg(test)]
mod tests;

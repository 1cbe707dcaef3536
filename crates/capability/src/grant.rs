//! The values without which nothing is sent. Only [`Gate`](crate::Gate) makes them.
//!
//! A grant is looked at again at every use: revoking its capability kills every grant made under it at once, and they
//! stay dead when the capability is granted again. A dial grant also ends with its session (R1.11).

mod lend;

pub use lend::{Forward, Lend, spelt};

use crate::{
    capability::Capability,
    denied::Denied,
    endpoint::{EndpointClass, canonical, critical_port},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// May look for devices and let itself be found.
#[derive(Debug, Clone)]
pub struct Discover {
    _sealed: (),
}

/// May accept connections.
#[derive(Debug, Clone)]
pub struct Listen {
    _sealed: (),
}

/// May open connections to the addresses one consent was given for.
#[derive(Debug)]
pub struct Dial {
    subject: String,
    routes: Vec<SocketAddr>,
    lease: Arc<Lease>,
}

/// How long a dial grant lives: until it or the grant it was narrowed from is ended.
#[derive(Debug, Default)]
struct Lease {
    ended: AtomicBool,
    parent: Option<Arc<Lease>>,
}

impl Lease {
    fn is_over(&self) -> bool {
        self.ended.load(Ordering::Acquire) || self.parent.as_ref().is_some_and(|parent| parent.is_over())
    }
}

/// Permission to do `P` under a capability, until the capability is revoked.
///
/// Nobody but the gate can make one:
///
/// ```compile_fail
/// use hither_capability::{Capability, Grant, Listen};
/// let forged = Grant::<Listen>::listen(Capability::Proximity, Default::default(), true);
/// ```
#[derive(Debug, Clone)]
pub struct Grant<P> {
    capability: Capability,
    revoked: Arc<AtomicBool>,
    loopback: bool,
    purpose: P,
}

impl<P> Grant<P> {
    /// The capability it was made under.
    pub fn capability(&self) -> Capability {
        self.capability
    }

    /// Whether several agents on one machine may talk to each other through loopback; never so in normal use (R1.8).
    pub fn loopback(&self) -> bool {
        self.loopback
    }

    fn unrevoked(&self) -> Result<(), Denied> {
        if self.revoked.load(Ordering::Acquire) { Err(Denied::Revoked(self.capability)) } else { Ok(()) }
    }
}

impl Grant<Discover> {
    pub(crate) fn discover(capability: Capability, revoked: Arc<AtomicBool>, loopback: bool) -> Self {
        Self { capability, revoked, loopback, purpose: Discover { _sealed: () } }
    }

    /// Whether it still holds. Ask before every packet.
    ///
    /// # Errors
    /// [`Denied::Revoked`].
    pub fn check(&self) -> Result<(), Denied> {
        self.unrevoked()
    }
}

impl Grant<Listen> {
    pub(crate) fn listen(capability: Capability, revoked: Arc<AtomicBool>, loopback: bool) -> Self {
        Self { capability, revoked, loopback, purpose: Listen { _sealed: () } }
    }

    /// Whether it still holds. Ask before every accept.
    ///
    /// # Errors
    /// [`Denied::Revoked`].
    pub fn check(&self) -> Result<(), Denied> {
        self.unrevoked()
    }

    /// Whether a listener may be bound there. Port 0 (any free port) and the unspecified address (all interfaces) may.
    ///
    /// # Errors
    /// [`Denied::CriticalPort`] (R1.7), [`Denied::Address`] for places no listener belongs, [`Denied::Revoked`].
    pub fn permits(&self, address: SocketAddr) -> Result<(), Denied> {
        self.check()?;
        let class = EndpointClass::of(address.ip());
        if class != EndpointClass::Unspecified && !class.dialable(self.loopback) {
            return Err(Denied::Address { address, class });
        }
        if critical_port(address.port()) {
            return Err(Denied::CriticalPort { port: address.port() });
        }
        Ok(())
    }
}

impl Grant<Dial> {
    pub(crate) fn dial(
        capability: Capability,
        revoked: Arc<AtomicBool>,
        loopback: bool,
        subject: String,
        routes: Vec<SocketAddr>,
    ) -> Self {
        let routes = routes.into_iter().map(canonical).collect();
        Self { capability, revoked, loopback, purpose: Dial { subject, routes, lease: Arc::default() } }
    }

    /// Whether it still holds.
    ///
    /// # Errors
    /// [`Denied::Revoked`], [`Denied::Ended`].
    pub fn check(&self) -> Result<(), Denied> {
        self.unrevoked()?;
        if self.purpose.lease.is_over() {
            return Err(Denied::Ended { subject: self.purpose.subject.clone() });
        }
        Ok(())
    }

    /// Whether a connection to `address` may be opened now: exactly an address the consent was given for, of a kind
    /// where another device can be. Ask right before connecting, with the very address that is connected to.
    ///
    /// # Errors
    /// [`Denied`]: revoked, ended, another address, an address that is never dialled, or a critical port.
    pub fn permits(&self, address: SocketAddr) -> Result<(), Denied> {
        self.check()?;
        if !self.purpose.routes.contains(&canonical(address)) {
            return Err(Denied::OtherAddress { address });
        }
        reachable(address, self.loopback)
    }

    /// Whether the device may be reached by that radio, or through that web server, now: exactly one the consent was given
    /// for.
    ///
    /// # Errors
    /// [`Denied`]: revoked, ended, another address, or one that is a place on a network.
    pub fn permits_tunnel(&self, address: SocketAddr) -> Result<(), Denied> {
        self.check()?;
        if !self.purpose.routes.contains(&canonical(address)) {
            return Err(Denied::OtherAddress { address });
        }
        match EndpointClass::of(address.ip()) {
            EndpointClass::Radio | EndpointClass::Web => Ok(()),
            class => Err(Denied::Address { address, class }),
        }
    }

    /// The same for radios alone.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn permits_radio(&self, address: SocketAddr) -> Result<(), Denied> {
        self.permits_tunnel(address)?;
        match EndpointClass::of(address.ip()) {
            EndpointClass::Radio => Ok(()),
            class => Err(Denied::Address { address, class }),
        }
    }

    /// The addresses it was given for that can be dialled, in the order of the consent.
    pub fn routes(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.purpose.routes.iter().copied().filter(|route| reachable(*route, self.loopback).is_ok())
    }

    /// Whom it is for.
    pub fn subject(&self) -> &str {
        &self.purpose.subject
    }

    /// The same permission for one address only: for the lanes of a session that was established there. It dies with
    /// this one; ending it leaves this one alive. Asking for an address outside this grant gives a grant for nothing.
    #[must_use]
    pub fn narrow(&self, address: SocketAddr) -> Grant<Dial> {
        let wanted = canonical(address);
        let routes = self.purpose.routes.iter().copied().filter(|route| *route == wanted).collect();
        let lease = Lease { ended: AtomicBool::new(false), parent: Some(Arc::clone(&self.purpose.lease)) };
        Grant {
            capability: self.capability,
            revoked: Arc::clone(&self.revoked),
            loopback: self.loopback,
            purpose: Dial { subject: self.purpose.subject.clone(), routes, lease: Arc::new(lease) },
        }
    }

    /// Ends it, and everything narrowed from it, for good. Call it when the session closes.
    pub fn end(&self) {
        self.purpose.lease.ended.store(true, Ordering::Release);
    }
}

/// Whether another device may be dialled there at all.
pub(crate) fn reachable(address: SocketAddr, loopback: bool) -> Result<(), Denied> {
    let class = EndpointClass::of(address.ip());
    if !class.dialable(loopback) {
        return Err(Denied::Address { address, class });
    }
    // Listeners never bind there, so whoever announces such a port aims us at another program.
    if address.port() == 0 || critical_port(address.port()) {
        return Err(Denied::CriticalPort { port: address.port() });
    }
    Ok(())
}

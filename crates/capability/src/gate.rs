//! The one place that decides what may be done here (R1.19). It lives in the agent, never in a window.

use crate::{
    capability::Capability,
    consent::Consent,
    denied::Denied,
    endpoint::is_place,
    grant::{Dial, Discover, Forward, Grant, Lend, Listen, reachable},
    manifest::Manifest,
    reach::{Networks, Zone},
};
use hither_model::row::CapabilityRow;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Makes grants, as far as the manifest declares and the person allows.
#[derive(Debug)]
pub struct Gate {
    manifest: Manifest,
    revoked: BTreeSet<Capability>,
    /// One flag per capability that grants out there share; replaced when a revoked capability is granted again.
    flags: BTreeMap<Capability, Arc<AtomicBool>>,
    loopback: bool,
}

impl Gate {
    /// A gate for this manifest. `revoked` is what the person took away earlier; `loopback` lets agents on one machine
    /// talk to each other and is for tests only (R1.8).
    pub fn new(manifest: Manifest, revoked: BTreeSet<Capability>, loopback: bool) -> Self {
        let flags = Capability::ALL.iter().map(|c| (*c, Arc::new(AtomicBool::new(revoked.contains(c))))).collect();
        Self { manifest, revoked, flags, loopback }
    }

    /// Every capability, for showing. `used_by` names what uses one at the moment.
    pub fn rows(&self, used_by: &dyn Fn(Capability) -> Vec<String>) -> Vec<CapabilityRow> {
        let row = |capability: &Capability| CapabilityRow {
            name: capability.name().to_owned(),
            declared: self.manifest.declares(*capability),
            granted: self.allows(*capability).is_ok(),
            used_by: used_by(*capability),
            allows: capability.allows().to_owned(),
            last_used: None,
            last_by: None,
        };
        Capability::ALL.iter().map(row).collect()
    }

    /// What the person has taken away; the caller keeps it for the next start.
    pub fn revoked(&self) -> &BTreeSet<Capability> {
        &self.revoked
    }

    /// Takes a capability away: every grant under it fails from now on, for good. True if it was granted before.
    ///
    /// The caller closes what is open under it (R1.17).
    pub fn revoke(&mut self, capability: Capability) -> bool {
        if let Some(flag) = self.flags.get(&capability) {
            flag.store(true, Ordering::Release);
        }
        self.revoked.insert(capability) && self.manifest.declares(capability)
    }

    /// Gives a declared capability back. Grants from before stay dead. True if it was revoked before.
    ///
    /// # Errors
    /// [`Denied::NotDeclared`]: what the manifest lacks cannot be had at run time (R1.18).
    pub fn restore(&mut self, capability: Capability) -> Result<bool, Denied> {
        if !self.manifest.declares(capability) {
            return Err(Denied::NotDeclared(capability));
        }
        let changed = self.revoked.remove(&capability);
        if changed {
            self.flags.insert(capability, Arc::default());
        }
        Ok(changed)
    }

    /// Whether the capability is declared and not revoked.
    ///
    /// # Errors
    /// [`Denied::NotDeclared`], [`Denied::Revoked`].
    pub fn allows(&self, capability: Capability) -> Result<(), Denied> {
        self.flag(capability).map(drop)
    }

    /// Permission to look for devices and to be found.
    ///
    /// # Errors
    /// [`Denied`] when `proximity` is not declared or was revoked.
    pub fn discover(&self) -> Result<Grant<Discover>, Denied> {
        let flag = self.flag(Capability::Proximity)?;
        Ok(Grant::discover(Capability::Proximity, flag, self.loopback))
    }

    /// Permission to accept connections from devices near.
    ///
    /// # Errors
    /// [`Denied`] when `proximity` is not declared or was revoked.
    pub fn listen(&self) -> Result<Grant<Listen>, Denied> {
        let flag = self.flag(Capability::Proximity)?;
        Ok(Grant::listen(Capability::Proximity, flag, self.loopback))
    }

    /// Permission to accept connections that come from beyond the devices near, at `address`: on a network the person trusts
    /// under either capability of a server, else under `internetClientServer` (R1.3, R1.4). An address of this machine counts
    /// as the Internet, for whatever web server listens there hands on who comes from there.
    ///
    /// # Errors
    /// [`Denied`] when the capability is not declared or was revoked.
    pub fn listen_beyond(&self, address: SocketAddr, networks: &Networks) -> Result<Grant<Listen>, Denied> {
        let mut held = [Capability::InternetClientServer].as_slice();
        if networks.zone(address.ip()) == Zone::Private {
            held = &[Capability::PrivateNetworkClientServer, Capability::InternetClientServer];
        }
        let mut denied = Denied::NotDeclared(Capability::InternetClientServer);
        for capability in held {
            match self.flag(*capability) {
                Ok(flag) => return Ok(Grant::listen(*capability, flag, true)),
                Err(why) => denied = why,
            }
        }
        Err(denied)
    }

    /// Permission to reach the device somebody has just agreed to reach. Spends the consent.
    ///
    /// # Errors
    /// [`Denied`] when `proximity` is missing, the consent is older than a minute, or none of its addresses can be
    /// another device's (then the reason for the first one).
    pub fn dial(&self, consent: Consent, now_ms: u64) -> Result<Grant<Dial>, Denied> {
        let flag = self.flag(Capability::Proximity)?;
        let Consent { subject, routes, .. } = match consent.is_fresh(now_ms) {
            true => consent,
            false => return Err(Denied::ConsentExpired { subject: consent.subject }),
        };
        let fault = |route: &SocketAddr| match is_place(*route) {
            false => Ok(()),
            true => reachable(*route, self.loopback),
        };
        let mut faults = routes.iter().map(fault);
        match faults.next() {
            None => return Err(Denied::NoRoute { subject }),
            Some(Err(first)) if faults.all(|fault| fault.is_err()) => return Err(first),
            Some(_) => {}
        }
        Ok(Grant::dial(Capability::Proximity, flag, self.loopback, subject, routes))
    }

    /// Permission to connect to a service of this machine for devices it is lent to.
    ///
    /// # Errors
    /// [`Denied`] when `proximity` is missing, or it is no service of this machine (W1).
    pub fn lend(&self, target: SocketAddr) -> Result<Grant<Lend>, Denied> {
        let flag = self.flag(Capability::Proximity)?;
        Grant::lend(Capability::Proximity, flag, self.loopback, target)
    }

    /// Permission to let programs of this machine reach another device's service at an address of it.
    ///
    /// # Errors
    /// [`Denied`] when `proximity` is missing, or the address is not this machine's alone (W2).
    pub fn forward(&self, bind: SocketAddr) -> Result<Grant<Forward>, Denied> {
        let flag = self.flag(Capability::Proximity)?;
        Grant::forward(Capability::Proximity, flag, self.loopback, bind)
    }

    /// Whether this machine's own addresses may be used (R1.8).
    pub(crate) fn is_loopback(&self) -> bool {
        self.loopback
    }

    pub(crate) fn flag(&self, capability: Capability) -> Result<Arc<AtomicBool>, Denied> {
        if !self.manifest.declares(capability) {
            return Err(Denied::NotDeclared(capability));
        }
        match self.flags.get(&capability) {
            Some(flag) if !self.revoked.contains(&capability) => Ok(Arc::clone(flag)),
            _ => Err(Denied::Revoked(capability)),
        }
    }
}

#[cfg(test)]
mod tests;

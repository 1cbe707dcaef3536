//! Permission to reach servers (R1.2 to R1.5, R1.8, R1.9, R1.15): which capability an address needs, and whether it is held
//! at this moment. Asked before a name is looked up and again before each packet's address is dialled.
//!
//! An address is *private* when it lies in a network that the person trusts; everything else that is a machine is
//! Internet, whatever its digits, because an untrusted network is a public one. Devices near are not reached by this:
//! see [`Grant<Dial>`](crate::Grant).

use crate::{
    capability::Capability,
    denied::Denied,
    endpoint::{EndpointClass, canonical, critical_port},
    gate::Gate,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The networks the person trusts: home and work. Everything else is public.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks {
    trusted: Vec<(IpAddr, u8)>,
}

/// Which kind of network an address is reached through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// The Internet, or any network nobody vouched for.
    Internet,
    /// A network the person trusts.
    Private,
    /// This machine.
    Loopback,
    /// No server is there, or none that may be asked.
    Nowhere,
}

impl Networks {
    /// No network is trusted.
    pub fn public() -> Self {
        Self::default()
    }

    /// Trusts a network: an address in it and the length of its prefix (longer ones than the address count as whole).
    #[must_use]
    pub fn trusting(mut self, network: IpAddr, prefix: u8) -> Self {
        self.trusted.push((network, prefix));
        self
    }

    /// How an address is reached (R1.5).
    pub fn zone(&self, ip: IpAddr) -> Zone {
        let ip = ip.to_canonical();
        let class = EndpointClass::of(ip);
        match class {
            EndpointClass::Loopback => Zone::Loopback,
            _ if !class.dialable(false) => Zone::Nowhere,
            _ if self.trusted.iter().any(|(network, prefix)| within(ip, *network, *prefix)) => Zone::Private,
            _ => Zone::Internet,
        }
    }
}

/// Whether the first `prefix` bits are the same.
fn within(ip: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let cut = |bits: u128, width: u32| {
        let prefix = u32::from(prefix).min(width);
        bits.checked_shr(width - prefix).unwrap_or(0)
    };
    match (ip, network.to_canonical()) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => cut(ip.to_bits().into(), 32) == cut(network.to_bits().into(), 32),
        (IpAddr::V6(ip), IpAddr::V6(network)) => cut(ip.to_bits(), 128) == cut(network.to_bits(), 128),
        _ => false,
    }
}

/// A capability as it was when the permission was made: its flag, or why it is missing.
type Held = Result<Arc<AtomicBool>, Denied>;

/// Permission to reach servers, as far as the capabilities go. Revoking one ends what it allowed, for good.
///
/// Nobody but the gate can make one.
#[derive(Debug, Clone)]
pub struct Reach {
    client: Held,
    client_server: Held,
    private: Held,
    enterprise: Held,
    shared_certificates: Held,
    networks: Networks,
    loopback: bool,
}

impl Gate {
    /// Permission to reach servers, given the networks the person trusts.
    ///
    /// # Errors
    /// [`Denied`] when no capability of the network is held at all (R1.1).
    pub fn reach(&self, networks: Networks) -> Result<Reach, Denied> {
        let reach = Reach {
            client: self.flag(Capability::InternetClient),
            client_server: self.flag(Capability::InternetClientServer),
            private: self.flag(Capability::PrivateNetworkClientServer),
            enterprise: self.flag(Capability::EnterpriseAuthentication),
            shared_certificates: self.flag(Capability::SharedUserCertificates),
            networks,
            loopback: self.is_loopback(),
        };
        reach.check()?;
        Ok(reach)
    }
}

fn holds(held: &Held, capability: Capability) -> Result<(), Denied> {
    match held {
        Ok(flag) if !flag.load(Ordering::Acquire) => Ok(()),
        Ok(_) => Err(Denied::Revoked(capability)),
        Err(denied) => Err(denied.clone()),
    }
}

impl Reach {
    /// Whether any server may be reached at all: ask before looking a name up.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn check(&self) -> Result<(), Denied> {
        self.internet().or_else(|denied| self.home().map_err(|_| denied))
    }

    fn internet(&self) -> Result<(), Denied> {
        let client = holds(&self.client, Capability::InternetClient);
        client.or_else(|denied| holds(&self.client_server, Capability::InternetClientServer).map_err(|_| denied))
    }

    fn home(&self) -> Result<(), Denied> {
        holds(&self.private, Capability::PrivateNetworkClientServer)
    }

    fn zone(&self, zone: Zone, address: SocketAddr) -> Result<(), Denied> {
        match zone {
            Zone::Internet => self.internet(),
            Zone::Private => self.home(),
            Zone::Loopback if self.loopback => self.check(),
            Zone::Loopback | Zone::Nowhere => {
                Err(Denied::NotForServers { address, class: EndpointClass::of(address.ip()) })
            }
        }
    }

    /// Whether a connection to `address` may be opened, or go on, now. Ask with the very address that is dialled.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn permits(&self, address: SocketAddr) -> Result<(), Denied> {
        self.zone(self.networks.zone(canonical(address).ip()), address)
    }

    /// Whether an address lay in a network that the person trusts when this permission was made.
    pub fn is_private(&self, address: SocketAddr) -> bool {
        self.networks.zone(canonical(address).ip()) == Zone::Private
    }

    /// Whether a proxy at `address` may be used. A proxy counts as the way to the Internet wherever it stands (R1.5).
    ///
    /// # Errors
    /// [`Denied`].
    pub fn permits_proxy(&self, address: SocketAddr) -> Result<(), Denied> {
        match self.networks.zone(canonical(address).ip()) {
            Zone::Private => self.zone(Zone::Internet, address),
            zone => self.zone(zone, address),
        }
    }

    /// Whether a server whose address only the proxy knows may be reached: it counts as Internet.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn permits_named(&self) -> Result<(), Denied> {
        self.internet()
    }

    /// Whether a connection may come from this local port (R1.7); 0 is any free one.
    ///
    /// # Errors
    /// [`Denied::CriticalPort`].
    pub fn permits_local(&self, port: u16) -> Result<(), Denied> {
        if critical_port(port) { Err(Denied::CriticalPort { port }) } else { Ok(()) }
    }

    /// Whether a name may be looked up whose addresses nobody knows yet: where the Internet is permitted, or there is a
    /// network the person trusts and servers in it are permitted.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn permits_names(&self) -> Result<(), Denied> {
        match self.networks.trusted.is_empty() {
            true => self.internet(),
            false => self.check(),
        }
    }

    /// Whether the person's sign-in at their organisation may be used unasked (R1.9).
    ///
    /// # Errors
    /// [`Denied`].
    pub fn permits_enterprise(&self) -> Result<(), Denied> {
        holds(&self.enterprise, Capability::EnterpriseAuthentication)
    }

    /// Whether certificates that the person shares between programs, cards included, may be shown (R1.15).
    ///
    /// # Errors
    /// [`Denied`].
    pub fn permits_shared_certificates(&self) -> Result<(), Denied> {
        holds(&self.shared_certificates, Capability::SharedUserCertificates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;
    use std::collections::BTreeSet;

    fn gate(names: &[&str], loopback: bool) -> Gate {
        let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let manifest = Manifest::parse(&format!("capabilities = [{list}]")).unwrap();
        Gate::new(manifest, BTreeSet::new(), loopback)
    }

    fn home() -> Networks {
        let networks = Networks::public().trusting("192.168.7.1".parse().unwrap(), 24);
        networks.trusting("fd12:3456::1".parse().unwrap(), 64)
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn r1_1_without_a_capability_of_the_network_no_server_is_reached() {
        assert_eq!(
            gate(&["proximity"], true).reach(home()).unwrap_err(),
            Denied::NotDeclared(Capability::InternetClient)
        );
    }

    #[test]
    fn r1_2_the_internet_client_reaches_the_internet_and_no_trusted_network() {
        let reach = gate(&["internetClient"], false).reach(home()).unwrap();
        reach.permits(at("9.9.9.9:443")).unwrap();
        reach.permits(at("[2606:4700::1111]:443")).unwrap();
        for address in ["192.168.7.9:443", "[fd12:3456::9]:443", "[::ffff:192.168.7.9]:443"] {
            let denied = reach.permits(at(address)).unwrap_err();
            assert_eq!(denied, Denied::NotDeclared(Capability::PrivateNetworkClientServer), "{address}");
        }
        reach.permits(at("192.168.8.9:443")).unwrap();
    }

    #[test]
    fn r1_3_the_internet_client_server_reaches_out_as_well() {
        let reach = gate(&["internetClientServer"], false).reach(home()).unwrap();
        reach.permits(at("9.9.9.9:443")).unwrap();
        assert!(reach.permits(at("192.168.7.9:443")).is_err());
    }

    #[test]
    fn r1_4_the_private_network_alone_is_no_way_to_the_internet() {
        let reach = gate(&["privateNetworkClientServer"], false).reach(home()).unwrap();
        reach.permits(at("192.168.7.9:443")).unwrap();
        assert_eq!(reach.permits(at("9.9.9.9:443")).unwrap_err(), Denied::NotDeclared(Capability::InternetClient));
        assert!(reach.permits_named().is_err());
    }

    #[test]
    fn r1_5_each_row_of_the_table_is_in_its_zone() {
        for (address, zone) in [
            ("192.168.7.255", Zone::Private),
            ("::ffff:192.168.7.1", Zone::Private),
            ("192.168.6.255", Zone::Internet),
            ("fd12:3456::ffff", Zone::Private),
            ("fd12:3456:0:1::1", Zone::Internet),
            ("fe80::1", Zone::Internet),
            ("127.0.0.1", Zone::Loopback),
            ("::1", Zone::Loopback),
            ("::ffff:127.0.0.1", Zone::Loopback),
            ("169.254.169.254", Zone::Nowhere),
            ("224.0.0.1", Zone::Nowhere),
            ("0.0.0.0", Zone::Nowhere),
            ("192.0.2.1", Zone::Nowhere),
        ] {
            assert_eq!(home().zone(address.parse().unwrap()), zone, "{address}");
        }
        assert_eq!(Networks::public().trusting(at("10.0.0.1:1").ip(), 0).zone(at("9.9.9.9:1").ip()), Zone::Private);
        assert_eq!(Networks::public().trusting(at("10.0.0.1:1").ip(), 99).zone(at("10.0.0.2:1").ip()), Zone::Internet);
        let reach = gate(&["internetClient"], false).reach(home()).unwrap();
        reach.permits_proxy(at("192.168.7.9:3128")).unwrap();
    }

    #[test]
    fn r1_8_loopback_is_reached_only_with_the_switch() {
        let closed = gate(&["internetClient"], false).reach(home()).unwrap();
        for address in ["127.0.0.1:443", "[::1]:443", "[::ffff:127.0.0.1]:443"] {
            assert!(matches!(closed.permits(at(address)), Err(Denied::NotForServers { .. })), "{address}");
            assert!(closed.permits_proxy(at(address)).is_err());
        }
        gate(&["internetClient"], true).reach(home()).unwrap().permits(at("127.0.0.1:443")).unwrap();
    }

    #[test]
    fn r1_7_a_connection_comes_from_no_critical_port() {
        let reach = gate(&["internetClient"], false).reach(home()).unwrap();
        assert_eq!(reach.permits_local(443), Err(Denied::CriticalPort { port: 443 }));
        assert!(reach.permits_local(0).is_ok() && reach.permits_local(40_000).is_ok());
    }

    #[test]
    fn r1_9_and_r1_15_sign_in_and_shared_certificates_have_capabilities_of_their_own() {
        let reach = gate(&["internetClient"], false).reach(home()).unwrap();
        assert_eq!(reach.permits_enterprise(), Err(Denied::NotDeclared(Capability::EnterpriseAuthentication)));
        assert_eq!(reach.permits_shared_certificates(), Err(Denied::NotDeclared(Capability::SharedUserCertificates)));
    }

    #[test]
    fn r1_17_a_revoked_capability_ends_what_it_allowed() {
        let mut gate = gate(&["internetClient", "privateNetworkClientServer"], false);
        let reach = gate.reach(home()).unwrap();
        gate.revoke(Capability::InternetClient);
        assert_eq!(reach.permits(at("9.9.9.9:443")), Err(Denied::Revoked(Capability::InternetClient)));
        reach.permits(at("192.168.7.9:443")).unwrap();
        gate.restore(Capability::InternetClient).unwrap();
        assert!(reach.permits(at("9.9.9.9:443")).is_err(), "what was revoked stays dead");
        gate.reach(home()).unwrap().permits(at("9.9.9.9:443")).unwrap();
    }
}

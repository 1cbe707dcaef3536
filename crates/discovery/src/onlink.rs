//! Which announced addresses may be believed, and in which order to try them (D3). Pure.
//!
//! An advert can claim any address: this machine's own services, a metadata server, somebody else's host across the
//! Internet. Only addresses on a subnet of an interface that takes part are kept; link-local ones only together with the
//! interface they were heard on. What is *not* here: the last word before dialling, which the grant has.

use crate::interfaces::{Interface, Kind};
use hither_capability::EndpointClass;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// Most addresses kept of one device.
pub const MAX_ROUTES: usize = 8;

/// An address as it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The address.
    pub ip: IpAddr,
    /// Numbers of the interfaces it was heard on; empty if unknown.
    pub heard_on: Vec<u32>,
}

/// The believable ones of the claimed addresses, best first, at most [`MAX_ROUTES`], without duplicates. `loopback` is
/// the switch for several agents on one machine. Port 0 leads nowhere.
pub fn routes(claims: &[Claim], port: u16, interfaces: &[Interface], loopback: bool) -> Vec<SocketAddr> {
    if port == 0 {
        return vec![];
    }
    let mut ranked: Vec<(Rank, SocketAddr)> =
        claims.iter().flat_map(|claim| believe(claim, port, interfaces, loopback)).collect();
    ranked.sort_unstable();
    let mut routes: Vec<SocketAddr> = Vec::new();
    for (_, route) in ranked {
        if routes.len() < MAX_ROUTES && !routes.contains(&route) {
            routes.push(route);
        }
    }
    routes
}

/// Smaller is better: link-local last, cable before radio before the rest, IPv4 before unique-local before global.
type Rank = (u8, Kind, u8);

fn believe<'a>(
    claim: &'a Claim,
    port: u16,
    interfaces: &'a [Interface],
    loopback: bool,
) -> impl Iterator<Item = (Rank, SocketAddr)> + 'a {
    let class = EndpointClass::of(claim.ip);
    let believable = class.dialable(loopback);
    interfaces.iter().filter(move |_| believable).filter_map(move |interface| {
        let scope = match (class, claim.ip) {
            (EndpointClass::LinkLocal, IpAddr::V6(_)) => interface.index,
            _ => 0,
        };
        // A link-local address is a place only together with its link.
        if scope != 0 && !claim.heard_on.contains(&scope) {
            return None;
        }
        if !interface.addrs.iter().any(|own| own.holds(claim.ip)) {
            return None;
        }
        let route = match claim.ip {
            IpAddr::V4(ip) => SocketAddr::new(ip.into(), port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
        };
        let (near, family) = match class {
            EndpointClass::Loopback => (2, 0),
            EndpointClass::LinkLocal => (1, u8::from(claim.ip.is_ipv6())),
            EndpointClass::UniqueLocal => (0, 1),
            _ => (0, if claim.ip.is_ipv4() { 0 } else { 2 }),
        };
        Some(((near, interface.kind, family), route))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interfaces::Subnet;
    use proptest::prelude::*;

    fn interface(name: &str, index: u32, kind: Kind, addrs: &[(&str, u8)]) -> Interface {
        let addrs = addrs.iter().map(|(ip, prefix)| Subnet { ip: ip.parse().unwrap(), prefix: *prefix }).collect();
        Interface { name: name.into(), index, addrs, kind, up: true, flaps: 0 }
    }

    fn ours() -> Vec<Interface> {
        vec![
            interface("wlan0", 3, Kind::Wireless, &[("10.0.0.5", 24), ("fe80::3", 64)]),
            interface(
                "eth0",
                2,
                Kind::Wired,
                &[("192.168.1.5", 24), ("fd77::5", 64), ("2606:4700::5", 64), ("fe80::2", 64)],
            ),
        ]
    }

    fn heard(ips: &[&str], on: &[u32]) -> Vec<Claim> {
        ips.iter().map(|ip| Claim { ip: ip.parse().unwrap(), heard_on: on.to_vec() }).collect()
    }

    fn shown(claims: &[Claim], loopback: bool) -> Vec<String> {
        routes(claims, 7000, &ours(), loopback).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn d3_addresses_where_no_other_device_can_be_are_dropped() {
        let hostile = heard(
            &[
                "127.0.0.1",
                "::1",
                "169.254.169.254",
                "fd00:ec2::254",
                "224.0.0.1",
                "ff02::fb",
                "0.0.0.0",
                "::",
                "255.255.255.255",
                "192.168.1.255",
                "192.168.1.0",
                "10.0.0.255",
                "::ffff:127.0.0.1",
                "::ffff:192.168.1.9",
            ],
            &[2, 3],
        );
        assert_eq!(shown(&hostile, false), [""; 0]);
    }

    #[test]
    fn d3_addresses_of_other_networks_are_dropped() {
        let far = heard(&["8.8.8.8", "192.168.2.9", "10.0.1.9", "fd78::9", "2001:4860::8", "169.254.3.4"], &[2, 3]);
        assert_eq!(shown(&far, false), [""; 0]);
    }

    #[test]
    fn a_link_local_address_belongs_to_the_interface_it_was_heard_on() {
        assert_eq!(shown(&heard(&["fe80::9"], &[3]), false), ["[fe80::9%3]:7000"]);
        assert_eq!(shown(&heard(&["fe80::9"], &[2, 3]), false), ["[fe80::9%2]:7000", "[fe80::9%3]:7000"]);
        assert_eq!(shown(&heard(&["fe80::9"], &[]), false), [""; 0]);
        assert_eq!(shown(&heard(&["fe80::9"], &[7]), false), [""; 0]);
    }

    #[test]
    fn the_best_route_comes_first() {
        let all = heard(&["fe80::9", "2606:4700::9", "fd77::9", "10.0.0.9", "192.168.1.9"], &[2]);
        assert_eq!(
            shown(&all, false),
            ["192.168.1.9:7000", "[fd77::9]:7000", "[2606:4700::9]:7000", "10.0.0.9:7000", "[fe80::9%2]:7000"]
        );
    }

    #[test]
    fn loopback_counts_only_with_its_switch_and_its_interface() {
        let lo = [interface("lo", 1, Kind::Loopback, &[("127.0.0.1", 8), ("::1", 128)])];
        let claims = heard(&["127.0.0.1", "::1"], &[1]);
        assert_eq!(routes(&claims, 7000, &lo, true).len(), 2);
        assert_eq!(routes(&claims, 7000, &lo, false), []);
        assert_eq!(routes(&claims, 7000, &ours(), true), []);
        assert_eq!(routes(&claims, 0, &lo, true), []);
    }

    proptest! {
        #[test]
        fn d3_whatever_is_claimed_at_most_eight_dialable_routes_on_our_subnets_come_out(
            v4 in prop::collection::vec(any::<[u8; 4]>(), 0..20),
            local in prop::collection::vec(any::<u8>(), 0..40),
            v6 in prop::collection::vec(any::<[u16; 8]>(), 0..20),
            on in prop::collection::vec(0u32..5, 0..3),
        ) {
            let local = local.into_iter().map(|last| [192, 168, 1, last]);
            let ips = v4.into_iter().chain(local).map(IpAddr::from).chain(v6.into_iter().map(IpAddr::from));
            let claims: Vec<Claim> = ips.map(|ip| Claim { ip, heard_on: on.clone() }).collect();
            let out = routes(&claims, 9, &ours(), false);
            prop_assert!(out.len() <= MAX_ROUTES);
            for route in out {
                prop_assert!(EndpointClass::of(route.ip()).dialable(false));
                prop_assert!(ours().iter().any(|i| i.addrs.iter().any(|a| a.holds(route.ip()))));
            }
        }
    }
}

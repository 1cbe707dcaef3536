//! Which network interfaces take part in discovery, and what it means when they change.
//!
//! The rule: physical ones. VPNs, containers and virtual machines' networks are left out unless a setting asks for them,
//! because an advert there reaches people who are not near, and an address from there reaches nobody who is. A virtual
//! machine or container has nothing else, so where no physical interface has an address, virtual uplinks (a veth, a
//! bridge) step in; VPNs and a host's own container bridges never do.
//!
//! Everything but [`list`] is pure. What is *not* here: routing, and addresses of other devices ([`crate::onlink`]).

mod kind;
mod system;
mod watch;

pub use kind::{Kind, Traits};
pub(crate) use system::Scanner;
pub(crate) use watch::Watch;

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// An address of ours and the subnet it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subnet {
    /// The address.
    pub ip: IpAddr,
    /// Number of leading bits that all addresses of the subnet share.
    pub prefix: u8,
}

impl Subnet {
    /// The first address of the subnet.
    pub fn network(&self) -> IpAddr {
        mask(self.ip, self.prefix)
    }

    /// Whether the address lies in the subnet and can be one machine's: of IPv4, the first and the last cannot (except
    /// in a subnet of two).
    pub fn holds(&self, ip: IpAddr) -> bool {
        if ip.is_ipv4() != self.ip.is_ipv4() || mask(ip, self.prefix) != self.network() {
            return false;
        }
        match (ip, self.network()) {
            (IpAddr::V4(ip), IpAddr::V4(network)) if self.prefix < 31 => {
                ip != network
                    && ip.to_bits() != network.to_bits() | u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0)
            }
            _ => true,
        }
    }

    fn is_link_local(&self) -> bool {
        match self.ip {
            IpAddr::V4(ip) => ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_unicast_link_local(),
        }
    }
}

fn mask(ip: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match ip {
        IpAddr::V4(ip) => {
            Ipv4Addr::from_bits(ip.to_bits() & u32::MAX.checked_shl(32u32.saturating_sub(prefix)).unwrap_or(0)).into()
        }
        IpAddr::V6(ip) => {
            Ipv6Addr::from_bits(ip.to_bits() & u128::MAX.checked_shl(128u32.saturating_sub(prefix)).unwrap_or(0)).into()
        }
    }
}

/// A network interface with at least one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its number; the scope of link-local addresses.
    pub index: u32,
    /// Its addresses, in no particular order.
    pub addrs: Vec<Subnet>,
    /// What it is.
    pub kind: Kind,
    /// Whether it is up and has a carrier.
    pub up: bool,
    /// How often the carrier came or went; a change between two looks may mean another network. 0 where unknown.
    pub flaps: u64,
}

impl Interface {
    /// The subnets that tell one network from another; link-local ones are the same everywhere.
    fn networks(&self) -> BTreeSet<(IpAddr, u8)> {
        self.addrs.iter().filter(|a| !a.is_link_local()).map(|a| (a.network(), a.prefix)).collect()
    }
}

/// What a person set about interfaces. The default is physical ones only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InterfaceRule {
    /// Only these, if any are named, whatever their kind. Exact names.
    pub include: Vec<String>,
    /// Never these. Exact names; stronger than everything else.
    pub exclude: Vec<String>,
    /// Virtual, VPN and container interfaces too. (Point-to-point links have no multicast and stay out.)
    pub virtual_too: bool,
    /// Loopback too: several agents on one machine.
    pub loopback: bool,
}

impl InterfaceRule {
    /// One interface and no other.
    pub fn only(name: &str) -> Self {
        Self { include: vec![name.to_owned()], ..Self::default() }
    }

    /// The interfaces that take part, in the order given.
    pub fn select(&self, all: &[Interface]) -> Vec<Interface> {
        let named = |names: &[String], i: &Interface| names.contains(&i.name);
        let usable = |i: &&Interface| i.up && !i.addrs.is_empty() && !named(&self.exclude, i);
        let physical = |i: &Interface| matches!(i.kind, Kind::Wired | Kind::Wireless);
        let any_physical = all.iter().filter(usable).any(physical);
        let wanted = |i: &&Interface| match i.kind {
            _ if !self.include.is_empty() => named(&self.include, i) || (self.loopback && i.kind == Kind::Loopback),
            Kind::Wired | Kind::Wireless => true,
            Kind::Virtual => self.virtual_too || !any_physical,
            Kind::Vpn | Kind::Container => self.virtual_too,
            Kind::Loopback => self.loopback,
        };
        all.iter().filter(usable).filter(wanted).cloned().collect()
    }
}

/// What happened to the chosen interfaces between two looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shift {
    /// Nothing.
    None,
    /// Addresses came or went within the same networks.
    Readdressed,
    /// This machine is, or may be, on another network: names of interfaces that came, and of those that went. One whose
    /// network changed did both.
    Moved {
        /// Came.
        added: Vec<String>,
        /// Went.
        removed: Vec<String>,
    },
}

/// Compares two looks at the chosen interfaces.
pub(crate) fn shift(before: &[Interface], after: &[Interface]) -> Shift {
    let added = after.iter().filter(|i| !before.iter().any(|old| stayed(old, i))).map(|i| i.name.clone()).collect();
    let removed = before.iter().filter(|i| !after.iter().any(|new| stayed(i, new))).map(|i| i.name.clone()).collect();
    match (added, removed) {
        (added, removed) if Vec::is_empty(&added) && Vec::is_empty(&removed) => {
            let addresses = |all: &[Interface]| {
                all.iter().flat_map(|i| i.addrs.iter().map(|a| (i.index, *a))).collect::<BTreeSet<_>>()
            };
            if addresses(before) == addresses(after) { Shift::None } else { Shift::Readdressed }
        }
        (added, removed) => Shift::Moved { added, removed },
    }
}

/// Whether an interface is still the same one on the same networks. Further networks may have come: an interface gets
/// its addresses one after another.
pub(crate) fn stayed(before: &Interface, after: &Interface) -> bool {
    before.name == after.name
        && before.index == after.index
        && before.flaps == after.flaps
        && before.networks().is_subset(&after.networks())
}

/// Every interface of this machine that has an address.
///
/// # Errors
/// The system does not tell.
pub fn list() -> io::Result<Vec<Interface>> {
    Scanner::default().scan()
}

#[cfg(test)]
mod tests;

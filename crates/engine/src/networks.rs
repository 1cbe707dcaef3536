//! The networks this machine is in, as the agent tells them (R1.6, R6.14): which are private, which cost. The engine asks nobody
//! itself; until it is told, nothing is known, no network is private and none costs.

use crate::{
    asks::doctor::{ok, warn},
    state::State,
};
use hither_capability::Networks;
use hither_model::{row::CheckRow, text::printable};
use std::net::IpAddr;

/// What sending over a network costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Cost {
    /// Nothing.
    #[default]
    Free,
    /// By the byte, or out of a limit.
    Metered,
    /// More than usual: abroad, or beyond the limit.
    Dear,
}

/// A network this machine is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The connection's lasting id (NetworkManager's UUID).
    pub uuid: String,
    /// The name people know it by; escape it before showing.
    pub name: String,
    /// Whether it counts as private: the person's word, else the firewall's zone.
    pub private: bool,
    /// What it costs.
    pub cost: Cost,
    /// This machine's addresses in it, with the lengths of their prefixes.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// What is known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// Whether anybody told.
    told: bool,
    here: Vec<Network>,
}

impl Surroundings {
    /// The networks this machine is in now; none if nobody knows.
    pub(crate) fn here(&self) -> &[Network] {
        &self.here
    }

    /// Whether this machine is in that network.
    pub(crate) fn is_in(&self, uuid: &str) -> bool {
        self.here.iter().any(|network| network.uuid == uuid)
    }

    /// What it costs to send there. An address in no network that is known goes by the dearest way.
    pub(crate) fn cost(&self, to: Option<IpAddr>) -> Cost {
        let near = to.and_then(|to| self.here.iter().find(|network| network.holds(to)));
        near.map_or_else(
            || self.here.iter().map(|network| network.cost).max().unwrap_or_default(),
            |network| network.cost,
        )
    }

    /// Whether there is a network at all, as far as anybody knows.
    pub(crate) fn any(&self) -> bool {
        !self.told || !self.here.is_empty()
    }

    /// The same as the gate knows them.
    pub(crate) fn trusted(&self) -> Networks {
        let private = self.here.iter().filter(|network| network.private).flat_map(|network| &network.addresses);
        private.fold(Networks::public(), |known, (ip, prefix)| known.trusting(*ip, *prefix))
    }
}

impl Network {
    /// Whether an address is one of its own.
    pub(crate) fn holds(&self, ip: IpAddr) -> bool {
        let same = |own: u128, other: u128, bits: u32, prefix: u8| {
            let shift = bits.saturating_sub(prefix.into());
            own.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
        };
        self.addresses.iter().any(|(own, prefix)| match (own, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => same(u32::from(*own).into(), u32::from(ip).into(), 32, *prefix),
            (IpAddr::V6(own), IpAddr::V6(ip)) => same((*own).into(), ip.into(), 128, *prefix),
            _ => false,
        })
    }
}

impl State {
    /// The agent looked at the networks again; without any, nobody knows. What stood on a network that is not trusted any
    /// more ends, and what waits for a network is tried.
    pub(crate) async fn networks_are(&mut self, here: Option<Vec<Network>>) {
        let fresh = Surroundings { told: here.is_some(), here: here.unwrap_or_default() };
        if self.surroundings != fresh {
            self.surroundings = fresh;
            self.align_web().await;
        }
    }

    /// What the doctor says of them, if anybody tells.
    pub(crate) fn networks_check(&self) -> Option<CheckRow> {
        let words = |network: &Network| {
            let kind = if network.private { "home or work" } else { "public" };
            let cost = match network.cost {
                Cost::Free => "",
                Cost::Metered => ", metered",
                Cost::Dear => ", dear",
            };
            format!("{} ({kind}{cost})", printable(&network.name))
        };
        let all: Vec<String> = self.surroundings.here().iter().map(words).collect();
        match (self.surroundings.told, all.is_empty()) {
            (false, _) => None,
            (true, false) => Some(ok("networks", all.join(", "))),
            (true, true) => Some(warn("networks", "this machine is in none".to_owned(), "connect it to one")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(uuid: &str, private: bool, cost: Cost, own: &str, prefix: u8) -> Network {
        Network { uuid: uuid.into(), name: uuid.into(), private, cost, addresses: vec![(own.parse().unwrap(), prefix)] }
    }

    #[test]
    fn r6_14_an_address_costs_what_its_network_costs_and_others_the_dearest() {
        let here = vec![
            network("home", true, Cost::Free, "192.168.1.7", 24),
            network("phone", false, Cost::Metered, "10.0.0.2", 30),
        ];
        let known = Surroundings { told: true, here };
        let cost = |to: &str| known.cost(Some(to.parse().unwrap()));
        assert_eq!(
            (cost("192.168.1.200"), cost("10.0.0.1"), cost("9.9.9.9")),
            (Cost::Free, Cost::Metered, Cost::Metered)
        );
        assert_eq!(known.cost(None), Cost::Metered);
        assert!(known.is_in("home") && !known.is_in("work") && known.any());
    }

    #[test]
    fn nobody_told_is_not_the_same_as_no_network() {
        assert!(Surroundings::default().any());
        let none = Surroundings { told: true, here: vec![] };
        assert!(!none.any());
        assert_eq!(none.cost(None), Cost::Free);
    }
}

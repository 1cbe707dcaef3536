//! Which networks this machine is in, which of them count as private (home and work, R1.6), and what they cost (R6.14). Asked
//! of NetworkManager, firewalld and ModemManager on the system's bus (`bus`); where they are not there, no network is
//! private. A zone of theirs called home, work, internal or trusted is private, every other is public; the person's own word
//! for one connection (`words`) goes before that.
//!
//! Read by whoever wants to reach a server, each time; the engine is told of every change (`feed`).

mod bus;
mod changes;
mod feed;
mod words;

pub use changes::Changes;
pub(crate) use feed::feed;
pub use hither_engine::Cost;
pub use words::{Said, say, words};

use std::{net::IpAddr, path::Path, time::Duration};
use tokio::time::timeout;

/// How long the bus may take for everything that is asked at once.
const PATIENCE: Duration = Duration::from_secs(2);
/// Zones that are private.
const PRIVATE: [&str; 4] = ["home", "work", "internal", "trusted"];

/// A network that this machine is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The connection's UUID.
    pub uuid: String,
    /// Its name; escape it before showing.
    pub name: String,
    /// The firewall's zone for it; empty if nobody says.
    pub zone: String,
    /// Whether NetworkManager says, or guesses, that it is paid by the byte or limited.
    pub metered: bool,
    /// Whether its modem is in another operator's net.
    pub roaming: bool,
    /// The person's own words.
    pub said: Said,
    /// This machine's addresses in it, with the lengths of their prefixes.
    pub addresses: Vec<(IpAddr, u8)>,
}

impl Network {
    /// Whether it counts as private: the person's word, else the zone's.
    pub fn private(&self) -> bool {
        self.said.private.unwrap_or_else(|| PRIVATE.contains(&self.zone.as_str()))
    }

    /// What it costs: abroad the most, whatever was said of the connection at home; else the person's word, else
    /// NetworkManager's.
    pub fn cost(&self) -> Cost {
        match self.said.metered.unwrap_or(self.metered) {
            _ if self.roaming => Cost::Dear,
            true => Cost::Metered,
            false => Cost::Free,
        }
    }
}

/// The networks of this machine, as the profile's person sees them. Without NetworkManager there are none to know.
pub async fn look(profile: &Path) -> Vec<Network> {
    known(profile).await.unwrap_or_default()
}

/// The same, or `None` if nobody can tell: NetworkManager is not there, or networks come from elsewhere.
async fn known(profile: &Path) -> Option<Vec<Network>> {
    let asked = async { bus::known(&bus::connect().await?).await };
    let mut all = timeout(PATIENCE, asked).await.ok()?.ok()?;
    if all.is_empty() && any_route(&read("/proc/net/route"), &read("/proc/net/ipv6_route")) {
        return None;
    }
    let said = words(profile).unwrap_or_default();
    all.iter_mut().for_each(|network| network.said = said.get(&network.uuid).copied().unwrap_or_default());
    Some(all)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Whether the system knows a way to anywhere but itself: any of IPv4, or the default one of IPv6 (every interface has a
/// local one).
fn any_route(v4: &str, v6: &str) -> bool {
    let v4 = v4.lines().skip(1).any(|line| line.split_whitespace().next().is_some_and(|interface| interface != "lo"));
    let v6 = v6.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        matches!(fields.as_slice(), [to, "00", .., interface] if to.bytes().all(|b| b == b'0') && *interface != "lo")
    });
    v4 || v6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(zone: &str, said: Option<bool>) -> Network {
        Network {
            uuid: "u".into(),
            name: "n".into(),
            zone: zone.into(),
            metered: false,
            roaming: false,
            said: Said { private: said, metered: None },
            addresses: vec![],
        }
    }

    #[test]
    fn r1_6_four_zones_are_private_and_the_persons_word_goes_first() {
        for zone in PRIVATE {
            assert!(network(zone, None).private() && !network(zone, Some(false)).private(), "{zone}");
        }
        for zone in ["", "public", "external", "dmz", "block", "drop", "Home", "homes"] {
            assert!(!network(zone, None).private() && network(zone, Some(true)).private(), "{zone}");
        }
    }

    #[test]
    fn r6_14_the_persons_word_on_cost_goes_first_and_abroad_is_dear() {
        let cost = |metered, said, roaming| {
            let said = Said { private: None, metered: said };
            Network { metered, said, roaming, ..network("", None) }.cost()
        };
        assert_eq!([cost(false, None, false), cost(true, None, false)], [Cost::Free, Cost::Metered]);
        assert_eq!([cost(true, Some(false), false), cost(false, Some(true), false)], [Cost::Free, Cost::Metered]);
        assert_eq!([cost(false, None, true), cost(true, Some(false), true)], [Cost::Dear, Cost::Dear]);
    }

    #[test]
    fn a_route_that_networkmanager_does_not_know_of_is_a_network_all_the_same() {
        let v4 = "Iface\tDestination\tGateway\n";
        let v6 = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n\
                  fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n";
        assert!(!any_route(v4, v6) && !any_route("", ""));
        assert!(any_route(&format!("{v4}eth0\t00004D0A\t00000000\n"), v6));
        assert!(any_route(v4, &format!("{v6}{}", v6.lines().next().unwrap().replace("  lo", "eth0"))));
    }
}

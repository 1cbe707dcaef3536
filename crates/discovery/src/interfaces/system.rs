//! Asks the system for its interfaces. Linux tells what each is under /sys/class/net; elsewhere only the name speaks.
//!
//! Looked at again and again, so a look must be cheap: what an interface *is* is read once and remembered.

use super::{Interface, Subnet, kind::Kind, kind::Traits, kind::judge};
use if_addrs::IfAddr;
use std::{collections::BTreeMap, io};

/// Looks at the interfaces again and again.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    kinds: BTreeMap<(u32, String), Kind>,
    looks: u32,
}

/// What an interface is gets read anew after so many looks: a card may have been plugged into a bridge since.
const FORGET_AFTER: u32 = 10;

impl Scanner {
    /// Every interface that has an address, by number.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn scan(&mut self) -> io::Result<Vec<Interface>> {
        let mut found: BTreeMap<u32, Interface> = BTreeMap::new();
        self.looks += 1;
        if self.looks >= FORGET_AFTER {
            *self = Self::default();
        }
        for entry in if_addrs::get_if_addrs()? {
            let Some(index) = entry.index else { continue };
            let subnet = match &entry.addr {
                IfAddr::V4(a) => Subnet { ip: a.ip.into(), prefix: a.prefixlen },
                IfAddr::V6(a) => Subnet { ip: a.ip.into(), prefix: a.prefixlen },
            };
            let interface = found.entry(index).or_insert_with(|| Interface {
                name: entry.name.clone(),
                index,
                addrs: vec![],
                kind: self.kind(&entry),
                up: entry.is_oper_up(),
                flaps: 0,
            });
            interface.addrs.push(subnet);
        }
        for interface in found.values_mut() {
            if matches!(interface.kind, Kind::Wired | Kind::Wireless | Kind::Virtual) {
                interface.flaps = flaps(&interface.name);
            }
        }
        self.kinds.retain(|(index, _), _| found.contains_key(index));
        Ok(found.into_values().collect())
    }

    fn kind(&mut self, entry: &if_addrs::Interface) -> Kind {
        let key = (entry.index.unwrap_or_default(), entry.name.clone());
        *self.kinds.entry(key).or_insert_with(|| {
            let mut traits = traits(&entry.name, entry.index.unwrap_or_default());
            traits.loopback |= entry.is_loopback();
            traits.point_to_point |= entry.is_p2p();
            judge(&entry.name, &traits)
        })
    }
}

#[cfg(target_os = "linux")]
fn traits(name: &str, index: u32) -> Traits {
    /// Hardware types of if_arp.h: Ethernet, and loopback.
    const ETHERNET: u32 = 1;
    const LOOPBACK: u32 = 772;
    // A network namespace whose /sys still shows another one's interfaces tells nothing.
    if number(name, "ifindex") != Some(u64::from(index)) {
        return Traits::default();
    }
    let dir = directory(name);
    let there = |what: &str| dir.join(what).exists();
    let hardware_type = number(name, "type").and_then(|t| u32::try_from(t).ok());
    let uevent = std::fs::read_to_string(dir.join("uevent")).unwrap_or_default();
    Traits {
        loopback: hardware_type == Some(LOOPBACK),
        point_to_point: false,
        tunnel: there("tun_flags") || !matches!(hardware_type, Some(ETHERNET | LOOPBACK)),
        hardware: there("device"),
        wireless: there("wireless") || there("phy80211"),
        over_hardware: lower_ones(&dir).any(|lower| directory(&lower).join("device").exists()),
        bridge_port: there("brport"),
        devtype: uevent.lines().find_map(|l| l.strip_prefix("DEVTYPE=")).map(str::to_owned),
    }
}

#[cfg(target_os = "linux")]
fn lower_ones(dir: &std::path::Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|e| e.file_name().to_str()?.strip_prefix("lower_").map(str::to_owned))
}

#[cfg(target_os = "linux")]
fn directory(name: &str) -> std::path::PathBuf {
    std::path::Path::new("/sys/class/net").join(name)
}

#[cfg(target_os = "linux")]
fn number(name: &str, file: &str) -> Option<u64> {
    std::fs::read_to_string(directory(name).join(file)).ok()?.trim().parse().ok()
}

#[cfg(target_os = "linux")]
fn flaps(name: &str) -> u64 {
    number(name, "carrier_changes").unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
fn traits(name: &str, _: u32) -> Traits {
    // The names that macOS and Windows give to cards; everything else counts as virtual.
    let card = name.starts_with("en") || name.starts_with("Ethernet") || name.starts_with("Wi-Fi");
    Traits { hardware: card, wireless: name.starts_with("Wi-Fi"), ..Traits::default() }
}

#[cfg(not(target_os = "linux"))]
fn flaps(_: &str) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_loopback_interface_and_two_looks_agree_on_it() {
        let mut scanner = Scanner::default();
        let lo = |found: Vec<Interface>| found.into_iter().find(|i| i.kind == Kind::Loopback).unwrap();
        let (first, second) = (lo(scanner.scan().unwrap()), lo(scanner.scan().unwrap()));
        assert_eq!(first, second);
        assert!(first.up && first.addrs.iter().all(|a| a.ip.is_loopback()));
    }
}

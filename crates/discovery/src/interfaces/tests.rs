//! The rule, subnets and changes of network, on made-up machines.

use super::*;
use proptest::prelude::*;

fn subnet(text: &str) -> Subnet {
    let (ip, prefix) = text.split_once('/').unwrap();
    Subnet { ip: ip.parse().unwrap(), prefix: prefix.parse().unwrap() }
}

fn interface(name: &str, index: u32, kind: Kind, addrs: &[&str]) -> Interface {
    Interface { name: name.into(), index, addrs: addrs.iter().map(|a| subnet(a)).collect(), kind, up: true, flaps: 0 }
}

fn laptop() -> Vec<Interface> {
    vec![
        interface("lo", 1, Kind::Loopback, &["127.0.0.1/8", "::1/128"]),
        interface("eth0", 2, Kind::Wired, &["192.168.1.7/24", "fe80::1/64"]),
        interface("wlan0", 3, Kind::Wireless, &["192.168.1.8/24"]),
        interface("docker0", 4, Kind::Container, &["172.17.0.1/16"]),
        interface("tun0", 5, Kind::Vpn, &["10.8.0.2/24"]),
        interface("veth0", 6, Kind::Virtual, &["10.9.0.2/24"]),
    ]
}

fn names(rule: &InterfaceRule, all: &[Interface]) -> Vec<String> {
    rule.select(all).into_iter().map(|i| i.name).collect()
}

#[test]
fn only_physical_interfaces_take_part_unless_asked() {
    let all = laptop();
    let rule = InterfaceRule::default();
    assert_eq!(names(&rule, &all), ["eth0", "wlan0"]);
    assert_eq!(
        names(&InterfaceRule { virtual_too: true, ..rule.clone() }, &all),
        ["eth0", "wlan0", "docker0", "tun0", "veth0"]
    );
    assert_eq!(names(&InterfaceRule { loopback: true, ..rule.clone() }, &all), ["lo", "eth0", "wlan0"]);
    assert_eq!(names(&InterfaceRule { exclude: vec!["eth0".into()], ..rule }, &all), ["wlan0"]);
    assert_eq!(names(&InterfaceRule::only("tun0"), &all), ["tun0"]);
    assert_eq!(names(&InterfaceRule { exclude: vec!["tun0".into()], ..InterfaceRule::only("tun0") }, &all), [""; 0]);
}

#[test]
fn a_machine_without_physical_interfaces_uses_its_virtual_uplink_but_never_a_vpn() {
    let mut all = laptop();
    all.retain(|i| !matches!(i.kind, Kind::Wired | Kind::Wireless));
    assert_eq!(names(&InterfaceRule::default(), &all), ["veth0"]);
    let mut unplugged = laptop();
    for card in unplugged.iter_mut().filter(|i| matches!(i.kind, Kind::Wired | Kind::Wireless)) {
        card.up = false;
    }
    assert_eq!(names(&InterfaceRule::default(), &unplugged), ["veth0"]);
}

#[test]
fn an_interface_that_gets_its_addresses_one_by_one_stays_on_its_network() {
    let bare = vec![interface("eth0", 2, Kind::Wired, &["fe80::1/64"])];
    let leased = vec![interface("eth0", 2, Kind::Wired, &["fe80::1/64", "10.0.0.5/24"])];
    let renewed = vec![interface("eth0", 2, Kind::Wired, &["fe80::1/64", "10.0.0.9/24"])];
    assert_eq!(shift(&bare, &bare), Shift::None);
    assert_eq!(shift(&bare, &leased), Shift::Readdressed);
    assert_eq!(shift(&leased, &renewed), Shift::Readdressed);
}

#[test]
fn d10_another_network_a_pulled_cable_and_a_new_interface_are_noticed() {
    let home = vec![interface("wlan0", 3, Kind::Wireless, &["fe80::1/64", "192.168.1.5/24"])];
    let cafe = vec![interface("wlan0", 3, Kind::Wireless, &["fe80::1/64", "10.20.0.5/24"])];
    let both = || (vec!["wlan0".to_owned()], vec!["wlan0".to_owned()]);
    let (added, removed) = both();
    assert_eq!(shift(&home, &cafe), Shift::Moved { added, removed });

    let mut back = home.clone();
    back[0].flaps = 2;
    let (added, removed) = both();
    assert_eq!(shift(&home, &back), Shift::Moved { added, removed }, "the same numbers may be another network");

    let docked = [home.clone(), vec![interface("eth0", 2, Kind::Wired, &["192.168.1.9/24"])]].concat();
    assert_eq!(shift(&home, &docked), Shift::Moved { added: vec!["eth0".into()], removed: vec![] });
    assert_eq!(shift(&docked, &home), Shift::Moved { added: vec![], removed: vec!["eth0".into()] });
    assert_eq!(shift(&home, &[]), Shift::Moved { added: vec![], removed: vec!["wlan0".into()] });
}

#[test]
fn a_subnet_holds_its_machines_but_not_its_ends() {
    for (net, ip, inside) in [
        ("192.168.1.7/24", "192.168.1.200", true),
        ("192.168.1.7/24", "192.168.2.1", false),
        ("192.168.1.7/24", "192.168.1.255", false),
        ("192.168.1.7/24", "192.168.1.0", false),
        ("10.0.0.0/31", "10.0.0.1", true),
        ("10.0.0.7/32", "10.0.0.7", true),
        ("10.0.0.7/32", "10.0.0.8", false),
        ("0.0.0.0/0", "255.255.255.255", false),
        ("fd77::1/64", "fd77::ffff:1", true),
        ("fd77::1/64", "fd78::1", false),
        ("fd77::1/64", "10.0.0.1", false),
        ("::/0", "2001:db8::1", true),
    ] {
        assert_eq!(subnet(net).holds(ip.parse().unwrap()), inside, "{ip} in {net}");
    }
}

proptest! {
    #[test]
    fn our_own_address_is_in_our_subnet_unless_it_is_an_end(ip in any::<u32>(), prefix in 0u8..=32) {
        let own = Subnet { ip: Ipv4Addr::from_bits(ip).into(), prefix };
        let host = u64::from(ip) & ((1u64 << (32 - prefix)) - 1);
        let end = prefix < 31 && (host == 0 || host == (1u64 << (32 - prefix)) - 1);
        prop_assert_eq!(own.holds(own.ip), !end);
    }
}

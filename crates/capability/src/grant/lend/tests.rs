//! Which spellings of which addresses may be lent, and where a service may be reached.

use super::*;
use crate::{Gate, Manifest};
use hither_model::{ErrorCode, Failure};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn gate() -> Gate {
    Gate::new(Manifest::shipped().unwrap(), BTreeSet::new(), false)
}

fn lent(text: &str) -> Result<SocketAddr, Denied> {
    gate().lend(spelt(text)?)?.target()
}

fn bound(text: &str) -> Result<SocketAddr, Denied> {
    gate().forward(spelt(text)?)?.bind()
}

#[test]
fn w1_services_of_this_machine_are_lent_in_their_plain_spelling() {
    for (text, target) in [
        ("127.0.0.1:22", "127.0.0.1:22"),
        (" 127.0.0.53:53 ", "127.0.0.53:53"),
        ("[::1]:8080", "[::1]:8080"),
        ("[0:0:0:0:0:0:0:1]:8080", "[::1]:8080"),
        ("localhost:65535", "127.0.0.1:65535"),
    ] {
        assert_eq!(lent(text).unwrap().to_string(), target);
    }
}

#[test]
fn w1_other_spellings_of_this_machine_are_refused() {
    for text in [
        "[::ffff:127.0.0.1]:22",
        "[::ffff:7f00:1]:22",
        "[64:ff9b::7f00:1]:22",
        "[::127.0.0.1]:22",
        "[::1%1]:22",
        "2130706433:22",
        "0x7f000001:22",
        "0x7f.1:22",
        "017700000001:22",
        "0177.0.0.1:22",
        "127.000.000.001:22",
        "127.1:22",
        "127.0.0.1.:22",
        "::1:22",
        "localhost.:22",
        "LOCALHOST:22",
        "ip6-localhost:22",
        "localtest.example:22",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:+22",
        "127.0.0.1:022",
        "127.0.0.1:65536",
        "127.0.0.1:22/x",
        "http://127.0.0.1:22",
        "user@127.0.0.1:22",
        "127.0.0.1:22 ;",
        ":22",
        "22",
        "",
    ] {
        let denied = lent(text).unwrap_err();
        let (spelling, other) = (matches!(denied, Denied::Spelling { .. }), matches!(denied, Denied::NotOwn { .. }));
        assert!(spelling || (other && text == "[::127.0.0.1]:22"), "{text}: {denied}");
        assert_eq!(denied.code(), ErrorCode::AccessDenied, "{text}");
        assert!(denied.hint().contains("127.0.0.1"), "{text}: it says how to write it: {}", denied.hint());
    }
}

#[test]
fn w1_what_is_not_of_this_machine_is_never_lent() {
    for text in [
        "169.254.169.254:80",
        "[::ffff:169.254.169.254]:80",
        "[fd00:ec2::254]:80",
        "169.254.0.1:80",
        "[fe80::1]:80",
        "[fe80::1%2]:80",
        "224.0.0.1:80",
        "[ff02::1]:80",
        "255.255.255.255:80",
        "0.0.0.0:80",
        "[::]:80",
        "[::ffff:0.0.0.0]:80",
        "192.168.1.1:80",
        "10.0.0.1:80",
        "100.64.0.1:80",
        "128.0.0.1:80",
        "126.255.255.255:80",
        "8.8.8.8:80",
        "[fd12::1]:80",
        "[2606:4700::1111]:80",
        "[::2]:80",
    ] {
        let denied = lent(text).unwrap_err();
        assert!(matches!(denied, Denied::NotOwn { .. }), "{text}: {denied}");
        let failure = Failure::from(denied);
        assert!(failure.message.contains("only services of this machine"), "{text}: {failure}");
    }
}

#[test]
fn w2_a_service_is_reached_on_loopback_alone() {
    for good in ["127.0.0.1:0", "127.0.0.1:8022", "[::1]:1024", "localhost:8022", "127.1.2.3:9999"] {
        bound(good).unwrap();
    }
    for bad in ["0.0.0.0:8022", "[::]:8022", "192.168.1.2:8022", "[fe80::1]:8022", "[::ffff:127.0.0.1]:8022"] {
        let denied = bound(bad).unwrap_err();
        assert!(matches!(denied, Denied::NotOwn { .. } | Denied::Spelling { .. }), "{bad}: {denied}");
    }
}

#[test]
fn r1_7_a_service_is_not_reached_on_a_critical_port() {
    for port in [1, 22, 80, 443, 1023, 3389, 5432, 6379] {
        assert_eq!(bound(&format!("127.0.0.1:{port}")), Err(Denied::CriticalPort { port }));
        lent(&format!("127.0.0.1:{port}")).unwrap();
    }
}

#[test]
fn lending_is_under_proximity_and_ends_with_it() {
    let mut gate = gate();
    let (target, bind) = (spelt("127.0.0.1:22").unwrap(), spelt("127.0.0.1:0").unwrap());
    let (lend, forward) = (gate.lend(target).unwrap(), gate.forward(bind).unwrap());
    forward.permits("127.0.0.1:5000".parse().unwrap()).unwrap();
    forward.permits("192.168.1.7:5000".parse().unwrap()).unwrap_err();
    gate.revoke(Capability::Proximity);
    let revoked = Denied::Revoked(Capability::Proximity);
    assert_eq!(lend.target().unwrap_err(), revoked);
    assert_eq!((forward.bind().unwrap_err(), forward.permits(target).unwrap_err()), (revoked.clone(), revoked.clone()));
    assert_eq!((gate.lend(target).unwrap_err(), gate.forward(bind).unwrap_err()), (revoked.clone(), revoked));
    let none = Gate::new(Manifest::parse("capabilities = []").unwrap(), BTreeSet::new(), true);
    assert_eq!(none.lend(target).unwrap_err(), Denied::NotDeclared(Capability::Proximity));
}

proptest! {
    #[test]
    fn w1_whatever_is_typed_only_this_machine_is_ever_lent(text in r"\PC{0,24}(:[0-9]{1,6})?") {
        if let Ok(target) = lent(&text) {
            prop_assert!(target.ip().is_loopback() && target.port() != 0);
        }
    }

    #[test]
    fn w1_of_all_addresses_only_those_of_this_machine_are_lent(v4: u32, v6: u128, mapped: bool, port: u16) {
        let v6 = if mapped { Ipv4Addr::from_bits(v4).to_ipv6_mapped() } else { Ipv6Addr::from_bits(v6) };
        for ip in [IpAddr::V4(Ipv4Addr::from_bits(v4)), IpAddr::V6(v6)] {
            let own = ip == IpAddr::V6(Ipv6Addr::LOCALHOST) || matches!(ip, IpAddr::V4(ip) if ip.is_loopback());
            let lent = gate().lend(SocketAddr::new(ip, port)).is_ok();
            prop_assert_eq!(lent, own && port != 0);
        }
    }
}

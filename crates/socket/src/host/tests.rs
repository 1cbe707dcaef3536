//! R3.1 and R3.2 as tables, and a property: no text makes the parser panic.

use super::*;
use proptest::prelude::*;

#[test]
fn r3_1_each_kind_is_told_from_its_text() {
    let table = [
        ("example.com", HostNameType::DomainName, "example.com"),
        ("Example.COM.", HostNameType::DomainName, "example.com"),
        ("_hither._tcp.local", HostNameType::DomainName, "_hither._tcp.local"),
        ("localhost", HostNameType::DomainName, "localhost"),
        ("192.0.2.7", HostNameType::Ipv4, "192.0.2.7"),
        ("2001:DB8:0:0::1", HostNameType::Ipv6, "2001:db8::1"),
        ("[fe80::1%eth0]", HostNameType::Ipv6, "fe80::1%eth0"),
        ("(aa:bb:cc:dd:ee:0f)", HostNameType::Bluetooth, "(AA:BB:CC:DD:EE:0F)"),
        ("aa:bb:cc:dd:ee:0f", HostNameType::Bluetooth, "(AA:BB:CC:DD:EE:0F)"),
    ];
    for (text, kind, canonical) in table {
        let name = HostName::new(text).unwrap();
        assert_eq!((name.kind(), name.canonical(), name.raw()), (kind, canonical, text));
    }
}

#[test]
fn r3_1_empty_and_bad_characters_are_errors() {
    assert_eq!(HostName::new(""), Err(HostNameFault::Empty));
    assert_eq!(HostName::new("  "), Err(HostNameFault::Empty));
    let label = format!("{}.example", "x".repeat(64));
    let name = ["x".repeat(60).as_str(); 5].join(".");
    assert_eq!(HostName::new(&label), Err(HostNameFault::TooLong));
    assert_eq!(HostName::new(&name), Err(HostNameFault::TooLong));
    for bad in
        ["a b", "a..b", ".a", ".", "-a.b", "a-.b", "a\0b", "a/b", "한국", "fe80::1%", "fe80::1%a b", "300.1.1.1", "1:2"]
    {
        assert_eq!(HostName::new(bad), Err(HostNameFault::Malformed), "{bad:?}");
    }
}

#[test]
fn r3_1_names_are_compared_by_their_canonical_form() {
    let one = HostName::new("A.Example.").unwrap();
    let other = HostName::new("a.example").unwrap();
    assert_eq!(one, other);
    assert_eq!(one.cmp(&other), Ordering::Equal);
    assert!(HostName::new("b.example").unwrap() > other);
}

#[test]
fn r3_1_localhost_is_all_loopback_addresses() {
    let literals = HostName::new("LOCALHOST").unwrap().literals();
    assert_eq!(literals, ["127.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
    assert_eq!(HostName::new("fe80::1%3").unwrap().literals(), ["fe80::1".parse::<IpAddr>().unwrap()]);
    assert!(HostName::new("example.com").unwrap().literals().is_empty());
}

#[test]
fn r3_2_only_the_remote_part_of_a_pair_is_mandatory() {
    let far = HostName::new("192.0.2.1").unwrap();
    let pair = EndpointPair::new(None, "", far.clone(), "4455").unwrap();
    assert_eq!((pair.local_host, pair.local_service.as_str()), (None, ""));
    assert_eq!(EndpointPair::new(None, "", far.clone(), ""), Err(HostNameFault::NoService));
    assert_eq!(EndpointPair::new(None, "", far, "4 4"), Err(HostNameFault::Malformed));
}

proptest! {
    #[test]
    fn r3_1_no_text_panics_and_canonical_forms_are_stable(text in "\\PC{0,300}|[0-9a-f:.%\\[\\]()]{0,40}") {
        if let Ok(name) = HostName::new(&text) {
            let again = HostName::new(name.canonical()).unwrap();
            prop_assert_eq!(again.canonical(), name.canonical());
            prop_assert_eq!(again.kind(), name.kind());
        }
    }
}

//! What the gate lets through and what it does not.

use super::*;
use crate::{CONSENT_LASTS_MS, EndpointClass};
use hither_model::{ErrorCode, Failure};
use std::net::SocketAddr;

const NOW: u64 = 1_000_000;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn gate() -> Gate {
    Gate::new(Manifest::shipped().unwrap(), BTreeSet::new(), false)
}

fn consent(routes: &[&str]) -> Consent {
    Consent::new("ada".into(), routes.iter().map(|r| at(r)).collect(), NOW)
}

#[test]
fn r1_1_without_a_declared_capability_nothing_is_granted() {
    let gate = Gate::new(Manifest::parse("capabilities = []").unwrap(), BTreeSet::new(), true);
    let denied = Denied::NotDeclared(Capability::Proximity);
    assert_eq!(gate.discover().unwrap_err(), denied);
    assert_eq!(gate.listen().unwrap_err(), denied);
    assert_eq!(gate.dial(consent(&["192.168.1.2:4000"]), NOW).unwrap_err(), denied);
    assert_eq!(denied.code(), ErrorCode::AccessDenied);
}

#[test]
fn r1_10_other_capabilities_do_not_stand_in_for_proximity() {
    let others: Vec<_> = Capability::ALL[1..].iter().map(|c| format!("{:?}", c.name())).collect();
    let text = format!("capabilities = [{}]", others.join(", "));
    let gate = Gate::new(Manifest::parse(&text).unwrap(), BTreeSet::new(), true);
    assert!(gate.discover().is_err() && gate.listen().is_err());
}

#[test]
fn r1_11_a_dial_reaches_exactly_the_addresses_agreed_to() {
    let grant = gate().dial(consent(&["192.168.1.2:4000", "[fe80::2%3]:4000"]), NOW).unwrap();
    grant.permits(at("192.168.1.2:4000")).unwrap();
    grant.permits(at("[::ffff:192.168.1.2]:4000")).unwrap();
    grant.permits(at("[fe80::2%3]:4000")).unwrap();
    for other in ["192.168.1.2:4001", "192.168.1.3:4000", "[fe80::2%4]:4000", "8.8.8.8:4000"] {
        assert_eq!(grant.permits(at(other)), Err(Denied::OtherAddress { address: at(other) }));
    }
}

#[test]
fn r1_11_the_grant_and_its_lanes_end_with_the_session() {
    let grant = gate().dial(consent(&["192.168.1.2:4000", "192.168.1.3:4000"]), NOW).unwrap();
    let lane = grant.narrow(at("192.168.1.2:4000"));
    lane.permits(at("192.168.1.2:4000")).unwrap();
    assert!(lane.permits(at("192.168.1.3:4000")).is_err(), "a lane goes only where its session is");
    assert!(grant.narrow(at("10.0.0.1:4000")).permits(at("10.0.0.1:4000")).is_err(), "narrowing never widens");

    let closed = grant.narrow(at("192.168.1.2:4000"));
    closed.end();
    assert_eq!(closed.check(), Err(Denied::Ended { subject: "ada".into() }));
    grant.check().unwrap();

    grant.end();
    assert!(grant.permits(at("192.168.1.2:4000")).is_err());
    assert_eq!(lane.permits(at("192.168.1.2:4000")), Err(Denied::Ended { subject: "ada".into() }));
}

#[test]
fn r1_12_a_consent_lasts_a_minute_and_no_longer() {
    let routes = ["192.168.1.2:4000"];
    gate().dial(consent(&routes), NOW + CONSENT_LASTS_MS).unwrap();
    let late = gate().dial(consent(&routes), NOW + CONSENT_LASTS_MS + 1).unwrap_err();
    assert_eq!(late, Denied::ConsentExpired { subject: "ada".into() });
    let back = gate().dial(consent(&routes), NOW - CONSENT_LASTS_MS - 1);
    assert!(back.is_err(), "a clock set back must not revive a consent");
}

#[test]
fn r1_17_revoking_kills_what_was_granted_and_restoring_does_not_revive_it() {
    let mut gate = gate();
    let (discover, listen) = (gate.discover().unwrap(), gate.listen().unwrap());
    let dial = gate.dial(consent(&["192.168.1.2:4000"]), NOW).unwrap();
    let lane = dial.narrow(at("192.168.1.2:4000"));

    assert!(gate.revoke(Capability::Proximity));
    let denied = Err(Denied::Revoked(Capability::Proximity));
    let checks = || [discover.check(), listen.check(), dial.check(), lane.permits(at("192.168.1.2:4000"))];
    assert!(checks().into_iter().all(|c| c == denied));
    assert!(gate.discover().is_err() && gate.dial(consent(&["192.168.1.2:4000"]), NOW).is_err());
    assert!(!gate.revoke(Capability::Proximity), "it was revoked already");

    assert!(gate.restore(Capability::Proximity).unwrap());
    gate.discover().unwrap().check().unwrap();
    assert!(checks().into_iter().all(|c| c == denied), "old grants stay dead");
    assert!(!gate.restore(Capability::Proximity).unwrap(), "nothing to give back");
    gate.listen().unwrap().check().unwrap();
}

#[test]
fn r1_18_what_is_not_declared_cannot_be_had_at_run_time() {
    let mut gate = Gate::new(Manifest::parse(r#"capabilities = ["proximity"]"#).unwrap(), BTreeSet::new(), false);
    let denied = gate.restore(Capability::InternetClientServer).unwrap_err();
    assert_eq!(denied, Denied::NotDeclared(Capability::InternetClientServer));
    assert!(gate.allows(Capability::InternetClientServer).is_err());
}

#[test]
fn a_revocation_from_an_earlier_start_holds() {
    let revoked = BTreeSet::from([Capability::Proximity]);
    let mut gate = Gate::new(Manifest::shipped().unwrap(), revoked.clone(), false);
    assert_eq!(gate.revoked(), &revoked);
    let failure = Failure::from(gate.listen().unwrap_err());
    assert_eq!(failure.code, ErrorCode::AccessDenied);
    assert!(failure.message.contains("proximity"), "{failure}");
    assert!(failure.hint.unwrap().contains("hither capability grant proximity"));
    gate.restore(Capability::Proximity).unwrap();
    gate.listen().unwrap().check().unwrap();
}

#[test]
fn d3_an_address_that_cannot_be_another_device_is_refused_even_after_a_click() {
    for bad in ["127.0.0.1:4000", "[::1]:4000", "169.254.169.254:4000", "224.0.0.1:4000", "0.0.0.0:4000"] {
        let class = EndpointClass::of(at(bad).ip());
        let denied = gate().dial(consent(&[bad]), NOW).unwrap_err();
        assert_eq!(denied, Denied::Address { address: at(bad), class });
        let mixed = gate().dial(consent(&[bad, "10.0.0.2:4000"]), NOW).unwrap();
        assert_eq!(mixed.permits(at(bad)), Err(denied));
        assert_eq!(mixed.routes().collect::<Vec<_>>(), [at("10.0.0.2:4000")]);
    }
    assert_eq!(gate().dial(consent(&[]), NOW).unwrap_err(), Denied::NoRoute { subject: "ada".into() });
}

#[test]
fn r1_7_critical_ports_are_neither_bound_nor_dialled() {
    let listen = gate().listen().unwrap();
    for port in [1, 22, 443, 1023, 3389, 5353] {
        assert_eq!(listen.permits(SocketAddr::new([0, 0, 0, 0].into(), port)), Err(Denied::CriticalPort { port }));
        let route = format!("10.0.0.2:{port}");
        assert_eq!(gate().dial(consent(&[&route]), NOW).unwrap_err(), Denied::CriticalPort { port });
    }
    listen.permits(at("0.0.0.0:0")).unwrap();
    listen.permits(at("[::]:4000")).unwrap();
    assert!(gate().dial(consent(&["10.0.0.2:0"]), NOW).is_err());
}

#[test]
fn r1_8_loopback_needs_its_switch() {
    let open = Gate::new(Manifest::shipped().unwrap(), BTreeSet::new(), true);
    let grant = open.dial(consent(&["127.0.0.1:4000"]), NOW).unwrap();
    grant.permits(at("127.0.0.1:4000")).unwrap();
    let listen = open.listen().unwrap();
    assert!(listen.loopback());
    listen.permits(at("127.0.0.1:0")).unwrap();
    assert!(gate().listen().unwrap().permits(at("127.0.0.1:0")).is_err());
    assert!(!gate().discover().unwrap().loopback());
}

#[test]
fn a_known_device_is_reached_again_without_a_person_but_only_where_it_was() {
    let again = Consent::reconnect("ada".into(), vec![at("10.0.0.2:4000")], NOW);
    assert_eq!(again.subject(), "ada");
    let grant = gate().dial(again, NOW).unwrap();
    grant.permits(at("10.0.0.2:4000")).unwrap();
    assert!(grant.permits(at("10.0.0.3:4000")).is_err());
}

#[test]
fn the_list_shows_what_is_declared_granted_and_used() {
    let mut gate = gate();
    let used = |c: Capability| if c == Capability::Proximity { vec!["mdns".to_owned()] } else { vec![] };
    let rows = gate.rows(&used);
    assert_eq!(rows.len(), Capability::ALL.len());
    assert!(rows[0].name == "proximity" && rows[0].declared && rows[0].granted && rows[0].used_by == ["mdns"]);
    assert!(rows[1..].iter().all(|row| row.declared == row.granted && row.used_by.is_empty()));
    gate.revoke(Capability::Proximity);
    let rows = gate.rows(&used);
    assert!(rows[0].declared && !rows[0].granted);
}

#[test]
fn r1_3_and_r1_4_listening_for_those_beyond_needs_a_capability_of_a_server() {
    let (here, home) = (at("127.0.0.1:7000"), at("192.168.7.1:7000"));
    let networks = Networks::public().trusting(home.ip(), 24);
    let with = |names: &[&str]| {
        let list = names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        Gate::new(Manifest::parse(&format!("capabilities = [{list}]")).unwrap(), BTreeSet::new(), false)
    };
    let denied = Denied::NotDeclared(Capability::InternetClientServer);
    for others in [&["proximity", "internetClient"][..], &["privateNetworkClientServer"]] {
        assert_eq!(with(others).listen_beyond(here, &networks).unwrap_err(), denied, "this machine is the Internet");
    }
    assert_eq!(with(&["internetClient"]).listen_beyond(home, &networks).unwrap_err(), denied);
    with(&["privateNetworkClientServer"]).listen_beyond(home, &networks).unwrap().permits(home).unwrap();
    let mut gate = with(&["internetClientServer"]);
    gate.listen_beyond(home, &networks).unwrap();
    let grant = gate.listen_beyond(here, &networks).unwrap();
    grant.permits(here).unwrap();
    assert_eq!(grant.permits(at("127.0.0.1:443")), Err(Denied::CriticalPort { port: 443 }));
    gate.revoke(Capability::InternetClientServer);
    assert_eq!(grant.check(), Err(Denied::Revoked(Capability::InternetClientServer)));
    assert!(gate.listen_beyond(here, &networks).is_err());
}

#[test]
fn a_route_through_a_web_server_is_agreed_to_like_an_address_and_never_dialled_over_ip() {
    let (route, other) = (crate::web_address([1; 12]), crate::web_address([2; 12]));
    let grant = gate().dial(Consent::new("ada".into(), vec![route], NOW), NOW).unwrap();
    grant.permits_tunnel(route).unwrap();
    assert_eq!(grant.permits_tunnel(other), Err(Denied::OtherAddress { address: other }));
    assert!(matches!(grant.permits(route), Err(Denied::Address { class: EndpointClass::Web, .. })));
    assert!(matches!(grant.permits_radio(route), Err(Denied::Address { class: EndpointClass::Web, .. })));
}

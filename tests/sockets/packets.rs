//! What a capability forbids sends no packet, not even to look a name up: heard on the wire of a host of the test's own.

use crate::{lab::have, networks::StandIn};
use hither_tests::{Run, Seat, events::text, netns::Lab, run::SOON};
use rustix::process::Signal;
use serde_json::Value;

/// Tells of each packet that leaves, but for what the system itself says to its neighbours (ARP, ICMPv6).
const EAR: &str = r#"
import json, socket, struct
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(3))
wire.bind(("eth0", 0))
print(json.dumps({"event": "listening"}), flush=True)
while True:
    packet, (_, kind, direction, *_) = wire.recvfrom(65536)
    if direction != socket.PACKET_OUTGOING: continue
    if kind == 0x0800: to, protocol = socket.inet_ntop(socket.AF_INET, packet[16:20]), packet[9]
    elif kind == 0x86dd: to, protocol = socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[6]
    else: continue
    # ICMPv6, also behind the header of hop-by-hop options that reports of groups have.
    if kind == 0x86dd and (protocol == 58 or (protocol == 0 and packet[40] == 58)): continue
    print(json.dumps({"event": "packet", "to": to, "protocol": protocol}), flush=True)
"#;

/// Somebody who listens at a host's cable.
struct Ear(Run);

impl Ear {
    fn at(seat: &Seat) -> Self {
        let mut run = seat.start("/usr/bin/python3", ["-c", EAR]);
        run.wait("listening");
        Self(run)
    }

    /// Everything that left. A packet of the ear's own marks the end: what left before it was heard before it.
    fn heard(mut self, seat: &Seat) -> Vec<Value> {
        let mark = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'end', ('10.77.0.99', 9))";
        let route = "ip neigh replace 10.77.0.99 lladdr 02:00:00:00:00:99 dev eth0 2>/dev/null; exec /usr/bin/python3 -c \"$1\"";
        let end = seat.start("sh", ["-c", route, "sh", mark]).end(SOON);
        assert_eq!(end.code, Some(0), "{}", end.errors);
        self.0.wait_for("mark", SOON, |v| text(v, "to") == "10.77.0.99");
        self.0.signal(Signal::TERM);
        let mut said = self.0.end(SOON).said;
        said.retain(|v| v["event"] == "packet" && text(v, "to") != "10.77.0.99");
        said
    }
}

/// Two hosts; names are asked of the second.
fn hosts() -> Option<(Lab, Seat)> {
    if !have(&["/usr/bin/python3"]) {
        return None;
    }
    let lab = Lab::of(2)?;
    lab.host(0)
        .shell("printf 'nameserver 10.77.0.2\\n' >/run/resolv.conf; mount --bind /run/resolv.conf /etc/resolv.conf")
        .expect("a name server");
    let seat = lab.seat(0);
    Some((lab, seat))
}

/// Each way out, by name and by address.
const WAYS: [&[&str]; 5] = [
    &["connect", "server.test", "443"],
    &["connect", "server.test", "_tea"],
    &["connect", "10.77.0.2", "443"],
    &["connect", "fd77::2", "443", "--level", "plain"],
    &["ws", "wss://server.test/"],
];

fn denied(seat: &Seat, way: &[&str]) {
    let end = seat.ask(way);
    assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"), "{way:?}: {:?} {}", end.said, end.errors);
}

#[test]
fn r1_1_and_r1_2_without_internet_client_no_packet_leaves_not_even_for_a_name() {
    let Some((_lab, seat)) = hosts() else { return };
    let _agent = seat.agent_with(&["--no-mdns", "--no-ble"]);
    // A name's addresses may be anybody's, so without a network that is home nothing is asked; at home R1.4 is.
    for capability in ["internetClient", "privateNetworkClientServer"] {
        seat.rows(["capability", "revoke", capability]);
    }
    let ear = Ear::at(&seat);
    WAYS.iter().for_each(|way| denied(&seat, way));
    assert_eq!(ear.heard(&seat), [] as [Value; 0]);
    seat.rows(["capability", "grant", "internetClient"]);
    for way in WAYS {
        let ear = Ear::at(&seat);
        assert_ne!(seat.ask(way).code, Some(0), "nobody is there");
        let heard = ear.heard(&seat);
        assert!(heard.iter().any(|v| ["10.77.0.2", "fd77::2"].contains(&text(v, "to"))), "the ear hears: {heard:?}");
    }
}

#[test]
fn r1_2_and_r1_4_without_its_capability_no_packet_leaves_for_a_network_that_is_home() {
    let Some((lab, seat)) = hosts() else { return };
    let Some(mut manager) = StandIn::at(&seat, &lab.host(0).ipv4()) else { return };
    manager.say("zone", "home");
    let _agent = seat.agent_with(&["--no-mdns", "--no-ble"]);
    seat.rows(["capability", "revoke", "privateNetworkClientServer"]);
    let at_home = ["connect", "10.77.0.2", "443"];
    let ear = Ear::at(&seat);
    denied(&seat, &at_home);
    assert_eq!(ear.heard(&seat), [] as [Value; 0], "it is home, and `internetClient` is no way there");
    seat.rows(["capability", "grant", "privateNetworkClientServer"]);
    seat.rows(["capability", "revoke", "internetClient"]);
    let ear = Ear::at(&seat);
    denied(&seat, &["connect", "10.78.0.1", "443"]);
    assert_eq!(ear.heard(&seat), [] as [Value; 0], "and the other way round");
    let ear = Ear::at(&seat);
    assert_eq!(seat.ask(at_home).code, Some(7), "nobody is there");
    assert!(ear.heard(&seat).iter().any(|v| text(v, "to") == "10.77.0.2"), "the ear hears");
}

#[test]
fn r1_10_without_proximity_no_packet_leaves_to_find_or_to_be_found() {
    let Some((_lab, seat)) = hosts() else { return };
    let first = seat.agent_with(&["--name", "Ana", "--no-mdns", "--no-ble"]);
    seat.rows(["capability", "revoke", "proximity"]);
    seat.rows(["stop"]);
    let _ = first.run.end(SOON);
    let ear = Ear::at(&seat);
    let agent = seat.agent_with(&["--name", "Ana", "--no-ble"]);
    for way in [&["near"][..], &["visibility", "everyone"], &["invite", "Ben"], &["invite", "--link"]] {
        let end = seat.ask(way);
        assert!(end.code != Some(0) || way != ["invite", "Ben"], "{way:?}: {:?}", end.said);
    }
    assert_eq!(ear.heard(&seat), [] as [Value; 0]);
    let ear = Ear::at(&seat);
    seat.rows(["capability", "grant", "proximity"]);
    let mut hearing = ear;
    hearing.0.wait_for("advert", SOON, |v| ["224.0.0.251", "ff02::fb"].contains(&text(v, "to")));
    drop(agent);
}

//! The lab proves itself: its hosts reach each other, and its faults do what they say. Python speaks for the hosts, as
//! every machine with the lab's tools has it.

use hither_tests::{
    Run, Seat,
    events::{kind, text},
    netns::{Lab, Loss, Shape},
    run::SOON,
    skip::skipped,
};
use serde_json::Value;
use std::time::Duration;

/// Answers every connection with a line; prints where it listens first.
const LISTEN: &str = r#"
import json, socket, sys
s = socket.create_server((sys.argv[1], 7000), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print(json.dumps({"event": "listening"}), flush=True)
while True:
    c, _ = s.accept(); c.sendall(b"hello\n"); c.close()
"#;

/// Connects and prints what came, or why nothing did. Goes on dialling for so many seconds: a link that was gone is
/// back only after the next address resolution.
const DIAL: &str = r#"
import json, socket, sys, time
until = time.monotonic() + float(sys.argv[2])
while True:
    try:
        c = socket.create_connection((sys.argv[1], 7000), timeout=1)
        said = {"event": "came", "text": c.recv(16).decode()}
        break
    except OSError as why:
        said = {"event": "failed", "text": str(why)}
        if time.monotonic() > until or why.errno == 111: break
print(json.dumps(said), flush=True)
"#;

/// Hears a multicast group, by the interface.
const HEAR: &str = r#"
import json, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4sii", socket.inet_aton("224.0.0.251"), 0, socket.if_nametoindex("eth0")))
print(json.dumps({"event": "listening"}), flush=True)
while True:
    data, who = s.recvfrom(99)
    print(json.dumps({"event": "heard", "text": data.decode()}), flush=True)
"#;

/// Calls a multicast group once.
const CALL: &str = r#"
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("4s4si", bytes(4), bytes(4), socket.if_nametoindex("eth0")))
s.sendto(sys.argv[1].encode(), ("224.0.0.251", 5353))
"#;

fn python(seat: &Seat, script: &str, args: &[&str]) -> Run {
    seat.start("/usr/bin/python3", ["-c", script].iter().chain(args))
}

fn listen(seat: &Seat, on: &str) -> Run {
    let mut run = python(seat, LISTEN, &[on]);
    run.wait("listening");
    run
}

fn dial(seat: &Seat, to: &str, seconds: &str) -> Value {
    python(seat, DIAL, &[to, seconds]).end(SOON).said.pop().expect("the dialler says how it went")
}

fn came(seat: &Seat, to: &str) -> bool {
    let said = dial(seat, to, "15");
    kind(&said) == "came" && text(&said, "text") == "hello\n"
}

fn cut_off(seat: &Seat, from: &str) -> bool {
    kind(&dial(seat, from, "0")) == "failed"
}

#[test]
fn hosts_reach_each_other_by_every_family() {
    let Some(lab) = Lab::shaped(2, Shape::BARE) else { return };
    let (near, far) = (lab.seat(0), lab.seat(1));
    let _v4 = listen(&far, "0.0.0.0");
    assert!(came(&near, &lab.host(1).ipv4()));
    let _v6 = listen(&far, "::");
    assert!(came(&near, &lab.host(1).ula()));
    let shown = lab.host(1).output("ip", &["-6", "-br", "addr", "show", "dev", "eth0", "scope", "link"]).unwrap();
    let link_local =
        shown.split_whitespace().find(|w| w.starts_with("fe80")).and_then(|a| a.split('/').next()).unwrap();
    assert!(came(&near, &format!("{link_local}%eth0")));
}

#[test]
fn a_pulled_cable_stops_everything_until_it_is_back() {
    let Some(lab) = Lab::shaped(2, Shape::BARE) else { return };
    let _far = listen(&lab.seat(1), "0.0.0.0");
    let to = lab.host(1).ipv4();
    lab.cut(1).unwrap();
    assert!(cut_off(&lab.seat(0), &to));
    lab.join(1).unwrap();
    assert!(came(&lab.seat(0), &to));
    lab.mute(1).unwrap();
    assert!(cut_off(&lab.seat(0), &to));
    lab.unmute(1).unwrap();
    assert!(came(&lab.seat(0), &to));
}

#[test]
fn isolated_hosts_reach_others_but_not_each_other() {
    let Some(lab) = Lab::shaped(3, Shape::BARE) else { return };
    let _far = listen(&lab.seat(1), "0.0.0.0");
    lab.isolate(0, true).unwrap();
    lab.isolate(1, true).unwrap();
    assert!(cut_off(&lab.seat(0), &lab.host(1).ipv4()));
    assert!(came(&lab.seat(2), &lab.host(1).ipv4()));
    lab.isolate(0, false).unwrap();
    assert!(came(&lab.seat(0), &lab.host(1).ipv4()));
}

#[test]
fn multicast_passes_unless_the_link_drops_it() {
    let Some(lab) = Lab::shaped(2, Shape::BARE) else { return };
    let (near, far) = (lab.seat(0), lab.seat(1));
    let mut ear = python(&far, HEAR, &[]);
    ear.wait("listening");
    python(&near, CALL, &["first"]).end(SOON);
    assert_eq!(text(&ear.wait("heard"), "text"), "first");
    lab.drop_multicast(1).unwrap();
    python(&near, CALL, &["second"]).end(SOON);
    let _server = listen(&far, "0.0.0.0");
    assert!(came(&near, &lab.host(1).ipv4()), "unicast passes all the same");
    lab.pass_multicast(1).unwrap();
    python(&near, CALL, &["third"]).end(SOON);
    assert_eq!(text(&ear.wait("heard"), "text"), "third", "the second was dropped");
}

#[test]
fn a_full_loss_is_no_link_and_none_is_a_link() {
    let Some(lab) = Lab::shaped(2, Shape::BARE) else { return };
    let _far = listen(&lab.seat(1), "0.0.0.0");
    lab.lose(1, Loss(100)).unwrap();
    assert!(cut_off(&lab.seat(0), &lab.host(1).ipv4()));
    lab.lose(1, Loss(0)).unwrap();
    assert!(came(&lab.seat(0), &lab.host(1).ipv4()));
    lab.limit(1, 10).unwrap();
    assert!(came(&lab.seat(0), &lab.host(1).ipv4()));
    lab.unlimit(1).unwrap();
}

#[test]
fn a_host_moves_gets_a_second_cable_and_a_small_disk() {
    let Some(lab) = Lab::shaped(2, Shape::BARE) else { return };
    let _far = listen(&lab.seat(1), "0.0.0.0");
    lab.host(1).move_to(50).unwrap();
    assert!(came(&lab.seat(0), "10.77.0.50"));
    lab.second_cable(1).unwrap();
    assert!(came(&lab.seat(0), "10.77.0.102"));
    let seat = lab.seat(0);
    lab.host(0).small_disk(&seat.at("small"), 1).unwrap();
    let full = std::fs::write(seat.file("small/big"), vec![0; 2 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn killing_a_program_on_a_host_kills_the_program_and_not_only_the_way_to_it() {
    let Some(lab) = Lab::shaped(2, Shape::BARE) else { return };
    let far = lab.seat(1);
    let mut server = listen(&far, "0.0.0.0");
    server.kill_9();
    assert_eq!(text(&dial(&lab.seat(0), &lab.host(1).ipv4(), "5"), "text"), "[Errno 111] Connection refused");
    assert_eq!(server.events.next(Duration::from_secs(5), |_| true), Err(hither_tests::events::Silence::Ended));
}

#[test]
fn a_second_user_of_a_host_has_a_directory_nobody_else_reads() {
    let Some(lab) = Lab::shaped(1, Shape::BARE) else { return };
    if !lab.host(0).knows_user(1001) {
        return skipped("netns", "two users need root outside of a user namespace");
    }
    let bob = lab.host(0).seat("bob", 1001);
    let mut who = bob.start("id", ["-u"]);
    assert_eq!(who.events.next(SOON, |_| true), Ok(Value::from(1001)));
    let peek = lab.host(0).seat("carol", 1002).start("ls", [bob.at("home")]).end(SOON);
    assert_ne!(peek.code, Some(0));
}

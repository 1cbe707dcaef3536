//! Finding each other: both directions, beside other mDNS programs, through cuts, and not at all when hidden.

use hither_tests::{
    Run, Seat,
    acts::{APPEAR, sees, watch},
    events::{kind, text},
    netns::Lab,
    program::on_path,
    run::SOON,
    skip::skipped,
};
use serde_json::Value;
use std::time::Duration;

/// A bus that lets the administrator of a lab host do what avahi wants.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/></policy>
</busconfig>"#;

/// Browses for hither with Python's zeroconf and prints each device's name from its TXT record.
const BROWSE: &str = r#"
import json, time
from zeroconf import Zeroconf, ServiceBrowser, ServiceListener
class Ear(ServiceListener):
    def add_service(self, z, kind, name): self.tell(z, kind, name)
    def update_service(self, z, kind, name): self.tell(z, kind, name)
    def remove_service(self, z, kind, name): pass
    def tell(self, z, kind, name):
        found = z.get_service_info(kind, name, 5000)
        if found: print(json.dumps({"event": "heard", "instance": name.split(".")[0], "name": (found.properties.get(b"n") or b"").decode(), "server": found.server}), flush=True)
z = Zeroconf()
ServiceBrowser(z, "_hither._tcp.local.", Ear())
time.sleep(60)
"#;

/// Starts a bus and avahi on a host.
fn avahi(seat: &Seat) -> (Run, Run) {
    std::fs::write(seat.file("bus.conf"), BUS).unwrap();
    std::fs::write(seat.file("avahi.conf"), "[server]\nuse-ipv4=yes\nuse-ipv6=yes\n").unwrap();
    std::fs::create_dir_all(seat.outside("/run/dbus".as_ref())).unwrap();
    let config = format!("--config-file={}", seat.at("bus.conf").display());
    let mut bus = seat.start("dbus-daemon", [config.as_str(), "--nofork", "--nopidfile", "--print-address"]);
    bus.wait_for("the bus's address", SOON, |_| true);
    let config = seat.at("avahi.conf").display().to_string();
    let daemon = seat.start("avahi-daemon", ["-f", &config, "--no-drop-root", "--no-chroot", "--no-rlimits"]);
    (bus, daemon)
}

#[test]
fn devices_find_each_other_in_both_directions_beside_avahi_and_python() {
    let Some(lab) = Lab::of(3) else { return };
    for tool in ["avahi-daemon", "avahi-browse", "dbus-daemon"] {
        if !on_path(tool) {
            return skipped("netns", &format!("the tool `{tool}` is missing: run script/bootstrap"));
        }
    }
    let (ana, ben, cleo) = (lab.seat(0), lab.seat(1), lab.seat(2));
    let _avahi = avahi(&ben);
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    sees(&ana, "Ben");
    sees(&ben, "Ana");
    // avahi on the same host as Ben sees both, and kept the host's name to itself.
    let mut browse = ben.start("avahi-browse", ["-rp", "_hither._tcp"]);
    each_of(&["n=Ana", "n=Ben"], |left| {
        let line = browse.wait_for(&left.join(" or "), APPEAR, |v| {
            v.as_str().is_some_and(|line| line.starts_with('=') && left.iter().any(|name| line.contains(name)))
        });
        line.as_str().unwrap_or_default().to_owned()
    });
    if cleo.start("/usr/bin/python3", ["-c", "import zeroconf"]).end(SOON).code != Some(0) {
        return skipped("netns", "Python's zeroconf is missing: run script/bootstrap");
    }
    let mut python = cleo.start("/usr/bin/python3", ["-c", BROWSE]);
    each_of(&["Ana", "Ben"], |left| {
        let heard = python.wait_for(&left.join(" or "), APPEAR, |v| left.contains(&text(v, "name")));
        assert_eq!(text(&heard, "instance").len(), 32, "random digits and nothing else: {heard}");
        assert!(!text(&heard, "server").contains(&hostname(&lab)), "the host's name is not told: {heard}");
        text(&heard, "name").to_owned()
    });
}

/// Calls `next` with the names that have not come yet until all have, in whatever order.
fn each_of(names: &[&str], mut next: impl FnMut(&[&str]) -> String) {
    let mut left = names.to_vec();
    while !left.is_empty() {
        let came = next(&left);
        left.retain(|name| !came.contains(name));
    }
}

fn hostname(lab: &Lab) -> String {
    lab.host(0).output("hostname", &[]).unwrap().trim().to_owned()
}

#[test]
fn an_advert_made_by_avahi_is_seen() {
    let Some(lab) = Lab::of(2) else { return };
    if !on_path("avahi-publish") || !on_path("dbus-daemon") {
        return skipped("netns", "avahi is missing: run script/bootstrap");
    }
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let _avahi = avahi(&ben);
    let _a = ana.agent("Ana");
    let tags = format!("t0={}", "tagbytes".repeat(8));
    let instance = "0123456789abcdef0123456789abcdef";
    let rid = format!("r={}", "ab".repeat(16));
    let args = ["-s", instance, "_hither._tcp", "7777", "v=1", "e=2000000", &rid, "n=Made elsewhere", &tags];
    let _published = ben.start("avahi-publish", args);
    let row = sees(&ana, "Made elsewhere");
    assert_eq!(text(&row, "trust"), "new");
    let routes = row["routes"].to_string();
    assert!(routes.contains("10.77.0.2:7777"), "{routes}");
}

#[test]
fn a_device_that_stops_says_goodbye() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let _a = ana.agent("Ana");
    let ben_agent = ben.agent("Ben");
    let (mut near, row) = watch(&ana, "Ben");
    ben.rows(["stop"]);
    near.wait_for("the goodbye", Duration::from_secs(10), |v| {
        kind(v) == "peer-removed" && text(v, "peer") == text(&row, "peer")
    });
    assert_eq!(ben_agent.run.end(SOON).code, Some(0));
}

#[test]
fn d10_a_device_is_found_again_within_ten_seconds_of_its_cable() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    lab.cut(1).unwrap();
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    let mut near = ana.hither(["near", "--watch"]);
    near.events.during(Duration::from_secs(3));
    lab.join(1).unwrap();
    near.wait_for("Ben", Duration::from_secs(10), |v| text(v, "name") == "Ben");
}

#[test]
fn d10_isolated_devices_do_not_see_each_other_and_the_doctor_has_a_hint() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    lab.isolate(0, true).unwrap();
    lab.isolate(1, true).unwrap();
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    let mut near = ana.hither(["near", "--watch"]);
    let seen = near.events.during(Duration::from_secs(5));
    assert!(seen.iter().all(|v| text(v, "name") != "Ben"), "{seen:?}");
    let checks = ana.ask(["doctor"]).said;
    let multicast = checks.iter().find(|v| kind(v) == "check" && text(v, "name").contains("multicast"));
    let multicast = multicast.unwrap_or_else(|| panic!("the doctor says nothing about multicast: {checks:?}"));
    assert!(!text(multicast, "detail").is_empty(), "{multicast}");
}

#[test]
fn d9_nobody_sees_a_hidden_device_and_no_packet_leaves_it() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let ben_agent = ben.agent("Ben");
    ben.rows(["visibility", "nobody"]);
    ben.rows(["stop"]);
    assert_eq!(ben_agent.run.end(SOON).code, Some(0));
    lab.count_mdns(1).unwrap();
    let _a = ana.agent("Ana");
    let _hidden = ben.agent_with(&[]);
    let mut near = ana.hither(["near", "--watch"]);
    let seen = near.events.during(Duration::from_secs(5));
    assert!(seen.iter().all(|v| text(v, "name") != "Ben"), "{seen:?}");
    ben.rows(["stop"]);
    assert_eq!(lab.counted_mdns(1), Ok(0), "no probe, no advert, no goodbye");
}

#[test]
fn n8_a_device_on_two_interfaces_is_one_row() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    lab.second_cable(1).unwrap();
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    let (mut near, row) = watch(&ana, "Ben");
    near.events.during(Duration::from_secs(2));
    let seen: Vec<Value> = near.events.seen().to_vec();
    let ids: std::collections::BTreeSet<&str> =
        seen.iter().filter(|v| text(v, "name") == "Ben").map(|v| text(v, "peer")).collect();
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), [text(&row, "peer")]);
}

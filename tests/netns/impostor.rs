//! Somebody who wants to be taken for somebody else: the same name with another key, and a copied advert.

use hither_tests::{
    acts::{APPEAR, meet, sees},
    events::{kind, text},
    netns::Lab,
    run::SOON,
    skip::skipped,
};

/// Copies the first advert of hither it hears, under the same instance name, to another address; says so, and stays.
const COPY: &str = r#"
import json, socket, sys, threading, time
from zeroconf import Zeroconf, ServiceBrowser, ServiceInfo, ServiceListener
heard = threading.Event(); found = {}
class Ear(ServiceListener):
    def add_service(self, z, kind, name):
        got = z.get_service_info(kind, name, 5000)
        if got and (got.properties.get(b"n") or b"").decode() == sys.argv[1]: found["it"] = got; heard.set()
    def update_service(self, z, kind, name): self.add_service(z, kind, name)
    def remove_service(self, z, kind, name): pass
z = Zeroconf(); browser = ServiceBrowser(z, "_hither._tcp.local.", Ear())
heard.wait(20); it = found["it"]; browser.cancel()
print(json.dumps({"event": "copied"}), flush=True)
sys.stdin.readline()
fake = ServiceInfo(it.type, it.name, addresses=[socket.inet_aton(sys.argv[2])], port=int(sys.argv[3]), properties=it.properties, server="ee" * 16 + ".local.")
z.close(); z = Zeroconf()
z.register_service(fake, allow_name_change=False, cooperating_responders=True)
print(json.dumps({"event": "published"}), flush=True)
time.sleep(120)
"#;

#[test]
fn d7_a_known_name_on_another_key_is_a_stranger_that_is_marked() {
    let Some(lab) = Lab::of(3) else { return };
    let (ana, ben, eve) = (lab.seat(0), lab.seat(1), lab.seat(2));
    let _a = ana.agent("Ana");
    let ben_agent = ben.agent("Ben");
    let met = meet(&ana, &ben, "Ben");
    drop(ben_agent);
    let eve_agent = eve.agent("Ben");
    let mut near = ana.hither(["near", "--watch"]);
    let row = near.wait_for("the impostor", APPEAR, |v| {
        kind(v) != "peer-removed" && text(v, "name") == "Ben" && v["routes"].to_string().contains(&lab.host(2).ipv4())
    });
    assert!(matches!(text(&row, "trust"), "new" | "changed"), "nobody to be trusted: {row}");
    assert_ne!(text(&row, "peer"), met.peer);
    assert_eq!(text(&row, "resembles"), "Ben", "{row}");
    let trusted = ana.rows(["trust", "list"]);
    assert!(trusted.iter().any(|v| text(v, "peer") == met.peer && text(v, "trust") == "verified"), "{trusted:?}");
    assert!(trusted.iter().all(|v| text(v, "peer") != eve_agent.peer()));
}

#[test]
fn d5_a_copied_advert_leads_nowhere_and_changes_nothing() {
    let Some(lab) = Lab::of(3) else { return };
    let (ana, ben, eve) = (lab.seat(0), lab.seat(1), lab.seat(2));
    if eve.start("/usr/bin/python3", ["-c", "import zeroconf"]).end(SOON).code != Some(0) {
        return skipped("netns", "Python's zeroconf is missing: run script/bootstrap");
    }
    let _a = ana.agent("Ana");
    let ben_agent = ben.agent("Ben");
    let met = meet(&ana, &ben, "Ben");
    ana.rows(["close", &met.session]);
    let eve_agent = eve.agent("Eve");
    let port = eve_agent.ready["listen"][0].as_str().and_then(|a| a.rsplit(':').next()).expect("a port").to_owned();
    let mut copy = eve.start("/usr/bin/python3", ["-c", COPY, "Ben", &lab.host(2).ipv4(), &port]);
    copy.wait_for("the copy", APPEAR, |v| kind(v) == "copied");
    drop(ben_agent);
    copy.type_in(b"go\n");
    copy.wait_for("the forged advert", APPEAR, |v| kind(v) == "published");
    sees(&ana, "Eve");
    let end = ana.ask(["invite", &met.peer, "--timeout", "10"]);
    assert_ne!(end.code, Some(0), "the impostor was taken for Ben");
    assert!(eve.rows(["inbox"]).iter().all(|v| kind(v) != "question"), "the impostor was asked");
    let trusted = ana.rows(["trust", "list"]);
    assert!(trusted.iter().any(|v| text(v, "peer") == met.peer && text(v, "trust") == "verified"), "{trusted:?}");
    // The real one is back and is reached.
    drop(copy);
    let _ben = ben.agent("Ben");
    hither_tests::acts::meet_again(&ana, &ben, &met.peer);
}

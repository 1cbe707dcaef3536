//! Networks that count as home: what NetworkManager says of them, what the person says, and what ends when that changes. The
//! NetworkManager is a small program that says what the test wants, on a bus of the host's own.

use crate::lab::{have, have_python};
use hither_tests::{Run, Seat, netns::Lab, run::SOON};
use std::time::{Duration, Instant};

const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/></policy>
</busconfig>"#;

/// One connection by a modem; what is known of it comes on standard input, a word and its value.
const MANAGER: &str = r#"
import dbus, dbus.service, json, sys, threading
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib
DBusGMainLoop(set_as_default=True)
NM, ROOT = "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"
MM, MODEM = "org.freedesktop.ModemManager1", "/org/freedesktop/ModemManager1/Modem/0"
class Thing(dbus.service.Object):
    def __init__(self, bus, path, properties):
        super().__init__(bus, path); self.properties = properties
    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="ss", out_signature="v")
    def Get(self, interface, name): return self.properties[name]
    @dbus.service.signal("org.freedesktop.DBus.Properties", signature="sa{sv}as")
    def PropertiesChanged(self, interface, changed, gone): pass
    @dbus.service.method(NM + ".Settings.Connection", out_signature="a{sa{sv}}")
    def GetSettings(self): return {"connection": {"id": "Lab", "zone": self.properties["zone"]}}
    @dbus.service.signal(NM + ".Settings.Connection", signature="")
    def Updated(self): pass
bus = dbus.SystemBus()
names = [dbus.service.BusName(name, bus) for name in (NM, MM)]
at = lambda path: dbus.ObjectPath(ROOT + path)
root = Thing(bus, ROOT, {"ActiveConnections": dbus.Array([at("/Active/1")], signature="o")})
active = Thing(bus, at("/Active/1"), {"Uuid": "6a1f0000-1111", "Id": "Lab", "Connection": at("/Settings/1"),
    "Ip4Config": at("/IP4Config/1"), "Ip6Config": dbus.ObjectPath("/"), "Type": "gsm",
    "Devices": dbus.Array([at("/Devices/1")], signature="o")})
device = Thing(bus, at("/Devices/1"), {"Metered": dbus.UInt32(0), "DeviceType": dbus.UInt32(8), "Udi": MODEM})
modem = Thing(bus, dbus.ObjectPath(MODEM), {"RegistrationState": dbus.UInt32(1)})
address = dbus.Dictionary({"address": sys.argv[1], "prefix": dbus.UInt32(24)}, signature="sv")
config = Thing(bus, at("/IP4Config/1"), {"AddressData": dbus.Array([address], signature="a{sv}")})
settings = Thing(bus, at("/Settings/1"), {"zone": ""})
def say(line):
    what, _, word = line.partition(" ")
    if what == "zone":
        settings.properties["zone"] = word; settings.Updated()
    else:
        thing, interface, key = {"metered": (device, NM + ".Device", "Metered"),
            "state": (modem, MM + ".Modem.Modem3gpp", "RegistrationState")}[what]
        thing.properties[key] = dbus.UInt32(int(word))
        thing.PropertiesChanged(interface, {key: thing.properties[key]}, [])
    print(json.dumps({"event": what, "is": word}), flush=True)
def listen():
    for line in sys.stdin: GLib.idle_add(say, line.strip())
threading.Thread(target=listen, daemon=True).start()
print(json.dumps({"event": "ready"}), flush=True)
GLib.MainLoop().run()
"#;

/// Says hello to who calls, and waits until they go.
const SERVER: &str = r#"
import json, socket, threading
server = socket.create_server(("0.0.0.0", 4000))
print(json.dumps({"event": "ready"}), flush=True)
def serve(call):
    call.sendall(b'{"event":"hello"}\n'); call.recv(10); call.close()
while True:
    call, _ = server.accept()
    threading.Thread(target=serve, args=(call,), daemon=True).start()
"#;

/// A system's bus at a host.
pub(crate) fn bus(seat: &Seat) -> Run {
    std::fs::write(seat.file("bus.conf"), BUS).expect("a file");
    std::fs::create_dir_all(seat.outside("/run/dbus".as_ref())).expect("a directory");
    let config = format!("--config-file={}", seat.at("bus.conf").display());
    let mut bus = seat.start("dbus-daemon", [config.as_str(), "--nofork", "--nopidfile", "--print-address"]);
    bus.wait_for("the bus's address", SOON, |_| true);
    bus
}

/// What stands for NetworkManager and ModemManager there, with this address.
pub(crate) struct StandIn {
    run: Run,
    _bus: Run,
}

impl StandIn {
    /// `None`, and the reason noted, where it cannot run.
    pub(crate) fn at(seat: &Seat, address: &str) -> Option<Self> {
        if !(have(&["dbus-daemon"]) && have_python("dbus") && have_python("gi")) {
            return None;
        }
        let bus = bus(seat);
        let mut run = seat.start("/usr/bin/python3", ["-c", MANAGER, address]);
        run.wait("ready");
        Some(Self { run, _bus: bus })
    }

    /// Says something new: `zone`, `metered` (of NetworkManager) or `state` (of ModemManager).
    pub(crate) fn say(&mut self, what: &str, word: &str) {
        self.run.type_in(format!("{what} {word}\n").as_bytes());
        self.run.wait_for(what, SOON, |said| said["event"] == what && said["is"] == word);
    }
}

/// A server that says hello at port 4000 to who calls.
pub(crate) fn server(seat: &Seat) -> Run {
    let mut server = seat.start("/usr/bin/python3", ["-c", SERVER]);
    server.wait("ready");
    server
}

/// Two hosts: the person's, with a bus and a NetworkManager, and a server's.
struct Home {
    lab: Lab,
    seat: Seat,
    manager: StandIn,
    _others: Vec<Run>,
}

impl Home {
    fn new() -> Option<Self> {
        let lab = Lab::of(2)?;
        let seat = lab.seat(0);
        let manager = StandIn::at(&seat, &lab.host(0).ipv4())?;
        let server = server(&lab.seat(1));
        let agent = seat.agent_with(&["--no-mdns"]).run;
        Some(Self { lab, seat, manager, _others: vec![server, agent] })
    }

    fn zone(&mut self, zone: &str) {
        self.manager.say("zone", zone);
    }

    fn server(&self) -> String {
        self.lab.host(1).ipv4()
    }

    /// A connection that stays.
    fn call(&self) -> Run {
        let mut run = self.seat.hither(["connect", &self.server(), "4000", "--level", "plain"]);
        run.wait("hello");
        run
    }

    /// Whether the network counts as private, and who says so.
    fn counts(&self) -> (bool, String) {
        let rows = self.seat.rows(["network", "list"]);
        let row = rows.iter().find(|row| row["name"] == "Lab").expect("it is listed");
        (row["private"] == true, row["by"].as_str().unwrap_or_default().to_owned())
    }

    fn cost(&self) -> String {
        let rows = self.seat.rows(["network", "list"]);
        rows.iter().find(|row| row["name"] == "Lab").map(|row| row["cost"].to_string()).expect("it is listed")
    }

    fn refused(&self) {
        let end = self.seat.ask(["connect", &self.server(), "4000", "--level", "plain"]);
        assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"), "{}", end.errors);
    }
}

/// It ends by itself within five seconds and says why.
pub(crate) fn ends(mut run: Run, began: Instant) {
    let why = run.wait("error");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let said = why["message"].as_str().unwrap_or_default();
    assert!(said.contains("not trusted any more") && said.contains("privateNetworkClientServer"), "{why}");
}

#[test]
fn r1_6_a_zone_of_networkmanager_makes_a_network_private_and_its_end_ends_what_stood_on_it() {
    let Some(mut home) = Home::new() else { return };
    assert_eq!(home.counts(), (false, "nobody".to_owned()), "unknown is public");
    // Only home and work are reached from here on.
    home.seat.rows(["capability", "revoke", "internetClient"]);
    home.refused();
    for zone in ["work", "home"] {
        home.zone(zone);
        assert_eq!(home.counts(), (true, "zone".to_owned()), "{zone}");
        let run = home.call();
        let began = Instant::now();
        home.zone("public");
        ends(run, began);
        home.refused();
    }
}

#[test]
fn r1_6_the_persons_word_for_one_connection_goes_before_the_zone() {
    let Some(mut home) = Home::new() else { return };
    home.seat.rows(["capability", "revoke", "internetClient"]);
    home.zone("public");
    home.refused();
    home.seat.rows(["network", "trust", "6a1f"]);
    assert_eq!(home.counts(), (true, "person".to_owned()));
    let run = home.call();
    let began = Instant::now();
    home.seat.rows(["network", "distrust", "Lab"]);
    ends(run, began);
    home.zone("home");
    home.refused();
    home.seat.rows(["network", "forget", "Lab"]);
    let run = home.call();
    // R1.17: what it stands on is the capability of private networks.
    home.seat.rows(["capability", "revoke", "privateNetworkClientServer"]);
    let end = run.end(SOON);
    assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"), "{}", end.errors);
    let unknown = home.seat.ask(["network", "trust", "nowhere"]);
    assert_eq!((unknown.code, unknown.error_code()), (Some(2), "UnknownId"));
}

#[test]
fn r6_14_what_a_network_costs_comes_from_networkmanager_the_modem_and_the_person() {
    let Some(mut home) = Home::new() else { return };
    // `NMMetered`: unknown, yes, no, probably, probably not.
    for (metered, cost) in [("0", "free"), ("1", "metered"), ("2", "free"), ("3", "metered"), ("4", "free")] {
        home.manager.say("metered", metered);
        assert_eq!(home.cost(), format!("\"{cost}\""), "{metered}");
    }
    home.seat.rows(["network", "metered", "Lab", "yes"]);
    assert_eq!(home.cost(), "\"metered\"", "the person's word goes first");
    home.manager.say("metered", "1");
    home.seat.rows(["network", "metered", "Lab", "no"]);
    assert_eq!(home.cost(), "\"free\"");
    // Registered with another operator: whatever was agreed with one's own, it is dear.
    home.manager.say("state", "5");
    assert_eq!(home.cost(), "\"dear\"");
    home.manager.say("state", "1");
    home.seat.rows(["network", "forget", "Lab"]);
    assert_eq!(home.cost(), "\"metered\"");
}

//! Networks that count as home, by the real NetworkManager and the real firewalld on a host of the test's own, and what the agent
//! does when one counts no more: it stops listening there for a web server, and what it carries through one ends.

use crate::{
    home::{Home, open},
    lab::{have, have_python},
    networks::{StandIn, bus, ends, server},
};
use hither_tests::{
    Run, Seat,
    acts::{APPEAR, question, until},
    events::{kind, text},
    netns::Lab,
    run::SOON,
};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How soon the end of a private network has to be followed (R1.6).
const FOLLOWED: Duration = Duration::from_secs(5);
const BEYOND: Duration = Duration::from_secs(60);

/// Files of the two are the host's own, and `/sys` says that no udev is there to wait for.
const PLACES: &str = "mkdir -p /run/NetworkManager /run/lib /run/wall
cp -a /etc/firewalld/. /run/wall/ 2>/dev/null || true
mkdir -p /etc/firewalld && mount --bind /run/wall /etc/firewalld
mount -t tmpfs tmpfs /etc/NetworkManager && mkdir -p -m 700 /etc/NetworkManager/system-connections
mkdir -p /var/lib/NetworkManager && mount --bind /run/lib /var/lib/NetworkManager
mount -t sysfs -o ro sysfs /sys
cat >/etc/NetworkManager/NetworkManager.conf <<'CONF'
[main]
plugins=keyfile
auth-polkit=false
dns=none
rc-manager=unmanaged
no-auto-default=*
[connectivity]
enabled=false
CONF
cat >/etc/NetworkManager/system-connections/lab.nmconnection <<'CONF'
[connection]
id=Lab
uuid=6a1f0000-1111-4222-8333-444444444444
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1=10.77.0.1/24
[ipv6]
method=disabled
CONF
chmod 600 /etc/NetworkManager/system-connections/lab.nmconnection";

/// A host with a NetworkManager, and another with a server.
struct Real {
    lab: Lab,
    seat: Seat,
    _others: Vec<Run>,
}

impl Real {
    fn new() -> Option<Self> {
        if !have(&["dbus-daemon", "NetworkManager", "nmcli", "/usr/bin/python3"]) {
            return None;
        }
        let lab = Lab::of(2)?;
        let seat = lab.seat(0);
        lab.host(0).shell(PLACES).expect("places");
        let mut others = vec![bus(&seat), server(&lab.seat(1))];
        others.push(seat.start("NetworkManager", ["--no-daemon"]));
        let real = Self { lab, seat, _others: others };
        // It takes over what it finds; then it does what its file says.
        until(&real.seat, &["network", "list"], "network", SOON, |row| row["addresses"][0] == "10.77.0.1/24");
        real.lab.host(0).output("nmcli", &["connection", "up", "Lab"]).expect("it comes up");
        until(&real.seat, &["network", "list"], "network", SOON, |row| row["name"] == "Lab");
        Some(real)
    }

    fn modify(&self, setting: &str, value: &str) {
        self.lab.host(0).output("nmcli", &["connection", "modify", "Lab", setting, value]).expect("it is modified");
    }

    fn listed(&self) -> Vec<Value> {
        self.seat.rows(["network", "list"])
    }

    fn call(&self) -> Run {
        let mut run = self.seat.hither(["connect", &self.lab.host(1).ipv4(), "4000", "--level", "plain"]);
        run.wait("hello");
        run
    }

    /// Whether the other host gets through to a port of this one.
    fn reached(&self, port: u16) -> bool {
        let call = format!("import socket; socket.create_connection(('10.77.0.1', {port}), 10)");
        self.lab.host(1).output("/usr/bin/python3", &["-c", &call]).is_ok()
    }
}

#[test]
fn r1_6_the_real_networkmanager_says_which_network_is_home_and_what_it_costs() {
    let Some(real) = Real::new() else { return };
    let _agent = real.seat.agent_with(&["--no-mdns"]);
    real.seat.rows(["capability", "revoke", "internetClient"]);
    let rows = real.listed();
    assert_eq!(rows.len(), 1, "the machine's connection with itself is no network: {rows:?}");
    assert_eq!((&rows[0]["private"], text(&rows[0], "cost")), (&Value::Bool(false), "free"));
    real.modify("connection.zone", "home");
    real.modify("connection.metered", "yes");
    let rows = real.listed();
    assert_eq!((&rows[0]["private"], text(&rows[0], "cost")), (&Value::Bool(true), "metered"), "{rows:?}");
    let run = real.call();
    let began = Instant::now();
    real.modify("connection.zone", "public");
    ends(run, began);
    real.modify("connection.zone", "work");
    let run = real.call();
    let began = Instant::now();
    real.lab.host(0).output("nmcli", &["connection", "down", "Lab"]).expect("it goes down");
    ends(run, began);
    assert!(real.listed().is_empty());
}

#[test]
fn r1_6_the_default_zone_of_the_real_firewalld_counts_where_a_connection_names_none() {
    if !(have(&["firewalld", "firewall-cmd"]) && have_python("firewall")) {
        return;
    }
    let Some(real) = Real::new() else { return };
    let _wall = real.seat.start("firewalld", ["--nofork", "--nopid"]);
    let _agent = real.seat.agent_with(&["--no-mdns"]);
    real.seat.rows(["capability", "revoke", "internetClient"]);
    until(&real.seat, &["network", "list"], "default zone", SOON, |row| text(row, "zone") == "public");
    let zone = |zone: &str| {
        let set = format!("--set-default-zone={zone}");
        real.lab.host(0).output("firewall-cmd", &[&set]).expect("it is set");
    };
    zone("work");
    assert_eq!(real.listed()[0]["private"], true);
    let run = real.call();
    let began = Instant::now();
    zone("public");
    ends(run, began);
}

#[test]
fn r1_6_a_listener_for_a_web_server_ends_when_its_network_is_home_no_more() {
    let Some(real) = Real::new() else { return };
    let _agent = real.seat.agent_with(&[
        "--no-mdns",
        "--no-ble",
        "--websocket",
        "10.77.0.1:7000",
        "--websocket-exposed",
        "--websocket-url",
        "wss://10.77.0.1/hither",
    ]);
    assert!(!real.reached(7000), "what is unknown is public, and no capability permits that");
    let listening = |v: &Value| text(v, "name") == "web server" && v.to_string().contains("listening for it at");
    let ended = |v: &Value| text(v, "name") == "web server" && v.to_string().contains("not listened for");
    for zone in ["home", "work"] {
        real.modify("connection.zone", zone);
        until(&real.seat, &["doctor"], "listener", FOLLOWED, listening);
        assert!(real.reached(7000), "{zone}");
        real.modify("connection.zone", "public");
        let told = until(&real.seat, &["doctor"], "end of it", FOLLOWED, ended);
        assert!(told.to_string().contains("internetClientServer"), "it says what would permit it: {told}");
        assert!(!real.reached(7000), "{zone}");
    }
    let said = real.seat.rows(["history"]);
    let ends =
        said.iter().filter(|v| text(v, "detail").contains("10.77.0.1:7000 is not listened for any more")).count();
    assert_eq!(ends, 2, "{said:?}");
    // The person's word does the same, and R1.17: so does the capability.
    real.seat.rows(["network", "trust", "Lab"]);
    until(&real.seat, &["doctor"], "listener", FOLLOWED, listening);
    assert!(real.reached(7000));
    real.seat.rows(["capability", "revoke", "privateNetworkClientServer"]);
    assert!(!real.reached(7000));
}

#[test]
fn r1_6_a_session_through_a_web_server_at_home_ends_when_the_network_is_home_no_more() {
    let Some(home) = Home::of(2) else { return };
    let ben = home.net.seat(1);
    let Some(mut manager) = StandIn::at(&ben, &home.net.host(1).ipv4()) else { return };
    let _nginx = home.nginx("home");
    let (ana, _agent) = home.ana();
    ana.rows(["settings", "set", "exclude", "eth0"]);
    manager.say("zone", "public");
    let (ben, _ben_agent) = home.guest(1, "Ben");
    ben.rows(["capability", "revoke", "internetClient"]);
    let link = home.link();
    let end = open(&ben, &link).end(SOON);
    assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"), "{:?}", end.said);
    manager.say("zone", "home");
    until(&ben, &["doctor"], "network", FOLLOWED, |v| v.to_string().contains("Lab (home or work)"));
    let mut inbox = ana.hither(["inbox", "--watch"]);
    let mut opening = open(&ben, &link);
    let asked = question(&mut inbox, "invite");
    ana.rows(["accept", text(&asked, "id")]);
    opening.wait_for("accepted", APPEAR, |v| kind(v) == "accepted");
    let stands = |state: &'static str| move |v: &Value| kind(v) == "session" && text(v, "state") == state;
    until(&ben, &["sessions"], "session that stands", BEYOND, stands("open"));
    manager.say("zone", "public");
    until(&ben, &["sessions"], "session without a way", FOLLOWED, stands("reconnecting"));
    manager.say("zone", "home");
    until(&ben, &["sessions"], "session that is back", BEYOND, stands("open"));
}

//! Services lent from one host to another, by the real programs: whole, broken off, slow, ended, refused, too many.

use hither_tests::{
    Run, Seat,
    acts::{self, TRANSFER, meet},
    events::{kind, number, text},
    netns::Lab,
    run::{End, SOON},
    seat::Agent,
};
use serde_json::Value;

/// A service on 127.0.0.1:9000. What a connection says first chooses what happens to it.
const SERVE: &str = r#"
import json, socket, struct, threading
def say(event, **more): print(json.dumps({"event": event, **more}), flush=True)
def reset(c): c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); c.close()
def one(c):
    word = c.recv(1)
    try:
        if word == b"e":      # echo, after everything was heard
            heard = b""
            while piece := c.recv(65536): heard += piece
            c.sendall(heard + b"."); c.close()
        elif word == b"r": reset(c)
        elif word == b"f":    # a flood
            try:
                c.sendall(bytes(32 << 20)); c.close(); say("poured")
            except OSError as why: say("broken", text=str(why))
        elif word == b"h":    # hold until the other side is gone
            say("held")
            try: say("ended" if c.recv(1) == b"" else "spoke")
            except OSError as why: say("broken", text=str(why))
            c.close()
    except OSError as why: say("broken", text=str(why))
s = socket.create_server(("127.0.0.1", 9000), backlog=256)
say("serving")
while True:
    c, _ = s.accept()
    threading.Thread(target=one, args=(c,), daemon=True).start()
"#;

/// Uses a service at an address of its own host.
const USE: &str = r#"
import json, socket, struct, sys, time
def say(event, **more): print(json.dumps({"event": event, **more}), flush=True)
host, port = sys.argv[1].rsplit(":", 1)
at = (host.strip("[]"), int(port))
def connect(): return socket.create_connection(at, timeout=30)
def rest(c):
    heard = 0
    while piece := c.recv(1 << 20): heard += len(piece)
    return heard
what = sys.argv[2]
try:
    if what == "echo":
        c = connect(); body = bytes(range(256)) * 20000
        c.sendall(b"e"); c.sendall(body); c.shutdown(socket.SHUT_WR)
        heard = b""
        while piece := c.recv(1 << 20): heard += piece
        say("heard", same=(heard == body + b"."), count=len(heard))
    elif what == "r" : c = connect(); c.sendall(b"r"); say("heard", count=rest(c))
    elif what == "slow":
        slow = connect(); slow.sendall(b"f"); slow.recv(1)
        quick = connect(); quick.sendall(b"ehi"); quick.shutdown(socket.SHUT_WR)
        say("quick", text=quick.recv(9).decode())
        say("heard", count=1 + rest(slow))
    elif what == "hold":
        c = connect(); c.sendall(b"h"); say("holding"); say("heard", count=rest(c))
    elif what == "drop":
        c = connect(); c.sendall(b"h"); sys.stdin.readline()
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); c.close(); say("dropped")
    elif what == "many":
        kept, broken = [], 0
        for _ in range(int(sys.argv[3])):
            try:
                c = connect(); c.sendall(b"h"); c.setblocking(False); kept.append(c)
            except OSError: broken += 1
            if len(kept) >= 200:
                alive = []
                time.sleep(0.01)
                for c in kept:
                    try:
                        if c.recv(1) == b"": broken += 1
                    except BlockingIOError: alive.append(c)
                    except OSError: broken += 1
                kept = alive
        say("opened", kept=len(kept), broken=broken)
        sys.stdin.readline()
except OSError as why: say("broken", text=str(why))
"#;

fn python(seat: &Seat, script: &str, args: &[&str]) -> Run {
    seat.start("/usr/bin/python3", ["-c", script].iter().chain(args))
}

fn serve(seat: &Seat) -> Run {
    let mut run = python(seat, SERVE, &[]);
    run.wait("serving");
    run
}

/// Ana lends a service to Ben, and Ben has its address.
struct Lent {
    ana: Seat,
    ben: Seat,
    _agents: [Agent; 2],
    service: Run,
    session: String,
    ben_id: String,
    ana_id: String,
    at: String,
}

fn lent(lab: &Lab) -> Lent {
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let agents = [ana.agent("Ana"), ben.agent("Ben")];
    let met = meet(&ana, &ben, "Ben");
    let service = serve(&ana);
    let ana_id = agents[0].peer().to_owned();
    let exposed = ana.rows(["expose", "echo", "127.0.0.1:9000", "--to", &met.peer]);
    let row = &exposed[0];
    assert_eq!((kind(row), text(row, "name"), text(row, "target")), ("exposed", "echo", "127.0.0.1:9000"));
    let at = reached(&ben, &ana_id);
    Lent { ana, ben, _agents: agents, service, session: met.session, ben_id: met.peer, ana_id, at }
}

fn reached(seat: &Seat, peer: &str) -> String {
    let said = seat.rows(["forward", peer, "echo"]);
    assert_eq!(kind(&said[0]), "forwarding");
    let bind = text(&said[0], "bind").to_owned();
    assert!(bind.starts_with("127.0.0.1:"), "{bind}");
    bind
}

fn used(seat: &Seat, at: &str, what: &str) -> Value {
    python(seat, USE, &[at, what]).end(TRANSFER).said.pop().expect("it says how it went")
}

fn refused(seat: &Seat, args: &[&str]) -> End {
    let end = seat.ask(args);
    assert_ne!(end.code, Some(0), "{args:?}: {:?}", end.said);
    end
}

#[test]
fn w4_a_service_of_another_host_is_used_as_if_it_were_here() {
    let Some(lab) = Lab::of(2) else { return };
    let it = lent(&lab);
    let echoed = used(&it.ben, &it.at, "echo");
    assert_eq!((echoed["same"].as_bool(), number(&echoed, "count")), (Some(true), 5_120_001), "{echoed}");
    let broken = used(&it.ben, &it.at, "r");
    assert_eq!(text(&broken, "text"), "[Errno 104] Connection reset by peer", "a reset stays one: {broken}");
    let mut slow = python(&it.ben, USE, &[&it.at, "slow"]);
    assert_eq!(text(&slow.wait("quick"), "text"), "hi.", "a flood nobody reads does not hold up the next connection");
    assert_eq!(number(&slow.wait_for("the flood", TRANSFER, |v| kind(v) == "heard"), "count"), 32 << 20);
    let (exposed, forwarding) = (it.ana.rows(["exposed"]), it.ben.rows(["forward", "--list"]));
    assert_eq!((number(&exposed[0], "served"), number(&forwarding[0], "served")), (4, 4));
    let status = it.ana.rows(["status"]);
    assert_eq!(text(&status[0]["exposed"][0], "name"), "echo");
    let history = it.ana.rows(["history"]);
    assert!(history.iter().any(|v| text(v, "detail") == "uses the service echo"), "{history:?}");
}

#[test]
fn w4_a_program_that_breaks_off_is_seen_by_the_service() {
    let Some(lab) = Lab::of(2) else { return };
    let mut it = lent(&lab);
    let mut user = python(&it.ben, USE, &[&it.at, "drop"]);
    it.service.wait("held");
    user.type_in(b"\n");
    assert_eq!(text(&it.service.wait("broken"), "text"), "[Errno 104] Connection reset by peer");
}

#[test]
fn w1_somebody_it_is_not_lent_to_learns_nothing_and_taking_it_back_ends_it() {
    let Some(lab) = Lab::of(3) else { return };
    let mut it = lent(&lab);
    let cyd = lab.seat(2);
    let _cyd = cyd.agent("Cyd");
    meet(&it.ana, &cyd, "Cyd");
    let [lent_to_ben, nothing] = ["echo", "nothing"].map(|name| refused(&cyd, &["forward", &it.ana_id, name]));
    assert_eq!((lent_to_ben.code, lent_to_ben.error_code()), (Some(5), "Declined"));
    assert_eq!(lent_to_ben.said, nothing.said, "the very same words");
    let mut holding = python(&it.ben, USE, &[&it.at, "hold"]);
    it.service.wait("held");
    it.ana.rows(["expose", "--stop", "echo"]);
    assert_eq!(text(&holding.wait("broken"), "text"), "[Errno 104] Connection reset by peer");
    it.service.wait("broken");
    assert_eq!(refused(&it.ben, &["forward", &it.ana_id, "echo"]).error_code(), "Declined");
    assert!(it.ana.rows(["exposed"]).is_empty());
}

#[test]
fn the_end_of_the_session_ends_what_was_lent_in_it() {
    let Some(lab) = Lab::of(2) else { return };
    let mut it = lent(&lab);
    let mut holding = python(&it.ben, USE, &[&it.at, "hold"]);
    it.service.wait("held");
    it.ana.rows(["close", &it.session]);
    assert_eq!(text(&holding.wait("broken"), "text"), "[Errno 104] Connection reset by peer");
    acts::until(&it.ben, &["status"], "no address", SOON, |v| v["forwarding"] == Value::Array(vec![]));
    assert_eq!(text(&used(&it.ben, &it.at, "echo"), "text"), "[Errno 111] Connection refused");
    assert!(it.ana.rows(["exposed"]).is_empty());
}

#[test]
fn w2_addresses_that_others_reach_and_ports_in_use_are_refused_with_what_to_do() {
    let Some(lab) = Lab::of(2) else { return };
    let it = lent(&lab);
    let own = lab.host(1).ipv4();
    for bind in ["0.0.0.0:8022", "[::]:8022", &format!("{own}:8022"), "127.0.0.1:22"] {
        let end = refused(&it.ben, &["forward", &it.ana_id, "echo", "--bind", bind]);
        assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"), "{bind}");
        assert!(!text(end.of_kind("error")[0], "hint").is_empty(), "{bind}");
    }
    let end = refused(&it.ben, &["forward", &it.ana_id, "echo", "--bind", &it.at]);
    assert!(text(end.of_kind("error")[0], "message").contains("is in use by another program"), "{:?}", end.said);
    let sockets = lab.host(1).output("ss", &["-Hltn"]).unwrap();
    assert_eq!(sockets.lines().filter(|l| l.contains(&it.at)).count(), 1, "{sockets}");
    it.ben.rows(["forward", "--stop", &it.at]);
    it.ben.rows(["forward", &it.ana_id, "echo", "--bind", &it.at]);
}

#[test]
fn w1_what_is_not_a_service_of_this_machine_is_not_lent() {
    let Some(lab) = Lab::of(2) else { return };
    let it = lent(&lab);
    let other = format!("{}:22", lab.host(1).ipv4());
    for target in ["169.254.169.254:80", "[::ffff:127.0.0.1]:9000", "2130706433:9000", "0.0.0.0:9000", &other] {
        let end = refused(&it.ana, &["expose", "x", target, "--to", &it.ben_id]);
        assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"), "{target}");
    }
}

#[test]
fn w4_ten_thousand_connections_are_bounded_and_the_next_one_works() {
    let Some(lab) = Lab::of(2) else { return };
    let it = lent(&lab);
    let mut many = python(&it.ben, USE, &[&it.at, "many", "10000"]);
    let opened = many.wait_for("all of them", TRANSFER, |v| kind(v) == "opened");
    let (kept, broken) = (number(&opened, "kept"), number(&opened, "broken"));
    assert!(kept >= 1 && broken >= 10_000 - 264, "{opened}");
    let exposed = it.ana.rows(["exposed"]);
    assert!(number(&exposed[0], "open") <= 64, "{exposed:?}");
    many.type_in(b"\n");
    assert_eq!(many.end(SOON).code, Some(0));
    acts::until(&it.ben, &["forward", "--list"], "free seats", SOON, |v| number(v, "open") == 0);
    assert_eq!(used(&it.ben, &it.at, "echo")["same"], true);
}

#[test]
fn w6_a_service_that_takes_no_connection_is_told_within_seconds() {
    let Some(lab) = Lab::of(2) else { return };
    let mut it = lent(&lab);
    it.service.kill_9();
    let gone = used(&it.ben, &it.at, "echo");
    assert!(text(&gone, "text").contains("Connection reset"), "{gone}");
    let row = &it.ben.rows(["forward", "--list"])[0];
    assert!(text(row, "trouble").contains("no program listens"), "{row}");
    lab.host(0).shell("nft add table ip hole\nnft add chain ip hole input '{ type filter hook input priority 0; }'\nnft add rule ip hole input iifname lo tcp dport 9000 drop").unwrap();
    let silent = used(&it.ben, &it.at, "echo");
    assert!(text(&silent, "text").contains("Connection reset"), "{silent}");
    let row = &it.ben.rows(["forward", "--list"])[0];
    assert!(text(row, "trouble").contains("within 5 seconds"), "{row}");
}

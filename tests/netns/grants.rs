//! Grants between two hosts, by the real programs: files that come without a question until the grant is used up, over, or
//! taken back; connections that are counted; and agents that are killed in between.

use hither_tests::{
    Run, Seat,
    acts::{self, TRANSFER, meet, moved, noise, offer, question},
    events::{kind, number, text},
    netns::Lab,
    run::SOON,
    seat::Agent,
};
use serde_json::Value;
use std::{fs, time::Duration};

const MB: u64 = 1_000_000;

/// Ana and Ben, who met.
struct Two {
    ana: Seat,
    ben: Seat,
    ana_agent: Agent,
    ben_agent: Agent,
    ana_id: String,
    ben_id: String,
}

fn two(lab: &Lab) -> Two {
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let (ana_agent, ben_agent) = (ana.agent("Ana"), ben.agent("Ben"));
    let met = meet(&ana, &ben, "Ben");
    let ana_id = ana_agent.peer().to_owned();
    Two { ana, ben, ana_agent, ben_agent, ana_id, ben_id: met.peer }
}

impl Two {
    /// Ben lets Ana send files.
    fn grant_files(&self, more: &[&str]) -> Value {
        let to = self.ben.at("granted").display().to_string();
        let args: Vec<&str> =
            ["grant", "files", &self.ana_id, "--to", &to].into_iter().chain(more.iter().copied()).collect();
        self.ben.rows(args).remove(0)
    }

    /// Ana offers a new file of so many bytes.
    fn offers(&self, name: &str, bytes: u64, seed: u64) -> Run {
        noise(&self.ana.file(name), usize::try_from(bytes).unwrap(), seed).unwrap();
        offer(&self.ana, &self.ben_id, name)
    }

    /// The same, and it arrives without anybody saying anything.
    fn comes(&self, name: &str, bytes: u64, seed: u64) {
        let mut send = self.offers(name, bytes, seed);
        let end = send.wait_for("done", TRANSFER, |v| matches!(kind(v), "done" | "error"));
        assert_eq!(kind(&end), "done", "{end}");
        assert!(fs::read(self.ben.file(&format!("granted/{name}"))).unwrap() == fs::read(self.ana.file(name)).unwrap());
    }

    /// The same, and Ben is asked.
    fn is_asked_about(&self, name: &str, bytes: u64, seed: u64) {
        let mut inbox = self.ben.hither(["inbox", "--watch"]);
        let _send = self.offers(name, bytes, seed);
        let asked = question(&mut inbox, "transfer");
        assert_eq!(number(&asked, "bytes"), bytes, "{asked}");
        self.ben.rows(["decline", text(&asked, "id")]);
    }

    fn ben_starts_again(&mut self) {
        self.ben_agent.run.kill_9();
        self.ben_agent = self.ben.agent("Ben");
        for seat in [&self.ana, &self.ben] {
            acts::until(seat, &["sessions"], "session", TRANSFER, |v| text(v, "state") == "open");
        }
    }

    fn listed(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        acts::until(&self.ben, &["grant"], what, SOON, |v| kind(v) == "grant" && fits(v))
    }
}

#[test]
fn n4_two_deliveries_use_a_grant_up_and_neither_a_third_nor_a_crash_gets_more_out_of_it() {
    let Some(lab) = Lab::of(2) else { return };
    let mut it = two(&lab);
    let grant = it.grant_files(&["--up-to", "5MB", "--for", "3d"]);
    assert_eq!((kind(&grant), number(&grant, "bytes"), &grant["usable"]), ("grant", 5 * MB, &Value::Bool(true)));
    it.comes("one", 2 * MB, 1);
    it.ben_starts_again();
    it.listed("what was used before the crash", |v| number(v, "used") == 2 * MB);
    it.comes("two", 3 * MB, 2);
    it.listed("that it is used up", |v| text(v, "over") == "used");
    it.is_asked_about("three", 1_000, 3);
    it.ben_starts_again();
    it.is_asked_about("four", 1_000, 4);
    let history = it.ben.rows(["history", "--search", "used the grant"]);
    assert_eq!(history.len(), 2, "{history:?}");
}

#[test]
fn n4_what_is_on_its_way_when_the_receiver_is_killed_is_not_granted_twice() {
    let Some(lab) = Lab::of(2) else { return };
    let mut it = two(&lab);
    it.grant_files(&["--up-to", "40MB"]);
    lab.limit(1, 100).unwrap();
    let mut send = it.offers("film", 30 * MB, 5);
    moved(&mut send, 5 * MB);
    it.ben_agent.run.kill_9();
    it.ben_agent = it.ben.agent("Ben");
    it.listed("the reservation", |v| number(v, "used") == 30 * MB && v["usable"] == true);
    let end = send.wait_for("done", TRANSFER, |v| matches!(kind(v), "done" | "error"));
    assert_eq!(kind(&end), "done", "it goes on without a question: {end}");
    it.listed("what is kept", |v| number(v, "used") == 30 * MB);
    it.is_asked_about("more", 10 * MB + 1, 6);
    it.comes("rest", 10 * MB, 7);
}

#[test]
fn f16_a_grant_taken_back_in_the_middle_ends_what_comes_by_it() {
    let Some(lab) = Lab::of(2) else { return };
    let it = two(&lab);
    let grant = it.grant_files(&[]);
    lab.limit(1, 100).unwrap();
    let mut send = it.offers("film", 60 * MB, 8);
    moved(&mut send, 10 * MB);
    let id = &text(&grant, "grant")[..6];
    let revoked = it.ben.rows(["grant", "revoke", id]);
    assert_eq!(text(&revoked[0], "over"), "revoked", "{revoked:?}");
    let error = send.wait("error");
    assert_eq!(text(&error, "code"), "Withdrawn", "{error}");
    acts::until(&it.ben, &["transfers"], "the end", SOON, |v| text(v, "state") == "dropped");
    let left = || fs::read_dir(it.ben.file("granted")).unwrap().count();
    let deadline = std::time::Instant::now() + SOON;
    while left() > 0 && std::time::Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert_eq!(left(), 0, "nothing of it stays");
    lab.limit(1, 1_000).unwrap();
    it.is_asked_about("more", 10, 9);
}

#[test]
fn n6_a_grant_is_over_in_time_and_one_for_an_unknown_network_is_not_given() {
    let Some(lab) = Lab::of(2) else { return };
    let it = two(&lab);
    let end = it.ben.ask(["grant", "files", &it.ana_id, "--here"]);
    assert_eq!(end.error_code(), "Misuse", "{:?}", end.said);
    it.grant_files(&["--for", "3s"]);
    it.comes("early", MB, 10);
    it.listed("its end", |v| text(v, "over") == "expired");
    it.is_asked_about("late", MB, 11);
}

/// A service on 127.0.0.1:9000 that gives back what it hears.
const ECHO: &str = r#"
import json, socket, threading
def one(c):
    while piece := c.recv(65536): c.sendall(piece)
    c.close()
s = socket.create_server(("127.0.0.1", 9000))
print(json.dumps({"event": "serving"}), flush=True)
while True:
    c, _ = s.accept()
    threading.Thread(target=one, args=(c,), daemon=True).start()
"#;

/// Says a word to the service, and holds the connection until it is told to let go.
const HOLD: &str = r#"
import json, socket, sys
def say(event, **more): print(json.dumps({"event": event, **more}), flush=True)
host, port = sys.argv[1].rsplit(":", 1)
try:
    c = socket.create_connection((host, int(port)), timeout=30)
    for line in ["first"] + [None]:
        c.sendall(b"hello")
        heard = c.recv(5)
        say("heard", text=heard.decode())
        if line: sys.stdin.readline()
except OSError as why: say("heard", text=str(why))
"#;

fn python(seat: &Seat, script: &str, args: &[&str]) -> Run {
    seat.start("/usr/bin/python3", ["-c", script].iter().chain(args))
}

#[test]
fn n4_a_service_is_opened_twice_even_if_its_lender_is_killed_in_between() {
    let Some(lab) = Lab::of(2) else { return };
    let mut it = two(&lab);
    let mut service = python(&it.ben, ECHO, &[]);
    service.wait("serving");
    let exposed = it.ben.rows(["expose", "echo", "127.0.0.1:9000", "--to", &it.ana_id, "--times", "2"]);
    assert_eq!(text(&exposed[0]["to"][0], "peer"), it.ana_id);
    let forwarding = it.ana.rows(["forward", &it.ben_id, "echo"]);
    let at = text(&forwarding[0], "bind").to_owned();
    let once = |it: &Two| python(&it.ana, HOLD, &[&at]);
    let mut first = once(&it);
    assert_eq!(text(&first.wait("heard"), "text"), "hello");
    it.ben_starts_again();
    it.listed("the first", |v| number(v, "used") == 1);
    let mut second = once(&it);
    assert_eq!(text(&second.wait("heard"), "text"), "hello");
    let refused = text(&once(&it).wait("heard"), "text").to_owned();
    assert!(refused.contains("reset"), "{refused}");
    let row = &it.ana.rows(["forward", "--list"])[0];
    assert!(text(row, "trouble").contains("as often as you were allowed"), "{row}");
    second.type_in(b"\n");
    assert_eq!(text(&second.wait("heard"), "text"), "hello", "the one that stands is left alone");
    let agents = [it.ana_agent.run.pids().len(), it.ben_agent.run.pids().len()];
    assert!(agents.iter().all(|count| *count > 0));
}

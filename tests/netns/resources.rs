//! Little to live on: few descriptors, little processor time, many transfers at once.

use hither_tests::{
    Run, Seat,
    acts::{self, TRANSFER, deliver, meet, noise},
    events::{kind, text},
    netns::Lab,
    run::SOON,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Opens connections that say nothing and keeps them.
const IDLERS: &str = r#"
import json, socket, sys, time
kept = []
for _ in range(200):
    try:
        c = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2)
        kept.append(c)
    except OSError: pass
print(json.dumps({"event": "open", "count": len(kept)}), flush=True)
time.sleep(60)
"#;

fn status(pid: Pid, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

fn descriptors(pid: Pid) -> usize {
    fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).unwrap().count()
}

fn agent_pid(run: &Run) -> Pid {
    *run.pids().first().expect("the agent runs")
}

fn port(ready: &serde_json::Value) -> String {
    let listen = ready["listen"].as_array().expect("it listens");
    let v4 = listen.iter().filter_map(|a| a.as_str()).find(|a| !a.starts_with('[')).or(listen[0].as_str());
    v4.and_then(|a| a.rsplit(':').next()).expect("with a port").to_owned()
}

#[test]
fn r2_with_few_descriptors_idle_connections_shut_nobody_out() {
    let Some(lab) = Lab::of(3) else { return };
    let (ana, ben, eve) = (lab.seat(0), lab.seat(1), lab.seat(2));
    let _a = ana.agent("Ana");
    let program = ben.program().display().to_string();
    let mut ben_agent = ben.start("prlimit", ["--nofile=64:64", &program, "--json", "agent", "--name", "Ben"]);
    let ready = ben_agent.wait("ready");
    let met = meet(&ana, &ben, "Ben");
    ana.rows(["close", &met.session]);
    let mut idlers = eve.start("/usr/bin/python3", ["-c", IDLERS, &lab.host(1).ipv4(), &port(&ready)]);
    idlers.wait("open");
    // Known people get in all the same, and files arrive.
    let again = acts::meet_again(&ana, &ben, &met.peer);
    fs::create_dir_all(ben.file("got")).unwrap();
    noise(&ana.file("file"), 1_000_000, 31).unwrap();
    deliver(&ana, &ben, &again.peer, "file", "got");
    assert!(descriptors(agent_pid(&ben_agent)) <= 64);
}

#[test]
fn r1_many_transfers_at_once_leave_nothing_open_and_no_memory_behind() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let agents = [ana.agent("Ana"), ben.agent("Ben")];
    let met = meet(&ana, &ben, "Ben");
    fs::create_dir_all(ben.file("got")).unwrap();
    fs::create_dir_all(ana.file("files")).unwrap();
    let one_round = |round: u64| {
        let got = ben.at("got");
        let _receive = ben.hither(["receive".as_ref(), "--to".as_ref(), got.as_os_str()]);
        let names: Vec<String> = (0..32).map(|n| format!("files/{round}-{n}")).collect();
        for (name, seed) in names.iter().zip(1..) {
            noise(&ana.file(name), 1 << 20, round * 100 + seed).unwrap();
        }
        let sends: Vec<Run> = names.iter().map(|name| acts::offer(&ana, &met.peer, name)).collect();
        for mut send in sends {
            let last = send.wait_for("done", TRANSFER, |v| matches!(kind(v), "done" | "error"));
            assert_eq!(kind(&last), "done", "{last}");
        }
        for name in &names {
            let got = ben.file(&format!("got/{}", name.rsplit('/').next().unwrap()));
            assert!(fs::read(got).unwrap() == fs::read(ana.file(name)).unwrap(), "{name}");
        }
    };
    // The first round fills caches; the others must not add to them.
    one_round(1);
    let pids = agents.each_ref().map(|a| agent_pid(&a.run));
    let before = pids.map(|pid| (status(pid, "VmRSS"), descriptors(pid)));
    one_round(2);
    one_round(3);
    for (pid, (memory, open)) in pids.into_iter().zip(before) {
        assert!(descriptors(pid) <= open + 4, "{open} descriptors became {}", descriptors(pid));
        assert!(status(pid, "VmRSS") <= memory + 16 * 1024, "{memory} KiB became {}", status(pid, "VmRSS"));
    }
}

/// Lets a process run for one twentieth of the time, until dropped.
struct Starved {
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Starved {
    fn of(pid: Pid) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                let _ = kill_process(pid, Signal::STOP);
                std::thread::park_timeout(Duration::from_millis(95));
                let _ = kill_process(pid, Signal::CONT);
                std::thread::park_timeout(Duration::from_millis(5));
            }
            let _ = kill_process(pid, Signal::CONT);
        });
        Self { over, thread: Some(thread) }
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

#[test]
fn r3_an_agent_with_a_twentieth_of_the_time_delivers_once_and_whole() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben): (Seat, Seat) = (lab.seat(0), lab.seat(1));
    let (_a, ben_agent) = (ana.agent("Ana"), ben.agent("Ben"));
    let met = meet(&ana, &ben, "Ben");
    fs::create_dir_all(ben.file("got")).unwrap();
    noise(&ana.file("file"), 4 << 20, 33).unwrap();
    let starved = Starved::of(agent_pid(&ben_agent.run));
    ana.rows(["say", &met.peer, "are you there?"]);
    deliver(&ana, &ben, &met.peer, "file", "got");
    drop(starved);
    acts::until(&ben, &["messages"], "message", SOON, |v| text(v, "text") == "are you there?");
    let heard = ben.rows(["messages"]);
    assert_eq!(heard.iter().filter(|v| text(v, "text") == "are you there?").count(), 1, "{heard:?}");
    let got: Vec<_> = fs::read_dir(ben.file("got")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(got, ["file"], "once, and nothing beside it");
    assert!(fs::read(ben.file("got/file")).unwrap() == fs::read(ana.file("file")).unwrap());
}

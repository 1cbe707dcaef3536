//! `hither background` and the units it writes (R4.20, R4.22), under a systemd of the test's own.

use crate::systemd;
use hither_tests::services::Systemd;
use std::{process::Stdio, time::Instant};

/// Where devices call, as the kernel knows it: port and inode of the first listening socket of the agent.
fn listening(systemd: &Systemd) -> (String, String) {
    let status = systemd.hither(&["--no-start", "status"]);
    let address = status["listen"][0].as_str().expect("an address").to_owned();
    let port = address.rsplit(':').next().expect("a port").to_owned();
    let shown = systemd.command("ss").args(["-Hltne", "sport", "=", &port]).output().expect("ss runs");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let mut inodes: Vec<&str> = shown.split_whitespace().filter(|word| word.starts_with("ino:")).collect();
    inodes.sort_unstable();
    assert!(!inodes.is_empty(), "nothing listens on {port}: {shown}");
    (port, inodes.join(" "))
}

#[test]
fn r4_20_an_agent_in_the_background_is_a_service_that_says_when_it_is_ready() {
    let Some(systemd) = systemd() else { return };
    assert_eq!(systemd.hither(&["background"])["when"], "off");
    let set = systemd.hither(&["background", "on"]);
    assert_eq!((&set["when"], &set["by"]), (&"always".into(), &"systemd".into()));
    let shown = systemd.systemctl(&["show", "--property=ActiveState,Type,StatusText,WatchdogUSec", "hither.service"]);
    for part in ["ActiveState=active", "Type=notify", "StatusText=listening on", "WatchdogUSec=1min"] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    assert_eq!(systemd.hither(&["--no-start", "status"])["state"], "serving");
    let wanted = systemd.home().join(".config/systemd/user/default.target.wants/hither.service");
    assert!(wanted.is_symlink(), "it is started at the next login too");
    assert_eq!(systemd.hither(&["background", "off"])["when"], "off");
    assert_eq!(systemd.agent(), None);
    assert!(!wanted.is_symlink() && !systemd.home().join(".config/systemd/user/hither.socket").exists());
}

#[test]
fn r4_8_and_r4_22_neither_a_crash_nor_a_restart_turns_a_caller_away() {
    let Some(systemd) = systemd() else { return };
    systemd.hither(&["background", "on"]);
    let (first, (port, sockets)) = (systemd.agent().expect("an agent"), listening(&systemd));
    systemd.systemctl(&["restart", "hither.service"]);
    assert_eq!(listening(&systemd), (port.clone(), sockets.clone()), "an upgrade drops no listener");
    assert_ne!(systemd.agent(), Some(first));
    systemd.systemctl(&["kill", "--kill-whom=main", "--signal=KILL", "hither.service"]);
    // Nobody is there to answer now, and yet nobody is refused.
    let called = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    let called = systemd.command("bash").args(["-c", &called]).stderr(Stdio::inherit()).status().expect("bash runs");
    assert!(called.success(), "the caller was refused");
    // The command waits at the socket until the next agent answers.
    assert_eq!(listening(&systemd), (port, sockets));
}

#[test]
fn an_agent_that_hangs_is_ended_and_another_one_answers() {
    let Some(systemd) = systemd() else { return };
    systemd.hither(&["background", "on"]);
    systemd.override_service("[Service]\nWatchdogSec=2\n");
    systemd.systemctl(&["restart", "hither.service"]);
    let first = systemd.agent().expect("an agent");
    systemd.systemctl(&["kill", "--kill-whom=main", "--signal=STOP", "hither.service"]);
    assert_eq!(systemd.hither(&["--no-start", "status"])["state"], "serving");
    assert_ne!(systemd.agent(), Some(first), "the one that hung is gone");
}

#[test]
fn an_agent_on_demand_is_there_when_it_is_wanted_and_only_then() {
    let Some(systemd) = systemd() else { return };
    let set = systemd.hither(&["background", "on", "--on-demand"]);
    assert_eq!(set["when"], "on-demand");
    assert_eq!(systemd.agent(), None, "nothing of hither runs at rest");
    let began = Instant::now();
    assert_eq!(systemd.hither(&["--no-start", "status"])["state"], "serving");
    println!("a command was answered {} ms after nothing ran", began.elapsed().as_millis());
    assert!(systemd.agent().is_some());
    // While somebody may see this device there has to be somebody who answers.
    systemd.hither(&["visibility", "nobody"]);
    let program = systemd.systemctl(&["show", "--property=ExecStart", "--value", "hither.service"]);
    assert!(program.contains("--until-idle 60"), "{program}");
}

#[test]
fn an_agent_on_demand_ends_when_nobody_would_miss_it() {
    let Some(systemd) = systemd() else { return };
    systemd.hither(&["background", "on", "--on-demand"]);
    let unit = std::fs::read_to_string(systemd.home().join(".config/systemd/user/hither.service")).expect("the unit");
    let start = unit.lines().find(|line| line.starts_with("ExecStart=")).expect("a command");
    let quick = start.replace("--until-idle 60", "--until-idle 1");
    systemd.override_service(&format!("[Service]\nExecStart=\n{quick}\n"));
    systemd.hither(&["visibility", "nobody"]);
    let first = systemd.agent().expect("an agent");
    // Returns when the service, which runs already, has ended.
    systemd.systemctl(&["start", "--wait", "hither.service"]);
    assert_eq!(systemd.agent(), None);
    assert_eq!(systemd.hither(&["--no-start", "status"])["visibility"], "nobody", "the socket starts the next one");
    assert_ne!(systemd.agent(), Some(first));
}

#[test]
fn the_service_is_kept_from_what_it_does_not_need() {
    let Some(systemd) = systemd() else { return };
    systemd.hither(&["background", "on", "--on-demand"]);
    let words = ["--user", "security", "--threshold=70", "--no-pager", "hither.service"];
    let judged = systemd.command("systemd-analyze").args(words).output().expect("systemd-analyze runs");
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    let verdict = said.lines().last().unwrap_or_default();
    println!("{verdict}");
    assert!(judged.status.success(), "{verdict}");
}

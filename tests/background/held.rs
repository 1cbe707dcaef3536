//! Sockets held for a program of another maker (R4.7, R4.8, R4.22): it ends, a real systemd starts it when it is wanted, and neither a crash
//! of the agent nor an upgrade loses a connection.

use crate::systemd;
use hither_tests::{program, services::Systemd, skip::skipped};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::{Duration, Instant},
};

fn echo() -> Option<PathBuf> {
    let build = "cargo build -p hither-broker --example held_echo";
    program::named("examples/held_echo", "HITHER_HELD_ECHO", build).map_err(|why| skipped("background", &why)).ok()
}

/// A caller there, who says lines and hears lines.
struct Caller {
    process: Child,
    says: Option<ChildStdin>,
    hears: BufReader<ChildStdout>,
}

impl Caller {
    fn at(systemd: &Systemd, port: &str) -> Self {
        // Who listens is the one that ends when the other end does.
        let both = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && exec 4<&0 && {{ cat <&4 >&3 & exec cat <&3; }}");
        let mut command = systemd.command("bash");
        command.args(["-c", &both]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("bash runs");
        let says = process.stdin.take();
        let hears = BufReader::new(process.stdout.take().expect("its output"));
        Self { process, says, hears }
    }

    /// Which unit's which process answers a line.
    fn say(&mut self, line: &str) -> String {
        let says = self.says.as_mut().expect("it still speaks");
        writeln!(says, "{line}").expect("it is sent");
        let heard = self.hear();
        let rest = heard.strip_prefix(&format!("{line} from ")).unwrap_or_else(|| panic!("{heard:?} for {line:?}"));
        rest.strip_suffix(" context intact").unwrap_or_else(|| panic!("{rest:?}")).to_owned()
    }

    /// The next line; empty at the end.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.hears.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        drop(self.says.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The port that the program opened before it ended.
fn leave(systemd: &Systemd, echo: &Path, by: &[&str]) -> String {
    let left = systemd.command(echo).arg("leave").args(by).output().expect("the program runs");
    assert!(left.status.success(), "{}", String::from_utf8_lossy(&left.stderr));
    String::from_utf8_lossy(&left.stdout).trim().to_owned()
}

#[test]
fn r4_7_and_r4_8_a_program_that_has_ended_answers_each_caller_and_each_line() {
    let Some((systemd, echo)) = echo().and_then(|echo| Some((systemd()?, echo))) else { return };
    systemd.hither(&["background", "on"]);
    let port = leave(&systemd, &echo, &[]);
    let row = systemd.hither(&["held"]);
    assert_eq!(
        (&row["id"], &row["kind"], &row["local"]),
        (&"port".into(), &"listener".into(), &format!("127.0.0.1:{port}").into())
    );
    let began = Instant::now();
    let mut caller = Caller::at(&systemd, &port);
    let first = caller.say("one");
    println!(
        "a caller was answered by a program that had to be started {} ms after the call",
        began.elapsed().as_millis()
    );
    let units = ["list-units", "--plain", "--no-legend", "hither-task-*"];
    // Until it has ended.
    while !systemd.systemctl(&units).trim().is_empty() {}
    let second = caller.say("two");
    assert_ne!(first, second, "it was there all the time");
    for answered in [first, second] {
        assert!(answered.contains(" of hither-task-"), "what binds the agent binds it too: {answered}");
    }
}

#[test]
fn r4_7_a_program_is_started_by_its_name_on_the_bus() {
    if !Path::new("/usr/lib/systemd/user/dbus.socket").exists() {
        return skipped("background", "there is no bus for a user here (dbus-user-session)");
    }
    let Some((systemd, echo)) = echo().and_then(|echo| Some((systemd()?, echo))) else { return };
    let service = format!("[D-BUS Service]\\nName=org.example.HeldEcho\\nExec={} wake by-bus\\n", echo.display());
    let dir = "$XDG_RUNTIME_DIR/dbus-1/services";
    let put = format!("mkdir -p {dir} && printf '{service}' >{dir}/org.example.HeldEcho.service");
    assert!(systemd.command("sh").args(["-c", &put]).status().expect("sh runs").success());
    let reload = ["--user", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ReloadConfig"];
    assert!(systemd.command("busctl").args(reload).status().expect("busctl runs").success());
    systemd.hither(&["background", "on"]);
    let port = leave(&systemd, &echo, &["by-bus"]);
    let answered = Caller::at(&systemd, &port).say("by its name");
    assert!(!answered.contains("hither"), "{answered}");
}

#[test]
fn r4_22_what_is_held_lives_on_when_the_agent_dies_and_ends_when_it_is_released() {
    let Some((systemd, echo)) = echo().and_then(|echo| Some((systemd()?, echo))) else { return };
    systemd.hither(&["background", "on"]);
    let port = leave(&systemd, &echo, &[]);
    let mut caller = Caller::at(&systemd, &port);
    caller.say("before");
    let first = systemd.agent();
    systemd.systemctl(&["kill", "--kill-whom=main", "--signal=KILL", "hither.service"]);
    caller.say("after a crash");
    assert_ne!(systemd.agent(), first);
    systemd.systemctl(&["restart", "hither.service"]);
    caller.say("after an upgrade");
    let mut late = Caller::at(&systemd, &port);
    late.say("and the port is still there");
    let row = systemd.hither(&["held"]);
    let (task, began) = (row["task"].as_str().expect("a task").to_owned(), Instant::now());
    for id in calls(&systemd) {
        systemd.hither(&["held", "release", &task[..8], &id]);
    }
    assert_eq!((caller.hear(), late.hear()), (String::new(), String::new()), "a released socket is still open");
    println!("two callers heard {} ms after the first command that they were let go", began.elapsed().as_millis());
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// The connections that are held.
fn calls(systemd: &Systemd) -> Vec<String> {
    let rows = systemd.command(systemd.program()).args(["--json", "held"]).output().expect("hither runs");
    let rows = String::from_utf8_lossy(&rows.stdout).into_owned();
    let ids = rows.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    ids.filter_map(|row| row["id"].as_str().map(str::to_owned)).filter(|id| id.starts_with("call-")).collect()
}

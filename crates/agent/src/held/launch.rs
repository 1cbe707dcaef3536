//! Starting a program that is wanted: by the user's systemd where that started us, so that what our own unit forbids us is not
//! forbidden to it and so that it outlives us; else as a process of ours. Or by its name on the session's bus.

use hither_broker::{SOCKET, Start, TASK};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::{process::Command, sync::oneshot};

/// How long the bus may take to start somebody.
const BUS: Duration = Duration::from_secs(25);

/// What of ours a program does not inherit.
const OURS: [&str; 8] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "FDSTORE",
    "INVOCATION_ID",
];

/// A program that was started, as far as it can be ended.
#[derive(Debug)]
pub(super) struct Process(Option<oneshot::Sender<()>>);

impl Process {
    pub(super) fn new(end: oneshot::Sender<()>) -> Self {
        Self(Some(end))
    }

    /// Ends it. Without this it goes on.
    pub(super) fn end(&mut self) {
        if let Some(end) = self.0.take() {
            let _ = end.send(());
        }
    }
}

/// What a program is told.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) socket: PathBuf,
    pub(super) task: String,
    pub(super) number: u64,
    pub(super) systemd: bool,
}

/// Starts it, and returns when it has ended, with what became of it. It is ended when `end` says so.
pub(super) async fn run(start: Start, surroundings: Surroundings, end: oneshot::Receiver<()>) -> String {
    let Surroundings { socket, task, number, systemd } = surroundings;
    match start {
        Start::Bus { name } => match tokio::time::timeout(BUS, called(&name)).await {
            // Whoever has the name asks by itself; its end is not ours to see.
            Ok(Ok(())) => forever(end).await,
            Ok(Err(e)) => format!("the bus did not start {name}: {e}"),
            Err(_) => format!("the bus did not start {name} in time"),
        },
        Start::Command { program, args } if systemd => {
            let unit = format!("hither-task-{}-{number}-{}", task.get(..8).unwrap_or_default(), std::process::id());
            let mut command = Command::new("systemd-run");
            command.args(["--user", "--quiet", "--collect", "--service-type=exec"]).arg(format!("--unit={unit}"));
            command.arg(format!("--setenv={SOCKET}={}", socket.display())).arg(format!("--setenv={TASK}={task}"));
            // The service manager puts values of variables in, a shell does not.
            let words = args.iter().map(|word| word.replace('$', "$$"));
            command.arg("--").arg(program.to_string_lossy().replace('$', "$$")).args(words);
            by_systemd(command, &unit, end).await
        }
        Start::Command { program, args } => {
            let mut command = Command::new(&program);
            OURS.iter().for_each(|name| {
                command.env_remove(name);
            });
            command.args(args).env(SOCKET, &socket).env(TASK, &task).current_dir("/").process_group(0);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            by_us(command, end).await
        }
    }
}

async fn by_us(mut command: Command, end: oneshot::Receiver<()>) -> String {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return format!("it could not be started: {e}"),
    };
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let status = tokio::select! {
        status = child.wait() => status,
        Ok(()) = end => {
            if let Some(group) = group {
                let _ = kill_process_group(group, Signal::KILL);
            }
            child.wait().await
        }
    };
    match status {
        Ok(status) => format!("it ended ({status}) without asking what it was started for"),
        Err(e) => format!("it ended ({e}) without asking what it was started for"),
    }
}

async fn by_systemd(mut command: Command, unit: &str, end: oneshot::Receiver<()>) -> String {
    match command.stdin(Stdio::null()).output().await {
        Ok(done) if done.status.success() => {}
        Ok(done) => {
            let said = String::from_utf8_lossy(&done.stderr);
            return format!("systemd did not start it: {}", hither_model::text::printable(said.trim()));
        }
        Err(e) => return format!("systemd did not start it: {e}"),
    }
    if end.await.is_ok() {
        let words = ["--user", "kill", "--signal=KILL", unit];
        let _ = Command::new("systemctl").args(words).stdin(Stdio::null()).stderr(Stdio::null()).status().await;
        return "it was ended".into();
    }
    "it goes on".into()
}

async fn forever(end: oneshot::Receiver<()>) -> String {
    // What another one started is not ours to end.
    let _ = end.await;
    "the bus started it; it went on".into()
}

async fn called(name: &str) -> zbus::Result<()> {
    let bus = zbus::connection::Builder::session()?.build().await?;
    let dbus = "org.freedesktop.DBus";
    bus.call_method(Some(dbus), "/org/freedesktop/DBus", Some(dbus), "StartServiceByName", &(name, 0_u32)).await?;
    Ok(())
}

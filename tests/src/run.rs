//! A started program: its events, its errors, its end. Killed by its own process id when dropped.

use crate::events::{Events, Silence, kind};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How long an event may take when nothing slow is asked for. Generous: the machine may be busy; a pass is never slower
/// for it.
pub const SOON: Duration = Duration::from_secs(30);

/// A running program.
#[derive(Debug)]
pub struct Run {
    title: String,
    child: Child,
    inside: bool,
    /// What it says on standard output.
    pub events: Events,
    errors: Arc<Mutex<String>>,
    error_reader: Option<JoinHandle<()>>,
}

/// How a program ended.
#[derive(Debug)]
pub struct End {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All it said on standard output.
    pub said: Vec<Value>,
    /// All it said on standard error.
    pub errors: String,
}

impl End {
    /// The rows or events of one kind.
    pub fn of_kind(&self, wanted: &str) -> Vec<&Value> {
        self.said.iter().filter(|v| kind(v) == wanted).collect()
    }

    /// The stable code of the error it ended with; empty if there is none.
    pub fn error_code(&self) -> &str {
        self.of_kind("error").last().and_then(|v| v.get("code")).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Run {
    /// Starts `command`. `inside` says that the program is a child of the process we start (it sits in another process
    /// namespace), so signals go to the child.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start(title: String, mut command: Command, inside: bool) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{title} did not start: {e}"));
        let events = Events::of(child.stdout.take().expect("stdout is piped"));
        let errors = Arc::new(Mutex::new(String::new()));
        let error_reader = Some(drain(child.stderr.take().expect("stderr is piped"), Arc::clone(&errors)));
        Self { title, child, inside, events, errors, error_reader }
    }

    /// Waits for an event or row of this kind.
    ///
    /// # Panics
    /// When it does not come within [`SOON`].
    pub fn wait(&mut self, wanted: &str) -> Value {
        self.wait_for(wanted, SOON, |v| kind(v) == wanted)
    }

    /// Waits for an event that `wanted` says yes to.
    ///
    /// # Panics
    /// When it does not come in time; the message holds all that the program said.
    pub fn wait_for(&mut self, what: &str, within: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        match self.events.next(within, wanted) {
            Ok(value) => value,
            Err(silence) => {
                let why = match silence {
                    Silence::Deadline => "in time",
                    Silence::Ended => "before it ended",
                };
                panic!(
                    "{}: no {what} {why} (waited {:.1} s)\n--- it said\n{}\n--- on stderr\n{}",
                    self.title,
                    began.elapsed().as_secs_f32(),
                    self.events.seen().iter().map(Value::to_string).collect::<Vec<_>>().join("\n"),
                    self.errors()
                );
            }
        }
    }

    /// What it said on standard error so far.
    pub fn errors(&self) -> String {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes to its standard input. That the program has ended meanwhile is no fault here: its end tells why.
    ///
    /// # Panics
    /// When its standard input was handed over or cannot be written.
    pub fn type_in(&mut self, bytes: &[u8]) {
        let stdin = self.child.stdin.as_mut().expect("stdin is open");
        match stdin.write_all(bytes).and_then(|()| stdin.flush()) {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => panic!("{}: stdin: {e}", self.title),
            _ => {}
        }
    }

    /// Hands its standard input over, to be written from another thread or dropped (which closes it).
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The process ids of the program itself, outermost namespace.
    pub fn pids(&self) -> Vec<Pid> {
        let own = self.child.id();
        let raw = if self.inside { children_of(own) } else { vec![own] };
        raw.into_iter().filter_map(|pid| i32::try_from(pid).ok().and_then(Pid::from_raw)).collect()
    }

    /// Ends it without warning (`kill -9`) and waits until it is gone.
    pub fn kill_9(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        for pid in self.pids() {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn end(mut self, within: Duration) -> End {
        drop(self.child.stdin.take());
        let said = match self.events.rest(within) {
            Ok(said) => said.to_vec(),
            Err(_) => panic!("{} did not end within {within:?}\n--- on stderr\n{}", self.title, self.errors()),
        };
        let status = self.child.wait().unwrap_or_else(|e| panic!("{}: {e}", self.title));
        if let Some(reader) = self.error_reader.take() {
            let _ = reader.join();
        }
        End { code: ExitStatus::code(&status), said, errors: self.errors() }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn drain(mut from: impl Read + Send + 'static, to: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            let text = String::from_utf8_lossy(buffer.get(..n).unwrap_or_default());
            to.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
        }
    })
}

/// Processes whose parent is `parent`, by `/proc`.
pub fn children_of(parent: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Run {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Run::start("sh".to_owned(), command, false)
    }

    #[test]
    fn the_end_of_a_program_tells_its_code_its_words_and_its_complaints() {
        let end = shell(r#"echo '{"event":"error","code":"NoAgent"}'; echo oh >&2; exit 3"#).end(SOON);
        assert_eq!((end.code, end.error_code(), end.errors.as_str()), (Some(3), "NoAgent", "oh\n"));
    }

    #[test]
    fn a_killed_program_ends_its_events() {
        let mut run = shell(r#"echo '{"event":"ready"}'; exec cat"#);
        run.wait("ready");
        run.kill_9();
        assert_eq!(run.events.next(SOON, |_| true), Err(Silence::Ended));
    }
}

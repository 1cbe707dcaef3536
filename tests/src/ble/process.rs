//! A program running in the machine: its lines, its errors, its end. The counterpart of [`crate::Run`]; killed in the
//! guest when dropped.

use super::{
    machine::{Line, tail},
    words::{CHUNK, Order, packed, unpacked},
};
use crate::events::{Events, Silence, kind};
use serde_json::Value;
use std::{
    io::{self, Read},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

/// How long an event may take when nothing slow is asked for. Generous: an emulated machine on a busy host; a pass is
/// never slower for it.
pub(super) const SOON: Duration = Duration::from_secs(60);

/// What every program finds in its environment.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("PATH", "/opt:/bin:/sbin:/usr/bin:/usr/sbin:/usr/libexec/bluetooth:/usr/lib/bluetooth"),
    ("HOME", "/root"),
    ("LANG", "C.UTF-8"),
    ("TERM", "dumb"),
    ("RUST_BACKTRACE", "1"),
];

/// Signals by number, as the guest (Linux on a PC) numbers them.
const KILL: i32 = 9;

/// A running program.
#[derive(Debug)]
pub struct Process {
    line: Arc<Line>,
    id: u32,
    title: String,
    console: PathBuf,
    /// What it says on standard output.
    pub events: Events,
    said: Arc<Mutex<Vec<u8>>>,
    errors: Arc<Mutex<Vec<u8>>>,
    ended: mpsc::Receiver<Option<i32>>,
    gone: bool,
}

/// How a program ended.
#[derive(Debug)]
pub struct End {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All it said on standard output.
    pub said: String,
    /// All it said on standard error.
    pub errors: String,
}

impl End {
    /// Its lines of JSON.
    pub fn rows(&self) -> Vec<Value> {
        self.said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// Where the words about a process go.
#[derive(Debug)]
pub(super) struct Sinks {
    out: mpsc::Sender<Vec<u8>>,
    said: Arc<Mutex<Vec<u8>>>,
    errors: Arc<Mutex<Vec<u8>>>,
    end: mpsc::Sender<Option<i32>>,
}

impl Sinks {
    pub(super) fn out(&self, text: &str) {
        let bytes = unpacked(text).unwrap_or_default();
        self.said.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes);
        let _ = self.out.send(bytes);
    }

    pub(super) fn error(&self, text: &str) {
        let bytes = unpacked(text).unwrap_or_default();
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes);
    }

    pub(super) fn end(self, code: Option<i32>) {
        let _ = self.end.send(code);
    }
}

/// Chunks as a reader.
struct Chunks {
    from: mpsc::Receiver<Vec<u8>>,
    held: io::Cursor<Vec<u8>>,
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.held.read(into)?;
            if n > 0 || into.is_empty() {
                return Ok(n);
            }
            match self.from.recv() {
                Ok(chunk) => self.held = io::Cursor::new(chunk),
                Err(mpsc::RecvError) => return Ok(0),
            }
        }
    }
}

impl Process {
    pub(super) fn start(line: Arc<Line>, argv: &[&str], environment: &[(&str, &str)], console: PathBuf) -> Self {
        let (out, from) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let (said, errors) = (Arc::default(), Arc::default());
        let id = line.admit(Sinks { out, said: Arc::clone(&said), errors: Arc::clone(&errors), end });
        let both = ENVIRONMENT.iter().chain(environment);
        line.order(&Order::Start {
            id,
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            environment: both.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        });
        let events = Events::of(Chunks { from, held: io::Cursor::default() });
        Self { line, id, title: argv.join(" "), console, events, said, errors, ended, gone: false }
    }

    /// Waits for an event or row of this kind.
    ///
    /// # Panics
    /// When it does not come within a minute.
    pub fn wait(&mut self, wanted: &str) -> Value {
        self.wait_for(wanted, SOON, |v| kind(v) == wanted)
    }

    /// Waits for a line that is not JSON and holds this text.
    ///
    /// # Panics
    /// When it does not come within a minute.
    pub fn wait_text(&mut self, wanted: &str) -> String {
        let line = self.wait_for(wanted, SOON, |v| v.as_str().is_some_and(|text| text.contains(wanted)));
        line.as_str().unwrap_or_default().to_owned()
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
                    "{}: no {what} {why} (waited {:.1} s)\n--- it said\n{}\n--- on stderr\n{}\n--- kernel\n{}",
                    self.title,
                    began.elapsed().as_secs_f32(),
                    clipped(&self.said()),
                    clipped(&self.errors()),
                    tail(&self.console)
                );
            }
        }
    }

    /// What it said on standard output so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// What it said on standard error so far.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.errors.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Writes to its standard input.
    pub fn type_in(&self, bytes: &[u8]) {
        for chunk in bytes.chunks(CHUNK) {
            self.line.order(&Order::Input { id: self.id, bytes: packed(chunk) });
        }
    }

    /// Closes its standard input.
    pub fn end_input(&self) {
        self.line.order(&Order::EndInput { id: self.id });
    }

    /// Sends a signal to the program and its children.
    pub fn signal(&self, signal: i32) {
        self.line.order(&Order::Signal { id: self.id, signal });
    }

    /// Ends it without warning and waits until it is gone.
    ///
    /// # Panics
    /// When it does not go.
    pub fn kill_9(&mut self) {
        if !self.gone {
            self.signal(KILL);
            self.gone = self.ended.recv_timeout(SOON) != Err(mpsc::RecvTimeoutError::Timeout);
            assert!(self.gone, "{} was killed and did not go", self.title);
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time, or the machine ended before it.
    pub fn end(mut self, within: Duration) -> End {
        self.end_input();
        let ended = self.ended.recv_timeout(within);
        let (said, errors) = (self.said(), self.errors());
        self.gone = ended != Err(mpsc::RecvTimeoutError::Timeout);
        match ended {
            Ok(code) => End { code, said, errors },
            Err(why) => panic!(
                "{} did not end within {within:?} ({why})\n--- it said\n{}\n--- on stderr\n{}\n--- kernel\n{}",
                self.title,
                clipped(&said),
                clipped(&errors),
                tail(&self.console)
            ),
        }
    }
}

/// The end of a long text.
fn clipped(text: &str) -> &str {
    let from = text.len().saturating_sub(12_000);
    text.get((from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or_default()..).unwrap_or_default()
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.gone {
            self.signal(KILL);
            // The next scenario finds the air as if this had never been; a machine that is gone has it so.
            let _ = self.ended.recv_timeout(SOON);
        }
    }
}

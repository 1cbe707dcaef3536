//! What the broker knows: tasks, sockets and where each is on its way, and who does what at present.

use super::{
    book::{Book, Record, Task},
    launch::Process,
    waiting::Nature,
};
use hither_broker::{Condition, Reason, message::Reply};
use hither_model::row::HeldRow;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    os::fd::OwnedFd,
};
use tokio::{sync::oneshot, task::AbortHandle, time::Instant};

/// Where a socket is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is waited for.
    Waiting,
    /// Its program is wanted and was not told yet.
    Wanted(Reason),
    /// A connection was told and has not taken it.
    Told(u64, Reason),
    /// A connection took it and is not done; we keep it for the case that it never will be (R4.13).
    Taken(u64),
    /// Its program was done without taking it: no more events (R4.11).
    Quiet,
}

/// A socket.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: Record,
    /// `None` once it is closed.
    pub(super) fd: Option<OwnedFd>,
    pub(super) nature: Option<Nature>,
    pub(super) stage: Stage,
    /// Which wait counts.
    pub(super) turn: u64,
    wait: Option<AbortHandle>,
}

impl Entry {
    pub(super) fn new(record: Record, fd: Option<OwnedFd>, nature: Option<Nature>) -> Self {
        Self { record, fd, nature, stage: Stage::Waiting, turn: 0, wait: None }
    }

    pub(super) fn waits(&mut self, turn: u64, wait: AbortHandle) {
        self.stop_waiting();
        (self.turn, self.wait) = (turn, Some(wait));
    }

    pub(super) fn stop_waiting(&mut self) {
        self.turn = 0;
        if let Some(wait) = self.wait.take() {
            wait.abort();
        }
    }

    /// Lets go of the socket.
    pub(super) fn end(&mut self) {
        self.stop_waiting();
        self.fd = None;
    }

    pub(super) fn row(&self) -> HeldRow {
        let Record { id, task, kind, context, at, woken, why, .. } = &self.record;
        let nature = self.nature.as_ref();
        HeldRow {
            task: task.clone(),
            id: id.clone(),
            kind: *kind,
            local: nature.and_then(|nature| nature.local.clone()),
            remote: nature.and_then(|nature| nature.remote.clone()),
            context: bytes(context),
            at: *at,
            woken: *woken,
            why: why.clone(),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.stop_waiting();
    }
}

/// How many bytes a text in base64 stands for.
pub(super) fn bytes(context: &str) -> u64 {
    let filled = context.trim_end_matches('=').len() as u64;
    filled * 3 / 4
}

/// A task, and how its starts went.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) task: Task,
    /// The last starts, oldest first.
    pub(super) starts: VecDeque<Instant>,
    /// Starts in a row that came to nothing.
    pub(super) failures: u32,
    /// No start before.
    pub(super) not_before: Option<Instant>,
}

impl Told {
    pub(super) fn new(task: Task) -> Self {
        Self { task, starts: VecDeque::new(), failures: 0, not_before: None }
    }

    pub(super) fn wants_network(&self) -> bool {
        self.task.condition == Some(Condition::InternetAvailable)
    }
}

/// A connection that waits to be told.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) client: u64,
    pub(super) task: String,
    pub(super) tell: oneshot::Sender<Reply>,
}

/// What a connection was told and is not done with.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) task: String,
    pub(super) until: Instant,
    pub(super) sockets: BTreeSet<String>,
}

/// A program that was started and is not done.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) number: u64,
    pub(super) until: Instant,
    /// The connection by which it asked.
    pub(super) client: Option<u64>,
    pub(super) process: Process,
}

/// All of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) book: Book,
    pub(super) tasks: BTreeMap<String, Told>,
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) waiters: Vec<Waiter>,
    /// By connection.
    pub(super) runs: BTreeMap<u64, Run>,
    /// By task.
    pub(super) launches: BTreeMap<String, Launch>,
    /// By connection: those that are done with a task and may ask for more of it, until when.
    pub(super) lingering: BTreeMap<u64, (String, Instant)>,
    pub(super) revoked: Vec<String>,
    /// Connections there are.
    pub(super) clients: usize,
    /// Numbers waits and starts.
    pub(super) turn: u64,
}

impl State {
    pub(super) fn new(book: Book, revoked: Vec<String>) -> Self {
        let tasks = book.tasks().into_iter().map(|task| (task.id.clone(), Told::new(task))).collect();
        Self {
            book,
            tasks,
            entries: BTreeMap::new(),
            waiters: Vec::new(),
            runs: BTreeMap::new(),
            launches: BTreeMap::new(),
            lingering: BTreeMap::new(),
            revoked,
            clients: 0,
            turn: 0,
        }
    }

    /// Whether somebody is wanted who needs a network.
    pub(super) fn asks_for_network(&self) -> bool {
        let wanted = |task: &str| {
            self.entries.values().any(|entry| entry.record.task == task && matches!(entry.stage, Stage::Wanted(_)))
        };
        self.tasks.iter().any(|(id, told)| told.wants_network() && wanted(id))
    }

    /// Why such a socket may not be held, if it may not: what reaches beyond this machine needs one of the capabilities that
    /// permit that (docs/broker.md).
    pub(super) fn refusal(&self, nature: &Nature) -> Option<String> {
        use hither_model::row::HeldKind::{Datagram, Listener, Stream};
        const SERVER: [&str; 2] = ["privateNetworkClientServer", "internetClientServer"];
        const CLIENT: [&str; 3] = ["privateNetworkClientServer", "internetClientServer", "internetClient"];
        let enough: &[&str] = match nature.kind {
            _ if !nature.beyond => return None,
            Listener | Datagram => &SERVER,
            Stream => &CLIENT,
        };
        let granted = enough.iter().any(|name| !self.revoked.iter().any(|revoked| revoked == name));
        (!granted).then(|| format!("a socket that reaches beyond this machine needs one of {}", enough.join(", ")))
    }

    /// The socket of a name, if there is one.
    pub(super) fn key_of(&self, app: &str, id: &str) -> Option<String> {
        Some(super::book::key(app, id)).filter(|key| self.entries.contains_key(key))
    }
}

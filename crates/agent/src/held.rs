//! Sockets that the agent holds for other programs of this user (R4.2–R4.14): a program hands one over and ends; when something comes
//! it is started, takes the socket back, and hands it over again. The words are `hither-broker`'s (docs/broker.md).
//!
//! The agent waits at a socket and never reads from it, writes to it or accepts on it. What is *not* here: sessions with other
//! devices, whose sockets are the engine's.

mod asks;
mod book;
mod launch;
mod runs;
mod serve;
mod state;
mod waiting;

use crate::supervisor::Supervisor;
use book::Book;
use hither_broker::message::{Reply, Word};
use hither_control::Door;
use hither_model::row::HeldRow;
use state::{Entry, Stage, State};
use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

/// How the names of held sockets begin, in the service manager's store and in the profile.
pub(crate) const PREFIX: &str = "held-";
/// How often it is looked for a network while somebody waits for one.
const LOOKING: Duration = Duration::from_secs(5);

/// Bounds of the broker.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// How long a program may take for what it was started or told for (R4.13).
    pub(crate) time: Duration,
    /// Starts of one task in a minute.
    pub(crate) starts: usize,
    /// The first pause after a start that came to nothing; doubled each time, at most five minutes.
    pub(crate) pause: Duration,
    /// Sockets of one task, and of all.
    pub(crate) sockets: (usize, usize),
    /// Tasks of one app, and of all.
    pub(crate) tasks: (usize, usize),
    /// Connections at a time.
    pub(crate) clients: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            starts: 5,
            pause: Duration::from_secs(2),
            sockets: (64, 256),
            tasks: (16, 64),
            clients: 64,
        }
    }
}

/// What the broker works with.
pub(crate) struct Parts {
    pub(crate) profile: PathBuf,
    /// Where programs find it.
    pub(crate) socket: PathBuf,
    pub(crate) supervisor: Supervisor,
    pub(crate) bounds: Bounds,
    /// Whether a network beyond this machine is up.
    pub(crate) online: fn() -> bool,
}

impl Parts {
    /// As it is outside of tests.
    pub(crate) fn new(profile: PathBuf, socket: PathBuf, supervisor: Supervisor) -> Self {
        Self { profile, socket, supervisor, bounds: Bounds::default(), online: waiting::online }
    }
}

/// The broker. Cloneable; all clones are the same.
#[derive(Clone)]
pub(crate) struct Held(Arc<Shared>);

struct Shared {
    parts: Parts,
    state: Mutex<State>,
    /// Told when there may be something to deliver or to start.
    poke: Notify,
}

/// Why something is not done.
type Refusal = (Word, String);
type Outcome = Result<Reply, Refusal>;

impl Held {
    /// The broker of a profile, with the sockets that the service manager kept. Those of which nothing is known are closed, and what
    /// is known but not there was closed with the last agent: its program hears so (R4.10, R4.22).
    ///
    /// # Errors
    /// The profile cannot be read or written.
    pub(crate) fn start(parts: Parts, revoked: &[String], kept: Vec<(String, OwnedFd)>) -> std::io::Result<Self> {
        let book = Book::open(&parts.profile)?;
        let mut state = State::new(book, revoked.to_vec());
        let mut kept: std::collections::BTreeMap<String, OwnedFd> = kept.into_iter().collect();
        for record in state.book.records() {
            let key = record.key();
            if !state.tasks.contains_key(&record.task) {
                state.book.forget(&key);
                continue;
            }
            let fd = kept.remove(&key);
            let nature = fd.as_ref().and_then(|fd| waiting::nature(fd).ok()).filter(|n| n.kind == record.kind);
            let fd = fd.filter(|_| nature.is_some());
            let gone = fd.is_none();
            let mut entry = Entry::new(record, fd, nature);
            if gone {
                parts.supervisor.let_go(&key);
                entry.stage = Stage::Wanted(hither_broker::Reason::SocketClosed);
                entry.record.why = Some("it was closed when the last agent ended".into());
            }
            state.entries.insert(key, entry);
        }
        for name in kept.keys() {
            tracing::warn!("the socket {name} is nobody's: closed");
            parts.supervisor.let_go(name);
        }
        drop(kept);
        let held = Self(Arc::new(Shared { parts, state: Mutex::new(state), poke: Notify::new() }));
        let mut state = held.state();
        held.close_what_is_revoked(&mut state);
        let waiting: Vec<String> =
            state.entries.iter().filter(|(_, e)| matches!(e.stage, Stage::Waiting)).map(|(k, _)| k.clone()).collect();
        for key in waiting {
            held.wait_at(&mut state, &key);
        }
        drop(state);
        Ok(held)
    }

    /// Serves programs at `door`, and starts those that are wanted, until `stop`.
    pub(crate) async fn serve(self, door: Door, stop: CancellationToken) {
        tokio::join!(serve::all(&self, door, &stop), self.look_after(&stop));
    }

    /// Delivers, starts and ends, as time goes on.
    async fn look_after(&self, stop: &CancellationToken) {
        loop {
            let online = self.state().asks_for_network() && (self.0.parts.online)();
            let next = self.pump(Instant::now(), online);
            let later = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.poke.notified() => {}
                () = later => {}
            }
        }
    }

    /// What is held, for a person.
    pub(crate) fn rows(&self) -> Vec<HeldRow> {
        self.state().entries.values().map(Entry::row).collect()
    }

    /// Whether somebody has to be there: a socket is held, or a program is connected.
    pub(crate) fn holds(&self) -> bool {
        let state = self.state();
        !state.entries.is_empty() || state.clients > 0
    }

    /// The capabilities that are revoked from now on: sockets that are no longer allowed are closed.
    pub(crate) fn revoked(&self, revoked: &[String]) {
        let mut state = self.state();
        if state.revoked != revoked {
            state.revoked = revoked.to_vec();
            self.close_what_is_revoked(&mut state);
            self.0.poke.notify_one();
        }
    }

    fn close_what_is_revoked(&self, state: &mut State) {
        let refused: Vec<(String, String)> = state
            .entries
            .iter()
            .filter(|(_, entry)| entry.fd.is_some())
            .filter_map(|(key, entry)| Some((key.clone(), state.refusal(entry.nature.as_ref()?)?)))
            .collect();
        for (key, why) in refused {
            self.closed(state, &key, Some(why));
        }
    }

    /// The socket is closed, and its program hears so.
    fn closed(&self, state: &mut State, key: &str, why: Option<String>) {
        self.0.parts.supervisor.let_go(key);
        let State { entries, book, .. } = state;
        let Some(entry) = entries.get_mut(key) else { return };
        entry.end();
        entry.stage = Stage::Wanted(hither_broker::Reason::SocketClosed);
        if why.is_some() {
            entry.record.why = why;
            remember(book, entry);
        }
    }

    /// Waits at a socket from now on.
    fn wait_at(&self, state: &mut State, key: &str) {
        state.turn += 1;
        let turn = state.turn;
        let Some(entry) = state.entries.get_mut(key) else { return };
        let Some(fd) = entry.fd.as_ref() else { return };
        let fd = match fd.try_clone() {
            Ok(fd) => fd,
            Err(e) => {
                tracing::warn!("{key} cannot be waited for: {e}");
                return;
            }
        };
        entry.stage = Stage::Waiting;
        let (held, key) = (self.clone(), key.to_owned());
        let (kind, keep_alive) = (entry.record.kind, entry.record.keep_alive.map(Duration::from_secs));
        let task = tokio::spawn(async move {
            match waiting::wanted(fd, kind, keep_alive).await {
                Ok(reason) => held.seen(&key, turn, reason),
                Err(e) => tracing::warn!("{key} cannot be waited for: {e}"),
            }
        });
        entry.waits(turn, task.abort_handle());
    }

    fn seen(&self, key: &str, turn: u64, reason: hither_broker::Reason) {
        let mut state = self.state();
        let Some(entry) = state.entries.get_mut(key).filter(|entry| entry.turn == turn) else { return };
        entry.stage = Stage::Wanted(reason);
        if reason == hither_broker::Reason::SocketClosed {
            self.closed(&mut state, key, None);
        }
        self.0.poke.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until what was handed over is in the service manager's store.
    async fn settle(&self) {
        let supervisor = self.0.parts.supervisor.clone();
        let _ = tokio::task::spawn_blocking(move || supervisor.settle()).await;
    }
}

fn remember(book: &Book, entry: &Entry) {
    if let Err(e) = book.keep(&entry.record) {
        tracing::warn!("what became of a held socket is not on disk: {e}");
    }
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;

//! The service manager that started the agent, if one did: told when it is ready, alive and ending (`sd_notify(3)`,
//! R4.20), and asked to keep sockets while no agent runs: ours, and those of other
//! programs (R4.22).
//!
//! Everything here does nothing where there is no `NOTIFY_SOCKET`. A manager that cannot be told is no reason to stop.

use crate::{background, engine::Engine};
use hither_engine::Standby;
use hither_model::Ask;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sd_notify::NotifyState;
use std::{
    env, io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::Path,
    thread,
    time::Duration,
};

/// The name under which the manager keeps the sockets that devices call; the same as in the unit of a socket.
const PEER: &str = "peer";

/// What the manager expects of us.
#[derive(Debug, Clone, Default)]
pub(crate) struct Supervisor {
    listens: bool,
    /// We are ended and started again if we are silent for so long.
    watchdog: Option<Duration>,
    /// The unit of the socket that devices call, if they may start us.
    calls: Option<String>,
}

impl Supervisor {
    /// The one this process was started by.
    pub(crate) fn from_env(profile: &Path) -> Self {
        let listens = env::var_os("NOTIFY_SOCKET").is_some();
        let calls = if listens { background::calls_unit(profile) } else { None };
        Self { listens, watchdog: sd_notify::watchdog_enabled(), calls }
    }

    /// Devices and clients are served from now on.
    pub(crate) fn ready(&self, status: &str) {
        self.tell("ready", &[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// The end has begun.
    pub(crate) fn stopping(&self) {
        self.tell("stopping", &[NotifyState::Stopping]);
    }

    /// Says that we are alive twice as often as is asked for, as long as the engine answers. Does not return.
    pub(crate) async fn reassure<E: Engine>(&self, engine: &E) {
        let Some(limit) = self.watchdog else { return std::future::pending().await };
        let mut turns = tokio::time::interval(limit / 2);
        loop {
            turns.tick().await;
            // An engine that hangs must be seen as one: then nothing is said.
            if engine.ask(0, Ask::Inbox).await.is_ok() {
                self.tell("alive", &[NotifyState::Watchdog]);
            }
        }
    }

    /// Whether a service manager started us.
    pub(crate) fn listens(&self) -> bool {
        self.listens
    }

    /// Has a socket kept for the agent that comes next, under a name of its own. One whose other end is gone is kept too: what
    /// came before its end is still to be read.
    pub(crate) fn hold(&self, name: &str, socket: impl AsFd) {
        if self.listens {
            let state = [NotifyState::FdStore, NotifyState::FdName(name), NotifyState::Custom("FDPOLL=0")];
            told("hold a socket", sd_notify::notify_with_fds(&state, &[socket.as_fd()]));
        }
    }

    /// Has it kept no more: only then does its other end hear that it is closed (R4.22).
    pub(crate) fn let_go(&self, name: &str) {
        self.tell("let a socket go", &[NotifyState::FdStoreRemove, NotifyState::FdName(name)]);
    }

    /// Blocks until everything that was told so far has been done, for a second at most.
    pub(crate) fn settle(&self) {
        if !self.listens {
            return;
        }
        let done = UnixStream::pair().and_then(|(ours, theirs)| {
            sd_notify::notify_with_fds(&[NotifyState::Custom("BARRIER=1")], &[theirs.as_fd()])?;
            drop(theirs);
            // It is closed over there when its turn has come.
            let time = Timespec { tv_sec: 1, tv_nsec: 0 };
            poll(&mut [PollFd::new(&ours, PollFlags::IN)], Some(&time))?;
            Ok(())
        });
        told("settle", done);
    }

    fn tell(&self, what: &str, state: &[NotifyState<'_>]) {
        if self.listens {
            told(what, sd_notify::notify(state));
        }
    }
}

impl Standby for Supervisor {
    fn keep(&self, sockets: &[BorrowedFd<'_>]) {
        if self.listens && !sockets.is_empty() {
            let state = [NotifyState::FdStore, NotifyState::FdName(PEER)];
            told("keep the sockets", sd_notify::notify_with_fds(&state, sockets));
        }
    }

    fn release(&self) {
        self.tell("release the sockets", &[NotifyState::FdStoreRemove, NotifyState::FdName(PEER)]);
        if let Some(unit) = self.calls.clone() {
            // It takes a moment, and whoever revoked something shall not wait for it.
            thread::spawn(move || background::calls_no_more(&unit));
        }
    }
}

fn told(what: &str, outcome: io::Result<()>) {
    if let Err(e) = outcome {
        tracing::warn!("the service manager cannot be told ({what}): {e}");
    }
}

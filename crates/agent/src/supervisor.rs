//! The service manager that started the agent, if one did: told when it is ready, alive and ending (`sd_notify(3)`,
//! R4.20), and asked to keep the listening sockets while no agent runs (R4.22).
//!
//! Everything here does nothing where there is no `NOTIFY_SOCKET`. A manager that cannot be told is no reason to stop.

use crate::engine::Engine;
use hither_engine::Standby;
use hither_model::Ask;
use sd_notify::NotifyState;
use std::{env, io, os::fd::BorrowedFd, time::Duration};

/// The name under which the manager keeps the sockets that devices call; the same as in the unit of a socket.
const PEER: &str = "peer";

/// What the manager expects of us.
#[derive(Debug, Clone, Default)]
pub(crate) struct Supervisor {
    listens: bool,
    /// We are ended and started again if we are silent for so long.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one this process was started by.
    pub(crate) fn from_env() -> Self {
        Self { listens: env::var_os("NOTIFY_SOCKET").is_some(), watchdog: sd_notify::watchdog_enabled() }
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
    }
}

fn told(what: &str, outcome: io::Result<()>) {
    if let Err(e) = outcome {
        tracing::warn!("the service manager cannot be told ({what}): {e}");
    }
}

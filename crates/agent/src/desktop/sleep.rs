//! The machine does not go to sleep by itself while a transfer moves (`org.freedesktop.login1`, system bus).
//!
//! The lock is of mode `block` on `sleep:idle`: it keeps the machine from falling asleep over a transfer because nobody
//! touches it. Closing the lid still works (logind heeds only locks on the lid for that, unless told otherwise), and so
//! does `systemctl suspend -i`; the transfer then goes on after waking. Without logind nothing is held.

use super::{Parts, bus::call};
use crate::engine::Engine;
use hither_model::{DesktopPart, MediumState, News, TransferId, TransferState};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::{sync::broadcast::error::RecvError, time::timeout};
use tokio_util::sync::CancellationToken;
use zbus::{Connection, connection, zvariant::OwnedFd};

const NAME: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const METHODS: &str = "org.freedesktop.login1.Manager";
/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// The lock is kept this long after the last transfer, for the next one of several, milliseconds.
const LINGER: u64 = 2_000;
/// After a failure it is tried again with the first transfer after this, milliseconds.
const AGAIN: u64 = 30_000;

/// Which transfers move, and so whether the lock is wanted. Pure: the time is an argument, in milliseconds.
#[derive(Debug, Default)]
struct Awake {
    moving: BTreeSet<TransferId>,
    /// Since when nothing moves, while the lock is still wanted.
    since: Option<u64>,
}

impl Awake {
    fn hear(&mut self, news: &News, now: u64) {
        let before = !self.moving.is_empty();
        match news {
            News::Snapshot { transfers, .. } => {
                self.moving = transfers.iter().filter(|t| moves(t.state)).map(|t| t.transfer).collect();
            }
            News::Transfer { transfer } if moves(transfer.state) => drop(self.moving.insert(transfer.transfer)),
            News::Transfer { transfer } => drop(self.moving.remove(&transfer.transfer)),
            News::Stopping => {
                *self = Self::default();
                return;
            }
            _ => return,
        }
        match (before, self.moving.is_empty()) {
            (_, false) => self.since = None,
            (true, true) => self.since = Some(now),
            (false, true) => {}
        }
    }

    fn wanted(&self, now: u64) -> bool {
        !self.moving.is_empty() || self.since.is_some_and(|since| now < since + LINGER)
    }

    /// When the lock is not wanted any more, if nothing happens.
    fn due(&self) -> Option<u64> {
        self.since.map(|since| since + LINGER)
    }
}

fn moves(state: TransferState) -> bool {
    matches!(state, TransferState::Moving | TransferState::Checking)
}

/// Holds the lock whenever a transfer moves, until the agent stops.
pub(super) async fn guard<E: Engine>(engine: E, parts: Parts, stop: CancellationToken) {
    parts.set(DesktopPart::Sleep, probe().await);
    let _ = stop.run_until_cancelled(follow(engine, parts)).await;
}

async fn follow<E: Engine>(engine: E, parts: Parts) {
    let begun = Instant::now();
    let now = || u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut awake = Awake::default();
    let mut lock: Option<OwnedFd> = None;
    let mut failed: Option<u64> = None;
    while let Ok((first, mut news)) = engine.news().await {
        awake.hear(&first, now());
        loop {
            match (awake.wanted(now()), &lock) {
                (true, None) if failed.is_none_or(|at| now() >= at + AGAIN) => match take().await {
                    Ok(held) => {
                        (lock, failed) = (Some(held), None);
                        parts.set(DesktopPart::Sleep, MediumState::On);
                    }
                    Err(why) => {
                        failed = Some(now());
                        parts.set(DesktopPart::Sleep, MediumState::Failed(why));
                    }
                },
                (false, Some(_)) => lock = None,
                _ => {}
            }
            let due = awake.due().filter(|_| lock.is_some()).map(|due| due.saturating_sub(now()));
            let wait = async {
                match due {
                    Some(due) => tokio::time::sleep(Duration::from_millis(due)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                heard = news.recv() => match heard {
                    Ok(heard) => awake.hear(&heard, now()),
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                },
                () = wait => {}
            }
        }
    }
}

async fn connect() -> zbus::Result<Connection> {
    connection::Builder::system()?.method_timeout(PATIENCE).build().await
}

/// Whether the lock could be had.
async fn probe() -> MediumState {
    let ask = async {
        let bus = connect().await?;
        let reply = call(&bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "NameHasOwner", &(NAME,)).await?;
        reply.body().deserialize::<bool>()
    };
    match timeout(PATIENCE, ask).await {
        Ok(Ok(true)) => MediumState::On,
        Ok(Ok(false)) => MediumState::Failed("no logind is on the system bus".into()),
        Ok(Err(error)) => MediumState::Failed(format!("no system bus: {error}")),
        Err(_) => MediumState::Failed("the system bus does not answer".into()),
    }
}

/// Takes the lock. It is held as long as the descriptor is open; the connection is not needed for it.
async fn take() -> Result<OwnedFd, String> {
    let ask = async {
        let bus = connect().await?;
        let lock = ("sleep:idle", "hither", "files are being transferred", "block");
        let reply = bus.call_method(Some(NAME), PATH, Some(METHODS), "Inhibit", &lock).await?;
        reply.body().deserialize::<OwnedFd>()
    };
    match timeout(PATIENCE, ask).await {
        Ok(outcome) => outcome.map_err(|error: zbus::Error| format!("logind: {error}")),
        Err(_) => Err("logind does not answer".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::{
        PeerId,
        row::{Direction, TransferRow},
    };

    fn news(n: u8, state: TransferState) -> News {
        let transfer = TransferRow {
            transfer: TransferId::new([n; 16]),
            peer: PeerId::new([4; 32]),
            name: String::new(),
            direction: Direction::In,
            state,
            why: None,
            title: String::new(),
            done: 0,
            total: 0,
            items_done: 0,
            items: 0,
            failed: vec![],
            receipt: false,
            path: None,
            at: 0,
        };
        News::Transfer { transfer }
    }

    #[test]
    fn the_machine_stays_awake_exactly_while_something_moves_and_a_moment_longer() {
        use TransferState::{Accepted, Checking, Kept, Moving, Offered, Paused};
        let mut awake = Awake::default();
        for state in [Offered, Accepted, Paused] {
            awake.hear(&news(1, state), 0);
            assert!(!awake.wanted(0), "{state}");
        }
        awake.hear(&news(1, Moving), 10);
        awake.hear(&news(2, Moving), 10);
        awake.hear(&news(1, Checking), 20);
        awake.hear(&news(1, Kept), 30);
        assert!(awake.wanted(u64::MAX / 2) && awake.due().is_none());
        awake.hear(&news(2, Paused), 40);
        assert!(awake.wanted(40) && !awake.wanted(40 + LINGER));
        assert_eq!(awake.due(), Some(40 + LINGER));
        awake.hear(&news(3, Moving), 50);
        awake.hear(&News::Stopping, 60);
        assert!(!awake.wanted(60), "at the end it is let go at once");
    }
}

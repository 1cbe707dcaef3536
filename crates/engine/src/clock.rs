//! The engine's clock: the only place that asks the system for the time. Pure parts take it as an argument.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
// The clock that the loop's sleeps go by, so that tests can turn both by hand.
use tokio::time::Instant;

/// Milliseconds since the agent started (monotonic) and seconds since 1970 (wall clock).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Monotonic milliseconds; begins at one day so that subtracting a delay never wraps.
    pub(crate) fn now(&self) -> u64 {
        86_400_000 + u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }

    /// How long until that monotonic moment.
    pub(crate) fn until(&self, at: u64) -> Duration {
        Duration::from_millis(at.saturating_sub(self.now()))
    }

    /// Seconds since 1970.
    pub(crate) fn unix(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
    }
}

/// Bytes nobody can guess.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // The system's generator failing at run time leaves no safe way on.
    getrandom::fill(&mut bytes).unwrap_or_else(|e| {
        tracing::error!(%e, "the system gives no random numbers");
        std::process::abort()
    });
    bytes
}

//! How long to wait before trying again (R7.8): 1, 2, 4 … 60 seconds at most, anything between nothing and that, so that
//! many do not come at once; from the beginning after a minute of health or a change of the network.

/// Longest wait, in milliseconds.
pub const LONGEST_MS: u64 = 60_000;

/// A connection that lasted so long, in milliseconds, was healthy.
pub const HEALTHY_MS: u64 = 60_000;

/// The waits between attempts at one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
    since: Option<u64>,
}

impl Backoff {
    /// Nothing failed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another attempt failed: how many milliseconds to wait before the next. `jitter` is random, uniform over all of u32.
    pub fn next(&mut self, jitter: u32) -> u64 {
        let longest = LONGEST_MS.min(1000 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        longest * u64::from(jitter) / u64::from(u32::MAX)
    }

    /// It works since now.
    pub fn up(&mut self, now: u64) {
        self.since = Some(now);
    }

    /// It works no longer. If it did for a minute, waits begin at one second again.
    pub fn down(&mut self, now: u64) {
        if self.since.take().is_some_and(|since| now.saturating_sub(since) >= HEALTHY_MS) {
            self.failures = 0;
        }
    }

    /// The network changed: earlier failures say nothing any more, and the next attempt may be made at once.
    pub fn network_changed(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r7_8_waits_double_up_to_a_minute_and_are_spread_over_the_whole_span() {
        let mut backoff = Backoff::new();
        let longest: Vec<_> = (0..9).map(|_| backoff.next(u32::MAX)).collect();
        assert_eq!(longest, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
        assert_eq!(backoff.next(0), 0);
        assert_eq!(backoff.next(u32::MAX / 2), 29_999);
    }

    #[test]
    fn r7_8_only_a_minute_of_health_starts_over() {
        let mut backoff = Backoff::new();
        for _ in 0..5 {
            backoff.next(0);
        }
        backoff.up(0);
        backoff.down(59_999);
        assert_eq!(backoff.next(u32::MAX), 32_000);
        backoff.up(100_000);
        backoff.down(160_000);
        assert_eq!(backoff.next(u32::MAX), 1000);
        backoff.network_changed();
        assert_eq!(backoff.next(u32::MAX), 1000);
    }
}

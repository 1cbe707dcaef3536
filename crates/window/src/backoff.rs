//! How long to wait before the next try to reach the agent.

/// The first wait, in milliseconds.
const FIRST: u64 = 250;
/// The longest wait, in milliseconds.
const LONGEST: u64 = 10_000;

/// Waits that double from a quarter of a second to ten seconds.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    next: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    /// Milliseconds to wait before the next try.
    pub fn wait(&mut self) -> u64 {
        let now = self.next;
        self.next = (now * 2).min(LONGEST);
        now
    }

    /// It worked: the next wait is the first again.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[test]
fn waits_double_up_to_ten_seconds_and_begin_anew_after_success() {
    let mut backoff = Backoff::default();
    let waits: Vec<u64> = (0..8).map(|_| backoff.wait()).collect();
    assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    backoff.reset();
    assert_eq!(backoff.wait(), 250);
}

//! Whether the other side is still there: a ping after five seconds of silence, dead after fifteen.

/// Milliseconds of silence before each ping.
pub const PING_MS: u64 = 5_000;

/// Milliseconds of silence after which the connection is given up.
pub const DEAD_MS: u64 = 15_000;

/// The pulse of one connection.
#[derive(Debug, Clone)]
pub struct Liveness {
    heard: u64,
    pinged: u64,
    number: u64,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Nothing.
    Quiet,
    /// Send a ping with this number.
    Ping(u64),
    /// Give the connection up.
    Dead,
}

impl Liveness {
    /// A connection that is alive now.
    pub fn new(now: u64) -> Self {
        Self { heard: now, pinged: now, number: 0 }
    }

    /// Something came, whatever it was.
    pub fn heard(&mut self, now: u64) {
        self.heard = self.heard.max(now);
    }

    /// What is due at this time.
    pub fn tick(&mut self, now: u64) -> Beat {
        if now >= self.heard.saturating_add(DEAD_MS) {
            return Beat::Dead;
        }
        if now < self.next_ping() {
            return Beat::Quiet;
        }
        self.pinged = now;
        self.number = self.number.wrapping_add(1);
        Beat::Ping(self.number)
    }

    /// When [`Liveness::tick`] is due.
    pub fn deadline(&self) -> u64 {
        self.next_ping().min(self.heard.saturating_add(DEAD_MS))
    }

    fn next_ping(&self) -> u64 {
        self.heard.max(self.pinged).saturating_add(PING_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_brings_two_pings_and_then_the_end() {
        let mut pulse = Liveness::new(0);
        let mut seen = Vec::new();
        loop {
            let at = pulse.deadline();
            match pulse.tick(at) {
                Beat::Quiet => panic!("a deadline without anything due"),
                beat => seen.push((at, beat)),
            }
            if seen.last().unwrap().1 == Beat::Dead {
                break;
            }
        }
        assert_eq!(seen, [(5_000, Beat::Ping(1)), (10_000, Beat::Ping(2)), (15_000, Beat::Dead)]);
    }

    #[test]
    fn whatever_is_heard_puts_the_end_off() {
        let mut pulse = Liveness::new(0);
        assert_eq!(pulse.tick(14_999), Beat::Ping(1));
        pulse.heard(14_999);
        assert_eq!(pulse.tick(19_998), Beat::Quiet);
        assert_eq!(pulse.deadline(), 19_999);
        assert_eq!(pulse.tick(29_999), Beat::Dead);
    }
}

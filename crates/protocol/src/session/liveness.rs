//! Whether the other side is still there: a ping after five seconds of silence, dead after fifteen. A connection on which
//! nothing but pings went for a minute is calm: it is asked every fourteen seconds, at the same moment as every other calm one
//! of this device and only if nothing came for eight, so that a device at rest wakes seldom (R4.26) and one side's questions
//! serve both; it is dead after twenty-eight.

/// Milliseconds of silence before each ping.
pub const PING_MS: u64 = 5_000;

/// Milliseconds of silence after which the connection is given up.
pub const DEAD_MS: u64 = 15_000;

/// Milliseconds without anything but pings after which a connection is calm.
pub const CALM_AFTER_MS: u64 = 60_000;

/// A calm connection is asked when the clock shows a multiple of these milliseconds.
pub const CALM_PING_MS: u64 = 14_000;

/// Milliseconds for which a calm connection on which something came is not asked.
pub const CALM_GAP_MS: u64 = 8_000;

/// Milliseconds of silence after which a calm connection is given up.
pub const CALM_DEAD_MS: u64 = 28_000;

/// The pulse of one connection.
#[derive(Debug, Clone)]
pub struct Liveness {
    heard: u64,
    used: u64,
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
        Self { heard: now, used: now, pinged: now, number: 0 }
    }

    /// Something came, whatever it was.
    pub fn heard(&mut self, now: u64) {
        self.heard = self.heard.max(now);
    }

    /// The connection serves something: what came was no ping and no answer to one.
    pub fn used(&mut self, now: u64) {
        self.heard(now);
        self.used = self.used.max(now);
    }

    /// What is due at this time.
    pub fn tick(&mut self, now: u64) -> Beat {
        if now >= self.end() {
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
        self.next_ping().min(self.end())
    }

    fn is_calm(&self) -> bool {
        self.heard.max(self.pinged) >= self.used.saturating_add(CALM_AFTER_MS)
    }

    fn end(&self) -> u64 {
        self.heard.saturating_add(if self.is_calm() { CALM_DEAD_MS } else { DEAD_MS })
    }

    fn next_ping(&self) -> u64 {
        let last = self.heard.max(self.pinged);
        match self.is_calm() {
            true => last.saturating_add(CALM_GAP_MS).checked_next_multiple_of(CALM_PING_MS).unwrap_or(u64::MAX),
            false => last.saturating_add(PING_MS),
        }
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

    /// The moments of its pings until `until`, every one answered at once.
    fn answered(pulse: &mut Liveness, until: u64) -> Vec<u64> {
        let mut pings = Vec::new();
        while pulse.deadline() < until {
            let at = pulse.deadline();
            assert!(matches!(pulse.tick(at), Beat::Ping(_)), "at {at}");
            pulse.heard(at + 1);
            pings.push(at);
        }
        pings
    }

    #[test]
    fn r4_26_calm_connections_ping_together_and_seldom() {
        let [mut one, mut other] = [3_000, 4_321].map(Liveness::new);
        let pings = [answered(&mut one, 200_000), answered(&mut other, 200_000)];
        assert!(pings.iter().all(|pings| pings.len() > 11), "they were not calm from the start");
        let calm = pings.map(|pings| pings.into_iter().filter(|at| *at > 80_000).collect::<Vec<_>>());
        assert_eq!(calm[0], calm[1]);
        assert_eq!(calm[0], (6..15).map(|n| n * CALM_PING_MS).collect::<Vec<_>>());
        one.used(200_001);
        assert_eq!(one.deadline(), 205_001, "as soon as it is used it is watched closely");
    }

    #[test]
    fn r4_26_of_two_calm_ends_seldom_both_ask() {
        // Their clocks began at different times; a ping and its answer take no time.
        let began = [0, 3_700];
        let mut ends = began.map(|began| Liveness::new(300_000 - began));
        let mut pings = Vec::new();
        loop {
            let due = [0, 1].map(|end| ends[end].deadline() + began[end]);
            let end = usize::from(due[1] < due[0]);
            let at = due[end];
            if at >= 700_000 {
                break;
            }
            assert!(matches!(ends[end].tick(at - began[end]), Beat::Ping(_)));
            (0..2).for_each(|end| ends[end].heard(at - began[end]));
            pings.extend((at >= 400_000).then_some(at));
        }
        assert!(pings.len() <= 22, "{} pings in 300 seconds", pings.len());
    }

    #[test]
    fn n1_a_calm_connection_that_goes_silent_is_noticed_within_thirty_seconds() {
        for start in (0..CALM_PING_MS).step_by(97) {
            let mut pulse = Liveness::new(start);
            answered(&mut pulse, 150_000);
            let silent_from = pulse.heard;
            let mut pings = 0;
            let end = loop {
                let at = pulse.deadline();
                match pulse.tick(at) {
                    Beat::Dead => break at,
                    Beat::Ping(_) => pings += 1,
                    Beat::Quiet => panic!("a deadline without anything due"),
                }
            };
            assert!(end - silent_from < 30_000 && pings >= 1, "{start}: {pings} pings in {} ms", end - silent_from);
        }
    }
}

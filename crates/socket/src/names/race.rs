//! In which order and when the addresses of a server are tried (RFC 8305, "happy eyeballs"): the two families take turns,
//! IPv6 first, one attempt every 250 ms, the next at once when one fails. Pure: the time comes in as milliseconds.

use std::{collections::VecDeque, net::SocketAddr};

/// Time between two attempts, milliseconds (RFC 8305 section 5: 250 is recommended).
pub const ATTEMPT_DELAY_MS: u64 = 250;
/// Most addresses that are tried for one connection.
pub const MAX_ATTEMPTS: usize = 16;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Begin to connect to this address.
    Start(SocketAddr),
    /// Nothing before this time, unless an attempt ends.
    WaitUntil(u64),
    /// Nothing until an attempt ends.
    Wait,
    /// Every address was tried and failed.
    Lost,
}

/// The attempts at one server.
#[derive(Debug, Clone)]
pub struct Race {
    waiting: VecDeque<SocketAddr>,
    running: usize,
    next_at: u64,
    one_at_a_time: bool,
}

impl Race {
    /// A race over these addresses, which are in the order of the system's preference (RFC 6724). With `one_at_a_time`
    /// no second attempt begins while one is alive (`SerializeConnectionAttempts`).
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>, one_at_a_time: bool) -> Self {
        Self { waiting: interleaved(addresses), running: 0, next_at: 0, one_at_a_time }
    }

    /// What to do at `now`. [`Turn::Start`] counts as begun.
    pub fn turn(&mut self, now: u64) -> Turn {
        let free = self.running == 0 || (!self.one_at_a_time && now >= self.next_at);
        match self.waiting.front() {
            None if self.running == 0 => Turn::Lost,
            None => Turn::Wait,
            Some(_) if !free && self.one_at_a_time => Turn::Wait,
            Some(_) if !free => Turn::WaitUntil(self.next_at),
            Some(_) => match self.waiting.pop_front() {
                Some(address) => {
                    self.running += 1;
                    self.next_at = now.saturating_add(ATTEMPT_DELAY_MS);
                    Turn::Start(address)
                }
                None => Turn::Wait,
            },
        }
    }

    /// An attempt failed: the next one need not wait.
    pub fn failed(&mut self, now: u64) {
        self.running = self.running.saturating_sub(1);
        self.next_at = now;
    }
}

/// The families take turns, IPv6 first; within a family the order stays. Doubles are left out.
fn interleaved(addresses: impl IntoIterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let (mut six, mut four) = (VecDeque::new(), VecDeque::new());
    for address in addresses {
        let family = if address.is_ipv6() { &mut six } else { &mut four };
        if !family.contains(&address) {
            family.push_back(address);
        }
    }
    let mut out = VecDeque::new();
    while out.len() < MAX_ATTEMPTS && !(six.is_empty() && four.is_empty()) {
        out.extend(six.pop_front());
        out.extend(four.pop_front());
    }
    out.truncate(MAX_ATTEMPTS);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn race(one_at_a_time: bool) -> Race {
        Race::new(["1.0.0.1:1", "1.0.0.2:1", "[2001:200::1]:1", "[2001:200::2]:1", "1.0.0.1:1"].map(at), one_at_a_time)
    }

    #[test]
    fn r3_5_the_families_take_turns_a_quarter_of_a_second_apart() {
        let mut race = race(false);
        assert_eq!(race.turn(0), Turn::Start(at("[2001:200::1]:1")));
        assert_eq!(race.turn(0), Turn::WaitUntil(250));
        assert_eq!(race.turn(250), Turn::Start(at("1.0.0.1:1")));
        assert_eq!(race.turn(500), Turn::Start(at("[2001:200::2]:1")));
        assert_eq!(race.turn(750), Turn::Start(at("1.0.0.2:1")));
        assert_eq!(race.turn(1000), Turn::Wait);
        for _ in 0..4 {
            race.failed(1001);
        }
        assert_eq!(race.turn(1001), Turn::Lost);
    }

    #[test]
    fn r3_5_after_a_failure_the_next_address_is_tried_at_once() {
        let mut race = race(false);
        assert_eq!(race.turn(0), Turn::Start(at("[2001:200::1]:1")));
        race.failed(3);
        assert_eq!(race.turn(3), Turn::Start(at("1.0.0.1:1")));
    }

    #[test]
    fn r3_7_serialized_attempts_are_never_two() {
        let mut race = race(true);
        assert!(matches!(race.turn(0), Turn::Start(_)));
        assert_eq!(race.turn(10_000), Turn::Wait);
        race.failed(10_000);
        assert!(matches!(race.turn(10_000), Turn::Start(_)));
    }

    proptest! {
        #[test]
        fn every_race_ends_and_tries_each_address_once(count in 0usize..40, serial: bool, fail: bool) {
            let all: Vec<SocketAddr> =
                (0..count).map(|n| SocketAddr::from(([9, 9, 9, u8::try_from(n).unwrap()], 1))).collect();
            let mut race = Race::new(all, serial);
            let (mut now, mut tried) = (0, Vec::new());
            for _ in 0..200 {
                match race.turn(now) {
                    Turn::Start(address) => {
                        prop_assert!(!tried.contains(&address));
                        tried.push(address);
                        if fail {
                            race.failed(now);
                        }
                    }
                    Turn::WaitUntil(at) => now = at,
                    Turn::Wait => race.failed(now),
                    Turn::Lost => break,
                }
            }
            prop_assert_eq!(tried.len(), count.min(MAX_ATTEMPTS));
        }
    }
}

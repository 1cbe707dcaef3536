//! Whether the machine slept: the wall clock then ran on while the monotonic one stood. A clock that was set forward looks
//! the same, and costs the same: everything that waits for a better moment is tried again at once.

use crate::state::State;
use hither_protocol::session::Frame;

/// By how much the clocks may part between two looks, milliseconds. Below that lies what keeping time by the network sets.
const JUMP: i64 = 20_000;

/// The distance of the two clocks, as it was when they were looked at last.
#[derive(Debug, Default)]
pub(crate) struct Waking {
    apart: Option<i64>,
}

impl Waking {
    /// Looks at both clocks, monotonic milliseconds and seconds since 1970: whether the machine slept since the last time.
    pub(crate) fn looked(&mut self, now: u64, unix: u64) -> bool {
        let millis = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let apart = millis(unix.saturating_mul(1_000)).saturating_sub(millis(now));
        self.apart.replace(apart).is_some_and(|before| apart.saturating_sub(before) > JUMP)
    }
}

impl State {
    /// Notices that the machine slept, and does what it would have done meanwhile.
    pub(crate) fn wake(&mut self) {
        if !self.waking.looked(self.clock.now(), self.clock.unix()) {
            return;
        }
        tracing::info!("the machine slept, or its clock was set forward");
        self.redial_soon(None);
        self.call_known();
        // Connections that look open may be dead: what they do not take now is noticed.
        for session in self.sessions.values_mut().filter(|session| session.link.is_some()) {
            session.post(Frame::Ping { n: 0 });
        }
        // Adverts ran out while nobody renewed them.
        self.media.rotate_at = self.media.rotate_at.map(|_| self.clock.now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n6_a_machine_that_slept_is_noticed_and_clocks_that_only_drift_are_not() {
        let (mut waking, mut now, mut unix) = (Waking::default(), 86_400_000, 1_000_000);
        assert!(!waking.looked(now, unix), "nothing is known at the first look");
        for _ in 0..1_000 {
            // A look a minute, and the wall clock gains a second each time.
            (now, unix) = (now + 60_000, unix + 61);
            assert!(!waking.looked(now, unix));
        }
        (now, unix) = (now + 100, unix + 3_600);
        assert!(waking.looked(now, unix), "an hour's sleep");
        assert!(!waking.looked(now + 1_000, unix + 1), "told once");
        assert!(!waking.looked(now + 2_000, unix - 7_200), "set back: it did not sleep");
        assert!(!waking.looked(now + 3_000, unix - 7_199));
        assert!(!waking.looked(u64::MAX, u64::MAX) || !waking.looked(0, 0), "no clock makes it panic");
    }
}

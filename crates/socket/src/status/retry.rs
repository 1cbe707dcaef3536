//! What happens after a failure (R7.2, R7.3, R7.8): one record for each use of the network, and one table that decides.
//! Pure: time in milliseconds and chance come in as arguments.
//!
//! A retried connection is a new one: every check is made again by whoever makes it.

use super::table::{Class, class};
use hither_model::SocketErrorStatus as Status;

/// First pause, milliseconds; each further one is up to twice as long.
const FIRST_MS: u64 = 1_000;
/// Longest pause.
const LONGEST_MS: u64 = 60_000;
/// A connection that lasted so long makes earlier failures forgotten.
const HEALTHY_MS: u64 = 60_000;
/// How often a refusal, or an offline revocation server, is taken for a matter of time.
const PATIENT: u32 = 3;

/// Where a use of the network stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was tried yet.
    Idle,
    /// An attempt is under way.
    Connecting,
    /// It works, since that time.
    Connected {
        /// When it began to.
        since: u64,
    },
    /// It is tried again at that time, or when the network comes back.
    Waiting {
        /// When.
        until: u64,
    },
    /// It is tried again when the network changes.
    WaitingForNetwork,
    /// A person must do something.
    NeedsPerson,
    /// It is over.
    Failed,
    /// Somebody ended it.
    Canceled,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Connect.
    Connect,
    /// Wake up at this time.
    WakeAt(u64),
    /// Wait for the network to change.
    WatchNetwork,
    /// Tell the person.
    Tell,
    /// Nothing.
    Rest,
}

/// The record of one use: a finder, a socket, a transfer. Shown as it is; every failure is written here first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempts {
    stage: Stage,
    last_error: Option<Status>,
    /// Failures in a row.
    failures: u32,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { stage: Stage::Idle, last_error: None, failures: 0 }
    }
}

impl Attempts {
    /// Where it stands.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// What went wrong the last time.
    pub fn last_error(&self) -> Option<Status> {
        self.last_error
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Somebody wants a connection: also after it failed or a person did their part.
    pub fn begin(&mut self) -> Act {
        match self.stage {
            Stage::Connecting | Stage::Connected { .. } => Act::Rest,
            Stage::Failed | Stage::Canceled | Stage::NeedsPerson => {
                self.failures = 0;
                self.connect()
            }
            Stage::Idle | Stage::Waiting { .. } | Stage::WaitingForNetwork => self.connect(),
        }
    }

    fn connect(&mut self) -> Act {
        self.stage = Stage::Connecting;
        Act::Connect
    }

    /// The connection is there.
    pub fn connected(&mut self, now: u64) {
        if self.stage == Stage::Connecting {
            self.stage = Stage::Connected { since: now };
        }
    }

    /// It failed, or broke. `chance(n)` gives a number from 0 to `n`: the whole pause is left to it, so that many who lost
    /// the same server do not come back together.
    pub fn failed(&mut self, status: Status, now: u64, chance: impl FnOnce(u64) -> u64) -> Act {
        match self.stage {
            Stage::Connecting => {}
            Stage::Connected { since } if now.saturating_sub(since) >= HEALTHY_MS => self.failures = 0,
            Stage::Connected { .. } => {}
            _ => return Act::Rest,
        }
        self.last_error = Some(status);
        self.failures = self.failures.saturating_add(1);
        match self.verdict(status) {
            Class::Transient => {
                let doubled = FIRST_MS.saturating_mul(1_u64.checked_shl(self.failures - 1).unwrap_or(u64::MAX));
                let pause = chance(doubled.min(LONGEST_MS)).min(LONGEST_MS);
                let until = now.saturating_add(pause);
                self.stage = Stage::Waiting { until };
                Act::WakeAt(until)
            }
            Class::Network => {
                self.stage = Stage::WaitingForNetwork;
                Act::WatchNetwork
            }
            Class::User => {
                self.stage = Stage::NeedsPerson;
                Act::Tell
            }
            Class::Fatal => {
                self.stage = Stage::Failed;
                Act::Tell
            }
        }
    }

    /// The table's class, and its exceptions for some that change with the number of failures.
    fn verdict(&self, status: Status) -> Class {
        match status {
            Status::ConnectionRefused | Status::CertificateRevocationServerOffline if self.failures > PATIENT => {
                Class::User
            }
            Status::HostNotFound | Status::NoAddressesFound if self.failures == 1 => Class::Network,
            other => class(other),
        }
    }

    /// The time came.
    pub fn woken(&mut self, now: u64) -> Act {
        match self.stage {
            Stage::Waiting { until } if now >= until => self.connect(),
            Stage::Waiting { until } => Act::WakeAt(until),
            _ => Act::Rest,
        }
    }

    /// The network came back or changed: whoever waits tries at once.
    pub fn network_up(&mut self) -> Act {
        match self.stage {
            Stage::Waiting { .. } | Stage::WaitingForNetwork => self.connect(),
            _ => Act::Rest,
        }
    }

    /// Somebody ended it.
    pub fn cancel(&mut self) {
        self.stage = Stage::Canceled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn begun() -> Attempts {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.begin(), Act::Connect);
        attempts
    }

    #[test]
    fn r7_2_unknown_is_never_tried_again() {
        let mut attempts = begun();
        assert_eq!(attempts.failed(Status::Unknown, 0, |n| n), Act::Tell);
        assert_eq!((attempts.stage(), attempts.last_error()), (Stage::Failed, Some(Status::Unknown)));
        assert_eq!((attempts.network_up(), attempts.woken(u64::MAX)), (Act::Rest, Act::Rest));
    }

    #[test]
    fn r7_8_pauses_double_up_to_a_minute_and_chance_has_all_of_them() {
        let mut attempts = begun();
        let mut now = 0;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            assert_eq!(attempts.failed(Status::ConnectionTimedOut, now, |n| n), Act::WakeAt(now + pause * 1000));
            assert_eq!(attempts.woken(now), Act::WakeAt(now + pause * 1000));
            now += pause * 1000;
            assert_eq!(attempts.woken(now), Act::Connect);
        }
        assert_eq!(attempts.failed(Status::ConnectionTimedOut, now, |_| 0), Act::WakeAt(now), "full jitter");
    }

    #[test]
    fn r7_8_a_minute_of_health_makes_failures_forgotten() {
        for (lasted, pause) in [(60_000, 1_000), (59_999, 4_000)] {
            let mut attempts = begun();
            attempts.failed(Status::ConnectionTimedOut, 0, |_| 0);
            attempts.woken(0);
            attempts.failed(Status::ConnectionTimedOut, 0, |_| 0);
            attempts.woken(0);
            attempts.connected(0);
            let act = attempts.failed(Status::ConnectionResetByPeer, lasted, |n| n);
            assert_eq!(act, Act::WakeAt(lasted + pause));
        }
    }

    #[test]
    fn r7_8_the_network_coming_back_ends_every_wait() {
        let mut attempts = begun();
        assert_eq!(attempts.failed(Status::NetworkIsUnreachable, 0, |n| n), Act::WatchNetwork);
        assert_eq!(attempts.woken(u64::MAX), Act::Rest, "time alone does not help");
        assert_eq!(attempts.network_up(), Act::Connect);
        attempts.failed(Status::ConnectionTimedOut, 0, |n| n);
        assert_eq!(attempts.network_up(), Act::Connect);
    }

    #[test]
    fn r7_4_some_errors_change_their_class_as_they_repeat() {
        let mut refused = begun();
        for _ in 0..3 {
            assert!(matches!(refused.failed(Status::ConnectionRefused, 0, |_| 0), Act::WakeAt(0)));
            refused.woken(0);
        }
        assert_eq!(refused.failed(Status::ConnectionRefused, 0, |_| 0), Act::Tell);
        assert_eq!(refused.stage(), Stage::NeedsPerson);
        let mut unknown = begun();
        assert_eq!(unknown.failed(Status::HostNotFound, 0, |_| 0), Act::WatchNetwork);
        unknown.network_up();
        assert_eq!(unknown.failed(Status::HostNotFound, 0, |_| 0), Act::Tell);
    }

    #[test]
    fn r7_8_cancelling_ends_it_at_once() {
        let mut attempts = begun();
        attempts.failed(Status::ConnectionTimedOut, 0, |n| n);
        attempts.cancel();
        assert_eq!((attempts.woken(u64::MAX), attempts.network_up()), (Act::Rest, Act::Rest));
        assert_eq!(attempts.begin(), Act::Connect, "a new wish is a new beginning");
    }

    proptest! {
        #[test]
        fn r7_3_nothing_changes_without_a_cause(steps in proptest::collection::vec((0u8..7, 0usize..31), 0..60)) {
            let mut attempts = Attempts::default();
            let mut now = 0;
            for (step, status) in steps {
                let before = attempts.clone();
                now += 500;
                match step {
                    0 => { attempts.begin(); }
                    1 => attempts.connected(now),
                    2 => { attempts.failed(super::super::TABLE[status].0, now, |n| n); }
                    3 => { attempts.woken(now); }
                    4 => { attempts.network_up(); }
                    5 => attempts.cancel(),
                    _ => {}
                }
                if step == 6 {
                    prop_assert_eq!(&attempts, &before);
                }
                if attempts.last_error() != before.last_error() || attempts.failures() > before.failures() {
                    prop_assert_eq!(step, 2);
                }
                if attempts.stage() == Stage::Connecting && before.stage() != Stage::Connecting {
                    prop_assert!(matches!(step, 0 | 3 | 4));
                    prop_assert!(step == 0 || !matches!(before.stage(), Stage::Failed | Stage::NeedsPerson));
                }
            }
        }
    }
}

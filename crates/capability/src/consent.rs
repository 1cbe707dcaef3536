//! A person's yes to reach one device (R1.12): bound to that device and its addresses, spent once, gone after a minute.

use std::net::SocketAddr;

/// How long a consent may wait before it is spent, in milliseconds.
pub const CONSENT_LASTS_MS: u64 = 60_000;

/// A yes to dial somebody at these addresses and nowhere else.
///
/// It cannot be copied, and [`Gate::dial`](crate::Gate::dial) takes it by value: one yes, one grant.
#[derive(Debug, PartialEq, Eq)]
pub struct Consent {
    pub(crate) subject: String,
    pub(crate) routes: Vec<SocketAddr>,
    made: u64,
}

impl Consent {
    /// A person has just agreed to reach `subject` (a peer id or an advert's id) at `routes`. `now_ms` is the time of
    /// their act, on the same clock as later given to [`Gate::dial`](crate::Gate::dial).
    #[must_use]
    pub fn new(subject: String, routes: Vec<SocketAddr>, now_ms: u64) -> Self {
        Self { subject, routes, made: now_ms }
    }

    /// Consent to reach a known device again where it was last reached, or to take up its session again.
    ///
    /// No person has to act for this: they agreed when they first paired with this very key, the dialler shows a
    /// rendezvous value that only that device understands, and the device must prove the stored key before a word is
    /// said. It must not be used for strangers or for blocked devices. A session that is open may also be taken up again at
    /// an address that an advert carrying this device's own tag named (it may have moved to another network); where
    /// nothing is open, only addresses that were proven earlier are called.
    #[must_use]
    pub fn reconnect(subject: String, routes: Vec<SocketAddr>, now_ms: u64) -> Self {
        Self { subject, routes, made: now_ms }
    }

    /// Whom it is for.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether it can still be spent. A clock that ran backwards does not lengthen its life.
    pub(crate) fn is_fresh(&self, now_ms: u64) -> bool {
        now_ms.abs_diff(self.made) <= CONSENT_LASTS_MS
    }
}

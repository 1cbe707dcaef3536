//! Which services are lent, to whom and until when. Pure: the time is an argument, and nothing here connects anywhere.
//!
//! A leave is for one device, one target and one time. What was lent until a session ends is never kept on disk.

use hither_model::{ErrorCode, Failure, LentName, PeerId, SessionId, row::Lasting};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

/// Services lent at a time.
pub(super) const MAX_LENT: usize = 32;
/// Devices one service is lent to.
pub(super) const MAX_TO: usize = 32;
/// Longest time something is lent for, seconds.
pub(super) const MAX_SECONDS: u64 = 30 * 86_400;

/// Now, by both clocks: monotonic milliseconds and seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Now {
    pub(super) mono: u64,
    pub(super) unix: u64,
}

/// Until when a leave is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Until {
    /// The session ends.
    Closed(SessionId),
    /// This moment, by whichever clock reaches it first: turning one back lengthens nothing.
    Time {
        unix: u64,
        #[serde(skip)]
        mono: Option<u64>,
    },
    /// It is taken back.
    Always,
}

impl Until {
    /// So many seconds from now.
    pub(super) fn after(seconds: u64, now: Now) -> Self {
        let mono = now.mono.saturating_add(seconds.saturating_mul(1_000));
        Self::Time { unix: now.unix.saturating_add(seconds), mono: Some(mono) }
    }

    fn is_over(self, now: Now) -> bool {
        match self {
            Self::Time { unix, mono } => unix <= now.unix || mono.is_some_and(|mono| mono <= now.mono),
            Self::Closed(_) | Self::Always => false,
        }
    }

    /// How it is told: the word, and the moment.
    pub(super) fn told(self) -> (Lasting, Option<u64>) {
        match self {
            Self::Closed(_) => (Lasting::UntilClosed, None),
            Self::Time { unix, .. } => (Lasting::For, Some(unix)),
            Self::Always => (Lasting::Always, None),
        }
    }
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lent {
    /// Where it is: an address of this machine.
    pub(super) target: SocketAddr,
    pub(super) to: BTreeMap<PeerId, Until>,
    /// Somebody has a grant for it, so that it is there without a leave.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    granted: bool,
    /// Connections so far.
    #[serde(skip)]
    pub(super) served: u64,
}

/// A leave that is over.
pub(super) type Over = (LentName, PeerId);

/// Everything that is lent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Table {
    lent: BTreeMap<LentName, Lent>,
}

impl Table {
    /// Lends a service to devices; those it is lent to already get the new time.
    ///
    /// # Errors
    /// The name stands for another target, or there are too many.
    pub(super) fn lend(&mut self, name: &LentName, target: SocketAddr, to: &[(PeerId, Until)]) -> Result<(), Failure> {
        let full = |what: &str| {
            Failure::new(ErrorCode::Busy, what.to_owned()).hint("see `hither exposed`, and stop what is not needed")
        };
        let known = self.lent.get(name);
        if let Some(other) = known.filter(|lent| lent.target != target) {
            let message = format!("{name} is lent already, and is {}", other.target);
            return Err(Failure::new(ErrorCode::Misuse, message)
                .hint(format!("choose another name, or stop it first: `hither expose --stop {name}`")));
        }
        if known.is_none() && self.lent.len() >= MAX_LENT {
            return Err(full("as many services are lent as can be"));
        }
        let mut all: BTreeSet<PeerId> = known.map(|lent| lent.to.keys().copied().collect()).unwrap_or_default();
        all.extend(to.iter().map(|(peer, _)| *peer));
        if all.len() > MAX_TO {
            return Err(full("the service is lent to as many devices as can be"));
        }
        let blank = || Lent { target, to: BTreeMap::new(), granted: false, served: 0 };
        self.lent.entry(name.clone()).or_insert_with(blank).to.extend(to.iter().copied());
        Ok(())
    }

    /// Where the device may be connected to under that name, now.
    pub(super) fn admits(&self, name: &LentName, peer: &PeerId, now: Now) -> Option<SocketAddr> {
        let lent = self.lent.get(name)?;
        lent.to.get(peer).is_some_and(|until| !until.is_over(now)).then_some(lent.target)
    }

    /// Counts a connection.
    pub(super) fn count(&mut self, name: &LentName) {
        if let Some(lent) = self.lent.get_mut(name) {
            lent.served = lent.served.saturating_add(1);
        }
    }

    /// Takes back every leave that fits, and gives them.
    pub(super) fn end(&mut self, over: impl Fn(&LentName, &PeerId, Until) -> bool) -> Vec<Over> {
        let mut ended = Vec::new();
        for (name, lent) in &mut self.lent {
            lent.to.retain(|peer, until| {
                let over = over(name, peer, *until);
                if over {
                    ended.push((name.clone(), *peer));
                }
                !over
            });
        }
        self.lent.retain(|_, lent| lent.granted || !lent.to.is_empty());
        ended
    }

    /// Says whether somebody has a grant for a service. Without one, and without a leave, it is lent no more: then it is
    /// true.
    pub(super) fn hold(&mut self, name: &LentName, granted: bool) -> bool {
        let Some(lent) = self.lent.get_mut(name) else { return false };
        lent.granted = granted;
        let over = !granted && lent.to.is_empty();
        if over {
            self.lent.remove(name);
        }
        over
    }

    /// Takes back what is over by now.
    pub(super) fn expire(&mut self, now: Now) -> Vec<Over> {
        self.end(|_, _, until| until.is_over(now))
    }

    /// Takes back what was lent until that session ends.
    pub(super) fn session_ended(&mut self, session: SessionId) -> Vec<Over> {
        self.end(|_, _, until| until == Until::Closed(session))
    }

    /// When the next leave is over, monotonic milliseconds.
    pub(super) fn deadline(&self) -> Option<u64> {
        let untils = self.lent.values().flat_map(|lent| lent.to.values());
        untils.filter_map(|until| if let Until::Time { mono, .. } = until { *mono } else { None }).min()
    }

    /// What may outlive this run of the agent.
    pub(super) fn kept(&self) -> Self {
        let mut kept = self.clone();
        kept.end(|_, _, until| matches!(until, Until::Closed(_)));
        kept
    }

    /// After a restart: the monotonic clock began anew, and what ended meanwhile is gone.
    pub(super) fn revived(mut self, now: Now) -> Self {
        for until in self.lent.values_mut().flat_map(|lent| lent.to.values_mut()) {
            if let Until::Time { unix, mono } = until {
                // However the clock stood when it was written, it is never longer than anything is lent for.
                let left = unix.saturating_sub(now.unix).min(MAX_SECONDS);
                *mono = Some(now.mono.saturating_add(left.saturating_mul(1_000)));
            }
        }
        self.end(|_, _, until| until.is_over(now) || matches!(until, Until::Closed(_)));
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&LentName, &Lent)> {
        self.lent.iter()
    }

    pub(super) fn find(&self, name: &LentName) -> Option<&Lent> {
        self.lent.get(name)
    }
}

#[cfg(test)]
mod tests;

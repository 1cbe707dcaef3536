//! Grants: what devices may do here without a question, and how much of it is used. Pure: the time is an argument, and nothing
//! here opens or writes anything.
//!
//! What is under way is reserved and counts as used until it is settled. Time only runs forward for a grant: a clock that is
//! turned back lengthens nothing, and what is over stays over.

use hither_model::{
    ErrorCode, Failure, GrantId, LentName, PeerId, TransferId,
    row::{Allows, GrantOver},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Grants that are remembered, those that are over among them.
const MAX_GRANTS: usize = 1_000;
/// Grants of one device that are not over.
const MAX_EACH: usize = 32;
/// How long one that is over stays listed, seconds.
const LISTED: u64 = 7 * 86_400;
/// What a file or folder counts for at least, bytes: so much it takes on a disk, however empty it is.
const ITEM: u64 = 4_096;

/// Now, by both clocks: monotonic milliseconds and seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    pub(crate) mono: u64,
    pub(crate) unix: u64,
}

/// A network that a grant is good in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The connection's lasting id.
    pub(crate) uuid: String,
    /// The name people know it by.
    pub(crate) name: String,
}

/// One grant: what a person allowed one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allowance {
    pub(crate) peer: PeerId,
    pub(crate) allows: Allows,
    /// When it was given, and until when it is good, seconds since 1970.
    pub(crate) at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
    /// Bytes that are kept, or connections that were made.
    used: u64,
    /// Transfers under way, and what each counts for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    reserved: BTreeMap<TransferId, u64>,
    /// The latest time it was looked at, seconds since 1970.
    seen: u64,
    /// Why it is over, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) over: Option<(GrantOver, u64)>,
    /// Connections that are being made; they are in `used`.
    #[serde(skip)]
    pending: u64,
    /// When it expires by the monotonic clock of this run.
    #[serde(skip)]
    ends: Option<u64>,
}

impl Allowance {
    /// A new one.
    pub(crate) fn new(peer: PeerId, allows: Allows, until: Option<u64>, place: Option<Place>, now: Now) -> Self {
        let mut new = Self {
            peer,
            allows,
            at: now.unix,
            until,
            place,
            used: 0,
            reserved: BTreeMap::new(),
            seen: now.unix,
            over: None,
            pending: 0,
            ends: None,
        };
        new.count_down(now);
        new
    }

    /// The monotonic clock of this run counts from here.
    fn count_down(&mut self, now: Now) {
        self.seen = self.seen.max(now.unix);
        let left = self.until.map(|until| until.saturating_sub(self.seen).saturating_mul(1_000));
        self.ends = left.map(|left| now.mono.saturating_add(left));
    }

    fn is_late(&self, now: Now) -> bool {
        let by_wall = self.until.is_some_and(|until| until <= now.unix.max(self.seen));
        by_wall || self.ends.is_some_and(|ends| ends <= now.mono)
    }

    /// How much it is for; absent: without limit.
    pub(crate) fn limit(&self) -> Option<u64> {
        match self.allows {
            Allows::Files { bytes, .. } => bytes,
            Allows::Service { times, .. } => times.map(u64::from),
        }
    }

    /// How much of it is used, with what is under way.
    pub(crate) fn used(&self) -> u64 {
        self.reserved.values().fold(self.used, |sum, reserved| sum.saturating_add(*reserved))
    }

    fn left(&self) -> u64 {
        self.limit().map_or(u64::MAX, |limit| limit.saturating_sub(self.used()))
    }

    /// Whether it can be used now, wherever this machine is.
    pub(crate) fn is_good(&self, now: Now) -> bool {
        self.over.is_none() && !self.is_late(now) && self.left() > 0
    }

    fn is_for(&self, service: &LentName) -> bool {
        matches!(&self.allows, Allows::Service { name, .. } if name == service)
    }

    /// All of it was used, and nothing of that comes back.
    fn close_if_used(&mut self, unix: u64) {
        let spent = self.limit().is_some_and(|limit| self.used >= limit);
        if spent && self.reserved.is_empty() && self.pending == 0 && self.over.is_none() {
            self.over = Some((GrantOver::Used, unix));
        }
    }
}

/// What an offer counts for.
pub(crate) fn weight(bytes: u64, items: u64) -> u64 {
    bytes.max(items.saturating_mul(ITEM))
}

/// All grants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    grants: BTreeMap<GrantId, Allowance>,
}

impl Ledger {
    /// Adds one.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn give(&mut self, id: GrantId, given: Allowance) -> Result<(), Failure> {
        let full = |why: &str| {
            Failure::new(ErrorCode::Busy, why.to_owned()).hint("see `hither grant`, and revoke what is not needed")
        };
        let same = self.grants.values().filter(|one| one.peer == given.peer && one.over.is_none());
        if same.count() >= MAX_EACH {
            return Err(full("that device has as many grants as it can"));
        }
        if self.grants.len() >= MAX_GRANTS {
            // Those that are over make room, the oldest first.
            let over = |(id, one): (&GrantId, &Allowance)| Some((one.over?.1, *id)).filter(|_| one.reserved.is_empty());
            let oldest = self.grants.iter().filter_map(over).min();
            let (_, oldest) = oldest.ok_or_else(|| full("as many grants are given as can be"))?;
            self.grants.remove(&oldest);
        }
        self.grants.insert(id, given);
        Ok(())
    }

    /// Time passed: those that expired with it, and whether some are listed no more.
    pub(crate) fn pass(&mut self, now: Now) -> (Vec<GrantId>, bool) {
        let mut expired = Vec::new();
        for (id, one) in self.grants.iter_mut().filter(|(_, one)| one.over.is_none()) {
            let late = one.is_late(now);
            one.seen = one.seen.max(now.unix);
            if late {
                one.over = Some((GrantOver::Expired, now.unix));
                expired.push(*id);
            }
        }
        let before = self.grants.len();
        let old = |since: u64| since.saturating_add(LISTED) <= now.unix;
        self.grants.retain(|_, one| !(one.over.is_some_and(|(_, at)| old(at)) && one.reserved.is_empty()));
        (expired, self.grants.len() < before)
    }

    /// The grant by which a device may send so much now: the one that ends first, then the one with the least left.
    pub(crate) fn takes(&self, peer: &PeerId, weight: u64, now: Now, here: impl Fn(&Place) -> bool) -> Option<GrantId> {
        let files = |one: &Allowance| matches!(one.allows, Allows::Files { .. });
        let fits = |one: &Allowance| one.peer == *peer && files(one) && one.is_good(now) && one.left() >= weight;
        self.first(|one| fits(one) && one.place.as_ref().is_none_or(&here))
    }

    /// The grant by which a device may connect to a service now.
    pub(crate) fn opens(
        &self,
        peer: &PeerId,
        service: &LentName,
        now: Now,
        here: impl Fn(&Place) -> bool,
    ) -> Option<GrantId> {
        let fits = |one: &Allowance| one.peer == *peer && one.is_for(service) && one.is_good(now);
        self.first(|one| fits(one) && one.place.as_ref().is_none_or(&here))
    }

    fn first(&self, fits: impl Fn(&Allowance) -> bool) -> Option<GrantId> {
        let fitting = self.grants.iter().filter(|(_, one)| fits(one));
        fitting.min_by_key(|(id, one)| (one.until.unwrap_or(u64::MAX), one.left(), **id)).map(|(id, _)| *id)
    }

    /// Whether a device has used up what it had for a service.
    pub(crate) fn is_used_up(&self, peer: &PeerId, service: &LentName) -> bool {
        let spent = |one: &Allowance| one.left() == 0 && !matches!(one.over, Some((GrantOver::Revoked, _)));
        self.grants.values().any(|one| one.peer == *peer && one.is_for(service) && spent(one))
    }

    /// Keeps so much of a grant for a transfer.
    pub(crate) fn reserve(&mut self, id: &GrantId, transfer: TransferId, weight: u64) {
        if let Some(one) = self.grants.get_mut(id) {
            one.reserved.insert(transfer, weight);
        }
    }

    /// A transfer is over: so much of it stays; the rest is given back.
    pub(crate) fn settle(&mut self, transfer: TransferId, kept: u64, unix: u64) -> Option<GrantId> {
        let id = self.of_transfer(&transfer)?;
        let one = self.grants.get_mut(&id)?;
        let reserved = one.reserved.remove(&transfer).unwrap_or_default();
        one.used = one.used.saturating_add(kept.min(reserved));
        one.close_if_used(unix);
        Some(id)
    }

    /// The grant that a transfer came by, until it is settled.
    pub(crate) fn of_transfer(&self, transfer: &TransferId) -> Option<GrantId> {
        self.grants.iter().find(|(_, one)| one.reserved.contains_key(transfer)).map(|(id, _)| *id)
    }

    /// Transfers that are not settled yet: of one grant, or of all.
    pub(crate) fn under_way(&self, of: Option<&GrantId>) -> Vec<TransferId> {
        let wanted = self.grants.iter().filter(|(id, _)| of.is_none_or(|of| of == *id));
        wanted.flat_map(|(_, one)| one.reserved.keys().copied()).collect()
    }

    /// A connection is being made.
    pub(crate) fn connecting(&mut self, id: &GrantId) {
        if let Some(one) = self.grants.get_mut(id) {
            one.used = one.used.saturating_add(1);
            one.pending += 1;
        }
    }

    /// It stands (`true`), or came to nothing before a byte went through.
    pub(crate) fn connected(&mut self, id: &GrantId, stands: bool, unix: u64) {
        let Some(one) = self.grants.get_mut(id).filter(|one| one.pending > 0) else { return };
        one.pending -= 1;
        if !stands {
            one.used = one.used.saturating_sub(1);
        }
        one.close_if_used(unix);
    }

    /// Takes one back.
    ///
    /// # Errors
    /// It is over already, or not there.
    pub(crate) fn revoke(&mut self, id: &GrantId, unix: u64) -> Result<(), Failure> {
        let one = self.grants.get_mut(id).ok_or_else(|| unknown(&id.short()))?;
        if one.over.is_some_and(|(why, _)| why != GrantOver::Used) {
            return Err(Failure::new(ErrorCode::Stale, "that grant is over already"));
        }
        one.over = Some((GrantOver::Revoked, unix));
        Ok(())
    }

    /// Those of a device that are not taken back or expired, for one service if one is named.
    pub(crate) fn standing(&self, peer: Option<&PeerId>, service: Option<&LentName>) -> Vec<GrantId> {
        let wanted = |one: &Allowance| {
            peer.is_none_or(|peer| one.peer == *peer)
                && service.is_none_or(|service| one.is_for(service))
                && one.over.is_none_or(|(why, _)| why == GrantOver::Used)
        };
        self.grants.iter().filter(|(_, one)| wanted(one)).map(|(id, _)| *id).collect()
    }

    /// Who has a grant for a service that is not over, and until when it is good.
    pub(crate) fn holders(&self, service: &LentName) -> BTreeMap<PeerId, Option<u64>> {
        let live = self.grants.values().filter(|one| one.is_for(service) && one.over.is_none());
        let mut holders: BTreeMap<PeerId, Option<u64>> = BTreeMap::new();
        for one in live {
            let until = holders.entry(one.peer).or_insert(one.until);
            *until = until.zip(one.until).map(|(a, b)| a.max(b));
        }
        holders
    }

    /// The device has another key now.
    pub(crate) fn succeed(&mut self, old: &PeerId, new: PeerId) -> bool {
        let mut moved = false;
        for one in self.grants.values_mut().filter(|one| one.peer == *old) {
            (one.peer, moved) = (new, true);
        }
        moved
    }

    /// Nothing is remembered of a device.
    pub(crate) fn forget(&mut self, peer: &PeerId) {
        self.grants.retain(|_, one| one.peer != *peer);
    }

    /// The one with this id, or beginning of an id.
    ///
    /// # Errors
    /// There is none, or several could be meant.
    pub(crate) fn named(&self, wanted: &str) -> Result<GrantId, Failure> {
        let lower = wanted.trim().to_lowercase();
        let fits = |id: &&GrantId| !lower.is_empty() && id.to_string().starts_with(&lower);
        let found: Vec<GrantId> = self.grants.keys().filter(fits).copied().collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(unknown(wanted)),
            _ => Err(Failure::new(ErrorCode::UnknownId, format!("{wanted:?} could be several grants"))
                .hint("give more of its id")),
        }
    }

    pub(crate) fn find(&self, id: &GrantId) -> Option<&Allowance> {
        self.grants.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&GrantId, &Allowance)> {
        self.grants.iter()
    }

    /// When the next one expires, monotonic milliseconds.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.grants.values().filter(|one| one.over.is_none()).filter_map(|one| one.ends).min()
    }

    /// After a restart: the monotonic clock began anew, and no connection is being made.
    pub(crate) fn revived(mut self, now: Now) -> Self {
        for one in self.grants.values_mut() {
            one.count_down(now);
            one.close_if_used(now.unix);
        }
        self
    }
}

fn unknown(wanted: &str) -> Failure {
    Failure::new(ErrorCode::UnknownId, format!("there is no grant {wanted:?}")).hint("run `hither grant` to see them")
}

#[cfg(test)]
mod tests;

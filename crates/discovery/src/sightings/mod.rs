//! Who is heard at the moment: one row per advert, however many interfaces and address families carry it. Pure; times
//! are milliseconds since 1970.
//!
//! The list is capped, and who fills it pays first: a row gives way at the address that claims most of them, and a row
//! that the caller marked as known never does (D1). Changes of one row are told at most once a second, merged. The
//! reader takes changes one by one with [`Sightings::next`]; a slow reader gets fewer, never wrong ones.
//!
//! What is *not* here: whether a row is who it claims to be, and when it fades because a dial failed.

use crate::{
    interfaces::Interface,
    onlink::{Claim, routes},
    txt::Txt,
};
use hither_model::InstanceId;
use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, SocketAddr},
};

/// Most rows.
pub const MAX_ROWS: usize = 256;
/// Most rows that can be marked as known; the rest stays free for newcomers, so that copied tags cannot fill the list.
pub const MAX_KEPT: usize = 192;
/// Shortest time between two changes of one row, milliseconds.
pub const CHANGE_EVERY: u64 = 1_000;

/// Claimed addresses remembered of one advert; more are not looked at.
const MAX_CLAIMS: usize = 32;
/// Own instance labels remembered, so that late echoes of earlier adverts are not taken for somebody else's.
const MAX_OWN: usize = 16;

/// A device that is heard, as it describes itself. A claim by whoever shouts on the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Its advert.
    pub instance: InstanceId,
    /// What the advert says.
    pub txt: Txt,
    /// Where it can be tried, best first: at least one, at most eight; link-local IPv6 ones with their scope.
    pub routes: Vec<SocketAddr>,
    /// When this advert was first heard, milliseconds since 1970.
    pub first_heard: u64,
    /// When something of it was last heard.
    pub last_heard: u64,
}

/// An advert as it was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advert {
    /// Which.
    pub instance: InstanceId,
    /// The port it names.
    pub port: u16,
    /// The addresses it names.
    pub claims: Vec<Claim>,
    /// What it says.
    pub txt: Txt,
}

/// What changed on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A row is new or different.
    Seen(Sighting),
    /// A row is gone.
    Gone(InstanceId),
}

#[derive(Debug)]
struct Row {
    port: u16,
    claims: Vec<Claim>,
    /// Claims of earlier rounds, believed for a while longer: a responder that has just spoken says nothing again, so a
    /// new round may not bring all addresses of a device.
    earlier: Vec<Claim>,
    sighting: Sighting,
    kept: bool,
    /// The round in which it was last heard.
    round: u32,
    /// When it was last told, and what.
    told: Option<u64>,
    shown: Option<Sighting>,
    /// Since when it waits to be told.
    waiting: Option<u64>,
}

impl Row {
    fn address(&self) -> Option<IpAddr> {
        self.sighting.routes.first().map(SocketAddr::ip)
    }

    /// Works its routes out anew; false if none is left.
    fn reroute(&mut self, now: u64, interfaces: &[Interface], loopback: bool) -> bool {
        let claims = [self.claims.as_slice(), &self.earlier].concat();
        self.sighting.routes = routes(&claims, self.port, interfaces, loopback);
        self.compare(now);
        !self.sighting.routes.is_empty()
    }

    /// Notes that it may have changed.
    fn compare(&mut self, now: u64) {
        let now_as_shown =
            self.shown.as_ref().is_some_and(|s| s.txt == self.sighting.txt && s.routes == self.sighting.routes);
        self.waiting = if now_as_shown { None } else { self.waiting.or(Some(now)) };
    }

    /// When it may be told; `None` if there is nothing to tell.
    fn due(&self, now: u64) -> Option<u64> {
        self.waiting?;
        // Told in the future means that the clock was set back: then at once.
        Some(self.told.filter(|told| *told <= now).map_or(0, |told| told + CHANGE_EVERY))
    }
}

/// The list.
#[derive(Debug, Default)]
pub struct Sightings {
    loopback: bool,
    interfaces: Vec<Interface>,
    rows: BTreeMap<InstanceId, Row>,
    /// Rows that were told and are gone, with the time they were last told.
    gone: BTreeMap<InstanceId, u64>,
    own: VecDeque<InstanceId>,
    round: u32,
    pushed_out: bool,
}

impl Sightings {
    /// An empty list. `loopback` is the switch for several agents on one machine.
    pub fn new(loopback: bool) -> Self {
        Self { loopback, ..Self::default() }
    }

    /// An advert of ours: never on the list.
    pub fn own(&mut self, instance: InstanceId) {
        self.own.retain(|own| *own != instance);
        self.own.push_back(instance);
        if self.own.len() > MAX_OWN {
            self.own.pop_front();
        }
        self.remove(instance);
    }

    /// Whether it is an advert of ours.
    pub fn is_own(&self, instance: InstanceId) -> bool {
        self.own.contains(&instance)
    }

    /// An advert was heard, in whole: its addresses replace those heard before.
    pub fn heard(&mut self, now: u64, advert: Advert) {
        let Advert { instance, port, mut claims, txt } = advert;
        if self.is_own(instance) {
            return;
        }
        claims.truncate(MAX_CLAIMS);
        if !self.knows(instance) {
            let usable = routes(&claims, port, &self.interfaces, self.loopback);
            if !usable.first().is_some_and(|best| self.make_room(best.ip())) {
                return;
            }
        }
        let round = self.round;
        let gone = &mut self.gone;
        let row = self.rows.entry(instance).or_insert_with(|| Row {
            port,
            claims: vec![],
            earlier: vec![],
            sighting: Sighting { instance, txt: txt.clone(), routes: vec![], first_heard: now, last_heard: now },
            kept: false,
            round,
            told: gone.remove(&instance),
            shown: None,
            waiting: None,
        });
        (row.port, row.claims, row.round) = (port, claims, round);
        (row.sighting.txt, row.sighting.last_heard) = (txt, now);
        if !row.reroute(now, &self.interfaces, self.loopback) {
            self.remove(instance);
        }
    }

    /// An advert said goodbye or lapsed.
    pub fn remove(&mut self, instance: InstanceId) {
        if let Some(told) = self.rows.remove(&instance).and_then(|row| row.told) {
            self.gone.insert(instance, told);
        }
    }

    /// All of them.
    pub fn clear(&mut self) {
        let all: Vec<InstanceId> = self.rows.keys().copied().collect();
        all.into_iter().for_each(|instance| self.remove(instance));
    }

    /// Whether there is such a row.
    pub fn knows(&self, instance: InstanceId) -> bool {
        self.rows.contains_key(&instance)
    }

    /// Marks a row as a known device's, which no flood pushes out; or takes the mark away. False if there is no such
    /// row, or too many are marked.
    pub fn keep(&mut self, instance: InstanceId, keep: bool) -> bool {
        let room = !keep || self.rows.values().filter(|row| row.kept).count() < MAX_KEPT;
        let Some(row) = self.rows.get_mut(&instance).filter(|row| room || row.kept) else { return false };
        row.kept = keep;
        true
    }

    /// Our interfaces are others now: rows that cannot be reached any more go.
    pub fn relink(&mut self, now: u64, interfaces: Vec<Interface>) {
        self.interfaces = interfaces;
        self.reroute_all(now);
    }

    /// The link is asked from scratch: rows not heard again until [`sweep`](Self::sweep) will go.
    pub fn begin_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        for row in self.rows.values_mut() {
            let mut claims = std::mem::take(&mut row.claims);
            claims.append(&mut row.earlier);
            claims.truncate(MAX_CLAIMS);
            row.earlier = claims;
        }
    }

    /// Ends the round.
    pub fn sweep(&mut self) {
        let round = self.round;
        let silent: Vec<InstanceId> = self.rows.iter().filter(|(_, r)| r.round != round).map(|(i, _)| *i).collect();
        silent.into_iter().for_each(|instance| self.remove(instance));
    }

    /// Addresses heard in earlier rounds only have lapsed by now.
    pub fn forget_earlier(&mut self, now: u64) {
        self.rows.values_mut().for_each(|row| row.earlier.clear());
        self.reroute_all(now);
    }

    fn reroute_all(&mut self, now: u64) {
        let mut lost = vec![];
        for (instance, row) in &mut self.rows {
            if !row.reroute(now, &self.interfaces, self.loopback) {
                lost.push(*instance);
            }
        }
        lost.into_iter().for_each(|instance| self.remove(instance));
    }

    /// Takes the next change to tell, those that waited longest first.
    #[allow(clippy::should_implement_trait, reason = "what is due depends on the time")]
    pub fn next(&mut self, now: u64) -> Option<Change> {
        if let Some((instance, _)) = self.gone.pop_first() {
            return Some(Change::Gone(instance));
        }
        let due = self.rows.values_mut().filter(|row| row.due(now).is_some_and(|due| due <= now));
        let row = due.min_by_key(|row| row.waiting)?;
        (row.waiting, row.told, row.shown) = (None, Some(now), Some(row.sighting.clone()));
        row.shown.clone().map(Change::Seen)
    }

    /// When the next change can be told: `Some(0)` is at once, `None` is not before something is heard.
    pub fn due(&self, now: u64) -> Option<u64> {
        if self.gone.is_empty() { self.rows.values().filter_map(|row| row.due(now)).min() } else { Some(0) }
    }

    /// Whether a row had to give way to a newcomer since this was last asked. It will not be heard again by itself.
    pub fn take_pushed_out(&mut self) -> bool {
        std::mem::take(&mut self.pushed_out)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nobody is heard.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Makes room for a newcomer at `address`, or says that there is none.
    fn make_room(&mut self, address: IpAddr) -> bool {
        if self.rows.len() < MAX_ROWS {
            return true;
        }
        let mut crowd: BTreeMap<Option<IpAddr>, usize> = BTreeMap::new();
        for row in self.rows.values().filter(|row| !row.kept) {
            *crowd.entry(row.address()).or_default() += 1;
        }
        let largest = crowd.values().copied().max().unwrap_or(0);
        let newcomer = crowd.get(&Some(address)).copied().unwrap_or(0) + 1;
        if largest == 0 || (largest > 1 && newcomer > largest) {
            return false;
        }
        let crowded = |row: &Row| !row.kept && crowd.get(&row.address()) == Some(&largest);
        let rows = self.rows.iter().filter(|(_, row)| crowded(row));
        // Where one address claims many rows, its newest goes. Where none does, the one not heard for longest goes:
        // every newcomer must reach the caller, who may know it.
        let victim = if largest > 1 {
            rows.max_by_key(|(_, row)| row.sighting.first_heard).map(|(instance, _)| *instance)
        } else {
            rows.min_by_key(|(_, row)| row.sighting.last_heard).map(|(instance, _)| *instance)
        };
        self.pushed_out |= victim.is_some();
        victim.map(|instance| self.remove(instance)).is_some()
    }
}

#[cfg(test)]
mod tests;

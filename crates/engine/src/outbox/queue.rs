//! What waits, and what of it goes now: pure, wall-clock seconds are an argument (what waits outlives the agent, and so do
//! its times). [`Queue::decide`] looks at everything and says what is to be done; the room does it. What is *not* here:
//! sessions, transfers, disks, and how a device is invited.

mod words;

pub(crate) use words::*;

use hither_model::{Failure, OutboxId, OutboxState, PeerId, TransferId, WaitsFor};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Entries at most, those that are over among them.
pub(crate) const MAX_ENTRIES: usize = 10_000;
/// Groups at most (R6.15).
pub(crate) const MAX_GROUPS: usize = 50;
/// Seconds after which an invite that is under way is looked at again.
const LOOK: u64 = 60;
/// What may be offered to one device at a time, so that its person is not asked about a thousand things at once.
const AT_ONE: usize = 16;
/// Automatic tries after the first (R6.17).
const TRIES: u32 = 3;
/// Seconds before the first of them; each of the others waits three times as long.
const BACK_OFF: u64 = 20;

/// All of it, as it is written down.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) entries: BTreeMap<OutboxId, Entry>,
    /// What was put there together, by the name under which its list is kept.
    pub(crate) batches: BTreeMap<TransferId, Batch>,
    pub(crate) groups: BTreeMap<String, Group>,
    /// Numbers the entries by age.
    posted: u64,
}

impl Queue {
    /// Puts the same thing there for each of these devices. Says under which ids, in the order of the devices.
    pub(crate) fn post(&mut self, batch: TransferId, post: &Post, title: &str, ids: &[OutboxId], now: u64) {
        if let Some(group) = &post.group {
            self.groups.entry(group.clone()).or_default();
        }
        let whole = Batch { title: title.to_owned(), paths: post.paths.clone(), told: false };
        self.batches.insert(batch, whole);
        for ((peer, name), id) in post.to.iter().zip(ids) {
            self.posted += 1;
            let entry = Entry {
                peer: *peer,
                name: name.clone(),
                batch,
                number: self.posted,
                at: now,
                expires: now.saturating_add(post.seconds),
                priority: post.priority,
                cost: post.cost,
                group: post.group.clone(),
                state: OutboxState::Waiting,
                why: None,
                transfer: None,
                held: false,
                declined: false,
                costly: false,
                anew: false,
                tries: 0,
                next: None,
            };
            self.entries.insert(*id, entry);
        }
    }

    /// Makes room for so many more by letting go of what is over, the oldest first. `None` if that is not enough.
    pub(crate) fn room_for(&self, more: usize) -> Option<Vec<OutboxId>> {
        let excess = (self.entries.len() + more).saturating_sub(MAX_ENTRIES);
        let mut over: Vec<_> =
            self.entries.iter().filter(|(_, e)| e.is_over()).map(|(id, e)| (e.number, *id)).collect();
        over.sort_unstable();
        (over.len() >= excess).then(|| over.into_iter().take(excess).map(|(_, id)| id).collect())
    }

    /// Whether this is there for that device already, and not over (R6.16).
    pub(crate) fn holds(&self, peer: &PeerId, paths: &[PathBuf]) -> bool {
        let same = |batch: &TransferId| self.batches.get(batch).is_some_and(|b| b.paths == paths);
        self.entries.values().any(|e| e.peer == *peer && !e.is_over() && same(&e.batch))
    }

    /// Makes a group, or has it otherwise; false if there are too many.
    pub(crate) fn group(&mut self, name: &str, serial: bool) -> bool {
        if !self.groups.contains_key(name) && self.groups.len() >= MAX_GROUPS {
            return false;
        }
        self.groups.insert(name.to_owned(), Group { serial });
        true
    }

    /// Takes entries out, and what was put there with nobody left to go to.
    pub(crate) fn take_out(&mut self, ids: &[OutboxId]) -> Gone {
        let entries = ids.iter().filter_map(|id| Some((*id, self.entries.remove(id)?))).collect();
        let needed: BTreeSet<TransferId> = self.entries.values().map(|e| e.batch).collect();
        let batches = self.batches.keys().filter(|batch| !needed.contains(batch)).copied().collect();
        self.batches.retain(|batch, _| needed.contains(batch));
        Gone { entries, batches }
    }

    /// It could not be sent: whether it is tried again by itself (R6.17), or has failed.
    pub(crate) fn stumbled(&mut self, id: &OutboxId, failure: &Failure, now: u64) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.why = Some(failure.message.clone());
        entry.costly = false;
        if passes(failure.code) && entry.tries < TRIES {
            entry.transfer = None;
            entry.next = Some(now.saturating_add(BACK_OFF.saturating_mul(3_u64.saturating_pow(entry.tries))));
            entry.tries += 1;
            entry.state = OutboxState::Waiting;
        } else {
            entry.state = OutboxState::Failed;
        }
    }

    /// What of a batch is over, once, when all of it is (R6.18): how many were sent, of how many.
    pub(crate) fn finished(&mut self, batch: &TransferId) -> Option<Finished> {
        let of = self.entries.values().filter(|e| e.batch == *batch);
        let (mut all, mut sent) = (0, 0);
        for entry in of {
            if !entry.is_over() {
                return None;
            }
            all += 1;
            sent += usize::from(entry.state == OutboxState::Sent);
        }
        let batch = self.batches.get_mut(batch).filter(|b| !b.told)?;
        batch.told = true;
        Some(Finished { title: batch.title.clone(), all, sent })
    }

    /// How many of a group wait, and how many are being sent.
    pub(crate) fn count(&self, group: &str) -> (u64, u64) {
        let of = self.entries.values().filter(|e| e.group.as_deref() == Some(group));
        of.fold((0, 0), |(waiting, sending), entry| match entry.state {
            OutboxState::Waiting => (waiting + 1, sending),
            OutboxState::Sending => (waiting, sending + 1),
            OutboxState::Sent | OutboxState::Failed | OutboxState::Expired => (waiting, sending),
        })
    }

    /// What is to be done now, in this order: what stands for others' benefit is decided first, then what may go, those that
    /// matter most and wait longest before others.
    pub(crate) fn decide(&self, view: &View) -> Decision {
        let mut turn = Turn::of(self, view);
        let mut waiting: Vec<(Reverse<hither_model::Priority>, u64, OutboxId)> = Vec::new();
        for (id, entry) in &self.entries {
            match entry.state {
                OutboxState::Waiting => waiting.push((Reverse(entry.priority), entry.number, *id)),
                OutboxState::Sending => turn.goes_on(*id, entry),
                OutboxState::Sent | OutboxState::Failed | OutboxState::Expired => {}
            }
        }
        waiting.sort_unstable();
        for (_, _, id) in waiting {
            let Some(entry) = self.entries.get(&id) else { continue };
            if entry.expires <= view.now {
                turn.decision.acts.push(Act::Expire(id));
                continue;
            }
            turn.look_again(entry.expires);
            match turn.waits(entry) {
                Some(what) => turn.decision.waits.push((id, what)),
                None => turn.starts(id, entry),
            }
        }
        turn.decision
    }
}

/// One look at everything.
struct Turn<'a> {
    view: &'a View,
    groups: &'a BTreeMap<String, Group>,
    decision: Decision,
    unfinished: usize,
    with: BTreeMap<PeerId, usize>,
    busy: BTreeSet<&'a str>,
    inviting: BTreeSet<PeerId>,
}

impl<'a> Turn<'a> {
    fn of(queue: &'a Queue, view: &'a View) -> Self {
        Self {
            view,
            groups: &queue.groups,
            decision: Decision::default(),
            unfinished: view.unfinished,
            with: BTreeMap::new(),
            busy: BTreeSet::new(),
            inviting: BTreeSet::new(),
        }
    }

    /// One that is a transfer already: it may have to stand still, and it may need a session again.
    fn goes_on(&mut self, id: OutboxId, entry: &'a Entry) {
        *self.with.entry(entry.peer).or_default() += 1;
        self.busy.extend(entry.group.as_deref().filter(|group| self.is_serial(group)));
        let Some(peer) = self.view.peers.get(&entry.peer) else { return };
        match peer.session {
            Session::Up if !allows(entry.cost, peer.cost) && !entry.costly => self.decision.acts.push(Act::Pause(id)),
            Session::Up if allows(entry.cost, peer.cost) && entry.costly && !entry.held => {
                self.decision.acts.push(Act::Resume(id));
            }
            Session::Up | Session::Down => {}
            Session::None if entry.held || entry.declined => {}
            Session::None => drop(self.call(entry, peer)),
        }
    }

    fn is_serial(&self, group: &str) -> bool {
        self.groups.get(group).is_some_and(|group| group.serial)
    }

    fn look_again(&mut self, at: u64) {
        let again = &mut self.decision.again;
        *again = Some(again.map_or(at, |before| before.min(at)));
    }

    /// What an entry waits for; `None` if it goes now.
    fn waits(&mut self, entry: &'a Entry) -> Option<WaitsFor> {
        if entry.held || entry.declined {
            return Some(WaitsFor::Word);
        }
        let here = self.view.peers.get(&entry.peer).filter(|peer| peer.session == Session::Up);
        if here.is_none() && !self.view.network {
            return Some(WaitsFor::Network);
        }
        // A clock that was set back is no reason to wait longer than ever.
        let longest = self.view.now + BACK_OFF * 9;
        if let Some(next) = entry.next.filter(|next| *next > self.view.now && *next <= longest) {
            self.look_again(next);
            return Some(WaitsFor::Retry);
        }
        let Some(peer) = self.view.peers.get(&entry.peer) else { return Some(WaitsFor::Device) };
        match peer.session {
            Session::Down => Some(WaitsFor::Device),
            Session::None => Some(self.call(entry, peer)),
            Session::Up if !allows(entry.cost, peer.cost) => Some(WaitsFor::Unmetered),
            Session::Up => {
                let full = self.view.rests
                    || self.unfinished >= MAX_UNFINISHED
                    || self.with.get(&entry.peer).is_some_and(|count| *count >= AT_ONE)
                    || entry.group.as_deref().is_some_and(|group| self.busy.contains(group));
                full.then_some(WaitsFor::Turn)
            }
        }
    }

    /// The device has no session with us: it is invited, once for all that waits for it, when there is a way to it.
    fn call(&mut self, entry: &Entry, peer: &Peer) -> WaitsFor {
        if !self.view.may_dial {
            return WaitsFor::Word;
        }
        if peer.calling || self.inviting.contains(&entry.peer) {
            // Not every end of an invite is heard of here.
            self.look_again(self.view.now + LOOK);
            return if peer.asked { WaitsFor::Person } else { WaitsFor::Device };
        }
        if self.view.rests || !peer.known || !peer.reachable || !self.view.network {
            return WaitsFor::Device;
        }
        if !allows(entry.cost, peer.cost) {
            return WaitsFor::Unmetered;
        }
        if peer.again > self.view.now {
            self.look_again(peer.again);
            return WaitsFor::Device;
        }
        self.inviting.insert(entry.peer);
        self.decision.acts.push(Act::Invite(entry.peer));
        WaitsFor::Device
    }

    fn starts(&mut self, id: OutboxId, entry: &'a Entry) {
        self.unfinished += 1;
        *self.with.entry(entry.peer).or_default() += 1;
        self.busy.extend(entry.group.as_deref().filter(|group| self.is_serial(group)));
        self.decision.acts.push(Act::Start(id));
    }
}

#[cfg(test)]
mod tests;

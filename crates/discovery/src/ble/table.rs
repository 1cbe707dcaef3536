//! Who is heard by radio: one row per address and id. Pure; times are milliseconds since 1970.
//!
//! Nobody says goodbye over the air, so rows are aged by the clock: after three rest windows, or 15 seconds while
//! somebody looks. The list is capped; the row unheard for longest gives way, and one that the caller marked as known
//! never does (B3). Changes are told one by one with [`Table::next`], those of one row at most once a second, mere changes
//! of strength every two; newcomers at most 32 a second. A slow reader gets fewer changes, never wrong ones.
//!
//! An advert can be copied, address and all: rows are per address *and* id so that a copy with another id hides nobody,
//! and what is told is at most a hint (B6). What is *not* here: who it is.

use super::{
    BeaconId, Card, RadioAddress,
    beacon::Beacon,
    card::USUAL_POWER,
    nearness::{Estimate, Strength},
};
use hither_model::Nearness;
use std::collections::{BTreeMap, BTreeSet};

/// Most rows.
pub const MAX_ROWS: usize = 256;
/// Most rows that can be marked as known; the rest stays free for newcomers.
pub const MAX_KEPT: usize = 192;
/// After such a silence a row is gone, milliseconds: a bit more than three rest windows.
pub const GONE_AFTER: u64 = 95_000;
/// The same while somebody looks.
pub const GONE_AFTER_LOOKING: u64 = 15_000;
/// Shortest time between two changes of one row, milliseconds.
pub const CHANGE_EVERY: u64 = 1_000;
/// The same if only the strength changed.
pub const STRENGTH_EVERY: u64 = 2_000;
/// A change of strength by so many decibels is worth telling.
const WORTH_TELLING: u16 = 4;
/// Most newcomers told in one second.
const NEWCOMERS: u32 = 32;
/// Most rows of one address that are marked as known together.
const KEPT_TOGETHER: usize = 4;
/// Cards are read unasked at most so often in a minute.
const TRIES_A_MINUTE: usize = 32;
/// How long a row waits after each try before its card is tried again, milliseconds; the last for ever after. Two devices
/// that read each other at the same moment may both fail.
const AGAIN_AFTER: [u64; 3] = [2_000, 8_000, 60_000];
/// After a try in vain the radio listens for so many times as long as that took: a neighbour that shows what it does not
/// hold must not keep it busy.
const LISTEN_AFTER: u64 = 4;

/// Which row.
pub type Key = (RadioAddress, Option<BeaconId>);

/// A device that is heard by radio, as it describes itself. A claim by whoever sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// The address it shows at the moment.
    pub source: RadioAddress,
    /// The id in its advert; none where its system cannot send one.
    pub id: Option<BeaconId>,
    /// It says that everyone may read its card.
    pub open: bool,
    /// How strongly it is received, filtered, dBm; none if the receiver cannot tell.
    pub rssi: Option<i16>,
    /// How near that is, in a word.
    pub nearness: Option<Nearness>,
    /// And in metres, wrong by a factor of [`ERROR_FACTOR`](super::nearness::ERROR_FACTOR) either way.
    pub metres: Option<f32>,
    /// Its card, once it was read.
    pub card: Option<Card>,
    /// When this advert was first heard, milliseconds since 1970.
    pub first_heard: u64,
    /// When it was last heard.
    pub last_heard: u64,
}

/// What changed on the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A row is new or different.
    Seen(Sighting),
    /// A row is gone.
    Gone(Key),
}

#[derive(Debug)]
struct Row {
    sighting: Sighting,
    strength: Strength,
    kept: bool,
    /// When it was last told, and what.
    told: Option<u64>,
    shown: Option<Sighting>,
    /// Since when it waits to be told.
    waiting: Option<u64>,
    /// How often its card was tried, and when the next time is.
    tries: usize,
    try_at: u64,
}

impl Row {
    /// Notes that it may have changed.
    fn compare(&mut self, now: u64) {
        let power = self.sighting.card.as_ref().map_or(USUAL_POWER, |card| card.power);
        let estimate = self.strength.estimate(power);
        self.sighting.rssi = self.strength.rssi();
        self.sighting.nearness = estimate.map(|Estimate { nearness, .. }| nearness);
        self.sighting.metres = estimate.map(|Estimate { metres, .. }| metres);
        self.waiting = if self.differs() || self.is_stronger() { self.waiting.or(Some(now)) } else { None };
    }

    fn differs(&self) -> bool {
        let now = &self.sighting;
        self.shown.as_ref().is_none_or(|s| (s.open, s.nearness, &s.card) != (now.open, now.nearness, &now.card))
    }

    fn is_stronger(&self) -> bool {
        let shown = self.shown.as_ref().and_then(|shown| shown.rssi);
        match (shown, self.sighting.rssi) {
            (Some(before), Some(now)) => before.abs_diff(now) > WORTH_TELLING,
            (before, now) => before.is_some() != now.is_some(),
        }
    }

    /// When it may be told; `None` if there is nothing to tell.
    fn due(&self, now: u64) -> Option<u64> {
        self.waiting?;
        let pause = if self.differs() { CHANGE_EVERY } else { STRENGTH_EVERY };
        // Told in the future means that the clock was set back: then at once.
        Some(self.told.filter(|told| *told <= now).map_or(0, |told| told + pause))
    }

    /// When it is gone if it stays silent.
    fn gone_at(&self, looking: Option<u64>) -> u64 {
        let heard = self.sighting.last_heard;
        let soon = looking.map_or(u64::MAX, |since| heard.max(since).saturating_add(GONE_AFTER_LOOKING));
        heard.saturating_add(GONE_AFTER).min(soon)
    }
}

/// The list.
#[derive(Debug, Default)]
pub struct Table {
    rows: BTreeMap<Key, Row>,
    /// Rows that were told and are gone.
    gone: BTreeSet<Key>,
    /// Since when somebody looks.
    looking: Option<u64>,
    /// It does not listen for the moment: somebody is talked to.
    deaf: bool,
    /// The second in which newcomers were told last, and how many.
    newcomers: (u64, u32),
    /// When cards were read unasked.
    tries: Vec<u64>,
    /// No card is read unasked before this.
    listen_until: u64,
}

impl Table {
    /// An advert was heard at `now`. `None` for its strength if the receiver cannot tell.
    pub fn heard(&mut self, now: u64, source: RadioAddress, beacon: Beacon, rssi: Option<i16>) {
        let key = (source, beacon.id);
        if !self.rows.contains_key(&key) && !self.make_room() {
            return;
        }
        let was_told = self.gone.remove(&key);
        let row = self.rows.entry(key).or_insert_with(|| Row {
            sighting: Sighting {
                source,
                id: beacon.id,
                open: beacon.open,
                rssi: None,
                nearness: None,
                metres: None,
                card: None,
                first_heard: now,
                last_heard: now,
            },
            strength: Strength::default(),
            kept: false,
            told: was_told.then_some(now),
            shown: None,
            waiting: None,
            tries: 0,
            try_at: now,
        });
        (row.sighting.open, row.sighting.last_heard) = (beacon.open, now);
        if let Some(rssi) = rssi {
            row.strength.hear(now, rssi);
        }
        row.compare(now);
    }

    /// Something of this address was heard whose content is not known: its latest row is still there.
    pub fn heard_again(&mut self, now: u64, source: RadioAddress, rssi: Option<i16>) {
        let latest =
            self.of(source).max_by_key(|(_, row)| row.sighting.last_heard).map(|(key, row)| (*key, row.sighting.open));
        if let Some(((_, id), open)) = latest {
            self.heard(now, source, Beacon { id, open }, rssi);
        }
    }

    /// A card was read from this address.
    pub fn read(&mut self, now: u64, (source, id): Key, card: Card) {
        if let Some(row) = self.rows.get_mut(&(source, id)) {
            row.sighting.card = Some(card);
            row.compare(now);
        }
    }

    /// The row of this address that was heard last.
    pub fn latest(&self, source: RadioAddress) -> Option<Key> {
        self.of(source).max_by_key(|(_, row)| row.sighting.last_heard).map(|(key, _)| *key)
    }

    fn of(&self, source: RadioAddress) -> impl Iterator<Item = (&Key, &Row)> {
        self.rows.range((source, None)..).take_while(move |((from, _), _)| *from == source)
    }

    /// The next card to read unasked: of a row that says everyone may, those tried less first, then the
    /// strongest. It counts as tried from now
    /// on, so whoever takes it reads it.
    pub fn unread(&mut self, now: u64) -> Option<Key> {
        self.tries.retain(|at| *at <= now && now - at < 60_000);
        if self.tries.len() >= TRIES_A_MINUTE {
            return None;
        }
        if now < self.listen_until {
            return None;
        }
        let wanting = |row: &Row| row.sighting.open && row.sighting.card.is_none() && row.try_at <= now;
        let rank = |row: &Row| (std::cmp::Reverse(row.tries), row.sighting.rssi);
        let (key, row) = self.rows.iter_mut().filter(|(_, row)| wanting(row)).max_by_key(|(_, row)| rank(row))?;
        let last = AGAIN_AFTER.len() - 1;
        row.try_at = now + AGAIN_AFTER.get(row.tries.min(last)).copied().unwrap_or_default();
        row.tries += 1;
        self.tries.push(now);
        Some(*key)
    }

    /// A card that was read unasked was not to be had, and that took so long, milliseconds.
    pub fn tried_in_vain(&mut self, now: u64, took: u64) {
        self.listen_until = now + took.min(60_000) * LISTEN_AFTER;
    }

    /// When [`unread`](Self::unread) is worth asking again.
    pub fn unread_at(&self) -> Option<u64> {
        let wanting = |row: &&Row| row.sighting.open && row.sighting.card.is_none();
        let next = self.rows.values().filter(wanting).map(|row| row.try_at).min()?.max(self.listen_until);
        let oldest = self.tries.first().filter(|_| self.tries.len() >= TRIES_A_MINUTE);
        Some(oldest.map_or(next, |oldest| next.max(oldest + 60_000)))
    }

    /// Marks the rows of an address as a known device's, which no flood pushes out; or takes the mark away. False if
    /// there is no such row, or too many are marked.
    pub fn keep(&mut self, source: RadioAddress, keep: bool) -> bool {
        let kept = self.rows.values().filter(|row| row.kept).count();
        let mut rows: Vec<&mut Row> = self
            .rows
            .range_mut((source, None)..)
            .take_while(|((from, _), _)| *from == source)
            .map(|(_, row)| row)
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.sighting.last_heard));
        if !keep {
            rows.iter_mut().for_each(|row| row.kept = false);
            return !rows.is_empty();
        }
        let room = MAX_KEPT.saturating_sub(kept).min(KEPT_TOGETHER);
        let already = rows.iter().any(|row| row.kept);
        let mut marked = already;
        for row in rows.into_iter().take(KEPT_TOGETHER).filter(|row| !row.kept).take(room) {
            (row.kept, marked) = (true, true);
        }
        marked
    }

    /// Somebody begins or ceases to look.
    pub fn look(&mut self, now: u64, on: bool) {
        self.looking = if on { self.looking.or(Some(now)) } else { None };
    }

    /// It does not listen for a while, or listens again: meanwhile nobody can be heard, so nobody is missed.
    pub fn deafen(&mut self, now: u64, deaf: bool) {
        self.deaf = deaf;
        if let Some(since) = self.looking.as_mut().filter(|_| !deaf) {
            *since = now;
        }
    }

    /// Since when everybody should have been heard.
    fn listened(&self) -> Option<u64> {
        self.looking.filter(|_| !self.deaf)
    }

    /// Removes rows that were silent for too long.
    pub fn age(&mut self, now: u64) {
        let looking = self.listened();
        let silent: Vec<Key> =
            self.rows.iter().filter(|(_, r)| r.gone_at(looking) <= now).map(|(key, _)| *key).collect();
        silent.into_iter().for_each(|key| self.remove(key));
    }

    /// When the next row is gone if it stays silent.
    pub fn ages_at(&self) -> Option<u64> {
        self.rows.values().map(|row| row.gone_at(self.listened())).min()
    }

    /// Removes all: the radio does not listen any more.
    pub fn clear(&mut self) {
        let all: Vec<Key> = self.rows.keys().copied().collect();
        all.into_iter().for_each(|key| self.remove(key));
    }

    fn remove(&mut self, key: Key) {
        if self.rows.remove(&key).is_some_and(|row| row.told.is_some()) {
            self.gone.insert(key);
        }
    }

    /// Makes room for a newcomer, or says that there is none.
    fn make_room(&mut self) -> bool {
        if self.rows.len() < MAX_ROWS {
            return true;
        }
        let rows = self.rows.iter().filter(|(_, row)| !row.kept);
        let victim = rows.min_by_key(|(_, row)| row.sighting.last_heard).map(|(key, _)| *key);
        victim.map(|key| self.remove(key)).is_some()
    }

    /// Takes the next change to tell, those that waited longest first.
    #[allow(clippy::should_implement_trait, reason = "what is due depends on the time")]
    pub fn next(&mut self, now: u64) -> Option<Change> {
        if let Some(key) = self.gone.pop_first() {
            return Some(Change::Gone(key));
        }
        let full = self.newcomers == (now / 1_000, NEWCOMERS);
        let may = |row: &&mut Row| row.due(now).is_some_and(|due| due <= now) && !(full && row.told.is_none());
        let row = self.rows.values_mut().filter(may).min_by_key(|row| row.waiting)?;
        if row.told.is_none() {
            let told = if self.newcomers.0 == now / 1_000 { self.newcomers.1 } else { 0 };
            self.newcomers = (now / 1_000, told + 1);
        }
        (row.waiting, row.told, row.shown) = (None, Some(now), Some(row.sighting.clone()));
        row.shown.clone().map(Change::Seen)
    }

    /// When the next change can be told: `Some(0)` is at once, `None` is not before something is heard.
    pub fn due(&self, now: u64) -> Option<u64> {
        if !self.gone.is_empty() {
            return Some(0);
        }
        let full = self.newcomers == (now / 1_000, NEWCOMERS);
        let wait = |row: &Row| if full && row.told.is_none() { (now / 1_000 + 1) * 1_000 } else { 0 };
        self.rows.values().filter_map(|row| row.due(now).map(|due| due.max(wait(row)))).min()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nobody is heard.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests;

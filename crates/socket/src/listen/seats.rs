//! Places for callers that are not authenticated yet, so that a flood neither exhausts this machine nor keeps known
//! devices out (SECURITY 3.4, cases T5 and T6). Pure but for the dice.
//!
//! Most places (48 of 64) are ordinary: first come, first served, with random early drop from half of them on. A caller
//! for whom there is no ordinary place stands at the *side door* (16): it stays only if its ClientHello names a
//! rendezvous value the door calls reserved. Until it has spoken, it gives way to the next newcomer once the side door
//! is full. A known device speaks within a round trip, so to keep it out a flood has to turn over the whole side door
//! faster than that; slow and silent callers never can.
//!
//! Callers through a web server all have its address, so each has a name of its own instead (`web_address`), and
//! no limit by address concerns them. They stand at the side door from the start: however many they are, they
//! take no ordinary place, and only who names a reserved value stays; of those, four at a time for each value.

use super::Caps;
use hither_capability::EndpointClass;
use hither_model::Rid;
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// One IPv4 address or one IPv6 /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    V4([u8; 4]),
    V6(u64),
}

impl Source {
    fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::V4(v4.octets()),
            IpAddr::V6(v6) => Self::V6((v6.to_bits() >> 64) as u64),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Ordinary,
    /// At the side door, nothing said yet.
    Waiting(u64),
    /// At the side door, known to be reserved.
    Reserved,
}

#[derive(Debug, Default)]
struct Taken {
    ordinary: usize,
    waiting: VecDeque<(u64, CancellationToken)>,
    reserved: usize,
    sources: HashMap<Source, usize>,
    /// Values that callers through a web server have named.
    named: HashMap<Rid, usize>,
    next: u64,
}

/// All places.
#[derive(Debug)]
pub(super) struct Seats {
    caps: Caps,
    taken: Mutex<Taken>,
}

impl Seats {
    pub(super) fn new(caps: Caps) -> Arc<Self> {
        Arc::new(Self { caps, taken: Mutex::default() })
    }

    /// A place for a caller, or `None` if it must go.
    pub(super) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Seat> {
        self.enter_with(from, dice)
    }

    fn enter_with(self: &Arc<Self>, from: IpAddr, dice: impl FnOnce() -> f64) -> Option<Seat> {
        let (source, web) = (Source::of(from), EndpointClass::of(from) == EndpointClass::Web);
        let mut taken = self.lock();
        if !web && taken.sources.get(&source).is_some_and(|count| *count >= self.caps.per_source) {
            return None;
        }
        let evicted = CancellationToken::new();
        let place = if !web && self.has_room(taken.ordinary, dice) {
            taken.ordinary += 1;
            Place::Ordinary
        } else {
            if taken.waiting.len() + taken.reserved >= self.caps.reserved {
                let (_, oldest) = taken.waiting.pop_front()?;
                oldest.cancel();
            }
            taken.next += 1;
            let number = taken.next;
            taken.waiting.push_back((number, evicted.clone()));
            Place::Waiting(number)
        };
        *taken.sources.entry(source).or_default() += 1;
        drop(taken);
        Some(Seat { seats: Arc::clone(self), source, web, named: None, place, evicted })
    }

    /// Random early drop: sure below `drop_from`, impossible when full, in between the fuller the less likely.
    fn has_room(&self, taken: usize, dice: impl FnOnce() -> f64) -> bool {
        let room = self.caps.handshakes.saturating_sub(self.caps.reserved);
        let from = self.caps.drop_from.min(room);
        taken < from || (taken < room && dice() * ((room - from) as f64) >= (taken - from) as f64)
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number from 0 up to 1.
fn dice() -> f64 {
    // Without randomness: drop nobody early.
    getrandom::u32().map_or(1.0, |number| f64::from(number) / (f64::from(u32::MAX) + 1.0))
}

/// One caller's place; dropping it frees the place.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    source: Source,
    web: bool,
    named: Option<Rid>,
    place: Place,
    evicted: CancellationToken,
}

impl Seat {
    /// Ends when the caller has to give way.
    pub(super) fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }

    /// The caller has named a value; false if it has to go.
    pub(super) fn spoke(&mut self, rid: Rid, reserved: bool) -> bool {
        if self.web {
            let mut taken = self.seats.lock();
            let same = taken.named.entry(rid).or_default();
            if *same >= self.seats.caps.per_source {
                return false;
            }
            *same += 1;
            self.named = Some(rid);
        }
        let Place::Waiting(number) = self.place else { return true };
        let mut taken = self.seats.lock();
        let Some(at) = taken.waiting.iter().position(|(other, _)| *other == number) else { return false };
        if reserved {
            taken.waiting.remove(at);
            taken.reserved += 1;
            self.place = Place::Reserved;
        }
        reserved
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        match self.place {
            Place::Ordinary => taken.ordinary = taken.ordinary.saturating_sub(1),
            Place::Reserved => taken.reserved = taken.reserved.saturating_sub(1),
            Place::Waiting(number) => taken.waiting.retain(|(other, _)| *other != number),
        }
        if let Some(same) = self.named.and_then(|rid| taken.named.get_mut(&rid)) {
            *same = same.saturating_sub(1);
        }
        if let Some(rid) = self.named.filter(|rid| taken.named.get(rid) == Some(&0)) {
            taken.named.remove(&rid);
        }
        let left = taken.sources.get_mut(&self.source).map(|count| {
            *count = count.saturating_sub(1);
            *count
        });
        if left == Some(0) {
            taken.sources.remove(&self.source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const RID: Rid = Rid::new([1; 16]);

    fn ip(n: u32) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + n).into()
    }

    fn never() -> f64 {
        1.0
    }

    #[test]
    fn t6_ten_thousand_callers_never_hold_more_than_all_places() {
        let seats = Seats::new(Caps::default());
        let mut held = Vec::new();
        for n in 0..10_000 {
            held.extend(seats.enter(ip(n)));
            held.retain(|seat: &Seat| !seat.evicted.is_cancelled());
            assert!(held.len() <= 64, "{} places", held.len());
        }
        drop(held);
        let taken = seats.lock();
        assert!(taken.ordinary == 0 && taken.waiting.is_empty() && taken.sources.is_empty());
    }

    #[test]
    fn t5_a_reserved_caller_gets_in_past_silent_ones_and_cannot_be_evicted() {
        let seats = Seats::new(Caps::default());
        let crowd: Vec<_> = (0..64).filter_map(|n| seats.enter_with(ip(n), never)).collect();
        assert_eq!(crowd.len(), 64);
        let mut known = seats.enter_with(ip(1000), never).unwrap();
        assert_eq!(crowd.iter().filter(|seat| seat.evicted.is_cancelled()).count(), 1, "the oldest gave way");
        assert!(known.spoke(RID, true));
        let _more: Vec<_> = (2000..2100).filter_map(|n| seats.enter_with(ip(n), never)).collect();
        assert!(!known.evicted.is_cancelled());
    }

    #[test]
    fn at_the_side_door_only_reserved_callers_stay() {
        let seats = Seats::new(Caps { handshakes: 2, reserved: 1, per_source: 4, drop_from: 1, hello: 1 });
        let mut first = seats.enter_with(ip(1), never).unwrap();
        assert!(first.spoke(RID, false), "an ordinary place is for everybody");
        let mut second = seats.enter_with(ip(2), never).unwrap();
        assert!(!second.spoke(RID, false));
        assert!(second.spoke(RID, true));
        assert!(seats.enter_with(ip(3), never).is_none(), "a reserved caller does not give way");
    }

    #[test]
    fn one_source_has_four_places_and_an_ipv6_network_is_one_source() {
        let seats = Seats::new(Caps::default());
        let from = |n: u16| IpAddr::from([0xfd00, 0, 0, 7, 0, 0, 0, n]);
        let held: Vec<_> = (0..10).filter_map(|n| seats.enter(from(n))).collect();
        assert_eq!(held.len(), 4);
        assert!(seats.enter(IpAddr::from([0xfd00, 0, 0, 8, 0, 0, 0, 1])).is_some());
    }

    #[test]
    fn p2_callers_through_a_web_server_take_no_ordinary_place_and_lock_out_nobody() {
        let seats = Seats::new(Caps::default());
        let web = |n: u8| hither_capability::web_address([n; 12]).ip();
        let crowd: Vec<_> = (0..100).filter_map(|n| seats.enter_with(web(n), never)).collect();
        assert_eq!(crowd.iter().filter(|seat| !seat.evicted.is_cancelled()).count(), 16);
        assert_eq!(seats.lock().ordinary, 0);
        let mut link: Vec<_> = (100..105).filter_map(|n| seats.enter_with(web(n), never)).collect();
        let outcomes: Vec<_> = link.iter_mut().map(|seat| seat.spoke(RID, true)).collect();
        assert_eq!(outcomes, [true, true, true, true, false], "one value has four places");
        let mut other = seats.enter_with(web(200), never).unwrap();
        assert!(other.spoke(Rid::new([2; 16]), true), "and takes nobody else's");
        drop((crowd, link, other));
        let taken = seats.lock();
        assert!(taken.waiting.is_empty() && taken.named.is_empty() && taken.sources.is_empty() && taken.reserved == 0);
    }

    #[test]
    fn early_drop_grows_with_the_crowd() {
        let seats = Seats::new(Caps::default());
        assert!(seats.has_room(31, || 0.0), "below the mark nobody is dropped");
        assert!(!seats.has_room(40, || 0.4) && seats.has_room(40, || 0.6));
        assert!(!seats.has_room(48, || 0.99));
    }
}

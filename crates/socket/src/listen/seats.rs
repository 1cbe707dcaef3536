//! Places for callers that are not authenticated yet, so that a flood neither exhausts this machine nor keeps known
//! devices out (SECURITY 3.4, cases T5 and T6). Pure but for the dice.
//!
//! Most places (48 of 64) are ordinary: first come, first served, with random early drop from half of them on. A caller
//! for whom there is no ordinary place stands at the *side door* (16): it stays only if its ClientHello names a
//! rendezvous value the door calls reserved. Until it has spoken, it gives way to the next newcomer once the side door
//! is full. A known device speaks within a round trip, so to keep it out a flood has to turn over the whole side door
//! faster than that; slow and silent callers never can.

use super::Caps;
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
        let source = Source::of(from);
        let mut taken = self.lock();
        if taken.sources.get(&source).is_some_and(|count| *count >= self.caps.per_source) {
            return None;
        }
        let evicted = CancellationToken::new();
        let place = if self.has_room(taken.ordinary, dice) {
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
        Some(Seat { seats: Arc::clone(self), source, place, evicted })
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
    place: Place,
    evicted: CancellationToken,
}

impl Seat {
    /// Ends when the caller has to give way.
    pub(super) fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }

    /// The caller has spoken; false if it has to go.
    pub(super) fn spoke(&mut self, reserved: bool) -> bool {
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
        assert!(known.spoke(true));
        let _more: Vec<_> = (2000..2100).filter_map(|n| seats.enter_with(ip(n), never)).collect();
        assert!(!known.evicted.is_cancelled());
    }

    #[test]
    fn at_the_side_door_only_reserved_callers_stay() {
        let seats = Seats::new(Caps { handshakes: 2, reserved: 1, per_source: 4, drop_from: 1, hello: 1 });
        let mut first = seats.enter_with(ip(1), never).unwrap();
        assert!(first.spoke(false), "an ordinary place is for everybody");
        let mut second = seats.enter_with(ip(2), never).unwrap();
        assert!(!second.spoke(false));
        assert!(second.spoke(true));
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
    fn early_drop_grows_with_the_crowd() {
        let seats = Seats::new(Caps::default());
        assert!(seats.has_room(31, || 0.0), "below the mark nobody is dropped");
        assert!(!seats.has_room(40, || 0.4) && seats.has_room(40, || 0.6));
        assert!(!seats.has_room(48, || 0.99));
    }
}

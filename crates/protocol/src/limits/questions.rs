//! Who may put a question to the person, and when (I9, I10). One is shown, three wait; a stranger asks once in 30 seconds
//! per key and per address, all strangers together ten times a minute; a refusal mutes for ten minutes.
//!
//! Known peers have places of their own and come first: strangers cannot crowd them out. Count a device that proved a link
//! as known: it was invited. What is *not* here: blocked peers (they are not asked about at all).

use crate::hello::No;
use hither_model::{PeerId, QuestionId};
use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv6Addr},
};

const STRANGERS_WAITING: usize = 3;
const KNOWN_WAITING: usize = 8;
const STRANGERS_PER_MINUTE: usize = 10;
const MINUTE_MS: u64 = 60_000;
const PAUSE_MS: u64 = 30_000;
const MUTED_MS: u64 = 600_000;
const MOST_MUTED: usize = 256;
const MOST_STAMPS: usize = 256;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// The proven key.
    pub peer: PeerId,
    /// Where the connection came from.
    pub address: IpAddr,
    /// Whether the key is stored here, or a link was proven.
    pub known: bool,
}

/// What becomes of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It goes on the screen now.
    Show,
    /// It waits.
    Queue,
    /// It is not asked; say this to the peer. A muted peer hears [`No::Declined`].
    Refuse(No),
}

/// How a question was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Yes: they may ask again at once.
    Accepted,
    /// A person said no: their key and address are muted.
    Refused,
    /// It was taken back, or lapsed, or the connection broke.
    Lapsed,
}

/// The questions of one person.
#[derive(Debug, Default)]
pub struct Questions {
    shown: Option<Open>,
    known: VecDeque<Open>,
    strangers: VecDeque<Open>,
    stamps: VecDeque<Stamp>,
    muted: VecDeque<Mute>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    id: QuestionId,
    asker: Asker,
}

#[derive(Debug)]
struct Stamp {
    at: u64,
    peer: PeerId,
    origin: IpAddr,
    known: bool,
}

#[derive(Debug)]
struct Mute {
    until: u64,
    peer: PeerId,
    origin: IpAddr,
}

impl Questions {
    /// Somebody wants to ask. `now` is in milliseconds.
    pub fn ask(&mut self, now: u64, id: QuestionId, asker: Asker) -> Place {
        self.stamps.retain(|stamp| now.saturating_sub(stamp.at) < MINUTE_MS);
        self.muted.retain(|mute| now < mute.until);
        let origin = origin(asker.address);
        let alike = |peer: &PeerId, from: &IpAddr| *peer == asker.peer || (!asker.known && *from == origin);
        if self.muted.iter().any(|mute| alike(&mute.peer, &mute.origin)) {
            return Place::Refuse(No::Declined);
        }
        let mut open = self.shown.iter().chain(&self.known).chain(&self.strangers);
        let asked = |s: &Stamp| now.saturating_sub(s.at) < PAUSE_MS && alike(&s.peer, &s.origin);
        if open.any(|open| open.asker.peer == asker.peer) || self.stamps.iter().any(asked) {
            return Place::Refuse(No::Busy);
        }
        let crowded = if asker.known {
            self.known.len() >= KNOWN_WAITING
        } else {
            self.strangers.len() >= STRANGERS_WAITING
                || self.stamps.iter().filter(|stamp| !stamp.known).count() >= STRANGERS_PER_MINUTE
        };
        if crowded {
            return Place::Refuse(No::Busy);
        }
        push(&mut self.stamps, MOST_STAMPS, Stamp { at: now, peer: asker.peer, origin, known: asker.known });
        let open = Open { id, asker };
        match (&self.shown, asker.known) {
            (None, _) => {
                self.shown = Some(open);
                return Place::Show;
            }
            (Some(_), true) => self.known.push_back(open),
            (Some(_), false) => self.strangers.push_back(open),
        }
        Place::Queue
    }

    /// The question on the screen.
    pub fn shown(&self) -> Option<QuestionId> {
        self.shown.map(|open| open.id)
    }

    /// How many wait behind it.
    pub fn waiting(&self) -> usize {
        self.known.len() + self.strangers.len()
    }

    /// A question is settled, shown or not. Returns the one that goes on the screen now, if that changes.
    pub fn over(&mut self, now: u64, id: &QuestionId, how: Over) -> Option<QuestionId> {
        let was_shown = self.shown.is_some_and(|open| open.id == *id);
        let settled = if was_shown {
            self.shown.take()
        } else {
            let queues = [&mut self.known, &mut self.strangers];
            queues.into_iter().find_map(|queue| {
                let index = queue.iter().position(|open| open.id == *id)?;
                queue.remove(index)
            })
        };
        let Open { asker, .. } = settled?;
        match how {
            Over::Accepted => self.stamps.retain(|stamp| stamp.peer != asker.peer),
            Over::Refused => {
                let mute =
                    Mute { until: now.saturating_add(MUTED_MS), peer: asker.peer, origin: origin(asker.address) };
                push(&mut self.muted, MOST_MUTED, mute);
            }
            Over::Lapsed => {}
        }
        if was_shown {
            self.shown = self.known.pop_front().or_else(|| self.strangers.pop_front());
            return self.shown();
        }
        None
    }
}

fn push<T>(list: &mut VecDeque<T>, most: usize, item: T) {
    if list.len() >= most {
        list.pop_front();
    }
    list.push_back(item);
}

/// What counts as one address: an IPv4 address, or an IPv6 /64, which one machine has all of.
fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> QuestionId {
        QuestionId::new(u64::from(n).to_be_bytes())
    }

    fn asker(key: u32, address: u32, known: bool) -> Asker {
        let mut peer = [0; 32];
        peer[..4].copy_from_slice(&key.to_be_bytes());
        Asker { peer: PeerId::new(peer), address: IpAddr::from(address.to_be_bytes()), known }
    }

    #[test]
    fn i9_two_hundred_invites_from_fifty_sources_make_one_dialog_and_a_known_peer_still_comes_next() {
        let mut questions = Questions::default();
        let mut places = Vec::new();
        for n in 0..200 {
            places.push(questions.ask(u64::from(n) * 50, id(n), asker(n, 0x0a00_0000 + n % 50, false)));
        }
        assert_eq!(places.iter().filter(|p| **p == Place::Show).count(), 1);
        assert_eq!(places.iter().filter(|p| **p == Place::Queue).count(), 3);
        assert_eq!(questions.ask(10_000, id(900), asker(9000, 0x0a00_0001, true)), Place::Queue);
        assert_eq!(questions.over(10_100, &id(0), Over::Lapsed), Some(id(900)), "before the strangers");
    }

    #[test]
    fn i9_a_flood_of_ten_thousand_leaves_the_tables_small() {
        let mut questions = Questions::default();
        for n in 0..10_000 {
            let _ = questions.ask(u64::from(n), id(n), asker(n, n, false));
            questions.over(u64::from(n), &id(n), Over::Lapsed);
        }
        assert!(questions.stamps.len() <= STRANGERS_PER_MINUTE, "{}", questions.stamps.len());
        assert_eq!(questions.ask(10_001, id(1), asker(77_777, 5, true)), Place::Show);
    }

    #[test]
    fn a_stranger_asks_once_in_thirty_seconds_per_key_and_per_address() {
        let mut questions = Questions::default();
        assert_eq!(questions.ask(0, id(0), asker(1, 1, false)), Place::Show);
        assert_eq!(questions.over(1, &id(0), Over::Lapsed), None);
        for other in [asker(1, 2, false), asker(2, 1, false)] {
            assert_eq!(questions.ask(29_999, id(1), other), Place::Refuse(No::Busy));
        }
        assert_eq!(questions.ask(30_000, id(1), asker(1, 1, false)), Place::Show);
    }

    #[test]
    fn one_ipv6_network_counts_as_one_address() {
        let mut questions = Questions::default();
        let at = |key, text: &str| Asker { address: text.parse().unwrap(), ..asker(key, 0, false) };
        assert_eq!(questions.ask(0, id(0), at(1, "2001:db8::1")), Place::Show);
        assert_eq!(questions.ask(0, id(1), at(2, "2001:db8::ffff:1")), Place::Refuse(No::Busy));
        assert_eq!(questions.ask(0, id(1), at(3, "2001:db8:0:1::1")), Place::Queue);
    }

    #[test]
    fn i10_a_refused_peer_that_tries_each_second_is_muted_for_ten_minutes() {
        let mut questions = Questions::default();
        assert_eq!(questions.ask(0, id(0), asker(1, 1, false)), Place::Show);
        questions.over(0, &id(0), Over::Refused);
        for second in 1..600 {
            let place = questions.ask(second * 1000, id(1), asker(1, 1, false));
            assert_eq!(place, Place::Refuse(No::Declined), "second {second}");
        }
        assert_eq!(questions.ask(300_000, id(1), asker(2, 1, false)), Place::Refuse(No::Declined), "same address");
        assert_eq!(questions.ask(300_000, id(2), asker(3, 1, true)), Place::Show, "somebody known there");
        assert_eq!(questions.ask(600_000, id(3), asker(1, 1, false)), Place::Queue);
    }

    #[test]
    fn a_known_peer_that_was_let_in_may_come_again_at_once_and_one_that_hung_up_may_not() {
        let mut questions = Questions::default();
        assert_eq!(questions.ask(0, id(0), asker(1, 1, true)), Place::Show);
        assert_eq!(questions.ask(1, id(1), asker(1, 1, true)), Place::Refuse(No::Busy), "one at a time");
        questions.over(2, &id(0), Over::Accepted);
        assert_eq!(questions.ask(3, id(1), asker(1, 1, true)), Place::Show);
        questions.over(4, &id(1), Over::Lapsed);
        assert_eq!(questions.ask(5, id(2), asker(1, 1, true)), Place::Refuse(No::Busy));
    }

    #[test]
    fn a_question_taken_back_from_the_queue_leaves_the_screen_alone() {
        let mut questions = Questions::default();
        assert_eq!(questions.ask(0, id(0), asker(1, 1, false)), Place::Show);
        assert_eq!(questions.ask(0, id(1), asker(2, 2, false)), Place::Queue);
        assert_eq!(questions.over(0, &id(1), Over::Lapsed), None);
        assert_eq!((questions.shown(), questions.waiting()), (Some(id(0)), 0));
        assert_eq!(questions.over(0, &id(7), Over::Lapsed), None, "not a question at all");
    }
}

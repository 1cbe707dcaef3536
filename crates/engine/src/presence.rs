//! What we show of ourselves: an advert made anew every 15 minutes and on every network change, from nothing but random
//! bits, epoch tags that only known devices resolve, and (for everyone) the chosen name. Pure.

use crate::store::People;
use hither_discovery::{ble::Card, txt::Txt};
use hither_model::{DisplayName, InstanceId, PeerId, Rid, row::Visibility};
use hither_protocol::rendezvous;

/// How long an advert lasts at least, milliseconds; up to as much again is added at random, capped at 15 minutes.
const ROTATE_MIN: u64 = 10 * 60_000;
const ROTATE_SPREAD: u64 = 5 * 60_000;
/// What is added at random where a radio's id says how long the advert lasts.
const LATE_SPREAD: u64 = 25_000;
/// Devices whose tags fit in an advert; those seen last come first.
const MAX_TAGS: usize = 128;

/// The random bits of one advert.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    pub(crate) instance: InstanceId,
    pub(crate) host: [u8; 16],
    pub(crate) rid: Rid,
    pub(crate) spread: u16,
}

impl Draw {
    /// When the next advert is due after this one went out at `now`. Where a radio's id has to stay for a while yet, soon
    /// after that.
    pub(crate) fn rotate_at(&self, now: u64, stays: Option<u64>) -> u64 {
        let spread = |of: u64| of * u64::from(self.spread) / u64::from(u16::MAX);
        now + stays.map_or(ROTATE_MIN + spread(ROTATE_SPREAD), |stays| stays + spread(LATE_SPREAD))
    }
}

/// Number of tags an advert carries for so many friends: few fixed sizes, so that the count tells nothing.
fn padded(friends: usize) -> usize {
    match friends {
        0..=8 => 8,
        9..=32 => 32,
        _ => MAX_TAGS,
    }
}

/// What the advert says; `None` when nobody may see us. `rid` is the way in for those who are not known yet, if there is one. `dummy` yields random tags to fill up with.
pub(crate) fn advert(
    visibility: Visibility,
    name: Option<&DisplayName>,
    me: &PeerId,
    people: &People,
    epoch: u32,
    rid: Option<Rid>,
    mut dummy: impl FnMut() -> [u8; 8],
) -> Option<Txt> {
    let shown = match visibility {
        Visibility::Nobody => return None,
        Visibility::Known => None,
        Visibility::Everyone => name.cloned(),
    };
    let mut friends: Vec<_> = people.known().collect();
    friends.sort_by_key(|(_, person, _)| std::cmp::Reverse(person.last_seen));
    let mut tags: Vec<[u8; 8]> =
        friends.iter().take(MAX_TAGS).map(|(_, _, key)| rendezvous::tag(key, epoch, me)).collect();
    let size = padded(tags.len());
    while tags.len() < size {
        tags.push(dummy());
    }
    tags.sort_unstable();
    Some(Txt { version: hither_discovery::txt::VERSION, epoch, rid, beacon: None, name: shown, tags })
}

/// As many of an advert's tags as fit on a card that is read by radio; which of them are dummies is not known there.
pub(crate) fn card_tags(tags: &[[u8; 8]]) -> Vec<[u8; 8]> {
    let most = Card::padded(tags.len()).min(tags.len());
    tags.iter().take(most).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dummies() -> impl FnMut() -> [u8; 8] {
        let mut n = 0u64;
        move || {
            n += 1;
            n.to_be_bytes()
        }
    }

    #[test]
    fn visible_to_known_devices_shows_neither_name_nor_a_way_in() {
        let name = DisplayName::new("Ana").unwrap();
        let me = PeerId::new([1; 32]);
        let people = People::default();
        let quiet = advert(Visibility::Known, Some(&name), &me, &people, 3, None, dummies()).unwrap();
        assert_eq!((quiet.name, quiet.rid, quiet.tags.len()), (None, None, 8));
        let door = Some(Rid::new([4; 16]));
        let loud = advert(Visibility::Everyone, Some(&name), &me, &people, 3, door, dummies()).unwrap();
        assert_eq!((loud.name, loud.rid), (Some(name.clone()), door));
        assert_eq!(advert(Visibility::Nobody, None, &me, &people, 3, door, dummies()), None);
        let colleagues = advert(Visibility::Known, Some(&name), &me, &people, 3, door, dummies()).unwrap();
        assert_eq!((colleagues.name, colleagues.rid), (None, door), "a way in, for those who prove who they are");
    }

    #[test]
    fn the_number_of_tags_does_not_tell_the_number_of_friends() {
        assert_eq!([0, 8, 9, 32, 33, 500].map(padded), [8, 8, 32, 32, 128, 128]);
    }

    #[test]
    fn adverts_rotate_within_fifteen_minutes() {
        for spread in [0, u16::MAX] {
            let draw = Draw { instance: InstanceId::new([0; 16]), host: [0; 16], rid: Rid::new([0; 16]), spread };
            assert!((600_000..=900_000).contains(&draw.rotate_at(0, None)));
            assert!((905_000..=930_000).contains(&draw.rotate_at(0, Some(905_000))), "unless an id has to stay");
            assert!((905_000..=930_000).contains(&draw.rotate_at(900_000, Some(5_000))), "and then not longer");
        }
    }
}

//! Who is on the list, over time.

use super::*;
use crate::ble::{beacon, card::VERSION};
use proptest::prelude::*;

const SECOND: u64 = 1_000;
/// Any time.
const START: u64 = 1_700_000_000_000;

fn source(number: u32) -> RadioAddress {
    let [a, b, c, d] = number.to_be_bytes();
    RadioAddress::new([0xc0, 0, a, b, c, d])
}

fn beacon(number: u8) -> Beacon {
    Beacon::parse(&beacon::encode(BeaconId([number; 8]), true)).unwrap()
}

fn card(power: i8) -> Card {
    Card { version: VERSION, power, epoch: 1, name: None, instance: None, rid: None, tags: vec![[0; 8]; 8] }
}

fn seen(table: &mut Table, now: u64) -> Option<Sighting> {
    match table.next(now) {
        Some(Change::Seen(sighting)) => Some(sighting),
        other => {
            assert_eq!(other, None);
            None
        }
    }
}

#[test]
fn a_device_is_told_when_it_is_first_heard_and_again_when_its_card_is_read() {
    let mut table = Table::default();
    table.heard(START, source(1), beacon(1), Some(-60));
    assert_eq!(table.due(START), Some(0));
    let first = seen(&mut table, START).unwrap();
    assert_eq!((first.rssi, first.open, first.card, first.first_heard), (Some(-60), true, None, START));
    assert_eq!((seen(&mut table, START), table.due(START)), (None, None));
    table.read(START + 1, (source(1), first.id), card(-40));
    assert_eq!(table.due(START + 1), Some(START + SECOND), "a second after the last change");
    assert_eq!(seen(&mut table, START + 999), None);
    let again = seen(&mut table, START + SECOND).unwrap();
    assert_eq!((again.card, again.metres), (Some(card(-40)), Some(6.3)), "calibrated by its card");
}

#[test]
fn a_small_change_of_strength_is_not_told_and_a_large_one_every_two_seconds() {
    let mut table = Table::default();
    table.heard(START, source(1), beacon(1), Some(-80));
    seen(&mut table, START).unwrap();
    for n in 1..20 {
        table.heard(START + n * 100, source(1), beacon(1), Some(-83));
    }
    assert_eq!(table.due(START + 3 * SECOND), None, "three decibels");
    for n in 20..60 {
        table.heard(START + n * 100, source(1), beacon(1), Some(-95));
    }
    assert_eq!(table.due(START + SECOND), Some(START + 2 * SECOND));
    assert_eq!(seen(&mut table, START + 6 * SECOND).unwrap().rssi, Some(-95));
}

#[test]
fn a_strength_that_is_not_known_counts_as_heard_all_the_same() {
    let mut table = Table::default();
    table.heard(START, source(1), beacon(1), None);
    let first = seen(&mut table, START).unwrap();
    assert_eq!((first.rssi, first.nearness, first.metres), (None, None, None));
    table.heard_again(START + 90 * SECOND, source(1), None);
    table.age(START + 100 * SECOND);
    assert_eq!(table.len(), 1);
    table.heard_again(START, source(2), Some(-50));
    assert_eq!(table.len(), 1, "of an address without an advert of ours nothing is known");
}

#[test]
fn a_device_is_gone_after_three_silent_windows_and_sooner_while_somebody_looks() {
    let mut table = Table::default();
    table.heard(START, source(1), beacon(1), None);
    let key = (source(1), seen(&mut table, START).unwrap().id);
    table.age(START + 94 * SECOND);
    assert_eq!(table.ages_at(), Some(START + GONE_AFTER));
    table.look(START + 60 * SECOND, true);
    assert_eq!(table.ages_at(), Some(START + 75 * SECOND), "fifteen seconds to be heard from when looking begins");
    table.look(START + 70 * SECOND, true);
    assert_eq!(table.ages_at(), Some(START + 75 * SECOND), "looking on is not beginning to look");
    table.age(START + 75 * SECOND);
    assert_eq!(table.next(START + 75 * SECOND), Some(Change::Gone(key)));
    assert_eq!((table.len(), table.next(START + 75 * SECOND)), (0, None));
}

#[test]
fn nobody_is_missed_while_it_cannot_listen() {
    let mut table = Table::default();
    table.heard(START, source(1), beacon(1), None);
    table.look(START, true);
    table.deafen(START + 10 * SECOND, true);
    table.age(START + 30 * SECOND);
    assert_eq!((table.len(), table.ages_at()), (1, Some(START + GONE_AFTER)));
    table.deafen(START + 30 * SECOND, false);
    assert_eq!(table.ages_at(), Some(START + 45 * SECOND));
}

#[test]
fn what_nobody_was_told_of_is_not_said_to_be_gone() {
    let mut table = Table::default();
    table.heard(START, source(1), beacon(1), None);
    table.clear();
    assert_eq!(table.next(START), None);
}

#[test]
fn b6_a_copy_of_an_address_with_another_id_hides_nobody() {
    let mut table = Table::default();
    table.heard(START, source(1), beacon(1), Some(-60));
    let real = seen(&mut table, START).unwrap();
    for n in 1..=50 {
        table.heard(START + n * 100, source(1), beacon(2), Some(-30));
    }
    let copy = seen(&mut table, START + 5 * SECOND).unwrap();
    assert_ne!(copy.id, real.id);
    assert_eq!(table.len(), 2);
    table.age(START + 90 * SECOND);
    assert_eq!(table.next(START + 90 * SECOND), None, "both are there");
}

#[test]
fn b3_a_flood_of_advertisers_is_bounded_and_pushes_no_known_device_out() {
    let mut table = Table::default();
    table.heard(START, source(0), beacon(0), Some(-60));
    assert!(table.keep(source(0), true));
    seen(&mut table, START).unwrap();
    let mut told = 0;
    for n in 1..=5_000 {
        let now = START + u64::from(n);
        table.heard(now, source(n), beacon(1), Some(-40));
        while table.next(now).is_some() {
            told += 1;
        }
    }
    assert_eq!(table.len(), MAX_ROWS);
    assert!(table.latest(source(0)).is_some(), "the known one is there");
    assert!(told <= 2 * 6 * 32, "{told} changes in five seconds");
}

#[test]
fn b3_a_list_full_of_known_devices_takes_no_newcomer_but_cannot_be_filled_with_them() {
    let mut table = Table::default();
    for n in 0..300 {
        table.heard(START + u64::from(n), source(n), beacon(1), None);
    }
    let kept = (0..300).filter(|n| table.keep(source(*n), true)).count();
    assert_eq!(kept, MAX_KEPT);
    table.heard(START + SECOND, source(1_000), beacon(1), None);
    assert!(table.latest(source(1_000)).is_some(), "there is room for newcomers all the same");
    assert!(table.keep(source(299), false) && !table.keep(source(9_999), true));
}

#[test]
fn b3_ids_of_one_address_are_marked_as_known_a_few_at_a_time() {
    let mut table = Table::default();
    for n in 0..100 {
        table.heard(START + u64::from(n), source(1), beacon(n), None);
    }
    assert!(table.keep(source(1), true));
    assert_eq!(table.rows.values().filter(|row| row.kept).count(), KEPT_TOGETHER);
}

#[test]
fn cards_are_read_unasked_strongest_first_and_tried_again_with_growing_pauses() {
    let mut table = Table::default();
    table.heard(START, source(1), beacon(1), Some(-80));
    table.heard(START, source(2), beacon(2), Some(-50));
    let shut = Beacon { open: false, ..beacon(3) };
    table.heard(START, source(3), shut, Some(-20));
    let (near, far) = ((source(2), beacon(2).id), (source(1), beacon(1).id));
    assert_eq!([table.unread(START), table.unread(START), table.unread(START)], [Some(near), Some(far), None]);
    table.read(START, near, card(-59));
    assert_eq!(table.unread_at(), Some(START + 2 * SECOND), "the other one is tried again");
    assert_eq!(table.unread(START + 2 * SECOND), Some(far));
    assert_eq!((table.unread(START + 9 * SECOND), table.unread(START + 10 * SECOND)), (None, Some(far)));
    assert_eq!(
        (table.unread(START + 60 * SECOND), table.unread(START + 70 * SECOND)),
        (None, Some(far)),
        "once a minute"
    );
}

#[test]
fn b3_a_neighbour_that_cannot_be_read_costs_a_fifth_of_the_time_and_comes_last() {
    let mut table = Table::default();
    table.heard(START, source(1), beacon(1), Some(-20));
    assert_eq!(table.unread(START), Some((source(1), beacon(1).id)));
    table.tried_in_vain(START + 12 * SECOND, 12 * SECOND);
    table.heard(START + 13 * SECOND, source(2), beacon(2), Some(-90));
    assert_eq!((table.unread(START + 59 * SECOND), table.unread_at()), (None, Some(START + 60 * SECOND)));
    assert_eq!(table.unread(START + 60 * SECOND), Some((source(2), beacon(2).id)));
}

#[test]
fn b3_no_more_than_thirty_two_cards_are_tried_in_a_minute() {
    let mut table = Table::default();
    (0..200).for_each(|n| table.heard(START, source(n), beacon(1), None));
    let tried = (0..60 * SECOND).step_by(100).filter(|n| table.unread(START + n).is_some()).count();
    assert_eq!(tried, TRIES_A_MINUTE);
    assert_eq!(table.unread_at(), Some(START + 60 * SECOND));
    assert!(table.unread(START + 60 * SECOND).is_some());
}

#[test]
fn a_clock_that_was_set_back_silences_nobody() {
    let mut table = Table::default();
    table.heard(START, source(1), beacon(1), Some(-60));
    seen(&mut table, START).unwrap();
    table.read(START - 3_600 * SECOND, (source(1), beacon(1).id), card(-59));
    assert!(seen(&mut table, START - 3_600 * SECOND).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn b3_a_reader_that_follows_the_changes_knows_the_list(
        steps in prop::collection::vec((0u64..20_000, 0u32..12, 0u8..4, any::<i16>(), 0u8..6), 1..150),
    ) {
        let (mut table, mut known, mut now) = (Table::default(), BTreeSet::new(), START);
        let mut follow = |table: &mut Table, now: u64| {
            while let Some(change) = table.next(now) {
                match change {
                    Change::Seen(sighting) => drop(known.insert((sighting.source, sighting.id))),
                    Change::Gone(key) => assert!(known.remove(&key), "gone without having been seen"),
                }
            }
            known.clone()
        };
        for (pause, from, id, rssi, what) in steps {
            now += pause;
            match what {
                0..=2 => table.heard(now, source(from), beacon(id), Some(rssi)),
                3 => table.heard_again(now, source(from), Some(rssi)),
                4 => table.look(now, from % 2 == 0),
                _ => drop(table.keep(source(from), id % 2 == 0)),
            }
            table.age(now);
            if id == 0 {
                follow(&mut table, now);
            }
        }
        let told = follow(&mut table, now + 10 * SECOND);
        prop_assert_eq!(told, table.rows.keys().copied().collect::<BTreeSet<_>>());
    }
}

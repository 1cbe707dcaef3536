//! The list against repeats, floods and changing networks, with a clock by hand.

use super::*;
use crate::{
    interfaces::{Kind, Subnet},
    txt::VERSION,
};
use proptest::prelude::*;

fn id(n: u128) -> InstanceId {
    InstanceId::new(n.to_be_bytes())
}

fn network(net: &str) -> Vec<Interface> {
    let addrs = [(net, 16), ("fe80::1", 64), ("fd77::1", 64)];
    let addrs = addrs.map(|(ip, prefix)| Subnet { ip: ip.parse().unwrap(), prefix }).to_vec();
    vec![Interface { name: "eth0".into(), index: 2, addrs, kind: Kind::Wired, up: true, flaps: 0 }]
}

fn advert(n: u128, ips: &[&str]) -> Advert {
    let claims = ips.iter().map(|ip| Claim { ip: ip.parse().unwrap(), heard_on: vec![2] }).collect();
    let txt = Txt { version: VERSION, epoch: 1, rid: None, beacon: None, name: None, tags: vec![] };
    Advert { instance: id(n), port: 7_000, claims, txt }
}

fn list() -> Sightings {
    let mut list = Sightings::new(false);
    list.relink(0, network("10.0.0.1"));
    list
}

fn all(list: &mut Sightings, now: u64) -> Vec<Change> {
    std::iter::from_fn(|| list.next(now)).collect()
}

fn seen(changes: &[Change]) -> Vec<(InstanceId, usize)> {
    let seen = |c: &Change| match c {
        Change::Seen(s) => Some((s.instance, s.routes.len())),
        Change::Gone(_) => None,
    };
    changes.iter().filter_map(seen).collect()
}

#[test]
fn the_first_usable_address_is_told_at_once_and_more_of_them_a_second_later_in_one() {
    let mut list = list();
    list.heard(100, advert(1, &["10.0.0.9"]));
    assert_eq!((list.due(100), seen(&all(&mut list, 100))), (Some(0), vec![(id(1), 1)]));
    list.heard(120, advert(1, &["10.0.0.9", "fe80::9"]));
    list.heard(140, advert(1, &["10.0.0.9", "fe80::9", "fd77::9"]));
    list.heard(160, advert(1, &["fd77::9", "10.0.0.9", "fe80::9"]));
    assert_eq!((list.due(160), all(&mut list, 1_099)), (Some(1_100), vec![]));
    let changes = all(&mut list, 1_100);
    assert_eq!(seen(&changes), [(id(1), 3)]);
    let Some(Change::Seen(sighting)) = changes.first() else { panic!() };
    assert_eq!((sighting.first_heard, sighting.last_heard), (100, 160));
    assert_eq!((list.due(2_000), all(&mut list, 9_000)), (None, vec![]));
    list.heard(9_000, advert(1, &["10.0.0.9"]));
    list.heard(9_001, advert(1, &["10.0.0.9", "fe80::9", "fd77::9"]));
    assert_eq!(list.due(9_001), None, "what came and went unseen is no change");
}

#[test]
fn an_advert_without_a_usable_address_is_no_row_and_losing_the_last_one_ends_it() {
    let mut list = list();
    list.heard(0, advert(1, &["127.0.0.1", "192.168.7.7"]));
    assert!(list.is_empty());
    list.heard(0, advert(1, &["10.0.0.9"]));
    all(&mut list, 0);
    list.heard(1, advert(1, &["8.8.8.8"]));
    assert_eq!(all(&mut list, 1), [Change::Gone(id(1))]);
}

#[test]
fn our_own_adverts_are_not_on_the_list() {
    let mut list = list();
    list.heard(0, advert(1, &["10.0.0.9"]));
    all(&mut list, 0);
    list.own(id(1));
    list.heard(0, advert(1, &["10.0.0.9"]));
    assert_eq!((all(&mut list, 0), list.len()), (vec![Change::Gone(id(1))], 0));
    for n in 2..2 + MAX_OWN as u128 {
        list.own(id(n));
    }
    assert!(!list.is_own(id(1)) && list.is_own(id(2)));
}

#[test]
fn a_row_that_went_and_came_before_anybody_was_told_is_a_change_not_a_farewell() {
    let mut list = list();
    list.heard(0, advert(1, &["10.0.0.9"]));
    all(&mut list, 0);
    list.remove(id(1));
    list.heard(5, advert(1, &["10.0.0.8"]));
    assert_eq!(all(&mut list, 5), []);
    assert_eq!(seen(&all(&mut list, 1_000)), [(id(1), 1)]);
    list.heard(2_000, advert(2, &["10.0.0.7"]));
    list.remove(id(2));
    assert_eq!(all(&mut list, 2_000), [], "nobody knew of it");
}

#[test]
fn d1_ten_thousand_adverts_of_one_machine_push_out_nobody_else() {
    let mut list = list();
    for n in 0..40 {
        list.heard(0, advert(n, &[&format!("10.0.1.{}", n + 1)]));
    }
    for n in 0..10_000 {
        list.heard(1, advert(1_000 + n, &["10.0.6.6"]));
    }
    assert_eq!((list.len(), list.take_pushed_out()), (MAX_ROWS, false));
    for n in 50..60 {
        list.heard(2, advert(n, &[&format!("10.0.1.{}", n + 1)]));
    }
    let rows = seen(&all(&mut list, 2));
    assert_eq!(rows.len(), MAX_ROWS);
    assert_eq!(rows.iter().filter(|(i, _)| *i < id(1_000)).count(), 50, "the early and the late honest ones");
    assert!(list.take_pushed_out() && !list.take_pushed_out());
}

#[test]
fn d1_a_flood_from_invented_addresses_leaves_known_devices_and_shows_newcomers() {
    let mut list = list();
    list.heard(0, advert(1, &["10.0.0.9"]));
    assert!(list.keep(id(1), true));
    for n in 0..2_000u128 {
        list.heard(1 + n as u64, advert(100 + n, &[&format!("10.0.{}.{}", 10 + n / 250, 1 + n % 250)]));
    }
    list.heard(3_000, advert(2, &["10.0.0.8"]));
    let rows = seen(&all(&mut list, 3_000));
    assert_eq!(rows.len(), MAX_ROWS);
    assert!(rows.contains(&(id(1), 1)) && rows.contains(&(id(2), 1)));
}

#[test]
fn d1_copied_tags_cannot_keep_the_whole_list() {
    let mut list = list();
    for n in 0..300 {
        list.heard(0, advert(n, &["10.0.6.6"]));
        list.keep(id(n), true);
    }
    let kept = |l: &Sightings| l.rows.values().filter(|r| r.kept).count();
    assert_eq!(kept(&list), MAX_KEPT);
    assert!(!list.keep(id(299), true) && list.keep(id(0), true) && list.keep(id(0), false));
    list.heard(1, advert(1_000, &["10.0.0.9"]));
    assert_eq!((list.len(), list.rows.contains_key(&id(1_000))), (MAX_ROWS, true));
}

#[test]
fn another_network_ends_rows_of_the_old_one_and_a_silent_row_ends_with_the_round() {
    let mut list = list();
    list.heard(0, advert(1, &["10.0.0.9"]));
    list.heard(0, advert(2, &["10.0.0.8", "fd77::8"]));
    list.heard(0, advert(3, &["fd77::7"]));
    all(&mut list, 0);
    list.relink(5_000, network("172.16.0.1"));
    list.begin_round();
    list.heard(5_050, advert(3, &["fd77::7"]));
    let changes = all(&mut list, 5_100);
    assert_eq!((changes.len(), changes.contains(&Change::Gone(id(1))), seen(&changes)), (2, true, vec![(id(2), 1)]));
    list.sweep();
    assert_eq!(all(&mut list, 9_000), [Change::Gone(id(2))]);
    list.clear();
    assert_eq!(all(&mut list, 9_000), [Change::Gone(id(3))]);
}

#[test]
fn addresses_heard_in_an_earlier_round_are_believed_until_they_have_lapsed() {
    let mut list = list();
    list.heard(0, advert(1, &["10.0.0.9", "fd77::9"]));
    list.heard(0, advert(2, &["10.0.0.8", "fd77::8"]));
    all(&mut list, 0);
    list.begin_round();
    list.heard(2_000, advert(1, &["10.0.0.9"]));
    list.heard(2_000, advert(2, &["8.8.8.8"]));
    assert_eq!(all(&mut list, 2_000), []);
    list.sweep();
    assert_eq!(all(&mut list, 7_000), []);
    list.forget_earlier(122_000);
    let changes = all(&mut list, 122_000);
    assert_eq!((changes.contains(&Change::Gone(id(2))), seen(&changes)), (true, vec![(id(1), 1)]));
}

#[test]
fn a_clock_that_is_set_back_does_not_silence_a_row() {
    let mut list = list();
    list.heard(1_000_000, advert(1, &["10.0.0.9"]));
    all(&mut list, 1_000_000);
    list.heard(5, advert(1, &["10.0.0.8"]));
    assert_eq!((list.due(5), seen(&all(&mut list, 5))), (Some(0), vec![(id(1), 1)]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_reader_who_follows_the_changes_knows_the_list(
        steps in prop::collection::vec((0u8..5, 0u128..12, 0u8..4, 0u64..700), 1..200),
    ) {
        let mut list = list();
        let mut told: BTreeMap<InstanceId, Vec<SocketAddr>> = BTreeMap::new();
        let mut last: BTreeMap<InstanceId, u64> = BTreeMap::new();
        let mut now = 0;
        let end = (0u8, 0u128, 9u8, 5_000u64);
        for (what, who, address, pause) in steps.into_iter().chain([end]) {
            match (what, address) {
                (_, 9) => {}
                (0..3, _) => list.heard(now, advert(who, &[&format!("10.0.0.{}", 9 + address)])),
                (3, _) => list.remove(id(who)),
                _ => { list.keep(id(who), address > 1); }
            }
            now += pause;
            while let Some(change) = list.next(now) {
                match change {
                    Change::Seen(s) => {
                        let before = last.insert(s.instance, now);
                        prop_assert!(before.is_none_or(|b| now >= b + CHANGE_EVERY));
                        told.insert(s.instance, s.routes);
                    }
                    Change::Gone(i) => {
                        prop_assert!(told.remove(&i).is_some(), "gone without having been seen");
                        last.remove(&i);
                    }
                }
            }
        }
        let rows: BTreeMap<_, _> = list.rows.iter().map(|(i, r)| (*i, r.sighting.routes.clone())).collect();
        prop_assert_eq!(told, rows);
    }
}

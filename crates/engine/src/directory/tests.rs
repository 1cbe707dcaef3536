//! The list of devices, with a hand clock.

use super::*;
use crate::store::Person;
use hither_model::Verified;
use hither_protocol::rendezvous::PairKey;

const ANA: PeerId = PeerId::new([1; 32]);

fn people() -> People {
    let mut people = People::default();
    people.insert(
        ANA,
        Person {
            name: DisplayName::new("Ana").unwrap(),
            trust: Trust::Verified,
            verified: Verified::Code,
            pair_key: Some(PairKey::new([9; 32])),
            since: 0,
            last_seen: 0,
            routes: vec!["10.0.0.9:9".parse().unwrap()],
            always: false,
            certified: None,
            identity: None,
            radio: None,
            web: None,
            heir: None,
            told_heir: None,
        },
    );
    people
}

fn advert(n: u8, name: Option<&str>) -> Advert {
    Advert {
        instance: InstanceId::new([n; 16]),
        epoch: 5,
        rid: Some(Rid::new([n; 16])),
        beacon: None,
        name: name.map(|n| DisplayName::new(n).unwrap()),
        tags: vec![],
        routes: vec![format!("10.0.0.{n}:7000").parse().unwrap()],
    }
}

fn anas_advert(n: u8) -> Advert {
    let key = PairKey::new([9; 32]);
    Advert { tags: vec![[0; 8], rendezvous::tag(&key, 5, &ANA)], name: None, ..advert(n, None) }
}

#[test]
fn a_known_device_is_one_row_under_its_own_name_however_many_adverts_are_heard() {
    let (people, mut directory) = (people(), Directory::default());
    directory.heard(anas_advert(2), &people);
    directory.heard(anas_advert(3), &people);
    directory.called(ANA, "10.0.0.2:7000".parse().unwrap(), 1);
    let changes = directory.changes(&people, 1);
    let [Change::Added(row)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((row.name.as_str(), row.trust, row.presence), ("Ana", Trust::Verified, Presence::Near));
    assert_eq!(row.routes, ["10.0.0.2:7000", "10.0.0.3:7000"]);
    assert_eq!(row.media, [Medium::Mdns, Medium::Route]);
}

#[test]
fn d5_a_copied_tag_adds_a_route_to_try_but_changes_nothing_that_is_stored() {
    let (people, mut directory) = (people(), Directory::default());
    directory.heard(Advert { routes: vec!["10.6.6.6:6".parse().unwrap()], ..anas_advert(6) }, &people);
    let reach = directory.reach(&DeviceId::Met(ANA), &people).unwrap();
    assert_eq!(reach.routes, ["10.6.6.6:6".parse().unwrap(), "10.0.0.9:9".parse().unwrap()]);
    assert_eq!(people.find(&ANA).unwrap().routes, ["10.0.0.9:9".parse().unwrap()]);
}

#[test]
fn d6_a_goodbye_leaves_a_connected_peer_in_the_list() {
    let (people, mut directory) = (people(), Directory::default());
    directory.heard(anas_advert(2), &people);
    directory.connected(ANA, Some("10.0.0.2:7000".parse().unwrap()));
    directory.changes(&people, 1);
    directory.lost(&InstanceId::new([2; 16]));
    assert!(
        matches!(directory.changes(&people, 2).as_slice(), [Change::Updated(row)] if row.presence == Presence::Near)
    );
}

#[test]
fn d7_a_stranger_with_a_friends_name_is_marked_as_resembling_them() {
    let (people, mut directory) = (people(), Directory::default());
    directory.heard(advert(4, Some("ana")), &people);
    directory.changes(&people, 1);
    let rows = directory.rows();
    assert_eq!((rows[0].trust, rows[0].resembles.as_deref()), (Trust::New, Some("Ana")));
}

#[test]
fn a_device_that_does_not_answer_fades_at_once_and_is_near_again_when_heard_again() {
    let (people, mut directory) = (people(), Directory::default());
    directory.heard(advert(2, Some("Bo")), &people);
    directory.changes(&people, 1);
    let bo = directory.find("Bo").unwrap();
    directory.failed(&bo);
    assert!(matches!(directory.changes(&people, 2).as_slice(), [Change::Updated(r)] if r.presence == Presence::Fading));
    directory.heard(advert(2, Some("Bo")), &people);
    assert!(matches!(directory.changes(&people, 3).as_slice(), [Change::Updated(r)] if r.presence == Presence::Near));
    directory.lost(&InstanceId::new([2; 16]));
    assert!(matches!(directory.changes(&people, 4).as_slice(), [Change::Removed(r)] if r.presence == Presence::Gone));
}

#[test]
fn a_call_keeps_a_device_near_for_two_minutes() {
    let (people, mut directory) = (people(), Directory::default());
    directory.called(ANA, "10.0.0.2:7000".parse().unwrap(), 1_000);
    assert_eq!(directory.changes(&people, 1_000).len(), 1);
    assert_eq!(directory.deadline(), Some(121_000));
    assert!(matches!(directory.changes(&people, 121_000).as_slice(), [Change::Removed(_)]));
}

#[test]
fn a_name_shared_by_two_devices_is_ambiguous_and_an_id_is_not() {
    let (people, mut directory) = (people(), Directory::default());
    directory.heard(advert(2, Some("Bo")), &people);
    directory.heard(advert(3, Some("Bo")), &people);
    directory.changes(&people, 1);
    assert_eq!(directory.find("Bo").unwrap_err().len(), 2);
    assert_eq!(directory.find("0303"), Ok(DeviceId::Passing(InstanceId::new([3; 16]))));
    assert_eq!(directory.find("03"), Err(directory.rows()), "four digits at least");
}

#[test]
fn a_device_that_is_changing_its_advert_is_found_under_the_new_one() {
    let (people, mut directory) = (people(), Directory::default());
    directory.heard(advert(2, Some("Bo")), &people);
    let routes = advert(2, None).routes;
    directory.heard(Advert { routes, ..advert(1, Some("Bo")) }, &people);
    directory.changes(&people, 1);
    assert_eq!(directory.find("Bo"), Ok(DeviceId::Passing(InstanceId::new([1; 16]))));
}

#[test]
fn a_blocked_device_is_not_shown() {
    let (mut people, mut directory) = (people(), Directory::default());
    people.find_mut(&ANA).unwrap().trust = Trust::Blocked;
    directory.called(ANA, "10.0.0.2:7000".parse().unwrap(), 1);
    directory.heard(anas_advert(2), &people);
    let rows = directory.changes(&people, 1);
    assert!(
        !rows.iter().any(|c| matches!(c, Change::Added(r) if r.name == "Ana" && r.trust == Trust::Verified)),
        "{rows:?}"
    );
}

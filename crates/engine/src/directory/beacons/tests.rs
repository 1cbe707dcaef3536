//! What the radio adds to the list of devices.

use super::*;
use crate::{directory::Advert, directory::Change, store::Person};
use hither_discovery::ble::{BeaconId, Card};
use hither_model::{DisplayName, Nearness, Rid, Verified};
use hither_protocol::{ResolvingKey, rendezvous::PairKey};

const ANA: PeerId = PeerId::new([1; 32]);
const EPOCH: u32 = 5;

fn radio(n: u8) -> RadioAddress {
    RadioAddress::new([0xc0, 0, 0, 0, 0, n])
}

fn key() -> ResolvingKey {
    ResolvingKey::new([8; 32])
}

fn people() -> People {
    let mut people = People::default();
    let ana = Person {
        name: DisplayName::new("Ana").unwrap(),
        trust: Trust::Verified,
        verified: Verified::Code,
        pair_key: Some(PairKey::new([9; 32])),
        since: 0,
        last_seen: 0,
        routes: vec![],
        always: false,
        certified: None,
        identity: None,
        radio: Some(key()),
        web: None,
        heir: None,
        told_heir: None,
    };
    people.insert(ANA, ana);
    people
}

fn heard(n: u8, id: [u8; 8]) -> Sighting {
    Sighting {
        source: radio(n),
        id: Some(BeaconId(id)),
        open: true,
        rssi: Some(-50),
        nearness: Some(Nearness::Near),
        metres: Some(1.5),
        card: None,
        first_heard: 1,
        last_heard: u64::from(n),
    }
}

fn card(instance: Option<u8>) -> Option<Card> {
    let name = DisplayName::new("Bo").ok();
    let instance = instance.map(|n| InstanceId::new([n; 16]));
    Some(Card { version: 1, power: -59, epoch: EPOCH, name, instance, rid: Some(Rid::new([7; 16])), tags: vec![] })
}

fn on_the_network(n: u8, beacon: Option<[u8; 8]>) -> Advert {
    Advert {
        instance: InstanceId::new([n; 16]),
        epoch: EPOCH,
        rid: Some(Rid::new([n; 16])),
        beacon,
        name: DisplayName::new("Bo").ok(),
        tags: vec![],
        routes: vec![format!("10.0.0.{n}:7000").parse().unwrap()],
    }
}

fn rows(directory: &mut Directory, people: &People) -> Vec<PeerRow> {
    directory.changes(people, 1);
    directory.rows()
}

#[test]
fn a_friend_is_recognised_by_its_id_alone_and_is_the_row_that_was_there() {
    let (people, mut directory) = (people(), Directory::default());
    directory.called(ANA, "10.0.0.2:7000".parse().unwrap(), 1);
    let fresh = directory.beamed(heard(1, key().beacon_id(EPOCH, [1, 2, 3])), &people, EPOCH + 1);
    assert!(fresh, "a clock that is a little behind does no harm");
    let rows = rows(&mut directory, &people);
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.name.as_str(), row.nearness, row.rssi), ("Ana", Some(Nearness::Near), Some(-50)));
    assert_eq!(row.media, [Medium::Route, Medium::Ble]);
    assert!(!directory.beamed(heard(1, key().beacon_id(EPOCH, [1, 2, 3])), &people, EPOCH));
}

#[test]
fn r2_14_a_stranger_heard_on_the_network_and_by_radio_is_one_row_when_each_names_the_other() {
    let (people, mut directory) = (people(), Directory::default());
    directory.heard(on_the_network(2, Some([4; 8])), &people);
    directory.beamed(Sighting { card: card(Some(2)), ..heard(1, [4; 8]) }, &people, EPOCH);
    let both = rows(&mut directory, &people);
    let [row] = both.as_slice() else { panic!("{both:?}") };
    assert_eq!((row.media.as_slice(), row.routes.len()), (&[Medium::Mdns, Medium::Ble][..], 1));
    directory.lost(&InstanceId::new([2; 16]));
    let alone = rows(&mut directory, &people);
    assert_eq!((alone.len(), alone[0].media.as_slice()), (1, &[Medium::Ble][..]), "the radio still hears it");
    directory.faded(&radio(1));
    assert!(rows(&mut directory, &people).is_empty());
}

#[test]
fn r2_14_a_claim_of_one_side_joins_and_hides_nothing() {
    let people = people();
    for (named_on_network, named_on_card) in
        [(None, Some(2)), (Some([4; 8]), None), (Some([5; 8]), Some(2)), (Some([4; 8]), Some(3))]
    {
        let mut directory = Directory::default();
        directory.heard(on_the_network(2, named_on_network), &people);
        directory.beamed(Sighting { card: card(named_on_card), ..heard(1, [4; 8]) }, &people, EPOCH);
        assert_eq!(rows(&mut directory, &people).len(), 2, "{named_on_network:?} {named_on_card:?}");
    }
}

#[test]
fn b6_a_neighbour_that_repeats_an_advert_makes_no_row_and_takes_the_nearness_away() {
    let (people, mut directory) = (people(), Directory::default());
    let id = key().beacon_id(EPOCH, [1, 2, 3]);
    directory.beamed(heard(1, id), &people, EPOCH);
    directory.beamed(Sighting { rssi: Some(-20), nearness: Some(Nearness::Touching), ..heard(2, id) }, &people, EPOCH);
    let doubled = rows(&mut directory, &people);
    let [row] = doubled.as_slice() else { panic!("{doubled:?}") };
    assert_eq!((row.nearness, row.rssi, row.metres), (None, None, None));
    assert_eq!(directory.nearness(&DeviceId::Met(ANA)), None);
    directory.faded(&radio(2));
    assert_eq!(rows(&mut directory, &people)[0].nearness, Some(Nearness::Near));
}

#[test]
fn b6_an_advert_that_is_repeated_for_an_hour_is_nobodys_any_more() {
    let (people, mut directory) = (people(), Directory::default());
    let (id, old_card) = (key().beacon_id(EPOCH, [1, 2, 3]), tagged(EPOCH));
    for epoch in EPOCH..EPOCH + 4 {
        directory.beamed(Sighting { card: old_card.clone(), ..heard(1, id) }, &people, epoch);
        let name = rows(&mut directory, &people)[0].name.clone();
        assert_eq!(name == "Ana", epoch < EPOCH + 3, "{epoch}: {name}");
    }
}

/// A card of Ana's with her tag for Bo.
fn tagged(epoch: u32) -> Option<Card> {
    let tag = rendezvous::tag(&PairKey::new([9; 32]), epoch, &ANA);
    Some(Card { epoch, tags: vec![tag; 8], name: None, instance: None, rid: None, version: 1, power: -59 })
}

#[test]
fn a_friend_whose_key_is_not_known_is_recognised_by_the_tags_on_its_card() {
    let (mut people, mut directory) = (people(), Directory::default());
    people.find_mut(&ANA).unwrap().radio = None;
    directory.beamed(heard(1, [4; 8]), &people, EPOCH);
    assert_eq!(rows(&mut directory, &people)[0].trust, Trust::New);
    directory.beamed(Sighting { card: tagged(EPOCH), ..heard(1, [4; 8]) }, &people, EPOCH);
    assert_eq!(rows(&mut directory, &people)[0].name, "Ana");
}

#[test]
fn a_device_that_changed_its_address_is_one_row_and_as_near_as_it_is_now() {
    let (people, mut directory) = (people(), Directory::default());
    directory.beamed(heard(1, key().beacon_id(EPOCH, [1, 2, 3])), &people, EPOCH);
    let now = Sighting { nearness: Some(Nearness::InRange), ..heard(2, key().beacon_id(EPOCH, [4, 5, 6])) };
    directory.beamed(now, &people, EPOCH);
    let rows = rows(&mut directory, &people);
    assert_eq!((rows.len(), rows[0].nearness), (1, Some(Nearness::InRange)));
}

#[test]
fn a_stranger_that_shows_itself_to_nobody_here_has_no_row() {
    let (people, mut directory) = (people(), Directory::default());
    directory.beamed(Sighting { open: false, ..heard(1, [4; 8]) }, &people, EPOCH);
    assert!(rows(&mut directory, &people).is_empty());
    directory.beamed(heard(2, [5; 8]), &people, EPOCH);
    let rows = rows(&mut directory, &people);
    assert_eq!((rows.len(), rows[0].trust, rows[0].routes.len()), (1, Trust::New, 0));
    let reach = directory.reach(&directory.find(&rows[0].peer).unwrap(), &people).unwrap();
    assert_eq!((reach.radio, reach.routes, reach.rid), (vec![radio(2)], vec![], None), "no card, no way in");
}

#[test]
fn two_radios_of_strangers_are_two_rows_whatever_their_cards_say() {
    let (people, mut directory) = (people(), Directory::default());
    directory.beamed(Sighting { card: card(Some(2)), ..heard(1, [4; 8]) }, &people, EPOCH);
    directory.beamed(Sighting { card: card(Some(2)), ..heard(2, [5; 8]) }, &people, EPOCH);
    assert_eq!(rows(&mut directory, &people).len(), 2);
}

#[test]
fn the_nearest_come_first() {
    let (people, mut directory) = (people(), Directory::default());
    directory.beamed(heard(1, key().beacon_id(EPOCH, [1, 2, 3])), &people, EPOCH);
    directory.beamed(
        Sighting { nearness: Some(Nearness::Touching), card: card(None), ..heard(2, [5; 8]) },
        &people,
        EPOCH,
    );
    let names: Vec<String> = rows(&mut directory, &people).into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["Bo", "Ana"]);
}

#[test]
fn who_is_blocked_is_not_shown_by_radio_either() {
    let (mut people, mut directory) = (people(), Directory::default());
    directory.beamed(heard(1, key().beacon_id(EPOCH, [1, 2, 3])), &people, EPOCH);
    let changes = directory.changes(&people, 1);
    assert!(matches!(changes.as_slice(), [Change::Added(_)]));
    people.find_mut(&ANA).unwrap().trust = Trust::Blocked;
    directory.people_changed(&people, EPOCH);
    let rows = rows(&mut directory, &people);
    assert!(rows.iter().all(|row| row.name != "Ana"), "{rows:?}");
}

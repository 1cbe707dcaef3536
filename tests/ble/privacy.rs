//! An hour of adverts as a stranger hears them, and as a friend does. The machine skips the time in which nothing happens,
//! so this is an hour of the guest's clocks, the one that jumps and the one that does not: kernel, bluetoothd and the
//! agents live through all of it, and nothing is shortened.

use crate::{
    agents::meet,
    rig::{Addresses, PATIENTLY, Person, Room, Row, scenario},
};
use hither_discovery::ble::beacon::SERVICE_UUID;
use hither_tests::{
    ble::air::Order,
    events::{kind, number, text},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How often the friend looks who is near, seconds of the guest, and how many times. Together more than an hour.
const LOOK_EVERY: &str = "800";
const LOOKS: usize = 5;

/// The friend's list holds the one person and nobody else: were the present id not understood, a stranger would be on it.
fn only_row(of: &Person) -> Row {
    let _ = of.sees("somebody", |v| kind(v) == "peer-added" || kind(v) == "peer");
    let rows = of.rows(&["near"]);
    let mut near: Vec<Row> = rows.into_iter().filter(|row| kind(row) == "peer").collect();
    assert_eq!(near.len(), 1, "{near:?}");
    near.remove(0)
}

/// Where the id is among the hexadecimal digits of an advert.
fn id_of(data: &str) -> std::ops::Range<usize> {
    let service: Vec<String> = SERVICE_UUID.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let after = data.find(&service.concat()).expect("the service") + 32 + 2;
    after..after + 16
}

#[test]
fn in_an_hour_of_adverts_nothing_links_two_periods_for_a_stranger_and_a_friend_knows_each() {
    scenario(|| {
        let Some(mut room) = Room::hurried(2, Addresses::Private) else { return };
        let (ana, ben) = (room.person("Ana", 0, None), room.person("Ben", 1, None));
        let (_a, _) = ana.agent(&[]);
        let (_b, _) = ben.agent(&[]);
        let accepted = meet(&ana, &ben, "Ben");
        assert_eq!(kind(&accepted), "accepted", "{accepted}");
        ana.rows(&["close", text(&accepted, "session")]);
        let friend = text(&only_row(&ben), "peer").to_owned();
        room.order(&Order::Overhear);
        for _ in 0..LOOKS {
            let slept = room.machine.start(&["sleep", LOOK_EVERY], &[]).end(2 * PATIENTLY);
            assert_eq!(slept.code, Some(0), "{}", slept.errors);
            let row = only_row(&ben);
            assert_eq!((text(&row, "peer"), text(&row, "name")), (&*friend, "Ana"), "{row}");
        }
        let _ = room.air.events.during(Duration::from_secs(1));
        let packets: Vec<Row> = room.air.events.seen().iter().filter(|v| kind(v) == "overheard").cloned().collect();
        judge(&room, &packets);
    });
}

/// What a stranger makes of it.
fn judge(room: &Room, packets: &[Row]) {
    let mut others = BTreeSet::new();
    for by in 0..2 {
        let sent: Vec<&Row> = packets.iter().filter(|v| number(v, "by") == by as u64).collect();
        let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut addresses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for packet in &sent {
            let (data, address) = (text(packet, "data"), text(packet, "address"));
            let id = &data[id_of(data)];
            ids.entry(id).or_default().insert(address);
            addresses.entry(address).or_default().insert(id);
            // A private address that only who holds a key of the system's resolves: 01 in its highest bits.
            let high = u8::from_str_radix(&address[..2], 16).expect("an address");
            assert!(packet["random"] == true && high >> 6 == 1 && address != room.address(by), "{packet}");
            others.insert((data.replace(id, "<id>"), text(packet, "response").to_owned(), number(packet, "kind")));
        }
        // All of it, in the order in which it was heard: when one is missing, the other's changes tell how far time went.
        assert!(ids.len() >= 4, "periods in an hour of device {by}: {packets:#?}");
        let alone = |of: &BTreeMap<&str, BTreeSet<&str>>| of.values().all(|with| with.len() == 1);
        assert!(alone(&ids) && alone(&addresses), "id and address change in one instant: {sent:#?}");
        // Nor is there anything of an id in another one, as a counter would leave it.
        for place in 0..8 {
            let at: BTreeSet<&str> = ids.keys().map(|id| &id[place * 2..place * 2 + 2]).collect();
            assert!(at.len() > 1, "byte {place} of the id never changes: {ids:?}");
        }
    }
    // All the rest is the same for both, so it tells nobody from anybody.
    assert_eq!(others.len(), 1, "{others:?}");
}

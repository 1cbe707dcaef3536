//! Neighbours that are no friends: adverts out of shape, copied ones, and very many.

use crate::rig::{PATIENTLY, Room, Row, scenario};
use hither_discovery::ble::beacon::DOOR_UUID;
use hither_tests::{
    ble::air::Order,
    events::{kind, text},
};
use std::collections::BTreeSet;

/// Waits until `count` sources whose addresses begin so are heard, and gives them.
fn heard(scan: &mut hither_tests::ble::Process, prefix: &str, count: usize) -> BTreeSet<String> {
    let sources = std::cell::RefCell::new(BTreeSet::new());
    scan.wait_for("all of them", PATIENTLY, |v: &Row| {
        let source = text(v, "source").to_uppercase();
        if kind(v) == "seen" && source.starts_with(prefix) {
            sources.borrow_mut().insert(source);
        }
        sources.borrow().len() >= count
    });
    sources.into_inner()
}

fn neighbour(name: &str, last: u8, data: &str) -> Order {
    Order::Neighbour {
        name: name.to_owned(),
        address: format!("C0:00:00:00:00:{last:02X}"),
        kind: 3,
        data: data.to_owned(),
        rssi: -60,
    }
}

/// A good advert of somebody else's, as it is on the air.
fn example(room: &mut Room) -> String {
    let shows = room.probe("advertise", 0, &["broadcast"]);
    let advert = room.advert(0);
    shows.type_in(b"stop\n");
    room.air.wait_for("its silence", PATIENTLY, |v| kind(v) == "silent");
    text(&advert, "data").to_owned()
}

#[test]
fn twenty_devices_at_once_are_all_heard() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let good = example(&mut room);
        let mut scan = room.probe("scan", 1, &[]);
        for last in 1..=20 {
            room.order(&neighbour(&format!("n{last}"), last, &other_id(&good, last)));
        }
        heard(&mut scan, "C0:00", 20);
    });
}

/// The same advert with another id: the eight bytes before the last of the service data.
fn other_id(good: &str, number: u8) -> String {
    let id = good.find("1b21").expect("service data") + 4 + 32 + 2;
    let mut data = good.to_owned();
    data.replace_range(id..id + 16, &format!("{number:02x}").repeat(8));
    data
}

#[test]
fn b1_adverts_out_of_shape_are_passed_over_and_the_good_one_is_heard() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let good = example(&mut room);
        let at = good.find("1b21").expect("service data");
        let service = &good[at..at + 56];
        let mut scan = room.probe("scan", 1, &[]);
        let bad = [
            String::new(),
            "00".repeat(31),
            "ff".repeat(31),
            // A length that reaches past the end, data one byte short, one too long, none, and another version.
            format!("1e{}", &service[2..]),
            format!("1a{}", &service[2..54]),
            format!("1c{}00", &service[2..]),
            format!("1121{}", &service[4..36]),
            format!("1b21{}f0{}", &service[4..36], &service[38..]),
        ];
        for (number, data) in (1..).zip(&bad) {
            room.order(&neighbour(&format!("bad{number}"), number, data));
        }
        room.order(&neighbour("good", 0x99, &other_id(&good, 0x99)));
        let sources = heard(&mut scan, "C0:00:00:00:00:99", 1);
        assert_eq!(sources.len(), 1);
        // All were on the air at the same time, so whoever would be taken for a device was by now.
        let seen: Vec<Row> = scan.events.seen().to_vec();
        let wrong: Vec<&Row> = seen
            .iter()
            .filter(|v| kind(v) == "seen" && !text(v, "source").ends_with("99") && !v["id"].is_null())
            .collect();
        assert_eq!(wrong, [] as [&Row; 0]);
    });
}

#[test]
fn a_copied_advert_is_another_source_and_does_not_hide_the_first() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let _shows = room.probe("advertise", 0, &["name=Ana"]);
        let advert = room.advert(0);
        let mut scan = room.probe("scan", 1, &[]);
        room.order(&neighbour("copy", 0x66, text(&advert, "data")));
        heard(&mut scan, "C0:00:00:00:00:66", 1);
        let own = room.address(0).to_owned();
        scan.wait_for("the first", PATIENTLY, |v| text(v, "source").to_uppercase() == own && !v["card"].is_null());
    });
}

#[test]
fn b3_a_flood_of_adverts_does_not_hide_who_is_there() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let good = example(&mut room);
        let mut scan = room.probe("scan", 1, &[]);
        room.air.wait_for("a scan", PATIENTLY, |v| kind(v) == "scan" && v["on"] == true);
        let at = good.find("1b21").expect("service data") + 4 + 32 + 2;
        let mut data = good.clone();
        data.replace_range(at..at + 2, "ii");
        for _ in 0..10 {
            room.order(&Order::Flood { count: 100, data: data.clone() });
            room.air.wait("flooded");
        }
        room.order(&neighbour("good", 0x99, &other_id(&good, 0x99)));
        heard(&mut scan, "C0:00:00:00:00:99", 1);
    });
}

#[test]
fn b4_writes_too_long_or_in_pieces_are_refused_and_the_door_still_opens() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let rid = "000102030405060708090a0b0c0d0e0f";
        let _shows = room.probe("advertise", 0, &["name=Ana", &format!("rid={rid}")]);
        room.advert(0);
        let (own, other) = (room.address(1).to_owned(), room.address(0).to_owned());
        let mut by_hand = room.machine.start(&["bluetoothctl"], &[]);
        by_hand.type_in(format!("select {own}\nmenu scan\ntransport le\nback\nscan on\n").as_bytes());
        by_hand.wait_text(&format!("Device {other}"));
        by_hand.type_in(format!("connect {other}\n").as_bytes());
        by_hand.wait_text("ServicesResolved: yes");
        let door = format!("{DOOR_UUID:032x}");
        let (a, b, c, d, e) = (&door[..8], &door[8..12], &door[12..16], &door[16..20], &door[20..]);
        by_hand.type_in(format!("scan off\nmenu gatt\nselect-attribute {a}-{b}-{c}-{d}-{e}\n").as_bytes());
        // In one piece, in prepared pieces, and from an offset on: past the limit, past any value, and the right length.
        for (bytes, how) in [(100, ""), (400, " 0 reliable"), (512, " 0 request"), (15, ""), (8, " 8 reliable")] {
            let value = vec!["0x01"; bytes].join(" ");
            by_hand.type_in(format!("write \"{value}\"{how}\n").as_bytes());
            by_hand.wait_text("Failed to write");
        }
        by_hand.type_in(format!("back\ndisconnect {other}\n").as_bytes());
        by_hand.wait_text("uccessful disconnected");
        let mut knock = room.probe("knock", 1, &["any", rid]);
        let told = knock.wait_for("routes", PATIENTLY, |v| matches!(kind(v), "routes" | "error"));
        assert_eq!(told["routes"]["port"], 7777, "{told}");
    });
}

//! Discovery by radio, as its library does it: adverts, cards, doors and channels between two real hosts' stacks.

use crate::rig::{Addresses, PATIENTLY, Room, scenario};
use hither_tests::{
    ble::air::Order,
    events::{kind, text},
};
use std::collections::BTreeSet;

/// The sixteen bytes that open the probe's door.
const RID: &str = "000102030405060708090a0b0c0d0e0f";

#[test]
fn a_device_is_heard_its_card_is_read_and_it_tells_nothing_else_on_the_air() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let mut shows = room.probe("advertise", 0, &["name=Ana"]);
        shows.wait("announced");
        let advert = room.advert(0);
        // Flags, and ten bytes of service data under our own 128-bit UUID: 3 + 2 + 16 + 10 = 31 bytes, and no name.
        let data = text(&advert, "data");
        assert_eq!(data.len(), 62, "{advert}");
        assert!(data.contains("1b21") && data.contains("0201"), "{advert}");
        let mut scan = room.probe("scan", 1, &[]);
        let seen = scan.wait_for("the card", PATIENTLY, |v| kind(v) == "seen" && !v["card"].is_null());
        assert_eq!(text(&seen["card"], "name"), "Ana");
        assert_eq!(text(&seen, "source").to_uppercase(), room.address(0));
    });
}

#[test]
fn routes_are_told_to_who_holds_the_value_of_the_moment_and_to_nobody_else() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let rid = format!("rid={RID}");
        let _shows = room.probe("advertise", 0, &["name=Ana", &rid]);
        room.advert(0);
        let mut knock = room.probe("knock", 1, &["any", RID]);
        let told = knock.wait_for("routes", PATIENTLY, |v| matches!(kind(v), "routes" | "error"));
        assert_eq!(told["routes"]["port"], 7777, "{told}");
        drop(knock);
        let mut stranger = room.probe("knock", 1, &["any", "ff0102030405060708090a0b0c0d0e0f"]);
        let told = stranger.wait_for("a refusal", PATIENTLY, |v| matches!(kind(v), "routes" | "error"));
        assert_eq!(kind(&told), "error", "{told}");
    });
}

#[test]
fn an_advert_that_nobody_may_connect_to_takes_a_new_address_with_each_new_id() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let mut shows = room.probe("advertise", 0, &["broadcast"]);
        let mut pairs = BTreeSet::new();
        for _ in 0..4 {
            let advert = room.advert(0);
            assert_eq!((advert["random"].as_bool(), advert["connectable"].as_bool()), (Some(true), Some(false)));
            pairs.insert((text(&advert, "address").to_owned(), text(&advert, "data").to_owned()));
            shows.wait("announced");
            shows.type_in(b"rotate\n");
        }
        let addresses: BTreeSet<_> = pairs.iter().map(|(address, _)| address).collect();
        let ids: BTreeSet<_> = pairs.iter().map(|(_, data)| data).collect();
        assert_eq!((addresses.len(), ids.len(), pairs.len()), (4, 4, 4), "{pairs:?}");
    });
}

#[test]
fn a_channel_carries_bytes_both_ways_between_two_radios() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let rid = format!("rid={RID}");
        let mut shows = room.probe("advertise", 0, &["name=Ana", &rid]);
        room.advert(0);
        let mut pipe = room.probe("pipe", 1, &["any", RID, "100000"]);
        let told = pipe.wait_for("the echo", PATIENTLY, |v| matches!(kind(v), "echoed" | "error"));
        assert_eq!(kind(&told), "echoed", "{told}\n{}\n{}", shows.said(), pipe.errors());
        shows.wait("arrived");
    });
}

#[test]
fn nearness_follows_how_loud_it_is() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let _shows = room.probe("advertise", 0, &["name=Ana"]);
        room.advert(0);
        let mut scan = room.probe("scan", 1, &[]);
        for (rssi, word) in [(-40, "touching"), (-65, "near"), (-90, "in-range"), (-40, "touching")] {
            room.order(&Order::Loudness { of: 0, at: 1, rssi: Some(rssi) });
            scan.wait_for(word, PATIENTLY, |v| kind(v) == "seen" && text(v, "nearness") == word);
        }
        room.order(&Order::Loudness { of: 0, at: 1, rssi: None });
        scan.wait_for("its going", PATIENTLY, |v| kind(v) == "gone");
    });
}

#[test]
fn r2_7_who_is_withdrawn_sends_nothing() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let shows = room.probe("advertise", 0, &["name=Ana"]);
        room.advert(0);
        shows.type_in(b"stop\n");
        room.air.wait_for("its silence", PATIENTLY, |v| kind(v) == "silent");
        assert_eq!(shows.end(PATIENTLY).code, Some(0));
        let before = room.packets();
        // The program is gone: what it left behind in bluetoothd would show at once.
        let heard = room.air.events.during(std::time::Duration::from_secs(5));
        assert_eq!(heard, [] as [serde_json::Value; 0]);
        assert_eq!(room.packets(), before);
    });
}

#[test]
fn with_private_addresses_no_advert_shows_the_adapters_own() {
    scenario(|| {
        let Some(mut room) = Room::furnished(2, Addresses::Private) else { return };
        let _shows = room.probe("advertise", 0, &["name=Ana"]);
        let advert = room.advert(0);
        assert_eq!(advert["random"].as_bool(), Some(true), "{advert}");
        assert_ne!(text(&advert, "address"), room.address(0));
    });
}

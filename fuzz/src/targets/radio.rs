//! What is heard by Bluetooth LE: adverts, and what a neighbour answers over GATT. The first byte says which.

use hither_discovery::ble::{Beacon, BeaconId, Card, Routes, beacon};
use hither_model::{DisplayName, InstanceId, Rid};

/// An advert, a card, or routes.
pub(crate) fn radio(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 3 {
        0 => {
            let Some(heard) = Beacon::parse(bytes) else { return };
            let id = heard.id.expect("service data has an id");
            assert_eq!(Beacon::parse(&beacon::encode(id, heard.open)), Some(heard), "what was heard can be sent");
        }
        1 => {
            let Ok(card) = Card::parse(bytes) else { return };
            assert!(card.tags.len() <= 32 && bytes.len() <= 512);
        }
        _ => {
            let Ok(routes) = Routes::parse(bytes) else { return };
            assert!(routes.addresses.len() <= 8);
            assert!(routes.network.as_ref().is_none_or(|name| name.len() <= 32));
        }
    }
}

pub(crate) fn radio_seeds() -> Vec<Vec<u8>> {
    let of = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    let name = DisplayName::new("Ana").ok();
    let (instance, rid) = (Some(InstanceId::new([2; 16])), Some(Rid::new([3; 16])));
    let card = Card { version: 1, power: -59, epoch: 1_951_111, name, instance, rid, tags: vec![[6; 8]; 8] };
    let addresses = ["192.168.1.20", "fd77::1"].map(|ip| ip.parse().expect("an address")).to_vec();
    let routes = Routes { port: 7_777, addresses, psm: Some(0x81), network: Some("office".into()) };
    vec![
        of(0, &beacon::encode(BeaconId([1; 8]), true)),
        of(1, &card.encode().expect("8 tags are shown")),
        of(2, &routes.encode().expect("these can be told")),
    ]
}

//! Real multicast DNS between devices in this process, on the loopback interface only.
//!
//! Tests run side by side on one loopback interface and hear each other, so each looks at its own labels only.

mod packets;

use hither_capability::{Capability, Gate, Manifest};
use hither_discovery::{Announcement, DiscoveryError, Event, InterfaceRule, Mdns, Sighting, Txt, txt::VERSION};
use hither_model::{DisplayName, InstanceId, MediumState, Rid};
use std::{collections::BTreeSet, time::Duration};
use tokio::{sync::mpsc, time::timeout};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

type Record<'a> = &'a [&'a [u8]];

fn gate() -> Gate {
    Gate::new(Manifest::shipped().unwrap(), BTreeSet::default(), true)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn announcement(port: u16) -> Announcement {
    let txt = Txt { version: VERSION, epoch: 5, rid: None, beacon: None, name: None, tags: vec![random(); 8] };
    Announcement { instance: InstanceId::new(random()), host: random(), port, txt }
}

struct Device {
    mdns: Mdns,
    events: mpsc::Receiver<Event>,
}

impl Device {
    async fn start() -> Self {
        Self::under(&gate()).await
    }

    async fn under(gate: &Gate) -> Self {
        let (sender, events) = mpsc::channel(64);
        let rule = InterfaceRule { loopback: true, ..InterfaceRule::only("lo") };
        let mdns = Mdns::start(gate.discover().unwrap(), rule, sender).await.unwrap();
        Self { mdns, events }
    }

    async fn announced(port: u16) -> (Self, Announcement) {
        let (device, advert) = (Self::start().await, announcement(port));
        device.mdns.announce(advert.clone()).await.unwrap();
        (device, advert)
    }

    /// One that is certain to hear: it has heard another device, which is given as well so that it stays.
    async fn hearing() -> (Self, Self) {
        let mut device = Self::start().await;
        let (other, advert) = Self::announced(4_000).await;
        device.sees(advert.instance).await;
        (device, other)
    }

    /// Waits for an event that `wanted` makes something of.
    async fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("discovery ended");
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, found).await.expect("it did not happen")
    }

    async fn sees(&mut self, wanted: InstanceId) -> Sighting {
        self.until(|event| match event {
            Event::Seen(sighting) if sighting.instance == wanted => Some(sighting),
            _ => None,
        })
        .await
    }

    async fn loses(&mut self, wanted: InstanceId) {
        self.until(|event| (event == Event::Gone(wanted)).then_some(())).await;
    }
}

#[tokio::test]
async fn two_devices_see_each_other_and_neither_sees_itself() {
    let (mut ana, anas) = Device::announced(4_001).await;
    let (mut ben, bens) = Device::announced(4_002).await;
    let at_bens = ben.sees(anas.instance).await;
    assert_eq!((at_bens.txt, at_bens.routes), (anas.txt, vec!["127.0.0.1:4001".parse().unwrap()]));
    ana.until(|event| match event {
        Event::Seen(sighting) if sighting.instance == anas.instance => panic!("saw itself"),
        Event::Seen(sighting) => (sighting.instance == bens.instance).then_some(()),
        _ => None,
    })
    .await;
    assert!(ana.mdns.heard().await.others_ms_ago.is_some());
    assert_eq!(ana.mdns.advertised().await.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["lo"]);
}

#[tokio::test]
async fn a_device_that_withdraws_or_stops_is_gone_for_others() {
    let mut ana = Device::start().await;
    let (ben, bens) = Device::announced(4_003).await;
    ana.sees(bens.instance).await;
    let mut listener = packets::Listener::on_loopback();
    ben.mdns.withdraw().await.unwrap();
    assert!(listener.heard_goodbye(&bens.instance.to_string()).await);
    assert_eq!(ben.mdns.advertised().await, []);
    ana.loses(bens.instance).await;
    let again = announcement(4_003);
    ben.mdns.announce(again.clone()).await.unwrap();
    ana.sees(again.instance).await;
    ben.mdns.stop().await;
    ana.loses(again.instance).await;
}

#[tokio::test]
async fn a_new_advert_is_there_before_the_old_one_goes() {
    let mut ana = Device::start().await;
    let (ben, old) = Device::announced(4_004).await;
    ana.sees(old.instance).await;
    let new = announcement(4_005);
    ben.mdns.announce(new.clone()).await.unwrap();
    let mut order = vec![];
    ana.until(|event| {
        match event {
            Event::Seen(s) if s.instance == new.instance => order.push("new seen"),
            Event::Gone(instance) if instance == old.instance => order.push("old gone"),
            _ => {}
        }
        order.contains(&"old gone").then_some(())
    })
    .await;
    assert_eq!(order, ["new seen", "old gone"]);
}

#[tokio::test]
async fn an_advert_with_everything_in_it_arrives_whole() {
    let mut ana = Device::start().await;
    let ben = Device::start().await;
    let tags = (0..128).map(|_| random()).collect();
    let name = DisplayName::new(&"\u{1F600}".repeat(50)).ok();
    let txt = Txt { version: VERSION, epoch: u32::MAX, rid: Some(Rid::new(random())), beacon: None, name, tags };
    let full = Announcement { txt, ..announcement(4_006) };
    ben.mdns.announce(full.clone()).await.unwrap();
    assert_eq!(ana.sees(full.instance).await.txt, full.txt);
}

#[tokio::test]
async fn a_device_that_comes_later_is_found_by_asking_and_one_that_stops_looking_sees_nobody() {
    let (_ben, bens) = Device::announced(4_007).await;
    let mut ana = Device::start().await;
    ana.sees(bens.instance).await;
    ana.mdns.browse(false).await.unwrap();
    ana.loses(bens.instance).await;
    ana.mdns.browse(true).await.unwrap();
    ana.sees(bens.instance).await;
    ana.mdns.refresh().await.unwrap();
    ana.mdns.keep(bens.instance, true).await;
}

#[tokio::test]
async fn d9_a_revoked_grant_ends_discovery_without_a_word() {
    let mut gate = gate();
    let mut ana = Device::under(&gate).await;
    let (mut ben, bens) = Device::announced(4_008).await;
    let anas = announcement(4_018);
    ana.mdns.announce(anas.clone()).await.unwrap();
    ana.sees(bens.instance).await;
    ben.sees(anas.instance).await;
    let mut listener = packets::Listener::on_loopback();
    let stale = gate.discover().unwrap();
    gate.revoke(Capability::Proximity);
    let denied = ana.mdns.announce(announcement(4_009)).await;
    assert!(matches!(denied, Err(DiscoveryError::Denied(_))), "{denied:?}");
    let (mut off, mut gone) = (false, false);
    ana.until(|event| {
        off |= event == Event::State(MediumState::Off);
        gone |= event == Event::Gone(bens.instance);
        (off && gone).then_some(())
    })
    .await;
    assert!(!listener.heard_goodbye(&anas.instance.to_string()).await, "not even a goodbye");
    let started = Mdns::start(stale, InterfaceRule::only("lo"), mpsc::channel(1).0).await;
    assert!(matches!(started, Err(DiscoveryError::Denied(_))), "{started:?}");
}

#[tokio::test]
async fn d4_broken_packets_from_outside_do_not_end_discovery() {
    let (mut ana, _other) = Device::hearing().await;
    packets::Sender::on_loopback().broken(500).await;
    let (_ben, bens) = Device::announced(4_011).await;
    ana.sees(bens.instance).await;
}

#[tokio::test]
async fn d3_d4_an_advert_that_points_elsewhere_or_has_a_bad_record_is_no_row() {
    let (mut ana, _other) = Device::hearing().await;
    let sender = packets::Sender::on_loopback();
    let good: Record<'_> = &[b"v=1", b"e=5"];
    let here = [127, 0, 0, 1];
    let hostile: [(InstanceId, [u8; 4], Record<'_>); 8] = [
        (InstanceId::new(random()), [8, 8, 8, 8], good),
        (InstanceId::new(random()), [169, 254, 169, 254], good),
        (InstanceId::new(random()), [224, 0, 0, 1], good),
        (InstanceId::new(random()), [0, 0, 0, 0], good),
        (InstanceId::new(random()), here, &[b"v=1", b"e=5", b"n=\xff\xfe"]),
        (InstanceId::new(random()), here, &[b"v=1", b"e=5\0"]),
        (InstanceId::new(random()), here, &[b"v=2", b"e=5"]),
        (InstanceId::new(random()), here, &[b"e=5"]),
    ];
    for (instance, address, txt) in &hostile {
        sender.advert(&instance.to_string(), *address, 4_012, txt).await;
    }
    sender.advert("not hexadecimal at all", here, 4_012, good).await;
    let honest = InstanceId::new(random());
    sender.advert(&honest.to_string(), here, 4_013, good).await;
    let seen = ana
        .until(|event| match event {
            Event::Seen(s) if hostile.iter().any(|(i, ..)| *i == s.instance) => panic!("believed {s:?}"),
            Event::Seen(s) => (s.instance == honest).then_some(s),
            _ => None,
        })
        .await;
    assert_eq!(seen.routes, ["127.0.0.1:4013".parse().unwrap()]);
}

#[tokio::test]
async fn a_device_that_does_not_answer_when_asked_is_gone_long_before_its_advert_lapses() {
    let (mut ana, _other) = Device::hearing().await;
    let sender = packets::Sender::on_loopback();
    let dead = InstanceId::new(random());
    sender.advert(&dead.to_string(), [127, 0, 0, 1], 4_014, &[b"v=1", b"e=5"]).await;
    ana.sees(dead).await;
    ana.mdns.expire(dead).await;
    ana.loses(dead).await;
}

#[tokio::test]
async fn a_label_that_somebody_else_uses_is_given_up() {
    let (mut ana, mine) = Device::announced(4_016).await;
    let mut ben = Device::start().await;
    ben.sees(mine.instance).await;
    packets::Sender::on_loopback().advert(&mine.instance.to_string(), [127, 0, 0, 1], 4_017, &[b"v=1", b"e=5"]).await;
    ana.until(|event| (event == Event::NameTaken(mine.instance)).then_some(())).await;
    assert_eq!(ana.mdns.advertised().await, []);
}

#[tokio::test]
async fn the_doctor_hears_our_own_answer_on_loopback() {
    let (ana, anas) = Device::announced(4_015).await;
    let mut ben = Device::start().await;
    ben.sees(anas.instance).await;
    let lo = InterfaceRule::only("lo").select(&hither_discovery::interfaces::list().unwrap());
    let grant = gate().discover().unwrap();
    let echo = hither_discovery::doctor::echo(&grant, &lo, Duration::from_secs(1)).await.unwrap();
    assert_eq!(echo.iter().map(|e| (e.interface.as_str(), e.own, e.others)).collect::<Vec<_>>(), [("lo", true, 0)]);
    assert!(ana.mdns.heard().await.own_ms_ago.is_some(), "our advert came back to us");
    hither_discovery::doctor::port_5353().unwrap();
}

//! Bluetooth discovery over a radio made of memory, under tokio's paused clock.

mod errands;

use super::{
    card::VERSION,
    fake::{Answer, Fake},
    *,
};
use hither_capability::{Capability, Gate, Manifest};
use hither_model::ErrorCode;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::{Instant, sleep, timeout};

const ANA: RadioAddress = RadioAddress::new([0xa; 6]);
const BEN: RadioAddress = RadioAddress::new([0xb; 6]);

/// The hand clock: tokio's, which stands still unless everybody waits.
fn clock() -> u64 {
    thread_local!(static START: Instant = Instant::now());
    1_700_000_000_000 + START.with(|start| u64::try_from(start.elapsed().as_millis()).unwrap())
}

struct Rig {
    fake: Fake,
    gate: Gate,
    ble: Ble,
    events: mpsc::Receiver<Event>,
}

impl Rig {
    fn start(fake: &Fake) -> Self {
        let gate = Gate::new(Manifest::shipped().unwrap(), BTreeSet::default(), false);
        let (sender, events) = mpsc::channel(8);
        let ble = Ble::start_on(fake.clone(), gate.discover().unwrap(), sender, clock).unwrap();
        Self { fake: fake.clone(), gate, ble, events }
    }

    async fn next(&mut self) -> Event {
        timeout(Duration::from_secs(200), self.events.recv()).await.expect("something is told").unwrap()
    }

    async fn state(&mut self) -> MediumState {
        loop {
            if let Event::State(state) = self.next().await {
                return state;
            }
        }
    }

    async fn seen(&mut self) -> Sighting {
        loop {
            if let Event::Seen(sighting) = self.next().await {
                return sighting;
            }
        }
    }
}

fn card(name: &str) -> Card {
    let name = hither_model::DisplayName::new(name).ok();
    Card { version: VERSION, power: -59, epoch: 1, name, instance: None, rid: None, tags: vec![[0; 8]; 8] }
}

fn announcement(id: u8) -> Announcement {
    Announcement { id: BeaconId([id; 8]), card: card("Ana"), connectable: true, open: true }
}

fn beacon(id: u8, open: bool) -> Beacon {
    Beacon { id: Some(BeaconId([id; 8])), open }
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_is_on_the_air_until_it_is_withdrawn() {
    let mut rig = Rig::start(&Fake::new());
    assert_eq!(rig.state().await, MediumState::On);
    assert_eq!(rig.ble.psm().await, None);
    rig.ble.announce(announcement(1)).await.unwrap();
    rig.fake.until(|air| air.on_air.is_some()).await;
    rig.ble.announce(announcement(2)).await.unwrap();
    rig.fake.until(|air| air.on_air.as_ref().is_some_and(|shown| shown.id == BeaconId([2; 8]))).await;
    rig.ble.withdraw().await.unwrap();
    assert!(rig.fake.air().on_air.is_none());
    assert_eq!(rig.fake.air().said.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn another_card_is_shown_without_touching_the_advert() {
    let rig = Rig::start(&Fake::new());
    rig.ble.announce(announcement(1)).await.unwrap();
    rig.fake.until(|air| air.on_air.is_some()).await;
    rig.ble.announce(Announcement { card: card("Anna"), ..announcement(1) }).await.unwrap();
    let wanted = card("Anna").encode().unwrap();
    rig.fake.until(|air| air.on_air.as_ref().is_some_and(|shown| shown.card == wanted)).await;
    assert_eq!(rig.fake.air().said.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn channels_are_listened_for_while_a_connectable_advert_is_on_the_air() {
    let mut rig = Rig::start(&Fake::new());
    rig.ble.announce(announcement(1)).await.unwrap();
    rig.fake.until(|air| air.on_air.is_some()).await;
    rig.fake.arrive(Pipe::new(BEN, tokio::io::duplex(64).0));
    loop {
        if let Event::Arrived(pipe) = rig.next().await {
            assert_eq!(pipe.peer(), BEN);
            break;
        }
    }
    assert_eq!(rig.ble.psm().await, Some(0x80));
    rig.ble.withdraw().await.unwrap();
    assert_eq!(rig.ble.psm().await, None);
}

#[tokio::test(start_paused = true)]
async fn at_rest_it_listens_for_two_seconds_of_thirty_and_all_the_time_while_somebody_looks() {
    let rig = Rig::start(&Fake::new());
    rig.fake.until(|air| air.listened.len() == 4).await;
    let turns: Vec<(u64, bool)> = rig.fake.air().listened.iter().map(|(at, on)| (at / 1_000, *on)).collect();
    assert_eq!(turns, [(0, true), (2, false), (30, true), (32, false)]);
    rig.fake.air().listened.clear();
    rig.ble.look(true).await;
    rig.fake.until(|air| air.listened.len() == 3).await;
    let turns: Vec<(u64, bool)> = rig.fake.air().listened.iter().map(|(at, on)| (at / 1_000, *on)).collect();
    assert_eq!(turns, [(32, true), (37, true), (42, true)], "at once, and anew every five seconds");
    rig.ble.look(false).await;
    rig.fake.until(|air| !air.listening).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_heard_is_told_and_who_falls_silent_is_gone() {
    let mut rig = Rig::start(&Fake::new());
    rig.fake.until(|air| air.listening).await;
    let heard = clock();
    rig.fake.hear(ANA, beacon(1, false), Some(-60));
    let seen = rig.seen().await;
    assert_eq!((seen.source, seen.id, seen.nearness), (ANA, Some(BeaconId([1; 8])), Some(Nearness::Near)));
    let Event::Gone { source, id } = rig.next().await else { panic!("it is gone") };
    assert_eq!((source, id), (ANA, seen.id));
    assert_eq!((clock() - heard) / 1_000, 95);
}

#[tokio::test(start_paused = true)]
async fn b5_a_radio_that_is_off_is_told_and_used_as_soon_as_it_is_on() {
    let fake = Fake::new();
    fake.air().trouble = Some(RadioTrouble::Off);
    let mut rig = Rig::start(&fake);
    rig.ble.announce(announcement(1)).await.unwrap();
    let MediumState::Failed(why) = rig.state().await else { panic!("it is off") };
    assert!(why.starts_with("Bluetooth is switched off: switch it on"), "{why}");
    let before = clock();
    fake.set(|air| air.trouble = None);
    assert_eq!(rig.state().await, MediumState::On);
    assert!(clock() - before < 1_000, "noticed, not found out by trying");
    fake.until(|air| air.on_air.is_some()).await;
}

#[tokio::test(start_paused = true)]
async fn b5_a_radio_that_goes_takes_its_rows_along_and_comes_back_with_everything_wanted() {
    let mut rig = Rig::start(&Fake::new());
    rig.ble.announce(announcement(1)).await.unwrap();
    rig.ble.look(true).await;
    rig.fake.until(|air| air.listening && air.on_air.is_some()).await;
    rig.fake.hear(ANA, beacon(1, false), None);
    rig.seen().await;
    rig.fake.set(|air| air.trouble = Some(RadioTrouble::NoAdapter));
    let (mut gone, mut state) = (false, None);
    while !gone || state.is_none() {
        match rig.next().await {
            Event::Gone { source, .. } => gone = source == ANA,
            Event::State(told) => state = Some(told),
            _ => {}
        }
    }
    assert!(matches!(state, Some(MediumState::Failed(why)) if why.contains("no Bluetooth adapter")));
    assert!(rig.fake.is_silent());
    rig.fake.set(|air| air.trouble = None);
    rig.fake.until(|air| air.listening && air.on_air.is_some()).await;
    assert_eq!(rig.state().await, MediumState::On);
}

#[tokio::test(start_paused = true)]
async fn b5_a_service_that_never_answers_holds_nobody_up_and_is_told() {
    let fake = Fake::new();
    fake.air().hangs = true;
    let before = clock();
    let mut rig = Rig::start(&fake);
    rig.ble.announce(announcement(1)).await.unwrap();
    rig.ble.look(true).await;
    assert_eq!(rig.ble.psm().await, None);
    assert_eq!(clock(), before, "all of it at once");
    let MediumState::Failed(why) = rig.state().await else { panic!("it hangs") };
    assert!(why.starts_with("the Bluetooth service does not answer"), "{why}");
    assert!(clock() - before <= 11_000);
    // No signal tells that a service that hung has come round: it is tried again.
    fake.air().hangs = false;
    assert_eq!(rig.state().await, MediumState::On);
    fake.until(|air| air.on_air.is_some()).await;
}

#[tokio::test(start_paused = true)]
async fn b5_trouble_that_lasts_is_tried_again_with_growing_pauses() {
    let fake = Fake::new();
    fake.air().trouble = Some(RadioTrouble::NoDaemon);
    let mut rig = Rig::start(&fake);
    rig.state().await;
    let before = clock();
    // Not a word more, however long it lasts.
    assert!(timeout(Duration::from_secs(600), rig.events.recv()).await.is_err());
    fake.air().trouble = None;
    assert_eq!(rig.state().await, MediumState::On);
    assert!(clock() - before <= 661_000, "once a minute at last");
}

#[tokio::test(start_paused = true)]
async fn b5_an_adapter_that_cannot_announce_hears_all_the_same() {
    let fake = Fake::new();
    fake.air().mute = Some(RadioTrouble::Mute);
    let mut rig = Rig::start(&fake);
    assert_eq!(rig.state().await, MediumState::On, "nothing was to be announced");
    rig.ble.announce(announcement(1)).await.unwrap();
    let MediumState::Failed(why) = rig.state().await else { panic!("it is mute") };
    assert!(why.contains("cannot announce"), "{why}");
    rig.fake.until(|air| air.listening).await;
    rig.fake.hear(ANA, beacon(1, false), None);
    assert_eq!(rig.seen().await.source, ANA);
    rig.ble.withdraw().await.unwrap();
    assert_eq!(rig.state().await, MediumState::On);
}

#[tokio::test(start_paused = true)]
async fn b5_an_advert_that_is_refused_is_told_and_tried_again() {
    let fake = Fake::new();
    fake.air().refuses = Some(RadioTrouble::Crowded);
    let mut rig = Rig::start(&fake);
    rig.ble.announce(announcement(1)).await.unwrap();
    let MediumState::Failed(why) = rig.state().await else { panic!("it is refused") };
    assert!(why.contains("other programs use all places"), "{why}");
    fake.air().refuses = None;
    assert_eq!(rig.state().await, MediumState::On);
    assert!(rig.fake.air().on_air.is_some());
}

#[tokio::test(start_paused = true)]
async fn r2_7_after_stop_nothing_is_on_the_air_and_nobody_listens() {
    let rig = Rig::start(&Fake::new());
    rig.ble.announce(announcement(1)).await.unwrap();
    rig.ble.look(true).await;
    rig.fake.until(|air| air.listening && air.on_air.is_some()).await;
    rig.fake.air().answers.insert(ANA, Answer::Never);
    let reading = rig.ble.read(ANA);
    let stopping = async {
        rig.fake.until(|air| air.running == 1).await;
        rig.ble.stop().await;
    };
    let (read, ()) = tokio::join!(reading, stopping);
    assert!(read.is_err());
    assert!(rig.fake.is_silent());
    let done = rig.fake.done();
    sleep(Duration::from_secs(300)).await;
    assert_eq!(rig.fake.done(), done);
    assert_eq!(rig.ble.announce(announcement(2)).await, Err(DiscoveryError::RadioStopped));
    assert_eq!(rig.ble.read(ANA).await, Err(DiscoveryError::RadioStopped));
    assert!(rig.ble.facts().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn r2_7_a_capability_taken_away_silences_the_radio_within_seconds_for_good() {
    let mut rig = Rig::start(&Fake::new());
    rig.ble.announce(announcement(1)).await.unwrap();
    rig.fake.until(|air| air.on_air.is_some()).await;
    assert_eq!(rig.state().await, MediumState::On);
    rig.gate.revoke(Capability::Proximity);
    let before = clock();
    assert_eq!(rig.ble.announce(announcement(2)).await.map_err(|error| error.code()), Err(ErrorCode::AccessDenied));
    assert_eq!(rig.ble.read(ANA).await.map_err(|error| error.code()), Err(ErrorCode::AccessDenied));
    assert_eq!(rig.state().await, MediumState::Off);
    assert!(clock() - before <= 4_000);
    assert!(rig.fake.is_silent());
    rig.ble.look(true).await;
    sleep(Duration::from_secs(100)).await;
    assert!(!rig.fake.air().listening);
}

#[tokio::test(start_paused = true)]
async fn r2_7_dropping_it_silences_the_radio() {
    let rig = Rig::start(&Fake::new());
    rig.ble.announce(announcement(1)).await.unwrap();
    rig.fake.until(|air| air.on_air.is_some() && air.listening).await;
    drop((rig.ble, rig.events));
    rig.fake.until(|air| air.on_air.is_none() && !air.listening).await;
}

#[tokio::test(start_paused = true)]
async fn cards_that_everyone_may_read_are_read_while_somebody_looks_and_only_then() {
    let mut rig = Rig::start(&Fake::new());
    rig.fake.air().answers.insert(ANA, Answer::Bytes(card("Ana").encode().unwrap()));
    rig.fake.until(|air| air.listening).await;
    rig.fake.hear(ANA, beacon(1, true), Some(-50));
    rig.fake.hear(BEN, beacon(2, false), Some(-40));
    assert!(rig.seen().await.card.is_none() && rig.seen().await.card.is_none());
    assert!(timeout(Duration::from_secs(20), rig.events.recv()).await.is_err());
    assert!(rig.fake.air().errands.is_empty(), "nobody looks");
    rig.ble.look(true).await;
    let seen = rig.seen().await;
    assert_eq!((seen.source, seen.card), (ANA, Some(card("Ana"))));
    assert_eq!(rig.fake.air().errands.len(), 1, "not the one that says nothing is to be read by everyone");
    assert!(rig.fake.air().errands.iter().all(|(_, _, listening)| !listening), "not while it listens");
    rig.fake.until(|air| air.listening).await;
}

#[tokio::test(start_paused = true)]
async fn b1_a_card_that_is_not_one_is_an_error_and_tried_ever_more_rarely() {
    let mut rig = Rig::start(&Fake::new());
    rig.fake.air().answers.insert(ANA, Answer::Bytes(vec![0xff; 4_000]));
    assert_eq!(rig.ble.read(ANA).await, Err(DiscoveryError::Card(CardFault::TooLarge)));
    rig.fake.air().errands.clear();
    rig.ble.look(true).await;
    rig.fake.until(|air| air.listening).await;
    rig.fake.hear(ANA, beacon(1, true), None);
    assert!(rig.seen().await.card.is_none());
    for _ in 0..20 {
        rig.fake.hear(ANA, beacon(1, true), None);
        sleep(Duration::from_secs(5)).await;
    }
    let tried = std::mem::take(&mut rig.fake.air().errands);
    assert_eq!(tried.len(), 4, "after 0, 2, 10 and 70 seconds: {tried:?}");
}

#[tokio::test(start_paused = true)]
async fn a_door_that_opens_tells_routes_and_one_that_does_not_says_so() {
    let rig = Rig::start(&Fake::new());
    let routes = Routes { port: 7, psm: Some(0x85), ..Routes::default() };
    rig.fake.air().answers.insert(ANA, Answer::Bytes(routes.encode().unwrap()));
    assert_eq!(rig.ble.knock(ANA, Rid::new([5; 16])).await, Ok(routes));
    rig.fake.air().answers.insert(ANA, Answer::Trouble(RadioTrouble::Shut));
    let shut = rig.ble.knock(ANA, Rid::new([6; 16])).await;
    assert_eq!(shut, Err(DiscoveryError::Radio(RadioTrouble::Shut)));
    rig.fake.air().answers.insert(ANA, Answer::Pipe);
    assert_eq!(rig.ble.open(ANA, 0x85).await.unwrap().peer(), ANA);
    let nowhere = rig.ble.open(ANA, 0x25).await.map(drop).map_err(|error| error.code());
    assert_eq!(nowhere, Err(ErrorCode::Misbehaved), "a channel that cannot be is not dialled");
    assert_eq!(rig.ble.facts().await, [Fact::Private(true)]);
}

#[tokio::test(start_paused = true)]
async fn b3_a_reader_that_does_not_read_gets_what_is_so_and_not_what_was() {
    let mut rig = Rig::start(&Fake::new());
    rig.ble.look(true).await;
    rig.fake.until(|air| air.listening).await;
    for n in 0..2_000u16 {
        let [a, b] = n.to_be_bytes();
        rig.fake.hear(RadioAddress::new([0, 0, 0, 0, a, b]), beacon(1, false), Some(-70));
        if n % 100 == 0 {
            sleep(Duration::from_millis(100)).await;
        }
    }
    rig.fake.set(|air| air.trouble = Some(RadioTrouble::Off));
    rig.fake.until(|air| !air.listening).await;
    sleep(Duration::from_secs(5)).await;
    let mut here = BTreeSet::new();
    while let Ok(Some(event)) = timeout(Duration::from_secs(5), rig.events.recv()).await {
        match event {
            Event::Seen(sighting) => drop(here.insert(sighting.source)),
            Event::Gone { source, .. } => assert!(here.remove(&source)),
            _ => {}
        }
    }
    assert!(here.is_empty(), "the radio is off: nobody is heard");
}

//! Bluetooth discovery over a private message bus and a stand-in for `bluetoothd`: what a real one rarely does. Each test
//! runs again in a process of its own whose system bus is the private one. Needs `dbus-daemon`; without it, it says so.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr, reason = "it says why it is skipped")]

mod daemon;

use daemon::{Daemon, Desk, Refusal, SERVICE};
use hither_capability::{Gate, Manifest};
use hither_discovery::DiscoveryError;
use hither_discovery::ble::{
    Announcement, BeaconId, Ble, Card, Event, Fact, Options, Porter, RadioAddress, RadioTrouble, Routes, Sighting,
    beacon, card::VERSION,
};
use hither_model::{MediumState, Rid};
use std::{
    collections::BTreeSet,
    future::Future,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, time::timeout};

const BUS: &str = "DBUS_SYSTEM_BUS_ADDRESS";
/// Set where the system bus is the private one.
const PRIVATE: &str = "HITHER_TEST_PRIVATE_BUS";
/// How long anything may take.
const SOON: Duration = Duration::from_secs(40);
const ANA: &str = "C0:00:00:00:00:0A";
const BEN: &str = "C0:00:00:00:00:0B";

const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:tmpdir=DIRECTORY</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"#;

/// A message bus that ends with it.
struct PrivateBus(Child);

impl Drop for PrivateBus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a bus; `None` if there is no program for it.
fn private_bus(directory: &std::path::Path) -> Option<(PrivateBus, String)> {
    let configuration = directory.join("bus.conf");
    let text = CONFIGURATION.replace("DIRECTORY", &directory.display().to_string());
    std::fs::write(&configuration, text).unwrap();
    let mut command = Command::new("dbus-daemon");
    command.arg("--config-file").arg(&configuration).args(["--nofork", "--print-address"]);
    // It says that it may not open more files than others.
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
    Some((PrivateBus(child), address.trim().to_owned()))
}

/// Runs `body` in a process whose system bus is a private one.
fn on_a_private_bus<F: Future<Output = ()>>(test: &str, body: impl FnOnce() -> F) {
    if std::env::var_os(PRIVATE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(body());
    }
    let directory = tempfile::tempdir().unwrap();
    let Some((bus, address)) = private_bus(directory.path()) else {
        return eprintln!("skipped: there is no dbus-daemon");
    };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(BUS, address).env(PRIVATE, "1");
    let status = command.status().unwrap();
    drop(bus);
    assert!(status.success(), "{test}");
}

struct NoPorter;

impl Porter for NoPorter {
    fn admits(&self, _: &Rid) -> bool {
        false
    }
    fn routes(&self) -> Routes {
        Routes::default()
    }
}

struct Here {
    ble: Ble,
    events: mpsc::Receiver<Event>,
}

impl Here {
    fn start() -> Self {
        let gate = Gate::new(Manifest::shipped().unwrap(), BTreeSet::default(), false);
        let (sender, events) = mpsc::channel(64);
        let options = Options { adapter: None, porter: Arc::new(NoPorter) };
        Self { ble: Ble::start(gate.discover().unwrap(), options, sender).unwrap(), events }
    }

    async fn next(&mut self) -> Event {
        timeout(SOON, self.events.recv()).await.expect("something is told in time").unwrap()
    }

    async fn state(&mut self) -> MediumState {
        loop {
            if let Event::State(state) = self.next().await {
                return state;
            }
        }
    }

    async fn failed(&mut self) -> String {
        match self.state().await {
            MediumState::Failed(why) => why,
            other => panic!("{other:?}"),
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

fn announcement(id: u8, connectable: bool) -> Announcement {
    let card =
        Card { version: VERSION, power: -59, epoch: 1, name: None, instance: None, rid: None, tags: vec![[0; 8]; 8] };
    Announcement { id: BeaconId([id; 8]), card, connectable, open: connectable }
}

#[test]
fn b5_without_a_message_bus_it_says_so_and_starts_at_once() {
    on_a_private_bus("b5_without_a_message_bus_it_says_so_and_starts_at_once", || async {
        let command = std::env::var_os("HITHER_TEST_NO_BUS");
        if command.is_none() {
            let mut again = Command::new(std::env::current_exe().unwrap());
            again.args(["b5_without_a_message_bus_it_says_so_and_starts_at_once", "--exact", "--nocapture"]);
            again.env(BUS, "unix:path=/nowhere/at/all").env("HITHER_TEST_NO_BUS", "1");
            assert!(again.status().unwrap().success());
            return;
        }
        let before = Instant::now();
        let mut here = Here::start();
        here.ble.announce(announcement(1, false)).await.unwrap();
        assert!(before.elapsed() < Duration::from_secs(1));
        assert!(here.failed().await.contains("message bus does not run"));
        assert!(here.ble.facts().await.contains(&Fact::Trouble(RadioTrouble::NoBus)));
        here.ble.stop().await;
    });
}

#[test]
fn b5_a_service_that_is_absent_dies_and_comes_back_is_told_and_used() {
    on_a_private_bus("b5_a_service_that_is_absent_dies_and_comes_back_is_told_and_used", || async {
        let mut here = Here::start();
        here.ble.announce(announcement(1, false)).await.unwrap();
        assert!(here.failed().await.contains("(bluetoothd) does not run"));
        assert!(here.ble.facts().await.contains(&Fact::Daemon { running: false, version: None }));
        let daemon = Daemon::start(true, Desk::default()).await;
        assert_eq!(here.state().await, MediumState::On);
        daemon.until(|desk| desk.adverts.len() == 1 && desk.scanning).await;
        daemon.die().await;
        assert!(here.failed().await.contains("(bluetoothd) does not run"));
        let daemon = Daemon::start(true, Desk::default()).await;
        assert_eq!(here.state().await, MediumState::On);
        daemon.until(|desk| desk.adverts.len() == 1).await;
        here.ble.stop().await;
        assert!(daemon.desk().adverts.is_empty());
    });
}

#[test]
fn b5_a_service_that_never_answers_is_told_and_recovered_from() {
    on_a_private_bus("b5_a_service_that_never_answers_is_told_and_recovered_from", || async {
        let daemon = Daemon::start(true, Desk { hangs: true, ..Desk::default() }).await;
        let mut here = Here::start();
        assert!(here.failed().await.contains("does not answer"));
        daemon.desk().hangs = false;
        assert_eq!(here.state().await, MediumState::On);
        here.ble.stop().await;
    });
}

#[test]
fn b5_a_user_who_is_not_permitted_is_told_so() {
    on_a_private_bus("b5_a_user_who_is_not_permitted_is_told_so", || async {
        let refused = Some(Refusal::NotPermitted("Operation not permitted".into()));
        let _daemon = Daemon::start(true, Desk { scan_refused: refused, ..Desk::default() }).await;
        let mut here = Here::start();
        assert!(here.failed().await.contains("not permitted to use Bluetooth"));
        here.ble.stop().await;
    });
}

#[test]
fn b5_an_adapter_that_is_unplugged_and_plugged_in_is_told_and_used() {
    on_a_private_bus("b5_an_adapter_that_is_unplugged_and_plugged_in_is_told_and_used", || async {
        let daemon = Daemon::start(false, Desk::default()).await;
        let mut here = Here::start();
        assert!(here.failed().await.contains("no Bluetooth adapter"));
        daemon.plug().await;
        assert_eq!(here.state().await, MediumState::On);
        daemon.unplug().await;
        assert!(here.failed().await.contains("no Bluetooth adapter"));
        here.ble.stop().await;
    });
}

#[test]
fn b5_an_adapter_that_a_person_switched_off_stays_off_until_the_person_switches_it_on() {
    on_a_private_bus("b5_an_adapter_that_a_person_switched_off_stays_off_until_the_person_switches_it_on", || async {
        let daemon = Daemon::start(true, Desk { off: true, ..Desk::default() }).await;
        let mut here = Here::start();
        here.ble.look(true).await;
        assert!(here.failed().await.contains("Bluetooth is switched off"));
        daemon.switch(true).await;
        assert_eq!(here.state().await, MediumState::On);
        daemon.until(|desk| desk.scanning).await;
        daemon.switch(false).await;
        assert!(here.failed().await.contains("Bluetooth is switched off"));
        assert!(!daemon.desk().switched, "nobody but the person switches");
        here.ble.stop().await;
    });
}

#[test]
fn an_advert_is_the_service_data_and_nothing_else_and_is_gone_when_withdraw_returns() {
    on_a_private_bus("an_advert_is_the_service_data_and_nothing_else_and_is_gone_when_withdraw_returns", || async {
        let daemon = Daemon::start(true, Desk::default()).await;
        let here = Here::start();
        here.ble.announce(announcement(1, false)).await.unwrap();
        daemon.until(|desk| !desk.adverts.is_empty()).await;
        let told = format!("{:?}", daemon.desk().adverts[0].1);
        assert!(told.contains("broadcast") && told.contains(SERVICE), "{told}");
        for unwanted in ["LocalName", "Appearance", "TxPower", "Discoverable"] {
            assert!(!daemon.desk().adverts[0].1.contains_key(unwanted), "{unwanted} in {told}");
        }
        assert_eq!(daemon.desk().applications, 0, "what cannot be connected to has nothing to read");
        here.ble.withdraw().await.unwrap();
        assert!(daemon.desk().adverts.is_empty());
        here.ble.announce(announcement(2, true)).await.unwrap();
        daemon.until(|desk| desk.adverts.len() == 1 && desk.applications == 1).await;
        here.ble.stop().await;
        assert!(daemon.desk().adverts.is_empty() && !daemon.desk().scanning);
        daemon.until(|desk| desk.applications == 0).await;
    });
}

#[test]
fn b5_an_advert_that_is_refused_leaves_hearing_as_it_is() {
    on_a_private_bus("b5_an_advert_that_is_refused_leaves_hearing_as_it_is", || async {
        let refused = Some(Refusal::NotPermitted("Maximum advertisements reached".into()));
        let daemon = Daemon::start(true, Desk { advert_refused: refused, ..Desk::default() }).await;
        let mut here = Here::start();
        here.ble.look(true).await;
        here.ble.announce(announcement(1, false)).await.unwrap();
        while !here.state().await.to_string().contains("other programs use all places") {}
        daemon.until(|desk| desk.scanning).await;
        daemon.hear(ANA, Some(&beacon::encode(BeaconId([1; 8]), false)), &[]).await;
        assert_eq!(here.seen().await.source, ANA.parse().unwrap());
        here.ble.stop().await;
    });
}

#[test]
fn listening_is_for_low_energy_only_unfiltered_and_touches_no_other_device() {
    on_a_private_bus("listening_is_for_low_energy_only_unfiltered_and_touches_no_other_device", || async {
        let daemon = Daemon::start(true, Desk::default()).await;
        let mut here = Here::start();
        here.ble.look(true).await;
        daemon.until(|desk| desk.scanning).await;
        daemon.hear("00:1A:7D:DA:71:13", None, &["0000110b-0000-1000-8000-00805f9b34fb"]).await;
        daemon.hear(BEN, None, &[SERVICE]).await;
        let seen = here.seen().await;
        assert_eq!((seen.source, seen.id, seen.rssi), (BEN.parse().unwrap(), None, Some(-63)), "the service alone");
        daemon.until(|desk| desk.touched.iter().any(|done| done.starts_with("connect"))).await;
        here.ble.stop().await;
        let desk = daemon.desk();
        let polite = |set: &String| set.contains("DuplicateData") && set.contains("\"le\"") && !set.contains("UUIDs");
        assert!(desk.filters.iter().all(polite), "{:?}", desk.filters);
        assert!(desk.touched.iter().all(|done| done.ends_with(BEN)), "{:?}", desk.touched);
        assert!(!desk.touched.iter().any(|done| done.starts_with("remove")), "{:?}", desk.touched);
    });
}

#[test]
fn b1_neighbours_that_send_nonsense_are_ignored_and_what_is_remembered_does_not_count() {
    on_a_private_bus("b1_neighbours_that_send_nonsense_are_ignored_and_what_is_remembered_does_not_count", || async {
        let daemon = Daemon::start(true, Desk::default()).await;
        let good = beacon::encode(BeaconId([1; 8]), false);
        daemon.hear(ANA, Some(&good), &[]).await;
        let mut here = Here::start();
        here.ble.look(true).await;
        daemon.until(|desk| desk.scanning).await;
        for (number, nonsense) in [&[][..], &[0x11], &[0x21; 10], &[0x11; 11], &[0xff; 500]].into_iter().enumerate() {
            daemon.hear(&format!("C0:00:00:00:01:{number:02X}"), Some(nonsense), &[]).await;
            daemon.again(&format!("C0:00:00:00:01:{number:02X}"), nonsense).await;
        }
        daemon.hear(BEN, Some(&beacon::encode(BeaconId([2; 8]), false)), &[]).await;
        assert_eq!(here.seen().await.source, BEN.parse().unwrap(), "neither nonsense nor what was heard long ago");
        daemon.again(ANA, &good).await;
        assert_eq!(here.seen().await.source, ANA.parse().unwrap(), "heard now");
        here.ble.stop().await;
    });
}

#[test]
fn a_device_that_is_not_heard_or_breaks_off_is_an_error_that_says_so() {
    on_a_private_bus("a_device_that_is_not_heard_or_breaks_off_is_an_error_that_says_so", || async {
        let daemon = Daemon::start(true, Desk::default()).await;
        let mut here = Here::start();
        here.ble.look(true).await;
        let nobody = RadioAddress::new([9; 6]);
        assert_eq!(here.state().await, MediumState::On);
        assert_eq!(here.ble.read(nobody).await, Err(DiscoveryError::Radio(RadioTrouble::NotHeard)));
        daemon.until(|desk| desk.scanning).await;
        daemon.hear(ANA, Some(&beacon::encode(BeaconId([1; 8]), false)), &[]).await;
        let source = here.seen().await.source;
        assert_eq!(here.ble.read(source).await, Err(DiscoveryError::Radio(RadioTrouble::Broke)));
        daemon.until(|desk| desk.touched.len() == 2).await;
        assert!(daemon.desk().touched[1].starts_with("disconnect"), "it hangs up all the same");
        here.ble.stop().await;
    });
}

#[test]
fn switching_it_off_and_on_does_not_pile_up_connections_to_the_bus() {
    on_a_private_bus("switching_it_off_and_on_does_not_pile_up_connections_to_the_bus", || async {
        let daemon = Daemon::start(true, Desk::default()).await;
        for id in 0..10 {
            let mut here = Here::start();
            here.ble.announce(announcement(id, true)).await.unwrap();
            while here.state().await != MediumState::On {}
            daemon.until(|desk| desk.adverts.len() == 1).await;
            here.ble.stop().await;
        }
        // The stand-in's, the one that is kept, and one of each round: the library that speaks closes them after half a
        // minute only.
        let settled = async { while daemon.connections().await > 2 + 10 {} };
        timeout(SOON, settled).await.expect("the others are closed");
    });
}

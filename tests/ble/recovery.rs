//! A radio that is switched off, blocked, unplugged, and a bluetoothd that dies: noticed, told, and recovered from
//! without a restart.

use crate::rig::{PATIENTLY, Room, scenario};
use hither_tests::{
    Events,
    ble::{Process, air::Order},
    events::{kind, text},
};

/// Waits until the radio's state, in words, has this in it.
fn state(probe: &mut Process, words: &str) {
    probe.wait_for(words, PATIENTLY, |v| kind(v) == "state" && text(v, "state").contains(words));
}

#[test]
fn a_radio_that_is_switched_off_and_on_is_noticed_and_used_again() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let mut shows = room.probe("advertise", 0, &["name=Ana"]);
        room.advert(0);
        room.power(0, false);
        state(&mut shows, "switched off");
        room.power(0, true);
        state(&mut shows, "on");
        room.advert(0);
    });
}

#[test]
fn a_blocked_radio_is_told_apart_and_used_again() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let mut shows = room.probe("advertise", 0, &["name=Ana"]);
        room.advert(0);
        // One event for the kernel's switchboard: all Bluetooth (2), change all (3), blocked.
        room.machine.shell(r"printf '\000\000\000\000\002\003\001\000' >/dev/rfkill");
        state(&mut shows, "blocked");
        room.machine.shell(r"printf '\000\000\000\000\002\003\000\000' >/dev/rfkill");
        room.power(0, true);
        state(&mut shows, "on");
        room.advert(0);
    });
}

#[test]
fn a_bluetoothd_that_was_killed_and_started_again_is_used_again() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let mut shows = room.probe("advertise", 0, &["name=Ana"]);
        let mut scan = room.probe("scan", 1, &[]);
        room.advert(0);
        scan.wait_for("Ana", PATIENTLY, |v| kind(v) == "seen");
        room.daemon.kill_9();
        state(&mut shows, "does not run");
        state(&mut scan, "does not run");
        room.start_daemon();
        state(&mut shows, "on");
        room.advert(0);
        scan.wait_for("Ana", PATIENTLY, |v| kind(v) == "seen" && !v["card"].is_null());
    });
}

#[test]
fn b5_a_radio_that_is_unplugged_while_it_listens_is_told() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let mut scan = room.probe("scan", 1, &[]);
        state(&mut scan, "on");
        room.air.wait_for("a scan", PATIENTLY, |v| kind(v) == "scan" && v["on"] == true);
        room.order(&Order::Unplug { controller: 1 });
        room.air.wait("unplugged");
        state(&mut scan, "adapter");
        let _ = Events::seen(&mut scan.events);
    });
}

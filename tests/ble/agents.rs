//! The real agents, each with a radio of its own: they find each other, meet and talk with a network between them and
//! without one.

use crate::{
    figures::cost,
    rig::{PATIENTLY, Person, Room, Row, scenario},
};
use hither_tests::{
    ble::air::Order,
    events::{kind, text},
};

/// Two networks' ends: the machine's own `left`, and `right` in a network of its own, with a cable between them.
/// (The shell's own `ip` knows no networks.)
const CABLE: &str = "/opt/ip netns add right
/opt/ip link add left type veth peer name right netns right
/opt/ip addr add 10.77.0.1/24 brd + dev left
/opt/ip link set left multicast on up
/opt/ip netns exec right ip link set lo up
/opt/ip netns exec right ip addr add 10.77.0.2/24 brd + dev right
/opt/ip netns exec right ip link set right multicast on up";

/// Takes the cable away with what hangs on it.
struct Cable<'r>(&'r Room);

impl<'r> Cable<'r> {
    fn laid(room: &'r Room) -> Self {
        room.machine.shell(CABLE);
        Self(room)
    }
}

impl Drop for Cable<'_> {
    fn drop(&mut self) {
        let _ =
            self.0.machine.start(&["sh", "-c", "/opt/ip link del left; /opt/ip netns del right"], &[]).end(PATIENTLY);
    }
}

fn heard_by(row: &Row, media: &[&str]) -> bool {
    let told: Vec<&str> = row["media"].as_array().into_iter().flatten().filter_map(Row::as_str).collect();
    told.len() == media.len() && media.iter().all(|medium| told.contains(medium))
}

/// `from` invites the device of this name; `to` accepts; both compare the code. Gives the invite's last word.
pub(crate) fn meet(from: &Person, to: &Person, name: &str) -> Row {
    let mut inbox = to.hither(&["inbox", "--watch"]);
    let row = from.sees(name, |v| text(v, "name") == name);
    let mut invite = from.hither(&["invite", text(&row, "peer"), "--yes-code"]);
    let asked = inbox.wait_for("an invite with a code", PATIENTLY, |v| {
        kind(v) == "question" && text(v, "kind") == "invite" && !text(v, "code").is_empty()
    });
    let shown = invite.wait_for("code", PATIENTLY, |v| matches!(kind(v), "code" | "error"));
    assert_eq!(text(&shown, "code"), text(&asked, "code"), "both screens show the same code: {shown}");
    to.rows(&["accept", text(&asked, "id"), "--yes-code"]);
    invite.wait_for("accepted", PATIENTLY, |v| matches!(kind(v), "accepted" | "error"))
}

#[test]
fn without_a_network_two_agents_find_each_other_meet_and_talk_by_radio_alone() {
    scenario(|| {
        let Some(room) = Room::with(2) else { return };
        let (ana, ben) = (room.person("Ana", 0, None), room.person("Ben", 1, None));
        let (_a, ready) = ana.agent(&[]);
        assert_ne!(text(&ready["media"], "ble"), "", "{ready}");
        let (_b, _) = ben.agent(&[]);
        let seen = ben.sees("Ana", |v| text(v, "name") == "Ana");
        assert!(heard_by(&seen, &["ble"]), "{seen}");
        let accepted = meet(&ana, &ben, "Ben");
        assert_eq!(kind(&accepted), "accepted", "{accepted}");
        let rows = ana.rows(&["sessions"]);
        assert_eq!(rows.first().map(|row| text(row, "route")), Some("bluetooth"), "{rows:?}");
        let mut messages = ben.hither(&["messages", "--follow"]);
        ana.rows(&["say", text(&accepted, "session"), "hello by radio"]);
        messages.wait_for("the message", PATIENTLY, |v| text(v, "text") == "hello by radio");
    });
}

#[test]
fn once_a_session_by_radio_is_closed_both_agents_rest() {
    scenario(|| {
        let Some(room) = Room::with(2) else { return };
        let (ana, ben) = (room.person("Ana", 0, None), room.person("Ben", 1, None));
        let (_a, _) = ana.agent(&[]);
        let (_b, _) = ben.agent(&[]);
        let accepted = meet(&ana, &ben, "Ben");
        assert_eq!(kind(&accepted), "accepted", "{accepted}");
        ana.rows(&["close", text(&accepted, "session")]);
        let until = std::time::Instant::now() + PATIENTLY;
        while ben.rows(&["sessions"]).iter().any(|row| kind(row) == "session") {
            assert!(std::time::Instant::now() < until, "{:?}", ben.rows(&["sessions"]));
        }
        let before = cost(&room);
        room.machine.shell("sleep 10");
        for (start, end) in before.into_iter().zip(cost(&room)) {
            let took = end.seconds - start.seconds;
            assert!(took < 5.0, "{} took {took:.1} s of the processor in ten", end.name);
        }
    });
}

#[test]
fn with_a_network_a_device_heard_both_ways_is_one_row_and_says_how_near_it_is() {
    scenario(|| {
        let Some(room) = Room::with(2) else { return };
        let _cable = Cable::laid(&room);
        let (ana, ben) = (room.person("Ana", 0, None), room.person("Ben", 1, Some("right")));
        room.order(&Order::Loudness { of: 1, at: 0, rssi: Some(-40) });
        let (_a, _) = ana.agent(&[]);
        let (_b, _) = ben.agent(&[]);
        let row = ana.sees("Ben, both ways", |v| text(v, "name") == "Ben" && heard_by(v, &["ble", "mdns"]));
        assert_eq!(text(&row, "nearness"), "touching", "{row}");
        let rows = ana.rows(&["near"]);
        assert_eq!(rows.iter().filter(|row| kind(row) == "peer").count(), 1, "{rows:?}");
    });
}

#[test]
fn an_invite_by_radio_goes_on_over_the_network_where_there_is_one() {
    scenario(|| {
        let Some(room) = Room::with(2) else { return };
        let _cable = Cable::laid(&room);
        let (ana, ben) = (room.person("Ana", 0, None), room.person("Ben", 1, Some("right")));
        let (_a, _) = ana.agent(&["--no-mdns"]);
        let (_b, _) = ben.agent(&["--no-mdns"]);
        let seen = ana.sees("Ben", |v| text(v, "name") == "Ben");
        assert!(heard_by(&seen, &["ble"]), "{seen}");
        let accepted = meet(&ana, &ben, "Ben");
        assert_eq!(kind(&accepted), "accepted", "{accepted}");
        let rows = ana.rows(&["sessions"]);
        assert!(rows.iter().any(|row| text(row, "route").contains("10.77.0.2")), "{rows:?}");
    });
}

#[test]
fn where_channels_are_forbidden_devices_are_heard_and_an_invite_says_what_is_missing() {
    scenario(|| {
        let Some(room) = Room::with(2) else { return };
        // There are no sockets for Bluetooth in a network namespace.
        room.machine.shell("/opt/ip netns add right; /opt/ip netns exec right ip link set lo up");
        let _alone = Cable(&room);
        let (ana, ben) = (room.person("Ana", 0, None), room.person("Ben", 1, Some("right")));
        let (_a, _) = ana.agent(&["--no-mdns"]);
        let (_b, _) = ben.agent(&["--no-mdns"]);
        ben.sees("Ana", |v| text(v, "name") == "Ana");
        let row = ana.sees("Ben", |v| text(v, "name") == "Ben");
        let mut invite = ana.hither(&["invite", text(&row, "peer")]);
        let end = invite.wait_for("the end", PATIENTLY, |v| matches!(kind(v), "code" | "accepted" | "error"));
        assert!(text(&end, "message").contains("no network joins the two"), "{end}");
        assert!(text(&end, "hint").contains("onto one network"), "{end}");
    });
}

#[test]
fn an_agent_is_ready_without_a_bluetoothd_and_uses_the_radio_once_there_is_one() {
    scenario(|| {
        let Some(mut room) = Room::with(1) else { return };
        room.daemon.kill_9();
        let ana = room.person("Ana", 0, None);
        let (_agent, _) = ana.agent(&[]);
        room.start_daemon();
        room.advert(0);
    });
}

#[test]
fn an_agent_tells_that_its_radio_is_switched_off_and_sees_again_once_it_is_on() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let (ana, ben) = (room.person("Ana", 0, None), room.person("Ben", 1, None));
        let (_a, _) = ana.agent(&[]);
        let (_b, _) = ben.agent(&[]);
        ben.sees("Ana", |v| text(v, "name") == "Ana");
        room.power(1, false);
        let status = |word: &str| {
            ben.rows(&["status"]).iter().any(|row| text(&row["media"], "ble").contains(word)).then_some(())
        };
        let until = std::time::Instant::now() + PATIENTLY;
        while status("switched off").is_none() {
            assert!(std::time::Instant::now() < until, "{:?}", ben.rows(&["status"]));
        }
        room.power(1, true);
        room.air.wait_for("Ben's advert", PATIENTLY, |v| kind(v) == "advert" && v["by"] == 1);
        ben.sees("Ana again", |v| text(v, "name") == "Ana");
    });
}

#[test]
fn b6_yesterdays_advert_of_a_friend_is_nobody() {
    scenario(|| {
        let Some(room) = Room::with(2) else { return };
        let (ana, ben) = (room.person("Ana", 0, None), room.person("Ben", 1, None));
        let (a, _) = ana.agent(&[]);
        let (_b, _) = ben.agent(&[]);
        let accepted = meet(&ana, &ben, "Ben");
        assert_eq!(kind(&accepted), "accepted", "{accepted}");
        let said = room.air.said();
        let adverts = said.lines().filter_map(|line| serde_json::from_str::<Row>(line).ok());
        let old = adverts.rev().find(|v| kind(v) == "advert" && v["by"] == 0).expect("Ana's advert");
        drop(a);
        room.machine.shell("date -s @$(( $(date +%s) + 86400 )) >/dev/null");
        room.order(&Order::Neighbour {
            name: "replay".to_owned(),
            address: "C0:00:00:00:00:66".to_owned(),
            kind: 0,
            data: text(&old, "data").to_owned(),
            rssi: -50,
        });
        let row = ben.sees("the replay", |v| v["rssi"] == -50);
        assert_ne!(text(&row, "name"), "Ana", "{row}");
        assert_eq!(text(&row, "trust"), "new", "{row}");
        assert_ne!(text(&row, "peer"), text(&accepted, "peer"), "{row}");
    });
}

//! Figures of the machine: told, not asserted, for they are those of an emulated processor and of controllers that need
//! no time on the air. Each is a line `FIGURE what value unit` on standard output. In the machine that hurries a second of
//! the processor is 10⁹ instructions, so what an agent costs is counted and not estimated.

use crate::{
    agents::meet,
    rig::{Addresses, PATIENTLY, Person, Room, Row, scenario},
};
use hither_tests::{
    ble::Process,
    events::{kind, text},
};
use std::{io::Write, time::Instant};

fn figure(what: &str, value: f64, unit: &str) {
    let _ = writeln!(std::io::stdout(), "FIGURE {what}: {value:.2} {unit}");
}

/// The middle of some values.
fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[test]
fn how_soon_a_device_is_shown_after_its_advert() {
    scenario(|| {
        let Some(mut room) = Room::with(2) else { return };
        let ana = room.person("Ana", 0, None);
        let (_agent, _) = ana.agent(&[]);
        let mut near = ana.hither(&["near", "--watch"]);
        let (mut shown, mut named) = (Vec::new(), Vec::new());
        for number in 0..6 {
            let name = format!("Ben{number}");
            let ben = room.probe("advertise", 1, &[&format!("name={name}")]);
            room.advert(1);
            let began = Instant::now();
            let row = near.wait_for("somebody", PATIENTLY, |v| kind(v) == "peer-added");
            shown.push(began.elapsed().as_secs_f64());
            if text(&row, "name") != name {
                near.wait_for(&name, PATIENTLY, |v| kind(v) != "peer-removed" && text(v, "name") == name);
            }
            named.push(began.elapsed().as_secs_f64());
            ben.type_in(b"stop\n");
            ben.end(PATIENTLY);
        }
        figure("advert to shown, look on, middle of 6", middle(shown), "s");
        figure("advert to shown by its name, middle of 6", middle(named), "s");
    });
}

#[test]
fn r2_7_an_agent_told_to_keep_off_the_radio_sends_nothing_by_it_and_rests() {
    scenario(|| {
        let Some(mut room) = Room::hurried(2, Addresses::Public) else { return };
        let (ana, ben) = (room.person("Ana", 0, None), room.person("Ben", 1, None));
        let (_with, _) = ana.agent(&[]);
        room.advert(0);
        let before = room.packets();
        let (_without, ready) = ben.agent(&["--no-ble"]);
        assert_eq!(text(&ready["media"], "ble"), "off", "{ready}");
        room.machine.shell("sleep 30");
        let begun = cost(&room);
        // Twenty of the windows in which it would listen.
        let rest = room.machine.start(&["sleep", "600"], &[]).end(2 * PATIENTLY);
        assert_eq!(rest.code, Some(0), "{}", rest.errors);
        assert_eq!(
            room.packets().get(1),
            before.get(1),
            "r2.7: no command for the radio of an agent that keeps off it"
        );
        for (start, end) in begun.into_iter().zip(cost(&room)) {
            let name = end.name;
            let millions = (end.seconds - start.seconds) * 1_000.0 / 10.0;
            figure(&format!("{name} at rest for a minute"), millions, "million instructions (an unoptimised build)");
            figure(
                &format!("{name} at rest for a minute, its threads woke"),
                (end.woken - start.woken) / 10.0,
                "times",
            );
            figure(&format!("{name} at rest, memory"), end.memory, "MiB (an unoptimised build)");
        }
    });
}

/// What an agent has cost so far.
pub(crate) struct Cost {
    pub(crate) name: String,
    /// Processor time.
    pub(crate) seconds: f64,
    /// Resident, MiB.
    memory: f64,
    /// How often one of its threads woke after waiting.
    woken: f64,
}

/// What every agent has cost.
pub(crate) fn cost(room: &Room) -> Vec<Cost> {
    let told = room.machine.shell(
        "for process in /proc/[0-9]*; do
             words=$(tr '\\000' ' ' <$process/cmdline) || continue
             case $words in */hither*agent*--name*) ;; *) continue ;; esac
             name=$(echo \"$words\" | sed 's/.*--name \\([^ ]*\\).*/\\1/; ')
             echo $name $(cut -d' ' -f14,15 $process/stat) $(sed -n 's/VmRSS:[[:space:]]*\\([0-9]*\\).*/\\1/p' $process/status) \
                 $(sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' $process/task/*/status | awk '{ n += $1 } END { print n }')
         done 2>/dev/null | sort",
    );
    let line = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next()?.to_owned();
        let mut value = || words.next()?.parse::<f64>().ok();
        let (user, system, kibibytes, woken) = (value()?, value()?, value()?, value()?);
        Some(Cost { name, seconds: (user + system) / 100.0, memory: kibibytes / 1024.0, woken })
    };
    told.lines().filter_map(line).collect()
}

#[test]
fn a_file_arrives_whole_over_a_session_by_radio_alone() {
    scenario(|| {
        let Some(room) = Room::with(2) else { return };
        let (ana, ben) = (room.person("Ana", 0, None), room.person("Ben", 1, None));
        let (a, _) = ana.agent(&[]);
        let (_b, _) = ben.agent(&[]);
        let accepted = meet(&ana, &ben, "Ben");
        assert_eq!(kind(&accepted), "accepted", "{accepted}");
        invite_again(&ana, &ben, &accepted);
        figure("TLS through a channel, from its opening to both proofs", middle(handshakes(&a.errors())), "s");
        room.machine.shell("mkdir -p /tmp/out; head -c 200000 /dev/urandom >/tmp/noise");
        let mut receive = ben.hither(&["receive", "--to", "/tmp/out", "--once"]);
        let began = Instant::now();
        let mut send = ana.hither(&["send", text(&accepted, "peer"), "/tmp/noise", "--wait"]);
        let done = send.wait_for("the end", PATIENTLY, |v| matches!(kind(v), "done" | "error"));
        assert_eq!(kind(&done), "done", "{done}");
        figure("a file of 200 kB by radio, offer and check included", began.elapsed().as_secs_f64(), "s");
        receive.wait("done");
        room.machine.shell("cmp /tmp/noise /tmp/out/noise");
    });
}

/// How long each handshake through a channel took, by the agent's own account.
fn handshakes(log: &str) -> Vec<f64> {
    let of = |line: &str| {
        let (_, rest) = line.split_once("took_ms").filter(|_| line.contains("TLS by radio"))?;
        let digits: String = rest.chars().skip_while(|c| *c != '=').skip(1).take_while(char::is_ascii_digit).collect();
        digits.parse::<f64>().ok().map(|ms| ms / 1000.0)
    };
    log.lines().filter_map(of).collect()
}

/// Two who know each other meet again: how long until the other is asked.
fn invite_again(from: &Person, to: &Person, accepted: &Row) {
    from.rows(&["close", text(accepted, "session")]);
    let mut inbox: Process = to.hither(&["inbox", "--watch"]);
    let began = Instant::now();
    let mut invite = from.hither(&["invite", text(accepted, "peer")]);
    let asked = inbox.wait_for("the invite", PATIENTLY, |v| kind(v) == "question" && text(v, "kind") == "invite");
    figure("invite to question, known device, radio alone", began.elapsed().as_secs_f64(), "s");
    to.rows(&["accept", text(&asked, "id")]);
    let again = invite.wait_for("accepted", PATIENTLY, |v| matches!(kind(v), "accepted" | "error"));
    assert_eq!(kind(&again), "accepted", "{again}");
}

//! The middle of a transfer, and everything that can happen in it: the receiver or the sender killed, the cable pulled,
//! the address changed, the agent restarted. The link is slow so that there is a middle.

use hither_tests::{
    Run, Seat,
    acts::{self, TRANSFER, meet, moved, noise, offer},
    events::{kind, text},
    netns::Lab,
    run::SOON,
    seat::Agent,
};
use std::{ffi::OsStr, fs, time::Duration};

const SIZE: usize = 64 << 20;
const MIDDLE: u64 = 24 << 20;

/// Two people in the middle of 64 MiB.
struct Middle {
    ana: Seat,
    ben: Seat,
    ana_agent: Agent,
    ben_agent: Agent,
    send: Run,
    receive: Run,
    transfer: String,
    sent_before: u64,
}

fn receive(ben: &Seat) -> Run {
    let got = ben.at("got");
    ben.hither([OsStr::new("receive"), OsStr::new("--to"), got.as_os_str()])
}

fn middle(lab: &Lab) -> Middle {
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let (ana_agent, ben_agent) = (ana.agent("Ana"), ben.agent("Ben"));
    let met = meet(&ana, &ben, "Ben");
    fs::create_dir_all(ben.file("got")).unwrap();
    noise(&ana.file("big"), SIZE, 11).unwrap();
    lab.limit(1, 100).unwrap();
    let sent_before = lab.host(0).sent_bytes().unwrap();
    let receive = receive(&ben);
    let mut send = offer(&ana, &met.peer, "big");
    let progress = moved(&mut send, MIDDLE);
    let transfer = text(&progress, "transfer").to_owned();
    Middle { ana, ben, ana_agent, ben_agent, send, receive, transfer, sent_before }
}

impl Middle {
    /// Waits until both sides say that it is kept, and looks at the file and at what was sent twice.
    fn completes(&self, lab: &Lab) {
        let id = self.transfer.as_str();
        for seat in [&self.ben, &self.ana] {
            acts::until(seat, &["transfer", id], "kept transfer", TRANSFER, |v| {
                assert_ne!(text(v, "state"), "dropped", "{v}");
                text(v, "state") == "kept"
            });
        }
        assert!(fs::read(self.ben.file("got/big")).unwrap() == fs::read(self.ana.file("big")).unwrap());
        let sent = lab.host(0).sent_bytes().unwrap() - self.sent_before;
        let most = (SIZE as u64 + (16 << 20)) * 21 / 20;
        assert!(sent <= most, "{sent} bytes were sent for {SIZE}: more than 16 MiB twice");
    }

    /// Nothing has the final name while not everything is there.
    fn is_not_there_yet(&self) {
        assert!(!self.ben.file("got/big").exists(), "the name appears only when the file is whole");
    }
}

#[test]
fn f9_a_receiver_killed_in_the_middle_goes_on_where_it_was() {
    let Some(lab) = Lab::of(2) else { return };
    let mut middle = middle(&lab);
    middle.ben_agent.run.kill_9();
    middle.is_not_there_yet();
    middle.ben_agent = middle.ben.agent("Ben");
    middle.completes(&lab);
}

#[test]
fn a_sender_killed_in_the_middle_goes_on_where_it_was() {
    let Some(lab) = Lab::of(2) else { return };
    let mut middle = middle(&lab);
    middle.ana_agent.run.kill_9();
    middle.is_not_there_yet();
    middle.ana_agent = middle.ana.agent("Ana");
    middle.completes(&lab);
}

#[test]
fn n1_a_cable_pulled_for_twenty_seconds_costs_time_and_nothing_else() {
    let Some(lab) = Lab::of(2) else { return };
    let mut middle = middle(&lab);
    lab.cut(1).unwrap();
    let meanwhile = middle.receive.events.during(Duration::from_secs(20));
    assert!(meanwhile.iter().all(|v| !matches!(kind(v), "done" | "dropped")), "{meanwhile:?}");
    middle.is_not_there_yet();
    lab.join(1).unwrap();
    middle.completes(&lab);
}

#[test]
fn n1_a_link_that_goes_silent_is_noticed_within_thirty_seconds() {
    let Some(lab) = Lab::of(2) else { return };
    let middle = middle(&lab);
    lab.mute(1).unwrap();
    acts::until(&middle.ana, &["sessions"], "lost session", Duration::from_secs(30), |v| {
        kind(v) == "session" && text(v, "state") == "reconnecting"
    });
    lab.unmute(1).unwrap();
    middle.completes(&lab);
}

#[test]
fn n2_an_address_that_changes_in_the_middle_is_followed() {
    let Some(lab) = Lab::of(2) else { return };
    let middle = middle(&lab);
    lab.host(1).move_to(77).unwrap();
    middle.completes(&lab);
}

#[test]
fn a_transfer_paused_by_a_person_goes_on_when_they_say_so() {
    let Some(lab) = Lab::of(2) else { return };
    let middle = middle(&lab);
    middle.ana.rows(["pause", &middle.transfer]);
    acts::until(&middle.ben, &["transfer", &middle.transfer], "pause", SOON, |v| text(v, "state") == "paused");
    middle.is_not_there_yet();
    middle.ana.rows(["resume", &middle.transfer]);
    middle.completes(&lab);
}

#[test]
fn f16_a_transfer_that_is_cancelled_leaves_nothing_behind() {
    let Some(lab) = Lab::of(2) else { return };
    let mut middle = middle(&lab);
    middle.ana.rows(["cancel", &middle.transfer]);
    let error = middle.send.wait("error");
    assert_eq!(text(&error, "code"), "Canceled", "{error}");
    acts::until(&middle.ben, &["transfer", &middle.transfer], "end", SOON, |v| text(v, "state") == "dropped");
    let left: Vec<_> = fs::read_dir(middle.ben.file("got")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn n4_an_agent_killed_again_and_again_delivers_the_right_bytes() {
    let Some(lab) = Lab::of(2) else { return };
    let mut middle = middle(&lab);
    for round in 0..6 {
        let agent = if round % 2 == 0 { &mut middle.ben_agent } else { &mut middle.ana_agent };
        agent.run.kill_9();
        let (seat, name) = if round % 2 == 0 { (&middle.ben, "Ben") } else { (&middle.ana, "Ana") };
        *agent = seat.agent(name);
        agent.run.events.during(Duration::from_secs(3));
    }
    let id = middle.transfer.as_str();
    acts::until(&middle.ben, &["transfer", id], "kept transfer", TRANSFER, |v| text(v, "state") == "kept");
    assert!(fs::read(middle.ben.file("got/big")).unwrap() == fs::read(middle.ana.file("big")).unwrap());
}

#[test]
fn a_session_survives_the_restart_of_an_agent_and_no_message_is_lost_or_doubled() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let _a = ana.agent("Ana");
    let mut ben_agent = ben.agent("Ben");
    let met = meet(&ana, &ben, "Ben");
    ana.rows(["say", &met.peer, "before"]);
    ben_agent.run.kill_9();
    ana.rows(["say", &met.peer, "meanwhile"]);
    let _ben = ben.agent("Ben");
    let open = |v: &serde_json::Value| kind(v) == "session" && text(v, "state") == "open";
    acts::until(&ben, &["sessions"], "open session", SOON, open);
    acts::until(&ana, &["sessions"], "open session", SOON, open);
    ana.rows(["say", &met.peer, "after"]);
    acts::until(&ben, &["messages"], "last message", SOON, |v| text(v, "text") == "after");
    let rows = ben.rows(["messages"]);
    let words: Vec<&str> = rows.iter().filter(|v| kind(v) == "message").map(|v| text(v, "text")).collect();
    assert_eq!(words, ["before", "meanwhile", "after"]);
}

#[test]
fn n7_a_terminated_agent_is_gone_within_three_seconds_and_tells_its_peers() {
    let Some(lab) = Lab::of(2) else { return };
    let mut middle = middle(&lab);
    middle.ben_agent.run.signal(rustix::process::Signal::TERM);
    let began = std::time::Instant::now();
    assert!(middle.ben_agent.run.events.rest(SOON).is_ok());
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    acts::until(&middle.ana, &["sessions"], "lost session", Duration::from_secs(4), |v| {
        kind(v) != "session" || text(v, "state") != "open"
    });
    middle.ben_agent = middle.ben.agent("Ben");
    middle.completes(&lab);
}

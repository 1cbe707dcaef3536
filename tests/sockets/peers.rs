//! Two people whose devices no network joins: one is behind their own web server, the other reaches nothing but that.

use crate::{
    home::{Home, NAME, contains, open},
    lab::have,
};
use hither_tests::{
    Seat,
    acts::{APPEAR, deliver, noise, question, until},
    events::{kind, text},
    run::SOON,
};
use rustix::process::Signal;
use serde_json::Value;
use std::time::Duration;

/// Addresses in a link that nobody answers at are given up after ten seconds each.
const BEYOND: Duration = Duration::from_secs(60);

/// Ben opens Ana's link, and Ana says yes. Gives the session's id at Ben's.
fn meet(home: &Home, ana: &Seat, ben: &Seat) -> String {
    let mut inbox = ana.hither(["inbox", "--watch"]);
    let mut opening = open(ben, &home.link());
    opening.wait_for("invite-sent", BEYOND, |v| matches!(kind(v), "invite-sent" | "error"));
    let asked = question(&mut inbox, "invite");
    assert_eq!(text(&asked, "code"), "", "the link proves both");
    ana.rows(["accept", text(&asked, "id")]);
    let accepted = opening.wait_for("accepted", APPEAR, |v| matches!(kind(v), "accepted" | "error"));
    text(&accepted, "session").to_owned()
}

fn open_session(seat: &Seat) -> Value {
    until(seat, &["sessions"], "session that is open", BEYOND, |v| kind(v) == "session" && text(v, "state") == "open")
}

#[test]
fn p6_r5_1_two_people_meet_through_a_web_server_that_reads_nothing() {
    let Some(home) = Home::of(2) else { return };
    let _nginx = home.nginx("home");
    let (ana, ana_agent) = home.ana();
    let (ben, ben_agent) = home.guest(1, "Ben");
    let ear = home.ear(0, "lo", "inside");
    let session = meet(&home, &ana, &ben);
    for (seat, other) in [(&ana, &ben_agent), (&ben, &ana_agent)] {
        let row = open_session(seat);
        assert_eq!((text(&row, "route"), text(&row, "verified")), ("websocket", "link"), "{row}");
        assert_eq!((text(&row, "peer"), text(&row["negotiated"], "version")), (other.peer(), "TLS1.3"));
        assert_eq!(text(&row["peer_certificate"], "spki_sha256"), other.peer(), "the key is proven inside");
        assert!(seat.rows(["near"]).iter().all(|v| text(v, "presence") != "near"), "who is beyond is not near");
    }
    let words = "words for nobody else's eyes";
    let mut follow = ben.hither(["messages", "--follow"]);
    ana.rows(["say", ben_agent.peer(), words]);
    follow.wait_for("the message", SOON, |v| kind(v) == "message" && text(v, "text") == words);
    noise(&ana.file("home/holiday.bin"), 5_000_000, 7).expect("a file");
    let bytes = std::fs::read(ana.file("home/holiday.bin")).expect("the file");
    let done = deliver(&ana, &ben, ben_agent.peer(), "home/holiday.bin", "home");
    let row = ana.rows(["transfer", text(&done, "transfer")]);
    let kept = |v: &Value| text(v, "state") == "kept" && v["receipt"] == true;
    assert!(row.iter().any(kept), "{row:?}");
    assert!(std::fs::read(ben.file("home/holiday.bin")).expect("it arrived") == bytes);
    noise(&ben.file("home/back.bin"), 1_000_000, 9).expect("a file");
    deliver(&ben, &ana, ana_agent.peer(), "home/back.bin", "home");
    let heard = ear.heard(&home);
    assert!(contains(&heard, b"Sec-WebSocket-Protocol: hither-1"), "the ear is where nginx and the agent speak");
    let rows = ben.rows(["session", &session]);
    assert!(rows.iter().any(|v| text(v, "route") == "websocket"), "{rows:?}");
    let log = String::from_utf8_lossy(&home.files.read("access.log")).into_owned();
    for secret in [
        words.as_bytes(),
        b"holiday.bin",
        bytes.get(..64).expect("bytes"),
        ana_agent.peer().as_bytes(),
        NAME.as_bytes(),
    ] {
        assert!(
            !contains(&heard, secret) && !contains(log.as_bytes(), secret),
            "{:?}",
            String::from_utf8_lossy(secret)
        );
    }
}

#[test]
fn r3_7_a_web_server_is_reached_through_the_proxy_of_the_house() {
    if !have(&["microsocks"]) {
        return;
    }
    let Some(home) = Home::of(3) else { return };
    let _nginx = home.nginx("home");
    let (ana, _ana_agent) = home.ana();
    ana.rows(["settings", "set", "exclude", "eth0"]);
    home.net.host(0).shell("nft insert rule inet wall in ip saddr 10.77.0.2 drop").expect("Ben is kept out");
    let _proxy = home.net.seat(2).start("microsocks", ["-i", "10.77.0.3", "-p", "1080"]);
    home.answers(2, 1080);
    let ca = home.files.at("ca.pem").display().to_string();
    let ben = home.net.seat(1);
    let proxy = "socks5://10.77.0.3:1080";
    let _ben_agent =
        ben.agent_with(&["--name", "Ben", "--no-mdns", "--no-ble", "--websocket-ca", &ca, "--websocket-proxy", proxy]);
    meet(&home, &ana, &ben);
    assert_eq!(text(&open_session(&ben), "route"), "websocket");
}

#[test]
fn p6_a_session_comes_back_when_the_web_server_or_the_agent_behind_it_was_restarted() {
    let Some(home) = Home::of(2) else { return };
    let mut nginx = home.nginx("home");
    let (ana, ana_agent) = home.ana();
    let (ben, ben_agent) = home.guest(1, "Ben");
    let session = meet(&home, &ana, &ben);
    open_session(&ben);
    nginx.signal(Signal::TERM);
    let _ = nginx.end(SOON);
    let away = |v: &Value| text(v, "session") == session && text(v, "state") == "reconnecting";
    until(&ben, &["sessions"], "session that lost its way", BEYOND, away);
    nginx = home.nginx("home");
    let back = |v: &Value| text(v, "session") == session && text(v, "state") == "open";
    let row = until(&ben, &["sessions"], "session that is back", BEYOND, back);
    assert_eq!(text(&row, "route"), "websocket");
    ana.rows(["stop"]);
    let _ = ana_agent.run.end(SOON);
    until(&ben, &["sessions"], "session that lost its way", BEYOND, away);
    let (ana, ana_agent) = home.ana();
    until(&ben, &["sessions"], "session that is back", BEYOND, back);
    let mut follow = ana.hither(["messages", "--follow"]);
    ben.rows(["say", ana_agent.peer(), "still there?"]);
    follow.wait_for("the message", SOON, |v| kind(v) == "message" && text(v, "text") == "still there?");
    // Later, from the trust store: no link, no advert, only the web server that is remembered.
    ben.rows(["close", &session]);
    let mut inbox = ana.hither(["inbox", "--watch"]);
    let mut invite = ben.hither(["invite", ana_agent.peer()]);
    let asked = question(&mut inbox, "invite");
    assert_eq!(text(&asked, "peer"), ben_agent.peer());
    ana.rows(["accept", text(&asked, "id")]);
    invite.wait_for("accepted", APPEAR, |v| matches!(kind(v), "accepted" | "error"));
    assert_eq!(text(&open_session(&ben), "route"), "websocket");
    drop(nginx);
}

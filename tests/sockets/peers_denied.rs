//! Devices beyond this network: what is denied, refused, or not who it should be.

use crate::home::{Home, URL, contains, open};
use hither_tests::{
    Seat,
    acts::{APPEAR, question, until},
    events::{kind, text},
    run::SOON,
};
use serde_json::Value;
use std::{io::Read, io::Write, net::TcpStream, time::Duration};

const BEYOND: Duration = Duration::from_secs(60);

#[test]
fn p6_a_web_server_with_a_wrong_certificate_is_an_error_that_says_so() {
    let Some(home) = Home::of(2) else { return };
    let (ana, _agent) = home.ana();
    ana.rows(["settings", "set", "exclude", "eth0"]);
    let (ben, _ben_agent) = home.guest(1, "Ben");
    for (certificate, fault) in [("other", "it is for another name"), ("own", "authority vouches")] {
        let _nginx = home.nginx(certificate);
        let end = open(&ben, &home.link()).end(BEYOND);
        assert_eq!((end.code, end.error_code()), (Some(7), "Unreachable"), "{:?}", end.said);
        let said = text(end.said.last().expect("an error"), "message").to_owned();
        assert!(said.contains("web server 10.77.0.1") && said.contains("certificate"), "{said}");
        assert!(said.contains(fault), "{said}");
    }
}

#[test]
fn r1_2_without_internet_client_no_packet_leaves_for_a_web_server() {
    let Some(home) = Home::of(2) else { return };
    let _nginx = home.nginx("home");
    let (ana, _agent) = home.ana();
    // No address of the device itself in the link.
    ana.rows(["settings", "set", "exclude", "eth0"]);
    let (ben, _ben_agent) = home.guest(1, "Ben");
    ben.rows(["capability", "revoke", "internetClient"]);
    let link = home.link();
    let ear = home.ear(1, "eth0", "outside");
    let end = open(&ben, &link).end(SOON);
    assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"), "{:?}", end.said);
    let hint = text(end.said.last().expect("an error"), "hint").to_owned();
    assert!(hint.contains("capability grant"), "{hint}");
    let heard = ear.heard(&home);
    let to_ana = [10, 77, 0, 1];
    assert!(!contains(&heard, &to_ana), "a packet went to the web server");
    ben.rows(["capability", "grant", "internetClient"]);
    let ear = home.ear(1, "eth0", "outside");
    let mut inbox = ana.hither(["inbox", "--watch"]);
    let mut opening = open(&ben, &link);
    let asked = question(&mut inbox, "invite");
    ana.rows(["accept", text(&asked, "id")]);
    opening.wait_for("accepted", APPEAR, |v| kind(v) == "accepted");
    assert!(contains(&ear.heard(&home), &to_ana), "the ear hears");
    // R1.17, on either side: what is open ends at once, and comes back when it may.
    for (seat, capability) in [(&ben, "internetClient"), (&ana, "internetClientServer")] {
        let stands = |state: &'static str| move |v: &Value| kind(v) == "session" && text(v, "state") == state;
        until(&ben, &["sessions"], "session that stands", BEYOND, stands("open"));
        seat.rows(["capability", "revoke", capability]);
        until(&ben, &["sessions"], "session without a way", SOON, stands("reconnecting"));
        seat.rows(["capability", "grant", capability]);
    }
    until(&ben, &["sessions"], "session that is back", BEYOND, |v| text(v, "state") == "open");
}

/// Speaks HTTP to the agent's own listener, as a program on its machine may.
fn says(seat: &Seat, request: &str) -> String {
    let mut tcp = seat.dial(7000).expect("the listener");
    tcp.set_read_timeout(Some(SOON)).expect("a deadline");
    tcp.write_all(request.as_bytes()).expect("it takes it");
    let mut answer = [0; 1024];
    let count = tcp.read(&mut answer).expect("an answer");
    String::from_utf8_lossy(answer.get(..count).unwrap_or_default()).into_owned()
}

fn request(host: &str, protocol: &str, more: &str) -> String {
    format!(
        "GET /hither HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {protocol}\r\n{more}\r\n"
    )
}

#[test]
fn r1_3_the_listener_for_a_web_server_needs_its_capability_and_ends_with_it() {
    let Some(home) = Home::of(1) else { return };
    let seat = home.net.seat(0);
    let with = ["--name", "Ana", "--no-mdns", "--no-ble", "--websocket", "127.0.0.1:7000", "--websocket-url", URL];
    let agent = seat.agent_with(&with);
    assert!(seat.dial(7000).is_err(), "nobody granted it");
    let told = seat.rows(["history"]);
    assert!(told.iter().any(|v| text(v, "detail").contains("capability grant internetClientServer")), "{told:?}");
    seat.rows(["capability", "grant", "internetClientServer"]);
    let p4 = [
        (request("10.77.0.1", "hither-1", ""), "HTTP/1.1 101"),
        (request("127.0.0.1:7000", "hither-1", ""), "HTTP/1.1 101"),
        (request("evil.example", "hither-1", ""), "HTTP/1.1 403"),
        (request("10.77.0.1", "hither-1", "Origin: https://evil.example\r\n"), "HTTP/1.1 403"),
        (request("10.77.0.1", "tea", ""), "HTTP/1.1 400"),
    ];
    for (request, answer) in p4 {
        let said = says(&seat, &request);
        assert!(said.starts_with(answer) && !said.to_lowercase().contains("extensions"), "{request}\n{said}");
    }
    let rows = seat.rows(["capability", "list"]);
    let row = rows.iter().find(|v| text(v, "name") == "internetClientServer").expect("its row");
    assert!(row["used_by"].to_string().contains("127.0.0.1:7000"), "{row}");
    let checks = seat.rows(["doctor"]);
    let check = checks.iter().find(|v| text(v, "name") == "web server").expect("the doctor's word");
    assert!(check.to_string().contains(URL), "{check}");
    seat.rows(["capability", "revoke", "internetClientServer"]);
    assert!(seat.dial(7000).is_err(), "it ends at once (R1.17)");
    seat.rows(["stop"]);
    let _ = agent.run.end(SOON);
    for wrong in [&["--websocket", "10.77.0.1:7000"][..], &["--websocket", "0.0.0.0:7000"]] {
        let end = seat.ask([&["agent", "--no-mdns", "--no-ble"], wrong].concat());
        assert_eq!((end.code, end.error_code()), (Some(2), "Misuse"), "{:?} {}", end.said, end.errors);
        assert!(
            end.errors.contains("--websocket-exposed") || format!("{:?}", end.said).contains("--websocket-exposed")
        );
    }
}

#[test]
fn p2_silent_callers_through_a_web_server_lock_nobody_out() {
    let Some(home) = Home::of(2) else { return };
    let _nginx = home.nginx("home");
    let (ana, _agent) = home.ana();
    let (ben, _ben_agent) = home.guest(1, "Ben");
    // Some say nothing at all, some open the WebSocket and then say nothing: more than there are places for.
    let hello = request("10.77.0.1", "hither-1", "");
    let silent: Vec<TcpStream> = (0..60).map(|_| ana.dial(7000).expect("the listener")).collect();
    let mut idle: Vec<TcpStream> = (0..60).map(|_| ana.dial(7000).expect("the listener")).collect();
    idle.iter_mut().for_each(|tcp| tcp.write_all(hello.as_bytes()).expect("it takes it"));
    let mut inbox = ana.hither(["inbox", "--watch"]);
    let mut opening = open(&ben, &home.link());
    opening.wait_for("invite-sent", BEYOND, |v| kind(v) == "invite-sent");
    let asked = question(&mut inbox, "invite");
    ana.rows(["accept", text(&asked, "id")]);
    opening.wait_for("accepted", APPEAR, |v| kind(v) == "accepted");
    drop((silent, idle));
}

#[test]
fn r5_2_where_a_direct_way_is_there_it_is_taken() {
    let Some(home) = Home::of(2) else { return };
    home.net.host(0).shell("nft delete table inet wall").expect("no firewall");
    let _nginx = home.nginx("home");
    let (ana, _agent) = home.ana();
    let (ben, _ben_agent) = home.guest(1, "Ben");
    let mut inbox = ana.hither(["inbox", "--watch"]);
    let mut opening = open(&ben, &home.link());
    let asked = question(&mut inbox, "invite");
    ana.rows(["accept", text(&asked, "id")]);
    opening.wait_for("accepted", APPEAR, |v| kind(v) == "accepted");
    let rows = ben.rows(["sessions"]);
    let row = rows.iter().find(|v| kind(v) == "session").expect("a session");
    assert!(text(row, "route").starts_with("10.77.0.1:") || text(row, "route").starts_with("[fd77::1]:"), "{row}");
}

//! Callers of the agent's listener who do not mean well with TLS: wrong versions, wrong records, lengths that lie, endings in the
//! middle (RFC 8446 sections 4 to 6). Without a rendezvous id none of them gets more than an alert (P11 of docs/security.md), and the agent goes on.

use hither_tests::{Seat, run::SOON};
use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
};

/// Most bytes of an answer: one alert.
const ALERT: usize = 7;

fn record(kind: u8, version: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("it fits").to_be_bytes();
    [&[kind], &version.to_be_bytes()[..], &length, payload].concat()
}

fn extension(number: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("it fits").to_be_bytes();
    [&number.to_be_bytes()[..], &length, value].concat()
}

/// A `ClientHello` that offers `versions`, without the name of anybody.
fn hello(legacy: u16, versions: &[u16], more: &[u8]) -> Vec<u8> {
    let offered: Vec<u8> = versions.iter().flat_map(|version| version.to_be_bytes()).collect();
    let mut extensions = [
        // P-256 and X25519; ECDSA and RSA-PSS; X25519's share.
        extension(10, &[0, 4, 0, 23, 0, 29]),
        extension(13, &[0, 6, 4, 3, 8, 4, 8, 9]),
        extension(51, &[&[0, 36, 0, 29, 0, 32][..], &[9; 32]].concat()),
        extension(0xff01, &[0]),
    ]
    .concat();
    if !versions.is_empty() {
        extensions.extend(extension(43, &[&[u8::try_from(offered.len()).expect("few")][..], &offered].concat()));
    }
    extensions.extend_from_slice(more);
    let suites = [0x13, 0x01, 0x13, 0x02, 0xc0, 0x2b, 0xc0, 0x2f, 0x00, 0x2f, 0x00, 0x0a, 0x00, 0x05, 0x00, 0x00];
    let body = [
        &legacy.to_be_bytes()[..],
        &[7; 32],
        &[0, 0, u8::try_from(suites.len()).expect("few")],
        &suites,
        &[1, 0],
        &u16::try_from(extensions.len()).expect("it fits").to_be_bytes(),
        &extensions,
    ]
    .concat();
    let length = u32::try_from(body.len()).expect("it fits").to_be_bytes();
    [&[1, length[1], length[2], length[3]][..], &body].concat()
}

fn callers() -> Vec<(&'static str, Vec<u8>)> {
    let modern = hello(0x0303, &[0x0304, 0x0303], &[]);
    let split = |size: usize| modern.chunks(size).flat_map(|part| record(22, 0x0303, part)).collect::<Vec<u8>>();
    let sslv2 = [&[0x80, 0x2e, 1, 0, 2, 0, 21, 0, 0, 0, 16][..], &[7; 37]].concat();
    let nobody = extension(0, &[&[0, 14, 0, 0, 11][..], b"nobody.test"].concat());
    let mut lies = modern.clone();
    lies[1] = 0xff;
    vec![
        ("SSL 2", sslv2),
        ("SSL 3", record(22, 0x0300, &hello(0x0300, &[], &[]))),
        ("TLS 1.0", record(22, 0x0301, &hello(0x0301, &[], &[]))),
        ("TLS 1.1", record(22, 0x0301, &hello(0x0302, &[], &[]))),
        ("TLS 1.2", record(22, 0x0301, &hello(0x0303, &[], &[]))),
        ("TLS 1.2 by the extension", record(22, 0x0301, &hello(0x0303, &[0x0303], &[]))),
        ("TLS 1.3", record(22, 0x0301, &modern)),
        ("a version that is none", record(22, 0x0303, &hello(0x0303, &[0x7f00], &[]))),
        ("a record of no version", record(22, 0x0909, &modern)),
        ("a name of nobody", record(22, 0x0301, &hello(0x0303, &[0x0304], &nobody))),
        ("two names", record(22, 0x0301, &hello(0x0303, &[0x0304], &[nobody.clone(), nobody.clone()].concat()))),
        ("early data", record(22, 0x0301, &hello(0x0303, &[0x0304], &extension(42, &[])))),
        ("a ticket that nobody gave", record(22, 0x0301, &hello(0x0303, &[0x0304], &extension(35, &[5; 64])))),
        ("an extension whose length lies", record(22, 0x0301, &hello(0x0303, &[0x0304], &[0, 10, 0xff, 0xff]))),
        ("two hellos", [record(22, 0x0301, &modern), record(22, 0x0301, &modern)].concat()),
        ("a hello in small records", split(16)),
        ("a hello byte by byte", split(1)),
        ("empty fragments", record(22, 0x0301, &[]).repeat(2000)),
        ("a record that is too long", [&[22, 3, 1, 0xff, 0xff][..], &[1; 20_000]].concat()),
        ("a message that is too long", record(22, 0x0301, &lies)),
        ("the hello of a server", record(22, 0x0303, &[2, 0, 0, 4, 3, 3, 0, 0])),
        ("a finish at the beginning", record(22, 0x0303, &[20, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
        ("a key update at the beginning", record(22, 0x0303, &[24, 0, 0, 1, 1])),
        ("data at the beginning", record(23, 0x0303, b"hello")),
        ("a change of cipher at the beginning", record(20, 0x0303, &[1]).repeat(100)),
        ("an alert at the beginning", record(21, 0x0303, &[1, 0])),
        ("a heartbeat that bleeds", record(24, 0x0303, &[1, 0xff, 0xff])),
        ("a kind of record that is none", record(99, 0x0303, &[0; 64])),
        ("the web", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("zeros", vec![0; 4096]),
        ("half a hello", record(22, 0x0301, &modern)[..40].to_vec()),
        ("half a header", vec![22, 3]),
        ("nothing", Vec::new()),
    ]
}

/// Everything the listener says until it ends the connection.
fn answer(at: &str, said: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(at).expect("the listener");
    tcp.set_read_timeout(Some(SOON)).expect("a deadline");
    // It may have heard enough before everything is said.
    let _ = tcp.write_all(said).and_then(|()| tcp.shutdown(Shutdown::Write));
    let mut heard = Vec::new();
    match tcp.read_to_end(&mut heard) {
        Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => panic!("it stays open"),
        _ => heard,
    }
}

#[test]
fn t16_hostile_handshakes_get_an_alert_at_most_and_the_agent_goes_on() {
    let seat = Seat::here("hostile").expect("a seat");
    let agent = seat.agent_with(&["--name", "Ana", "--no-mdns", "--no-ble", "--loopback", "--listen", "127.0.0.1:0"]);
    let at = agent.ready["listen"][0].as_str().expect("an address").to_owned();
    for (caller, said) in callers() {
        let heard = answer(&at, &said);
        let alert = heard.is_empty() || heard.first() == Some(&21);
        assert!(alert && heard.len() <= ALERT, "{caller}: {heard:x?}");
    }
    assert!(seat.rows(["inbox"]).is_empty(), "nobody is asked anything");
    let log = seat.rows(["history"]);
    assert!(!log.iter().any(|row| row.to_string().contains("panic")), "{log:?}");
    seat.rows(["stop"]);
    let end = agent.run.end(SOON);
    assert_eq!(end.code, Some(0), "{}", end.errors);
    assert!(!end.errors.contains("panicked"), "{}", end.errors);
}

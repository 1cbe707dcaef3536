//! The strict grammar of a link.

use super::*;
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use hither_model::ErrorCode;
use proptest::prelude::*;

fn with_bytes(bytes: &[u8]) -> String {
    format!("hither://i/1#{}", BASE64URL_NOPAD.encode(bytes))
}

fn plain() -> Vec<u8> {
    let url = InviteUrl::new(peer(2), token(), 2_000_000_000, &[]);
    BASE64URL_NOPAD.decode(url.text().0.strip_prefix("hither://i/1#").unwrap().as_bytes()).unwrap()
}

#[test]
fn a_link_says_the_same_as_text_and_as_qr() {
    let hints = ["192.168.1.20:4455".parse().unwrap(), "[2001:db8::7]:4455".parse().unwrap()];
    let url = InviteUrl::new(peer(2), token(), 2_000_000_000, &hints);
    assert!((90..=130).contains(&url.text().0.len()), "{} characters", url.text().0.len());
    assert!(url.qr_text().0.starts_with("HITHER://I/1#") && !url.qr_text().0.contains(char::is_lowercase));
    for text in [url.text(), url.qr_text()] {
        let read = InviteUrl::parse(&text.0).unwrap();
        assert_eq!((read.inviter(), read.expires(), read.hints()), (peer(2), 2_000_000_000, &hints[..]));
        assert_eq!(read.keys().rid, url.keys().rid);
    }
}

#[test]
fn i7_damaged_links_are_refused_with_the_exact_reason() {
    let good = url().text().0;
    let with = |index: usize, value: u8| {
        let mut bytes = plain();
        bytes[index] = value;
        with_bytes(&bytes)
    };
    let longer = |extra: &[u8]| with_bytes(&[plain().as_slice(), extra].concat());
    for (text, fault) in [
        (with(0, 2), LinkFault::Version),
        (with(0, 0), LinkFault::Version),
        (with(1, 1), LinkFault::Truncated),
        (with(1, 2), LinkFault::Flags),
        (with(1, 3), LinkFault::Flags),
        (good.replace("/1#", "/2#"), LinkFault::Version),
        (good.replace("hither://i/1#", "HITHER://I/3#"), LinkFault::Version),
        (with_bytes(&plain()[..53]), LinkFault::Truncated),
        (with_bytes(&[]), LinkFault::Truncated),
        (longer(&[0]), LinkFault::Trailing),
        (longer(&[4, 10, 0, 0, 1, 0]), LinkFault::Trailing),
        (longer(&[6, 1, 2, 3]), LinkFault::Trailing),
        (longer(&[5, 10, 0, 0, 1, 0, 80]), LinkFault::Trailing),
        (format!("{good}="), LinkFault::BadText),
        (format!("{good}+"), LinkFault::BadText),
        (format!("{good}&x=1"), LinkFault::BadText),
        (format!("{good}\n"), LinkFault::BadText),
        (format!("{good}#{good}"), LinkFault::BadText),
        (format!("hither://i/1#{}", "A".repeat(10_000)), LinkFault::TooLong),
    ] {
        let heard = InviteUrl::parse(&text).unwrap_err();
        assert_eq!(heard, fault, "{text}");
        assert!(matches!(heard.code(), ErrorCode::Misuse | ErrorCode::Incompatible));
    }
}

fn with_route(length: u8, rest: &[u8]) -> String {
    let mut bytes = plain();
    bytes[1] = 1;
    bytes.push(length);
    with_bytes(&[bytes.as_slice(), rest].concat())
}

#[test]
fn r5_2_a_link_carries_one_route_through_a_web_server_and_nothing_that_looks_like_one() {
    let route = WebRoute::parse("wss://home.example:8443/hither").unwrap();
    let longest = WebRoute::parse(&format!("wss://h/{}", "x".repeat(WebRoute::MAX - 2))).unwrap();
    let hints: Vec<_> = (1..=4).map(|n| format!("[fd00::{n}]:4455").parse().unwrap()).collect();
    for route in [route, longest] {
        let made = InviteUrl::new(peer(2), token(), 5, &hints).with_web(Some(route.clone()));
        for text in [made.text(), made.qr_text()] {
            assert!(text.0.len() <= MAX_URL, "{}", text.0.len());
            let read = InviteUrl::parse(&text.0).unwrap();
            assert_eq!((read.web(), read.hints()), (Some(&route), &hints[..]));
        }
    }
    for (text, fault) in [
        (with_route(9, b"a.example"), LinkFault::Route),
        (with_route(10, b"A.example/"), LinkFault::Route),
        (with_route(11, b"u@a.example"), LinkFault::Route),
        (with_route(3, b"\xff\xfe/"), LinkFault::Route),
        (with_route(0, b""), LinkFault::Route),
        (with_route(12, b"a.example/"), LinkFault::Truncated),
        (with_route(10, b"a.example/!"), LinkFault::Trailing),
        (with_route(181, &[b'a'; 181]), LinkFault::Route),
    ] {
        assert_eq!(InviteUrl::parse(&text).unwrap_err(), fault, "{text}");
    }
    assert_eq!(InviteUrl::parse(&with_route(10, b"a.example/")).unwrap().web().unwrap().as_str(), "wss://a.example/");
}

#[test]
fn i7_a_flipped_bit_never_gives_the_same_link() {
    let good = plain();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = InviteUrl::parse(&with_bytes(&bytes)) {
            let same =
                read.inviter() == peer(2) && read.keys().rid == url().keys().rid && read.expires() == 2_000_000_000;
            assert!(!same, "bit {bit}");
        }
    }
}

#[test]
fn i8_hints_that_nobody_should_dial_are_ignored_and_the_rest_is_capped() {
    let bad = [
        "127.0.0.1:80",
        "127.9.9.9:80",
        "[::1]:80",
        "0.0.0.0:80",
        "0.1.2.3:80",
        "[::]:80",
        "255.255.255.255:80",
        "224.0.0.251:5353",
        "[ff02::fb]:5353",
        "[::ffff:127.0.0.1]:80",
        "[::ffff:0.0.0.0]:80",
        "[::127.0.0.1]:80",
        "169.254.169.254:80",
        "[::ffff:169.254.169.254]:80",
        "[fd00:ec2::254]:80",
        "[fe80::1]:80",
        "192.168.1.20:0",
    ];
    for text in bad {
        assert!(!is_dialable_hint(&text.parse().unwrap()), "{text}");
    }
    for text in ["192.168.1.20:80", "10.0.0.1:4455", "8.8.8.8:53", "[2001:db8::7]:80", "[fd12::7]:80", "169.254.3.4:80"]
    {
        assert!(is_dialable_hint(&text.parse().unwrap()), "{text}");
    }
    let mut bytes = plain();
    bytes.extend([4, 127, 0, 0, 1, 0, 80]);
    for host in 1..=6 {
        bytes.extend([4, 10, 0, 0, host, 0, 80]);
    }
    let read = InviteUrl::parse(&with_bytes(&bytes)).unwrap();
    let expected: Vec<_> = (1..=4).map(|n| format!("10.0.0.{n}:80").parse().unwrap()).collect();
    assert_eq!(read.hints(), expected);
    for host in 0..100 {
        bytes.extend([4, 10, 0, 1, host, 0, 80]);
    }
    assert_eq!(InviteUrl::parse(&with_bytes(&bytes)).unwrap_err(), LinkFault::TooLong);
}

#[test]
fn i15_a_device_does_not_open_its_own_link() {
    assert_eq!(url().check_opener(&peer(2)), Err(crate::Ending::OwnLink));
    url().check_opener(&peer(1)).unwrap();
}

#[test]
fn i16_other_urls_options_and_escapes_are_no_links() {
    let body = url().text().0.split_off("hither://i/1#".len());
    for text in [
        "hither://settings?visibility=everyone".to_owned(),
        "--flag".to_owned(),
        String::new(),
        "hither://i/1".to_owned(),
        format!("Hither://i/1#{body}"),
        format!("HITHER://I/1#{body}x").replace("HITHER", "HITHEr"),
        format!("hither://i/1?x=1#{body}"),
        format!("hither://i/1/#{body}"),
        format!("hither://user@i/1#{body}"),
        format!("hither://i:80/1#{body}"),
        format!("hither:i/1#{body}"),
        format!("https://i/1#{body}"),
        format!(" hither://i/1#{body}"),
        format!("--url=hither://i/1#{body}"),
        format!("hither://i/01#{body}"),
        format!("hither://i/%31#{body}"),
    ] {
        assert_eq!(InviteUrl::parse(&text).unwrap_err(), LinkFault::NotAnInvite, "{text}");
    }
    for text in [format!("hither://i/1#%00{body}"), format!("hither://i/1#{body}%00"), format!("HITHER://I/1#{body}")] {
        assert_eq!(InviteUrl::parse(&text).unwrap_err(), LinkFault::BadText, "{text}");
    }
}

#[test]
fn the_secret_is_shown_by_no_debug() {
    let shown = format!("{:?} {:?} {:?} {:?}", url(), url().text(), token(), url().keys());
    assert!(!shown.contains("5a5a") && !shown.contains("WlpaWlpa"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_never_panics(text in "\\PC{0,600}", head in prop_oneof![Just("hither://i/1#"), Just("HITHER://I/1#")]) {
        let _ = InviteUrl::parse(&text);
        let _ = InviteUrl::parse(&format!("{head}{text}"));
    }

    #[test]
    fn whatever_bytes_are_taken_as_a_link_give_only_dialable_hints_and_come_back_the_same(
        tail in prop::collection::vec(any::<u8>(), 0..200), upper: bool
    ) {
        let mut bytes = plain();
        bytes.truncate(2);
        bytes[1] = u8::from(tail.len() % 2 == 1);
        bytes.extend(tail);
        let text = if upper { format!("HITHER://I/1#{}", BASE32_NOPAD.encode(&bytes)) } else { with_bytes(&bytes) };
        if let Ok(read) = InviteUrl::parse(&text) {
            prop_assert!(read.hints().len() <= MAX_HINTS && read.hints().iter().all(is_dialable_hint));
            let again = InviteUrl::parse(&read.text().0).unwrap();
            prop_assert_eq!((again.inviter(), again.expires(), again.hints()), (read.inviter(), read.expires(), read.hints()));
            prop_assert_eq!(again.web(), read.web());
        }
    }

    #[test]
    fn hints_survive(v4: [u8; 4], v6: [u8; 16], port: u16) {
        let hints = [(v4, port).into(), (v6, port).into()];
        let url = InviteUrl::new(peer(2), token(), 5, &hints);
        let read = InviteUrl::parse(&url.qr_text().0).unwrap();
        prop_assert_eq!(read.hints(), url.hints());
        let kept: Vec<_> = hints.into_iter().filter(is_dialable_hint).collect();
        prop_assert_eq!(url.hints(), kept);
    }
}

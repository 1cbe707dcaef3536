//! Frames cut into pieces: each rule of RFC 6455, and any message in any frames cut anywhere.

use super::*;
use proptest::prelude::*;

/// A frame as a server writes it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ ..126 => bytes.push(u8::try_from(short).unwrap()),
        long @ ..65_536 => {
            bytes.push(126);
            bytes.extend_from_slice(&u16::try_from(long).unwrap().to_be_bytes());
        }
        huge => {
            bytes.push(127);
            bytes.extend_from_slice(&u64::try_from(huge).unwrap().to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

fn fed(limit: usize, input: &[u8]) -> (Splitter, Vec<u8>, Result<(), Broken>) {
    let (mut splitter, mut out) = (Splitter::new(limit), Vec::new());
    let outcome = splitter.feed(input, &mut out);
    (splitter, out, outcome)
}

#[test]
fn r5_4_each_rule_of_frames_is_kept_to() {
    let rule = |input: &[u8], why: &'static str| {
        assert_eq!(fed(1000, input).2, Err(Broken::Rule(why)), "{input:x?}");
    };
    for bit in [0x40, 0x20, 0x10] {
        rule(&[0x82 | bit], "it uses an extension that was not offered");
        rule(&[0x89 | bit], "it uses an extension that was not offered");
    }
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        rule(&[0x80 | opcode], "a frame of no known kind");
    }
    rule(&[0x82, 0x81], "a server's frame is not masked");
    rule(&[0x89, 0x80], "a server's frame is not masked");
    rule(&[0x09, 0], "a control frame is whole and short");
    for long in [126, 127] {
        rule(&[0x88, long], "a control frame is whole and short");
    }
    for first in [0x00, 0x80] {
        rule(&[first], "a part of no message");
        rule(&[0x82, 1, 7, first], "a part of no message");
    }
    for first in [0x01, 0x02, 0x81, 0x82] {
        rule(&[0x02, 1, 7, first], "a message within another");
    }
    for length in [&[126, 0, 125][..], &[127, 0, 0, 0, 0, 0, 0, 255, 255]] {
        rule(&[&[0x82], length].concat(), "a length is not in its shortest form");
    }
}

#[test]
fn r5_5_a_message_over_the_limit_is_refused_by_its_headers() {
    for input in [
        &[0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0][..],
        &[0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x82, 126, 0x03, 0xe9],
    ] {
        let (splitter, out, outcome) = fed(1000, input);
        assert_eq!((outcome, out.is_empty(), splitter.pieces.len()), (Err(Broken::TooLarge), true, 0));
    }
    // Or by those of its parts together.
    let parts = [frame(0x02, &[1; 600]), frame(0x00, &[1; 400]), frame(0x00, &[1])].concat();
    assert_eq!(fed(1000, &parts).2, Err(Broken::TooLarge));
    assert_eq!(fed(1001, &parts).2, Ok(()));
}

#[test]
fn r5_4_control_frames_pass_between_parts_as_they_are() {
    let ping = frame(0x89, b"are you there");
    let input = [frame(0x01, b"one"), ping.clone(), frame(0x80, b"two"), frame(0x88, &[])].concat();
    let (splitter, out, outcome) = fed(1000, &input);
    let seen = [frame(0x82, b"one"), ping, frame(0x82, b"two"), frame(0x88, &[])].concat();
    assert_eq!((outcome, out), (Ok(()), seen));
    let pieces = [Piece { text: true, last: false }, Piece { text: true, last: true }];
    assert_eq!(Vec::from(splitter.pieces), pieces);
}

#[test]
fn r5_4_what_follows_the_answer_in_one_read_is_frames() {
    let mut tap = Tap::new((), MessageWebSocketReceiveMode::PartialMessage, 1000);
    tap.came(b"HTTP/1.1 101 x\r\n\r");
    tap.came(&[b"\r\n\r\n".as_slice(), &frame(0x02, b"a")].concat());
    assert_eq!(tap.out, [b"\r\n\r\n".as_slice(), &frame(0x82, b"a")].concat(), "the first end was none");
    let mut tap = Tap::new((), MessageWebSocketReceiveMode::PartialMessage, 1000);
    tap.came(&[b"HTTP/1.1 101 x\r\n\r\n".as_slice(), &frame(0x02, b"a")].concat());
    assert_eq!(tap.out, [b"HTTP/1.1 101 x\r\n\r\n".as_slice(), &frame(0x82, b"a")].concat());
}

/// What the library sees: messages of bytes, each whole.
fn messages(mut out: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let [first, short, rest @ ..] = out {
        assert_eq!(*first, WHOLE);
        let (length, rest) = match short {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            _ => (usize::from(*short), rest),
        };
        all.push(rest[..length].to_vec());
        out = &rest[length..];
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn r5_4_any_messages_in_any_frames_cut_anywhere_come_out_whole(
        sent in proptest::collection::vec((any::<bool>(), proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..4)), 1..4),
        cut in 1_usize..500,
    ) {
        let mut input = Vec::new();
        for (text, frames) in &sent {
            for (at, payload) in frames.iter().enumerate() {
                let kind = if at > 0 { 0 } else if *text { 1 } else { 2 };
                input.extend(frame(kind | if at + 1 == frames.len() { 0x80 } else { 0 }, payload));
            }
        }
        let (mut splitter, mut out) = (Splitter::new(10_000), Vec::new());
        for part in input.chunks(cut) {
            prop_assert_eq!(splitter.feed(part, &mut out), Ok(()));
        }
        let mut got = vec![(false, Vec::new())];
        let pieces = Vec::from(splitter.pieces);
        let seen = messages(&out);
        prop_assert_eq!(pieces.len(), seen.len());
        for (piece, bytes) in pieces.iter().zip(seen) {
            let message = got.last_mut().unwrap();
            message.0 = piece.text;
            message.1.extend(bytes);
            if piece.last {
                got.push((false, Vec::new()));
            }
        }
        prop_assert_eq!(got.pop(), Some((false, Vec::new())));
        let sent: Vec<_> = sent.into_iter().map(|(text, frames)| (text, frames.concat())).collect();
        prop_assert_eq!(got, sent);
    }

    #[test]
    fn r5_4_no_bytes_make_it_panic_or_hold_more_than_it_was_given(input in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (splitter, out, _) = fed(1 << 20, &input);
        prop_assert!(out.len() <= input.len() + 4 * splitter.pieces.len());
        prop_assert!(splitter.pieces.len() <= input.len());
    }
}

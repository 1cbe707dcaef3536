//! What the decoder and the parser make of whatever comes.

use super::*;
use crate::hello::{Frame, Hello, No, Taken};
use proptest::prelude::*;

fn framed(payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn m1_a_length_of_zero_of_all_ones_or_over_the_limit_is_refused_before_anything_is_allocated() {
    for (declared, fault) in [
        (0, FrameFault::Empty),
        (u32::MAX, FrameFault::TooLong { length: u32::MAX.into(), max: MAX_HELLO }),
        (0x8000_0000, FrameFault::TooLong { length: 0x8000_0000, max: MAX_HELLO }),
        (24_577, FrameFault::TooLong { length: 24_577, max: MAX_HELLO }),
    ] {
        let mut decoder = Decoder::new(MAX_HELLO);
        decoder.push(&declared.to_be_bytes());
        assert_eq!(decoder.take(), Err(fault));
        decoder.push(&framed(b"{}"));
        assert_eq!(decoder.take(), Err(fault), "there is no way back into step");
        assert!(decoder.is_empty(), "nothing is collected after a fault");
    }
    let mut decoder = Decoder::new(MAX_HELLO);
    decoder.push(&framed(&[b' '; MAX_HELLO]));
    assert_eq!(decoder.take().unwrap().unwrap().len(), MAX_HELLO);
}

#[test]
fn m2_every_split_point_and_single_bytes_give_the_same_frames() {
    let frames = [Frame::Waiting, Frame::No { why: No::Busy }, Frame::Withdraw { why: Taken::Expired }];
    let bytes: Vec<u8> = frames.iter().flat_map(|frame| encode(frame, MAX_HELLO).unwrap()).collect();
    let collect = |pieces: &[&[u8]]| {
        let (mut decoder, mut heard) = (Decoder::new(MAX_HELLO), Vec::new());
        for piece in pieces {
            decoder.push(piece);
            while let Some(payload) = decoder.take().unwrap() {
                heard.push(parse::<Frame>(&payload).unwrap());
            }
        }
        assert!(decoder.is_empty());
        heard
    };
    for split in 0..=bytes.len() {
        assert_eq!(collect(&[&bytes[..split], &bytes[split..]]), frames, "split at {split}");
    }
    assert_eq!(collect(&bytes.chunks(1).collect::<Vec<_>>()), frames);
}

#[test]
fn a_frame_cut_off_by_the_end_of_the_connection_is_noticed() {
    let bytes = encode(&Frame::Waiting, MAX_HELLO).unwrap();
    let mut decoder = Decoder::new(MAX_HELLO);
    decoder.push(&bytes[..bytes.len() - 1]);
    assert_eq!(decoder.take(), Ok(None));
    assert!(!decoder.is_empty());
}

#[test]
fn m3_an_unknown_frame_is_skipped_if_it_says_so_and_ends_the_session_otherwise() {
    let skip = |text: &str| parse_lenient::<Frame>(text.as_bytes());
    assert_eq!(skip(r#"{"t":"hologram","optional":true,"x":[1,{"y":2}]}"#), Ok(None));
    assert_eq!(skip(r#"{"t":"hologram"}"#), Err(FrameFault::UnknownKind));
    assert_eq!(skip(r#"{"t":"hologram","optional":false}"#), Err(FrameFault::UnknownKind));
    assert_eq!(skip(r#"{"t":"hologram","optional":"true"}"#), Err(FrameFault::UnknownKind));
    assert_eq!(skip(r#"{"t":"hologram","x":{"optional":true}}"#), Err(FrameFault::UnknownKind));
    assert_eq!(skip(r#"{"t":"commit","optional":true}"#), Err(FrameFault::WrongShape), "known, but not well-formed");
    assert_eq!(skip(r#"{"optional":true}"#), Err(FrameFault::WrongShape));
    assert_eq!(skip("[]"), Err(FrameFault::WrongShape));
    assert_eq!(skip(r#"{"t":"waiting","later":[1,2]}"#), Ok(Some(Frame::Waiting)), "unknown fields are ignored");
}

#[test]
fn m6_deep_nesting_double_keys_bad_text_and_trailing_bytes_are_refused() {
    let deep = |open: &str, n| format!("{{\"t\":\"waiting\",\"x\":{}", open.repeat(n));
    for text in [deep("[", 100_000), deep("{\"a\":", 100_000), deep("[", MAX_DEPTH)] {
        assert_eq!(parse::<Frame>(text.as_bytes()), Err(FrameFault::TooDeep));
    }
    for text in [
        r#"{"t":"waiting","t":"waiting"}"#,
        r#"{"t":"waiting","x":1,"x":2}"#,
        r#"{"t":"waiting","x":[{"y":{"z":1,"z":2}}]}"#,
        r#"{"t":"no","why":"busy","why":"busy"}"#,
    ] {
        assert_eq!(parse::<Frame>(text.as_bytes()), Err(FrameFault::Duplicate), "{text}");
    }
    assert_eq!(parse::<Frame>(b"{\"t\":\"waiting\",\"x\":\"\xff\"}"), Err(FrameFault::NotText));
    assert_eq!(parse::<Frame>(b"{\"t\":\"waiting\",\"x\":\"\\ud800\"}"), Err(FrameFault::NotJson));
    for text in [r#"{"t":"waiting"}{}"#, r#"{"t":"waiting"} x"#, "", "{", "{\"t\":\"waiting\"\0}"] {
        assert_eq!(parse::<Frame>(text.as_bytes()), Err(FrameFault::NotJson), "{text:?}");
    }
    let wide: String = (0..20_000).map(|i| format!(",\"k{i}\":{i}")).collect();
    assert_eq!(parse::<Frame>(format!("{{\"t\":\"waiting\"{wide}}}").as_bytes()), Ok(Frame::Waiting));
}

#[test]
fn m7_a_frame_without_one_of_its_fields_is_refused_and_not_filled_in() {
    let invite = "11".repeat(16);
    for text in [
        format!(r#"{{"t":"invite","invite":"{invite}","known":true}}"#),
        format!(r#"{{"t":"invite","invite":"{invite}","unverified":true}}"#),
        r#"{"t":"link","name":"Ana"}"#.to_owned(),
        r#"{"t":"presence","port":70000}"#.to_owned(),
        r#"{"t":"resume","session":"../../etc"}"#.to_owned(),
    ] {
        assert_eq!(parse_lenient::<Hello>(text.as_bytes()), Err(FrameFault::WrongShape), "{text}");
    }
}

#[test]
fn what_is_too_long_is_not_sent() {
    let frame = Frame::Accepted { name: Some("x".repeat(MAX_HELLO)), certified: None };
    assert!(matches!(encode(&frame, MAX_HELLO), Err(FrameFault::TooLong { max: MAX_HELLO, .. })));
    assert!(encode_payload(&frame, MAX_HELLO).is_err());
    assert_eq!(&encode(&frame, MAX_FRAME).unwrap()[4..], encode_payload(&frame, MAX_FRAME).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_in_any_pieces_never_panic_and_never_grow_beyond_what_was_pushed(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..32)
    ) {
        let mut decoder = Decoder::new(MAX_HELLO);
        let mut pushed = 0;
        for piece in &pieces {
            decoder.push(piece);
            pushed += piece.len();
            while let Ok(Some(payload)) = decoder.take() {
                prop_assert!(!payload.is_empty() && payload.len() <= pushed);
                let _ = parse_lenient::<Frame>(&payload);
                let _ = parse_lenient::<Hello>(&payload);
                let _ = parse_lenient::<crate::session::Frame>(&payload);
            }
        }
    }

    #[test]
    fn any_json_like_text_never_panics(text in r#"[\[\]{}:,"tx0-9a-z\\. -]{0,200}"#) {
        let _ = parse_lenient::<Frame>(text.as_bytes());
        let _ = parse_lenient::<crate::session::Frame>(format!("{{\"t\":\"{text}").as_bytes());
    }

    #[test]
    fn payloads_come_out_as_they_went_in(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..8),
        step in 1_usize..50,
    ) {
        let bytes: Vec<u8> = payloads.iter().flat_map(|p| framed(p)).collect();
        let (mut decoder, mut heard) = (Decoder::new(200), Vec::new());
        for piece in bytes.chunks(step) {
            decoder.push(piece);
            while let Some(payload) = decoder.take().unwrap() {
                heard.push(payload);
            }
        }
        prop_assert_eq!(heard, payloads);
    }
}

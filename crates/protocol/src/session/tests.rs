//! Session frames, messages, offers and requests.

use super::*;
use crate::{Blob, Breach, FrameFault, MAX_FRAME, Vocabulary, encode, encode_payload, hello, parse, parse_lenient};
use hither_model::{InviteId, SessionId};
use proptest::prelude::*;

const TRANSFER: TransferId = TransferId::new([1; 16]);
const LANE: LaneId = LaneId::new([2; 8]);
const HASH: Digest = Digest([3; 32]);

fn one_of_each() -> Vec<Frame> {
    let (transfer, lane, why) = (TRANSFER, LANE, Some("because".to_owned()));
    vec![
        Frame::Keys { lane: PeerId::new([4; 32]), name: Some("Ana".into()), radio: Some(ResolvingKey::new([7; 32])) },
        Frame::Heir { statement: Blob(vec![1; 300]) },
        Frame::HeirKept { heir: PeerId::new([6; 32]) },
        Frame::Ping { n: 1 },
        Frame::Pong { n: u64::MAX },
        Frame::Say { number: 1, text: "hello\n한국어".into() },
        Frame::Said { number: 1 },
        Frame::Offer { transfer, items: 3, bytes: 5, manifest_bytes: 9, manifest_hash: HASH },
        Frame::OfferPart { transfer, part: "AAAA".into() },
        Frame::OfferEnd { transfer },
        Frame::OfferAnswer { transfer, ok: false, code: Some(ErrorCode::DiskFull), why: why.clone() },
        Frame::Fetch {
            transfer,
            points: vec![ResumePoint { item: 2, offset: 7, prefix: HASH }],
            done: vec![(0, 1), (4, 4)],
            only: Some(vec![]),
            more: false,
        },
        Frame::Moving { transfer },
        Frame::Kept { transfer, items: 3, bytes: 5 },
        Frame::ItemFailed { transfer, item: 2, code: ErrorCode::SourceChanged, why: "changed".into() },
        Frame::Receipt { transfer, receipt: "AAAA".into(), signature: "AAAA".into() },
        Frame::Pause { transfer },
        Frame::Cancel { transfer, why: why.clone() },
        Frame::OpenLane { lane, rid: Rid::new([5; 16]), purpose: Purpose::Bulk { transfer } },
        Frame::OpenLane { lane, rid: Rid::new([5; 16]), purpose: Purpose::Pipe { name: None } },
        Frame::OpenLane { lane, rid: Rid::new([5; 16]), purpose: Purpose::Service { name: "ssh".into(), ask: true } },
        Frame::LaneAnswer { lane, ok: true, code: None, why: None },
        Frame::DialBack { port: 4455 },
        Frame::DialBackResult { reached: false, why: why.clone() },
        Frame::Drain,
        Frame::Drained,
        Frame::Close { why },
    ]
}

fn words_match<T: Vocabulary + Serialize + PartialEq + std::fmt::Debug>(frames: &[T]) {
    let mut words = std::collections::BTreeSet::new();
    for frame in frames {
        let payload = encode_payload(frame, MAX_FRAME).unwrap();
        assert_eq!(parse_lenient::<T>(&payload).unwrap().as_ref(), Some(frame));
        let json: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        words.insert(json["t"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        words,
        T::WORDS.iter().map(|word| (*word).to_owned()).collect(),
        "the list of words is the list of kinds"
    );
}

#[test]
fn every_kind_of_frame_survives_the_wire_and_is_in_its_list_of_words() {
    words_match(&one_of_each());
    let link = hello::LinkHello { name: None, proof: HASH, certified: None };
    let invite = hello::Invite {
        invite: InviteId::new([1; 16]),
        name: Some("Ana".into()),
        message: None,
        known: true,
        unverified: false,
        certified: None,
        codeless: false,
    };
    words_match(&[
        hello::Hello::Invite(invite),
        hello::Hello::Resume { session: SessionId::new([1; 16]) },
        hello::Hello::Presence { name: None, port: 1 },
        hello::Hello::Link(link),
    ]);
    words_match(&[
        hello::Frame::Waiting,
        hello::Frame::Commit { c: HASH },
        hello::Frame::NonceC { n: HASH },
        hello::Frame::NonceS { n: HASH },
        hello::Frame::NoCode,
        hello::Frame::Confirm { mac: HASH },
        hello::Frame::Accepted { name: None, certified: None },
        hello::Frame::Welcome { name: Some("Ana".into()) },
        hello::Frame::No { why: hello::No::LinkOnly },
        hello::Frame::Withdraw { why: hello::Taken::CodesDiffer },
        hello::Frame::LinkProof { proof: HASH },
        hello::Frame::Resumed,
        hello::Frame::Here { name: None, port: 1 },
    ]);
    assert!(one_of_each().iter().all(|frame| frame.check().is_ok()));
}

#[test]
fn the_wire_looks_as_it_is_written_down() {
    let json = |frame: &Frame| String::from_utf8(encode_payload(frame, MAX_FRAME).unwrap()).unwrap();
    assert_eq!(json(&Frame::Say { number: 7, text: "hi".into() }), r#"{"t":"say","number":7,"text":"hi"}"#);
    let lane = Frame::OpenLane { lane: LANE, rid: Rid::new([5; 16]), purpose: Purpose::Pipe { name: None } };
    let rid = "05".repeat(16);
    let expected = format!(r#"{{"t":"open-lane","lane":"0202020202020202","rid":"{rid}","purpose":{{"for":"pipe"}}}}"#);
    assert_eq!(json(&lane), expected);
    for (ask, told) in [(false, ""), (true, r#","ask":true"#)] {
        let purpose = Purpose::Service { name: "ssh".into(), ask };
        let expected = format!(r#"{{"for":"service","name":"ssh"{told}}}"#);
        assert_eq!(serde_json::to_string(&purpose).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Purpose>(&expected).unwrap(), purpose);
    }
}

#[test]
fn w1_a_services_name_is_bounded_before_anything_is_looked_up() {
    let lane = |name: String| {
        let purpose = Purpose::Service { name, ask: false };
        Frame::OpenLane { lane: LANE, rid: Rid::new([5; 16]), purpose }.check()
    };
    assert_eq!(lane("a".repeat(MAX_SERVICE)), Ok(()));
    assert_eq!(lane("a".repeat(MAX_SERVICE + 1)), Err(Breach::TooLong("the service's name")));
}

#[test]
fn m3_a_code_from_a_newer_version_does_not_end_the_session() {
    let id = TRANSFER.to_string();
    let text = format!(r#"{{"t":"offer-answer","transfer":"{id}","ok":false,"code":"MoonTooLow"}}"#);
    assert_eq!(
        parse::<Frame>(text.as_bytes()),
        Ok(Frame::OfferAnswer { transfer: TRANSFER, ok: false, code: None, why: None })
    );
    let text = format!(r#"{{"t":"item-failed","transfer":"{id}","item":1,"code":"MoonTooLow","why":"x"}}"#);
    let Ok(Frame::ItemFailed { code, .. }) = parse::<Frame>(text.as_bytes()) else { panic!("refused") };
    assert_eq!(code, ErrorCode::Incompatible);
}

#[test]
fn m6_what_goes_beyond_its_bounds_is_a_breach() {
    let transfer = TRANSFER;
    let long = |n: usize| "x".repeat(n);
    let fetch = |points: usize, done: Vec<(u32, u32)>, only: Option<Vec<(u32, u32)>>| Frame::Fetch {
        transfer,
        points: vec![ResumePoint { item: 0, offset: 0, prefix: HASH }; points],
        done,
        only,
        more: false,
    };
    let offer =
        |items, bytes, manifest_bytes| Frame::Offer { transfer, items, bytes, manifest_bytes, manifest_hash: HASH };
    let bad = [
        Frame::Keys { lane: PeerId::new([4; 32]), name: Some(long(201)), radio: None },
        Frame::Say { number: 1, text: long(MAX_TEXT + 1) },
        Frame::Say { number: 0, text: long(1) },
        Frame::Said { number: 0 },
        offer(MAX_ITEMS + 1, 0, 0),
        offer(1, 1 << 63, 0),
        offer(1, 1, MAX_MANIFEST + 1),
        Frame::OfferPart { transfer, part: long(174_765) },
        Frame::OfferAnswer { transfer, ok: false, code: None, why: Some(long(513)) },
        fetch(MAX_POINTS + 1, vec![], None),
        fetch(0, vec![(0, 0); MAX_RANGES + 1], None),
        fetch(0, vec![(2, 1)], None),
        fetch(0, vec![(0, 2), (2, 3)], None),
        fetch(0, vec![], Some(vec![(5, 6), (1, 2)])),
        fetch(0, vec![(0, 100_000)], None),
        Frame::Kept { transfer, items: MAX_ITEMS + 1, bytes: 0 },
        Frame::ItemFailed { transfer, item: 100_000, code: ErrorCode::DiskFull, why: String::new() },
        Frame::ItemFailed { transfer, item: 1, code: ErrorCode::DiskFull, why: long(513) },
        Frame::Receipt { transfer, receipt: long(MAX_RECEIPT + 1), signature: String::new() },
        Frame::Receipt { transfer, receipt: String::new(), signature: long(MAX_SIGNATURE + 1) },
        Frame::Cancel { transfer, why: Some(long(513)) },
        Frame::OpenLane { lane: LANE, rid: Rid::new([5; 16]), purpose: Purpose::Pipe { name: Some(long(201)) } },
        Frame::DialBack { port: 0 },
        Frame::Close { why: Some(long(513)) },
    ];
    for frame in bad {
        assert!(matches!(frame.check(), Err(Breach::TooLong(_) | Breach::BadCount(_))), "{:.80}", format!("{frame:?}"));
    }
}

#[test]
fn a_reason_of_ours_that_is_too_long_is_cut_between_characters() {
    let why = "ü".repeat(400);
    let cut = "ü".repeat(254) + "…";
    let transfer = TRANSFER;
    let frame = |why: &String| {
        [
            Frame::OfferAnswer { transfer, ok: false, code: None, why: Some(why.clone()) },
            Frame::LaneAnswer { lane: LANE, ok: false, code: None, why: Some(why.clone()) },
            Frame::Cancel { transfer, why: Some(why.clone()) },
            Frame::DialBackResult { reached: false, why: Some(why.clone()) },
            Frame::Close { why: Some(why.clone()) },
            Frame::ItemFailed { transfer, item: 1, code: ErrorCode::DiskFull, why: why.clone() },
        ]
    };
    for (long, short) in frame(&why).into_iter().zip(frame(&cut)) {
        assert_eq!(long.clone().check(), Err(Breach::TooLong("the reason")));
        let fitted = long.fitted();
        assert_eq!((fitted.check(), &fitted), (Ok(()), &short));
        assert_eq!(short.clone().fitted(), short, "what fits is left alone");
    }
}

#[test]
fn the_longest_frames_fit() {
    let points = vec![ResumePoint { item: 99_999, offset: i64::MAX as u64, prefix: HASH }; MAX_POINTS];
    let ranges: Vec<_> = (0..MAX_RANGES as u32).map(|n| (90_000 + n * 2, 90_000 + n * 2)).collect();
    let fetch = Frame::Fetch { transfer: TRANSFER, points, done: ranges.clone(), only: Some(ranges), more: true };
    fetch.check().unwrap();
    encode(&fetch, MAX_FRAME).unwrap();
    let (receipt, signature) = ("x".repeat(MAX_RECEIPT), "x".repeat(MAX_SIGNATURE));
    encode(&Frame::Receipt { transfer: TRANSFER, receipt, signature }, MAX_FRAME).unwrap();
    let frames = offer_frames(TRANSFER, 1, 1, &vec![0xff; MAX_PART + 1], HASH).unwrap();
    assert_eq!(frames.len(), 4);
    for frame in frames {
        frame.check().unwrap();
        encode(&frame, MAX_FRAME).unwrap();
    }
}

#[test]
fn m11_a_message_arrives_once_however_often_the_connection_breaks() {
    let (mut out, mut inbound, mut shown) = (Outbox::default(), Inbound::default(), Vec::new());
    for text in ["one", "two", "three"] {
        let _ = out.say(text.into()).unwrap();
    }
    for lost_acknowledgements in [true, true, false] {
        // Each program is stopped and started anew in between.
        out = serde_json::from_str(&serde_json::to_string(&out).unwrap()).unwrap();
        inbound = serde_json::from_str(&serde_json::to_string(&inbound).unwrap()).unwrap();
        for frame in out.resend() {
            let Frame::Say { number, text } = frame else { panic!("not a message") };
            if inbound.take(number).unwrap() {
                shown.push(text);
            }
            if !lost_acknowledgements {
                assert!(out.said(number).unwrap());
                assert!(!out.said(number).unwrap(), "an acknowledgement repeated is nothing new");
            }
        }
    }
    assert_eq!(shown, ["one", "two", "three"]);
    assert_eq!((out.waiting(), out.resend().len()), (0, 0));
    let Frame::Say { number, .. } = out.say("four".into()).unwrap() else { panic!("not a message") };
    assert_eq!(number, 4, "numbers are not used again");
}

#[test]
fn m11_messages_out_of_order_are_all_taken_once() {
    let mut inbound = Inbound::default();
    let taken: Vec<_> = [3, 1, 3, 2, 2, 4, 1].iter().map(|n| inbound.take(*n).unwrap()).collect();
    assert_eq!(taken, [true, true, false, true, false, true, false]);
    assert_eq!(inbound.take(0), Err(Breach::BadCount("the message's number")));
    for n in 0..100_000_u64 {
        inbound.take(10 + n * 2).unwrap();
    }
    let size = serde_json::to_string(&inbound).unwrap().len();
    assert!(size < 16_384, "gaps do not make it grow: {size}");
}

#[test]
fn what_was_never_said_cannot_be_acknowledged_and_what_does_not_fit_is_not_said() {
    let mut out = Outbox::default();
    assert!(out.said(1).is_err());
    assert_eq!(out.say(String::new()), Err(SayFault::Empty));
    assert_eq!(out.say("x".repeat(MAX_TEXT + 1)), Err(SayFault::TooLong));
    assert_eq!(out.say("\u{1}".repeat(MAX_TEXT)), Err(SayFault::TooLong), "six times as long on the wire");
    let _ = out.say("x".repeat(MAX_TEXT)).unwrap();
    for _ in 1..64 {
        let _ = out.say("x".repeat(MAX_TEXT)).unwrap();
    }
    assert_eq!(out.say("x".into()), Err(SayFault::Full));
    assert!(out.said(0).is_err() && out.said(65).is_err());
    assert_eq!(out.say("x".into()), Err(SayFault::Full));
    out.said(64).unwrap();
    let _ = out.say("x".into()).unwrap();
}

#[test]
fn m10_a_message_with_escapes_and_direction_marks_arrives_as_it_was_written() {
    let text = "\u{1b}[31mred\u{202e}exe\u{0}".to_owned();
    let payload = encode_payload(&Outbox::default().say(text.clone()).unwrap(), MAX_FRAME).unwrap();
    assert!(!payload.contains(&0x1b));
    assert_eq!(parse(&payload), Ok(Frame::Say { number: 1, text }));
}

#[test]
fn a_manifest_comes_together_within_its_declared_size_only() {
    let manifest: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let frames = offer_frames(TRANSFER, 5, 500, &manifest, HASH).unwrap();
    let mut intake = OfferIntake::begin(&frames[0]).unwrap();
    for frame in &frames[1..frames.len() - 1] {
        let Frame::OfferPart { part, .. } = frame else { panic!("not a part") };
        intake.part(part).unwrap();
    }
    assert_eq!((intake.transfer(), intake.hash()), (TRANSFER, HASH));
    assert!(intake.part("AA==").is_err(), "one byte too many");
    assert_eq!(intake.end().unwrap(), manifest);

    let begin = |manifest_bytes| {
        OfferIntake::begin(&Frame::Offer {
            transfer: TRANSFER,
            items: 1,
            bytes: 1,
            manifest_bytes,
            manifest_hash: HASH,
        })
    };
    assert_eq!(begin(u64::MAX).unwrap_err(), Breach::BadCount("the size of the manifest"));
    let mut intake = begin(MAX_MANIFEST).unwrap();
    assert_eq!(intake.part("A"), Err(Breach::BadText("a part of the manifest")));
    assert_eq!(intake.part(""), Err(Breach::BadCount("the size of the manifest")));
    assert!(intake.end().is_err(), "too short");
    assert!(begin(0).unwrap().end().unwrap().is_empty());
    assert_eq!(OfferIntake::begin(&Frame::Ping { n: 1 }).unwrap_err(), Breach::OutOfOrder);
}

#[test]
fn a_request_longer_than_a_frame_comes_together() {
    let point = |item| ResumePoint { item, offset: 5, prefix: HASH };
    let plan = FetchPlan {
        points: (0..3000).map(point).collect(),
        done: (10_000..15_000).map(|n| (n * 3, n * 3 + 1)).collect(),
        only: Some(vec![(0, 99_999)]),
    };
    let frames = plan.clone().frames(TRANSFER);
    assert_eq!(frames.len(), 3);
    let mut intake = FetchIntake::new();
    let heard: Vec<_> = frames.into_iter().map(|frame| intake.take(frame).unwrap()).collect();
    assert_eq!(heard, [None, None, Some(plan)]);
    let nothing = FetchPlan::default().frames(TRANSFER);
    assert_eq!(intake.take(nothing[0].clone()), Ok(Some(FetchPlan::default())));

    let part = |transfer, done, more| Frame::Fetch { transfer, points: vec![], done, only: None, more };
    assert_eq!(intake.take(part(TRANSFER, vec![(5, 6)], true)), Ok(None));
    assert!(intake.take(part(TRANSFER, vec![(6, 7)], false)).is_err(), "ranges rise across frames too");
    assert_eq!(intake.take(part(TRANSFER, vec![(5, 6)], true)), Ok(None));
    assert_eq!(intake.take(part(TransferId::new([9; 16]), vec![], false)), Err(Breach::OutOfOrder));
    assert!(intake.take(part(TRANSFER, vec![], true)).is_err(), "parts without anything in them could go on for ever");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_fields_never_panic(word in 0..Frame::WORDS.len(), body in r#"("[a-z_]{1,14}":("[0-9a-f]{0,32}"|[0-9]{1,20}|true|null|\[\]),){0,6}"#) {
        let text = format!("{{{body}\"t\":\"{}\"}}", Frame::WORDS[word]);
        match parse_lenient::<Frame>(text.as_bytes()) {
            Ok(frame) => { let _ = frame.unwrap().check(); }
            Err(fault) => prop_assert!(matches!(
                fault, FrameFault::WrongShape | FrameFault::Duplicate | FrameFault::NotJson
            )),
        }
    }

    #[test]
    fn a_request_survives_being_cut_up(points in 0_usize..2500, done in 0_u32..5000, only in prop::option::of(0_u32..5000)) {
        let ranges = |n: u32| (0..n).map(|n| (n * 2, n * 2)).collect::<Vec<_>>();
        let point = ResumePoint { item: 1, offset: 2, prefix: HASH };
        let plan = FetchPlan { points: vec![point; points], done: ranges(done), only: only.map(ranges) };
        let mut intake = FetchIntake::new();
        let mut heard = None;
        for frame in plan.clone().frames(TRANSFER) {
            prop_assert!(heard.is_none());
            heard = intake.take(frame).unwrap();
        }
        prop_assert_eq!(heard, Some(plan));
    }

    #[test]
    fn each_number_is_new_exactly_once(numbers in prop::collection::vec(1_u64..60, 0..200)) {
        let mut inbound = Inbound::default();
        let mut seen = std::collections::BTreeSet::new();
        for number in numbers {
            prop_assert_eq!(inbound.take(number).unwrap(), seen.insert(number));
        }
    }
}

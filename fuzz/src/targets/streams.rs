//! What arrives in a stream: frames of a peer, requests of a client, bulk data in a lane.

use hither_control::{
    frame as control_frame,
    message::{self, FromClient},
};
use hither_model::{Ask, ErrorCode, InviteId, SessionId, TransferId};
use hither_protocol::{
    Breach, Decoder, Digest, Frame, FrameFault, Hello, Invite, MAX_FRAME, MAX_HELLO, Vocabulary, encode, parse_lenient,
    session,
};
use hither_transfer::{
    TransferError,
    wire::{Head, LaneReader, MAX_BYTES},
};
use std::io::Read;

/// A peer's frames, whole and in pieces; before admission and in a session.
pub(crate) fn frames(bytes: &[u8]) {
    for max in [MAX_HELLO, MAX_FRAME] {
        let whole = cut(bytes, max, &[bytes.len()]);
        // Where the bytes are split makes no difference: at each one, and wherever they themselves say.
        assert_eq!(whole, cut(bytes, max, &[1]));
        let sizes: Vec<usize> = bytes.iter().map(|byte| usize::from(*byte)).collect();
        assert_eq!(whole, cut(bytes, max, &sizes));
        for payload in whole.0 {
            same_again::<Hello>(&payload, Hello::check, |hello| encode(hello, MAX_FRAME * 8));
            same_again::<Frame>(&payload, Frame::check, |frame| encode(frame, MAX_FRAME * 8));
            same_again::<session::Frame>(&payload, session::Frame::check, |frame| encode(frame, MAX_FRAME * 8));
        }
    }
}

/// A frame that is taken means the same when it is written and read again.
fn same_again<T: Vocabulary + PartialEq + std::fmt::Debug>(
    payload: &[u8],
    check: fn(&T) -> Result<(), Breach>,
    write: fn(&T) -> Result<Vec<u8>, FrameFault>,
) {
    let Ok(Some(frame)) = parse_lenient::<T>(payload) else { return };
    let taken = check(&frame).is_ok();
    let again = write(&frame).expect("what was read can be written");
    let again = parse_lenient::<T>(again.get(4..).expect("a frame has a length"));
    let again = again.expect("what was written can be read").expect("its kind is known");
    assert_eq!(again, frame);
    assert_eq!(check(&again).is_ok(), taken);
}

/// The payloads that come out when the bytes arrive in pieces of these sizes, over and over; and why the stream was
/// refused, if it was.
fn cut(bytes: &[u8], max: usize, sizes: &[usize]) -> (Vec<Vec<u8>>, Option<FrameFault>) {
    let mut decoder = Decoder::new(max);
    let mut payloads = Vec::new();
    let mut sizes = sizes.iter().cycle();
    let mut rest = bytes;
    while !rest.is_empty() {
        let size = sizes.next().copied().unwrap_or(1).clamp(1, rest.len());
        let (piece, tail) = rest.split_at(size);
        rest = tail;
        decoder.push(piece);
        loop {
            match decoder.take() {
                Ok(Some(payload)) => payloads.push(payload),
                Ok(None) => break,
                Err(fault) => {
                    assert_eq!(decoder.take(), Err(fault), "there is no way back into step");
                    return (payloads, Some(fault));
                }
            }
        }
    }
    (payloads, None)
}

pub(crate) fn frame_seeds() -> Vec<Vec<u8>> {
    let transfer = TransferId::new([4; 16]);
    let invite = Invite {
        invite: InviteId::new([1; 16]),
        name: Some("Ana".to_owned()),
        message: Some("Hello".to_owned()),
        known: false,
        unverified: false,
        certified: None,
        codeless: false,
    };
    let hello = |hello: &Hello| encode(hello, MAX_HELLO).expect("a hello is small");
    let frame = |frame: &session::Frame| encode(frame, MAX_FRAME).expect("a frame is small");
    let points = vec![session::ResumePoint { item: 3, offset: 1 << 20, prefix: Digest([7; 32]) }];
    vec![
        hello(&Hello::Invite(invite)),
        hello(&Hello::Resume { session: SessionId::new([2; 16]) }),
        encode(&Frame::Waiting, MAX_HELLO).expect("small"),
        encode(&Frame::Accepted { name: Some("Ben".to_owned()), certified: None }, MAX_HELLO).expect("small"),
        frame(&session::Frame::Ping { n: 7 }),
        frame(&session::Frame::Say { number: 1, text: "Hello".to_owned() }),
        frame(&session::Frame::Fetch { transfer, points, done: vec![(0, 2)], only: None, more: false }),
        frame(&session::Frame::Cancel { transfer, why: Some("no".to_owned()) }),
        b"\0\0\0\x1a{\"t\":\"new\",\"optional\":true}".to_vec(),
    ]
}

/// A client's requests, as frames and as lines.
pub(crate) fn control(bytes: &[u8]) {
    for cut in [control_frame::Cut::Frames, control_frame::Cut::Lines] {
        let whole = messages(bytes, cut, bytes.len().max(1));
        assert_eq!(whole, messages(bytes, cut, 1), "where the bytes are split makes no difference");
        for message in whole.0 {
            if let Ok(request) = control_frame::parse::<FromClient>(&message) {
                let written = serde_json::to_vec(&request).expect("what was read can be written");
                assert_eq!(control_frame::parse::<FromClient>(&written).ok(), Some(request));
            }
            let _ = control_frame::parse::<message::Hello>(&message).map(|hello| hello.judge_client());
        }
    }
}

/// The messages that come out when the bytes arrive in steps, and whether the stream was refused.
fn messages(bytes: &[u8], cut: control_frame::Cut, step: usize) -> (Vec<Vec<u8>>, bool) {
    let mut decoder = control_frame::Decoder::new(cut, control_frame::REQUEST_CAP);
    let mut messages = Vec::new();
    for piece in bytes.chunks(step) {
        decoder.push(piece);
        loop {
            match decoder.take() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return (messages, true),
            }
        }
    }
    (messages, false)
}

pub(crate) fn control_seeds() -> Vec<Vec<u8>> {
    let asks = [Ask::Status, Ask::Near, Ask::Say { to: "ab".to_owned(), text: "Hello".to_owned() }];
    let mut seeds = Vec::new();
    for (id, ask) in (1..).zip(asks) {
        let request = FromClient::Request { id, ask };
        for cut in [control_frame::Cut::Frames, control_frame::Cut::Lines] {
            seeds.extend(control_frame::encode(&request, cut, control_frame::REQUEST_CAP).ok());
        }
    }
    seeds
}

/// What a sender says in a lane. The first byte says how few bytes the network brings at a time.
pub(crate) fn lane(bytes: &[u8]) {
    let Some((step, lane)) = bytes.split_first() else { return };
    let mut reader = LaneReader::new(Drip { rest: lane, step: usize::from(*step).max(1) });
    let mut rest = lane;
    loop {
        let seen = match Head::parse(rest) {
            Ok(Some((head, used))) => {
                assert!(used > 0 && used <= rest.len());
                let mut written = Vec::new();
                head.put(&mut written);
                assert_eq!(Head::parse(&written), Ok(Some((head, written.len()))));
                rest = rest.get(used..).unwrap_or_default();
                head
            }
            Ok(None) => return assert!(matches!(reader.head(), Err(TransferError::LaneEnded))),
            Err(_) => return assert!(matches!(reader.head(), Err(TransferError::Breach(_)))),
        };
        assert_eq!(reader.head().ok(), Some(seen), "the reader sees what the bytes say");
        let Head::Bytes { len } = seen else { continue };
        assert!((1..=MAX_BYTES).contains(&len));
        let (data, tail) = rest.split_at((len as usize).min(rest.len()));
        let whole = data.len() == len as usize;
        let mut lent = 0;
        loop {
            match reader.bytes() {
                Ok(Some(piece)) => {
                    assert_eq!(data.get(lent..lent + piece.len()), Some(piece));
                    lent += piece.len();
                }
                Ok(None) => break assert!(whole && lent == data.len()),
                Err(error) => return assert!(!whole && matches!(error, TransferError::LaneEnded)),
            }
        }
        rest = tail;
    }
}

/// A network that brings few bytes at a time.
struct Drip<'a> {
    rest: &'a [u8],
    step: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let count = room.len().min(self.step);
        let read = self.rest.take(count as u64).read(room)?;
        self.rest = self.rest.get(read..).unwrap_or_default();
        Ok(read)
    }
}

pub(crate) fn lane_seeds() -> Vec<Vec<u8>> {
    let heads = [
        Head::Item { item: 0, offset: 0, size: 4 },
        Head::End { blake3: [1; 32] },
        Head::Fail { item: 1, code: ErrorCode::SourceChanged },
        Head::Done,
    ];
    let mut all = vec![255];
    for head in heads {
        head.put(&mut all);
    }
    let mut data = vec![3];
    Head::Bytes { len: 4 }.put(&mut data);
    data.extend(b"data");
    Head::Done.put(&mut data);
    vec![all, data]
}

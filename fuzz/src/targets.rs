//! What is fuzzed: each target takes any bytes, must neither panic nor hang nor take memory that the bytes do not pay
//! for, and checks what must hold for whatever was accepted. Each brings seeds: small valid inputs.

use hither_control::{frame as control_frame, message::FromClient};
use hither_discovery::txt::Txt;
use hither_model::{Ask, ErrorCode, InviteId, PeerId, Rid, SessionId, TransferId};
use hither_protocol::{
    Decoder, Digest, Frame, Hello, Invite, InviteUrl, LinkToken, MAX_FRAME, MAX_HELLO, encode, parse_lenient, session,
};
use hither_transfer::{
    Limits, Manifest, NameRules, Ranges, Receipt, SafeRelPath,
    journal::{self, Record},
    wire::Head,
};

/// One parser.
pub struct Target {
    /// Its name, as in `cargo fuzz run`.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
    /// Small valid inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "frames", run: frames, seeds: frame_seeds },
    Target { name: "invite_url", run: invite_url, seeds: invite_url_seeds },
    Target { name: "txt", run: txt, seeds: txt_seeds },
    Target { name: "control", run: control, seeds: control_seeds },
    Target { name: "manifest", run: manifest, seeds: manifest_seeds },
    Target { name: "journal", run: self::journal, seeds: journal_seeds },
    Target { name: "names", run: names, seeds: name_seeds },
    Target { name: "lane", run: lane, seeds: lane_seeds },
    Target { name: "receipt", run: receipt, seeds: receipt_seeds },
];

/// A peer's frames, whole and in pieces; before admission and in a session.
pub fn frames(bytes: &[u8]) {
    let whole = cut(bytes, bytes.len().max(1));
    assert_eq!(whole, cut(bytes, 1), "where the bytes are split makes no difference");
    for payload in whole.0 {
        let _ = parse_lenient::<Hello>(&payload).map(|hello| hello.map(|hello| hello.check()));
        let _ = parse_lenient::<Frame>(&payload).map(|frame| frame.map(|frame| frame.check()));
        if let Ok(Some(frame)) = parse_lenient::<session::Frame>(&payload)
            && frame.check().is_ok()
        {
            let again = encode(&frame, MAX_FRAME * 2).expect("what was read can be written");
            let payload = again.get(4..).expect("a frame has a length");
            assert_eq!(parse_lenient::<session::Frame>(payload).ok().flatten(), Some(frame));
        }
    }
}

/// The payloads that come out when the bytes arrive in steps, and whether the stream was refused.
fn cut(bytes: &[u8], step: usize) -> (Vec<Vec<u8>>, bool) {
    let mut decoder = Decoder::new(MAX_HELLO);
    let mut payloads = Vec::new();
    for piece in bytes.chunks(step) {
        decoder.push(piece);
        loop {
            match decoder.take() {
                Ok(Some(payload)) => payloads.push(payload),
                Ok(None) => break,
                Err(_) => return (payloads, true),
            }
        }
    }
    (payloads, false)
}

fn frame_seeds() -> Vec<Vec<u8>> {
    let transfer = TransferId::new([4; 16]);
    let invite = Invite {
        invite: InviteId::new([1; 16]),
        name: Some("Ana".to_owned()),
        message: Some("Hello".to_owned()),
        known: false,
        unverified: false,
    };
    let hello = |hello: &Hello| encode(hello, MAX_HELLO).expect("a hello is small");
    let frame = |frame: &session::Frame| encode(frame, MAX_FRAME).expect("a frame is small");
    let points = vec![session::ResumePoint { item: 3, offset: 1 << 20, prefix: Digest([7; 32]) }];
    vec![
        hello(&Hello::Invite(invite)),
        hello(&Hello::Resume { session: SessionId::new([2; 16]) }),
        encode(&Frame::Waiting, MAX_HELLO).expect("small"),
        encode(&Frame::Accepted { name: Some("Ben".to_owned()) }, MAX_HELLO).expect("small"),
        frame(&session::Frame::Ping { n: 7 }),
        frame(&session::Frame::Say { number: 1, text: "Hello".to_owned() }),
        frame(&session::Frame::Fetch { transfer, points, done: vec![(0, 2)], only: None, more: false }),
        frame(&session::Frame::Cancel { transfer, why: Some("no".to_owned()) }),
        b"\0\0\0\x1a{\"t\":\"new\",\"optional\":true}".to_vec(),
    ]
}

/// An invite link.
pub fn invite_url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(url) = InviteUrl::parse(text) else { return };
    for text in [url.text(), url.qr_text()] {
        let again = InviteUrl::parse(&text.0).expect("what was read can be written");
        assert_eq!((again.inviter(), again.expires(), again.hints()), (url.inviter(), url.expires(), url.hints()));
    }
    for hint in url.hints() {
        assert!(!hint.ip().is_loopback() && !hint.ip().is_multicast() && !hint.ip().is_unspecified());
    }
}

fn invite_url_seeds() -> Vec<Vec<u8>> {
    let hints = ["192.168.1.20:7777".parse().expect("an address"), "[fd77::1]:7777".parse().expect("an address")];
    let url = InviteUrl::new(PeerId::new([9; 32]), LinkToken::new([5; 16]), 2_000_000_000, &hints);
    vec![url.text().0.into_bytes(), url.qr_text().0.into_bytes()]
}

/// A TXT record as it is on the wire: strings of a length byte and that many bytes.
pub fn txt(bytes: &[u8]) {
    let mut pairs: Vec<(&str, Option<&[u8]>)> = Vec::new();
    let mut rest = bytes;
    while let Some((length, tail)) = rest.split_first() {
        let (string, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        let at = string.iter().position(|b| *b == b'=');
        let key = string.get(..at.unwrap_or(string.len())).unwrap_or_default();
        let value = at.and_then(|at| string.get(at + 1..));
        if let Ok(key) = std::str::from_utf8(key) {
            pairs.push((key, value));
        }
    }
    let Ok(record) = Txt::parse(pairs) else { return };
    if let Ok(properties) = record.properties() {
        let pairs = properties.iter().map(|(key, value)| (key.as_str(), Some(value.as_slice())));
        assert_eq!(Txt::parse(pairs).as_ref(), Ok(&record), "what was read can be announced");
    }
}

fn txt_seeds() -> Vec<Vec<u8>> {
    let record = Txt {
        version: 1,
        epoch: 1_951_111,
        rid: Some(Rid::new([3; 16])),
        name: hither_model::DisplayName::new("Ana").ok(),
        tags: vec![[6; 8]; 32],
    };
    let mut out = Vec::new();
    for (key, value) in record.properties().expect("32 tags are announced") {
        let string = [key.as_bytes(), b"=", &value].concat();
        out.push(u8::try_from(string.len()).expect("a TXT string has at most 255 bytes"));
        out.extend(string);
    }
    vec![out, b"\x03v=1\x03e=7".to_vec(), b"\x03v=2".to_vec()]
}

/// A client's requests, as frames and as lines.
pub fn control(bytes: &[u8]) {
    for cut in [control_frame::Cut::Frames, control_frame::Cut::Lines] {
        let mut decoder = control_frame::Decoder::new(cut, control_frame::REQUEST_CAP);
        decoder.push(bytes);
        while let Ok(Some(message)) = decoder.take() {
            if let Ok(request) = control_frame::parse::<FromClient>(&message) {
                let written = serde_json::to_vec(&request).expect("what was read can be written");
                assert_eq!(control_frame::parse::<FromClient>(&written).ok(), Some(request));
            }
        }
    }
}

fn control_seeds() -> Vec<Vec<u8>> {
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

/// An offered manifest.
pub fn manifest(bytes: &[u8]) {
    let limits = Limits { items: 1000, manifest_bytes: 1 << 20, ..Limits::default() };
    let Ok(manifest) = Manifest::decode(bytes, &limits) else { return };
    assert_eq!(manifest.encode(), bytes, "a manifest has one encoding");
    for item in 0..manifest.items() {
        let path = manifest.path(item).expect("every item has a path");
        stays_beneath(&path);
    }
}

fn manifest_seeds() -> Vec<Vec<u8>> {
    // The layout is told in the header of the manifest's codec.
    let entry = |parent: u32, flags: u8, name: &str, size: Option<u64>| {
        let mut out = parent.to_be_bytes().to_vec();
        out.extend([flags, u8::try_from(name.len()).expect("a short name")]);
        out.extend(name.as_bytes());
        out.extend(1_700_000_000_i64.to_be_bytes());
        out.extend(0_u32.to_be_bytes());
        out.extend(size.map(u64::to_be_bytes).into_iter().flatten());
        out
    };
    let head = |count: u32| [b"hither manifest 1\n".as_slice(), &count.to_be_bytes()].concat();
    let one = [head(1), entry(u32::MAX, 0, "photo.jpg", Some(123))].concat();
    let tree =
        [head(3), entry(u32::MAX, 1, "folder", None), entry(0, 0, "a", Some(0)), entry(0, 2, "run", Some(9))].concat();
    for seed in [&one, &tree] {
        assert!(Manifest::decode(seed, &Limits::default()).is_ok(), "the seed is a manifest");
    }
    vec![one, tree]
}

/// A journal as a crash or a vandal leaves it.
pub fn journal(bytes: &[u8]) {
    let Ok(replay) = journal::parse(bytes) else { return };
    assert!(replay.end <= bytes.len());
    let sound = bytes.get(..replay.end).expect("the end lies inside");
    assert_eq!(journal::parse(sound), Ok(replay), "the sound part alone says the same");
}

fn journal_seeds() -> Vec<Vec<u8>> {
    let begin = Record::Begin {
        transfer: TransferId::new([1; 16]),
        peer: PeerId::new([2; 32]),
        manifest: [3; 32],
        executable: false,
    };
    let ready = vec![journal::Ready { item: 1, inode: 77, blake3: [4; 32] }];
    let folder = Record::Folder { item: 0, inode: 5, name: "folder (2)".to_owned() };
    let failed = Record::Failed { item: 2, code: ErrorCode::DiskFull };
    let records = [begin, folder, Record::Ready(ready), failed, Record::Finished];
    let all: Vec<u8> =
        (0..).zip(&records).filter_map(|(number, record)| journal::encode(record, number)).flatten().collect();
    let torn = all.get(..all.len() - 3).map(<[u8]>::to_vec).unwrap_or_default();
    vec![all, torn]
}

/// A path of a peer: components separated by line feeds.
pub fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let components: Vec<&str> = text.split('\n').collect();
    for rules in [NameRules::Unix, NameRules::Windows, NameRules::Strict] {
        if let Ok(path) = SafeRelPath::new(&components, rules) {
            stays_beneath(&path);
            assert_eq!(path.to_string(), components.join("/"), "the name shown is the name written");
        }
    }
}

/// What must hold for every path that may be opened.
fn stays_beneath(path: &SafeRelPath) {
    let text = path.to_string();
    let std_path = std::path::Path::new(&text);
    assert!(std_path.is_relative());
    assert!(std_path.components().all(|c| matches!(c, std::path::Component::Normal(_))), "{text:?} leads elsewhere");
    assert_eq!(std_path.components().count(), path.names().len());
    assert!(!text.chars().any(hither_model::text::is_hidden), "{text:?} hides something");
}

fn name_seeds() -> Vec<Vec<u8>> {
    ["photo.jpg", "folder\nphoto.jpg", "..\nx", "aux.txt", "한국어\n파일", "a:b", "x.", ".hither-partial"]
        .map(|name| name.as_bytes().to_vec())
        .to_vec()
}

/// What a sender says in a lane.
pub fn lane(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some((head, used))) = Head::parse(rest) {
        assert!(used > 0 && used <= rest.len());
        let mut written = Vec::new();
        head.put(&mut written);
        assert_eq!(Head::parse(&written), Ok(Some((head, written.len()))));
        rest = rest.get(used..).unwrap_or_default();
        if let Head::Data { len } = head {
            rest = rest.get(len as usize..).unwrap_or_default();
        }
    }
}

fn lane_seeds() -> Vec<Vec<u8>> {
    let heads = [
        Head::Item { item: 0, offset: 0, size: 4 },
        Head::End { blake3: [1; 32] },
        Head::Fail { item: 1, code: ErrorCode::SourceChanged },
        Head::Done,
    ];
    let mut all = Vec::new();
    for head in heads {
        head.put(&mut all);
    }
    let mut data = Vec::new();
    Head::Data { len: 4 }.put(&mut data);
    data.extend(b"data");
    vec![all, data]
}

/// A receiver's receipt.
pub fn receipt(bytes: &[u8]) {
    if let Ok(receipt) = Receipt::decode(bytes) {
        assert_eq!(receipt.encode(), bytes, "a receipt has one encoding");
    }
}

fn receipt_seeds() -> Vec<Vec<u8>> {
    let receipt = Receipt {
        transfer: TransferId::new([1; 16]),
        manifest: [2; 32],
        root: [3; 32],
        received_at: 1_700_000_000,
        kept: Ranges::default(),
        failed: vec![(4, ErrorCode::DiskFull)],
    };
    vec![receipt.encode()]
}

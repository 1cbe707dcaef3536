//! What is read as text: links, adverts, names of files.

use hither_discovery::txt::Txt;
use hither_model::{DisplayName, PeerId, Rid, text::is_hidden};
use hither_protocol::{InviteUrl, LinkToken, WebRoute, is_dialable_hint};
use hither_transfer::{NameRules, SafeRelPath};
use std::path::{Component, Path};

/// An invite link.
pub(crate) fn invite_url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(url) = InviteUrl::parse(text) else { return };
    for text in [url.text(), url.qr_text()] {
        let again = InviteUrl::parse(&text.0).expect("what was read can be written");
        assert_eq!((again.inviter(), again.expires(), again.hints()), (url.inviter(), url.expires(), url.hints()));
        assert_eq!(again.web(), url.web());
    }
    assert!(url.hints().iter().all(is_dialable_hint));
}

pub(crate) fn invite_url_seeds() -> Vec<Vec<u8>> {
    let hints = ["192.168.1.20:7777".parse().expect("an address"), "[fd77::1]:7777".parse().expect("an address")];
    let url = InviteUrl::new(PeerId::new([9; 32]), LinkToken::new([5; 16]), 2_000_000_000, &hints);
    let plain = [url.text().0.into_bytes(), url.qr_text().0.into_bytes()];
    let beyond = url.with_web(WebRoute::parse("wss://home.example:8443/hither").ok());
    [plain, [beyond.text().0.into_bytes(), beyond.qr_text().0.into_bytes()]].concat()
}

/// A TXT record as it is on the wire: strings of a length byte and that many bytes.
pub(crate) fn txt(bytes: &[u8]) {
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

pub(crate) fn txt_seeds() -> Vec<Vec<u8>> {
    let record = Txt {
        version: 1,
        epoch: 1_951_111,
        rid: Some(Rid::new([3; 16])),
        beacon: Some([4; 8]),
        name: DisplayName::new("Ana").ok(),
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

/// A path of a peer: components separated by line feeds.
pub(crate) fn names(bytes: &[u8]) {
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
pub(super) fn stays_beneath(path: &SafeRelPath) {
    let text = path.to_string();
    let std_path = Path::new(&text);
    assert!(std_path.is_relative());
    assert!(std_path.components().all(|c| matches!(c, Component::Normal(_))), "{text:?} leads elsewhere");
    assert_eq!(std_path.components().count(), path.names().len());
    assert!(!text.chars().any(is_hidden), "{text:?} hides something");
}

pub(crate) fn name_seeds() -> Vec<Vec<u8>> {
    ["photo.jpg", "folder\nphoto.jpg", "..\nx", "aux.txt", "한국어\n파일", "a:b", "x.", ".hither-partial"]
        .map(|name| name.as_bytes().to_vec())
        .to_vec()
}

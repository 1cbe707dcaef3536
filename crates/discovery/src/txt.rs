//! The TXT record of an advert (RFC 6763 section 6), version 1. Pure.
//!
//! | key | value |
//! |---|---|
//! | `v` | `1` |
//! | `e` | the epoch the tags are for, decimal |
//! | `r` | the rendezvous id a stranger dials with, 32 hex digits; only while everyone may see us |
//! | `b` | the id in this device's Bluetooth LE advert, 8 raw bytes; only while it has one |
//! | `n` | the display name, UTF-8, at most 200 bytes; only while everyone may see us |
//! | `t0`…`t4` | tags of 8 raw bytes that only known devices can resolve, up to 30 per key |
//!
//! The number of tags is padded to 8, 32 or 128, so that it does not tell how many devices are known. What comes from
//! elsewhere is a claim and hostile: anything that is not exactly this is a fault, and its record is dropped (D4). Keys
//! that are not in the table are ignored. What is *not* here: making or resolving tags.

use hither_model::{DisplayName, ErrorCode, Rid};
use std::collections::BTreeMap;

/// The version written and read here.
pub const VERSION: u8 = 1;
/// Most tags of one advert.
pub const MAX_TAGS: usize = 128;
/// Largest record, in bytes on the wire: it must fit in one Ethernet frame with its company (RFC 6763 6.2).
pub const MAX_BYTES: usize = 1_310;

const TAG: usize = 8;
const TAGS_PER_KEY: usize = 30;
const MAX_NAME_BYTES: usize = 200;
/// Keys `t0` to `t4` hold [`MAX_TAGS`].
const TAG_KEYS: usize = MAX_TAGS.div_ceil(TAGS_PER_KEY);

/// What an advert says about a device besides its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Txt {
    /// Version of the record; [`VERSION`].
    pub version: u8,
    /// The epoch the tags are for.
    pub epoch: u32,
    /// What a stranger shows to be let in to knock.
    pub rid: Option<Rid>,
    /// The id in the Bluetooth LE advert of the same device. A claim; that advert's card must name this record in turn.
    pub beacon: Option<[u8; TAG]>,
    /// The name the person chose to show. A claim.
    pub name: Option<DisplayName>,
    /// Tags for known devices, real ones and dummies.
    pub tags: Vec<[u8; TAG]>,
}

/// What is wrong with a TXT record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TxtFault {
    /// No version.
    #[error("the record has no version")]
    NoVersion,
    /// Of another version.
    #[error("the record is of another version of hither")]
    OtherVersion,
    /// A needed key is absent.
    #[error("the record lacks the key {0}")]
    Missing(&'static str),
    /// A key twice.
    #[error("the record has the key {0} twice")]
    Twice(&'static str),
    /// Text that is not UTF-8.
    #[error("the value of {0} is not UTF-8")]
    NotUtf8(&'static str),
    /// A value of the wrong form.
    #[error("the value of {0} is malformed")]
    Malformed(&'static str),
    /// Too many tags.
    #[error("the record has more than {MAX_TAGS} tags")]
    TooManyTags,
    /// Larger than allowed.
    #[error("the record is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// A record of ours with a number of tags that would tell how many devices are known.
    #[error("{0} tags: the number must be 8, 32 or 128")]
    Unpadded(usize),
}

impl TxtFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::OtherVersion => ErrorCode::Incompatible,
            Self::NoVersion
            | Self::Missing(_)
            | Self::Twice(_)
            | Self::NotUtf8(_)
            | Self::Malformed(_)
            | Self::TooManyTags => ErrorCode::Misbehaved,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::Unpadded(_) => ErrorCode::Misuse,
        }
    }
}

impl Txt {
    /// To how many tags so many are filled up with dummies; above 128 the rest must be left out.
    pub const fn padded(tags: usize) -> usize {
        match tags {
            0..=8 => 8,
            9..=32 => 32,
            _ => MAX_TAGS,
        }
    }

    /// The record as keys and values, in the order of the table above.
    ///
    /// # Errors
    /// [`TxtFault::Unpadded`], and [`TxtFault::OtherVersion`] if `version` is not [`VERSION`].
    pub fn properties(&self) -> Result<Vec<(String, Vec<u8>)>, TxtFault> {
        if self.version != VERSION {
            return Err(TxtFault::OtherVersion);
        }
        if !matches!(self.tags.len(), 8 | 32 | MAX_TAGS) {
            return Err(TxtFault::Unpadded(self.tags.len()));
        }
        let mut out = vec![
            ("v".to_owned(), self.version.to_string().into_bytes()),
            ("e".to_owned(), self.epoch.to_string().into_bytes()),
        ];
        out.extend(self.rid.map(|rid| ("r".to_owned(), rid.to_string().into_bytes())));
        out.extend(self.beacon.map(|id| ("b".to_owned(), id.to_vec())));
        out.extend(self.name.as_ref().map(|name| ("n".to_owned(), name.as_str().as_bytes().to_vec())));
        for (number, tags) in self.tags.chunks(TAGS_PER_KEY).enumerate() {
            out.push((format!("t{number}"), tags.concat()));
        }
        Ok(out)
    }

    /// Reads a record somebody announced.
    ///
    /// # Errors
    /// [`TxtFault`]: drop the record, all of it.
    pub fn parse<'a>(properties: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>) -> Result<Self, TxtFault> {
        let known = sort(properties)?;
        let version = text(&known, "v")?.ok_or(TxtFault::NoVersion)?;
        if version != "1" {
            return Err(TxtFault::OtherVersion);
        }
        let epoch = text(&known, "e")?.ok_or(TxtFault::Missing("e"))?;
        let epoch = Some(epoch).filter(|e| e.bytes().all(|b| b.is_ascii_digit())).and_then(|e| e.parse().ok());
        let rid = text(&known, "r")?.map(str::parse).transpose().map_err(|_| TxtFault::Malformed("r"))?;
        Ok(Self {
            version: VERSION,
            epoch: epoch.ok_or(TxtFault::Malformed("e"))?,
            rid,
            beacon: beacon(&known)?,
            name: name(text(&known, "n")?)?,
            tags: tags(&known)?,
        })
    }
}

type Known<'a> = BTreeMap<&'static str, &'a [u8]>;

/// Keeps the keys of the table; the first look at hostile bytes.
fn sort<'a>(properties: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>) -> Result<Known<'a>, TxtFault> {
    let mut known = Known::new();
    let mut bytes = 0;
    for (key, value) in properties {
        bytes += 1 + key.len() + value.map_or(0, |v| 1 + v.len());
        if bytes > MAX_BYTES {
            return Err(TxtFault::TooLarge);
        }
        let Some(key) = recognise(key)? else { continue };
        let value = value.ok_or(TxtFault::Malformed(key))?;
        if known.insert(key, value).is_some() {
            return Err(TxtFault::Twice(key));
        }
    }
    Ok(known)
}

/// Which key of the table it is; upper and lower case are the same (RFC 6763 6.4).
fn recognise(key: &str) -> Result<Option<&'static str>, TxtFault> {
    const KEYS: [&str; 5 + TAG_KEYS] = ["v", "e", "r", "b", "n", "t0", "t1", "t2", "t3", "t4"];
    let found = KEYS.into_iter().find(|k| k.eq_ignore_ascii_case(key));
    let more_tags =
        || key.strip_prefix(['t', 'T']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if found.is_none() && more_tags() { Err(TxtFault::TooManyTags) } else { Ok(found) }
}

fn text<'a>(known: &Known<'a>, key: &'static str) -> Result<Option<&'a str>, TxtFault> {
    let Some(value) = known.get(key) else { return Ok(None) };
    let text = std::str::from_utf8(value).map_err(|_| TxtFault::NotUtf8(key))?;
    if text.contains('\0') { Err(TxtFault::Malformed(key)) } else { Ok(Some(text)) }
}

fn beacon(known: &Known<'_>) -> Result<Option<[u8; TAG]>, TxtFault> {
    let value = known.get("b").map(|value| <[u8; TAG]>::try_from(*value));
    value.transpose().map_err(|_| TxtFault::Malformed("b"))
}

/// A claimed name, made safe to show (R2.12); none if nothing visible is left of it.
fn name(claim: Option<&str>) -> Result<Option<DisplayName>, TxtFault> {
    match claim {
        Some(claim) if claim.len() > MAX_NAME_BYTES => Err(TxtFault::Malformed("n")),
        Some(claim) => Ok(DisplayName::cleaned(claim)),
        None => Ok(None),
    }
}

fn tags(known: &Known<'_>) -> Result<Vec<[u8; TAG]>, TxtFault> {
    const KEYS: [&str; TAG_KEYS] = ["t0", "t1", "t2", "t3", "t4"];
    let mut tags = Vec::new();
    let mut complete = true;
    for key in KEYS {
        let Some(value) = known.get(key) else {
            complete = false;
            continue;
        };
        let (whole, rest) = value.as_chunks::<TAG>();
        // A key after a gap, or after one that was not full, is not how anybody writes this record.
        if !complete || whole.is_empty() || whole.len() > TAGS_PER_KEY || !rest.is_empty() {
            return Err(TxtFault::Malformed(key));
        }
        complete = whole.len() == TAGS_PER_KEY;
        tags.extend_from_slice(whole);
    }
    if tags.len() > MAX_TAGS { Err(TxtFault::TooManyTags) } else { Ok(tags) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Pairs<'a> = &'a [(&'a str, &'a [u8])];

    fn read(pairs: Pairs<'_>) -> Result<Txt, TxtFault> {
        Txt::parse(pairs.iter().map(|(k, v)| (*k, Some(*v))))
    }

    fn quiet(tags: usize) -> Txt {
        Txt { version: VERSION, epoch: 1_900_000, rid: None, beacon: None, name: None, tags: vec![[7; 8]; tags] }
    }

    fn wire_size(txt: &Txt) -> usize {
        txt.properties().unwrap().iter().map(|(k, v)| 2 + k.len() + v.len()).sum()
    }

    #[test]
    fn an_advert_for_known_devices_only_fits_in_a_hundred_bytes() {
        assert!(wire_size(&quiet(8)) <= 100, "{}", wire_size(&quiet(8)));
    }

    #[test]
    fn the_fullest_record_stays_within_the_limit_and_each_entry_within_255_bytes() {
        let full = Txt {
            epoch: u32::MAX,
            rid: Some(Rid::new([9; 16])),
            beacon: Some([8; 8]),
            name: DisplayName::new(&"\u{1F600}".repeat(50)).ok(),
            ..quiet(128)
        };
        assert!(wire_size(&full) <= MAX_BYTES, "{}", wire_size(&full));
        assert!(full.properties().unwrap().iter().all(|(k, v)| k.len() + 1 + v.len() <= 255));
    }

    #[test]
    fn a_number_of_tags_that_would_tell_is_not_written() {
        assert_eq!(quiet(7).properties(), Err(TxtFault::Unpadded(7)));
        assert_eq!([0, 8, 9, 32, 33, 999].map(Txt::padded), [8, 8, 32, 32, 128, 128]);
    }

    #[test]
    fn d4_a_txt_record_that_is_not_exactly_right_is_dropped() {
        let tag: &[u8] = &[1; 8];
        let full: &[u8] = &[1; 240];
        let long: &[u8] = &[b'x'; 9_000];
        let table: &[(Pairs<'_>, TxtFault)] = &[
            (&[], TxtFault::NoVersion),
            (&[("v", b"")], TxtFault::OtherVersion),
            (&[("v", b"2"), ("e", b"5")], TxtFault::OtherVersion),
            (&[("v", b"01"), ("e", b"5")], TxtFault::OtherVersion),
            (&[("v", b"1")], TxtFault::Missing("e")),
            (&[("v", b"1"), ("e", b"")], TxtFault::Malformed("e")),
            (&[("v", b"1"), ("e", b"-1")], TxtFault::Malformed("e")),
            (&[("v", b"1"), ("e", b"+1")], TxtFault::Malformed("e")),
            (&[("v", b"1"), ("e", b"4294967296")], TxtFault::Malformed("e")),
            (&[("v", b"1"), ("e", b"5\0")], TxtFault::Malformed("e")),
            (&[("v", b"1"), ("e", b"\xff")], TxtFault::NotUtf8("e")),
            (&[("v", b"\xc3\x28"), ("e", b"5")], TxtFault::NotUtf8("v")),
            (&[("v", b"1"), ("e", b"5"), ("n", b"\xff\xfe")], TxtFault::NotUtf8("n")),
            (&[("v", b"1"), ("e", b"5"), ("n", b"An\0a")], TxtFault::Malformed("n")),
            (&[("v", b"1"), ("e", b"5"), ("n", &[b'x'; 201])], TxtFault::Malformed("n")),
            (&[("v", b"1"), ("e", b"5"), ("r", b"../..")], TxtFault::Malformed("r")),
            (&[("v", b"1"), ("e", b"5"), ("b", &[1; 7])], TxtFault::Malformed("b")),
            (&[("v", b"1"), ("e", b"5"), ("e", b"5")], TxtFault::Twice("e")),
            (&[("v", b"1"), ("e", b"5"), ("V", b"1")], TxtFault::Twice("v")),
            (&[("v", b"1"), ("e", b"5"), ("t0", &[1; 7])], TxtFault::Malformed("t0")),
            (&[("v", b"1"), ("e", b"5"), ("t0", b"")], TxtFault::Malformed("t0")),
            (&[("v", b"1"), ("e", b"5"), ("t1", tag)], TxtFault::Malformed("t1")),
            (&[("v", b"1"), ("e", b"5"), ("t0", tag), ("t1", tag)], TxtFault::Malformed("t1")),
            (&[("v", b"1"), ("e", b"5"), ("t0", full), ("t5", tag)], TxtFault::TooManyTags),
            (&[("t0", full), ("t1", full), ("t2", full), ("t3", full), ("t4", full)], TxtFault::NoVersion),
            (
                &[("v", b"1"), ("e", b"5"), ("t0", full), ("t1", full), ("t2", full), ("t3", full), ("t4", full)],
                TxtFault::TooManyTags,
            ),
            (&[("v", b"1"), ("e", b"5"), ("zz", long)], TxtFault::TooLarge),
        ];
        for (pairs, fault) in table {
            assert_eq!(read(pairs).as_ref(), Err(fault), "{:?}", pairs.iter().map(|p| p.0).collect::<Vec<_>>());
        }
        let bare = [("v", Some(&b"1"[..])), ("e", Some(b"5")), ("n", None)];
        assert_eq!(Txt::parse(bare), Err(TxtFault::Malformed("n")));
    }

    #[test]
    fn keys_from_a_later_version_are_ignored_and_a_shown_name_is_cleaned() {
        let name = "\u{202e}Ana\u{1b}[31m".as_bytes();
        let txt = read(&[("V", b"1"), ("e", b"0"), ("N", name), ("zz", b"\xff"), ("txt", b""), ("", b"")]).unwrap();
        assert_eq!(txt.name.unwrap().as_str(), "Ana[31m");
        assert_eq!((txt.epoch, txt.tags.len()), (0, 0));
        let blank = read(&[("v", b"1"), ("e", b"0"), ("n", "\u{200b}".as_bytes())]).unwrap();
        assert_eq!(blank.name, None);
    }

    fn some_txt() -> impl Strategy<Value = Txt> {
        let tags = prop::sample::select(vec![8usize, 32, 128]);
        let tags = tags.prop_flat_map(|count| prop::collection::vec(any::<[u8; 8]>(), count));
        (any::<u32>(), any::<Option<[u8; 16]>>(), any::<Option<[u8; 8]>>(), prop::option::of("\\PC{1,50}"), tags)
            .prop_map(|(epoch, rid, beacon, name, tags)| Txt {
                version: VERSION,
                epoch,
                rid: rid.map(Rid::new),
                beacon,
                name: name.and_then(|n| DisplayName::cleaned(&n)),
                tags,
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn what_is_written_is_what_is_read(txt in some_txt()) {
            let pairs = txt.properties().unwrap();
            let read = Txt::parse(pairs.iter().map(|(k, v)| (k.as_str(), Some(v.as_slice()))));
            prop_assert_eq!(read, Ok(txt));
        }

        #[test]
        fn d4_no_bytes_on_the_wire_upset_the_reader(
            pairs in prop::collection::vec(("[verntVERNTx]?[0-9]{0,2}", prop::option::of(any::<Vec<u8>>())), 0..12),
        ) {
            if let Ok(txt) = Txt::parse(pairs.iter().map(|(k, v)| (k.as_str(), v.as_deref()))) {
                prop_assert!(txt.tags.len() <= MAX_TAGS);
            }
        }
    }
}

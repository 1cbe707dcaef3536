//! The receiver's memory of one transfer, as a row of records (F9): which folders are ours, which files are complete,
//! which are in place. Pure; the file itself is in `file`.
//!
//! A record is a mark (u8), its kind (u8), its number in the row (u32), the length of what follows (u32), that many bytes,
//! and eight bytes of BLAKE3 over all before. A torn end, as a crash leaves it, is cut off; a damaged record with sound
//! ones behind it is an error. Lengths are never trusted beyond the bytes that are there.

mod file;

use crate::{
    Ranges,
    bytes::{Cursor, code_named, put_short_text},
};
pub(crate) use file::Journal;
use hither_model::{ErrorCode, PeerId, TransferId};

/// Most bytes in one record.
const MAX_PAYLOAD: usize = 64 << 10;
const HEAD_BYTES: usize = 1 + 1 + 4 + 4;
const CHECK_BYTES: usize = 8;
const MARK: u8 = 0xb7;
/// How many places behind a damaged record are looked at closely for a sound one.
const MAX_PROBES: usize = 1024;

/// A file whose bytes are all there and verified, not yet known to be in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Its number in the manifest.
    pub item: u32,
    /// Its inode, to know it again under whatever name it got.
    pub inode: u64,
    /// BLAKE3 of its bytes.
    pub blake3: [u8; 32],
}

/// One step of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// It began; always the first record and only there.
    Begin {
        /// Which transfer.
        transfer: TransferId,
        /// From whom; nobody else can resume it (F12).
        peer: PeerId,
        /// Hash of the manifest that was consented to.
        manifest: [u8; 32],
        /// Whether executable bits are kept.
        executable: bool,
    },
    /// A folder at the top is about to get this name.
    Folder {
        /// Its number in the manifest.
        item: u32,
        /// Its inode.
        inode: u64,
        /// Its name in the inbox.
        name: String,
    },
    /// Files are complete; written and synchronised before they are moved into place.
    Ready(Vec<Ready>),
    /// Items are in place and synchronised.
    Kept(Ranges),
    /// An item failed.
    Failed {
        /// Its number in the manifest.
        item: u32,
        /// Why.
        code: ErrorCode,
    },
    /// All items are kept.
    Finished,
}

/// What a journal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The sound records, in order.
    pub records: Vec<Record>,
    /// Bytes they take; what follows is a torn end.
    pub end: usize,
}

/// The journal is damaged: sound records follow a broken one, or the first is not what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal is damaged")]
pub struct JournalFault;

/// Reads a journal.
///
/// # Errors
/// [`JournalFault`] for damage that a crash cannot have done.
pub fn parse(bytes: &[u8]) -> Result<Replay, JournalFault> {
    let mut replay = Replay { records: Vec::new(), end: 0 };
    loop {
        let rest = bytes.get(replay.end..).unwrap_or_default();
        let number = u32::try_from(replay.records.len()).map_err(|_| JournalFault)?;
        match take_record(rest) {
            Some((found, record, used)) if found == number => {
                if matches!(record, Record::Begin { .. }) != (number == 0) {
                    return Err(JournalFault);
                }
                replay.records.push(record);
                replay.end += used;
            }
            Some(_) => return Err(JournalFault),
            None if sound_record_in(rest.get(1..).unwrap_or_default(), number) => return Err(JournalFault),
            None => return Ok(replay),
        }
    }
}

/// The bytes of a record at its place in the row. `None` if it is too long for one record.
pub fn encode(record: &Record, number: u32) -> Option<Vec<u8>> {
    let mut payload = Vec::new();
    let kind = put_payload(record, &mut payload);
    if payload.len() > MAX_PAYLOAD {
        return None;
    }
    let mut out = Vec::with_capacity(HEAD_BYTES + payload.len() + CHECK_BYTES);
    out.extend([MARK, kind]);
    out.extend(number.to_be_bytes());
    out.extend(u32::try_from(payload.len()).ok()?.to_be_bytes());
    out.extend(payload);
    let check = check_of(&out);
    out.extend(check);
    Some(out)
}

fn check_of(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    blake3::hash(bytes).as_bytes().first_chunk().copied().unwrap_or_default()
}

fn put_payload(record: &Record, out: &mut Vec<u8>) -> u8 {
    match record {
        Record::Begin { transfer, peer, manifest, executable } => {
            out.extend(transfer.as_bytes());
            out.extend(peer.as_bytes());
            out.extend(manifest);
            out.push(u8::from(*executable));
            1
        }
        Record::Folder { item, inode, name } => {
            out.extend(item.to_be_bytes());
            out.extend(inode.to_be_bytes());
            put_short_text(out, name);
            2
        }
        Record::Ready(items) => {
            for ready in items {
                out.extend(ready.item.to_be_bytes());
                out.extend(ready.inode.to_be_bytes());
                out.extend(ready.blake3);
            }
            3
        }
        Record::Kept(items) => {
            items.put(out);
            4
        }
        Record::Failed { item, code } => {
            out.extend(item.to_be_bytes());
            put_short_text(out, code.name());
            5
        }
        Record::Finished => 6,
    }
}

/// The head of a record: kind, number, length of the payload.
fn take_head(from: &mut Cursor<'_>) -> Option<(u8, u32, usize)> {
    if from.u8()? != MARK {
        return None;
    }
    let (kind, number, length) = (from.u8()?, from.u32()?, from.u32()? as usize);
    (length <= MAX_PAYLOAD && (1..=6).contains(&kind)).then_some((kind, number, length))
}

/// A sound record at the beginning of the bytes: its number, itself, and the bytes it takes.
fn take_record(bytes: &[u8]) -> Option<(u32, Record, usize)> {
    let mut from = Cursor::new(bytes);
    let (kind, number, length) = take_head(&mut from)?;
    let payload = from.take(length)?;
    let check: [u8; CHECK_BYTES] = from.array()?;
    let used = HEAD_BYTES + length;
    if check_of(bytes.get(..used)?) != check {
        return None;
    }
    Some((number, take_payload(kind, payload)?, used + CHECK_BYTES))
}

fn take_payload(kind: u8, payload: &[u8]) -> Option<Record> {
    let mut from = Cursor::new(payload);
    let record = match kind {
        1 => Record::Begin {
            transfer: TransferId::new(from.array()?),
            peer: PeerId::new(from.array()?),
            manifest: from.array()?,
            executable: match from.u8()? {
                0 => false,
                1 => true,
                _ => return None,
            },
        },
        2 => Record::Folder { item: from.u32()?, inode: from.u64()?, name: from.short_text()?.to_owned() },
        3 => {
            let mut items = Vec::with_capacity(payload.len() / 44);
            while from.left() > 0 {
                items.push(Ready { item: from.u32()?, inode: from.u64()?, blake3: from.array()? });
            }
            Record::Ready(items)
        }
        4 => Record::Kept(Ranges::take(&mut from)?),
        5 => Record::Failed { item: from.u32()?, code: code_named(from.short_text()?)? },
        _ => Record::Finished,
    };
    (from.left() == 0).then_some(record)
}

/// Whether a sound record that belongs behind number `after` is anywhere in the bytes.
fn sound_record_in(bytes: &[u8], after: u32) -> bool {
    let mut probes = 0;
    for at in bytes.iter().enumerate().filter(|(_, byte)| **byte == MARK).map(|(at, _)| at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some((_, number, length)) = take_head(&mut Cursor::new(rest)) else { continue };
        if number < after || rest.len() < HEAD_BYTES + length + CHECK_BYTES {
            continue;
        }
        probes += 1;
        if probes > MAX_PROBES || take_record(rest).is_some() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Vec<Record> {
        vec![
            Record::Begin {
                transfer: TransferId::new([1; 16]),
                peer: PeerId::new([2; 32]),
                manifest: [3; 32],
                executable: true,
            },
            Record::Folder { item: 0, inode: 77, name: "photos (2)".to_owned() },
            Record::Ready(vec![
                Ready { item: 1, inode: 78, blake3: [4; 32] },
                Ready { item: 2, inode: 79, blake3: [5; 32] },
            ]),
            Record::Kept(Ranges::of(1, 3)),
            Record::Failed { item: 3, code: ErrorCode::DiskFull },
            Record::Finished,
        ]
    }

    fn bytes_of(records: &[Record]) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for (number, record) in records.iter().enumerate() {
            bytes.extend(encode(record, number as u32).unwrap());
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn f9_a_journal_cut_anywhere_gives_the_records_before_the_cut() {
        let (bytes, ends) = bytes_of(&sample());
        for cut in 0..=bytes.len() {
            let replay = parse(&bytes[..cut]).unwrap();
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(replay.records, sample()[..whole], "cut at {cut}");
            assert_eq!(replay.end, ends[whole]);
        }
    }

    #[test]
    fn f9_damage_in_the_middle_is_an_error_and_at_the_end_is_a_torn_end() {
        let (bytes, ends) = bytes_of(&sample());
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            let last = at >= ends[ends.len() - 2];
            assert_eq!(parse(&bad).is_ok(), last, "flipped at {at}");
        }
        let mut swapped = bytes[..ends[2]].to_vec();
        swapped.extend(&bytes[ends[3]..]);
        assert_eq!(parse(&swapped), Err(JournalFault), "a record is missing");
        assert_eq!(parse(&bytes[ends[1]..]), Err(JournalFault), "it does not begin with its beginning");
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_a_panic(bytes in prop::collection::vec(prop_oneof![Just(MARK), Just(1u8), Just(0u8), any::<u8>()], 0..300)) {
            if let Ok(replay) = parse(&bytes) { prop_assert!(replay.end <= bytes.len()); }
        }

        #[test]
        fn garbage_behind_sound_records_is_cut_off(keep in 0usize..6, garbage in prop::collection::vec(any::<u8>(), 0..100)) {
            let (mut bytes, ends) = bytes_of(&sample());
            bytes.truncate(ends[keep]);
            bytes.extend(&garbage);
            let replay = parse(&bytes).unwrap();
            prop_assert_eq!(replay.records, sample()[..keep].to_vec());
        }
    }
}

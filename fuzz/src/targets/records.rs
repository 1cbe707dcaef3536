//! What is read as one piece: manifests, journals, receipts.

use super::texts::stays_beneath;
use hither_model::{ErrorCode, PeerId, TransferId};
use hither_transfer::{
    Limits, Manifest, Ranges, Receipt,
    journal::{self, Record},
};

/// An offered manifest.
pub(crate) fn manifest(bytes: &[u8]) {
    let limits = Limits { items: 1000, manifest_bytes: 1 << 20, ..Limits::default() };
    let Ok(manifest) = Manifest::decode(bytes, &limits) else { return };
    assert_eq!(manifest.encode(), bytes, "a manifest has one encoding");
    for item in 0..manifest.items() {
        let path = manifest.path(item).expect("every item has a path");
        stays_beneath(&path);
    }
}

pub(crate) fn manifest_seeds() -> Vec<Vec<u8>> {
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
pub(crate) fn journal(bytes: &[u8]) {
    let Ok(replay) = journal::parse(bytes) else { return };
    assert!(replay.end <= bytes.len());
    let sound = bytes.get(..replay.end).expect("the end lies inside");
    assert_eq!(journal::parse(sound), Ok(replay), "the sound part alone says the same");
}

pub(crate) fn journal_seeds() -> Vec<Vec<u8>> {
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

/// A receiver's receipt.
pub(crate) fn receipt(bytes: &[u8]) {
    if let Ok(receipt) = Receipt::decode(bytes) {
        assert_eq!(receipt.encode(), bytes, "a receipt has one encoding");
    }
}

pub(crate) fn receipt_seeds() -> Vec<Vec<u8>> {
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

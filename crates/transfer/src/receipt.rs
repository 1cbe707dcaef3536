//! What the receiver vouches for: exactly which items are on its disk, verified and synchronised. The signature over
//! [`Receipt::encode`] is made and checked elsewhere.
//!
//! Bytes: `"hither receipt 1\n"`, transfer (16), manifest hash (32), root (32), received at (u64, seconds since 1970), kept
//! items as ranges (count u32, then pairs of u32), failed items (count u32, then number u32 and code as short text). The
//! root is BLAKE3 over, for each kept item in rising order, its number (u32), its size (u64), and the BLAKE3 of its bytes
//! (zeros for a folder). Names are bound by the manifest's hash.

use crate::{
    Digests, Manifest, Ranges,
    bytes::{Cursor, code_named, put_short_text},
};
use hither_model::{ErrorCode, TransferId};

const MAGIC: &[u8] = b"hither receipt 1\n";

/// The receiver's word about one transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which transfer.
    pub transfer: TransferId,
    /// Hash of the manifest that was consented to.
    pub manifest: [u8; 32],
    /// All kept bytes in one digest.
    pub root: [u8; 32],
    /// When, by the receiver's clock, in seconds since 1970.
    pub received_at: u64,
    /// Items that are kept.
    pub kept: Ranges,
    /// Items that failed, and why, in rising order.
    pub failed: Vec<(u32, ErrorCode)>,
}

/// Why a receipt is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptFault {
    /// The bytes are not a receipt.
    #[error("the receipt is malformed")]
    Malformed,
    /// It is about another transfer or other contents.
    #[error("the receipt is for another transfer")]
    Other,
    /// It leaves items out, or says that some are both kept and failed.
    #[error("the receipt does not account for every item")]
    Incomplete,
    /// The receiver vouches for bytes that were not sent.
    #[error("the receipt does not match what was sent")]
    Different,
    /// Digests that are needed to check it are not known any more.
    #[error("the receipt cannot be checked: it is not known any more what was sent")]
    Unknown,
}

impl ReceiptFault {
    /// The stable code.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Malformed | Self::Other | Self::Incomplete => ErrorCode::Misbehaved,
            Self::Different => ErrorCode::DigestWrong,
            Self::Unknown => ErrorCode::Stale,
        }
    }
}

impl Receipt {
    /// Puts a receipt together. Kept files whose digest is not known count as zeros, which no sender accepts.
    pub(crate) fn new(
        transfer: TransferId,
        manifest: &Manifest,
        digests: &Digests,
        kept: Ranges,
        failed: Vec<(u32, ErrorCode)>,
        received_at: u64,
    ) -> Self {
        let root = fold(manifest, digests, &kept).unwrap_or_default();
        Self { transfer, manifest: manifest.hash(), root, received_at, kept, failed }
    }

    /// Number of kept items.
    pub fn items(&self) -> u64 {
        self.kept.count()
    }

    /// Whether it vouches for every item.
    pub fn is_complete(&self, manifest: &Manifest) -> bool {
        self.kept.count() == u64::from(manifest.items())
    }

    /// The bytes to sign and to send.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.transfer.as_bytes());
        out.extend(self.manifest);
        out.extend(self.root);
        out.extend(self.received_at.to_be_bytes());
        self.kept.put(&mut out);
        out.extend(u32::try_from(self.failed.len()).unwrap_or(u32::MAX).to_be_bytes());
        for (item, code) in &self.failed {
            out.extend(item.to_be_bytes());
            put_short_text(&mut out, code.name());
        }
        out
    }

    /// Reads a receipt; nothing is allocated that the bytes do not pay for.
    ///
    /// # Errors
    /// [`ReceiptFault::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptFault> {
        take(bytes).ok_or(ReceiptFault::Malformed)
    }

    /// Checks it against what was sent: every item is kept or failed, none is both, and what is kept are the bytes sent.
    ///
    /// # Errors
    /// [`ReceiptFault`]: it is about something else, leaves items out, is about other bytes, or the bytes are not known
    /// any more.
    pub fn verify(&self, transfer: TransferId, manifest: &Manifest, digests: &Digests) -> Result<(), ReceiptFault> {
        if self.transfer != transfer || self.manifest != manifest.hash() || self.kept.end() > manifest.items() {
            return Err(ReceiptFault::Other);
        }
        let rising = self.failed.windows(2).all(|two| matches!(two, [a, b] if a.0 < b.0));
        let apart = self.failed.iter().all(|(item, _)| *item < manifest.items() && !self.kept.contains(*item));
        if !rising || !apart || self.kept.count() + self.failed.len() as u64 != u64::from(manifest.items()) {
            return Err(ReceiptFault::Incomplete);
        }
        let root = fold(manifest, digests, &self.kept).ok_or(ReceiptFault::Unknown)?;
        // Not a secret: both sides can compute it.
        if root == self.root { Ok(()) } else { Err(ReceiptFault::Different) }
    }
}

/// All kept items in one digest; `None` if the digest of a kept file is not known.
fn fold(manifest: &Manifest, digests: &Digests, kept: &Ranges) -> Option<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    for item in kept.iter() {
        let entry = manifest.entry(item)?;
        let digest = if entry.is_folder() { [0; 32] } else { *digests.of(item)? };
        hasher.update(&item.to_be_bytes());
        hasher.update(&entry.size().to_be_bytes());
        hasher.update(&digest);
    }
    Some(hasher.finalize().into())
}

fn take(bytes: &[u8]) -> Option<Receipt> {
    let mut from = Cursor::new(bytes);
    if from.take(MAGIC.len()) != Some(MAGIC) {
        return None;
    }
    let transfer = TransferId::new(from.array()?);
    let (manifest, root) = (from.array()?, from.array()?);
    let received_at = from.u64()?;
    let kept = Ranges::take(&mut from)?;
    let count = from.u32()? as usize;
    if count > from.left() / 5 {
        return None;
    }
    let failed: Option<Vec<_>> = (0..count).map(|_| Some((from.u32()?, code_named(from.short_text()?)?))).collect();
    let failed = failed?;
    let rising = failed.windows(2).all(|two| matches!(two, [a, b] if a.0 < b.0));
    (rising && from.left() == 0).then_some(Receipt { transfer, manifest, root, received_at, kept, failed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Limits, Mtime, manifest::Builder};
    use proptest::prelude::*;

    fn sample() -> (Manifest, Digests, Receipt) {
        let mut builder = Builder::new(&Limits::default());
        let time = Mtime { seconds: 1, nanos: 0 };
        builder.push(None, "folder", Kind::Folder, time).unwrap();
        builder.push(Some(0), "a", Kind::File { size: 1, executable: false }, time).unwrap();
        builder.push(Some(0), "b", Kind::File { size: 2, executable: false }, time).unwrap();
        let manifest = builder.finish().unwrap();
        let mut digests = Digests::new(3);
        digests.set(1, [1; 32]);
        let id = TransferId::new([7; 16]);
        let failed = vec![(2, ErrorCode::SourceChanged)];
        let receipt = Receipt::new(id, &manifest, &digests, Ranges::of(0, 2), failed, 1_700_000_000);
        (manifest, digests, receipt)
    }

    #[test]
    fn a_receipt_vouches_for_the_bytes_that_were_sent_and_no_others() {
        let (manifest, mut digests, receipt) = sample();
        let id = receipt.transfer;
        assert_eq!(Receipt::decode(&receipt.encode()), Ok(receipt.clone()));
        assert_eq!(receipt.verify(id, &manifest, &digests), Ok(()));
        assert_eq!(receipt.verify(TransferId::new([8; 16]), &manifest, &digests), Err(ReceiptFault::Other));
        let more = Receipt { kept: Ranges::of(0, 3), failed: vec![], ..receipt.clone() };
        assert_eq!(more.verify(id, &manifest, &digests), Err(ReceiptFault::Unknown));
        digests.set(2, [2; 32]);
        assert_eq!(more.verify(id, &manifest, &digests), Err(ReceiptFault::Different));
        let beyond = Receipt { kept: Ranges::of(0, 4), ..receipt };
        assert_eq!(beyond.verify(id, &manifest, &digests), Err(ReceiptFault::Other));
    }

    #[test]
    fn a_receipt_accounts_for_every_item_once() {
        let (manifest, digests, receipt) = sample();
        let id = receipt.transfer;
        let with = |kept, failed| {
            let failed: Vec<_> = failed;
            Receipt::new(id, &manifest, &digests, kept, failed, 1).verify(id, &manifest, &digests)
        };
        let failed = |items: &[u32]| items.iter().map(|item| (*item, ErrorCode::DiskFull)).collect::<Vec<_>>();
        assert_eq!(with(Ranges::new(), failed(&[0, 1, 2])), Ok(()));
        assert_eq!(with(Ranges::of(0, 2), failed(&[2])), Ok(()));
        for (kept, items) in [
            (Ranges::new(), &[][..]),
            (Ranges::of(0, 2), &[]),
            (Ranges::of(0, 2), &[1]),
            (Ranges::of(0, 2), &[1, 2]),
            (Ranges::of(0, 1), &[2, 2]),
            (Ranges::of(0, 2), &[3]),
        ] {
            assert_eq!(with(kept, failed(items)), Err(ReceiptFault::Incomplete), "{items:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_that_are_a_receipt_are_its_only_encoding(at in 0usize..150, flip in 1u8.., cut in 0usize..3) {
            let mut bytes = sample().2.encode();
            if let Some(byte) = bytes.get_mut(at) { *byte ^= flip; }
            bytes.truncate(bytes.len() - cut);
            if let Ok(receipt) = Receipt::decode(&bytes) { prop_assert_eq!(receipt.encode(), bytes); }
        }
    }
}

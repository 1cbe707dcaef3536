//! A manifest on its way: cut into pieces by the sender, put together within its declared size by the receiver.
//!
//! What is *not* here: what a manifest says, and whether its hash is right.

use super::{Frame, MAX_MANIFEST, MAX_PART};
use crate::{breach::Breach, digest::Digest};
use data_encoding::BASE64;
use hither_model::TransferId;

/// The frames of an offer, in order.
///
/// # Errors
/// [`Breach::BadCount`] for more than the protocol allows to offer: it would be refused anyway.
pub fn offer_frames(
    transfer: TransferId,
    items: u64,
    bytes: u64,
    manifest: &[u8],
    manifest_hash: Digest,
) -> Result<Vec<Frame>, Breach> {
    let manifest_bytes = manifest.len() as u64;
    let offer = Frame::Offer { transfer, items, bytes, manifest_bytes, manifest_hash };
    offer.check()?;
    let parts = manifest.chunks(MAX_PART).map(|part| Frame::OfferPart { transfer, part: BASE64.encode(part) });
    Ok(std::iter::once(offer).chain(parts).chain([Frame::OfferEnd { transfer }]).collect())
}

/// A manifest that is coming in. Holds no more than has come.
#[derive(Debug)]
pub struct OfferIntake {
    transfer: TransferId,
    hash: Digest,
    size: u64,
    manifest: Vec<u8>,
}

impl OfferIntake {
    /// Begins with a [`Frame::Offer`].
    ///
    /// # Errors
    /// [`Breach::OutOfOrder`] for another frame; otherwise as [`Frame::check`].
    pub fn begin(offer: &Frame) -> Result<Self, Breach> {
        offer.check()?;
        let Frame::Offer { transfer, manifest_bytes, manifest_hash, .. } = offer else {
            return Err(Breach::OutOfOrder);
        };
        Ok(Self { transfer: *transfer, hash: *manifest_hash, size: *manifest_bytes, manifest: Vec::new() })
    }

    /// Which transfer.
    pub fn transfer(&self) -> TransferId {
        self.transfer
    }

    /// The hash the manifest must have.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// Another piece.
    ///
    /// # Errors
    /// [`Breach::BadText`] if it is not base64, [`Breach::BadCount`] if it is empty or goes beyond the declared size.
    pub fn part(&mut self, part: &str) -> Result<(), Breach> {
        if part.len() > MAX_PART.div_ceil(3) * 4 {
            return Err(Breach::TooLong("a part of the manifest"));
        }
        let bytes = BASE64.decode(part.as_bytes()).map_err(|_| Breach::BadText("a part of the manifest"))?;
        let size = (self.manifest.len() + bytes.len()) as u64;
        if bytes.is_empty() || size > self.size.min(MAX_MANIFEST) {
            return Err(Breach::BadCount("the size of the manifest"));
        }
        self.manifest.extend_from_slice(&bytes);
        Ok(())
    }

    /// The whole manifest; compare its BLAKE3 with [`OfferIntake::hash`].
    ///
    /// # Errors
    /// [`Breach::BadCount`] if it is shorter than declared.
    pub fn end(self) -> Result<Vec<u8>, Breach> {
        if self.manifest.len() as u64 == self.size {
            Ok(self.manifest)
        } else {
            Err(Breach::BadCount("the size of the manifest"))
        }
    }
}

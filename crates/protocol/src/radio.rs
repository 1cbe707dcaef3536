//! How friends recognise each other's Bluetooth LE adverts and nobody else does: the advert carries an id made of random
//! bits and a keyed hash of them (the idea of resolvable private addresses, Bluetooth Core vol 3 part C 10.8.2), under a
//! key that a device tells to those it has met. Epochs are those of [`crate::rendezvous`].
//!
//! A friend that was forgotten still holds the key: then the device takes another one. Whoever hears an id can repeat it
//! until its epoch is over; so it says who may be near, and proves nothing.

use crate::{
    digest::hex_bytes,
    kdf::{first, mac},
};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Random bytes at the beginning of an id.
const SALT: usize = 3;
/// Bytes of keyed hash that follow.
const HASH: usize = 5;

/// By which friends recognise a device's beacon ids. Serialised as hexadecimal, for the wire of a session and the stores.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ResolvingKey([u8; 32]);

impl ResolvingKey {
    /// The key with these bytes: random ones.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// An id for this epoch. `salt` is drawn anew each time.
    pub fn beacon_id(&self, epoch: u32, salt: [u8; SALT]) -> [u8; SALT + HASH] {
        let mut id = [0; SALT + HASH];
        let (front, back) = id.split_at_mut(SALT);
        front.copy_from_slice(&salt);
        back.copy_from_slice(&self.hash(epoch, &salt));
        id
    }

    /// Whether this key made the id, in this epoch. Somebody else's id passes once in 2^40.
    pub fn made(&self, id: &[u8; SALT + HASH], epoch: u32) -> bool {
        let [a, b, c, hash @ ..] = id;
        self.hash(epoch, &[*a, *b, *c]).ct_eq(hash).into()
    }

    fn hash(&self, epoch: u32, salt: &[u8; SALT]) -> [u8; HASH] {
        first(&mac(&self.0, &[b"hither-ble1", &epoch.to_be_bytes(), salt]))
    }
}

/// A label for a device that is heard by radio alone: the same as long as address and id are.
pub fn stand_in(address: &[u8; 6], id: Option<[u8; SALT + HASH]>) -> [u8; 16] {
    first(&mac(b"hither-ble1 stand-in", &[address, &id.unwrap_or_default()]))
}

impl fmt::Debug for ResolvingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResolvingKey(…)")
    }
}

impl Serialize for ResolvingKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&Zeroizing::new(HEXLOWER.encode(&self.0)))
    }
}

impl<'de> Deserialize<'de> for ResolvingKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        hex_bytes(d).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_friend_recognises_an_id_in_its_epoch_and_in_no_other() {
        let key = ResolvingKey::new([1; 32]);
        let id = key.beacon_id(7, [9, 8, 7]);
        assert_eq!(id[..3], [9, 8, 7]);
        assert!(key.made(&id, 7));
        assert!(!key.made(&id, 8) && !ResolvingKey::new([2; 32]).made(&id, 7));
    }

    #[test]
    fn two_ids_of_one_device_have_nothing_in_common() {
        let key = ResolvingKey::new([1; 32]);
        let (one, two) = (key.beacon_id(7, [0, 0, 1]), key.beacon_id(7, [0, 0, 2]));
        assert_ne!(one[3..], two[3..]);
    }

    #[test]
    fn the_key_is_stored_as_hex_and_never_shown() {
        let key = ResolvingKey::new([0xab; 32]);
        assert_eq!(format!("{key:?}"), "ResolvingKey(…)");
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json, format!("\"{}\"", "ab".repeat(32)));
        assert_eq!(serde_json::from_str::<ResolvingKey>(&json).unwrap(), key);
        assert!(serde_json::from_str::<ResolvingKey>("\"abcd\"").is_err());
    }
}

//! How two devices that share a secret find each other without telling anybody else: tags in adverts, and the `rid` in
//! the ClientHello's server name. All from HMAC-SHA256 and HKDF-SHA256; epochs are 900 seconds.
//!
//! X is the two ids, client's then server's. The exporter is 32 bytes of TLS keying material of one connection.

use crate::{
    digest::hex_bytes,
    kdf::{Root, first, mac},
    link::LinkToken,
};
use data_encoding::HEXLOWER;
use hither_model::{PeerId, Rid, SessionId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Seconds that a tag or a known peer's `rid` lasts.
pub const EPOCH_SECONDS: u64 = 900;

/// What two devices share after they met. Serialised as hexadecimal, for the trust store only.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PairKey([u8; 32]);

impl PairKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PairKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairKey(…)")
    }
}

impl Serialize for PairKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&Zeroizing::new(HEXLOWER.encode(&self.0)))
    }
}

impl<'de> Deserialize<'de> for PairKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        hex_bytes(d).map(Self)
    }
}

/// Which stretch of 900 seconds a moment is in. Compare with the epochs before and after, since clocks differ.
pub fn epoch(unix: u64) -> u32 {
    u32::try_from(unix / EPOCH_SECONDS).unwrap_or(u32::MAX)
}

/// The tag by which one friend recognises the other's advert in this epoch.
pub fn tag(key: &PairKey, epoch: u32, announcer: &PeerId) -> [u8; 8] {
    first(&mac(&key.0, &[b"hither-tag1", &epoch.to_be_bytes(), announcer.as_bytes()]))
}

/// The `rid` under which `listener` answers this friend in this epoch.
pub fn known_rid(key: &PairKey, epoch: u32, listener: &PeerId) -> Rid {
    Rid::new(first(&mac(&key.0, &[b"hither-rid1", &epoch.to_be_bytes(), listener.as_bytes()])))
}

/// The key a new pair shares from now on.
pub fn pair_key(exporter: &[u8; 32], x: &[u8; 64]) -> PairKey {
    PairKey(*Root::new(b"hither-pair1", exporter).key(&[b"hither-pair1", x]))
}

/// The id of the session that this connection opens; the same on both ends (R3.29).
pub fn session_id(exporter: &[u8; 32]) -> SessionId {
    SessionId::new(first(&mac(exporter, &[b"hither-session1"])))
}

/// What the token of an invite link turns into. The token itself never travels.
pub struct LinkKeys {
    /// Shown in the ClientHello by whoever redeems the link.
    pub rid: Rid,
    /// Under which the inviter proves that it made the link.
    pub(crate) inviter: Zeroizing<[u8; 32]>,
    /// Under which the redeemer proves that it holds the link.
    pub(crate) acceptor: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKeys(…)")
    }
}

/// Derives the three values of a link.
pub fn link_keys(token: &LinkToken) -> LinkKeys {
    let root = Root::new(b"hither-link1", token.as_bytes());
    LinkKeys {
        rid: Rid::new(first(&root.key(&[b"hither-link1 rid"]))),
        inviter: root.key(&[b"hither-link1 inviter"]),
        acceptor: root.key(&[b"hither-link1 acceptor"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_changes_with_the_epoch_the_key_and_the_announcer() {
        let (key, other) = (PairKey::new([1; 32]), PairKey::new([2; 32]));
        let (ana, ben) = (PeerId::new([3; 32]), PeerId::new([4; 32]));
        let all = [tag(&key, 7, &ana), tag(&key, 8, &ana), tag(&other, 7, &ana), tag(&key, 7, &ben)];
        for (i, one) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|two| one != two));
        }
        assert_eq!(tag(&key, 7, &ana), tag(&key, 7, &ana));
        assert_ne!(known_rid(&key, 7, &ana).as_bytes()[..8], tag(&key, 7, &ana), "a rid does not give a tag away");
    }

    #[test]
    fn an_epoch_lasts_a_quarter_of_an_hour() {
        assert_eq!((epoch(0), epoch(899), epoch(900)), (0, 0, 1));
        assert_eq!(epoch(u64::MAX), u32::MAX);
    }

    #[test]
    fn a_pair_key_is_stored_as_hex_and_never_shown() {
        let key = PairKey::new([0xab; 32]);
        assert_eq!(format!("{key:?}"), "PairKey(…)");
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json, format!("\"{}\"", "ab".repeat(32)));
        assert_eq!(serde_json::from_str::<PairKey>(&json).unwrap().as_bytes(), key.as_bytes());
        assert!(serde_json::from_str::<PairKey>("\"abcd\"").is_err());
    }

    #[test]
    fn the_three_values_of_a_link_have_nothing_in_common() {
        let keys = link_keys(&LinkToken::new([9; 16]));
        assert_ne!(keys.inviter, keys.acceptor);
        assert_ne!(keys.rid.as_bytes()[..], keys.inviter[..16]);
        assert_ne!(keys.rid, link_keys(&LinkToken::new([8; 16])).rid);
    }
}

//! One key names another as its successor: when a person gets a new card, or a device a new key, people who know the old
//! one accept the new one without a word (part 6 of the life of an identity). Pure; whoever decides passes the time.
//!
//! Both keys sign the same statement: the old one that this is its heir, the new one that it wants to be. Without the
//! second, anybody could name somebody else's key as their own new one.
//!
//! As bytes: version 1, then the old and the new SubjectPublicKeyInfo and both signatures, each with a u16 length
//! (big-endian), then the time, u64 unix seconds.

use crate::certificate::{self, CertificateFault};
use hither_model::PeerId;
use sha2::{Digest, Sha256};

/// Begins every statement of this kind, so that no other signature can be taken for one.
const WORDS: &[u8] = b"hither succession 1\0";
const VERSION: u8 = 1;

/// Longest public key and signature, in bytes.
const MAX_PART: usize = 2048;

/// How far ahead another clock may be: a day, in seconds.
const SKEW_S: u64 = 24 * 60 * 60;

/// A statement that was checked: both signatures are by the keys in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    old: Vec<u8>,
    new: Vec<u8>,
    old_signature: Vec<u8>,
    new_signature: Vec<u8>,
    made: u64,
}

impl Succession {
    /// What both keys sign. The keys are SubjectPublicKeyInfos, DER; `made` is unix seconds.
    pub fn statement(old: &[u8], new: &[u8], made: u64) -> Vec<u8> {
        let ids: [[u8; 32]; 2] = [old, new].map(|spki| Sha256::digest(spki).into());
        [WORDS, &ids.concat(), &made.to_be_bytes()].concat()
    }

    /// Puts one together out of two signatures on [`Self::statement`], by ECDSA, Ed25519, or RSA-PSS with SHA-256.
    ///
    /// # Errors
    /// [`CertificateFault::Signature`] if one of them is not by its key; or what is wrong with a key.
    pub fn new(
        (old, old_signature): (Vec<u8>, Vec<u8>),
        (new, new_signature): (Vec<u8>, Vec<u8>),
        made: u64,
    ) -> Result<Self, CertificateFault> {
        if [&old, &new, &old_signature, &new_signature].iter().any(|part| part.len() > MAX_PART) {
            return Err(CertificateFault::TooLarge);
        }
        if old == new {
            return Err(CertificateFault::Malformed("a key cannot succeed itself"));
        }
        let statement = Self::statement(&old, &new, made);
        certificate::verify(&old, &statement, &old_signature)?;
        certificate::verify(&new, &statement, &new_signature)?;
        Ok(Self { old, new, old_signature, new_signature, made })
    }

    /// Who is succeeded.
    pub fn old(&self) -> PeerId {
        id(&self.old)
    }

    /// Who succeeds.
    pub fn new_id(&self) -> PeerId {
        id(&self.new)
    }

    /// Unix seconds.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Whether somebody known as `known`, who shows the key `shown`, is to be taken for the same one at `now` (unix
    /// seconds). `since` is the time of the latest statement that was accepted of them, 0 if there was none: an old one
    /// does not come back.
    pub fn accepts(&self, known: PeerId, shown: PeerId, since: u64, now: u64) -> bool {
        self.old() == known && self.new_id() == shown && self.made > since && self.made <= now.saturating_add(SKEW_S)
    }

    /// The statement as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        for part in [&self.old, &self.new, &self.old_signature, &self.new_signature] {
            // Bounded when it was made.
            bytes.extend_from_slice(&u16::try_from(part.len()).unwrap_or_default().to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(&self.made.to_be_bytes());
        bytes
    }

    /// Reads and checks a statement.
    ///
    /// # Errors
    /// [`CertificateFault::Malformed`] or as for [`Self::new`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CertificateFault> {
        let malformed = || CertificateFault::Malformed("it is no statement of succession");
        let mut rest = match bytes.split_first() {
            Some((&VERSION, rest)) => rest,
            _ => return Err(malformed()),
        };
        let mut part = || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (part, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = after;
            (part.len() <= MAX_PART).then(|| part.to_vec())
        };
        let parts = (part(), part(), part(), part());
        let (Some(old), Some(new), Some(by_old), Some(by_new)) = parts else { return Err(malformed()) };
        let made = <[u8; 8]>::try_from(rest).map(u64::from_be_bytes).map_err(|_| malformed())?;
        Self::new((old, by_old), (new, by_new), made)
    }
}

fn id(spki: &[u8]) -> PeerId {
    PeerId::new(Sha256::digest(spki).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use proptest::prelude::*;

    fn made(old: &Key, new: &Key, at: u64) -> Succession {
        let statement = Succession::statement(old.spki(), new.spki(), at);
        let signed = |key: &Key| (key.spki().to_vec(), key.sign(&statement).unwrap());
        Succession::new(signed(old), signed(new), at).unwrap()
    }

    #[test]
    fn a_new_key_is_taken_for_the_old_one_only_with_both_signatures() {
        let (old, new, other) = (Key::generate().unwrap(), Key::generate().unwrap(), Key::generate().unwrap());
        let succession = made(&old, &new, 1000);
        assert_eq!(Succession::decode(&succession.encode()), Ok(succession.clone()));
        assert!(succession.accepts(old.peer_id(), new.peer_id(), 0, 1000));
        assert!(!succession.accepts(old.peer_id(), other.peer_id(), 0, 1000), "another key is shown");
        assert!(!succession.accepts(other.peer_id(), new.peer_id(), 0, 1000), "somebody else is known");
        assert!(!succession.accepts(new.peer_id(), old.peer_id(), 0, 1000), "not the other way round");
        assert!(!succession.accepts(old.peer_id(), new.peer_id(), 1000, 1000), "not a second time");

        let ahead = made(&old, &new, 1001 + SKEW_S);
        assert!(!ahead.accepts(old.peer_id(), new.peer_id(), 0, 1000), "not from the future");

        let statement = Succession::statement(old.spki(), new.spki(), 5);
        let (by_old, by_new, by_other) =
            (old.sign(&statement).unwrap(), new.sign(&statement).unwrap(), other.sign(&statement).unwrap());
        let spki = |key: &Key| key.spki().to_vec();
        for (a, b, at) in
            [(&by_other, &by_new, 5), (&by_old, &by_other, 5), (&by_new, &by_old, 5), (&by_old, &by_new, 6)]
        {
            let refused = Succession::new((spki(&old), a.clone()), (spki(&new), b.clone()), at);
            assert_eq!(refused, Err(CertificateFault::Signature));
        }
        assert!(Succession::new((spki(&old), by_old.clone()), (spki(&old), by_old), 5).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_changed_or_shortened_statement_is_none(at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<prop::sample::Index>()) {
            static MADE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
            let whole = MADE.get_or_init(|| made(&Key::generate().unwrap(), &Key::generate().unwrap(), 7).encode());
            let mut bytes = whole.clone();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(Succession::decode(&bytes).is_err());
            prop_assert!(Succession::decode(&whole[..cut.index(whole.len())]).is_err());
        }

        #[test]
        fn any_bytes_are_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Succession::decode(&bytes).is_err());
        }
    }
}

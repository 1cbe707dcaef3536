//! TLS 1.3 records (RFC 8446 sections 5.2 to 5.5) under the keys of a finished handshake.

use crate::{
    SocketError,
    inbox::{HEADER, MAX_PAYLOAD},
};
use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey,
};
use rustls::ConnectionTrafficSecrets;

/// Largest content of a record, bytes.
pub(super) const MAX_CONTENT: usize = 16_384;
/// Content types.
pub(super) const ALERT: u8 = 21;
pub(super) const APPLICATION_DATA: u8 = 23;
/// Length of the authentication tag of every suite there is.
const TAG: usize = 16;
/// Most records under one set of keys: the confidentiality limit of AES-GCM, rounded down.
const MAX_RECORDS: u64 = 1 << 24;

struct Keys {
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
    sequence: u64,
}

impl Keys {
    fn new(sequence: u64, secrets: &ConnectionTrafficSecrets) -> Result<Self, SocketError> {
        let (algorithm, key, iv): (&'static Algorithm, _, _) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
            _ => return Err(SocketError::Incompatible("a cipher that lanes do not know".into())),
        };
        let broken = || SocketError::Internal("the traffic keys do not fit their cipher".into());
        let key = UnboundKey::new(algorithm, key.as_ref()).map_err(|_| broken())?;
        let iv = iv.as_ref().try_into().map_err(|_| broken())?;
        Ok(Self { key: LessSafeKey::new(key), iv, sequence })
    }

    /// The next nonce. Never the same twice: the sequence number only grows, and far from its end.
    fn nonce(&mut self) -> Nonce {
        let mut nonce = self.iv;
        for (byte, sequence) in nonce.iter_mut().skip(NONCE_LEN - 8).zip(self.sequence.to_be_bytes()) {
            *byte ^= sequence;
        }
        self.sequence += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Seals records for the other end.
pub(super) struct Sealer(Keys);

impl Sealer {
    /// Goes on after `sequence` records.
    pub(super) fn new(sequence: u64, secrets: &ConnectionTrafficSecrets) -> Result<Self, SocketError> {
        Keys::new(sequence, secrets).map(Self)
    }

    /// Records that may still be sealed, one kept back for the proper end.
    pub(super) fn remaining(&self) -> u64 {
        (MAX_RECORDS - 1).saturating_sub(self.0.sequence)
    }

    /// Seals what follows `start` in `out`: room for a header, then the content.
    pub(super) fn seal(&mut self, out: &mut Vec<u8>, start: usize, kind: u8) -> Result<(), SocketError> {
        let broken = || SocketError::Internal("a record could not be sealed".into());
        if self.0.sequence >= MAX_RECORDS {
            return Err(SocketError::LaneSpent);
        }
        out.push(kind);
        let payload = out.len().checked_sub(start + HEADER).ok_or_else(broken)? + TAG;
        let [high, low] = u16::try_from(payload).map_err(|_| broken())?.to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, high, low];
        let nonce = self.0.nonce();
        let (place, content) =
            out.get_mut(start..).and_then(|record| record.split_at_mut_checked(HEADER)).ok_or_else(broken)?;
        place.copy_from_slice(&header);
        let tag = self.0.key.seal_in_place_separate_tag(nonce, Aad::from(header), content).map_err(|_| broken())?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }
}

/// Opens records of the other end, in order.
pub(super) struct Opener(Keys);

/// An opened record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) kind: u8,
    /// Its content is at the beginning of the buffer it was opened into.
    pub(super) length: usize,
}

impl Opener {
    /// Goes on after `sequence` records.
    pub(super) fn new(sequence: u64, secrets: &ConnectionTrafficSecrets) -> Result<Self, SocketError> {
        Keys::new(sequence, secrets).map(Self)
    }

    /// How many bytes [`Self::open`] needs to open a record of this length, header included.
    pub(super) fn room(record: usize) -> Result<usize, SocketError> {
        match record.checked_sub(HEADER + TAG) {
            // There is at least the content type.
            Some(room) if room > 0 && record <= HEADER + MAX_PAYLOAD => Ok(room),
            _ => Err(SocketError::Misbehaved("a TLS record too short to be one".into())),
        }
    }

    /// Opens a whole record into a buffer of exactly [`Self::room`] bytes. Nothing of a record that is not authentic
    /// stays in it.
    pub(super) fn open(&mut self, record: &[u8], into: &mut [u8]) -> Result<Opened, SocketError> {
        let broken = || SocketError::Misbehaved("a TLS record that is not authentic".into());
        let (header, payload) = record.split_first_chunk::<HEADER>().ok_or_else(broken)?;
        let (content, tag) = payload.split_last_chunk::<TAG>().ok_or_else(broken)?;
        if !header.starts_with(&[APPLICATION_DATA, 3, 3]) || self.0.sequence == u64::MAX {
            return Err(broken());
        }
        let nonce = self.0.nonce();
        if self.0.key.open_separate_gather(nonce, Aad::from(*header), content, tag, into).is_err() {
            into.fill(0);
            return Err(broken());
        }
        // The type is the last byte that is not padding.
        let last = into.iter().rposition(|byte| *byte != 0).ok_or_else(broken)?;
        let kind = into.get(last).copied().ok_or_else(broken)?;
        if last > MAX_CONTENT {
            return Err(SocketError::Misbehaved("an oversize TLS record".into()));
        }
        Ok(Opened { kind, length: last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rustls::crypto::cipher::{AeadKey, Iv};

    fn secrets() -> ConnectionTrafficSecrets {
        ConnectionTrafficSecrets::Aes256Gcm { key: AeadKey::from([7; 32]), iv: Iv::from([9; 12]) }
    }

    fn sealed(content: &[u8], kind: u8) -> Vec<u8> {
        let mut out = vec![0; HEADER];
        out.extend_from_slice(content);
        Sealer::new(0, &secrets()).unwrap().seal(&mut out, 0, kind).unwrap();
        out
    }

    fn opened(record: &[u8]) -> Result<(Opened, Vec<u8>), SocketError> {
        let mut into = vec![0; Opener::room(record.len())?];
        let opened = Opener::new(0, &secrets())?.open(record, &mut into)?;
        into.truncate(opened.length);
        Ok((opened, into))
    }

    #[test]
    fn a_record_opens_to_what_was_sealed_and_once_only() {
        let record = sealed(b"hello", APPLICATION_DATA);
        let (kind, content) = opened(&record).unwrap();
        assert_eq!((kind.kind, content.as_slice()), (APPLICATION_DATA, &b"hello"[..]));
        let mut opener = Opener::new(0, &secrets()).unwrap();
        let mut into = vec![0; Opener::room(record.len()).unwrap()];
        opener.open(&record, &mut into).unwrap();
        assert!(opener.open(&record, &mut into).is_err(), "a replayed record was taken");
        assert!(into.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn padding_and_empty_records_are_understood() {
        let mut content = b"x".to_vec();
        content.extend([APPLICATION_DATA, 0, 0]);
        let (kind, content) = opened(&sealed(&content, 0)).unwrap();
        assert_eq!((kind, content.as_slice()), (Opened { kind: APPLICATION_DATA, length: 1 }, &b"x"[..]));
        assert_eq!(opened(&sealed(b"", ALERT)).unwrap().0, Opened { kind: ALERT, length: 0 });
        assert!(opened(&sealed(b"", 0)).is_err(), "a record of padding alone was taken");
    }

    #[test]
    fn t8_a_record_with_more_than_a_record_holds_is_refused() {
        assert!(opened(&sealed(&[1; MAX_CONTENT], APPLICATION_DATA)).is_ok());
        assert!(opened(&sealed(&[1; MAX_CONTENT + 1], APPLICATION_DATA)).is_err());
    }

    #[test]
    fn keys_wear_out_and_leave_room_for_the_proper_end() {
        let mut sealer = Sealer::new(MAX_RECORDS - 1, &secrets()).unwrap();
        assert_eq!(sealer.remaining(), 0);
        sealer.seal(&mut vec![0; HEADER], 0, ALERT).unwrap();
        assert!(matches!(sealer.seal(&mut vec![0; HEADER], 0, ALERT), Err(SocketError::LaneSpent)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_no_flipped_bit_is_taken(
            content in proptest::collection::vec(any::<u8>(), 0..100),
            bit in 0_usize..1000,
            noise in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut record = sealed(&content, APPLICATION_DATA);
            let at = bit % (record.len() * 8);
            record[at / 8] ^= 1 << (at % 8);
            prop_assert!(opened(&record).is_err());
            prop_assert!(opened(&noise).is_err());
        }
    }
}

//! Certificates for tests, hostile ones included. The public key may be any bytes: nobody signs with it.

use rcgen::{CertificateParams, KeyPair, PublicKeyData, SignatureAlgorithm, SigningKey, date_time_ymd};

/// A key that is not one.
pub(super) struct Pretended {
    pub(super) public: Vec<u8>,
    pub(super) algorithm: &'static SignatureAlgorithm,
}

impl PublicKeyData for Pretended {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for Pretended {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(vec![7; 64])
    }
}

/// 2026-06-01, within the dates of [`params`].
pub(super) const NOW: u64 = 1_780_272_000;

/// A harmless certificate to be spoiled.
pub(super) fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

/// A P-256 certificate.
pub(super) fn p256(params: &CertificateParams) -> Vec<u8> {
    with_key(params, &rcgen::PKCS_ECDSA_P256_SHA256)
}

/// A certificate with a real key of some kind.
pub(super) fn with_key(params: &CertificateParams, algorithm: &'static SignatureAlgorithm) -> Vec<u8> {
    params.self_signed(&KeyPair::generate_for(algorithm).unwrap()).unwrap().der().to_vec()
}

/// A certificate with an RSA key of this modulus and exponent.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [integer(modulus), integer(exponent)].concat();
    let key = Pretended { public: tlv(0x30, &numbers), algorithm: &rcgen::PKCS_RSA_SHA256 };
    params().self_signed(&key).unwrap().der().to_vec()
}

/// An odd modulus of this many bits.
pub(super) fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0xff; bits.div_ceil(8)];
    if !bits.is_multiple_of(8) {
        bytes[0] >>= 8 - bits % 8;
    }
    bytes
}

/// The same bytes with every `from` exchanged for `to`, of the same length; at least one has to be there.
pub(super) fn patched(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = der.to_vec();
    let places: Vec<_> = der.windows(from.len()).enumerate().filter(|(_, w)| *w == from).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "nothing to patch");
    for at in places {
        out[at..at + to.len()].copy_from_slice(to);
    }
    out
}

fn integer(unsigned: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if unsigned.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    tlv(2, &[sign, unsigned].concat())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match content.len() {
        short @ 0..=0x7f => vec![u8::try_from(short).unwrap()],
        long => [&[0x82], u16::try_from(long).unwrap().to_be_bytes().as_slice()].concat(),
    };
    [&[tag], length.as_slice(), content].concat()
}

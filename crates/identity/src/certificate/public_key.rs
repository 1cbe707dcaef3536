//! Which public keys are accepted: P-256, P-384, Ed25519, and RSA of 2048 to 4096 bits.

use super::CertificateFault;
use x509_parser::{
    oid_registry::{
        OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
    },
    public_key::PublicKey,
    x509::SubjectPublicKeyInfo,
};

/// An accepted kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    P256,
    P384,
    Ed25519,
    Rsa(usize),
}

impl Kind {
    /// The kind of the key, judged by its form. Constant in the size of the key: nothing is computed with it.
    pub(crate) fn of(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, CertificateFault> {
        let algorithm = &spki.algorithm.algorithm;
        let bytes: &[u8] = &spki.subject_public_key.data;
        if spki.subject_public_key.unused_bits != 0 {
            return Err(CertificateFault::Key("its length is not whole bytes"));
        }
        if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
            let curve = spki.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok());
            let (kind, length) = match curve {
                Some(oid) if oid == OID_EC_P256 => (Self::P256, 65),
                Some(oid) if oid == OID_NIST_EC_P384 => (Self::P384, 97),
                _ => return Err(CertificateFault::Key("of the elliptic curves only P-256 and P-384 are")),
            };
            // One spelling a key: a compressed point would give the same key a second identity.
            return match bytes {
                [4, ..] if bytes.len() == length => Ok(kind),
                _ => Err(CertificateFault::Key("its point is not in the uncompressed form")),
            };
        }
        if *algorithm == OID_SIG_ED25519 {
            return match bytes.len() {
                32 => Ok(Self::Ed25519),
                _ => Err(CertificateFault::Key("its length is wrong")),
            };
        }
        if *algorithm == OID_PKCS1_RSAENCRYPTION {
            return rsa(spki);
        }
        Err(CertificateFault::Key("only elliptic curve, Ed25519 and RSA keys are"))
    }

    /// Its word, such as `p256` or `rsa2048`.
    pub(crate) fn word(self) -> String {
        match self {
            Self::P256 => "p256".into(),
            Self::P384 => "p384".into(),
            Self::Ed25519 => "ed25519".into(),
            Self::Rsa(bits) => format!("rsa{bits}"),
        }
    }
}

fn rsa(spki: &SubjectPublicKeyInfo<'_>) -> Result<Kind, CertificateFault> {
    let Ok(PublicKey::RSA(key)) = spki.parsed() else {
        return Err(CertificateFault::Key("its RSA key is malformed"));
    };
    let modulus = match key.modulus {
        [0, rest @ ..] => rest,
        all => all,
    };
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if !(2048..=4096).contains(&bits) {
        return Err(CertificateFault::Key("of RSA keys only those of 2048 to 4096 bits are"));
    }
    if modulus.last().is_none_or(|byte| byte % 2 == 0) {
        return Err(CertificateFault::Key("its RSA key is malformed"));
    }
    match key.try_exponent() {
        Ok(exponent) if exponent >= 65_537 && exponent % 2 == 1 => Ok(Kind::Rsa(bits)),
        _ => Err(CertificateFault::Key("its RSA exponent is not an odd number from 65537")),
    }
}

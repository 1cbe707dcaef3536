//! Signing: the mechanism for a TLS signature scheme, chosen from what the token itself says it can do.
//!
//! The digest is made here wherever the token takes one, because many can do nothing else. RSA means PSS and never
//! PKCS#1 v1.5 (S9): a token without it gives an error that says so.

use super::{Trouble, tokens::Mechanisms};
use crate::card::wire::Fault;
use cryptoki::{
    mechanism::{
        Mechanism, MechanismType,
        rsa::{PkcsMgfType, PkcsPssParams},
    },
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// What a private key says about itself.
pub(super) struct PrivateKey {
    pub(super) object: ObjectHandle,
    /// Wants its PIN for every signature (CKA_ALWAYS_AUTHENTICATE).
    pub(super) each_time: bool,
    rsa: bool,
}

/// The private key of this id, as far as the session may see it.
pub(super) fn private(session: &Session, id: &[u8]) -> Result<Option<PrivateKey>, cryptoki::error::Error> {
    let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(id.to_vec())];
    let Some(object) = session.find_objects(&wanted)?.into_iter().next() else { return Ok(None) };
    let mut key = PrivateKey { object, each_time: false, rsa: false };
    for attribute in session.get_attributes(object, &[AttributeType::KeyType, AttributeType::AlwaysAuthenticate])? {
        match attribute {
            Attribute::KeyType(kind) => key.rsa = kind == KeyType::RSA,
            Attribute::AlwaysAuthenticate(always) => key.each_time = always,
            _ => {}
        }
    }
    Ok(Some(key))
}

impl PrivateKey {
    /// Whether the token can sign for TLS with it at all.
    pub(super) fn usable(&self, mechanisms: &Mechanisms) -> Result<(), Trouble> {
        let scheme = if self.rsa { 0x0804 } else { 0x0403 };
        plan(scheme, &[], mechanisms).map(drop)
    }
}

/// The mechanism and its input for a message under a TLS SignatureScheme (RFC 8446 4.2.3).
pub(super) fn plan(
    scheme: u16,
    message: &[u8],
    mechanisms: &Mechanisms,
) -> Result<(Mechanism<'static>, Vec<u8>), Trouble> {
    let unsupported = |why: &str| Trouble(Fault::Unsupported, why.to_owned());
    let digest = match scheme {
        0x0403 | 0x0804 => Sha256::digest(message).to_vec(),
        0x0503 | 0x0805 => Sha384::digest(message).to_vec(),
        0x0806 => Sha512::digest(message).to_vec(),
        _ => return Err(unsupported("its kind is not one that is used for signing in")),
    };
    if let 0x0403 | 0x0503 = scheme {
        let (kind, whole) = match scheme {
            0x0403 => (MechanismType::ECDSA_SHA256, Mechanism::EcdsaSha256),
            _ => (MechanismType::ECDSA_SHA384, Mechanism::EcdsaSha384),
        };
        return match () {
            () if mechanisms.has(MechanismType::ECDSA) => Ok((Mechanism::Ecdsa, digest)),
            () if mechanisms.has(kind) => Ok((whole, message.to_vec())),
            () => Err(unsupported("it has no ECDSA")),
        };
    }
    let (hash_alg, mgf, salt) = match scheme {
        0x0804 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, 32_u64),
        0x0805 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, 48),
        _ => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, 64),
    };
    let params = PkcsPssParams { hash_alg, mgf, s_len: salt.into() };
    let (kind, whole) = match scheme {
        0x0804 => (MechanismType::SHA256_RSA_PKCS_PSS, Mechanism::Sha256RsaPkcsPss(params)),
        0x0805 => (MechanismType::SHA384_RSA_PKCS_PSS, Mechanism::Sha384RsaPkcsPss(params)),
        _ => (MechanismType::SHA512_RSA_PKCS_PSS, Mechanism::Sha512RsaPkcsPss(params)),
    };
    match () {
        () if mechanisms.has(MechanismType::RSA_PKCS_PSS) => Ok((Mechanism::RsaPkcsPss(params), digest)),
        () if mechanisms.has(kind) => Ok((whole, message.to_vec())),
        () => Err(Fault::NoPss.into()),
    }
}

//! Certificates and keys that come in files: PKCS#12 (`.p12`, `.pfx`) and PEM, with a password or without one.
//!
//! What comes out is a key, its certificate, and the certificates above it, whatever the order they had in the file.
//! Where it is kept from then on is [`crate::Wallet`]'s business; the file is not needed any more.

use crate::{
    card::{Pin, Program, unsealed},
    certificate::{self, CertificateFault, Kind, MAX_CHAIN, chain},
    pem,
};
use hither_model::{ErrorCode, Failure, PeerId};
use p12_keystore::{Pkcs12Archive, error::Error as Pkcs12Fault};
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer},
    sign::CertifiedKey,
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longest file that is read, in bytes.
pub const MAX_FILE: usize = 256 * 1024;

/// Most bytes of certificates that are kept with a key: what a peer accepts as a chain, with room to spare.
const MAX_KEPT: usize = 12 * 1024;

/// Why a file gave no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportFault {
    /// It is too large to be one.
    #[error("the file is larger than {} KiB", MAX_FILE / 1024)]
    TooLarge,
    /// It is neither PKCS#12 nor PEM, or damaged.
    #[error("the file is neither PKCS#12 nor PEM, or it is damaged: {0}")]
    Unreadable(&'static str),
    /// It has a password and none was given.
    #[error("the file has a password")]
    PasswordNeeded,
    /// The password is wrong.
    #[error("the password is wrong")]
    PasswordWrong,
    /// The password for an exported key is too short.
    #[error("the password has fewer than {} characters", crate::MIN_PASSWORD)]
    PasswordShort,
    /// There is no private key in it.
    #[error("there is no private key in the file")]
    NoKey,
    /// There are several private keys in it.
    #[error("there are {0} private keys in the file")]
    SeveralKeys(usize),
    /// There is no certificate for the key.
    #[error("there is no certificate for the private key in the file")]
    NoCertificate,
    /// The process that opens a sealed file could not do its work.
    #[error("the process that opens the file cannot be used: {0}")]
    Process(String),
    /// The key cannot be used.
    #[error("the key cannot be used: only P-256, P-384, Ed25519 and RSA keys of 2048 to 4096 bits can")]
    Key,
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
}

impl ImportFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TooLarge => ErrorCode::TooLarge,
            Self::PasswordNeeded => ErrorCode::TokenLocked,
            Self::PasswordWrong | Self::PasswordShort => ErrorCode::PinWrong,
            Self::Unreadable(_) | Self::NoKey | Self::SeveralKeys(_) | Self::NoCertificate | Self::Key => {
                ErrorCode::KeyUnusable
            }
            Self::Process(_) => ErrorCode::Internal,
            Self::Certificate(fault) => fault.code(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge | Self::Unreadable(_) => {
                "export the certificate with its private key again, as PKCS#12 (.p12) or PEM (an old PEM file with \
                 \"Proc-Type\": openssl pkcs8 -topk8)"
            }
            Self::PasswordNeeded => "give the password it was exported with",
            Self::PasswordShort => "choose a longer one: whoever finds the file may try as many as they like",
            Self::PasswordWrong => "type it again with care",
            Self::NoKey | Self::NoCertificate => "export the certificate together with its private key",
            Self::SeveralKeys(_) => "export one certificate with its private key at a time",
            Self::Process(_) => "try again; start the agent again if it stays: hither stop, then hither status",
            Self::Key => "choose another certificate",
            Self::Certificate(fault) => fault.hint(),
        }
    }
}

impl From<ImportFault> for Failure {
    fn from(fault: ImportFault) -> Self {
        Failure::new(fault.code(), fault.to_string()).hint(fault.hint())
    }
}

/// A key with its certificate, out of a file. In memory only.
pub struct Imported {
    pub(crate) label: &'static str,
    pub(crate) key: Zeroizing<Vec<u8>>,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) certified: Arc<CertifiedKey>,
    peer_id: PeerId,
}

/// PEM's words for private keys in the clear.
pub(crate) const LABELS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// What was in a sealed file: its one private key (PKCS#8) and all certificates.
pub(crate) struct Opened {
    pub(crate) key: Zeroizing<Vec<u8>>,
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// Reads a file. The password is used once. A PKCS#12 file is opened by a process of its own (this program, started as
/// `hither card-helper`): what reads it leaves copies of the key in memory, which go with that process.
///
/// Blocks: deriving a key from a password takes its time.
///
/// # Errors
/// [`ImportFault`].
pub fn import_apart(program: &Program, file: &[u8], password: Option<&Pin>) -> Result<Imported, ImportFault> {
    if file.len() > MAX_FILE {
        return Err(ImportFault::TooLarge);
    }
    match file.first() {
        Some(0x30) => unsealed(program, file, password)?.imported(),
        _ => text(file, password),
    }
}

/// As [`import_apart`], all in this process.
///
/// # Errors
/// [`ImportFault`].
pub fn import(file: &[u8], password: Option<&Pin>) -> Result<Imported, ImportFault> {
    if file.len() > MAX_FILE {
        return Err(ImportFault::TooLarge);
    }
    match file.first() {
        Some(0x30) => opened(file, password)?.imported(),
        _ => text(file, password),
    }
}

fn text(file: &[u8], password: Option<&Pin>) -> Result<Imported, ImportFault> {
    let blocks = pem::blocks(file).ok_or(ImportFault::Unreadable("a block of it is not whole"))?;
    if blocks.is_empty() {
        return Err(ImportFault::Unreadable("it has no BEGIN line"));
    }
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    for (label, der) in blocks {
        if let Some(known) = LABELS.iter().find(|known| **known == label) {
            keys.push((*known, der));
        } else if label == ENCRYPTED {
            keys.push((LABELS[0], decrypted(&der, password)?));
        } else if label == "CERTIFICATE" {
            certificates.push(der.to_vec());
        }
    }
    one(keys, &certificates)
}

fn decrypted(der: &[u8], password: Option<&Pin>) -> Result<Zeroizing<Vec<u8>>, ImportFault> {
    let password = password.ok_or(ImportFault::PasswordNeeded)?;
    let sealed = EncryptedPrivateKeyInfoRef::try_from(der)
        .map_err(|_| ImportFault::Unreadable("its key is encrypted in a way that is not known here"))?;
    // What comes out under a wrong password is no key.
    let open = sealed.decrypt(password.expose()).map_err(|_| ImportFault::PasswordWrong)?;
    Ok(Zeroizing::new(open.as_bytes().to_vec()))
}

/// Opens a PKCS#12 file.
pub(crate) fn opened(file: &[u8], password: Option<&Pin>) -> Result<Opened, ImportFault> {
    let read = Pkcs12Archive::from_pkcs12(file, password.map_or("", Pin::expose));
    let archive = read.map_err(|fault| match fault {
        Pkcs12Fault::MacError(_) | Pkcs12Fault::Pkcs5Error(_) | Pkcs12Fault::UnpadError if password.is_none() => {
            ImportFault::PasswordNeeded
        }
        Pkcs12Fault::MacError(_) | Pkcs12Fault::Pkcs5Error(_) | Pkcs12Fault::UnpadError => ImportFault::PasswordWrong,
        _ => ImportFault::Unreadable("it is not PKCS#12 of a kind that is known here"),
    })?;
    let [key] = archive.keys.as_slice() else {
        return Err(if archive.keys.is_empty() {
            ImportFault::NoKey
        } else {
            ImportFault::SeveralKeys(archive.keys.len())
        });
    };
    let key = Zeroizing::new(key.key.as_der().to_vec());
    Ok(Opened { key, certificates: archive.certs.iter().map(|bag| bag.cert.as_der().to_vec()).collect() })
}

impl Opened {
    fn imported(self) -> Result<Imported, ImportFault> {
        Imported::new(LABELS[0], self.key, &self.certificates)
    }
}

fn one(mut keys: Vec<(&'static str, Zeroizing<Vec<u8>>)>, certificates: &[Vec<u8>]) -> Result<Imported, ImportFault> {
    if keys.len() > 1 {
        return Err(ImportFault::SeveralKeys(keys.len()));
    }
    let (label, key) = keys.pop().ok_or(ImportFault::NoKey)?;
    Imported::new(label, key, certificates)
}

impl Imported {
    /// Puts a key and its certificate together; `certificates` in any order, others among them.
    pub(crate) fn new(
        label: &'static str,
        key: Zeroizing<Vec<u8>>,
        certificates: &[Vec<u8>],
    ) -> Result<Self, ImportFault> {
        let der = match label {
            "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(key.as_slice())),
            "EC PRIVATE KEY" => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(key.as_slice())),
            _ => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.as_slice())),
        };
        let signer = rustls::crypto::aws_lc_rs::sign::any_supported_type(&der).map_err(|_| ImportFault::Key)?;
        let spki = signer.public_key().ok_or(ImportFault::Key)?.as_ref().to_vec();
        let is_for = |der: &&Vec<u8>| certificate::key_of(der).is_ok_and(|(theirs, _)| theirs == spki);
        let leaf = certificates.iter().find(is_for).ok_or(ImportFault::NoCertificate)?;
        if let Kind::Rsa(bits) = certificate::key_of(leaf)?.1
            && !(2048..=4096).contains(&bits)
        {
            return Err(ImportFault::Key);
        }
        let others: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
        let chain: Vec<Vec<u8>> = chain(leaf, &others, MAX_CHAIN, MAX_KEPT).into_iter().map(<[u8]>::to_vec).collect();
        let shown = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let certified = Arc::new(CertifiedKey::new(shown, signer));
        Ok(Self { label, key, peer_id: certificate::spki_id(leaf)?, chain, certified })
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        self.chain.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// Who it is.
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }
}

#[cfg(test)]
mod tests;

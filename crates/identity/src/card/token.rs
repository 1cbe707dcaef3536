//! What a module says about its tokens and the certificates on them. All of it is somebody else's text: for showing,
//! and for finding the same token again, never for deciding.

use sha2::{Digest, Sha256};

/// How many tries a token says are left for its PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tries {
    /// It reports nothing unusual.
    Plenty,
    /// A wrong PIN was entered before.
    Few,
    /// One: the next wrong PIN blocks it.
    Last,
    /// None: it is blocked.
    Blocked,
}

/// Which token: its module, serial number and label. Slots are not part of it, they change with every insertion.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenName {
    /// The module's path.
    pub module: std::path::PathBuf,
    /// Serial number, as the token says it.
    pub serial: String,
    /// Label, as the token says it.
    pub label: String,
}

/// A token that is present, and what it shows without a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Which one.
    pub name: TokenName,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// The slot's description: the reader.
    pub reader: String,
    /// Whether the slot is a hardware device (R3.22 `HardwareOnly`).
    pub hardware: bool,
    /// Whether it can be taken out.
    pub removable: bool,
    /// Whether private keys need a login.
    pub login_required: bool,
    /// Whether the PIN is entered on the reader or token itself (protected authentication path).
    pub pad: bool,
    /// Whether its PIN has been set and need not be changed.
    pub pin_set: bool,
    /// Shortest PIN.
    pub min_pin: u32,
    /// Longest PIN.
    pub max_pin: u32,
    /// Tries left for the PIN.
    pub tries: Tries,
    /// Whether it can sign with elliptic curve keys.
    pub ecdsa: bool,
    /// Whether it can sign as TLS 1.3 wants it of RSA keys.
    pub pss: bool,
    /// Its certificates, certificate authorities' included.
    pub certificates: Vec<CardCertificate>,
}

/// A certificate on a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardCertificate {
    /// PKCS#11's id, which the private key has too.
    pub key: Vec<u8>,
    /// Label, as the token says it.
    pub label: String,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Whether a public or private key of that id was seen. Private keys show only after a login, so that `false` means
    /// that nobody knows yet.
    pub key_seen: bool,
}

impl CardCertificate {
    /// The certificate's name in commands: the same for the same certificate on the same token, wherever it is plugged in.
    pub fn id(&self, token: &TokenName) -> String {
        let mut hash = Sha256::new();
        for part in [token.serial.as_bytes(), token.label.as_bytes(), &self.key, &self.der] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        format!("card-{}", data_encoding::HEXLOWER.encode(digest.get(..8).unwrap_or_default()))
    }
}

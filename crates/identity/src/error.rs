//! Why our own identity cannot be had. Each message names the file, each hint the exact remedy.

use crate::{certificate::CertificateFault, import::ImportFault};
use hither_model::{ErrorCode, Failure, text::printable};
use std::{io, path::Path, path::PathBuf};

/// An identity could not be made, read, stored or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A file or directory can be read or changed by others.
    #[error("{} has mode {mode:o}: other users of this machine can get at it", shown(path))]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits it must have.
        wanted: u32,
    },
    /// A file or directory belongs to somebody else.
    #[error("{} belongs to user {owner}, not to you (user {me})", shown(path))]
    Foreign {
        /// The file or directory.
        path: PathBuf,
        /// Its owner's numeric id.
        owner: u32,
        /// Our numeric id.
        me: u32,
    },
    /// It is a link, a device, or a file where a directory belongs (or the other way round).
    #[error("{} is not a plain {wanted}", shown(path))]
    WrongKind {
        /// The path.
        path: PathBuf,
        /// `file` or `directory`.
        wanted: &'static str,
    },
    /// The private key file is truncated or damaged.
    #[error("{} does not hold a whole P-256 private key", shown(path))]
    KeyDamaged {
        /// The key file.
        path: PathBuf,
    },
    /// The certificate file is truncated or damaged.
    #[error("{} does not hold a whole certificate", shown(path))]
    CertificateDamaged {
        /// The certificate file.
        path: PathBuf,
    },
    /// The certificate is there but its private key is gone.
    #[error("the private key {} is missing", shown(path))]
    KeyMissing {
        /// Where the key should be.
        path: PathBuf,
    },
    /// The certificate is for another key.
    #[error("the certificate {} is not for the private key beside it", shown(path))]
    Mismatch {
        /// The certificate file.
        path: PathBuf,
    },
    /// A file or directory could not be read or written.
    #[error("cannot {doing} {}: {cause}", shown(path))]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// The path.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// An imported identity's file is truncated or damaged.
    #[error("{} is damaged", shown(path))]
    FileDamaged {
        /// The file.
        path: PathBuf,
    },
    /// The desktop's Secret Service did not do it.
    #[error("the keyring of this desktop did not help: {}", printable(_0))]
    Keyring(String),
    /// The keyring has the device's key, and does not give it.
    #[error("the key of this device is with the keyring: {}", printable(_0))]
    KeyAway(String),
    /// The keyring should have the device's key, and has it not.
    #[error("the key of this device was with the keyring, and the keyring has it no more")]
    KeyGone,
    /// The device's next key is prepared, in a file.
    #[error("another key is prepared for this device, and kept in a file")]
    HeirPrepared,
    /// Another key was taken over, and this one is still in use.
    #[error("this device has another key already, which takes the place of this one at the next start")]
    Superseded,
    /// What is wanted needs the device's key in its file.
    #[error("the key of this device is with the keyring")]
    NotInFile,
    /// There is an identity already.
    #[error("{} has an identity already", shown(path))]
    Occupied {
        /// The profile's directory.
        path: PathBuf,
    },
    /// The system's randomness or the cryptographic library failed.
    #[error("a key cannot be {0} on this machine")]
    Unusable(&'static str),
    /// An identity could not be read from or written to a file for another machine.
    #[error(transparent)]
    Import(#[from] ImportFault),
    /// A certificate was refused.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
}

impl IdentityError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Exposed { .. }
            | Self::Foreign { .. }
            | Self::WrongKind { .. }
            | Self::KeyDamaged { .. }
            | Self::CertificateDamaged { .. }
            | Self::KeyMissing { .. }
            | Self::Mismatch { .. }
            | Self::FileDamaged { .. }
            | Self::Keyring(_)
            | Self::KeyAway(_)
            | Self::KeyGone
            | Self::Unusable(_) => ErrorCode::KeyUnusable,
            Self::Occupied { .. } | Self::HeirPrepared | Self::Superseded | Self::NotInFile => ErrorCode::Misuse,
            Self::Storage { cause, .. } if cause.kind() == io::ErrorKind::StorageFull => ErrorCode::DiskFull,
            Self::Storage { .. } => ErrorCode::StorageFailed,
            Self::Import(fault) => fault.code(),
            Self::Certificate(fault) => fault.code(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Exposed { path, wanted, .. } => format!(
                "run: chmod {wanted:o} {}   (and think about who may have read it; a new profile has a new key)",
                quoted(path)
            ),
            Self::Foreign { path, me, .. } => {
                format!("run hither as its owner, or, if it is yours: sudo chown {me} {}", quoted(path))
            }
            Self::WrongKind { path, wanted } => {
                format!("move {} away and put the {wanted} itself in its place", quoted(path))
            }
            Self::KeyDamaged { path } | Self::KeyMissing { path } => format!(
                "restore {} from a backup; without one, move its directory away, start anew and pair every device again",
                quoted(path)
            ),
            Self::CertificateDamaged { path } => {
                format!("run: rm {}   (a new one is made for the same key; pairings stay)", quoted(path))
            }
            Self::Mismatch { path } => format!(
                "put back the key that belongs to it, or, if the key is the right one, run: rm {}   (a new one is made)",
                quoted(path)
            ),
            Self::Storage { path, .. } => {
                let place = path.parent().unwrap_or(path);
                format!("make sure that {} is on a writable disk with free space", quoted(place))
            }
            Self::FileDamaged { .. } => "remove this identity and import its file again".into(),
            Self::Keyring(_) => {
                "unlock the keyring (log in to the desktop, or open its password program), then try again".into()
            }
            Self::KeyAway(_) => {
                "unlock the keyring (log in to the desktop, or open its password program) and start hither again; \
                 `hither identity keep file`, once it runs, does without the keyring"
                    .into()
            }
            Self::KeyGone => {
                "open the keyring that was used before, or take the key from a backup with `hither identity restore`; \
                 without one start anew in another profile and pair every device again"
                    .into()
            }
            Self::HeirPrepared => "take it first, with `hither identity rotate --now`".into(),
            Self::Superseded => "run `hither stop`, then try again".into(),
            Self::NotInFile => {
                "run `hither identity keep file` first; back it goes with `hither identity keep keyring`".into()
            }
            Self::Occupied { .. } => "choose another profile with --profile, or move this one away".into(),
            Self::Unusable(_) => "start hither again; if it stays, the system's random source is not working".into(),
            Self::Import(fault) => fault.hint().into(),
            Self::Certificate(fault) => fault.hint().into(),
        }
    }
}

impl From<IdentityError> for Failure {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Certificate(fault) => fault.into(),
            other => Failure::new(other.code(), other.to_string()).hint(other.hint()),
        }
    }
}

/// A path for a sentence.
fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// A path as one word of a shell command.
fn quoted(path: &Path) -> String {
    format!("'{}'", printable(&path.to_string_lossy()).replace('\'', r"'\''"))
}

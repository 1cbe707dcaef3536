//! This device's lasting identity: a P-256 key and a certificate for it, in `device.key` and `device.crt`. The key may be
//! with the desktop's keyring instead (`keep`).
//!
//! A lost identity is made anew only where there was none at all: as soon as either file exists, anything wrong with
//! the key is an error that says what to do. The certificate alone can be made again, for the same key and with the
//! same [`PeerId`].

use crate::{
    backup,
    card::Pin,
    certificate,
    credential::Credential,
    error::IdentityError,
    issue::{DAY_S, clock, plausible, self_signed},
    key::Key,
    pem,
    store::{Directory, Lock, Secrecy},
};
use hither_model::{CertificateFacts, CertificateSource, PeerId};
use rustls::{pki_types::CertificateDer, sign::CertifiedKey};
use std::{fmt, path::Path, sync::Arc};

const KEY: &str = "device.key";
const CERTIFICATE: &str = "device.crt";
const LABEL: &str = "CERTIFICATE";

/// How long a certificate is good for: ten years, in seconds.
const LASTS_S: u64 = 3652 * DAY_S;

/// A certificate with less than this left is replaced when it is loaded, in seconds.
const RENEWED_BEFORE_S: u64 = 30 * DAY_S;

/// The identity of this device.
pub struct DeviceKey {
    directory: Arc<Directory>,
    key: Arc<Key>,
    shown: Shown,
}

/// What the key appears with; replaced as a whole on renewal.
struct Shown {
    certificate: CertificateDer<'static>,
    certified: Arc<CertifiedKey>,
    facts: CertificateFacts,
}

impl DeviceKey {
    /// Loads the identity kept in `dir`, or makes one if the directory has none. The directory is made if it is not
    /// there; it and the files in it must belong to the caller and be closed to everybody else.
    ///
    /// A missing or (nearly) expired certificate is made again for the same key. A key that the keyring keeps is asked for
    /// there, which may wait some seconds for a person who unlocks it; else no keyring is asked for anything.
    ///
    /// # Errors
    /// [`IdentityError`]; its hint is the exact remedy. Nothing has been changed then.
    pub fn load_or_create(dir: &Path) -> Result<Self, IdentityError> {
        Self::load_or_create_at(dir, &keep::of_session, clock())
    }

    /// Takes over the identity of another machine (or of a backup) into a directory that has none: what
    /// [`Self::export`] made. The other machine should not use it any more: two devices with one key are told to peers
    /// as a stolen one.
    ///
    /// # Errors
    /// [`IdentityError::Occupied`], [`IdentityError::Import`].
    pub fn import(dir: &Path, text: &[u8], password: &Pin) -> Result<Self, IdentityError> {
        let (key, _) = backup::open(text, password)?;
        let directory = Directory::open_or_create(dir)?;
        let lock = directory.lock()?;
        let names = directory.names()?;
        if [KEY, CERTIFICATE, keep::ELSEWHERE].iter().any(|name| names.iter().any(|there| there == name)) {
            return Err(IdentityError::Occupied { path: dir.to_owned() });
        }
        directory.create(&lock, KEY, key.to_pem().as_bytes())?;
        let shown = Self::issue(&directory, &lock, &key, plausible(clock()))?;
        Ok(Self { directory: Arc::new(directory), key: Arc::new(key), shown })
    }

    /// The key and its certificate for another machine, sealed with a password of at least
    /// [`MIN_PASSWORD`](crate::MIN_PASSWORD) characters. Takes about a second, on purpose.
    ///
    /// # Errors
    /// [`IdentityError::Import`] with [`ImportFault::PasswordShort`](crate::ImportFault::PasswordShort).
    pub fn export(&self, password: &Pin) -> Result<String, IdentityError> {
        Ok(backup::seal(self.key.pkcs8(), &self.shown.certificate, password)?)
    }

    fn load_or_create_at(dir: &Path, keyring: keep::Opening<'_>, now: u64) -> Result<Self, IdentityError> {
        let now = plausible(now);
        let directory = Directory::open_or_create(dir)?;
        let (text, lock) = keep::found(&directory, keyring)?;
        let stored = directory.read(CERTIFICATE, Secrecy::Public)?;
        let Some(text) = text else {
            if stored.is_some() {
                return Err(IdentityError::KeyMissing { path: directory.path_of(KEY) });
            }
            let key = Key::generate()?;
            directory.create(&lock, KEY, key.to_pem().as_bytes())?;
            let shown = Self::issue(&directory, &lock, &key, now)?;
            return Ok(Self { directory: Arc::new(directory), key: Arc::new(key), shown });
        };

        let key = Key::from_pem(&text).ok_or_else(|| IdentityError::KeyDamaged { path: directory.path_of(KEY) })?;
        let kept = match stored {
            Some(text) => Self::kept(&directory, &key, &text, now)?,
            None => None,
        };
        let shown = match kept {
            Some(certificate) => Shown::new(&key, certificate)?,
            None => Self::issue(&directory, &lock, &key, now)?,
        };
        Ok(Self { directory: Arc::new(directory), key: Arc::new(key), shown })
    }

    /// The stored certificate; `None` if its time is over or (a clock was wrong) has not come.
    fn kept(
        directory: &Directory,
        key: &Key,
        text: &[u8],
        now: u64,
    ) -> Result<Option<CertificateDer<'static>>, IdentityError> {
        let damaged = || IdentityError::CertificateDamaged { path: directory.path_of(CERTIFICATE) };
        let der = pem::decode(LABEL, text).ok_or_else(damaged)?;
        if certificate::spki_id(&der).map_err(|_| damaged())? != key.peer_id() {
            return Err(IdentityError::Mismatch { path: directory.path_of(CERTIFICATE) });
        }
        // Judged as a peer would, now and in a month.
        let lasting = [now, now + RENEWED_BEFORE_S].iter().all(|at| certificate::judge(&[&der], *at).is_ok());
        Ok(lasting.then(|| CertificateDer::from(der.to_vec())))
    }

    fn issue(directory: &Directory, lock: &Lock, key: &Key, now: u64) -> Result<Shown, IdentityError> {
        let shown = Shown::new(key, self_signed(key, now, now + LASTS_S)?)?;
        directory.replace(lock, CERTIFICATE, pem::encode(LABEL, &shown.certificate).as_bytes())?;
        Ok(shown)
    }

    /// The same key with a new certificate, which is stored.
    ///
    /// # Errors
    /// When it cannot be stored; the present certificate then stays in use.
    pub fn renewed(&self) -> Result<Self, IdentityError> {
        let lock = self.directory.lock()?;
        self.not_superseded()?;
        let shown = Self::issue(&self.directory, &lock, &self.key, clock())?;
        Ok(Self { directory: Arc::clone(&self.directory), key: Arc::clone(&self.key), shown })
    }

    /// Who this device is.
    pub fn peer_id(&self) -> PeerId {
        self.key.peer_id()
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.shown.certificate.clone()
    }

    /// The certificate, PEM. Public.
    pub fn certificate_pem(&self) -> String {
        pem::encode(LABEL, &self.shown.certificate).to_string()
    }

    /// SubjectPublicKeyInfo, DER: what [`certificate::verify`] needs for a signature by this device.
    pub fn spki(&self) -> &[u8] {
        self.key.spki()
    }

    /// ECDSA P-256 with SHA-256 over the message, ASN.1; [`certificate::verify`] checks it. Begin every message with
    /// words that say what kind of statement it is, so that one can never be taken for another.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, IdentityError> {
        self.key.sign(message)
    }

    /// The certificate and its signer, for TLS.
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.shown.certified)
    }

    /// What the certificate says, for showing.
    pub fn facts(&self) -> CertificateFacts {
        self.shown.facts.clone()
    }
}

impl Shown {
    fn new(key: &Key, certificate: CertificateDer<'static>) -> Result<Self, IdentityError> {
        let certified = key.certified(certificate.clone())?;
        let facts = certificate::facts(&certificate, CertificateSource::Local)?;
        Ok(Self { certificate, certified, facts })
    }
}

impl Credential for DeviceKey {
    fn peer_id(&self) -> PeerId {
        DeviceKey::peer_id(self)
    }

    fn certified_key(&self) -> Arc<CertifiedKey> {
        DeviceKey::certified_key(self)
    }

    fn facts(&self) -> CertificateFacts {
        DeviceKey::facts(self)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceKey").field("peer_id", &self.peer_id()).finish_non_exhaustive()
    }
}

mod heir;
mod keep;

#[cfg(test)]
mod tests;

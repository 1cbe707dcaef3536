//! Where imported identities are kept: each as a certificate file, and its key either with the desktop's Secret Service
//! (GNOME Keyring, KWallet) or, where there is none, in a file that only its owner can read. Which one it is can be asked.
//!
//! `identities/ID.crt` holds the certificates, public; `identities/ID.key` the key, mode 0600, unless the Secret Service
//! has it. Listing reads certificates only and so never asks for a keyring's password.

use crate::{
    certificate,
    credential::Credential,
    error::IdentityError,
    import::{ImportFault, Imported},
    keyring::{Keyring, Strongbox},
    pem,
    store::{Directory, Secrecy},
};
use data_encoding::HEXLOWER;
use hither_model::{CertificateFacts, CertificateSource, KeyPlace, PeerId};
use rustls::{SignatureScheme, sign::CertifiedKey};
use sha2::{Digest, Sha256};
use std::{fmt, path::Path, sync::Arc};

/// An imported identity in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Names it in commands.
    pub id: String,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Where its key lies.
    pub place: KeyPlace,
}

/// Imported identities of one profile.
pub struct Wallet {
    directory: Directory,
    keyring: Option<Arc<Keyring>>,
}

impl Wallet {
    /// The wallet in this directory (`identities` of a profile), made if it is not there. With a keyring, new keys go
    /// there.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn open(dir: &Path, keyring: Option<Arc<Keyring>>) -> Result<Self, IdentityError> {
        Ok(Self { directory: Directory::open_or_create(dir)?, keyring })
    }

    /// Keeps an identity. The same certificate again replaces it.
    ///
    /// # Errors
    /// When it cannot be stored. A Secret Service that refuses is no reason to write the key to a file silently.
    pub fn keep(&self, imported: &Imported) -> Result<Kept, IdentityError> {
        let id = id(imported.certificate());
        let lock = self.directory.lock()?;
        let text = pem::encode(imported.label, &imported.key);
        let place = match &self.keyring {
            Some(keyring) => {
                keyring.put(&self.entry(&id), text.as_bytes())?;
                self.directory.remove(&lock, &key_file(&id))?;
                KeyPlace::SecretService
            }
            None => {
                self.directory.replace(&lock, &key_file(&id), text.as_bytes())?;
                KeyPlace::File
            }
        };
        let certificates: String =
            imported.chain.iter().map(|der| pem::encode("CERTIFICATE", der).to_string()).collect();
        self.directory.replace(&lock, &certificate_file(&id), certificates.as_bytes())?;
        Ok(Kept { id, certificate: imported.certificate().to_vec(), place })
    }

    /// What is kept. Damaged files are left out.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Kept>, IdentityError> {
        let names = self.directory.names()?;
        let ids = names.iter().filter_map(|name| name.strip_suffix(".crt"));
        let kept = ids.filter_map(|id| {
            let chain = self.chain(id).ok()?;
            let place = if names.contains(&key_file(id)) { KeyPlace::File } else { KeyPlace::SecretService };
            Some(Kept { id: id.to_owned(), certificate: chain.into_iter().next()?, place })
        });
        Ok(kept.collect())
    }

    /// The identity, ready for use. May wait for a person who unlocks the keyring.
    ///
    /// # Errors
    /// When it is not there, damaged, or the Secret Service does not give it.
    pub fn load(&self, id: &str) -> Result<FileCredential, IdentityError> {
        let missing = || IdentityError::KeyMissing { path: self.directory.path_of(&key_file(id)) };
        let damaged = |_: ImportFault| IdentityError::FileDamaged { path: self.directory.path_of(&key_file(id)) };
        let chain = self.chain(id)?;
        let text = match self.directory.read(&key_file(id), Secrecy::Secret)? {
            Some(text) => text,
            None => self.keyring.as_ref().ok_or_else(missing)?.get(&self.entry(id))?.ok_or_else(missing)?,
        };
        let blocks = pem::blocks(&text).unwrap_or_default();
        let (label, key) = blocks.into_iter().next().ok_or_else(|| damaged(ImportFault::NoKey))?;
        let label = crate::import::LABELS.into_iter().find(|known| *known == label);
        let label = label.ok_or_else(|| damaged(ImportFault::NoKey))?;
        let imported = Imported::new(label, key, &chain).map_err(damaged)?;
        FileCredential::new(&imported)
    }

    /// Forgets an identity. True if it was there.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, id: &str) -> Result<bool, IdentityError> {
        if !valid(id) {
            return Ok(false);
        }
        let lock = self.directory.lock()?;
        if self.directory.read(&key_file(id), Secrecy::Secret)?.is_none()
            && let Some(keyring) = &self.keyring
        {
            keyring.remove(&self.entry(id))?;
        }
        self.directory.remove(&lock, &key_file(id))?;
        self.directory.remove(&lock, &certificate_file(id))
    }

    fn chain(&self, id: &str) -> Result<Vec<Vec<u8>>, IdentityError> {
        let path = || self.directory.path_of(&certificate_file(id));
        let text = match valid(id) {
            true => self.directory.read(&certificate_file(id), Secrecy::Public)?,
            false => None,
        };
        let text = text.ok_or_else(|| IdentityError::KeyMissing { path: path() })?;
        let blocks = pem::blocks(&text).ok_or_else(|| IdentityError::FileDamaged { path: path() })?;
        Ok(blocks.into_iter().map(|(_, der)| der.to_vec()).collect())
    }

    /// The name of a key in the Secret Service: profiles do not share them.
    fn entry(&self, id: &str) -> String {
        self.directory.path_of(id).to_string_lossy().into_owned()
    }
}

fn id(certificate: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(certificate).into();
    format!("file-{}", HEXLOWER.encode(digest.get(..8).unwrap_or_default()))
}

/// Only what [`id`] makes: an id becomes part of a file's name.
fn valid(id: &str) -> bool {
    id.strip_prefix("file-").is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn key_file(id: &str) -> String {
    format!("{id}.key")
}

fn certificate_file(id: &str) -> String {
    format!("{id}.crt")
}

/// An imported identity, ready to sign.
pub struct FileCredential {
    certified: Arc<CertifiedKey>,
    facts: CertificateFacts,
}

impl FileCredential {
    pub(crate) fn new(imported: &Imported) -> Result<Self, IdentityError> {
        let facts = certificate::facts(imported.certificate(), CertificateSource::Local)?;
        Ok(Self { certified: Arc::clone(&imported.certified), facts })
    }

    /// A signature over a message that says what kind of statement it is, such as
    /// [`proof::Occasion::statement`](crate::proof::Occasion::statement); [`certificate::verify`] checks it.
    ///
    /// # Errors
    /// When the library cannot sign.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, IdentityError> {
        let signer = self.certified.key.choose_scheme(&STATEMENTS);
        let signature = signer.and_then(|signer| signer.sign(message).ok());
        signature.ok_or(IdentityError::Unusable("used for signing"))
    }
}

/// What [`certificate::verify`] takes of each kind of key.
const STATEMENTS: [SignatureScheme; 4] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
];

impl Credential for FileCredential {
    fn peer_id(&self) -> PeerId {
        self.facts.spki_sha256
    }

    fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    fn facts(&self) -> CertificateFacts {
        self.facts.clone()
    }
}

impl fmt::Debug for FileCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileCredential").field("peer_id", &self.facts.spki_sha256).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::import;
    use std::{fs, os::unix::fs::PermissionsExt};

    fn imported() -> Imported {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        import([certificate.pem(), key.serialize_pem()].concat().as_bytes(), None).unwrap()
    }

    #[test]
    fn what_is_kept_is_there_again_and_only_its_owner_can_read_the_key() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("identities");
        let wallet = Wallet::open(&dir, None).unwrap();
        let imported = imported();
        let kept = wallet.keep(&imported).unwrap();
        assert_eq!((kept.place, kept.place.word()), (KeyPlace::File, "file"));
        let mode = fs::metadata(dir.join(format!("{}.key", kept.id))).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let again = Wallet::open(&dir, None).unwrap();
        assert_eq!(again.list().unwrap(), std::slice::from_ref(&kept));
        let credential = again.load(&kept.id).unwrap();
        assert_eq!(credential.peer_id(), imported.peer_id());
        credential.certified_key().keys_match().unwrap();
        assert!(again.remove(&kept.id).unwrap());
        assert!(!again.remove(&kept.id).unwrap());
        assert!(again.list().unwrap().is_empty() && again.load(&kept.id).is_err());
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_damaged_is_refused_and_ids_are_no_paths() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("identities");
        let wallet = Wallet::open(&dir, None).unwrap();
        let kept = wallet.keep(&imported()).unwrap();
        let file = dir.join(format!("{}.key", kept.id));
        fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(wallet.load(&kept.id), Err(IdentityError::Exposed { .. })));
        fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        fs::write(&file, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
        assert!(matches!(wallet.load(&kept.id), Err(IdentityError::FileDamaged { .. })));
        for id in ["../../etc/passwd", "file-../../../../etc", ""] {
            assert!(wallet.load(id).is_err() && !wallet.remove(id).unwrap());
        }
    }
}

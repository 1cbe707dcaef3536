//! A device's next key: made and vouched for while the present one is still in use, taken over later.
//!
//! `device.next` is the key, `device.heir` the [`Succession`] that both keys signed. Whatever is interrupted leaves either
//! the old key or the new one whole, and a certificate that is missing is made again.

use super::{CERTIFICATE, DeviceKey, KEY};
use crate::{
    error::IdentityError,
    issue::{clock, plausible},
    key::Key,
    store::Secrecy,
    succession::Succession,
};
use hither_model::{KeyPlace, PeerId};

/// The next key, and what both keys signed about it.
pub(super) const NEXT: &str = "device.next";
const HEIR: &str = "device.heir";

impl DeviceKey {
    /// The key that will take this one's place, if one is prepared.
    ///
    /// # Errors
    /// The files cannot be read. A damaged or outdated statement counts as none.
    pub fn heir(&self) -> Result<Option<Succession>, IdentityError> {
        let Some(bytes) = self.directory.read(HEIR, Secrecy::Public)? else { return Ok(None) };
        let whole = Succession::decode(&bytes).ok().filter(|heir| heir.old() == self.peer_id());
        let Some(heir) = whole else { return Ok(None) };
        let next = self.directory.read(NEXT, Secrecy::Secret)?.and_then(|text| Key::from_pem(&text));
        Ok(next.filter(|next| next.peer_id() == heir.new_id()).map(|_| heir))
    }

    /// Makes the next key, unless one is prepared already, and lets both keys sign that it is the successor.
    ///
    /// # Errors
    /// The key is kept by a keyring, or the files cannot be written.
    pub fn prepare_heir(&self) -> Result<Succession, IdentityError> {
        if let Some(heir) = self.heir()? {
            return Ok(heir);
        }
        let lock = self.directory.lock()?;
        self.in_a_file()?;
        let (next, made) = (Key::generate()?, plausible(clock()));
        let statement = Succession::statement(self.spki(), next.spki(), made);
        let by_old = (self.spki().to_vec(), self.sign(&statement)?);
        let by_new = (next.spki().to_vec(), next.sign(&statement)?);
        let heir = Succession::new(by_old, by_new, made).map_err(|_| IdentityError::Unusable("used for signing"))?;
        self.directory.replace(&lock, NEXT, next.to_pem().as_bytes())?;
        self.directory.replace(&lock, HEIR, &heir.encode())?;
        Ok(heir)
    }

    /// Puts the prepared key in the place of this one, for whoever loads it next: this value stays what it is. The old
    /// key is gone.
    ///
    /// # Errors
    /// None is prepared, or the files cannot be written.
    pub fn take_over(&self) -> Result<PeerId, IdentityError> {
        let lock = self.directory.lock()?;
        self.in_a_file()?;
        let missing = || IdentityError::KeyMissing { path: self.directory.path_of(NEXT) };
        let heir = self.heir()?.ok_or_else(missing)?;
        let text = self.directory.read(NEXT, Secrecy::Secret)?.ok_or_else(missing)?;
        let next = Key::from_pem(&text).ok_or_else(missing)?;
        // First of all: a certificate beside another key would count as damage.
        self.directory.remove(&lock, CERTIFICATE)?;
        self.directory.replace(&lock, KEY, &text)?;
        Self::issue(&self.directory, &lock, &next, plausible(clock()))?;
        self.directory.remove(&lock, NEXT)?;
        self.directory.remove(&lock, HEIR)?;
        Ok(heir.new_id())
    }

    fn in_a_file(&self) -> Result<(), IdentityError> {
        match self.kept_in() {
            KeyPlace::File => Ok(()),
            KeyPlace::SecretService => Err(IdentityError::NotInFile),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_key_is_vouched_for_by_the_present_one_and_takes_its_place() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("identity");
        let key = DeviceKey::load_or_create(&dir).unwrap();
        assert_eq!(key.heir().unwrap(), None);
        assert!(matches!(key.take_over(), Err(IdentityError::KeyMissing { .. })));
        let heir = key.prepare_heir().unwrap();
        assert_eq!(heir.old(), key.peer_id());
        assert_eq!(key.prepare_heir().unwrap(), heir, "prepared once");
        assert_eq!(DeviceKey::load_or_create(&dir).unwrap().peer_id(), key.peer_id(), "still the old one");
        assert_eq!(key.take_over().unwrap(), heir.new_id());
        let new = DeviceKey::load_or_create(&dir).unwrap();
        assert_eq!((new.peer_id(), new.heir().unwrap()), (heir.new_id(), None));
        let names: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name == NEXT || name == HEIR), "{names:?}");
    }

    #[test]
    fn a_change_that_was_interrupted_leaves_one_key_whole() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("identity");
        let key = DeviceKey::load_or_create(&dir).unwrap();
        let heir = key.prepare_heir().unwrap();
        // Interrupted after the certificate was taken away, and then after the key was put.
        std::fs::remove_file(dir.join(CERTIFICATE)).unwrap();
        assert_eq!(DeviceKey::load_or_create(&dir).unwrap().peer_id(), key.peer_id());
        std::fs::remove_file(dir.join(CERTIFICATE)).unwrap();
        std::fs::copy(dir.join(NEXT), dir.join(KEY)).unwrap();
        let new = DeviceKey::load_or_create(&dir).unwrap();
        assert_eq!((new.peer_id(), new.heir().unwrap()), (heir.new_id(), None), "what was prepared is over");
        assert_ne!(new.prepare_heir().unwrap(), heir);
        // A key that is not the one that was vouched for.
        std::fs::copy(dir.join(KEY), dir.join(NEXT)).unwrap();
        assert_eq!(new.heir().unwrap(), None);
    }
}

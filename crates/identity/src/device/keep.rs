//! Where the device's key is kept: in its file, or with the desktop's keyring.
//!
//! `device.keyring` holds the name under which the keyring has it. While `device.key` is there, that is the key, and what
//! the keyring may have under the name is surplus: the beginning of a move, or the rest of one. So the file's name is
//! the switch, and whatever is interrupted leaves the key in one place whole, and is put in order the next time. Each move
//! has a name of its own: what a slow keyring does about an earlier one cannot hit the present one.

use super::{DeviceKey, KEY};
use crate::{
    error::IdentityError,
    key::Key,
    keyring::{Keyring, Strongbox},
    store::{Directory, Lock, Secrecy},
};
use data_encoding::HEXLOWER;
use hither_model::KeyPlace;
use std::time::Duration;
use zeroize::Zeroizing;

/// Says in a profile's directory that the key is with the keyring, under which name.
pub(super) const ELSEWHERE: &str = "device.keyring";

/// How long whoever unlocks the keyring is waited for while others wait as well: less than a client waits for an agent.
const PATIENCE: Duration = Duration::from_secs(15);

/// A key as it is kept: PEM.
type Text = Zeroizing<Vec<u8>>;

/// How long the keyring may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// As long as a person takes.
    Long,
    /// [`PATIENCE`], since others wait.
    Short,
}

/// Opens the keyring; only called where it is needed.
pub(super) type Opening<'o> = &'o dyn Fn(Wait) -> Result<Box<dyn Strongbox>, IdentityError>;

/// The session's keyring.
pub(super) fn of_session(wait: Wait) -> Result<Box<dyn Strongbox>, IdentityError> {
    let patience = match wait {
        Wait::Long => None,
        Wait::Short => Some(PATIENCE),
    };
    let keyring = Keyring::answering_within(patience);
    let keyring = keyring.ok_or_else(|| IdentityError::Keyring("there is none in this session".into()))?;
    Ok(Box::new(keyring))
}

/// The key's text wherever it is, `None` if there is none; and the directory is locked.
pub(super) fn found(directory: &Directory, keyring: Opening<'_>) -> Result<(Option<Text>, Lock), IdentityError> {
    let lock = directory.lock()?;
    let text = directory.read(KEY, Secrecy::Secret)?;
    let Some(name) = name(directory)? else { return Ok((text, lock)) };
    if text.is_some() {
        // The key is here: a keyring that does not help now is tidied up another time.
        let _ = keyring(Wait::Short).and_then(|keyring| tidy(directory, &lock, &*keyring));
        return Ok((text, lock));
    }
    directory.erase(&lock, KEY)?;
    // Nobody else waits while a person is asked.
    drop(lock);
    let away = |error| match error {
        IdentityError::Keyring(why) => IdentityError::KeyAway(why),
        other => other,
    };
    let text = keyring(Wait::Short).and_then(|keyring| keyring.get(&name)).map_err(away)?;
    Ok((Some(text.ok_or(IdentityError::KeyGone)?), directory.lock()?))
}

fn name(directory: &Directory) -> Result<Option<String>, IdentityError> {
    let name = directory.read(ELSEWHERE, Secrecy::Secret)?;
    Ok(name.map(|name| String::from_utf8_lossy(&name).into_owned()))
}

/// Takes away what the keyring has of a key that is in its file.
fn tidy(directory: &Directory, lock: &Lock, keyring: &dyn Strongbox) -> Result<(), IdentityError> {
    if let Some(name) = name(directory)?.filter(|_| directory.has(KEY)) {
        keyring.remove(&name)?;
        directory.forget_writing(lock, KEY)?;
        directory.remove(lock, ELSEWHERE)?;
    }
    Ok(())
}

impl DeviceKey {
    /// Where the key lies, for `identity list`.
    pub fn kept_in(&self) -> KeyPlace {
        match self.directory.has(KEY) {
            true => KeyPlace::File,
            false => KeyPlace::SecretService,
        }
    }

    /// Moves the key there, unless it is there already. At the end it is there and nowhere else; whatever goes wrong, it
    /// is where it was, or in both places until this is called again or the key is loaded the next time.
    ///
    /// Waits for a person who unlocks the keyring, without end.
    ///
    /// # Errors
    /// [`IdentityError::Keyring`]; [`IdentityError::HeirPrepared`]; when the files cannot be written.
    pub fn keep(&self, place: KeyPlace) -> Result<(), IdentityError> {
        self.keep_with(place, &of_session)
    }

    fn keep_with(&self, place: KeyPlace, keyring: Opening<'_>) -> Result<(), IdentityError> {
        let surplus = name(&self.directory)?;
        match (self.kept_in(), place) {
            (KeyPlace::SecretService, KeyPlace::SecretService) => return Ok(()),
            (KeyPlace::File, KeyPlace::File) if surplus.is_none() => return Ok(()),
            (KeyPlace::SecretService, KeyPlace::File) => {
                let lock = self.directory.lock()?;
                // From here on this is the key, whatever the keyring says.
                self.directory.create(&lock, KEY, self.key.to_pem().as_bytes())?;
            }
            (KeyPlace::File, _) => {}
        }
        let patient = keyring(Wait::Long)?;
        if let Some(name) = surplus {
            // Whoever has to unlock it does so now, while nobody else waits.
            patient.get(&name)?;
            let lock = self.directory.lock()?;
            tidy(&self.directory, &lock, &*keyring(Wait::Short)?)?;
        }
        match place {
            KeyPlace::File => Ok(()),
            KeyPlace::SecretService => self.to_keyring(&*patient, keyring),
        }
    }

    fn to_keyring(&self, patient: &dyn Strongbox, keyring: Opening<'_>) -> Result<(), IdentityError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| IdentityError::Unusable("moved"))?;
        let name = format!("device {} {}", self.peer_id(), HEXLOWER.encode(&random));
        let text = self.key.to_pem();
        let lock = self.directory.lock()?;
        self.alone(&lock)?;
        // Said first, so that whatever is left of this is found.
        self.directory.create(&lock, ELSEWHERE, name.as_bytes())?;
        drop(lock);
        let put = patient.put(&name, text.as_bytes());
        let lock = self.directory.lock()?;
        let keyring = keyring(Wait::Short)?;
        let ready = put.and_then(|()| {
            self.alone(&lock)?;
            // Somebody may have tidied up in the meantime; and what cannot be read again is not kept.
            let said = self::name(&self.directory)?.is_some_and(|said| said == name);
            let there = said && keyring.get(&name)?.is_some_and(|there| *there == text.as_bytes());
            let why = || IdentityError::Keyring("it does not give back what it was given".into());
            there.then_some(()).ok_or_else(why)
        });
        match ready {
            Ok(()) => self.directory.erase(&lock, KEY),
            Err(error) => {
                // What does not succeed now is done when the key is loaded.
                let _ = tidy(&self.directory, &lock, &*keyring);
                Err(error)
            }
        }
    }

    /// What is in the file is this key, and no other is prepared in another file.
    fn alone(&self, lock: &Lock) -> Result<(), IdentityError> {
        if !self.directory.has(KEY) {
            return Err(IdentityError::KeyMissing { path: self.directory.path_of(KEY) });
        }
        self.not_superseded()?;
        match self.heir()? {
            Some(_) => Err(IdentityError::HeirPrepared),
            // One that was taken over already would be this one.
            None => self.directory.erase(lock, super::heir::NEXT),
        }
    }

    /// If there is a key in the file, it is this one.
    pub(super) fn not_superseded(&self) -> Result<(), IdentityError> {
        let there = self.directory.read(KEY, Secrecy::Secret)?;
        let other = there.is_some_and(|text| Key::from_pem(&text).is_none_or(|key| key.peer_id() != self.peer_id()));
        if other { Err(IdentityError::Superseded) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;

//! User names and passwords for servers and proxies (R6.3, R6.4): with the desktop's Secret Service, which encrypts them, or
//! in memory until the program ends. Never in a file of ours.
//!
//! A credential is known by its resource (`host:port`) and its user; adding the pair again replaces the password. Lists never
//! hold passwords. The person has one vault for all profiles. *Not* here: when a password is sent (the socket's).

use crate::{
    error::IdentityError,
    keyring::{Keyring, Strongbox},
};
use hither_model::{ErrorCode, Failure, text::printable};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Most credentials in a vault.
pub const MAX_CREDENTIALS: usize = 20;
/// Longest resource, user name or password, bytes.
const MAX_PART: usize = 1024;
/// How entries are told from keys, which the same service keeps.
const PREFIX: &str = "credential ";

/// A credential in a list: everything but its password.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VaultEntry {
    /// Whom it is for: `host:port`.
    pub resource: String,
    /// The user's name there.
    pub user: String,
}

impl VaultEntry {
    /// Names a credential. The resource counts in lower case.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] if a part is empty, has control characters or over 1024 bytes, or the resource a space.
    pub fn new(resource: &str, user: &str) -> Result<Self, VaultError> {
        let sound = |part: &str| !part.is_empty() && part.len() <= MAX_PART && !part.chars().any(char::is_control);
        match sound(resource) && sound(user) && !resource.contains(char::is_whitespace) {
            true => Ok(Self { resource: resource.to_ascii_lowercase(), user: user.to_owned() }),
            false => Err(VaultError::Malformed),
        }
    }

    fn name(&self) -> String {
        format!("{PREFIX}{} {}", self.resource, self.user)
    }

    fn named(name: &str) -> Option<Self> {
        let (resource, user) = name.strip_prefix(PREFIX)?.split_once(' ')?;
        Self::new(resource, user).ok()
    }
}

/// A vault could not do what was asked. No message holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// There is no Secret Service in this session.
    #[error("there is no keyring in this session, and passwords are never written to a file")]
    Absent,
    /// The Secret Service did not do it; most often it is locked.
    #[error("the keyring did not help: {}", printable(_0))]
    Refused(String),
    /// The vault is full.
    #[error("there are {MAX_CREDENTIALS} credentials already")]
    Full,
    /// Nothing fits.
    #[error("no such credential is kept")]
    Unknown,
    /// A part of the credential cannot be.
    #[error("a resource, a user name and a password have 1 to {MAX_PART} bytes and no control characters")]
    Malformed,
}

impl VaultError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Absent | Self::Refused(_) => ErrorCode::StorageFailed,
            Self::Full => ErrorCode::TooLarge,
            Self::Unknown => ErrorCode::UnknownId,
            Self::Malformed => ErrorCode::Misuse,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Absent => {
                "start one (GNOME Keyring, KWallet, KeePassXC), or type the password for one connection with `--user NAME --ask`"
            }
            Self::Refused(_) => {
                "unlock it (log in to the desktop, or open its password program), or type the password for one connection \
                 with `--user NAME --ask`"
            }
            Self::Full => "remove one with `hither credential remove`",
            Self::Unknown => "`hither credential list` shows those that are kept",
            Self::Malformed => "change the call",
        }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Failure::new(error.code(), error.to_string()).hint(error.hint())
    }
}

impl From<IdentityError> for VaultError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Keyring(why) => Self::Refused(why),
            other => Self::Refused(other.to_string()),
        }
    }
}

enum Place {
    Keyring(Keyring),
    Memory(Mutex<BTreeMap<VaultEntry, Zeroizing<String>>>),
}

/// Where credentials are kept. Each call may wait for a person who unlocks the keyring: not for a thread that must not.
pub struct Vault {
    place: Place,
}

impl Vault {
    /// The one in the session's Secret Service.
    ///
    /// # Errors
    /// [`VaultError::Absent`]; a caller may then go on with [`Self::in_memory`], but says so to the person.
    pub fn of_session() -> Result<Self, VaultError> {
        Ok(Self { place: Place::Keyring(Keyring::of_session().ok_or(VaultError::Absent)?) })
    }

    /// One that is gone, and wiped, when it is dropped.
    pub fn in_memory() -> Self {
        Self { place: Place::Memory(Mutex::default()) }
    }

    /// Keeps a password. True if it replaced one.
    ///
    /// # Errors
    /// [`VaultError::Full`] at [`MAX_CREDENTIALS`] others; [`VaultError::Malformed`], [`VaultError::Refused`].
    pub fn add(&self, entry: &VaultEntry, password: &Zeroizing<String>) -> Result<bool, VaultError> {
        if password.is_empty() || password.len() > MAX_PART || password.chars().any(char::is_control) {
            return Err(VaultError::Malformed);
        }
        let all = self.all()?;
        let replaces = all.contains(entry);
        if !replaces && all.len() >= MAX_CREDENTIALS {
            return Err(VaultError::Full);
        }
        match &self.place {
            Place::Keyring(keyring) => keyring.put(&entry.name(), password.as_bytes())?,
            Place::Memory(kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.insert(entry.clone(), password.clone());
            }
        }
        Ok(replaces)
    }

    /// All credentials at this moment, in order, without their passwords.
    ///
    /// # Errors
    /// [`VaultError::Refused`].
    pub fn all(&self) -> Result<Vec<VaultEntry>, VaultError> {
        let mut all: Vec<_> = match &self.place {
            Place::Keyring(keyring) => keyring.names()?.iter().filter_map(|name| VaultEntry::named(name)).collect(),
            Place::Memory(kept) => {
                kept.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect::<Vec<_>>()
            }
        };
        all.sort();
        Ok(all)
    }

    /// Those for a resource, without their passwords.
    ///
    /// # Errors
    /// [`VaultError::Unknown`] if there is none; [`VaultError::Refused`].
    pub fn find_by_resource(&self, resource: &str) -> Result<Vec<VaultEntry>, VaultError> {
        self.find(|entry| entry.resource == resource.to_ascii_lowercase())
    }

    /// Those of a user, without their passwords.
    ///
    /// # Errors
    /// As [`Self::find_by_resource`].
    pub fn find_by_user(&self, user: &str) -> Result<Vec<VaultEntry>, VaultError> {
        self.find(|entry| entry.user == user)
    }

    fn find(&self, fits: impl Fn(&VaultEntry) -> bool) -> Result<Vec<VaultEntry>, VaultError> {
        let found: Vec<_> = self.all()?.into_iter().filter(fits).collect();
        if found.is_empty() { Err(VaultError::Unknown) } else { Ok(found) }
    }

    /// The password.
    ///
    /// # Errors
    /// [`VaultError::Unknown`], [`VaultError::Refused`].
    pub fn retrieve(&self, entry: &VaultEntry) -> Result<Zeroizing<String>, VaultError> {
        match &self.place {
            Place::Keyring(keyring) => {
                let bytes = keyring.get(&entry.name())?.ok_or(VaultError::Unknown)?;
                let text = std::str::from_utf8(&bytes).map_err(|_| VaultError::Malformed)?;
                Ok(Zeroizing::new(text.to_owned()))
            }
            Place::Memory(kept) => {
                let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.get(entry).cloned().ok_or(VaultError::Unknown)
            }
        }
    }

    /// Forgets a credential.
    ///
    /// # Errors
    /// [`VaultError::Unknown`] if it was not there; [`VaultError::Refused`].
    pub fn remove(&self, entry: &VaultEntry) -> Result<(), VaultError> {
        if !self.all()?.contains(entry) {
            return Err(VaultError::Unknown);
        }
        match &self.place {
            Place::Keyring(keyring) => keyring.remove(&entry.name())?,
            Place::Memory(kept) => {
                kept.lock().unwrap_or_else(PoisonError::into_inner).remove(entry);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(resource: &str, user: &str) -> VaultEntry {
        VaultEntry::new(resource, user).unwrap()
    }

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.into())
    }

    #[test]
    fn r6_3_a_vault_holds_twenty_replaces_and_lists_without_passwords() {
        let vault = Vault::in_memory();
        assert!(matches!(vault.find_by_resource("p:1"), Err(VaultError::Unknown)));
        assert!(!vault.add(&entry("P.example:1", "ana"), &secret("old")).unwrap());
        assert!(vault.add(&entry("p.example:1", "ana"), &secret("new")).unwrap(), "the pair again replaces");
        assert_eq!(*vault.retrieve(&entry("p.example:1", "ana")).unwrap(), "new");
        for n in 1..MAX_CREDENTIALS {
            vault.add(&entry(&format!("s{n}:1"), "ana maria"), &secret("hunter2")).unwrap();
        }
        assert!(matches!(vault.add(&entry("s99:1", "ana"), &secret("x")), Err(VaultError::Full)));
        assert!(vault.add(&entry("s1:1", "ana maria"), &secret("y")).unwrap(), "a full one still replaces");
        assert_eq!(vault.find_by_user("ana maria").unwrap().len(), MAX_CREDENTIALS - 1);
        let shown = format!("{:?} {vault:?}", vault.all().unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains("new"), "{shown}");
        vault.remove(&entry("s1:1", "ana maria")).unwrap();
        assert!(matches!(vault.remove(&entry("s1:1", "ana maria")), Err(VaultError::Unknown)));
        assert!(matches!(vault.retrieve(&entry("s1:1", "ana maria")), Err(VaultError::Unknown)));
    }

    #[test]
    fn r6_3_names_of_entries_are_read_back_and_other_entries_are_none_of_ours() {
        let one = entry("[::1]:8080", "ana maria");
        assert_eq!(VaultEntry::named(&one.name()), Some(one));
        for other in ["/home/ana/.local/share/hither/identities/file-0", "credential", "credential x", "credential  a"]
        {
            assert_eq!(VaultEntry::named(other), None, "{other}");
        }
        for (resource, user) in [("", "a"), ("p:1", ""), ("p 1", "a"), ("p:1", "a\n"), ("p:1", &"a".repeat(2000))] {
            assert!(matches!(VaultEntry::new(resource, user), Err(VaultError::Malformed)), "{resource} {user}");
        }
        assert!(Vault::in_memory().add(&entry("p:1", "a"), &secret("")).is_err());
    }

    #[test]
    fn r6_4_what_cannot_be_kept_says_how_to_go_on_without() {
        for error in [VaultError::Absent, VaultError::Refused("prompt dismissed".into())] {
            let failure = Failure::from(error);
            assert_eq!(failure.code, ErrorCode::StorageFailed);
            assert!(failure.hint.is_some_and(|hint| hint.contains("--ask")));
        }
    }
}

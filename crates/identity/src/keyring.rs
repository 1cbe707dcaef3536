//! The desktop's Secret Service (GNOME Keyring, KWallet, KeePassXC), where there is one.
//!
//! Every call may wait for a person who types the keyring's password, and speaks D-Bus: it runs on a thread of its own.

use crate::error::IdentityError;
use keyring_core::{Entry, Error, api::CredentialStoreApi};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use zbus_secret_service_keyring_store::Store;
use zeroize::Zeroizing;

/// Under which name keys are kept.
const SERVICE: &str = "hither";

/// Where a secret is kept apart from the profile.
pub(crate) trait Strongbox {
    /// Keeps it, in place of what has this name. Waits without end: what was given up here could still be done later, and
    /// would be a copy that nobody knows of.
    fn put(&self, name: &str, secret: &[u8]) -> Result<(), IdentityError>;
    /// Gives it; `None` if there is none.
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, IdentityError>;
    /// Keeps it no more.
    fn remove(&self, name: &str) -> Result<(), IdentityError>;
}

/// A Secret Service that answers.
pub struct Keyring {
    store: Arc<Store>,
    /// Until when it may take to get or remove something; without end if absent.
    until: Option<Instant>,
}

impl Keyring {
    /// The session's Secret Service; `None` where there is no session bus or nobody provides the service.
    pub fn of_session() -> Option<Self> {
        Self::answering_within(None)
    }

    /// As [`Self::of_session`], with so much time for it to be found, and to get and remove things.
    pub(crate) fn answering_within(patience: Option<Duration>) -> Option<Self> {
        std::env::var_os("DBUS_SESSION_BUS_ADDRESS").filter(|address| !address.is_empty())?;
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let store = apart(until, Store::new).ok()?;
        Some(Self { store, until })
    }

    /// The names of all that is kept. A keyring that is locked asks the person first.
    pub(crate) fn names(&self) -> Result<Vec<String>, IdentityError> {
        let store = Arc::clone(&self.store);
        apart(self.until, move || {
            let found = store.search(&HashMap::from([("service", SERVICE)]))?;
            Ok(found.iter().filter_map(Entry::get_specifiers).map(|(_, name)| name).collect())
        })
    }

    fn with<T: Send + 'static>(
        &self,
        until: Option<Instant>,
        name: &str,
        act: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, IdentityError> {
        let (store, name) = (Arc::clone(&self.store), name.to_owned());
        apart(until, move || act(&store.build(SERVICE, &name, None)?))
    }
}

impl Strongbox for Keyring {
    fn put(&self, name: &str, secret: &[u8]) -> Result<(), IdentityError> {
        let secret = Zeroizing::new(secret.to_vec());
        self.with(None, name, move |entry| entry.set_secret(&secret))
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, IdentityError> {
        self.with(self.until, name, |entry| match entry.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn remove(&self, name: &str) -> Result<(), IdentityError> {
        self.with(self.until, name, |entry| match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
    }
}

/// On a thread without a runtime.
fn apart<T: Send + 'static>(
    until: Option<Instant>,
    act: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, IdentityError> {
    let refused = |why: String| IdentityError::Keyring(why);
    let (done, outcome) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("hither-keyring".into()).spawn(move || drop(done.send(act())));
    thread.map_err(|error| refused(error.to_string()))?;
    let outcome = match until {
        Some(until) => outcome.recv_timeout(until.saturating_duration_since(Instant::now())),
        None => outcome.recv().map_err(mpsc::RecvTimeoutError::from),
    };
    match outcome {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Error::NoStorageAccess(_))) => Err(refused("it is locked".into())),
        // The error's Display never holds the secret; its Debug could.
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(refused("nobody unlocked it".into())),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(refused("it ended unexpectedly".into())),
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

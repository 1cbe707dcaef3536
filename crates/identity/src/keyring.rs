//! The desktop's Secret Service (GNOME Keyring, KWallet, KeePassXC), where there is one.
//!
//! Every call may wait for a person who types the keyring's password, and speaks D-Bus: it runs on a thread of its own.

use crate::error::IdentityError;
use keyring_core::{Entry, Error, api::CredentialStoreApi};
use std::{fmt, sync::Arc, thread};
use zbus_secret_service_keyring_store::Store;
use zeroize::Zeroizing;

/// Under which name keys are kept.
const SERVICE: &str = "hither";

/// A Secret Service that answers.
pub struct Keyring {
    store: Arc<Store>,
}

impl Keyring {
    /// The session's Secret Service; `None` where there is no session bus or nobody provides the service.
    pub fn of_session() -> Option<Self> {
        std::env::var_os("DBUS_SESSION_BUS_ADDRESS").filter(|address| !address.is_empty())?;
        let store = apart(Store::new).ok()?;
        Some(Self { store })
    }

    pub(crate) fn put(&self, name: &str, secret: &[u8]) -> Result<(), IdentityError> {
        self.with(name, |entry| entry.set_secret(secret))
    }

    pub(crate) fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, IdentityError> {
        self.with(name, |entry| match entry.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), IdentityError> {
        self.with(name, |entry| match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
    }

    fn with<T: Send>(
        &self,
        name: &str,
        act: impl FnOnce(&Entry) -> Result<T, Error> + Send,
    ) -> Result<T, IdentityError> {
        apart(|| act(&self.store.build(SERVICE, name, None)?))
    }
}

/// On a thread without a runtime.
fn apart<T: Send>(act: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, IdentityError> {
    let refused = |why: String| IdentityError::Keyring(why);
    match thread::scope(|scope| scope.spawn(act).join()) {
        // The error's Display never holds the secret; its Debug could.
        Ok(done) => done.map_err(|error| refused(error.to_string())),
        Err(_) => Err(refused("it ended unexpectedly".into())),
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

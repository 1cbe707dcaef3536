//! Who we are to the proxy on the way to web servers (R6.2): what the person keeps for it in the keyring, looked up only
//! after the proxy asked, and sent to nobody else. It is remembered while the agent runs, so that a session which is taken up again
//! by itself asks no keyring; a keyring that had no answer is left alone for a minute.

use hither_identity::{Vault, VaultEntry, VaultError};
use hither_model::{Failure, text::printable};
use hither_socket::PasswordCredential;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// How long the keyring may take; who types its password has to be quick, or call again.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a keyring without an answer is left alone.
const PAUSE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Kept {
    known: Option<PasswordCredential>,
    in_vain: Option<(String, Instant)>,
}

/// What is known of us, for all ways out.
#[derive(Clone, Default)]
pub(super) struct Who {
    kept: Arc<Mutex<Kept>>,
}

impl Who {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found before.
    pub(super) fn remembered(&self) -> Option<PasswordCredential> {
        self.kept().known.clone()
    }

    /// The proxy did not take it.
    pub(super) fn forget(&self) {
        self.kept().known = None;
    }

    /// What the keyring holds for a proxy that asked.
    ///
    /// # Errors
    /// `asks`, with the reason why there is no answer and what to do.
    pub(super) async fn to(&self, resource: &str, asks: Failure) -> Result<PasswordCredential, Failure> {
        let left_alone = |(at, since): &(String, Instant)| at == resource && since.elapsed() < PAUSE;
        let alone = self.kept().in_vain.as_ref().is_some_and(left_alone);
        if alone {
            return Err(unanswered(asks, resource, None));
        }
        let wanted = resource.to_owned();
        let looking = tokio::task::spawn_blocking(move || look(&wanted));
        let found = match timeout(PATIENCE, looking).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) | Err(_) => Err(Some("the keyring did not answer".to_owned())),
        };
        let mut kept = self.kept();
        match found {
            Ok(known) => {
                kept.known = Some(known.clone());
                Ok(known)
            }
            Err(why) => {
                kept.in_vain = Some((resource.to_owned(), Instant::now()));
                Err(unanswered(asks, resource, why))
            }
        }
    }
}

/// Looks into the keyring, which may ask the person to unlock it.
fn look(resource: &str) -> Result<PasswordCredential, Option<String>> {
    let said = |error: VaultError| match error {
        VaultError::Unknown => None,
        other => Some(other.to_string()),
    };
    let vault = Vault::of_session().map_err(said)?;
    let mut found: Vec<VaultEntry> = vault.find_by_resource(resource).map_err(said)?;
    match (found.pop(), found.is_empty()) {
        (Some(entry), true) => {
            let password = vault.retrieve(&entry).map_err(said)?;
            PasswordCredential::new(resource, &entry.user, password).map_err(|fault| Some(fault.to_string()))
        }
        (Some(_), false) => Err(Some("several users are kept for it, and nobody is here to choose".to_owned())),
        (None, _) => Err(None),
    }
}

fn unanswered(mut asks: Failure, resource: &str, why: Option<String>) -> Failure {
    let why = why.unwrap_or_else(|| "none is kept for it".to_owned());
    asks.message = format!("{}; {why}", asks.message);
    asks.hint(format!("keep one with `hither credential add {} NAME`, and try again in a minute", printable(resource)))
}

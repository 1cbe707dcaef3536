//! Who we are to a server or proxy that has just asked (R6.2 to R6.4): what the keyring holds for that very resource, or what
//! the person types for this one connection. Nothing is looked up before somebody asked.

use super::outward::Way;
use crate::{
    desk::Desk,
    halt::Halt,
    prompt::{self, Source},
};
use hither_identity::{Vault, VaultEntry, VaultError};
use hither_model::{ErrorCode, Failure, text::printable};
use hither_socket::{OutwardControl, PasswordCredential, Proxies};
use zeroize::Zeroizing;

impl Way {
    /// Puts who we are to the proxy into the settings. `asks` is its question, and the error if there is no answer.
    pub(super) async fn answer_proxy(
        &self,
        desk: &Desk<'_>,
        control: &mut OutwardControl,
        asks: Failure,
    ) -> Result<(), Halt> {
        let proxies = match control.proxies().clone() {
            // The file's did not help: the proxy wants another kind of answer.
            _ if self.proxy_credential.is_some() => return Err(asks.into()),
            Proxies::Direct => return Err(asks.into()),
            Proxies::Only(proxy) => {
                let known = self.known_to(desk, &proxy.resource(), asks).await?;
                Proxies::Only(proxy.with_credential(known))
            }
            Proxies::Raced(proxy) => {
                let known = self.known_to(desk, &proxy.resource(), asks).await?;
                Proxies::Raced(proxy.with_credential(known))
            }
        };
        Ok(control.set_proxies(proxies).map_err(Failure::from)?)
    }

    /// Who we are to a resource that asked.
    pub(super) async fn known_to(
        &self,
        desk: &Desk<'_>,
        resource: &str,
        asks: Failure,
    ) -> Result<PasswordCredential, Halt> {
        let (user, password) = match (&self.user, self.ask) {
            (Some(user), true) => (user.clone(), typed(desk, resource, user).await?),
            (user, _) => kept(resource, user.as_deref()).await.map_err(|why| unanswered(asks, resource, why))?,
        };
        let credential = PasswordCredential::new(resource, &user, password);
        Ok(credential.map_err(|fault| Failure::new(ErrorCode::Misuse, fault.to_string()))?)
    }
}

/// For this connection alone.
async fn typed(desk: &Desk<'_>, resource: &str, user: &str) -> Result<Zeroizing<String>, Halt> {
    let Some(source) = Source::person() else {
        let failure = Failure::new(ErrorCode::AccessDenied, "nobody is here to type a password");
        return Err(failure.hint("keep it with `hither credential add`").into());
    };
    let words = format!("Password of {} for {} (it is not shown): ", printable(user), printable(resource));
    let typed = prompt::hidden(desk, source, &words).await?.filter(|typed| !typed.is_empty());
    Ok(typed.ok_or_else(|| Failure::new(ErrorCode::Canceled, "no password was typed"))?)
}

/// Why nothing in the keyring answers.
enum Unkept {
    Vault(VaultError),
    Several,
}

/// What the keyring holds. It may ask the person to unlock it.
async fn kept(resource: &str, user: Option<&str>) -> Result<(String, Zeroizing<String>), Unkept> {
    let (resource, user) = (resource.to_owned(), user.map(str::to_owned));
    let look = move || {
        let vault = Vault::of_session()?;
        let mut found = vault.find_by_resource(&resource)?;
        found.retain(|entry: &VaultEntry| user.as_ref().is_none_or(|user| *user == entry.user));
        match (found.pop(), found.is_empty()) {
            (Some(entry), true) => Ok((vault.retrieve(&entry)?, entry.user)),
            (Some(_), false) => Err(Unkept::Several),
            (None, _) => Err(Unkept::Vault(VaultError::Unknown)),
        }
    };
    let looked = tokio::task::spawn_blocking(look).await;
    let (password, user) = looked.unwrap_or_else(|e| Err(Unkept::Vault(VaultError::Refused(e.to_string()))))?;
    Ok((user, password))
}

impl From<VaultError> for Unkept {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

/// The question, and why it has no answer.
fn unanswered(mut asks: Failure, resource: &str, why: Unkept) -> Failure {
    let add = format!(
        "keep one with `hither credential add {} NAME`, or type it with `--user NAME --ask`",
        printable(resource)
    );
    let (why, hint) = match why {
        Unkept::Several => ("several users are kept for it".to_owned(), "say which with `--user NAME`".to_owned()),
        Unkept::Vault(VaultError::Unknown) => ("none is kept for it".to_owned(), add),
        Unkept::Vault(error) => (error.to_string(), error.hint().to_owned()),
    };
    asks.message = format!("{}; {why}", asks.message);
    asks.hint(hint)
}

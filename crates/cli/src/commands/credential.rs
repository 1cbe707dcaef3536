//! `hither credential`: user names and passwords for servers and proxies, kept in the desktop's keyring (R6.3, R6.4). Typed
//! without echo or handed over on standard input, never among the arguments; never shown again.

use crate::{
    desk::Desk,
    halt::Halt,
    prompt::{self, Source},
    table::Table,
};
use clap::{Args, Subcommand};
use hither_identity::{Vault, VaultEntry, VaultError};
use hither_model::{ErrorCode, Failure, text::printable};
use hither_socket::PasswordCredential;
use serde::Serialize;
use zeroize::Zeroizing;

/// User names and passwords for servers and proxies.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither credential add proxy.example:3128 ana")]
pub(crate) struct Credential {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Keep a password, or replace it; it is sent only to this server or proxy, and only when that asks
    #[command(after_help = "Example:\n  hither credential add proxy.example:3128 ana     (then type the password)")]
    Add {
        /// host:port, a proxy's address or a WebSocket's
        resource: String,
        /// The user's name there
        user: String,
        /// Read the password from standard input, one line, instead of asking for it
        #[arg(long)]
        stdin: bool,
    },
    /// Those that are kept, without their passwords
    #[command(after_help = "Example:\n  hither credential list")]
    List,
    /// Forget one
    #[command(after_help = "Example:\n  hither credential remove proxy.example:3128 ana")]
    Remove {
        /// host:port, a proxy's address or a WebSocket's
        resource: String,
        /// The user's name there
        user: String,
    },
}

#[derive(Serialize)]
struct Row<'a> {
    resource: &'a str,
    user: &'a str,
}

#[derive(Serialize)]
struct Added<'a> {
    resource: &'a str,
    user: &'a str,
    replaced: bool,
}

impl Credential {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        match self.what {
            What::Add { resource, user, stdin } => add(desk, entry(&resource, &user)?, stdin).await,
            What::List => list(desk, &vault(desk, |vault| vault.all()).await?),
            What::Remove { resource, user } => {
                let entry = entry(&resource, &user)?;
                let named = entry.clone();
                vault(desk, move |vault| vault.remove(&named)).await?;
                let row = Row { resource: &entry.resource, user: &entry.user };
                desk.screen.event("removed", &row, || format!("forgotten: {}", words(&entry)))
            }
        }
    }
}

async fn add(desk: &Desk<'_>, entry: VaultEntry, on_input: bool) -> Result<(), Halt> {
    // Before anybody types: there may be nowhere to keep it.
    vault(desk, |vault| vault.all()).await?;
    let prompt = format!("Password of {} (it is not shown): ", words(&entry));
    let password = match on_input {
        true => prompt::secret(desk, &prompt).await?,
        false => typed(desk, &prompt).await?,
    };
    // What could never be sent is not kept either.
    let sendable = PasswordCredential::new(&entry.resource, &entry.user, password.clone());
    sendable.map_err(|fault| Failure::new(ErrorCode::Misuse, fault.to_string()))?;
    let named = entry.clone();
    let replaced = vault(desk, move |vault| vault.add(&named, &password)).await?;
    let row = Added { resource: &entry.resource, user: &entry.user, replaced };
    desk.screen.event("added", &row, || {
        format!("{}: {}", if replaced { "replaced" } else { "kept in the keyring" }, words(&entry))
    })
}

async fn typed(desk: &Desk<'_>, words: &str) -> Result<Zeroizing<String>, Halt> {
    let Some(source) = Source::person() else {
        let failure = Failure::new(ErrorCode::Misuse, "nobody is here to type a password");
        return Err(failure.hint("add --stdin and hand it over on standard input").into());
    };
    let typed = prompt::hidden(desk, source, words).await?;
    Ok(typed.ok_or_else(|| Failure::new(ErrorCode::Canceled, "no password was typed"))?)
}

fn list(desk: &Desk<'_>, all: &[VaultEntry]) -> Result<(), Halt> {
    if all.is_empty() {
        desk.screen.remark("none is kept")?;
    }
    let rows: Vec<Row<'_>> = all.iter().map(|e| Row { resource: &e.resource, user: &e.user }).collect();
    desk.screen.rows("credential", &rows, |rows| {
        let mut table = Table::new(&["RESOURCE", "USER"]);
        for row in rows {
            table.row([row.resource, row.user]);
        }
        table.text(desk.screen.paint())
    })
}

fn entry(resource: &str, user: &str) -> Result<VaultEntry, Failure> {
    let resource = PasswordCredential::resource_named(resource).map_err(|fault| {
        Failure::new(ErrorCode::Misuse, format!("{}: {fault}", printable(resource))).hint("name the port as well")
    })?;
    Ok(VaultEntry::new(&resource, user)?)
}

fn words(entry: &VaultEntry) -> String {
    printable(&format!("{} at {}", entry.user, entry.resource))
}

/// Asks the keyring, which may wait for a person who unlocks it.
async fn vault<T: Send + 'static>(
    desk: &Desk<'_>,
    act: impl FnOnce(&Vault) -> Result<T, VaultError> + Send + 'static,
) -> Result<T, Halt> {
    let work = async {
        let asked = tokio::task::spawn_blocking(move || Vault::of_session().and_then(|vault| act(&vault))).await;
        Ok(asked.map_err(|e| Failure::new(ErrorCode::Internal, e.to_string()))??)
    };
    desk.unless_interrupted(work).await
}

//! `hither identity`: certificates this device can be known by: its own, imported ones, those on cards.

use super::{device_key, file};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    prompt::{self, Source},
    table::{Table, facts},
};
use clap::{Args, Subcommand};
use data_encoding::BASE64;
use hither_control::Client;
use hither_model::{
    Answer, Ask, ErrorCode, Failure, PeerId,
    ask::SecretText,
    row::{IdentityRow, Usable},
    text::printable,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// How often a wrong password of a file is asked for again.
const TRIES: u32 = 3;

/// Certificates this device can be known by.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither identity show")]
pub(crate) struct Identity {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them: the device's own, imported ones, those on cards
    #[command(after_help = "Example:\n  hither identity list --hardware")]
    List {
        /// Expired ones too, and every one of those with the same subject and issuer
        #[arg(long)]
        all: bool,
        /// Only keys in hardware
        #[arg(long)]
        hardware: bool,
        /// Only those whose issuer has this text in it
        #[arg(long, value_name = "TEXT")]
        issuer: Option<String>,
    },
    /// One in full: the one in use, or another
    #[command(after_help = "Example:\n  hither identity show")]
    Show {
        /// Which, by the beginning of its id, or `local`
        id: Option<String>,
    },
    /// Renew the local certificate: a new one for the same key, so that everyone you met still knows you
    #[command(after_help = "Example:\n  hither identity new")]
    New,
    /// Be known by this one from now on, unless another is named
    #[command(after_help = "Example:\n  hither identity use 83da7acc")]
    Use {
        /// Which, by the beginning of its id; `local` for the device's own key alone, `ask` to be asked each time
        #[arg(value_name = "ID|local|ask")]
        id: String,
    },
    /// Keep a certificate and its key out of a file (PKCS#12 or PEM); the file is not needed any more
    #[command(after_help = "Example:\n  hither identity import me.p12")]
    Import {
        /// The file; `-` reads it from standard input
        file: PathBuf,
        /// Read its password from standard input, one line, instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// Forget an imported certificate and its key
    #[command(after_help = "Example:\n  hither identity remove 83da7acc")]
    Remove {
        /// Which, by the beginning of its id
        id: String,
    },
    /// Write the device's own key into a file for another machine, sealed with a password
    #[command(after_help = "Example:\n  hither identity export me.hither-key")]
    Export {
        /// The file; it must not be there yet
        file: PathBuf,
        /// Read the password from standard input, one line, instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// Take over a device's key from such a file, into a profile that has none
    #[command(after_help = "Example:\n  hither identity restore me.hither-key")]
    Restore {
        /// The file
        file: PathBuf,
        /// Read the password from standard input, one line, instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// Another key for this device: make it and tell devices you met, in your sessions; then take it with `--now`
    #[command(after_help = "Example:\n  hither identity rotate\n  hither identity rotate --now")]
    Rotate {
        /// Take it over; whoever has not heard of it will take this for another device
        #[arg(long)]
        now: bool,
    },
    /// Where the device's own key is kept from now on: with the keyring of this desktop, or in a file only you can read
    #[command(after_help = "Example:\n  hither identity keep keyring")]
    Keep {
        /// There and nowhere else; with the keyring the agent can start only while the keyring is unlocked
        place: device_key::Place,
    },
    /// The certificate in use as PEM, on standard output
    #[command(after_help = "Example:\n  hither identity export-cert > me.pem")]
    ExportCert,
}

#[derive(Serialize)]
struct Certificate<'a> {
    pem: &'a str,
}

/// An identity by the name it was called.
#[derive(Serialize)]
struct Named<'a> {
    identity: &'a str,
}

/// The next key of this device.
#[derive(Serialize)]
struct Rotation<'a> {
    heir: PeerId,
    taken: bool,
    heard: &'a [String],
    unheard: &'a [String],
}

impl Identity {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        // Without an agent: it would have made a key of its own.
        match self.what {
            What::Export { file, password_stdin } => device_key::export(desk, &file, password_stdin).await,
            What::Restore { file, password_stdin } => device_key::restore(desk, &file, password_stdin).await,
            what => what.run(desk).await,
        }
    }
}

impl What {
    async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        match self {
            Self::List { all, hardware, issuer } => {
                let rows = rows(&mut client, Ask::Identities { all, hardware, issuer }).await?;
                if rows.is_empty() {
                    desk.screen.remark("none fits; `hither identity list --all` hides nothing")?;
                }
                desk.screen.rows("identity", &rows, |rows| list(desk.screen.paint(), rows))
            }
            Self::Show { id } => show(desk, &mut client, id.as_deref()).await,
            Self::New => {
                client.ask(Ask::RenewCertificate).await?;
                desk.screen.remark("renewed: a new certificate for the same key; everyone you met still knows you")?;
                show(desk, &mut client, Some("local")).await
            }
            Self::Use { id } => {
                client.ask(Ask::UseIdentity { identity: id.clone() }).await?;
                desk.screen.event("identity-used", &Named { identity: &id }, || match id.as_str() {
                    "ask" => "you are asked each time from now on".into(),
                    "local" => "you are known by the device's own key from now on".into(),
                    _ => format!("you are known by {} from now on", printable(&id)),
                })
            }
            Self::Import { file, password_stdin } => import(desk, &mut client, &file, password_stdin).await,
            Self::Remove { id } => {
                client.ask(Ask::RemoveIdentity { identity: id.clone() }).await?;
                desk.screen.event("removed", &Named { identity: &id }, || {
                    format!("{} and its key are forgotten", printable(&id))
                })
            }
            Self::Export { .. } | Self::Restore { .. } => Err(unexpected()),
            Self::Keep { place } => device_key::keep(desk, &mut client, place).await,
            Self::Rotate { now } => rotate(desk, &mut client, now).await,
            Self::ExportCert => {
                let Answer::Certificate { pem } = client.ask(Ask::ExportCertificate).await? else {
                    return Err(unexpected());
                };
                desk.screen.event("certificate", &Certificate { pem: &pem }, || pem.clone())
            }
        }
    }
}

/// Prepares another key for this device, or takes it over and stops the agent, which starts with it the next time.
async fn rotate(desk: &Desk<'_>, client: &mut Client, now: bool) -> Result<(), Halt> {
    let Answer::Rotation { heir, heard, unheard } = client.ask(Ask::RotateKey { now }).await? else {
        return Err(unexpected());
    };
    let names = |names: &[String]| names.iter().map(|name| printable(name)).collect::<Vec<_>>().join(", ");
    let rotation = Rotation { heir, taken: now, heard: &heard, unheard: &unheard };
    desk.screen.event("rotation", &rotation, || match now {
        true => format!("this device is {} from now on", heir.short()),
        false => format!("{} is ready to be this device's key; told so far: {}", heir.short(), names(&heard)),
    })?;
    if !unheard.is_empty() {
        let what = if now { "takes this for another device now" } else { "hears of it in the next session" };
        desk.screen.remark(&format!("who {what}: {}", names(&unheard)))?;
    }
    if now {
        client.ask(Ask::Stop).await?;
        return desk.screen.remark("the agent stopped; the next command starts it with the new key");
    }
    desk.screen.remark("`hither identity rotate --now` takes it")
}

async fn rows(client: &mut Client, ask: Ask) -> Result<Vec<IdentityRow>, Halt> {
    match client.ask(ask).await? {
        Answer::Identities { rows } => Ok(rows),
        _ => Err(unexpected()),
    }
}

async fn show(desk: &Desk<'_>, client: &mut Client, id: Option<&str>) -> Result<(), Halt> {
    let rows = rows(client, everything()).await?;
    let row = match id {
        Some(id) => named(&rows, id)?,
        None => rows.iter().find(|row| row.current).ok_or_else(|| {
            Failure::new(ErrorCode::UnknownId, "no certificate is in use at the moment")
                .hint("you are asked each time, or its card is not there; `hither identity list` shows what is")
        })?,
    };
    desk.screen.row("identity", row, || facts(desk.screen.paint(), &full(row)))
}

fn named<'r>(rows: &'r [IdentityRow], id: &str) -> Result<&'r IdentityRow, Failure> {
    let wanted = id.to_lowercase();
    let exact = |row: &&IdentityRow| row.id.to_lowercase() == wanted || (wanted == "local" && row.source == "local");
    if let Some(row) = rows.iter().find(exact) {
        return Ok(row);
    }
    let mut fitting = rows.iter().filter(|row| !wanted.is_empty() && row.id.to_lowercase().starts_with(&wanted));
    let why = match (fitting.next(), fitting.next()) {
        (Some(row), None) => return Ok(row),
        (None, _) => "no certificate has that id",
        (Some(_), Some(_)) => "more than one certificate begins like that",
    };
    Err(Failure::new(ErrorCode::UnknownId, why).hint("`hither identity list --all` lists them"))
}

/// Imports the file; asks for its password if it turns out to have one.
async fn import(desk: &Desk<'_>, client: &mut Client, path: &Path, on_input: bool) -> Result<(), Halt> {
    if on_input && path.as_os_str() == "-" {
        let failure = Failure::new(ErrorCode::Misuse, "file and password cannot both be on standard input");
        return Err(failure.hint("name the file, or leave --password-stdin out and type the password").into());
    }
    let before = rows(client, everything()).await?;
    let file = SecretText(BASE64.encode(&file::small(path).await?));
    let mut password = match on_input {
        true => Some(prompt::secret(desk, "Password of the file (it is not shown): ").await?),
        false => None,
    };
    let mut tries = 0;
    loop {
        let given = password.take().map(|mut text| SecretText(std::mem::take(&mut *text)));
        let first = given.is_none();
        let refused = match client.ask(Ask::ImportIdentity { file: file.clone(), password: given }).await {
            Ok(_) => return imported(desk, &before, rows(client, everything()).await?),
            Err(refused) => refused,
        };
        tries += 1;
        let wanted = if first { refused.code == ErrorCode::TokenLocked } else { refused.code == ErrorCode::PinWrong };
        let Some(source) = Source::person().filter(|_| wanted && !on_input && tries <= TRIES) else {
            return Err(refused.into());
        };
        if !first {
            desk.screen.aside(&printable(&refused.message))?;
        }
        password = prompt::hidden(desk, source, "Password of the file (it is not shown): ").await?;
        if password.is_none() {
            return Err(Failure::new(ErrorCode::Canceled, "no password was typed; nothing was imported").into());
        }
    }
}

/// Every certificate there is.
fn everything() -> Ask {
    Ask::Identities { all: true, hardware: false, issuer: None }
}

/// Shows what was not there before.
fn imported(desk: &Desk<'_>, before: &[IdentityRow], mut now: Vec<IdentityRow>) -> Result<(), Halt> {
    now.retain(|row| row.source == "file" && before.iter().all(|b| b.id != row.id));
    desk.screen.rows("identity", &now, |rows| list(desk.screen.paint(), rows))?;
    match now.first() {
        Some(row) => {
            desk.screen.remark(&format!("imported; `hither identity use {}` puts it to use", printable(&row.id)))
        }
        None => desk.screen.remark("imported; it was there before"),
    }
}

fn list(paint: Paint, rows: &[IdentityRow]) -> String {
    let mut table = Table::new(&["ID", "SUBJECT", "ISSUER", "KEY", "FROM", "KEPT BY", "UNTIL", "USABLE", ""]);
    for row in rows {
        let current = if row.current { "in use" } else { "" };
        let from = origin(row);
        let usable = usable(&row.usable);
        let kept = kept(row);
        table.row([
            row.id.as_str(),
            &row.subject,
            &row.issuer,
            &row.key,
            &from,
            kept,
            &row.not_after,
            &usable,
            current,
        ]);
    }
    table.text(paint)
}

fn full(row: &IdentityRow) -> Vec<(&'static str, String)> {
    vec![
        ("id", row.id.clone()),
        ("peer", row.fingerprint.to_string()),
        ("subject", row.subject.clone()),
        ("issuer", row.issuer.clone()),
        ("from", row.not_before.clone()),
        ("until", if row.expired { format!("{} (EXPIRED)", row.not_after) } else { row.not_after.clone() }),
        ("key", row.key.clone()),
        ("source", origin(row)),
        ("kept by", kept(row).to_owned()),
        ("usable", usable(&row.usable)),
        ("in use", if row.current { "yes" } else { "no" }.to_owned()),
    ]
}

fn origin(row: &IdentityRow) -> String {
    match &row.token {
        Some(token) => format!("{} “{token}”", row.source),
        None => row.source.clone(),
    }
}

fn kept(row: &IdentityRow) -> &str {
    match (row.kept.as_str(), row.hardware) {
        ("file", _) => "a file of yours",
        ("secret-service", _) => "the keyring",
        ("token", true) => "hardware",
        ("token", false) => "a token in software",
        (other, _) => other,
    }
}

fn usable(usable: &Usable) -> String {
    match usable {
        Usable::Yes(true) => "yes".into(),
        Usable::Yes(false) => "no".into(),
        Usable::No(why) => why.clone(),
    }
}

//! `hither trust ca`: certificate authorities that may say who somebody is. None is trusted but those added here; the
//! authorities of the web never count for people.

use super::file;
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::Table,
};
use clap::{Subcommand, ValueEnum};
use data_encoding::BASE64;
use hither_control::Client;
use hither_model::{Answer, Ask, row::AuthorityRow, text};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What to do about authorities.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Trust an authority for people: from now on it can say who somebody is
    #[command(after_help = "Example:\n  hither trust ca add lab-authority.pem")]
    Add {
        /// Its certificate, PEM or DER; `-` reads it from standard input
        file: PathBuf,
    },
    /// List them
    #[command(after_help = "Example:\n  hither trust ca list")]
    List,
    /// What an authority's word is good for
    #[command(after_help = "Example:\n  hither trust ca set 9f86d081 --invite on --codeless on")]
    #[command(group(clap::ArgGroup::new("what").args(["invite", "codeless"]).required(true).multiple(true)))]
    Set {
        /// Which, by the beginning of its id
        id: String,
        /// Anyone it vouches for may invite you, though your visibility would not let them in
        #[arg(long, value_name = "on|off")]
        invite: Option<Switch>,
        /// Its word is as good as comparing the six digits
        #[arg(long, value_name = "on|off")]
        codeless: Option<Switch>,
    },
    /// Trust it no more
    #[command(after_help = "Example:\n  hither trust ca remove 9f86d081")]
    Remove {
        /// Which, by the beginning of its id
        id: String,
    },
    /// Take over an authority's list of revoked certificates
    #[command(after_help = "Example:\n  hither trust ca crl lab-authority.crl")]
    Crl {
        /// The list, PEM or DER, at most 4 MiB; `-` reads one of at most 256 KiB from standard input
        file: PathBuf,
    },
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Yes
    On,
    /// No
    Off,
}

#[derive(Serialize)]
struct Removed<'a> {
    authority: &'a str,
}

impl What {
    pub(crate) async fn run(self, desk: &Desk<'_>, client: &mut Client) -> Result<(), Halt> {
        match self {
            Self::List => {
                let rows = rows(client).await?;
                if rows.is_empty() {
                    desk.screen.remark("no authority is trusted for people (`hither trust ca add FILE`)")?;
                }
                show(desk, &rows)
            }
            Self::Add { file } => {
                let before = rows(client).await?;
                let certificate = pem(&file::small(&file).await?);
                let answer = client.ask(Ask::AddAuthority { certificate }).await?;
                desk.screen.remark("trusted for people from now on")?;
                let all = listed(answer, client).await?;
                let new: Vec<_> = all.iter().filter(|row| before.iter().all(|b| b.id != row.id)).cloned().collect();
                show(desk, if new.is_empty() { &all } else { &new })
            }
            Self::Set { id, invite, codeless } => {
                let on = |switch: Option<Switch>| switch.map(|s| s == Switch::On);
                let ask = Ask::SetAuthority { authority: id.clone(), invite: on(invite), codeless: on(codeless) };
                let answer = client.ask(ask).await?;
                let wanted = id.to_lowercase();
                let all = listed(answer, client).await?;
                show(desk, &all.into_iter().filter(|row| row.id.starts_with(&wanted)).collect::<Vec<_>>())
            }
            Self::Remove { id } => {
                client.ask(Ask::RemoveAuthority { authority: id.clone() }).await?;
                let removed = Removed { authority: &id };
                desk.screen.event("removed", &removed, || {
                    format!("authority {} is not trusted any more", text::printable(&id))
                })
            }
            Self::Crl { file } => {
                let crl = revocations(&file).await?;
                let answer = client.ask(Ask::AddRevocations { crl }).await?;
                desk.screen.remark("the list of revoked certificates holds from now on")?;
                let all = listed(answer, client).await?;
                show(desk, &all.into_iter().filter(|row| row.crl_until.is_some()).collect::<Vec<_>>())
            }
        }
    }
}

async fn rows(client: &mut Client) -> Result<Vec<AuthorityRow>, Halt> {
    match client.ask(Ask::Authorities).await? {
        Answer::Authorities { rows } => Ok(rows),
        _ => Err(unexpected()),
    }
}

/// The rows the agent answered with, or else those there are now.
async fn listed(answer: Answer, client: &mut Client) -> Result<Vec<AuthorityRow>, Halt> {
    match answer {
        Answer::Authorities { rows } => Ok(rows),
        _ => rows(client).await,
    }
}

/// A list of revoked certificates as the agent takes it: lists can be larger than a request, so that the agent reads the
/// file itself.
async fn revocations(file: &Path) -> Result<String, Halt> {
    let named = std::path::absolute(file).ok().and_then(|path| path.to_str().map(str::to_owned));
    match named {
        Some(path) if file.as_os_str() != "-" => Ok(path),
        _ => Ok(pem(&file::small(file).await?)),
    }
}

/// PEM as it is; DER as base64.
fn pem(file: &[u8]) -> String {
    match std::str::from_utf8(file) {
        Ok(text) if text.contains("-----BEGIN") => text.to_owned(),
        _ => BASE64.encode(file),
    }
}

fn show(desk: &Desk<'_>, rows: &[AuthorityRow]) -> Result<(), Halt> {
    desk.screen.rows("authority", rows, |rows| list(desk.screen.paint(), rows))
}

fn list(paint: Paint, rows: &[AuthorityRow]) -> String {
    let mut table = Table::new(&["ID", "AUTHORITY", "UNTIL", "MAY INVITE ME", "INSTEAD OF A CODE", "REVOKED ONES"]);
    for row in rows {
        let on = |on: bool| if on { "on" } else { "off" };
        let id: String = row.id.chars().take(16).collect();
        let revoked = match (&row.crl_until, row.crl_stale) {
            (None, _) => "no list".to_owned(),
            (Some(until), true) => format!("list OUT OF DATE since {until}"),
            (Some(until), false) => format!("list until {until}"),
        };
        table.row([&id, &row.subject, &row.not_after, on(row.invite), on(row.codeless), &revoked]);
    }
    table.text(paint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_goes_as_it_is_and_der_as_base64() {
        let text = "a line\n-----BEGIN CERTIFICATE-----\n";
        assert_eq!([pem(text.as_bytes()), pem(b"\x30\x82\xff")], [text.to_owned(), "MIL/".to_owned()]);
    }
}

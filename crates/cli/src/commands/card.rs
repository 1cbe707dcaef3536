//! `hither card`: cards and tokens that are there, and the modules that speak to them.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::Table,
};
use clap::{Args, Subcommand};
use hither_control::Client;
use hither_model::{
    Answer, Ask, News,
    row::{TokenFault, TokenRow, TokenState, TokenTries},
    text::printable,
};
use serde::Serialize;
use std::path::PathBuf;

/// Cards, security keys and other tokens with certificates.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither card list")]
pub(crate) struct Card {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List those that are there
    #[command(after_help = "Example:\n  hither card list")]
    List,
    /// List them, and again whenever one is inserted or taken out
    #[command(after_help = "Example:\n  hither card watch")]
    Watch,
    /// The modules (PKCS#11) that speak to them, beside those that the system describes
    #[command(after_help = "Example:\n  hither card module list")]
    Module {
        #[command(subcommand)]
        what: Module,
    },
}

#[derive(Debug, Subcommand)]
enum Module {
    /// Load a module that the system does not describe; it sees the PINs, so be sure whose it is
    #[command(after_help = "Example:\n  hither card module add /opt/vendor/libtoken.so")]
    Add {
        /// The module
        path: PathBuf,
        /// It needs the network, as for an HSM at the other end of a wire
        #[arg(long)]
        network: bool,
    },
    /// Load it no more
    #[command(after_help = "Example:\n  hither card module remove /opt/vendor/libtoken.so")]
    Remove {
        /// The module
        path: PathBuf,
    },
    /// List those that were added
    #[command(after_help = "Example:\n  hither card module list")]
    List,
}

/// A module that was added.
#[derive(Serialize)]
struct Path<'a> {
    path: &'a str,
}

/// A module that was added or removed.
#[derive(Serialize)]
struct Decided<'a> {
    path: &'a str,
    registered: bool,
}

/// What is there: tokens, and modules that could not be asked.
type Found = (Vec<TokenRow>, Vec<TokenFault>);

impl Card {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        match self.what {
            What::List => {
                let found = found(&mut client).await?;
                show(desk, &found)
            }
            What::Watch => watch(desk, &mut client).await,
            What::Module { what } => what.run(desk, &mut client).await,
        }
    }
}

impl Module {
    async fn run(self, desk: &Desk<'_>, client: &mut Client) -> Result<(), Halt> {
        let (path, registered) = match self {
            Self::List => return list_modules(desk, client).await,
            Self::Add { path, network } => {
                let path = std::path::absolute(path)?;
                client.ask(Ask::RegisterModule { path: path.clone(), network }).await?;
                (path, true)
            }
            Self::Remove { path } => {
                let path = std::path::absolute(path)?;
                client.ask(Ask::UnregisterModule { path: path.clone() }).await?;
                (path, false)
            }
        };
        let path = path.to_string_lossy();
        desk.screen.event("module", &Decided { path: &path, registered }, || {
            let what = if registered { "is used from now on" } else { "is not used any more" };
            format!("{} {what}", printable(&path))
        })
    }
}

async fn list_modules(desk: &Desk<'_>, client: &mut Client) -> Result<(), Halt> {
    let Answer::Settings { settings } = client.ask(Ask::Settings).await? else { return Err(unexpected()) };
    if settings.modules.is_empty() {
        desk.screen.remark("none was added; those that the system describes are used")?;
    }
    let rows: Vec<Path<'_>> = settings.modules.iter().map(|path| Path { path }).collect();
    desk.screen.rows("module", &rows, |rows| rows.iter().map(|row| printable(row.path)).collect::<Vec<_>>().join("\n"))
}

async fn found(client: &mut Client) -> Result<Found, Halt> {
    match client.ask(Ask::Tokens).await? {
        Answer::Tokens { rows, faults } => Ok((rows, faults)),
        _ => Err(unexpected()),
    }
}

/// Lists, and lists again when something has changed. Looking may itself bring news: what is the same is not repeated.
async fn watch(desk: &Desk<'_>, client: &mut Client) -> Result<(), Halt> {
    let mut news = client.news().await?;
    let mut shown: Option<Found> = None;
    loop {
        let heard = news.next().await?;
        match heard {
            News::Identities | News::Snapshot { .. } => {}
            News::Stopping => return Ok(()),
            _ => continue,
        }
        let now = found(client).await?;
        if shown.as_ref() == Some(&now) {
            continue;
        }
        if shown.is_some() {
            // Without it nobody could tell where a list ends, or that the last token is gone.
            desk.screen.news(&News::Identities, || Some(String::new()))?;
        }
        show(desk, &now)?;
        shown = Some(now);
    }
}

fn show(desk: &Desk<'_>, (rows, faults): &Found) -> Result<(), Halt> {
    if rows.is_empty() {
        desk.screen.remark("no card or token is there")?;
    }
    desk.screen.rows("token", rows, |rows| list(desk.screen.paint(), rows))?;
    for fault in faults {
        if desk.screen.json() {
            desk.screen.row("fault", fault, String::new)?;
        } else {
            let what = printable(&format!("{}: {}", fault.module, fault.why));
            desk.screen.aside(&format!("{} {what}", desk.screen.paint_error().yellow("module")))?;
        }
    }
    Ok(())
}

fn list(paint: Paint, rows: &[TokenRow]) -> String {
    let mut table = Table::new(&["TOKEN", "READER", "MODEL", "STATE", "CERTIFICATES"]);
    for row in rows {
        let certificates: Vec<&str> = row.certificates.iter().map(|c| c.subject.as_str()).collect();
        let model = format!("{} {}", row.manufacturer, row.model);
        let certificates = if certificates.is_empty() { "(none)".to_owned() } else { certificates.join("; ") };
        table.row([&row.token, &row.reader, model.trim(), &state(row), &certificates]);
    }
    table.text(paint)
}

fn state(row: &TokenRow) -> String {
    let state = match row.state {
        TokenState::Ready => return "ready".into(),
        TokenState::Blocked => return "BLOCKED: its PUK unblocks it".into(),
        TokenState::Locked if row.pad => "wants its PIN on the reader",
        TokenState::Locked => "wants its PIN",
    };
    match row.tries {
        TokenTries::Plenty => state.into(),
        TokenTries::Few => format!("{state}; a wrong one was tried"),
        TokenTries::Last => format!("{state}; ONE TRY IS LEFT"),
        TokenTries::Blocked => format!("{state}; no try is left"),
    }
}

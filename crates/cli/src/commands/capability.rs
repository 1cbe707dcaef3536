//! `hither capability`: what hither may do here.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    table::Table,
    words,
};
use clap::{Args, Subcommand};
use hither_model::{Answer, Ask, text};
use serde::Serialize;

/// What hither may do here.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither capability list")]
pub(crate) struct Capability {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them
    #[command(after_help = "Example:\n  hither capability list")]
    List,
    /// Permit one
    #[command(after_help = "Example:\n  hither capability grant NAME")]
    Grant {
        /// Its name, as in the list
        name: String,
    },
    /// Forbid one; what uses it ends
    #[command(after_help = "Example:\n  hither capability revoke NAME")]
    Revoke {
        /// Its name, as in the list
        name: String,
    },
}

#[derive(Serialize)]
struct Decided<'a> {
    name: &'a str,
    granted: bool,
}

impl Capability {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        let (name, granted) = match self.what {
            What::List => {
                let Answer::Capabilities { rows } = client.ask(Ask::Capabilities).await? else {
                    return Err(unexpected());
                };
                return desk.screen.rows("capability", &rows, |rows| {
                    let mut table = Table::new(&["NAME", "STATE", "USED BY", "LAST USED", "ALLOWS"]);
                    for row in rows {
                        let state = match (row.declared, row.granted) {
                            (false, _) => "not declared",
                            (true, true) => "granted",
                            (true, false) => "revoked",
                        };
                        let last = row.last_used.map_or_else(String::new, words::moment);
                        table.row([row.name.as_str(), state, &row.used_by.join(", "), &last, &row.allows]);
                    }
                    table.text(desk.screen.paint())
                });
            }
            What::Grant { name } => (name, true),
            What::Revoke { name } => (name, false),
        };
        client.ask(Ask::SetCapability { name: name.clone(), granted }).await?;
        desk.screen.event("capability", &Decided { name: &name, granted }, || {
            format!("{} is {}", text::printable(&name), if granted { "granted" } else { "revoked" })
        })
    }
}

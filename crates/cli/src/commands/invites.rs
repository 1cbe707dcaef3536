//! `hither invites`: invite links that are out.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    table::Table,
    words,
};
use clap::{Args, Subcommand};
use hither_model::{Answer, Ask, text};
use serde::Serialize;

/// Invite links that are out.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither invites")]
pub(crate) struct Invites {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them
    #[command(after_help = "Example:\n  hither invites list")]
    List,
    /// Make one worthless
    #[command(after_help = "Example:\n  hither invites revoke 3f2a")]
    Revoke {
        /// Which, by the beginning of its id
        id: String,
    },
}

#[derive(Serialize)]
struct Revoked {
    invite: String,
}

impl Invites {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        if let Some(What::Revoke { id }) = self.what {
            client.ask(Ask::RevokeLink { invite: id.clone() }).await?;
            let revoked = Revoked { invite: id };
            return desk.screen.event("revoked", &revoked, || {
                format!("invite link {} is worthless now", text::printable(&revoked.invite))
            });
        }
        let Answer::Links { rows } = client.ask(Ask::Links).await? else { return Err(unexpected()) };
        if rows.is_empty() {
            desk.screen.remark("no invite link is out")?;
        }
        desk.screen.rows("link", &rows, |rows| {
            let mut table = Table::new(&["INVITE", "STATE", "USES LEFT", "UNTIL"]);
            for row in rows {
                table.row([
                    row.invite.short(),
                    row.state.clone(),
                    row.uses_left.to_string(),
                    words::moment(row.expires),
                ]);
            }
            table.text(desk.screen.paint())
        })
    }
}

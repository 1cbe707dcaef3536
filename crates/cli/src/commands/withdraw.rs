//! `hither withdraw`: take an invite back.

use crate::{desk::Desk, halt::Halt};
use clap::Args;
use hither_model::{Ask, InviteId};
use serde::Serialize;

/// Take an invite back that another command has sent.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither withdraw 00112233445566778899aabbccddeeff")]
pub(crate) struct Withdraw {
    /// The invite's id, as `invite` says it with --json
    id: InviteId,
}

#[derive(Serialize)]
struct Withdrawn {
    invite: InviteId,
}

impl Withdraw {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        desk.client().await?.ask(Ask::Withdraw { invite: self.id }).await?;
        let withdrawn = Withdrawn { invite: self.id };
        desk.screen.event("withdrawn", &withdrawn, || format!("invite {} is taken back", self.id.short()))
    }
}

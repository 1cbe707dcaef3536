//! `hither history`: what happened.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    table::Table,
    words,
};
use clap::Args;
use hither_model::{Answer, Ask};

/// What happened, newest first.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither history --peer Ana --limit 20")]
pub(crate) struct History {
    /// With this device only
    #[arg(long, value_name = "P")]
    peer: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
}

impl History {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let ask = Ask::History { peer: self.peer, limit: self.limit };
        let Answer::History { rows } = desk.client().await?.ask(ask).await? else { return Err(unexpected()) };
        if rows.is_empty() {
            desk.screen.remark("nothing has happened yet")?;
        }
        desk.screen.rows("history", &rows, |rows| {
            let mut table = Table::new(&["WHEN", "WHAT", "WITH", ""]);
            for row in rows {
                let with = row.name.clone().or_else(|| row.peer.map(|p| p.short())).unwrap_or_default();
                table.row([words::moment(row.at), row.what.clone(), with, row.detail.clone()]);
            }
            table.text(desk.screen.paint())
        })
    }
}

//! `hither forward`: reach a service that another device lends, at an address of this machine.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::Table,
    words,
};
use clap::Args;
use hither_model::{Answer, Ask, LentName, row::ForwardingRow, text};
use serde::Serialize;

/// Reach a service that another device lends, at an address of this machine, until the session with it ends.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  hither forward Ana ssh --bind 127.0.0.1:2222\n  ssh -p 2222 127.0.0.1\n  hither forward --stop ssh"
)]
pub(crate) struct Forward {
    /// A device with an open session
    #[arg(required_unless_present_any = ["list", "stop"])]
    peer: Option<String>,
    /// What the service is called there
    #[arg(required_unless_present_any = ["list", "stop"])]
    name: Option<LentName>,
    /// Where to reach it: a loopback address and a port; without it 127.0.0.1 and a free port
    #[arg(long, value_name = "ADDR:PORT", conflicts_with_all = ["list", "stop"])]
    bind: Option<String>,
    /// List what is reached
    #[arg(long, conflicts_with_all = ["peer", "name", "stop"])]
    list: bool,
    /// Reach it no more, by its name or by where it is reached; connections end at once
    #[arg(long, value_name = "NAME|ADDR:PORT", conflicts_with_all = ["peer", "name"])]
    stop: Option<String>,
}

#[derive(Serialize)]
struct Stopped<'a> {
    what: &'a str,
}

impl Forward {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        if let Some(what) = self.stop {
            client.ask(Ask::Unforward { what: what.clone() }).await?;
            return desk.screen.event("forwarding-ended", &Stopped { what: &what }, || {
                format!("{} is not reached here any more", text::printable(&what))
            });
        }
        let (Some(peer), Some(name)) = (self.peer, self.name) else {
            let Answer::Lent { forwarding, .. } = client.ask(Ask::Lent).await? else { return Err(unexpected()) };
            return list(desk, &forwarding);
        };
        let ask = Ask::Forward { peer, name, bind: self.bind };
        let Answer::Lent { forwarding, .. } = client.ask(ask).await? else { return Err(unexpected()) };
        let row = forwarding.first().ok_or_else(unexpected)?;
        desk.screen.event("forwarding", row, || {
            format!("{} of {} can be reached at {}", row.name, text::printable(&row.peer_name), row.bind)
        })
    }
}

/// Rows, or a word that there are none.
pub(super) fn list(desk: &Desk<'_>, rows: &[ForwardingRow]) -> Result<(), Halt> {
    if rows.is_empty() {
        desk.screen.remark("no service of another device is reached here (`hither forward PEER NAME`)")?;
    }
    desk.screen.rows("forwarding", rows, |rows| table(desk.screen.paint(), rows))
}

fn table(paint: Paint, rows: &[ForwardingRow]) -> String {
    let mut table = Table::new(&["SERVICE", "OF", "REACHED AT", "OPEN", "TROUBLE"]);
    for row in rows {
        let (of, open) = (words::person(&row.peer_name, &row.peer), row.open.to_string());
        table.row([row.name.as_str(), &of, &row.bind, &open, row.trouble.as_deref().unwrap_or_default()]);
    }
    table.without_if_empty("TROUBLE").text(paint)
}

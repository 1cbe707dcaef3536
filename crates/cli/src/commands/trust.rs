//! `hither trust`: who is who.

use super::authority;
use crate::{
    certified,
    desk::Desk,
    halt::{Halt, unexpected},
    table::Table,
    words,
};
use clap::{Args, Subcommand, ValueEnum};
use hither_model::{Answer, Ask, ask::TrustChoice, text};
use serde::Serialize;

/// Who is who: devices met, and what you decided about them.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither trust list")]
pub(crate) struct Trust {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them
    #[command(after_help = "Example:\n  hither trust list")]
    List,
    /// Decide about a device
    #[command(after_help = "Example:\n  hither trust set Ana blocked")]
    Set {
        /// Which device
        peer: String,
        /// What
        to: Word,
    },
    /// Certificate authorities that may say who somebody is
    #[command(after_help = "Example:\n  hither trust ca list")]
    Ca {
        #[command(subcommand)]
        what: authority::What,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Word {
    /// Its key was compared by other means
    Verified,
    /// Met, not compared
    Known,
    /// May not ask
    Blocked,
    /// As if never met
    Forget,
}

#[derive(Serialize)]
struct Decided<'a> {
    peer: &'a str,
    trust: TrustChoice,
}

impl Trust {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        if let What::Ca { what } = self.what {
            return what.run(desk, &mut client).await;
        }
        if let What::Set { peer, to } = self.what {
            let trust = match to {
                Word::Verified => TrustChoice::Verified,
                Word::Known => TrustChoice::Known,
                Word::Blocked => TrustChoice::Blocked,
                Word::Forget => TrustChoice::Forget,
            };
            client.ask(Ask::TrustSet { peer: peer.clone(), to: trust }).await?;
            let decided = Decided { peer: &peer, trust };
            return desk.screen.event("trust", &decided, || match to {
                Word::Forget => format!("{} is forgotten", text::printable(&peer)),
                _ => format!("{} is {} now", text::printable(&peer), format!("{to:?}").to_lowercase()),
            });
        }
        let Answer::Trust { rows } = client.ask(Ask::TrustList).await? else { return Err(unexpected()) };
        if rows.is_empty() {
            desk.screen.remark("nobody met yet")?;
        }
        desk.screen.rows("trust", &rows, |rows| {
            let mut table =
                Table::new(&["PEER", "NAME", "CERTIFIED", "TRUST", "PROVEN BY", "MET", "LAST SESSION", "ACCEPTS"]);
            for row in rows {
                table.row([
                    row.peer.short().as_str(),
                    row.name.as_str(),
                    &certified::cell(row.certified.as_deref()),
                    row.trust.word(),
                    row.verified.word(),
                    &words::moment(row.since),
                    &words::moment(row.last_seen),
                    if row.always { "without asking" } else { "asks" },
                ]);
            }
            table.without_if_empty("CERTIFIED").text(desk.screen.paint())
        })
    }
}

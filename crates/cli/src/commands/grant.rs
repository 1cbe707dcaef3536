//! `hither grant`: what devices may do here without asking again. Giving, listing, taking back; and what `accept` takes along.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::Table,
    words,
};
use clap::{Args, Subcommand};
use hither_control::Client;
use hither_model::{
    Answer, Ask, LentName,
    ask::GrantAsk,
    row::{Allows, GrantOver, GrantRow, GrantTerms},
    text::printable,
};
use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

/// What devices may do here without asking again: list it, give it, take it back.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  hither grant\n  hither grant files Ana --up-to 2GB --until 2026-11-27 --here\n  hither grant service Ben ssh --times 2\n  hither grant revoke 3f2a"
)]
pub(crate) struct Grant {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them; those that are over for a week
    #[command(after_help = "Example:\n  hither grant list")]
    List,
    /// Let a device send files here
    #[command(after_help = "Example:\n  hither grant files Ana --up-to 2GB --to ~/Inbox --until 2026-11-27 --here")]
    Files {
        /// Which device
        peer: String,
        /// So much in all (500MB, 2GB); without it, as much as the disk takes
        #[arg(long, value_name = "SIZE", value_parser = words::bytes)]
        up_to: Option<u64>,
        /// Into this folder instead of the inbox
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        #[command(flatten)]
        limits: Limits,
    },
    /// Let a device open a service that is lent, or will be
    #[command(after_help = "Example:\n  hither grant service Ben ssh --times 2 --for 3d")]
    Service {
        /// Which device
        peer: String,
        /// What the service is called
        name: LentName,
        /// So many connections; without it, any number
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        times: Option<u32>,
        #[command(flatten)]
        limits: Limits,
    },
    /// Take one back: what is under way by it ends
    #[command(after_help = "Example:\n  hither grant revoke 3f2a")]
    Revoke {
        /// Which, by the beginning of its id
        id: String,
    },
}

/// Until when, and where.
#[derive(Debug, Args)]
struct Limits {
    /// Until the end of this day, or this moment (2026-11-27, 2026-11-27T18:00)
    #[arg(long, value_name = "DAY", value_parser = words::until, conflicts_with = "for")]
    until: Option<u64>,
    /// For so long (2h, 3d)
    #[arg(long = "for", id = "for", value_name = "TIME", value_parser = words::seconds)]
    seconds: Option<u64>,
    /// Only in the network this machine is in now
    #[arg(long)]
    here: bool,
}

impl Limits {
    fn terms(self, allows: Allows) -> GrantTerms {
        GrantTerms { allows, until: self.until.or(self.seconds.map(in_seconds)), here: self.here }
    }
}

/// What may be given along with a yes.
#[derive(Debug, Args)]
pub(crate) struct More {
    /// They may also send so much more without asking (2GB; `any`: as much as the disk takes)
    #[arg(long, value_name = "SIZE|any", value_parser = much, conflicts_with = "unverified")]
    grant_files: Option<Much>,
    /// Into this folder instead of the inbox
    #[arg(long, value_name = "DIR", requires = "grant_files")]
    grant_to: Option<PathBuf>,
    /// Until the end of this day, or this moment
    #[arg(long, value_name = "DAY", value_parser = words::until, requires = "grant_files", conflicts_with = "grant_for")]
    grant_until: Option<u64>,
    /// For so long (2h, 3d)
    #[arg(long, value_name = "TIME", value_parser = words::seconds, requires = "grant_files")]
    grant_for: Option<u64>,
    /// Only in the network this machine is in now
    #[arg(long, requires = "grant_files")]
    grant_here: bool,
}

/// Bytes, or any number of them.
#[derive(Debug, Clone, Copy)]
struct Much(Option<u64>);

fn much(text: &str) -> Result<Much, String> {
    if text == "any" { Ok(Much(None)) } else { words::bytes(text).map(|bytes| Much(Some(bytes))) }
}

impl More {
    /// The grant that goes with it, if there is to be one.
    pub(super) fn terms(self) -> Result<Option<GrantTerms>, Halt> {
        let Some(Much(bytes)) = self.grant_files else { return Ok(None) };
        let to = self.grant_to.map(std::path::absolute).transpose()?;
        let until = self.grant_until.or(self.grant_for.map(in_seconds));
        Ok(Some(GrantTerms { allows: Allows::Files { bytes, to }, until, here: self.grant_here }))
    }
}

/// So many seconds from now, since 1970.
pub(super) fn in_seconds(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    now.saturating_add(seconds)
}

impl Grant {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        let (peer, terms) = match self.what {
            None | Some(What::List) => return list(desk, &rows(&mut client, GrantAsk::List).await?),
            Some(What::Revoke { id }) => {
                let row = one(&mut client, GrantAsk::Revoke { id }).await?;
                return desk
                    .screen
                    .event("grant", &row, || format!("{} is revoked: {}", row.grant.short(), sentence(&row)));
            }
            Some(What::Files { peer, up_to, to, limits }) => {
                let to = to.map(std::path::absolute).transpose()?;
                (peer, limits.terms(Allows::Files { bytes: up_to, to }))
            }
            Some(What::Service { peer, name, times, limits }) => (peer, limits.terms(Allows::Service { name, times })),
        };
        let row = give(&mut client, peer, terms).await?;
        desk.screen.event("grant", &row, || format!("{} ({})", sentence(&row), row.grant.short()))
    }
}

/// Gives one.
pub(super) async fn give(client: &mut Client, peer: String, terms: GrantTerms) -> Result<GrantRow, Halt> {
    one(client, GrantAsk::Give { peer, terms }).await
}

async fn one(client: &mut Client, ask: GrantAsk) -> Result<GrantRow, Halt> {
    rows(client, ask).await?.pop().ok_or_else(unexpected)
}

async fn rows(client: &mut Client, ask: GrantAsk) -> Result<Vec<GrantRow>, Halt> {
    match client.ask(Ask::Grant(ask)).await? {
        Answer::Grants { rows } => Ok(rows),
        _ => Err(unexpected()),
    }
}

fn list(desk: &Desk<'_>, rows: &[GrantRow]) -> Result<(), Halt> {
    if rows.is_empty() {
        desk.screen.remark("nobody may do anything without asking (`hither grant files PEER --up-to 2GB`)")?;
    }
    desk.screen.rows("grant", rows, |rows| table(desk.screen.paint(), rows))
}

fn table(paint: Paint, rows: &[GrantRow]) -> String {
    let mut table = Table::new(&["ID", "WHO", "MAY", "USED", "UNTIL", "NETWORK", "STATE"]);
    for row in rows {
        let used = match row.allows {
            Allows::Files { .. } => words::size(row.used),
            Allows::Service { .. } => row.used.to_string(),
        };
        let until = row.until.map(words::moment).unwrap_or_default();
        let network = row.network.clone().unwrap_or_default();
        table.row([&row.grant.short(), &row.name, &may(row), &used, &until, &network, state(row)]);
    }
    table.without_if_empty("UNTIL").without_if_empty("NETWORK").text(paint)
}

fn may(row: &GrantRow) -> String {
    match &row.allows {
        Allows::Files { bytes, to } => {
            let much = bytes.map_or_else(|| "files".into(), |bytes| format!("up to {}", words::amount(bytes)));
            let into = to.as_ref().map_or_else(|| "the inbox".into(), |to| to.display().to_string());
            format!("send {much} into {into}")
        }
        Allows::Service { name, times: None } => format!("open {name}"),
        Allows::Service { name, times: Some(1) } => format!("open {name} once"),
        Allows::Service { name, times: Some(times) } => format!("open {name} {times} times"),
    }
}

fn state(row: &GrantRow) -> &'static str {
    match (row.over, row.usable) {
        (Some(GrantOver::Used), _) => "used up",
        (Some(GrantOver::Expired), _) => "expired",
        (Some(GrantOver::Revoked), _) => "revoked",
        (None, true) => "good",
        (None, false) => "not now",
    }
}

/// `Ana may send up to 1.9 GiB into the inbox, until …, in the network Home only`.
fn sentence(row: &GrantRow) -> String {
    let until = row.until.map(|until| format!(", until {}", words::moment(until))).unwrap_or_default();
    let network = row.network.as_ref().map(|name| format!(", in the network {name} only")).unwrap_or_default();
    printable(&format!("{} may {} without asking{until}{network}", row.name, may(row)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::{GrantId, PeerId};

    #[test]
    fn a_grant_is_said_in_one_sentence_and_nothing_of_a_name_is_taken_at_its_word() {
        let mut row = GrantRow {
            grant: GrantId::new([1; 8]),
            peer: PeerId::new([2; 32]),
            name: "Ana\u{1b}[2J".into(),
            allows: Allows::Service { name: "ssh".parse().unwrap(), times: Some(2) },
            used: 0,
            at: 0,
            until: None,
            network: Some("Home".into()),
            usable: true,
            over: None,
        };
        assert_eq!(sentence(&row), "Ana\\u{1b}[2J may open ssh 2 times without asking, in the network Home only");
        row.allows = Allows::Files { bytes: Some(1 << 30), to: None };
        assert_eq!((may(&row).as_str(), state(&row)), ("send up to 1.0 GiB into the inbox", "good"));
    }
}

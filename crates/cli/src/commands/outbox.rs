//! `hither outbox`: what is to be sent, also to devices that are away.

use super::flow::{Flow, transfer_of};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::Table,
    words,
};
use clap::{Args, Subcommand, ValueEnum};
use hither_control::{Client, NewsFeed};
use hither_model::{
    Answer, Ask, CostPolicy, ErrorCode, Failure, News, OutboxState, Priority, TransferId, WaitsFor,
    ask::OutboxAsk,
    row::{GroupRow, OutboxRow},
    text,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be sent, also to devices that are away. `hither send … --later` puts something there.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither outbox")]
pub(crate) struct Outbox {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List it
    #[command(after_help = "Example:\n  hither outbox list")]
    List,
    /// Take something out; what is being sent of it is cancelled
    #[command(after_help = "Example:\n  hither outbox withdraw 3f2a")]
    Withdraw {
        /// Which, by the beginning of its id
        id: String,
    },
    /// Have it otherwise
    #[command(after_help = "Example:\n  hither outbox change 3f2a --priority high --expires 2d")]
    #[command(group(clap::ArgGroup::new("otherwise").required(true).multiple(true)))]
    Change {
        /// Which, by the beginning of its id
        id: String,
        /// Before or after the others
        #[arg(long, value_enum, value_name = "P", group = "otherwise")]
        priority: Option<Rank>,
        /// Over which networks
        #[arg(long, value_enum, value_name = "C", group = "otherwise")]
        cost: Option<Cost>,
        /// How long it waits from now on (7d, 12h …)
        #[arg(long, value_name = "TIME", value_parser = words::seconds, group = "otherwise")]
        expires: Option<u64>,
    },
    /// Hold it back until you say go
    #[command(after_help = "Example:\n  hither outbox hold 3f2a")]
    Hold {
        /// Which, by the beginning of its id
        id: String,
    },
    /// Let it go; also tries at once what failed, expired or was declined
    #[command(after_help = "Example:\n  hither outbox go 3f2a")]
    Go {
        /// Which, by the beginning of its id
        id: String,
    },
    /// Take out everything that is over
    #[command(after_help = "Example:\n  hither outbox tidy")]
    Tidy,
    /// Make a group, or have it otherwise
    #[command(after_help = "Example:\n  hither outbox group films --serial")]
    Group {
        /// Its name
        name: String,
        /// One after the other
        #[arg(long, conflicts_with = "parallel")]
        serial: bool,
        /// Side by side (unless said otherwise)
        #[arg(long)]
        parallel: bool,
    },
    /// Remove a group with nothing in it
    #[command(after_help = "Example:\n  hither outbox ungroup films")]
    Ungroup {
        /// Its name
        name: String,
    },
}

/// Who goes first.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Rank {
    Low,
    Default,
    High,
}

impl From<Rank> for Priority {
    fn from(rank: Rank) -> Self {
        match rank {
            Rank::Low => Self::Low,
            Rank::Default => Self::Default,
            Rank::High => Self::High,
        }
    }
}

/// Over which networks.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Cost {
    Default,
    Unrestricted,
    Always,
}

impl From<Cost> for CostPolicy {
    fn from(cost: Cost) -> Self {
        match cost {
            Cost::Default => Self::Default,
            Cost::Unrestricted => Self::Unrestricted,
            Cost::Always => Self::Always,
        }
    }
}

impl Outbox {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        let otherwise = |entry, held| OutboxAsk::Change { entry, priority: None, cost: None, seconds: None, held };
        let (ask, gone) = match self.what {
            None | Some(What::List) => return list(desk, &mut client).await,
            Some(What::Change { id, priority, cost, expires }) => {
                let (priority, cost) = (priority.map(Into::into), cost.map(Into::into));
                (OutboxAsk::Change { entry: id, priority, cost, seconds: expires, held: None }, false)
            }
            Some(What::Hold { id }) => (otherwise(id, Some(true)), false),
            Some(What::Go { id }) => (otherwise(id, Some(false)), false),
            Some(What::Withdraw { id }) => (OutboxAsk::Withdraw { entry: id }, true),
            Some(What::Tidy) => (OutboxAsk::Tidy, true),
            Some(What::Group { name, serial, .. }) => {
                let groups = grouped(&mut client, OutboxAsk::Group { group: name.trim().to_owned(), serial }).await?;
                let name = text::printable(name.trim());
                let one: Vec<GroupRow> = groups.into_iter().filter(|group| group.group == name).collect();
                return desk.screen.rows("outbox-group", &one, |rows| table_of_groups(desk.screen.paint(), rows));
            }
            Some(What::Ungroup { name }) => {
                let groups = grouped(&mut client, OutboxAsk::Ungroup { group: name }).await?;
                return desk.screen.rows("outbox-group", &groups, |rows| table_of_groups(desk.screen.paint(), rows));
            }
        };
        let Answer::Outbox { rows, .. } = client.ask(Ask::Outbox(ask)).await? else { return Err(unexpected()) };
        if gone && rows.is_empty() {
            desk.screen.remark("there was nothing to take out")?;
        }
        for row in &rows {
            let event = if gone { "outbox-gone" } else { "outbox" };
            desk.screen.event(event, row, || match gone {
                true => format!("taken out: {} for {}", text::printable(&row.title), text::printable(&row.name)),
                false => line(row),
            })?;
        }
        Ok(())
    }
}

async fn grouped(client: &mut Client, ask: OutboxAsk) -> Result<Vec<GroupRow>, Halt> {
    match client.ask(Ask::Outbox(ask)).await? {
        Answer::Outbox { groups, .. } => Ok(groups),
        _ => Err(unexpected()),
    }
}

async fn list(desk: &Desk<'_>, client: &mut Client) -> Result<(), Halt> {
    let Answer::Outbox { rows, groups } = client.ask(Ask::Outbox(OutboxAsk::List)).await? else {
        return Err(unexpected());
    };
    if rows.is_empty() {
        desk.screen.remark("the outbox is empty (`hither send PEER PATH… --later` puts something there)")?;
    }
    desk.screen.rows("outbox", &rows, |rows| table_of(desk.screen.paint(), rows))?;
    if groups.is_empty() {
        return Ok(());
    }
    desk.screen.rows("outbox-group", &groups, |rows| table_of_groups(desk.screen.paint(), rows))
}

fn table_of(paint: Paint, rows: &[OutboxRow]) -> String {
    let mut table = Table::new(&["ID", "FOR", "WHAT", "STATE", "FIRST", "OVER", "GROUP", "UNTIL"]);
    for row in rows {
        let cells = [
            row.entry.short(),
            row.name.clone(),
            row.title.clone(),
            state(row),
            priority(row).to_owned(),
            cost(row).to_owned(),
            row.group.clone().unwrap_or_default(),
            words::moment(row.expires),
        ];
        table.row(cells);
    }
    table.without_if_empty("FIRST").without_if_empty("OVER").without_if_empty("GROUP").text(paint)
}

fn table_of_groups(paint: Paint, rows: &[GroupRow]) -> String {
    let mut table = Table::new(&["GROUP", "GOES", "WAITING", "SENDING"]);
    for row in rows {
        let goes = if row.serial { "one after the other" } else { "side by side" };
        table.row([row.group.as_str(), goes, &row.waiting.to_string(), &row.sending.to_string()]);
    }
    table.text(paint)
}

fn priority(row: &OutboxRow) -> &'static str {
    if row.priority == Priority::Default { "" } else { row.priority.word() }
}

fn cost(row: &OutboxRow) -> &'static str {
    match row.cost {
        CostPolicy::Default => "",
        CostPolicy::Unrestricted => "free networks",
        CostPolicy::Always => "any network",
    }
}

/// What it waits for, in words.
fn waits(what: WaitsFor) -> &'static str {
    match what {
        WaitsFor::Device => "until it is seen",
        WaitsFor::Person => "for the person there",
        WaitsFor::Turn => "for its turn",
        WaitsFor::Unmetered => "for a network that costs less",
        WaitsFor::Network => "for a network",
        WaitsFor::Word => "for your word",
        WaitsFor::Retry => "for the next try",
    }
}

fn state(row: &OutboxRow) -> String {
    let waits = row.waits.map(|what| format!(" {}", waits(what))).unwrap_or_default();
    let why = row.why.as_ref().map(|why| format!(": {}", text::printable(why))).unwrap_or_default();
    format!("{}{waits}{why}", row.state)
}

/// One entry in a line.
pub(super) fn line(row: &OutboxRow) -> String {
    let (title, name) = (text::printable(&row.title), text::printable(&row.name));
    format!("{} {title} for {name}: {}", row.entry.short(), state(row))
}

/// Shows what becomes of these entries until all of them are over.
pub(super) async fn follow(
    desk: &Desk<'_>,
    mut client: Client,
    mut news: NewsFeed,
    rows: Vec<OutboxRow>,
) -> Result<(), Halt> {
    let mut following = Following::of(desk, &rows);
    desk.screen.remark("waiting until it is there… (Ctrl-C leaves it to the agent)")?;
    while !following.open.is_empty() {
        match news.next().await? {
            // Something may have gone by unheard.
            News::Snapshot { .. } => {
                let Answer::Outbox { rows, .. } = client.ask(Ask::Outbox(OutboxAsk::List)).await? else {
                    return Err(unexpected());
                };
                rows.into_iter().try_for_each(|row| following.stands(row))?;
            }
            News::Outbox { entry } => following.stands(entry)?,
            News::OutboxGone { id } => {
                if following.open.remove(&id) {
                    following
                        .failure
                        .get_or_insert(Failure::new(ErrorCode::Withdrawn, "it was taken out of the outbox"));
                }
            }
            heard => following.moves(&heard)?,
        }
    }
    following.flow.clear()?;
    following.failure.map_or(Ok(()), |failure| Err(failure.into()))
}

struct Following<'a> {
    desk: &'a Desk<'a>,
    flow: Flow<'a>,
    open: BTreeSet<hither_model::OutboxId>,
    transfers: BTreeSet<TransferId>,
    /// As the agent said it, by transfer.
    dropped: BTreeMap<TransferId, Failure>,
    shown: BTreeMap<hither_model::OutboxId, OutboxRow>,
    /// The first that came to nothing.
    failure: Option<Failure>,
}

impl<'a> Following<'a> {
    fn of(desk: &'a Desk<'a>, rows: &[OutboxRow]) -> Self {
        Self {
            desk,
            flow: Flow::new(desk),
            open: rows.iter().map(|row| row.entry).collect(),
            transfers: BTreeSet::new(),
            dropped: BTreeMap::new(),
            shown: BTreeMap::new(),
            failure: None,
        }
    }

    fn stands(&mut self, row: OutboxRow) -> Result<(), Halt> {
        if !self.open.contains(&row.entry) || self.shown.get(&row.entry) == Some(&row) {
            return Ok(());
        }
        self.transfers.extend(row.transfer);
        self.flow.clear()?;
        self.desk.screen.event("outbox", &row, || line(&row))?;
        let code = match row.state {
            OutboxState::Waiting | OutboxState::Sending => None,
            OutboxState::Sent => Some(None),
            OutboxState::Failed => Some(Some(ErrorCode::Interrupted)),
            OutboxState::Expired => Some(Some(ErrorCode::Expired)),
        };
        if let Some(code) = code {
            self.open.remove(&row.entry);
            if let Some(code) = code {
                let why = row.why.clone().unwrap_or_else(|| row.state.to_string());
                let said = row.transfer.and_then(|transfer| self.dropped.remove(&transfer));
                let failure = said.unwrap_or_else(|| Failure::new(code, why));
                self.failure.get_or_insert(failure.hint("`hither outbox go` tries it again"));
            }
        }
        self.shown.insert(row.entry, row);
        Ok(())
    }

    fn moves(&mut self, heard: &News) -> Result<(), Halt> {
        let Some(transfer) = transfer_of(heard).filter(|transfer| self.transfers.contains(transfer)) else {
            return Ok(());
        };
        match heard {
            News::Dropped { failure, .. } => drop(self.dropped.insert(transfer, failure.clone())),
            News::Offered { .. } => {}
            heard => drop(self.flow.show(heard)?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::{OutboxId, PeerId};

    #[test]
    fn m10_an_entry_is_shown_escaped_with_what_it_waits_for() {
        let row = OutboxRow {
            entry: OutboxId::new([1; 8]),
            peer: PeerId::new([2; 32]),
            name: "\u{1b}Ana".into(),
            title: "a\u{202e}.txt".into(),
            state: OutboxState::Waiting,
            waits: Some(WaitsFor::Device),
            why: None,
            transfer: None,
            priority: Priority::High,
            cost: CostPolicy::Default,
            group: None,
            at: 0,
            expires: 0,
        };
        let table = table_of(Paint::none(), std::slice::from_ref(&row));
        assert!(table.contains("waiting until it is seen") && table.contains("high"), "{table}");
        assert!(!table.contains("OVER") && !table.contains("GROUP"), "{table}");
        for text in [table, line(&row)] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        }
    }
}

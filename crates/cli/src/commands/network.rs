//! `hither network`: the networks this machine is in, and which of them count as home or work (R1.6). What the firewall says of
//! them counts, unless the person says otherwise for one connection; so with what they cost (R6.14). Also what `connect` and `ws` do when one of them is
//! not trusted any more.

use crate::{desk::Desk, halt::Halt, table::Table};
use clap::{Args, Subcommand, ValueEnum};
use hither_agent::networks::{self, Changes, Cost, Network, Said};
use hither_capability::{Capability, Networks, Zone};
use hither_model::{ErrorCode, Failure, text::printable};
use hither_socket::StreamSocketInformation;
use serde::Serialize;

/// The networks this machine is in, and which of them you trust.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither network list")]
pub(crate) struct NetworkCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them
    #[command(after_help = "Example:\n  hither network list")]
    List,
    /// Count one as home or work, whatever the firewall says
    #[command(after_help = "Example:\n  hither network trust Home")]
    Trust {
        /// Its name, or the beginning of its UUID
        network: String,
    },
    /// Count one as public, whatever the firewall says
    #[command(after_help = "Example:\n  hither network distrust Cafe")]
    Distrust {
        /// Its name, or the beginning of its UUID
        network: String,
    },
    /// Say whether one is paid by the byte or limited, whatever NetworkManager says
    #[command(after_help = "Example:\n  hither network metered Phone yes")]
    Metered {
        /// Its name, or the beginning of its UUID
        network: String,
        /// Whether it is
        word: Word,
    },
    /// Let the firewall and NetworkManager say again
    #[command(after_help = "Example:\n  hither network forget Home")]
    Forget {
        /// Its name, or the beginning of its UUID
        network: String,
    },
}

/// The person's word on cost.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Word {
    Yes,
    No,
}

#[derive(Serialize)]
struct Row {
    uuid: String,
    name: String,
    zone: String,
    private: bool,
    by: &'static str,
    cost: &'static str,
    addresses: Vec<String>,
}

impl From<&Network> for Row {
    fn from(network: &Network) -> Self {
        let by = match (network.said.private, network.zone.is_empty()) {
            (Some(_), _) => "person",
            (None, false) => "zone",
            (None, true) => "nobody",
        };
        Self {
            uuid: network.uuid.clone(),
            name: network.name.clone(),
            zone: network.zone.clone(),
            private: network.private(),
            by,
            cost: match network.cost() {
                Cost::Free => "free",
                Cost::Metered => "metered",
                Cost::Dear => "dear",
            },
            addresses: network.addresses.iter().map(|(ip, prefix)| format!("{ip}/{prefix}")).collect(),
        }
    }
}

impl NetworkCommand {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let all = networks::look(desk.profile()).await;
        let (named, said): (_, fn(Said) -> Said) = match &self.what {
            What::List => return list(desk, &all),
            What::Trust { network } => (network, |said| Said { private: Some(true), ..said }),
            What::Distrust { network } => (network, |said| Said { private: Some(false), ..said }),
            What::Metered { network, word: Word::Yes } => (network, |said| Said { metered: Some(true), ..said }),
            What::Metered { network, word: Word::No } => (network, |said| Said { metered: Some(false), ..said }),
            What::Forget { network } => (network, |_| Said::default()),
        };
        let mut network = one(&all, named)?.clone();
        network.said = said(network.said);
        hither_control::profile::ensure(desk.profile()).map_err(Failure::from)?;
        networks::say(desk.profile(), &network.uuid, network.said)?;
        let word = if network.private() { "private: home or work" } else { "public" };
        let row = Row::from(&network);
        desk.screen.event("network", &row, || format!("{} is {word}; cost: {}", printable(&network.name), row.cost))
    }
}

fn list(desk: &Desk<'_>, all: &[Network]) -> Result<(), Halt> {
    if all.is_empty() {
        desk.screen.remark("no NetworkManager tells of any; every network counts as public")?;
    }
    let rows: Vec<Row> = all.iter().map(Row::from).collect();
    desk.screen.rows("network", &rows, |rows| {
        let mut table = Table::new(&["NAME", "COUNTS AS", "SAID BY", "ZONE", "COST", "ADDRESSES", "UUID"]);
        for row in rows {
            let counts = if row.private { "private" } else { "public" };
            table.row([&row.name, counts, row.by, &row.zone, row.cost, &row.addresses.join(", "), &row.uuid]);
        }
        table.text(desk.screen.paint())
    })
}

fn one<'a>(all: &'a [Network], named: &str) -> Result<&'a Network, Failure> {
    let fits = |network: &&Network| network.name == named || (!named.is_empty() && network.uuid.starts_with(named));
    let mut fitting = all.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Failure::new(ErrorCode::UnknownId, "this machine is in no such network now")
            .hint("`hither network list` shows those it is in")),
        (Some(_), Some(_)) => {
            Err(Failure::new(ErrorCode::UnknownId, "it could be several networks").hint("name it by its UUID"))
        }
    }
}

/// The networks that count as private now.
pub(super) async fn trusted(desk: &Desk<'_>) -> Networks {
    private(&networks::look(desk.profile()).await)
}

fn private(all: &[Network]) -> Networks {
    let addresses = all.iter().filter(|network| network.private()).flat_map(|network| &network.addresses);
    addresses.fold(Networks::public(), |known, (ip, prefix)| known.trusting(*ip, *prefix))
}

/// Returns when the network that a connection stands on is not private any more; never, if it was opened to the Internet or
/// through a proxy.
pub(super) async fn distrusted(desk: &Desk<'_>, known: StreamSocketInformation) -> Failure {
    let never = std::future::pending::<Failure>();
    let Some(remote) = known.remote_address.filter(|_| !known.by_proxy) else { return never.await };
    let mut changes = Changes::listen(desk.profile()).await;
    let mut all = networks::look(desk.profile()).await;
    let holds = |all: &[Network]| private(all).zone(remote.ip()) == Zone::Private;
    if !known.private {
        return never.await;
    }
    while holds(&all) {
        changes.next().await;
        all = networks::look(desk.profile()).await;
    }
    let capability = Capability::PrivateNetworkClientServer;
    let message = format!("the network of {remote} is not trusted any more; what was opened under {capability} ends");
    Failure::new(ErrorCode::AccessDenied, message).hint("connect again, or trust it with `hither network trust`")
}

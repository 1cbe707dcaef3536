//! `hither expose`, `hither exposed`: services of this machine that are lent, and those of others that are used.

use super::{forward, grant};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::Table,
    words,
};
use clap::Args;
use hither_control::{Client, NewsFeed};
use hither_model::{
    Answer, Ask, LentName, News,
    ask::GrantAsk,
    row::{Allows, BorrowerRow, ExposedRow, GrantTerms, Lasting},
    text,
};
use serde::Serialize;

/// Lend a TCP service of this machine to a device, by name.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  hither expose ssh 127.0.0.1:22 --to Ana\n  hither expose wiki [::1]:8080 --to Ana --to Ben --for 2h\n  hither expose ssh 127.0.0.1:22 --to Ana --times 2\n  hither expose --stop ssh"
)]
pub(crate) struct Expose {
    /// What it is to be called: letters, digits, `-`, `_`, `.`
    #[arg(required_unless_present_any = ["list", "stop"])]
    name: Option<LentName>,
    /// Where it is: an address of this machine and a port
    #[arg(value_name = "ADDR:PORT", required_unless_present_any = ["list", "stop"])]
    target: Option<String>,
    /// To this device; may be given several times
    #[arg(long, value_name = "PEER", required_unless_present_any = ["list", "stop", "granted"])]
    to: Vec<String>,
    /// To those who have a grant for it (`hither grant service`), and to nobody else
    #[arg(long, conflicts_with_all = ["to", "until_closed", "for", "always", "list", "stop"])]
    granted: bool,
    /// So many connections and no more; until they are used up, or for as long as `--for` says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "to", conflicts_with_all = ["until_closed", "always", "list", "stop"])]
    times: Option<u32>,
    /// Until the session with the device ends (this is so without a word about it)
    #[arg(long, conflicts_with_all = ["for", "always"])]
    until_closed: bool,
    /// For so long, at most 30d, whatever sessions come and go
    #[arg(long = "for", id = "for", value_name = "TIME", value_parser = words::seconds, conflicts_with = "always")]
    seconds: Option<u64>,
    /// Until it is taken back
    #[arg(long)]
    always: bool,
    /// List what is lent
    #[arg(long, conflicts_with_all = ["name", "target", "to", "stop", "until_closed", "for", "always"])]
    list: bool,
    /// Lend it no more (with `--to`: to that device); connections end at once
    #[arg(long, value_name = "NAME", conflicts_with_all = ["name", "target", "until_closed", "for", "always"])]
    stop: Option<LentName>,
}

/// Services of this machine that are lent, and those of others that are used here.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither exposed --watch")]
pub(crate) struct Exposed {
    /// Go on and tell what changes: who uses what, and what ends
    #[arg(long)]
    watch: bool,
}

#[derive(Serialize)]
struct Unexposed<'a> {
    name: &'a LentName,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
}

impl Expose {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let lasts = match (self.seconds, self.always) {
            (Some(_), _) => Lasting::For,
            (None, true) => Lasting::Always,
            (None, false) => Lasting::UntilClosed,
        };
        let mut client = desk.client().await?;
        if let Some(name) = self.stop {
            return stop(desk, &mut client, &name, self.to).await;
        }
        let (Some(name), Some(target)) = (self.name, self.target) else {
            let Answer::Lent { exposed, .. } = client.ask(Ask::Lent).await? else { return Err(unexpected()) };
            return list(desk, &exposed);
        };
        let times = self.times;
        let exposed = match times {
            Some(times) => by_times(&mut client, (name, target), self.to, times, self.seconds).await?,
            None => lend(&mut client, Ask::Expose { name, target, to: self.to, lasts, seconds: self.seconds }).await?,
        };
        let row = exposed.first().ok_or_else(unexpected)?;
        desk.screen.event("exposed", row, || {
            let often = times.map(|times| format!(", {}", words::count(times.into(), "connection", "connections")));
            let often = often.unwrap_or_default();
            let to = |to: &BorrowerRow| format!("{}{often} {}", text::printable(&to.name), until(to));
            let to: Vec<String> = row.to.iter().map(to).collect();
            format!("{} ({}) is lent to {}", row.name, row.target, to.join(", "))
        })
    }
}

async fn lend(client: &mut Client, ask: Ask) -> Result<Vec<ExposedRow>, Halt> {
    match client.ask(ask).await? {
        Answer::Lent { exposed, .. } => Ok(exposed),
        _ => Err(unexpected()),
    }
}

/// So many connections each: a grant for every device, and the service for those who have one. If it is not lent, nothing
/// is given.
async fn by_times(
    client: &mut Client,
    (name, target): (LentName, String),
    to: Vec<String>,
    times: u32,
    seconds: Option<u64>,
) -> Result<Vec<ExposedRow>, Halt> {
    let allows = Allows::Service { name: name.clone(), times: Some(times) };
    let terms = GrantTerms { allows, until: seconds.map(grant::in_seconds), here: false };
    let mut given = Vec::new();
    let mut outcome = Ok(vec![]);
    for peer in to {
        match grant::give(client, peer, terms.clone()).await {
            Ok(row) => given.push(row.grant.to_string()),
            Err(halt) => outcome = Err(halt),
        }
    }
    if outcome.is_ok() {
        let (lasts, seconds) = (Lasting::UntilClosed, None);
        outcome = lend(client, Ask::Expose { name, target, to: vec![], lasts, seconds }).await;
    }
    if outcome.is_err() {
        for id in given {
            client.ask(Ask::Grant(GrantAsk::Revoke { id })).await?;
        }
    }
    outcome
}

async fn stop(desk: &Desk<'_>, client: &mut Client, name: &LentName, to: Vec<String>) -> Result<(), Halt> {
    let all = if to.is_empty() { vec![None] } else { to.into_iter().map(Some).collect() };
    for to in all {
        client.ask(Ask::Unexpose { name: name.clone(), to: to.clone() }).await?;
        let to = to.as_deref();
        desk.screen.event("unexposed", &Unexposed { name, to }, || match to {
            Some(to) => format!("{name} is not lent to {} any more", text::printable(to)),
            None => format!("{name} is not lent any more"),
        })?;
    }
    Ok(())
}

impl Exposed {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        // Before the list, so that nothing is missed between the two.
        let news = if self.watch { Some(client.news().await?) } else { None };
        let Answer::Lent { exposed, forwarding } = client.ask(Ask::Lent).await? else { return Err(unexpected()) };
        list(desk, &exposed)?;
        if !forwarding.is_empty() {
            desk.screen.remark("services of others, and where they are reached:")?;
            forward::list(desk, &forwarding)?;
        }
        match news {
            Some(news) => watch(desk, news).await,
            None => Ok(()),
        }
    }
}

/// Tells what changes, until the agent stops.
async fn watch(desk: &Desk<'_>, mut news: NewsFeed) -> Result<(), Halt> {
    loop {
        let heard = news.next().await?;
        match &heard {
            News::Exposed { exposed } => {
                let open = words::count(exposed.open.into(), "connection is", "connections are");
                let users: Vec<&str> = exposed.to.iter().filter(|to| to.open > 0).map(|to| to.name.as_str()).collect();
                let by = if users.is_empty() { String::new() } else { format!(", by {}", users.join(", ")) };
                desk.screen.news(&heard, || Some(text::printable(&format!("{}: {open} open{by}", exposed.name))))?;
            }
            News::Unexposed { name, why } => {
                desk.screen.news(&heard, || Some(text::printable(&format!("{name} is not lent any more: {why}"))))?;
            }
            News::Forwarding { forwarding } => {
                let open = words::count(forwarding.open.into(), "connection is", "connections are");
                let trouble = forwarding.trouble.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
                let said = format!("{} of {}: {open} open{trouble}", forwarding.name, forwarding.peer_name);
                desk.screen.news(&heard, || Some(text::printable(&said)))?;
            }
            News::ForwardingEnded { name, bind, why, .. } => {
                let said = format!("{name} is not reached at {bind} any more: {why}");
                desk.screen.news(&heard, || Some(text::printable(&said)))?;
            }
            News::Stopping => return Ok(()),
            _ => {}
        }
    }
}

fn list(desk: &Desk<'_>, rows: &[ExposedRow]) -> Result<(), Halt> {
    if rows.is_empty() {
        desk.screen.remark("no service is lent (`hither expose NAME ADDR:PORT --to PEER`)")?;
    }
    desk.screen.rows("exposed", rows, |rows| table(desk.screen.paint(), rows))
}

fn table(paint: Paint, rows: &[ExposedRow]) -> String {
    let mut table = Table::new(&["SERVICE", "AT", "LENT TO", "UNTIL", "OPEN"]);
    for row in rows {
        for to in &row.to {
            let open = to.open.to_string();
            table.row([row.name.as_str(), &row.target, &words::person(&to.name, &to.peer), &until(to), &open]);
        }
    }
    table.text(paint)
}

/// How long somebody may use it.
fn until(to: &BorrowerRow) -> String {
    match (to.lasts, to.until) {
        (Lasting::UntilClosed, _) => "until the session ends".to_owned(),
        (Lasting::For, Some(until)) => format!("until {}", words::moment(until)),
        (Lasting::For, None) | (Lasting::Always, _) => "until it is taken back".to_owned(),
    }
}

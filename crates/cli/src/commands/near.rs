//! `hither near`: devices near, nearest first.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::Table,
    words,
};
use clap::Args;
use hither_control::{Client, NewsFeed};
use hither_model::{Answer, Ask, Failure, Medium, News, Presence, Trust, row::PeerRow, text};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long to listen when this command had to start the agent.
const FIRST_LOOK: u64 = 3;

/// Devices near, nearest first. The id of an unknown device lasts as long as its advert.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither near --watch")]
pub(crate) struct Near {
    /// Go on and show what changes
    #[arg(long)]
    watch: bool,
    /// Listen for so long (seconds, or 10m) before listing; with --watch: end after that
    #[arg(long, value_name = "S", value_parser = words::seconds)]
    timeout: Option<u64>,
}

impl Near {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        if self.watch {
            return self.watch(desk, &client).await;
        }
        match self.timeout {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None if desk.started_it() => first_sight(&client).await?,
            None => {}
        }
        let Answer::Peers { rows } = client.ask(Ask::Near).await? else { return Err(unexpected()) };
        if rows.is_empty() {
            desk.screen.remark("no device near (`hither doctor` says why one may not be seen)")?;
        }
        desk.screen.rows("peer", &rows, |rows| list(desk.screen.paint(), rows))
    }

    async fn watch(self, desk: &Desk<'_>, client: &Client) -> Result<(), Halt> {
        let mut watching = Watching { desk, shown: Vec::new() };
        let mut news = client.news().await?;
        let Some(seconds) = self.timeout else { return watching.follow(&mut news).await };
        let end = Instant::now() + Duration::from_secs(seconds);
        timeout_at(end, watching.follow(&mut news)).await.unwrap_or(Ok(()))
    }
}

/// Waits until somebody is heard, for a moment at most.
async fn first_sight(client: &Client) -> Result<(), Failure> {
    let mut news = client.news().await?;
    let end = Instant::now() + Duration::from_secs(FIRST_LOOK);
    while let Ok(heard) = timeout_at(end, news.next()).await {
        match heard? {
            News::PeerAdded { .. } => return Ok(()),
            News::Snapshot { peers, .. } if !peers.is_empty() => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}

struct Watching<'a> {
    desk: &'a Desk<'a>,
    /// What has been shown, so that a fresh snapshot becomes changes.
    shown: Vec<PeerRow>,
}

impl Watching<'_> {
    async fn follow(&mut self, news: &mut NewsFeed) -> Result<(), Halt> {
        loop {
            match news.next().await? {
                News::Snapshot { peers, .. } => self.take_snapshot(peers)?,
                News::PeerAdded { peer } | News::PeerUpdated { peer } => self.show(peer)?,
                News::PeerRemoved { peer } => self.remove(peer)?,
                News::Stopping => return Ok(()),
                _ => {}
            }
        }
    }

    fn take_snapshot(&mut self, peers: Vec<PeerRow>) -> Result<(), Halt> {
        let gone = |row: &&PeerRow| !peers.iter().any(|p| p.peer == row.peer);
        let removed: Vec<PeerRow> = self.shown.iter().filter(gone).cloned().collect();
        removed.into_iter().try_for_each(|row| self.remove(row))?;
        peers.into_iter().try_for_each(|row| self.show(row))
    }

    fn show(&mut self, row: PeerRow) -> Result<(), Halt> {
        let before = self.shown.iter().position(|p| p.peer == row.peer);
        if before.is_some_and(|at| self.shown[at] == row) {
            return Ok(());
        }
        let event = if before.is_some() { "peer-updated" } else { "peer-added" };
        let paint = self.desk.screen.paint();
        let mark = if before.is_some() { paint.faint("~") } else { paint.green("+") };
        self.desk.screen.event(event, &row, || format!("{mark} {}", line(paint, &row)))?;
        match before {
            Some(at) => self.shown[at] = row,
            None => self.shown.push(row),
        }
        Ok(())
    }

    fn remove(&mut self, row: PeerRow) -> Result<(), Halt> {
        self.shown.retain(|p| p.peer != row.peer);
        let paint = self.desk.screen.paint();
        self.desk.screen.event("peer-removed", &row, || format!("{} {}", paint.red("-"), line(paint, &row)))
    }
}

fn media(media: &[Medium]) -> String {
    media.iter().map(|m| m.word()).collect::<Vec<_>>().join(",")
}

fn short(peer: &str) -> String {
    text::printable(peer).chars().take(8).collect()
}

fn remark(row: &PeerRow) -> String {
    match (&row.resembles, row.metres) {
        (Some(known), _) => format!("looks like {known}, is not"),
        (None, Some(metres)) => format!("about {metres:.0} m"),
        (None, None) => String::new(),
    }
}

fn line(paint: Paint, row: &PeerRow) -> String {
    let name = paint.bold(&text::shortened(&text::printable(&row.name), 48));
    let trust = match row.trust {
        Trust::Verified => paint.green(row.trust.word()),
        Trust::Changed | Trust::Blocked => paint.red(row.trust.word()),
        Trust::New | Trust::Known => row.trust.word().to_owned(),
    };
    let fading = if row.presence == Presence::Near { "" } else { ", fading" };
    let remark =
        Some(remark(row)).filter(|r| !r.is_empty()).map(|r| format!("  {}", paint.yellow(&text::printable(&r))));
    format!(
        "{name}  {trust}{fading}  {}  {}{}",
        media(&row.media),
        paint.faint(&short(&row.peer)),
        remark.unwrap_or_default()
    )
}

fn list(paint: Paint, rows: &[PeerRow]) -> String {
    let mut table = Table::new(&["NAME", "TRUST", "PRESENCE", "HEARD BY", "PEER", "ADDRESS", ""]);
    for row in rows {
        table.row([
            row.name.as_str(),
            row.trust.word(),
            row.presence.word(),
            &media(&row.media),
            &short(&row.peer),
            row.routes.first().map_or("", String::as_str),
            &remark(row),
        ]);
    }
    table.text(paint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m10_a_hostile_name_is_shown_escaped_in_the_list_and_the_watch() {
        let row = PeerRow {
            peer: "ab\u{1b}]0;x\u{7}".into(),
            name: "\u{1b}[31mAna\u{202e}\n".into(),
            trust: Trust::New,
            presence: Presence::Near,
            media: vec![Medium::Mdns],
            routes: vec!["192.0.2.1:7\u{9b}".into()],
            resembles: Some("\u{1b}Ana".into()),
            rssi: None,
            metres: None,
        };
        for text in [list(Paint::none(), std::slice::from_ref(&row)), line(Paint::none(), &row)] {
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{text:?}");
            assert!(text.contains("\\u{1b}[31mAna\\u{202e}"), "{text}");
        }
    }
}

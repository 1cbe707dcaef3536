//! `hither near`: devices near, nearest first.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::{Table, facts},
    words,
};
use clap::Args;
use hither_control::{Client, NewsFeed};
use hither_model::{Answer, Ask, Failure, Medium, Nearness, News, Presence, Trust, row::PeerRow, text};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long to listen when this command had to start the agent.
const FIRST_LOOK: u64 = 3;
/// How often the agent is told that somebody still looks; it counts for 30 seconds.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// A distance that is told may be wrong by this factor, either way.
const ERROR: f32 = 2.0;

/// Devices near, nearest first. The id of an unknown device lasts as long as its advert.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither near --watch")]
pub(crate) struct Near {
    /// Go on and show what changes
    #[arg(long)]
    watch: bool,
    /// Everything that is known of each, its distance and signal too
    #[arg(long, conflicts_with = "watch")]
    details: bool,
    /// Listen for so long (seconds, or 10m) before listing; with --watch: end after that
    #[arg(long, value_name = "S", value_parser = words::seconds)]
    timeout: Option<u64>,
}

impl Near {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        if self.watch {
            return self.watch(desk, client).await;
        }
        match self.timeout {
            Some(seconds) => {
                let end = Duration::from_secs(seconds);
                let _ = tokio::time::timeout(end, keep_looking(&mut client)).await;
            }
            None if desk.started_it() => first_sight(&mut client).await?,
            None => {}
        }
        let Answer::Peers { rows } = client.ask(Ask::Near).await? else { return Err(unexpected()) };
        if rows.is_empty() {
            desk.screen.remark("no device near (`hither doctor` says why one may not be seen)")?;
        }
        let shown = if self.details { in_full } else { list };
        desk.screen.rows("peer", &rows, |rows| shown(desk.screen.paint(), rows))
    }

    async fn watch(self, desk: &Desk<'_>, mut client: Client) -> Result<(), Halt> {
        let mut watching = Watching { desk, shown: Vec::new() };
        let mut news = client.news().await?;
        let following = async {
            tokio::select! {
                ended = watching.follow(&mut news) => ended,
                () = keep_looking(&mut client) => Ok(()),
            }
        };
        let Some(seconds) = self.timeout else { return following.await };
        let end = Instant::now() + Duration::from_secs(seconds);
        timeout_at(end, following).await.unwrap_or(Ok(()))
    }
}

/// Tells the agent that somebody looks, so that radios listen closely, for as long as this is polled.
async fn keep_looking(client: &mut Client) {
    loop {
        // An agent that is gone is noticed by whoever waits for its news.
        let _ = client.ask(Ask::Look).await;
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Waits until somebody is heard, for a moment at most.
async fn first_sight(client: &mut Client) -> Result<(), Failure> {
    client.ask(Ask::Look).await?;
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
    row.resembles.as_ref().map(|known| format!("looks like {known}, is not")).unwrap_or_default()
}

/// How near a device is in words people use; nothing where no radio hears it.
fn nearness(row: &PeerRow) -> &'static str {
    match row.nearness {
        Some(Nearness::Touching) => "touching",
        Some(Nearness::Near) => "near",
        Some(Nearness::InRange) => "in range",
        None => "",
    }
}

/// What the strength of a signal says about a distance, with how far that may be off: bodies, walls and pockets take
/// away what air would take away over twice the distance, and more.
fn distance(row: &PeerRow) -> String {
    let metres = |metres: f32| if metres < 9.5 { format!("{metres:.1}") } else { format!("{metres:.0}") };
    let Some(about) = row.metres else { return String::new() };
    format!("about {} m ({} to {} m)", metres(about), metres(about / ERROR), metres(about * ERROR))
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
    let nearness = Some(nearness(row)).filter(|n| !n.is_empty()).map(|n| format!(", {n}")).unwrap_or_default();
    format!(
        "{name}  {trust}{nearness}{fading}  {}  {}{}",
        media(&row.media),
        paint.faint(&short(&row.peer)),
        remark.unwrap_or_default()
    )
}

fn list(paint: Paint, rows: &[PeerRow]) -> String {
    let mut table = Table::new(&["NAME", "TRUST", "PRESENCE", "NEARNESS", "HEARD BY", "PEER", "ADDRESS", ""]);
    for row in rows {
        table.row([
            row.name.as_str(),
            row.trust.word(),
            row.presence.word(),
            nearness(row),
            &media(&row.media),
            &short(&row.peer),
            row.routes.first().map_or("", String::as_str),
            &remark(row),
        ]);
    }
    table.without_if_empty("NEARNESS").text(paint)
}

/// Each device as a paragraph.
fn in_full(paint: Paint, rows: &[PeerRow]) -> String {
    let one = |row: &PeerRow| {
        let all = [
            ("name", row.name.clone()),
            ("peer", row.peer.clone()),
            ("trust", row.trust.word().to_owned()),
            ("presence", row.presence.word().to_owned()),
            ("nearness", nearness(row).to_owned()),
            ("distance", distance(row)),
            ("signal", row.rssi.map(|dbm| format!("{dbm} dBm")).unwrap_or_default()),
            ("heard by", media(&row.media)),
            ("address", row.routes.join(" ")),
            ("remark", remark(row)),
        ];
        let said: Vec<(&str, String)> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        facts(paint, &said)
    };
    rows.iter().map(one).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> PeerRow {
        PeerRow {
            peer: "ab".repeat(32),
            name: name.into(),
            trust: Trust::New,
            presence: Presence::Near,
            media: vec![Medium::Mdns],
            routes: vec!["192.0.2.1:7".into()],
            resembles: None,
            nearness: None,
            rssi: None,
            metres: None,
        }
    }

    #[test]
    fn m10_a_hostile_name_is_shown_escaped_in_the_list_and_the_watch() {
        let row = PeerRow {
            peer: "ab\u{1b}]0;x\u{7}".into(),
            routes: vec!["192.0.2.1:7\u{9b}".into()],
            resembles: Some("\u{1b}Ana".into()),
            ..row("\u{1b}[31mAna\u{202e}\n")
        };
        let rows = std::slice::from_ref(&row);
        for text in [list(Paint::none(), rows), in_full(Paint::none(), rows), line(Paint::none(), &row)] {
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{text:?}");
            assert!(text.contains("\\u{1b}[31mAna\\u{202e}"), "{text}");
        }
    }

    #[test]
    fn nearness_is_a_word_in_the_list_and_metres_are_only_in_the_details() {
        let near = PeerRow {
            media: vec![Medium::Mdns, Medium::Ble],
            nearness: Some(Nearness::InRange),
            rssi: Some(-71),
            metres: Some(6.0),
            ..row("Ana")
        };
        let rows = [near.clone(), row("Ben")];
        let table = list(Paint::none(), &rows);
        let first: Vec<&str> = table.lines().collect();
        assert!(first[0].starts_with("NAME  TRUST  PRESENCE  NEARNESS  HEARD BY"), "{table}");
        assert!(first[1].starts_with("Ana   new    near      in range  mdns,ble"), "{table}");
        assert!(first[2].starts_with("Ben   new    near                mdns "), "{table}");
        assert!(!list(Paint::none(), &rows[1..]).contains("NEARNESS"), "nobody is heard by radio");
        assert!(line(Paint::none(), &near).starts_with("Ana  new, in range  mdns,ble"));
        for text in [table, line(Paint::none(), &near)] {
            assert!(!text.contains(" m ") && !text.contains("dBm"), "{text}");
        }
        let details = in_full(Paint::none(), &rows);
        assert!(details.contains("distance  about 6.0 m (3.0 to 12 m)\nsignal    -71 dBm\n"), "{details}");
        assert_eq!(details.matches("distance").count(), 1, "{details}");
    }
}

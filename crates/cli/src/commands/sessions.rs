//! `hither sessions`, `session`, `close`: open sessions.

use crate::{
    certified,
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::{Table, facts},
    words,
};
use clap::Args;
use hither_control::{Client, NewsFeed};
use hither_model::{Answer, Ask, CertificateFacts, News, SessionId, Verified, row::SessionRow};

/// Open sessions.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither sessions")]
pub(crate) struct Sessions {}

/// One session in full: its protection, both certificates, round trip and bytes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither session Ana")]
pub(crate) struct Session {
    /// A session or the device at its other end
    id: String,
}

/// Finish a session: what was begun is finished, nothing new is taken. Given a second time, it ends at once.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither close Ana")]
pub(crate) struct Close {
    /// A session or the device at its other end
    id: String,
}

impl Sessions {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let answer = desk.client().await?.ask(Ask::Sessions).await?;
        let Answer::Sessions { rows } = answer else { return Err(unexpected()) };
        if rows.is_empty() {
            desk.screen.remark("no open session (`hither near`, then `hither invite NAME`)")?;
        }
        desk.screen.rows("session", &rows, |rows| list(desk.screen.paint(), rows))
    }
}

impl Session {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let row = one(&mut desk.client().await?, self.id).await?;
        desk.screen.row("session", &row, || full(desk.screen.paint(), &row))
    }
}

impl Close {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        let row = one(&mut client, self.id).await?;
        let mut news = client.news().await?;
        client.ask(Ask::Close { session: row.session.to_string() }).await?;
        tokio::select! {
            biased;
            () = desk.interrupted() => return Err(Halt::Interrupted),
            over = ended(desk, &mut news, row.session) => over?,
        }
        desk.screen.event("closed", &row, || {
            format!("session {} with {} is closed", row.session.short(), words::person(&row.name, &row.peer))
        })
    }
}

/// Waits until the session is over; says so where something has to be finished first.
async fn ended(desk: &Desk<'_>, news: &mut NewsFeed, session: SessionId) -> Result<(), Halt> {
    let mut told = false;
    loop {
        match news.next().await? {
            News::SessionClosed { session: closed, .. } if closed == session => return Ok(()),
            News::Snapshot { sessions, .. } if !sessions.iter().any(|s| s.session == session) => return Ok(()),
            News::Progress { .. } if !told => {
                told = true;
                desk.screen.remark("what was begun is finished first; `hither close` once more ends it at once")?;
            }
            _ => {}
        }
    }
}

/// What whoever has a session over Bluetooth alone has to know.
const APART: &str = "no network joins you two: this goes over Bluetooth, which is fine for messages and small files; \
                     for more, bring both devices onto one network (a phone's hotspot will do) and connect again";

/// Whether nothing but Bluetooth joins the two.
fn by_radio(row: &SessionRow) -> bool {
    row.route == "bluetooth"
}

/// Says so if the session that has just been accepted goes over Bluetooth alone.
pub(crate) async fn say_if_apart(desk: &Desk<'_>, client: &mut Client, accepted: &News) -> Result<(), Halt> {
    let News::Accepted { session, .. } = accepted else { return Ok(()) };
    match client.ask(Ask::Session { session: session.to_string() }).await {
        Ok(Answer::Sessions { rows }) if rows.iter().any(by_radio) => desk.screen.remark(APART),
        // The session is there all the same.
        _ => Ok(()),
    }
}

async fn one(client: &mut Client, session: String) -> Result<SessionRow, Halt> {
    match client.ask(Ask::Session { session }).await? {
        Answer::Sessions { mut rows } => rows.pop().ok_or_else(unexpected),
        _ => Err(unexpected()),
    }
}

fn proven(verified: Verified) -> &'static str {
    match verified {
        Verified::No => "NOT VERIFIED",
        other => other.word(),
    }
}

fn list(paint: Paint, rows: &[SessionRow]) -> String {
    let mut table = Table::new(&[
        "SESSION",
        "WITH",
        "CERTIFIED",
        "STATE",
        "PROVEN BY",
        "PROTECTION",
        "ROUND TRIP",
        "IN",
        "OUT",
        "ADDRESS",
    ]);
    for row in rows {
        table.row([
            row.session.short(),
            row.name.clone(),
            certified::cell(row.certified.as_deref()),
            row.state.to_string(),
            proven(row.verified).to_owned(),
            row.negotiated.version.clone(),
            round_trip(row),
            words::size(row.bytes_in),
            words::size(row.bytes_out),
            row.route.clone(),
        ]);
    }
    table.without_if_empty("CERTIFIED").text(paint)
}

fn round_trip(row: &SessionRow) -> String {
    if row.rtt_us == 0 { "-".into() } else { format!("{:.1} ms", row.rtt_us as f64 / 1000.0) }
}

fn full(paint: Paint, row: &SessionRow) -> String {
    let certificate = |c: &CertificateFacts| format!("{} ({}, until {})", c.subject, c.key, c.not_after);
    let mut all = vec![
        ("session", row.session.to_string()),
        ("with", row.name.clone()),
        ("peer", row.peer.to_string()),
        ("proven by", proven(row.verified).to_owned()),
        ("state", row.state.to_string()),
        ("asked for", row.requested.to_string()),
        (
            "in use",
            format!(
                "{}, {}, {}, {}",
                row.negotiated.version, row.negotiated.cipher, row.negotiated.kx, row.negotiated.alpn
            ),
        ),
        ("we showed", certificate(&row.local_certificate)),
        ("they showed", certificate(&row.peer_certificate)),
        ("their certificate", row.peer_certificate.sha256.clone()),
        ("their key", row.peer_certificate.spki_sha256.to_string()),
        ("address", row.route.clone()),
        ("round trip", round_trip(row)),
        ("received", words::size(row.bytes_in)),
        ("sent", words::size(row.bytes_out)),
        ("opened", words::moment(row.opened)),
    ];
    if let Some(shown) = &row.shown {
        all.push(("we showed besides", format!("{} (by {}, until {})", shown.subject, shown.issuer, shown.not_after)));
    }
    if by_radio(row) {
        all.push(("note", APART.to_owned()));
    }
    all.extend(row.certified.as_deref().map(certified::facts).unwrap_or_default());
    facts(paint, &all)
}

//! `hither status`: the agent's state.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::facts,
    words,
};
use clap::Args;
use hither_model::{Answer, Ask, row::StatusRow, text::printable};

/// The agent's state: identity, visibility, media, capabilities, open sessions and transfers.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither status")]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let Answer::Status { status } = desk.client().await?.ask(Ask::Status).await? else { return Err(unexpected()) };
        desk.screen.row("status", &status, || text(desk.screen.paint(), &status))
    }
}

fn text(paint: Paint, status: &StatusRow) -> String {
    let name = status.name.as_ref().map_or_else(|| "(none chosen)".to_owned(), ToString::to_string);
    let visible = serde_json::to_string(&status.visibility).unwrap_or_default().trim_matches('"').to_owned();
    let visible = match status.until {
        Some(until) => format!("{visible}, until {}", words::moment(until)),
        None => visible,
    };
    let desktop: Vec<String> =
        status.desktop.iter().map(|(part, state)| format!("{part}: {}", printable(&state.to_string()))).collect();
    let media: Vec<String> = status.media.iter().map(|(medium, state)| format!("{medium}: {state}")).collect();
    let off: Vec<&str> =
        status.capabilities.iter().filter(|c| c.declared && !c.granted).map(|c| c.name.as_str()).collect();
    let sessions: Vec<&str> = status.sessions.iter().map(|s| s.name.as_str()).collect();
    let mut all = vec![
        ("agent", format!("{}, hither {}", status.state, status.version)),
        ("name", name),
        ("peer", status.peer.to_string()),
        ("visible to", visible),
        ("listening on", status.listen.join(" ")),
        ("media", media.join(", ")),
        ("desktop", desktop.join(", ")),
        ("near", words::count(status.near.into(), "device", "devices")),
        ("questions", status.questions.to_string()),
        ("sessions", if sessions.is_empty() { "none".into() } else { sessions.join(", ") }),
        ("transfers", status.transfers.len().to_string()),
        ("inbox", status.inbox.clone()),
    ];
    if !off.is_empty() {
        all.push(("revoked", off.join(", ")));
    }
    facts(paint, &all)
}

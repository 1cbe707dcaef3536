//! `hither status`: the agent's state.

use crate::{
    certified,
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::facts,
    words,
};
use clap::Args;
use hither_control::NewsFeed;
use hither_model::{Answer, Ask, DesktopPart, Failure, Medium, MediumState, News, row::StatusRow};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, timeout_at};

/// The least time between two states that are shown.
const PAUSE: Duration = Duration::from_millis(250);

/// The agent's state: identity, visibility, media, capabilities, open sessions and transfers.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither status --watch")]
pub(crate) struct Status {
    /// Go on and show it again whenever it changes
    #[arg(long)]
    watch: bool,
}

impl Status {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        // Listened to before the first look, so that no change falls between.
        let mut news = if self.watch { Some(client.news().await?) } else { None };
        let mut shown = None;
        loop {
            let Answer::Status { status } = client.ask(Ask::Status).await? else { return Err(unexpected()) };
            if shown.as_ref() != Some(&status) {
                desk.screen.row("status", &status, || text(desk.screen.paint(), &status))?;
            }
            shown = Some(status);
            let Some(news) = &mut news else { return Ok(()) };
            if !until_quiet(news).await? {
                return Ok(());
            }
        }
    }
}

/// Waits until something happened and a moment passed; `false` when the agent stops. What moves says so many times a
/// second, and nobody reads as fast.
async fn until_quiet(news: &mut NewsFeed) -> Result<bool, Failure> {
    let mut heard = news.next().await?;
    let end = Instant::now() + PAUSE;
    loop {
        if matches!(heard, News::Stopping) {
            return Ok(false);
        }
        match timeout_at(end, news.next()).await {
            Ok(next) => heard = next?,
            Err(_) => return Ok(true),
        }
    }
}

fn text(paint: Paint, status: &StatusRow) -> String {
    let name = status.name.as_ref().map_or_else(|| "(none chosen)".to_owned(), ToString::to_string);
    let visible = serde_json::to_string(&status.visibility).unwrap_or_default().trim_matches('"').to_owned();
    let visible = match status.until {
        Some(until) => format!("{visible}, until {}", words::moment(until)),
        None => visible,
    };
    let media: Vec<String> = status.media.iter().map(|(medium, state)| heard(*medium, state)).collect();
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
        ("desktop", desktop(&status.desktop)),
        ("near", words::count(status.near.into(), "device", "devices")),
        ("questions", status.questions.to_string()),
        ("sessions", if sessions.is_empty() { "none".into() } else { sessions.join(", ") }),
        ("transfers", status.transfers.len().to_string()),
        ("inbox", status.inbox.clone()),
    ];
    for row in &status.exposed {
        let to: Vec<&str> = row.to.iter().map(|to| to.name.as_str()).collect();
        let in_use = if row.open > 0 { format!(", {} open", row.open) } else { String::new() };
        all.push(("lent", format!("{} ({}) to {}{in_use}", row.name, row.target, to.join(", "))));
    }
    for row in &status.forwarding {
        all.push(("reached here", format!("{} of {} at {}", row.name, row.peer_name, row.bind)));
    }
    for row in &status.sessions {
        if let Some(who) = &row.certified {
            all.push(("certified", format!("session {}: {}", row.session.short(), certified::words(who))));
        }
    }
    if !off.is_empty() {
        all.push(("revoked", off.join(", ")));
    }
    facts(paint, &all)
}

/// Whether a medium works. What to do about the radio is the doctor's to say.
fn heard(medium: Medium, state: &MediumState) -> String {
    let said = state.to_string();
    match said.split_once(": ").filter(|_| medium == Medium::Ble) {
        Some((why, _)) => format!("{medium}: {why} (see `hither doctor`)"),
        None => format!("{medium}: {said}"),
    }
}

/// What the desktop does for the agent, in a few words. Why something is missing is for `--json` and the doctor: on a
/// machine without a desktop the reason is a line of addresses that nobody can use.
fn desktop(parts: &BTreeMap<DesktopPart, MediumState>) -> String {
    if parts.values().all(|state| matches!(state, MediumState::Failed(_))) {
        return "no desktop here".to_owned();
    }
    let part = |(part, state): (&DesktopPart, &MediumState)| match state {
        MediumState::Failed(_) => format!("{part}: not available (see `hither doctor`)"),
        known => format!("{part}: {known}"),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_radio_says_why_it_does_not_work_and_the_doctor_what_to_do() {
        let off = MediumState::Failed("Bluetooth is switched off: run `bluetoothctl power on`".to_owned());
        assert_eq!(heard(Medium::Ble, &off), "ble: Bluetooth is switched off (see `hither doctor`)");
        assert_eq!(heard(Medium::Ble, &MediumState::On), "ble: on");
        assert_eq!(heard(Medium::Mdns, &MediumState::Failed("eth0: no".to_owned())), "mdns: eth0: no");
    }

    #[test]
    fn a_machine_without_a_desktop_is_said_in_three_words_and_one_with_half_of_it_part_by_part() {
        let failed = MediumState::Failed("I/O error: unix:path=/run/user/0/bus: No such file or directory".to_owned());
        let all = |sleep| BTreeMap::from([(DesktopPart::Notifications, failed.clone()), (DesktopPart::Sleep, sleep)]);
        assert_eq!(desktop(&all(failed.clone())), "no desktop here");
        let half = "notifications: not available (see `hither doctor`), sleep: on";
        assert_eq!(desktop(&all(MediumState::On)), half);
        let off = BTreeMap::from([(DesktopPart::Sleep, MediumState::Off)]);
        assert_eq!(desktop(&off), "sleep: off");
    }
}

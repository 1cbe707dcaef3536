//! Two people at two desks, and what both do in every scenario: meet, write, be offered something.

use hither_tests::{
    events::text,
    netns::Lab,
    seat::Agent,
    window::{self, App, Wanted},
};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Ana and Ben, each with an agent and a window, at two hosts.
pub(crate) struct Desks {
    pub(crate) ana: App,
    pub(crate) ben: App,
    pub(crate) ana_agent: Agent,
    pub(crate) ben_agent: Agent,
    pub(crate) lab: Lab,
}

impl Desks {
    /// Both desks, with nobody met; `None`, and the reason noted, where there can be none.
    pub(crate) fn two() -> Option<Self> {
        Self::of(window::lab(2)?)
    }

    /// The desks at the first two hosts of a lab.
    pub(crate) fn of(lab: Lab) -> Option<Self> {
        let (ana, ben) = (lab.seat(0), lab.seat(1));
        let (ana_agent, ben_agent) = (ana.agent("Ana"), ben.agent("Ben"));
        Some(Self { ana: App::open(&ana), ben: App::open(&ben), ana_agent, ben_agent, lab })
    }

    /// Both desks, with a conversation open at both.
    pub(crate) fn met() -> Option<Self> {
        let desks = Self::two()?;
        desks.meet();
        Some(desks)
    }

    /// Ana invites by the window, Ben accepts by his, both after reading the code. Gives what each screen showed.
    pub(crate) fn meet(&self) -> [String; 2] {
        self.ana.press_button("Invite Ben");
        let codes = [code(&self.ana), code(&self.ben)];
        assert_eq!(codes[0], codes[1], "both screens show the same code");
        self.ben.press_button("Same code – accept");
        self.ana.press_button("Yes, the same");
        talks_with(&self.ana, "Ben", self.ben_agent.peer());
        talks_with(&self.ben, "Ana", self.ana_agent.peer());
        codes
    }
}

/// Waits for the code and reads it off the screen.
pub(crate) fn code(app: &App) -> String {
    let element = app.find(Wanted::with("img", "Your code:"));
    // The sheet fades in; before that nothing of it counts as shown.
    app.until("code of six digits", || {
        let digits = app.shown(&element).replace(char::is_whitespace, "");
        (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
    })
}

/// Waits until the conversation with somebody is what the window shows, and connected.
pub(crate) fn talks_with(app: &App, name: &str, peer: &str) {
    app.find(Wanted::of("heading", &format!("Conversation with {name}")));
    assert_eq!(app.view(), format!("/session/{peer}"));
    app.reads("Connected");
}

/// Writes a message into the open conversation and sends it by Enter.
pub(crate) fn says(app: &App, to: &str, words: &str) {
    app.type_into(Wanted::of("textbox", &format!("Message to {to}")), &format!("{words}\u{e007}"));
}

/// Goes to a view by the sidebar.
pub(crate) fn goes_to(app: &App, view: &str) {
    app.press(Wanted::with("link", view));
}

/// The process id of an agent, as this machine counts.
pub(crate) fn pid_of(agent: &Agent) -> i32 {
    agent.run.pids().first().map_or_else(|| panic!("the agent has ended"), |pid| pid.as_raw_nonzero().get())
}

/// The middle of an element, in CSS pixels of the page.
pub(crate) fn middle_of(app: &App, wanted: Wanted<'_>) -> (i16, i16) {
    let element = app.find(wanted);
    let script = "const r = arguments[0].getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]";
    let at = app.run(script, &json!([element.argument()]));
    let pixel = |index: usize| at[index].as_f64().map_or(0, |value| value.round() as i16);
    (pixel(0), pixel(1))
}

/// Waits for a row of a kind that an agent tells, whatever its window shows.
pub(crate) fn the_agent_tells(
    app: &App,
    args: &[&str],
    what: &str,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    hither_tests::acts::until(&app.seat, args, what, window::PATIENCE, wanted)
}

/// Whether a row is about a transfer in this state.
pub(crate) fn is_transfer(row: &serde_json::Value, state: &str) -> bool {
    row.get("transfer").is_some() && text(row, "state") == state
}

/// Where Ben's agent says that it put something of this ending, as this process sees it.
pub(crate) fn inbox_file(desks: &Desks, ending: &str) -> Option<PathBuf> {
    let rows = desks.ben.seat.rows(["transfers"]);
    let path = rows.iter().filter_map(|row| row.get("path")?.as_str()).find(|path| path.ends_with(ending))?;
    Some(desks.ben.seat.outside(Path::new(path))).filter(|file| file.exists())
}

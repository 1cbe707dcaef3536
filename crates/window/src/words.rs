//! What the shell and the page say to each other beyond the words of `hither-model`: arguments, answers and events.
//! The page's TypeScript is made from these (`tests/typescript.rs`).
//!
//! What is *not* here: what may be asked of the agent ([`hither_model::Ask`]) and what it answers.

use hither_model::{CostPolicy, Failure, LentName, News, Priority, View, row::Lasting};
use serde::{Deserialize, Serialize};

/// What a watching page hears.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(untagged)]
pub enum WindowNews {
    /// Something about the agent itself.
    Agent(AgentNews),
    /// What the agent told.
    Told(News),
}

/// Whether there is an agent to talk to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum AgentNews {
    /// The agent is not there; said again when the reason changes.
    AgentLost {
        /// Why. `VersionSkew`: the agent is of another version and has to be stopped first.
        failure: Failure,
        /// Whether the shell goes on trying by itself. If not, `start_agent` is what helps.
        retrying: bool,
    },
    /// It is there again; a snapshot follows.
    AgentBack,
}

/// What a person chose, dropped or pasted. The page never learns where it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Picked {
    /// Stands for it in `send_picked`, once.
    pub token: String,
    /// Its name, hidden characters escaped.
    pub name: String,
    /// Its size; absent for a folder.
    pub bytes: Option<u64>,
    /// Whether it is a folder.
    pub folder: bool,
}

/// What a person says when things are to be sent to devices that may be away. The shell adds the paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PostTerms {
    /// Seconds it waits at most; a week if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub seconds: Option<u64>,
    /// Who goes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub priority: Option<Priority>,
    /// Over which networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub cost: Option<CostPolicy>,
}

/// A service of this machine that a person wants to lend. The shell asks them once more, outside the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LendTerms {
    /// To which device.
    pub peer: String,
    /// What it is to be called.
    pub name: LentName,
    /// Its port on this machine's loopback (`127.0.0.1`).
    pub port: u16,
    /// For how long.
    pub lasts: Lasting,
    /// The seconds of `for`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub seconds: Option<u64>,
    /// For so many connections, whenever they come; then `lasts` is `always`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub times: Option<u32>,
}

/// When the agent runs without a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Only when a window or a command starts it.
    Off,
    /// From login on.
    Always,
    /// When it is wanted; it ends when there is nothing to do.
    OnDemand,
}

/// Who starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The user's systemd.
    Systemd,
    /// The desktop, at login.
    Autostart,
}

/// What `hither background` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Background {
    /// When the agent runs.
    pub when: When,
    /// Who starts it, or would.
    pub by: By,
}

/// What the person may choose in the system's dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum PickKind {
    /// Any number of files.
    Files,
    /// One or more folders.
    Folder,
}

/// What was in the clipboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Pasted {
    /// Text.
    Text(String),
    /// Files, or an image that was made one.
    Picked(Vec<Picked>),
    /// Nothing that can be sent.
    Nothing {},
}

/// Payload of the event `drop`: something is dragged over the window, or was dropped on it. Positions are CSS pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(untagged)]
pub enum Drop {
    /// It was let go.
    Let {
        /// What.
        picked: Vec<Picked>,
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
    /// It is over the window, or has left it.
    Over {
        /// Over, or gone.
        over: bool,
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
}

/// Payload of the event `offer`: files a file manager handed over ("Send with hither"). The person picks the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Offer {
    /// What.
    pub picked: Vec<Picked>,
}

/// Payload of the event `go`: show this, because of a notification or the tray.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Go {
    /// The view.
    pub view: View,
    /// The question, session or transfer, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub id: Option<String>,
}

/// A link that waits for the person's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TakenLink {
    /// The link, for `open-link`.
    pub url: hither_model::ask::LinkText,
}

/// How much contrast the person asked the desktop for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Contrast {
    /// As usual.
    #[default]
    Normal,
    /// High.
    More,
}

/// The desktop the window is on; comes as answer of `desktop` and again as event `desktop` when it changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Desktop {
    /// The language the person chose here, if any (BCP 47).
    pub chosen_language: Option<String>,
    /// Languages of the system, best first (BCP 47).
    pub languages: Vec<String>,
    /// Device pixels in a CSS pixel.
    pub scale: f64,
    /// Dark colours.
    pub dark: bool,
    /// Contrast.
    pub contrast: Contrast,
    /// No motion that is not needed.
    pub reduced_motion: bool,
    /// Whether there is a tray: closing the window then leaves it there.
    pub tray: bool,
    /// Whether hither starts at login.
    pub autostart: bool,
    /// The window's version.
    pub version: String,
}

/// A question of the shell to the person, in a dialog that is none of the page's. Plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// What is asked.
    pub question: String,
    /// What follows from a yes.
    pub body: String,
    /// The button that changes nothing.
    pub no: &'static str,
    /// The button that does it.
    pub yes: &'static str,
}

//! What the faces of hither list: one struct per kind of row of the command line's contract, with its JSON names.

use crate::{
    AgentState, CertificateFacts, DesktopPart, DisplayName, InviteId, ItemState, Medium, MediumState, Negotiated,
    PeerId, Presence, ProtectionLevel, QuestionId, SessionId, SessionState, TransferId, TransferState, Trust, Verified,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A device that is near, or was a moment ago.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PeerRow {
    /// A [`PeerId`] for a device we met; the id of its present advert (it lasts as long as that) for a stranger.
    pub peer: String,
    /// The name to show: the one proven at an earlier meeting, else the one it claims, else a made-up label.
    pub name: String,
    /// What the person here decided about it.
    pub trust: Trust,
    /// Whether it is heard.
    pub presence: Presence,
    /// How it is heard, best first.
    pub media: Vec<Medium>,
    /// Where it can be reached, `ip:port`, best first.
    pub routes: Vec<String>,
    /// Set when the claimed name looks like somebody known (D7): that person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resembles: Option<String>,
    /// Signal strength in dBm, when heard by radio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rssi: Option<i16>,
    /// Estimated distance in metres, when heard by radio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metres: Option<f32>,
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum QuestionKind {
    /// Somebody wants a session.
    Invite,
    /// Somebody with a session offers files.
    Transfer,
    /// Somebody known shows another key.
    KeyChanged,
    /// A token wants its PIN.
    Pin,
    /// A certificate has to be chosen.
    ChooseCertificate,
}

/// Something only a person can decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct QuestionRow {
    /// Names the question in `accept` and `decline`.
    pub id: QuestionId,
    /// What it is about.
    pub kind: QuestionKind,
    /// Who asks: a proven key.
    pub peer: PeerId,
    /// Their name: stored if we met, else claimed.
    pub name: String,
    /// What we hold of them.
    pub trust: Trust,
    /// How the key behind the question is proven so far.
    pub proven: Verified,
    /// Six digits to compare with the other screen, for a first meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What they wrote with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Number of files and folders offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// Bytes offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The first few names offered, as they will be written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The transfer the question is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferId>,
    /// Seconds until it lapses by itself.
    pub expires: u64,
}

/// A session in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SessionRow {
    /// The session.
    pub session: SessionId,
    /// Who is on the other end.
    pub peer: PeerId,
    /// Their name.
    pub name: String,
    /// How their identity was proven.
    pub verified: Verified,
    /// Where the session stands.
    pub state: SessionState,
    /// The protection that was asked for.
    pub requested: ProtectionLevel,
    /// The protection in use, read from the live connection.
    pub negotiated: Negotiated,
    /// What we showed.
    pub local_certificate: CertificateFacts,
    /// What they showed.
    pub peer_certificate: CertificateFacts,
    /// The other end's address.
    pub route: String,
    /// Smoothed round trip, microseconds; 0 if the system does not tell (R3.28).
    pub rtt_us: u64,
    /// Application bytes received, lanes included.
    pub bytes_in: u64,
    /// Application bytes sent, lanes included.
    pub bytes_out: u64,
    /// When it was opened, seconds since 1970.
    pub opened: u64,
}

/// Which way something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To us.
    In,
    /// From us.
    Out,
}

/// One text message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct MessageRow {
    /// The session it belongs to.
    pub session: SessionId,
    /// Who is on the other end.
    pub peer: PeerId,
    /// Their name.
    #[serde(default)]
    pub name: String,
    /// Which way it went.
    pub direction: Direction,
    /// The text as it was written; escape it before showing.
    pub text: String,
    /// Whether the other side has confirmed it (always true for received ones).
    pub delivered: bool,
    /// When, seconds since 1970, by our clock.
    pub at: u64,
    /// Its number within the session and direction.
    pub number: u64,
}

/// One item of a transfer that did not make it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct FailedItem {
    /// Its path within the transfer, hidden characters escaped.
    pub path: String,
    /// The stable code.
    pub code: crate::ErrorCode,
    /// Why, for a person.
    pub why: String,
}

/// A past or present transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TransferRow {
    /// The transfer.
    pub transfer: TransferId,
    /// The other end.
    pub peer: PeerId,
    /// Their name.
    pub name: String,
    /// Which way.
    pub direction: Direction,
    /// Where it stands.
    pub state: TransferState,
    /// Why it is paused or dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What was offered, in a few words: the first name, and how many more.
    pub title: String,
    /// Bytes that are through.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
    /// Items that are kept.
    pub items_done: u64,
    /// Items in all.
    pub items: u64,
    /// Items that failed, at most 1,000 listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedItem>,
    /// Whether the receiver's signed receipt is in (sender), or was sent (receiver).
    pub receipt: bool,
    /// Where it went: the file, or the folder that holds the items (receiving side, once something is kept).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// When it was offered, seconds since 1970.
    #[serde(default)]
    pub at: u64,
}

/// One item of a transfer: a file or a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ItemRow {
    /// Its place in the list, from 0.
    pub index: u64,
    /// Its path within the transfer, hidden characters escaped.
    pub path: String,
    /// Its size in bytes; 0 for a folder.
    pub bytes: u64,
    /// Whether it is a folder.
    pub folder: bool,
    /// Where it stands.
    pub state: ItemState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A certificate we can be known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct IdentityRow {
    /// Names it in commands.
    pub id: String,
    /// Subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// End of validity.
    pub not_after: String,
    /// Kind of key.
    pub key: String,
    /// `local`, `file` or `card`.
    pub source: String,
    /// `true`, or why not.
    pub usable: Usable,
    /// Whether it is the one in use.
    pub current: bool,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub fingerprint: PeerId,
}

/// `true`, or the reason why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(untagged)]
pub enum Usable {
    /// It can (`true`).
    Yes(bool),
    /// It cannot, because.
    No(String),
}

/// Who is who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TrustRow {
    /// The device.
    pub peer: PeerId,
    /// Its name.
    pub name: String,
    /// What the person decided.
    pub trust: Trust,
    /// How its key was proven when it was stored.
    pub verified: Verified,
    /// First met, seconds since 1970.
    pub since: u64,
    /// Last session, seconds since 1970.
    pub last_seen: u64,
    /// Whether its invites are accepted without asking.
    pub always: bool,
}

/// A capability and whether it is granted here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CapabilityRow {
    /// Its name, as in the manifest.
    pub name: String,
    /// Whether the manifest declares it.
    pub declared: bool,
    /// Whether it is granted at the moment.
    pub granted: bool,
    /// What uses it at the moment.
    pub used_by: Vec<String>,
    /// What it allows, for a person.
    pub allows: String,
    /// When it was last used, seconds since 1970, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<u64>,
    /// What used it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_by: Option<String>,
}

/// The outcome of one check of the doctor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// Nothing to do.
    Ok,
    /// May be a reason.
    Warn,
    /// Is a reason.
    Fail,
}

/// One line of the doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CheckRow {
    /// What was looked at, such as `interfaces` or `multicast`.
    pub name: String,
    /// The outcome.
    pub state: CheckState,
    /// What was found.
    pub detail: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// An invite link that is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LinkRow {
    /// Names it in `invites revoke`.
    pub invite: InviteId,
    /// When it ends, seconds since 1970.
    pub expires: u64,
    /// How often it can still be used.
    pub uses_left: u32,
    /// `made`, `proven`, `confirmed`, `consumed`, `expired`, `revoked` or `burned`.
    pub state: String,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct HistoryRow {
    /// When, seconds since 1970.
    pub at: u64,
    /// What, one word: `met`, `session`, `sent`, `received`, `declined`, `trust`, `capability`, `alarm` …
    pub what: String,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerId>,
    /// Their name at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One sentence.
    pub detail: String,
}

/// Who may see this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// No packet leaves.
    Nobody,
    /// Only devices met before can tell who this is.
    Known,
    /// Everyone on the link sees the chosen name.
    Everyone,
}

/// What others see of this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct MeRow {
    /// This device.
    pub peer: PeerId,
    /// The name it shows, if one was chosen.
    pub name: Option<DisplayName>,
    /// Who may see it.
    pub visibility: Visibility,
    /// When the visibility falls back to what it was, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// Which network interfaces take part in discovery, beyond the rule that only physical ones do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct InterfacesRow {
    /// Only these, if any are named.
    pub include: Vec<String>,
    /// Never these.
    pub exclude: Vec<String>,
    /// Virtual, VPN and container interfaces too.
    #[serde(rename = "virtual")]
    pub virtual_too: bool,
}

/// What a person can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SettingsRow {
    /// Where received files go.
    pub inbox: String,
    /// Whether TLS 1.2 is permitted towards older devices.
    pub allow_tls12: bool,
    /// Whether the agent raises notifications.
    pub notifications: bool,
    /// Which network interfaces take part.
    pub interfaces: InterfacesRow,
}

/// The agent's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct StatusRow {
    /// Version of the agent.
    pub version: String,
    /// Where it stands.
    pub state: AgentState,
    /// This device.
    pub peer: PeerId,
    /// The name it shows, if any.
    pub name: Option<DisplayName>,
    /// Who may see it.
    pub visibility: Visibility,
    /// When the visibility falls back to what it was, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Where it listens.
    pub listen: Vec<String>,
    /// Each medium and whether it works.
    pub media: BTreeMap<Medium, MediumState>,
    /// Each thing the desktop can do for the agent, and whether it does.
    #[serde(default)]
    pub desktop: BTreeMap<DesktopPart, MediumState>,
    /// What it may do.
    pub capabilities: Vec<CapabilityRow>,
    /// Open sessions.
    pub sessions: Vec<SessionRow>,
    /// Transfers that are not over.
    pub transfers: Vec<TransferRow>,
    /// Questions waiting for a person.
    pub questions: u32,
    /// Devices near.
    pub near: u32,
    /// Where received files go.
    pub inbox: String,
}

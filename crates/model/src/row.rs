//! What the faces of hither list: one struct per kind of row of the command line's contract, with its JSON names.

mod files;
mod grant;
mod held;
mod identity;
mod lent;
mod outbox;
mod own;

pub use files::{FailedItem, ItemRow, TransferRow};
pub use grant::{Allows, GrantOver, GrantRow, GrantTerms};
pub use held::{HeldKind, HeldRow};
pub use identity::{
    AuthorityRow, CertifiedRow, IdentityRow, PinRow, TokenFault, TokenRow, TokenState, TokenTries, Usable,
};
pub use lent::{BorrowerRow, ExposedRow, ForwardingRow, Lasting};
pub use outbox::{GroupRow, OutboxRow};
pub use own::{InterfacesRow, MeRow, SettingsRow, StatusRow, Visibility};

use crate::{
    CertificateFacts, InviteId, Medium, Nearness, Negotiated, PeerId, Presence, ProtectionLevel, QuestionId, SessionId,
    SessionState, TransferId, Trust, Verified,
};
use serde::{Deserialize, Serialize};

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
    /// Estimated distance in metres, when heard by radio; half or twice as much is as likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metres: Option<f32>,
    /// How near that is, in a word; absent when nothing can be said, as when somebody repeats its advert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearness: Option<Nearness>,
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
    /// A token has to be inserted.
    InsertCard,
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
    /// Whether any of the files offered is a program: then a yes may keep it one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executables: Option<bool>,
    /// The first few names offered, as they will be written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The transfer the question is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferId>,
    /// The certificate they proved to hold, beside the key of their device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified: Option<Box<CertifiedRow>>,
    /// The token whose PIN is wanted, or that has to be inserted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Box<PinRow>>,
    /// What can be chosen among.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<IdentityRow>,
    /// Our own invite that waits for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<InviteId>,
    /// Seconds until it lapses by itself.
    pub expires: u64,
}

impl QuestionRow {
    /// A question with nothing to it yet but who asks what.
    pub fn new(id: QuestionId, kind: QuestionKind, peer: PeerId, name: String) -> Self {
        Self {
            id,
            kind,
            peer,
            name,
            trust: Trust::New,
            proven: Verified::No,
            code: None,
            message: None,
            items: None,
            bytes: None,
            executables: None,
            names: vec![],
            transfer: None,
            certified: None,
            pin: None,
            choices: vec![],
            invite: None,
            expires: 60,
        }
    }
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
    /// Who they are by a certificate they proved to hold, if they showed one beside the key of their device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified: Option<Box<CertifiedRow>>,
    /// The certificate we showed beside the key of our device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Box<CertifiedRow>>,
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
    /// The certificate that was proven at the last meeting at which one was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified: Option<Box<CertifiedRow>>,
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

/// How whole the history is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct HistoryState {
    /// Hash of its newest line, in which all before it are: 64 hexadecimal digits. Noted elsewhere, it tells later whether
    /// the history is still the same.
    pub head: String,
    /// Lines that were there once: dropped for want of room, or erased by the person.
    pub forgotten: u64,
    /// When the first line was that does not follow from the one before it, seconds since 1970: somebody changed the
    /// file by hand, or the disk did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<u64>,
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

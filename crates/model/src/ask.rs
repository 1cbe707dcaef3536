//! What a face may ask of the agent. The surface is declared here once; the command line, the window and the headless
//! mode are adapters to it.

use crate::{
    DisplayName, Failure, InviteId, QuestionId, SessionId, TransferId,
    row::{
        CapabilityRow, CheckRow, HistoryRow, IdentityRow, InterfacesRow, ItemRow, LinkRow, MessageRow, PeerRow,
        QuestionRow, SessionRow, SettingsRow, StatusRow, TransferRow, TrustRow, Visibility,
    },
};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};

/// An invite link. Its fragment is a secret: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(transparent)]
pub struct LinkText(pub String);

impl fmt::Debug for LinkText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkText(…)")
    }
}

/// How a person's trust in a device is set by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum TrustChoice {
    /// Its key was compared by other means.
    Verified,
    /// Met, not compared.
    Known,
    /// May not ask.
    Blocked,
    /// As if never met.
    Forget,
}

/// What is to be set otherwise; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SettingsChange {
    /// Where received files go: an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox: Option<PathBuf>,
    /// Whether TLS 1.2 is permitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_tls12: Option<bool>,
    /// Whether the agent raises notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<bool>,
    /// Which network interfaces take part, all three lists at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interfaces: Option<InterfacesRow>,
}

/// A request to the agent. A device is named by id, unambiguous beginning of an id, or its exact name; sessions,
/// transfers and questions by id or unambiguous beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// The agent's state.
    Status,
    /// Finish and stop.
    Stop,
    /// Devices near.
    Near,
    /// Who may see this device; a name is needed for [`Visibility::Everyone`] unless one is stored.
    SetVisibility {
        /// Who.
        visibility: Visibility,
        /// The name to show.
        name: Option<DisplayName>,
        /// Fall back to what it was after so many seconds.
        seconds: Option<u64>,
    },
    /// Invite a device. Its progress comes as news that carry the invite's id.
    Invite {
        /// Whom.
        peer: String,
        /// A line to go with it.
        message: Option<String>,
        /// Seconds to wait for the answer; 60 if absent.
        timeout: Option<u64>,
        /// Settle for an unverified session, once: no code, nothing stored but that it happened.
        unverified: bool,
    },
    /// Answer "does the other screen show the same code?" on the inviting side.
    ConfirmCode {
        /// Which invite.
        invite: InviteId,
        /// Whether the codes are the same.
        same: bool,
    },
    /// Take an invite back.
    Withdraw {
        /// Which.
        invite: InviteId,
    },
    /// Make an invite link.
    MakeLink {
        /// Seconds it stays good; 600 if absent, 86,400 at most.
        expires: Option<u64>,
        /// How often it can be used; 1 if absent.
        uses: Option<u32>,
    },
    /// Links that are out.
    Links,
    /// Make a link worthless.
    RevokeLink {
        /// Which, by beginning.
        invite: String,
    },
    /// Redeem a link; the caller has asked the person. Goes on like [`Ask::Invite`].
    OpenLink {
        /// The link.
        url: LinkText,
    },
    /// Questions waiting for a person.
    Inbox,
    /// Say yes to a question.
    Accept {
        /// Which, by beginning.
        question: String,
        /// Also in future, without asking.
        always: bool,
        /// The person compared the code and it is the same.
        same_code: bool,
        /// Accept a first meeting without comparing codes, once.
        unverified: bool,
        /// Where files go instead of the inbox.
        to: Option<PathBuf>,
        /// Keep the executable bit of offered files.
        executable: bool,
    },
    /// Say no to a question.
    Decline {
        /// Which, by beginning.
        question: String,
        /// And take no more questions from them.
        block: bool,
    },
    /// Open sessions.
    Sessions,
    /// One session.
    Session {
        /// Which: a session or a device.
        session: String,
    },
    /// Finish a session.
    Close {
        /// Which: a session or a device.
        session: String,
    },
    /// Send a text message.
    Say {
        /// To a session or a device with an open session.
        to: String,
        /// The text, at most 64 KiB.
        text: String,
    },
    /// Messages so far.
    Messages {
        /// Of one session or device, or of all.
        session: Option<String>,
    },
    /// Offer files and folders to a device with an open session.
    Send {
        /// To whom.
        peer: String,
        /// What: absolute paths.
        paths: Vec<PathBuf>,
    },
    /// Accept what is offered, for as long as this client stays connected.
    Receive {
        /// Where files go instead of the inbox.
        to: Option<PathBuf>,
        /// From one device only.
        from: Option<String>,
        /// The first offer only.
        once: bool,
    },
    /// Past and present transfers.
    Transfers,
    /// One transfer.
    Transfer {
        /// Which, by beginning.
        transfer: String,
    },
    /// The items of a transfer, a page at a time.
    Items {
        /// Which, by beginning.
        transfer: String,
        /// Begin with the item of this index; 0 for the first page.
        after: u64,
        /// At most so many; 1,000 are the most there are in an answer.
        limit: u32,
    },
    /// Stop a transfer for now.
    Pause {
        /// Which, by beginning.
        transfer: String,
    },
    /// Go on with a paused transfer, or try the failed items of a finished one again.
    Resume {
        /// Which, by beginning.
        transfer: String,
    },
    /// End a transfer.
    Cancel {
        /// Which, by beginning.
        transfer: String,
    },
    /// Certificates to be known by.
    Identities,
    /// Renew the local certificate; the key and so the identity stay.
    RenewCertificate,
    /// The current certificate as PEM.
    ExportCertificate,
    /// Who is who.
    TrustList,
    /// Decide about a device.
    TrustSet {
        /// Which.
        peer: String,
        /// What.
        to: TrustChoice,
    },
    /// What hither may do here.
    Capabilities,
    /// Grant or revoke a capability.
    SetCapability {
        /// Its name.
        name: String,
        /// Granted or revoked.
        granted: bool,
    },
    /// What a person can set.
    Settings,
    /// Set something otherwise, from now on and after a restart.
    Set {
        /// What.
        change: SettingsChange,
    },
    /// A window says whether somebody is looking at it. While one is, no notification is raised but alarms. It counts
    /// until the connection it came on ends.
    Watching {
        /// The window has the focus.
        seen: bool,
    },
    /// Why a device is not seen or not reached.
    Doctor {
        /// Ask about one device in particular.
        peer: Option<String>,
    },
    /// What happened.
    History {
        /// With one device.
        peer: Option<String>,
        /// At most so many, newest first.
        limit: u32,
    },
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "answer", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each variant is the rows its request asks for")]
pub enum Answer {
    Done,
    Status {
        status: Box<StatusRow>,
    },
    Peers {
        rows: Vec<PeerRow>,
    },
    /// The invite is on its way; news follow.
    Inviting {
        invite: InviteId,
    },
    Link {
        invite: InviteId,
        url: LinkText,
        expires: u64,
    },
    Links {
        rows: Vec<LinkRow>,
    },
    Questions {
        rows: Vec<QuestionRow>,
    },
    Sessions {
        rows: Vec<SessionRow>,
    },
    Messages {
        rows: Vec<MessageRow>,
    },
    /// The message is queued under this number; `message-delivered` follows.
    Said {
        session: SessionId,
        number: u64,
    },
    Offered {
        transfer: TransferId,
        items: u64,
        bytes: u64,
        skipped: Vec<crate::row::FailedItem>,
    },
    Transfers {
        rows: Vec<TransferRow>,
    },
    /// A page of a transfer's items; `total` is how many there are on all pages.
    Items {
        rows: Vec<ItemRow>,
        total: u64,
    },
    Identities {
        rows: Vec<IdentityRow>,
    },
    Certificate {
        pem: String,
    },
    Trust {
        rows: Vec<TrustRow>,
    },
    Capabilities {
        rows: Vec<CapabilityRow>,
    },
    Settings {
        settings: SettingsRow,
    },
    Checks {
        rows: Vec<CheckRow>,
    },
    History {
        rows: Vec<HistoryRow>,
    },
    /// The question was answered.
    Answered {
        question: QuestionId,
    },
    Failed {
        failure: Failure,
    },
}

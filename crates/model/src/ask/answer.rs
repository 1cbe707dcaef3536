//! What the agent answers.

use super::LinkText;
use crate::{
    Failure, InviteId, PeerId, QuestionId, SessionId, TransferId,
    row::{
        AuthorityRow, CapabilityRow, CheckRow, ExposedRow, FailedItem, ForwardingRow, GrantRow, GroupRow, HeldRow,
        HistoryRow, HistoryState, IdentityRow, ItemRow, LinkRow, MessageRow, OutboxRow, PeerRow, QuestionRow,
        SessionRow, SettingsRow, StatusRow, TokenFault, TokenRow, TransferRow, TrustRow,
    },
};
use serde::{Deserialize, Serialize};

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
        skipped: Vec<FailedItem>,
    },
    Transfers {
        rows: Vec<TransferRow>,
    },
    Outbox {
        rows: Vec<OutboxRow>,
        groups: Vec<GroupRow>,
    },
    Grants {
        rows: Vec<GrantRow>,
    },
    Held {
        rows: Vec<HeldRow>,
    },
    /// Those the request is about: services that are lent, and services of others.
    Lent {
        exposed: Vec<ExposedRow>,
        forwarding: Vec<ForwardingRow>,
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
    /// The next key of this device: who has it stored, and who is yet to be told.
    Rotation {
        heir: PeerId,
        heard: Vec<String>,
        unheard: Vec<String>,
    },
    Tokens {
        rows: Vec<TokenRow>,
        faults: Vec<TokenFault>,
    },
    Authorities {
        rows: Vec<AuthorityRow>,
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
        /// How whole the history is; absent from agents that do not know.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<HistoryState>,
    },
    /// So many lines of the history are gone.
    Erased {
        lines: u64,
    },
    /// The question was answered.
    Answered {
        question: QuestionId,
    },
    Failed {
        failure: Failure,
    },
}

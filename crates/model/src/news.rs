//! What the agent tells every face that listens. A late or slow listener gets a fresh snapshot, then changes.

use crate::{
    ErrorCode, Failure, InviteId, LentName, MediumState, PeerId, QuestionId, SessionId, TransferId,
    row::{
        CapabilityRow, ExposedRow, FailedItem, ForwardingRow, GrantRow, MeRow, MessageRow, OutboxRow, PeerRow,
        QuestionRow, SessionRow, TransferRow,
    },
};
use serde::{Deserialize, Serialize};

/// One piece of news; `event` is its name in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields are the ids and rows their names say")]
pub enum News {
    /// Everything there is: comes first, and again after a listener fell behind.
    Snapshot {
        me: MeRow,
        peers: Vec<PeerRow>,
        questions: Vec<QuestionRow>,
        sessions: Vec<SessionRow>,
        transfers: Vec<TransferRow>,
    },
    /// What others see of this device changed: its name, who may see it, or until when.
    Me {
        #[serde(flatten)]
        me: MeRow,
    },
    PeerAdded {
        #[serde(flatten)]
        peer: PeerRow,
    },
    PeerUpdated {
        #[serde(flatten)]
        peer: PeerRow,
    },
    PeerRemoved {
        #[serde(flatten)]
        peer: PeerRow,
    },
    /// A question for the person, or a change to one.
    Question {
        #[serde(flatten)]
        question: QuestionRow,
    },
    /// The question is no longer open.
    QuestionGone {
        id: QuestionId,
        why: String,
        /// The stable code, where it came to nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<ErrorCode>,
    },
    /// Our invite reached the other agent.
    InviteSent {
        invite: InviteId,
        peer: String,
    },
    /// The other person has others to answer first.
    InviteWaiting {
        invite: InviteId,
    },
    /// Compare this with the other screen, then answer with `confirm-code`.
    Code {
        invite: InviteId,
        code: String,
    },
    /// The invite (ours or theirs) led to a session.
    Accepted {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invite: Option<InviteId>,
        session: SessionId,
        peer: PeerId,
        verified: crate::Verified,
    },
    /// Our invite came to nothing.
    InviteEnded {
        invite: InviteId,
        failure: Failure,
    },
    /// A session opened or changed.
    Session {
        #[serde(flatten)]
        session: Box<SessionRow>,
    },
    SessionClosed {
        session: SessionId,
        peer: PeerId,
        why: String,
    },
    Message {
        #[serde(flatten)]
        message: MessageRow,
    },
    /// The other side has our message.
    MessageDelivered {
        session: SessionId,
        number: u64,
    },
    /// A transfer was offered, by us or to us.
    Offered {
        transfer: TransferId,
        peer: PeerId,
        direction: crate::row::Direction,
        items: u64,
        bytes: u64,
    },
    /// A transfer changed its state.
    Transfer {
        #[serde(flatten)]
        transfer: TransferRow,
    },
    Progress {
        transfer: TransferId,
        done: u64,
        total: u64,
        bytes_per_s: u64,
    },
    /// One item is on disk, verified. For large transfers one event stands for many: `path` names the last, `items`
    /// how many.
    Kept {
        transfer: TransferId,
        path: String,
        bytes: u64,
        blake3: String,
        items: u64,
    },
    ItemFailed {
        transfer: TransferId,
        #[serde(flatten)]
        item: FailedItem,
    },
    /// Every item of the transfer is kept and the receipt is exchanged.
    Done {
        transfer: TransferId,
        items: u64,
        bytes: u64,
        /// Folder or file it went to (receiving side).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// The transfer ended otherwise.
    Dropped {
        transfer: TransferId,
        failure: Failure,
    },
    /// Something in the outbox changed.
    Outbox {
        #[serde(flatten)]
        entry: OutboxRow,
    },
    /// It is in the outbox no more.
    OutboxGone {
        id: crate::OutboxId,
    },
    /// A grant was given, used, or is over.
    Grant {
        #[serde(flatten)]
        row: GrantRow,
    },
    /// A service was lent, to whom or for how long changed, or somebody begins or ceases to use it.
    Exposed {
        #[serde(flatten)]
        exposed: ExposedRow,
    },
    /// A service is lent no more.
    Unexposed {
        name: LentName,
        why: String,
    },
    /// A service of another device can be reached here, or how that goes changed.
    Forwarding {
        #[serde(flatten)]
        forwarding: ForwardingRow,
    },
    /// It is reached here no more.
    ForwardingEnded {
        name: LentName,
        peer: PeerId,
        bind: String,
        why: String,
    },
    Capability {
        #[serde(flatten)]
        capability: CapabilityRow,
    },
    /// A card or token was inserted or taken out, or the certificate in use changed: `identities` and `tokens` tell anew.
    Identities,
    Medium {
        medium: crate::Medium,
        state: MediumState,
    },
    /// The person pressed a notification: a window that is open comes to the front and shows this.
    Show {
        view: crate::View,
        /// The question, session or transfer, if it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// Something the person must know: a changed key, a stolen link, a copied identity.
    Alarm {
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer: Option<PeerId>,
    },
    /// The agent is about to stop.
    Stopping,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Ask, View,
        ask::SettingsChange,
        row::{ItemRow, Visibility},
    };
    use serde_json::{from_value, json, to_value};

    #[test]
    fn the_words_for_windows_keep_their_shape() {
        let peer = PeerId::new([1; 32]);
        let me = MeRow { peer, name: None, visibility: Visibility::Known, until: Some(5) };
        let id = "01".repeat(32);
        assert_eq!(
            to_value(News::Me { me }).unwrap(),
            json!({"event": "me", "peer": id, "name": null, "visibility": "known", "until": 5})
        );
        let show = News::Show { view: View::Question, id: Some("ab".into()) };
        assert_eq!(to_value(&show).unwrap(), json!({"event": "show", "view": "question", "id": "ab"}));
        let item = ItemRow {
            index: 3,
            path: "a/b".into(),
            bytes: 7,
            folder: false,
            state: crate::ItemState::Waiting,
            why: None,
        };
        let told = json!({"index": 3, "path": "a/b", "bytes": 7, "folder": false, "state": "waiting"});
        assert_eq!(to_value(item).unwrap(), told);
    }

    #[test]
    fn what_is_not_named_in_a_change_of_settings_is_not_changed() {
        let ask = json!({"ask": "set", "change": {"notifications": false, "interfaces": {"include": [], "exclude": [], "virtual": true}}});
        let Ask::Set { change } = from_value(ask.clone()).unwrap() else { panic!("another ask") };
        assert_eq!((change.notifications, &change.inbox, change.allow_tls12), (Some(false), &None, None));
        assert!(change.interfaces.as_ref().is_some_and(|lists| lists.virtual_too));
        assert_eq!(to_value(Ask::Set { change }).unwrap(), ask);
        assert_eq!(from_value::<SettingsChange>(json!({})).unwrap(), SettingsChange::default());
        assert_eq!(to_value(Ask::Watching { seen: true }).unwrap(), json!({"ask": "watching", "seen": true}));
    }
}

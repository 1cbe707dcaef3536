//! Rows about the outbox: what is to be sent, also to devices that are away, and the groups it is sorted into.

use crate::{CostPolicy, OutboxId, OutboxState, PeerId, Priority, TransferId, WaitsFor};
use serde::{Deserialize, Serialize};

/// One thing for one device: files and folders that go together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct OutboxRow {
    /// Its id.
    pub entry: OutboxId,
    /// For whom.
    pub peer: PeerId,
    /// Their name.
    pub name: String,
    /// What it is, in a few words: the first name, and how many more.
    pub title: String,
    /// Where it stands.
    pub state: OutboxState,
    /// What it waits for, while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<WaitsFor>,
    /// Why, for a person: what failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The transfer it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferId>,
    /// Who goes first.
    pub priority: Priority,
    /// Over which networks.
    pub cost: CostPolicy,
    /// The group it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// When it was put there, seconds since 1970.
    pub at: u64,
    /// Until when it waits, seconds since 1970.
    pub expires: u64,
}

/// A group of things in the outbox (R6.15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct GroupRow {
    /// Its name.
    pub group: String,
    /// One after the other; else side by side.
    pub serial: bool,
    /// How many wait.
    pub waiting: u64,
    /// How many are being sent.
    pub sending: u64,
}

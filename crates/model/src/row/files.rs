//! Rows about files: transfers and their items.

use super::Direction;
use crate::{ItemState, PeerId, TransferId, TransferState};
use serde::{Deserialize, Serialize};

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

//! Transfers, past and present: what a restarted agent needs to go on, and what a person wants to look up.

use hither_model::{
    GrantId, PeerId, TransferId, TransferState,
    row::{Direction, FailedItem},
};
use hither_transfer::Ranges;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// One transfer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptTransfer {
    pub(crate) peer: PeerId,
    pub(crate) name: String,
    pub(crate) direction: Direction,
    pub(crate) state: TransferState,
    pub(crate) why: Option<String>,
    pub(crate) title: String,
    pub(crate) done: u64,
    pub(crate) total: u64,
    pub(crate) items_done: u64,
    pub(crate) items: u64,
    pub(crate) failed: Vec<FailedItem>,
    pub(crate) receipt: bool,
    /// BLAKE3 of the manifest that was consented to.
    pub(crate) manifest_hash: String,
    /// Where it goes (receiving).
    pub(crate) inbox: Option<PathBuf>,
    /// Whether the receiver ticked the executable bit.
    pub(crate) executable: bool,
    /// The grant it came by, if nobody was asked (receiving).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) grant: Option<GrantId>,
    /// A person stopped it: it goes on only when a person says so.
    pub(crate) held: bool,
    /// Over for good without everything kept: it never goes on, and its part files go.
    pub(crate) canceled: bool,
    /// The receiver's receipt and its signature, base64, once every item is settled.
    pub(crate) receipt_text: Option<(String, String)>,
    /// When it was offered, seconds since 1970.
    pub(crate) at: u64,
    /// The file, or the folder with the items, once something of it is kept (receiving).
    #[serde(default)]
    pub(crate) path: Option<String>,
    /// Which items are kept (receiving).
    #[serde(default)]
    pub(crate) kept_items: Ranges,
    /// The receiver asked for its bytes at least once (sending).
    #[serde(default = "yes")]
    pub(crate) fetched: bool,
}

fn yes() -> bool {
    true
}

impl KeptTransfer {
    /// One that was just offered.
    pub(crate) fn offered(peer: PeerId, name: String, direction: Direction, at: u64) -> Self {
        Self {
            peer,
            name,
            direction,
            state: TransferState::Offered,
            why: None,
            title: String::new(),
            done: 0,
            total: 0,
            items_done: 0,
            items: 0,
            failed: vec![],
            receipt: false,
            manifest_hash: String::new(),
            inbox: None,
            executable: false,
            grant: None,
            held: false,
            canceled: false,
            receipt_text: None,
            at,
            path: None,
            kept_items: Ranges::new(),
            fetched: false,
        }
    }
}

/// All of them.
pub(crate) type KeptTransfers = BTreeMap<TransferId, KeptTransfer>;

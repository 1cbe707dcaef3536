//! Rows about sockets that the agent holds for other programs of this user.

use serde::{Deserialize, Serialize};

/// What kind of socket is held; the numbers of the system implemented are in its documentation (`SocketActivityKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum HeldKind {
    /// One that connections come to.
    Listener,
    /// A connection.
    Stream,
    /// Datagrams.
    Datagram,
}

/// A socket that the agent holds for another program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct HeldRow {
    /// The program's task it belongs to.
    pub task: String,
    /// What the program calls it.
    pub id: String,
    /// Its kind.
    pub kind: HeldKind,
    /// Its own address, as far as it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
    /// The other end's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Bytes of context kept with it.
    pub context: u64,
    /// Since when, seconds since 1970.
    pub at: u64,
    /// How often its program was started for it.
    pub woken: u64,
    /// What became of the last start, if it did not go well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

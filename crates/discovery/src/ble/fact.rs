//! What is known about Bluetooth on this machine, for `doctor`. Each fact has a sentence; judging is the reader's.

use super::{RadioAddress, RadioTrouble};
use std::fmt;

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// The service that owns the radios.
    Daemon {
        /// Whether it is on the message bus.
        running: bool,
        /// Its version, where it says so.
        version: Option<String>,
    },
    /// An adapter.
    Adapter {
        /// Its own address.
        address: RadioAddress,
        /// What the system calls it, as in `hci0`.
        name: String,
        /// Switched on.
        powered: bool,
        /// Blocked by a switch of the machine or flight mode.
        blocked: bool,
        /// Can announce.
        announces: bool,
        /// It is the one hither uses, or would use.
        chosen: bool,
    },
    /// Whether connectable adverts show an address that changes (see [`privacy`](super::privacy)).
    Private(bool),
    /// Why it does not work, if it does not.
    Trouble(RadioTrouble),
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daemon { running: false, .. } => f.write_str("bluetoothd does not run"),
            Self::Daemon { version: Some(version), .. } => write!(f, "bluetoothd {version} runs"),
            Self::Daemon { version: None, .. } => f.write_str("bluetoothd runs"),
            Self::Adapter { address, name, powered, blocked, announces, chosen } => {
                let state = match (powered, blocked) {
                    (true, _) => "switched on",
                    (false, true) => "blocked",
                    (false, false) => "switched off",
                };
                write!(f, "adapter {name} ({address}) is {state}")?;
                if !announces {
                    f.write_str(", cannot announce")?;
                }
                if *chosen { f.write_str(", used by hither") } else { Ok(()) }
            }
            Self::Private(true) => f.write_str("the system hides the radio's own address"),
            Self::Private(false) => f.write_str("the system does not hide the radio's own address when others connect"),
            Self::Trouble(trouble) => write!(f, "{trouble}"),
        }
    }
}

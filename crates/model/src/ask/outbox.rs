//! What may be asked about the outbox.

use crate::{CostPolicy, Priority};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A request about the outbox. Answered with [`crate::Answer::Outbox`]: the rows it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "outbox", rename_all = "kebab-case")]
pub enum OutboxAsk {
    /// Everything in it, and the groups.
    List,
    /// Send files and folders to devices: at once to those with an open session, to others when they are seen.
    Post {
        /// To whom; everybody gets the same, and what is sent is read once for all as far as they keep up.
        to: Vec<String>,
        /// What: absolute paths.
        paths: Vec<PathBuf>,
        /// Seconds it waits at most; 604,800 (a week) if absent, 7,776,000 (90 days) at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
        /// Who goes first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<Priority>,
        /// Over which networks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost: Option<CostPolicy>,
        /// The group it belongs to; made if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
    },
    /// Have it otherwise; what is absent stays.
    Change {
        /// Which, by beginning.
        entry: String,
        /// Who goes first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<Priority>,
        /// Over which networks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost: Option<CostPolicy>,
        /// Seconds from now that it waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
        /// Held back until the person says otherwise; `false` also tries at once what failed or was declined.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held: Option<bool>,
    },
    /// Take it out. What is being sent of it is cancelled.
    Withdraw {
        /// Which, by beginning.
        entry: String,
    },
    /// Take out everything that is over.
    Tidy,
    /// Make a group, or have it otherwise.
    Group {
        /// Its name: 1 to 40 characters.
        group: String,
        /// One after the other, or side by side.
        serial: bool,
    },
    /// Remove a group with nothing in it.
    Ungroup {
        /// Its name.
        group: String,
    },
}

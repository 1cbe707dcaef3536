//! The words of the queue: what is kept of an entry, what is seen of the world, what is decided.

use crate::networks::Cost;
use hither_model::{CostPolicy, ErrorCode, OutboxId, OutboxState, PeerId, Priority, TransferId, WaitsFor};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

pub(crate) use crate::transfers::MAX_UNFINISHED;

/// One thing for one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) peer: PeerId,
    pub(crate) name: String,
    pub(crate) batch: TransferId,
    /// Those put there earlier have smaller numbers.
    pub(crate) number: u64,
    /// Seconds since 1970; so are the other times.
    pub(crate) at: u64,
    pub(crate) expires: u64,
    pub(crate) priority: Priority,
    pub(crate) cost: CostPolicy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    pub(crate) state: OutboxState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// The transfer it is, was, or will be: written before anything is offered, so that nothing is offered twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) transfer: Option<TransferId>,
    /// The person here holds it back.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(crate) held: bool,
    /// The person there declined the invite.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(crate) declined: bool,
    /// Its transfer stands still because of what the network costs.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(crate) costly: bool,
    /// The person wants what is there now, also if it is not what was put there.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(crate) anew: bool,
    /// Automatic tries so far.
    #[serde(default)]
    pub(crate) tries: u32,
    /// Not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<u64>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_no(value: &bool) -> bool {
    !value
}

impl Entry {
    /// Whether nothing more comes of it by itself.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, OutboxState::Sent | OutboxState::Failed | OutboxState::Expired)
    }

    /// The person says: now, whatever went before.
    pub(crate) fn go(&mut self) {
        (self.held, self.declined, self.costly) = (false, false, false);
        (self.tries, self.next) = (0, None);
        if self.is_over() && self.state != OutboxState::Sent {
            (self.state, self.why, self.transfer, self.anew) = (OutboxState::Waiting, None, None, true);
        }
    }
}

/// What was put there together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) title: String,
    pub(crate) paths: Vec<PathBuf>,
    /// That all of it is over was noted.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(crate) told: bool,
}

/// A group (R6.15).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// One after the other.
    pub(crate) serial: bool,
}

/// What a person wants to have sent, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) to: Vec<(PeerId, String)>,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) seconds: u64,
    pub(crate) priority: Priority,
    pub(crate) cost: CostPolicy,
    pub(crate) group: Option<String>,
}

/// What was taken out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) entries: Vec<(OutboxId, Entry)>,
    /// Of which nothing is left.
    pub(crate) batches: Vec<TransferId>,
}

/// A batch that is over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) title: String,
    pub(crate) all: usize,
    pub(crate) sent: usize,
}

/// How it stands with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    /// None is open.
    None,
    /// One is being taken up again.
    Down,
    /// One is connected and takes something new.
    Up,
}

/// What is seen of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) session: Session,
    /// It is heard, or an address of it is remembered.
    pub(crate) reachable: bool,
    /// It may be invited without comparing codes, and is not blocked.
    pub(crate) known: bool,
    /// An invite is under way, ours or theirs.
    pub(crate) calling: bool,
    /// It is with the person there.
    pub(crate) asked: bool,
    /// We do not invite it before.
    pub(crate) again: u64,
    /// What sending to it costs.
    pub(crate) cost: Cost,
}

/// What is seen of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    /// Seconds since 1970.
    pub(crate) now: u64,
    pub(crate) network: bool,
    pub(crate) may_dial: bool,
    /// The agent is about to stop: nothing is begun.
    pub(crate) rests: bool,
    /// Transfers under way, whoever began them.
    pub(crate) unfinished: usize,
    pub(crate) peers: BTreeMap<PeerId, Peer>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Make a transfer of it.
    Start(OutboxId),
    Invite(PeerId),
    /// Let its transfer stand still: the network costs too much.
    Pause(OutboxId),
    /// It does not any more.
    Resume(OutboxId),
    Expire(OutboxId),
}

/// What was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) acts: Vec<Act>,
    /// What those wait for that stay where they are.
    pub(crate) waits: Vec<(OutboxId, WaitsFor)>,
    /// When to decide again though nothing happened.
    pub(crate) again: Option<u64>,
}

/// Whether something may go over a network that costs so much (R6.14).
pub(crate) fn allows(policy: CostPolicy, cost: Cost) -> bool {
    match policy {
        CostPolicy::Unrestricted => cost == Cost::Free,
        CostPolicy::Default => cost <= Cost::Metered,
        CostPolicy::Always => true,
    }
}

/// Whether the same may go well later (R6.17).
pub(crate) fn passes(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Unreachable
            | ErrorCode::TimedOut
            | ErrorCode::Interrupted
            | ErrorCode::Expired
            | ErrorCode::Busy
            | ErrorCode::UnknownId
            | ErrorCode::StorageFailed
    )
}

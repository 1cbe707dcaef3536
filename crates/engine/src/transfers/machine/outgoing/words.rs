//! The words of the sending machine: stages, events, effects.

use super::super::Pause;
use hither_model::Failure;

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The sources are walked.
    Scanning,
    /// Offered, or to be with the next connection.
    Offered,
    /// The answer was yes; the receiver is asked at that time.
    Accepted { nudge: u64 },
    /// Fetched: a lane is being made, or will be when the sender is at hand.
    Making { lane: bool },
    /// A lane takes it.
    Moving,
    /// All is sent; a receipt is due. The receiver is asked at that time.
    Checking { nudge: u64 },
    /// It stands still.
    Paused(Pause),
    /// Receipted: some items failed, the others are kept.
    Partly,
    /// The receipt vouches for every item.
    Kept,
    /// It is over without that.
    Dropped,
}

/// Where that is which reads the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    /// On disk only.
    Absent,
    /// At hand.
    Here,
    /// With a thread.
    Away(Work),
}

/// What a thread does for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Scanning,
    Loading,
    /// Hashes sources again, for a receipt.
    Recalling,
    Sending,
}

/// What became of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Broken(String),
    /// We stopped it.
    Stopped,
}

/// What a receipt is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It accounts for every item, and all are kept.
    Kept,
    /// It accounts for every item; some failed.
    Partly,
    /// What was sent must be hashed again first.
    Recall,
    Bad(Failure),
    /// It cannot be checked without a session; the receiver repeats it in the next.
    NotNow,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Scanned,
    AnsweredYes,
    AnsweredNo(Failure),
    /// The receiver says what it wants; the plan is at hand.
    Fetched,
    Loaded,
    LoadFailed(Failure),
    LaneUp,
    LaneFailed(String),
    Sent(Outcome),
    /// A receipt came.
    Receipt,
    Checked(Verdict),
    /// A person here.
    Pause,
    /// The outbox lets it stand still, for that reason, until it says `Resume`.
    Hold(String),
    Resume,
    Cancel(Failure),
    /// The other side.
    PausedThere,
    CanceledThere(Failure),
    /// A session is connected (again).
    Connected,
    /// A connection is gone, or was replaced.
    Lost(String),
    /// The last session is over.
    SessionOver(Failure),
    Tick,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    Offer,
    /// Read it back from disk on a thread.
    Load,
    RequestLane,
    /// Hand the lane to a thread.
    Send,
    /// End the lane that thread writes.
    Abort {
        for_good: bool,
    },
    /// Stop hashing.
    Halt,
    /// What the receiver asked for does not count any more.
    ForgetPlan,
    /// Check the receipt; the verdict comes back at once.
    Check {
        recalled: bool,
    },
    /// Hash what the receipt vouches for, on a thread.
    Recall,
    SayMoving,
    SayPause,
    SayCancel(Option<String>),
    /// Forget the last receipt: failed items are tried again.
    Reopen,
    /// Tell the outcome; if complete, records go once that is on disk.
    Settle {
        complete: bool,
    },
    /// The state is another, for this reason.
    Show(Option<String>),
    /// Tell that it is over.
    Drop(Failure),
    /// Records go, once the end is on disk.
    Clear,
}

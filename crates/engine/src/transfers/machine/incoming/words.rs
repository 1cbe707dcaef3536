//! The words of the receiving machine: stages, events, effects.

use super::super::Pause;
use hither_model::{ErrorCode, Failure};

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The list is being read; nobody was asked.
    Reading,
    /// A person is asked.
    Asked,
    /// They said yes: the inbox is opened for the first time.
    Opening,
    /// Fetched; a lane is expected until then.
    Awaiting { until: u64 },
    /// A lane brings it.
    Moving,
    /// It stands still.
    Paused(Pause),
    /// Settled: some items failed, the others are kept.
    Partly,
    /// Every item is kept.
    Kept,
    /// It is over without that.
    Dropped,
}

/// What a thread does for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Idle,
    /// Reads the list.
    Reading,
    /// Opens the inbox, works out what is wanted.
    Opening,
    /// Receives a lane.
    Receiving,
}

/// Trouble a thread reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// We stopped it.
    Stopped,
    /// It may pass: a disk that is full or away.
    Local(Failure),
    /// It will not.
    Final(Failure),
}

/// What became of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every item is kept, verified and on disk.
    Complete,
    /// Every item is kept or has failed.
    Partly,
    /// So many failed that no receipt can list them.
    TooLong(Failure),
    /// The lane broke.
    Broken(String),
    Trouble(Trouble),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The list was read and every name in it judged.
    Read,
    /// It was refused: by its reader, by a person, by time.
    Refused(Failure),
    /// A person, or a standing consent, said yes.
    Consent,
    /// The same offer came again.
    OfferedAgain,
    /// The inbox is open and the plan made.
    Ready {
        complete: bool,
    },
    NotReady(Trouble),
    LaneUp,
    LaneFailed(String),
    /// Bytes came.
    Progressed,
    Received(Outcome),
    /// A person here.
    Pause,
    Resume,
    Cancel(Failure),
    /// The other side.
    PausedThere,
    CanceledThere(Failure),
    MovingThere,
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
    /// Put the question to a person.
    Ask,
    /// Take it back, and say why.
    Unask {
        why: String,
        code: Option<ErrorCode>,
    },
    /// Open the inbox on a thread. What was agreed is on disk before.
    Open,
    /// Stop that thread.
    Halt,
    /// Tell the sender what is wanted.
    Fetch,
    /// Hand the lane to a thread.
    Receive,
    /// End the lane that thread reads.
    Abort {
        for_good: bool,
    },
    /// Answer the offer.
    Answer(Result<(), Failure>),
    SayPause,
    SayCancel(Option<String>),
    /// Send the receipt again.
    SayReceipt,
    /// Forget the last receipt: failed items are tried again.
    Reopen,
    /// Sign and send the receipt, tell the outcome; if complete, part files go once that is on disk.
    Settle {
        complete: bool,
    },
    /// The state is another, for this reason.
    Show(Option<String>),
    /// Tell that it is over.
    Drop(Failure),
    /// Part files and records go, once the end is on disk.
    Clear,
}

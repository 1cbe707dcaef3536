//! A transfer as a machine, one for each direction: where it stands, what happened, what is to be done. Time is an
//! argument, in milliseconds; nothing here touches a socket, a disk or a thread. The engine carries out the effects and
//! tells the machine what came of them; a thread that is at work reports exactly once.
//!
//! ```text
//! Offered → Accepted → Moving → Checking → Kept | Dropped(why)      Paused(why, by whom) between any two after the yes
//! ```
//!
//! Kept and Dropped are never left. One that ended with some items failed is neither: it is shown as dropped, and a
//! person's word, or the receiver's next request, takes it up again ([`incoming::Stage::Partly`]).

pub(crate) mod incoming;
pub(crate) mod outgoing;
#[cfg(test)]
mod tests;

use hither_model::TransferState;

/// What a machine is told beside the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    /// Monotonic milliseconds.
    pub(crate) now: u64,
    /// Whether a session with the other end is connected.
    pub(crate) up: bool,
}

impl Context {
    /// A wait that ends at once, or with the next connection.
    fn at_once(self) -> Pause {
        Pause::Waiting { again: self.up.then_some(self.now) }
    }
}

/// What a paused transfer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// A person here.
    Here,
    /// The other side: it said `pause`.
    There,
    /// A connection, a lane, a disk: it goes on by itself then, or with the next connection.
    Waiting { again: Option<u64> },
}

/// What a restarted agent knows of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) state: TransferState,
    /// A person here had paused it.
    pub(crate) held: bool,
    /// It had ended with some items failed.
    pub(crate) partly: bool,
    /// The receiver had asked for its bytes (sending).
    pub(crate) fetched: bool,
}

/// How long to wait before the next attempt, milliseconds: one second, then twice as long each time, up to 32.
fn backoff(attempts: u32) -> u64 {
    1_000 << attempts.min(5)
}

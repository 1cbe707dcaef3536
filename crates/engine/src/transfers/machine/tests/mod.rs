//! Both machines, in every order of events: what must hold whatever the other side, the person, the threads, the
//! connections and restarts do, and when.

mod receiving;
mod sending;

use super::{Context, Past, Pause, incoming, outgoing};
use hither_model::{ErrorCode, Failure, TransferState};
use proptest::prelude::*;

fn failure() -> Failure {
    Failure::new(ErrorCode::Interrupted, "something")
}

/// The world round a machine: the time, and whether a session is connected.
#[derive(Debug, Clone, Copy)]
struct World {
    at: Context,
}

/// What may happen to any transfer.
#[derive(Debug, Clone)]
enum Turn<E> {
    /// One of the machine's own events.
    Event(E),
    /// A session is connected, or is not any more.
    Up(bool),
    /// The session's connection is replaced by another.
    Replaced,
    /// The agent starts again.
    Restart,
    /// Time passes, up to the next deadline or so many milliseconds.
    Later(u64),
}

fn turns<E: std::fmt::Debug + Clone + 'static>(events: Vec<E>) -> impl Strategy<Value = Vec<Turn<E>>> {
    let turn = prop_oneof![
        12 => proptest::sample::select(events).prop_map(Turn::Event),
        2 => any::<bool>().prop_map(Turn::Up),
        1 => Just(Turn::Replaced),
        1 => Just(Turn::Restart),
        3 => (0u64..60_000).prop_map(Turn::Later),
    ];
    proptest::collection::vec(turn, 1..60)
}

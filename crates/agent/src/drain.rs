//! An end that waits: what moves is finished, nothing new is begun, then the agent stops.

use crate::engine::Engine;
use hither_model::{Answer, Ask, ErrorCode, Failure, TransferState};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio_util::sync::CancellationToken;

/// Whether the end has begun. Cloneable; all clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drain(Arc<AtomicBool>);

impl Drain {
    /// Begins it; `stop` is told when nothing moves any more.
    pub(crate) fn begin<E: Engine>(&self, engine: &E, stop: &CancellationToken) {
        if self.0.swap(true, Ordering::SeqCst) {
            return;
        }
        let (engine, stop) = (engine.clone(), stop.clone());
        tokio::spawn(async move {
            // The outbox begins nothing by itself any more.
            let _ = engine.ask(0, Ask::Drain).await;
            let finished = until_nothing_moves(&engine);
            stop.run_until_cancelled(finished).await;
            stop.cancel();
        });
    }

    /// Refuses what would begin something.
    ///
    /// # Errors
    /// The end has begun, and this can wait for the next agent.
    pub(crate) fn permits(&self, ask: &Ask) -> Result<(), Failure> {
        match self.0.load(Ordering::SeqCst) && begins(ask) {
            true => Err(ending()),
            false => Ok(()),
        }
    }

    /// The same for a stream.
    ///
    /// # Errors
    /// The end has begun.
    pub(crate) fn permits_streams(&self) -> Result<(), Failure> {
        if self.0.load(Ordering::SeqCst) { Err(ending()) } else { Ok(()) }
    }
}

fn ending() -> Failure {
    Failure::new(ErrorCode::Busy, "the agent finishes what moves and then stops")
        .hint("try again when it has stopped; `hither status` says what it waits for")
}

fn begins(ask: &Ask) -> bool {
    matches!(
        ask,
        Ask::Invite { .. }
            | Ask::MakeLink { .. }
            | Ask::OpenLink { .. }
            | Ask::Accept { .. }
            | Ask::Send { .. }
            | Ask::Receive { .. }
            | Ask::Resume { .. }
            | Ask::Expose { .. }
            | Ask::Forward { .. }
    )
}

/// Returns when no transfer moves. One that waits for the other side, or is paused, goes on with the next agent.
async fn until_nothing_moves<E: Engine>(engine: &E) {
    while let Ok((_, mut news)) = engine.news().await {
        let Ok(Answer::Status { status }) = engine.ask(0, Ask::Status).await else { return };
        let moves = |state| matches!(state, TransferState::Accepted | TransferState::Moving | TransferState::Checking);
        if !status.transfers.iter().any(|transfer| moves(transfer.state)) {
            return;
        }
        // One that fell behind has missed news: then the state is looked at too.
        let _ = news.recv().await;
    }
}

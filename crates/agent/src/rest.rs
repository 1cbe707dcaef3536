//! An agent that was started by a socket ends when nothing would be missed: nobody sees it, nobody is connected, nothing
//! is open, asked or under way. The socket starts the next one.

use crate::engine::Engine;
use hither_model::{
    Answer, Ask, OutboxState,
    ask::OutboxAsk,
    row::{OutboxRow, StatusRow, Visibility},
};
use std::{collections::BTreeSet, time::Duration};
use tokio::sync::watch;

/// The clients that are connected. Cloneable; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Clients(std::sync::Arc<watch::Sender<BTreeSet<u64>>>);

impl Clients {
    pub(crate) fn new() -> Self {
        Self(std::sync::Arc::new(watch::Sender::new(BTreeSet::new())))
    }

    pub(crate) fn came(&self, client: u64) {
        self.0.send_if_modified(|clients| clients.insert(client));
    }

    pub(crate) fn gone(&self, client: u64) {
        self.0.send_if_modified(|clients| clients.remove(&client));
    }
}

/// Returns when nothing was there to do for `period`. Looks only when a period without clients is over, so that an
/// agent at rest costs nothing more.
/// `held` says whether a socket of another program is held: then somebody has to wait at it.
pub(crate) async fn until_idle<E: Engine>(engine: &E, clients: &Clients, held: impl Fn() -> bool, period: Duration) {
    let mut changes = clients.0.subscribe();
    loop {
        if changes.wait_for(BTreeSet::is_empty).await.is_err() {
            return std::future::pending().await;
        }
        let disturbed = tokio::time::timeout(period, changes.changed()).await;
        if disturbed.is_err() && !held() && nothing_to_miss(engine).await {
            return;
        }
    }
}

async fn nothing_to_miss<E: Engine>(engine: &E) -> bool {
    let Ok(Answer::Status { status }) = engine.ask(0, Ask::Status).await else { return false };
    let Ok(Answer::Links { rows }) = engine.ask(0, Ask::Links).await else { return false };
    // What waits for a device goes when that is seen, and somebody has to look.
    let Ok(Answer::Outbox { rows: kept, .. }) = engine.ask(0, Ask::Outbox(OutboxAsk::List)).await else { return false };
    let waits = |row: &OutboxRow| matches!(row.state, OutboxState::Waiting | OutboxState::Sending);
    rests(&status) && rows.is_empty() && !kept.iter().any(waits)
}

/// Whether the state of an agent is one that can be left alone. A device that may be seen has to answer.
fn rests(status: &StatusRow) -> bool {
    status.visibility == Visibility::Nobody
        && status.until.is_none()
        && status.sessions.is_empty()
        && status.transfers.is_empty()
        && status.forwarding.is_empty()
        && status.questions == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::{AgentState, PeerId};

    fn resting() -> StatusRow {
        StatusRow {
            version: String::new(),
            state: AgentState::Serving,
            peer: PeerId::new([1; 32]),
            name: None,
            visibility: Visibility::Nobody,
            until: None,
            listen: vec![],
            media: [].into(),
            desktop: [].into(),
            capabilities: vec![],
            sessions: vec![],
            transfers: vec![],
            exposed: vec![],
            forwarding: vec![],
            questions: 0,
            near: 0,
            inbox: String::new(),
        }
    }

    #[test]
    fn an_agent_that_may_be_seen_or_has_something_open_does_not_rest() {
        assert!(rests(&resting()));
        assert!(!rests(&StatusRow { visibility: Visibility::Known, ..resting() }));
        assert!(!rests(&StatusRow { until: Some(1), ..resting() }), "it is about to be seen again");
        assert!(!rests(&StatusRow { questions: 1, ..resting() }));
    }
}

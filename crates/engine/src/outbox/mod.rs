//! What is to be sent, also to devices that are away (R6.10 to R6.18).
//!
//! [`queue`] decides; here it is seen what there is to decide by ([`view`]), what was decided is done ([`acts`]), what
//! people ask is answered ([`asked`]), and what happens elsewhere is heeded: the room listens to the engine's own news like
//! a face does, so that nobody else has to think of it. Everything is on disk before it is answered or offered.

mod acts;
mod asked;
mod queue;
mod rows;
mod view;

pub(crate) use acts::Report;

use crate::{
    networks::Surroundings,
    state::State,
    store::{Keeper, Slot, Stale},
};
use acts::Call;
use hither_model::{
    ErrorCode, Failure, InviteId, News, OutboxId, OutboxState, PeerId, TransferId, TransferState, WaitsFor,
};
use hither_transfer::Window;
use queue::Queue;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio::sync::broadcast::{self, error::TryRecvError};

/// Batches whose recipients share what is read at one time: what they hold is bounded.
const MAX_WINDOWS: usize = 8;
/// Decisions in a row that one event may lead to.
const ROUNDS: usize = 4;

/// The room's state.
pub(crate) struct Outbox {
    queue: Queue,
    /// Large, and changes often; [`State::write_stale`].
    pub(crate) stale: Stale,
    /// Whom we invited for it.
    calls: BTreeMap<PeerId, Call>,
    /// What was shown that entries wait for.
    waits: HashMap<OutboxId, WaitsFor>,
    of_transfer: HashMap<TransferId, OutboxId>,
    /// Those that become a transfer as soon as that is on disk.
    starting: BTreeSet<OutboxId>,
    /// Who has something to come.
    peers: BTreeSet<PeerId>,
    /// Blocks that several recipients of a batch share.
    windows: HashMap<TransferId, Window>,
    /// The networks that were there when it was decided last.
    around: Surroundings,
    news: broadcast::Receiver<News>,
    /// Something happened that may change a decision.
    stirred: bool,
    /// When to decide again, seconds since 1970.
    again: Option<u64>,
    /// When it was decided last: a clock that is set back is no reason to wait longer.
    decided: u64,
    /// The agent is about to stop.
    rests: bool,
    /// Invites nobody needs any more.
    needless: Vec<InviteId>,
}

impl Outbox {
    /// Reads what an earlier run left.
    pub(crate) fn load(keeper: &Keeper, news: broadcast::Receiver<News>) -> Result<Self, Failure> {
        let queue: Queue = keeper.load(Slot::Outbox).map_err(Failure::from)?.unwrap_or_default();
        Ok(Self {
            queue,
            stale: Stale::default(),
            calls: BTreeMap::new(),
            waits: HashMap::new(),
            of_transfer: HashMap::new(),
            starting: BTreeSet::new(),
            peers: BTreeSet::new(),
            windows: HashMap::new(),
            around: Surroundings::default(),
            news,
            stirred: true,
            again: None,
            decided: 0,
            rests: false,
            needless: vec![],
        })
    }

    /// What is written down.
    pub(crate) fn kept(&self) -> &Queue {
        &self.queue
    }

    /// Whether the list under this name is one of a batch.
    pub(crate) fn needs(&self, list: &TransferId) -> bool {
        self.queue.batches.contains_key(list)
    }

    fn entry_of(&self, transfer: &TransferId) -> Option<OutboxId> {
        self.of_transfer.get(transfer).copied()
    }
}

impl State {
    /// Takes up what an earlier run left; its transfers are there again (R6.10).
    pub(crate) fn revive_outbox(&mut self) {
        let sending = self.outbox.queue.entries.iter().filter(|(_, e)| e.state == OutboxState::Sending);
        let with = sending.filter_map(|(id, e)| Some((e.transfer?, *id))).collect();
        self.outbox.of_transfer = with;
        self.reconcile_outbox();
    }

    /// When the room has to look though nothing happened, monotonic milliseconds.
    pub(crate) fn outbox_deadline(&self) -> Option<u64> {
        if self.outbox.stirred {
            return Some(self.clock.now());
        }
        let wait = self.outbox.again?.saturating_sub(self.clock.unix());
        Some(self.clock.now() + wait.saturating_mul(1_000))
    }

    /// Heeds what happened, and does what follows from it. Called after every event.
    pub(crate) async fn heed_outbox(&mut self) {
        for _ in 0..ROUNDS {
            self.hear_news();
            if self.outbox.around != self.surroundings {
                self.outbox.around = self.surroundings.clone();
                let (now, calls) = (self.clock.unix(), &mut self.outbox.calls);
                calls.values_mut().for_each(|call| call.hurry(now));
                self.outbox.stirred = true;
            }
            let now = self.clock.unix();
            let due = self.outbox.again.is_some_and(|at| at <= now) || now < self.outbox.decided;
            if !std::mem::take(&mut self.outbox.stirred) && !due {
                break;
            }
            self.decide_outbox().await;
        }
        for invite in std::mem::take(&mut self.outbox.needless) {
            let _ = self.withdraw(invite).await;
        }
    }

    fn hear_news(&mut self) {
        loop {
            match self.outbox.news.try_recv() {
                Ok(news) => self.outbox_heard(news),
                Err(TryRecvError::Lagged(_)) => self.reconcile_outbox(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn outbox_heard(&mut self, news: News) {
        let stirs = match news {
            News::Done { transfer, .. } => {
                if let Some(id) = self.outbox.entry_of(&transfer) {
                    self.outbox_sent(id);
                }
                true
            }
            News::Dropped { transfer, failure } => {
                if let Some(id) = self.outbox.entry_of(&transfer) {
                    self.outbox_dropped(id, transfer, &failure);
                }
                true
            }
            News::Transfer { transfer } => self.outbox.of_transfer.contains_key(&transfer.transfer),
            News::InviteEnded { invite, failure } => self.call_ended(invite, &failure),
            News::Accepted { peer, .. } => {
                self.call_answered(peer);
                self.outbox.peers.contains(&peer)
            }
            News::Session { session } => self.outbox.peers.contains(&session.peer),
            News::SessionClosed { peer, .. } => self.outbox.peers.contains(&peer),
            News::PeerAdded { peer } => self.seen_by_outbox(&peer.peer, true),
            News::PeerUpdated { peer } | News::PeerRemoved { peer } => self.seen_by_outbox(&peer.peer, false),
            News::InviteSent { .. } | News::QuestionGone { .. } | News::Capability { .. } => true,
            _ => false,
        };
        self.outbox.stirred |= stirs && !self.outbox.peers.is_empty();
    }

    /// Somebody came, changed or went: is that about anything here?
    fn seen_by_outbox(&mut self, peer: &str, came: bool) -> bool {
        let Ok(peer) = peer.parse::<PeerId>() else { return false };
        let now = self.clock.unix();
        if let Some(call) = self.outbox.calls.get_mut(&peer).filter(|_| came) {
            call.hurry(now);
        }
        self.outbox.peers.contains(&peer)
    }

    /// Looks at every transfer of the outbox: after a restart, or when news went by unheard.
    fn reconcile_outbox(&mut self) {
        let transfers: Vec<(TransferId, OutboxId)> =
            self.outbox.of_transfer.iter().map(|(transfer, id)| (*transfer, *id)).collect();
        for (transfer, id) in transfers {
            match self.transfer_stands(transfer) {
                Some((TransferState::Kept, _)) => self.outbox_sent(id),
                Some((TransferState::Dropped, why)) => {
                    let failure = Failure::new(ErrorCode::Declined, why.unwrap_or("it came to nothing"));
                    self.outbox_dropped(id, transfer, &failure);
                }
                Some(_) => {}
                None if self.outbox.starting.contains(&id) => {}
                // The end came before it was offered. It gets the same name: whatever of it is known there counts.
                None => self.outbox_waits_again(id, Some(transfer)),
            }
        }
        let unfinished = self.outbox.queue.entries.values().filter(|e| !e.is_over());
        self.outbox.peers = unfinished.map(|e| e.peer).collect();
        self.outbox.stirred = true;
    }

    /// What is shared by those to whom the same is being sent just now.
    pub(crate) fn window_of(&mut self, transfer: TransferId) -> Option<Window> {
        let outbox = &mut self.outbox;
        let id = outbox.of_transfer.get(&transfer)?;
        let batch = outbox.queue.entries.get(id)?.batch;
        if let Some(window) = outbox.windows.get(&batch) {
            return Some(window.clone());
        }
        let of = outbox.queue.entries.values().filter(|e| e.batch == batch && !e.is_over());
        outbox.windows.retain(|_, window| !window.is_idle());
        if of.count() < 2 || outbox.windows.len() >= MAX_WINDOWS {
            return None;
        }
        Some(outbox.windows.entry(batch).or_default().clone())
    }
}

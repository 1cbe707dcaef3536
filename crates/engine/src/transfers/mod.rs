//! Files and folders under way. The work itself is `hither_transfer`'s and runs on threads of its own; here is who is
//! asked, when it goes on, and what everybody is told.

mod incoming;
mod items;
mod offers;
mod outgoing;
mod requests;
mod revive;
mod threads;

pub(crate) use requests::Standing;
pub(crate) use threads::Report;

use crate::{state::State, store::KeptTransfer};
use hither_model::{
    ErrorCode, Failure, News, PeerId, SessionId, TransferId, TransferState,
    row::{Direction, FailedItem, TransferRow},
};
use hither_protocol::session::Frame;
use hither_socket::LaneAbort;
use hither_transfer::{Abandon, Manifest, Plan, Receiving, Sender, Stop};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// Transfers that may be under way at one time (R6.16).
pub(crate) const MAX_UNFINISHED: usize = 200;
/// Failed items that are listed.
const MAX_FAILED: usize = 1_000;
/// Past transfers that are remembered.
const MAX_REMEMBERED: usize = 500;

/// What a transfer's next step is done with. Absent while a thread has it, or until it is needed.
pub(crate) enum Tool {
    None,
    Send(Box<Sender>),
    Receive(Box<Receiving>),
}

/// A lane that moves bytes.
pub(crate) struct Moving {
    pub(crate) stop: Stop,
    pub(crate) abort: LaneAbort,
    /// Gives up single items (sending).
    pub(crate) abandon: Option<Abandon>,
}

/// How far it was when, for the speed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pace {
    at: u64,
    done: u64,
    per_s: u64,
}

/// One transfer.
pub(crate) struct Transfer {
    pub(crate) kept: KeptTransfer,
    pub(crate) tool: Tool,
    pub(crate) moving: Option<Moving>,
    /// The sender's side: what the receiver asked for, until the lane stands.
    pub(crate) plan: Option<Plan>,
    /// The receiver's side: what is offered, until a person answered.
    pub(crate) offered: Option<(Arc<Manifest>, Arc<Vec<u8>>)>,
    /// The receiver's side: a plan is out and a lane is expected.
    pub(crate) expecting: bool,
    /// Something is being prepared on a thread (scan, hash of a part).
    pub(crate) preparing: bool,
    /// The receiver's side: to be fetched once the thread that is at work has ended.
    pub(crate) again: bool,
    /// Stops the preparation.
    pub(crate) halt: Stop,
    /// When to try again by ourselves, and how often that was done.
    pub(crate) retry_at: Option<u64>,
    pub(crate) retries: u32,
    /// What is sent: to refuse the same twice at once.
    pub(crate) sources: Vec<PathBuf>,
    pub(crate) pace: Pace,
    /// The encoded list, until a thread has written it down.
    pub(crate) list: Option<Arc<Vec<u8>>>,
}

impl Transfer {
    pub(crate) fn new(kept: KeptTransfer) -> Self {
        Self {
            kept,
            tool: Tool::None,
            moving: None,
            plan: None,
            offered: None,
            expecting: false,
            preparing: false,
            again: false,
            halt: Stop::new(),
            retry_at: None,
            retries: 0,
            sources: vec![],
            pace: Pace::default(),
            list: None,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.kept.state, TransferState::Kept | TransferState::Dropped)
    }

    /// Where the items go, once one of them is there.
    fn folder(&self) -> Option<String> {
        let inbox = self.kept.inbox.as_ref().filter(|_| self.kept.items_done > 0)?;
        Some(inbox.display().to_string())
    }

    pub(crate) fn row(&self, id: TransferId) -> TransferRow {
        let k = &self.kept;
        TransferRow {
            transfer: id,
            peer: k.peer,
            name: k.name.clone(),
            direction: k.direction,
            state: k.state,
            why: k.why.clone(),
            title: k.title.clone(),
            done: k.done,
            total: k.total,
            items_done: k.items_done,
            items: k.items,
            failed: k.failed.clone(),
            receipt: k.receipt,
            path: k.path.clone().or_else(|| self.folder()),
            at: k.at,
        }
    }

    /// Bytes a second, smoothed over a few seconds.
    pub(crate) fn progress(&mut self, done: u64, now: u64) -> u64 {
        self.kept.done = done;
        let elapsed = now.saturating_sub(self.pace.at);
        if elapsed >= 200 {
            let fresh = done.saturating_sub(self.pace.done).saturating_mul(1_000) / elapsed.max(1);
            let per_s = if self.pace.per_s == 0 { fresh } else { (self.pace.per_s * 7 + fresh * 3) / 10 };
            self.pace = Pace { at: now, done, per_s };
        }
        self.pace.per_s
    }

    pub(crate) fn failed(&mut self, item: FailedItem) {
        self.kept.failed.retain(|f| f.path != item.path);
        if self.kept.failed.len() < MAX_FAILED {
            self.kept.failed.push(item);
        }
    }
}

impl State {
    pub(crate) fn transfer_rows(&self) -> Vec<TransferRow> {
        let mut rows: Vec<(u64, TransferRow)> = self.transfers.iter().map(|(id, t)| (t.kept.at, t.row(*id))).collect();
        rows.sort_by_key(|(at, _)| *at);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    pub(crate) fn transfer_named(&self, wanted: &str) -> Result<TransferId, Failure> {
        let lower = wanted.trim().to_lowercase();
        let found: Vec<TransferId> = self
            .transfers
            .keys()
            .filter(|id| !lower.is_empty() && id.to_string().starts_with(&lower))
            .copied()
            .collect();
        match found.as_slice() {
            [one] => Ok(*one),
            others => Err(Failure::new(
                ErrorCode::UnknownId,
                match others.len() {
                    0 => format!("there is no transfer {wanted:?}"),
                    _ => format!("{wanted:?} could be several transfers"),
                },
            )
            .hint("run `hither transfers` to see them")),
        }
    }

    /// A session with that device that is connected, the newest first.
    pub(crate) fn live_session(&self, peer: &PeerId) -> Option<SessionId> {
        self.sessions_with(peer).into_iter().find(|id| self.sessions.get(id).is_some_and(|s| s.is_up()))
    }

    /// Sends a frame to the other end of a transfer.
    pub(crate) fn post_to(&self, peer: &PeerId, frame: Frame) -> bool {
        self.live_session(peer).and_then(|id| self.sessions.get(&id)).is_some_and(|s| s.post(frame))
    }

    /// Writes what a restart needs.
    pub(crate) fn keep_transfers(&mut self) {
        if self.transfers.len() > MAX_REMEMBERED {
            let oldest = self.transfers.iter().filter(|(_, t)| t.is_over()).min_by_key(|(_, t)| t.kept.at);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.transfers.remove(&id);
                let list = self.list_of(id);
                self.tasks.spawn_blocking(move || std::fs::remove_file(list));
            }
        }
        self.stale_transfers.mark();
    }

    pub(crate) fn kept_transfers(&self) -> BTreeMap<&TransferId, &KeptTransfer> {
        self.transfers.iter().map(|(id, t)| (id, &t.kept)).collect()
    }

    /// Moves a transfer to another state and tells everybody.
    pub(crate) fn transfer_is(&mut self, id: TransferId, state: TransferState, why: Option<String>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if transfer.kept.state == state && transfer.kept.why == why {
            return;
        }
        transfer.kept.state = state;
        transfer.kept.why = why;
        let row = transfer.row(id);
        self.tell(News::Transfer { transfer: row });
        self.keep_transfers();
    }

    /// Ends a transfer without everything kept.
    pub(crate) fn drop_transfer(&mut self, id: TransferId, failure: Failure) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.retry_at = None;
        transfer.expecting = false;
        transfer.offered = None;
        transfer.halt.cancel();
        let (peer, name, title) = (transfer.kept.peer, transfer.kept.name.clone(), transfer.kept.title.clone());
        if let Some(moving) = transfer.moving.take() {
            moving.stop.cancel();
            moving.abort.abort();
        }
        self.transfer_is(id, TransferState::Dropped, Some(failure.message.clone()));
        self.note("transfer", Some(peer), Some(name), format!("{title}: {}", failure.message));
        self.tell(News::Dropped { transfer: id, failure });
    }

    /// Every item is settled: kept, or failed with its reason.
    pub(crate) fn settle(&mut self, id: TransferId, path: Option<String>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.moving = None;
        transfer.expecting = false;
        transfer.retry_at = None;
        transfer.kept.path.clone_from(&path);
        let failed = transfer.kept.failed.len();
        if failed > 0 {
            let first = transfer.kept.failed.first().cloned();
            let code = first.as_ref().map_or(ErrorCode::Interrupted, |f| f.code);
            let first = first.map(|f| format!("{}: {}", f.path, f.why)).unwrap_or_default();
            let message = format!("{failed} item(s) failed, the others are kept; the first: {first}");
            let failure = Failure::new(code, message).hint("`hither resume` tries just these again");
            return self.drop_transfer(id, failure);
        }
        transfer.kept.done = transfer.kept.total;
        transfer.kept.items_done = transfer.kept.items;
        let kept = transfer.kept.clone();
        self.transfer_is(id, TransferState::Kept, None);
        let what = if kept.direction == Direction::In { "received" } else { "sent" };
        self.note(
            what,
            Some(kept.peer),
            Some(kept.name),
            format!("{}, {} bytes, receipt signed", kept.title, kept.total),
        );
        self.tell(News::Done { transfer: id, items: kept.items, bytes: kept.total, path });
    }

    /// A transfer lost its lane, or got none: it waits, and goes on by itself.
    pub(crate) fn interrupt(&mut self, id: TransferId, why: &str) {
        let now = self.clock.now();
        let Some(transfer) = self.transfers.get_mut(&id).filter(|t| !t.is_over()) else { return };
        transfer.expecting = false;
        transfer.plan = None;
        // The thread still has the journal; its report ends it.
        if let Some(moving) = &transfer.moving {
            moving.abort.abort();
        }
        if transfer.kept.direction == Direction::In && !transfer.kept.held {
            transfer.retries = (transfer.retries + 1).min(6);
            transfer.retry_at = Some(now + (500 << transfer.retries));
        }
        self.transfer_is(id, TransferState::Paused, Some(why.to_owned()));
    }

    /// The connection of a session is gone: its lanes are of no use either.
    pub(crate) fn interrupt_transfers_with(&mut self, peer: PeerId, why: &str) {
        let ids: Vec<TransferId> = self
            .transfers
            .iter()
            .filter(|(_, t)| t.kept.peer == peer && (t.moving.is_some() || t.expecting || t.plan.is_some()))
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.interrupt(id, why);
        }
    }

    /// A session ended for good: what moves waits for the next one, what is only offered is off.
    pub(crate) fn transfers_without_session(&mut self, peer: PeerId, why: &str) {
        if self.live_session(&peer).is_some() {
            return;
        }
        self.interrupt_transfers_with(peer, why);
        let offered: Vec<TransferId> = self
            .transfers
            .iter()
            .filter(|(_, t)| t.kept.peer == peer && t.kept.state == TransferState::Offered)
            .map(|(id, _)| *id)
            .collect();
        for id in offered {
            self.close_offer_question(id, why);
            self.drop_transfer(id, Failure::new(ErrorCode::Withdrawn, format!("the session ended: {why}")));
        }
    }

    pub(crate) fn close_offer_question(&mut self, id: TransferId, why: &str) {
        if let Some(question) = self.questions.of_transfer(id)
            && self.questions.close(&question).is_some()
        {
            self.tell(News::QuestionGone { id: question, why: why.to_owned(), code: None });
        }
    }

    /// A session is connected (again): everything that waited for it goes on.
    pub(crate) fn go_on_with_transfers(&mut self, session: SessionId) {
        let Some(peer) = self.sessions.get(&session).map(|s| s.kept.peer) else { return };
        let waiting: Vec<(TransferId, Direction, TransferState)> = self
            .transfers
            .iter()
            .filter(|(_, t)| t.kept.peer == peer && !t.is_over() && !t.kept.held)
            .map(|(id, t)| (*id, t.kept.direction, t.kept.state))
            .collect();
        for (id, direction, state) in waiting {
            match (direction, state) {
                (Direction::Out, TransferState::Offered) => self.offer(id),
                (Direction::Out, _) => {
                    self.post_to(&peer, Frame::Moving { transfer: id });
                }
                (Direction::In, TransferState::Offered) => {}
                (Direction::In, _) => self.fetch(id),
            }
        }
    }

    pub(crate) async fn transfers_due(&mut self) {
        let now = self.clock.now();
        let due: Vec<TransferId> =
            self.transfers.iter().filter(|(_, t)| t.retry_at.is_some_and(|at| at <= now)).map(|(id, _)| *id).collect();
        for id in due {
            if let Some(transfer) = self.transfers.get_mut(&id) {
                transfer.retry_at = None;
            }
            self.fetch(id);
        }
        for (question, transfer) in self.questions.lapsed(now) {
            self.questions.close(&question);
            self.tell(News::QuestionGone {
                id: question,
                why: "nobody answered in time".into(),
                code: Some(ErrorCode::Expired),
            });
            self.refuse_offer(transfer, &Failure::new(ErrorCode::Expired, "nobody answered in time"));
        }
    }

    pub(crate) fn transfers_deadline(&self) -> Option<u64> {
        self.transfers.values().filter_map(|t| t.retry_at).min()
    }

    /// The agent stops: lanes end at once, journals keep what is there.
    pub(crate) fn pause_transfers_for_stop(&mut self) {
        for transfer in self.transfers.values_mut() {
            if let Some(moving) = transfer.moving.take() {
                moving.stop.pause();
                moving.abort.abort();
                transfer.kept.state = TransferState::Paused;
                transfer.kept.why = Some("the agent stopped".into());
            }
        }
    }
}

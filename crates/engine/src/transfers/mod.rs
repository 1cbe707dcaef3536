//! Files and folders under way. What happens next is decided by the machines in [`machine`]; the work itself is
//! `hither_transfer`'s and runs on threads of its own; here the one's decisions are carried out with the other, and
//! everybody is told.

mod course;
mod ending;
mod incoming;
mod items;
mod machine;
mod offers;
mod outgoing;
mod posted;
mod receipts;
mod requests;
mod revive;
mod rows;
mod threads;

pub(crate) use requests::Standing;
pub(crate) use threads::{Posted, Report, post};

use crate::{state::State, store::KeptTransfer};
use course::Course;
use hither_model::{
    ErrorCode, Failure, News, PeerId, SessionId, TransferId, TransferState,
    row::{Direction, FailedItem},
};
use hither_protocol::session::Frame;
use hither_socket::{BlockingLane, LaneAbort};
use hither_transfer::{Abandon, Manifest, Plan, Receiving, Sender, Stop};
use machine::{Past, incoming::Incoming, outgoing::Outgoing};
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

/// One transfer: where it stands, and what its steps are done with.
pub(crate) struct Transfer {
    pub(crate) kept: KeptTransfer,
    course: Course,
    tool: Tool,
    moving: Option<Moving>,
    /// What the receiver wants: until it is said, or on the sender's side until the lane stands.
    plan: Option<Plan>,
    /// A lane that stands, on its way to a thread.
    lane: Option<BlockingLane>,
    /// The receiver's side: what is offered, until the inbox is opened for it.
    offered: Option<(Arc<Manifest>, Arc<Vec<u8>>)>,
    /// Stops the preparation.
    halt: Stop,
    /// What is sent: to refuse the same twice at once.
    sources: Vec<PathBuf>,
    pace: Pace,
    /// The encoded list, until a thread has written it down.
    list: Option<Arc<Vec<u8>>>,
    /// The receiver's side: the receipt to be signed, and where the items are.
    made: Option<(Vec<u8>, Option<String>)>,
    /// The sender's side: a receipt that is not checked yet, and its signature, base64.
    receipt: Option<(String, String)>,
}

impl Transfer {
    /// One of ours: a thread walks the sources.
    fn scanning(kept: KeptTransfer, sources: Vec<PathBuf>) -> Self {
        Self { sources, ..Self::on(Course::Out(Outgoing::scanning()), kept) }
    }

    /// An offer whose list a thread reads.
    fn offered(kept: KeptTransfer) -> Self {
        Self::on(Course::In(Incoming::offered()), kept)
    }

    /// One that an earlier run left; `None` if nobody had consented to it.
    fn revived(mut kept: KeptTransfer) -> Option<Self> {
        let partly = kept.receipt && !kept.canceled;
        let past = Past { state: kept.state, held: kept.held, partly, fetched: kept.fetched };
        let course = match kept.direction {
            Direction::In => Course::In(Incoming::revived(past)?),
            Direction::Out => Course::Out(Outgoing::revived(past)),
        };
        let shown = course.shown();
        if shown != kept.state {
            kept.why = Some("waiting for the other device".into());
        }
        kept.state = shown;
        Some(Self::on(course, kept))
    }

    fn on(course: Course, kept: KeptTransfer) -> Self {
        Self {
            kept,
            course,
            tool: Tool::None,
            moving: None,
            plan: None,
            lane: None,
            offered: None,
            halt: Stop::new(),
            sources: vec![],
            pace: Pace::default(),
            list: None,
            made: None,
            receipt: None,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.kept.state, TransferState::Kept | TransferState::Dropped)
    }

    /// Whether nothing of it is under way, and nothing will be: what is kept of it is known.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_over() && self.moving.is_none() && !self.is_partly()
    }

    /// Whether it ended with some items failed, which can be tried again.
    pub(crate) fn is_partly(&self) -> bool {
        self.course.is_partly()
    }

    /// Bytes a second, smoothed over a few seconds.
    fn progress(&mut self, done: u64, now: u64) -> u64 {
        self.kept.done = done;
        let elapsed = now.saturating_sub(self.pace.at);
        if elapsed >= 200 {
            let fresh = done.saturating_sub(self.pace.done).saturating_mul(1_000) / elapsed.max(1);
            let per_s = if self.pace.per_s == 0 { fresh } else { (self.pace.per_s * 7 + fresh * 3) / 10 };
            self.pace = Pace { at: now, done, per_s };
        }
        self.pace.per_s
    }

    fn failed(&mut self, item: FailedItem) {
        self.kept.failed.retain(|f| f.path != item.path);
        if self.kept.failed.len() < MAX_FAILED {
            self.kept.failed.push(item);
        }
    }
}

impl State {
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
    fn post_about(&self, id: TransferId, frame: Frame) {
        let Some(peer) = self.transfers.get(&id).map(|t| t.kept.peer) else { return };
        if let Some(session) = self.live_session(&peer).and_then(|id| self.sessions.get(&id)) {
            session.post(frame);
        }
    }

    /// Writes what a restart needs.
    fn keep_transfers(&mut self) {
        if self.transfers.len() > MAX_REMEMBERED {
            let oldest = self.transfers.iter().filter(|(_, t)| t.is_over()).min_by_key(|(_, t)| t.kept.at);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.clear(id);
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

    /// A transfer moved to another state: everybody is told.
    fn transfer_is(&mut self, id: TransferId, why: Option<String>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let state = transfer.course.shown();
        transfer.kept.held = transfer.course.is_held();
        transfer.kept.fetched = transfer.course.was_fetched();
        if transfer.kept.state == state && transfer.kept.why == why {
            return;
        }
        transfer.kept.state = state;
        transfer.kept.why = why;
        let row = transfer.row(id);
        self.tell(News::Transfer { transfer: row });
        self.keep_transfers();
    }

    fn close_offer_question(&mut self, id: TransferId, why: String, code: Option<ErrorCode>) {
        if let Some(question) = self.questions.of_transfer(id)
            && self.questions.close(&question).is_some()
        {
            self.tell(News::QuestionGone { id: question, why, code });
        }
    }

    /// The agent stops: lanes end at once, journals keep what is there.
    pub(crate) fn pause_transfers_for_stop(&mut self) {
        for transfer in self.transfers.values_mut() {
            if let Some(moving) = transfer.moving.take() {
                moving.stop.pause();
                moving.abort.abort();
                if !transfer.is_over() {
                    transfer.kept.state = TransferState::Paused;
                    transfer.kept.why = Some("the agent stopped".into());
                }
            }
        }
    }
}

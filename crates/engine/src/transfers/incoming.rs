//! The receiving side after consent: the inbox opened, fetched, received, receipted.

use super::{
    Moving, Tool,
    course::Course,
    machine::incoming::{Event, Outcome, Trouble},
    threads::{self, Begin},
};
use crate::state::State;
use data_encoding::{BASE64, HEXLOWER};
use hither_model::{ErrorCode, Failure, News, PeerId, SessionId, TransferId};
use hither_protocol::{
    Digest,
    session::{FetchPlan, Frame, MAX_RECEIPT, ResumePoint},
};
use hither_socket::{Channel, Proven};
use hither_transfer::{Plan, Ranges, ReceiveEvent, Received, Receiving, Stop, TransferError};

impl State {
    /// Opens the inbox on a thread, which also works out what is wanted. For a new transfer, that it was agreed to is on
    /// disk before anything else is: so no part file is ever without its transfer.
    pub(super) fn open_inbox(&mut self, id: TransferId) {
        let (reporter, list_path) = (self.reporter(id), self.list_of(id));
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let peer = transfer.kept.peer;
        let path = transfer.kept.inbox.clone().unwrap_or_default();
        transfer.halt = Stop::new();
        let halt = transfer.halt.clone();
        if let Some((_, manifest)) = transfer.offered.take() {
            transfer.list = Some(std::sync::Arc::clone(&manifest));
            let executable = transfer.kept.executable;
            let written = self.stale_transfers.mark_and_wait();
            self.tasks.spawn(async move {
                if !matches!(written.await, Ok(Ok(()))) {
                    tracing::warn!("that a transfer was agreed to could not be written down");
                }
                let opened = tokio::task::spawn_blocking(move || {
                    let _ = std::fs::create_dir_all(&path);
                    super::items::write_list(&list_path, &manifest);
                    threads::ready(&reporter, &path, peer, Begin::New { manifest, executable }, &halt);
                });
                let _ = opened.await;
            });
            return;
        }
        let begin = match std::mem::replace(&mut transfer.tool, Tool::None) {
            Tool::Receive(receiving) => Begin::Present(receiving),
            _ => {
                let hash = HEXLOWER.decode(transfer.kept.manifest_hash.as_bytes()).map(<[u8; 32]>::try_from);
                Begin::Again { manifest_hash: hash.ok().and_then(Result::ok).unwrap_or_default() }
            }
        };
        self.tasks.spawn_blocking(move || threads::ready(&reporter, &path, peer, begin, &halt));
    }

    /// The inbox is open and the plan made, or not.
    pub(super) fn ready(&mut self, id: TransferId, outcome: Result<(Box<Receiving>, Plan), TransferError>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let (receiving, plan) = match outcome {
            Ok(ready) => ready,
            Err(error) => return self.receiving(id, Event::NotReady(trouble(error))),
        };
        transfer.kept.done = receiving.kept_bytes();
        transfer.kept.items_done = receiving.kept().count();
        transfer.kept.failed.clear();
        let complete = receiving.is_complete();
        transfer.plan = Some(plan);
        transfer.tool = Tool::Receive(receiving);
        if complete {
            self.make_receipt(id, &[]);
        }
        self.receiving(id, Event::Ready { complete });
    }

    /// The sender is told what we want.
    pub(super) fn fetch(&mut self, id: TransferId) {
        let Some(plan) = self.transfers.get_mut(&id).and_then(|t| t.plan.take()) else { return };
        for frame in fetch_plan(plan).frames(id) {
            self.post_about(id, frame);
        }
    }

    /// Whether a bulk lane for this transfer is expected.
    pub(crate) fn expects_bulk(&self, session: SessionId, id: TransferId) -> Result<(), Failure> {
        let peer: Option<PeerId> = self.sessions.get(&session).map(|s| s.kept.peer);
        let expected = self.transfers.get(&id).filter(|t| Some(t.kept.peer) == peer);
        match expected.map(|t| &t.course) {
            Some(Course::In(machine)) if machine.expects_lane() => Ok(()),
            _ => Err(Failure::new(ErrorCode::Stale, "that transfer is not expected now")),
        }
    }

    /// The lane stands.
    pub(crate) fn receive_on(&mut self, id: TransferId, channel: Channel<Proven>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if !matches!(&transfer.course, Course::In(machine) if machine.expects_lane()) {
            return;
        }
        match channel.into_blocking() {
            Ok(lane) => {
                transfer.lane = Some(lane);
                self.receiving(id, Event::LaneUp);
                if let Some(transfer) = self.transfers.get_mut(&id) {
                    transfer.lane = None;
                }
            }
            Err(error) => self.receiving(id, Event::LaneFailed(error.to_string())),
        }
    }

    /// A thread receives.
    pub(super) fn receive_lane(&mut self, id: TransferId) {
        let reporter = self.reporter(id);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        match (transfer.lane.take(), std::mem::replace(&mut transfer.tool, Tool::None)) {
            (Some(lane), Tool::Receive(receiving)) => {
                let stop = Stop::new();
                transfer.moving = Some(Moving { stop: stop.clone(), abort: lane.abort_handle(), abandon: None });
                self.tasks.spawn_blocking(move || threads::receive(&reporter, receiving, lane, &stop));
            }
            _ => self.receiving(id, Event::Received(Outcome::Broken("the lane is gone".into()))),
        }
    }

    pub(super) fn while_receiving(&mut self, id: TransferId, event: ReceiveEvent) {
        let now = self.clock.now();
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        match event {
            ReceiveEvent::Progress { done, total } => {
                let bytes_per_s = transfer.progress(done, now);
                self.receiving(id, Event::Progressed);
                self.tell(News::Progress { transfer: id, done, total, bytes_per_s });
            }
            ReceiveEvent::Kept { items, path, bytes, blake3 } => {
                transfer.kept.items_done += items.count();
                let total = transfer.kept.items_done;
                let (items, blake3) = (items.count(), HEXLOWER.encode(&blake3));
                let done = transfer.kept.done;
                self.post_about(id, Frame::Kept { transfer: id, items: total, bytes: done });
                self.tell(News::Kept { transfer: id, path, bytes, blake3, items });
            }
            ReceiveEvent::Failed { item, row } => {
                transfer.failed(row.clone());
                let why = hither_model::text::shortened(&row.why, 400);
                self.post_about(id, Frame::ItemFailed { transfer: id, item, code: row.code, why });
                self.tell(News::ItemFailed { transfer: id, item: row });
            }
        }
    }

    /// A lane was received to its end, or broke.
    pub(super) fn received(
        &mut self,
        id: TransferId,
        receiving: Box<Receiving>,
        outcome: Result<Received, TransferError>,
    ) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.moving = None;
        transfer.kept.items_done = receiving.kept().count();
        transfer.kept.done = receiving.kept_bytes();
        let complete = receiving.is_complete();
        transfer.tool = Tool::Receive(receiving);
        let outcome = match outcome {
            Ok(received) => {
                transfer.kept.failed = received.failed;
                match self.make_receipt(id, &received.names) {
                    Some(failure) => Outcome::TooLong(failure),
                    None if complete => Outcome::Complete,
                    None => Outcome::Partly,
                }
            }
            Err(error @ (TransferError::LaneBroken(_) | TransferError::LaneEnded)) => {
                Outcome::Broken(error.to_string())
            }
            Err(error) => Outcome::Trouble(trouble(error)),
        };
        self.receiving(id, Event::Received(outcome));
    }

    /// The receipt over what is on disk, to be signed when it is settled. Says so if it is too long to be sent.
    fn make_receipt(&mut self, id: TransferId, names: &[String]) -> Option<Failure> {
        let unix = self.clock.unix();
        let transfer = self.transfers.get_mut(&id)?;
        let Tool::Receive(receiving) = &transfer.tool else { return None };
        let receipt = receiving.receipt(unix).encode();
        if BASE64.encode_len(receipt.len()) > MAX_RECEIPT {
            return Some(
                Failure::new(ErrorCode::TooLarge, "too many separate items failed to list them in one receipt")
                    .hint("resume it once the cause is gone; what is kept stays"),
            );
        }
        let inbox = transfer.kept.inbox.as_ref();
        let path = inbox.map(|inbox| match names {
            [one] => inbox.join(one),
            _ => inbox.clone(),
        });
        transfer.made = Some((receipt, path.map(|path| path.display().to_string())));
        None
    }

    /// Every item is settled: the receipt says which are on disk, signed with our key.
    pub(super) fn settle_received(&mut self, id: TransferId, complete: bool) {
        let Some((receipt, path)) = self.transfers.get_mut(&id).and_then(|t| t.made.take()) else { return };
        match self.me.sign(&receipt) {
            Ok(signature) => {
                if let Some(transfer) = self.transfers.get_mut(&id) {
                    transfer.kept.receipt_text = Some((BASE64.encode(&receipt), BASE64.encode(&signature)));
                }
                self.repeat_receipt(id);
            }
            Err(error) => tracing::error!(%error, "a receipt could not be signed"),
        }
        self.settled(id, complete, path);
    }

    /// Sends the receipt, again if it was lost.
    pub(super) fn repeat_receipt(&self, id: TransferId) {
        let text = self.transfers.get(&id).and_then(|t| t.kept.receipt_text.clone());
        if let Some((receipt, signature)) = text {
            self.post_about(id, Frame::Receipt { transfer: id, receipt, signature });
        }
    }
}

/// What an error means for a transfer that was agreed to.
fn trouble(error: TransferError) -> Trouble {
    if matches!(error, TransferError::Paused | TransferError::Canceled) {
        return Trouble::Stopped;
    }
    let may_pass = error.may_pass();
    let failure = match error {
        TransferError::NothingToResume => {
            Failure::new(ErrorCode::StorageFailed, "what was received of it so far is not in its inbox")
                .hint("if the inbox is on a disk of its own, connect it; or cancel the transfer")
        }
        error => Failure::from(error),
    };
    if may_pass { Trouble::Local(failure) } else { Trouble::Final(failure) }
}

fn inclusive(ranges: Ranges) -> Vec<(u32, u32)> {
    let pairs: Vec<(u32, u32)> = ranges.into();
    pairs.into_iter().map(|(start, end)| (start, end.saturating_sub(1))).collect()
}

fn fetch_plan(plan: Plan) -> FetchPlan {
    let points = plan.points.into_iter();
    FetchPlan {
        points: points.map(|p| ResumePoint { item: p.item, offset: p.offset, prefix: Digest(p.prefix) }).collect(),
        done: inclusive(plan.skip),
        only: plan.only.map(inclusive),
    }
}

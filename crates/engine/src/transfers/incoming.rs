//! The receiving side after consent: fetched, kept, receipted.

use super::{
    Moving, Tool,
    threads::{self, Begin},
};
use crate::state::State;
use data_encoding::{BASE64, HEXLOWER};
use hither_model::{ErrorCode, Failure, News, PeerId, SessionId, TransferId, TransferState};
use hither_protocol::{
    Digest,
    session::{FetchPlan, Frame, MAX_RECEIPT, ResumePoint},
};
use hither_socket::{Channel, Proven};
use hither_transfer::{Plan, Ranges, ReceiveEvent, Received, Receiving, Stop, TransferError};

impl State {
    /// The inbox is open and the plan made: the sender is told what we want.
    pub(super) fn ready(&mut self, id: TransferId, outcome: Result<(Box<Receiving>, Plan), Failure>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.preparing = false;
        let (receiving, plan) = match outcome {
            Ok(ready) => ready,
            Err(failure) if transfer.kept.state == TransferState::Offered => return self.refuse_offer(id, &failure),
            Err(failure) => {
                let peer = transfer.kept.peer;
                let why = Some(failure.message.clone());
                self.post_to(&peer, Frame::Cancel { transfer: id, why });
                return self.drop_transfer(id, failure);
            }
        };
        let peer = transfer.kept.peer;
        transfer.kept.done = receiving.kept_bytes();
        transfer.kept.items_done = receiving.kept().count();
        transfer.kept.failed.clear();
        let complete = receiving.is_complete();
        transfer.tool = Tool::Receive(receiving);
        if complete {
            return self.all_received(id, vec![]);
        }
        let first = transfer.kept.state == TransferState::Offered;
        transfer.expecting = true;
        if first {
            self.transfer_is(id, TransferState::Accepted, None);
        }
        let Some(session) = self.live_session(&peer) else {
            return self.interrupt(id, "the devices are not connected");
        };
        if first {
            self.answer_offer_with(session, id, Ok(()));
        }
        for frame in fetch_plan(plan).frames(id) {
            self.post_to(&peer, frame);
        }
    }

    /// Works out what is still wanted and asks for it.
    pub(crate) fn fetch(&mut self, id: TransferId) {
        let reporter = self.reporter(id);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.again = transfer.moving.is_some() && !transfer.kept.held;
        if transfer.preparing || transfer.moving.is_some() || transfer.expecting || transfer.kept.held {
            return;
        }
        let peer = transfer.kept.peer;
        let Some(path) = transfer.kept.inbox.clone() else { return };
        let begin = match std::mem::replace(&mut transfer.tool, Tool::None) {
            Tool::Receive(receiving) => Begin::Present(receiving),
            _ => match HEXLOWER.decode(transfer.kept.manifest_hash.as_bytes()).map(<[u8; 32]>::try_from) {
                Ok(Ok(manifest_hash)) => Begin::Again { manifest_hash },
                _ => return,
            },
        };
        transfer.preparing = true;
        transfer.halt = hither_transfer::Stop::new();
        let halt = transfer.halt.clone();
        self.tasks.spawn_blocking(move || threads::ready(&reporter, &path, peer, begin, &halt));
    }

    /// The sender asks how far it is: we fetch what is missing, or repeat the receipt.
    pub(super) fn go_on_receiving(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get(&id) else { return };
        if let Some((receipt, signature)) = transfer.kept.receipt_text.clone().filter(|_| transfer.is_over()) {
            let peer = transfer.kept.peer;
            self.post_to(&peer, Frame::Receipt { transfer: id, receipt, signature });
        } else if !transfer.is_over() {
            self.fetch(id);
        }
    }

    /// Whether a bulk lane for this transfer is expected.
    pub(crate) fn expects_bulk(&self, session: SessionId, id: TransferId) -> Result<(), Failure> {
        let peer: Option<PeerId> = self.sessions.get(&session).map(|s| s.kept.peer);
        match self.transfers.get(&id) {
            Some(t) if Some(t.kept.peer) == peer && t.expecting && matches!(t.tool, Tool::Receive(_)) => Ok(()),
            _ => Err(Failure::new(ErrorCode::Stale, "that transfer is not expected now")),
        }
    }

    /// The lane stands: a thread receives.
    pub(crate) fn receive_on(&mut self, id: TransferId, channel: Channel<Proven>) {
        let reporter = self.reporter(id);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if !transfer.expecting {
            return;
        }
        let lane = match channel.into_blocking() {
            Ok(lane) => lane,
            Err(error) => return self.interrupt(id, &error.to_string()),
        };
        let Tool::Receive(receiving) = std::mem::replace(&mut transfer.tool, Tool::None) else { return };
        let stop = Stop::new();
        transfer.expecting = false;
        transfer.moving = Some(Moving { stop: stop.clone(), abort: lane.abort_handle(), abandon: None });
        self.tasks.spawn_blocking(move || threads::receive(&reporter, receiving, lane, &stop));
        self.transfer_is(id, TransferState::Moving, None);
    }

    pub(super) fn while_receiving(&mut self, id: TransferId, event: ReceiveEvent) {
        let now = self.clock.now();
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let peer = transfer.kept.peer;
        match event {
            ReceiveEvent::Progress { done, total } => {
                transfer.retries = 0;
                let bytes_per_s = transfer.progress(done, now);
                self.tell(News::Progress { transfer: id, done, total, bytes_per_s });
            }
            ReceiveEvent::Kept { items, path, bytes, blake3 } => {
                transfer.kept.items_done += items.count();
                let total = transfer.kept.items_done;
                let (items, blake3) = (items.count(), HEXLOWER.encode(&blake3));
                let done = transfer.kept.done;
                self.post_to(&peer, Frame::Kept { transfer: id, items: total, bytes: done });
                self.tell(News::Kept { transfer: id, path, bytes, blake3, items });
            }
            ReceiveEvent::Failed { item, row } => {
                transfer.failed(row.clone());
                let why = hither_model::text::shortened(&row.why, 400);
                self.post_to(&peer, Frame::ItemFailed { transfer: id, item, code: row.code, why });
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
        let again = std::mem::take(&mut transfer.again);
        transfer.kept.items_done = receiving.kept().count();
        transfer.kept.done = receiving.kept_bytes();
        if transfer.is_over() {
            // Cancelled meanwhile: no part of it stays.
            self.tasks.spawn_blocking(move || receiving.discard());
            return;
        }
        transfer.tool = Tool::Receive(receiving);
        if again && matches!(outcome, Err(TransferError::Paused | TransferError::LaneBroken(_))) {
            return self.fetch(id);
        }
        match outcome {
            Ok(received) => {
                transfer.kept.failed.clear();
                for item in received.failed {
                    transfer.failed(item);
                }
                self.all_received(id, received.names);
            }
            Err(TransferError::Canceled) => {}
            Err(TransferError::Paused) if transfer.kept.state == TransferState::Paused => {}
            Err(TransferError::Paused) => self.transfer_is(id, TransferState::Paused, Some("paused".into())),
            Err(
                error @ (TransferError::Breach(_) | TransferError::InboxGone { .. } | TransferError::Storage { .. }),
            ) => {
                let failure = Failure::from(error);
                let peer = transfer.kept.peer;
                self.post_to(&peer, Frame::Cancel { transfer: id, why: Some(failure.message.clone()) });
                self.drop_transfer(id, failure);
            }
            Err(error) => self.interrupt(id, &error.to_string()),
        }
    }

    /// Every item is settled: the receipt says which are on disk, signed with our key.
    fn all_received(&mut self, id: TransferId, names: Vec<String>) {
        let unix = self.clock.unix();
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let Tool::Receive(receiving) = std::mem::replace(&mut transfer.tool, Tool::None) else { return };
        let receipt = receiving.receipt(unix).encode();
        let peer = transfer.kept.peer;
        if BASE64.encode_len(receipt.len()) > MAX_RECEIPT {
            transfer.tool = Tool::Receive(receiving);
            let failure =
                Failure::new(ErrorCode::TooLarge, "too many separate items failed to list them in one receipt")
                    .hint("resume it once the cause is gone; what is kept stays");
            self.post_to(&peer, Frame::Cancel { transfer: id, why: Some(failure.message.clone()) });
            return self.drop_transfer(id, failure);
        }
        match self.me.sign(&receipt) {
            Ok(signature) => {
                let text = (BASE64.encode(&receipt), BASE64.encode(&signature));
                transfer.kept.receipt_text = Some(text.clone());
                transfer.kept.receipt = true;
                self.post_to(&peer, Frame::Receipt { transfer: id, receipt: text.0, signature: text.1 });
            }
            Err(error) => tracing::error!(%error, "a receipt could not be signed"),
        }
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let inbox = transfer.kept.inbox.clone();
        let path = match (inbox, names.as_slice()) {
            (Some(inbox), [one]) => Some(inbox.join(one).display().to_string()),
            (Some(inbox), _) => Some(inbox.display().to_string()),
            (None, _) => None,
        };
        if receiving.is_complete() {
            self.settle(id, path);
            self.tasks.spawn_blocking(move || receiving.retire());
        } else {
            transfer.tool = Tool::Receive(receiving);
            self.settle(id, path);
        }
    }
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

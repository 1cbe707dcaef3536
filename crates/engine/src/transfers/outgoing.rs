//! The sending side: offered, answered, fetched, sent, receipted.

use super::{
    Moving, Tool, Transfer,
    threads::{self, Reporter, Then},
};
use crate::{asks::Reply, clock::random, lanes::Use, state::State, store::KeptTransfer};
use data_encoding::{BASE64, HEXLOWER};
use hither_identity::certificate;
use hither_model::{Answer, ErrorCode, Failure, News, TransferId, TransferState, row::Direction};
use hither_protocol::{
    Digest,
    session::{FetchPlan, Frame, Purpose, offer_frames},
};
use hither_socket::{Channel, Proven};
use hither_transfer::{Plan, Ranges, Receipt, ReceiptFault, ResumePoint, SendOutcome, Sender, Stop, TransferError};
use std::path::PathBuf;

impl State {
    /// Offers files and folders to a device with an open session.
    pub(crate) fn send(&mut self, wanted: &str, paths: Vec<PathBuf>, reply: Reply) {
        let session = match self.may_send(wanted, &paths) {
            Ok(session) => session,
            Err(failure) => {
                let _ = reply.send(Err(failure));
                return;
            }
        };
        let Some(open) = self.sessions.get(&session) else { return };
        let (peer, name) = (open.kept.peer, open.kept.name.to_string());
        let transfer = TransferId::new(random());
        let kept = KeptTransfer::offered(peer, name, Direction::Out, self.clock.unix());
        let mut entry = Transfer::new(kept);
        entry.sources.clone_from(&paths);
        entry.preparing = true;
        self.transfers.insert(transfer, entry);
        let (reporter, directory) = (self.reporter(transfer), self.outgoing_dir());
        self.tasks.spawn_blocking(move || threads::prepare(&reporter, directory, peer, &paths, reply));
    }

    fn may_send(&self, wanted: &str, paths: &[PathBuf]) -> Result<hither_model::SessionId, Failure> {
        let session = self.session_for_new(wanted)?;
        let peer = self.sessions.get(&session).map(|s| s.kept.peer);
        if paths.is_empty() || paths.iter().any(|p| p.is_relative()) {
            return Err(Failure::new(ErrorCode::Misuse, "absolute paths of files or folders are needed"));
        }
        let unfinished = self.transfers.values().filter(|t| !t.is_over());
        if unfinished.clone().count() >= super::MAX_UNFINISHED {
            return Err(Failure::new(ErrorCode::Busy, format!("{} transfers are under way", super::MAX_UNFINISHED))
                .hint("wait for some to end, or cancel some"));
        }
        let mut same = unfinished.filter(|t| t.kept.direction == Direction::Out && Some(t.kept.peer) == peer);
        if same.any(|t| t.sources == paths) {
            return Err(Failure::new(ErrorCode::Busy, "exactly this is being sent to them already")
                .hint("run `hither transfers` to see it"));
        }
        Ok(session)
    }

    pub(super) fn reporter(&self, transfer: TransferId) -> Reporter {
        Reporter { transfer, events: self.events.clone() }
    }

    pub(super) fn outgoing_dir(&self) -> PathBuf {
        self.profile_dir.join("outgoing")
    }

    /// The sources were walked: the offer goes out.
    pub(super) fn scanned(&mut self, id: TransferId, outcome: Result<Box<Sender>, Failure>, reply: Reply) {
        let sender = match outcome {
            Ok(sender) => sender,
            Err(failure) => {
                self.transfers.remove(&id);
                let _ = reply.send(Err(failure));
                return;
            }
        };
        let list_path = self.list_of(id);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let manifest = sender.outgoing().manifest();
        let summary = manifest.summary();
        transfer.kept.title = summary.title;
        transfer.kept.items = summary.items;
        transfer.kept.total = summary.bytes;
        transfer.kept.manifest_hash = HEXLOWER.encode(&manifest.hash());
        let skipped = sender.outgoing().scan().skipped().to_vec();
        let (list, bytes) = (list_path, manifest.encode());
        self.tasks.spawn_blocking(move || super::items::write_list(&list, &bytes));
        transfer.tool = Tool::Send(sender);
        transfer.preparing = false;
        let (items, bytes, peer) = (summary.items, summary.bytes, transfer.kept.peer);
        self.keep_transfers();
        let _ = reply.send(Ok(Answer::Offered { transfer: id, items, bytes, skipped }));
        self.tell(News::Offered { transfer: id, peer, direction: Direction::Out, items, bytes });
        self.offer(id);
    }

    /// Sends the offer, again if it was not answered before the connection broke.
    pub(crate) fn offer(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get(&id) else { return };
        let Tool::Send(sender) = &transfer.tool else { return self.load(id, Then::Offer) };
        let manifest = sender.outgoing().manifest();
        let bytes = manifest.encode();
        let hash = Digest(manifest.hash());
        let Ok(frames) = offer_frames(id, transfer.kept.items, transfer.kept.total, &bytes, hash) else {
            return self.drop_transfer(id, Failure::new(ErrorCode::TooLarge, "the list of files is too long"));
        };
        let session = self.live_session(&transfer.kept.peer).and_then(|s| self.sessions.get(&s));
        let Some(queue) = session.and_then(|s| s.link.as_ref()).map(|link| link.frames.clone()) else { return };
        // A long list waits for its turn in the queue without holding up the engine.
        self.tasks.spawn(async move {
            for frame in frames {
                if queue.send(frame).await.is_err() {
                    break;
                }
            }
        });
    }

    fn load(&mut self, id: TransferId, then: Then) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if transfer.preparing || transfer.moving.is_some() {
            return;
        }
        transfer.preparing = true;
        let (reporter, directory) = (self.reporter(id), self.outgoing_dir());
        self.tasks.spawn_blocking(move || threads::load(&reporter, &directory, then));
    }

    pub(super) fn loaded(&mut self, id: TransferId, outcome: Result<Box<Sender>, Failure>, then: Then) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.preparing = false;
        match outcome {
            Ok(sender) => transfer.tool = Tool::Send(sender),
            Err(failure) => return self.drop_transfer(id, failure),
        }
        match then {
            Then::Offer => self.offer(id),
            Then::Send => self.start_sending(id),
            Then::Receipt => self.check_receipt(id, false),
            Then::Recalled => self.check_receipt(id, true),
        }
    }

    /// The other person answered our offer.
    pub(super) fn offer_answered(&mut self, id: TransferId, ok: bool, code: Option<ErrorCode>, why: Option<String>) {
        if ok {
            return self.transfer_is(id, TransferState::Accepted, None);
        }
        let why = why.map_or_else(|| "the other person declined".into(), |w| hither_model::text::printable(&w));
        self.forget_outgoing(id);
        self.drop_transfer(id, Failure::new(code.unwrap_or(ErrorCode::Declined), why));
    }

    /// The receiver says what it wants: a lane is asked for.
    pub(super) fn fetched(&mut self, id: TransferId, wanted: FetchPlan) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if transfer.kept.held {
            let peer = transfer.kept.peer;
            self.post_to(&peer, Frame::Pause { transfer: id });
            return;
        }
        transfer.plan = Some(plan(wanted));
        match &transfer.moving {
            // An older lane is still at work: it ends first, and its end starts this one.
            Some(moving) => {
                moving.stop.pause();
                moving.abort.abort();
            }
            None => self.start_sending(id),
        }
    }

    fn start_sending(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if transfer.plan.is_none() {
            return;
        }
        if !matches!(transfer.tool, Tool::Send(_)) {
            return self.load(id, Then::Send);
        }
        let peer = transfer.kept.peer;
        transfer.kept.failed.clear();
        match self.live_session(&peer) {
            Some(session) => self.request_lane(session, Purpose::Bulk { transfer: id }, Use::Send(id)),
            None => self.interrupt(id, "the devices are not connected"),
        }
    }

    /// The lane stands: a thread sends.
    pub(crate) fn send_on(&mut self, id: TransferId, channel: Channel<Proven>) {
        let reporter = self.reporter(id);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let Some(plan) = transfer.plan.take() else { return };
        let lane = match channel.into_blocking() {
            Ok(lane) => lane,
            Err(error) => return self.interrupt(id, &error.to_string()),
        };
        let Tool::Send(sender) = std::mem::replace(&mut transfer.tool, Tool::None) else { return };
        let stop = Stop::new();
        transfer.moving =
            Some(Moving { stop: stop.clone(), abort: lane.abort_handle(), abandon: Some(sender.abandon()) });
        self.tasks.spawn_blocking(move || threads::send(&reporter, sender, lane, &plan, &stop));
        self.transfer_is(id, TransferState::Moving, None);
    }

    /// A lane was sent to its end, or broke.
    pub(super) fn sent(&mut self, id: TransferId, sender: Box<Sender>, outcome: Result<SendOutcome, TransferError>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.tool = Tool::Send(sender);
        transfer.moving = None;
        if transfer.is_over() {
            return;
        }
        if transfer.plan.is_some() {
            return self.start_sending(id);
        }
        match outcome {
            Ok(outcome) => {
                for item in outcome.failed {
                    transfer.failed(item);
                }
                self.transfer_is(id, TransferState::Checking, None);
                self.check_receipt(id, false);
            }
            Err(TransferError::Canceled) => {}
            Err(TransferError::Paused) if transfer.kept.state == TransferState::Paused => {}
            Err(TransferError::Paused) => self.transfer_is(id, TransferState::Paused, Some("paused".into())),
            // Why it stands still is known already; the lane broke because of that.
            Err(_) if transfer.kept.state == TransferState::Paused => {}
            Err(error) => self.interrupt(id, &error.to_string()),
        }
    }

    /// The receiver's signed receipt: it says what is on disk there.
    pub(super) fn receipted(&mut self, id: TransferId, receipt: String, signature: String) {
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.kept.receipt_text = Some((receipt, signature));
        }
        self.check_receipt(id, false);
    }

    fn check_receipt(&mut self, id: TransferId, recalled: bool) {
        let Some(transfer) = self.transfers.get(&id) else { return };
        let Some((receipt, signature)) = transfer.kept.receipt_text.clone() else { return };
        if transfer.moving.is_some() || transfer.is_over() {
            return;
        }
        if !matches!(transfer.tool, Tool::Send(_)) {
            return self.load(id, Then::Receipt);
        }
        let session = self.live_session(&transfer.kept.peer).and_then(|s| self.sessions.get(&s));
        let Some(proof) = session.and_then(|s| s.proof.clone()) else { return };
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let Tool::Send(sender) = &transfer.tool else { return };
        let manifest = sender.outgoing().manifest();
        let checked = read_receipt(&receipt, &signature, &proof.peer_certificate_der).and_then(|receipt| match receipt
            .verify(id, manifest, sender.outgoing().digests())
        {
            Ok(()) => Ok(receipt),
            Err(ReceiptFault::Unknown) if !recalled => Err(Unsure::Recall(receipt.kept)),
            Err(fault) => Err(Unsure::Bad(bad_receipt(&fault.to_string()))),
        });
        match checked {
            Ok(receipt) => {
                let complete = receipt.is_complete(manifest);
                let failed: Vec<_> = receipt
                    .failed
                    .iter()
                    .map(|(item, code)| hither_model::row::FailedItem {
                        path: manifest.path_text(*item),
                        code: *code,
                        why: format!("the other side could not keep it ({code})"),
                    })
                    .collect();
                transfer.kept.items_done = receipt.items();
                transfer.kept.receipt = true;
                if complete {
                    transfer.kept.failed.clear();
                } else {
                    for item in failed {
                        if !transfer.kept.failed.iter().any(|f| f.path == item.path) {
                            transfer.failed(item);
                        }
                    }
                }
                self.settle(id, None);
                if complete {
                    self.forget_outgoing(id);
                }
            }
            Err(Unsure::Bad(failure)) => self.drop_transfer(id, failure),
            Err(Unsure::Recall(kept)) => self.recall(id, kept),
        }
    }

    /// The hashes of what an earlier run sent were lost with it: the sources are hashed again.
    fn recall(&mut self, id: TransferId, kept: Ranges) {
        let reporter = self.reporter(id);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let Tool::Send(sender) = std::mem::replace(&mut transfer.tool, Tool::None) else { return };
        transfer.preparing = true;
        let stop = transfer.halt.clone();
        self.tasks.spawn_blocking(move || threads::recall(&reporter, sender, &kept, &stop));
    }

    /// Removes what a restart would have needed.
    pub(super) fn forget_outgoing(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let tool = std::mem::replace(&mut transfer.tool, Tool::None);
        let directory = self.outgoing_dir();
        self.tasks.spawn_blocking(move || {
            let outgoing = match tool {
                Tool::Send(sender) => Ok(sender.into_outgoing()),
                _ => hither_transfer::Outgoing::load(&directory, id),
            };
            if let Err(error) = outgoing.and_then(hither_transfer::Outgoing::forget) {
                tracing::debug!(%error, "nothing to forget");
            }
        });
    }

    pub(super) fn while_sending(&mut self, id: TransferId, event: hither_transfer::SendEvent) {
        use hither_transfer::SendEvent;
        let now = self.clock.now();
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        match event {
            SendEvent::Progress { done, total } => {
                let bytes_per_s = transfer.progress(done, now);
                self.tell(News::Progress { transfer: id, done, total, bytes_per_s });
            }
            SendEvent::Failed { row, .. } => {
                transfer.failed(row.clone());
                self.tell(News::ItemFailed { transfer: id, item: row });
            }
            SendEvent::Sent { .. } | SendEvent::Restarted { .. } => {}
        }
    }
}

/// Why a receipt is not believed, or not yet.
enum Unsure {
    Bad(Failure),
    Recall(Ranges),
}

/// A receipt whose signature is the peer's.
fn read_receipt(receipt: &str, signature: &str, certificate_der: &[u8]) -> Result<Receipt, Unsure> {
    let bad = |why: String| Unsure::Bad(bad_receipt(&why));
    let bytes = BASE64.decode(receipt.as_bytes()).map_err(|e| bad(e.to_string()))?;
    let signature = BASE64.decode(signature.as_bytes()).map_err(|e| bad(e.to_string()))?;
    certificate::verify(certificate_der, &bytes, &signature).map_err(|e| bad(e.to_string()))?;
    Receipt::decode(&bytes).map_err(|e| bad(e.to_string()))
}

fn bad_receipt(why: &str) -> Failure {
    Failure::new(ErrorCode::DigestWrong, format!("the receipt of the other side does not hold: {why}"))
        .hint("send it again; do not delete the original")
}

fn ranges(inclusive: &[(u32, u32)]) -> Ranges {
    let mut all = Ranges::new();
    for (first, last) in inclusive {
        all.extend(&Ranges::of(*first, last.saturating_add(1)));
    }
    all
}

fn plan(wanted: FetchPlan) -> Plan {
    let points = wanted.points.into_iter();
    Plan {
        points: points.map(|p| ResumePoint { item: p.item, offset: p.offset, prefix: p.prefix.0 }).collect(),
        skip: ranges(&wanted.done),
        only: wanted.only.as_deref().map(ranges),
    }
}

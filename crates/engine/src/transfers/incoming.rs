//! The receiving side: offered, judged, consented to, fetched, kept, receipted. Nothing touches the disk before a yes.

use super::{
    Moving, Tool, Transfer,
    threads::{self, Begin},
};
use crate::{
    questions::{Asker, Question, Verdict},
    state::State,
    store::KeptTransfer,
};
use data_encoding::{BASE64, HEXLOWER};
use hither_model::{
    ErrorCode, Failure, News, PeerId, SessionId, TransferId, TransferState, Trust,
    row::{Direction, QuestionKind, QuestionRow},
};
use hither_protocol::{
    Digest,
    session::{FetchPlan, Frame, OfferIntake, ResumePoint},
};
use hither_socket::{Channel, Proven};
use hither_transfer::{Manifest, Plan, Ranges, ReceiveEvent, Received, Receiving, Stop, TransferError};
use std::{path::PathBuf, sync::Arc};

/// Offers whose lists are still coming in, for one session.
const MAX_INTAKES: usize = 2;
/// How long an offer waits for its answer, milliseconds.
const OFFER_LASTS: u64 = 10 * 60_000;

impl State {
    /// An offer begins: its list follows in parts.
    pub(super) fn offer_begins(&mut self, session: SessionId, offer: &Frame) {
        let intake = OfferIntake::begin(offer);
        let Some(open) = self.sessions.get_mut(&session) else { return };
        match intake {
            Ok(intake) if open.offers.len() < MAX_INTAKES => {
                open.offers.insert(intake.transfer(), intake);
            }
            Ok(intake) => {
                let failure = Failure::new(ErrorCode::Busy, "too many offers at once");
                self.answer_offer_with(session, intake.transfer(), Err(&failure));
            }
            Err(breach) => self.breach(session, &breach.to_string()),
        }
    }

    pub(super) fn offer_part(&mut self, session: SessionId, id: TransferId, part: &str) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        // Parts of an offer that was refused are read over.
        if let Some(intake) = open.offers.get_mut(&id)
            && let Err(breach) = intake.part(part)
        {
            self.breach(session, &breach.to_string());
        }
    }

    /// The list is complete: it is read on a thread, and every name in it judged before anybody is asked.
    pub(super) fn offer_ends(&mut self, session: SessionId, id: TransferId) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        let Some(intake) = open.offers.remove(&id) else { return };
        let (peer, name) = (open.kept.peer, open.kept.name.to_string());
        let hash = HEXLOWER.encode(&intake.hash().0);
        let bytes = match intake.end() {
            Ok(bytes) => bytes,
            Err(breach) => return self.breach(session, &breach.to_string()),
        };
        if let Some(known) = self.transfers.get(&id) {
            return self.offered_again(session, id, known.kept.peer == peer && known.kept.manifest_hash == hash);
        }
        let unfinished = self.transfers.values().filter(|t| !t.is_over() && t.kept.peer == peer).count();
        if unfinished >= super::MAX_UNFINISHED / 4 {
            let failure = Failure::new(ErrorCode::Busy, "too many transfers are under way");
            return self.answer_offer_with(session, id, Err(&failure));
        }
        let kept = KeptTransfer {
            peer,
            name,
            direction: Direction::In,
            state: TransferState::Offered,
            why: None,
            title: String::new(),
            done: 0,
            total: 0,
            items_done: 0,
            items: 0,
            failed: vec![],
            receipt: false,
            manifest_hash: hash,
            inbox: None,
            executable: false,
            held: false,
            receipt_text: None,
            at: self.clock.unix(),
        };
        let mut transfer = Transfer::new(kept);
        transfer.preparing = true;
        self.transfers.insert(id, transfer);
        let reporter = self.reporter(id);
        self.tasks.spawn_blocking(move || threads::judge(&reporter, bytes));
    }

    /// An offer we know: the sender did not hear our answer, or asks for another transfer under a used name (M5).
    fn offered_again(&mut self, session: SessionId, id: TransferId, same: bool) {
        let Some(transfer) = self.transfers.get(&id) else { return };
        match (same, transfer.kept.state) {
            (false, _) => self.breach(session, "it used a transfer's name twice"),
            (true, TransferState::Offered) => {}
            (true, TransferState::Dropped) => {
                let failure = Failure::new(ErrorCode::Declined, "it was refused before");
                self.answer_offer_with(session, id, Err(&failure));
            }
            (true, _) => {
                self.answer_offer_with(session, id, Ok(()));
                self.go_on_receiving(id);
            }
        }
    }

    pub(super) fn answer_offer_with(&mut self, session: SessionId, id: TransferId, answer: Result<(), &Failure>) {
        let (ok, code, why) = match answer {
            Ok(()) => (true, None, None),
            Err(failure) => (false, Some(failure.code), Some(failure.message.clone())),
        };
        if let Some(open) = self.sessions.get(&session) {
            open.post(Frame::OfferAnswer { transfer: id, ok, code, why });
        }
    }

    /// Says no to an offer and forgets it.
    pub(crate) fn refuse_offer(&mut self, id: TransferId, failure: &Failure) {
        let Some(peer) = self.transfers.get(&id).map(|t| t.kept.peer) else { return };
        if let Some(session) = self.live_session(&peer) {
            self.answer_offer_with(session, id, Err(failure));
        }
        self.close_offer_question(id, &failure.message);
        self.drop_transfer(id, failure.clone());
    }

    /// The list was read: a standing consent answers, or a person is asked.
    pub(super) async fn judged(
        &mut self,
        id: TransferId,
        outcome: Result<Arc<Manifest>, Failure>,
        bytes: Arc<Vec<u8>>,
    ) {
        let manifest = match outcome {
            Ok(manifest) => manifest,
            Err(failure) => return self.refuse_offer(id, &failure),
        };
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.preparing = false;
        if HEXLOWER.encode(&manifest.hash()) != transfer.kept.manifest_hash {
            let failure = Failure::new(ErrorCode::DigestWrong, "the list of files is not the one announced");
            return self.refuse_offer(id, &failure);
        }
        let summary = manifest.summary();
        transfer.kept.title = summary.title.clone();
        transfer.kept.items = summary.items;
        transfer.kept.total = summary.bytes;
        transfer.offered = Some((manifest, bytes));
        let (peer, name) = (transfer.kept.peer, transfer.kept.name.clone());
        let (items, bytes) = (summary.items, summary.bytes);
        self.tell(News::Offered { transfer: id, peer, direction: Direction::In, items, bytes });
        let now = self.clock.now();
        let named = self.next_question();
        let row = QuestionRow {
            id: named,
            kind: QuestionKind::Transfer,
            peer,
            name,
            trust: self.people.trust(&peer),
            proven: self.people.find(&peer).map_or(hither_model::Verified::No, |p| p.verified),
            code: None,
            message: None,
            items: Some(items),
            bytes: Some(bytes),
            names: summary.names,
            transfer: Some(id),
            expires: OFFER_LASTS / 1_000,
        };
        let question = Question { row, asker: Asker::Transfer(id), expires_at: now + OFFER_LASTS };
        let row = question.row_at(now);
        self.questions.open(question);
        if let Some(terms) = self.standing_terms(&peer) {
            let _ = self.answer_offer(id, Verdict::Yes(terms)).await;
        } else {
            self.tell(News::Question { question: row });
        }
    }

    /// A person, or a standing consent, answers an offer.
    pub(crate) async fn answer_offer(&mut self, id: TransferId, verdict: Verdict) -> Result<(), Failure> {
        let inbox = self.settings.borrow().inbox.clone();
        let Some(transfer) = self.transfers.get_mut(&id) else { return Err(crate::asks::stale("that offer")) };
        let Verdict::Yes(terms) = verdict else {
            self.refuse_offer(id, &Failure::new(ErrorCode::Declined, "the other person declined"));
            return Ok(());
        };
        let Some((_, manifest)) = transfer.offered.take() else { return Err(crate::asks::stale("that offer")) };
        let peer = transfer.kept.peer;
        let path: PathBuf = terms.to.unwrap_or(inbox);
        transfer.kept.inbox = Some(path.clone());
        transfer.kept.executable = terms.executable;
        transfer.preparing = true;
        if terms.always
            && let Some(person) = self.people.find_mut(&peer).filter(|p| p.trust != Trust::Blocked)
        {
            person.always = true;
            self.keep_people();
        }
        self.close_offer_question(id, "accepted");
        let begin = Begin::New { manifest, executable: terms.executable };
        let reporter = self.reporter(id);
        self.tasks.spawn_blocking(move || {
            let _ = std::fs::create_dir_all(&path);
            threads::ready(&reporter, &path, peer, begin);
        });
        Ok(())
    }

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
        self.tasks.spawn_blocking(move || threads::ready(&reporter, &path, peer, begin));
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
        transfer.kept.items_done = receiving.kept().count();
        transfer.kept.done = receiving.kept_bytes();
        if transfer.is_over() {
            // Cancelled meanwhile: no part of it stays.
            self.tasks.spawn_blocking(move || receiving.discard());
            return;
        }
        transfer.tool = Tool::Receive(receiving);
        match outcome {
            Ok(received) => {
                transfer.kept.failed.clear();
                for item in received.failed {
                    transfer.failed(item);
                }
                self.all_received(id, received.names);
            }
            Err(TransferError::Canceled) => {}
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

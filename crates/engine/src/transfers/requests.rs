//! What people and peers ask of transfers: pause, resume, cancel, receive; and the frames and reports sorted to their
//! places.

use super::{Report, Tool};
use crate::{
    handle::ClientId,
    questions::{Terms, Verdict},
    state::State,
};
use hither_model::{Answer, ErrorCode, Failure, PeerId, SessionId, TransferId, TransferState, row::Direction};
use hither_protocol::session::{FetchIntake, Frame};
use hither_transfer::ReceiveEvent;
use std::path::PathBuf;

/// A client that accepts what is offered for as long as it stays (`hither receive`).
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) client: ClientId,
    pub(crate) to: Option<PathBuf>,
    pub(crate) from: Option<PeerId>,
    pub(crate) once: bool,
}

impl State {
    /// A client begins to accept what is offered, beginning with what waits already.
    pub(crate) async fn receive(
        &mut self,
        client: ClientId,
        to: Option<PathBuf>,
        from: Option<String>,
        once: bool,
    ) -> Result<Answer, Failure> {
        let from = from.map(|wanted| self.peer_named(&wanted)).transpose()?;
        self.standing.push(Standing { client, to, from, once });
        let waiting: Vec<(TransferId, PeerId)> =
            self.transfers.iter().filter(|(_, t)| t.offered.is_some()).map(|(id, t)| (*id, t.kept.peer)).collect();
        for (id, peer) in waiting {
            if let Some(terms) = self.standing_terms(&peer) {
                self.answer_offer(id, Verdict::Yes(terms)).await?;
            }
        }
        Ok(Answer::Done)
    }

    /// The terms on which somebody who stands ready takes an offer of that device.
    pub(super) fn standing_terms(&mut self, peer: &PeerId) -> Option<Terms> {
        let index = self.standing.iter().position(|s| s.from.is_none_or(|from| from == *peer))?;
        let standing = self.standing.get(index)?;
        let terms = Terms { to: standing.to.clone(), ..Terms::default() };
        if standing.once {
            self.standing.remove(index);
        }
        Some(terms)
    }

    pub(crate) fn pause_transfer(&mut self, wanted: &str) -> Result<Answer, Failure> {
        let id = self.transfer_named(wanted)?;
        self.unfinished(id)?;
        let Some(transfer) = self.transfers.get_mut(&id) else { return Err(crate::asks::stale("that transfer")) };
        if transfer.kept.state == TransferState::Offered {
            return Err(Failure::new(ErrorCode::Misuse, "it is not moving yet").hint("cancel it instead"));
        }
        let peer = transfer.kept.peer;
        self.hold(id, "paused here");
        self.post_to(&peer, Frame::Pause { transfer: id });
        Ok(Answer::Done)
    }

    fn hold(&mut self, id: TransferId, why: &str) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.kept.held = true;
        transfer.retry_at = None;
        transfer.expecting = false;
        transfer.again = false;
        transfer.plan = None;
        if let Some(moving) = &transfer.moving {
            moving.stop.pause();
            moving.abort.abort();
        }
        self.transfer_is(id, TransferState::Paused, Some(why.to_owned()));
    }

    /// Goes on with a paused transfer, or tries the failed items of an ended one again.
    pub(crate) fn resume_transfer(&mut self, wanted: &str) -> Result<Answer, Failure> {
        let id = self.transfer_named(wanted)?;
        let Some(transfer) = self.transfers.get_mut(&id) else { return Err(crate::asks::stale("that transfer")) };
        if transfer.kept.state == TransferState::Kept {
            return Err(Failure::new(ErrorCode::Stale, "that transfer is complete"));
        }
        let peer = transfer.kept.peer;
        if self.live_session(&peer).is_none() {
            return Err(Failure::new(ErrorCode::Unreachable, "there is no connected session with that device")
                .hint("invite it again; the transfer then goes on by itself"));
        }
        self.reopen(id)?;
        match self.transfers.get(&id).map(|t| t.kept.direction) {
            Some(Direction::In) => self.fetch(id),
            _ => {
                self.post_to(&peer, Frame::Moving { transfer: id });
            }
        }
        Ok(Answer::Done)
    }

    /// Takes an ended or paused transfer up again; one that was declined or never begun stays ended.
    fn reopen(&mut self, id: TransferId) -> Result<(), Failure> {
        let Some(transfer) = self.transfers.get_mut(&id) else { return Err(crate::asks::stale("that transfer")) };
        if transfer.kept.state == TransferState::Kept {
            return Err(Failure::new(ErrorCode::Stale, "that transfer is complete"));
        }
        if transfer.kept.state == TransferState::Dropped {
            let begun =
                transfer.kept.inbox.is_some() || matches!(transfer.tool, Tool::Send(_)) || transfer.kept.receipt;
            if !begun || transfer.kept.canceled {
                return Err(
                    Failure::new(ErrorCode::Stale, "that transfer was declined or never began").hint("send it again")
                );
            }
            transfer.kept.receipt_text = None;
            transfer.kept.receipt = false;
        }
        transfer.kept.held = false;
        transfer.retries = 0;
        self.transfer_is(id, TransferState::Paused, Some("going on".into()));
        Ok(())
    }

    pub(crate) fn cancel_transfer(&mut self, wanted: &str) -> Result<Answer, Failure> {
        let id = self.transfer_named(wanted)?;
        self.unfinished(id)?;
        let peer = self.transfers.get(&id).map(|t| t.kept.peer);
        if let Some(peer) = peer {
            self.post_to(&peer, Frame::Cancel { transfer: id, why: None });
        }
        self.cancel(id, Failure::new(ErrorCode::Canceled, "canceled here"));
        Ok(Answer::Done)
    }

    fn cancel(&mut self, id: TransferId, failure: Failure) {
        self.close_offer_question(id, &failure.message);
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.kept.canceled = true;
        }
        self.drop_transfer(id, failure);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        match (transfer.kept.direction, std::mem::replace(&mut transfer.tool, Tool::None)) {
            (Direction::In, Tool::Receive(receiving)) => {
                self.tasks.spawn_blocking(move || receiving.discard());
            }
            (Direction::Out, tool) => {
                transfer.tool = tool;
                self.forget_outgoing(id);
            }
            (Direction::In, _) => {}
        }
        self.keep_transfers();
    }

    fn unfinished(&self, id: TransferId) -> Result<(), Failure> {
        match self.transfers.get(&id) {
            Some(transfer) if !transfer.is_over() => Ok(()),
            _ => Err(Failure::new(ErrorCode::Stale, "that transfer is over").hint("run `hither transfers`")),
        }
    }

    /// A frame about transfers came on a session.
    pub(crate) async fn transfer_heard(&mut self, session: SessionId, frame: Frame) {
        let Some(peer) = self.sessions.get(&session).map(|s| s.kept.peer) else { return };
        let from = |state: &Self, id: &TransferId, direction: Direction| {
            state.transfers.get(id).is_some_and(|t| t.kept.peer == peer && t.kept.direction == direction)
        };
        let unfinished = |state: &Self, id: &TransferId| {
            state.transfers.get(id).is_some_and(|t| t.kept.peer == peer && !t.is_over())
        };
        match frame {
            offer @ Frame::Offer { .. } => self.offer_begins(session, &offer),
            Frame::OfferPart { transfer, part } => self.offer_part(session, transfer, &part),
            Frame::OfferEnd { transfer } => self.offer_ends(session, transfer),
            Frame::OfferAnswer { transfer, ok, code, why } if from(self, &transfer, Direction::Out) => {
                self.offer_answered(transfer, ok, code, why);
            }
            Frame::Fetch { transfer, .. } if from(self, &transfer, Direction::Out) => {
                self.fetch_heard(session, transfer, frame);
            }
            Frame::Kept { transfer, items, .. } if from(self, &transfer, Direction::Out) => {
                if let Some(transfer) = self.transfers.get_mut(&transfer) {
                    transfer.kept.items_done = items.min(transfer.kept.items);
                }
            }
            Frame::ItemFailed { transfer, item, .. } if from(self, &transfer, Direction::Out) => {
                let moving = self.transfers.get(&transfer).and_then(|t| t.moving.as_ref());
                if let Some(abandon) = moving.and_then(|m| m.abandon.as_ref()) {
                    abandon.item(item);
                }
            }
            Frame::Receipt { transfer, receipt, signature } if from(self, &transfer, Direction::Out) => {
                self.receipted(transfer, receipt, signature);
            }
            Frame::Moving { transfer } if from(self, &transfer, Direction::In) => self.asked_to_go_on(transfer),
            Frame::Pause { transfer } if unfinished(self, &transfer) => self.paused_by_peer(transfer),
            Frame::Cancel { transfer, why } if unfinished(self, &transfer) => self.canceled_by_peer(transfer, why),
            // About a transfer that is not (or not any more) with this device: nothing to say.
            _ => {}
        }
    }

    fn fetch_heard(&mut self, session: SessionId, id: TransferId, frame: Frame) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        match open.fetch.entry(id).or_insert_with(FetchIntake::new).take(frame) {
            Ok(Some(plan)) => {
                open.fetch.remove(&id);
                // Failed items are tried again: the transfer is open once more on this side too.
                if self.transfers.get(&id).is_some_and(super::Transfer::is_over) && self.reopen(id).is_err() {
                    return;
                }
                self.fetched(id, plan);
            }
            Ok(None) => {}
            Err(breach) => self.breach(session, &breach.to_string()),
        }
    }

    /// The sender asks us to go on.
    fn asked_to_go_on(&mut self, id: TransferId) {
        let retry = self
            .transfers
            .get(&id)
            .is_some_and(|t| t.kept.state == TransferState::Dropped && t.kept.inbox.is_some() && !t.kept.canceled);
        if retry && self.reopen(id).is_err() {
            return;
        }
        self.go_on_receiving(id);
    }

    fn canceled_by_peer(&mut self, id: TransferId, why: Option<String>) {
        let message = why.map_or_else(
            || "the other side canceled it".to_owned(),
            |why| format!("the other side ended it: {}", hither_model::text::printable(&why)),
        );
        self.cancel(id, Failure::new(ErrorCode::Withdrawn, message));
    }

    /// The other person paused it: it goes on when they say so.
    fn paused_by_peer(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        // Nobody has consented yet: there is nothing to pause.
        if transfer.kept.state == TransferState::Offered {
            return;
        }
        transfer.retry_at = None;
        transfer.expecting = false;
        transfer.again = false;
        transfer.plan = None;
        if let Some(moving) = &transfer.moving {
            moving.stop.pause();
            moving.abort.abort();
        }
        self.transfer_is(id, TransferState::Paused, Some("paused by the other side".into()));
    }

    /// No lane for a transfer.
    pub(crate) fn lane_of_transfer_failed(&mut self, id: TransferId, failure: &Failure) {
        self.interrupt(id, &failure.message);
        if let Some(transfer) = self.transfers.get_mut(&id).filter(|t| t.kept.direction == Direction::Out) {
            // The receiver fetches again by itself after a while.
            transfer.plan = None;
        }
    }

    /// Which items are kept, noted beside the threads that have the journals.
    fn note_kept(&mut self, id: TransferId, report: &Report) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        match report {
            Report::Ready { outcome: Ok((receiving, _)) } => {
                transfer.kept.kept_items = receiving.kept().clone();
                transfer.list = None;
            }
            Report::Received { receiving, .. } => transfer.kept.kept_items = receiving.kept().clone(),
            Report::Receiving(ReceiveEvent::Kept { items, .. }) => transfer.kept.kept_items.extend(items),
            _ => {}
        }
    }

    /// A thread reports.
    pub(crate) async fn transfer_reported(&mut self, id: TransferId, report: Report) {
        self.note_kept(id, &report);
        match report {
            Report::Scanned { outcome, reply } => self.scanned(id, outcome, reply),
            Report::Judged { outcome, bytes } => self.judged(id, outcome, bytes).await,
            Report::Ready { outcome } => self.ready(id, outcome),
            Report::Loaded { outcome, then } => self.loaded(id, outcome, then),
            Report::Sending(event) => self.while_sending(id, event),
            Report::Receiving(event) => self.while_receiving(id, event),
            Report::Sent { sender, outcome } => self.sent(id, sender, outcome),
            Report::Received { receiving, outcome } => self.received(id, receiving, outcome),
        }
    }
}

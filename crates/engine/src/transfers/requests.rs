//! What people and peers ask of transfers: pause, resume, cancel, receive; and the frames and reports sorted to their
//! places.

use super::{
    Report, Transfer,
    course::{Course, Shared},
    machine::{incoming, outgoing},
    outgoing::plan,
};
use crate::{handle::ClientId, questions::Terms, state::State};
use hither_model::{Answer, ErrorCode, Failure, PeerId, SessionId, TransferId, TransferState, row::Direction};
use hither_protocol::session::{FetchIntake, Frame};
use hither_transfer::ReceiveEvent;
use std::path::PathBuf;

impl Transfer {
    /// Whether a person is asked about it.
    pub(super) fn is_asked(&self) -> bool {
        matches!(&self.course, Course::In(machine) if machine.stage() == incoming::Stage::Asked)
    }
}

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
            self.transfers.iter().filter(|(_, t)| t.is_asked()).map(|(id, t)| (*id, t.kept.peer)).collect();
        for (id, peer) in waiting {
            if let Some(terms) = self.standing_terms(&peer) {
                self.take_offer(id, terms);
            }
        }
        Ok(Answer::Done)
    }

    /// The terms on which somebody who stands ready takes an offer of that device.
    pub(super) fn standing_terms(&mut self, peer: &PeerId) -> Option<Terms> {
        if self.rests() {
            return None;
        }
        let index = self.standing.iter().position(|s| s.from.is_none_or(|from| from == *peer))?;
        let standing = self.standing.get(index)?;
        let terms = Terms { to: standing.to.clone(), ..Terms::default() };
        if standing.once {
            self.standing.remove(index);
        }
        Some(terms)
    }

    pub(crate) fn pause_transfer(&mut self, wanted: &str) -> Result<Answer, Failure> {
        let id = self.agreed(wanted)?;
        self.unfinished(id)?;
        self.both_ways(id, Shared::Pause);
        Ok(Answer::Done)
    }

    /// Goes on with a paused transfer, or tries the failed items of an ended one again.
    pub(crate) fn resume_transfer(&mut self, wanted: &str) -> Result<Answer, Failure> {
        let id = self.agreed(wanted)?;
        let Some(transfer) = self.transfers.get(&id) else { return Err(crate::asks::stale("that transfer")) };
        if transfer.kept.state == TransferState::Kept {
            return Err(Failure::new(ErrorCode::Stale, "that transfer is complete"));
        }
        if transfer.kept.state == TransferState::Dropped && !transfer.course.is_partly() {
            return Err(Failure::new(ErrorCode::Stale, "that transfer was declined or given up").hint("send it again"));
        }
        if self.live_session(&transfer.kept.peer).is_none() {
            return Err(Failure::new(ErrorCode::Unreachable, "there is no connected session with that device")
                .hint("invite it again; the transfer then goes on by itself"));
        }
        self.both_ways(id, Shared::Resume);
        Ok(Answer::Done)
    }

    pub(crate) fn cancel_transfer(&mut self, wanted: &str) -> Result<Answer, Failure> {
        let id = self.transfer_named(wanted)?;
        self.unfinished(id)?;
        self.both_ways(id, Shared::Cancel(Failure::new(ErrorCode::Canceled, "canceled here")));
        Ok(Answer::Done)
    }

    /// Ends a transfer to us that was let in by what does not hold any more.
    pub(crate) fn withdraw_transfer(&mut self, id: TransferId, failure: Failure) {
        self.both_ways(id, Shared::Cancel(failure));
    }

    /// A transfer that is more than an offer.
    fn agreed(&self, wanted: &str) -> Result<TransferId, Failure> {
        let id = self.transfer_named(wanted)?;
        match self.transfers.get(&id) {
            Some(transfer) if transfer.kept.state == TransferState::Offered => {
                Err(Failure::new(ErrorCode::Misuse, "it is not moving yet: the offer has no answer")
                    .hint("wait for the answer, or cancel it"))
            }
            _ => Ok(id),
        }
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
        let unfinished = |state: &Self, id: &TransferId| state.transfers.get(id).is_some_and(|t| !t.is_over());
        let known = |state: &Self, id: &TransferId| state.transfers.get(id).is_some_and(|t| t.kept.peer == peer);
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
            Frame::Kept { transfer, items, .. }
                if from(self, &transfer, Direction::Out) && unfinished(self, &transfer) =>
            {
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
            Frame::Moving { transfer } if known(self, &transfer) && self.came_by_revoked(transfer) => {
                if let Some(open) = self.sessions.get(&session) {
                    open.post(Frame::Cancel { transfer, why: Some("it is not granted any more".into()) });
                }
            }
            Frame::Moving { transfer } if from(self, &transfer, Direction::In) => {
                self.receiving(transfer, incoming::Event::MovingThere);
            }
            Frame::Pause { transfer } if known(self, &transfer) => self.both_ways(transfer, Shared::PausedThere),
            Frame::Cancel { transfer, why } if known(self, &transfer) => {
                let why = why.map(|why| format!("the other side ended it: {}", hither_model::text::printable(&why)));
                let why = why.unwrap_or_else(|| "the other side canceled it".into());
                self.both_ways(transfer, Shared::CanceledThere(Failure::new(ErrorCode::Withdrawn, why)));
            }
            // We know nothing of it any more: it need not ask again.
            Frame::Moving { transfer } if !self.transfers.contains_key(&transfer) => {
                if let Some(open) = self.sessions.get(&session) {
                    open.post(Frame::Cancel { transfer, why: Some("it is not known here any more".into()) });
                }
            }
            // About a transfer that is not (or not any more) with this device: nothing to say.
            _ => {}
        }
    }

    fn fetch_heard(&mut self, session: SessionId, id: TransferId, frame: Frame) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        match open.fetch.entry(id).or_insert_with(FetchIntake::new).take(frame) {
            Ok(Some(wanted)) => {
                open.fetch.remove(&id);
                if let Some(transfer) = self.transfers.get_mut(&id) {
                    transfer.plan = Some(plan(wanted));
                }
                self.sending(id, outgoing::Event::Fetched);
            }
            Ok(None) => {}
            Err(breach) => self.breach(session, &breach.to_string()),
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
            Report::Judged { outcome, bytes } => self.judged(id, outcome, bytes),
            Report::Ready { outcome } => self.ready(id, outcome),
            Report::Loaded { outcome } => self.loaded(id, outcome),
            Report::Sending(event) => self.while_sending(id, event),
            Report::Receiving(event) => self.while_receiving(id, event),
            Report::Sent { sender, outcome } => self.sent(id, sender, outcome),
            Report::Received { receiving, outcome } => self.received(id, receiving, outcome),
        }
    }
}

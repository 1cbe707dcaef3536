//! Offers to us: read in bounded parts, every name judged, then a person asked. Nothing touches the disk before a yes.

use super::{
    Transfer,
    course::Course,
    machine::incoming::{Event, Stage},
    threads,
};
use crate::{
    questions::{Asker, Question, Terms, Verdict},
    state::State,
    store::KeptTransfer,
};
use data_encoding::HEXLOWER;
use hither_model::{
    ErrorCode, Failure, GrantId, News, SessionId, TransferId,
    row::{Direction, QuestionKind, QuestionRow},
};
use hither_protocol::session::{Frame, OfferIntake};
use hither_transfer::Manifest;
use std::sync::Arc;

/// Offers whose lists are still coming in, for one session.
const MAX_INTAKES: usize = 2;
/// How long an offer waits for its answer, milliseconds.
const OFFER_LASTS: u64 = 10 * 60_000;

impl State {
    /// An offer begins: its list follows in parts.
    pub(super) fn offer_begins(&mut self, session: SessionId, offer: &Frame) {
        let intake = OfferIntake::begin(offer);
        let takes_new = self.takes_new(session);
        let Some(open) = self.sessions.get_mut(&session) else { return };
        match intake {
            Ok(intake) if takes_new.is_err() => {
                self.answer_offer_with(session, intake.transfer(), takes_new.as_ref().copied());
            }
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
            // An offer we know: the sender did not hear our answer, or asks for another transfer under a used name (M5).
            return match known.kept.peer == peer && known.kept.manifest_hash == hash {
                true => self.receiving(id, Event::OfferedAgain),
                false => self.breach(session, "it used a transfer's name twice"),
            };
        }
        let unfinished = self.transfers.values().filter(|t| !t.is_over() && t.kept.peer == peer).count();
        if unfinished >= super::MAX_UNFINISHED / 4 {
            let failure = Failure::new(ErrorCode::Busy, "too many transfers are under way");
            return self.answer_offer_with(session, id, Err(&failure));
        }
        let mut kept = KeptTransfer::offered(peer, name, Direction::In, self.clock.unix());
        kept.manifest_hash = hash;
        self.transfers.insert(id, Transfer::offered(kept));
        let reporter = self.reporter(id);
        self.tasks.spawn_blocking(move || threads::judge(&reporter, bytes));
    }

    fn answer_offer_with(&mut self, session: SessionId, id: TransferId, answer: Result<(), &Failure>) {
        let (ok, code, why) = match answer {
            Ok(()) => (true, None, None),
            Err(failure) => (false, Some(failure.code), Some(failure.message.clone())),
        };
        if let Some(open) = self.sessions.get(&session) {
            open.post(Frame::OfferAnswer { transfer: id, ok, code, why });
        }
    }

    /// Answers an offer over whichever session is connected.
    pub(super) fn answer_about(&mut self, id: TransferId, answer: Result<(), &Failure>) {
        let peer = self.transfers.get(&id).map(|t| t.kept.peer);
        if let Some(session) = peer.and_then(|peer| self.live_session(&peer)) {
            self.answer_offer_with(session, id, answer);
        }
    }

    /// The list was read, or is refused.
    pub(super) fn judged(&mut self, id: TransferId, outcome: Result<Arc<Manifest>, Failure>, bytes: Arc<Vec<u8>>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let manifest = match outcome {
            Ok(manifest) if HEXLOWER.encode(&manifest.hash()) == transfer.kept.manifest_hash => manifest,
            Ok(_) => {
                let failure = Failure::new(ErrorCode::DigestWrong, "the list of files is not the one announced");
                return self.receiving(id, Event::Refused(failure));
            }
            Err(failure) => return self.receiving(id, Event::Refused(failure)),
        };
        let summary = manifest.summary();
        transfer.kept.title = summary.title;
        transfer.kept.items = summary.items;
        transfer.kept.total = summary.bytes;
        transfer.offered = Some((manifest, bytes));
        self.receiving(id, Event::Read);
    }

    /// A standing consent answers, or a person is asked.
    pub(super) fn ask_about(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get(&id) else { return };
        let Some((manifest, _)) = &transfer.offered else { return };
        let summary = manifest.summary();
        let (names, executables) = (summary.names, Some(summary.executables));
        let (peer, name) = (transfer.kept.peer, transfer.kept.name.clone());
        let (items, bytes) = (transfer.kept.items, transfer.kept.total);
        self.tell(News::Offered { transfer: id, peer, direction: Direction::In, items, bytes });
        let now = self.clock.now();
        let named = self.next_question();
        let row = QuestionRow {
            trust: self.people.trust(&peer),
            proven: self.people.find(&peer).map_or(hither_model::Verified::No, |p| p.verified),
            items: Some(items),
            executables,
            bytes: Some(bytes),
            names,
            transfer: Some(id),
            expires: OFFER_LASTS / 1_000,
            ..QuestionRow::new(named, QuestionKind::Transfer, peer, name)
        };
        let question = Question { row, asker: Asker::Transfer(id), expires_at: now + OFFER_LASTS };
        let row = question.row_at(now);
        self.questions.open(question);
        match self.standing_terms(&peer) {
            Some(terms) => self.take_offer(id, terms),
            // It is taken, or told, once that the grant is used is on disk.
            None if self.comes_by_grant(id) => {}
            None => self.tell(News::Question { question: row }),
        }
    }

    /// A person answers an offer.
    pub(crate) async fn answer_offer(&mut self, id: TransferId, verdict: Verdict) -> Result<(), Failure> {
        let asked = self.transfers.get(&id).map(|t| &t.course);
        if !matches!(asked, Some(Course::In(machine)) if machine.stage() == Stage::Asked) {
            return Err(crate::asks::stale("that offer"));
        }
        match verdict {
            // What a person says to invites in future is not decided beside a question about files.
            Verdict::Yes(terms) if terms.always => {
                return Err(Failure::new(ErrorCode::Misuse, "files are asked about each time")
                    .hint("accept without `always`; `hither receive` takes what comes while it runs"));
            }
            Verdict::Yes(terms) => {
                let peer = self.transfers.get(&id).map(|t| t.kept.peer);
                if let (Some(peer), Some(grant)) = (peer, &terms.grant) {
                    self.give(peer, grant).await?;
                }
                self.take_offer(id, terms);
            }
            Verdict::No => {
                let failure = Failure::new(ErrorCode::Declined, "the other person declined");
                self.receiving(id, Event::Refused(failure));
            }
        }
        Ok(())
    }

    /// An offer comes by a grant, whose use is on disk; false if the offer is not open any more.
    pub(crate) fn offer_granted(&mut self, id: TransferId, grant: GrantId, terms: Terms) -> bool {
        let Some(transfer) = self.transfers.get_mut(&id).filter(|t| t.is_asked()) else { return false };
        transfer.kept.grant = Some(grant);
        self.take_offer(id, terms);
        true
    }

    /// That a grant is used could not be written: a person is asked after all.
    pub(crate) fn offer_not_granted(&mut self, id: TransferId) {
        let (now, question) = (self.clock.now(), self.questions.of_transfer(id));
        if let Some(question) = question.and_then(|question| self.questions.find_mut(&question)) {
            let question = question.row_at(now);
            self.tell(News::Question { question });
        }
    }

    /// Takes an offer on these terms.
    pub(super) fn take_offer(&mut self, id: TransferId, terms: Terms) {
        let inbox = self.settings.borrow().inbox.clone();
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.kept.inbox = Some(terms.to.unwrap_or(inbox));
        transfer.kept.executable = terms.executable;
        self.receiving(id, Event::Consent);
    }
}

//! Offers to us: read in bounded parts, every name judged, then a person asked. Nothing touches the disk before a yes.

use super::{
    Transfer,
    threads::{self, Begin},
};
use crate::{
    questions::{Asker, Question, Verdict},
    state::State,
    store::KeptTransfer,
};
use data_encoding::HEXLOWER;
use hither_model::{
    ErrorCode, Failure, News, SessionId, TransferId, TransferState, Trust,
    row::{Direction, QuestionKind, QuestionRow},
};
use hither_protocol::session::{Frame, OfferIntake};
use hither_transfer::Manifest;
use std::{path::PathBuf, sync::Arc};

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
            return self.offered_again(session, id, known.kept.peer == peer && known.kept.manifest_hash == hash);
        }
        let unfinished = self.transfers.values().filter(|t| !t.is_over() && t.kept.peer == peer).count();
        if unfinished >= super::MAX_UNFINISHED / 4 {
            let failure = Failure::new(ErrorCode::Busy, "too many transfers are under way");
            return self.answer_offer_with(session, id, Err(&failure));
        }
        let mut kept = KeptTransfer::offered(peer, name, Direction::In, self.clock.unix());
        kept.manifest_hash = hash;
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
        let list_path = self.list_of(id);
        let Some(transfer) = self.transfers.get_mut(&id) else { return Err(crate::asks::stale("that offer")) };
        let Verdict::Yes(terms) = verdict else {
            self.refuse_offer(id, &Failure::new(ErrorCode::Declined, "the other person declined"));
            return Ok(());
        };
        let Some((_, manifest)) = transfer.offered.take() else { return Err(crate::asks::stale("that offer")) };
        let list = Arc::clone(&manifest);
        transfer.list = Some(Arc::clone(&manifest));
        let peer = transfer.kept.peer;
        let path: PathBuf = terms.to.unwrap_or(inbox);
        transfer.kept.inbox = Some(path.clone());
        let halt = transfer.halt.clone();
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
            super::items::write_list(&list_path, &list);
            drop(list);
            threads::ready(&reporter, &path, peer, begin, &halt);
        });
        Ok(())
    }
}

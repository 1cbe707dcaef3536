//! What persons and cards answer to an errand's questions, and how errands end.

use super::{
    errand::{Errand, ErrandId, Going, Stage, UnlockFault, Unlocked},
    holder::{Holder, Shown, prove},
    rows::LOCAL,
    shelf::Wish,
};
use crate::{
    asks::{Reply, stale},
    event::Event,
    knocks::KnockId,
    questions::{Terms, Verdict},
    state::State,
};
use hither_identity::{
    card::{CardError, Pin, Tries, Unlock},
    proof::Speaker,
};
use hither_model::{Answer, Blame, ErrorCode, Failure, InviteId, News, QuestionId, ask::SecretText};
use hither_protocol::Certified;
use std::sync::Arc;

/// A person's answer to a question about certificates. A PIN does not print itself.
#[derive(Debug)]
pub(crate) enum CardAnswer {
    /// The PIN, or that it is entered on the reader.
    Pin { pin: Option<SecretText>, last_try: bool },
    /// This certificate.
    Choose { identity: String },
    /// Look again: the card is in.
    Again,
}

/// Whether a token takes a PIN of this length; some do not say.
fn fits(pin: &SecretText, min: u32, max: u32) -> bool {
    let length = u32::try_from(pin.0.chars().count()).unwrap_or(u32::MAX);
    length >= min.max(1) && (max == 0 || length <= max)
}

/// What is told where nobody did what an errand needs.
fn lapsed(errand: &Errand) -> Failure {
    match errand.stage {
        Stage::Inserting => Failure::new(ErrorCode::TokenAbsent, "the card was not inserted; nothing was sent")
            .hint("insert it and try again; `hither card list` shows what is there"),
        _ => Failure::new(ErrorCode::Expired, "nobody answered what the certificate needs"),
    }
}

impl State {
    /// A person answers an errand's question.
    pub(crate) fn answer_errand(&mut self, question: QuestionId, errand: ErrandId, answer: CardAnswer, reply: Reply) {
        tracing::trace!(?answer, %question, "answered about certificates");
        let outcome = match answer {
            CardAnswer::Pin { pin, last_try } => return self.pin_given(errand, pin, last_try, reply),
            CardAnswer::Choose { identity } => self.certificate_chosen(errand, &identity),
            CardAnswer::Again => self.card_said_in(errand),
        };
        let _ = reply.send(outcome.map(|()| Answer::Answered { question }));
    }

    fn pin_given(&mut self, id: ErrandId, pin: Option<SecretText>, last_try: bool, reply: Reply) {
        let Some(errand) = self.certificates.errands.get_mut(&id) else {
            return drop(reply.send(Err(stale("that question"))));
        };
        let Stage::Pin { token, certificate } = &errand.stage else {
            let busy = Failure::new(ErrorCode::Stale, "the card is at work already");
            return drop(reply.send(Err(busy)));
        };
        if token.tries == Tries::Last && !last_try {
            let error = CardError::LastTry { token: hither_model::text::printable(&token.name.label) };
            return drop(reply.send(Err(error.into())));
        }
        let how = match (token.pad, pin) {
            (true, _) => Ok(Unlock::There { last_try }),
            (false, Some(text)) if !fits(&text, token.min_pin, token.max_pin) => {
                // No try is spent, and the question stays.
                let form = CardError::PinForm {
                    token: hither_model::text::printable(&token.name.label),
                    min: token.min_pin,
                    max: token.max_pin,
                };
                let failure = Failure { code: ErrorCode::Misuse, ..form.into() };
                return drop(reply.send(Err(failure)));
            }
            (false, Some(mut text)) => {
                let needed = || CardError::PinNeeded { token: hither_model::text::printable(&token.name.label) };
                // What was typed moves; nothing of it stays behind.
                Pin::new(std::mem::take(&mut text.0)).map(|pin| Unlock::Pin { pin, last_try }).ok_or_else(needed)
            }
            (false, None) => Err(CardError::PinNeeded { token: hither_model::text::printable(&token.name.label) }),
        };
        match how {
            Ok(how) => {
                let (token, certificate) = ((**token).clone(), (**certificate).clone());
                self.unlock_card(id, token, certificate, how, Some(reply));
            }
            Err(error) => drop(reply.send(Err(error.into()))),
        }
    }

    fn certificate_chosen(&mut self, id: ErrandId, identity: &str) -> Result<(), Failure> {
        let chosen = identity.trim().to_lowercase();
        let own = chosen == LOCAL || (chosen.len() >= 4 && self.my_id.to_string().starts_with(&chosen));
        let Some(errand) = self.certificates.errands.get_mut(&id) else { return Err(stale("that question")) };
        if !matches!(errand.stage, Stage::Choosing) {
            return Err(Failure::new(ErrorCode::Misuse, "that question is not about which certificate"));
        }
        errand.stage = Stage::Looking;
        if own {
            // The device's key alone needs no unlocking.
            self.close_errand_question(id, "answered", None);
            self.go_on(id, None);
            return Ok(());
        }
        errand.wanted = chosen;
        self.look_for(Wish::Errand(id));
        Ok(())
    }

    fn card_said_in(&mut self, id: ErrandId) -> Result<(), Failure> {
        match self.certificates.errands.get(&id).map(|errand| &errand.stage) {
            Some(Stage::Inserting) => {
                self.look_for(Wish::Errand(id));
                Ok(())
            }
            Some(Stage::Pin { .. } | Stage::Unlocking { .. }) => {
                Err(Failure::new(ErrorCode::Misuse, "this question wants a PIN").hint("answer it with `hither pin`"))
            }
            Some(Stage::Choosing) => {
                Err(Failure::new(ErrorCode::Misuse, "this question wants a choice")
                    .hint("answer it with `hither choose`"))
            }
            _ => Err(stale("that question")),
        }
    }

    /// The card, or the keyring, did its part.
    pub(crate) async fn unlocked(&mut self, id: ErrandId, unlocked: Unlocked) {
        let Some(errand) = self.certificates.errands.get_mut(&id) else { return };
        let stage = std::mem::replace(&mut errand.stage, Stage::Looking);
        let reply = if let Stage::Unlocking { reply, .. } = stage { reply } else { None };
        let question = errand.question;
        match unlocked {
            Ok(holder) => {
                if let (Some(reply), Some(question)) = (reply, question) {
                    let _ = reply.send(Ok(Answer::Answered { question }));
                }
                self.close_errand_question(id, "answered", None);
                self.go_on(id, Some(holder));
            }
            Err(fault) => {
                let again = matches!(
                    fault,
                    UnlockFault::Card(
                        CardError::PinWrong { .. }
                            | CardError::PinForm { .. }
                            | CardError::LastTry { .. }
                            | CardError::Absent { .. }
                            | CardError::Removed { .. }
                    )
                );
                let failure: Failure = match fault {
                    UnlockFault::Card(error) => error.into(),
                    UnlockFault::Other(failure) => failure,
                };
                let _ = reply.map(|reply| reply.send(Err(failure.clone())));
                if !again {
                    return self.errand_failed(id, failure).await;
                }
                // How many tries are left is asked of the card itself; then the person is asked again.
                self.close_errand_question(id, &failure.message, Some(failure.code));
                if let Some(errand) = self.certificates.errands.get_mut(&id) {
                    errand.before = Some(failure.message);
                    self.look_for(Wish::Errand(id));
                }
            }
        }
    }

    /// Nothing is in the way any more.
    fn go_on(&mut self, id: ErrandId, holder: Option<Arc<Holder>>) {
        self.errand_goes_on(id);
        let Some(mut errand) = self.certificates.errands.remove(&id) else { return };
        match (errand.going, holder) {
            (Going::Answer { knock, question, terms }, Some(holder)) => {
                let occasion = self.knocks.get(&knock).and_then(|knock| knock.occasion.clone());
                let Some(occasion) = occasion else { return };
                errand.going = Going::Answer { knock, question, terms };
                errand.stage = Stage::Proving;
                self.certificates.errands.insert(id, errand);
                let (events, shown) = (self.events.clone(), holder.shown());
                self.tasks.spawn(async move {
                    let proof = prove(holder, occasion, Speaker::Server).await.map(|proof| (proof, shown));
                    let _ = events.send(Event::Proven { errand: id, proof: Box::new(proof) }).await;
                });
            }
            (Going::Answer { knock, question, terms }, None) => {
                let events = self.events.clone();
                errand.going = Going::Answer { knock, question, terms };
                errand.stage = Stage::Proving;
                self.certificates.errands.insert(id, errand);
                // As an event, since answering may lead to further questions.
                self.tasks.spawn(async move {
                    let _ = events.send(Event::Uncertified { errand: id }).await;
                });
            }
            (going, holder) => self.dial_errand(going, errand.invite, holder),
        }
    }

    fn dial_errand(&mut self, going: Going, invite: Option<InviteId>, holder: Option<Arc<Holder>>) {
        let Some(invite) = invite else { return };
        let dialled = match going {
            Going::Invite { peer, message, timeout, unverified } => {
                self.invite_now(invite, &peer, (message, unverified), timeout, holder)
            }
            Going::Link { url } => self.open_link_now(invite, *url, holder),
            Going::Answer { .. } => Ok(()),
        };
        if let Err(failure) = dialled {
            self.tell(News::InviteEnded { invite, failure });
        }
    }

    /// The key has signed, or there is nothing to sign: the answer goes out.
    pub(crate) async fn proven(&mut self, id: ErrandId, proof: Option<Result<(Box<Certified>, Shown), Failure>>) {
        let proof = match proof.transpose() {
            Ok(proof) => proof,
            Err(failure) => return self.errand_failed(id, failure).await,
        };
        let Some(errand) = self.certificates.errands.remove(&id) else { return };
        let Going::Answer { knock, question, terms } = errand.going else { return };
        self.certify(knock, proof);
        if let Err(failure) = self.answer_invite(question, Verdict::Yes(terms)).await {
            tracing::info!(%failure, "an answer came too late");
        }
    }

    /// What goes with the answer that is given next.
    pub(crate) fn certify(&mut self, id: KnockId, proof: Option<(Box<Certified>, Shown)>) {
        let Some(knock) = self.knocks.get_mut(&id) else { return };
        let (proof, shown) = proof.unzip();
        knock.shown = shown;
        if let Some(machine) = knock.machine.as_mut() {
            machine.certify(proof);
        }
    }

    /// An errand came to nothing.
    pub(crate) async fn errand_failed(&mut self, id: ErrandId, failure: Failure) {
        self.close_errand_question(id, &failure.message, Some(failure.code));
        let Some(mut errand) = self.certificates.errands.remove(&id) else { return };
        if let Some(reply) = errand.reply.take() {
            let _ = reply.send(Err(failure.clone()));
        }
        if let Stage::Unlocking { token, reply } = errand.stage {
            if let Some(token) = token {
                self.certificates.cards.cancel(&token);
            }
            let _ = reply.map(|reply| reply.send(Err(failure.clone())));
        }
        match (errand.going, errand.invite) {
            (Going::Answer { question, .. }, _) => {
                // The invite is still there to be answered, with another certificate or none.
                let now = self.clock.now();
                if failure.code == ErrorCode::Stale {
                    return;
                }
                if let Some(row) = self.questions.find_mut(&question).map(|question| question.row_at(now)) {
                    self.tell(News::Question { question: row });
                }
            }
            (_, Some(invite)) => {
                if failure.code.blame() != Blame::Person {
                    self.note("invite", None, Some(errand.name), failure.message.clone());
                }
                self.tell(News::InviteEnded { invite, failure });
            }
            (_, None) => {}
        }
    }

    /// A person takes back what waits for a certificate.
    pub(crate) async fn cancel_errand(&mut self, id: ErrandId) {
        let failure = Failure::new(ErrorCode::Canceled, "it was cancelled; nothing was sent");
        self.errand_failed(id, failure).await;
    }

    /// The errand of one of our invites.
    pub(crate) fn errand_of(&self, invite: InviteId) -> Option<ErrandId> {
        let mut errands = self.certificates.errands.iter();
        errands.find(|(_, errand)| errand.invite == Some(invite)).map(|(id, _)| *id)
    }

    /// An invite is over: nobody needs a certificate for it any more.
    pub(crate) async fn end_errands_of(&mut self, knock: KnockId) {
        let mut errands = self.certificates.errands.iter();
        let found = errands.find(|(_, e)| matches!(e.going, Going::Answer { knock: of, .. } if of == knock));
        if let Some(id) = found.map(|(id, _)| *id) {
            Box::pin(self.errand_failed(id, Failure::new(ErrorCode::Stale, "the invite is over"))).await;
        }
    }

    /// Questions nobody answered lapse.
    pub(crate) async fn errands_due(&mut self) {
        let now = self.clock.now();
        let late: Vec<(ErrandId, Failure)> = self
            .certificates
            .errands
            .iter()
            .filter(|(_, e)| e.deadline <= now)
            .map(|(id, e)| (*id, lapsed(e)))
            .collect();
        for (id, failure) in late {
            self.errand_failed(id, failure).await;
        }
    }

    pub(crate) fn errands_deadline(&self) -> Option<u64> {
        self.certificates.errands.values().map(|errand| errand.deadline).min()
    }

    /// All of them, when the capability is taken away.
    pub(crate) async fn end_errands(&mut self, failure: &Failure) {
        let all: Vec<ErrandId> = self.certificates.errands.keys().copied().collect();
        for id in all {
            self.errand_failed(id, failure.clone()).await;
        }
    }

    /// A yes to an invite, as the holder of a certificate. The reply comes back if it is one of the device alone, or makes
    /// no sense yet.
    pub(crate) fn accept_certified(
        &mut self,
        question: QuestionId,
        terms: &Terms,
        identity: Option<&str>,
        reply: Reply,
    ) -> Option<Reply> {
        let Some((knock, peer)) =
            self.knocks.iter().find(|(_, k)| k.question == Some(question)).map(|(id, k)| (*id, k.peer))
        else {
            return Some(reply);
        };
        let Some(wanted) = self.identity_for(identity, Some(&peer)) else { return Some(reply) };
        let row = self.questions.find_mut(&question).map(|q| (q.row.name.clone(), q.row.code.is_some()));
        let Some((name, coded)) = row else { return Some(reply) };
        if coded && !terms.same_code {
            // What lacks is told before a card is asked for.
            return Some(reply);
        }
        let under_way = |e: &Errand| matches!(e.going, Going::Answer { knock: of, .. } if of == knock);
        if self.certificates.errands.values().any(under_way) {
            let _ = reply.send(Ok(Answer::Answered { question }));
            return None;
        }
        let going = Going::Answer { knock, question, terms: terms.clone() };
        self.run_errand(going, None, wanted, (peer, name), Some(reply));
        None
    }
}

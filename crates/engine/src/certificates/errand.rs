//! An invite, or the answer to one, that waits for a certificate: which one, that its card is there, its PIN, its key.
//!
//! `Looking → [Choosing] → [Inserting] → [Pin] → Unlocking → (dial | Proving)`. Every stage that needs a person is a
//! question; it can be cancelled and lapses. A PIN is tried once, when a person gave it; a wrong one leads to a new
//! question. Nothing is dialled and nothing is said to anybody before the key is unlocked.

use super::{
    holder::{CardPlace, Holder},
    keep::unusable,
    rows::{ASK, LOCAL, pin_row},
    shelf::{Looked, Wish},
};
use crate::{
    asks::Reply,
    event::Event,
    knocks::KnockId,
    questions::{Asker, Question, Terms},
    state::State,
};
use hither_identity::{
    card::{CardCertificate, CardError, Token, TokenName, Unlock},
    picker::{Candidate, Filter, Keeper, pick},
};
use hither_model::{
    ErrorCode, Failure, InviteId, News, PeerId, QuestionId,
    row::{IdentityRow, QuestionKind, QuestionRow},
};
use hither_protocol::InviteUrl;
use std::sync::Arc;

/// How long a person has for each question, milliseconds.
const PATIENCE: u64 = 120_000;

/// Names an errand for the life of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ErrandId(pub(crate) u64);

/// What goes on once the key is unlocked.
pub(crate) enum Going {
    /// An invite to a device.
    Invite { peer: String, message: Option<String>, timeout: Option<u64>, unverified: bool },
    /// Redeeming a link.
    Link { url: Box<InviteUrl> },
    /// The yes to an invite.
    Answer { knock: KnockId, question: QuestionId, terms: Terms },
}

/// Where an errand stands.
pub(crate) enum Stage {
    /// What is there is looked up.
    Looking,
    /// A person chooses.
    Choosing,
    /// The card has to be inserted.
    Inserting,
    /// A person enters the PIN.
    Pin { token: Box<Token>, certificate: Box<CardCertificate> },
    /// The card or the keyring is at work; whoever gave the PIN waits for what comes of it.
    Unlocking { token: Option<TokenName>, reply: Option<Reply> },
    /// The key signs.
    Proving,
}

/// An invite or an answer that waits.
pub(crate) struct Errand {
    pub(crate) going: Going,
    /// Our invite, if it is one.
    pub(crate) invite: Option<InviteId>,
    /// Which certificate: an id, or `ask`.
    pub(crate) wanted: String,
    pub(crate) stage: Stage,
    pub(crate) question: Option<QuestionId>,
    /// What became of the PIN before.
    pub(crate) before: Option<String>,
    /// Whoever said yes hears whether it goes on, once that is clear.
    pub(crate) reply: Option<Reply>,
    /// It lapses then, monotonic milliseconds.
    pub(crate) deadline: u64,
    /// With whom, for the questions.
    pub(crate) peer: PeerId,
    pub(crate) name: String,
}

/// What came of unlocking.
pub(crate) type Unlocked = Result<Arc<Holder>, UnlockFault>;

/// Why a key could not be unlocked.
pub(crate) enum UnlockFault {
    Card(CardError),
    Other(Failure),
}

impl Errand {
    fn reason(&self) -> String {
        let name = hither_model::text::printable(&self.name);
        match self.going {
            Going::Invite { .. } => format!("to invite {name}"),
            Going::Link { .. } => format!("to open the link of {name}"),
            Going::Answer { .. } => format!("to answer {name}"),
        }
    }
}

impl State {
    /// Which certificate to use with somebody: what was named, what was used with them last, what is in use. `None` is
    /// the device's key alone.
    pub(crate) fn identity_for(&self, named: Option<&str>, peer: Option<&PeerId>) -> Option<String> {
        let with_them = || peer.and_then(|peer| self.people.find(peer)).and_then(|person| person.identity.clone());
        let chosen = named.map(str::to_owned).or_else(with_them).or_else(|| self.current_identity())?;
        let chosen = chosen.trim().to_lowercase();
        let own = chosen.len() >= 4 && self.my_id.to_string().starts_with(&chosen);
        (chosen != LOCAL && !own).then_some(chosen)
    }

    /// Begins an errand for somebody.
    pub(crate) fn run_errand(
        &mut self,
        going: Going,
        invite: Option<InviteId>,
        wanted: String,
        (peer, name): (PeerId, String),
        reply: Option<Reply>,
    ) {
        self.counter += 1;
        let id = ErrandId(self.counter);
        let errand = Errand {
            going,
            invite,
            wanted,
            stage: Stage::Looking,
            question: None,
            before: None,
            reply,
            deadline: self.clock.now() + PATIENCE,
            peer,
            name,
        };
        self.certificates.errands.insert(id, errand);
        self.look_for(Wish::Errand(id));
    }

    /// What is there is known: the errand takes its next step.
    pub(super) async fn errand_looked(&mut self, id: ErrandId, looked: &Arc<Looked>) {
        let Some(errand) = self.certificates.errands.get(&id) else { return };
        if !matches!(errand.stage, Stage::Looking | Stage::Inserting) {
            return;
        }
        if errand.wanted == ASK {
            return self.ask_which(id, looked);
        }
        if let (true, Some(denied)) = (errand.wanted.starts_with("card-"), &looked.denied) {
            return self.errand_failed(id, denied.clone().into()).await;
        }
        match looked.named(&errand.wanted) {
            Ok(candidate) => match &candidate.usable {
                Ok(()) => self.approach(id, looked, &candidate),
                Err(why) => self.errand_failed(id, unusable(why)).await,
            },
            Err(failure) if failure.code == ErrorCode::TokenAbsent => self.ask_for_card(id),
            Err(failure) => self.errand_failed(id, failure).await,
        }
    }

    fn ask_which(&mut self, id: ErrandId, looked: &Arc<Looked>) {
        let mut choices: Vec<IdentityRow> = vec![self.local_row()];
        let picked = pick(looked.candidates(), &Filter::default());
        choices.extend(picked.iter().map(|candidate| self.candidate_row(candidate, looked)));
        self.ask_errand(id, Stage::Choosing, QuestionKind::ChooseCertificate, |row| row.choices = choices);
    }

    fn ask_for_card(&mut self, id: ErrandId) {
        let Some(errand) = self.certificates.errands.get(&id) else { return };
        if matches!(errand.stage, Stage::Inserting) {
            return;
        }
        let seen = self.certificates.seen.get(&errand.wanted).cloned();
        let (token, subject) = seen.unwrap_or_else(|| (errand.wanted.clone(), String::new()));
        let pin = hither_model::row::PinRow {
            token,
            reader: String::new(),
            subject,
            reason: errand.reason(),
            tries: hither_model::row::TokenTries::Plenty,
            pad: false,
            min: 0,
            max: 0,
            before: None,
        };
        self.ask_errand(id, Stage::Inserting, QuestionKind::InsertCard, |row| row.pin = Some(Box::new(pin)));
    }

    /// The certificate is there: its PIN is asked for, or its key loaded.
    fn approach(&mut self, id: ErrandId, looked: &Looked, candidate: &Candidate) {
        if !matches!(candidate.keeper, Keeper::Card { .. }) {
            return self.unlock_file(id, candidate.id.clone());
        }
        let on = looked.tokens().iter().find_map(|token| {
            let certificate = token.certificates.iter().find(|c| c.id(&token.name) == candidate.id)?;
            Some((token.clone(), certificate.clone()))
        });
        let Some((token, certificate)) = on else { return };
        let Some(errand) = self.certificates.errands.get_mut(&id) else { return };
        errand.wanted.clone_from(&candidate.id);
        if !token.login_required {
            return self.unlock_card(id, token, certificate, Unlock::There { last_try: false }, None);
        }
        let row = pin_row(&token, &candidate.facts.subject, &errand.reason(), errand.before.take());
        let stage = Stage::Pin { token: Box::new(token), certificate: Box::new(certificate) };
        self.ask_errand(id, stage, QuestionKind::Pin, |question| question.pin = Some(Box::new(row)));
    }

    /// Puts a question to the person on behalf of an errand, in place of the one before.
    fn ask_errand(&mut self, id: ErrandId, stage: Stage, kind: QuestionKind, fill: impl FnOnce(&mut QuestionRow)) {
        self.close_errand_question(id, "answered", None);
        let (now, named) = (self.clock.now(), self.next_question());
        self.errand_goes_on(id);
        let Some(errand) = self.certificates.errands.get_mut(&id) else { return };
        errand.stage = stage;
        errand.question = Some(named);
        errand.deadline = now + PATIENCE;
        let mut row = QuestionRow::new(named, kind, errand.peer, errand.name.clone());
        row.invite = errand.invite;
        row.expires = PATIENCE / 1_000;
        fill(&mut row);
        let answering = match errand.going {
            Going::Answer { knock, .. } => Some(knock),
            _ => None,
        };
        self.questions.open(Question { row: row.clone(), asker: Asker::Errand(id), expires_at: now + PATIENCE });
        self.tell(News::Question { question: row });
        if let Some(knock) = answering {
            self.unlocking(knock);
        }
    }

    /// Whoever said yes to an invite hears that it goes on.
    pub(super) fn errand_goes_on(&mut self, id: ErrandId) {
        let Some(errand) = self.certificates.errands.get_mut(&id) else { return };
        if let (Some(reply), Going::Answer { question, .. }) = (errand.reply.take(), &errand.going) {
            let _ = reply.send(Ok(hither_model::Answer::Answered { question: *question }));
        }
    }

    pub(super) fn close_errand_question(&mut self, id: ErrandId, why: &str, code: Option<ErrorCode>) {
        let question = self.certificates.errands.get_mut(&id).and_then(|errand| errand.question.take());
        if let Some(id) = question.filter(|question| self.questions.close(question).is_some()) {
            self.tell(News::QuestionGone { id, why: why.to_owned(), code });
        }
    }

    fn unlock_file(&mut self, id: ErrandId, file: String) {
        let pouch = Arc::clone(&self.certificates.pouch);
        let Some(errand) = self.certificates.errands.get_mut(&id) else { return };
        errand.wanted.clone_from(&file);
        errand.stage = Stage::Unlocking { token: None, reply: None };
        let events = self.events.clone();
        self.tasks.spawn(async move {
            let loading = tokio::task::spawn_blocking(move || {
                let credential = pouch.wallet().and_then(|wallet| wallet.load(&file));
                credential.map(|credential| Arc::new(Holder::file(file, credential)))
            });
            let unlocked = match loading.await {
                Ok(loaded) => loaded.map_err(|error| UnlockFault::Other(error.into())),
                Err(error) => Err(UnlockFault::Other(Failure::new(ErrorCode::Internal, error.to_string()))),
            };
            let _ = events.send(Event::Unlocked { errand: id, unlocked }).await;
        });
    }

    pub(super) fn unlock_card(
        &mut self,
        id: ErrandId,
        token: Token,
        certificate: CardCertificate,
        how: Unlock,
        reply: Option<Reply>,
    ) {
        let permit = match self.certificates.cards.permit(&self.gate) {
            Ok(permit) => permit,
            Err(denied) => {
                let _ = reply.map(|reply| reply.send(Err(denied.into())));
                return;
            }
        };
        let used = format!("the card {:?}", token.name.label);
        self.used(hither_capability::Capability::SharedUserCertificates, &used);
        let cards = Arc::clone(&self.certificates.cards);
        let deadline = self.clock.now() + PATIENCE;
        let Some(errand) = self.certificates.errands.get_mut(&id) else { return };
        errand.deadline = deadline;
        errand.stage = Stage::Unlocking { token: Some(token.name.clone()), reply };
        let named = certificate.id(&token.name);
        let events = self.events.clone();
        self.tasks.spawn(async move {
            let unlocking = tokio::task::spawn_blocking(move || {
                let TokenName { serial, label, .. } = token.name.clone();
                let place = CardPlace { token: label, serial, reader: token.reader.clone() };
                let credential = cards.unlock(&permit, &token, &certificate, how)?;
                Ok(Arc::new(Holder::card(named, credential, place)))
            });
            let unlocked = match unlocking.await {
                Ok(unlocked) => unlocked.map_err(UnlockFault::Card),
                Err(error) => Err(UnlockFault::Other(Failure::new(ErrorCode::Internal, error.to_string()))),
            };
            let _ = events.send(Event::Unlocked { errand: id, unlocked }).await;
        });
    }
}

//! Acting on what the machines decide: frames go out, questions open, runs are counted, sessions begin.

use super::{KnockId, Machine, Order, Stepped};
use crate::{
    clock::random,
    questions::{Asker, Question as Open, Terms},
    state::State,
    store::Slot,
};
use hither_model::{
    ErrorCode, Failure, News, QuestionId, Trust, Verified,
    row::{QuestionKind, QuestionRow},
};
use hither_protocol::{
    Admission, Asker as From, Code, Effect, Ending, MAX_HELLO, Need, No, Over, Place, Question, encode_payload,
};
use std::collections::VecDeque;

/// How often the history says that strangers were turned away unasked, milliseconds.
pub(super) const TURNED_AWAY: u64 = 60_000;

impl State {
    /// Carries out a step; what a person's answer lacked comes back.
    pub(crate) async fn carry_out(&mut self, id: KnockId, stepped: Stepped) -> Option<Failure> {
        let mut unfit = None;
        let mut machine = stepped.next;
        let mut effects = VecDeque::from(stepped.effects);
        while let Some(effect) = effects.pop_front() {
            let more = match effect {
                Effect::Open(hello) => self.post(id, encode_payload(&hello, MAX_HELLO)),
                Effect::Send(frame) => self.post(id, encode_payload(&frame, MAX_HELLO)),
                Effect::AskPerson(question) => self.ask_person(id, question, &mut machine),
                Effect::ShowCode(code) => self.show_code(id, code),
                Effect::Waiting => self.told_to_wait(id),
                Effect::RunStarted if self.run_started(id).await => vec![],
                Effect::RunStarted => {
                    // Other invites have used up what there was meanwhile: nothing of this run goes out.
                    (machine, effects) = (None, VecDeque::new());
                    vec![Effect::End(Ending::LinkOnlyHere)]
                }
                Effect::RunConfirmed => self.run_confirmed(id),
                Effect::Consume { invite, peer } => self.consume(invite, peer, &mut machine).await,
                Effect::Alarm(alarm) => {
                    self.alarm(alarm.to_string(), None);
                    vec![]
                }
                Effect::Unfit(what) => {
                    unfit = Some(what.into());
                    vec![]
                }
                Effect::Admit(admission) => self.admit(id, admission),
                Effect::End(ending) => {
                    self.end_knock(id, ending).await;
                    vec![]
                }
            };
            for effect in more.into_iter().rev() {
                effects.push_front(effect);
            }
        }
        if let Some(knock) = self.knocks.get_mut(&id) {
            knock.machine = machine;
        }
        unfit
    }

    fn post(&mut self, id: KnockId, frame: Result<Vec<u8>, hither_protocol::FrameFault>) -> Vec<Effect> {
        if let (Some(knock), Ok(bytes)) = (self.knocks.get(&id), frame) {
            // A connection that does not take sixteen small frames is stuck; its deadline ends it.
            let _ = knock.orders.try_send(Order::Frame(bytes));
        }
        vec![]
    }

    /// Opens a question, or turns the asker away by the rules on how often and how many may ask.
    fn ask_person(&mut self, id: KnockId, question: Question, machine: &mut Option<Machine>) -> Vec<Effect> {
        let now = self.clock.now();
        let near_enough = self.near_enough(&question.peer);
        let Some(knock) = self.knocks.get_mut(&id) else { return vec![] };
        knock.claimed = question.name.clone();
        let person = self.people.find(&question.peer);
        let known = person.is_some_and(crate::store::Person::is_known);
        let always = known && near_enough && question.need == Need::Stored && person.is_some_and(|p| p.always);
        // Whoever proved a link was invited.
        let asker =
            From { peer: question.peer, address: knock.remote.ip(), known: known || question.need == Need::Link };
        if always {
            let mut effects = self.display(id, machine);
            effects.extend(self.with(machine, |m, now| match m {
                Machine::Invitee(m) => {
                    m.answer(now, hither_protocol::Reply::Yes { same_code: false, unverified: false }).into()
                }
                other => Stepped { effects: vec![], next: Some(other) },
            }));
            return effects;
        }
        let named = QuestionId::new(random());
        let place = self.turns.ask(now, named, asker);
        if let Place::Refuse(why) = place {
            return self.with(machine, |m, now| refuse(m, now, why));
        }
        knock.question = Some(named);
        let mut row = self.question_row(named, &question);
        row.certified = self.knocks.get(&id).and_then(|knock| knock.theirs.as_ref()).map(|p| Box::new(p.row.clone()));
        let expires_at = now + 60_000;
        self.questions.open(Open { row, asker: Asker::Invite, expires_at });
        match place {
            Place::Queue => self.with(machine, |m, now| match m {
                Machine::Invitee(m) => m.queued(now).into(),
                Machine::Host(m) => m.queued(now).into(),
                other => Stepped { effects: vec![], next: Some(other) },
            }),
            _ => self.display(id, machine),
        }
    }

    /// The question becomes the one on display: only now a code run may start.
    fn display(&mut self, id: KnockId, machine: &mut Option<Machine>) -> Vec<Effect> {
        let unix = self.clock.unix();
        let may_run = self.budget.may_start(unix);
        let runs = matches!(machine, Some(Machine::Invitee(m)) if m.needs_run());
        let effects = self.with(machine, |m, now| match m {
            Machine::Invitee(m) if m.needs_run() && !may_run => m.refuse(now, No::LinkOnly).into(),
            Machine::Invitee(m) => m.displayed(now, random()).into(),
            Machine::Host(m) => m.displayed(now).into(),
            other => Stepped { effects: vec![], next: Some(other) },
        });
        let now = self.clock.now();
        let deadline = machine.as_ref().map_or(now, Machine::deadline);
        if let Some(question) = self.knocks.get(&id).and_then(|k| k.question).and_then(|q| self.questions.find_mut(&q))
        {
            question.expires_at = deadline;
            let row = question.row_at(now);
            // With a code to compare, the question is told once the code is there.
            if !runs {
                self.tell(News::Question { question: row });
            }
        }
        effects
    }

    fn with(&mut self, machine: &mut Option<Machine>, step: impl FnOnce(Machine, u64) -> Stepped) -> Vec<Effect> {
        let now = self.clock.now();
        let Some(m) = machine.take() else { return vec![] };
        let stepped = step(m, now);
        *machine = stepped.next;
        stepped.effects
    }

    fn question_row(&self, id: QuestionId, question: &Question) -> QuestionRow {
        let person = self.people.find(&question.peer);
        let claimed = question.name.as_ref();
        let twin = claimed.and_then(|name| self.people.resembling(name, Some(&question.peer)));
        let name = match (person.filter(|p| p.is_known()), claimed) {
            (Some(person), _) => person.name.to_string(),
            (None, Some(name)) => name.to_string(),
            (None, None) => format!("unnamed device {}", question.peer.short()),
        };
        let trust = match (self.people.trust(&question.peer), twin) {
            (Trust::New, Some(_)) => Trust::Changed,
            (trust, _) => trust,
        };
        let proven = match question.need {
            Need::Stored => Verified::Stored,
            Need::Link => Verified::Link,
            Need::Certificate => Verified::Certificate,
            Need::Code | Need::Unverified => Verified::No,
        };
        let kind = if trust == Trust::Changed { QuestionKind::KeyChanged } else { QuestionKind::Invite };
        let message = question.message.clone();
        QuestionRow { trust, proven, message, ..QuestionRow::new(id, kind, question.peer, name) }
    }

    fn show_code(&mut self, id: KnockId, code: Code) -> Vec<Effect> {
        let now = self.clock.now();
        let Some(knock) = self.knocks.get(&id) else { return vec![] };
        if knock.ours {
            let invite = knock.invite;
            self.tell(News::Code { invite, code: code.to_string() });
        } else if let Some(question) = knock.question.and_then(|q| self.questions.find_mut(&q)) {
            question.row.code = Some(code.to_string());
            let row = question.row_at(now);
            self.tell(News::Question { question: row });
        }
        vec![]
    }

    fn told_to_wait(&mut self, id: KnockId) -> Vec<Effect> {
        if let Some(invite) = self.knocks.get(&id).filter(|k| k.ours).map(|k| k.invite) {
            self.tell(News::InviteWaiting { invite });
        }
        vec![]
    }

    /// Counts a code run, on disk, before anything of it goes out; false if there is none left.
    async fn run_started(&mut self, id: KnockId) -> bool {
        let unix = self.clock.unix();
        if !self.budget.may_start(unix) {
            return false;
        }
        let run = self.budget.started(unix);
        if let Some(knock) = self.knocks.get_mut(&id) {
            knock.run = Some(run);
        }
        matches!(self.keeper.save_now(Slot::Runs, &self.budget).await, Ok(Ok(())))
    }

    fn run_confirmed(&mut self, id: KnockId) -> Vec<Effect> {
        if let Some(run) = self.knocks.get_mut(&id).and_then(|k| k.run.take()) {
            self.budget.confirmed(run);
            self.keeper.save(Slot::Runs, &self.budget);
        }
        vec![]
    }

    /// Uses a link up, on disk, before trust is written.
    async fn consume(
        &mut self,
        invite: hither_model::InviteId,
        peer: hither_model::PeerId,
        machine: &mut Option<Machine>,
    ) -> Vec<Effect> {
        let unix = self.clock.unix();
        let mut done = self.links.consume(unix, &invite, &peer).is_ok();
        if done {
            done = matches!(self.keeper.save_now(Slot::Links, &self.links).await, Ok(Ok(())));
        }
        self.publish_door();
        self.with(machine, |m, now| match m {
            Machine::Host(m) => m.consumed(now, done).into(),
            other => Stepped { effects: vec![], next: Some(other) },
        })
    }

    fn admit(&mut self, id: KnockId, admission: Admission) -> Vec<Effect> {
        if let Some(knock) = self.knocks.get_mut(&id) {
            knock.admitted = true;
            let _ = knock.orders.try_send(Order::Admit(Box::new(admission)));
        }
        vec![]
    }

    /// An invite is over without a session.
    pub(crate) async fn end_knock(&mut self, id: KnockId, ending: Ending) {
        let Some(knock) = self.knocks.remove(&id) else { return };
        self.end_errands_of(id).await;
        let _ = knock.orders.try_send(Order::Close);
        let failure = ending.failure();
        let over = match ending {
            Ending::DeclinedHere | Ending::CodesDiffer => Over::Refused,
            _ => Over::Lapsed,
        };
        if knock.ours {
            self.tell(News::InviteEnded { invite: knock.invite, failure: failure.clone() });
        }
        // Strangers who are turned away unasked leave one line a minute, however many they are.
        let now = self.clock.now();
        let asked = knock.ours || knock.question.is_some();
        if asked || now.saturating_sub(self.turned_away_at) >= TURNED_AWAY {
            if !asked {
                self.turned_away_at = now;
            }
            let name = knock.claimed.as_ref().map(ToString::to_string);
            self.note("invite", Some(knock.peer), name, failure.message.clone());
        }
        self.retract(knock.question, over, &failure.message, Some(failure.code)).await;
    }

    /// Closes a knock's question and shows the next one in turn.
    pub(crate) async fn retract(
        &mut self,
        question: Option<QuestionId>,
        over: Over,
        why: &str,
        code: Option<ErrorCode>,
    ) {
        let Some(question) = question else { return };
        // An accepted one is told as gone when its session is ready.
        if self.questions.close(&question).is_some() && !matches!(over, Over::Accepted) {
            self.tell(News::QuestionGone { id: question, why: why.to_owned(), code });
        }
        let next = self.turns.over(self.clock.now(), &question, over);
        let knock = next.and_then(|next| self.knocks.iter().find(|(_, k)| k.question == Some(next)).map(|(id, _)| *id));
        if let Some(id) = knock {
            let mut machine = self.knocks.get_mut(&id).and_then(|k| k.machine.take());
            let effects = self.display(id, &mut machine);
            Box::pin(self.carry_out(id, Stepped { effects, next: machine })).await;
        }
    }

    pub(crate) fn terms_of(&self, id: KnockId) -> Terms {
        self.knocks.get(&id).map(|k| k.terms.clone()).unwrap_or_default()
    }
}

fn refuse(machine: Machine, now: u64, why: No) -> Stepped {
    match machine {
        Machine::Invitee(m) => m.refuse(now, why).into(),
        Machine::Host(m) => m.refuse(now, why).into(),
        other => Stepped { effects: vec![], next: Some(other) },
    }
}

//! What should be on the screen now: news come in, the notifications to raise and to close come out. Pure: the time is
//! an argument, in milliseconds of any clock that only goes forward.
//!
//! Rules. A question that is gone takes its notification along. While somebody looks at a window nothing is raised but
//! alarms, and what was there by then counts as seen. *Accept* is offered only where no code has to be compared: for a
//! device that was met before and has proven the stored key. Strangers share one notification, and new ones may pop up
//! three times a minute. One notification is replaced at most once a second.

mod ended;
mod posted;
mod render;

use super::note::{Button, Note, Topic};
use super::wording::Tongue;
use ended::Ended;
use hither_model::{
    News, QuestionId, SessionId, TransferId, TransferState, View,
    row::{Direction, MessageRow, QuestionRow, TransferRow},
};
use posted::Outgoing;
use std::collections::{BTreeMap, VecDeque};

/// One notification is not replaced more often, milliseconds.
const CALM: u64 = 1_000;
/// Strangers may raise so many notifications …
const POPS: usize = 3;
/// … within so many milliseconds.
const POPS_WITHIN: u64 = 60_000;
/// Offers that get a notification each.
const OFFERS: usize = 3;
/// Sessions whose unread messages are counted.
const TALKS: usize = 50;

/// Whether notifications are wanted at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Hush {
    /// They are.
    #[default]
    No,
    /// Somebody looks at a window.
    Seen,
    /// Switched off.
    Off,
}

/// What to do with the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Raise it, or replace the one about the same.
    Show(Topic, Note),
    /// Take it away.
    Close(Topic),
}

/// What a press means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Answer a question.
    Answer { question: QuestionId, yes: bool },
    /// Show this in a window.
    Open { view: View, id: Option<String> },
    /// Show where a file is.
    Folder { path: String },
}

#[derive(Debug)]
struct Pending {
    row: QuestionRow,
    seen: bool,
}

#[derive(Debug)]
struct Unread {
    name: String,
    last: String,
    count: usize,
}

#[derive(Debug)]
struct Warning {
    message: String,
    count: usize,
}

#[derive(Debug)]
struct Posted {
    note: Note,
    at: u64,
}

/// Everything that is or should be on the screen.
#[derive(Debug, Default)]
pub(crate) struct Board {
    tongue: Tongue,
    /// There is a window that can be opened.
    window: bool,
    hush: Hush,
    questions: BTreeMap<QuestionId, Pending>,
    talks: BTreeMap<SessionId, Unread>,
    /// Transfers that are not over: what is known of them when they are.
    under_way: BTreeMap<TransferId, TransferRow>,
    ended: VecDeque<Ended>,
    /// What is in the outbox, and what of it went or did not.
    outgoing: Outgoing,
    alarm: Option<Warning>,
    posted: BTreeMap<Topic, Posted>,
    /// When strangers raised one.
    pops: VecDeque<u64>,
    due: Option<u64>,
}

impl Board {
    pub(crate) fn new(tongue: Tongue, window: bool) -> Self {
        Self { tongue, window, ..Self::default() }
    }

    /// Whether a window can be opened, for one was installed or is there.
    pub(crate) fn window_is(&mut self, there: bool) {
        self.window = there;
    }

    /// Whether news of this kind are of any interest: progress and devices near come often.
    pub(crate) fn cares(news: &News) -> bool {
        matches!(
            news,
            News::Snapshot { .. }
                | News::Question { .. }
                | News::QuestionGone { .. }
                | News::Message { .. }
                | News::Transfer { .. }
                | News::Done { .. }
                | News::Dropped { .. }
                | News::Outbox { .. }
                | News::OutboxGone { .. }
                | News::Alarm { .. }
                | News::Stopping
        )
    }

    /// Takes a piece of news in. `unix` is the time in seconds since 1970.
    pub(crate) fn hear(&mut self, news: &News, unix: u64) {
        match news {
            News::Snapshot { questions, transfers, .. } => self.begin(questions, transfers),
            News::Question { question } => self.ask(question),
            News::QuestionGone { id, .. } => drop(self.questions.remove(id)),
            News::Message { message } if message.direction == Direction::In => self.count(message),
            News::Transfer { transfer } => self.follow(transfer),
            News::Done { transfer, path, .. } => self.over(*transfer, path.clone(), None, unix),
            News::Dropped { transfer, failure } => self.over(*transfer, None, Some(failure), unix),
            News::Outbox { entry } => self.outgoing.hear(entry, self.hush == Hush::No, unix),
            News::OutboxGone { id } => self.outgoing.forget(id),
            News::Alarm { message, .. } if self.hush != Hush::Off => {
                let count = self.alarm.as_ref().map_or(0, |warning| warning.count) + 1;
                self.alarm = Some(Warning { message: message.clone(), count });
            }
            News::Stopping => *self = Self { posted: std::mem::take(&mut self.posted), ..Self::default() },
            _ => {}
        }
    }

    /// Somebody looks, looks away, or changes the setting.
    pub(crate) fn hush(&mut self, hush: Hush) {
        self.hush = hush;
        if hush == Hush::No {
            return;
        }
        self.questions.values_mut().for_each(|pending| pending.seen = true);
        self.talks.clear();
        self.ended.clear();
        self.outgoing.seen();
        if hush == Hush::Off {
            self.alarm = None;
        }
    }

    fn begin(&mut self, questions: &[QuestionRow], transfers: &[TransferRow]) {
        self.questions.retain(|id, _| questions.iter().any(|row| row.id == *id));
        questions.iter().for_each(|row| self.ask(row));
        self.under_way.clear();
        transfers.iter().for_each(|row| self.follow(row));
    }

    fn ask(&mut self, row: &QuestionRow) {
        let seen = self.hush != Hush::No || self.questions.get(&row.id).is_some_and(|known| known.seen);
        self.questions.insert(row.id, Pending { row: row.clone(), seen });
    }

    fn count(&mut self, message: &MessageRow) {
        if self.hush != Hush::No || (self.talks.len() >= TALKS && !self.talks.contains_key(&message.session)) {
            return;
        }
        let talk = self.talks.entry(message.session);
        let talk = talk.or_insert_with(|| Unread { name: message.name.clone(), last: String::new(), count: 0 });
        talk.count += 1;
        // What cannot be shown need not be remembered.
        talk.last = hither_model::text::shortened(&message.text, 1_000);
    }

    fn follow(&mut self, row: &TransferRow) {
        match row.state {
            // The end itself is told after this.
            TransferState::Kept | TransferState::Dropped => {
                if let Some(known) = self.under_way.get_mut(&row.transfer) {
                    known.clone_from(row);
                }
            }
            _ => {
                self.ended.retain(|ended| ended.id != row.transfer);
                self.under_way.insert(row.transfer, row.clone());
            }
        }
    }

    /// What has to happen on the screen now.
    pub(crate) fn sync(&mut self, now: u64) -> Vec<Effect> {
        self.due = None;
        let wanted = self.wanted();
        let mut effects = Vec::new();
        let gone: Vec<Topic> = self.posted.keys().filter(|topic| !wanted.contains_key(topic)).copied().collect();
        for topic in gone {
            self.posted.remove(&topic);
            effects.push(Effect::Close(topic));
        }
        for (topic, note) in wanted {
            let before = self.posted.get(&topic);
            if before.is_some_and(|posted| posted.note == note) {
                continue;
            }
            match self.may_show(topic, before.map(|posted| posted.at), now) {
                Ok(()) => {
                    self.posted.insert(topic, Posted { note: note.clone(), at: now });
                    effects.push(Effect::Show(topic, note));
                }
                Err(later) => self.due = Some(self.due.map_or(later, |due| due.min(later))),
            }
        }
        effects
    }

    /// Whether notifications are switched off.
    pub(crate) fn is_off(&self) -> bool {
        self.hush == Hush::Off
    }

    /// When to call [`Board::sync`] again although nothing happened.
    pub(crate) fn due(&self) -> Option<u64> {
        self.due
    }

    /// Whether it may pop up now, or when.
    fn may_show(&mut self, topic: Topic, before: Option<u64>, now: u64) -> Result<(), u64> {
        if let Some(at) = before {
            return if now >= at + CALM { Ok(()) } else { Err(at + CALM) };
        }
        if !self.is_strange(topic) {
            return Ok(());
        }
        while self.pops.front().is_some_and(|at| at + POPS_WITHIN <= now) {
            self.pops.pop_front();
        }
        match self.pops.front() {
            Some(first) if self.pops.len() >= POPS => Err(first + POPS_WITHIN),
            _ => {
                self.pops.push_back(now);
                Ok(())
            }
        }
    }

    /// Whether anybody on the network can bring it about again and again.
    fn is_strange(&self, topic: Topic) -> bool {
        match topic {
            Topic::Strangers => true,
            Topic::Question(id) => self.questions.get(&id).is_some_and(|pending| render::stranger(&pending.row)),
            // A warning is never held back by what strangers do.
            Topic::Alarm | Topic::Offers | Topic::Messages(_) => false,
            Topic::Transfer(_) | Topic::Transfers | Topic::Posted(_) | Topic::Post => false,
        }
    }

    /// What a press on a notification means, if the notification has that button.
    pub(crate) fn pressed(&mut self, topic: Topic, key: &str) -> Option<Deed> {
        let button = Button::of(key)?;
        let posted = self.posted.get(&topic)?;
        let deed = match button {
            _ if !posted.note.buttons.contains(&button) => return None,
            Button::Open => self.place(topic),
            Button::Accept | Button::Decline => {
                let Topic::Question(question) = topic else { return None };
                Deed::Answer { question, yes: button == Button::Accept }
            }
            Button::Folder => Deed::Folder { path: self.path_of(topic)? },
        };
        self.dismissed(topic);
        Some(deed)
    }

    /// Where the window goes for it.
    fn place(&self, topic: Topic) -> Deed {
        let (view, id) = match topic {
            Topic::Question(id) => (View::Question, Some(id.to_string())),
            Topic::Messages(id) => (View::Session, Some(id.to_string())),
            Topic::Transfer(id) => (View::Transfer, Some(id.to_string())),
            Topic::Strangers | Topic::Offers => (View::Near, None),
            Topic::Posted(_) | Topic::Post => (View::Transfer, None),
            Topic::Transfers | Topic::Alarm => (View::History, None),
        };
        Deed::Open { view, id }
    }

    /// It is not on the screen any more: a person closed or pressed it. It does not come again for the same reason.
    pub(crate) fn dismissed(&mut self, topic: Topic) {
        self.posted.remove(&topic);
        match topic {
            Topic::Question(id) => {
                if let Some(pending) = self.questions.get_mut(&id) {
                    pending.seen = true;
                }
            }
            Topic::Strangers | Topic::Offers => {
                let about = |row: &QuestionRow| (topic == Topic::Strangers) == render::stranger(row);
                let all = self.questions.values_mut().filter(|pending| about(&pending.row));
                all.for_each(|pending| pending.seen = true);
            }
            Topic::Messages(id) => drop(self.talks.remove(&id)),
            Topic::Transfer(id) => self.ended.retain(|ended| ended.id != id),
            Topic::Transfers => self.ended.clear(),
            Topic::Posted(id) => self.outgoing.drop_end(&id),
            Topic::Post => self.outgoing.seen(),
            Topic::Alarm => self.alarm = None,
        }
    }

    /// Nothing is on the screen any more, and nobody saw it: what is still wanted comes again.
    pub(crate) fn wiped(&mut self) {
        self.posted.clear();
    }
}

#[cfg(test)]
mod tests;

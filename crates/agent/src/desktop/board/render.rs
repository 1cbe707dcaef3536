//! Which notification belongs to which question, talk and warning.

use super::{Board, Hush, OFFERS};
use crate::desktop::note::{Button, Note, Topic, Weight};
use hither_model::{
    Trust, Verified,
    row::{QuestionKind, QuestionRow},
};
use std::collections::BTreeMap;

/// Whether somebody who was never met asks to be let in.
pub(super) fn stranger(row: &QuestionRow) -> bool {
    matches!(row.kind, QuestionKind::Invite | QuestionKind::KeyChanged) && !proven(row)
}

/// Whether a yes needs no comparing of codes: met before, and the key shown is the one stored then.
fn proven(row: &QuestionRow) -> bool {
    row.kind == QuestionKind::Invite
        && row.code.is_none()
        && row.proven != Verified::No
        && matches!(row.trust, Trust::Known | Trust::Verified)
}

impl Board {
    /// All that should be on the screen.
    pub(super) fn wanted(&self) -> BTreeMap<Topic, Note> {
        let mut wanted = BTreeMap::new();
        if let Some(warning) = self.alarm.as_ref().filter(|_| self.hush != Hush::Off) {
            let (summary, body) = self.tongue.alarm(&warning.message, warning.count);
            wanted.insert(Topic::Alarm, self.note((summary, body), &[Button::Open], Weight::Urgent, "device.error"));
        }
        if self.hush != Hush::No {
            return wanted;
        }
        let open: Vec<&QuestionRow> = self.questions.values().filter(|p| !p.seen).map(|p| &p.row).collect();
        let (strangers, others): (Vec<&QuestionRow>, Vec<_>) = open.into_iter().partition(|row| stranger(row));
        let (offers, others): (Vec<&QuestionRow>, Vec<_>) =
            others.into_iter().partition(|row| row.kind == QuestionKind::Transfer);
        let mut single = others;
        if strangers.len() > 1 {
            let words = self.tongue.strangers(strangers.len());
            wanted.insert(Topic::Strangers, self.note(words, &[Button::Open], Weight::Waiting, "network"));
        } else {
            single.extend(strangers);
        }
        if offers.len() > OFFERS {
            let words = self.tongue.many_offers(offers.len());
            wanted.insert(Topic::Offers, self.note(words, &[Button::Open], Weight::Waiting, "transfer"));
        } else {
            single.extend(offers);
        }
        wanted.extend(single.into_iter().map(|row| (Topic::Question(row.id), self.question(row))));
        for (id, talk) in &self.talks {
            let words = self.tongue.messages(&talk.name, &talk.last, talk.count);
            wanted.insert(Topic::Messages(*id), self.note(words, &[Button::Open], Weight::Passing, "im.received"));
        }
        wanted.extend(self.ends());
        wanted.extend(self.posts());
        wanted
    }

    pub(super) fn note(
        &self,
        (summary, body): (String, String),
        buttons: &[Button],
        weight: Weight,
        category: &'static str,
    ) -> Note {
        let can = |button: &&Button| self.window || **button != Button::Open;
        let buttons = buttons.iter().filter(can).copied().collect();
        Note { summary, body, buttons, weight, category }
    }

    fn question(&self, row: &QuestionRow) -> Note {
        use Button::{Accept, Decline, Open};
        let said = row.message.as_deref();
        let invites = self.tongue.invites(&row.name);
        match (row.kind, &row.code) {
            (QuestionKind::Transfer, _) => {
                let title = match row.names.as_slice() {
                    [] => String::new(),
                    [one] => one.clone(),
                    [first, ..] => format!("{first} …"),
                };
                let words = self.tongue.offers(&row.name, &title, row.items.unwrap_or(1), row.bytes.unwrap_or(0));
                self.note(words, &[Open, Accept, Decline], Weight::Waiting, "transfer")
            }
            (QuestionKind::KeyChanged, _) => {
                self.note(self.tongue.key_changed(&row.name), &[Open, Decline], Weight::Urgent, "network")
            }
            (QuestionKind::Invite, None) if proven(row) => {
                let body = self.tongue.known(said);
                self.note((invites, body), &[Open, Accept, Decline], Weight::Waiting, "network")
            }
            (QuestionKind::Invite, Some(code)) => {
                let body = self.tongue.code(code, said, self.window);
                self.note((invites, body), &[Open, Decline], Weight::Waiting, "network")
            }
            (QuestionKind::Invite, None) => {
                let body = self.tongue.look_closely(said);
                self.note((invites, body), &[Open, Decline], Weight::Waiting, "network")
            }
            (QuestionKind::Pin | QuestionKind::ChooseCertificate | QuestionKind::InsertCard, _) => {
                let token = row.pin.as_ref().map(|pin| pin.token.as_str());
                let words = self.tongue.card(row.kind, token, &row.name);
                self.note(words, &[Open, Decline], Weight::Waiting, "device")
            }
        }
    }
}

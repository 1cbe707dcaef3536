//! Questions for the person at this machine. Each owns the way its answer goes; the first answer wins, and a question
//! whose asker is gone is retracted.

use crate::certificates::ErrandId;
use hither_model::{QuestionId, TransferId, row::QuestionRow};
use std::{collections::BTreeMap, path::PathBuf};

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Yes.
    Yes(Terms),
    /// No.
    No,
}

/// The terms of a yes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// In future without asking.
    pub(crate) always: bool,
    /// The codes were compared and are the same.
    pub(crate) same_code: bool,
    /// Settle for "once, unverified".
    pub(crate) unverified: bool,
    /// Where files go instead of the inbox.
    pub(crate) to: Option<PathBuf>,
    /// Keep executable bits.
    pub(crate) executable: bool,
    /// What they may do from now on without a question.
    pub(crate) grant: Option<hither_model::row::GrantTerms>,
}

/// Who waits for the answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asker {
    /// An incoming invite.
    Invite,
    /// The engine itself, about an offered transfer.
    Transfer(TransferId),
    /// An invite or an answer that waits for a certificate.
    Errand(ErrandId),
}

/// A question that is open.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) row: QuestionRow,
    pub(crate) asker: Asker,
    /// Monotonic milliseconds.
    pub(crate) expires_at: u64,
}

/// All open questions.
#[derive(Debug, Default)]
pub(crate) struct Questions(BTreeMap<QuestionId, Question>);

impl Questions {
    pub(crate) fn open(&mut self, question: Question) {
        self.0.insert(question.row.id, question);
    }

    pub(crate) fn close(&mut self, id: &QuestionId) -> Option<Question> {
        self.0.remove(id)
    }

    pub(crate) fn find_mut(&mut self, id: &QuestionId) -> Option<&mut Question> {
        self.0.get_mut(id)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn of_transfer(&self, transfer: TransferId) -> Option<QuestionId> {
        self.0.values().find(|q| q.row.transfer == Some(transfer)).map(|q| q.row.id)
    }

    /// The rows as of now, oldest deadline first.
    pub(crate) fn rows(&self, now: u64) -> Vec<QuestionRow> {
        let mut open: Vec<&Question> = self.0.values().collect();
        open.sort_by_key(|q| q.expires_at);
        open.into_iter().map(|q| q.row_at(now)).collect()
    }

    /// The question with this id or beginning of an id.
    pub(crate) fn named(&self, wanted: &str) -> Result<QuestionId, usize> {
        let found: Vec<_> = self.0.keys().filter(|id| id.to_string().starts_with(&wanted.to_lowercase())).collect();
        match found.as_slice() {
            [one] if !wanted.is_empty() => Ok(**one),
            others => Err(others.len()),
        }
    }

    /// Questions about transfers lapse here; those about invites end with their task.
    pub(crate) fn lapsed(&self, now: u64) -> Vec<(QuestionId, TransferId)> {
        let due = self.0.values().filter(|q| q.expires_at <= now);
        due.filter_map(|q| Some((q.row.id, q.row.transfer?))).collect()
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        self.0.values().filter(|q| q.row.transfer.is_some()).map(|q| q.expires_at).min()
    }
}

impl Question {
    pub(crate) fn row_at(&self, now: u64) -> QuestionRow {
        QuestionRow { expires: self.expires_at.saturating_sub(now).div_ceil(1000), ..self.row.clone() }
    }
}

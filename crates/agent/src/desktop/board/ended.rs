//! Transfers that ended: which of them a person wants to hear of.

use super::{Board, Hush};
use crate::desktop::note::{Button, Note, Topic, Weight};
use hither_model::{
    ErrorCode, Failure, TransferId,
    row::{Direction, TransferRow},
};

/// Ends that get a notification each.
const ENDS: usize = 3;
/// Ends that are counted.
const MOST: usize = 100;
/// An end this long ago is history, seconds.
const OLD: u64 = 600;
/// What was sent faster than this was watched by whoever sent it, seconds.
const QUICK: u64 = 15;

/// A transfer that ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) id: TransferId,
    row: TransferRow,
    path: Option<String>,
    why: Option<String>,
    at: u64,
    /// Its notification is left as it is, and not counted with the next ones.
    old: bool,
}

impl Board {
    /// A transfer is over: `why` if not everything is kept.
    pub(super) fn over(&mut self, id: TransferId, path: Option<String>, why: Option<&Failure>, unix: u64) {
        let Some(row) = self.under_way.remove(&id) else { return };
        // Whether it went is told of the outbox's entry, which may try again.
        if self.outgoing.carries(&id) {
            return;
        }
        let inward = row.direction == Direction::In;
        let worth_it = match why {
            None => inward || unix.saturating_sub(row.at) >= QUICK,
            // Their own doing, or an offer that never began.
            Some(failure) => {
                let never_began = inward && row.items_done == 0 && row.path.is_none();
                match failure.code {
                    ErrorCode::Canceled => false,
                    ErrorCode::Declined | ErrorCode::Expired | ErrorCode::Withdrawn | ErrorCode::Busy => !never_began,
                    _ => true,
                }
            }
        };
        self.ended.iter_mut().for_each(|ended| ended.old = ended.at + OLD <= unix);
        if worth_it && self.hush == Hush::No {
            let path = path.or_else(|| row.path.clone());
            self.ended.push_back(Ended { id, row, path, why: why.map(|f| f.message.clone()), at: unix, old: false });
            if self.ended.len() > MOST {
                self.ended.pop_front();
            }
        }
    }

    pub(super) fn ends(&self) -> Vec<(Topic, Note)> {
        let (old, fresh): (Vec<&Ended>, Vec<&Ended>) = self.ended.iter().partition(|ended| ended.old);
        let single = |ended: &Ended| (Topic::Transfer(ended.id), self.end(ended));
        let still_there = |ended: &&&Ended| self.posted.contains_key(&Topic::Transfer(ended.id));
        let mut wanted: Vec<(Topic, Note)> = old.iter().filter(still_there).map(|ended| single(ended)).collect();
        if fresh.len() > ENDS {
            let words = self.tongue.many_ended(fresh.len());
            wanted.push((Topic::Transfers, self.note(words, &[Button::Open], Weight::Passing, "transfer.complete")));
        } else {
            wanted.extend(fresh.into_iter().map(single));
        }
        wanted
    }

    fn end(&self, ended: &Ended) -> Note {
        let row = &ended.row;
        let inward = row.direction == Direction::In;
        let buttons: &[Button] = if ended.path.is_some() { &[Button::Open, Button::Folder] } else { &[Button::Open] };
        let (words, category) = match &ended.why {
            Some(why) => (self.tongue.failed(&row.name, &row.title, why, inward), "transfer.error"),
            None if inward => (self.tongue.received(&row.name, &row.title), "transfer.complete"),
            None => (self.tongue.sent(&row.name, &row.title), "transfer.complete"),
        };
        self.note(words, buttons, Weight::Passing, category)
    }

    pub(super) fn path_of(&self, topic: Topic) -> Option<String> {
        let Topic::Transfer(id) = topic else { return None };
        self.ended.iter().find(|ended| ended.id == id)?.path.clone()
    }
}

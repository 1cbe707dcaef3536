//! The outbox: what went to a device that was away, and what did not, told to a person who did not watch it.

use super::Board;
use crate::desktop::note::{Button, Note, Topic, Weight};
use hither_model::{OutboxId, OutboxState, TransferId, row::OutboxRow};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Ends that get a notification each.
const ENDS: usize = 3;
/// Ends that are counted.
const MOST: usize = 100;
/// An end this long ago is history, seconds.
const OLD: u64 = 600;
/// Entries whose state is remembered, and transfers that belong to entries.
const KNOWN: usize = 10_000;

#[derive(Debug)]
struct End {
    row: OutboxRow,
    at: u64,
}

/// What is known of the outbox.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    states: BTreeMap<OutboxId, OutboxState>,
    transfers: BTreeSet<TransferId>,
    ends: VecDeque<End>,
}

impl Outgoing {
    /// An entry changed. `tell`: whether a person may be told of it.
    pub(super) fn hear(&mut self, row: &OutboxRow, tell: bool, unix: u64) {
        if let Some(transfer) = row.transfer {
            self.transfers.insert(transfer);
            while self.transfers.len() > KNOWN {
                self.transfers.pop_first();
            }
        }
        let before = self.states.insert(row.entry, row.state);
        while self.states.len() > KNOWN {
            self.states.pop_first();
        }
        self.drop_end(&row.entry);
        let over = matches!(row.state, OutboxState::Sent | OutboxState::Failed | OutboxState::Expired);
        if !over || before == Some(row.state) || !tell {
            return;
        }
        self.ends.retain(|end| end.at + OLD > unix);
        self.ends.push_back(End { row: row.clone(), at: unix });
        if self.ends.len() > MOST {
            self.ends.pop_front();
        }
    }

    /// An entry was withdrawn or cleared away.
    pub(super) fn forget(&mut self, entry: &OutboxId) {
        self.states.remove(entry);
        self.drop_end(entry);
    }

    /// Whether a transfer belongs to an entry.
    pub(super) fn carries(&self, transfer: &TransferId) -> bool {
        self.transfers.contains(transfer)
    }

    /// Its notification was closed, or it changed.
    pub(super) fn drop_end(&mut self, entry: &OutboxId) {
        self.ends.retain(|end| end.row.entry != *entry);
    }

    /// Everything was seen.
    pub(super) fn seen(&mut self) {
        self.ends.clear();
    }
}

impl Board {
    pub(super) fn posts(&self) -> Vec<(Topic, Note)> {
        let ends = &self.outgoing.ends;
        if ends.len() > ENDS {
            let words = self.tongue.many_posted(ends.len());
            return vec![(Topic::Post, self.note(words, &[Button::Open], Weight::Passing, "transfer"))];
        }
        ends.iter().map(|end| (Topic::Posted(end.row.entry), self.post(&end.row))).collect()
    }

    fn post(&self, row: &OutboxRow) -> Note {
        let (words, category) = match row.state {
            OutboxState::Expired => (self.tongue.never_seen(&row.name, &row.title), "transfer.error"),
            OutboxState::Failed => {
                let why = row.why.as_deref().unwrap_or_default();
                (self.tongue.not_posted(&row.name, &row.title, why), "transfer.error")
            }
            _ => (self.tongue.sent(&row.name, &row.title), "transfer.complete"),
        };
        self.note(words, &[Button::Open], Weight::Passing, category)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Board, Deed, Effect, Hush};
    use super::*;
    use crate::desktop::wording::Tongue;
    use hither_model::{CostPolicy, News, PeerId, Priority, View};

    fn entry(n: u8, state: OutboxState) -> OutboxRow {
        OutboxRow {
            entry: OutboxId::new([n; 8]),
            peer: PeerId::new([n; 32]),
            name: "Bo".into(),
            title: "plan.pdf".into(),
            state,
            waits: None,
            why: (state == OutboxState::Failed).then(|| "the disk is full there".into()),
            transfer: (state == OutboxState::Sending).then_some(TransferId::new([n; 16])),
            priority: Priority::Default,
            cost: CostPolicy::Default,
            group: None,
            at: 0,
            expires: 10,
        }
    }

    fn after(rows: &[OutboxRow], hush: Hush) -> (Board, Vec<Note>) {
        let mut board = Board::new(Tongue::English, true);
        board.hush(hush);
        rows.iter().for_each(|row| board.hear(&News::Outbox { entry: row.clone() }, 1_000));
        let shown =
            board.sync(0).into_iter().filter_map(|e| if let Effect::Show(_, note) = e { Some(note) } else { None });
        let shown = shown.collect();
        (board, shown)
    }

    #[test]
    fn what_went_to_somebody_who_was_away_is_told_and_what_did_not_with_its_reason() {
        for (state, summary, body) in [
            (OutboxState::Sent, "Sent to Bo", "plan.pdf"),
            (OutboxState::Failed, "Not sent to Bo", "plan.pdf\nthe disk is full there"),
            (OutboxState::Expired, "Bo was not seen in time", "plan.pdf"),
        ] {
            let (mut board, shown) = after(&[entry(1, OutboxState::Waiting), entry(1, state)], Hush::No);
            assert_eq!(
                shown.iter().map(|n| (n.summary.as_str(), n.body.as_str())).collect::<Vec<_>>(),
                [(summary, body)]
            );
            let open = Deed::Open { view: View::Transfer, id: None };
            assert_eq!(board.pressed(Topic::Posted(OutboxId::new([1; 8])), "default"), Some(open));
            assert_eq!(board.sync(9_000), [], "pressed once");
            board.hear(&News::Outbox { entry: entry(1, state) }, 1_000);
            assert_eq!(board.sync(20_000), [], "and not told again when the row changes");
        }
    }

    #[test]
    fn what_waits_or_moves_or_is_seen_in_a_window_is_not_told() {
        assert!(after(&[entry(1, OutboxState::Waiting), entry(1, OutboxState::Sending)], Hush::No).1.is_empty());
        for hush in [Hush::Seen, Hush::Off] {
            assert!(after(&[entry(1, OutboxState::Sent)], hush).1.is_empty());
        }
    }

    #[test]
    fn many_are_one_notification_and_one_that_is_withdrawn_takes_its_own_along() {
        let many: Vec<OutboxRow> = (0..9).map(|n| entry(n, OutboxState::Sent)).collect();
        let (_, shown) = after(&many, Hush::No);
        assert!(matches!(&shown[..], [note] if note.summary.contains('9')), "{shown:?}");
        let (mut board, _) = after(&many[..1], Hush::No);
        board.hear(&News::OutboxGone { id: OutboxId::new([0; 8]) }, 1_000);
        assert_eq!(board.sync(1), [Effect::Close(Topic::Posted(OutboxId::new([0; 8])))]);
    }

    #[test]
    fn m10_hostile_words_of_an_entry_show_as_they_are_written() {
        let bad =
            OutboxRow { name: "\u{202e}<b>".into(), title: "\u{0}\nx".repeat(900), ..entry(1, OutboxState::Failed) };
        let (_, shown) = after(&[bad], Hush::No);
        let [note] = &shown[..] else { panic!("{shown:?}") };
        assert!(note.summary.contains("\\u{202e}<b>") && note.body.starts_with("\\u{0}\\u{a}x"), "{note:?}");
        assert!(note.body.chars().count() <= 420);
    }
}

//! How the outbox is shown.

use super::queue::Entry;
use crate::state::State;
use hither_model::{
    Answer, News, OutboxId, OutboxState,
    row::{GroupRow, OutboxRow},
    text::shortened,
};

/// Characters of a title, a name, a reason.
const SHORT: usize = 120;
/// What one answer may take, bytes, however its texts are escaped; what is over is left out first.
const MUCH: usize = 3 << 20;
/// What a row takes beside its texts.
const BARE: usize = 420;

impl State {
    pub(super) fn outbox_row(&self, id: OutboxId, entry: &Entry) -> OutboxRow {
        let title = self.outbox.queue.batches.get(&entry.batch).map(|batch| shortened(&batch.title, SHORT));
        let waiting = entry.state == OutboxState::Waiting;
        OutboxRow {
            entry: id,
            peer: entry.peer,
            name: entry.name.clone(),
            title: title.unwrap_or_default(),
            state: entry.state,
            waits: self.outbox.waits.get(&id).copied().filter(|_| waiting),
            why: entry.why.as_ref().map(|why| shortened(why, 2 * SHORT)),
            transfer: entry.transfer.filter(|_| !waiting),
            priority: entry.priority,
            cost: entry.cost,
            group: entry.group.clone(),
            at: entry.at,
            expires: entry.expires,
        }
    }

    /// Everybody hears how an entry stands now.
    pub(super) fn tell_outbox(&self, id: OutboxId) {
        if let Some(entry) = self.outbox.queue.entries.get(&id) {
            self.tell(News::Outbox { entry: self.outbox_row(id, entry) });
        }
    }

    /// These entries, and all groups.
    pub(super) fn outbox_answer(&self, ids: impl IntoIterator<Item = OutboxId>) -> Answer {
        let entries = ids.into_iter().filter_map(|id| Some((id, self.outbox.queue.entries.get(&id)?)));
        let mut found: Vec<_> = entries.collect();
        // What goes next first; what is over last, the newest of it first.
        found.sort_by_key(|(_, e)| {
            let age = if e.is_over() { u64::MAX - e.number } else { e.number };
            (e.is_over(), std::cmp::Reverse(e.priority), age)
        });
        let mut bytes = 0;
        let rows = found.into_iter().map(|(id, entry)| self.outbox_row(id, entry)).take_while(|row| {
            let texts = [Some(&row.name), Some(&row.title), row.why.as_ref(), row.group.as_ref()];
            bytes += BARE + texts.iter().flatten().map(|text| 2 * text.len()).sum::<usize>();
            bytes <= MUCH
        });
        let rows = rows.collect();
        let groups = self.outbox.queue.groups.iter().map(|(name, group)| {
            let (waiting, sending) = self.outbox.queue.count(name);
            GroupRow { group: name.clone(), serial: group.serial, waiting, sending }
        });
        Answer::Outbox { rows, groups: groups.collect() }
    }
}

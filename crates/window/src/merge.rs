//! How often a page hears of progress: ten times a second at most, all transfers together. Everything else passes at
//! once. Times are milliseconds of one clock that never goes back.

use hither_model::{News, TransferId};
use std::collections::BTreeMap;

/// The least time between two tellings of progress.
const EVERY: u64 = 100;

/// Progress that waits to be told.
#[derive(Debug, Default)]
pub struct Merge {
    waiting: BTreeMap<TransferId, News>,
    free_at: u64,
}

impl Merge {
    /// Takes a piece of news; what is to be told now is put behind `out`.
    pub fn take(&mut self, news: News, now: u64, out: &mut Vec<News>) {
        match &news {
            News::Progress { transfer, .. } => {
                self.waiting.insert(*transfer, news);
                self.tell_due(now, out);
                return;
            }
            // What follows says more than the progress that waits.
            News::Transfer { transfer: row } => drop(self.waiting.remove(&row.transfer)),
            News::Done { transfer, .. } | News::Dropped { transfer, .. } => drop(self.waiting.remove(transfer)),
            News::Snapshot { .. } => self.waiting.clear(),
            _ => {}
        }
        out.push(news);
    }

    /// Puts what is due behind `out`.
    pub fn tell_due(&mut self, now: u64, out: &mut Vec<News>) {
        if now < self.free_at || self.waiting.is_empty() {
            return;
        }
        let told = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        self.free_at = now.saturating_add(EVERY.saturating_mul(told));
        out.extend(std::mem::take(&mut self.waiting).into_values());
    }

    /// When to call [`Merge::tell_due`] next, if something waits.
    pub fn due(&self) -> Option<u64> {
        (!self.waiting.is_empty()).then_some(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(id: u8, done: u64) -> News {
        News::Progress { transfer: TransferId::new([id; 16]), done, total: 100, bytes_per_s: 1 }
    }

    fn over() -> News {
        News::Done { transfer: TransferId::new([1; 16]), items: 1, bytes: 1, path: None }
    }

    #[test]
    fn a_thousand_reports_in_a_second_become_ten_and_the_last_is_the_newest() {
        let (mut merge, mut out) = (Merge::default(), Vec::new());
        for now in 0..1_000 {
            merge.take(progress(1, now), now, &mut out);
        }
        assert_eq!(out.len(), 10);
        let due = merge.due().unwrap();
        merge.tell_due(due, &mut out);
        assert_eq!((out.len(), out.last()), (11, Some(&progress(1, 999))));
        assert_eq!(merge.due(), None);
    }

    #[test]
    fn twenty_transfers_share_the_ten_a_second() {
        let (mut merge, mut out) = (Merge::default(), Vec::new());
        for now in 0..10_000 {
            for id in 0..20 {
                merge.take(progress(id, now), now, &mut out);
            }
        }
        assert!(out.len() <= 120, "{} were told in ten seconds", out.len());
    }

    #[test]
    fn the_end_of_a_transfer_is_told_at_once_and_no_progress_after_it() {
        let (mut merge, mut out) = (Merge::default(), Vec::new());
        merge.take(progress(1, 1), 0, &mut out);
        merge.take(progress(1, 2), 1, &mut out);
        merge.take(progress(2, 2), 1, &mut out);
        merge.take(over(), 2, &mut out);
        merge.tell_due(1_000, &mut out);
        assert_eq!(out, [progress(1, 1), over(), progress(2, 2)]);
    }
}

//! How transfers are shown: in lists shortly, so that all of them fit into one message of the control socket whatever
//! their names are; one by one with what failed.

use super::Transfer;
use crate::state::State;
use hither_model::{
    TransferId,
    row::{FailedItem, TransferRow},
    text::shortened,
};

/// Failed items in a row of a list; how many there are is in its `why`.
const FEW: usize = 3;
/// Characters of a path or a reason there.
const SHORT: usize = 200;
/// Bytes of paths and reasons in the row of one transfer.
const MUCH: usize = 512 << 10;

impl Transfer {
    /// Where the items go, once one of them is there.
    fn folder(&self) -> Option<String> {
        let inbox = self.kept.inbox.as_ref().filter(|_| self.kept.items_done > 0)?;
        Some(inbox.display().to_string())
    }

    /// Its row in a list.
    pub(super) fn row(&self, id: TransferId) -> TransferRow {
        let short = |text: &String| shortened(text, SHORT);
        let failed = self.kept.failed.iter().take(FEW);
        let failed = failed.map(|f| FailedItem { path: short(&f.path), code: f.code, why: short(&f.why) }).collect();
        self.row_with(id, failed)
    }

    /// Its row with all failed items that are known and fit.
    fn full_row(&self, id: TransferId) -> TransferRow {
        let mut bytes = 0;
        let fits = |item: &&FailedItem| {
            bytes += item.path.len() + item.why.len();
            bytes <= MUCH
        };
        self.row_with(id, self.kept.failed.iter().take_while(fits).cloned().collect())
    }

    fn row_with(&self, id: TransferId, failed: Vec<FailedItem>) -> TransferRow {
        let k = &self.kept;
        TransferRow {
            transfer: id,
            peer: k.peer,
            name: k.name.clone(),
            direction: k.direction,
            state: k.state,
            why: k.why.as_ref().map(|why| shortened(why, 2 * SHORT)),
            title: k.title.clone(),
            done: k.done,
            total: k.total,
            items_done: k.items_done,
            items: k.items,
            failed,
            receipt: k.receipt,
            path: k.path.clone().or_else(|| self.folder()),
            at: k.at,
        }
    }
}

impl State {
    /// All transfers, oldest first.
    pub(crate) fn transfer_rows(&self) -> Vec<TransferRow> {
        let mut rows: Vec<TransferRow> = self.transfers.iter().map(|(id, t)| t.row(*id)).collect();
        rows.sort_by_key(|row| row.at);
        rows
    }

    /// One transfer, with what failed.
    pub(crate) fn transfer_row(&self, id: TransferId) -> Option<TransferRow> {
        self.transfers.get(&id).map(|t| t.full_row(id))
    }
}

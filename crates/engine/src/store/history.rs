//! What happened, one JSON object a line, oldest first; halved when it grows past its cap. Holds no secret and no
//! message text.

use super::Keeper;
use hither_model::row::HistoryRow;
use std::{collections::VecDeque, path::PathBuf};

/// Lines kept.
const MAX_ROWS: usize = 2_000;
/// Bytes of the file that are read back at start.
const MAX_BYTES: u64 = 2 << 20;

/// The history of this profile.
#[derive(Debug)]
pub(crate) struct History {
    path: PathBuf,
    rows: VecDeque<HistoryRow>,
}

impl History {
    /// Reads what there is; lines that cannot be read are left out.
    pub(crate) fn load(path: PathBuf) -> Self {
        let long = std::fs::metadata(&path).is_ok_and(|m| m.len() > MAX_BYTES);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut rows: VecDeque<HistoryRow> = text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        while rows.len() > MAX_ROWS {
            rows.pop_front();
        }
        if long {
            let lines: String = rows.iter().filter_map(|r| serde_json::to_string(r).ok()).map(|l| l + "\n").collect();
            let _ = super::sealed::write(&path, lines.as_bytes());
        }
        Self { path, rows }
    }

    /// Notes a row.
    pub(crate) fn note(&mut self, keeper: &Keeper, row: HistoryRow) {
        if let Ok(line) = serde_json::to_string(&row) {
            keeper.append(self.path.clone(), (line + "\n").into_bytes());
        }
        self.rows.push_back(row);
        if self.rows.len() > MAX_ROWS {
            self.rows.pop_front();
        }
    }

    /// Newest first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &HistoryRow> {
        self.rows.iter().rev()
    }
}

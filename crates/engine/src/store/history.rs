//! What happened, one JSON object a line, oldest first; written anew with the rows that are kept when it grows past its
//! cap. Holds no secret and no message text.

use super::Keeper;
use hither_model::row::HistoryRow;
use std::{
    collections::VecDeque,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

/// Lines kept.
const MAX_ROWS: usize = 2_000;
/// Bytes of the file, at most.
const MAX_BYTES: u64 = 2 << 20;

/// The history of this profile.
#[derive(Debug)]
pub(crate) struct History {
    path: PathBuf,
    rows: VecDeque<HistoryRow>,
    /// Bytes of the file.
    bytes: u64,
}

impl History {
    /// Reads what there is; lines that cannot be read are left out.
    pub(crate) fn load(path: PathBuf) -> Self {
        let mut text = String::new();
        if let Ok(mut file) = File::open(&path) {
            // Of a file that somebody made long, the end counts.
            let length = file.metadata().map_or(0, |m| m.len());
            let _ = file.seek(SeekFrom::Start(length.saturating_sub(2 * MAX_BYTES)));
            let mut bytes = Vec::new();
            let _ = file.take(2 * MAX_BYTES).read_to_end(&mut bytes);
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
        let mut rows: VecDeque<HistoryRow> = text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        while rows.len() > MAX_ROWS {
            rows.pop_front();
        }
        let mut history = Self { path, rows, bytes: text.len() as u64 };
        if history.bytes > MAX_BYTES {
            let lines = history.trim();
            let _ = super::sealed::write(&history.path, &lines);
        }
        history
    }

    /// Notes a row.
    pub(crate) fn note(&mut self, keeper: &Keeper, row: HistoryRow) {
        let line = serde_json::to_string(&row).map(|line| line + "\n").unwrap_or_default();
        self.rows.push_back(row);
        if self.rows.len() > MAX_ROWS {
            self.rows.pop_front();
        }
        self.bytes += line.len() as u64;
        if self.bytes > MAX_BYTES {
            let lines = self.trim();
            keeper.replace(self.path.clone(), lines);
        } else {
            keeper.append(self.path.clone(), line.into_bytes());
        }
    }

    /// Forgets the oldest rows until the file has half its cap; what it holds then.
    fn trim(&mut self) -> Vec<u8> {
        let lines: Vec<String> =
            self.rows.iter().map(|row| serde_json::to_string(row).map(|l| l + "\n").unwrap_or_default()).collect();
        let mut bytes: u64 = lines.iter().map(|line| line.len() as u64).sum();
        let mut forgotten = 0;
        for line in &lines {
            if bytes <= MAX_BYTES / 2 {
                break;
            }
            bytes -= line.len() as u64;
            forgotten += 1;
        }
        self.rows.drain(..forgotten);
        self.bytes = bytes;
        lines.into_iter().skip(forgotten).collect::<String>().into_bytes()
    }

    /// Newest first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &HistoryRow> {
        self.rows.iter().rev()
    }
}

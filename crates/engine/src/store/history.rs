//! What happened, one JSON object a line, oldest first, joined to a chain of hashes (`chain`); written anew with the rows
//! that are kept when it grows past its cap. Holds no secret and no message text.

mod chain;

use super::Keeper;
use chain::Head;
use hither_model::row::{HistoryRow, HistoryState};
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
    /// Head of the chain before the oldest row, and with the newest.
    anchor: Head,
    head: Head,
    /// Rows that were there once.
    forgotten: u64,
    /// When the first row was that did not follow from the one before it when the file was read.
    broken: Option<u64>,
}

impl History {
    /// Reads what there is; lines that cannot be read are left out.
    pub(crate) fn load(path: PathBuf) -> Self {
        let text = read(&path);
        let chain::Read { rows, head, anchor, forgotten, broken, unchained } = chain::read(&text);
        let bytes = text.len() as u64;
        let mut history = Self { path, rows: rows.into(), bytes, anchor, head, forgotten, broken };
        if unchained || history.bytes > MAX_BYTES || history.rows.len() > MAX_ROWS {
            let surplus = history.rows.len().saturating_sub(MAX_ROWS);
            history.forget_oldest(surplus);
            let lines = history.trim();
            let _ = super::sealed::write(&history.path, &lines);
        }
        history
    }

    /// Notes a row.
    pub(crate) fn note(&mut self, keeper: &Keeper, row: HistoryRow) {
        let (line, head) = chain::line(self.head, &row);
        self.head = head;
        self.rows.push_back(row);
        self.bytes += line.len() as u64;
        if self.bytes > MAX_BYTES || self.rows.len() > MAX_ROWS {
            // By a tenth, so that it is not written anew for each row that follows.
            let surplus = if self.rows.len() > MAX_ROWS { MAX_ROWS / 10 } else { 0 };
            self.forget_oldest(surplus);
            let lines = self.trim();
            keeper.replace(self.path.clone(), lines);
        } else {
            keeper.append(self.path.clone(), line.into_bytes());
        }
    }

    /// Takes out what `which` says yes to, for good: how many rows. What stays gets a new chain, which hangs from the old
    /// one.
    pub(crate) fn erase(&mut self, keeper: &Keeper, which: impl Fn(&HistoryRow) -> bool) -> u64 {
        let before = self.rows.len();
        self.rows.retain(|row| !which(row));
        let erased = (before - self.rows.len()) as u64;
        if erased > 0 {
            self.forgotten += erased;
            self.anchor = self.head.after(b"erased");
            let lines = self.lines().concat().into_bytes();
            self.bytes = lines.len() as u64;
            keeper.replace(self.path.clone(), lines);
        }
        erased
    }

    /// How whole it is.
    pub(crate) fn state(&self) -> HistoryState {
        HistoryState { head: self.head.text(), forgotten: self.forgotten, broken: self.broken }
    }

    /// Newest first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &HistoryRow> {
        self.rows.iter().rev()
    }

    fn forget_oldest(&mut self, count: usize) {
        for row in self.rows.drain(..count.min(self.rows.len())) {
            self.anchor = chain::line(self.anchor, &row).1;
            self.forgotten += 1;
        }
    }

    /// Forgets the oldest rows until the file has half its cap, if it is over it; what it holds then.
    fn trim(&mut self) -> Vec<u8> {
        let lines = self.lines();
        let mut bytes: u64 = lines.iter().map(|line| line.len() as u64).sum();
        let most = if bytes > MAX_BYTES { MAX_BYTES / 2 } else { MAX_BYTES };
        let mut surplus = 0;
        for line in lines.iter().skip(1) {
            if bytes <= most {
                break;
            }
            bytes -= line.len() as u64;
            surplus += 1;
        }
        self.forget_oldest(surplus);
        let lines = self.lines().concat().into_bytes();
        self.bytes = lines.len() as u64;
        lines
    }

    /// The file as it should be. The chain is made anew: a break was told when it was found.
    fn lines(&mut self) -> Vec<String> {
        let mut lines = vec![chain::anchor(self.anchor, self.forgotten)];
        self.head = self.anchor;
        for row in &self.rows {
            let (line, head) = chain::line(self.head, row);
            self.head = head;
            lines.push(line);
        }
        lines
    }
}

/// The file's text; of one that somebody made long, the end.
fn read(path: &std::path::Path) -> String {
    let Ok(mut file) = File::open(path) else { return String::new() };
    let length = file.metadata().map_or(0, |m| m.len());
    let _ = file.seek(SeekFrom::Start(length.saturating_sub(2 * MAX_BYTES)));
    let mut bytes = Vec::new();
    let _ = file.take(2 * MAX_BYTES).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;

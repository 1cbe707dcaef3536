//! The chain that joins the lines of the history: each line carries the hash of itself and of the one before, so that a
//! line that was changed, taken out or put in by hand is noticed. Whoever can write the file can make a new chain; its
//! head, noted elsewhere, tells that too.

use data_encoding::HEXLOWER;
use hither_model::row::HistoryRow;
use serde::{Deserialize, Serialize};

/// What a chain hangs from, and the place of its newest line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head(pub(super) [u8; 32]);

impl Head {
    /// Before the first line there ever was.
    pub(super) const FIRST: Self = Self([0; 32]);

    /// The head after one more line.
    pub(super) fn after(self, line: &[u8]) -> Self {
        Self(*blake3::Hasher::new_derive_key("hither history 1").update(&self.0).update(line).finalize().as_bytes())
    }

    pub(super) fn text(self) -> String {
        HEXLOWER.encode(&self.0)
    }

    fn read(text: &str) -> Option<Self> {
        Some(Self(HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()?))
    }
}

/// The first line of the file: what is not there any more.
#[derive(Debug, Serialize, Deserialize)]
struct Anchor {
    /// Head of the chain before the first line that is there.
    anchor: String,
    /// Lines that were dropped for want of room, or erased by the person.
    forgotten: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    row: HistoryRow,
    /// Head of the chain with this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chain: Option<String>,
}

/// What a file says.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) rows: Vec<HistoryRow>,
    pub(super) head: Head,
    pub(super) anchor: Head,
    pub(super) forgotten: u64,
    /// When the first line was that does not follow from the one before it.
    pub(super) broken: Option<u64>,
    /// Whether it has no chain yet: written by hither before there was one.
    pub(super) unchained: bool,
}

/// The line of an anchor.
pub(super) fn anchor(head: Head, forgotten: u64) -> String {
    serde_json::to_string(&Anchor { anchor: head.text(), forgotten }).map(|line| line + "\n").unwrap_or_default()
}

/// The line of a row, and the head with it.
pub(super) fn line(before: Head, row: &HistoryRow) -> (String, Head) {
    let head = before.after(&serde_json::to_vec(row).unwrap_or_default());
    let line = Line { row: row.clone(), chain: Some(head.text()) };
    (serde_json::to_string(&line).map(|line| line + "\n").unwrap_or_default(), head)
}

/// Reads a file and follows its chain. Lines that cannot be read are left out; they break it.
pub(super) fn read(text: &str) -> Read {
    let mut lines = text.lines().peekable();
    let first = lines.peek().and_then(|line| serde_json::from_str::<Anchor>(line).ok());
    let anchored = first.as_ref().and_then(|first| Head::read(&first.anchor));
    if anchored.is_some() {
        lines.next();
    }
    let anchor = anchored.unwrap_or(Head::FIRST);
    let forgotten = first.map_or(0, |first| first.forgotten);
    let mut found = Read { rows: vec![], head: anchor, anchor, forgotten, broken: None, unchained: anchored.is_none() };
    let mut damaged = false;
    for text in lines.filter(|line| !line.is_empty()) {
        let Ok(Line { row, chain }) = serde_json::from_str(text) else {
            damaged = true;
            continue;
        };
        let expected = found.head.after(&serde_json::to_vec(&row).unwrap_or_default());
        let claimed = chain.as_deref().and_then(Head::read);
        if anchored.is_some() && (damaged || claimed != Some(expected)) && found.broken.is_none() {
            found.broken = Some(row.at);
        }
        damaged = false;
        // What follows is judged by what this line says of itself, so that one change is one break.
        found.head = claimed.filter(|_| anchored.is_some()).unwrap_or(expected);
        found.rows.push(row);
    }
    if damaged && anchored.is_some() && found.broken.is_none() {
        found.broken = Some(found.rows.last().map_or(0, |row| row.at));
    }
    found
}

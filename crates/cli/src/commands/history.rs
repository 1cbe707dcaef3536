//! `hither history`: what happened.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    table::Table,
    words,
};
use clap::{Args, Subcommand};
use hither_model::{
    Answer, Ask, ErrorCode, Failure,
    row::{HistoryRow, HistoryState},
};
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// As many lines as there can be.
const ALL: u32 = 2_000;

/// What happened, newest first.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Example:\n  hither history --peer Ana --limit 20")]
pub(crate) struct History {
    #[command(subcommand)]
    what: Option<What>,
    /// With this device only
    #[arg(long, value_name = "P")]
    peer: Option<String>,
    /// Only lines with this text in them
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// As a table for a spreadsheet (--json gives JSON lines)
    #[arg(long)]
    csv: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Whether it was changed by hand: follows its chain of hashes
    #[command(after_help = "Example:\n  hither history check")]
    Check,
    /// Take lines out of it for good
    #[command(after_help = "Example:\n  hither history erase --older-than 30d")]
    Erase {
        /// Those with this device only
        #[arg(long, value_name = "P")]
        peer: Option<String>,
        /// Those that are older (10m, 12h, 30d)
        #[arg(long, value_name = "TIME", value_parser = words::seconds)]
        older_than: Option<u64>,
        /// Everything, if nothing else is said
        #[arg(long, required_unless_present_any = ["peer", "older_than"], conflicts_with_all = ["peer", "older_than"])]
        all: bool,
    },
}

#[derive(Serialize)]
struct Erased {
    lines: u64,
}

impl History {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        match self.what {
            None => self.list(desk).await,
            Some(What::Check) => check(desk).await,
            Some(What::Erase { peer, older_than, all: _ }) => erase(desk, peer, older_than).await,
        }
    }

    async fn list(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let (rows, _) = ask(desk, Ask::History { peer: self.peer, limit: self.limit, search: self.search }).await?;
        if self.csv && !desk.screen.json() {
            return desk.screen.raw(&spreadsheet(&rows)?);
        }
        if rows.is_empty() {
            desk.screen.remark("nothing has happened yet, or nothing of that kind")?;
        }
        desk.screen.rows("history", &rows, |rows| {
            let mut table = Table::new(&["WHEN", "WHAT", "WITH", ""]);
            for row in rows {
                let with = row.name.clone().or_else(|| row.peer.map(|p| p.short())).unwrap_or_default();
                table.row([words::moment(row.at), row.what.clone(), with, row.detail.clone()]);
            }
            table.text(desk.screen.paint())
        })
    }
}

async fn ask(desk: &Desk<'_>, ask: Ask) -> Result<(Vec<HistoryRow>, Option<HistoryState>), Halt> {
    match desk.client().await?.ask(ask).await? {
        Answer::History { rows, state } => Ok((rows, state)),
        _ => Err(unexpected()),
    }
}

async fn check(desk: &Desk<'_>) -> Result<(), Halt> {
    let (rows, state) = ask(desk, Ask::History { peer: None, limit: ALL, search: None }).await?;
    let state = state.ok_or_else(unexpected)?;
    if let Some(at) = state.broken {
        let why = format!(
            "the history was changed by hand: the line of {} does not follow from the one before",
            words::moment(at)
        );
        return Err(Failure::new(ErrorCode::StorageFailed, why)
            .hint("compare it with a copy you trust; `hither history --csv` shows what is there")
            .into());
    }
    desk.screen.row("history-check", &state, || {
        let lines = words::count(rows.len() as u64, "line", "lines");
        let gone = if state.forgotten == 0 { String::new() } else { format!(", {} more were there once", state.forgotten) };
        format!("whole: {lines}{gone}\nhead   {}\n       (noted elsewhere, it tells later whether the history is still the same)", state.head)
    })
}

async fn erase(desk: &Desk<'_>, peer: Option<String>, older_than: Option<u64>) -> Result<(), Halt> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    let before = older_than.map(|age| now.saturating_sub(age));
    let Answer::Erased { lines } = desk.client().await?.ask(Ask::EraseHistory { peer, before }).await? else {
        return Err(unexpected());
    };
    desk.screen.event("erased", &Erased { lines }, || format!("{} erased", words::count(lines, "line", "lines")))
}

/// RFC 4180, with a byte order mark so that spreadsheets read it as UTF-8.
fn spreadsheet(rows: &[HistoryRow]) -> Result<Vec<u8>, Halt> {
    let fault = |e: csv::Error| Failure::new(ErrorCode::Internal, format!("no table could be written: {e}"));
    let mut out =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer("\u{feff}".as_bytes().to_vec());
    out.write_record(["when", "what", "with", "id", "detail"]).map_err(fault)?;
    for row in rows {
        let id = row.peer.map(|peer| peer.to_string()).unwrap_or_default();
        let name = row.name.clone().unwrap_or_default();
        let cells = [words::moment(row.at), row.what.clone(), harmless(&name), id, harmless(&row.detail)];
        out.write_record(&cells).map_err(fault)?;
    }
    out.into_inner().map_err(|e| Failure::new(ErrorCode::Internal, e.to_string()).into())
}

/// A cell that begins so is run as a formula; others' words must not be.
fn harmless(text: &str) -> String {
    let text = hither_model::text::printable(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula_in_a_spreadsheet_and_a_comma_no_new_cell() {
        let row =
            HistoryRow { at: 0, what: "met".into(), peer: None, name: Some("=1+1".into()), detail: "a, \"b\"".into() };
        let text = String::from_utf8(spreadsheet(&[row]).unwrap_or_default()).unwrap();
        let line = text.lines().nth(1).unwrap();
        assert!(line.ends_with(",met,'=1+1,,\"a, \"\"b\"\"\""), "{line}");
    }
}

//! Where output goes: results to standard output, as text or as JSON lines; asides, prompts and progress to standard
//! error. Nothing else in this program writes to either.

use crate::{halt::Halt, paint::Paint};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// The two streams, and how to write to them.
#[derive(Debug)]
pub(crate) struct Screen {
    json: bool,
    out: Paint,
    error: Paint,
    terminal: bool,
}

/// A row of a list: its kind, then its fields.
#[derive(Serialize)]
struct Row<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    row: &'a T,
}

/// Something that happened, with the fields of a row.
#[derive(Serialize)]
struct Event<'a, T> {
    event: &'a str,
    #[serde(flatten)]
    row: &'a T,
}

impl Screen {
    pub(crate) fn new(json: bool) -> Self {
        let error = io::stderr();
        Self { json, out: Paint::on(&io::stdout()), error: Paint::on(&error), terminal: error.is_terminal() }
    }

    /// Whether standard output carries JSON lines.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Whether standard error is a terminal, so that progress can be drawn on it.
    pub(crate) fn drawable(&self) -> bool {
        self.terminal && !self.json
    }

    /// Colours for standard output.
    pub(crate) fn paint(&self) -> Paint {
        self.out
    }

    /// Colours for standard error.
    pub(crate) fn paint_error(&self) -> Paint {
        self.error
    }

    /// One JSON object, whatever the mode.
    pub(crate) fn object<T: Serialize>(&self, object: &T) -> Result<(), Halt> {
        let mut line = serde_json::to_vec(object).map_err(io::Error::from)?;
        line.push(b'\n');
        self.raw(&line)
    }

    /// A row: JSON with `type`, or the text.
    pub(crate) fn row<T: Serialize>(&self, kind: &str, row: &T, text: impl FnOnce() -> String) -> Result<(), Halt> {
        if self.json { self.object(&Row { kind, row }) } else { self.line(&text()) }
    }

    /// Rows of a list: JSON with `type` each, or a table.
    pub(crate) fn rows<T: Serialize>(
        &self,
        kind: &str,
        rows: &[T],
        table: impl FnOnce(&[T]) -> String,
    ) -> Result<(), Halt> {
        if !self.json {
            return if rows.is_empty() { Ok(()) } else { self.line(&table(rows)) };
        }
        rows.iter().try_for_each(|row| self.object(&Row { kind, row }))
    }

    /// An event: JSON with `event` and the fields, or the text.
    pub(crate) fn event<T: Serialize>(&self, event: &str, row: &T, text: impl FnOnce() -> String) -> Result<(), Halt> {
        if self.json { self.object(&Event { event, row }) } else { self.line(&text()) }
    }

    /// News as they came: JSON, or the text if there is any.
    pub(crate) fn news<T: Serialize>(&self, news: &T, text: impl FnOnce() -> Option<String>) -> Result<(), Halt> {
        if self.json {
            return self.object(news);
        }
        text().map_or(Ok(()), |text| self.line(&text))
    }

    /// A line of text on standard output. The caller has made peers' words printable.
    pub(crate) fn line(&self, text: &str) -> Result<(), Halt> {
        self.raw(format!("{}\n", text.trim_end_matches('\n')).as_bytes())
    }

    /// Bytes on standard output as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), Halt> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        Ok(out.flush()?)
    }

    /// A line on standard error.
    pub(crate) fn aside(&self, text: &str) -> Result<(), Halt> {
        self.draw(&format!("{text}\n"))
    }

    /// A line on standard error that a program has no use for: left out with `--json`.
    pub(crate) fn remark(&self, text: &str) -> Result<(), Halt> {
        if self.json { Ok(()) } else { self.aside(text) }
    }

    /// Text on standard error without a line end.
    pub(crate) fn draw(&self, text: &str) -> Result<(), Halt> {
        let mut error = io::stderr().lock();
        error.write_all(text.as_bytes())?;
        Ok(error.flush()?)
    }
}

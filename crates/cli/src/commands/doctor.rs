//! `hither doctor`: why a device is not seen or not reached.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
};
use clap::Args;
use hither_model::{
    Answer, Ask,
    row::{CheckRow, CheckState},
    text,
};

/// Why a device is not seen or not reached, and what to do: one line for each check.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither doctor")]
pub(crate) struct Doctor {
    /// Look at one device in particular
    peer: Option<String>,
}

impl Doctor {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let answer = desk.client().await?.ask(Ask::Doctor { peer: self.peer }).await?;
        let Answer::Checks { rows } = answer else { return Err(unexpected()) };
        desk.screen.rows("check", &rows, |rows| list(desk.screen.paint(), rows))
    }
}

fn list(paint: Paint, rows: &[CheckRow]) -> String {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for row in rows {
        let mark = match row.state {
            CheckState::Ok => paint.green("ok  "),
            CheckState::Warn => paint.yellow("warn"),
            CheckState::Fail => paint.red("FAIL"),
        };
        let name = text::printable(&row.name);
        lines.push(format!("{mark}  {name:width$}  {}", text::printable(&row.detail)));
        if let Some(fix) = &row.fix {
            lines.push(format!("      {:width$}  → {}", "", text::printable(fix)));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_one_line_and_its_fix_stands_below_it() {
        let row = |name: &str, state, fix: Option<&str>| CheckRow {
            name: name.into(),
            state,
            detail: "d\u{1b}".into(),
            fix: fix.map(str::to_owned),
        };
        let rows = [row("port", CheckState::Ok, None), row("firewall", CheckState::Fail, Some("open it"))];
        let expected = "ok    port      d\\u{1b}\nFAIL  firewall  d\\u{1b}\n                → open it";
        assert_eq!(list(Paint::none(), &rows), expected);
    }
}

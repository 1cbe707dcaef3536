//! Aligned columns. Cells are peers' words as often as not: every hidden character is escaped here, whatever the caller
//! did, and long cells are cut.

use crate::paint::Paint;
use hither_model::text;
use unicode_width::UnicodeWidthStr;

/// Widest cell but the last of a line, characters.
const WIDEST: usize = 48;

/// Rows under a heading.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|h| (*h).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row. A cell that is missing is empty.
    pub(crate) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) -> &mut Self {
        self.rows.push(cells.into_iter().map(|cell| text::printable(cell.as_ref())).collect());
        self
    }

    /// Leaves a column out if nothing is in it.
    pub(crate) fn without_if_empty(&mut self, heading: &str) -> &mut Self {
        let Some(at) = self.head.iter().position(|h| h == heading) else { return self };
        if self.rows.iter().all(|row| row.get(at).is_none_or(String::is_empty)) {
            self.head.remove(at);
            for row in &mut self.rows {
                if at < row.len() {
                    row.remove(at);
                }
            }
        }
        self
    }

    /// The table as text.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let columns = self.head.len();
        let cut = |cell: &str, column: usize| {
            if column + 1 == columns { cell.to_owned() } else { text::shortened(cell, WIDEST) }
        };
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let widest = cells.map(|cell| cut(cell, column).width()).max().unwrap_or(0);
                widest.max(self.head.get(column).map_or(0, |h| h.width()))
            })
            .collect();
        let line = |cells: &[String]| {
            let mut out = String::new();
            for (column, width) in widths.iter().enumerate() {
                let cell = cut(cells.get(column).map_or("", String::as_str), column);
                out.push_str(&cell);
                if column + 1 < columns {
                    out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
                }
            }
            out.trim_end().to_owned()
        };
        let head = paint.faint(&line(&self.head));
        std::iter::once(head).chain(self.rows.iter().map(|row| line(row))).collect::<Vec<_>>().join("\n")
    }
}

/// Names and values, one a line, for one thing in full.
pub(crate) fn facts(paint: Paint, facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| {
        let pad = " ".repeat(width - name.width());
        format!("{}{pad}  {}", paint.faint(name), text::printable(value))
    };
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_also_with_wide_characters() {
        let mut table = Table::new(&["NAME", "STATE"]);
        table.row(["한국", "near"]).row(["Ana", "fading"]);
        assert_eq!(table.text(Paint::none()), "NAME  STATE\n한국  near\nAna   fading");
    }

    #[test]
    fn a_column_with_nothing_in_it_is_left_out() {
        let mut table = Table::new(&["NAME", "CERTIFIED", "STATE"]);
        table.row(["Ana", "", "near"]).row(["Ben"]).without_if_empty("CERTIFIED");
        assert_eq!(table.text(Paint::none()), "NAME  STATE\nAna   near\nBen");
        table.row(["Eve", "x"]).without_if_empty("STATE");
        assert!(table.text(Paint::none()).starts_with("NAME  STATE"));
    }

    #[test]
    fn m10_a_peers_words_cannot_move_the_cursor_or_break_a_line() {
        let mut table = Table::new(&["NAME", "STATE"]);
        table.row(["\u{1b}[2Jevil\nrow", "\u{202e}raen"]);
        let text = table.text(Paint::none());
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        let text = facts(Paint::none(), &[("subject", "CN=\u{9b}31m\r".into())]);
        assert_eq!(text, "subject  CN=\\u{9b}31m\\u{d}");
    }
}

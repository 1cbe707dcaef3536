//! `hither inbox`: questions waiting for the person.

use super::invite::alarm;
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::Table,
    words,
};
use clap::Args;
use hither_model::{
    Answer, Ask, News, QuestionId,
    row::{QuestionKind, QuestionRow},
    text,
};
use serde::Serialize;

/// Questions waiting for you: invites, offered files, changed keys.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither inbox --watch")]
pub(crate) struct Inbox {
    /// Go on and show new ones
    #[arg(long)]
    watch: bool,
}

/// A question as an event that is also a row.
#[derive(Serialize)]
struct Asked<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    question: &'a QuestionRow,
}

impl Inbox {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        if !self.watch {
            let Answer::Questions { rows } = client.ask(Ask::Inbox).await? else { return Err(unexpected()) };
            if rows.is_empty() {
                desk.screen.remark("nothing waits for you")?;
            }
            return desk.screen.rows("question", &rows, |rows| list(desk.screen.paint(), rows));
        }
        let mut news = client.news().await?;
        let mut shown: Vec<QuestionRow> = Vec::new();
        loop {
            let heard = news.next().await?;
            match &heard {
                News::Snapshot { questions, .. } => {
                    questions.iter().try_for_each(|question| show(desk, &mut shown, question))?;
                }
                News::Question { question } => show(desk, &mut shown, question)?,
                News::QuestionGone { id, why, .. } => {
                    shown.retain(|q| q.id != *id);
                    desk.screen.news(&heard, || Some(gone(id, why)))?;
                }
                News::Alarm { message, .. } => alarm(desk, &heard, message)?,
                News::Stopping => return Ok(()),
                _ => {}
            }
        }
    }
}

/// Shows a question once, and again if more than its clock has changed.
fn show(desk: &Desk<'_>, shown: &mut Vec<QuestionRow>, question: &QuestionRow) -> Result<(), Halt> {
    let timeless = QuestionRow { expires: 0, ..question.clone() };
    if shown.contains(&timeless) {
        return Ok(());
    }
    shown.retain(|q| q.id != question.id);
    shown.push(timeless);
    desk.screen.event("question", &Asked { kind: "question", question }, || sentence(question))
}

fn gone(id: &QuestionId, why: &str) -> String {
    format!("question {id} is gone: {}", text::printable(why))
}

/// What is asked, in one line.
pub(crate) fn subject(row: &QuestionRow) -> String {
    let what = match row.kind {
        QuestionKind::Invite => "invites you".to_owned(),
        QuestionKind::KeyChanged => "shows ANOTHER KEY than before".to_owned(),
        QuestionKind::Pin => "a card needs its PIN".to_owned(),
        QuestionKind::ChooseCertificate => "a certificate has to be chosen".to_owned(),
        QuestionKind::Transfer => {
            let items = words::count(row.items.unwrap_or(0), "item", "items");
            let first: Vec<&str> = row.names.iter().take(3).map(String::as_str).collect();
            let more = if row.names.len() > 3 { " …" } else { "" };
            format!("offers {items}, {}: {}{more}", words::size(row.bytes.unwrap_or(0)), first.join(", "))
        }
    };
    let message = row.message.as_ref().map(|m| format!(" “{m}”")).unwrap_or_default();
    text::printable(&format!("{what}{message}"))
}

fn sentence(row: &QuestionRow) -> String {
    let code = row.code.as_ref().map(|code| format!("; code {}", words::code(code))).unwrap_or_default();
    format!(
        "{}  {} {}{code}\n    hither accept {}   or   hither decline {}",
        row.id,
        words::person(&row.name, &row.peer),
        subject(row),
        row.id,
        row.id
    )
}

fn list(paint: Paint, rows: &[QuestionRow]) -> String {
    let mut table = Table::new(&["ID", "FROM", "TRUST", "CODE", "LAPSES IN", "WHAT"]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.name.clone(),
            row.trust.to_string(),
            row.code.as_deref().map(words::code).unwrap_or_default(),
            words::span(row.expires),
            subject(row),
        ]);
    }
    table.text(paint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::{PeerId, Trust, Verified};

    #[test]
    fn m10_a_hostile_question_is_shown_escaped() {
        let row = QuestionRow {
            id: QuestionId::new([1; 8]),
            kind: QuestionKind::Transfer,
            peer: PeerId::new([2; 32]),
            name: "\u{1b}[2J".into(),
            trust: Trust::New,
            proven: Verified::No,
            code: Some("\u{1b}12".into()),
            message: Some("two\nlines\u{202e}".into()),
            items: Some(4),
            bytes: Some(2048),
            names: vec!["a\rb".into(), "c".into(), "d".into(), "e".into()],
            transfer: None,
            expires: 60,
        };
        for text in [sentence(&row), list(Paint::none(), std::slice::from_ref(&row))] {
            assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']), "{text:?}");
            assert!(text.contains("offers 4 items, 2.0 KiB: a\\u{d}b, c, d …"), "{text}");
            assert_eq!(text.lines().count(), 2);
        }
    }
}

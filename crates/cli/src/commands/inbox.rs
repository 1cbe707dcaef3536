//! `hither inbox`: questions waiting for the person.

use super::{
    invite::alarm,
    questions::{answers, certificate, choices, subject},
};
use crate::{
    certified,
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

/// Questions waiting for you: invites, offered files, changed keys, PINs.
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

fn sentence(row: &QuestionRow) -> String {
    let code = row.code.as_ref().map(|code| format!("; code {}", words::code(code))).unwrap_or_default();
    let proven =
        row.certified.as_ref().map(|c| format!("\n{}", certificate(&certified::sentence(c)))).unwrap_or_default();
    let who = words::person(&row.name, &row.peer);
    format!("{}  {who} {}{code}{proven}\n    {}{}", row.id, subject(row), answers(row), choices(row))
}

fn list(paint: Paint, rows: &[QuestionRow]) -> String {
    let mut table = Table::new(&["ID", "FROM", "CERTIFIED", "TRUST", "CODE", "LAPSES IN", "WHAT"]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.name.clone(),
            certified::cell(row.certified.as_deref()),
            row.trust.to_string(),
            row.code.as_deref().map(words::code).unwrap_or_default(),
            words::span(row.expires),
            subject(row),
        ]);
    }
    let todo: String = rows.iter().filter(|row| about_cards(row)).map(|row| format!("\n{}", what_to_do(row))).collect();
    format!("{}{todo}", table.without_if_empty("CERTIFIED").text(paint))
}

/// Whether it is answered otherwise than by `accept`.
fn about_cards(row: &QuestionRow) -> bool {
    match row.kind {
        QuestionKind::Pin | QuestionKind::ChooseCertificate | QuestionKind::InsertCard => true,
        QuestionKind::Invite | QuestionKind::Transfer | QuestionKind::KeyChanged => false,
    }
}

fn what_to_do(row: &QuestionRow) -> String {
    format!("{}: {}{}", row.id, answers(row), choices(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::PeerId;

    #[test]
    fn m10_a_hostile_question_is_shown_escaped() {
        let row = QuestionRow {
            code: Some("\u{1b}12".into()),
            message: Some("two\nlines\u{202e}".into()),
            items: Some(4),
            bytes: Some(2048),
            names: vec!["a\rb".into(), "c".into(), "d".into(), "e".into()],
            ..QuestionRow::new(
                QuestionId::new([1; 8]),
                QuestionKind::Transfer,
                PeerId::new([2; 32]),
                "\u{1b}[2J".into(),
            )
        };
        for text in [sentence(&row), list(Paint::none(), std::slice::from_ref(&row))] {
            assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']), "{text:?}");
            assert!(text.contains("offers 4 items, 2.0 KiB: a\\u{d}b, c, d …"), "{text}");
            assert_eq!(text.lines().count(), 2);
        }
    }
}

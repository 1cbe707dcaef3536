//! Questions in words, and finding the one that the person means. The same for every command that deals with them.

use crate::{
    certified,
    desk::Desk,
    halt::{Halt, unexpected},
    words,
};
use hither_control::Client;
use hither_model::{
    Answer, Ask, ErrorCode, Failure, QuestionId,
    row::{IdentityRow, PinRow, QuestionKind, QuestionRow, TokenTries, Usable},
    text::printable,
};
use serde::Serialize;

/// Has the token looked for again that a question waits for.
pub(crate) fn look_again(question: String) -> Ask {
    Ask::Accept {
        question,
        always: false,
        same_code: false,
        unverified: false,
        to: None,
        executable: false,
        grant: None,
        identity: None,
    }
}

/// What is said when a question has been answered.
#[derive(Serialize)]
pub(crate) struct Answered {
    pub(crate) question: QuestionId,
}

/// The open question whose id begins like that.
pub(crate) async fn find(client: &mut Client, id: &str) -> Result<QuestionRow, Halt> {
    among(open(client).await?, id)
}

/// Every open question.
pub(crate) async fn open(client: &mut Client) -> Result<Vec<QuestionRow>, Halt> {
    match client.ask(Ask::Inbox).await? {
        Answer::Questions { rows } => Ok(rows),
        _ => Err(unexpected()),
    }
}

/// The one of these whose id begins like that.
pub(crate) fn among(rows: Vec<QuestionRow>, id: &str) -> Result<QuestionRow, Halt> {
    let wanted = id.to_lowercase();
    let mut fitting: Vec<QuestionRow> = rows.into_iter().filter(|q| q.id.to_string().starts_with(&wanted)).collect();
    match (fitting.pop(), fitting.len()) {
        (Some(row), 0) if !wanted.is_empty() => Ok(row),
        (_, others) => {
            let why = if others == 0 { "no question has that id" } else { "more than one question begins like that" };
            Err(Failure::new(ErrorCode::UnknownId, why).hint("`hither inbox` lists what waits for you").into())
        }
    }
}

/// Says who asks what, with what their certificate says of them on a line of its own.
pub(crate) fn present(desk: &Desk<'_>, row: &QuestionRow) -> Result<(), Halt> {
    desk.screen.remark(&format!("{} {}", words::person(&row.name, &row.peer), subject(row)))?;
    row.certified.as_ref().map_or(Ok(()), |row| desk.screen.remark(&certificate(&certified::sentence(row))))
}

/// A line about a certificate, under the line of a question.
pub(crate) fn certificate(who: &str) -> String {
    format!("    certificate: {who}")
}

/// What is asked, in one line.
pub(crate) fn subject(row: &QuestionRow) -> String {
    let what = match row.kind {
        QuestionKind::Invite => "invites you".to_owned(),
        QuestionKind::KeyChanged => "shows ANOTHER KEY than before".to_owned(),
        QuestionKind::Pin => format!("waits for the PIN of {}", token(row.pin.as_deref())),
        QuestionKind::ChooseCertificate => "waits for you to choose a certificate".to_owned(),
        QuestionKind::InsertCard => format!("waits until {} is inserted", token(row.pin.as_deref())),
        QuestionKind::Transfer => {
            let items = words::count(row.items.unwrap_or(0), "item", "items");
            let first: Vec<&str> = row.names.iter().take(3).map(String::as_str).collect();
            let more = if row.names.len() > 3 { " …" } else { "" };
            format!("offers {items}, {}: {}{more}", words::size(row.bytes.unwrap_or(0)), first.join(", "))
        }
    };
    let message = row.message.as_ref().map(|m| format!(" “{m}”")).unwrap_or_default();
    printable(&format!("{what}{message}"))
}

fn token(pin: Option<&PinRow>) -> String {
    let Some(pin) = pin else { return "a token".to_owned() };
    let tries = match pin.tries {
        TokenTries::Plenty => "",
        TokenTries::Few => "; a wrong PIN was entered before",
        TokenTries::Last => "; ONE TRY IS LEFT",
        TokenTries::Blocked => "; it is blocked",
    };
    let reason = if pin.reason.is_empty() { String::new() } else { format!(", {}", pin.reason) };
    format!("“{}”{reason}{tries}", pin.token)
}

/// The commands that answer it.
pub(crate) fn answers(row: &QuestionRow) -> String {
    let id = row.id;
    let yes = match row.kind {
        QuestionKind::Invite | QuestionKind::Transfer | QuestionKind::KeyChanged => format!("hither accept {id}"),
        QuestionKind::Pin => format!("hither pin {id}"),
        QuestionKind::ChooseCertificate => format!("hither choose {id} IDENTITY"),
        QuestionKind::InsertCard => format!("insert it (hither accept {id} looks again)"),
    };
    format!("{yes}   or   hither decline {id}")
}

/// A certificate that can be chosen, in one line.
pub(crate) fn choice(row: &IdentityRow) -> String {
    let at = row.token.as_ref().map_or_else(|| row.source.clone(), |token| format!("on “{token}”"));
    let not = match &row.usable {
        Usable::Yes(true) => String::new(),
        Usable::Yes(false) => "; cannot be used".to_owned(),
        Usable::No(why) => format!("; cannot be used: {why}"),
    };
    printable(&format!("{}  by {}, {}, {at}, until {}{not}", row.subject, row.issuer, row.key, row.not_after))
}

/// A line for each certificate that can be chosen, with the id to choose it by.
pub(crate) fn choices(row: &QuestionRow) -> String {
    row.choices.iter().map(|c| format!("\n    {}  {}", printable(&c.id), choice(c))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::PeerId;

    fn question(kind: QuestionKind) -> QuestionRow {
        QuestionRow::new(QuestionId::new([1; 8]), kind, PeerId::new([2; 32]), "Ana".into())
    }

    #[test]
    fn each_kind_of_question_says_what_to_do() {
        for (kind, word) in [
            (QuestionKind::Invite, "hither accept 01"),
            (QuestionKind::Pin, "hither pin 01"),
            (QuestionKind::ChooseCertificate, "hither choose 01"),
            (QuestionKind::InsertCard, "insert it"),
        ] {
            let row = question(kind);
            assert!(answers(&row).starts_with(word), "{}", answers(&row));
            assert!(answers(&row).ends_with(&format!("hither decline {}", row.id)));
        }
    }

    #[test]
    fn m10_what_a_card_says_of_itself_is_shown_escaped() {
        let pin = PinRow {
            token: "\u{1b}[2J".into(),
            reader: String::new(),
            subject: String::new(),
            reason: "a\nb".into(),
            tries: TokenTries::Last,
            pad: false,
            min: 4,
            max: 8,
            before: None,
        };
        let row = QuestionRow { pin: Some(Box::new(pin)), ..question(QuestionKind::Pin) };
        assert_eq!(subject(&row), "waits for the PIN of “\\u{1b}[2J”, a\\u{a}b; ONE TRY IS LEFT");
    }
}

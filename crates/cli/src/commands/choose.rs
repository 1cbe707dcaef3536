//! `hither choose`: answer the question which certificate to be known by.

use super::questions::{self, Answered};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
};
use clap::Args;
use hither_model::{
    Answer, Ask, ErrorCode, Failure,
    row::{IdentityRow, QuestionKind, QuestionRow, Usable},
    text::printable,
};

/// Choose the certificate that a question in the inbox is about.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither choose 3f2a 83da7acc")]
pub(crate) struct Choose {
    /// Which question, by the beginning of its id
    question: String,
    /// Which certificate: one of those the question names, by the beginning of its id, or `local`
    identity: String,
}

impl Choose {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        let row = questions::find(&mut client, &self.question).await?;
        if row.kind != QuestionKind::ChooseCertificate {
            return Err(Failure::new(ErrorCode::Misuse, "that question does not ask for a certificate")
                .hint(format!("it is answered by: {}", questions::answers(&row)))
                .into());
        }
        let chosen = chosen(&row, &self.identity)?;
        let ask = Ask::Choose { question: row.id.to_string(), identity: chosen.id.clone() };
        let Answer::Answered { question } = client.ask(ask).await? else { return Err(unexpected()) };
        desk.screen.event("answered", &Answered { question }, || format!("chosen: {}", printable(&chosen.subject)))
    }
}

/// The certificate among those of the question that the person means, if it can be used.
pub(crate) fn chosen<'q>(question: &'q QuestionRow, typed: &str) -> Result<&'q IdentityRow, Failure> {
    let wanted = typed.trim().to_lowercase();
    let fits = |row: &&IdentityRow| {
        !wanted.is_empty()
            && (row.id.to_lowercase().starts_with(&wanted) || (wanted == "local" && row.source == "local"))
    };
    let exact = question.choices.iter().find(|row| row.id.to_lowercase() == wanted);
    let mut fitting = question.choices.iter().filter(fits);
    let row = match (exact.or_else(|| fitting.next()), fitting.next()) {
        (Some(row), None) => row,
        (Some(row), Some(_)) if exact.is_some() => row,
        (None, _) => return Err(Failure::new(ErrorCode::UnknownId, "that is none of the certificates to choose from")),
        (Some(_), Some(_)) => {
            return Err(Failure::new(ErrorCode::UnknownId, "more than one of the certificates begins like that"));
        }
    };
    match &row.usable {
        Usable::Yes(true) => Ok(row),
        Usable::Yes(false) => Err(Failure::new(ErrorCode::KeyUnusable, "that certificate cannot be used")),
        Usable::No(why) => {
            Err(Failure::new(ErrorCode::KeyUnusable, format!("that certificate cannot be used: {}", printable(why))))
        }
    }
}

//! `hither pin`: answer the question for a token's PIN. The PIN is typed without echo or handed over on standard input;
//! it is never among the arguments or in the environment, where others can see it, and its memory is wiped.

use super::{
    questions::{self, Answered},
    unlock,
};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    prompt,
};
use clap::Args;
use hither_model::{
    Answer, Ask, ErrorCode, Failure,
    ask::SecretText,
    row::{PinRow, QuestionKind, QuestionRow, TokenTries},
};

/// Unlock a card or token that a question in the inbox is about. The PIN is tried once.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither pin 3f2a     (then type the PIN; it is not shown)")]
pub(crate) struct Pin {
    /// Which question, by the beginning of its id
    question: String,
    /// Read the PIN from standard input, one line, instead of asking for it
    #[arg(long)]
    stdin: bool,
    /// Spend the last try; a wrong PIN blocks the token
    #[arg(long)]
    last_try: bool,
}

impl Pin {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        let row = questions::find(&mut client, &self.question).await?;
        let (QuestionKind::Pin, Some(token)) = (row.kind, &row.pin) else { return Err(not_asked(&row)) };
        unlock::introduce(desk, &row)?;
        let pin = self.pin(desk, token).await?;
        let question = row.id.to_string();
        let ask = Ask::Pin { question, pin, last_try: self.last_try || token.tries == TokenTries::Last };
        let Answer::Answered { question } = client.ask(ask).await? else { return Err(unexpected()) };
        desk.screen.event("answered", &Answered { question }, || "the PIN was passed on".into())
    }

    /// The PIN, or `None` where it is entered on the reader. Nothing is read before it is clear that it may be tried.
    async fn pin(&self, desk: &Desk<'_>, token: &PinRow) -> Result<Option<SecretText>, Halt> {
        let person = prompt::Source::person().filter(|_| !self.stdin);
        match (token.tries, person) {
            (TokenTries::Blocked, _) => {
                let failure = Failure::new(ErrorCode::PinBlocked, "the token is blocked after too many wrong PINs");
                return Err(failure.hint("its PUK unblocks it: the card's own software, or whoever issued it").into());
            }
            (TokenTries::Last, person) if !self.last_try => {
                let spend = match person {
                    Some(source) => unlock::last_try(desk, source).await?,
                    None => false,
                };
                if !spend {
                    return Err(unspent());
                }
            }
            _ => {}
        }
        if token.pad {
            desk.screen.remark("enter the PIN on the reader…")?;
            return Ok(None);
        }
        if self.stdin {
            let mut line = prompt::secret(desk, &unlock::prompt(token)).await?;
            if line.is_empty() {
                return Err(Failure::new(ErrorCode::Misuse, "there is no PIN on standard input").into());
            }
            return Ok(Some(SecretText(std::mem::take(&mut *line))));
        }
        let Some(source) = person else {
            return Err(Failure::new(ErrorCode::TokenLocked, "nobody is here to type the PIN")
                .hint("run `hither pin` in a terminal, or add --stdin and hand it over on standard input")
                .into());
        };
        let canceled = || Failure::new(ErrorCode::Canceled, "no PIN was typed; the question stays open").into();
        unlock::pin(desk, source, token).await?.map(Some).ok_or_else(canceled)
    }
}

fn unspent() -> Halt {
    Failure::new(ErrorCode::Misuse, "one try is left, and it was not spent: a wrong PIN would block the token")
        .hint("if you are sure of the PIN, add --last-try")
        .into()
}

fn not_asked(row: &QuestionRow) -> Halt {
    Failure::new(ErrorCode::Misuse, "that question does not ask for a PIN")
        .hint(format!("it is answered by: {}", questions::answers(row)))
        .into()
}

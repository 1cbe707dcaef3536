//! Cards and certificates while something waits for them: the questions that an invite of ours, or one we accepted,
//! brings up (a PIN, a certificate, a card to insert) are put to the person where they are. Nothing is answered that
//! nobody was asked, and no PIN is tried that was not typed for that try.

use super::{choose, questions};
use crate::{
    desk::Desk,
    halt::Halt,
    prompt::{self, Source},
};
use hither_control::Client;
use hither_model::{
    Ask, ErrorCode, Failure, InviteId, News, PeerId, QuestionId,
    ask::SecretText,
    row::{PinRow, QuestionKind, QuestionRow, TokenTries},
    text::printable,
};
use std::{future::pending, pin::Pin as Pinned, time::Duration};

/// How long the agent may take to hear that the person gave up.
const LAST_WORD: Duration = Duration::from_secs(3);

/// Which questions are ours to ask.
#[derive(Debug)]
pub(crate) enum Ours {
    /// Those that hold up an invite of ours.
    Invite(InviteId),
    /// Those that hold up an invite we accepted: about this device, and none of the earlier ones.
    Accepted { peer: PeerId, earlier: Vec<QuestionId> },
}

/// What the person did about a question.
#[derive(Debug)]
pub(crate) enum Said {
    Pin { pin: Option<SecretText>, last_try: bool },
    Choice(String),
    LookAgain,
    Cancel,
}

/// A prompt that waits for the person.
type Prompt<'a> = Pinned<Box<dyn Future<Output = Result<Said, Halt>> + 'a>>;

/// Puts questions about cards to the person, one at a time.
pub(crate) struct Unlock<'a> {
    desk: &'a Desk<'a>,
    ours: Ours,
    /// The question that is open.
    open: Option<QuestionRow>,
    /// The prompt for it.
    asked: Option<Prompt<'a>>,
}

impl<'a> Unlock<'a> {
    pub(crate) fn new(desk: &'a Desk<'a>, ours: Ours) -> Self {
        Self { desk, ours, open: None, asked: None }
    }

    /// The question that waits for the person.
    pub(crate) fn open_question(&self) -> Option<QuestionId> {
        self.open.as_ref().map(|open| open.id)
    }

    /// Takes note of what is new.
    pub(crate) fn hear(&mut self, news: &News) -> Result<(), Halt> {
        match news {
            News::Question { question } if self.is_ours(question) => self.take(news, question),
            News::QuestionGone { id, .. } if self.open.as_ref().is_some_and(|open| open.id == *id) => {
                self.open = None;
                self.asked = None;
                self.desk.screen.news(news, || None)
            }
            _ => Ok(()),
        }
    }

    fn is_ours(&self, question: &QuestionRow) -> bool {
        let about_cards = match question.kind {
            QuestionKind::Pin | QuestionKind::ChooseCertificate | QuestionKind::InsertCard => true,
            QuestionKind::Invite | QuestionKind::Transfer | QuestionKind::KeyChanged => false,
        };
        about_cards
            && match &self.ours {
                Ours::Invite(invite) => question.invite == Some(*invite),
                Ours::Accepted { peer, earlier } => {
                    question.invite.is_none() && question.peer == *peer && !earlier.contains(&question.id)
                }
            }
    }

    fn take(&mut self, news: &News, question: &QuestionRow) -> Result<(), Halt> {
        let timeless = QuestionRow { expires: 0, ..question.clone() };
        if self.open.as_ref() == Some(&timeless) {
            return Ok(());
        }
        self.desk.screen.news(news, || None)?;
        self.asked = None;
        introduce(self.desk, question)?;
        self.open = Some(timeless);
        self.ask_again()
    }

    /// Prompts for the open question, or says which command answers it where nobody is at hand.
    fn ask_again(&mut self) -> Result<(), Halt> {
        let Some(question) = self.open.clone() else { return Ok(()) };
        match Source::person() {
            Some(source) => self.asked = Some(Box::pin(put(self.desk, source, question))),
            None => {
                let choices = questions::choices(&question);
                let answers = questions::answers(&question);
                self.desk.screen.aside(&format!("question {}: {answers}{choices}", question.id))?;
            }
        }
        Ok(())
    }

    /// What the person says to the open question; for ever if nothing is asked. May be dropped and called again.
    pub(crate) async fn said(&mut self) -> Result<Said, Halt> {
        let Some(asked) = &mut self.asked else { return pending().await };
        let said = asked.await;
        self.asked = None;
        said
    }

    /// Passes on what the person said.
    ///
    /// # Errors
    /// The person gave up: the question is declined.
    pub(crate) async fn pass_on(&mut self, client: &mut Client, said: Said) -> Result<(), Halt> {
        let Some(open) = &self.open else { return Ok(()) };
        let question = open.id.to_string();
        let ask = match said {
            Said::Pin { pin, last_try } => Ask::Pin { question, pin, last_try },
            Said::Choice(identity) => Ask::Choose { question, identity },
            Said::LookAgain => {
                // Whatever came of it: if the token is there now, another question follows.
                let _ = client.ask(questions::look_again(question)).await;
                return self.ask_again();
            }
            Said::Cancel => {
                self.decline(client).await;
                return Err(Failure::new(ErrorCode::Canceled, "you did not go on; the card was not used").into());
            }
        };
        match client.ask(ask).await {
            Ok(_) => Ok(()),
            // A new question follows that says what became of it, or this one is over.
            Err(failure) if matches!(failure.code, ErrorCode::PinWrong | ErrorCode::Stale | ErrorCode::UnknownId) => {
                Ok(())
            }
            Err(failure) => {
                self.desk.screen.remark(&printable(&failure.message))?;
                // Nothing was tried yet.
                if failure.code == ErrorCode::Misuse { self.ask_again() } else { Ok(()) }
            }
        }
    }

    /// The person gives up: says no to the open question, if there is one.
    pub(crate) async fn decline(&mut self, client: &mut Client) {
        self.asked = None;
        let Some(open) = self.open.take() else { return };
        let no = Ask::Decline { question: open.id.to_string(), block: false };
        // It lapses by itself if the agent does not hear it.
        let _ = tokio::time::timeout(LAST_WORD, client.ask(no)).await;
    }
}

/// Says what a question about a card is about.
pub(crate) fn introduce(desk: &Desk<'_>, question: &QuestionRow) -> Result<(), Halt> {
    let (screen, paint) = (desk.screen, desk.screen.paint_error());
    let Some(pin) = &question.pin else {
        return screen.aside(&format!("{}: {}", printable(&question.name), questions::subject(question)));
    };
    if let Some(before) = &pin.before {
        screen.aside(&paint.yellow(&printable(before)))?;
    }
    let reader = if pin.reader.is_empty() { String::new() } else { format!(" in {}", pin.reader) };
    let what = match question.kind {
        QuestionKind::InsertCard => format!("Insert “{}”", pin.token),
        _ => format!("“{}”{reader} asks for its PIN", pin.token),
    };
    let reason = if pin.reason.is_empty() { String::new() } else { format!(": {}", pin.reason) };
    screen.aside(&printable(&format!("{what}{reason}")))?;
    if !pin.subject.is_empty() {
        screen.aside(&format!("    as {}", printable(&pin.subject)))?;
    }
    match pin.tries {
        TokenTries::Plenty => Ok(()),
        TokenTries::Few => screen.aside(&paint.yellow("    a wrong PIN was entered before")),
        TokenTries::Last => screen.aside(&paint.red("    one try is left; a wrong PIN blocks the token")),
        TokenTries::Blocked => screen.aside(&paint.red("    it is blocked; its PUK unblocks it")),
    }
}

/// The prompt for a token's PIN.
pub(crate) fn prompt(token: &PinRow) -> String {
    format!("PIN of “{}” (it is not shown): ", printable(&token.token))
}

/// Whether the person wants to spend the last try.
pub(crate) async fn last_try(desk: &Desk<'_>, source: Source) -> Result<bool, Halt> {
    let said = prompt::open(desk, source, "One try is left: type yes to spend it: ").await?;
    Ok(said.is_some_and(|said| said.eq_ignore_ascii_case("yes")))
}

/// The PIN as the person types it; `None` if they do not.
pub(crate) async fn pin(desk: &Desk<'_>, source: Source, token: &PinRow) -> Result<Option<SecretText>, Halt> {
    loop {
        let Some(mut typed) = prompt::hidden(desk, source, &prompt(token)).await? else { return Ok(None) };
        if !typed.is_empty() {
            return Ok(Some(SecretText(std::mem::take(&mut *typed))));
        }
        desk.screen.aside("nothing was typed, and no try was spent; Ctrl-C gives up")?;
    }
}

/// Puts a question to the person.
async fn put(desk: &Desk<'_>, source: Source, question: QuestionRow) -> Result<Said, Halt> {
    match (question.kind, &question.pin) {
        (QuestionKind::Pin, Some(token)) if token.tries != TokenTries::Blocked => put_pin(desk, source, token).await,
        (QuestionKind::ChooseCertificate, _) => put_choice(desk, source, &question).await,
        (QuestionKind::InsertCard, _) => {
            let typed = prompt::open(desk, source, "Enter looks for it again, Ctrl-C gives up: ").await?;
            Ok(typed.map_or(Said::Cancel, |_| Said::LookAgain))
        }
        // Nothing that could be typed would answer these.
        (QuestionKind::Pin | QuestionKind::Invite | QuestionKind::Transfer | QuestionKind::KeyChanged, _) => {
            pending().await
        }
    }
}

async fn put_pin(desk: &Desk<'_>, source: Source, token: &PinRow) -> Result<Said, Halt> {
    let last = token.tries == TokenTries::Last;
    if last && !last_try(desk, source).await? {
        return Ok(Said::Cancel);
    }
    if token.pad {
        let typed = prompt::open(desk, source, "Press Enter here, then enter the PIN on the reader: ").await?;
        return Ok(typed.map_or(Said::Cancel, |_| Said::Pin { pin: None, last_try: last }));
    }
    let typed = pin(desk, source, token).await?;
    Ok(typed.map_or(Said::Cancel, |pin| Said::Pin { pin: Some(pin), last_try: last }))
}

async fn put_choice(desk: &Desk<'_>, source: Source, question: &QuestionRow) -> Result<Said, Halt> {
    let rows = &question.choices;
    for (at, row) in rows.iter().enumerate() {
        desk.screen.aside(&format!("{:3}  {}", at + 1, questions::choice(row)))?;
    }
    loop {
        let Some(typed) = prompt::open(desk, source, "Which one? Its number: ").await? else { return Ok(Said::Cancel) };
        let numbered = typed.parse::<usize>().ok().and_then(|n| rows.get(n.checked_sub(1)?));
        match choose::chosen(question, numbered.map_or(typed.as_str(), |row| &row.id)) {
            Ok(row) => return Ok(Said::Choice(row.id.clone())),
            Err(failure) => desk.screen.aside(&printable(&failure.message))?,
        }
    }
}

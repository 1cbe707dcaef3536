//! `hither accept`: say yes to a question.

use super::{
    codes, grant,
    invite::{alarm, opened},
    questions::{self, Answered, present},
    sessions::say_if_apart,
    unlock::{Ours, Said, Unlock},
};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
};
use clap::Args;
use hither_control::{Client, NewsFeed};
use hither_model::{
    Answer, Ask, ErrorCode, Failure, News, QuestionId,
    row::{QuestionKind, QuestionRow},
};
use std::{path::PathBuf, time::Duration};
use tokio::time::{Instant, sleep_until};

/// How long the other person may take to confirm the code before this command stops watching.
const OTHER_SIDE: Duration = Duration::from_secs(30);
/// How long after the question is settled the session may take.
const SESSION_FOLLOWS: Duration = Duration::from_secs(3);
/// How long a card may be looked at before the question about it is asked again.
const LOOK: Duration = Duration::from_secs(15);

/// Say yes to a question. For a first meeting: compare the code with the other screen.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  hither accept 3f2a\n  hither accept 3f2a --grant-files 2GB --grant-for 3d --grant-here"
)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Accept {
    /// Which question, by the beginning of its id
    id: String,
    /// Also in future, without asking
    #[arg(long)]
    always: bool,
    /// Say yes to the question whether the codes are the same
    #[arg(long)]
    yes_code: bool,
    /// Put the files here instead of the inbox
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Accept a first meeting without comparing codes, this once
    #[arg(long, conflicts_with = "yes_code")]
    unverified: bool,
    /// Keep the executable bit of offered files
    #[arg(long)]
    executable: bool,
    #[command(flatten)]
    more: grant::More,
    /// Be known by this certificate: its id, `local` for the device's own key, or `ask`
    #[arg(long, value_name = "ID|local|ask")]
    identity: Option<String>,
}

impl Accept {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let accepted = tokio::select! {
            biased;
            () = desk.interrupted() => return Err(Halt::Interrupted),
            accepted = self.say_yes(desk) => accepted?,
        };
        match accepted {
            Some(accepted) => accepted.watch().await,
            None => Ok(()),
        }
    }

    /// Says yes. What is left is what a session has to be waited for.
    async fn say_yes<'a>(self, desk: &'a Desk<'a>) -> Result<Option<Accepted<'a>>, Halt> {
        let mut client = desk.client().await?;
        let mut news = client.news().await?;
        let open = questions::open(&mut client).await?;
        let earlier = open.iter().map(|q| q.id).collect();
        let row = questions::among(open, &self.id)?;
        present(desk, &row)?;
        self.judge(&row)?;
        let same_code = match &row.code {
            Some(code) if !self.unverified => {
                let compared = codes::compare(desk, &row.name, code, self.yes_code);
                tokio::select! {
                    same = compared => same?,
                    why = gone(&mut news, row.id) => return Err(why.into()),
                }
            }
            _ => false,
        };
        let question = row.id.to_string();
        if row.code.is_some() && !same_code && !self.unverified {
            client.ask(Ask::Decline { question, block: false }).await?;
            return Err(codes::differ().into());
        }
        let to = self.to.as_deref().map(std::path::absolute).transpose()?;
        let (always, unverified, executable) = (self.always, self.unverified, self.executable);
        let (grant, identity) = (self.more.terms()?, self.identity);
        let accept = Ask::Accept { question, always, same_code, unverified, to, executable, grant, identity };
        let Answer::Answered { question } = client.ask(accept).await? else { return Err(unexpected()) };
        desk.screen.event("answered", &Answered { question }, || match row.kind {
            QuestionKind::InsertCard => "it is looked for again".into(),
            _ => "accepted".into(),
        })?;
        let unlock = Unlock::new(desk, Ours::Accepted { peer: row.peer, earlier });
        let session_follows = matches!(row.kind, QuestionKind::Invite | QuestionKind::KeyChanged);
        Ok(session_follows.then_some(Accepted { desk, client, news, question: row, unlock, settled: None }))
    }

    /// Refuses what cannot be accepted, or not like that, and says what can be done.
    fn judge(&self, row: &QuestionRow) -> Result<(), Failure> {
        let why = match row.kind {
            QuestionKind::Pin => "that question asks for a PIN",
            QuestionKind::ChooseCertificate => "that question asks for a certificate",
            QuestionKind::Transfer if self.identity.is_some() => {
                let failure = Failure::new(ErrorCode::Misuse, "--identity is for invites, and that question is none");
                return Err(failure.hint("the files come through the session that is open already"));
            }
            QuestionKind::Transfer | QuestionKind::Invite | QuestionKind::KeyChanged | QuestionKind::InsertCard => {
                return Ok(());
            }
        };
        let what = format!("it is answered by: {}", questions::answers(row));
        Err(Failure::new(ErrorCode::Misuse, why).hint(what))
    }
}

/// Returns when the question is gone while the person still looks at the code.
async fn gone(news: &mut NewsFeed, question: QuestionId) -> Failure {
    loop {
        match news.next().await {
            Ok(News::QuestionGone { id, why, code }) if id == question => {
                let code = code.unwrap_or(ErrorCode::Stale);
                return Failure::new(code, format!("the question is gone: {why}"));
            }
            Ok(_) => {}
            Err(failure) => return failure,
        }
    }
}

/// An invite that was accepted and has no session yet.
struct Accepted<'a> {
    desk: &'a Desk<'a>,
    client: Client,
    news: NewsFeed,
    question: QuestionRow,
    unlock: Unlock<'a>,
    /// Why and how the question ended, when it has.
    settled: Option<(String, ErrorCode)>,
}

/// What happens next.
enum Step {
    News(Box<News>),
    Said(Said),
    TooLong,
}

impl Accepted<'_> {
    /// Watches until the session is open, or for a moment: the other person confirms the code too. The question goes
    /// when it is settled either way; the session follows at once if it was settled well. While a card waits for the
    /// person here, nobody is in a hurry. Ctrl-C says no to what the card is asked for.
    async fn watch(mut self) -> Result<(), Halt> {
        let mut end = Instant::now() + OTHER_SIDE;
        loop {
            let patient = self.unlock.open_question().is_some();
            let step = tokio::select! {
                biased;
                () = self.desk.interrupted() => return self.give_up().await,
                heard = self.news.next() => Step::News(Box::new(heard?)),
                said = self.unlock.said() => Step::Said(said?),
                () = sleep_until(end), if !patient => Step::TooLong,
            };
            match step {
                Step::News(heard) => {
                    let was_for = self.unlock.open_question();
                    self.unlock.hear(&heard)?;
                    if self.take(&heard)? {
                        return say_if_apart(self.desk, &mut self.client, &heard).await;
                    }
                    if self.is_open_again(&heard) {
                        let why = "the certificate cannot be used; the question is still open".to_owned();
                        self.settled.get_or_insert((why, ErrorCode::KeyUnusable));
                        end = Instant::now() + SESSION_FOLLOWS;
                    }
                    if let News::QuestionGone { id, why, code } = *heard {
                        let left = if was_for == Some(id) {
                            // The card did its part, or it is the reason why nothing comes of the invite.
                            self.settled = code.map(|code| (why, code));
                            match code {
                                None => OTHER_SIDE,
                                Some(ErrorCode::PinWrong | ErrorCode::TokenAbsent | ErrorCode::TokenLocked) => LOOK,
                                Some(_) => SESSION_FOLLOWS,
                            }
                        } else if id == self.question.id {
                            SESSION_FOLLOWS
                        } else {
                            continue;
                        };
                        end = Instant::now() + left;
                    }
                }
                Step::Said(said) => {
                    tokio::select! {
                        biased;
                        () = self.desk.interrupted() => return self.give_up().await,
                        passed_on = self.unlock.pass_on(&mut self.client, said) => passed_on?,
                    }
                }
                Step::TooLong => return self.end(),
            }
        }
    }

    /// Deals with one piece of news; whether it was the last that is needed.
    fn take(&mut self, heard: &News) -> Result<bool, Halt> {
        match heard {
            News::Accepted { session, peer, verified, .. } if *peer == self.question.peer => {
                self.desk.screen.news(heard, || Some(opened(*session, peer, *verified)))?;
                return Ok(true);
            }
            News::QuestionGone { id, why, code } if *id == self.question.id => {
                self.settled = Some((why.clone(), code.unwrap_or(ErrorCode::Withdrawn)));
            }
            News::Alarm { message, .. } => alarm(self.desk, heard, message)?,
            _ => {}
        }
        Ok(false)
    }

    /// Whether the question that was accepted is asked again, just as it was: what the answer needed was not to be had.
    fn is_open_again(&self, heard: &News) -> bool {
        let News::Question { question } = heard else { return false };
        *question == QuestionRow { expires: question.expires, ..self.question.clone() }
    }

    async fn give_up(mut self) -> Result<(), Halt> {
        self.unlock.decline(&mut self.client).await;
        Err(Halt::Interrupted)
    }

    fn end(self) -> Result<(), Halt> {
        match self.settled {
            Some((why, ErrorCode::KeyUnusable)) => Err(Failure::new(ErrorCode::KeyUnusable, why)
                .hint("`hither identity list` says what can be used; accept it with another --identity")
                .into()),
            Some((why, code)) => Err(Failure::new(code, format!("the invite came to nothing: {why}")).into()),
            None => {
                let screen = self.desk.screen;
                screen.remark("the other side has not confirmed yet; `hither sessions` shows when it has")
            }
        }
    }
}

//! `hither accept`: say yes to a question.

use super::{
    codes,
    inbox::subject,
    invite::{alarm, opened},
};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    words,
};
use clap::Args;
use hither_control::{Client, NewsFeed};
use hither_model::{
    Answer, Ask, ErrorCode, Failure, News, QuestionId,
    row::{QuestionKind, QuestionRow},
};
use serde::Serialize;
use std::{path::PathBuf, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How long the other person may take to confirm the code before this command stops watching.
const OTHER_SIDE: Duration = Duration::from_secs(30);
/// How long after the question is settled the session may take.
const SESSION_FOLLOWS: Duration = Duration::from_secs(3);

/// Say yes to a question. For a first meeting: compare the code with the other screen.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither accept 3f2a")]
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
}

#[derive(Serialize)]
struct Answered {
    question: QuestionId,
}

impl Accept {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        let mut news = client.news().await?;
        let row = question(&mut client, &self.id).await?;
        desk.screen.remark(&format!("{} {}", words::person(&row.name, &row.peer), subject(&row)))?;
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
        let accept = Ask::Accept { question, always, same_code, unverified, to, executable };
        let Answer::Answered { question } = client.ask(accept).await? else { return Err(unexpected()) };
        desk.screen.event("answered", &Answered { question }, || "accepted".into())?;
        match row.kind {
            QuestionKind::Invite | QuestionKind::KeyChanged => watch(desk, news, &row).await,
            QuestionKind::Transfer | QuestionKind::Pin | QuestionKind::ChooseCertificate => Ok(()),
        }
    }
}

async fn question(client: &mut Client, id: &str) -> Result<QuestionRow, Halt> {
    let Answer::Questions { rows } = client.ask(Ask::Inbox).await? else { return Err(unexpected()) };
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

/// Watches until the session is open, or for a moment: the other person confirms the code too. The question goes when it
/// is settled either way; the session follows at once if it was settled well.
async fn watch(desk: &Desk<'_>, mut news: NewsFeed, question: &QuestionRow) -> Result<(), Halt> {
    let mut end = Instant::now() + OTHER_SIDE;
    let mut settled = None;
    while let Ok(heard) = timeout_at(end, news.next()).await {
        let heard = heard?;
        match &heard {
            News::Accepted { session, peer, verified, .. } if *peer == question.peer => {
                return desk.screen.news(&heard, || Some(opened(*session, peer, *verified)));
            }
            News::QuestionGone { id, why, code } if *id == question.id => {
                settled = Some((why.clone(), code.unwrap_or(ErrorCode::Withdrawn)));
                end = Instant::now() + SESSION_FOLLOWS;
            }
            News::Alarm { message, .. } => alarm(desk, &heard, message)?,
            _ => {}
        }
    }
    match settled {
        Some((why, code)) => Err(Failure::new(code, format!("the invite came to nothing: {why}")).into()),
        None => desk.screen.remark("the other side has not confirmed yet; `hither sessions` shows when it has"),
    }
}

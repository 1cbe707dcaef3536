//! `hither invite`: invite a device, or make an invite link.

use super::{
    codes,
    sessions::say_if_apart,
    unlock::{Ours, Said, Unlock},
};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    qr, words,
};
use clap::Args;
use hither_control::{Client, NewsFeed};
use hither_model::{Answer, Ask, ErrorCode, Failure, InviteId, News, PeerId, SessionId, Verified, ask::LinkText, text};
use serde::Serialize;
use std::{path::PathBuf, time::Duration};

/// How long the agent may take to say what came of a code that was refused, or of an invite that was taken back.
const LAST_WORD: Duration = Duration::from_secs(3);

/// Invite a device and wait for the answer, or make an invite link.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither invite Ana --message \"the photos\"\n  hither invite --link --qr")]
pub(crate) struct Invite {
    /// Which device: its id, the beginning of it, or its exact name
    #[arg(required_unless_present = "link", conflicts_with = "link")]
    peer: Option<String>,
    /// A line to go with the invite
    #[arg(long, value_name = "M", conflicts_with = "link")]
    message: Option<String>,
    /// How long to wait for the answer (seconds, or 2m)
    #[arg(long, value_name = "S", value_parser = words::seconds, conflicts_with = "link")]
    timeout: Option<u64>,
    /// Say yes to the question whether the codes are the same
    #[arg(long, conflicts_with = "link")]
    yes_code: bool,
    /// Settle for an unverified session, this once
    #[arg(long, conflicts_with_all = ["yes_code", "link"])]
    unverified: bool,
    /// Be known by this certificate: its id, `local` for the device's own key, or `ask`
    #[arg(long, value_name = "ID|local|ask", conflicts_with = "link")]
    identity: Option<String>,
    /// Make an invite link instead; whoever has it can use it
    #[arg(long)]
    link: bool,
    /// How long the link stays good, at most 1d
    #[arg(long, value_name = "TIME", value_parser = words::seconds, requires = "link", conflicts_with = "peer")]
    expires: Option<u64>,
    /// How often the link can be used
    #[arg(long, value_name = "N", requires = "link", conflicts_with = "peer")]
    uses: Option<u32>,
    /// Show the link as a QR code, or write it to FILE.png or FILE.svg
    #[arg(long, value_name = "FILE", requires = "link", conflicts_with = "peer", num_args = 0..=1)]
    qr: Option<Option<PathBuf>>,
}

#[derive(Serialize)]
struct Link<'a> {
    invite: InviteId,
    url: &'a LinkText,
    expires: u64,
}

impl Invite {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.unless_interrupted(desk.client()).await?;
        let Some(peer) = self.peer.clone() else { return self.make_link(desk, client).await };
        // Listening begins before asking, so that nothing is missed.
        let news = desk.unless_interrupted(client.news()).await?;
        let ask = Ask::Invite {
            peer,
            message: self.message,
            timeout: self.timeout,
            unverified: self.unverified,
            identity: self.identity,
        };
        let answer = desk.unless_interrupted(client.ask(ask)).await?;
        let Answer::Inviting { invite } = answer else { return Err(unexpected()) };
        Inviting::new(desk, client, invite, self.peer.unwrap_or_default(), self.yes_code).follow(news).await
    }

    async fn make_link(self, desk: &Desk<'_>, mut client: Client) -> Result<(), Halt> {
        let ask = Ask::MakeLink { expires: self.expires, uses: self.uses };
        let answer = desk.unless_interrupted(client.ask(ask)).await?;
        let Answer::Link { invite, url, expires } = answer else { return Err(unexpected()) };
        let link = Link { invite, url: &url, expires };
        desk.screen.event("link", &link, || url.0.clone())?;
        match self.qr {
            Some(Some(file)) => {
                qr::file(&url, &file)?;
                desk.screen.remark(&format!("the QR code is in {}", text::printable(&file.to_string_lossy())))?;
            }
            Some(None) if desk.screen.json() => {}
            Some(None) => desk.screen.line(&qr::terminal(&url)?)?,
            None => {}
        }
        desk.screen.remark(&format!(
            "good until {}; whoever has it can use it; `hither invites revoke {}` makes it worthless",
            words::moment(expires),
            invite.short()
        ))
    }
}

/// An invite of ours that is on its way.
pub(crate) struct Inviting<'a> {
    desk: &'a Desk<'a>,
    client: Client,
    invite: InviteId,
    /// Whom, as the person said it.
    name: String,
    yes_code: bool,
    /// Whether news have begun to come.
    listening: bool,
    unlock: Unlock<'a>,
}

/// What happens next.
enum Step {
    News(Box<News>),
    Said(Said),
}

impl<'a> Inviting<'a> {
    pub(crate) fn new(desk: &'a Desk<'a>, client: Client, invite: InviteId, name: String, yes_code: bool) -> Self {
        let unlock = Unlock::new(desk, Ours::Invite(invite));
        Self { desk, client, invite, name, yes_code, listening: false, unlock }
    }

    /// Follows the invite to its end. Ctrl-C takes it back.
    pub(crate) async fn follow(mut self, mut news: NewsFeed) -> Result<(), Halt> {
        loop {
            let step = tokio::select! {
                biased;
                () = self.desk.interrupted() => return self.withdraw(news).await,
                heard = news.next() => Step::News(Box::new(heard?)),
                said = self.unlock.said() => Step::Said(said?),
            };
            match step {
                Step::News(heard) => {
                    self.unlock.hear(&heard)?;
                    if let Some(done) = self.take(*heard, &mut news).await? {
                        return done;
                    }
                }
                Step::Said(said) => {
                    let passed_on = tokio::select! {
                        biased;
                        () = self.desk.interrupted() => return self.withdraw(news).await,
                        passed_on = self.unlock.pass_on(&mut self.client, said) => passed_on,
                    };
                    if passed_on.is_err() {
                        self.take_back().await;
                        return passed_on;
                    }
                }
            }
        }
    }

    /// Deals with one piece of news; `Some` is the end.
    async fn take(&mut self, heard: News, news: &mut NewsFeed) -> Result<Option<Result<(), Halt>>, Halt> {
        let screen = self.desk.screen;
        let ours = self.invite;
        match &heard {
            News::InviteSent { invite, .. } if *invite == ours => {
                screen.news(&heard, || None)?;
                screen.remark("the invite is there; waiting for the other person…")?;
            }
            // The first comes when listening begins; another means that news were lost, perhaps the end of this.
            News::Snapshot { .. } if std::mem::replace(&mut self.listening, true) => {
                let failure = Failure::new(ErrorCode::Interrupted, "the agent had more news than could be followed");
                return Ok(Some(Err(failure.hint("`hither sessions` shows whether it was accepted").into())));
            }
            News::InviteWaiting { invite } if *invite == ours => {
                screen.news(&heard, || None)?;
                screen.remark("the other person has other questions to answer first…")?;
            }
            News::Code { invite, code } if *invite == ours => {
                screen.news(&heard, || None)?;
                return self.code(code, news).await;
            }
            News::Accepted { invite: Some(invite), session, peer, verified } if *invite == ours => {
                screen.news(&heard, || Some(opened(*session, peer, *verified)))?;
                return Ok(Some(say_if_apart(self.desk, &mut self.client, &heard).await));
            }
            News::InviteEnded { invite, failure } if *invite == ours => {
                return Ok(Some(Err(failure.clone().into())));
            }
            News::Alarm { message, .. } => alarm(self.desk, &heard, message)?,
            _ => {}
        }
        Ok(None)
    }

    /// The person compares the codes; meanwhile the invite may end.
    async fn code(&mut self, code: &str, news: &mut NewsFeed) -> Result<Option<Result<(), Halt>>, Halt> {
        let compared = codes::compare(self.desk, &self.name, code, self.yes_code);
        let same = tokio::select! {
            biased;
            () = self.desk.interrupted() => {
                self.take_back().await;
                return Err(Halt::Interrupted);
            }
            same = compared => same?,
            ended = ended(news, self.invite) => return Ok(Some(Err(ended.into()))),
        };
        self.client.ask(Ask::ConfirmCode { invite: self.invite, same }).await?;
        if same {
            return Ok(None);
        }
        let failure = tokio::time::timeout(LAST_WORD, ended(news, self.invite)).await;
        Ok(Some(Err(failure.unwrap_or_else(|_| codes::differ()).into())))
    }

    async fn withdraw(mut self, mut news: NewsFeed) -> Result<(), Halt> {
        self.take_back().await;
        // The other side is told before we go.
        let _ = tokio::time::timeout(LAST_WORD, ended(&mut news, self.invite)).await;
        Err(Halt::Interrupted)
    }

    async fn take_back(&mut self) {
        self.unlock.decline(&mut self.client).await;
        let asked = tokio::time::timeout(LAST_WORD, self.client.ask(Ask::Withdraw { invite: self.invite })).await;
        // One that ended already, as with the question it waited for, need not be taken back.
        let over = |failure: &Failure| matches!(failure.code, ErrorCode::Stale | ErrorCode::UnknownId);
        if !matches!(&asked, Ok(Ok(_))) && !matches!(&asked, Ok(Err(failure)) if over(failure)) {
            let _ = self.desk.screen.remark("the invite could not be taken back; it lapses by itself");
        }
    }
}

/// Waits for the end of one invite, or of the news.
async fn ended(news: &mut NewsFeed, ours: InviteId) -> Failure {
    loop {
        match news.next().await {
            Ok(News::InviteEnded { invite, failure }) if invite == ours => return failure,
            Ok(_) => {}
            Err(failure) => return failure,
        }
    }
}

/// One sentence about a session that has just been opened.
pub(crate) fn opened(session: SessionId, peer: &PeerId, verified: Verified) -> String {
    let how = match verified {
        Verified::Code => "both of you compared the code",
        Verified::Link => "proven by the invite link",
        Verified::Stored => "the key is the one stored when you met",
        Verified::Certificate => "a certificate authority vouches for it",
        Verified::No => "NOT VERIFIED: nobody checked who that is",
    };
    format!("session {} with {} is open; {how}", session.short(), peer.short())
}

/// Something the person must know, whatever they are doing.
pub(crate) fn alarm(desk: &Desk<'_>, news: &News, message: &str) -> Result<(), Halt> {
    desk.screen.news(news, || None)?;
    desk.screen.remark(&format!("{} {}", desk.screen.paint_error().red("warning:"), text::printable(message)))
}

//! Agents in one process on loopback, with the real sockets, the real multicast and the real disk; and others (`ear`,
//! `outsider`) that speak the same protocols without an engine behind them. Nothing here waits for time to pass: every
//! wait is for an event and gives up after [`PATIENCE`].

pub(crate) mod authority;
pub(crate) mod ear;
pub(crate) mod outsider;
mod seat;

pub(crate) use seat::Seat;

use hither_engine::Handle;
use hither_model::{
    Answer, Ask, ErrorCode, Failure, InviteId, News, PeerId, SessionId, SessionState, Verified,
    row::{Direction, PeerRow, QuestionKind, QuestionRow, SessionRow, TransferRow, TrustRow},
};
use std::{collections::VecDeque, future::Future, path::PathBuf, time::Duration};
use tokio::sync::broadcast;

/// Longest time any single thing may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running agent and what it told.
pub(crate) struct Agent {
    pub(crate) name: String,
    pub(crate) handle: Handle,
    pub(crate) peer: PeerId,
    pub(crate) port: u16,
    pub(crate) seat: Seat,
    pub(crate) news: broadcast::Receiver<News>,
    /// Heard and not asked for yet.
    pub(crate) kept: VecDeque<News>,
}

pub(crate) async fn start(name: &str) -> Agent {
    Seat::new(name).start().await
}

pub(crate) async fn two(case: &str) -> (Agent, Agent) {
    let (ana, bo) = (format!("Ana {case}"), format!("Bo {case}"));
    tokio::join!(start(&ana), start(&bo))
}

/// Two agents that met and have a session; the first one invited.
pub(crate) async fn paired(case: &str) -> (Agent, Agent) {
    let (mut ana, mut bo) = two(case).await;
    pair(&mut ana, &mut bo).await;
    (ana, bo)
}

pub(crate) async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("it did not happen: {what}"))
}

impl Agent {
    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        self.try_ask(ask).await.unwrap()
    }

    pub(crate) async fn try_ask(&self, ask: Ask) -> Result<Answer, Failure> {
        within("an answer", self.handle.ask(1, ask)).await
    }

    pub(crate) async fn refused(&self, ask: Ask) -> ErrorCode {
        self.try_ask(ask).await.unwrap_err().code
    }

    /// Ends the agent in order and gives its profile back.
    pub(crate) async fn stop(self) -> Seat {
        self.handle.stop().await;
        within("the end", self.handle.stopped()).await;
        self.seat
    }

    /// The same profile in a new life, at the same address.
    pub(crate) async fn again(self) -> Self {
        self.stop().await.start().await
    }

    /// The earliest piece of news that fits and was not taken before; others stay for later.
    pub(crate) async fn hear<T>(&mut self, what: &str, mut fits: impl FnMut(&News) -> Option<T>) -> T {
        let before = self.kept.iter().enumerate().find_map(|(i, news)| fits(news).map(|found| (i, found)));
        if let Some((i, found)) = before {
            self.kept.remove(i);
            return found;
        }
        let wait = async {
            loop {
                let news = match self.news.recv().await {
                    Ok(news) => news,
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => panic!("the agent is gone before: {what}"),
                };
                match fits(&news) {
                    Some(found) => return found,
                    None => self.kept.push_back(news),
                }
            }
        };
        let outcome = tokio::time::timeout(PATIENCE, wait).await;
        outcome.unwrap_or_else(|_| panic!("{} did not hear: {what}; but {:#?}", self.name, self.kept))
    }

    /// Whether something that fits was told by now.
    pub(crate) fn has_heard(&mut self, fits: impl Fn(&News) -> bool) -> bool {
        while let Ok(news) = self.news.try_recv() {
            self.kept.push_back(news);
        }
        self.kept.iter().any(fits)
    }

    /// Leaves out everything told so far.
    pub(crate) fn forget_news(&mut self) {
        while self.news.try_recv().is_ok() {}
        self.kept.clear();
    }

    /// Waits until a row of the list of devices fits.
    pub(crate) async fn sees_row(&mut self, what: &str, fits: impl Fn(&PeerRow) -> bool) -> PeerRow {
        loop {
            let Answer::Peers { rows } = self.ask(Ask::Near).await else { panic!("no list") };
            if let Some(row) = rows.into_iter().find(|row| fits(row)) {
                return row;
            }
            self.hear(what, |news| matches!(news, News::PeerAdded { .. } | News::PeerUpdated { .. }).then_some(()))
                .await;
        }
    }

    pub(crate) async fn sees(&mut self, name: &str) -> PeerRow {
        self.sees_row(&format!("{name} is near"), |row| row.name == name).await
    }

    pub(crate) async fn row_of(&self, peer: &PeerId) -> Option<PeerRow> {
        let Answer::Peers { rows } = self.ask(Ask::Near).await else { panic!("no list") };
        rows.into_iter().find(|row| row.peer == peer.to_string())
    }

    /// Invites, in the plainest way.
    pub(crate) async fn invite(&self, peer: &str) -> InviteId {
        self.invite_with(peer, None, false).await
    }

    pub(crate) async fn invite_with(&self, peer: &str, timeout: Option<u64>, unverified: bool) -> InviteId {
        let ask = Ask::Invite { peer: peer.into(), message: Some("hello".into()), timeout, unverified, identity: None };
        let Answer::Inviting { invite } = self.ask(ask).await else { panic!("no invite") };
        invite
    }

    /// The next question that is put to the person.
    pub(crate) async fn question(&mut self) -> QuestionRow {
        self.hear("a question", |news| match news {
            News::Question { question } => Some(question.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn offer(&mut self) -> QuestionRow {
        self.hear("an offer", |news| match news {
            News::Question { question } if question.kind == QuestionKind::Transfer => Some(question.clone()),
            _ => None,
        })
        .await
    }

    /// Whether the person is asked something, or was since the last question.
    pub(crate) fn was_asked(&mut self) -> bool {
        self.has_heard(|news| matches!(news, News::Question { .. }))
    }

    pub(crate) async fn open_questions(&self) -> Vec<QuestionRow> {
        let Answer::Questions { rows } = self.ask(Ask::Inbox).await else { panic!("no questions") };
        rows
    }

    pub(crate) async fn question_gone(&mut self) -> String {
        self.hear("a question is taken back", |news| match news {
            News::QuestionGone { why, .. } => Some(why.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn code(&mut self) -> String {
        self.hear("a code", |news| match news {
            News::Code { code, .. } => Some(code.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn accepted(&mut self) -> (SessionId, Verified) {
        self.hear("a session", |news| match news {
            News::Accepted { session, verified, .. } => Some((*session, *verified)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn ended(&mut self, invite: InviteId) -> Failure {
        self.hear("the invite's end", |news| match news {
            News::InviteEnded { invite: ended, failure } if *ended == invite => Some(failure.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn closed(&mut self) -> String {
        self.hear("the session's end", |news| match news {
            News::SessionClosed { why, .. } => Some(why.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn alarm(&mut self) -> String {
        self.hear("an alarm", |news| match news {
            News::Alarm { message, .. } => Some(message.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until a session is connected (again).
    pub(crate) async fn is_open(&mut self, id: SessionId) {
        let open = |row: &SessionRow| row.session == id && row.state == SessionState::Open;
        if self.sessions().await.iter().any(open) {
            return;
        }
        self.hear("the session is up", |news| match news {
            News::Session { session } if open(session) => Some(()),
            _ => None,
        })
        .await;
    }

    pub(crate) async fn sessions(&self) -> Vec<SessionRow> {
        let Answer::Sessions { rows } = self.ask(Ask::Sessions).await else { panic!("no sessions") };
        rows
    }

    pub(crate) async fn transfers(&self) -> Vec<TransferRow> {
        let Answer::Transfers { rows } = self.ask(Ask::Transfers).await else { panic!("no transfers") };
        rows
    }

    pub(crate) async fn people(&self) -> Vec<TrustRow> {
        let Answer::Trust { rows } = self.ask(Ask::TrustList).await else { panic!("no people") };
        rows
    }

    pub(crate) async fn says(&self, to: &str, text: &str) -> u64 {
        let Answer::Said { number, .. } = self.ask(Ask::Say { to: to.into(), text: text.into() }).await else {
            panic!("not said")
        };
        number
    }

    /// Waits until a message is there; it may have come before anybody listened.
    pub(crate) async fn hears(&mut self, text: &str) {
        if self.times_heard(text).await > 0 {
            return;
        }
        self.hear(&format!("the message {text:?}"), |news| match news {
            News::Message { message } => (message.direction == Direction::In && message.text == text).then_some(()),
            _ => None,
        })
        .await;
    }

    /// Waits until the other side has confirmed our message of that number.
    pub(crate) async fn delivered(&mut self, number: u64) {
        self.hear("delivery", |n| matches!(n, News::MessageDelivered { number: n, .. } if *n == number).then_some(()))
            .await;
    }

    /// Every message that came in, in order.
    pub(crate) async fn heard(&self) -> Vec<String> {
        let Answer::Messages { rows } = self.ask(Ask::Messages { session: None }).await else { panic!("no messages") };
        rows.into_iter().filter(|m| m.direction == Direction::In).map(|m| m.text).collect()
    }

    /// How often this very message was taken.
    pub(crate) async fn times_heard(&self, text: &str) -> usize {
        self.heard().await.iter().filter(|heard| *heard == text).count()
    }

    pub(crate) fn inbox(&self) -> PathBuf {
        self.seat.settings.inbox.clone()
    }

    /// A file to be sent, of so many bytes, each the same.
    pub(crate) fn file(&self, name: &str, byte: u8, len: usize) -> PathBuf {
        let path = self.seat.dir.path().join(name);
        std::fs::write(&path, vec![byte; len]).unwrap();
        path
    }
}

/// A yes to a question.
pub(crate) fn yes(question: &QuestionRow) -> Ask {
    Ask::Accept {
        grant: None,
        question: question.id.to_string(),
        always: false,
        same_code: question.code.is_some(),
        unverified: false,
        to: None,
        executable: false,
        identity: None,
    }
}

pub(crate) fn no(question: &QuestionRow) -> Ask {
    Ask::Decline { question: question.id.to_string(), block: false }
}

/// Brings two agents that see each other to a session, comparing codes on the way.
pub(crate) async fn pair(ana: &mut Agent, bo: &mut Agent) -> SessionId {
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let question = bo.question().await;
    assert_eq!(Some(ana.code().await), question.code, "both screens show the same code");
    bo.ask(yes(&question)).await;
    ana.ask(Ask::ConfirmCode { invite, same: true }).await;
    let (here, there) = (ana.accepted().await, bo.accepted().await);
    assert_eq!((here.1, there), (Verified::Code, here));
    here.0
}

/// Both ends can send: a word went each way and was confirmed.
pub(crate) async fn in_touch(ana: &mut Agent, bo: &mut Agent) {
    reaches(ana, bo, "there").await;
    reaches(bo, ana, "and back").await;
}

async fn reaches(from: &mut Agent, to: &mut Agent, word: &str) {
    let number = from.says(&to.peer.to_string(), word).await;
    to.hears(word).await;
    from.delivered(number).await;
}

/// Ends the session and lets both settle.
pub(crate) async fn part(ana: &mut Agent, bo: &mut Agent) {
    ana.ask(Ask::Close { session: bo.peer.to_string() }).await;
    ana.closed().await;
    bo.closed().await;
}

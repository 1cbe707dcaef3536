//! An agent made of paper: it answers what a test tells it to, and notes what it was asked.

#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

use hither_control::{Boxed, ClientId, Door, Limits, PipeAsk, Place, Surface, Wire, serve};
use hither_model::{
    Answer, Ask, ErrorCode, Failure, InviteId, Medium, News, PeerId, Presence, QuestionId, SessionId, TransferId,
    Trust, Verified,
    ask::LinkText,
    row::{MeRow, PeerRow, QuestionKind, QuestionRow, Visibility},
};
use std::{
    path::PathBuf,
    process::{Output, Stdio},
    sync::{Arc, Mutex},
};
use tokio::{io::AsyncWriteExt, process::Command, sync::broadcast};
use tokio_util::sync::CancellationToken;

pub mod rows;
pub mod terminal;

pub const INVITE: InviteId = InviteId::new([1; 16]);
pub const PEER: PeerId = PeerId::new([2; 32]);
pub const SESSION: SessionId = SessionId::new([3; 16]);
pub const TRANSFER: TransferId = TransferId::new([4; 16]);
pub const QUESTION: QuestionId = QuestionId::new([5; 8]);

/// What an agent of paper answers in one test, and what it tells; `None` for the usual answers.
pub type Script = dyn FnMut(&Ask) -> Option<(Answer, Vec<News>)> + Send;

pub struct Paper {
    asked: Mutex<Vec<Ask>>,
    news: broadcast::Sender<News>,
    script: Mutex<Box<Script>>,
}

impl Paper {
    pub fn tell(&self, news: impl IntoIterator<Item = News>) {
        for piece in news {
            let _ = self.news.send(piece);
        }
    }

    fn answer(&self, ask: Ask) -> Answer {
        match ask {
            Ask::Near => Answer::Peers { rows: vec![peer()] },
            Ask::Inbox => Answer::Questions { rows: vec![question()] },
            Ask::Invite { peer, .. } if peer == "nobody" => {
                Answer::Failed { failure: Failure::new(ErrorCode::UnknownId, "no such \u{1b}device").hint("look") }
            }
            Ask::Invite { .. } | Ask::OpenLink { .. } => {
                self.tell([
                    News::InviteSent { invite: INVITE, peer: "x".into() },
                    News::Code { invite: InviteId::new([9; 16]), code: "999999".into() },
                    News::Code { invite: INVITE, code: "123456".into() },
                ]);
                Answer::Inviting { invite: INVITE }
            }
            Ask::ConfirmCode { same: true, .. } => {
                self.tell([accepted()]);
                Answer::Done
            }
            Ask::ConfirmCode { same: false, .. } => {
                let failure = Failure::new(ErrorCode::CertificateRefused, "the codes differ");
                self.tell([News::InviteEnded { invite: INVITE, failure }]);
                Answer::Done
            }
            Ask::Accept { .. } => {
                self.tell([News::QuestionGone { id: QUESTION, why: "accepted".into(), code: None }, accepted()]);
                Answer::Answered { question: QUESTION }
            }
            Ask::Decline { .. } => Answer::Answered { question: QUESTION },
            Ask::MakeLink { .. } => {
                Answer::Link { invite: INVITE, url: LinkText("hither://i/1#AAAA".into()), expires: 1_800_000_000 }
            }
            Ask::Send { paths, .. } => {
                assert!(paths.iter().all(|p| p.is_absolute()));
                let failure = Failure::new(ErrorCode::DiskFull, "no room there");
                self.tell([
                    News::Progress { transfer: TRANSFER, done: 1, total: 2, bytes_per_s: 1 },
                    News::Progress { transfer: TransferId::new([9; 16]), done: 1, total: 2, bytes_per_s: 1 },
                    News::Dropped { transfer: TRANSFER, failure },
                ]);
                Answer::Offered { transfer: TRANSFER, items: 1, bytes: 2, skipped: vec![] }
            }
            Ask::Say { .. } => Answer::Said { session: SESSION, number: 7 },
            _ => Answer::Done,
        }
    }
}

pub fn accepted() -> News {
    News::Accepted { invite: Some(INVITE), session: SESSION, peer: PEER, verified: Verified::Code }
}

fn peer() -> PeerRow {
    PeerRow {
        peer: PEER.to_string(),
        name: "\u{1b}[31mAna".into(),
        trust: Trust::New,
        presence: Presence::Near,
        media: vec![Medium::Mdns],
        routes: vec!["192.0.2.1:4000".into()],
        resembles: None,
        nearness: None,
        rssi: None,
        metres: None,
    }
}

pub fn question() -> QuestionRow {
    QuestionRow { code: Some("123456".into()), ..QuestionRow::new(QUESTION, QuestionKind::Invite, PEER, "Ana".into()) }
}

impl Surface for Paper {
    fn ask(&self, _: ClientId, ask: Ask) -> Boxed<'_, Answer> {
        self.asked.lock().unwrap().push(ask.clone());
        let scripted = (self.script.lock().unwrap())(&ask);
        Box::pin(async move {
            let Some((answer, news)) = scripted else { return self.answer(ask) };
            self.tell(news);
            answer
        })
    }

    fn news(&self) -> Boxed<'_, Result<(News, broadcast::Receiver<News>), Failure>> {
        let me = MeRow { peer: PEER, name: None, visibility: Visibility::Known, until: None };
        let snapshot = News::Snapshot {
            me,
            peers: vec![peer()],
            questions: vec![question()],
            sessions: vec![],
            transfers: vec![],
        };
        Box::pin(async move { Ok((snapshot, self.news.subscribe())) })
    }

    fn pipe(&self, _: ClientId, _: PipeAsk) -> Boxed<'_, Result<Box<dyn Wire>, Failure>> {
        Box::pin(async move {
            // Sends back what it gets.
            let (near, far) = tokio::io::duplex(1024);
            tokio::spawn(async move {
                let (mut read, mut write) = tokio::io::split(far);
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            });
            Ok(Box::new(near) as Box<dyn Wire>)
        })
    }

    fn gone(&self, _: ClientId) {}
}

pub struct Seat {
    _top: tempfile::TempDir,
    pub profile: PathBuf,
    pub paper: Arc<Paper>,
    pub stop: CancellationToken,
}

impl Seat {
    pub fn new() -> Self {
        Self::with(|_| None)
    }

    /// With an agent that follows a script.
    pub fn with(script: impl FnMut(&Ask) -> Option<(Answer, Vec<News>)> + Send + 'static) -> Self {
        let top = tempfile::tempdir().unwrap();
        let profile = hither_control::profile::ensure(&top.path().join("p")).unwrap();
        let door = Door::open(&Place::within(&profile).unwrap()).unwrap();
        let paper = Arc::new(Paper {
            asked: Mutex::default(),
            news: broadcast::channel(1024).0,
            script: Mutex::new(Box::new(script)),
        });
        let stop = CancellationToken::new();
        tokio::spawn(serve(door, paper.clone(), Limits::default(), stop.clone()));
        Self { _top: top, profile, paper, stop }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hither"));
        command.args(args).arg("--no-start").env_clear().env("HITHER_PROFILE", &self.profile);
        command.kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub async fn run(&self, args: &[&str], input: &str) -> Output {
        let mut child = self.command(args).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        child.wait_with_output().await.unwrap()
    }

    /// What was asked, but for looks at a session: each one that opens is looked at once.
    pub fn asked(&self) -> Vec<Ask> {
        let asked = self.paper.asked.lock().unwrap();
        asked.iter().filter(|ask| !matches!(ask, Ask::Session { .. })).cloned().collect()
    }
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

//! What the tests of the control socket share: an engine made of paper behind a real socket in a directory of its own.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test program uses its part of it")]

use hither_control::{
    Boxed, Client, ClientId, Door, Limits, PipeAsk, Place, Surface, Wire, frame,
    frame::{Cut, REPLY_CAP, Reader},
    message::Hello,
    serve,
};
use hither_model::{
    Answer, Ask, ErrorCode, Failure, News, PeerId,
    row::{MeRow, Visibility},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::{UnixStream, unix::OwnedReadHalf},
    sync::{Notify, broadcast},
};
use tokio_util::sync::CancellationToken;

/// Answers `near` at once, `sessions` when told to, and remembers the rest.
pub struct Paper {
    pub asked: Mutex<Vec<(ClientId, Ask)>>,
    pub left: broadcast::Sender<ClientId>,
    pub news: broadcast::Sender<News>,
    pub go: Notify,
    pub far: Mutex<Option<tokio::io::DuplexStream>>,
}

impl Paper {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            asked: Mutex::default(),
            left: broadcast::channel(64).0,
            news: broadcast::channel(1024).0,
            go: Notify::new(),
            far: Mutex::default(),
        })
    }
}

pub fn snapshot() -> News {
    let me = MeRow { peer: PeerId::new([1; 32]), name: None, visibility: Visibility::Known, until: None };
    News::Snapshot { me, peers: vec![], questions: vec![], sessions: vec![], transfers: vec![] }
}

pub fn alarm(number: usize) -> News {
    News::Alarm { message: number.to_string(), peer: None }
}

impl Surface for Paper {
    fn ask(&self, client: ClientId, ask: Ask) -> Boxed<'_, Answer> {
        Box::pin(async move {
            self.asked.lock().unwrap().push((client, ask.clone()));
            match ask {
                Ask::Near => Answer::Peers { rows: vec![] },
                Ask::Sessions => {
                    self.go.notified().await;
                    Answer::Sessions { rows: vec![] }
                }
                Ask::ExportCertificate => Answer::Certificate { pem: "x".repeat(REPLY_CAP) },
                Ask::Transfer { .. } => {
                    Answer::Failed { failure: Failure::new(ErrorCode::UnknownId, "no such transfer") }
                }
                _ => Answer::Done,
            }
        })
    }

    fn news(&self) -> Boxed<'_, Result<(News, broadcast::Receiver<News>), Failure>> {
        Box::pin(async move { Ok((snapshot(), self.news.subscribe())) })
    }

    fn pipe(&self, _: ClientId, ask: PipeAsk) -> Boxed<'_, Result<Box<dyn Wire>, Failure>> {
        Box::pin(async move {
            if ask == (PipeAsk::Connect { peer: "Nobody".into(), name: None }) {
                return Err(Failure::new(ErrorCode::UnknownId, "no such device"));
            }
            if matches!(ask, PipeAsk::Listen { .. }) {
                std::future::pending::<()>().await;
            }
            let (near, far) = tokio::io::duplex(4096);
            *self.far.lock().unwrap() = Some(far);
            Ok(Box::new(near) as Box<dyn Wire>)
        })
    }

    fn gone(&self, client: ClientId) {
        let _ = self.left.send(client);
    }
}

pub struct Bench {
    _top: tempfile::TempDir,
    pub place: Place,
    pub uid: u32,
    pub paper: Arc<Paper>,
    pub stop: CancellationToken,
    pub served: tokio::task::JoinHandle<()>,
}

pub fn bench(change: impl FnOnce(&mut Limits)) -> Bench {
    let top = tempfile::tempdir().unwrap();
    let place = Place::within(top.path()).unwrap();
    let door = Door::open(&place).unwrap();
    let (paper, stop) = (Paper::new(), CancellationToken::new());
    let mut limits = Limits::default();
    let uid = limits.uid;
    change(&mut limits);
    let served = tokio::spawn(serve(door, paper.clone(), limits, stop.clone()));
    Bench { _top: top, place, uid, paper, stop, served }
}

impl Bench {
    pub async fn client(&self) -> Client {
        Client::connect_at(self.place.clone(), self.uid).await.unwrap()
    }

    pub async fn raw(&self) -> UnixStream {
        UnixStream::connect(self.place.socket()).await.unwrap()
    }

    /// A connection after the hello.
    pub async fn greeted(&self) -> (Reader<OwnedReadHalf>, tokio::net::unix::OwnedWriteHalf) {
        let (reader, mut writer) = self.raw().await.into_split();
        let mut reader = Reader::new(reader, Cut::Frames, REPLY_CAP);
        let _: Hello = reader.message().await.unwrap().unwrap();
        put(&mut writer, &Hello::ours()).await;
        (reader, writer)
    }
}

pub async fn put<T: serde::Serialize>(to: &mut (impl tokio::io::AsyncWrite + Unpin), message: &T) {
    frame::send(to, message, Cut::Frames, REPLY_CAP, Duration::from_secs(5)).await.unwrap();
}

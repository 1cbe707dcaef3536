//! Two engines in one process, on loopback: found, invited, compared, proven, talked, sent. The real sockets, the real
//! multicast, the real disk.

use hither_engine::{Engine, Handle, Options, Settings};
use hither_model::{
    Answer, Ask, DisplayName, News, Trust, Verified,
    row::{Direction, QuestionKind, Visibility},
};
use std::{future::Future, path::Path, time::Duration};
use tokio::sync::broadcast;

/// Longest time any single thing here may take; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(30);

struct Agent {
    name: String,
    handle: Handle,
    news: broadcast::Receiver<News>,
    peer: String,
    dir: tempfile::TempDir,
}

async fn start(name: &str) -> Agent {
    let dir = tempfile::tempdir().unwrap();
    let (handle, peer) = start_in(dir.path(), name).await;
    let (_, news) = handle.news().await.unwrap();
    Agent { name: name.to_owned(), handle, news, peer, dir }
}

async fn start_in(dir: &Path, name: &str) -> (Handle, String) {
    let settings = Settings {
        name: Some(DisplayName::new(name).unwrap()),
        visibility: Visibility::Everyone,
        inbox: dir.join("inbox"),
        allow_tls12: false,
        revoked: vec![],
        interfaces: Default::default(),
    };
    std::fs::create_dir_all(dir.join("outgoing")).unwrap();
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let options = Options { profile: dir.to_owned(), listen, listeners: vec![], settings, mdns: true, loopback: true };
    let (handle, started) = Engine::start(options).await.unwrap();
    (handle, started.peer.to_string())
}

impl Agent {
    async fn ask(&self, ask: Ask) -> Answer {
        self.handle.ask(1, ask).await.unwrap()
    }

    /// The first piece of news that fits.
    async fn hear<T>(&mut self, mut fits: impl FnMut(&News) -> Option<T>) -> T {
        within(async {
            loop {
                let news = self.news.recv().await.unwrap();
                if let Some(found) = fits(&news) {
                    return found;
                }
            }
        })
        .await
    }

    /// Waits until a device of that name is near.
    async fn sees(&mut self, name: &str) {
        if let Answer::Peers { rows } = self.ask(Ask::Near).await
            && rows.iter().any(|r| r.name == name)
        {
            return;
        }
        self.hear(|news| match news {
            News::PeerAdded { peer } | News::PeerUpdated { peer } if peer.name == name => Some(()),
            _ => None,
        })
        .await;
    }
}

async fn within<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wait).await.expect("it did not happen")
}

fn invite(peer: &str) -> Ask {
    Ask::Invite { peer: peer.into(), message: Some("hello".into()), timeout: None, unverified: false }
}

fn accept(question: String) -> Ask {
    Ask::Accept { question, always: false, same_code: true, unverified: false, to: None, executable: false }
}

/// Brings two agents to a session, comparing codes on the way.
async fn pair(ana: &mut Agent, bo: &mut Agent) {
    ana.sees(&bo.name).await;
    let Answer::Inviting { invite } = ana.ask(invite(&bo.name)).await else { panic!("no invite") };
    let question = bo.hear(|n| match n {
        News::Question { question } if question.code.is_some() => Some(question.clone()),
        _ => None,
    });
    let question = question.await;
    assert_eq!((question.kind, &question.name, question.trust), (QuestionKind::Invite, &ana.name, Trust::New));
    let code = ana.hear(|n| match n {
        News::Code { code, .. } => Some(code.clone()),
        _ => None,
    });
    assert_eq!(Some(code.await), question.code, "both screens show the same code");
    bo.ask(accept(question.id.to_string())).await;
    ana.ask(Ask::ConfirmCode { invite, same: true }).await;
    for agent in [&mut *ana, &mut *bo] {
        agent
            .hear(|n| match n {
                News::Accepted { verified: Verified::Code, .. } => Some(()),
                _ => None,
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_find_each_other_compare_a_code_and_talk_over_verified_tls() {
    let (mut ana, mut bo) = (start("Ana 1").await, start("Bo 1").await);
    pair(&mut ana, &mut bo).await;
    let Answer::Sessions { rows } = ana.ask(Ask::Sessions).await else { panic!("no sessions") };
    let session = &rows[0];
    assert_eq!(session.peer.to_string(), bo.peer);
    assert_eq!((session.negotiated.version.as_str(), session.negotiated.alpn.as_str()), ("TLS1.3", "hither/1"));
    assert_eq!(session.negotiated.kx, "X25519MLKEM768");
    ana.ask(Ask::Say { to: bo.name.clone(), text: "hi ☺".into() }).await;
    bo.hear(|n| match n {
        News::Message { message } if message.direction == Direction::In && message.text == "hi ☺" => Some(()),
        _ => None,
    })
    .await;
    ana.hear(|n| matches!(n, News::MessageDelivered { number: 1, .. }).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_offered_accepted_verified_and_receipted() {
    let (mut ana, mut bo) = (start("Ana 2").await, start("Bo 2").await);
    pair(&mut ana, &mut bo).await;
    let folder = ana.dir.path().join("photos");
    std::fs::create_dir_all(folder.join("empty")).unwrap();
    std::fs::write(folder.join("one"), vec![7u8; 3 << 20]).unwrap();
    std::fs::write(folder.join("two"), b"small").unwrap();
    let Answer::Offered { items, .. } = ana.ask(Ask::Send { peer: bo.name.clone(), paths: vec![folder] }).await else {
        panic!("not offered")
    };
    assert_eq!(items, 4);
    let question = bo.hear(|n| match n {
        News::Question { question } if question.kind == QuestionKind::Transfer => Some(question.clone()),
        _ => None,
    });
    let question = question.await;
    bo.ask(accept(question.id.to_string())).await;
    bo.hear(|n| matches!(n, News::Done { .. }).then_some(())).await;
    ana.hear(|n| matches!(n, News::Done { .. }).then_some(())).await;
    let inbox = bo.dir.path().join("inbox");
    assert_eq!(std::fs::read(inbox.join("photos/one")).unwrap(), vec![7u8; 3 << 20]);
    assert_eq!(std::fs::read(inbox.join("photos/two")).unwrap(), b"small");
    assert!(inbox.join("photos/empty").is_dir());
    let left: Vec<_> = std::fs::read_dir(&inbox).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["photos"], "no stray file");
    let Answer::Transfers { rows } = ana.ask(Ask::Transfers).await else { panic!("no transfers") };
    assert!(rows[0].receipt, "the signed receipt is in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_devices_need_no_code_again() {
    let (mut ana, mut bo) = (start("Ana 3").await, start("Bo 3").await);
    pair(&mut ana, &mut bo).await;
    ana.ask(Ask::Close { session: bo.name.clone() }).await;
    bo.hear(|n| matches!(n, News::SessionClosed { .. }).then_some(())).await;
    ana.ask(invite(&bo.peer)).await;
    let question = bo.hear(|n| match n {
        News::Question { question } => Some(question.clone()),
        _ => None,
    });
    let question = question.await;
    assert_eq!((question.code, question.trust, question.proven), (None, Trust::Verified, Verified::Stored));
    bo.ask(Ask::Accept {
        question: question.id.to_string(),
        always: false,
        same_code: false,
        unverified: false,
        to: None,
        executable: false,
    })
    .await;
    ana.hear(|n| matches!(n, News::Accepted { verified: Verified::Stored, .. }).then_some(())).await;
}

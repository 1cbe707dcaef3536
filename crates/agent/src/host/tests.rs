//! An agent's life around an engine made of paper, through real clients and a real socket.

use super::*;
use hither_control::{Client, PipeAsk, Wire};
use hither_model::{
    Answer, Ask, News, PeerId, QuestionId, SessionId, TransferId,
    row::{Direction, MeRow, MessageRow, QuestionKind, QuestionRow},
};
use std::thread::JoinHandle;
use tokio::sync::{broadcast, mpsc, watch};

/// Remembers what it is asked and does what the test tells it.
#[derive(Clone)]
struct Paper {
    asked: mpsc::UnboundedSender<Ask>,
    news: broadcast::Sender<News>,
    running: watch::Sender<bool>,
    settings: watch::Sender<Chosen>,
}

impl Engine for Paper {
    type Kept = Chosen;

    async fn ask(&self, _: u64, ask: Ask) -> Result<Answer, Failure> {
        let answer = match &ask {
            Ask::Stop => panic!("stopping is the agent's business"),
            Ask::SetVisibility { visibility, name, .. } => {
                self.settings.send_modify(|chosen| {
                    chosen.visibility = *visibility;
                    chosen.name = name.clone().or(chosen.name.take());
                });
                Answer::Done
            }
            Ask::Send { paths, .. } => Answer::Offered {
                transfer: TransferId::new([9; 16]),
                items: paths.len() as u64,
                bytes: 0,
                skipped: vec![],
            },
            _ => Answer::Done,
        };
        let _ = self.asked.send(ask);
        Ok(answer)
    }

    async fn news(&self) -> Result<(News, broadcast::Receiver<News>), Failure> {
        let me = MeRow { peer: PeerId::new([1; 32]), name: None, visibility: Visibility::Known, until: None };
        let snapshot = News::Snapshot { me, peers: vec![], questions: vec![], sessions: vec![], transfers: vec![] };
        Ok((snapshot, self.news.subscribe()))
    }

    async fn pipe(&self, _: u64, _: PipeAsk) -> Result<Box<dyn Wire>, Failure> {
        Err(Failure::new(ErrorCode::UnknownId, "no such device"))
    }

    async fn client_gone(&self, _: u64) {}

    async fn stop(&self) {
        self.running.send_replace(false);
    }

    async fn stopped(&self) {
        let mut running = self.running.subscribe();
        let _ = running.wait_for(|running| !running).await;
    }

    fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }

    async fn networks_are(&self, _: Option<Vec<hither_engine::Network>>) {}

    fn settings(&self) -> watch::Receiver<Chosen> {
        self.settings.subscribe()
    }
}

struct Living {
    paper: Paper,
    asked: mpsc::UnboundedReceiver<Ask>,
    wanted: Chosen,
    ble: bool,
    profile: PathBuf,
    thread: JoinHandle<Result<(), Failure>>,
}

/// Runs an agent on a thread of its own, up to the moment where the engine is asked to start.
async fn live(options: Options) -> Living {
    let (asked_to, asked) = mpsc::unbounded_channel();
    let (started_to, mut started) = mpsc::unbounded_channel();
    let thread = thread::spawn(move || {
        run_with(options, |wanted: Wanted| async move {
            let paper = Paper {
                asked: asked_to,
                news: broadcast::channel(1024).0,
                running: watch::channel(true).0,
                settings: watch::channel(wanted.chosen.clone()).0,
            };
            let _ = started_to.send((paper.clone(), wanted.chosen, wanted.ble, wanted.profile));
            Ok((paper, Started { peer: PeerId::new([1; 32]), name: None, listen: vec![], media: Default::default() }))
        })
    });
    let Some((paper, wanted, ble, profile)) = started.recv().await else {
        panic!("the agent did not start: {:?}", thread.join().unwrap());
    };
    Living { paper, asked, wanted, ble, profile, thread }
}

fn at(top: &tempfile::TempDir) -> Options {
    Options { profile: top.path().join("p"), json: true, ..Options::default() }
}

#[tokio::test]
async fn an_agent_answers_clients_and_ends_when_it_is_asked_to() {
    let top = tempfile::tempdir().unwrap();
    let mut living = live(at(&top)).await;
    let mut client = Client::connect(&living.profile).await.unwrap();
    client.ask(Ask::Near).await.unwrap();
    assert_eq!(living.asked.recv().await, Some(Ask::Near));
    client.ask(Ask::Stop).await.unwrap();
    living.thread.join().unwrap().unwrap();
    assert_eq!(Client::connect(&living.profile).await.unwrap_err().code, ErrorCode::NoAgent);
}

#[tokio::test]
async fn a5_a_second_agent_of_a_profile_ends_with_a_message_and_leaves_the_first_alone() {
    let top = tempfile::tempdir().unwrap();
    let first = live(at(&top)).await;
    let failure = tokio::task::spawn_blocking({
        let options = at(&top);
        move || run_with::<Paper, _>(options, |_| async { panic!("the engine was started") })
    });
    let failure = failure.await.unwrap().unwrap_err();
    assert!(failure.message.contains("already runs"), "{}", failure.message);
    let mut client = Client::connect(&first.profile).await.unwrap();
    client.ask(Ask::Stop).await.unwrap();
    first.thread.join().unwrap().unwrap();
}

#[tokio::test]
async fn a_name_on_the_command_line_means_everyone_for_this_run_and_changes_are_kept() {
    let top = tempfile::tempdir().unwrap();
    let living = live(Options { name: DisplayName::new("Ana").ok(), ..at(&top) }).await;
    assert_eq!(
        (living.wanted.visibility, living.wanted.name.clone()),
        (Visibility::Everyone, DisplayName::new("Ana").ok())
    );
    let mut client = Client::connect(&living.profile).await.unwrap();
    let stored = Settings::load(&living.profile).unwrap();
    assert_eq!((stored.visibility, stored.name), (Visibility::Known, None), "the command line is not kept");
    let hide = Ask::SetVisibility { visibility: Visibility::Nobody, name: None, seconds: None };
    client.ask(hide).await.unwrap();
    // The agent writes on its own; the next life finds it.
    while Settings::load(&living.profile).unwrap().visibility != Visibility::Nobody {
        tokio::task::yield_now().await;
    }
    client.ask(Ask::Stop).await.unwrap();
    living.thread.join().unwrap().unwrap();
    let again = live(at(&top)).await;
    assert_eq!((again.wanted.visibility, again.wanted.name), (Visibility::Nobody, None));
    again.paper.running.send_replace(false);
    again.thread.join().unwrap().unwrap();
}

#[tokio::test]
async fn bluetooth_is_left_out_for_one_run_by_the_command_line_and_the_setting_stays() {
    for ble in [true, false] {
        let top = tempfile::tempdir().unwrap();
        let living = live(Options { ble, ..at(&top) }).await;
        assert_eq!((living.ble, living.wanted.bluetooth.on), (ble, true));
        assert!(Settings::load(&living.profile).unwrap().bluetooth.on);
        living.paper.running.send_replace(false);
        living.thread.join().unwrap().unwrap();
    }
}

#[tokio::test]
async fn n5_damaged_settings_keep_the_agent_from_starting() {
    let top = tempfile::tempdir().unwrap();
    let profile = profile::ensure(&top.path().join("p")).unwrap();
    fs::write(profile.join("settings.toml"), "version = 1\n").unwrap();
    let options = at(&top);
    let ended = tokio::task::spawn_blocking(|| run_with::<Paper, _>(options, |_| async { panic!("started") }));
    assert_eq!(ended.await.unwrap().unwrap_err().code, ErrorCode::StorageFailed);
    assert_eq!(fs::read(profile.join("settings.toml")).unwrap(), b"version = 1\n");
}

#[tokio::test]
async fn a2_a_profile_open_to_others_is_refused() {
    let top = tempfile::tempdir().unwrap();
    let options = at(&top);
    fs::create_dir(&options.profile).unwrap();
    fs::set_permissions(&options.profile, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ended = tokio::task::spawn_blocking(|| run_with::<Paper, _>(options, |_| async { panic!("started") }));
    assert!(ended.await.unwrap().unwrap_err().hint.unwrap().contains("chmod 700"));
}

fn question(kind: QuestionKind, code: Option<&str>, transfer: Option<TransferId>) -> QuestionRow {
    let blank = QuestionRow::new(QuestionId::new([3; 8]), kind, PeerId::new([5; 32]), "Ana".into());
    QuestionRow { code: code.map(str::to_owned), transfer, ..blank }
}

#[tokio::test]
async fn the_practice_device_accepts_echoes_and_sends_back_and_leaves_nothing_behind() {
    let mut living = live(Options { practice: true, ble: true, json: true, ..Options::default() }).await;
    assert!(!living.ble, "practice stays on this machine");
    assert_eq!(living.wanted.name.as_ref().map(DisplayName::as_str), Some("practice device"));
    assert_eq!(living.wanted.visibility, Visibility::Everyone);
    let say = |news: News| living.paper.news.send(news).is_ok();
    // Until the player listens there is nobody to hear it.
    let invite = question(QuestionKind::Invite, Some("123456"), None);
    while !say(News::Question { question: invite.clone() }) {
        tokio::task::yield_now().await;
    }
    let accepted = living.asked.recv().await.unwrap();
    assert!(
        matches!(&accepted, Ask::Accept { same_code: true, unverified: false, question, .. } if *question == "03".repeat(8)),
        "{accepted:?}"
    );

    let session = SessionId::new([4; 16]);
    let message = MessageRow {
        session,
        peer: PeerId::new([5; 32]),
        name: "Ana".into(),
        direction: Direction::In,
        text: "한".repeat(21_845),
        delivered: true,
        at: 0,
        number: 1,
    };
    assert!(say(News::Message { message }));
    let Some(Ask::Say { to, text }) = living.asked.recv().await else { panic!("no echo") };
    assert_eq!(to, session.to_string());
    assert!(text.starts_with("you said: 한") && text.len() <= 65_536);

    let transfer = TransferId::new([7; 16]);
    assert!(say(News::Question { question: question(QuestionKind::Transfer, None, Some(transfer)) }));
    let Some(Ask::Accept { to: Some(folder), executable: false, .. }) = living.asked.recv().await else {
        panic!("files refused")
    };
    assert!(folder.starts_with(&living.profile));
    fs::write(folder.join("a.txt"), "a").unwrap();
    assert!(say(News::Done { transfer, items: 1, bytes: 1, path: None }));
    let Some(Ask::Send { peer, paths }) = living.asked.recv().await else { panic!("nothing sent back") };
    assert_eq!((peer, paths), ("05".repeat(32), vec![folder.join("a.txt")]));

    living.paper.running.send_replace(false);
    living.thread.join().unwrap().unwrap();
    assert!(!living.profile.exists(), "the profile is thrown away");
}

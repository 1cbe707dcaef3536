//! Transfers in trouble: an inbox that is away, connections that are replaced, offers nobody answered, records that
//! outlive or do not outlive their transfer.

use crate::{
    believed::{Mallory, intruder, lane, offer_of},
    lab::{
        Agent,
        ear::random,
        outsider::{Held, read, write},
        paired, yes,
    },
    resume::under_way,
    transfers::{done, dropped, is, names, row, send},
};
use hither_model::{Ask, ErrorCode, News, TransferId, TransferState};
use hither_protocol::{Frame, Hello, epoch, known_rid, session};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn resume(id: TransferId) -> Ask {
    Ask::Resume { transfer: id.to_string() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_that_is_away_at_the_start_holds_a_transfer_up_and_loses_nothing() {
    let (mut ana, bo, id, file) = under_way("away").await;
    let bo = bo.stop().await;
    let inbox = bo.settings.inbox.clone();
    let away = inbox.with_extension("away");
    fs::rename(&inbox, &away).unwrap();
    fs::create_dir(&inbox).unwrap();
    ana.forget_news();
    let mut bo = bo.start().await;
    let says_why = |news: &News| match news {
        News::Transfer { transfer } => transfer.why.as_ref()?.contains("not in its inbox").then_some(()),
        _ => None,
    };
    bo.hear("why it waits", says_why).await;
    let by_them = |news: &News| match news {
        News::Transfer { transfer } => (transfer.why.as_deref() == Some("paused by the other side")).then_some(()),
        _ => None,
    };
    ana.hear("it waits for the other side", by_them).await;
    fs::remove_dir(&inbox).unwrap();
    fs::rename(&away, &inbox).unwrap();
    // At once, or by itself a moment before.
    let _ = bo.try_ask(resume(id)).await;
    done(&mut bo, id).await;
    done(&mut ana, id).await;
    assert!(fs::read(&file).unwrap() == fs::read(inbox.join("film")).unwrap());
    assert!(!ana.has_heard(|n| matches!(n, News::Dropped { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_12_an_offer_nobody_answered_is_not_resumed_or_paused_and_can_still_be_answered() {
    let (mut ana, mut bo) = paired("unanswered").await;
    let id = send(&ana, &bo, ana.file("patient", 5, 1_000)).await;
    let question = bo.offer().await;
    for agent in [&ana, &bo] {
        assert_eq!(agent.refused(resume(id)).await, ErrorCode::Misuse);
        assert_eq!(agent.refused(Ask::Pause { transfer: id.to_string() }).await, ErrorCode::Misuse);
    }
    bo.ask(yes(&question)).await;
    done(&mut ana, id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_started_again_is_asked_again() {
    let (mut ana, mut bo) = paired("asked again").await;
    let id = send(&ana, &bo, ana.file("patient", 5, 1_000)).await;
    bo.offer().await;
    let mut bo = bo.again().await;
    let question = bo.offer().await;
    assert_eq!(question.transfer, Some(id));
    bo.ask(yes(&question)).await;
    done(&mut bo, id).await;
    done(&mut ana, id).await;
    assert!(!ana.has_heard(|n| matches!(n, News::Dropped { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn always_is_not_said_to_files() {
    let (mut ana, mut bo) = paired("always").await;
    let id = send(&ana, &bo, ana.file("a", 5, 1_000)).await;
    let question = bo.offer().await;
    let Ask::Accept { question: named, same_code, unverified, to, executable, .. } = yes(&question) else { panic!() };
    let always = Ask::Accept {
        question: named,
        always: true,
        same_code,
        unverified,
        to,
        executable,
        identity: None,
        grant: None,
    };
    assert_eq!(bo.refused(always).await, ErrorCode::Misuse);
    assert!(bo.people().await.iter().all(|person| !person.always), "invites are asked about as before");
    bo.ask(yes(&question)).await;
    done(&mut ana, id).await;
}

/// The same session over a new connection, as an agent that lost the old one would take it up.
async fn again(mallory: &Mallory, bo: &Agent) -> Held {
    let session = bo.sessions().await[0].session;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let friend = known_rid(mallory.held.pair_key.as_ref().unwrap(), epoch(now), &bo.peer);
    let mut channel = mallory.who.dial_known(bo.port, friend, bo.peer).await;
    write(&mut channel, &Hello::Resume { session }).await.unwrap();
    assert_eq!(read::<Frame, _>(&mut channel).await, Some(Frame::Resumed));
    Held::begin(channel, None, mallory.held.on_lanes.clone()).await
}

async fn fetches(held: &mut Held, id: TransferId) {
    let fetch =
        |f: &session::Frame| matches!(f, session::Frame::Fetch { transfer, .. } if *transfer == id).then_some(());
    held.hear("a request", fetch).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_lost_with_a_replaced_connection_is_made_again() {
    let (mut mallory, mut bo) = intruder("lost request").await;
    let (id, _) = offer_of(&mut mallory.held, bo.file("bait", 1, 1_000)).await;
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    fetches(&mut mallory.held, id).await;
    let mut new = again(&mallory, &bo).await;
    fetches(&mut new, id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_that_fell_silent_is_given_up_with_a_replaced_connection() {
    let (mut mallory, mut bo) = intruder("silent lane").await;
    let (id, _) = offer_of(&mut mallory.held, bo.file("bait", 1, 1_000)).await;
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    fetches(&mut mallory.held, id).await;
    let _silent = lane(&mut mallory.held, &bo, id).await;
    is(&mut bo, id, TransferState::Moving).await;
    let mut new = again(&mallory, &bo).await;
    fetches(&mut new, id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn part_files_and_offers_of_what_is_over_go_at_the_start_and_others_stay() {
    let (mut ana, mut bo, id, _) = under_way("stray").await;
    bo.ask(Ask::Cancel { transfer: id.to_string() }).await;
    dropped(&mut bo, id).await;
    dropped(&mut ana, id).await;
    let (ana, bo) = (ana.stop().await, bo.stop().await);
    // As if the end had come before they were removed; and another profile uses the same inbox.
    let parts = bo.settings.inbox.join(".hither-partial");
    let other = TransferId::new(random());
    for id in [id, other] {
        fs::create_dir_all(parts.join(id.to_string())).unwrap();
        fs::write(parts.join(id.to_string()).join("0"), b"part").unwrap();
    }
    let outgoing = ana.dir.path().join("outgoing");
    for name in [format!("{id}.offer"), format!("{other}.offer"), format!("{other}.sent")] {
        fs::write(outgoing.join(name), b"records").unwrap();
    }
    let (_ana, _bo) = (ana.start().await.stop().await, bo.start().await.stop().await);
    assert_eq!(names(&parts), [other.to_string()]);
    assert_eq!(names(&outgoing), [""; 0]);
}

/// In the way of whoever wants to write the list of transfers anew; gone again when dropped.
struct Block(PathBuf);

impl Block {
    fn of(profile: &Path) -> Self {
        let path = profile.join("transfers.new");
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        fs::remove_dir(&self.0).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_stay_until_the_outcome_is_on_disk_and_finish_it_after_a_crash() {
    let (mut ana, mut bo, id, file) = under_way("outcome").await;
    is(&mut ana, id, TransferState::Moving).await;
    ana.ask(Ask::Pause { transfer: id.to_string() }).await;
    is(&mut bo, id, TransferState::Paused).await;
    let (ana, bo) = (ana.stop().await, bo.stop().await);
    let profiles = [ana.dir.path().to_owned(), bo.dir.path().to_owned()];
    // From here on no outcome reaches the disk, as if the end came before each.
    let blocks = profiles.each_ref().map(|profile| Block::of(profile));
    let (mut ana, mut bo) = tokio::join!(ana.start(), bo.start());
    crate::lab::in_touch(&mut ana, &mut bo).await;
    ana.ask(resume(id)).await;
    done(&mut bo, id).await;
    done(&mut ana, id).await;
    let (ana, bo) = (ana.stop().await, bo.stop().await);
    assert_eq!(names(&bo.settings.inbox.join(".hither-partial")), [id.to_string()], "the journal is there");
    assert_eq!(names(&ana.dir.path().join("outgoing")).len(), 2, "and the sender's records");
    drop(blocks);
    let (mut ana, mut bo) = tokio::join!(ana.start(), bo.start());
    assert_ne!(row(&bo, id).await.state, TransferState::Kept, "nothing is known of the end");
    let _ = ana.try_ask(resume(id)).await;
    done(&mut bo, id).await;
    done(&mut ana, id).await;
    let (ana, bo) = (ana.stop().await, bo.stop().await);
    assert_eq!(names(&bo.settings.inbox), ["film"], "once, and nothing beside it");
    assert_eq!(names(&ana.dir.path().join("outgoing")), [""; 0]);
    assert!(fs::read(&file).unwrap() == fs::read(bo.settings.inbox.join("film")).unwrap());
}

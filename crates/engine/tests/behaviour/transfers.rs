//! Files and folders: offered, answered, kept; declined, canceled, doubled.

use crate::lab::{Agent, in_touch, no, outsider::Outsider, paired, part, yes};
use hither_model::{Answer, Ask, ErrorCode, News, TransferId, TransferState, row::TransferRow};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) async fn send(from: &Agent, to: &Agent, path: PathBuf) -> TransferId {
    let Answer::Offered { transfer, .. } = from.ask(Ask::Send { peer: to.peer.to_string(), paths: vec![path] }).await
    else {
        panic!("not offered")
    };
    transfer
}

pub(crate) async fn done(agent: &mut Agent, id: TransferId) {
    is(agent, id, TransferState::Kept).await;
}

pub(crate) async fn dropped(agent: &mut Agent, id: TransferId) -> ErrorCode {
    agent
        .hear("the transfer is dropped", |n| match n {
            News::Dropped { transfer, failure } if *transfer == id => Some(failure.code),
            _ => None,
        })
        .await
}

pub(crate) async fn row(agent: &Agent, id: TransferId) -> TransferRow {
    agent.transfers().await.into_iter().find(|r| r.transfer == id).unwrap()
}

/// Waits until a transfer is in that state.
pub(crate) async fn is(agent: &mut Agent, id: TransferId, state: TransferState) {
    if agent.transfers().await.iter().any(|row| row.transfer == id && row.state == state) {
        return;
    }
    agent
        .hear(&format!("it is {state}"), |n| match n {
            News::Transfer { transfer } if transfer.transfer == id && transfer.state == state => Some(()),
            _ => None,
        })
        .await;
}

/// Names in the inbox, sorted.
fn inbox(agent: &Agent) -> Vec<String> {
    names(&agent.inbox())
}

/// Names in a directory, sorted; one that is not there is empty.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return vec![] };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_offered_accepted_verified_and_receipted() {
    let (mut ana, mut bo) = paired("folder").await;
    let folder = ana.seat.dir.path().join("photos");
    fs::create_dir_all(folder.join("empty")).unwrap();
    fs::write(folder.join("one"), vec![7u8; 3 << 20]).unwrap();
    fs::write(folder.join("two"), b"small").unwrap();
    let id = send(&ana, &bo, folder).await;
    let question = bo.offer().await;
    assert_eq!((question.items, question.bytes, question.transfer), (Some(4), Some((3 << 20) + 5), Some(id)));
    assert_eq!(inbox(&bo), [""; 0], "nothing touches the disk before the yes");
    bo.ask(yes(&question)).await;
    done(&mut bo, id).await;
    done(&mut ana, id).await;
    let there = bo.inbox().join("photos");
    assert_eq!(fs::read(there.join("one")).unwrap(), vec![7u8; 3 << 20]);
    assert_eq!(fs::read(there.join("two")).unwrap(), b"small");
    assert!(there.join("empty").is_dir());
    for agent in [&ana, &bo] {
        let row = row(agent, id).await;
        assert_eq!((row.state, row.receipt, row.items_done), (TransferState::Kept, true, 4));
    }
    assert_eq!(names(&bo.stop().await.settings.inbox), ["photos"], "no stray file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_invited_side_sends_just_as_well() {
    let (mut ana, mut bo) = paired("other way").await;
    let file = bo.file("letter", 3, 500_000);
    let id = send(&bo, &ana, file).await;
    let question = ana.offer().await;
    ana.ask(yes(&question)).await;
    done(&mut ana, id).await;
    done(&mut bo, id).await;
    assert_eq!(fs::read(ana.inbox().join("letter")).unwrap(), vec![3; 500_000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_offer_ends_on_both_sides_and_leaves_nothing() {
    let (mut ana, mut bo) = paired("decline").await;
    let file = ana.file("unwanted", 1, 1_000);
    let id = send(&ana, &bo, file).await;
    let question = bo.offer().await;
    bo.ask(no(&question)).await;
    assert_eq!(dropped(&mut ana, id).await, ErrorCode::Declined);
    assert_eq!(dropped(&mut bo, id).await, ErrorCode::Declined);
    assert_eq!(inbox(&bo), [""; 0]);
    assert_eq!(ana.refused(Ask::Resume { transfer: id.to_string() }).await, ErrorCode::Stale);
    assert_eq!(bo.refused(yes(&question)).await, ErrorCode::UnknownId);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_two_transfers_of_one_name_are_both_kept_and_nothing_is_overwritten() {
    let (mut ana, mut bo) = paired("f13").await;
    fs::create_dir_all(bo.inbox()).unwrap();
    fs::write(bo.inbox().join("same.txt"), b"was here before").unwrap();
    let (one, two) = (ana.seat.dir.path().join("1"), ana.seat.dir.path().join("2"));
    for (dir, byte) in [(&one, b'1'), (&two, b'2')] {
        fs::create_dir(dir).unwrap();
        fs::write(dir.join("same.txt"), vec![byte; 2 << 20]).unwrap();
    }
    let (first, second) = (send(&ana, &bo, one.join("same.txt")).await, send(&ana, &bo, two.join("same.txt")).await);
    let (a, b) = (bo.offer().await, bo.offer().await);
    tokio::join!(bo.ask(yes(&a)), bo.ask(yes(&b)));
    for id in [first, second] {
        done(&mut bo, id).await;
        done(&mut ana, id).await;
    }
    let bo = bo.stop().await;
    let to = &bo.settings.inbox;
    let mut firsts: Vec<u8> = names(to).iter().map(|n| fs::read(to.join(n)).unwrap()[0]).collect();
    firsts.sort_unstable();
    assert_eq!(firsts, [b'1', b'2', b'w'], "{:?}", names(to));
    assert_eq!(fs::read(to.join("same.txt")).unwrap(), b"was here before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_transfer_canceled_on_both_sides_at_once_is_over_and_leaves_no_part() {
    let (mut ana, mut bo) = paired("f16").await;
    let file = ana.file("big", 9, 96 << 20);
    let id = send(&ana, &bo, file).await;
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    is(&mut bo, id, TransferState::Moving).await;
    is(&mut ana, id, TransferState::Moving).await;
    let cancel = || Ask::Cancel { transfer: id.to_string() };
    let (here, there) = tokio::join!(ana.try_ask(cancel()), bo.try_ask(cancel()));
    assert!(here.is_ok() || there.is_ok());
    for (agent, asked) in [(&mut ana, here), (&mut bo, there)] {
        let code = dropped(agent, id).await;
        assert_eq!(code, if asked.is_ok() { ErrorCode::Canceled } else { ErrorCode::Withdrawn });
        assert_eq!(row(agent, id).await.state, TransferState::Dropped);
    }
    in_touch(&mut ana, &mut bo).await;
    let (ana, bo) = (ana.stop().await, bo.stop().await);
    let left =
        fs::read_dir(&bo.settings.inbox).map_or(0, |d| d.filter(|e| !hollow(&e.as_ref().unwrap().path())).count());
    assert_eq!(left, 0, "nothing of it is left");
    assert_eq!(fs::read_dir(ana.dir.path().join("outgoing")).unwrap().count(), 0, "nor what a resume would need");
}

/// A directory with no file anywhere in it.
fn hollow(path: &std::path::Path) -> bool {
    path.is_dir() && fs::read_dir(path).unwrap().all(|e| hollow(&e.unwrap().path()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_cancel_by_one_side_is_told_to_the_other_in_its_own_words() {
    let (mut ana, mut bo) = paired("f16 one").await;
    let file = ana.file("offered", 9, 1_000);
    let id = send(&ana, &bo, file).await;
    bo.offer().await;
    ana.ask(Ask::Cancel { transfer: id.to_string() }).await;
    assert_eq!(dropped(&mut ana, id).await, ErrorCode::Canceled);
    assert_eq!(dropped(&mut bo, id).await, ErrorCode::Withdrawn);
    bo.question_gone().await;
    assert_eq!(ana.refused(Ask::Cancel { transfer: id.to_string() }).await, ErrorCode::Stale);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_an_inbox_that_cannot_be_written_is_an_error_on_both_sides_and_nothing_is_written_elsewhere() {
    let (mut ana, mut bo) = paired("f16 inbox").await;
    fs::write(bo.inbox(), b"a file where the folder should be").unwrap();
    let file = ana.file("homeless", 9, 1_000);
    let id = send(&ana, &bo, file).await;
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    let code = dropped(&mut bo, id).await;
    assert_eq!(dropped(&mut ana, id).await, code);
    assert_eq!(fs::read(bo.inbox()).unwrap(), b"a file where the folder should be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_thing_is_not_sent_twice_at_once_but_again_after_the_first() {
    let (mut ana, mut bo) = paired("twice").await;
    let file = ana.file("once", 9, 1_000);
    let id = send(&ana, &bo, file.clone()).await;
    let again = Ask::Send { peer: bo.peer.to_string(), paths: vec![file.clone()] };
    assert_eq!(ana.refused(again.clone()).await, ErrorCode::Busy);
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    done(&mut ana, id).await;
    ana.ask(again).await;
    assert_eq!(ana.refused(Ask::Send { peer: bo.name.clone(), paths: vec![] }).await, ErrorCode::Misuse);
    assert_eq!(
        ana.refused(Ask::Send { peer: bo.name.clone(), paths: vec!["relative".into()] }).await,
        ErrorCode::Misuse
    );
    assert_eq!(ana.refused(Ask::Send { peer: "nobody".into(), paths: vec![file] }).await, ErrorCode::UnknownId);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stands_ready_takes_offers_for_as_long_as_it_stays() {
    let (mut ana, mut bo) = paired("ready").await;
    let to = bo.seat.dir.path().join("elsewhere");
    let receive = Ask::Receive { to: Some(to.clone()), from: Some(ana.peer.to_string()), once: false };
    bo.handle.ask(7, receive).await.unwrap();
    let file = ana.file("welcome", 5, 1_000);
    let id = send(&ana, &bo, file).await;
    done(&mut bo, id).await;
    done(&mut ana, id).await;
    assert_eq!(fs::read(to.join("welcome")).unwrap(), vec![5; 1_000]);
    assert!(!bo.was_asked(), "nobody was asked");
    bo.handle.client_gone(7).await;
    let file = ana.file("later", 5, 1_000);
    send(&ana, &bo, file).await;
    bo.offer().await;
    assert_eq!(inbox(&bo), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_ends_with_the_session_it_was_made_in() {
    let (mut ana, mut bo) = paired("offer ends").await;
    let file = ana.file("too late", 5, 1_000);
    let id = send(&ana, &bo, file).await;
    let question = bo.offer().await;
    part(&mut ana, &mut bo).await;
    bo.question_gone().await;
    assert_eq!(dropped(&mut bo, id).await, ErrorCode::Withdrawn);
    assert_eq!(dropped(&mut ana, id).await, ErrorCode::Withdrawn);
    assert_eq!(bo.refused(yes(&question)).await, ErrorCode::UnknownId);
    assert_ne!(Outsider::new().peer(), ana.peer);
}

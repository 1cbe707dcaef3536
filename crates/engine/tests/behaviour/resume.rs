//! Transfers that are interrupted and go on: paused by a person, or cut off by an agent that stops in the middle.

use crate::{
    lab::{Agent, Seat, in_touch, paired, part, yes},
    transfers::{done, is, names, row, send},
};
use hither_model::{Ask, ErrorCode, News, TransferId, TransferState};
use std::{
    fs,
    path::{Path, PathBuf},
};

const BIG: usize = 96 << 20;

/// Bytes that are nowhere the same, so that a piece in the wrong place shows.
fn varied(dir: &Seat) -> PathBuf {
    let path = dir.dir.path().join("film");
    let mut bytes = vec![0; BIG];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    fs::write(&path, bytes).unwrap();
    path
}

/// A large transfer from the first to the second, on its way.
pub(crate) async fn under_way(case: &str) -> (Agent, Agent, TransferId, PathBuf) {
    let (ana, mut bo) = paired(case).await;
    let file = varied(&ana.seat);
    let id = send(&ana, &bo, file.clone()).await;
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    bo.hear("bytes move", |n| {
        matches!(n, News::Transfer { transfer } if transfer.state == TransferState::Moving).then_some(())
    })
    .await;
    (ana, bo, id, file)
}

async fn arrived(mut ana: Agent, mut bo: Agent, id: TransferId, file: &Path) {
    done(&mut bo, id).await;
    done(&mut ana, id).await;
    assert!(row(&ana, id).await.receipt);
    let bo = bo.stop().await;
    let to = &bo.settings.inbox;
    assert_eq!(names(to), ["film"], "whole, under its name, and nothing beside it");
    let (sent, kept) = (fs::read(file).unwrap(), fs::read(to.join("film")).unwrap());
    assert!(sent == kept, "every byte is in its place");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_goes_on_after_the_receiving_agent_started_again() {
    let (ana, bo, id, file) = under_way("resume bo").await;
    let bo = bo.stop().await;
    assert_ne!(row(&ana, id).await.state, TransferState::Kept, "it was cut off in the middle");
    assert!(!bo.settings.inbox.join("film").exists(), "no half file under its name");
    let bo = bo.start().await;
    arrived(ana, bo, id, &file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_goes_on_after_the_sending_agent_started_again() {
    let (ana, bo, id, file) = under_way("resume ana").await;
    let ana = ana.stop().await;
    assert_ne!(row(&bo, id).await.state, TransferState::Kept, "it was cut off in the middle");
    assert_eq!(fs::metadata(bo.inbox().join("film")).ok().map(|m| m.len()), None);
    let ana = ana.start().await;
    arrived(ana, bo, id, &file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_goes_on_after_both_agents_started_again() {
    let (ana, bo, id, file) = under_way("resume both").await;
    let (ana, bo) = tokio::join!(ana.stop(), bo.stop());
    let (ana, bo) = tokio::join!(ana.start(), bo.start());
    arrived(ana, bo, id, &file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_was_not_answered_is_made_again_after_the_sender_started_again() {
    let (ana, mut bo) = paired("reoffer").await;
    let file = ana.file("patient", 5, 1_000);
    let id = send(&ana, &bo, file).await;
    let question = bo.offer().await;
    let mut ana = ana.again().await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!(bo.open_questions().await.len(), 1, "asked once");
    bo.ask(yes(&question)).await;
    done(&mut bo, id).await;
    done(&mut ana, id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_12_a_pause_by_either_side_holds_until_that_side_goes_on() {
    let (mut ana, mut bo, id, file) = under_way("pause").await;
    bo.ask(Ask::Pause { transfer: id.to_string() }).await;
    is(&mut bo, id, TransferState::Paused).await;
    is(&mut ana, id, TransferState::Paused).await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!(row(&bo, id).await.why.as_deref(), Some("paused here"));
    assert_eq!(row(&ana, id).await.why.as_deref(), Some("paused by the other side"));
    ana.forget_news();
    bo.ask(Ask::Resume { transfer: id.to_string() }).await;
    done(&mut bo, id).await;
    assert_eq!(bo.refused(Ask::Resume { transfer: id.to_string() }).await, ErrorCode::Stale);
    bo = bo.again().await;
    assert!(fs::read(&file).unwrap() == fs::read(bo.inbox().join("film")).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_taken_back_at_once_by_the_receiver_holds_nothing_up() {
    let (ana, bo, id, file) = under_way("unpause bo").await;
    let transfer = id.to_string();
    tokio::join!(bo.ask(Ask::Pause { transfer: transfer.clone() }), bo.ask(Ask::Resume { transfer }));
    arrived(ana, bo, id, &file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_taken_back_at_once_by_the_sender_holds_nothing_up() {
    let (mut ana, bo, id, file) = under_way("unpause ana").await;
    is(&mut ana, id, TransferState::Moving).await;
    let transfer = id.to_string();
    tokio::join!(ana.ask(Ask::Pause { transfer: transfer.clone() }), ana.ask(Ask::Resume { transfer }));
    arrived(ana, bo, id, &file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_12_a_pause_by_the_sender_survives_a_restart() {
    let (mut ana, mut bo, id, file) = under_way("pause ana").await;
    is(&mut ana, id, TransferState::Moving).await;
    ana.ask(Ask::Pause { transfer: id.to_string() }).await;
    is(&mut bo, id, TransferState::Paused).await;
    let mut ana = ana.again().await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!(row(&ana, id).await.state, TransferState::Paused);
    ana.ask(Ask::Resume { transfer: id.to_string() }).await;
    arrived(ana, bo, id, &file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_whose_session_was_closed_goes_on_in_the_next_one() {
    let (mut ana, mut bo, id, file) = under_way("next").await;
    // Twice: at once.
    ana.ask(Ask::Close { session: bo.peer.to_string() }).await;
    part(&mut ana, &mut bo).await;
    assert_eq!(row(&bo, id).await.state, TransferState::Paused);
    assert_eq!(
        bo.refused(Ask::Resume { transfer: id.to_string() }).await,
        ErrorCode::Unreachable,
        "it cannot go on without one"
    );
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    ana.accepted().await;
    arrived(ana, bo, id, &file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n7_an_agent_stops_within_three_seconds_in_the_middle_of_a_transfer() {
    let (ana, bo, _, _) = under_way("n7 moving").await;
    for agent in [ana, bo] {
        let began = std::time::Instant::now();
        agent.stop().await;
        assert!(began.elapsed() < std::time::Duration::from_secs(3), "{:?}", began.elapsed());
    }
}

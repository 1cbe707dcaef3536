//! The end of a session: what was begun is finished first, nothing new is begun, and a second word ends it at once.

use crate::{
    lab::{Agent, in_touch, paired, within, yes},
    resume::under_way,
    transfers::{done, is, row},
};
use hither_engine::PipeAsk;
use hither_model::{Ask, ErrorCode, News, PeerId, SessionState, TransferState};
use std::fs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn close(agent: &Agent, with: &PeerId) {
    agent.ask(Ask::Close { session: with.to_string() }).await;
}

async fn drains(agent: &mut Agent) {
    agent
        .hear("the session is being finished", |n| match n {
            News::Session { session } if session.state == SessionState::Draining => Some(()),
            _ => None,
        })
        .await;
}

async fn both_closed(ana: &mut Agent, bo: &mut Agent) {
    assert_eq!(ana.closed().await, "closed");
    assert_eq!(bo.closed().await, "the other side: closed");
    assert_eq!((ana.sessions().await, bo.sessions().await), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_waits_for_the_transfer_that_moves() {
    let (mut ana, mut bo, id, file) = under_way("drain").await;
    close(&ana, &bo.peer).await;
    drains(&mut bo).await;
    done(&mut bo, id).await;
    done(&mut ana, id).await;
    both_closed(&mut ana, &mut bo).await;
    assert!(row(&ana, id).await.receipt, "with its receipt");
    assert!(fs::read(&file).unwrap() == fs::read(bo.inbox().join("film")).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_by_the_receiver_waits_too_and_is_not_taken_up_again_after_a_restart() {
    let (mut ana, mut bo, id, _) = under_way("drain bo").await;
    close(&bo, &ana.peer).await;
    done(&mut ana, id).await;
    both_closed(&mut bo, &mut ana).await;
    let (ana, bo) = (ana.again().await, bo.again().await);
    assert_eq!((ana.sessions().await, bo.sessions().await), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_close_ends_it_where_it_stands() {
    let (mut ana, mut bo, id, _) = under_way("force").await;
    close(&ana, &bo.peer).await;
    close(&ana, &bo.peer).await;
    both_closed(&mut ana, &mut bo).await;
    assert_eq!(row(&bo, id).await.state, TransferState::Paused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_person_can_end_at_once_what_is_being_finished() {
    let (mut ana, mut bo, _, _) = under_way("force bo").await;
    close(&ana, &bo.peer).await;
    drains(&mut bo).await;
    close(&bo, &ana.peer).await;
    close(&bo, &ana.peer).await;
    bo.closed().await;
    ana.closed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_before_a_close_arrives_before_the_end() {
    let (mut ana, mut bo) = paired("last words").await;
    in_touch(&mut ana, &mut bo).await;
    let (to_bo, to_ana) = (bo.peer.to_string(), ana.peer.to_string());
    for n in 0..20 {
        ana.says(&to_bo, &format!("ana {n}")).await;
        bo.says(&to_ana, &format!("bo {n}")).await;
    }
    let last = ana.says(&to_bo, "the end").await;
    close(&ana, &bo.peer).await;
    bo.hears("the end").await;
    ana.hears("bo 19").await;
    ana.delivered(last).await;
    both_closed(&mut ana, &mut bo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_new_begins_in_a_session_that_is_being_finished() {
    let (mut ana, mut bo, _, file) = under_way("nothing new").await;
    close(&ana, &bo.peer).await;
    drains(&mut bo).await;
    for (agent, other) in [(&ana, bo.peer.to_string()), (&bo, ana.peer.to_string())] {
        assert_eq!(agent.refused(Ask::Say { to: other.clone(), text: "?".into() }).await, ErrorCode::Stale);
        let ask = Ask::Send { peer: other.clone(), paths: vec![file.with_extension("")] };
        assert_eq!(agent.refused(ask).await, ErrorCode::Stale);
        let pipe = agent.handle.pipe(2, PipeAsk::To { peer: other, name: None });
        assert_eq!(within("no pipe", pipe).await.err().map(|f| f.code), Some(ErrorCode::Stale));
    }
    both_closed(&mut ana, &mut bo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_nobody_answered_does_not_hold_a_close_up() {
    let (mut ana, mut bo) = paired("open offer").await;
    let file = ana.file("late", 1, 1_000);
    let id = crate::transfers::send(&ana, &bo, file).await;
    let question = bo.offer().await;
    close(&ana, &bo.peer).await;
    both_closed(&mut ana, &mut bo).await;
    is(&mut ana, id, TransferState::Dropped).await;
    assert_eq!(bo.refused(yes(&question)).await, ErrorCode::UnknownId);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_is_finished_before_its_session_and_broken_by_a_second_close() {
    for force in [false, true] {
        let (mut ana, mut bo) = paired("pipe end").await;
        in_touch(&mut ana, &mut bo).await;
        let to = PipeAsk::To { peer: bo.peer.to_string(), name: None };
        let listen = PipeAsk::Listen { name: None, from: None };
        let ends = async { tokio::join!(bo.handle.pipe(2, listen), ana.handle.pipe(2, to)) };
        let (far, near) = within("a pipe", ends).await;
        let (mut far, mut near) = (far.unwrap(), near.unwrap());
        close(&ana, &bo.peer).await;
        drains(&mut bo).await;
        near.write_all(b"still").await.unwrap();
        near.flush().await.unwrap();
        let mut heard = [0; 5];
        within("bytes through the pipe", far.read_exact(&mut heard)).await.unwrap();
        assert_eq!(&heard, b"still");
        if force {
            close(&ana, &bo.peer).await;
            assert!(within("the near end breaks", near.read_u8()).await.is_err());
            assert!(within("the far end breaks", far.read_u8()).await.is_err());
        } else {
            near.shutdown().await.unwrap();
            far.shutdown().await.unwrap();
            drop((near, far));
        }
        both_closed(&mut ana, &mut bo).await;
    }
}

//! Byte streams between clients of two agents: both ways, half-closed, by name, and what is said when nobody listens.

use crate::lab::{Agent, in_touch, paired, part, within};
use hither_engine::PipeAsk;
use hither_model::ErrorCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn to(other: &Agent, name: Option<&str>) -> PipeAsk {
    PipeAsk::To { peer: other.peer.to_string(), name: name.map(str::to_owned) }
}

fn listen(name: Option<&str>) -> PipeAsk {
    PipeAsk::Listen { name: name.map(str::to_owned), from: None }
}

/// A request and its answer, each ended by its own end of stream.
async fn question_and_answer(asking: &Agent, answering: &Agent) {
    // In this order: the listener is there before the other side comes.
    let ends =
        async { tokio::join!(answering.handle.pipe(2, listen(None)), asking.handle.pipe(2, to(answering, None))) };
    let (far, near) = within("a pipe", ends).await;
    let (mut far, mut near) = (far.unwrap(), near.unwrap());
    within("question and answer", async {
        let question = vec![b'?'; 300_000];
        let ask = async {
            near.write_all(&question).await.unwrap();
            near.shutdown().await.unwrap();
        };
        let mut heard = Vec::new();
        let (_, outcome) = tokio::join!(ask, far.read_to_end(&mut heard));
        outcome.unwrap();
        assert_eq!(heard, question, "the question is whole and ended, while the answer is still to come");
        far.write_all(b"answer").await.unwrap();
        far.shutdown().await.unwrap();
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w4_a_pipe_carries_both_ways_and_each_way_ends_by_itself() {
    let (mut ana, mut bo) = paired("pipe").await;
    in_touch(&mut ana, &mut bo).await;
    question_and_answer(&ana, &bo).await;
    question_and_answer(&bo, &ana).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_that_nobody_waits_for_is_declined_at_once() {
    let (mut ana, mut bo) = paired("no pipe").await;
    in_touch(&mut ana, &mut bo).await;
    for (asking, other) in [(&ana, &bo), (&bo, &ana)] {
        let failure = within("the answer", asking.handle.pipe(2, to(other, None))).await.err().unwrap();
        assert_eq!(failure.code, ErrorCode::Declined, "{failure:?}");
    }
    part(&mut ana, &mut bo).await;
    let failure = within("the answer", ana.handle.pipe(2, to(&bo, None))).await.err().unwrap();
    assert_eq!(failure.code, ErrorCode::UnknownId, "and without a session there is none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipes_are_told_apart_by_name_and_by_who_comes() {
    let (mut ana, mut bo) = paired("names").await;
    in_touch(&mut ana, &mut bo).await;
    let clip = PipeAsk::Listen { name: Some("clip".into()), from: Some(ana.peer.to_string()) };
    let ends = async { tokio::join!(bo.handle.pipe(2, clip), ana.handle.pipe(2, to(&bo, Some("clip")))) };
    let (far, near) = within("a pipe", ends).await;
    let (mut far, mut near) = (far.unwrap(), near.unwrap());
    near.write_all(b"for clip").await.unwrap();
    near.shutdown().await.unwrap();
    let mut heard = Vec::new();
    within("the bytes", far.read_to_end(&mut heard)).await.unwrap();
    assert_eq!(heard, b"for clip");
    let other = within("the answer", ana.handle.pipe(2, to(&bo, Some("clipper")))).await;
    assert_eq!(other.err().unwrap().code, ErrorCode::Declined);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_whose_client_left_gets_no_pipe() {
    let (mut ana, mut bo) = paired("left").await;
    in_touch(&mut ana, &mut bo).await;
    let ends = async { tokio::join!(bo.handle.pipe(9, listen(Some("left"))), bo.handle.client_gone(9)) };
    assert!(within("the listener's end", ends).await.0.is_err());
    let failure = within("the answer", ana.handle.pipe(2, to(&bo, Some("left")))).await.err().unwrap();
    assert_eq!(failure.code, ErrorCode::Declined);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_asked_for_right_after_the_yes_comes_about() {
    let (ana, bo) = paired("early").await;
    let ends = async {
        tokio::select! {
            biased;
            _ = bo.handle.pipe(2, listen(Some("early"))) => None,
            near = ana.handle.pipe(2, to(&bo, Some("early"))) => near.err(),
        }
    };
    assert_eq!(within("the pipe", ends).await, None);
}

//! A person's word on what is in the outbox: hold it back, take it out, let it lapse; and what the capabilities say.

use crate::{
    lab::{in_touch, no, paired, part, yes},
    outbox::{becomes, post, rows, stands},
    transfers::{dropped, is},
};
use hither_model::{Ask, ErrorCode, News, OutboxState, TransferState, WaitsFor, ask::OutboxAsk};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_back_stands_still_and_goes_on_at_a_word() {
    let (mut ana, mut bo) = paired("held").await;
    let file = ana.file("film", 3, 96 << 20);
    let id = rows(&ana, post(&[&bo], file)).await[0].entry;
    let held =
        |back| OutboxAsk::Change { entry: id.to_string(), priority: None, cost: None, seconds: None, held: Some(back) };
    let offer = bo.offer().await;
    // Not answered yet: the offer is taken back.
    rows(&ana, held(true)).await;
    bo.question_gone().await;
    becomes(&mut ana, id, "held", |row| row.waits == Some(WaitsFor::Word)).await;
    assert_eq!(bo.refused(yes(&offer)).await, ErrorCode::UnknownId);
    rows(&ana, held(false)).await;
    let offer = bo.offer().await;
    bo.ask(yes(&offer)).await;
    let transfer = offer.transfer.unwrap();
    is(&mut ana, transfer, TransferState::Moving).await;
    // It moves: it stands still.
    rows(&ana, held(true)).await;
    is(&mut bo, transfer, TransferState::Paused).await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!(rows(&ana, OutboxAsk::List).await[0].state, OutboxState::Sending);
    rows(&ana, held(false)).await;
    stands(&mut ana, id, OutboxState::Sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_out_is_cancelled_on_both_sides() {
    let (mut ana, mut bo) = paired("withdrawn").await;
    let file = ana.file("film", 3, 96 << 20);
    let id = rows(&ana, post(&[&bo], file.clone())).await[0].entry;
    let offer = bo.offer().await;
    bo.ask(yes(&offer)).await;
    is(&mut bo, offer.transfer.unwrap(), TransferState::Moving).await;
    let withdraw = OutboxAsk::Withdraw { entry: id.to_string() };
    assert_eq!(rows(&ana, withdraw.clone()).await[0].entry, id);
    assert_eq!(dropped(&mut ana, offer.transfer.unwrap()).await, ErrorCode::Canceled);
    assert_eq!(dropped(&mut bo, offer.transfer.unwrap()).await, ErrorCode::Withdrawn);
    ana.hear("it is gone", |n| matches!(n, News::OutboxGone { id: gone } if *gone == id).then_some(())).await;
    assert_eq!(ana.refused(Ask::Outbox(withdraw)).await, ErrorCode::UnknownId);
    rows(&ana, post(&[&bo], file)).await;
    bo.offer().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invite_nobody_needs_any_more_is_taken_back() {
    let (mut ana, mut bo) = paired("needless").await;
    part(&mut ana, &mut bo).await;
    let file = ana.file("letter", 3, 1_000);
    let id = rows(&ana, post(&[&bo], file)).await[0].entry;
    bo.question().await;
    rows(&ana, OutboxAsk::Withdraw { entry: id.to_string() }).await;
    bo.question_gone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_came_for_expires_and_is_noted() {
    let (mut ana, mut bo) = paired("expires").await;
    part(&mut ana, &mut bo).await;
    let to = bo.peer.to_string();
    bo.stop().await;
    let paths = vec![ana.file("stale", 3, 1_000)];
    let ask = OutboxAsk::Post { to: vec![to], paths, seconds: Some(1), priority: None, cost: None, group: None };
    let id = rows(&ana, ask).await[0].entry;
    let row = stands(&mut ana, id, OutboxState::Expired).await;
    assert!(row.why.is_some());
    let again =
        OutboxAsk::Change { entry: id.to_string(), priority: None, cost: None, seconds: None, held: Some(false) };
    let row = rows(&ana, again).await.remove(0);
    assert!(row.state == OutboxState::Waiting && row.expires > row.at + 86_400, "a word gives it its time anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_ended_with_its_session_waits_for_the_next_one() {
    let (mut ana, mut bo) = paired("again").await;
    let file = ana.file("letter", 3, 1_000);
    let id = rows(&ana, post(&[&bo], file)).await[0].entry;
    bo.offer().await;
    part(&mut ana, &mut bo).await;
    let question = bo
        .hear("an invite", |n| match n {
            News::Question { question } if question.transfer.is_none() => Some(question.clone()),
            _ => None,
        })
        .await;
    bo.ask(yes(&question)).await;
    let offer = bo.offer().await;
    bo.ask(yes(&offer)).await;
    stands(&mut ana, id, OutboxState::Sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_leave_to_connect_nothing_is_dialled_and_entries_wait() {
    let (mut ana, mut bo) = paired("revoked").await;
    part(&mut ana, &mut bo).await;
    bo.forget_news();
    let set = |granted| Ask::SetCapability { name: "proximity".into(), granted };
    ana.ask(set(false)).await;
    let file = ana.file("letter", 3, 1_000);
    let id = rows(&ana, post(&[&bo], file)).await[0].entry;
    becomes(&mut ana, id, "it waits", |row| row.waits == Some(WaitsFor::Word)).await;
    assert!(!bo.was_asked());
    ana.ask(set(true)).await;
    let question = bo.question().await;
    bo.ask(no(&question)).await;
}

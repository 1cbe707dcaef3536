//! A device that wants more out of a grant than it was given.

use crate::{
    believed::{fail, fence, intruder, lane, offer_of, say_on},
    grants::{becomes, files, grants, revoke},
    lab::Agent,
    transfers::dropped,
};
use hither_model::{
    Answer, Ask, ErrorCode, PeerId,
    ask::GrantAsk,
    row::{GrantOver, GrantRow},
};
use hither_protocol::session::Frame;

async fn given(bo: &Agent, peer: PeerId, bytes: u64) -> GrantRow {
    let ask = Ask::Grant(GrantAsk::Give { peer: peer.to_string(), terms: files(bytes) });
    let Answer::Grants { mut rows } = bo.ask(ask).await else { panic!("no grant") };
    rows.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f6_offers_made_all_at_once_do_not_get_more_than_one_after_the_other() {
    let (mut mallory, mut bo) = intruder("at once").await;
    given(&bo, mallory.who.peer(), 1_000_000).await;
    bo.forget_news();
    let file = bo.file("part", 1, 300_000);
    for _ in 0..8 {
        offer_of(&mut mallory.held, file.clone()).await;
    }
    for _ in 0..5 {
        bo.offer().await;
    }
    fence(&mut mallory.held, &mut bo, 1).await;
    assert!(!bo.was_asked(), "three of them fit");
    assert_eq!(grants(&bo).await[0].used, 900_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_about_to_end_takes_nothing_by_a_grant_or_for_somebody_who_stands_ready() {
    let (mut mallory, mut bo) = intruder("draining").await;
    let peer = mallory.who.peer();
    given(&bo, peer, 1_000_000).await;
    bo.ask(Ask::Receive { to: None, from: None, once: false }).await;
    bo.ask(Ask::Drain).await;
    let file = bo.file("late", 1, 1_000);
    offer_of(&mut mallory.held, file).await;
    bo.offer().await;
    assert_eq!(grants(&bo).await[0].used, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_what_was_left_half_done_is_not_taken_up_once_its_grant_is_revoked() {
    let (mut mallory, mut bo) = intruder("half").await;
    let grant = given(&bo, mallory.who.peer(), 1_000_000).await;
    let folder = bo.seat.dir.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    for name in ["a", "b"] {
        std::fs::write(folder.join(name), vec![1; 100_000]).unwrap();
    }
    let held = &mut mallory.held;
    let (id, _) = offer_of(held, folder).await;
    held.hear("fetch", |f| matches!(f, Frame::Fetch { .. }).then_some(())).await;
    let lane = lane(held, &bo, id).await;
    let mut said: Vec<u8> = (1..3).flat_map(|item| fail(item, "SourceChanged")).collect();
    said.push(5);
    let _lane = say_on(lane, said).await;
    dropped(&mut bo, id).await;
    fence(held, &mut bo, 1).await;
    let row = grants(&bo).await.remove(0);
    assert_eq!((row.used, row.over), (200_000, None), "it can be tried again, so it stays reserved");
    revoke(&bo, &grant).await;
    becomes(&mut bo, "it is over", |row| row.over == Some(GrantOver::Revoked) && row.used <= 8_192).await;
    held.post(&Frame::Moving { transfer: id }).await;
    let refused = |frame: &Frame| match frame {
        Frame::Cancel { transfer, .. } => Some(*transfer),
        _ => None,
    };
    assert_eq!(held.hear("a no", refused).await, id);
    let again = Ask::Grant(GrantAsk::Revoke { id: grant.grant.to_string() });
    assert_eq!(bo.refused(again).await, ErrorCode::Stale);
}

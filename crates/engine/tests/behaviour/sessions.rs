//! Sessions over several lives of their agents, and their end.

use crate::lab::{
    in_touch,
    outsider::{Outsider, read, write},
    paired,
};
use hither_model::{Ask, ErrorCode, News, SessionState};
use hither_protocol::{Frame, Hello, No, epoch, known_rid};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_goes_on_after_the_invited_agent_started_again() {
    let (mut ana, bo) = paired("again bo").await;
    let session = ana.sessions().await[0].session;
    let mut bo = bo.again().await;
    bo.is_open(session).await;
    ana.is_open(session).await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!((ana.sessions().await.len(), bo.sessions().await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_goes_on_after_the_inviting_agent_started_again() {
    let (ana, mut bo) = paired("again ana").await;
    let session = bo.sessions().await[0].session;
    let mut ana = ana.again().await;
    ana.is_open(session).await;
    bo.is_open(session).await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!((ana.sessions().await.len(), bo.sessions().await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_a_session_that_both_take_up_at_once_is_one_session() {
    let (ana, bo) = paired("again both").await;
    let session = ana.sessions().await[0].session;
    let (ana, bo) = tokio::join!(ana.stop(), bo.stop());
    let (mut ana, mut bo) = tokio::join!(ana.start(), bo.start());
    ana.is_open(session).await;
    bo.is_open(session).await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!((ana.sessions().await.len(), bo.sessions().await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n2_a_device_that_comes_back_at_another_address_takes_its_session_up_there() {
    let (mut ana, bo) = paired("n2").await;
    let session = ana.sessions().await[0].session;
    let mut seat = bo.stop().await;
    let before = seat.listen.port();
    seat.listen.set_port(0);
    let mut bo = seat.start().await;
    assert_ne!(bo.port, before);
    bo.is_open(session).await;
    in_touch(&mut ana, &mut bo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_multicast_a_session_is_taken_up_where_it_was() {
    let (ana, bo) = paired("no mdns").await;
    let session = ana.sessions().await[0].session;
    let (mut ana, mut bo) = (ana.stop().await, bo.stop().await);
    (ana.mdns, bo.mdns) = (false, false);
    let (mut ana, mut bo) = (ana.start().await, bo.start().await);
    ana.is_open(session).await;
    in_touch(&mut ana, &mut bo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_session_is_over_on_both_sides_and_stays_over() {
    let (mut ana, mut bo) = paired("close").await;
    bo.ask(Ask::Close { session: ana.name.clone() }).await;
    assert_eq!(bo.closed().await, "closed");
    assert_eq!(ana.closed().await, "the other side: closed");
    for (agent, other) in [(&ana, &bo), (&bo, &ana)] {
        assert_eq!(agent.refused(Ask::Say { to: other.name.clone(), text: "?".into() }).await, ErrorCode::UnknownId);
    }
    let (ana, bo) = (ana.again().await, bo.again().await);
    assert_eq!((ana.sessions().await, bo.sessions().await), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_closed_while_the_other_was_away_is_closed_there_too() {
    let (mut ana, bo) = paired("close away").await;
    let seat = bo.stop().await;
    ana.hear("the connection is lost", |n| match n {
        News::Session { session } if session.state == SessionState::Reconnecting => Some(()),
        _ => None,
    })
    .await;
    ana.ask(Ask::Close { session: seat.name.clone() }).await;
    ana.closed().await;
    let mut bo = seat.start().await;
    if !bo.sessions().await.is_empty() {
        assert_eq!(bo.closed().await, "the other side has ended it");
    }
    assert_eq!(bo.sessions().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n7_an_agent_that_is_asked_to_stop_tells_everybody_and_is_gone_within_three_seconds() {
    let (mut ana, mut bo) = paired("n7").await;
    let number = ana.says(&bo.peer.to_string(), "last words").await;
    let began = Instant::now();
    ana.handle.stop().await;
    ana.handle.stopped().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(ana.has_heard(|n| matches!(n, News::Stopping)));
    bo.hears("last words").await;
    bo.hear("the connection is lost", |n| match n {
        News::Session { session } if session.state == SessionState::Reconnecting => Some(()),
        _ => None,
    })
    .await;
    let name = ana.name.clone();
    bo.hear("it says goodbye", |n| match n {
        News::PeerRemoved { peer } | News::PeerUpdated { peer } if peer.name == name => Some(()),
        _ => None,
    })
    .await;
    let mut ana = ana.seat.start().await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!(ana.says(&bo.peer.to_string(), "and on").await, number + 2, "the book of messages was kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_to_an_agent_that_has_stopped_is_answered_with_that() {
    let (ana, bo) = paired("gone").await;
    bo.stop().await;
    ana.handle.stop().await;
    ana.handle.stopped().await;
    assert_eq!(ana.refused(Ask::Status).await, ErrorCode::NoAgent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_taken_up_also_through_the_door_for_friends() {
    let (ana, bo) = paired("friend's door").await;
    let (session, peer) = (ana.sessions().await[0].session, bo.peer);
    let key = crate::seen::pair_key(&ana, &peer);
    let bo = Outsider::in_the_place_of(&bo.stop().await);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let rid = known_rid(&key, epoch(now), &ana.peer);
    let answer = loop {
        let mut channel = bo.dial_known(ana.port, rid, ana.peer).await;
        write(&mut channel, &Hello::Resume { session }).await.unwrap();
        match read::<Frame, _>(&mut channel).await {
            // Her own attempt has the right of way, once.
            Some(Frame::No { why: No::Busy }) => {}
            other => break other,
        }
    };
    assert_eq!(answer, Some(Frame::Resumed));
}

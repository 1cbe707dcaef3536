//! What crowds, floods and long queues cost: strangers who stay silent, knocks without end, much to say at once, and a
//! device that was blocked and comes back as somebody else.

use crate::{
    lab::{
        ear::Ear,
        in_touch,
        outsider::{Outsider, bare_invite, befriend, read, write},
        paired, start, within,
    },
    transfers::send,
};
use hither_model::{Answer, Ask, ErrorCode, Rid, Trust, ask::TrustChoice, row::Visibility};
use hither_protocol::Frame;
use std::fs;

/// Strangers who may be silent past the handshake at one time.
const SILENT: usize = 16;

async fn stranger_rid(port: u16) -> Rid {
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(port).await;
    ear.stop().await;
    rid
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t5_strangers_who_stay_silent_past_the_handshake_are_counted_and_known_devices_get_in() {
    let mut bo = start("Bo silent").await;
    let rid = stranger_rid(bo.port).await;
    let friend = Outsider::new();
    let held = befriend(&friend, "Friend", &mut bo, rid).await;
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(Outsider::new().dial(bo.port, rid).await.unwrap());
    }
    for _ in 0..20 {
        let mut late = Outsider::new().dial(bo.port, rid).await.unwrap();
        let word: Option<Frame> = within("one too many is let go", read(&mut late)).await;
        assert_eq!(word, None);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let rid = hither_protocol::known_rid(held.pair_key.as_ref().unwrap(), hither_protocol::epoch(now), &bo.peer);
    let mut known = friend.dial_known(bo.port, rid, bo.peer).await;
    write(&mut known, &hither_protocol::Hello::Presence { name: None, port: 9 }).await.unwrap();
    let word: Option<Frame> = within("a known device is answered", read(&mut known)).await;
    assert!(matches!(word, Some(Frame::Here { .. })), "{word:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_flood_of_knocks_leaves_the_history_alone() {
    let bo = start("Bo flood").await;
    let rid = stranger_rid(bo.port).await;
    for _ in 0..60 {
        let mut knock = Outsider::new().dial(bo.port, rid).await.unwrap();
        write(&mut knock, &bare_invite("Crowd", false)).await.unwrap();
        let _: Option<Frame> = read(&mut knock).await;
    }
    let Answer::History { rows, .. } = bo.ask(Ask::History { peer: None, limit: 2_000, search: None }).await else {
        panic!()
    };
    assert!(rows.len() <= 5, "one dialog, three in the queue, and a word about all others: {}", rows.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_long_messages_wait_for_a_device_that_was_away_and_all_arrive() {
    let (mut ana, mut bo) = paired("away").await;
    in_touch(&mut ana, &mut bo).await;
    let seat = bo.stop().await;
    let session = ana.sessions().await[0].session.to_string();
    for n in 0..30 {
        ana.says(&session, &format!("{n:0>60000}")).await;
    }
    let last = ana.says(&session, "the last").await;
    let mut bo = seat.start().await;
    bo.hears("the last").await;
    ana.delivered(last).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_more_than_a_megabyte_reaches_the_person_it_is_for() {
    let (ana, mut bo) = paired("long list").await;
    let folder = ana.seat.dir.path().join("many");
    fs::create_dir(&folder).unwrap();
    for n in 0..12_000 {
        fs::write(folder.join(format!("{n:0>120}")), b"").unwrap();
    }
    send(&ana, &bo, folder).await;
    assert_eq!(bo.offer().await.items, Some(12_001));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_device_stays_blocked_when_its_passing_name_is_invited() {
    let (mut ana, mut bo) = paired("blocked").await;
    ana.ask(Ask::TrustSet { peer: bo.peer.to_string(), to: TrustChoice::Blocked }).await;
    ana.closed().await;
    bo.closed().await;
    let name = bo.name.clone();
    let passing = ana.sees_row("a stranger's row", |r| r.name == name && r.trust == Trust::New).await;
    let invite = ana.invite(&passing.peer).await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::Declined);
    assert_eq!(ana.people().await[0].trust, Trust::Blocked);
    assert!(!bo.was_asked(), "nothing was said to it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visibility_for_a_while_is_not_what_a_restart_finds() {
    let bo = start("Bo while").await;
    let set = |visibility, seconds| Ask::SetVisibility { visibility, name: None, seconds };
    bo.ask(set(Visibility::Known, None)).await;
    bo.ask(set(Visibility::Everyone, Some(600))).await;
    let Answer::Status { status } = bo.ask(Ask::Status).await else { panic!() };
    assert_eq!((status.visibility, status.until.is_some()), (Visibility::Everyone, true));
    assert_eq!(bo.handle.settings().borrow().visibility, Visibility::Known, "what is kept on disk");
}

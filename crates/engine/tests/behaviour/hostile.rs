//! Others that do not keep to the rules: floods, frames out of place, names used twice, other people's transfers,
//! connections that are never read.

use crate::lab::{
    Agent,
    ear::{Ear, random},
    in_touch, no,
    outsider::{Held, Outsider, bare_invite, befriend, read, write},
    paired, start, yes,
};
use hither_model::{Answer, Ask, News, TransferId, TransferState, row::Direction};
use hither_protocol::{Digest, Frame, Hello, No, epoch, known_rid, session};

async fn knock(outsider: &Outsider, bo: &Agent, rid: hither_model::Rid, hello: &Hello) -> Option<Frame> {
    let mut channel = outsider.dial(bo.port, rid).await.unwrap();
    write(&mut channel, hello).await.unwrap();
    read(&mut channel).await
}

/// An outsider in a session with a fresh agent.
async fn intruder(case: &str) -> (Held, Agent) {
    let mut bo = start(&format!("Bo {case}")).await;
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(bo.port).await;
    ear.stop().await;
    let held = befriend(&Outsider::new(), "Mallory", &mut bo, rid).await;
    (held, bo)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_two_hundred_invites_of_fifty_strangers_make_one_dialog_and_a_friend_still_gets_through() {
    let (ana, mut bo) = paired("i9").await;
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(bo.port).await;
    let crowd: Vec<Outsider> = (0..50).map(|_| Outsider::new()).collect();
    let mut first = crowd[0].dial(bo.port, rid).await.unwrap();
    write(&mut first, &bare_invite("Crowd", false)).await.unwrap();
    assert!(matches!(read::<Frame, _>(&mut first).await, Some(Frame::Commit { .. })));
    for n in 1..200 {
        let answer = knock(&crowd[n % 50], &bo, rid, &bare_invite("Crowd", false)).await;
        assert_eq!(answer, Some(Frame::No { why: No::Busy }), "invite {n}");
    }
    assert_eq!(bo.open_questions().await.len(), 1, "one dialog");
    let invite = ana.invite(&bo.peer.to_string()).await;
    let mut ana = ana;
    ana.hear("her turn is next", |n| matches!(n, News::InviteWaiting { invite: i } if *i == invite).then_some(()))
        .await;
    drop(first);
    let question = bo.question().await;
    assert_eq!(question.peer, ana.peer);
    bo.ask(yes(&question)).await;
    ana.accepted().await;
    ear.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_words_that_do_not_fit_the_door_open_nothing() {
    let mut bo = start("Bo door").await;
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(bo.port).await;
    let session = hither_model::SessionId::new(random());
    let outsider = Outsider::new();
    for hello in [Hello::Resume { session }, Hello::Presence { name: None, port: 1 }] {
        assert_eq!(knock(&outsider, &bo, rid, &hello).await, Some(Frame::No { why: No::Unknown }));
    }
    for garbage in [&b"{}"[..], b"[[[[", b"\xff\xfe", b"{\"t\":\"invite\"}", b"{\"t\":\"root\"}"] {
        let mut channel = outsider.dial(bo.port, rid).await.unwrap();
        channel.write_frame(garbage).await.unwrap();
        assert_eq!(read::<Frame, _>(&mut channel).await, None, "{garbage:?}");
    }
    assert!(!bo.was_asked());
    // And the door still opens to somebody with manners.
    let mut asking = outsider.invite(bo.port, rid, "Polite").await;
    asking.code().await;
    let question = bo.question().await;
    bo.ask(no(&question)).await;
    ear.stop().await;
}

fn offer(transfer: TransferId, manifest: &[u8]) -> Vec<session::Frame> {
    let hash = Digest(*blake3::hash(manifest).as_bytes());
    session::offer_frames(transfer, 1, 1, manifest, hash).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m5_a_transfers_name_used_twice_ends_the_session() {
    let (mut held, mut bo) = intruder("m5").await;
    let id = TransferId::new(random());
    for frame in offer(id, b"no list of files at all") {
        held.post(&frame).await;
    }
    let code = held
        .hear("an answer", |f| match f {
            session::Frame::OfferAnswer { transfer, ok: false, code, .. } if *transfer == id => Some(*code),
            _ => None,
        })
        .await;
    assert!(code.is_some());
    assert!(!bo.was_asked(), "a list that cannot be read is asked about by nobody");
    for frame in offer(id, b"another one under the same name") {
        held.post(&frame).await;
    }
    assert!(bo.closed().await.contains("twice"));
    let why = held.hear("the end", |f| match f {
        session::Frame::Close { why } => Some(why.clone()),
        _ => None,
    });
    assert!(why.await.is_some_and(|why| why.contains("twice")));
    assert_eq!(std::fs::read_dir(bo.inbox()).map_or(0, Iterator::count), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m5_an_answered_offer_is_not_answered_again_and_lanes_nobody_asked_for_do_not_come() {
    let (mut held, mut bo) = intruder("m5 lanes").await;
    let (lane, rid) = (hither_model::LaneId::new(random()), hither_model::Rid::new(random()));
    let bulk = session::Purpose::Bulk { transfer: TransferId::new(random()) };
    held.post(&session::Frame::OpenLane { lane, rid, purpose: bulk }).await;
    let ok = held.hear("an answer", |f| match f {
        session::Frame::LaneAnswer { lane: answered, ok, .. } if *answered == lane => Some(*ok),
        _ => None,
    });
    assert!(!ok.await);
    held.post(&session::Frame::LaneAnswer { lane, ok: true, code: None, why: None }).await;
    held.post(&session::Frame::Receipt {
        transfer: TransferId::new(random()),
        receipt: "AA".into(),
        signature: "AA".into(),
    })
    .await;
    held.post(&session::Frame::Say { number: 1, text: "still here".into() }).await;
    bo.hears("still here").await;
    assert_eq!(bo.transfers().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m3_a_frame_of_no_known_kind_ends_the_connection_unless_it_says_that_it_is_optional() {
    let (mut held, mut bo) = intruder("m3").await;
    held.channel.write_frame(br#"{"t":"sparkle","optional":true}"#).await.unwrap();
    held.post(&session::Frame::Say { number: 1, text: "after it".into() }).await;
    bo.hears("after it").await;
    held.channel.write_frame(br#"{"t":"sparkle"}"#).await.unwrap();
    while held.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m8_a_peer_that_never_reads_holds_nobody_else_up() {
    let (held, mut bo) = intruder("m8").await;
    let to = bo.sessions().await[0].session.to_string();
    for _ in 0..8 {
        bo.says(&to, &"x".repeat(60_000)).await;
    }
    let mut ana = start("Ana m8").await;
    ana.sees(&bo.name).await;
    crate::lab::pair(&mut ana, &mut bo).await;
    in_touch(&mut ana, &mut bo).await;
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m8_a_peer_that_talks_without_end_fills_neither_list_nor_disk() {
    let (mut held, mut bo) = intruder("m8 talk").await;
    for number in 1..=40 {
        held.post(&session::Frame::Say { number, text: format!("{number:0>60000}") }).await;
    }
    let last = format!("{:0>60000}", 40);
    bo.hears(&last).await;
    let listed: usize = bo.heard().await.iter().map(String::len).sum();
    assert!(listed < 1 << 20, "{listed} bytes are listed");
    let bo = bo.stop().await;
    let written = std::fs::metadata(bo.dir.path().join("sessions")).unwrap().len();
    assert!(written < 2 << 20, "{written} bytes are written");
    assert_eq!(bo.start().await.heard().await.last(), Some(&last), "and it is read back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_somebody_else_who_knows_a_transfers_name_gets_nothing_of_it() {
    let (mut ana, mut bo) = paired("f12").await;
    let file = bo.file("secret", 7, 100_000);
    let Answer::Offered { transfer, .. } = bo.ask(Ask::Send { peer: ana.peer.to_string(), paths: vec![file] }).await
    else {
        panic!("not offered")
    };
    ana.offer().await;
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(bo.port).await;
    let mallory = Outsider::new();
    let mut held = befriend(&mallory, "Mallory", &mut bo, rid).await;
    held.post(&session::Frame::Fetch { transfer, points: vec![], done: vec![], only: None, more: false }).await;
    held.post(&session::Frame::OfferAnswer { transfer, ok: true, code: None, why: None }).await;
    held.post(&session::Frame::Cancel { transfer, why: None }).await;
    held.post(&session::Frame::Pause { transfer }).await;
    held.post(&session::Frame::Say { number: 1, text: "done".into() }).await;
    let lane = held.hear("delivery", |f| match f {
        session::Frame::OpenLane { .. } => Some(true),
        session::Frame::Said { .. } => Some(false),
        _ => None,
    });
    assert!(!lane.await, "no lane is opened for a transfer of somebody else's");
    let row = bo.transfers().await.remove(0);
    assert_eq!((row.state, row.direction), (TransferState::Offered, Direction::Out), "{row:?}");
    ear.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_a_session_is_taken_up_by_its_own_two_ends_only() {
    let (mut ana, mut bo) = paired("f12 session").await;
    let theirs = ana.sessions().await[0].session;
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(bo.port).await;
    let mallory = Outsider::new();
    let held = befriend(&mallory, "Mallory", &mut bo, rid).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let friend = known_rid(held.pair_key.as_ref().unwrap(), epoch(now), &bo.peer);
    let mut channel = mallory.dial_known(bo.port, friend, bo.peer).await;
    write(&mut channel, &Hello::Resume { session: theirs }).await.unwrap();
    assert_eq!(read::<Frame, _>(&mut channel).await, Some(Frame::No { why: No::Unknown }));
    in_touch(&mut ana, &mut bo).await;
    ear.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m5_frames_about_an_offer_that_nobody_answered_do_not_change_what_it_is() {
    let (mut held, mut bo) = intruder("m5 offer").await;
    let file = bo.file("bait", 1, 10);
    let scan = hither_transfer::scan(&[file], &Default::default(), &hither_transfer::Stop::new()).unwrap();
    let id = TransferId::new(random());
    let manifest = scan.manifest();
    let hash = Digest(manifest.hash());
    for frame in session::offer_frames(id, 1, 10, &manifest.encode(), hash).unwrap() {
        held.post(&frame).await;
    }
    let question = bo.offer().await;
    held.post(&session::Frame::Pause { transfer: id }).await;
    held.post(&session::Frame::Moving { transfer: id }).await;
    held.post(&session::Frame::Say { number: 1, text: "after these".into() }).await;
    bo.hears("after these").await;
    assert_eq!(bo.transfers().await[0].state, TransferState::Offered);
    bo.ask(no(&question)).await;
    let ok = held.hear("the answer", |f| match f {
        session::Frame::OfferAnswer { transfer, ok, .. } if *transfer == id => Some(*ok),
        _ => None,
    });
    assert!(!ok.await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m5_a_receiver_cannot_undo_a_transfer_that_it_has_signed_for() {
    let (mut ana, mut bo) = paired("m5 undo").await;
    let file = ana.file("kept", 5, 1_000);
    let id = crate::transfers::send(&ana, &bo, file).await;
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    crate::transfers::done(&mut ana, id).await;
    crate::lab::part(&mut ana, &mut bo).await;
    let bo = Outsider::in_the_place_of(&bo.stop().await);
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(ana.port).await;
    let asking = bo.invite(ana.port, rid, "Bo").await;
    let answer = async {
        let question = ana.question().await;
        ana.ask(yes(&question)).await;
    };
    let (mut held, ()) = tokio::join!(asking.session(), answer);
    held.post(&session::Frame::Fetch { transfer: id, points: vec![], done: vec![], only: None, more: false }).await;
    held.post(&session::Frame::Moving { transfer: id }).await;
    held.post(&session::Frame::Cancel { transfer: id, why: None }).await;
    held.post(&session::Frame::Say { number: 1, text: "after these".into() }).await;
    ana.hears("after these").await;
    let row = ana.transfers().await.remove(0);
    assert_eq!((row.state, row.receipt), (TransferState::Kept, true), "{row:?}");
    ear.stop().await;
}

//! A device that takes another key: known ones that heard of it take it for the same device, and nobody names a key that
//! is not theirs to name.

use super::believed::{fence, intruder};
use crate::lab::{Agent, in_touch, paired, part, yes};
use hither_identity::{DeviceKey, Succession};
use hither_model::{Answer, Ask, ErrorCode, PeerId, Trust, Verified, row::QuestionKind};
use hither_protocol::{Blob, session::Frame};
use std::time::{SystemTime, UNIX_EPOCH};

async fn rotates(agent: &Agent, now: bool) -> (PeerId, Vec<String>, Vec<String>) {
    let Answer::Rotation { heir, heard, unheard } = agent.ask(Ask::RotateKey { now }).await else {
        panic!("no other key")
    };
    (heir, heard, unheard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_one_before_signed_for_is_taken_for_the_same_device() {
    let (mut ana, mut bo) = paired("heir").await;
    assert_eq!(ana.refused(Ask::RotateKey { now: true }).await, ErrorCode::Misuse, "none is prepared");
    let (heir, heard, unheard) = rotates(&ana, false).await;
    assert_eq!((heard, unheard), (vec![], vec![bo.name.clone()]));
    // Its answer comes before the answer to what is said next.
    in_touch(&mut ana, &mut bo).await;
    assert_eq!(rotates(&ana, false).await, (heir, vec![bo.name.clone()], vec![]));
    let before = bo.people().await.remove(0);
    assert_eq!(before.peer, ana.peer, "the present key counts until the next one is shown");

    assert_eq!(rotates(&ana, true).await.0, heir);
    assert!(ana.closed().await.contains("another key"));
    bo.closed().await;
    // It is kept by either side.
    let (mut ana, mut bo) = (ana.again().await, bo.again().await);
    assert_eq!(ana.peer, heir);
    ana.sees(&bo.name).await;
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    assert_eq!((question.kind, question.trust, question.peer), (QuestionKind::Invite, Trust::Verified, heir));
    assert_eq!(question.code, None);
    bo.ask(yes(&question)).await;
    assert_eq!(ana.accepted().await.1, Verified::Stored);
    assert_eq!(bo.accepted().await.1, Verified::Stored);
    let people = bo.people().await;
    assert_eq!((people.len(), people[0].peer, people[0].since), (1, heir, before.since));

    // And by name, the other way round.
    part(&mut ana, &mut bo).await;
    ana.forget_news();
    bo.forget_news();
    bo.sees(&ana.name).await;
    bo.invite(&ana.name).await;
    let question = ana.question().await;
    ana.ask(yes(&question)).await;
    assert_eq!(bo.accepted().await.1, Verified::Stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_heard_of_the_next_key_and_calls_first_reaches_the_same_device() {
    let (mut ana, mut bo) = paired("heir called").await;
    let (heir, ..) = rotates(&ana, false).await;
    in_touch(&mut ana, &mut bo).await;
    rotates(&ana, true).await;
    bo.closed().await;
    let mut ana = ana.again().await;
    bo.forget_news();
    let known = |row: &hither_model::row::PeerRow| row.peer == heir.to_string() && row.trust == Trust::Verified;
    bo.sees_row("her next key", known).await;
    bo.invite(&ana.name).await;
    let question = ana.question().await;
    assert_eq!((question.code.as_ref(), question.trust), (None, Trust::Verified));
    ana.ask(yes(&question)).await;
    assert_eq!(bo.accepted().await.1, Verified::Stored);
    let people = bo.people().await;
    assert_eq!((people.len(), people[0].peer), (1, heir));
}

/// A statement by both keys.
fn named(old: &DeviceKey, new: &DeviceKey, at: u64) -> Frame {
    let statement = Succession::statement(old.spki(), new.spki(), at);
    let signed = |key: &DeviceKey| (key.spki().to_vec(), key.sign(&statement).unwrap());
    Frame::Heir { statement: Blob(Succession::new(signed(old), signed(new), at).unwrap().encode()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_nobody_names_a_next_key_that_is_not_theirs_to_name() {
    let (mut mallory, mut bo) = intruder("heirs").await;
    let dir = tempfile::tempdir().unwrap();
    let key = |name: &str| DeviceKey::load_or_create(&dir.path().join(name)).unwrap();
    let (other, new) = (key("other"), key("new"));
    let bos = DeviceKey::load_or_create(&bo.seat.dir.path().join("identity")).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let forged = Frame::Heir { statement: Blob(vec![1; 300]) };
    let bad = [
        ("no statement", forged),
        ("somebody else's key", named(&other, &new, now)),
        ("the key of who is told", named(&mallory.key, &bos, now)),
        ("in a year", named(&mallory.key, &new, now + 365 * 24 * 60 * 60)),
    ];
    for (number, (what, frame)) in (1..).zip(bad) {
        mallory.held.post(&frame).await;
        fence(&mut mallory.held, &mut bo, number).await;
        assert_eq!(bo.people().await[0].peer, mallory.who.peer(), "{what}");
    }
    // The first answer there is belongs to the first one that is good.
    mallory.held.post(&named(&mallory.key, &new, now)).await;
    let kept = |frame: &Frame| match frame {
        Frame::HeirKept { heir } => Some(*heir),
        _ => None,
    };
    assert_eq!(mallory.held.hear("an answer", kept).await, new.peer_id());
    // An older one does not come back.
    mallory.held.post(&named(&mallory.key, &other, now - 10)).await;
    mallory.held.post(&named(&mallory.key, &new, now)).await;
    assert_eq!(mallory.held.hear("an answer", kept).await, new.peer_id());
}

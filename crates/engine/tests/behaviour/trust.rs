//! Who is who: a changed key is a new person, and what was stored of the old one stays.

use crate::lab::{Seat, pair, paired, part, two, yes};
use hither_model::{
    Ask, ErrorCode, Trust, Verified,
    ask::{SettingsChange, TrustChoice},
    row::QuestionKind,
};
use std::os::unix::fs::DirBuilderExt as _;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_a_friend_with_another_key_is_a_new_person_and_the_old_one_is_kept() {
    let (mut ana, mut bo) = paired("t14").await;
    part(&mut ana, &mut bo).await;
    // From now on she comes in without being asked about; the one with the new key must not.
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    let Ask::Accept { question: id, .. } = yes(&question) else { unreachable!() };
    let always = Ask::Accept {
        grant: None,
        question: id,
        always: true,
        same_code: false,
        unverified: false,
        to: None,
        executable: false,
        identity: None,
    };
    bo.ask(always).await;
    ana.accepted().await;
    bo.accepted().await;
    part(&mut ana, &mut bo).await;
    let old = bo.people().await.remove(0);
    let seat = ana.stop().await;
    let (name, fresh) = (seat.name.clone(), Seat::new("Ana t14"));
    assert_eq!(fresh.name, name);
    bo.forget_news();
    let mut new = fresh.start().await;
    assert_ne!(new.peer, old.peer);
    new.sees(&bo.name).await;
    let invite = new.invite(&bo.name).await;
    let question = bo.question().await;
    assert_eq!((question.kind, question.trust, question.peer), (QuestionKind::KeyChanged, Trust::Changed, new.peer));
    assert!(question.code.is_some(), "and must be compared anew");
    bo.ask(yes(&question)).await;
    new.code().await;
    new.ask(Ask::ConfirmCode { invite, same: true }).await;
    assert_eq!(bo.accepted().await.1, Verified::Code);
    let people = bo.people().await;
    assert_eq!(people.len(), 2);
    let kept = people.iter().find(|p| p.peer == old.peer).unwrap();
    assert_eq!((kept.trust, kept.since, kept.verified, kept.always), (old.trust, old.since, old.verified, true));
    assert!(!people.iter().find(|p| p.peer == new.peer).unwrap().always);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_always_come_in_is_asked_about_while_not_heard_near_if_that_is_wanted() {
    let (mut ana, mut bo) = paired("nearonly").await;
    part(&mut ana, &mut bo).await;
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    let Ask::Accept { question, same_code, unverified, to, executable, identity, .. } = yes(&question) else {
        unreachable!()
    };
    bo.ask(Ask::Accept { grant: None, question, always: true, same_code, unverified, to, executable, identity }).await;
    ana.accepted().await;
    bo.accepted().await;
    part(&mut ana, &mut bo).await;
    bo.ask(Ask::Set { change: SettingsChange { near_only: Some(true), ..SettingsChange::default() } }).await;
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    assert_eq!((question.kind, question.peer), (QuestionKind::Invite, ana.peer), "no radio says that she is near");
    bo.ask(yes(&question)).await;
    ana.accepted().await;
    bo.accepted().await;
    part(&mut ana, &mut bo).await;
    bo.ask(Ask::Set { change: SettingsChange { near_only: Some(false), ..SettingsChange::default() } }).await;
    ana.invite(&bo.peer.to_string()).await;
    ana.accepted().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_with_one_key_are_noticed_and_told_on_both() {
    let (ana, _bo) = paired("twin").await;
    let (seat, mut copy) = (ana.stop().await, Seat::new("Ana twin copy"));
    std::fs::DirBuilder::new().mode(0o700).create(copy.dir.path().join("identity")).unwrap();
    for file in ["people", "identity/device.key", "identity/device.crt"] {
        std::fs::copy(seat.dir.path().join(file), copy.dir.path().join(file)).unwrap();
    }
    copy.settings.visibility = seat.settings.visibility;
    let (mut ana, mut twin) = (seat.start().await, copy.start().await);
    assert_eq!(ana.peer, twin.peer);
    for agent in [&mut ana, &mut twin] {
        assert!(agent.alarm().await.contains("uses this device's key"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_device_must_be_compared_again() {
    let (mut ana, mut bo) = paired("forget").await;
    bo.ask(Ask::TrustSet { peer: ana.name.clone(), to: TrustChoice::Forget }).await;
    bo.closed().await;
    assert!(ana.closed().await.contains("forgotten"));
    assert_eq!(bo.people().await, []);
    // To her he is a stranger with a friend's name until the key is proven.
    let row = ana.sees_row("his new advert", |row| row.name == bo.name && row.resembles.is_some()).await;
    ana.invite(&row.peer).await;
    let question = bo.question().await;
    assert_eq!((question.trust, question.code.is_some()), (Trust::New, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_agreed_outlives_both_agents() {
    let (ana, bo) = paired("store").await;
    let (ana, bo) = (ana.stop().await, bo.stop().await);
    let (ana, bo) = (ana.start().await, bo.start().await);
    for (agent, other) in [(&ana, &bo), (&bo, &ana)] {
        let people = agent.people().await;
        assert_eq!((people.len(), people[0].peer, people[0].trust), (1, other.peer, Trust::Verified));
        assert_eq!((&people[0].name, people[0].verified), (&other.name, Verified::Code));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_called_verified_by_hand_who_was_never_compared() {
    let (mut ana, mut bo) = two("by hand").await;
    pair(&mut ana, &mut bo).await;
    let set = |to| Ask::TrustSet { peer: bo.peer.to_string(), to };
    ana.ask(set(TrustChoice::Known)).await;
    assert_eq!(ana.people().await[0].trust, Trust::Known);
    ana.ask(set(TrustChoice::Verified)).await;
    assert_eq!(ana.people().await[0].trust, Trust::Verified);
    ana.ask(set(TrustChoice::Forget)).await;
    assert_eq!(ana.refused(set(TrustChoice::Verified)).await, ErrorCode::UnknownId);
}

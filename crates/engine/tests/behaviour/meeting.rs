//! Invites between persons that come to a session: first meetings, later ones, and the words a yes must bring along.

use crate::lab::{
    ear::{Ear, shown},
    in_touch, paired, part, start, two, yes,
};
use hither_model::{Ask, ErrorCode, Medium, Trust, Verified, row::QuestionKind};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_find_each_other_compare_a_code_and_talk_over_verified_tls() {
    let (mut ana, mut bo) = paired("meet").await;
    let session = ana.sessions().await.remove(0);
    assert_eq!((session.peer, session.verified), (bo.peer, Verified::Code));
    assert_eq!((session.negotiated.version.as_str(), session.negotiated.alpn.as_str()), ("TLS1.3", "hither/1"));
    assert_eq!(session.negotiated.kx, "X25519MLKEM768");
    assert_eq!(session.session, bo.sessions().await[0].session, "both call it the same");
    in_touch(&mut ana, &mut bo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_question_says_who_asks_and_what_they_wrote() {
    let (mut ana, mut bo) = two("words").await;
    ana.sees(&bo.name).await;
    ana.invite(&bo.name).await;
    let question = bo.question().await;
    assert_eq!((question.kind, question.peer, &question.name), (QuestionKind::Invite, ana.peer, &ana.name));
    assert_eq!((question.trust, question.proven), (Trust::New, Verified::No));
    assert_eq!((question.message.as_deref(), question.code.as_ref().map(String::len)), (Some("hello"), Some(6)));
    assert!((1..=60).contains(&question.expires), "{}", question.expires);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_devices_need_no_code_again() {
    let (mut ana, mut bo) = paired("again").await;
    part(&mut ana, &mut bo).await;
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    assert_eq!((&question.code, question.trust, question.proven), (&None, Trust::Verified, Verified::Stored));
    bo.ask(yes(&question)).await;
    assert_eq!(ana.accepted().await.1, Verified::Stored);
    assert_eq!(bo.accepted().await.1, Verified::Stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_without_having_compared_the_code_is_not_taken_and_the_question_stays() {
    let (mut ana, mut bo) = two("careless").await;
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let question = bo.question().await;
    let Ask::Accept { question: id, .. } = yes(&question) else { unreachable!() };
    let careless = Ask::Accept {
        grant: None,
        question: id,
        always: false,
        same_code: false,
        unverified: true,
        to: None,
        executable: false,
        identity: None,
    };
    assert_eq!(bo.refused(careless).await, ErrorCode::Misuse);
    assert_eq!(bo.open_questions().await.len(), 1);
    bo.ask(yes(&question)).await;
    ana.code().await;
    ana.ask(Ask::ConfirmCode { invite, same: true }).await;
    assert_eq!(ana.accepted().await, bo.accepted().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_once() {
    let (mut ana, mut bo) = two("once").await;
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    assert_eq!(bo.refused(yes(&question)).await, ErrorCode::Stale, "said already");
    ana.code().await;
    ana.ask(Ask::ConfirmCode { invite, same: true }).await;
    bo.accepted().await;
    assert!(matches!(bo.refused(yes(&question)).await, ErrorCode::UnknownId | ErrorCode::Stale));
    ana.accepted().await;
    assert_eq!(ana.refused(Ask::ConfirmCode { invite, same: true }).await, ErrorCode::Stale);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn always_means_that_no_question_is_asked_again() {
    let (mut ana, mut bo) = paired("always").await;
    part(&mut ana, &mut bo).await;
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
    assert!(bo.people().await[0].always);
    bo.forget_news();
    ana.invite(&bo.peer.to_string()).await;
    assert_eq!(ana.accepted().await.1, Verified::Stored);
    assert_eq!(bo.accepted().await.1, Verified::Stored);
    assert!(!bo.was_asked(), "no dialog flashes up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unverified_meeting_needs_both_words_for_it_and_proves_nothing() {
    let (mut ana, mut bo) = two("loose").await;
    ana.sees(&bo.name).await;
    ana.invite_with(&bo.name, None, true).await;
    let question = bo.question().await;
    assert_eq!((&question.code, question.proven), (&None, Verified::No));
    assert_eq!(bo.refused(yes(&question)).await, ErrorCode::Misuse, "the word is missing");
    let Ask::Accept { question: id, .. } = yes(&question) else { unreachable!() };
    let loosely = Ask::Accept {
        grant: None,
        question: id,
        always: true,
        same_code: false,
        unverified: true,
        to: None,
        executable: false,
        identity: None,
    };
    bo.ask(loosely).await;
    assert_eq!(ana.accepted().await.1, Verified::No);
    assert_eq!(bo.accepted().await.1, Verified::No);
    for agent in [&ana, &bo] {
        let people = agent.people().await;
        assert!(people.iter().all(|p| p.trust == Trust::New && !p.always), "{people:?}");
    }
    part(&mut ana, &mut bo).await;
    let row = ana.sees(&bo.name).await;
    ana.invite(&row.peer).await;
    assert!(bo.question().await.code.is_some(), "the next time is a first time again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_meetings_at_once_are_two_sessions_and_each_is_told_apart() {
    let (mut ana, mut bo) = paired("several").await;
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    let (second, _) = ana.accepted().await;
    bo.accepted().await;
    let first = ana.sessions().await.into_iter().find(|s| s.session != second).unwrap().session;
    in_touch(&mut ana, &mut bo).await;
    ana.says(&first.to_string(), "in the first").await;
    bo.hears("in the first").await;
    ana.ask(Ask::Close { session: first.to_string() }).await;
    ana.closed().await;
    bo.closed().await;
    assert_eq!(bo.sessions().await.iter().map(|s| s.session).collect::<Vec<_>>(), [second]);
    in_touch(&mut ana, &mut bo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_two_who_invite_each_other_at_once_both_get_their_answer() {
    let (mut ana, mut bo) = paired("cross").await;
    part(&mut ana, &mut bo).await;
    let (there, back) = (bo.peer.to_string(), ana.peer.to_string());
    ana.sees_row("him", |row| row.peer == there && row.media.contains(&Medium::Mdns)).await;
    bo.sees_row("her", |row| row.peer == back && row.media.contains(&Medium::Mdns)).await;
    tokio::join!(ana.invite(&there), bo.invite(&back));
    let (at_bo, at_ana) = tokio::join!(bo.question(), ana.question());
    tokio::join!(bo.ask(yes(&at_bo)), ana.ask(yes(&at_ana)));
    for agent in [&mut ana, &mut bo] {
        let (one, two) = (agent.accepted().await, agent.accepted().await);
        assert_eq!((one.1, two.1), (Verified::Stored, Verified::Stored));
    }
    let ids = |rows: Vec<hither_model::row::SessionRow>| {
        rows.into_iter().map(|s| s.session).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(ana.sessions().await), ids(bo.sessions().await), "both hold the same sessions");
    in_touch(&mut ana, &mut bo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_a_device_does_not_invite_itself() {
    let mut ana = start("Ana self").await;
    let myself =
        Ask::Invite { peer: ana.peer.to_string(), message: None, timeout: None, unverified: false, identity: None };
    assert_eq!(ana.refused(myself).await, ErrorCode::UnknownId);
    // Somebody announces our own door under another label.
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(ana.port).await;
    let mirror = format!("Mirror {}", std::process::id());
    ear.announce(ana.port, shown(&mirror, rid)).await;
    ana.sees(&mirror).await;
    let invite = ana.invite(&mirror).await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::Misuse);
    assert!(!ana.was_asked() && ana.sessions().await.is_empty() && ana.people().await.is_empty());
    ear.stop().await;
}

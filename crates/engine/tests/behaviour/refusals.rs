//! Invites that come to nothing: declined, expired, taken back, turned away; in the words of each side.

use crate::lab::{
    Agent,
    ear::Ear,
    no,
    outsider::{Outsider, Turn},
    paired, part, start, two, yes,
};
use hither_model::{Answer, Ask, ErrorCode, Trust, ask::TrustChoice};
use hither_protocol::Ending;

/// The last line of the history.
async fn last_word(agent: &Agent) -> String {
    let Answer::History { rows, .. } = agent.ask(Ask::History { peer: None, limit: 1, search: None }).await else {
        panic!("no history")
    };
    rows.into_iter().next().map(|row| row.detail).unwrap_or_default()
}

async fn nothing_stored(agents: &[&Agent]) {
    for agent in agents {
        assert_eq!(agent.people().await, [], "{}", agent.name);
        assert_eq!(agent.sessions().await, [], "{}", agent.name);
        assert_eq!(agent.open_questions().await, [], "{}", agent.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_invite_says_so_on_both_sides_and_stores_nothing() {
    let (mut ana, mut bo) = two("no").await;
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let question = bo.question().await;
    bo.ask(no(&question)).await;
    let failure = ana.ended(invite).await;
    assert_eq!((failure.code, failure.message.as_str()), (ErrorCode::Declined, "the other person declined"));
    assert_eq!(bo.question_gone().await, "the invite was declined");
    assert_eq!(last_word(&bo).await, "the invite was declined");
    nothing_stored(&[&ana, &bo]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_refused_device_that_asks_again_is_not_put_before_the_person() {
    let (mut ana, mut bo) = two("i10").await;
    ana.sees(&bo.name).await;
    let first = ana.invite(&bo.name).await;
    let question = bo.question().await;
    bo.ask(no(&question)).await;
    ana.ended(first).await;
    for _ in 0..3 {
        let again = ana.invite(&bo.name).await;
        assert_eq!(ana.ended(again).await.code, ErrorCode::Declined, "it cannot tell a mute from a no");
    }
    assert!(!bo.was_asked());
    assert_eq!(bo.open_questions().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invite_that_nobody_answers_ends_when_the_asker_said_so() {
    let (mut ana, mut bo) = two("late").await;
    ana.sees(&bo.name).await;
    let invite = ana.invite_with(&bo.name, Some(1), false).await;
    bo.question().await;
    let failure = ana.ended(invite).await;
    assert_eq!(failure.code, ErrorCode::Expired);
    assert_eq!(bo.question_gone().await, "the asker stopped waiting for an answer");
    nothing_stored(&[&ana, &bo]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invite_taken_back_takes_its_question_away() {
    let (mut ana, mut bo) = two("back").await;
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let question = bo.question().await;
    ana.ask(Ask::Withdraw { invite }).await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::Canceled);
    assert_eq!(bo.question_gone().await, "the asker took the invite back");
    assert_eq!(bo.refused(yes(&question)).await, ErrorCode::UnknownId);
    nothing_stored(&[&ana, &bo]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asker_who_disappears_takes_the_question_away() {
    let (mut ana, mut bo) = two("vanish").await;
    ana.sees(&bo.name).await;
    ana.invite(&bo.name).await;
    bo.question().await;
    ana.stop().await;
    bo.question_gone().await;
    nothing_stored(&[&bo]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_stranger_from_the_same_address_hears_that_the_person_is_busy() {
    let (mut ana, mut bo) = two("busy").await;
    let mut cy = start("Cy busy").await;
    ana.sees(&bo.name).await;
    cy.sees(&bo.name).await;
    ana.invite(&bo.name).await;
    let question = bo.question().await;
    let invite = cy.invite(&bo.name).await;
    let failure = cy.ended(invite).await;
    assert_eq!((failure.code, failure.hint.as_deref()), (ErrorCode::Busy, Some("try again in a minute")));
    assert_eq!(last_word(&bo).await, "an invite was turned away because too many are open");
    assert!(!bo.was_asked());
    assert_eq!(bo.open_questions().await.len(), 1, "the first question stands");
    bo.ask(no(&question)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t12_codes_that_differ_store_nothing_on_either_side() {
    let (mut ana, mut bo) = two("t12").await;
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let question = bo.question().await;
    ana.code().await;
    bo.ask(yes(&question)).await;
    ana.ask(Ask::ConfirmCode { invite, same: false }).await;
    let failure = ana.ended(invite).await;
    assert_eq!(failure.code, ErrorCode::CertificateRefused);
    assert!(failure.message.starts_with("the two screens showed different codes"), "{}", failure.message);
    assert!(bo.question_gone().await.starts_with("the other person saw a different code"));
    nothing_stored(&[&ana, &bo]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t12_runs_hung_up_after_the_nonces_count_also_across_restarts_and_after_three_only_links_are_taken() {
    let mut bo = start("Bo t12 runs").await;
    let mut ear = Ear::start().await;
    for run in 0..4 {
        let rid = ear.rid_of(bo.port).await;
        let mut asking = Outsider::new().invite(bo.port, rid, "Mallory").await;
        match (run, asking.turn().await) {
            (0..3, Turn::Code(code)) => {
                assert_eq!(bo.question().await.code, Some(code));
                drop(asking);
                bo.question_gone().await;
            }
            (3, Turn::Over(Ending::LinkOnly)) => break,
            (run, turn) => panic!("run {run}: {turn:?}"),
        }
        assert_eq!(bo.people().await, []);
        // The pause between two questions is forgotten in a restart; the runs are not.
        let before = ear.advert_of(bo.port).await.instance;
        bo = bo.again().await;
        ear.gone(before).await;
    }
    assert!(!bo.was_asked(), "the fourth is not asked about");
    ear.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t12_the_asking_side_counts_its_runs_too() {
    let mut ana = start("Ana t12 out").await;
    for run in 0..4 {
        let mut other = start(&format!("Other{run} t12 out")).await;
        ana.sees(&other.name).await;
        let invite = ana.invite(&other.name).await;
        if run < 3 {
            ana.code().await;
            ana.ask(Ask::ConfirmCode { invite, same: false }).await;
            assert_eq!(ana.ended(invite).await.code, ErrorCode::CertificateRefused);
        } else {
            let failure = ana.ended(invite).await;
            assert_eq!(failure.code, ErrorCode::Busy, "{failure:?}");
            assert!(failure.hint.is_some_and(|h| h.contains("link")), "it names the way that is left");
            assert!(
                !other.has_heard(|n| matches!(n, hither_model::News::Question { question } if question.code.is_some()))
            );
        }
        other.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i13_accepting_and_taking_back_at_the_same_moment_leaves_both_with_the_same() {
    let (mut ana, mut bo) = paired("i13").await;
    part(&mut ana, &mut bo).await;
    for _ in 0..8 {
        let invite = ana.invite(&bo.peer.to_string()).await;
        let question = bo.question().await;
        let (answer, withdrawn) = tokio::join!(bo.try_ask(yes(&question)), ana.try_ask(Ask::Withdraw { invite }));
        bo.question_gone().await;
        if withdrawn.is_ok() {
            assert_eq!(ana.ended(invite).await.code, ErrorCode::Canceled, "{answer:?}");
            assert_eq!(ana.sessions().await, []);
            assert_eq!(bo.sessions().await, [], "{answer:?}");
        } else {
            assert_eq!(ana.accepted().await, bo.accepted().await);
            part(&mut ana, &mut bo).await;
        }
        // One may ask again at once only after a yes.
        bo = bo.again().await;
        ana.forget_news();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_device_vanishes_and_is_told_nothing_but_no() {
    let (mut ana, mut bo) = paired("block").await;
    bo.ask(Ask::TrustSet { peer: ana.peer.to_string(), to: TrustChoice::Blocked }).await;
    assert_eq!(bo.closed().await, "closed");
    ana.closed().await;
    assert_eq!(bo.people().await[0].trust, Trust::Blocked);
    assert_eq!(bo.row_of(&ana.peer).await, None);
    bo.forget_news();
    let invite = ana.invite(&bo.peer.to_string()).await;
    let code = ana.ended(invite).await.code;
    assert!(matches!(code, ErrorCode::Declined | ErrorCode::Unreachable), "{code}");
    // By the name that everyone may see he is reached, and says no to her key.
    let row = ana.sees_row("his new advert", |row| row.name == bo.name && row.resembles.is_some()).await;
    let invite = ana.invite(&row.peer).await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::Declined);
    assert!(!bo.was_asked());
    let bo = bo.again().await;
    assert_eq!(bo.people().await[0].trust, Trust::Blocked, "for good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_can_be_blocked_together_with_the_no() {
    let (mut ana, mut bo) = two("block2").await;
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let question = bo.question().await;
    bo.ask(Ask::Decline { question: question.id.to_string(), block: true }).await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::Declined);
    let people = bo.people().await;
    assert_eq!((people.len(), people[0].peer, people[0].trust), (1, ana.peer, Trust::Blocked));
    assert_eq!(ana.people().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_about_a_code_that_is_not_there_yet_is_refused_and_changes_nothing() {
    let (mut ana, mut bo) = paired("no code").await;
    part(&mut ana, &mut bo).await;
    let invite = ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    let code = ana.refused(Ask::ConfirmCode { invite, same: true }).await;
    assert!(matches!(code, ErrorCode::Misuse | ErrorCode::Stale), "{code}");
    bo.ask(yes(&question)).await;
    ana.accepted().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inviting_somebody_who_is_blocked_here_says_that_they_are() {
    let (ana, mut bo) = paired("blocked").await;
    bo.ask(Ask::TrustSet { peer: ana.peer.to_string(), to: TrustChoice::Blocked }).await;
    bo.closed().await;
    let invite =
        Ask::Invite { peer: ana.peer.to_string(), message: None, timeout: None, unverified: false, identity: None };
    assert_eq!(bo.refused(invite).await, ErrorCode::AccessDenied);
}

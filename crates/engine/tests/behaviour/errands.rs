//! Certificates that are wanted and do not come: cards nobody inserts, choices nobody makes, and certificates that whoever
//! answers shows without their key.

use crate::lab::{
    Agent,
    authority::Authority,
    ear::{Ear, random, shown},
    outsider::{Listening, Outsider, read, write},
    start, two,
};
use hither_model::{
    Answer, Ask, ErrorCode, InviteId, News, Rid,
    row::{QuestionKind, QuestionRow},
};
use hither_protocol::{Blob, Certified, Effect, Frame, Hello, Invitee, InviteeSide, Reply};
use hither_socket::{Channel, Connected, Stranger};
use std::time::Duration;

const CARD: &str = "card-0123456789abcdef";

/// The clock is turned on by so much; everything that is due happens.
async fn later(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

async fn invite_as(agent: &Agent, peer: &str, identity: &str) -> InviteId {
    let identity = Some(identity.to_owned());
    let ask = Ask::Invite { peer: peer.into(), message: None, timeout: None, unverified: false, identity };
    let Answer::Inviting { invite } = agent.ask(ask).await else { panic!("no invite") };
    invite
}

async fn asked(agent: &mut Agent, kind: QuestionKind) -> QuestionRow {
    agent
        .hear("a question of that kind", |news| match news {
            News::Question { question } if question.kind == kind => Some(question.clone()),
            _ => None,
        })
        .await
}

// On one thread, as turning the clock needs it.
#[tokio::test]
async fn s5_an_invite_whose_card_nobody_inserts_ends_after_two_minutes_with_the_absent_card_named() {
    let (mut ana, mut bo) = two("lapse").await;
    ana.sees(&bo.name).await;
    let invite = invite_as(&ana, &bo.name, CARD).await;
    let question = asked(&mut ana, QuestionKind::InsertCard).await;
    assert_eq!((question.invite, question.expires), (Some(invite), 120));
    later(119).await;
    assert_eq!(ana.open_questions().await.len(), 1, "a person has two minutes");
    later(2).await;
    let failure = ana.ended(invite).await;
    assert_eq!(failure.code, ErrorCode::TokenAbsent, "{failure:?}");
    assert!(failure.hint.unwrap().contains("insert"));
    ana.question_gone().await;
    assert!(ana.open_questions().await.is_empty());
    let late = Ask::Accept {
        grant: None,
        question: question.id.to_string(),
        always: false,
        same_code: false,
        unverified: false,
        to: None,
        executable: false,
        identity: None,
    };
    assert_eq!(ana.refused(late).await, ErrorCode::UnknownId);
    assert!(!bo.was_asked(), "nothing was said to anybody");
}

#[tokio::test]
async fn a_choice_that_nobody_makes_lapses_and_nothing_is_chosen() {
    let (mut ana, mut bo) = two("lapsed choice").await;
    ana.imports(&Authority::new("Ministry CA").issue("Kim Min-ji")).await;
    ana.sees(&bo.name).await;
    let invite = invite_as(&ana, &bo.name, "ask").await;
    asked(&mut ana, QuestionKind::ChooseCertificate).await;
    later(121).await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::Expired);
    assert!(ana.open_questions().await.is_empty() && !bo.was_asked());
}

/// Says yes to whoever calls, by the book, and shows this with it. What they say to that.
async fn answers(mut listening: Listening, me: Outsider, certified: Option<Certified>) -> Option<Frame> {
    let arrival = listening.arrived.recv().await.unwrap();
    let Connected::Stranger(mut channel) = arrival.connected else { panic!("nobody was expected") };
    let Some(Hello::Invite(invite)) = read::<Hello, _>(&mut channel).await else { panic!("no invite") };
    let binding = me.answered(&channel);
    let side = InviteeSide { name: None, known: false, codeless: false };
    let mut step = Invitee::start(0, binding, invite, side);
    step = next(&mut channel, step).await.unwrap().displayed(0, random());
    let mut machine = next(&mut channel, step).await.unwrap();
    machine.certify(certified.map(Box::new));
    let step = machine.answer(0, Reply::Yes { same_code: false, unverified: true });
    assert!(next(&mut channel, step).await.is_some());
    read(&mut channel).await
}

/// Sends what a machine wants sent.
async fn next(channel: &mut Channel<Stranger>, step: hither_protocol::Step<Invitee>) -> Option<Invitee> {
    for effect in step.effects {
        if let Effect::Send(frame) = effect {
            write(channel, &frame).await.unwrap();
        }
    }
    step.next
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t2_a_stolen_certificate_in_the_answer_opens_no_session_and_is_believed_by_nobody() {
    let mut ana = start("Ana answered").await;
    let ministry = Authority::new("Ministry CA");
    ana.trusts(&ministry, (true, true)).await;
    let stolen = ministry.issue("Kim Min-ji");
    let ear = Ear::start().await;
    let signatures = [Some(vec![]), Some(vec![0x30; 70]), Some(random::<64>().to_vec()), None];
    for (number, signature) in signatures.into_iter().enumerate() {
        let (mallory, name) = (Outsider::new(), format!("Mallory {number} {}", std::process::id()));
        let listening = mallory.listen();
        ear.announce(listening.port, shown(&name, Rid::new(random()))).await;
        let chain = vec![Blob(stolen.der.clone())];
        let certified = signature.map(|signature| Certified { chain, signature: Blob(signature) });
        let bare = certified.is_none();
        let answering = tokio::spawn(answers(listening, mallory.clone(), certified));
        ana.sees(&name).await;
        let invite = ana.invite_with(&name, None, true).await;
        if bare {
            // Without a certificate the same answer is taken.
            assert!(matches!(answering.await.unwrap(), Some(Frame::Welcome { .. })));
            continue;
        }
        let failure = ana.ended(invite).await;
        assert_eq!(failure.code, ErrorCode::CertificateRefused, "{failure:?}");
        assert!(!matches!(answering.await.unwrap(), Some(Frame::Welcome { .. })));
        assert!(ana.sessions().await.is_empty());
        assert!(ana.people().await.iter().all(|row| row.peer != mallory.peer()));
        assert!(!ana.has_heard(|news| matches!(news, News::Accepted { .. })));
    }
    ear.stop().await;
}

//! Capabilities taken away and given back while the agent runs.

use crate::lab::{
    Agent,
    ear::{Ear, shown},
    in_touch, paired, part, start, yes,
};
use hither_model::{Answer, Ask, ErrorCode, Medium, MediumState, News, Rid, row::CapabilityRow};

async fn set(agent: &Agent, granted: bool) -> CapabilityRow {
    let name = "proximity".to_owned();
    let hither_model::Answer::Capabilities { rows } = agent.ask(Ask::SetCapability { name, granted }).await else {
        panic!("no capabilities")
    };
    rows.into_iter().find(|row| row.name == "proximity").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_17_taking_proximity_away_closes_what_is_open_and_refuses_what_is_new() {
    let (mut ana, mut bo) = paired("r1_17").await;
    let row = set(&ana, false).await;
    assert!(!row.granted && row.used_by.is_empty(), "{row:?}");
    assert!(ana.closed().await.contains("revoked"));
    assert!(bo.closed().await.contains("revoked"));
    let invite =
        Ask::Invite { peer: bo.peer.to_string(), message: None, timeout: None, unverified: false, identity: None };
    assert_eq!(ana.refused(invite).await, ErrorCode::AccessDenied);
    assert_eq!(ana.refused(Ask::MakeLink { expires: None, uses: None }).await, ErrorCode::AccessDenied);
    let failed = |n: &News| match n {
        News::Medium { medium: Medium::Mdns, state: MediumState::Failed(why) } => Some(why.clone()),
        _ => None,
    };
    assert!(ana.hear("discovery is off", failed).await.contains("proximity"));
    let closed = tokio::net::TcpStream::connect(("127.0.0.1", ana.port)).await;
    assert_eq!(closed.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!((ana.sessions().await, bo.sessions().await), (vec![], vec![]));
    let mut ana = {
        let mut seat = ana.stop().await;
        seat.settings.revoked = vec!["proximity".into()];
        seat.start().await
    };
    assert_eq!(ana.sessions().await, [], "also after a restart");
    assert!(set(&ana, true).await.granted);
    bo.sees_row("she is back", |row| row.peer == ana.peer.to_string() && row.media.contains(&Medium::Mdns)).await;
    ana.sees_row("he is", |row| row.peer == bo.peer.to_string()).await;
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    ana.accepted().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_17_given_back_at_once_everything_comes_up_again() {
    let (mut ana, mut bo) = paired("r1_17 back").await;
    let port = ana.port;
    set(&ana, false).await;
    set(&ana, true).await;
    ana.closed().await;
    bo.closed().await;
    assert!(!ana.has_heard(|n| matches!(n, News::Alarm { .. })), "it listens again");
    bo.sees_row("she is near", |row| {
        row.peer == ana.peer.to_string() && row.routes.iter().any(|r| r.ends_with(&port.to_string()))
    })
    .await;
    bo.invite(&ana.peer.to_string()).await;
    let question = ana.question().await;
    ana.ask(yes(&question)).await;
    bo.accepted().await;
    in_touch(&mut ana, &mut bo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_17_an_invite_that_is_still_being_dialled_ends_with_a_word() {
    let mut ana = start("Ana r1_17 dial").await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ear = Ear::start().await;
    let name = format!("Silent {}", std::process::id());
    ear.announce(silent.local_addr().unwrap().port(), shown(&name, Rid::new([7; 16]))).await;
    ana.sees(&name).await;
    let invite = ana.invite(&name).await;
    set(&ana, false).await;
    assert!(matches!(ana.ended(invite).await.code, ErrorCode::AccessDenied | ErrorCode::Canceled));
    ear.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_17_a_question_and_the_invite_behind_it_end_too() {
    let (mut ana, mut bo) = paired("r1_17 ask").await;
    part(&mut ana, &mut bo).await;
    let invite = ana.invite(&bo.peer.to_string()).await;
    bo.question().await;
    set(&bo, false).await;
    bo.question_gone().await;
    ana.ended(invite).await;
    assert_eq!(bo.open_questions().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_18_what_the_manifest_does_not_declare_cannot_be_granted() {
    let ana = start("Ana r1_18").await;
    let ask = |name: &str| Ask::SetCapability { name: name.into(), granted: true };
    let Answer::Capabilities { rows } = ana.ask(Ask::Capabilities).await else { panic!("no list") };
    for row in rows.iter().filter(|row| !row.declared) {
        assert_eq!(ana.refused(ask(&row.name)).await, ErrorCode::AccessDenied, "{}", row.name);
    }
    assert_eq!(ana.refused(ask("root")).await, ErrorCode::UnknownId);
}

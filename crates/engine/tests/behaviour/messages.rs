//! Text messages: as they were written, in order, each exactly once, whatever happens to the connection.

use crate::lab::{in_touch, paired};
use hither_model::{Ask, ErrorCode, News, SessionState};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m10_a_message_arrives_as_it_was_written_escapes_and_all() {
    let (ana, mut bo) = paired("m10").await;
    for text in ["\u{1b}[2J\u{1b}]0;owned\u{7}", "cod\u{202e}exe.jpg", "two\nlines\tand\0nul", "한국어 ☺"] {
        ana.says(&bo.peer.to_string(), text).await;
        bo.hears(text).await;
    }
    let longest = "é".repeat(32 * 1024);
    ana.says(&bo.name, &longest).await;
    bo.hears(&longest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m10_a_line_of_a_megabyte_is_refused_with_the_way_out() {
    let (mut ana, mut bo) = paired("m10 long").await;
    let failure = ana.try_ask(Ask::Say { to: bo.name.clone(), text: "x".repeat(1 << 20) }).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::TooLarge);
    assert!(failure.message.contains("file"), "{}", failure.message);
    assert_eq!(ana.refused(Ask::Say { to: bo.name.clone(), text: String::new() }).await, ErrorCode::Misuse);
    in_touch(&mut ana, &mut bo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_keep_their_order() {
    let (ana, mut bo) = paired("order").await;
    for n in 1..=50 {
        assert_eq!(ana.says(&bo.peer.to_string(), &format!("number {n}")).await, n);
    }
    for n in 1..=50u64 {
        let (number, text) = bo
            .hear("a message", |news| match news {
                News::Message { message } => Some((message.number, message.text.clone())),
                _ => None,
            })
            .await;
        assert_eq!((number, text), (n, format!("number {n}")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m11_what_was_said_while_the_other_was_away_arrives_once() {
    let (mut ana, bo) = paired("m11").await;
    let (session, peer) = (ana.sessions().await[0].session, bo.peer.to_string());
    let bo = bo.stop().await;
    ana.hear("the connection is lost", |n| match n {
        News::Session { session } if session.state == SessionState::Reconnecting => Some(()),
        _ => None,
    })
    .await;
    let number = ana.says(&peer, "are you there?").await;
    let mut bo = bo.start().await;
    bo.hears("are you there?").await;
    ana.delivered(number).await;
    bo.is_open(session).await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!(bo.times_heard("are you there?").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m11_what_was_said_just_before_either_agent_stopped_arrives_once() {
    let (ana, bo) = paired("m11 both").await;
    let (there, back) = (bo.peer.to_string(), ana.peer.to_string());
    ana.says(&there, "from the inviter").await;
    bo.says(&back, "from the invited").await;
    let (ana, bo) = tokio::join!(ana.stop(), bo.stop());
    let (mut ana, mut bo) = tokio::join!(ana.start(), bo.start());
    in_touch(&mut ana, &mut bo).await;
    bo.hears("from the inviter").await;
    ana.hears("from the invited").await;
    assert_eq!((bo.times_heard("from the inviter").await, ana.times_heard("from the invited").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m11_many_messages_across_a_restart_each_arrive_exactly_once_and_in_order() {
    let (mut ana, mut bo) = paired("m11 many").await;
    let peer = bo.peer.to_string();
    for n in 0..20 {
        ana.says(&peer, &format!("line {n}")).await;
    }
    bo.hears("line 0").await;
    let bo = bo.again().await;
    for number in 1..=20 {
        ana.delivered(number).await;
    }
    assert_eq!(bo.heard().await, (0..20).map(|n| format!("line {n}")).collect::<Vec<_>>());
}

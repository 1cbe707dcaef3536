//! The control socket as clients meet it.

mod bench;

use bench::{Paper, alarm, bench, put, snapshot};
use hither_control::{
    CONTROL_VERSION, Client, Limits, Place,
    frame::{Cut, REPLY_CAP, Reader},
    message::{FromAgent, FromClient, Hello},
    serve_lines,
};
use hither_model::{Answer, Ask, ErrorCode, News};
use std::{os::unix::fs::MetadataExt, path::Path};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_request_is_answered_and_a_failure_is_an_error() {
    let bench = bench(|_| {});
    let mut client = bench.client().await;
    assert_eq!(client.ask(Ask::Near).await.unwrap(), Answer::Peers { rows: vec![] });
    let failure = client.ask(Ask::Transfer { transfer: "ab".into() }).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::UnknownId);
    let mut left = bench.paper.left.subscribe();
    drop(client);
    left.recv().await.unwrap();
}

#[tokio::test]
async fn the_socket_is_closed_to_other_users() {
    let bench = bench(|_| {});
    let socket = std::fs::metadata(bench.place.socket()).unwrap();
    let dir = std::fs::metadata(bench.place.socket().parent().unwrap()).unwrap();
    assert_eq!((socket.mode() & 0o777, dir.mode() & 0o777), (0o600, 0o700));
    let names = std::fs::read_to_string("/proc/self/net/unix").unwrap();
    assert!(!names.lines().any(|line| line.contains("@") && line.contains("hither")), "no abstract socket");
}

#[tokio::test]
async fn a1_the_agent_drops_a_client_of_another_user_without_a_word() {
    let bench = bench(|limits| limits.uid += 1);
    let mut stream = bench.raw().await;
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"");
}

#[tokio::test]
async fn a1_a_client_says_nothing_to_the_socket_of_another_user() {
    let top = tempfile::tempdir().unwrap();
    let place = Place::within(top.path()).unwrap();
    place.prepare().unwrap();
    let trap = tokio::net::UnixListener::bind(place.socket()).unwrap();
    let caught = tokio::spawn(async move {
        let (mut stream, _) = trap.accept().await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
        heard
    });
    let other = Limits::default().uid + 1;
    let failure = Client::connect_at(place, other).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::AccessDenied);
    assert_eq!(caught.await.unwrap(), b"");
}

#[tokio::test]
async fn a4_the_client_beyond_the_cap_is_told_so_and_the_others_go_on() {
    let bench = bench(|_| {});
    let mut seated = Vec::new();
    for _ in 0..32 {
        seated.push(bench.client().await);
    }
    for client in &mut seated {
        client.ask(Ask::Near).await.unwrap();
    }
    let mut turned_away = Client::connect_at(bench.place.clone(), bench.uid).await;
    let failure = match &mut turned_away {
        Ok(client) => client.ask(Ask::Near).await.unwrap_err(),
        Err(failure) => failure.clone(),
    };
    assert_eq!(failure.code, ErrorCode::Busy);
    for client in &mut seated {
        client.ask(Ask::Near).await.unwrap();
    }
    let mut left = bench.paper.left.subscribe();
    seated.pop();
    left.recv().await.unwrap();
    // The seat is free again once the connection's task has ended; the server says so by letting somebody in.
    while Client::connect_at(bench.place.clone(), bench.uid).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a4_a_gigabyte_frame_and_half_json_end_only_their_own_connection() {
    let bench = bench(|_| {});
    let mut good = bench.client().await;
    for bytes in [&1_000_000_000u32.to_be_bytes()[..], &[0, 0, 0, 3, b'{', b'"', b'x'], &[0, 0, 0, 0]] {
        let (mut reader, mut writer) = bench.greeted().await;
        writer.write_all(bytes).await.unwrap();
        let said: FromAgent = reader.message().await.unwrap().unwrap();
        assert!(matches!(said, FromAgent::Refused(_)), "{said:?}");
        assert!(reader.next().await.unwrap().is_none(), "the connection is closed");
    }
    good.ask(Ask::Near).await.unwrap();
}

#[tokio::test]
async fn a4_a_slow_reader_gets_a_fresh_snapshot_instead_of_what_it_missed() {
    let bench = bench(|_| {});
    let feed = bench.client().await;
    let mut feed = feed.news().await.unwrap();
    assert_eq!(feed.next().await.unwrap(), snapshot());
    // Far more than the socket, the queue and the channel hold.
    let long = News::Alarm { message: "x".repeat(8192), peer: None };
    for _ in 0..200 {
        for _ in 0..50 {
            bench.paper.news.send(long.clone()).unwrap();
        }
        tokio::task::yield_now().await;
    }
    let mut kept = 0;
    while feed.next().await.unwrap() != snapshot() {
        kept += 1;
    }
    assert!(kept < 10_000, "nothing was missed, so nothing was tested");
    bench.paper.news.send(alarm(7)).unwrap();
    while feed.next().await.unwrap() != alarm(7) {}
}

#[tokio::test]
async fn what_happens_after_a_subscription_is_not_missed() {
    let bench = bench(|_| {});
    let client = bench.client().await;
    for number in 0..50 {
        let mut feed = client.news().await.unwrap();
        bench.paper.news.send(alarm(number)).expect("somebody listens by now");
        assert_eq!(feed.next().await.unwrap(), snapshot());
        assert_eq!(feed.next().await.unwrap(), alarm(number));
    }
}

#[tokio::test]
async fn a6_a_client_or_agent_of_another_version_is_told_which_is_older() {
    let bench = bench(|_| {});
    let (reader, mut writer) = bench.raw().await.into_split();
    let mut reader = Reader::new(reader, Cut::Frames, REPLY_CAP);
    let agent: Hello = reader.message().await.unwrap().unwrap();
    assert_eq!(agent.version, CONTROL_VERSION);
    put(&mut writer, &Hello { version: CONTROL_VERSION + 1, ..Hello::ours() }).await;
    assert!(reader.next().await.unwrap().is_none(), "the agent goes no further");

    let top = tempfile::tempdir().unwrap();
    let place = Place::within(top.path()).unwrap();
    place.prepare().unwrap();
    let old = tokio::net::UnixListener::bind(place.socket()).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = old.accept().await.unwrap();
        put(&mut stream, &Hello { version: 0, program: "0.0.1".into(), ..Hello::ours() }).await;
    });
    let failure = Client::connect_at(place, bench.uid).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::VersionSkew);
    assert!(failure.message.contains("the agent is older"), "{}", failure.message);
}

#[tokio::test]
async fn a6_a_request_is_not_repeated_when_the_agent_dies() {
    let bench = bench(|_| {});
    let mut client = bench.client().await;
    let ask = tokio::spawn(async move {
        let failure = client.ask(Ask::Sessions).await.unwrap_err();
        (failure, client)
    });
    while bench.paper.asked.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    bench.stop.cancel();
    let (failure, mut client) = ask.await.unwrap();
    assert_eq!(failure.code, ErrorCode::Interrupted);
    assert!(client.ask(Ask::Near).await.is_err());
    bench.served.await.unwrap();
    assert_eq!(bench.paper.asked.lock().unwrap().len(), 1);
    let failure = Client::connect_at(bench.place.clone(), bench.uid).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::NoAgent);
}

#[tokio::test]
async fn requests_reach_the_engine_in_order_and_a_slow_one_holds_up_nobody() {
    let bench = bench(|_| {});
    let (mut reader, mut writer) = bench.greeted().await;
    put(&mut writer, &FromClient::Request { id: 1, ask: Ask::Sessions }).await;
    put(&mut writer, &FromClient::Request { id: 2, ask: Ask::Near }).await;
    let first: FromAgent = reader.message().await.unwrap().unwrap();
    assert!(matches!(first, FromAgent::Reply { id: 2, .. }), "{first:?}");
    bench.paper.go.notify_one();
    let second: FromAgent = reader.message().await.unwrap().unwrap();
    assert!(matches!(second, FromAgent::Reply { id: 1, .. }), "{second:?}");
    let asked: Vec<Ask> = bench.paper.asked.lock().unwrap().iter().map(|(_, ask)| ask.clone()).collect();
    assert_eq!(asked, [Ask::Sessions, Ask::Near]);
}

#[tokio::test]
async fn the_longest_text_fits_however_much_of_it_is_escaped() {
    let bench = bench(|_| {});
    let say = Ask::Say { to: "Ana".into(), text: "\u{1}".repeat(64 * 1024) };
    assert_eq!(bench.client().await.ask(say).await.unwrap(), Answer::Done);
}

#[tokio::test]
async fn an_answer_too_large_for_a_message_becomes_a_failure() {
    let bench = bench(|_| {});
    let failure = bench.client().await.ask(Ask::ExportCertificate).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::TooLarge);
}

#[tokio::test]
async fn headless_mode_answers_lines_survives_nonsense_and_ends_with_its_input() {
    let paper = Paper::new();
    let (output, mut read) = tokio::io::duplex(1 << 16);
    let input = b"{\"request\":{\"id\":1,\"ask\":{\"ask\":\"near\"}}}\nnonsense\n\n{\"subscribe\":{\"id\":2}}\n\
                  {\"request\":{\"id\":3,\"ask\":{\"ask\":\"sessions\"}}}";
    let input = [&input[..], b"\n"].concat();
    paper.go.notify_one();
    serve_lines(&input[..], output, paper.clone(), CancellationToken::new()).await.unwrap();
    let mut said = String::new();
    read.read_to_string(&mut said).await.unwrap();
    assert!(said.contains(r#"{"reply":{"id":1,"answer":{"answer":"peers","rows":[]}}}"#), "{said}");
    assert!(said.contains(r#"{"refused":{"code":"Misuse""#), "{said}");
    assert!(said.contains(r#"{"reply":{"id":3,"answer":{"answer":"sessions","rows":[]}}}"#), "{said}");
}

#[test]
fn a2_an_agent_does_not_open_a_door_in_an_unsafe_place() {
    let top = tempfile::tempdir().unwrap();
    let place = Place::below(top.path(), Path::new("/nowhere")).unwrap();
    let base = top.path().join("hither");
    std::fs::create_dir(&base).unwrap();
    std::fs::set_permissions(&base, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let why = place.prepare().unwrap_err().to_string();
    assert!(why.contains("open to other users"), "{why}");
    assert!(place.check().is_err(), "a client does not trust it either");
}

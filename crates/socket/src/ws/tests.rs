//! WebSockets on loopback: our two ends against each other, and odd servers written by hand. Programs of others are in
//! tests/sockets.

mod partial;

use super::{message::check_close, *};
use crate::{PasswordCredential, outward::tests::lab::permission, status::WebErrorStatus};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use zeroize::Zeroizing;

fn door(port: u16, protocols: &[&str]) -> WebSocketDoor {
    WebSocketDoor {
        protocols: protocols.iter().map(|name| (*name).to_owned()).collect(),
        hosts: vec![format!("localhost:{port}")],
        origins: vec!["https://ours.test".into()],
        max_message: 1024 * 1024,
    }
}

async fn listening() -> (TcpListener, u16, WebSocketUrl) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port, WebSocketUrl::parse(&format!("ws://localhost:{port}/x?y")).unwrap())
}

fn client(protocols: &[&str]) -> MessageWebSocket {
    let mut socket = MessageWebSocket::new(permission());
    socket.control().set_in_clear(true).unwrap();
    socket.control().set_supported_protocols(protocols).unwrap();
    socket
}

/// A server that reads a request and writes what `answer` makes of its key, then `more`.
async fn raw(
    answer: impl Fn(&str, &str) -> String + Send + 'static,
    more: Vec<u8>,
) -> (WebSocketUrl, JoinHandle<Vec<u8>>) {
    let (listener, _, url) = listening().await;
    let served = tokio::spawn(async move {
        let mut heard = Vec::new();
        loop {
            let mut tcp = listener.accept().await.unwrap().0;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(tcp.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
            let answer = answer(&derive_accept_key(key.as_bytes()), &head);
            tcp.write_all(answer.as_bytes()).await.unwrap();
            heard.extend_from_slice(head.as_bytes());
            if answer.contains(" 101 ") {
                tcp.write_all(&more).await.unwrap();
                let _ = tcp.read_to_end(&mut heard).await;
                return heard;
            }
            if answer.contains(" 418 ") {
                return heard;
            }
        }
    });
    (url, served)
}

fn switching(extra: &'static str) -> impl Fn(&str, &str) -> String {
    move |accept, _| {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n{extra}\r\n"
        )
    }
}

#[tokio::test]
async fn r5_6_the_five_cases_of_sub_protocols() {
    for (offered, answered, chosen) in [
        (&[][..], "", Some("")),
        (&["a", "b"], "Sec-WebSocket-Protocol: b\r\n", Some("b")),
        (&["a"], "", None),
        (&[], "Sec-WebSocket-Protocol: x\r\n", None),
        (&["a"], "Sec-WebSocket-Protocol: b\r\n", None),
    ] {
        let (url, served) = raw(switching(answered), Vec::new()).await;
        let mut socket = client(offered);
        assert_eq!(socket.information().protocol, None);
        let outcome = socket.connect(&url).await;
        match chosen {
            Some(chosen) => {
                outcome.unwrap();
                assert_eq!(socket.information().protocol.as_deref(), Some(chosen));
                assert!(socket.control().set_supported_protocols(&[]).is_err(), "R5.9: it is too late");
            }
            None => {
                assert!(matches!(outcome, Err(WebSocketError::SubProtocol(_))), "{offered:?} {answered}: {outcome:?}")
            }
        }
        drop(socket);
        served.abort();
    }
}

#[tokio::test]
async fn r5_7_and_r5_9_a_missing_or_unknown_sub_protocol_is_told_what_is_expected() {
    let (listener, port, url) = listening().await;
    let door = door(port, &["one", "two"]);
    let serving = tokio::spawn(async move {
        let mut outcomes = Vec::new();
        for _ in 0..3 {
            outcomes.push(door.admit(listener.accept().await.unwrap().0).await);
        }
        outcomes
    });
    let mut socket = client(&[]);
    for offered in [&[][..], &["three"]] {
        socket.control().set_supported_protocols(offered).unwrap();
        let error = socket.connect(&url).await.unwrap_err();
        assert!(
            matches!(&error, WebSocketError::Refused { status: 400, expected } if *expected == ["one", "two"]),
            "{error}"
        );
        assert_eq!(error.status(), WebErrorStatus::BadRequest);
        assert!(error.to_string().contains("one, two"), "{error}");
    }
    // R5.9: after a failure the same object uses the new list.
    socket.control().set_supported_protocols(&["three", "two"]).unwrap();
    socket.connect(&url).await.unwrap();
    assert_eq!(socket.information().protocol.as_deref(), Some("two"));
    assert!(serving.await.unwrap()[2].is_ok());
}

#[tokio::test]
async fn p4_r5_19_a_foreign_page_or_host_is_not_let_in() {
    let (listener, port, _) = listening().await;
    let door = door(port, &[]);
    let mut statuses = Vec::new();
    for headers in [
        format!("Host: localhost:{port}\r\n"),
        format!("Host: localhost:{port}\r\nOrigin: https://ours.test\r\n"),
        format!("Host: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n"),
        format!("Host: localhost:{port}\r\nOrigin: https://evil.test\r\n"),
        "Host: rebound.test\r\n".to_owned(),
        format!("Host: localhost:{port}\r\nHost: rebound.test\r\n"),
        String::new(),
    ] {
        let mut tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!(
            "GET / HTTP/1.1\r\n{headers}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        tcp.write_all(request.as_bytes()).await.unwrap();
        let admitted = door.admit(listener.accept().await.unwrap().0).await;
        let mut status = [0; 12];
        tcp.read_exact(&mut status).await.unwrap();
        assert_eq!(admitted.is_ok(), status.ends_with(b"101"), "{headers}");
        statuses.push(String::from_utf8_lossy(&status[9..]).into_owned());
    }
    assert_eq!(statuses, ["101", "101", "403", "403", "403", "403", "403"]);
}

#[tokio::test]
async fn p2_a_header_without_end_is_bounded() {
    let (listener, port, _) = listening().await;
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let pouring = tokio::spawn(async move {
        let _ = tcp.write_all(b"GET / HTTP/1.1\r\nX: ").await;
        while tcp.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    assert!(door(port, &[]).admit(listener.accept().await.unwrap().0).await.is_err());
    pouring.await.unwrap();
}

#[tokio::test]
async fn p3_compression_is_neither_offered_nor_taken() {
    let (url, served) = raw(switching("Sec-WebSocket-Extensions: permessage-deflate\r\n"), Vec::new()).await;
    let error = client(&[]).connect(&url).await.unwrap_err();
    assert!(matches!(error, WebSocketError::Handshake(_)), "{error}");
    assert!(!String::from_utf8_lossy(&served.await.unwrap()).to_lowercase().contains("extensions"));
}

#[tokio::test]
async fn r5_5_a_message_over_the_limit_is_an_error_and_takes_no_memory() {
    // The header of a frame of one GiB, and nothing of it.
    let frame = [&[0x82, 127][..], &(1_u64 << 30).to_be_bytes()].concat();
    let (url, served) = raw(switching(""), frame).await;
    let mut socket = client(&[]);
    socket.connect(&url).await.unwrap();
    assert!(socket.control().set_max_message_size(1).is_err(), "R5.4: it is too late");
    let error = socket.receive().await.unwrap_err();
    assert!(matches!(error, WebSocketError::TooLarge { limit } if limit == 64 * 1024 * 1024), "{error}");
    assert!(matches!(socket.receive().await, Err(WebSocketError::Closed)));
    drop(socket);
    let heard = served.await.unwrap();
    // A masked close frame of two bytes: 88 82, the mask, the code.
    let close = &heard[heard.len() - 8..];
    assert_eq!(close[..2], [0x88, 0x82]);
    assert_eq!([close[6] ^ close[2], close[7] ^ close[3]], 1009_u16.to_be_bytes());
}

#[tokio::test]
async fn r5_10_a_connection_that_dies_is_aborted_and_not_closed() {
    let (listener, port, url) = listening().await;
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        drop(door(port, &[]).admit(tcp).await.unwrap());
    });
    let mut socket = client(&[]);
    socket.connect(&url).await.unwrap();
    serving.await.unwrap();
    let error = socket.receive().await.unwrap_err();
    assert!(matches!(error, WebSocketError::Aborted(_)), "{error:?}");
    assert_eq!(error.status(), WebErrorStatus::ConnectionAborted);
}

#[tokio::test]
async fn r5_8_and_r5_11_only_codes_that_may_be_sent_are_sent() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        assert!(matches!(check_close(code, ""), Err(WebSocketError::Argument(_))), "{code}");
    }
    assert!(check_close(1000, &"x".repeat(123)).is_ok() && check_close(4000, &"é".repeat(62)).is_err());
    // 88 05 03E8 "bye"
    let (url, _served) = raw(switching(""), vec![0x88, 5, 3, 0xe8, b'b', b'y', b'e']).await;
    let mut socket = client(&[]);
    socket.connect(&url).await.unwrap();
    let closed = Received::Closed { code: 1000, reason: "bye".into() };
    assert_eq!(socket.receive().await.unwrap(), closed);
    assert!(matches!(socket.send(WebSocketMessage::Text("x".into())).await, Err(WebSocketError::Closed)));
}

#[tokio::test]
async fn r5_12_and_r5_13_an_empty_message_is_a_message() {
    let (url, _served) = raw(switching(""), vec![0x82, 0]).await;
    let mut socket = client(&[]);
    assert!(matches!(socket.receive().await, Err(WebSocketError::IllegalCall(_))));
    socket.connect(&url).await.unwrap();
    assert_eq!(socket.receive().await.unwrap(), Received::Message(WebSocketMessage::Binary(Vec::new())));
}

#[tokio::test]
async fn r5_14_a_message_in_parts_is_not_interrupted() {
    let (url, served) = raw(switching(""), Vec::new()).await;
    let mut socket = client(&[]);
    socket.connect(&url).await.unwrap();
    socket.control().message_type = SocketMessageType::Utf8;
    socket.send_nonfinal_frame(b"ab").await.unwrap();
    let interrupted = socket.send(WebSocketMessage::Binary(vec![1])).await;
    assert!(matches!(interrupted, Err(WebSocketError::IllegalCall(_))));
    socket.send_final_frame(b"c").await.unwrap();
    drop(socket);
    let heard = served.await.unwrap();
    let frames = &heard[heard.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4..];
    assert_eq!((frames[0], frames[8]), (0x01, 0x80), "text without FIN, then a continuation with FIN");
}

#[tokio::test]
async fn r5_1_text_on_a_stream_of_bytes_is_an_error() {
    let (url, served) = raw(switching(""), vec![0x81, 1, b'x']).await;
    let mut control = WebSocketControl::default();
    control.set_in_clear(true).unwrap();
    let mut stream = StreamWebSocket::connect(&permission(), &control, &url).await.unwrap();
    let error = stream.read_u8().await.unwrap_err();
    assert!(error.to_string().contains("text came"), "{error}");
    drop(stream);
    let heard = served.await.unwrap();
    let close = &heard[heard.len() - 8..];
    assert_eq!([close[6] ^ close[2], close[7] ^ close[3]], 1003_u16.to_be_bytes());
}

#[tokio::test]
async fn r5_1_a_stream_carries_any_amount_both_ways() {
    let (listener, port, url) = listening().await;
    let serving = tokio::spawn(async move {
        let stream = door(port, &[]).admit(listener.accept().await.unwrap().0).await.unwrap();
        let (mut from, mut to) = tokio::io::split(stream);
        let mut count = vec![0; 300_000];
        from.read_exact(&mut count).await.unwrap();
        to.write_all(&count).await.unwrap();
        to.shutdown().await.unwrap();
    });
    let mut control = WebSocketControl::default();
    control.set_in_clear(true).unwrap();
    let mut stream = StreamWebSocket::connect(&permission(), &control, &url).await.unwrap();
    let sent: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    stream.write_all(&sent).await.unwrap();
    stream.flush().await.unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).await.unwrap();
    assert!(back == sent);
    serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r5_15_pongs_go_out_unasked_at_the_rate_that_is_set() {
    let (url, served) = raw(switching(""), Vec::new()).await;
    let mut socket = client(&[]);
    socket.control().set_desired_unsolicited_pong_interval(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(socket.control().actual_unsolicited_pong_interval(), Some(Duration::from_secs(10)));
    socket.connect(&url).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(35), socket.receive()).await.is_err());
    drop(socket);
    let heard = served.await.unwrap();
    let frames = &heard[heard.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4..];
    assert_eq!(frames.chunks(6).filter(|frame| frame[0] == 0x8a).count(), 3);
}

#[tokio::test]
async fn p7_a_flood_of_pings_ends_the_connection() {
    let (url, _served) = raw(switching(""), [0x89, 0].repeat(5000)).await;
    let mut socket = client(&[]);
    socket.connect(&url).await.unwrap();
    let error = socket.receive().await.unwrap_err();
    assert!(matches!(error, WebSocketError::Misbehaved(_) | WebSocketError::Aborted(_)), "{error:?}");
}

#[tokio::test]
async fn r6_5_a_password_never_goes_through_the_clear_nor_to_who_did_not_ask() {
    let asks = |_: &str, _: &str| {
        "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n".to_owned()
    };
    let (url, served) = raw(asks, Vec::new()).await;
    let mut socket = client(&[]);
    let resource = format!("localhost:{}", url.port());
    let ours = PasswordCredential::new(&resource, "ana", Zeroizing::new("hunter2".into())).unwrap();
    socket.control().set_server_credential(Some(ours)).unwrap();
    let error = socket.connect(&url).await.unwrap_err();
    assert!(matches!(error, WebSocketError::CredentialInClear), "{error}");
    socket.control().set_server_credential(None).unwrap();
    let error = socket.connect(&url).await.unwrap_err();
    assert!(matches!(error, WebSocketError::NeedsCredential(_)), "{error}");
    assert_eq!(error.status(), WebErrorStatus::Unauthorized);
    let other = PasswordCredential::new("elsewhere:1", "ana", Zeroizing::new("hunter2".into())).unwrap();
    socket.control().set_server_credential(Some(other)).unwrap();
    assert!(matches!(socket.connect(&url).await, Err(WebSocketError::NeedsCredential(_))));
    served.abort();
}

#[tokio::test]
async fn r5_2_the_clear_must_be_meant() {
    let mut socket = MessageWebSocket::new(permission());
    let url = WebSocketUrl::parse("ws://localhost:1/").unwrap();
    assert!(matches!(socket.connect(&url).await, Err(WebSocketError::Address(_))));
}

#[tokio::test(start_paused = true)]
async fn r5_3_a_server_that_says_nothing_is_given_up() {
    let (listener, _, url) = listening().await;
    let mut socket = client(&[]);
    let began = tokio::time::Instant::now();
    assert!(matches!(socket.connect(&url).await, Err(WebSocketError::TimedOut)));
    assert_eq!(began.elapsed().as_secs(), 30);
    drop(listener);
}

#[test]
fn r5_4_headers_of_the_protocol_are_not_the_callers() {
    let mut control = WebSocketControl::default();
    control.set_request_header("X-Tea", "green").unwrap();
    for name in ["Sec-WebSocket-Extensions", "Host", "Authorization", "Proxy-Authorization", "Origin", "a b"] {
        assert!(control.set_request_header(name, "x").is_err(), "{name}");
    }
    assert!(control.set_request_header("X", "a\r\nb").is_err());
    assert!(
        control.set_supported_protocols(&["a b"]).is_err() && control.set_supported_protocols(&["a", "a"]).is_err()
    );
}

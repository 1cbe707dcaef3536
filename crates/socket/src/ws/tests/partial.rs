//! Messages in parts as they arrive (R5.4), on loopback.

use super::*;

fn in_parts(limit: usize) -> MessageWebSocket {
    let mut socket = client(&[]);
    socket.control().set_receive_mode(MessageWebSocketReceiveMode::PartialMessage).unwrap();
    socket.control().set_max_message_size(limit).unwrap();
    socket
}

fn part(text: &str, complete: bool) -> Received {
    Received::Part { message: WebSocketMessage::Text(text.into()), complete }
}

#[tokio::test]
async fn r5_4_parts_are_there_before_the_rest_of_their_frame_is() {
    let (listener, _, url) = listening().await;
    let served = tokio::spawn(async move {
        let mut tcp = listener.accept().await.unwrap().0;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        tcp.write_all(switching("")(&derive_accept_key(key.as_bytes()), &head).as_bytes()).await.unwrap();
        // A text of 8 bytes, and no more than the first of a character's three.
        tcp.write_all(b"\x81\x08tea \xe2").await.unwrap();
        // What the client says once it has that: 6 bytes of a frame without a payload.
        tcp.read_exact(&mut [0; 6]).await.unwrap();
        tcp.write_all(b"\x98\xba!").await.unwrap();
        tcp.read_exact(&mut [0; 6]).await.unwrap();
        // A ping between two parts of bytes, and an empty one.
        tcp.write_all(b"\x02\x01a\x89\x01p\x00\x00\x80\x01b\x82\x00").await.unwrap();
        tcp.write_all(b"\x88\x02\x03\xe8").await.unwrap();
        let mut rest = Vec::new();
        let _ = tcp.read_to_end(&mut rest).await;
        rest
    });
    let mut socket = in_parts(1000);
    socket.connect(&url).await.unwrap();
    assert!(socket.control().set_receive_mode(MessageWebSocketReceiveMode::FullMessage).is_err(), "it is settled");
    assert_eq!(socket.receive().await.unwrap(), part("tea ", false));
    socket.send(WebSocketMessage::Binary(vec![])).await.unwrap();
    assert_eq!(socket.receive().await.unwrap(), part("☺!", true));
    socket.send(WebSocketMessage::Binary(vec![])).await.unwrap();
    for (bytes, complete) in [(&b"a"[..], false), (b"b", true), (b"", true)] {
        let message = WebSocketMessage::Binary(bytes.to_vec());
        assert_eq!(socket.receive().await.unwrap(), Received::Part { message, complete });
    }
    assert_eq!(socket.receive().await.unwrap(), Received::Closed { code: 1000, reason: String::new() });
    let heard = served.await.unwrap();
    assert_eq!(heard.first(), Some(&0x8a), "the ping was answered");
}

#[tokio::test]
async fn r5_4_what_breaks_the_rules_in_parts_ends_with_the_code_for_it() {
    for (frames, code) in [
        (&b"\x80\x01x"[..], 1002_u16),
        (b"\x01\x01x\x81\x01y", 1002),
        (b"\xc1\x01x", 1002),
        (b"\x81\x81\0\0\0\0x", 1002),
        (b"\x09\x00", 1002),
        (b"\x81\x02\xe2\x28", 1007),
        (b"\x81\x02\xe2\x98", 1007),
        (b"\x01\x01\xe2\x80\x00", 1007),
        (b"\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00", 1009),
        (b"\x01\x05hello\x80\x06 world", 1009),
    ] {
        let (url, served) = raw(switching(""), frames.to_vec()).await;
        let mut socket = in_parts(10);
        socket.connect(&url).await.unwrap();
        let error = loop {
            match socket.receive().await {
                Ok(Received::Part { complete: false, .. }) => {}
                Ok(other) => panic!("{frames:x?}: {other:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(matches!(error, WebSocketError::TooLarge { limit: 10 }), code == 1009, "{frames:x?}: {error}");
        assert_eq!(error.close_code(), code, "{error}");
        drop(socket);
        let heard = served.await.unwrap();
        let [.., a, b, _, _, x, y] = heard.as_slice() else { panic!("{heard:x?}") };
        assert_eq!([x ^ a, y ^ b], code.to_be_bytes(), "{frames:x?}: it was told");
    }
}

#[tokio::test]
async fn p7_a_flood_of_empty_parts_ends_the_connection() {
    let (url, _served) = raw(switching(""), [&[0x02, 0][..], &[0, 0].repeat(5000)].concat()).await;
    let mut socket = in_parts(10);
    socket.connect(&url).await.unwrap();
    let error = socket.receive().await.unwrap_err();
    assert!(matches!(error, WebSocketError::Misbehaved(_) | WebSocketError::Aborted(_)), "{error:?}");
}

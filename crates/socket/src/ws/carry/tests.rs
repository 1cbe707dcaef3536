//! A device's carrier against ends that do not keep the rules, over a pipe in memory.

use super::*;
use crate::{Tunnel, ws::WebSocketInformation};
use tokio::{
    io::{DuplexStream, duplex},
    task::JoinHandle,
};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

type Odd = WebSocketStream<DuplexStream>;

/// A carrier at work, the tunnel's end that a TLS connection would have, and the odd other end of its WebSocket.
async fn carrier() -> (JoinHandle<Result<(), WebSocketError>>, TcpStream, Odd) {
    let (ours, theirs) = duplex(1 << 20);
    let limits = WebSocketConfig::default().max_message_size(Some(PEER_MESSAGE)).max_frame_size(Some(PEER_MESSAGE));
    let socket = WebSocketStream::from_raw_socket(ours, Role::Server, Some(limits)).await;
    let odd = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
    let (tunnel, end) = Tunnel::to(hither_capability::web_address([1; 12])).unwrap();
    let stream = StreamWebSocket::on(socket, WebSocketInformation::default(), PEER_MESSAGE);
    (tokio::spawn(stream.carry(end)), tunnel.end, odd)
}

/// The code that the carrier closed with.
async fn code(odd: &mut Odd) -> u16 {
    loop {
        match odd.next().await {
            Some(Ok(Wire::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(_)) => {}
            other => panic!("no close frame: {other:?}"),
        }
    }
}

fn bytes(of: &[u8]) -> Wire {
    Wire::binary(of.to_vec())
}

#[tokio::test]
async fn r5_1_one_direction_ends_while_the_other_goes_on() {
    let (carrying, mut end, mut odd) = carrier().await;
    end.write_all(b"last words").await.unwrap();
    end.shutdown().await.unwrap();
    let mut heard = Vec::new();
    loop {
        match odd.next().await {
            Some(Ok(Wire::Binary(part))) if part.is_empty() => break,
            Some(Ok(Wire::Binary(part))) => heard.extend_from_slice(&part),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, b"last words");
    odd.send(bytes(b"an answer")).await.unwrap();
    odd.send(bytes(b"")).await.unwrap();
    let mut answer = String::new();
    end.read_to_string(&mut answer).await.unwrap();
    assert_eq!((answer.as_str(), code(&mut odd).await), ("an answer", 1000));
    carrying.await.unwrap().unwrap();
}

#[tokio::test]
async fn r5_1_what_breaks_the_rules_ends_with_the_code_for_it() {
    for (said, expected) in [
        (vec![Wire::text("hello")], 1003),
        (vec![bytes(&vec![0; PEER_MESSAGE + 1])], 1009),
        (vec![bytes(b""), bytes(b"more")], 1002),
        (vec![bytes(b""), bytes(b"")], 1002),
    ] {
        let (carrying, mut end, mut odd) = carrier().await;
        for message in said {
            odd.send(message).await.unwrap();
        }
        assert_eq!(code(&mut odd).await, expected);
        let mut rest = Vec::new();
        end.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"", "nothing of it arrives");
        assert!(carrying.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn p7_a_flood_of_pings_ends_the_connection_between_devices() {
    let (carrying, _end, mut odd) = carrier().await;
    for _ in 0..=MAX_CONTROL {
        odd.send(Wire::Ping(Vec::new().into())).await.unwrap();
    }
    assert_eq!(code(&mut odd).await, 1002);
    assert!(matches!(carrying.await.unwrap(), Err(WebSocketError::Misbehaved(_))));
}

#[tokio::test(start_paused = true)]
async fn p7_a_silent_end_is_pinged_and_given_up_after_a_minute() {
    let (carrying, _end, mut odd) = carrier().await;
    let began = Instant::now();
    // It is there, and never answers: nothing is read, so the library answers no ping.
    assert!(matches!(carrying.await.unwrap(), Err(WebSocketError::TimedOut)));
    assert!(began.elapsed() >= SILENT && began.elapsed() <= SILENT + PARTING);
    assert!(matches!(odd.next().await, Some(Ok(Wire::Ping(_)))));
}

#[tokio::test]
async fn p6_a_way_that_is_cut_is_told_to_both_ends() {
    let (carrying, mut end, odd) = carrier().await;
    drop(odd);
    assert!(carrying.await.unwrap().is_err());
    let mut rest = Vec::new();
    end.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
    let (carrying, end, mut odd) = carrier().await;
    drop(end);
    assert!(matches!(odd.next().await, Some(Ok(Wire::Binary(part))) if part.is_empty()));
    odd.send(bytes(b"for nobody")).await.unwrap();
    assert_eq!(code(&mut odd).await, 1000);
    let _ = carrying.await.unwrap();
}

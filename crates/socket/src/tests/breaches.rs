//! Protocols broken, weakened or cut off: SECURITY section 4, cases T7, T8, T9, and R3.6, R3.14.

use super::{adversary::*, *};
use crate::{ALPN, Phase, ready::say};
use hither_model::{ErrorCode, SocketErrorStatus};
use rustls::{
    Connection, HandshakeKind, ServerConfig, ServerConnection, client::Resumption, crypto::aws_lc_rs,
    sign::SingleCertAndKey,
};
use std::{io::Write, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[tokio::test]
async fn t7_whoever_wants_to_resume_gets_a_full_handshake_every_time() {
    let (here, there) = (key(), key());
    let mut host = Host::start(&there, Expected::Only(here.peer_id()));
    let mut config = client(ONLY_13, Some(&here));
    config.resumption = Resumption::in_memory_sessions(8);
    config.enable_early_data = true;
    let config = Arc::new(config);
    for _ in 0..2 {
        let mut raw = Raw::dial(host.at, &config, &name()).await;
        if let Connection::Client(tls) = &mut raw.tls {
            assert!(tls.early_data().is_none());
        }
        raw.shake().await.unwrap();
        assert_eq!(raw.tls.handshake_kind(), Some(HandshakeKind::Full));
        raw.frame().await.unwrap();
        raw.send(&say(here.peer_id(), there.peer_id()).unwrap()).await;
        host.arrival().await.known().unwrap().close().await.unwrap();
        while raw.pull().await.unwrap() {}
    }
}

#[tokio::test]
async fn t8_a_hello_in_ten_records_is_understood_and_an_endless_one_is_not() {
    let there = key();
    let host = Host::start(&there, Expected::Anyone);
    let whole = hello(client(ONLY_13, Some(&key())), &name());
    let message = &whole[5..];
    let cut: Vec<u8> = message
        .chunks(message.len().div_ceil(10))
        .flat_map(|piece| [&[22, 3, 1][..], &(piece.len() as u16).to_be_bytes(), piece].concat())
        .collect();
    let mut tcp = TcpStream::connect(host.at).await.unwrap();
    tcp.write_all(&cut).await.unwrap();
    let mut first = [0; 6];
    tcp.read_exact(&mut first).await.unwrap();
    assert_eq!((first[0], first[5]), (22, 2), "a ServerHello");
    // A hello that announces a megabyte.
    let piece = [&[22, 3, 1, 0x40, 0][..], &[1, 0x10, 0, 0], &[0; 0x4000 - 4]].concat();
    assert_eq!(answer_to(host.at, &[&piece, &piece]).await, b"");
    drop(tcp);
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn t8_an_end_in_the_middle_of_a_handshake_is_a_failure_for_both() {
    let there = key();
    let host = Host::start(&there, Expected::Anyone);
    let first = hello(client(ONLY_13, Some(&key())), &name());
    let back = answer_to(host.at, &[&first, &[21, 3, 3, 0, 2, 1, 0]]).await;
    assert_ne!(back, b"", "the rid was right");
    assert!(host.nobody_came().await);
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = front.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut tcp, _) = front.accept().await.unwrap();
        tcp.read_exact(&mut [0; 100]).await.unwrap();
        tcp.write_all(&[21, 3, 3, 0, 2, 1, 0]).await.unwrap();
    });
    let error = dial(&grant(at), at, RID, &key(), Expected::Anyone, &Profile::default()).await.unwrap_err();
    assert!(matches!(error, SocketError::Interrupted(_) | SocketError::Misbehaved(_)), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn t8_a_flood_of_key_updates_ends_the_connection() {
    let (mut channel, mut raw) = against_library().await;
    for _ in 0..200 {
        raw.tls.refresh_traffic_keys().unwrap();
    }
    raw.push().await;
    let error = channel.read_frame(10).await.unwrap_err();
    assert!(matches!(error, SocketError::Misbehaved(_)), "{error}");
    assert!(matches!(channel.read_frame(10).await, Err(SocketError::Dead)));
}

#[tokio::test]
async fn a_key_update_now_and_then_is_fine_even_right_before_a_lane() {
    let (mut channel, mut raw) = against_library().await;
    raw.tls.refresh_traffic_keys().unwrap();
    raw.send(b"after").await;
    assert_eq!(channel.read_frame(10).await.unwrap().unwrap(), b"after");
    let mut lane = channel.into_blocking().unwrap();
    lane.write_all(&[0, 0, 0, 2, b'o', b'k']).unwrap();
    lane.flush().unwrap();
    assert_eq!(raw.frame().await.unwrap(), b"ok");
}

#[tokio::test]
async fn t9_a_frame_or_a_stream_that_is_cut_off_is_interrupted_never_ended() {
    for bytes in [&b""[..], &[0, 0], &[0, 0, 0, 9, 1, 2]] {
        let (near, mut far) = pair().await;
        let mut near = near.into_stream();
        near.write_all(bytes).await.unwrap();
        near.flush().await.unwrap();
        drop(near);
        let error = far.read_frame(100).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Interrupted, "{error}");
    }
    let (near, far) = pair().await;
    drop(near);
    let error = far.into_stream().read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_proper_end_within_a_frame_is_no_proper_end() {
    let (near, mut far) = pair().await;
    let mut near = near.into_stream();
    near.write_all(&[0, 0, 0, 9, 1]).await.unwrap();
    near.shutdown().await.unwrap();
    assert!(matches!(far.read_frame(100).await, Err(SocketError::Interrupted(_))));
}

#[tokio::test]
async fn a_peer_that_is_confused_about_who_is_who_gets_nothing_handed_over() {
    let (here, there, third) = (key(), key(), key());
    let host = Host::start(&there, Expected::Anyone);
    for (i_am, you_are) in [(third.peer_id(), there.peer_id()), (here.peer_id(), third.peer_id())] {
        let mut raw = Raw::dial(host.at, &Arc::new(client(ONLY_13, Some(&here))), &name()).await;
        raw.shake().await.unwrap();
        raw.frame().await.unwrap();
        raw.send(&say(i_am, you_are).unwrap()).await;
        assert!(!matches!(raw.pull().await, Ok(true)));
    }
    assert!(host.nobody_came().await);
}

/// A server of the library, TLS 1.2 only, that would go along with everything else.
async fn server_12(me: Arc<dyn Credential>) -> (SocketAddr, OnDrop) {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = crate::verifier::PeerVerifier::new(Arc::clone(&provider), Expected::Anyone, me.peer_id());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(ONLY_12)
        .unwrap()
        .with_client_cert_verifier(Arc::clone(&verifier) as _)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(me.certified_key())));
    config.alpn_protocols = vec![ALPN.into()];
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let at = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut raw = Raw { tcp, tls: ServerConnection::new(config).unwrap().into() };
        if raw.shake().await.is_ok() {
            raw.send(&say(me.peer_id(), verifier.accepted().unwrap()).unwrap()).await;
            let _ = raw.frame().await;
            while raw.pull().await.unwrap_or(false) {}
        }
    });
    (at, OnDrop(task.abort_handle()))
}

#[tokio::test]
async fn r3_14_a_server_that_cannot_do_tls_1_3_is_an_error_and_never_a_weaker_connection() {
    let (here, there) = (key(), key());
    let expected = Expected::Only(there.peer_id());
    let (at, _server) = server_12(Arc::clone(&there)).await;
    let error = dial(&grant(at), at, RID, &here, expected, &Profile::default()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Incompatible, "{error}");
    let (at, _server) = server_12(there).await;
    let profile = Profile { tls12: true, ..Profile::default() };
    let channel = dial(&grant(at), at, RID, &here, expected, &profile).await.unwrap().known().unwrap();
    assert_eq!(channel.negotiated().version, "TLS1.2");
    assert!(channel.verify(channel.requested()) && !channel.verify(hither_model::ProtectionLevel::Tls13));
    assert!(matches!(channel.into_blocking(), Err(SocketError::Incompatible(_))));
}

#[tokio::test]
async fn without_a_grant_for_the_address_no_packet_leaves() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let elsewhere = grant("127.0.0.1:44000".parse().unwrap());
    let error = dial(&elsewhere, at, RID, &key(), Expected::Anyone, &Profile::default()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    let over = grant(at);
    over.end();
    let error = dial(&over, at, RID, &key(), Expected::Anyone, &Profile::default()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    tokio::select! {
        biased;
        _ = listener.accept() => panic!("a connection was made"),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test]
async fn r3_6_a_silent_server_and_a_closed_port_are_told_apart() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = silent.local_addr().unwrap();
    let profile = Profile { handshake: Duration::from_millis(50), ..Profile::default() };
    let error = dial(&grant(at), at, RID, &key(), Expected::Anyone, &profile).await.unwrap_err();
    assert!(matches!(error, SocketError::TimedOut(Phase::Handshake)));
    assert_eq!((error.code(), error.status()), (ErrorCode::TimedOut, SocketErrorStatus::ConnectionTimedOut));
    drop(silent);
    let error = dial(&grant(at), at, RID, &key(), Expected::Anyone, &profile).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::Unreachable, SocketErrorStatus::ConnectionRefused));
}

#[tokio::test]
async fn r3_6_a_host_that_does_not_answer_at_all_is_given_up_in_time() {
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    full.listen(0).unwrap();
    let at = full.local_addr().unwrap().as_socket().unwrap();
    let profile = Profile { connect: Duration::from_millis(50), ..Profile::default() };
    let mut waiting = Vec::new();
    // Nobody accepts: after one or two callers the system answers no more.
    for _ in 0..8 {
        match tokio::time::timeout(Duration::from_millis(50), TcpStream::connect(at)).await {
            Ok(caller) => waiting.push(caller.unwrap()),
            Err(_) => break,
        }
    }
    let error = dial(&grant(at), at, RID, &key(), Expected::Anyone, &profile).await.unwrap_err();
    assert!(matches!(error, SocketError::TimedOut(Phase::Connect)), "{error}");
}

#[tokio::test]
async fn an_unexpected_rid_is_told_from_a_broken_connection() {
    let there = key();
    let host = Host::start(&there, Expected::Anyone);
    let wrong = Rid::new([1; 16]);
    let error = dial(&grant(host.at), host.at, wrong, &key(), Expected::Anyone, &Profile::default()).await.unwrap_err();
    assert!(matches!(error, SocketError::TurnedAway), "{error}");
    assert_eq!(error.code(), ErrorCode::Unreachable);
}

//! What may be set when, deadlines, names, capabilities, addresses.

use super::lab::{localhost, permission, socket};
use crate::{
    EndpointPair, HostName, Phase, ServerError, SocketProtectionLevel, StreamSocket, server::tests::Authority,
};
use hither_capability::{Capability, Gate, Manifest, Networks};
use hither_model::{ErrorCode, SocketErrorStatus};
use std::{net::TcpListener, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PLAIN: SocketProtectionLevel = SocketProtectionLevel::PlainSocket;

#[tokio::test]
async fn r3_10_settings_of_the_connection_end_when_it_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let service = listener.local_addr().unwrap().port().to_string();
    let mut socket = StreamSocket::new(permission());
    socket.control().options().set_keep_alive(true).unwrap();
    socket.control().set_serialize_attempts(true).unwrap();
    socket.connect(&localhost(), &service, PLAIN).await.unwrap();
    let control = socket.control();
    assert!(control.options().set_keep_alive(false).is_err() && control.options().set_no_delay(false).is_err());
    assert!(control.options().set_outbound_buffer(1).is_ok(), "it has no effect and is no error");
    assert!(control.set_serialize_attempts(false).is_err());
    assert!(control.set_proxies(crate::Proxies::Direct).is_err());
    control.set_minimum(hither_model::ProtectionLevel::Tls13).unwrap();
    let error = socket.connect(&localhost(), &service, PLAIN).await.unwrap_err();
    assert!(matches!(error, ServerError::IllegalCall(_)), "{error}");
}

#[tokio::test]
async fn r3_6_a_server_that_takes_the_call_and_stays_silent_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let service = listener.local_addr().unwrap().port().to_string();
    let mut socket = socket(&Authority::new("root").pem());
    assert_eq!(
        (socket.control().connect, socket.control().handshake),
        (Duration::from_secs(10), Duration::from_secs(10))
    );
    socket.control().set_deadlines(Duration::from_secs(10), Duration::from_millis(50)).unwrap();
    let error = socket.connect(&localhost(), &service, SocketProtectionLevel::Tls13).await.unwrap_err();
    assert!(matches!(error, ServerError::TimedOut(Phase::Handshake)), "{error}");
    assert_eq!(error.status(), SocketErrorStatus::ConnectionTimedOut);
}

#[tokio::test]
async fn r3_8_everything_written_arrives_before_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let service = listener.local_addr().unwrap().port().to_string();
    let reader = std::thread::spawn(move || {
        let mut heard = Vec::new();
        std::io::Read::read_to_end(&mut listener.accept().unwrap().0, &mut heard).map(|_| heard.len())
    });
    let mut socket = StreamSocket::new(permission());
    socket.connect(&localhost(), &service, PLAIN).await.unwrap();
    socket.write_all(&vec![7; 1 << 20]).await.unwrap();
    socket.close().await.unwrap();
    assert_eq!(reader.join().unwrap().unwrap(), 1 << 20);
}

#[tokio::test]
async fn r3_3_a_pair_may_say_where_the_connection_comes_from() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let here = HostName::new("127.0.0.1").unwrap();
    let pair = EndpointPair::new(Some(HostName::new("127.0.0.3").unwrap()), "", here.clone(), &port).unwrap();
    let mut socket = StreamSocket::new(permission());
    // R3.3: a local host rules every proxy out, also one that is nowhere.
    socket.control().set_proxies(crate::Proxies::Only(crate::Proxy::parse("http://127.0.0.1:1").unwrap())).unwrap();
    socket.connect_pair(&pair, PLAIN).await.unwrap();
    assert_eq!(socket.information().local_address.unwrap().ip().to_string(), "127.0.0.3");
    let low = EndpointPair::new(None, "443", here, &port).unwrap();
    let error = StreamSocket::new(permission()).connect_pair(&low, PLAIN).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied, "{error}");
}

#[tokio::test]
async fn r1_1_a_forbidden_address_is_denied_before_a_packet_leaves() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let service = listener.local_addr().unwrap().port().to_string();
    let manifest = || Manifest::parse(r#"capabilities = ["internetClient"]"#).unwrap();
    let closed = Gate::new(manifest(), Default::default(), false).reach(Networks::public()).unwrap();
    let error = StreamSocket::new(closed).connect(&localhost(), &service, PLAIN).await.unwrap_err();
    assert!(matches!(error, ServerError::Denied(_)), "{error}");
    assert!(listener.accept().is_err(), "nobody called");
    let metadata =
        StreamSocket::new(permission()).connect(&HostName::new("169.254.169.254").unwrap(), "80", PLAIN).await;
    assert!(matches!(metadata, Err(ServerError::Denied(_))));
}

#[tokio::test]
async fn r1_17_a_revoked_capability_ends_an_open_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let service = listener.local_addr().unwrap().port().to_string();
    let manifest = Manifest::parse(r#"capabilities = ["internetClient"]"#).unwrap();
    let mut gate = Gate::new(manifest, Default::default(), true);
    let mut socket = StreamSocket::new(gate.reach(Networks::public()).unwrap());
    socket.connect(&localhost(), &service, PLAIN).await.unwrap();
    socket.write_all(b"x").await.unwrap();
    gate.revoke(Capability::InternetClient);
    assert_eq!(socket.write_all(b"x").await.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    assert!(socket.read_u8().await.is_err());
}

#[tokio::test]
async fn r7_4_a_refused_connection_says_so() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let error = StreamSocket::new(permission()).connect(&localhost(), &port, PLAIN).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (SocketErrorStatus::ConnectionRefused, ErrorCode::Unreachable));
}

#[tokio::test]
async fn r7_6_wrong_calls_have_the_numbers_that_are_known_elsewhere() {
    let mut socket = StreamSocket::new(permission());
    let number = |error: ServerError| (error.hresult(), error.status());
    let argument = socket.connect(&localhost(), "", PLAIN).await.unwrap_err();
    assert_eq!(number(argument), (0x8007_0057, SocketErrorStatus::Unknown));
    let call = socket.upgrade(SocketProtectionLevel::Tls13, &localhost()).await.unwrap_err();
    assert_eq!(number(call), (0x8000_000E, SocketErrorStatus::Unknown));
    assert_eq!(number(ServerError::Closed).0, 0x8000_0013);
    let denied = socket.connect(&HostName::new("169.254.169.254").unwrap(), "80", PLAIN).await.unwrap_err();
    assert_eq!(number(denied).0, 0x8007_0005);
    let aborted = crate::ws::WebSocketError::Aborted(std::io::ErrorKind::ConnectionReset.into());
    assert_eq!((aborted.hresult(), crate::ws::WebSocketError::TimedOut.hresult()), (0x8007_2EFE, 0x8007_2EE2));
}

//! Levels: asked, negotiated, compared.

use super::lab::{Manner, Server, TLS12, TLS13, localhost, socket};
use crate::{ServerError, SocketProtectionLevel, server::tests::Authority};
use hither_model::{ErrorCode, ProtectionLevel};
use rustls::version;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn r3_12_and_r3_13_what_was_asked_and_what_is_in_use_are_both_told() {
    let root = Authority::new("root");
    let server = Server::start(root.server("localhost", |_| {}), Manner::default());
    let mut socket = socket(&root.pem());
    assert!(socket.information().requested.is_none() && !socket.information().verify(ProtectionLevel::Plain));
    socket.connect(&localhost(), &server.service(), TLS12).await.unwrap();
    let known = socket.information().clone();
    let negotiated = known.negotiated.clone().unwrap();
    assert_eq!((known.requested, negotiated.version.as_str()), (Some(ProtectionLevel::Tls12), "TLS1.3"));
    assert!(known.verify(ProtectionLevel::Tls13));
    // R3.12: what was asked for is kept, where it went is known.
    assert_eq!(known.remote_host_name, Some(localhost()));
    assert_eq!(known.remote_service_name, server.service());
    assert!(known.remote_address.unwrap().ip().is_loopback() && known.local_address.is_some());
    assert!(socket.statistics().smoothed > 0, "{:?}", socket.statistics());
    socket.write_all(b"hello").await.unwrap();
    socket.shutdown().await.unwrap();
    let mut heard = String::new();
    socket.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "hello");
    assert_eq!(server.met.recv().unwrap().unwrap(), 0);
}

#[tokio::test]
async fn r3_14_a_server_below_the_floor_is_an_error_and_never_plain() {
    let root = Authority::new("root");
    let old = Manner { only: Some(&version::TLS12), ..Manner::default() };
    let server = Server::start(root.server("localhost", |_| {}), old);
    let error = socket(&root.pem()).connect(&localhost(), &server.service(), TLS13).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Incompatible, "{error}");
    let mut floor = socket(&root.pem());
    floor.control().set_minimum(ProtectionLevel::Tls13).unwrap();
    assert!(floor.connect(&localhost(), &server.service(), TLS12).await.is_err());
    assert_eq!(floor.information().requested, Some(ProtectionLevel::Tls13));
    assert!(floor.write_all(b"x").await.is_err(), "the socket is not connected");
    let mut fitting = socket(&root.pem());
    fitting.connect(&localhost(), &server.service(), TLS12).await.unwrap();
    let negotiated = fitting.information().negotiated.clone().unwrap();
    assert!(negotiated.version == "TLS1.2" && negotiated.cipher.starts_with("TLS_ECDHE_"), "{negotiated:?}");
    assert!(!fitting.information().verify(ProtectionLevel::Tls13));
}

#[tokio::test]
async fn r3_15_weak_levels_are_refused_before_a_packet_leaves() {
    let mut socket = socket(&Authority::new("root").pem());
    for level in SocketProtectionLevel::ALL.iter().filter(|level| level.floor().is_err()) {
        // Nobody listens there: an attempt would be refused and not named.
        let error = socket.connect(&localhost(), "1", *level).await.unwrap_err();
        assert!(matches!(error, ServerError::LevelRefused(refused) if refused == *level), "{error}");
    }
}

#[test]
fn r3_15_and_r7_9_only_suites_that_encrypt_and_forget_are_offered() {
    for floor in [ProtectionLevel::Tls12, ProtectionLevel::Tls13] {
        let provider = crate::server::provider(floor);
        let names: Vec<_> = provider.cipher_suites.iter().map(|s| format!("{:?}", s.suite())).collect();
        assert_eq!(names.len(), if floor == ProtectionLevel::Tls13 { 3 } else { 9 });
        assert!(names.iter().all(|n| n.starts_with("TLS13_") || n.starts_with("TLS_ECDHE_")), "{names:?}");
        assert!(!names.iter().any(|n| n.contains("NULL") || n.contains("CBC") || n.contains("RC4")), "{names:?}");
        let groups: Vec<_> = provider.kx_groups.iter().map(|g| format!("{:?}", g.name())).collect();
        assert_eq!(groups, ["X25519MLKEM768", "X25519", "secp256r1", "secp384r1"]);
    }
}

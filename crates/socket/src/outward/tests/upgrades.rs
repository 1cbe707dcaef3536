//! Upgrades of a connection in the clear, and what must not get through them.

use super::lab::{Manner, Server, TLS13, localhost, permission, socket};
use crate::{ChainValidationResult as Found, HostName, ServerError, SocketProtectionLevel, server::tests::Authority};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PLAIN: SocketProtectionLevel = SocketProtectionLevel::PlainSocket;

/// Says STARTTLS and reads the answer up to its line end.
async fn ask(socket: &mut crate::StreamSocket, server: &Server) {
    socket.connect(&localhost(), &server.service(), PLAIN).await.unwrap();
    socket.write_all(b"STARTTLS\r\n").await.unwrap();
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.push(socket.read_u8().await.unwrap());
    }
    assert_eq!(line, b"220 go\r\n");
}

fn polite() -> Manner {
    Manner { preface: Some(b"220 go\r\n"), ..Manner::default() }
}

#[tokio::test]
async fn r3_25_an_upgrade_checks_its_own_name_and_not_the_one_connected_to() {
    let root = Authority::new("root");
    let server = Server::start(root.server("mail.test", |_| {}), polite());
    let mut socket = socket(&root.pem());
    ask(&mut socket, &server).await;
    socket.control().set_alpn(&[]).unwrap();
    socket.upgrade(TLS13, &HostName::new("mail.test").unwrap()).await.unwrap();
    assert_eq!(socket.information().negotiated.as_ref().unwrap().version, "TLS1.3");
    socket.write_all(b"x").await.unwrap();
    assert_eq!(socket.read_u8().await.unwrap(), b'x');
    assert!(matches!(socket.upgrade(TLS13, &localhost()).await, Err(ServerError::IllegalCall(_))), "it is upgraded");
    assert!(socket.control().set_alpn(&[]).is_err());

    let mut other = super::lab::socket(&root.pem());
    ask(&mut other, &server).await;
    let error = other.upgrade(TLS13, &localhost()).await.unwrap_err();
    assert!(matches!(&error, ServerError::Certificate(shown) if shown.errors == [Found::InvalidName]), "{error}");
}

#[tokio::test]
async fn r3_26_bytes_put_before_the_upgrade_are_refused() {
    let root = Authority::new("root");
    let manner = Manner { preface: Some(b"220 go\r\n250 injected\r\n"), ..Manner::default() };
    let server = Server::start(root.server("localhost", |_| {}), manner);
    let mut socket = socket(&root.pem());
    ask(&mut socket, &server).await;
    let error = socket.upgrade(TLS13, &localhost()).await.unwrap_err();
    assert!(matches!(error, ServerError::Injected), "{error}");
    assert!(socket.write_all(b"x").await.is_err());
}

#[tokio::test]
async fn r3_27_a_failed_upgrade_closes_the_socket() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let server = Server::start(root.server("localhost", |_| {}), polite());
    let mut socket = socket(&other.pem());
    ask(&mut socket, &server).await;
    assert!(socket.upgrade(TLS13, &localhost()).await.is_err());
    assert!(socket.information().server_certificate.is_some());
    let write = socket.write_all(b"in the clear").await.unwrap_err();
    assert!(matches!(ServerError::from(write), ServerError::Closed));
    assert!(matches!(socket.connect(&localhost(), "1", PLAIN).await, Err(ServerError::Closed)));
}

#[tokio::test]
async fn r3_25_only_a_plain_connection_is_upgraded_and_only_to_protection() {
    let mut socket = crate::StreamSocket::new(permission());
    assert!(matches!(socket.upgrade(TLS13, &localhost()).await, Err(ServerError::IllegalCall(_))));
    let root = Authority::new("root");
    let server = Server::start(root.server("localhost", |_| {}), polite());
    ask(&mut socket, &server).await;
    assert!(matches!(socket.upgrade(PLAIN, &localhost()).await, Err(ServerError::Argument(_))));
    assert!(matches!(
        socket.upgrade(SocketProtectionLevel::Tls10, &localhost()).await,
        Err(ServerError::LevelRefused(_))
    ));
    socket.write_all(b"still plain").await.unwrap();
}

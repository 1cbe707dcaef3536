//! STARTTLS with a mail server of others: dovecot, which knows it from IMAP (RFC 9051 section 6.2.1).

use crate::lab::{Lab, Program, free_port, have, localhost};
use hither_model::SocketErrorStatus;
use hither_socket::{HostName, ServerError, SocketProtectionLevel as Level, StreamSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// dovecot with this server's certificate; it gives up root, so its files are open.
fn dovecot(lab: &Lab) -> (Program, u16) {
    let (port, dir) = (free_port(), lab.at("mail").display().to_string());
    lab.sh("mkdir -m 755 mail");
    let config = format!(
        "base_dir = {dir}/run\nstate_dir = {dir}/state\nlog_path = {dir}/log\nprotocols = imap\nlisten = 127.0.0.1\n\
         ssl = required\nssl_cert = <{server}.pem\nssl_key = <{server}.key\n\
         service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {port}\n  }}\n  inet_listener imaps {{\n    port = 0\n  }}\n}}\n\
         passdb {{\n  driver = static\n  args = password=hunter2\n}}\n\
         userdb {{\n  driver = static\n  args = uid=1000 gid=1000 home={dir}/home\n}}\n",
        server = lab.at("server").display()
    );
    let config = lab.write("dovecot.conf", &config).display().to_string();
    (lab.start(port, "dovecot", &["-F", "-c", &config]), port)
}

/// Reads until a line begins with `with`.
async fn line(socket: &mut StreamSocket, with: &str) -> String {
    let (mut line, mut byte) = (String::new(), [0]);
    while !(line.ends_with("\r\n") && line.starts_with(with)) {
        if line.ends_with("\r\n") {
            line.clear();
        }
        assert_eq!(socket.read(&mut byte).await.expect("a byte"), 1, "it ended: {line}");
        line.push(char::from(byte[0]));
    }
    line
}

/// Up to the moment before TLS.
async fn plain(lab: &Lab, port: u16) -> StreamSocket {
    let mut socket = lab.socket();
    socket.connect(&localhost(), &port.to_string(), Level::PlainSocket).await.expect("a connection in the clear");
    let greeting = line(&mut socket, "* OK").await;
    assert!(greeting.contains("STARTTLS"), "{greeting}");
    socket.write_all(b"a STARTTLS\r\n").await.expect("it takes it");
    assert!(line(&mut socket, "a ").await.contains("OK"));
    socket
}

#[tokio::test]
async fn r3_25_dovecot_is_met_in_the_clear_and_upgraded_to_the_level_asked_for() {
    if !have(&["openssl", "dovecot"]) {
        return;
    }
    let lab = Lab::new();
    let (_dovecot, port) = dovecot(&lab);
    let mut socket = plain(&lab, port).await;
    socket.upgrade(Level::Tls13, &localhost()).await.expect("protection");
    assert_eq!(socket.information().negotiated.as_ref().expect("TLS").version, "TLS1.3");
    socket.write_all(b"b CAPABILITY\r\n").await.expect("it takes it");
    let capability = line(&mut socket, "* CAPABILITY").await;
    assert!(capability.contains("AUTH=PLAIN") && !capability.contains("STARTTLS"), "it is protected: {capability}");
    // R3.25 and R3.27: the name that is checked is the one given for it, and there is no way back to the clear.
    let mut socket = plain(&lab, port).await;
    let elsewhere = HostName::new("elsewhere.test").expect("a name");
    let error = socket.upgrade(Level::Tls12, &elsewhere).await.expect_err("it is for localhost");
    assert!(matches!(error, ServerError::Certificate(_)), "{error}");
    assert_eq!(error.status(), SocketErrorStatus::CertificateCommonNameIsIncorrect);
    assert!(socket.write_all(b"b CAPABILITY\r\n").await.is_err(), "it is closed");
}

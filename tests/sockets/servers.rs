//! TLS servers of others: which versions they have, whether they ask for a certificate, how they misbehave.

use crate::lab::{Lab, free_port, have, localhost, permission};
use hither_identity::Credential;
use hither_model::{CertificateFacts, CertificateSource, ErrorCode, PeerId, ProtectionLevel, SocketErrorStatus};
use hither_socket::{
    ChainValidationResult as Found, Phase, Roots, ServerError, SocketProtectionLevel as Level, StreamSocket,
};
use std::{net::TcpListener, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Asks a web server for its page, which says hello.
async fn hello(socket: &mut StreamSocket) -> Result<String, std::io::Error> {
    socket.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
    let mut page = Vec::new();
    let mut bytes = [0; 4096];
    while !String::from_utf8_lossy(&page).contains("hello") {
        match socket.read(&mut bytes).await? {
            0 => break,
            count => page.extend_from_slice(&bytes[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}

const PAGE: &str = "location / { return 200 \"hello\\n\"; }";

#[tokio::test]
async fn r3_13_nginx_is_met_at_the_level_it_has() {
    if !have(&["openssl", "nginx"]) {
        return;
    }
    for (only, asked, version) in [
        ("TLSv1.2", Level::Tls12, Some("TLS1.2")),
        ("TLSv1.2", Level::Tls13, None),
        ("TLSv1.3", Level::Tls13, Some("TLS1.3")),
        ("TLSv1.3", Level::Ssl, Some("TLS1.3")),
    ] {
        let lab = Lab::new();
        let (_nginx, port) = lab.nginx(&format!("ssl_protocols {only}; {PAGE}"));
        let mut socket = lab.socket();
        let outcome = socket.connect(&localhost(), &port.to_string(), asked).await;
        match version {
            Some(version) => {
                outcome.unwrap_or_else(|e| panic!("{only} {asked}: {e}"));
                assert_eq!(socket.information().negotiated.as_ref().expect("TLS").version, version);
                assert_eq!(socket.information().requested, asked.floor().ok());
                assert!(hello(&mut socket).await.expect("a page").contains("hello"));
                assert!(socket.statistics().smoothed > 0);
            }
            None => {
                // R3.14: no fallback, to an older version or to the clear.
                assert_eq!(outcome.expect_err("it is too old").code(), ErrorCode::Incompatible);
                assert!(!socket.information().verify(ProtectionLevel::Tls12));
            }
        }
    }
}

/// A certificate from files, as a program would bring it.
struct Shown(std::sync::Arc<rustls::sign::CertifiedKey>, CertificateFacts);

impl Credential for Shown {
    fn peer_id(&self) -> PeerId {
        self.1.spki_sha256
    }

    fn certified_key(&self) -> std::sync::Arc<rustls::sign::CertifiedKey> {
        self.0.clone()
    }

    fn facts(&self) -> CertificateFacts {
        self.1.clone()
    }
}

/// The client's certificate of the lab.
pub(crate) fn client_certificate(lab: &Lab) -> std::sync::Arc<dyn Credential> {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let leaf = CertificateDer::from_pem_slice(&lab.read("client.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(&lab.read("client.key")).expect("a key");
    let facts = hither_identity::certificate::facts(&leaf, CertificateSource::Ca).expect("facts");
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).expect("a key for signing");
    std::sync::Arc::new(Shown(std::sync::Arc::new(rustls::sign::CertifiedKey::new(vec![leaf], key)), facts))
}

#[tokio::test]
async fn r3_19_nginx_that_asks_gets_the_certificate_and_turns_strangers_away() {
    if !have(&["openssl", "nginx"]) {
        return;
    }
    let lab = Lab::new();
    let ca = lab.at("ca.pem");
    let page = "location / { return 200 \"hello $ssl_client_s_dn\\n\"; }";
    let asks = format!("ssl_client_certificate {}; ssl_verify_client on; {page}", ca.display());
    let (_nginx, port) = lab.nginx(&asks);
    let mut known = lab.socket();
    known.control().set_client_certificate(Some(client_certificate(&lab)), &permission()).expect("it is a file's");
    known.connect(&localhost(), &port.to_string(), Level::Tls12).await.expect("a connection");
    assert!(hello(&mut known).await.expect("a page").contains("hello CN=ana"));
    let mut stranger = lab.socket();
    stranger.connect(&localhost(), &port.to_string(), Level::Tls12).await.expect("nginx refuses in HTTP");
    assert!(hello(&mut stranger).await.expect("a page").contains("400 No required SSL certificate"));
}

#[tokio::test]
async fn r3_16_openssl_with_a_wrong_name_or_nobody_behind_it_is_explained() {
    if !have(&["openssl"]) {
        return;
    }
    let lab = Lab::new();
    for (shown, errors) in [("other", vec![Found::InvalidName]), ("own", vec![Found::Untrusted])] {
        let port = free_port();
        let (cert, key) = (format!("{shown}.pem"), format!("{shown}.key"));
        let accept = format!("127.0.0.1:{port}");
        let args = ["s_server", "-quiet", "-accept", &accept, "-cert", &cert, "-key", &key];
        let _server = lab.start(port, "openssl", &args);
        let mut socket = lab.socket();
        let error = socket.connect(&localhost(), &port.to_string(), Level::Tls12).await.expect_err(shown);
        assert!(matches!(error, ServerError::Certificate(_)), "{error}");
        assert_eq!(socket.information().server_certificate.as_ref().expect("it was shown").errors, errors);
        // R3.17: exactly these, once.
        socket.control().set_ignorable_errors(&errors).expect("they may be ignored");
        socket.connect(&localhost(), &port.to_string(), Level::Tls12).await.expect("the person said yes");
    }
    let port = free_port();
    let accept = format!("127.0.0.1:{port}");
    let args = ["s_server", "-quiet", "-accept", &accept, "-cert", "own.pem", "-key", "own.key"];
    let _server = lab.start(port, "openssl", &args);
    let mut named = lab.socket_trusting("own.pem");
    named.connect(&localhost(), &port.to_string(), Level::Tls13).await.expect("the person named this certificate");
}

#[tokio::test]
async fn r3_15_openssl_with_weak_suites_or_old_versions_finds_no_common_ground() {
    if !have(&["openssl"]) {
        return;
    }
    let lab = Lab::new();
    for odd in [
        &["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"][..],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"],
        &["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"],
    ] {
        let port = free_port();
        let accept = format!("127.0.0.1:{port}");
        let args = [&["s_server", "-quiet", "-accept", &accept, "-cert", "server.pem", "-key", "server.key"][..], odd];
        let _server = lab.start(port, "openssl", &args.concat());
        let error = lab.socket().connect(&localhost(), &port.to_string(), Level::Tls12).await.expect_err("it is weak");
        assert_eq!(error.code(), ErrorCode::Incompatible, "{odd:?}: {error}");
    }
}

#[tokio::test]
async fn r3_19_openssl_that_does_not_ask_is_shown_no_certificate() {
    if !have(&["openssl"]) {
        return;
    }
    let lab = Lab::new();
    let port = free_port();
    let accept = format!("127.0.0.1:{port}");
    // It sends each line back, reversed.
    let args = ["s_server", "-accept", &accept, "-cert", "server.pem", "-key", "server.key", "-rev"];
    let _server = lab.start(port, "openssl", &args);
    let mut socket = lab.socket();
    socket.control().set_client_certificate(Some(client_certificate(&lab)), &permission()).expect("it is a file's");
    socket.connect(&localhost(), &port.to_string(), Level::Tls13).await.expect("a connection");
    socket.write_all(b"abc\n").await.expect("it takes a line");
    let mut line = [0; 4];
    socket.read_exact(&mut line).await.expect("it answers");
    assert_eq!(&line, b"cba\n");
    assert!(!String::from_utf8_lossy(&lab.read("log")).contains("CN = ana"));
    socket.close().await.expect("an end in order");
}

#[tokio::test]
async fn r3_6_a_silent_server_and_one_that_hangs_up_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let service = listener.local_addr().expect("an address").port().to_string();
    let mut socket = StreamSocket::new(permission());
    socket.control().set_deadlines(Duration::from_secs(10), Duration::from_millis(100)).expect("fresh");
    let error = socket.connect(&localhost(), &service, Level::Tls13).await.expect_err("it is silent");
    assert!(matches!(error, ServerError::TimedOut(Phase::Handshake)), "{error}");
    drop(listener);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let service = listener.local_addr().expect("an address").port().to_string();
    let hanging_up = std::thread::spawn(move || listener.accept().map(drop));
    let error = StreamSocket::new(permission()).connect(&localhost(), &service, Level::Tls13).await;
    let error = error.expect_err("it hangs up");
    assert_eq!((error.status(), error.code()), (SocketErrorStatus::ConnectionResetByPeer, ErrorCode::Interrupted));
    hanging_up.join().expect("a thread").expect("a call");
}

/// Lists of what the authority of the lab revoked: nothing (`none.crl`), the server's certificate (`server.crl`), nothing any more
/// (`old.crl`); and one of another authority (`other.crl`).
pub(crate) fn lists(lab: &Lab) {
    lab.sh("printf '[ca]\\ndefault_ca=c\\n[c]\\ndatabase=index\\ndefault_md=sha256\\ndefault_crl_days=7\\ncrlnumber=number\\ncrl_extensions=e\\n[e]\\nauthorityKeyIdentifier=keyid:always\\n' >ca.conf
         echo 01 >number
         : >index
         list() { openssl ca -config ca.conf -gencrl \"$@\"; }
         list -cert ca.pem -keyfile ca.key -out none.crl
         list -cert own.pem -keyfile own.key -out other.crl
         list -cert ca.pem -keyfile ca.key -out old.crl -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z
         openssl ca -config ca.conf -cert ca.pem -keyfile ca.key -revoke server.pem
         list -cert ca.pem -keyfile ca.key -out server.crl
         openssl crl -in server.crl -outform DER -out server.der");
}

#[tokio::test]
async fn r3_16_a_certificate_on_a_list_of_its_authority_is_revoked() {
    if !have(&["openssl", "nginx"]) {
        return;
    }
    let lab = Lab::new();
    lists(&lab);
    let (_nginx, port) = lab.nginx(PAGE);
    for (list, found) in [
        ("none.crl", None),
        ("server.crl", Some(Found::Revoked)),
        ("server.der", Some(Found::Revoked)),
        ("other.crl", Some(Found::RevocationInformationMissing)),
        ("old.crl", Some(Found::RevocationFailure)),
    ] {
        let mut socket = lab.socket();
        let roots = Roots::exclusive(&lab.read("ca.pem")).expect("authorities");
        let roots = roots.revoking(&lab.read(list)).expect("a list");
        socket.control().set_roots(roots).expect("it is not connected");
        let outcome = socket.connect(&localhost(), &port.to_string(), Level::Tls12).await;
        let Some(found) = found else {
            outcome.expect("it was not revoked");
            assert!(hello(&mut socket).await.expect("a page").contains("hello"));
            continue;
        };
        let Err(ServerError::Certificate(shown)) = outcome else { panic!("{list}: {outcome:?}") };
        assert_eq!(shown.errors, [found], "{list}");
        assert_eq!(shown.severity(), hither_socket::SocketSslErrorSeverity::Fatal, "{list}");
        assert!(socket.control().set_ignorable_errors(&shown.errors).is_err(), "nobody can wave that through");
    }
    assert!(Roots::system().revoking(b"nothing").is_err());
}

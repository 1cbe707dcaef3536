//! Callers and answerers that misbehave: SECURITY section 4, cases T, and R3.14, R3.20.

use super::*;
use crate::{
    ALPN, Phase,
    ready::{hear, say},
};
use hither_model::{ErrorCode, SocketErrorStatus};
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, Error as Tls, HandshakeKind, ServerConfig,
    ServerConnection, SignatureScheme, SupportedProtocolVersion,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
    sign::SingleCertAndKey,
    version,
};
use std::{
    io::{Read, Write},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Believes every certificate: only adversaries do.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Tls> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

const ONLY_12: &[&SupportedProtocolVersion] = &[&version::TLS12];
const ONLY_13: &[&SupportedProtocolVersion] = &[&version::TLS13];

/// A client of the TLS library without our rules.
fn client(versions: &[&'static SupportedProtocolVersion], me: Option<&Arc<dyn Credential>>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Gullible));
    let mut config = match me {
        Some(me) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(me.certified_key()))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.into()];
    config
}

/// A TLS connection of the library over TCP, driven by hand.
pub(super) struct Raw {
    tcp: TcpStream,
    pub(super) tls: Connection,
}

impl Raw {
    async fn dial(at: SocketAddr, config: &Arc<ClientConfig>, name: &str) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let tls = ClientConnection::new(Arc::clone(config), name).unwrap();
        Self { tcp: TcpStream::connect(at).await.unwrap(), tls: tls.into() }
    }

    pub(super) async fn push(&mut self) {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes).unwrap();
        }
        // The other end may have hung up, which is what some of the tests are about.
        let _ = self.tcp.write_all(&bytes).await;
    }

    /// False at the end of the connection.
    async fn pull(&mut self) -> Result<bool, Tls> {
        let mut bytes = [0; 4096];
        let count = self.tcp.read(&mut bytes).await.unwrap_or(0);
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            self.tls.read_tls(&mut rest).unwrap();
            self.tls.process_new_packets()?;
        }
        Ok(count > 0)
    }

    async fn shake(&mut self) -> Result<(), Tls> {
        self.push().await;
        while self.tls.is_handshaking() {
            let pulled = self.pull().await;
            self.push().await; // the alert too
            if !pulled? {
                return Err(Tls::HandshakeNotComplete);
            }
        }
        Ok(())
    }

    async fn frame(&mut self) -> Result<Vec<u8>, Tls> {
        let mut bytes = Vec::new();
        loop {
            let mut piece = [0; 1024];
            match self.tls.reader().read(&mut piece) {
                Ok(count) => bytes.extend_from_slice(&piece[..count]),
                Err(_) if !self.pull().await? => return Err(Tls::HandshakeNotComplete),
                Err(_) => {}
            }
            if bytes.len() > 4 && bytes.len() == 4 + u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize {
                return Ok(bytes.split_off(4));
            }
        }
    }

    async fn send(&mut self, frame: &[u8]) {
        self.tls.writer().write_all(&(frame.len() as u32).to_be_bytes()).unwrap();
        self.tls.writer().write_all(frame).unwrap();
        self.push().await;
    }
}

fn name() -> String {
    format!("{RID}.hither.invalid")
}

/// One of our channels (the listening end) against the bare library.
pub(super) async fn against_library() -> (Channel<Proven>, Raw) {
    let (here, there) = (key(), key());
    let mut host = Host::start(&there, Expected::Only(here.peer_id()));
    let mut raw = Raw::dial(host.at, &Arc::new(client(ONLY_13, Some(&here))), &name()).await;
    raw.shake().await.unwrap();
    hear(&raw.frame().await.unwrap(), here.peer_id(), there.peer_id()).unwrap();
    raw.send(&say(here.peer_id(), there.peer_id()).unwrap()).await;
    (host.arrival().await.known().unwrap(), raw)
}

/// Sends bytes as they are and returns everything that comes back until the connection ends.
async fn answer_to(at: SocketAddr, pieces: &[&[u8]]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(at).await.unwrap();
    for piece in pieces {
        tcp.write_all(piece).await.unwrap();
    }
    let mut back = Vec::new();
    let _ = tcp.read_to_end(&mut back).await;
    back
}

/// The first flight of a client.
fn hello(config: ClientConfig, name: &str) -> Vec<u8> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut bytes).unwrap();
    }
    bytes
}

#[tokio::test]
async fn t16_a_prober_without_the_rid_gets_no_byte_and_no_signature() {
    let me = Forged::of(key().as_ref(), key().as_ref());
    let credential: Arc<dyn Credential> = me.clone();
    let host = Host::start(&credential, Expected::Anyone);
    let other = format!("{}.hither.invalid", Rid::new([0x5a; 16]));
    let longer = format!("x.{}", name());
    for sni in ["example.com", "127.0.0.1", "hither.invalid", &other, &longer] {
        assert_eq!(answer_to(host.at, &[&hello(client(ONLY_13, None), sni)]).await, b"", "{sni}");
        assert_eq!(answer_to(host.at, &[&hello(client(ONLY_12, None), sni)]).await, b"", "{sni}, TLS 1.2");
    }
    for noise in
        [&b"GET / HTTP/1.0\r\n\r\n"[..], &[0x80, 0x2e, 1, 0, 2], &[22, 3, 1, 0xff, 0xff], &[21, 3, 3, 0, 2, 1, 0]]
    {
        assert_eq!(answer_to(host.at, &[noise]).await, b"");
    }
    assert_eq!(me.asked(), 0, "the certificate was touched");
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn t1_an_outdated_or_foreign_program_with_the_rid_gets_an_alert_and_nothing_else() {
    let me = Forged::of(key().as_ref(), key().as_ref());
    let credential: Arc<dyn Credential> = me.clone();
    let host = Host::start(&credential, Expected::Anyone);
    let with_alpn = |protocols: &[&[u8]]| {
        let mut config = client(ONLY_13, None);
        config.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
        hello(config, &name())
    };
    let no_protocol = [21, 3, 3, 0, 2, 2, 120];
    assert_eq!(answer_to(host.at, &[&with_alpn(&[])]).await, no_protocol);
    assert_eq!(answer_to(host.at, &[&with_alpn(&[b"h2", b"hither/2"])]).await, no_protocol);
    assert_eq!(me.asked(), 0);
    let old = answer_to(host.at, &[&hello(client(ONLY_12, None), &name())]).await;
    assert_eq!((old.len(), old[0], old[6]), (7, 21, 70), "protocol_version");
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn t2_a_stolen_certificate_without_its_key_is_refused_in_both_roles() {
    let (victim, thief, honest) = (key(), key(), key());
    let forged: Arc<dyn Credential> = Forged::of(victim.as_ref(), thief.as_ref());
    let host = Host::start(&honest, Expected::Only(victim.peer_id()));
    let error = host.call(&forged, Expected::Only(honest.peer_id())).await.unwrap_err();
    assert!(matches!(error, SocketError::RefusedByPeer(_)), "{error}");
    assert!(host.nobody_came().await);
    let host = Host::start(&forged, Expected::Only(honest.peer_id()));
    let error = host.call(&honest, Expected::Only(victim.peer_id())).await.unwrap_err();
    assert_eq!(
        (error.code(), error.status()),
        (ErrorCode::CertificateRefused, SocketErrorStatus::CertificateIsInvalid)
    );
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn t3_a_caller_without_a_certificate_is_refused_with_the_reason() {
    let there = key();
    let host = Host::start(&there, Expected::Anyone);
    let mut raw = Raw::dial(host.at, &Arc::new(client(ONLY_13, None)), &name()).await;
    raw.shake().await.unwrap(); // as far as a TLS 1.3 client can tell, all is well
    let refusal = raw.frame().await.unwrap_err();
    assert_eq!(refusal, Tls::AlertReceived(rustls::AlertDescription::CertificateRequired));
    assert_eq!(crate::status::of_tls(&refusal), SocketErrorStatus::CertificateUntrustedRoot);
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn r3_20_a_dialler_with_another_key_is_told_that_it_is_not_expected() {
    let (here, there, other) = (key(), key(), key());
    let host = Host::start(&there, Expected::Only(other.peer_id()));
    let error = host.call(&here, Expected::Only(there.peer_id())).await.unwrap_err();
    assert_eq!(
        (error.code(), error.status()),
        (ErrorCode::CertificateRefused, SocketErrorStatus::CertificateUntrustedRoot)
    );
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn t14_a_changed_key_is_told_with_both_keys() {
    let (here, there, before) = (key(), key(), key());
    let host = Host::start(&there, Expected::Anyone);
    match host.call(&here, Expected::Only(before.peer_id())).await.unwrap_err() {
        SocketError::IdentityChanged { expected, shown } => {
            assert_eq!((expected, shown), (before.peer_id(), there.peer_id()));
        }
        other => panic!("{other}"),
    }
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn t15_nobody_connects_to_themselves() {
    let me = key();
    let host = Host::start(&me, Expected::Anyone);
    assert!(matches!(host.call(&me, Expected::Only(me.peer_id())).await, Err(SocketError::SelfDial)));
    assert!(matches!(host.call(&me, Expected::Anyone).await, Err(SocketError::SelfDial)));
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn r3_20_a_recorded_handshake_cannot_be_replayed() {
    let (here, there) = (key(), key());
    let mut host = Host::start(&there, Expected::Only(here.peer_id()));
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, behind) = (front.local_addr().unwrap(), host.at);
    let recorder = tokio::spawn(async move {
        let (mut caller, _) = front.accept().await.unwrap();
        let mut server = TcpStream::connect(behind).await.unwrap();
        let (mut from_caller, mut to_caller) = caller.split();
        let (mut from_server, mut to_server) = server.split();
        let mut tape = Vec::new();
        let recording = async {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = from_caller.read(&mut piece).await {
                tape.extend_from_slice(&piece[..count]);
                to_server.write_all(&piece[..count]).await.unwrap();
            }
            to_server.shutdown().await.unwrap();
        };
        let _ = tokio::join!(recording, tokio::io::copy(&mut from_server, &mut to_caller));
        tape
    });
    let near = dial(&grant(at), at, RID, &here, Expected::Only(there.peer_id()), &Profile::default()).await.unwrap();
    drop(host.arrival().await);
    near.known().unwrap().close().await.unwrap();
    let tape = recorder.await.unwrap();
    assert!(tape.len() > 1000);
    answer_to(host.at, &[&tape]).await;
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn r3_20_an_expired_certificate_is_refused_and_told_as_such() {
    let honest = key();
    let pair = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2001, 1, 1);
    params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    let certificate = params.self_signed(&pair).unwrap();
    let secret = PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
    let stale: Arc<dyn Credential> = Arc::new(Forged {
        chain: vec![certificate.der().clone()],
        key: aws_lc_rs::sign::any_supported_type(&secret).unwrap(),
        asked: AtomicUsize::new(0),
    });
    let host = Host::start(&stale, Expected::Anyone);
    let error = host.call(&honest, Expected::Anyone).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::CertificateRefused, SocketErrorStatus::CertificateExpired));
    let host = Host::start(&honest, Expected::Anyone);
    let error = host.call(&stale, Expected::Anyone).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::CertificateRefused, SocketErrorStatus::CertificateExpired));
    assert!(host.nobody_came().await);
}

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
async fn an_unexpected_rid_is_told_from_a_broken_connection() {
    let there = key();
    let host = Host::start(&there, Expected::Anyone);
    let wrong = Rid::new([1; 16]);
    let error = dial(&grant(host.at), host.at, wrong, &key(), Expected::Anyone, &Profile::default()).await.unwrap_err();
    assert!(matches!(error, SocketError::TurnedAway), "{error}");
    assert_eq!(error.code(), ErrorCode::Unreachable);
}

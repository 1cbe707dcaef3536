//! Who is let in and who is not: SECURITY section 4, cases T1, T2, T3, T14, T15, T16, and R3.20.

use super::{adversary::*, *};
use hither_model::{ErrorCode, SocketErrorStatus};
use rustls::{Error as Tls, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

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

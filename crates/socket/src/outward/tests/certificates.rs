//! Certificates of servers that are not acceptable, what can be read of them, and the one retry a person may ask for. Client
//! certificates.

use super::lab::{Manner, Server, TLS12, TLS13, localhost, permission, socket};
use crate::{
    ChainValidationResult as Found, ServerError, SocketSslErrorSeverity, Verdict,
    server::tests::{Authority, self_signed},
};
use hither_identity::Credential;
use hither_model::{CertificateFacts, CertificateSource, PeerId, SocketErrorStatus};
use rustls::sign::CertifiedKey;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn r3_16_what_a_server_showed_is_readable_after_a_failed_connect() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let shown = root.server("elsewhere.test", |_| {});
    let leaf = shown.chain[0].to_vec();
    let server = Server::start(shown, Manner::default());
    let mut socket = socket(&other.pem());
    let error = socket.connect(&localhost(), &server.service(), TLS12).await.unwrap_err();
    assert!(matches!(error, ServerError::Certificate(_)), "{error}");
    assert_eq!(error.status(), SocketErrorStatus::CertificateUntrustedRoot);
    let read = socket.information().server_certificate.clone().unwrap();
    assert_eq!(read.errors, [Found::IncompleteChain, Found::InvalidName]);
    assert_eq!((read.severity(), read.leaf.clone()), (SocketSslErrorSeverity::Ignorable, leaf));
    assert!(read.facts().is_some() && read.intermediates.is_empty());
    assert!(socket.information().negotiated.is_none());
}

#[tokio::test]
async fn r3_17_exactly_what_the_person_accepted_is_ignored_once() {
    let other = Authority::new("other");
    let server = Server::start(self_signed("localhost"), Manner::default());
    let mut socket = socket(&other.pem());
    let Err(ServerError::Certificate(shown)) = socket.connect(&localhost(), &server.service(), TLS13).await else {
        panic!("a self-signed server was accepted")
    };
    assert_eq!(shown.errors, [Found::Untrusted]);
    socket.control().set_ignorable_errors(&shown.errors).unwrap();
    socket.connect(&localhost(), &server.service(), TLS13).await.unwrap();
    assert_eq!(socket.information().server_certificate.as_ref().unwrap().errors, [Found::Untrusted]);
    // Another error than the accepted one still fails.
    let wrong = Server::start(self_signed("elsewhere.test"), Manner::default());
    let mut again = super::lab::socket(&other.pem());
    again.control().set_ignorable_errors(&[Found::Untrusted]).unwrap();
    let error = again.connect(&localhost(), &wrong.service(), TLS13).await.unwrap_err();
    assert!(matches!(error, ServerError::Certificate(shown) if shown.errors.contains(&Found::InvalidName)));
    assert!(again.control().set_ignorable_errors(&[Found::Revoked]).is_err(), "fatal errors are not for ignoring");
    // Nothing is kept: the next socket asks again.
    let mut fresh = super::lab::socket(&other.pem());
    assert!(fresh.connect(&localhost(), &server.service(), TLS13).await.is_err());
}

#[tokio::test]
async fn r5_16_the_callers_own_check_comes_after_ours_and_can_only_refuse() {
    let root = Authority::new("root");
    let server = Server::start(root.server("localhost", |_| {}), Manner::default());
    for (verdict, passes) in [(Some(Verdict::Accept), true), (Some(Verdict::Reject), false), (None, false)] {
        let mut socket = socket(&root.pem());
        let check: crate::Validation = Arc::new(move |shown| {
            Box::pin(async move {
                assert!(shown.errors.is_empty());
                verdict.unwrap_or_else(|| panic!("the check itself fails"))
            })
        });
        socket.control().set_validation(Some(check)).unwrap();
        let outcome = socket.connect(&localhost(), &server.service(), TLS13).await;
        assert_eq!(outcome.is_ok(), passes, "{verdict:?}: {outcome:?}");
    }
}

/// A certificate of ours that an authority vouches for.
struct Vouched(Arc<CertifiedKey>, CertificateFacts);

impl Vouched {
    fn by(root: &Authority, source: CertificateSource) -> Arc<dyn Credential> {
        let shown = root.server("ana", |p| p.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth]);
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&shown.key).unwrap();
        let facts = hither_identity::certificate::facts(&shown.chain[0], source).unwrap();
        Arc::new(Self(Arc::new(CertifiedKey::new(shown.chain, key)), facts))
    }
}

impl Credential for Vouched {
    fn peer_id(&self) -> PeerId {
        self.1.spki_sha256
    }

    fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0)
    }

    fn facts(&self) -> CertificateFacts {
        self.1.clone()
    }
}

#[tokio::test]
async fn r3_19_a_client_certificate_is_shown_to_who_asks_and_to_nobody_else() {
    let root = Authority::new("root");
    let asks = Manner { wants: Some(root.pem()), ..Manner::default() };
    let asking = Server::start(root.server("localhost", |_| {}), asks);
    let silent = Server::start(root.server("localhost", |_| {}), Manner::default());
    let mine = Vouched::by(&root, CertificateSource::Ca);
    for (server, certificates) in [(&asking, 1), (&silent, 0)] {
        let mut socket = socket(&root.pem());
        socket.control().set_client_certificate(Some(Arc::clone(&mine)), &permission()).unwrap();
        socket.connect(&localhost(), &server.service(), TLS13).await.unwrap();
        assert!(socket.control().set_client_certificate(None, &permission()).is_err(), "it is too late");
        socket.shutdown().await.unwrap();
        assert_eq!(server.met.recv().unwrap(), Ok(certificates));
    }
    let mut without = socket(&root.pem());
    without.control().set_client_certificate(None, &permission()).unwrap();
    // TLS 1.3: the refusal comes with the first read.
    let refused = async {
        without.connect(&localhost(), &asking.service(), TLS13).await?;
        tokio::io::AsyncReadExt::read_u8(&mut without).await.map(drop).map_err(ServerError::from)
    };
    let error = refused.await.unwrap_err();
    assert!(matches!(error, ServerError::RefusedByServer(_)), "{error:?}");
}

#[test]
fn r1_15_a_certificate_on_a_card_needs_its_capability() {
    let card = Vouched::by(&Authority::new("root"), CertificateSource::Card);
    let mut socket = socket(&Authority::new("root").pem());
    let outcome = socket.control().set_client_certificate(Some(card), &permission());
    assert!(matches!(outcome, Err(ServerError::Denied(_))), "{outcome:?}");
}

//! The proof of a person's certificate is about the connection by its exporter, whichever version of TLS it speaks: an end
//! that can do TLS 1.2 only, in both roles, against ours that permits it.

use super::{adversary::*, *};
use crate::ready::{hear, say};
use hither_identity::{
    certificate::CertificateFault,
    proof::{LABEL, Occasion, Speaker},
};
use rcgen::SigningKey;
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion, crypto::aws_lc_rs, sign::SingleCertAndKey};
use tokio::net::TcpListener;

/// 2026-06-01, unix seconds.
const NOW: u64 = 1_780_272_000;

/// A person's certificate and its key.
struct Person {
    leaf: Vec<u8>,
    key: rcgen::KeyPair,
}

impl Person {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = rcgen::CertificateParams::default().self_signed(&key).unwrap().der().to_vec();
        Self { leaf, key }
    }

    fn proves(&self, on: &Occasion, speaker: Speaker) -> Vec<u8> {
        self.key.sign(&on.statement(speaker, &self.leaf)).unwrap()
    }

    fn is_believed(&self, on: &Occasion, speaker: Speaker, signature: &[u8]) -> Result<PeerId, CertificateFault> {
        on.check(speaker, &[&self.leaf], signature, NOW)
    }
}

/// The same connection as its two ends name it: ours, and that of the bare library. The one who dialled comes first.
struct Named {
    ours: Occasion,
    theirs: Occasion,
    version: String,
}

impl Named {
    fn new(ours: &Channel<Proven>, theirs: [u8; 32], dialler: PeerId, listener: PeerId) -> Self {
        Self {
            ours: Occasion::new(ours.exporter(LABEL, b"").unwrap(), dialler, listener),
            theirs: Occasion::new(theirs, dialler, listener),
            version: ours.negotiated().version.clone(),
        }
    }
}

fn permitting() -> Profile {
    Profile { tls12: true, ..Profile::default() }
}

fn exported(raw: &Raw) -> [u8; 32] {
    raw.tls.export_keying_material([0; 32], LABEL.as_bytes(), Some(b"")).unwrap()
}

/// An end that speaks these versions only dials ours.
async fn dialled_by(versions: &[&'static SupportedProtocolVersion]) -> Named {
    let (here, there) = (key(), key());
    let mut host = Host::with(&there, Expected::Only(here.peer_id()), permitting(), Caps::default());
    let mut raw = Raw::dial(host.at, &Arc::new(client(versions, Some(&here))), &name()).await;
    raw.shake().await.unwrap();
    hear(&raw.frame().await.unwrap(), here.peer_id(), there.peer_id()).unwrap();
    raw.send(&say(here.peer_id(), there.peer_id()).unwrap()).await;
    let ours = host.arrival().await.known().unwrap();
    Named::new(&ours, exported(&raw), here.peer_id(), there.peer_id())
}

/// Ours dials an end that speaks these versions only.
async fn dials(versions: &[&'static SupportedProtocolVersion]) -> Named {
    let (here, there) = (key(), key());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        crate::verifier::PeerVerifier::new(Arc::clone(&provider), Expected::Only(here.peer_id()), there.peer_id());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(there.certified_key())));
    config.alpn_protocols = vec![crate::ALPN.into()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let serving = async {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut raw = Raw { tcp, tls: ServerConnection::new(Arc::new(config)).unwrap().into() };
        raw.shake().await.unwrap();
        raw.send(&say(there.peer_id(), here.peer_id()).unwrap()).await;
        hear(&raw.frame().await.unwrap(), there.peer_id(), here.peer_id()).unwrap();
        raw
    };
    let (grant, profile) = (grant(at), permitting());
    let dialling = dial(&grant, at, RID, &here, Expected::Only(there.peer_id()), &profile);
    let (raw, ours) = tokio::join!(serving, dialling);
    let ours = ours.unwrap().known().unwrap();
    Named::new(&ours, exported(&raw), here.peer_id(), there.peer_id())
}

#[tokio::test]
async fn t2_a_certificates_proof_holds_on_tls_1_2_in_both_roles_and_only_on_its_own_connection() {
    let (ana, eve) = (Person::new(), Person::new());
    for (versions, version) in [(ONLY_12, "TLS1.2"), (ONLY_13, "TLS1.3")] {
        let (first, second) = (dialled_by(versions).await, dials(versions).await);
        assert_eq!((first.version.as_str(), second.version.as_str()), (version, version));
        for (named, other) in [(&first, &second), (&second, &first)] {
            for speaker in [Speaker::Client, Speaker::Server] {
                // Made at either end, it is believed at the other.
                for (made, checked) in [(&named.ours, &named.theirs), (&named.theirs, &named.ours)] {
                    let signature = ana.proves(made, speaker);
                    ana.is_believed(checked, speaker, &signature).unwrap();
                    let by_eve = eve.proves(made, speaker);
                    let refused = Err(CertificateFault::Signature);
                    assert_eq!(ana.is_believed(checked, speaker, &by_eve), refused, "a stolen certificate");
                    assert_eq!(ana.is_believed(&other.ours, speaker, &signature), refused, "another connection");
                }
            }
        }
    }
}

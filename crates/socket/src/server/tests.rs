//! Certificates with one fault each, and what is found. The same makers serve the tests of whole connections.

use super::{examine::examine, roots::Anchors, *};
use hither_model::{ProtectionLevel, SocketErrorStatus};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::time::Duration;

/// An authority, and what it vouches for.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A server's chain and key.
pub(crate) struct Shown {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        Self { issuer: CertifiedIssuer::self_signed(authority(name), KeyPair::generate().unwrap()).unwrap() }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server's certificate, changed by `change`.
    pub(crate) fn server(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Shown {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        Shown { chain: vec![leaf.der().clone()], key: key.serialize_der().try_into().unwrap() }
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A certificate that vouches for itself, as `openssl req -x509` makes them.
pub(crate) fn self_signed(name: &str) -> Shown {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let leaf = params.self_signed(&key).unwrap();
    Shown { chain: vec![leaf.der().clone()], key: key.serialize_der().try_into().unwrap() }
}

fn found(roots: &str, chain: &[CertificateDer<'_>], name: &str) -> Vec<ChainValidationResult> {
    let roots = Roots::exclusive(roots.as_bytes()).unwrap();
    let anchors = futures_util::FutureExt::now_or_never(roots.anchors()).unwrap();
    at(&anchors, chain, name, UnixTime::now())
}

fn at(anchors: &Anchors, chain: &[CertificateDer<'_>], name: &str, now: UnixTime) -> Vec<ChainValidationResult> {
    let algorithms = provider(ProtectionLevel::Tls12).signature_verification_algorithms;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    examine(anchors, &algorithms, &chain[0], &chain[1..], &name, now)
}

use ChainValidationResult as Found;

#[test]
fn r3_16_each_fault_is_found_and_has_its_severity() {
    let root = Authority::new("root");
    let good = root.server("a.test", |_| {});
    assert_eq!(found(&root.pem(), &good.chain, "a.test"), []);
    assert_eq!(found(&root.pem(), &good.chain, "b.test"), [Found::InvalidName]);
    let past = |p: &mut CertificateParams| {
        (p.not_before, p.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    };
    let old = root.server("a.test", past);
    assert_eq!(found(&root.pem(), &old.chain, "a.test"), [Found::Expired]);
    assert_eq!(found(&root.pem(), &old.chain, "b.test"), [Found::Expired, Found::InvalidName]);
    let early = root.server("a.test", |p| p.not_before = date_time_ymd(2999, 1, 1));
    assert_eq!(found(&root.pem(), &early.chain, "a.test"), [Found::Expired]);
    let usage = root.server("a.test", |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    assert_eq!(found(&root.pem(), &usage.chain, "a.test"), [Found::WrongUsage]);
    let odd = root.server("a.test", |p| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        p.custom_extensions.push(extension);
    });
    assert_eq!(found(&root.pem(), &odd.chain, "a.test"), [Found::UnknownCriticalExtension]);
    let mut forged = root.server("a.test", |_| {}).chain[0].to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(found(&root.pem(), &[forged.into()], "a.test"), [Found::InvalidSignature]);
    assert_eq!(found(&root.pem(), &[vec![1, 2, 3].into()], "a.test"), [Found::OtherErrors]);
    let fatal = [Found::WrongUsage, Found::UnknownCriticalExtension, Found::InvalidSignature, Found::OtherErrors];
    assert!(fatal.iter().all(|found| found.severity() == SocketSslErrorSeverity::Fatal));
    let ignorable = [Found::Untrusted, Found::Expired, Found::InvalidName];
    assert!(ignorable.iter().all(|found| found.severity() == SocketSslErrorSeverity::Ignorable));
}

#[test]
fn r3_16_who_vouches_for_nobody_known_is_told_from_who_vouches_wrongly() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let leaf = root.server("a.test", |_| {});
    assert_eq!(found(&other.pem(), &leaf.chain, "a.test"), [Found::IncompleteChain]);
    let with_root = [leaf.chain[0].clone(), root.issuer.der().clone()];
    assert_eq!(found(&other.pem(), &with_root, "a.test"), [Found::Untrusted]);
    let own = self_signed("a.test");
    assert_eq!(found(&other.pem(), &own.chain, "a.test"), [Found::Untrusted]);
    let mut forged = own.chain[0].to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(found(&other.pem(), &[forged.into()], "a.test"), [Found::InvalidSignature]);
    // An authority of the same name but with another key did not sign this one.
    let twin = Authority::new("root");
    let with_twin = [leaf.chain[0].clone(), twin.issuer.der().clone()];
    assert_eq!(found(&other.pem(), &with_twin, "a.test"), [Found::InvalidSignature]);
}

#[test]
fn r3_16_a_certificate_that_the_person_named_is_trusted_for_its_name_and_time_only() {
    let own = self_signed("a.test");
    let anchors = Anchors { named: own.chain.clone(), ..Anchors::default() };
    assert_eq!(at(&anchors, &own.chain, "a.test", UnixTime::now()), []);
    assert_eq!(at(&anchors, &own.chain, "b.test", UnixTime::now()), [Found::InvalidName]);
    let future = UnixTime::since_unix_epoch(Duration::from_secs(4_000_000_000_000));
    assert_eq!(at(&anchors, &own.chain, "a.test", future), [Found::Expired]);
}

#[test]
fn x2_a_long_chain_is_refused_without_looking_at_it() {
    let root = Authority::new("root");
    let leaf = root.server("a.test", |_| {});
    let chain: Vec<_> = std::iter::repeat_n(leaf.chain[0].clone(), 100).collect();
    assert_eq!(found(&root.pem(), &chain, "a.test"), [Found::OtherErrors]);
}

#[test]
fn r1_20_named_authorities_replace_the_systems() {
    assert_eq!(Roots::exclusive(b"no certificate").unwrap_err(), RootsFault::Empty);
    let broken = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
    assert_eq!(Roots::exclusive(broken.as_bytes()).unwrap_err(), RootsFault::Malformed);
    let roots = Roots::exclusive(Authority::new("root").pem().as_bytes()).unwrap();
    let anchors = futures_util::FutureExt::now_or_never(roots.anchors()).unwrap();
    assert_eq!(anchors.trusted.len(), 1);
}

#[test]
fn r3_16_the_worst_error_gives_the_status() {
    let shown = |errors: &[Found]| ServerCertificate { errors: errors.to_vec(), ..ServerCertificate::default() };
    let both = shown(&[Found::Untrusted, Found::Revoked, Found::InvalidName]);
    assert_eq!(
        (both.severity(), both.status()),
        (SocketSslErrorSeverity::Fatal, SocketErrorStatus::CertificateRevoked)
    );
    let mild = shown(&[Found::Untrusted, Found::InvalidName]);
    assert_eq!(mild.status(), SocketErrorStatus::CertificateUntrustedRoot);
    assert_eq!(shown(&[]).severity(), SocketSslErrorSeverity::None);
    for (number, found) in Found::ALL.iter().enumerate() {
        assert_eq!(*found as usize, number);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
    #[test]
    fn x1_a_certificate_that_was_changed_anywhere_is_never_accepted(at: proptest::sample::Index, flip in 1_u8..) {
        static MADE: std::sync::OnceLock<(String, Vec<u8>)> = std::sync::OnceLock::new();
        let (pem, leaf) = MADE.get_or_init(|| {
            let root = Authority::new("root");
            (root.pem(), root.server("a.test", |_| {}).chain[0].to_vec())
        });
        let mut changed = leaf.clone();
        let at = at.index(changed.len());
        changed[at] ^= flip;
        proptest::prop_assert!(!found(pem, &[changed.into()], "a.test").is_empty());
    }
}

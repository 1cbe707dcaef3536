//! Certificates that peers might show.

use super::forge::{NOW, modulus, p256, params, patched, rsa, with_key};
use super::*;
use hither_model::{CertificateSource, ErrorCode, Failure, SocketErrorStatus};
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CustomExtension, DistinguishedName, DnType, DnValue, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

const DAY: u64 = 24 * 60 * 60;
const UNIX_2026: u64 = 1_767_225_600;
const UNIX_2027: u64 = 1_798_761_600;

/// How long this thread has worked; what other programs do does not count.
fn worked() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// Judges one certificate and demands that it does not take long.
fn judged(der: &[u8], now: u64) -> Result<Judged, CertificateFault> {
    let start = worked();
    let verdict = judge(&[der], now);
    let took = worked() - start;
    assert!(took < Duration::from_millis(100), "took {took:?}");
    verdict
}

#[test]
fn every_accepted_kind_of_key_is_accepted_and_named() {
    let kinds = [
        (&rcgen::PKCS_ECDSA_P256_SHA256, "p256"),
        (&rcgen::PKCS_ECDSA_P384_SHA384, "p384"),
        (&rcgen::PKCS_ED25519, "ed25519"),
        (&rcgen::PKCS_RSA_SHA256, "rsa2048"),
    ];
    for (algorithm, word) in kinds {
        let der = with_key(&params(), algorithm);
        let peer_id = judged(&der, NOW).unwrap().peer_id;
        let facts = facts(&der, CertificateSource::Card).unwrap();
        assert_eq!((facts.key.as_str(), facts.spki_sha256), (word, peer_id));
        assert_eq!(spki_id(&der), Ok(peer_id));
    }
    for bits in [2048, 3072, 4096] {
        judged(&rsa(&modulus(bits), &[1, 0, 1]), NOW).unwrap();
    }
}

#[test]
fn x1_dates_are_judged_as_the_policy_says() {
    let der = p256(&params());
    judged(&der, UNIX_2026).unwrap();
    judged(&der, UNIX_2026 - 2 * DAY).unwrap();
    judged(&der, UNIX_2027).unwrap();
    let early = judged(&der, UNIX_2026 - 2 * DAY - 1).unwrap_err();
    assert_eq!(early, CertificateFault::NotYetValid { from: "2026-01-01T00:00:00Z".into() });
    let late = judged(&der, UNIX_2027 + 1).unwrap_err();
    assert_eq!(late, CertificateFault::Expired { since: "2027-01-01T00:00:00Z".into() });
    assert_eq!((late.status(), early.status()), (SocketErrorStatus::CertificateExpired, early.status()));
    assert!(judged(&der, 0).is_err() && judged(&der, u64::MAX).is_err());

    let mut far = params();
    far.not_after = date_time_ymd(9999, 12, 31);
    let der = p256(&far);
    judged(&der, NOW).unwrap();
    assert_eq!(facts(&der, CertificateSource::Local).unwrap().not_after, "9999-12-31T00:00:00Z");

    let mut backwards = params();
    backwards.not_after = date_time_ymd(2025, 1, 1);
    assert!(matches!(judged(&p256(&backwards), NOW), Err(CertificateFault::Malformed(_))));
}

#[test]
fn x1_a_time_that_is_none_is_refused_as_malformed() {
    let der = p256(&params());
    for bad in [b"261301000000Z", b"260132000000Z", b"260101250000Z", b"2601010000000", b"aaaaaaaaaaaaa"] {
        let spoiled = patched(&der, b"260101000000Z", bad);
        assert!(matches!(judged(&spoiled, NOW), Err(CertificateFault::Malformed(_))), "{:?}", str::from_utf8(bad));
        assert!(facts(&spoiled, CertificateSource::Local).is_err());
    }
}

#[test]
fn x2_chains_beyond_the_bounds_are_refused_unread() {
    let leaf = p256(&params());
    assert_eq!(judge(&[], NOW), Err(CertificateFault::Missing));
    assert!(judge(&[leaf.as_slice(); MAX_CHAIN], NOW).is_ok());
    assert_eq!(judge(&[leaf.as_slice(); MAX_CHAIN + 1], NOW), Err(CertificateFault::TooMany));
    assert_eq!(judge(&[leaf.as_slice(); 100], NOW), Err(CertificateFault::TooMany));
    let megabyte = vec![0x30; 1 << 20];
    assert_eq!(judged(&megabyte, NOW), Err(CertificateFault::TooLarge));
    assert_eq!(judge(&[&leaf, &megabyte], NOW), Err(CertificateFault::TooLarge));
    assert_eq!(spki_id(&megabyte), Err(CertificateFault::TooLarge));
    assert_eq!(verify(&megabyte, b"", b""), Err(CertificateFault::TooLarge));
}

#[test]
fn x2_keys_that_are_too_weak_too_large_or_odd_are_refused_quickly() {
    let odd = modulus(2048);
    let mut even = modulus(2048);
    even[255] = 0xfe;
    let cases = [
        ("1024 bits", rsa(&modulus(1024), &[1, 0, 1])),
        ("2047 bits", rsa(&modulus(2047), &[1, 0, 1])),
        ("4097 bits", rsa(&modulus(4097), &[1, 0, 1])),
        ("16384 bits", rsa(&modulus(16384), &[1, 0, 1])),
        ("even modulus", rsa(&even, &[1, 0, 1])),
        ("exponent 1", rsa(&odd, &[1])),
        ("exponent 3", rsa(&odd, &[3])),
        ("exponent 65536", rsa(&odd, &[1, 0, 0])),
        ("exponent 0", rsa(&odd, &[0])),
        ("exponent of 2048 bits", rsa(&odd, &odd)),
        ("P-521", with_key(&params(), &rcgen::PKCS_ECDSA_P521_SHA512)),
    ];
    for (what, der) in cases {
        let fault = judged(&der, NOW).unwrap_err();
        assert!(matches!(fault, CertificateFault::Key(_)), "{what}: {fault}");
        assert_eq!(verify(&der, b"message", &[1; 256]), Err(fault), "{what}");
        assert_eq!(facts(&der, CertificateSource::Local).unwrap().key, "other", "{what}");
    }
}

#[test]
fn x2_a_point_in_another_spelling_is_no_second_identity_for_a_key() {
    for first in [2, 3, 6, 7] {
        let public = [&[first], [9; 64].as_slice()].concat();
        let key = forge::Pretended { public, algorithm: &rcgen::PKCS_ECDSA_P256_SHA256 };
        let der = params().self_signed(&key).unwrap().der().to_vec();
        assert!(matches!(judged(&der, NOW), Err(CertificateFault::Key(_))), "{first}");
    }
}

#[test]
fn x2_sha1_and_md5_are_refused() {
    let der = rsa(&modulus(2048), &[1, 0, 1]);
    let prefix = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
    let with = |last| [prefix.as_slice(), &[last]].concat();
    for (what, last) in [("SHA-1", 5), ("MD5", 4), ("PSS, which means SHA-1 without parameters", 10)] {
        let spoiled = patched(&der, &with(11), &with(last));
        assert_eq!(judged(&spoiled, NOW), Err(CertificateFault::Algorithm), "{what}");
    }
    let mut half = der.clone();
    let at = half.windows(9).rposition(|w| w == with(11)).unwrap();
    half[at + 8] = 12;
    assert!(matches!(judged(&half, NOW), Err(CertificateFault::Malformed(_))), "the two algorithms must agree");
}

#[test]
fn x3_names_are_shown_escaped_and_short_and_decide_nothing() {
    let shown = |name: DnValue| {
        let mut params = params();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let der = p256(&params);
        judged(&der, NOW).unwrap();
        let facts = facts(&der, CertificateSource::Ca).unwrap();
        assert_eq!(facts.subject, facts.issuer);
        assert!(facts.subject.chars().count() <= 256);
        assert!(!facts.subject.chars().any(hither_model::text::is_hidden));
        facts.subject
    };
    let text = |text: &str| shown(DnValue::Utf8String(text.into()));
    assert_eq!(text("ada"), "CN=ada");
    assert_eq!(text("a\0b\u{1b}[31m"), "CN=a\\u{0}b\\u{1b}[31m");
    assert_eq!(text("\u{202e}exe"), "CN=\\u{202e}exe");
    assert_eq!(text("<b>&"), "CN=\\<b\\>&");
    assert_eq!(text("ada,O=Bank"), "CN=ada\\,O\\=Bank");
    assert_eq!(text(" #a "), "CN=\\ #a\\ ");
    assert_eq!(text("#a"), "CN=\\#a");
    assert_eq!(text("한국어"), "CN=한국어");
    assert_eq!(text(&"x".repeat(6_000)).chars().count(), 256);
    assert_eq!(shown(DnValue::BmpString("Jos\u{e9}".try_into().unwrap())), "CN=José");
    assert_eq!(shown(DnValue::PrintableString("ada".try_into().unwrap())), "CN=ada");

    let mut huge = params();
    huge.distinguished_name.push(DnType::CommonName, "x".repeat(1 << 16));
    assert_eq!(facts(&p256(&huge), CertificateSource::Ca), Err(CertificateFault::TooLarge));
}

#[test]
fn x3_parts_of_a_name_are_shown_last_first() {
    let mut params = params();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "KR");
    params.distinguished_name.push(DnType::OrganizationName, "Works");
    params.distinguished_name.push(DnType::CommonName, "Ada");
    params.distinguished_name.push(DnType::from_oid(&[1, 2, 3, 4]), "odd");
    let subject = facts(&p256(&params), CertificateSource::Ca).unwrap().subject;
    assert_eq!(subject, "1.2.3.4=odd,CN=Ada,O=Works,C=KR");
}

#[test]
fn x7_certificates_made_for_something_else_are_refused() {
    let mut authority = params();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(judged(&p256(&authority), NOW), Err(CertificateFault::Authority));

    let mut agreement = params();
    agreement.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    let fault = judged(&p256(&agreement), NOW).unwrap_err();
    assert_eq!((&fault, fault.status()), (&CertificateFault::Usage, SocketErrorStatus::CertificateWrongUsage));
    agreement.key_usages.push(KeyUsagePurpose::DigitalSignature);
    judged(&p256(&agreement), NOW).unwrap();

    let mut demanding = params();
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4, 5], vec![5, 0]);
    demanding.custom_extensions = vec![extension.clone()];
    judged(&p256(&demanding), NOW).unwrap();
    extension.set_criticality(true);
    demanding.custom_extensions = vec![extension];
    let fault = judged(&p256(&demanding), NOW).unwrap_err();
    assert_eq!(fault, CertificateFault::Critical("1.2.3.4.5".into()));
    let failure = Failure::from(fault);
    assert_eq!(
        (failure.code, failure.status),
        (ErrorCode::CertificateRefused, Some(SocketErrorStatus::CertificateIsInvalid))
    );

    let mut twice = params();
    twice.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0]); 2];
    assert!(matches!(judged(&p256(&twice), NOW), Err(CertificateFault::Malformed(_))));
}

#[test]
fn a_signature_is_checked_against_the_key_alone() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let other = p256(&params());
    let signature = rcgen::SigningKey::sign(&key, b"kept").unwrap();
    let certificate = params().self_signed(&key).unwrap();
    let spki = rcgen::PublicKeyData::subject_public_key_info(&key);
    for der in [certificate.der().as_ref(), &spki] {
        verify(der, b"kept", &signature).unwrap();
        assert_eq!(verify(der, b"kept!", &signature), Err(CertificateFault::Signature));
        assert_eq!(verify(der, b"kept", &signature[1..]), Err(CertificateFault::Signature));
        assert_eq!(verify(der, b"kept", b""), Err(CertificateFault::Signature));
    }
    assert_eq!(verify(&other, b"kept", &signature), Err(CertificateFault::Signature));
    assert!(matches!(verify(b"", b"kept", &signature), Err(CertificateFault::Malformed(_))));
}

#[test]
fn bytes_after_the_end_are_refused() {
    let der = [p256(&params()).as_slice(), &[0]].concat();
    assert!(matches!(judged(&der, NOW), Err(CertificateFault::Malformed(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_get_a_verdict(der in prop::collection::vec(any::<u8>(), 0..600), now: u64) {
        prop_assert!(judge(&[&der], now).is_err());
        let _ = facts(&der, CertificateSource::Ca);
        prop_assert!(verify(&der, b"", &der).is_err());
    }

    #[test]
    fn a_spoiled_certificate_gets_a_verdict(
        spoils in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), now: u64
    ) {
        static WHOLE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| p256(&params()));
        let mut der = WHOLE.clone();
        for (at, byte) in &spoils {
            let at = at.index(der.len());
            der[at] = *byte;
        }
        let verdict = judge(&[&der], now);
        if let Ok(facts) = facts(&der, CertificateSource::Ca) {
            prop_assert!(facts.subject.chars().count() <= 256);
            prop_assert!(verdict.is_err() || verdict.unwrap().peer_id == facts.spki_sha256);
        }
        prop_assert!(verify(&der, b"", b"").is_err());
    }
}

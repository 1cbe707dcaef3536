//! The rules of R3.22, on certificates made for each.

use super::*;
use crate::card::TokenName;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};

/// 2026-06-01.
const NOW: u64 = 1_780_272_000;

fn made(name: &str, years: (i32, i32), change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    change(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn good(name: &str) -> Vec<u8> {
    made(name, (2025, 2030), |_| {})
}

fn token(ders: &[Vec<u8>]) -> Token {
    let certificates = ders.iter().enumerate().map(|(at, der)| CardCertificate {
        key: vec![u8::try_from(at).unwrap()],
        label: String::new(),
        der: der.clone(),
        key_seen: true,
    });
    Token {
        name: TokenName { module: "/m.so".into(), serial: "1".into(), label: "work".into() },
        manufacturer: String::new(),
        model: String::new(),
        reader: "reader".into(),
        hardware: true,
        removable: true,
        login_required: true,
        pad: false,
        pin_set: true,
        min_pin: 4,
        max_pin: 8,
        tries: Tries::Plenty,
        ecdsa: true,
        pss: true,
        certificates: certificates.collect(),
    }
}

fn candidates(token: &Token) -> Vec<Candidate> {
    token.certificates.iter().filter_map(|certificate| Candidate::on_card(token, certificate, NOW)).collect()
}

fn subjects(picked: &[Candidate]) -> Vec<&str> {
    picked.iter().map(|one| one.facts.subject.as_str()).collect()
}

#[test]
fn r3_22_expired_ones_are_hidden_unless_asked_for() {
    let all = candidates(&token(&[good("a"), made("old", (2019, 2020), |_| {})]));
    assert_eq!(subjects(&pick(all.clone(), &Filter::default())), ["CN=a"]);
    let shown = pick(all, &Filter { expired: true, ..Filter::default() });
    assert_eq!(subjects(&shown), ["CN=a", "CN=old"]);
    assert!(shown[1].expired && shown[1].usable.as_ref().unwrap_err().to_string().contains("expired"));
}

#[test]
fn r3_22_of_the_same_subject_and_issuer_the_newest_is_shown() {
    let (older, newer) = (made("a", (2024, 2030), |_| {}), made("a", (2026, 2029), |_| {}));
    let all = candidates(&token(&[older, newer.clone(), good("b")]));
    let shown = pick(all.clone(), &Filter::default());
    assert_eq!(subjects(&shown), ["CN=a", "CN=b"]);
    assert_eq!(shown[0].facts.sha256, certificate::facts(&newer, CertificateSource::Card).unwrap().sha256);
    assert_eq!(pick(all, &Filter { duplicates: true, ..Filter::default() }).len(), 3);
    // A newer one that cannot be used does not hide an older one that can.
    let spoiled = made("a", (2026, 2029), |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning]);
    let shown = pick(candidates(&token(&[made("a", (2024, 2030), |_| {}), spoiled])), &Filter::default());
    assert!(shown.len() == 1 && shown[0].usable.is_ok());
}

#[test]
fn r3_22_only_hardware_and_only_an_issuer_if_asked_for() {
    let mut soft = token(&[good("soft")]);
    soft.hardware = false;
    let mut all = candidates(&token(&[good("Hard Issuer")]));
    all.extend(candidates(&soft));
    assert_eq!(subjects(&pick(all.clone(), &Filter { hardware_only: true, ..Filter::default() })), ["CN=Hard Issuer"]);
    let issuer = Filter { issuer: Some("hard iss".into()), ..Filter::default() };
    assert_eq!(subjects(&pick(all.clone(), &issuer)), ["CN=Hard Issuer"]);
    assert_eq!(pick(all, &Filter::default()).len(), 2);
}

#[test]
fn each_one_says_why_it_cannot_be_used_and_authorities_are_not_offered() {
    let of = |token: &Token| candidates(token)[0].usable.clone();
    let fine = token(&[good("a")]);
    assert_eq!(of(&fine), Ok(()));
    assert_eq!(of(&Token { tries: Tries::Blocked, ..fine.clone() }), Err(Unfit::Blocked));
    assert_eq!(of(&Token { pin_set: false, ..fine.clone() }), Err(Unfit::PinUnset));
    assert_eq!(of(&Token { ecdsa: false, ..fine.clone() }), Err(Unfit::NoMechanism));
    let purpose = |purpose: ExtendedKeyUsagePurpose| {
        of(&token(&[made("a", (2025, 2030), |p| p.extended_key_usages = vec![purpose])]))
    };
    assert_eq!(purpose(ExtendedKeyUsagePurpose::CodeSigning), Err(Unfit::Purpose));
    assert_eq!(purpose(ExtendedKeyUsagePurpose::ServerAuth), Err(Unfit::Purpose));
    assert_eq!(purpose(ExtendedKeyUsagePurpose::ClientAuth), Ok(()));
    assert_eq!(purpose(ExtendedKeyUsagePurpose::Any), Ok(()));
    assert_eq!(purpose(ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 2])), Ok(()));
    let future = of(&token(&[made("a", (2028, 2030), |_| {})]));
    assert!(matches!(future, Err(Unfit::Certificate(CertificateFault::NotYetValid { .. }))));
    let authority = made("ca", (2025, 2030), |p| p.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    assert!(candidates(&token(&[authority, b"no certificate".to_vec()])).is_empty());

    let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::ExplicitNoCa;
    let rsa = token(&[params.self_signed(&key).unwrap().der().to_vec()]);
    assert_eq!(of(&rsa), Ok(()));
    assert_eq!(of(&Token { pss: false, ..rsa }), Err(Unfit::NoPss));
}

#[test]
fn a_certificate_keeps_its_id_wherever_its_card_is_put() {
    let one = token(&[good("a")]);
    let other = Token { reader: "another".into(), ..one.clone() };
    assert_eq!(candidates(&one)[0].id, candidates(&other)[0].id);
    let second = Token { name: TokenName { serial: "2".into(), ..one.name.clone() }, ..one.clone() };
    assert_ne!(candidates(&one)[0].id, candidates(&second)[0].id);
}

//! What a person hands over, the set as a file, and the names of its members.

use super::*;
use hither_model::{ErrorCode, Failure};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn an_authority_is_read_from_pem_and_der_and_says_who_it_is() {
    let root = ca("Works Root", None);
    let authority = root.authority();
    assert_eq!(authority.id(), authority.facts().sha256);
    assert!(authority.id().starts_with(authority.short()) && authority.id().len() == 64);
    assert_eq!((authority.name(), authority.der()), ("Works Root", root.der.as_slice()));
    assert_eq!(authority.facts().source, CertificateSource::Ca);
    let pem = crate::pem::encode("CERTIFICATE", &root.der);
    assert_eq!(Authority::read(pem.as_bytes(), NOW).unwrap(), authority);
    let told = format!("Subject: somebody\n{}\n", pem.as_str());
    assert_eq!(Authority::read(told.as_bytes(), NOW).unwrap(), authority);
}

#[test]
fn a_file_with_anything_but_one_certificate_is_refused() {
    let root = ca("root", None);
    let pem = crate::pem::encode("CERTIFICATE", &root.der);
    let read = |text: &str| Authority::read(text.as_bytes(), NOW).unwrap_err();
    assert_eq!(read(&[pem.as_str(), pem.as_str()].concat()), AuthorityFault::NotOne(2));
    let key = crate::pem::encode("PRIVATE KEY", &root.key.serialize_der());
    assert_eq!(read(&[pem.as_str(), key.as_str()].concat()), AuthorityFault::NotOne(1));
    assert_eq!(read(&key), AuthorityFault::NotOne(0));
    for nothing in
        ["", "hello", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----"]
    {
        assert_eq!(read(nothing), AuthorityFault::Unreadable);
    }
    // Text that begins with the letter that DER begins with.
    Authority::read(format!("0 s:CN=root\n{}", pem.as_str()).as_bytes(), NOW).unwrap();
    let trailing = [root.der.as_slice(), &[0]].concat();
    let fault = Authority::read(&trailing, NOW).unwrap_err();
    assert!(matches!(fault, AuthorityFault::Certificate(CertificateFault::Malformed(_))), "{fault}");
}

#[test]
fn x2_an_authority_beyond_the_bounds_is_refused_unread() {
    assert_eq!(Authority::read(&vec![0x30; MAX_FILE + 1], NOW), Err(AuthorityFault::TooLarge));
    let fault = Authority::read(&[&[0x30, 0x82], vec![0; MAX_FILE - 2].as_slice()].concat(), NOW).unwrap_err();
    assert_eq!(fault, AuthorityFault::Certificate(CertificateFault::TooLarge));
    assert_eq!(Failure::from(AuthorityFault::TooLarge).code, ErrorCode::TooLarge);
}

#[test]
fn x7_only_an_authoritys_own_certificate_is_taken_for_one() {
    let root = ca("root", None);
    let read = |made: &Made| Authority::read(&made.der, NOW).unwrap_err();
    assert_eq!(read(&leaf("Ada", &root)), AuthorityFault::NotAuthority);
    assert_eq!(read(&Made::new(params("Ada"), None, &rcgen::PKCS_ED25519)), AuthorityFault::NotAuthority);
    let no_usage = ca_with("root", None, |p| p.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    assert_eq!(read(&no_usage), AuthorityFault::NotForSigning);
    let web = ca_with("root", None, |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    assert_eq!(read(&web), AuthorityFault::AuthorityPurpose);
    ca_with("root", None, |p| p.key_usages.clear()).authority();
}

#[test]
fn x1_an_expired_authority_is_refused_with_the_date() {
    let root = ca("root", None);
    let fault = Authority::read(&root.der, NOW + 365 * DAY).unwrap_err();
    assert_eq!(fault, AuthorityFault::AuthorityExpired { name: "root".into(), since: "2027-01-01T00:00:00Z".into() });
    assert!(fault.to_string().contains("2027-01-01"));
    let backwards = ca_with("root", None, |p| p.not_after = date_time_ymd(2025, 1, 1));
    let fault = Authority::read(&backwards.der, NOW).unwrap_err();
    assert!(matches!(fault, AuthorityFault::Certificate(CertificateFault::Malformed(_))), "{fault}");
}

#[test]
fn members_are_named_by_the_beginning_of_their_id() {
    let mut set = Authorities::default();
    let mut ids: Vec<String> = Vec::new();
    while set.len() < MAX_AUTHORITIES {
        let authority = ca("root", None).authority();
        ids.push(authority.id().to_owned());
        set.add(authority).unwrap();
    }
    assert_eq!(set.add(ca("root", None).authority()), Err(AuthorityFault::Full));
    let id = ids[3].clone();
    assert_eq!(set.find(&id).unwrap().id(), id);
    assert_eq!(set.find(&id[..16].to_uppercase()).unwrap().id(), id);
    assert_eq!(set.find(&id[..3]).unwrap_err(), AuthorityFault::IdShort);
    assert_eq!(set.find("zzzz").unwrap_err(), AuthorityFault::Unknown);
    assert_eq!(set.find(&format!("{id}0")).unwrap_err(), AuthorityFault::Unknown);
    assert_eq!(Failure::from(AuthorityFault::Unknown).code, ErrorCode::UnknownId);
    set.set_rules(&id, Rules { invite: true, codeless: true }).unwrap();
    assert!(set.rules(&id).unwrap().codeless);
    assert_eq!(set.iter().filter(|(_, rules)| rules.invite).count(), 1);
    assert_eq!(set.remove(&id).unwrap().id(), id);
    assert!(set.remove(&id).is_err() && set.iter().all(|(_, rules)| !rules.invite));
    assert_eq!((set.len(), set.is_empty()), (MAX_AUTHORITIES - 1, false));
}

#[test]
fn an_id_that_begins_like_two_is_ambiguous() {
    let mut set = trusting(&[&ca("a", None), &ca("b", None)]);
    // Ids cannot be chosen; here they are.
    for (at, member) in set.members.iter_mut().enumerate() {
        member.id.replace_range(..5, &format!("abcd{at}"));
    }
    assert_eq!(set.find("abcd").unwrap_err(), AuthorityFault::Ambiguous(2));
    assert_eq!(set.find("abcd1").unwrap().name(), "b");
    assert!(set.remove("abcd").is_err() && set.len() == 2);
}

#[test]
fn an_authority_is_added_once_and_goes_with_its_lists() {
    let root = ca("root", None);
    let mut set = trusting(&[&root]);
    assert_eq!(set.add(root.authority()), Err(AuthorityFault::Known { name: "root".into() }));
    set.put_crl(&list(&root, 1, &[7]), NOW).unwrap();
    let id = root.authority().id().to_owned();
    set.remove(&id).unwrap();
    assert_eq!(set, Authorities::default());
}

/// A set with everything in it, and as JSON.
fn stored() -> (Authorities, Value) {
    let (root, other) = (ca("root", None), ca("other", None));
    let mut set = trusting(&[&root, &other]);
    set.set_rules(other.authority().id(), Rules { invite: false, codeless: true }).unwrap();
    set.put_crl(&list(&root, 1, &[7]), NOW).unwrap();
    set.set_stale_crl(StaleCrl::Accept);
    let value = serde_json::to_value(&set).unwrap();
    (set, value)
}

#[test]
fn the_set_is_kept_as_json_and_comes_back_whole() {
    let (set, value) = stored();
    assert_eq!((&value["version"], &value["stale_crl"]), (&json!(1), &json!("accept")));
    assert_eq!(value["authorities"][1]["rules"], json!({ "invite": false, "codeless": true }));
    let back: Authorities = serde_json::from_value(value).unwrap();
    assert_eq!(back, set);
    let empty = serde_json::to_string(&Authorities::default()).unwrap();
    assert_eq!(serde_json::from_str::<Authorities>(&empty).unwrap(), Authorities::default());
    assert_eq!(Authorities::default().stale_crl(), StaleCrl::Refuse);
}

#[test]
fn a_damaged_file_is_refused_and_says_what_is_wrong() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut value = stored().1;
        change(&mut value);
        serde_json::from_value::<Authorities>(value).unwrap_err().to_string()
    };
    let told = |text: &str, words: &str| assert!(text.contains(words), "{text}");
    told(&refused(&|v| v["version"] = json!(2)), "version 2");
    told(&refused(&|v| drop(v.as_object_mut().unwrap().remove("crls"))), "missing");
    told(&refused(&|v| drop(v.as_object_mut().unwrap().remove("stale_crl"))), "missing");
    told(&refused(&|v| drop(v["authorities"][0].as_object_mut().unwrap().remove("rules"))), "rules");
    told(&refused(&|v| v["authorities"][1]["der"] = json!("*")), "authority 2: not base64");
    told(&refused(&|v| v["authorities"][0]["der"] = json!("MAA=")), "authority 1: ");
    told(&refused(&|v| v["authorities"][1] = v["authorities"][0].clone()), "trusted already");
    told(&refused(&|v| drop(v["authorities"].as_array_mut().unwrap().remove(0))), "not by a trusted authority");
    told(&refused(&|v| v["crls"][0] = json!("AAAA")), "revocation list 1: ");
    told(&refused(&|v| v["crls"] = json!([v["crls"][0], v["crls"][0]])), "there twice");
    let person = data_encoding::BASE64.encode(&leaf("Ada", &ca("root", None)).der);
    told(&refused(&|v| v["authorities"][0]["der"] = json!(person)), "not the certificate of an authority");
    let fault = Failure::from(AuthorityFault::Damaged("x".into()));
    assert_eq!((fault.code, fault.status), (ErrorCode::StorageFailed, None));
}

#[test]
fn a_set_with_an_authority_that_expired_meanwhile_is_still_read() {
    let old = ca_with("old", None, |p| p.not_after = date_time_ymd(2026, 6, 2));
    let json = serde_json::to_string(&trusting(&[&old])).unwrap();
    let set: Authorities = serde_json::from_str(&json).unwrap();
    let then = NOW + 10 * DAY;
    assert!(matches!(set.judge(&[&leaf("Ada", &old).der], then), Err(AuthorityFault::AuthorityExpired { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_refused_as_an_authority_and_as_a_chain(
        bytes in prop::collection::vec(any::<u8>(), 0..600), sequence: bool, now: u64
    ) {
        static SET: std::sync::LazyLock<(Authorities, Made)> = std::sync::LazyLock::new(|| {
            let root = ca("root", None);
            let ada = leaf("Ada", &root);
            (trusting(&[&root]), ada)
        });
        let bytes = if sequence { [&[0x30, 0x82], bytes.as_slice()].concat() } else { bytes };
        prop_assert!(Authority::read(&bytes, now).is_err());
        prop_assert!(SET.0.judge(&[&bytes], now).is_err());
        let _ = SET.0.judge(&[&SET.1.der, &bytes], now);
        prop_assert!(serde_json::from_slice::<Authorities>(&bytes).is_err());
    }

    #[test]
    fn a_spoiled_authority_gets_a_verdict(
        spoils in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        static WHOLE: std::sync::LazyLock<Made> = std::sync::LazyLock::new(|| ca("root", None));
        static PERSON: std::sync::LazyLock<Made> = std::sync::LazyLock::new(|| leaf("Ada", &WHOLE));
        let mut der = WHOLE.der.clone();
        for (at, byte) in &spoils {
            let at = at.index(der.len());
            der[at] = *byte;
        }
        if let Ok(authority) = Authority::read(&der, NOW) {
            let mut set = Authorities::default();
            set.add(authority).unwrap();
            let _ = set.judge(&[&PERSON.der, &der], NOW);
        }
    }
}

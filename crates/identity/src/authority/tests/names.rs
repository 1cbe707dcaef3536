//! Who a certificate is about, and which names an authority may vouch for.

use super::*;
use hither_model::text::is_hidden;
use proptest::prelude::*;
use rcgen::{CidrSubnet, DnValue, GeneralSubtree, NameConstraints, SanType};

fn person(change: impl FnOnce(&mut CertificateParams)) -> CertifiedPerson {
    let root = ca("root", None);
    judged(&trusting(&[&root]), &[&leaf_with("Ada", &root, change)]).unwrap().person
}

fn called(parts: &[(DnType, &str)]) -> CertifiedPerson {
    person(|params| {
        params.distinguished_name = DistinguishedName::new();
        for (kind, text) in parts {
            params.distinguished_name.push(kind.clone(), *text);
        }
    })
}

const GIVEN: &[u64] = &[2, 5, 4, 42];
const SURNAME: &[u64] = &[2, 5, 4, 4];

#[test]
fn a_person_is_called_by_common_name_else_by_given_name_and_surname_else_by_the_subject() {
    let (given, surname) = (DnType::from_oid(GIVEN), DnType::from_oid(SURNAME));
    let all = [
        (DnType::OrganizationName, "Works"),
        (given.clone(), "Ada"),
        (surname.clone(), "Lovelace"),
        (DnType::CommonName, "Countess"),
    ];
    let person = called(&all);
    assert_eq!((person.name.as_str(), person.organisation.as_deref()), ("Countess", Some("Works")));
    assert_eq!(called(&all[..3]).name, "Ada Lovelace");
    assert_eq!(called(&all[..2]).name, "Ada");
    let person = called(&[(DnType::CountryName, "GB"), (DnType::CommonName, "  ")]);
    assert_eq!(person.name, person.subject);
    assert_eq!((person.organisation, person.email), (None, None));
}

#[test]
fn a_certificate_that_names_nobody_by_anything_is_refused() {
    let root = ca("root", None);
    let set = trusting(&[&root]);
    let nameless = |names: Vec<SanType>| {
        leaf_with("", &root, |params| {
            params.distinguished_name = DistinguishedName::new();
            params.subject_alt_names = names;
        })
    };
    assert_eq!(refused(&set, &[&nameless(vec![])]), AuthorityFault::Nameless);
    let by_email = nameless(vec![SanType::Rfc822Name("ada@works.example".try_into().unwrap())]);
    assert_eq!(judged(&set, &[&by_email]).unwrap().person.name, "ada@works.example");
}

#[test]
fn an_email_address_is_one_among_the_alternative_names() {
    let with = |names: &[SanType]| person(|params| params.subject_alt_names = names.to_vec()).email;
    let address = |text: &str| SanType::Rfc822Name(text.try_into().unwrap());
    let dns = SanType::DnsName("works.example".try_into().unwrap());
    assert_eq!(with(&[dns, address("ada@works.example"), address("b@c")]).as_deref(), Some("ada@works.example"));
    assert_eq!(with(&[address("a\u{1b}[31m@b")]).as_deref(), Some("a\\u{1b}[31m@b"));
    assert_eq!(with(&[]), None);
    // An address that only looks like another one: its "a" is Cyrillic.
    let look_alike = "\u{430}da@works.example";
    let length = u8::try_from(look_alike.len()).unwrap();
    let names = [&[0x30, length + 2, 0x81, length], look_alike.as_bytes()].concat();
    let extension = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 17], names);
    assert_eq!(person(|params| params.custom_extensions = vec![extension]).email, None);
    let subject = called(&[(DnType::from_oid(&[1, 2, 840, 113_549, 1, 9, 1]), "ada@works.example")]);
    assert_eq!(subject.email, None);
}

#[test]
fn x3_hostile_names_of_people_and_authorities_are_shown_escaped_and_short() {
    let name = |value: DnValue| {
        let mut params = ca_params("");
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, value.clone());
        let root = Made::new(params, None, &rcgen::PKCS_ED25519);
        let vouched = judged(
            &trusting(&[&root]),
            &[&leaf_with("", &root, |p| {
                p.distinguished_name = DistinguishedName::new();
                p.distinguished_name.push(DnType::CommonName, value);
            })],
        )
        .unwrap();
        assert_eq!(vouched.person.name, vouched.authority_name);
        for text in [&vouched.person.name, &vouched.person.subject, &vouched.person.issuer] {
            assert!(text.chars().count() <= 256 && !text.chars().any(is_hidden), "{text}");
        }
        vouched.person.name
    };
    let text = |text: &str| name(DnValue::Utf8String(text.into()));
    assert_eq!(text("\u{202e}adA"), "\\u{202e}adA");
    assert_eq!(text("Ada\0.example"), "Ada\\u{0}.example");
    assert_eq!(text("two\nlines"), "two\\u{a}lines");
    assert_eq!(text(&"x".repeat(3_000)).chars().count(), 256);
    assert_eq!(text("에이다"), "에이다");
    assert_eq!(name(DnValue::BmpString("Jos\u{e9}".try_into().unwrap())), "José");
}

#[test]
fn x3_a_name_of_ten_thousand_characters_is_shortened() {
    let person = called(&[(DnType::CommonName, &"x".repeat(10_000))]);
    assert_eq!(person.name.chars().count(), 256);
    assert_eq!(called(&[(DnType::CommonName, &"\u{202e}".repeat(1_000))]).name.chars().count(), 256);
}

/// An authority that may vouch for these names only, or for all but these.
fn limited(by: Option<&Made>, names: Vec<GeneralSubtree>, permitted: bool) -> Made {
    ca_with("limited", by, |params| {
        let (permitted_subtrees, excluded_subtrees) = if permitted { (names, vec![]) } else { (vec![], names) };
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees });
    })
}

fn hosted(by: &Made, host: &str) -> Made {
    leaf_with("Ada", by, |params| params.subject_alt_names = vec![SanType::DnsName(host.try_into().unwrap())])
}

#[test]
fn constraints_on_dns_names_and_addresses_hold_for_authorities_and_those_between() {
    let root = ca("root", None);
    let works = || vec![GeneralSubtree::DnsName("works.example".into())];
    for above in [None, Some(&root)] {
        let only = limited(above, works(), true);
        let set = trusting(&[above.unwrap_or(&only)]);
        let name = set.iter().next().unwrap().0.name().to_owned();
        judged(&set, &[&hosted(&only, "ada.works.example"), &only]).unwrap();
        judged(&set, &[&leaf("Ada", &only), &only]).unwrap();
        let fault = refused(&set, &[&hosted(&only, "ada.bank.example"), &only]);
        assert_eq!(fault, AuthorityFault::Names { name: name.clone() });
        assert_eq!(fault.status(), Some(hither_model::SocketErrorStatus::CertificateIsInvalid));
        let but = limited(above, works(), false);
        let set = trusting(&[above.unwrap_or(&but)]);
        judged(&set, &[&hosted(&but, "ada.bank.example"), &but]).unwrap();
        assert_eq!(refused(&set, &[&hosted(&but, "ada.works.example"), &but]), AuthorityFault::Names { name });
    }
    let net = limited(None, vec![GeneralSubtree::IpAddress(CidrSubnet::V4([10, 0, 0, 0], [255, 0, 0, 0]))], true);
    let at = |ip: [u8; 4]| leaf_with("Ada", &net, |p| p.subject_alt_names = vec![SanType::IpAddress(ip.into())]);
    judged(&trusting(&[&net]), &[&at([10, 1, 2, 3])]).unwrap();
    assert!(judged(&trusting(&[&net]), &[&at([11, 1, 2, 3])]).is_err());
}

#[test]
fn an_authority_with_constraints_that_nobody_would_enforce_is_refused() {
    let root = ca("root", None);
    let mut works = DistinguishedName::new();
    works.push(DnType::OrganizationName, "Works");
    let email = || GeneralSubtree::Rfc822Name("works.example".into());
    let dns = || GeneralSubtree::DnsName("works.example".into());
    for (names, what) in [
        (vec![GeneralSubtree::DirectoryName(works)], "directory names"),
        (vec![email()], "e-mail addresses"),
        (vec![dns(), email()], "e-mail addresses"),
    ] {
        for permitted in [true, false] {
            let fault = AuthorityFault::Constraint(what);
            let odd = limited(None, names.clone(), permitted);
            assert_eq!(Authority::read(&odd.der, NOW), Err(fault.clone()));
            let odd = limited(Some(&root), names.clone(), permitted);
            let between = AuthorityFault::Between(Box::new(fault));
            assert_eq!(refused(&trusting(&[&root]), &[&leaf("Ada", &odd), &odd]), between);
        }
    }
    for broken in [vec![], vec![0x30], vec![0x30, 2, 0xa2, 0], vec![0x30, 4, 0xa0, 2, 0x30, 0], vec![5, 0]] {
        let extension = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 30], broken.clone());
        let odd = ca_with("odd", None, |params| params.custom_extensions = vec![extension]);
        assert!(Authority::read(&odd.der, NOW).is_err(), "{broken:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_name_is_safe_to_show(name in "\\PC{0,40}|[\\x00-\\x7f]{1,40}|.{1,300}") {
        let person = called(&[(DnType::CommonName, &name)]);
        prop_assert!(person.name.chars().count() <= 256);
        prop_assert!(!person.name.chars().any(is_hidden));
    }
}

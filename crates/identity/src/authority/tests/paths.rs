//! Chains that lead to an authority, and those that must not.

use super::*;
use hither_model::{ErrorCode, Failure, SocketErrorStatus as Status};

fn status(fault: AuthorityFault) -> Option<Status> {
    let failure = Failure::from(fault);
    assert_eq!(failure.code, ErrorCode::CertificateRefused);
    assert!(failure.hint.is_some());
    failure.status
}

#[test]
fn whom_an_authority_certifies_is_told_with_its_name_and_rules() {
    let root = ca("Works Root", None);
    let ada = leaf("Ada", &root);
    let mut set = trusting(&[&root]);
    let vouched = judged(&set, &[&ada]).unwrap();
    assert_eq!(vouched.authority, root.authority().id());
    assert_eq!(vouched.authority_name, "Works Root");
    assert_eq!(vouched.rules, Rules { invite: false, codeless: false });
    assert_eq!(vouched.person.name, "Ada");
    assert_eq!(vouched.person.subject, "CN=Ada,O=Works");
    assert_eq!(vouched.person.issuer, "CN=Works Root,O=Works");
    let rules = Rules { invite: true, codeless: false };
    set.set_rules(root.authority().short(), rules).unwrap();
    assert_eq!(judged(&set, &[&ada]).unwrap().rules, rules);
    // The root itself does not have to be shown, and does no harm.
    judged(&set, &[&ada, &root]).unwrap();
}

#[test]
fn every_accepted_kind_of_key_is_vouched_for_by_every_other() {
    let kinds =
        [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519, &rcgen::PKCS_RSA_SHA256];
    for above in kinds {
        let root = Made::new(ca_params("root"), None, above);
        let set = trusting(&[&root]);
        for below in kinds {
            judged(&set, &[&Made::new(leaf_params("Ada"), Some(&root), below)]).unwrap();
        }
        let mut set = set;
        set.put_crl(&list(&root, 1, &[8]), NOW).unwrap();
        judged(&set, &[&leaf("Ada", &root)]).unwrap();
    }
    let odd = Made::new(ca_params("root"), None, &rcgen::PKCS_ECDSA_P521_SHA512);
    let fault = Authority::read(&odd.der, NOW).unwrap_err();
    assert!(matches!(fault, AuthorityFault::Certificate(CertificateFault::Key(_))), "{fault}");
}

#[test]
fn certificates_between_come_from_the_handshake_in_any_order() {
    let root = ca("root", None);
    let upper = ca("upper", Some(&root));
    let lower = ca("lower", Some(&upper));
    let ada = leaf("Ada", &lower);
    let set = trusting(&[&root]);
    judged(&set, &[&ada, &lower, &upper]).unwrap();
    judged(&set, &[&ada, &upper, &lower]).unwrap();
    let fault = refused(&set, &[&ada, &lower]);
    assert_eq!(fault, AuthorityFault::Untrusted);
    assert_eq!(status(fault), Some(Status::CertificateUntrustedRoot));
    // Trusting the lower one is enough, and does not need the others.
    judged(&trusting(&[&lower]), &[&ada]).unwrap();
}

#[test]
fn nobody_is_vouched_for_by_an_empty_set_or_by_themselves() {
    let root = ca("root", None);
    let ada = leaf("Ada", &root);
    assert_eq!(refused(&Authorities::default(), &[&ada, &root]), AuthorityFault::Untrusted);
    let own = Made::new(leaf_params("Ada"), None, &rcgen::PKCS_ED25519);
    assert_eq!(refused(&trusting(&[&root]), &[&own]), AuthorityFault::Untrusted);
}

#[test]
fn a_foreign_authority_with_the_name_of_a_trusted_one_vouches_for_nobody() {
    let (root, false_root) = (ca("root", None), ca("root", None));
    let set = trusting(&[&root]);
    let eve = leaf("Ada", &false_root);
    for chain in [vec![&eve], vec![&eve, &false_root], vec![&eve, &root], vec![&eve, &false_root, &root]] {
        let fault = refused(&set, &chain);
        assert_eq!(fault, AuthorityFault::NotSigned { name: "root".into() });
        assert_eq!(status(fault), Some(Status::CertificateUntrustedRoot));
    }
    // Also if the keys are of different kinds, and if both names are trusted, the right key decides.
    let rsa = Made::new(ca_params("root"), None, &rcgen::PKCS_RSA_SHA256);
    assert_eq!(refused(&set, &[&leaf("Ada", &rsa)]), AuthorityFault::NotSigned { name: "root".into() });
    let both = trusting(&[&root, &false_root]);
    assert_eq!(judged(&both, &[&eve]).unwrap().authority, false_root.authority().id());
    assert_eq!(judged(&both, &[&leaf("Ada", &root)]).unwrap().authority, root.authority().id());
}

#[test]
fn a_person_of_the_same_subject_from_another_authority_is_a_stranger() {
    let (root, other) = (ca("root", None), ca("other", None));
    let set = trusting(&[&root]);
    judged(&set, &[&leaf("Ada", &root)]).unwrap();
    assert_eq!(refused(&set, &[&leaf("Ada", &other), &other]), AuthorityFault::Untrusted);
}

#[test]
fn x1_expired_and_early_certificates_anywhere_on_the_path_are_refused() {
    let root = ca("root", None);
    let set = trusting(&[&root]);
    let expired = leaf_with("Ada", &root, |p| p.not_after = date_time_ymd(2026, 5, 1));
    let fault = refused(&set, &[&expired]);
    assert!(matches!(fault, AuthorityFault::Certificate(CertificateFault::Expired { .. })), "{fault}");
    assert_eq!(status(fault), Some(Status::CertificateExpired));
    let early = leaf_with("Ada", &root, |p| p.not_before = date_time_ymd(2026, 7, 1));
    assert_eq!(status(refused(&set, &[&early])), Some(Status::CertificateExpired));
    // Within the two days that are tolerated of a pinned key.
    let tomorrow = leaf_with("Ada", &root, |p| p.not_before = date_time_ymd(2026, 6, 2));
    assert_eq!(refused(&set, &[&tomorrow]), AuthorityFault::NotYetValid { from: "2026-06-02T00:00:00Z".into() });

    let between = ca_with("between", Some(&root), |p| p.not_after = date_time_ymd(2026, 5, 1));
    let fault = refused(&set, &[&leaf("Ada", &between), &between]);
    assert_eq!(fault, AuthorityFault::Expired { since: "2026-05-01T00:00:00Z".into() });
    assert_eq!(status(fault), Some(Status::CertificateExpired));

    let long = leaf_with("Ada", &root, |p| p.not_after = date_time_ymd(9999, 12, 31));
    let then = NOW + 365 * DAY;
    let fault = set.judge(&[&long.der], then).unwrap_err();
    assert_eq!(fault, AuthorityFault::AuthorityExpired { name: "root".into(), since: "2027-01-01T00:00:00Z".into() });
    assert_eq!(status(fault), Some(Status::CertificateExpired));
    let late = ca_with("late", None, |p| p.not_before = date_time_ymd(2026, 7, 1));
    let fault = refused(&trusting(&[&late]), &[&leaf("Ada", &late)]);
    assert_eq!(fault, AuthorityFault::AuthorityEarly { name: "late".into(), from: "2026-07-01T00:00:00Z".into() });
    for now in [0, u64::MAX] {
        assert!(set.judge(&[&long.der], now).is_err());
    }
}

#[test]
fn a_certificate_for_servers_only_does_not_name_a_person() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
    let root = ca("root", None);
    let set = trusting(&[&root]);
    for wrong in [vec![ServerAuth], vec![Any]] {
        let fault = refused(&set, &[&leaf_with("Ada", &root, |p| p.extended_key_usages = wrong)]);
        assert_eq!(fault, AuthorityFault::Purpose);
        assert_eq!(status(fault), Some(Status::CertificateWrongUsage));
    }
    for right in [vec![], vec![ServerAuth, ClientAuth]] {
        judged(&set, &[&leaf_with("Ada", &root, |p| p.extended_key_usages = right)]).unwrap();
    }
    let web = ca_with("web", Some(&root), |p| p.extended_key_usages = vec![ServerAuth]);
    let fault = refused(&set, &[&leaf("Ada", &web), &web]);
    assert_eq!(fault, AuthorityFault::Between(Box::new(AuthorityFault::AuthorityPurpose)));
}

#[test]
fn the_path_length_of_authorities_and_of_those_between_is_kept() {
    let limited = |most| move |p: &mut CertificateParams| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(most));
    let root = ca_with("root", None, limited(0));
    let between = ca("between", Some(&root));
    let set = trusting(&[&root]);
    judged(&set, &[&leaf("Ada", &root)]).unwrap();
    let fault = refused(&set, &[&leaf("Ada", &between), &between]);
    assert_eq!(fault, AuthorityFault::PathLength { name: "root".into() });
    assert_eq!(status(fault), Some(Status::CertificateIsInvalid));

    let root = ca_with("root", None, limited(2));
    let upper = ca_with("upper", Some(&root), limited(0));
    let lower = ca("lower", Some(&upper));
    let set = trusting(&[&root]);
    judged(&set, &[&leaf("Ada", &upper), &upper]).unwrap();
    let fault = refused(&set, &[&leaf("Ada", &lower), &lower, &upper]);
    assert_eq!(fault, AuthorityFault::PathLength { name: "root".into() });
}

#[test]
fn x7_who_is_no_authority_vouches_for_nobody_and_an_authority_is_nobody() {
    let root = ca("root", None);
    let set = trusting(&[&root]);
    let as_leaf = ca_with("Ada", Some(&root), |p| p.key_usages.push(KeyUsagePurpose::DigitalSignature));
    let fault = refused(&set, &[&as_leaf]);
    assert_eq!(fault, AuthorityFault::Certificate(CertificateFault::Authority));
    assert_eq!(status(fault), Some(Status::CertificateWrongUsage));
    assert!(judged(&set, &[&root]).is_err());

    let ada = leaf("Ada", &root);
    let fault = refused(&set, &[&leaf("Eve", &ada), &ada]);
    assert_eq!(fault, AuthorityFault::Between(Box::new(AuthorityFault::NotAuthority)));
    assert_eq!(status(fault), Some(Status::CertificateUntrustedRoot));
    let no_usage = ca_with("lists only", Some(&root), |p| p.key_usages = vec![KeyUsagePurpose::CrlSign]);
    let fault = refused(&set, &[&leaf("Eve", &no_usage), &no_usage]);
    assert_eq!(fault, AuthorityFault::Between(Box::new(AuthorityFault::NotForSigning)));
    let agreement = leaf_with("Ada", &root, |p| p.key_usages = vec![KeyUsagePurpose::KeyAgreement]);
    assert_eq!(refused(&set, &[&agreement]), AuthorityFault::Certificate(CertificateFault::Usage));

    for above in [None, Some(&root)] {
        let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4, 5], vec![5, 0]);
        extension.set_criticality(true);
        let odd = ca_with("odd", above, |p| p.custom_extensions = vec![extension]);
        let fault = AuthorityFault::Certificate(CertificateFault::Critical("1.2.3.4.5".into()));
        assert_eq!(Authority::read(&odd.der, NOW), Err(fault.clone()));
        let between = AuthorityFault::Between(Box::new(fault));
        assert_eq!(refused(&set, &[&leaf("Eve", &odd), &odd]), between);
    }
}

#[test]
fn a_certificate_that_was_changed_anywhere_is_not_vouched_for() {
    let root = ca("root", None);
    let set = trusting(&[&root]);
    let ada = leaf("Ada", &root);
    for at in (0..ada.der.len()).step_by(3) {
        let mut der = ada.der.clone();
        der[at] ^= 1;
        assert!(set.judge(&[&der], NOW).is_err(), "byte {at}");
    }
}

#[test]
fn of_several_authorities_that_vouch_the_one_with_most_rules_is_named() {
    let root = ca("root", None);
    let between = ca("between", Some(&root));
    let ada = leaf("Ada", &between);
    let mut set = trusting(&[&root, &between]);
    assert_eq!(judged(&set, &[&ada, &between]).unwrap().authority_name, "between");
    set.set_rules(root.authority().id(), Rules { invite: true, codeless: false }).unwrap();
    let vouched = judged(&set, &[&ada, &between]).unwrap();
    assert_eq!((vouched.authority_name.as_str(), vouched.rules.invite), ("root", true));
    set.set_rules(between.authority().id(), Rules { invite: false, codeless: true }).unwrap();
    let vouched = judged(&set, &[&ada, &between]).unwrap();
    assert_eq!(vouched.authority_name, "between");
    assert_eq!(vouched.rules, Rules { invite: true, codeless: true });
    // Without the certificate between, the root's word cannot be had, and its rule neither.
    assert!(!judged(&set, &[&ada]).unwrap().rules.invite);
}

#[test]
fn x2_chains_beyond_the_bounds_are_refused_unread() {
    let root = ca("root", None);
    let set = trusting(&[&root]);
    let ada = leaf("Ada", &root);
    judged(&set, &[&ada, &root, &root, &root]).unwrap();
    let too_many = AuthorityFault::Certificate(CertificateFault::TooMany);
    assert_eq!(refused(&set, &[&ada, &root, &root, &root, &root]), too_many);
    assert_eq!(refused(&set, &[&ada; 100]), too_many);
    assert_eq!(refused(&set, &[]), AuthorityFault::Certificate(CertificateFault::Missing));
    let megabyte = vec![0x30; 1 << 20];
    let fault = set.judge(&[&ada.der, &megabyte], NOW).unwrap_err();
    assert_eq!(fault, AuthorityFault::Certificate(CertificateFault::TooLarge));
    // What is not a certificate in a chain that is good without it does no harm.
    set.judge(&[&ada.der, b"0\x03\x02\x01\x01", b""], NOW).unwrap();
}

#[test]
fn x5_authorities_that_vouch_for_each_other_in_circles_cost_little() {
    let root = ca("root", None);
    // All of one name, each signed by another: every order has to be tried.
    let first = ca("circle", None);
    let second = Made::new(ca_params("circle"), Some(&first), &rcgen::PKCS_RSA_SHA256);
    let third = ca("circle", Some(&second));
    let eve = leaf("Eve", &third);
    let mut set = trusting(&[&root, &first]);
    for _ in 2..MAX_AUTHORITIES {
        set.add(ca("circle", None).authority()).unwrap();
    }
    judged(&set, &[&eve, &third, &second]).unwrap();
    set.remove(first.authority().id()).unwrap();
    let fault = refused(&set, &[&eve, &first, &second, &third]);
    assert_eq!(fault, AuthorityFault::NotSigned { name: "circle".into() });
}

//! Revocation lists: what they revoke, and which of them are taken.

use super::*;
use hither_model::{ErrorCode, Failure, SocketErrorStatus as Status};
use proptest::prelude::*;
use rcgen::{CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope};

/// An authority, a person of it with serial number 7, and a set that trusts it.
fn works() -> (Made, Made, Authorities) {
    let root = ca("root", None);
    let ada = leaf("Ada", &root);
    let set = trusting(&[&root]);
    (root, ada, set)
}

#[test]
fn a_revoked_certificate_is_refused_and_others_are_not() {
    let (root, ada, mut set) = works();
    let authority = set.put_crl(&list(&root, 1, &[8, 9]), NOW).unwrap();
    assert_eq!(authority.id(), root.authority().id());
    judged(&set, &[&ada]).unwrap();
    set.put_crl(&list(&root, 2, &[6, 7]), NOW).unwrap();
    let fault = refused(&set, &[&ada]);
    assert_eq!(fault, AuthorityFault::Revoked);
    let failure = Failure::from(fault);
    assert_eq!((failure.code, failure.status), (ErrorCode::CertificateRefused, Some(Status::CertificateRevoked)));
    let other = leaf_with("Bob", &root, |params| params.serial_number = Some(SerialNumber::from(8)));
    judged(&set, &[&other]).unwrap();
    let id = root.authority().id().to_owned();
    let kept: Vec<_> = set.crls(&id).unwrap().collect();
    assert_eq!((kept.len(), kept[0].revoked()), (1, 2));
    assert_eq!(kept[0].next_update(), "2026-07-01T00:00:00Z");
}

#[test]
fn a_revoked_authority_between_takes_its_people_with_it() {
    let root = ca("root", None);
    let between = ca_with("between", Some(&root), |params| params.serial_number = Some(SerialNumber::from(40)));
    let ada = leaf("Ada", &between);
    let mut set = trusting(&[&root]);
    // Serial 7 of the root is not serial 7 of the one between.
    set.put_crl(&list(&root, 1, &[7]), NOW).unwrap();
    judged(&set, &[&ada, &between]).unwrap();
    set.put_crl(&list(&root, 2, &[40]), NOW).unwrap();
    assert_eq!(refused(&set, &[&ada, &between]), AuthorityFault::Revoked);
}

#[test]
fn the_list_of_an_authority_between_counts_whichever_authority_the_path_leads_to() {
    let root = ca("root", None);
    let between = ca("between", Some(&root));
    let ada = leaf("Ada", &between);
    let mut set = trusting(&[&root, &between]);
    set.put_crl(&list(&between, 1, &[7]), NOW).unwrap();
    assert_eq!(refused(&set, &[&ada, &between]), AuthorityFault::Revoked);
    assert_eq!(refused(&set, &[&ada]), AuthorityFault::Revoked);
    // A list of an authority that is not in the set is not taken, whoever vouches for it.
    let mut only_root = trusting(&[&root]);
    assert_eq!(only_root.put_crl(&list(&between, 1, &[7]), NOW).unwrap_err(), AuthorityFault::ListForeign);
}

#[test]
fn an_authority_with_a_new_key_keeps_the_lists_of_its_old_one_apart() {
    let (old, new) = (ca("root", None), ca("root", None));
    let mut set = trusting(&[&old, &new]);
    set.put_crl(&list(&old, 5, &[7]), NOW).unwrap();
    judged(&set, &[&leaf("Ada", &new)]).unwrap();
    assert_eq!(refused(&set, &[&leaf("Ada", &old)]), AuthorityFault::Revoked);
    set.put_crl(&list(&new, 1, &[7]), NOW).unwrap();
    assert_eq!(refused(&set, &[&leaf("Ada", &new)]), AuthorityFault::Revoked);
    // A renewed certificate for the same key has the lists of that key, and keeps them when the first one goes.
    let key = || KeyPair::try_from(old.key.serialize_der().as_slice()).unwrap();
    let with = |serial: u64, usage: KeyUsagePurpose| {
        let mut params = ca_params("root");
        params.serial_number = Some(SerialNumber::from(serial));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, usage];
        Made::with_key(params, None, key())
    };
    let renewed = with(2, KeyUsagePurpose::CrlSign);
    set.add(renewed.authority()).unwrap();
    set.add(with(3, KeyUsagePurpose::DigitalSignature).authority()).unwrap();
    set.remove(old.authority().id()).unwrap();
    set.put_crl(&list(&renewed, 6, &[7]), NOW).unwrap();
    assert_eq!(refused(&set, &[&leaf("Ada", &renewed)]), AuthorityFault::Revoked);
    let back: Authorities = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
    assert_eq!(back, set);
    // Without one that may sign lists, they are nobody's.
    set.remove(renewed.authority().id()).unwrap();
    assert_eq!(set.lists.len(), 1);
}

#[test]
fn an_outdated_list_counts_by_policy() {
    let (root, ada, mut set) = works();
    set.put_crl(&list(&root, 1, &[8]), NOW).unwrap();
    let then = NOW + 60 * DAY;
    assert!(set.crls(root.authority().id()).unwrap().all(|list| list.stale(then) && !list.stale(NOW)));
    let fault = set.judge(&[&ada.der], then).unwrap_err();
    assert_eq!(fault, AuthorityFault::Stale { since: "2026-07-01T00:00:00Z".into() });
    assert_eq!(fault.status(), Some(Status::CertificateRevocationServerOffline));
    set.set_stale_crl(StaleCrl::Accept);
    set.judge(&[&ada.der], then).unwrap();
    let revoked = leaf_with("Bob", &root, |params| params.serial_number = Some(SerialNumber::from(8)));
    assert_eq!(set.judge(&[&revoked.der], then).unwrap_err(), AuthorityFault::Revoked);
}

#[test]
fn an_outdated_list_is_taken_in_only_where_the_policy_accepts_it() {
    let (root, _, mut set) = works();
    let outdated = list_with(&root, 1, &[7], |params| params.next_update = date_time_ymd(2026, 5, 20));
    let fault = set.put_crl(&outdated, NOW).unwrap_err();
    assert_eq!(fault, AuthorityFault::ListOver { since: "2026-05-20T00:00:00Z".into() });
    set.set_stale_crl(StaleCrl::Accept);
    set.put_crl(&outdated, NOW).unwrap();
    let early = list_with(&root, 2, &[7], |params| params.this_update = date_time_ymd(2026, 6, 10));
    let fault = set.put_crl(&early, NOW).unwrap_err();
    assert_eq!(fault, AuthorityFault::ListEarly { from: "2026-06-10T00:00:00Z".into() });
}

#[test]
fn a_list_that_is_older_by_number_or_date_does_not_take_the_place_of_a_newer_one() {
    let (root, ada, mut set) = works();
    let newer = list(&root, 0x1_00, &[7]);
    set.put_crl(&newer, NOW).unwrap();
    let by_number = list_with(&root, 0xff, &[], |params| params.this_update = date_time_ymd(2026, 5, 5));
    let by_date = list_with(&root, 0x1_01, &[], |params| params.this_update = date_time_ymd(2026, 4, 30));
    for older in [by_number, by_date] {
        let fault = set.put_crl(&older, NOW).unwrap_err();
        assert_eq!(fault, AuthorityFault::ListOlder { stored: "2026-05-01T00:00:00Z".into() });
        assert_eq!(fault.code(), ErrorCode::Stale);
        assert_eq!(refused(&set, &[&ada]), AuthorityFault::Revoked);
    }
    set.put_crl(&newer, NOW).unwrap();
    set.put_crl(&list_with(&root, 0x1_01, &[], |p| p.this_update = date_time_ymd(2026, 5, 2)), NOW).unwrap();
    judged(&set, &[&ada]).unwrap();
}

#[test]
fn a_list_that_the_authoritys_key_did_not_sign_is_refused() {
    let (root, ada, mut set) = works();
    let forger = ca("root", None);
    assert_eq!(set.put_crl(&list(&forger, 1, &[7]), NOW).unwrap_err(), AuthorityFault::ListForged);
    assert_eq!(set.put_crl(&list(&ca("other", None), 1, &[7]), NOW).unwrap_err(), AuthorityFault::ListForeign);
    let good = list(&root, 1, &[7]);
    for at in 0..good.len() {
        let mut spoiled = good.clone();
        spoiled[at] ^= 1;
        assert!(set.put_crl(&spoiled, NOW).is_err(), "byte {at}");
    }
    judged(&set, &[&ada]).unwrap();

    // Its key may sign certificates, but no lists.
    let mute = ca_with("root", None, |params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let speaking = Made { params: ca_params("root"), key: mute.key, der: mute.der };
    let fault = trusting(&[&speaking]).put_crl(&list(&speaking, 1, &[7]), NOW).unwrap_err();
    assert_eq!(fault, AuthorityFault::ListNotAllowed { name: "root".into() });
}

#[test]
fn lists_for_parts_of_the_certificates_stand_side_by_side() {
    let root = ca("root", None);
    let between = ca("between", Some(&root));
    let ada = leaf("Ada", &between);
    let bob = leaf("Bob", &root);
    let mut set = trusting(&[&root]);
    let part = |scope| {
        move |params: &mut CertificateRevocationListParams| {
            params.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint { uris: vec!["http://works.example/crl".into()] },
                scope: Some(scope),
            });
        }
    };
    set.put_crl(&list_with(&root, 1, &[7], part(CrlScope::CaCertsOnly)), NOW).unwrap();
    judged(&set, &[&bob]).unwrap();
    assert_eq!(refused(&set, &[&ada, &between]), AuthorityFault::Revoked);
    set.put_crl(&list_with(&root, 1, &[7], part(CrlScope::UserCertsOnly)), NOW).unwrap();
    assert_eq!(refused(&set, &[&bob]), AuthorityFault::Revoked);
    assert_eq!(set.crls(root.authority().id()).unwrap().count(), 2);
}

#[test]
fn x5_malformed_lists_and_lists_of_unknown_kinds_are_refused() {
    let (root, _, mut set) = works();
    assert_eq!(
        set.put_crl(&[&[0x30, 0x84], vec![0; 5 << 20].as_slice()].concat(), NOW).unwrap_err(),
        AuthorityFault::ListTooLarge
    );
    assert_eq!(set.put_crl(&vec![b' '; 7 << 20], NOW).unwrap_err(), AuthorityFault::ListTooLarge);
    for bytes in
        [b"".as_slice(), b"0\x80", &root.der, b"-----BEGIN X509 CRL-----", &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]]
    {
        assert_eq!(set.put_crl(bytes, NOW).unwrap_err(), AuthorityFault::ListUnreadable);
    }
    // A list by reasons ([3] of the issuing distribution point) and an indirect one ([4]).
    let whole = list_with(&root, 1, &[7], |params| {
        params.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris: vec!["http://works.example/crl".into()] },
            scope: Some(CrlScope::UserCertsOnly),
        });
    });
    let at = whole.windows(3).rposition(|bytes| bytes == [0x81, 1, 0xff]).unwrap();
    let mut indirect = whole.clone();
    indirect[at] = 0x84;
    let fault = set.put_crl(&indirect, NOW).unwrap_err();
    assert_eq!(fault, AuthorityFault::ListUnsupported("it is an indirect list"));
    // The entry of a certificate that ends in the middle.
    let list = list(&root, 1, &[7]);
    let at = list.windows(3).rposition(|bytes| bytes == [2, 1, 7]).unwrap();
    let mut cut = list.clone();
    cut[at + 1] = 0x7f;
    assert_eq!(set.put_crl(&cut, NOW).unwrap_err(), AuthorityFault::ListUnreadable);
}

#[test]
fn a_list_comes_as_pem_too() {
    let (root, ada, mut set) = works();
    let text = crate::pem::encode("X509 CRL", &list(&root, 1, &[7]));
    set.put_crl(text.as_bytes(), NOW).unwrap();
    assert_eq!(refused(&set, &[&ada]), AuthorityFault::Revoked);
    let wrong = crate::pem::encode("CERTIFICATE", &list(&root, 1, &[7]));
    assert_eq!(set.put_crl(wrong.as_bytes(), NOW).unwrap_err(), AuthorityFault::ListUnreadable);
}

#[test]
fn a_list_with_many_entries_is_looked_through_quickly() {
    let (root, ada, mut set) = works();
    let serials: Vec<u64> = (1_000..21_000).collect();
    set.put_crl(&list(&root, 1, &serials), NOW).unwrap();
    judged(&set, &[&ada]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn x5_any_bytes_are_refused_as_a_list(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        static SET: std::sync::LazyLock<Authorities> = std::sync::LazyLock::new(|| trusting(&[&ca("root", None)]));
        prop_assert!(SET.clone().put_crl(&bytes, NOW).is_err());
    }

    #[test]
    fn x5_a_spoiled_list_is_refused(
        spoils in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4)
    ) {
        static WHOLE: std::sync::LazyLock<(Authorities, Vec<u8>)> = std::sync::LazyLock::new(|| {
            let root = ca("root", None);
            (trusting(&[&root]), list(&root, 1, &[7, 8, 9]))
        });
        let (set, mut list) = WHOLE.clone();
        let mut spoiled = list.clone();
        for (at, change) in &spoils {
            let at = at.index(spoiled.len());
            spoiled[at] ^= change;
        }
        prop_assume!(spoiled != list);
        std::mem::swap(&mut list, &mut spoiled);
        prop_assert!(set.clone().put_crl(&list, NOW).is_err());
    }
}

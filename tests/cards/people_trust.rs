//! What an authority's word is worth at the other end, with the real program: who was revoked, lists that are out of date
//! or large, certificates it may not vouch for, its word in place of a code, links, and trust that is taken back.

use crate::{
    authority::{Authority, List},
    people_rig::{PATIENCE, Person, meet},
    soft::Soft,
};
use hither_tests::{
    Run,
    acts::{sees, until},
    events::{kind, text},
    netns::Lab,
    run::{End, SOON},
};
use rcgen::{
    CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, GeneralSubtree, KeyPair, NameConstraints, SanType,
    SerialNumber,
};
use serde_json::Value;
use std::{fs, path::Path};

const PIN: &str = "24680";

/// Microsoft's smart card logon: a purpose that many cards have and that says nothing to others.
const LOGON: &[u64] = &[1, 3, 6, 1, 4, 1, 311, 20, 2, 2];

/// Ana with a certificate in a file, and Ben, who believes the authority that issued it; its id at Ana's.
fn pair(lab: &Lab, authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> (Person, Person, String) {
    let ben = Person::at(lab, 1, "Ben", &[]);
    ben.trusts(authority);
    let ana = Person::at(lab, 0, "Ana", &[]);
    let id = holds(&ana, authority, "ana", change);
    (ana, ben, id)
}

/// Gives somebody a certificate of this name; its id.
fn holds(person: &Person, authority: &Authority, name: &str, change: impl FnOnce(&mut CertificateParams)) -> String {
    let key = KeyPair::generate().expect("a key");
    person.imports(&authority.issue_with(name, &key, change), &key)
}

/// Ana invites Ben as the holder of a certificate in a file, Ben says yes; the question and the session.
fn met(ana: &mut Person, ben: &mut Person, identity: &str, first: bool) -> (Value, String) {
    let mut invite = begins(ana, ben, identity, first);
    let question = ben.invited(first);
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    (question, session)
}

/// By the row in the list at first, since nobody has seen the other's key yet.
fn begins(ana: &Person, ben: &Person, identity: &str, first: bool) -> Run {
    if first { ana.invites(ben, identity) } else { ana.hither(&["invite", &ben.peer, "--identity", identity]) }
}

/// Takes over a list of revoked certificates.
fn takes_over(person: &Person, list: &str) -> End {
    fs::write(person.seat.file("list.crl"), list).expect("a file");
    person.seat.ask(["trust", "ca", "crl", &person.seat.at("list.crl").to_string_lossy()])
}

fn certified_by(row: &Value) -> (&str, &str) {
    (text(&row["certified"], "authority"), text(&row["certified"], "unvouched"))
}

#[test]
fn who_was_revoked_is_told_as_such_and_kept_out_and_an_outdated_list_counts_as_the_settings_say() {
    let Some(lab) = Lab::of(2) else { return };
    let authority = Authority::new();
    let (mut ana, mut ben, id) = pair(&lab, &authority, |params| params.serial_number = Some(SerialNumber::from(7)));
    let end = takes_over(&ben, &authority.list(&List { number: 1, over: false, revoked: &[5, 7] }));
    assert_eq!(end.code, Some(0), "{:?}", end.said);
    assert!(text(&end.said[0], "crl_until").starts_with("2036"), "{:?}", end.said);

    let (question, session) = met(&mut ana, &mut ben, &id, true);
    let (authority_named, unvouched) = certified_by(&question);
    assert!(authority_named.is_empty() && unvouched.contains("revoked"), "{question}");
    assert!(text(&ben.session(&session)["certified"], "unvouched").contains("revoked"));
    ana.closes(&session, &mut ben);
    ben.seat.rows(["settings", "set", "organisation", "on"]);
    let asked = ben.times_asked("invite");
    let refused = |ana: &Person, ben: &Person| begins(ana, ben, &id, false).end(SOON).error_code().to_owned();
    assert_eq!(refused(&ana, &ben), "CertificateRefused");
    assert_eq!(ben.times_asked("invite"), asked, "nobody was bothered");

    // Taken off the list again.
    let end = takes_over(&ben, &authority.list(&List { number: 2, over: false, revoked: &[5] }));
    assert_eq!(end.code, Some(0), "{:?}", end.said);
    let (question, session) = met(&mut ana, &mut ben, &id, false);
    assert_eq!(certified_by(&question), ("Lab Authority", ""), "{question}");
    ana.closes(&session, &mut ben);
    // An older list does not take the place of a newer one.
    let end = takes_over(&ben, &authority.list(&List { number: 1, over: false, revoked: &[7] }));
    assert_eq!(end.error_code(), "Stale", "{:?}", end.said);

    let outdated = authority.list(&List { number: 3, over: true, revoked: &[5] });
    assert_eq!(takes_over(&ben, &outdated).error_code(), "CertificateRefused");
    ben.seat.rows(["settings", "set", "stale-crl", "on"]);
    let end = takes_over(&ben, &outdated);
    assert_eq!((end.code, &end.said[0]["crl_stale"]), (Some(0), &true.into()), "{:?}", end.said);
    let (question, session) = met(&mut ana, &mut ben, &id, false);
    assert_eq!(certified_by(&question), ("Lab Authority", ""), "{question}");
    ana.closes(&session, &mut ben);
    ben.seat.rows(["settings", "set", "stale-crl", "off"]);
    let asked = ben.times_asked("invite");
    assert_eq!(refused(&ana, &ben), "CertificateRefused");
    assert_eq!(ben.times_asked("invite"), asked, "nobody was bothered");
}

#[test]
fn a_list_of_megabytes_is_taken_over_from_its_file_and_nothing_that_is_no_file_is_read() {
    let Some(lab) = Lab::of(2) else { return };
    let authority = Authority::new();
    let (mut ana, mut ben, id) = pair(&lab, &authority, |params| params.serial_number = Some(SerialNumber::from(7)));
    let many: Vec<u64> = (1_000_000..1_090_000).chain([7]).collect();
    let list = authority.list(&List { number: 1, over: false, revoked: &many });
    assert!(list.len() > 2 * 1024 * 1024, "{}", list.len());
    let end = takes_over(&ben, &list);
    assert_eq!(end.code, Some(0), "{:?}", end.said);
    let (question, session) = met(&mut ana, &mut ben, &id, true);
    assert!(certified_by(&question).1.contains("revoked"), "{question}");
    ana.closes(&session, &mut ben);
    // It is kept.
    let mut ben = ben.again(("HITHER_LOG", Path::new("warn")));
    let (question, _) = met(&mut ana, &mut ben, &id, false);
    assert!(certified_by(&question).1.contains("revoked"), "{question}");
    for path in ["/dev/zero", "/nonexistent", "/run"] {
        let end = ben.seat.ask(["trust", "ca", "crl", path]);
        assert_eq!(end.error_code(), "StorageFailed", "{path}: {:?}", end.said);
    }
}

#[test]
fn where_both_take_the_authoritys_word_a_card_and_a_file_are_enough_and_no_code_is_shown() {
    let Some(soft) = Soft::new("work", PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    let mut ana = Person::with_token(&lab, 0, "Ana", &soft);
    let file = holds(&ben, &soft.authority, "ben", |_| {});
    for (person, identity) in [(&ana, ana.certificate("ana")), (&ben, file)] {
        let id = person.trusts(&soft.authority);
        person.seat.rows(["trust", "ca", "set", &id, "--codeless", "on"]);
        person.seat.rows(["identity", "use", &identity]);
    }
    let row = sees(&ana.seat, "Ben");
    let mut invite = ana.hither(&["invite", text(&row, "peer")]);
    let question = ana.question("pin");
    ana.unlocks(&question, PIN);
    invite.wait("invite-sent");
    let question = ben.invited(false);
    assert_eq!((text(&question, "code"), text(&question, "proven")), ("", "certificate"), "{question}");
    assert_eq!(certified_by(&question), ("Lab Authority", ""));
    ben.seat.rows(["accept", text(&question, "id")]);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    assert!(invite.events.seen().iter().all(|said| kind(said) != "code"), "{:?}", invite.events.seen());
    for (person, name) in [(&ana, "ben"), (&ben, "ana")] {
        let row = person.session(&session);
        assert_eq!((text(&row, "verified"), text(&row["certified"], "name")), ("certificate", name), "{row}");
    }
}

#[test]
fn what_an_authority_may_not_vouch_for_is_told_with_the_reason_and_kept_out() {
    let Some(lab) = Lab::of(2) else { return };
    let authority = Authority::new();
    let narrow = Authority::with(|params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("lab.example".into())];
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
        let mut name = DistinguishedName::new();
        name.push(rcgen::DnType::CommonName, "Narrow Authority");
        params.distinguished_name = name;
    });
    let (mut ana, mut ben, purpose) = pair(&lab, &authority, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(LOGON.to_vec())];
    });
    ben.trusts(&narrow);
    let elsewhere = SanType::DnsName("ana.elsewhere.example".try_into().expect("a name"));
    let names = holds(&ana, &narrow, "ana", |params| params.subject_alt_names.push(elsewhere));
    let unknown = holds(&ana, &Authority::new(), "ana", |_| {});
    let cases = [(purpose, "clientAuth"), (names, "may not vouch for"), (unknown, "not signed by the one you trust")];
    for (at, (id, why)) in cases.iter().enumerate() {
        let (question, session) = met(&mut ana, &mut ben, id, at == 0);
        let (authority_named, unvouched) = certified_by(&question);
        assert!(authority_named.is_empty() && unvouched.contains(why), "{why}: {question}");
        ana.closes(&session, &mut ben);
    }
    ben.seat.rows(["settings", "set", "organisation", "on"]);
    let asked = ben.times_asked("invite");
    for (id, why) in &cases {
        let end = begins(&ana, &ben, id, false).end(SOON);
        assert_eq!(end.error_code(), "CertificateRefused", "{why}: {:?}", end.said);
    }
    assert_eq!(ben.times_asked("invite"), asked, "nobody was bothered");
}

#[test]
fn a_link_is_opened_by_the_holder_of_a_card_and_not_a_word_is_said_before_it_is_unlocked() {
    let Some(soft) = Soft::new("work", PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    ben.trusts(&soft.authority);
    ben.seat.rows(["settings", "set", "organisation", "on"]);
    let mut ana = Person::with_token(&lab, 0, "Ana", &soft);
    let card = ana.certificate("ana");
    let rows = ben.seat.rows(["invite", "--link"]);
    let url = text(rows.iter().find(|row| kind(row) == "link").expect("a link"), "url").to_owned();
    let mut open = ana.hither(&["open", "-", "--identity", &card]);
    open.type_in(format!("{url}\n").as_bytes());
    drop(open.stdin());
    let question = ana.question("pin");
    assert!(text(&question["pin"], "reason").starts_with("to open the link of "), "{question}");
    assert!(open.events.seen().iter().all(|said| kind(said) != "invite-sent") && !ben.was_asked());
    ana.unlocks(&question, PIN);
    open.wait("invite-sent");
    let question = ben.invited(false);
    assert_eq!((certified_by(&question), text(&question, "proven")), (("Lab Authority", ""), "link"), "{question}");
    ben.accepts(&question);
    let session = text(&open.wait("accepted"), "session").to_owned();
    let (here, there) = (ana.session(&session), ben.session(&session));
    assert_eq!((text(&here, "verified"), text(&there, "verified")), ("link", "link"));
    assert_eq!((text(&here["shown"], "subject"), text(&there["certified"], "name")), ("CN=ana,O=Lab", "ana"));
}

#[test]
fn a_certificate_is_chosen_among_those_that_are_there_and_none_that_is_of_no_use_is_taken() {
    let Some(soft) = Soft::new("work", PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    let day = rcgen::date_time_ymd;
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    soft.put_with("work", "expired", |params| {
        (params.not_before, params.not_after) = (day(2020, 1, 1), day(2021, 1, 1))
    });
    soft.put_with("work", "early", |params| (params.not_before, params.not_after) = (day(2035, 1, 1), day(2036, 1, 1)));
    soft.put_with("work", "server", |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    ben.trusts(&soft.authority);
    let mut ana = Person::with_token(&lab, 0, "Ana", &soft);
    let shown = ana.seat.rows(["identity", "list"]);
    assert!(shown.iter().all(|row| text(row, "subject") != "CN=expired,O=Lab"), "hidden: {shown:?}");
    let all = ana.certificates();
    for (name, why) in [("expired", "expired"), ("early", "valid only from 2035"), ("server", "no clientAuth")] {
        let subject = format!("CN={name},O=Lab");
        let row = all.iter().find(|row| text(row, "subject") == subject).expect("it is among all");
        assert!(text(row, "usable").contains(why), "{row}");
        assert_eq!(row["expired"], name == "expired", "{row}");
        let id = text(row, "id");
        assert_eq!(ana.seat.ask(["identity", "use", id]).error_code(), "KeyUnusable", "{name}");
        let end = ana.invites(&ben, id).end(SOON);
        assert_eq!(end.error_code(), "KeyUnusable", "{name}: {:?}", end.said);
    }
    assert!(!ana.was_asked_for("pin") && !ben.was_asked());

    let mut invite = ana.invites(&ben, "ask");
    let question = ana.question("choose-certificate");
    let choices = question["choices"].as_array().expect("choices");
    let subjects: Vec<_> = choices.iter().map(|row| text(row, "subject")).collect();
    assert!(subjects.contains(&"CN=ana,O=Lab") && !subjects.contains(&"CN=expired,O=Lab"), "{subjects:?}");
    assert!(choices.iter().any(|row| text(row, "source") == "local"), "the device's own key is a choice");
    let id = text(&question, "id");
    let end = ana.seat.ask(["choose", id, &ana.certificate("early")]);
    assert_ne!(end.code, Some(0), "{:?}", end.said);
    assert!(!ana.was_asked_for("pin"));
    ana.seat.rows(["choose", id, &ana.certificate("ana")]);
    let question = ana.question("pin");
    ana.unlocks(&question, PIN);
    invite.wait("invite-sent");
    let question = ben.invited(true);
    assert_eq!(text(&question["certified"], "name"), "ana");
    ben.accepts(&question);
    invite.wait("accepted");
}

#[test]
fn trust_that_is_taken_back_ends_what_it_allowed_and_is_not_taken_up_again() {
    let Some(soft) = Soft::new("work", PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    let authority = ben.trusts(&soft.authority);
    let mut ana = Person::with_token(&lab, 0, "Ana", &soft);
    let card = ana.certificate("ana");
    let session = meet(&mut ana, &mut ben, (&card, PIN), true);
    // An authority that is not trusted any more: what is open goes on, and nobody is vouched for from now on.
    ben.seat.rows(["trust", "ca", "remove", &authority]);
    ana.seat.rows(["say", "Ben", "still here", "--wait"]);
    ana.closes(&session, &mut ben);
    let session = meet(&mut ana, &mut ben, (&card, PIN), false);
    let row = ben.session(&session);
    assert!(text(&row["certified"], "unvouched").contains("no authority you trust"), "{row}");

    // The key of Ana's device is not known any more, in the middle of a session.
    ben.seat.rows(["trust", "set", &ana.peer, "forget"]);
    for person in [&mut ana, &mut ben] {
        person.closed(&session, PATIENCE);
    }
    assert!(ana.is_alone() && ben.is_alone());
    // To her he is a stranger with a friend's name until his key is proven; her card does not make her known: a code again.
    let stranger = |row: &Value| text(row, "name") == "Ben" && !text(row, "resembles").is_empty();
    let row = until(&ana.seat, &["near"], "Ben's new advert", PATIENCE, stranger);
    let mut invite = ana.hither(&["invite", text(&row, "peer"), "--yes-code", "--identity", &card]);
    let question = ana.question("pin");
    ana.unlocks(&question, PIN);
    invite.wait("invite-sent");
    let question = ben.invited(true);
    assert_eq!(text(&question, "trust"), "new", "{question}");
    ben.accepts(&question);
    invite.wait("accepted");
}

#[test]
fn colleagues_find_the_door_of_somebody_who_shows_no_name_and_others_learn_none() {
    let Some(lab) = Lab::of(3) else { return };
    let authority = Authority::new();
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    let id = ben.trusts(&authority);
    ben.seat.rows(["visibility", "known"]);
    ben.seat.rows(["trust", "ca", "set", &id, "--invite", "on"]);
    let (ana, eve) = (Person::at(&lab, 0, "Ana", &[]), Person::at(&lab, 2, "Eve", &[]));
    let colleague = holds(&ana, &authority, "ana", |_| {});
    let pretender = holds(&eve, &Authority::new(), "ana", |_| {});
    let nameless = |row: &Value| !matches!(text(row, "name"), "Ana" | "Eve" | "");
    for identity in ["local", &pretender] {
        let row = until(&eve.seat, &["near"], "somebody without a name", PATIENCE, nameless);
        assert_ne!(text(&row, "name"), "Ben");
        let end = eve.hither(&["invite", text(&row, "peer"), "--yes-code", "--identity", identity]).end(SOON);
        assert_eq!(end.error_code(), "CertificateRefused", "{:?}", end.said);
        assert!(!format!("{:?}", end.said).contains("Ben"), "{:?}", end.said);
    }
    assert!(!ben.was_asked(), "nobody was bothered");
    let row = until(&ana.seat, &["near"], "somebody without a name", PATIENCE, nameless);
    let mut invite = ana.hither(&["invite", text(&row, "peer"), "--yes-code", "--identity", &colleague]);
    let question = ben.invited(true);
    assert_eq!(certified_by(&question), ("Lab Authority", ""), "{question}");
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    assert_eq!(text(&ana.session(&session), "name"), "Ben", "the name comes after the proof");
}

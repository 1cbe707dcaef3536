//! Software of cards that crashes, hangs, or is not there, with the real program: whoever waited is told, nobody is tried
//! twice, and the agent goes on.

use crate::{module::Bad, people_rig::Person, rig::first};
use hither_tests::{
    events::{kind, text},
    netns::Lab,
    run::SOON,
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

const PIN: &str = "24680";

/// A signature that does not come takes at most this long from the PIN on: 4.5 s, and what a busy machine adds.
const FREE_AGAIN: Duration = Duration::from_secs(10);

/// A signature that does not come, for an invite and for an answer.
fn no_signature(mischief: &str) {
    let Some(bad) = Bad::new(PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    bad.soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    let mut ana = Person::with_bad(&lab, 0, "Ana", &bad, mischief);
    let card = ana.certificate("ana");
    let invite = ana.invites(&ben, &card);
    let question = ana.question("pin");
    ana.unlocks(&question, PIN);
    let since = Instant::now();
    let end = invite.end(SOON);
    assert!(since.elapsed() < FREE_AGAIN, "{:?}", since.elapsed());
    assert_eq!(end.error_code(), "KeyUnusable", "{:?}", end.said);
    assert!(!ben.was_asked(), "half a handshake is shown to nobody");

    // The same agent: another process for the card, and what needs no card works.
    assert_eq!(ana.seat.rows(["card", "list"]).iter().filter(|row| kind(row) == "token").count(), 1);
    let row = hither_tests::acts::sees(&ben.seat, "Ana");
    let mut invite = ben.seat.hither(["invite", text(&row, "peer"), "--yes-code"]);
    let question = ana.invited(true);
    let accept = ana.seat.hither(["accept", text(&question, "id"), "--yes-code", "--identity", &card]);
    let pin = ana.question("pin");
    ana.unlocks(&pin, PIN);
    let end = accept.end(SOON);
    assert_eq!(end.error_code(), "KeyUnusable", "{:?} {}", end.said, end.errors);
    let again = ana.invited(true);
    assert_eq!(text(&again, "id"), text(&question, "id"), "it can be answered otherwise");
    ana.accepts(&again);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    assert!(ben.session(&session).get("certified").is_none());
    assert_eq!((bad.logins(), bad.signs().len()), (2, 0), "one login for each PIN that was typed");
}

#[test]
fn s6_a_module_that_hangs_for_ever_in_a_signature_frees_whoever_waits_and_the_agent_goes_on() {
    no_signature("hang-sign");
}

#[test]
fn s6_a_module_that_crashes_in_a_signature_leaves_the_agent_alone() {
    no_signature("crash-sign");
}

#[test]
fn a_module_that_is_not_there_or_is_none_is_told_by_name_and_the_other_tokens_are_listed() {
    let Some(bad) = Bad::new(PIN) else { return };
    let Some(lab) = Lab::of(1) else { return };
    bad.soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let ana = Person::with_bad(&lab, 0, "Ana", &bad, "");
    let libz = first(&["/lib/x86_64-linux-gnu/libz.so.1", "/usr/lib/x86_64-linux-gnu/libz.so.1", "/lib64/libz.so.1"]);
    let missing = Path::new("/nonexistent/module.so");
    for path in libz.iter().map(AsRef::as_ref).chain([missing]) {
        ana.seat.rows(["card".as_ref(), "module".as_ref(), "add".as_ref(), path.as_os_str()]);
    }
    let rows = ana.seat.rows(["card", "list"]);
    let faults: Vec<_> = rows.iter().filter(|row| kind(row) == "fault").collect();
    assert_eq!(faults.len(), 1 + usize::from(libz.is_some()), "{rows:?}");
    assert!(faults.iter().any(|row| text(row, "module").contains("module")), "{faults:?}");
    assert!(faults.iter().all(|row| !text(row, "why").is_empty()));
    assert_eq!(rows.iter().filter(|row| kind(row) == "token").count(), 1);
    ana.certificate("ana");
}

#[test]
fn a_slow_card_holds_nobody_up_but_the_invite_that_waits_for_it() {
    let Some(bad) = Bad::new(PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    bad.soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    let mut ana = Person::with_bad(&lab, 0, "Ana", &bad, "slow-sign");
    let card = ana.certificate("ana");
    let mut invite = ana.invites(&ben, &card);
    let question = ana.question("pin");
    ana.unlocks(&question, PIN);
    let (since, mut asked, mut worst) = (Instant::now(), 0, Duration::ZERO);
    while invite.events.seen().iter().all(|said| kind(said) != "invite-sent") {
        let began = Instant::now();
        asked += 1;
        ana.asks(asked, &serde_json::json!({"ask": "status"}));
        worst = worst.max(began.elapsed());
        assert!(since.elapsed() < SOON, "it is not sent");
    }
    assert!(since.elapsed() > Duration::from_secs(2), "the card took its time: {:?}", since.elapsed());
    assert!(asked > 10 && worst < Duration::from_secs(1), "{asked} answers, the slowest after {worst:?}");
    let question = ben.invited(true);
    ben.accepts(&question);
    invite.wait("accepted");
}

#[test]
fn a_reader_with_keys_takes_the_pin_and_the_program_never_has_it() {
    let Some(bad) = Bad::new(PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    bad.soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    let mut ana = Person::with_bad(&lab, 0, "Ana", &bad, "pad").again(("CARD_PAD", Path::new(PIN)));
    let card = ana.certificate("ana");
    let mut invite = ana.invites(&ben, &card);
    let question = ana.question("pin");
    assert_eq!(question["pin"]["pad"], true, "{question}");
    ana.seat.rows(["pin", text(&question, "id")]);
    invite.wait("invite-sent");
    let question = ben.invited(true);
    ben.accepts(&question);
    invite.wait("accepted");
    assert_eq!((bad.logins(), bad.signs().len()), (1, 1));
}

#[test]
fn a_certificate_whose_key_is_another_is_noticed_before_anybody_is_shown_anything() {
    let Some(bad) = Bad::new(PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    let other = rcgen::KeyPair::generate().expect("a key");
    bad.soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, Some(&other));
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    let mut ana = Person::with_bad(&lab, 0, "Ana", &bad, "");
    let card = ana.certificate("ana");
    let invite = ana.invites(&ben, &card);
    let question = ana.question("pin");
    ana.unlocks(&question, PIN);
    let end = invite.end(SOON);
    assert_eq!(end.error_code(), "KeyUnusable", "{:?}", end.said);
    assert!(format!("{:?}", end.said).contains("do not belong together"), "{:?}", end.said);
    assert!(!ben.was_asked());
}

//! People with tokens and people without, at hosts of their own, with the real program: who is certified by whom is seen
//! at both ends, and nobody is asked before the one who asks has unlocked their key.

use crate::{
    module::Bad,
    people_rig::{PATIENCE, Person, meet},
    soft::Soft,
    terminal::Terminal,
};
use hither_tests::{
    acts::sees,
    events::{kind, text},
    netns::Lab,
    run::SOON,
};
use rcgen::{KeyPair, RsaKeySize, SignatureAlgorithm};
use serde_json::Value;

const PIN: &str = "24680";

/// Ana with a token, and Ben, who believes the authority that certified her.
fn pair(soft: &Soft, lab: &Lab) -> (Person, Person) {
    // Ben first: whoever comes later sees him as he is then.
    let ben = Person::at(lab, 1, "Ben", &[]);
    ben.trusts(&soft.authority);
    (Person::with_token(lab, 0, "Ana", soft), ben)
}

fn is_ana(certified: &Value) {
    assert_eq!(text(certified, "name"), "ana", "{certified}");
    assert_eq!(text(certified, "authority"), "Lab Authority", "{certified}");
    assert!(certified.get("unvouched").is_none(), "{certified}");
}

/// A card holder invites, and then answers.
fn both_ways(algorithm: &'static SignatureAlgorithm, key: &str) {
    both_ways_with(&KeyPair::generate_for(algorithm).expect("a key"), key);
}

fn both_ways_with(pair_of_keys: &KeyPair, key: &str) {
    let Some(soft) = Soft::new("work", PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    soft.put_own("work", "ana", pair_of_keys);
    let (mut ana, mut ben) = pair(&soft, &lab);
    let rows = ana.certificates();
    let row = rows.iter().find(|row| text(row, "subject") == "CN=ana,O=Lab").expect("the token's certificate");
    assert_eq!((text(row, "source"), text(row, "token"), text(row, "key")), ("card", "work", key));
    assert_eq!((&row["usable"], &row["current"], &row["hardware"]), (&true.into(), &false.into(), &false.into()));
    let card = text(row, "id").to_owned();

    let mut invite = ana.invites(&ben, &card);
    let question = ana.question("pin");
    let pin = &question["pin"];
    assert_eq!((text(pin, "token"), text(pin, "subject")), ("work", "CN=ana,O=Lab"));
    assert_eq!((text(pin, "reason"), text(pin, "tries")), ("to invite Ben", "plenty"));
    assert!(pin.get("before").is_none() && pin["pad"] == false);
    assert!(!ben.was_asked(), "nothing is said to anybody before the key is unlocked");
    ana.unlocks(&question, PIN);
    invite.wait("invite-sent");
    let question = ben.invited(true);
    is_ana(&question["certified"]);
    assert_eq!(text(&question, "name"), "Ana", "the name they gave themselves stays what it is");
    let waiting = ben.seat.rows(["inbox"]);
    is_ana(&waiting.iter().find(|row| kind(row) == "question").expect("it waits")["certified"]);
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    shown(&ana, &ben, &session, "code");
    ana.closes(&session, &mut ben);

    // The other way round: Ben asks, Ana answers with her card.
    let mut invite = ben.seat.hither(["invite", &ana.peer]);
    let question = ana.invited(false);
    assert!(question.get("certified").is_none(), "Ben has nothing but his device: {question}");
    let accept = ana.seat.hither(["accept", text(&question, "id"), "--identity", &card]);
    let question = ana.question("pin");
    assert_eq!(text(&question["pin"], "reason"), "to answer Ben");
    ana.unlocks(&question, PIN);
    let end = accept.end(SOON);
    assert_eq!(end.code, Some(0), "{:?} {}", end.said, end.errors);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    shown(&ana, &ben, &session, "stored");
}

/// What both ends say of a session in which Ana showed her certificate.
fn shown(ana: &Person, ben: &Person, session: &str, verified: &str) {
    let (here, there) = (ana.session(session), ben.session(session));
    is_ana(&there["certified"]);
    assert_eq!(text(&here["shown"], "subject"), "CN=ana,O=Lab", "{here}");
    assert_eq!(text(&here["shown"], "fingerprint"), text(&there["certified"], "fingerprint"));
    assert!(here.get("certified").is_none() && there.get("shown").is_none(), "{here} {there}");
    assert_eq!((text(&here, "verified"), text(&there, "verified")), (verified, verified));
}

#[test]
fn the_holder_of_a_p256_key_on_a_token_invites_and_answers_and_is_seen_as_certified() {
    both_ways(&rcgen::PKCS_ECDSA_P256_SHA256, "p256");
}

#[test]
fn the_holder_of_a_p384_key_on_a_token_invites_and_answers_and_is_seen_as_certified() {
    both_ways(&rcgen::PKCS_ECDSA_P384_SHA384, "p384");
}

#[test]
fn the_holder_of_an_rsa_key_on_a_token_invites_and_answers_and_is_seen_as_certified() {
    both_ways(&rcgen::PKCS_RSA_SHA256, "rsa2048");
}

/// The longer ones.
fn rsa(size: RsaKeySize) -> KeyPair {
    KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).expect("a key")
}

#[test]
fn the_holder_of_an_rsa_key_of_3072_bits_on_a_token_invites_and_answers_and_is_seen_as_certified() {
    both_ways_with(&rsa(RsaKeySize::_3072), "rsa3072");
}

#[test]
fn the_holder_of_an_rsa_key_of_4096_bits_on_a_token_invites_and_answers_and_is_seen_as_certified() {
    both_ways_with(&rsa(RsaKeySize::_4096), "rsa4096");
}

#[test]
fn organisation_mode_lets_a_colleague_in_and_keeps_strangers_out_whatever_their_certificate_says() {
    let (Some(soft), Some(other)) = (Soft::new("work", PIN), Soft::new("work", PIN)) else { return };
    let Some(lab) = Lab::of(3) else { return };
    for soft in [&soft, &other] {
        soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    }
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    ben.trusts(&soft.authority);
    ben.seat.rows(["settings", "set", "organisation", "on"]);
    let mut ana = Person::with_token(&lab, 0, "Ana", &soft);
    let mut eve = Person::with_token(&lab, 2, "Eve", &other);

    let row = sees(&eve.seat, "Ben");
    let end = eve.seat.ask(["invite", text(&row, "peer"), "--yes-code", "--timeout", "30"]);
    assert_eq!(end.error_code(), "CertificateRefused", "{:?}", end.said);
    // The same subject, by an authority of the same name.
    let card = eve.certificate("ana");
    let invite = eve.invites(&ben, &card);
    let question = eve.question("pin");
    eve.unlocks(&question, PIN);
    let end = invite.end(SOON);
    assert_eq!(end.error_code(), "CertificateRefused", "{:?}", end.said);
    assert!(!ben.was_asked(), "nobody was bothered");

    let card = ana.certificate("ana");
    let session = meet(&mut ana, &mut ben, (&card, PIN), true);
    is_ana(&ben.session(&session)["certified"]);
    assert!(eve.is_alone());
}

#[test]
fn s1_a_wrong_pin_is_tried_once_and_asked_for_anew_and_a_session_is_one_signature() {
    let Some(bad) = Bad::new(PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    bad.soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let (mut ana, mut ben) = (Person::with_bad(&lab, 0, "Ana", &bad, ""), Person::at(&lab, 1, "Ben", &[]));
    let card = ana.certificate("ana");
    let mut invite = ana.invites(&ben, &card);
    let first = ana.question("pin");
    for (pin, code) in [("1", "Misuse"), ("11111", "PinWrong")] {
        let end = ana.pin(&first, pin, &[]);
        assert_eq!(end.error_code(), code, "{:?}", end.said);
    }
    assert_eq!(bad.logins(), 1, "too short a PIN is not tried");
    let second = ana.question("pin");
    assert_ne!(text(&first, "id"), text(&second, "id"));
    assert!(text(&second["pin"], "before").contains("PIN"), "{second}");
    assert_eq!(ana.pin(&first, PIN, &[]).error_code(), "UnknownId", "the question before is over");
    assert!(!ben.was_asked(), "nothing is said to anybody before the key is unlocked");
    assert_eq!((bad.logins(), bad.signs().len()), (1, 0));

    ana.unlocks(&second, PIN);
    invite.wait("invite-sent");
    let question = ben.invited(true);
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    ana.seat.rows(["say", "Ben", "hello", "--wait"]);
    assert_eq!((bad.logins(), bad.signs().len()), (2, 1));
    // Answering is one as well.
    ana.closes(&session, &mut ben);
    let mut invite = ben.seat.hither(["invite", &ana.peer]);
    let question = ana.invited(false);
    let accept = ana.seat.hither(["accept", text(&question, "id")]);
    let question = ana.question("pin");
    ana.unlocks(&question, PIN);
    assert_eq!(accept.end(SOON).code, Some(0), "with somebody it is used with, it need not be named again");
    invite.wait("accepted");
    assert_eq!((bad.logins(), bad.signs().len()), (3, 2));
}

#[test]
fn a_pin_that_is_not_given_takes_the_invite_back_and_leaves_anothers_invite_open() {
    let Some(bad) = Bad::new(PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    bad.soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let (mut ana, mut ben) = (Person::with_bad(&lab, 0, "Ana", &bad, ""), Person::at(&lab, 1, "Ben", &[]));
    let card = ana.certificate("ana");
    let invite = ana.invites(&ben, &card);
    let question = ana.question("pin");
    ana.seat.rows(["decline", text(&question, "id")]);
    let end = invite.end(SOON);
    assert_eq!(end.error_code(), "Canceled", "{:?}", end.said);
    assert!(end.of_kind("invite-sent").is_empty() && !ben.was_asked());

    let row = sees(&ben.seat, "Ana");
    let mut invite = ben.seat.hither(["invite", text(&row, "peer"), "--yes-code"]);
    let question = ana.invited(true);
    let accept = ana.seat.hither(["accept", text(&question, "id"), "--yes-code", "--identity", &card]);
    let pin = ana.question("pin");
    ana.seat.rows(["decline", text(&pin, "id")]);
    let end = accept.end(SOON);
    assert_eq!(end.error_code(), "Canceled", "{:?} {}", end.said, end.errors);
    let again = ana.invited(true);
    assert_eq!(text(&again, "id"), text(&question, "id"), "it can be answered otherwise");
    ana.accepts(&again);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    assert!(ben.session(&session).get("certified").is_none());
    assert_eq!((bad.logins(), bad.signs().len()), (0, 0));
}

#[test]
fn strangers_who_knock_bring_up_no_pin_and_start_no_process_for_cards() {
    let Some(bad) = Bad::new(PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    bad.soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let ana = Person::with_bad(&lab, 0, "Ana", &bad, "");
    ana.seat.rows(["identity", "use", &ana.certificate("ana")]);
    // A new agent: whatever is loaded from here on writes the report.
    let report = bad.file("report");
    let mut ana = ana.again(("CARD_REPORT", &report));
    let seat = lab.seat(1);
    let mut knocked = 0;
    for stranger in 0..4 {
        // Each has a key of its own.
        let seat = seat.beside(&format!("eve{stranger}")).expect("a directory");
        let mut eve = Person::at_seat(seat, &format!("Eve {stranger}"), &[]);
        let peer = text(&sees(&eve.seat, "Ana"), "peer").to_owned();
        for number in 0..10 {
            let ask = serde_json::json!({"ask": "invite", "peer": peer, "unverified": true});
            let reply = eve.asks(2 * number + 1, &ask);
            let Some(invite) = reply["answer"]["invite"].as_str().map(str::to_owned) else { continue };
            let over = |note: &Value| matches!(kind(note), "invite-sent" | "invite-waiting" | "invite-ended");
            let heard = eve.news("what became of it", PATIENCE, |note| over(note) && text(note, "invite") == invite);
            knocked += usize::from(kind(&heard) != "invite-ended");
            eve.asks(2 * number + 2, &serde_json::json!({"ask": "withdraw", "invite": invite}));
        }
    }
    assert!(knocked >= 30, "{knocked} of the invites arrived");
    assert!(ana.was_asked(), "at least one of them was shown");
    assert!(!ana.was_asked_for("pin") && !ana.was_asked_for("choose-certificate"));
    assert_eq!((bad.logins(), bad.signs().len()), (0, 0));
    assert!(!report.exists() && ana.processes().is_empty(), "nothing was loaded");
    // What would have been seen.
    assert_eq!(ana.seat.rows(["card", "list"]).len(), 1);
    assert!(report.exists());
    assert_eq!(ana.processes().len(), 1);
}

#[test]
fn r1_15_without_the_capability_a_session_of_a_card_ends_and_the_agent_goes_on() {
    let Some(soft) = Soft::new("work", PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let (mut ana, mut ben) = pair(&soft, &lab);
    let card = ana.certificate("ana");
    let session = meet(&mut ana, &mut ben, (&card, PIN), true);
    ana.seat.rows(["capability", "revoke", "sharedUserCertificates"]);
    for person in [&mut ana, &mut ben] {
        let why = person.closed(&session, SOON);
        assert!(why.contains("sharedUserCertificates"), "{why}");
    }
    let end = ana.seat.ask(["card", "list"]);
    assert_eq!(end.error_code(), "AccessDenied", "{:?}", end.said);
    let end = ana.seat.ask(["invite", &ben.peer, "--identity", &card]);
    assert_eq!(end.error_code(), "AccessDenied", "{:?}", end.said);
    assert!(ana.certificates().iter().all(|row| text(row, "source") == "local"));
    assert!(ana.processes().is_empty(), "its process is gone");

    let mut invite = ana.seat.hither(["invite", &ben.peer, "--identity", "local"]);
    let question = ben.invited(false);
    assert!(question.get("certified").is_none());
    ben.accepts(&question);
    invite.wait("accepted");
}

#[test]
fn a_pin_is_typed_where_the_invite_was_and_not_shown() {
    let Some(soft) = Soft::new("work", PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let (ana, mut ben) = pair(&soft, &lab);
    let (card, row) = (ana.certificate("ana"), sees(&ana.seat, "Ben"));
    let invite = ["invite", text(&row, "peer"), "--yes-code", "--identity", &card];
    let Some(mut terminal) = Terminal::of(&ana.seat, &invite) else { return };
    terminal.answer("PIN of “work” (it is not shown):", "11111");
    terminal.answer("PIN of “work” (it is not shown):", PIN);
    let question = ben.invited(true);
    is_ana(&question["certified"]);
    ben.accepts(&question);
    let (shown, good) = terminal.end(PATIENCE);
    assert!(good && shown.contains("is open"), "{shown}");
    assert!(!shown.contains(PIN) && !shown.contains("11111"), "{shown}");
}

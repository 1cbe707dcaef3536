//! People with tokens and people without, at hosts of their own, with the real program: who is certified by whom is seen
//! at both ends, and nobody is asked before the one who asks has unlocked their key.

use crate::{
    people_rig::{Person, meet},
    soft::Soft,
};
use hither_tests::{events::{kind, text}, netns::Lab, run::SOON};
use rcgen::SignatureAlgorithm;
use serde_json::Value;

const PIN: &str = "24680";

/// Ana with a token, and Ben, who believes the authority that certified her.
fn pair(soft: &Soft, lab: &Lab) -> (Person, Person) {
    let (ana, ben) = (Person::with_token(lab, 0, "Ana", soft), Person::at(lab, 1, "Ben", &[]));
    ben.trusts(&soft.authority);
    (ana, ben)
}

fn is_ana(certified: &Value) {
    assert_eq!(text(certified, "name"), "ana", "{certified}");
    assert_eq!(text(certified, "authority"), "Lab Authority", "{certified}");
    assert!(certified.get("unvouched").is_none(), "{certified}");
}

/// A card holder invites, and then answers.
fn both_ways(algorithm: &'static SignatureAlgorithm, key: &str) {
    let Some(soft) = Soft::new("work", PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    soft.put("work", "ana", algorithm, None);
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

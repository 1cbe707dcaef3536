//! Cards with other keys, keys that want their PIN each time, two readers, and readers without their service, with the
//! real program.

use crate::{
    people_rig::{PATIENCE, Person, meet},
    piv_rig::{Insert, Lab as Readers, PIN},
};
use hither_tests::{
    events::{kind, text},
    netns::Lab,
    run::SOON,
};
use serde_json::Value;
use std::time::Instant;

/// The tokens that are there. Two cards of software behind one service may take longer than a list may on a busy machine.
fn tokens(person: &Person) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let rows = person.seat.rows(["card", "list"]);
        if rows.iter().all(|row| kind(row) == "token") {
            return rows;
        }
        assert!(Instant::now() < deadline, "{rows:?}");
    }
}

/// Ana with a key of this kind in this slot of her card invites Ben; then Ben invites her.
fn both_ways(slot: &str, algorithm: &str, key: &str) {
    let Some(mut readers) = Readers::new() else { return };
    let Some(lab) = Lab::of(2) else { return };
    readers.insert("ana", Insert::default());
    readers.provision(slot, algorithm, "ana");
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    ben.trusts(&readers.authority);
    let mut ana = Person::with_readers(&lab, 0, "Ana", &readers);
    let card = ana.certificate("ana");
    let rows = ana.certificates();
    let row = rows.iter().find(|row| text(row, "id") == card).expect("it is listed");
    assert_eq!((text(row, "key"), &row["hardware"], &row["usable"]), (key, &true.into(), &true.into()), "{row}");
    let session = meet(&mut ana, &mut ben, (&card, PIN), true);
    assert_eq!(text(&ben.session(&session)["certified"], "name"), "ana");
    ana.closes(&session, &mut ben);

    let mut invite = ben.seat.hither(["invite", &ana.peer]);
    let question = ana.invited(false);
    let accept = ana.seat.hither(["accept", text(&question, "id"), "--identity", &card]);
    // Asked again, whatever kind of key it is.
    let question = ana.question("pin");
    assert_eq!(text(&question["pin"], "reason"), "to answer Ben");
    ana.unlocks(&question, PIN);
    let end = accept.end(SOON);
    assert_eq!(end.code, Some(0), "{:?} {}", end.said, end.errors);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    assert_eq!(text(&ben.session(&session)["certified"], "name"), "ana");
    // More connections of the same session need neither card nor PIN.
    ana.seat.rows(["say", "Ben", "hello", "--wait"]);
}

#[test]
fn the_holder_of_a_card_with_a_p384_key_invites_and_answers() {
    both_ways("9a", "ECCP384", "p384");
}

#[test]
fn the_holder_of_a_card_with_an_rsa_key_invites_and_answers() {
    both_ways("9a", "RSA2048", "rsa2048");
}

#[test]
fn s8_a_key_that_wants_its_pin_each_time_is_unlocked_for_each_session_and_says_what_for() {
    both_ways("9c", "ECCP256", "p256");
}

#[test]
fn of_two_readers_the_one_with_the_card_that_was_chosen_counts() {
    let Some(mut readers) = Readers::new() else { return };
    let Some(lab) = Lab::of(2) else { return };
    readers.insert("work", Insert::default());
    readers.provision("9a", "ECCP256", "ana");
    readers.pull();
    readers.insert("home", Insert::default());
    readers.provision("9a", "ECCP256", "ana at home");
    readers.insert_second("work");
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    ben.trusts(&readers.authority);
    let mut ana = Person::with_readers(&lab, 0, "Ana", &readers);
    let tokens = tokens(&ana);
    let places: Vec<_> = tokens.iter().map(|row| text(row, "reader")).collect();
    assert!(places.len() == 2 && places[0] != places[1], "{tokens:?}");
    let card = ana.certificate("ana");
    let holds = |row: &&Value| row["certificates"].to_string().contains(&card);
    let reader = text(tokens.iter().find(holds).expect("it is in one of them"), "reader").to_owned();

    let mut invite = ana.invites(&ben, &card);
    let question = ana.question("pin");
    assert_eq!((text(&question["pin"], "reader"), text(&question["pin"], "subject")), (&*reader, "CN=ana,O=Lab"));
    ana.unlocks(&question, PIN);
    invite.wait("invite-sent");
    let question = ben.invited(true);
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    // The other card goes: nothing happens. Its own goes: that is the end.
    readers.pull_one(0);
    let left = self::tokens(&ana);
    assert!(left.len() == 1 && holds(&&left[0]), "{left:?}");
    ana.seat.rows(["say", "Ben", "still here", "--wait"]);
    readers.pull_one(0);
    for person in [&mut ana, &mut ben] {
        let why = person.closed(&session, PATIENCE);
        assert!(why.contains("taken out"), "{why}");
    }
}

#[test]
fn readers_whose_service_is_gone_are_told_and_the_agent_goes_on() {
    let Some(mut readers) = Readers::new() else { return };
    let Some(lab) = Lab::of(2) else { return };
    readers.insert("ana", Insert::default());
    readers.provision("9a", "ECCP256", "ana");
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    let mut ana = Person::with_readers(&lab, 0, "Ana", &readers);
    let card = ana.certificate("ana");
    readers.stop_service();
    ana.news("the readers are gone", PATIENCE, |note| kind(note) == "identities");
    let told = |row: &Value| kind(row) == "fault" && text(row, "module") == "pcscd";
    hither_tests::acts::until(&ana.seat, &["card", "list"], "word of the missing service", PATIENCE, told);
    let invite = ana.invites(&ben, &card);
    let question = ana.question("insert-card");
    ana.seat.rows(["decline", text(&question, "id")]);
    assert_eq!(invite.end(SOON).error_code(), "Canceled");
    assert!(!ben.was_asked());
    let mut invite = ana.invites(&ben, "local");
    let question = ben.invited(true);
    ben.accepts(&question);
    invite.wait("accepted");
}

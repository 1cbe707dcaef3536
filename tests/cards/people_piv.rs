//! A person with a smart card in a reader, with the real program: pulled out, not there, somebody else's, blocked.

use crate::{
    people_rig::{PATIENCE, Person, meet},
    piv_rig::{Insert, Lab as Readers, PIN, PUK},
};
use hither_tests::{
    events::{kind, text},
    netns::Lab,
    run::SOON,
};
use std::time::{Duration, Instant};

/// A session that began with a card ends this soon after it was taken out.
const PULLED: Duration = Duration::from_secs(2);

/// Ana with her card in a reader, and Ben, who believes the authority that certified her.
fn pair(readers: &mut Readers, lab: &Lab) -> (Person, Person) {
    readers.insert("ana", Insert::default());
    readers.provision("9a", "ECCP256", "ana");
    // Ben first: whoever comes later sees him as he is then.
    let ben = Person::at(lab, 1, "Ben", &[]);
    ben.trusts(&readers.authority);
    (Person::with_readers(lab, 0, "Ana", readers), ben)
}

#[test]
fn s5_a_session_ends_within_two_seconds_after_its_card_was_taken_out_unless_the_settings_say_otherwise() {
    let Some(mut readers) = Readers::new() else { return };
    let Some(lab) = Lab::of(2) else { return };
    let (mut ana, mut ben) = pair(&mut readers, &lab);
    let card = ana.certificate("ana");
    let session = meet(&mut ana, &mut ben, (&card, PIN), true);
    assert_eq!(text(&ben.session(&session)["certified"], "name"), "ana");
    readers.pull();
    let since = Instant::now();
    for person in [&mut ana, &mut ben] {
        let why = person.closed(&session, PULLED.saturating_sub(since.elapsed()));
        assert!(why.contains("taken out"), "{why}");
    }
    println!("both ends closed {:?} after the reader's event", since.elapsed());

    ana.seat.rows(["settings", "set", "card-bound", "off"]);
    readers.insert("ana", Insert::default());
    let session = meet(&mut ana, &mut ben, (&card, PIN), false);
    readers.pull();
    // The agent looks: the card is gone, and with it would be the session.
    assert!(ana.seat.rows(["card", "list"]).iter().all(|row| kind(row) != "token"));
    ana.seat.rows(["say", "Ben", "still here", "--wait"]);
    assert_eq!(text(&ben.session(&session)["certified"], "name"), "ana");
}

#[test]
fn s5_a_card_that_is_not_there_is_waited_for_and_another_persons_does_not_take_its_place() {
    let Some(mut readers) = Readers::new() else { return };
    let Some(lab) = Lab::of(2) else { return };
    let (mut ana, mut ben) = pair(&mut readers, &lab);
    let card = ana.certificate("ana");
    readers.pull();
    readers.insert("eve", Insert::default());
    readers.provision("9a", "ECCP256", "eve");
    readers.pull();

    let mut invite = ana.invites(&ben, &card);
    let question = ana.question("insert-card");
    assert_eq!(text(&question["pin"], "subject"), "CN=ana,O=Lab", "{question}");
    assert_eq!(text(&question["pin"], "reason"), "to invite Ben");
    readers.insert("eve", Insert::default());
    // The agent sees whose card that is, and goes on waiting.
    ana.certificate("eve");
    assert!(!ana.was_asked_for("pin"));
    let waiting = ana.seat.rows(["inbox"]);
    assert!(waiting.iter().any(|row| text(row, "id") == text(&question, "id")), "{waiting:?}");
    readers.pull();
    assert!(!ana.was_asked_for("pin") && !ben.was_asked());

    readers.insert("ana", Insert::default());
    let since = Instant::now();
    let question = ana.question("pin");
    println!("certificates listed, and the PIN asked for, {:?} after the reader's event", since.elapsed());
    assert_eq!(text(&question["pin"], "subject"), "CN=ana,O=Lab");
    ana.unlocks(&question, PIN);
    invite.wait_for("the invite's arrival", PATIENCE, |said| kind(said) == "invite-sent");
    let question = ben.invited(true);
    assert_eq!(text(&question["certified"], "name"), "ana");
    ben.accepts(&question);
    invite.wait("accepted");
}

#[test]
fn s2_the_last_try_needs_a_word_of_its_own_and_a_blocked_card_names_its_puk() {
    let Some(mut readers) = Readers::new() else { return };
    let Some(lab) = Lab::of(2) else { return };
    let (mut ana, mut ben) = pair(&mut readers, &lab);
    let card = ana.certificate("ana");
    let invite = ana.invites(&ben, &card);
    let mut question = ana.question("pin");
    // Too short: no try is spent, else the last one would come sooner.
    assert_eq!(ana.pin(&question, "1", &[]).error_code(), "Misuse");
    for _ in 0..2 {
        assert_eq!(text(&ana.seat.rows(["card", "list"])[0], "state"), "locked");
        assert_ne!(text(&question["pin"], "tries"), "last");
        let end = ana.pin(&question, "654321", &[]);
        assert_eq!(end.error_code(), "PinWrong", "{:?}", end.said);
        question = ana.question("pin");
        assert!(question["pin"]["before"].is_string(), "{question}");
    }
    assert_eq!(text(&question["pin"], "tries"), "last", "{question}");
    let end = ana.pin(&question, PIN, &[]);
    assert!(end.errors.contains("--last-try") || format!("{:?}", end.said).contains("--last-try"), "{:?}", end.said);
    let unconfirmed = serde_json::json!({
        "ask": "pin", "question": text(&question, "id"), "pin": PIN, "last_try": false
    });
    let reply = ana.asks(7, &unconfirmed);
    assert_eq!(text(&reply["answer"]["failure"], "code"), "TokenLocked", "{reply}");
    assert!(!reply.to_string().contains(PIN));

    let end = ana.pin(&question, "654321", &["--last-try"]);
    assert_eq!(end.error_code(), "PinBlocked", "{:?}", end.said);
    let end = invite.end(SOON);
    assert_eq!(end.error_code(), "PinBlocked", "{:?}", end.said);
    assert!(format!("{:?}", end.said).contains("PUK"), "{:?}", end.said);
    assert_eq!(text(&ana.seat.rows(["card", "list"])[0], "state"), "blocked");
    let end = ana.invites(&ben, &card).end(SOON);
    assert_eq!(end.error_code(), "PinBlocked", "{:?}", end.said);
    assert!(!ben.was_asked());

    readers.tool(&["-a", "unblock-pin", "-P", PUK, "-N", PIN]);
    meet(&mut ana, &mut ben, (&card, PIN), true);
}

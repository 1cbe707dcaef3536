//! The life of a device's key, with the real program: it moves to another machine sealed, is renewed without anybody
//! noticing, and two devices that live with one key are told.

use crate::people_rig::{PATIENCE, Person};
use hither_tests::{
    Seat,
    acts::sees,
    events::{kind, text},
    netns::Lab,
    run::End,
};
use std::{fs, path::Path, process::Command};

const PASSWORD: &str = "Kanal-Birne-7731-Stufe";

/// Ana and Ben have met, and no session is open.
fn acquainted(lab: &Lab) -> (Person, Person) {
    let mut ben = Person::at(lab, 1, "Ben", &[]);
    let mut ana = Person::at(lab, 0, "Ana", &[]);
    let mut invite = ana.invites(&ben, "local");
    let question = ben.invited(true);
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    ana.closes(&session, &mut ben);
    (ana, ben)
}

/// A command that reads a password from its standard input.
fn sealed(seat: &Seat, command: &str, file: &Path, password: &str) -> End {
    let mut run = seat.hither(["identity", command, &file.to_string_lossy(), "--password-stdin"]);
    run.type_in(format!("{password}\n").as_bytes());
    run.end(PATIENCE)
}

#[test]
fn a_key_moves_to_another_machine_sealed_and_who_knew_it_knows_it_there() {
    let Some(lab) = Lab::of(3) else { return };
    let (mut ana, mut ben) = acquainted(&lab);
    let file = ana.seat.at("me.hither-key");
    assert_ne!(sealed(&ana.seat, "export", &file, "short").code, Some(0));
    let end = sealed(&ana.seat, "export", &file, PASSWORD);
    assert_eq!(end.code, Some(0), "{:?} {}", end.said, end.errors);
    let new = lab.seat(2);
    fs::copy(ana.seat.outside(&file), new.file("me.hither-key")).expect("it is carried over");
    ana.agent.kill_9();

    let file = new.at("me.hither-key");
    assert_eq!(sealed(&new, "restore", &file, "Kanal-Birne-7731-Stuhl").error_code(), "PinWrong");
    let end = sealed(&new, "restore", &file, PASSWORD);
    assert_eq!(end.code, Some(0), "{:?} {}", end.said, end.errors);
    let moved = Person::at_seat(new, "Ana", &[]);
    assert_eq!(moved.peer, ana.peer);
    // Not over a key that is there.
    assert_ne!(sealed(&moved.seat, "restore", &file, PASSWORD).code, Some(0));

    let row = sees(&moved.seat, "Ben");
    let mut invite = moved.hither(&["invite", text(&row, "peer"), "--yes-code"]);
    let question = ben.invited(false);
    assert_eq!((text(&question, "peer"), text(&question, "trust")), (&*ana.peer, "verified"), "{question}");
    // The new machine has the key and nothing else: it does not know Ben yet.
    let question = if text(&question, "code").is_empty() { ben.invited(true) } else { question };
    ben.accepts(&question);
    invite.wait("accepted");
}

#[test]
fn a_renewed_certificate_changes_nothing_for_those_who_know_the_key() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, mut ben) = acquainted(&lab);
    let before = ana.seat.rows(["identity", "show", "local"]);
    ana.seat.rows(["identity", "new"]);
    let after = ana.seat.rows(["identity", "show", "local"]);
    assert_eq!(text(&before[0], "fingerprint"), ana.peer);
    assert_eq!(text(&after[0], "fingerprint"), ana.peer);
    assert_ne!(before[0], after[0], "it is another certificate");
    let mut invite = ana.hither(&["invite", &ben.peer]);
    let question = ben.invited(false);
    assert_eq!((text(&question, "trust"), text(&question, "code")), ("verified", ""), "{question}");
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    assert_eq!(text(&ben.session(&session), "verified"), "stored");
}

#[test]
fn two_devices_that_live_with_one_key_are_told_on_both() {
    let Some(lab) = Lab::of(3) else { return };
    let (mut ana, _ben) = acquainted(&lab);
    // A disk that was copied.
    let copy = lab.seat(2);
    let mut cp = Command::new("cp");
    cp.arg("-a").arg(ana.seat.profile()).arg(copy.file(""));
    crate::rig::run(&mut cp);
    let mut twin = Person::at_seat(copy, "Ana", &[]);
    assert_eq!(ana.peer, twin.peer);
    for person in [&mut ana, &mut twin] {
        let told = |note: &serde_json::Value| {
            kind(note) == "alarm" && text(note, "message").contains("uses this device's key")
        };
        person.news("word of the other one", PATIENCE, told);
    }
}

#[test]
fn a_device_takes_another_key_and_who_was_told_knows_it_without_a_code() {
    let Some(lab) = Lab::of(3) else { return };
    let (mut ana, mut ben) = acquainted(&lab);
    // Cara met her as well, and is not told.
    let mut cara = Person::at(&lab, 2, "Cara", &[]);
    let mut invite = ana.invites(&cara, "local");
    let question = cara.invited(true);
    cara.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    ana.closes(&session, &mut cara);
    cara.agent.kill_9();

    assert_eq!(ana.seat.ask(["identity", "rotate", "--now"]).error_code(), "Misuse", "none is prepared");
    let prepared = ana.seat.rows(["identity", "rotate"]);
    let heir = text(&prepared[0], "heir").to_owned();
    let mut invite = ana.hither(&["invite", &ben.peer]);
    let question = ben.invited(false);
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    ana.seat.rows(["say", "Ben", "there will be another key", "--wait"]);
    let prepared = ana.seat.rows(["identity", "rotate"]);
    assert_eq!((text(&prepared[0], "heir"), &prepared[0]["heard"][0]), (&*heir, &"Ben".into()), "{prepared:?}");
    assert_eq!(prepared[0]["unheard"][0], "Cara");
    let taken = ana.seat.rows(["identity", "rotate", "--now"]);
    assert_eq!((text(&taken[0], "heir"), &taken[0]["taken"]), (&*heir, &true.into()), "{taken:?}");
    assert!(ben.closed(&session, PATIENCE).contains("another key"));

    let old = ana.peer.clone();
    let ana = ana.again(("HITHER_LOG", Path::new("warn")));
    assert_eq!(ana.peer, heir);
    let row = sees(&ana.seat, "Ben");
    let mut invite = ana.hither(&["invite", text(&row, "peer")]);
    let question = ben.invited(false);
    assert_eq!((text(&question, "peer"), text(&question, "trust")), (&*heir, "verified"), "{question}");
    assert_eq!(text(&question, "code"), "");
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    assert_eq!(text(&ben.session(&session), "verified"), "stored");
    let known = ben.seat.rows(["trust", "list"]);
    assert!(known.iter().all(|row| text(row, "peer") != old), "the old key is nobody's any more: {known:?}");
    // Who was not told sees a stranger with a friend's name.
    let mut cara = cara.again(("HITHER_LOG", Path::new("warn")));
    let mut invite = ana.invites(&cara, "local");
    invite.wait("invite-sent");
    let question = cara.question("key-changed");
    assert_eq!((text(&question, "peer"), text(&question, "trust")), (&*heir, "changed"), "{question}");
    let question = if text(&question, "code").is_empty() { cara.question("key-changed") } else { question };
    cara.accepts(&question);
    invite.wait("accepted");
}

//! Inviting, accepting, declining; what both sides are told; messages in a session.

use hither_tests::{
    acts::{meet, meet_again, question, sees},
    events::{kind, text},
    netns::Lab,
    run::SOON,
};

#[test]
fn strangers_compare_a_code_and_get_a_session_whose_protection_is_shown() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let ana_agent = ana.agent("Ana");
    let ben_agent = ben.agent("Ben");
    let met = meet(&ana, &ben, "Ben");
    assert_eq!(met.code.len(), 6);
    assert_eq!(met.peer, ben_agent.peer());
    for (seat, other) in [(&ana, &ben_agent), (&ben, &ana_agent)] {
        let rows = seat.rows(["sessions"]);
        let session = rows.iter().find(|v| kind(v) == "session").expect("there is a session");
        assert_eq!(text(session, "peer"), other.peer());
        assert_eq!(text(session, "verified"), "code");
        assert_eq!(text(session, "requested"), "tls13");
        assert_eq!(text(&session["negotiated"], "version"), "TLS1.3");
        assert_eq!(text(&session["negotiated"], "alpn"), "hither/1");
        assert_eq!(text(&session["negotiated"], "kx"), "X25519MLKEM768");
        assert_eq!(text(&session["peer_certificate"], "spki_sha256"), other.peer());
    }
}

#[test]
fn a_message_reaches_the_other_side_and_its_words_are_not_changed() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    let met = meet(&ana, &ben, "Ben");
    let mut follow = ben.hither(["messages", "--follow"]);
    let words = "안녕 — two\nlines";
    ana.rows(["say", &met.peer, words]);
    let message = follow.wait_for("the message", SOON, |v| kind(v) == "message" && text(v, "direction") == "in");
    assert_eq!(text(&message, "text"), words);
}

#[test]
fn declining_is_told_as_declining() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    let mut inbox = ben.hither(["inbox", "--watch"]);
    sees(&ana, "Ben");
    let invite = ana.hither(["invite", "Ben", "--yes-code"]);
    let asked = question(&mut inbox, "invite");
    ben.rows(["decline", text(&asked, "id")]);
    let end = invite.end(SOON);
    assert_eq!((end.code, end.error_code()), (Some(5), "Declined"), "{:?}", end.said);
    assert!(ana.rows(["sessions"]).iter().all(|v| kind(v) != "session"));
    assert!(ana.rows(["trust", "list"]).iter().all(|v| text(v, "trust") != "verified"));
}

#[test]
fn an_invite_nobody_answers_expires_and_says_so() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    sees(&ana, "Ben");
    let began = std::time::Instant::now();
    let end = ana.ask(["invite", "Ben", "--yes-code", "--timeout", "2"]);
    assert!(began.elapsed() < std::time::Duration::from_secs(8), "it took {:?}: {:?}", began.elapsed(), end.said);
    assert_eq!((end.code, end.error_code()), (Some(6), "Expired"), "{:?}", end.said);
}

#[test]
fn people_who_met_meet_again_without_a_code() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    let first = meet(&ana, &ben, "Ben");
    ana.rows(["close", &first.session]);
    let again = meet_again(&ana, &ben, &first.peer);
    assert_eq!(again.peer, first.peer);
    assert_ne!(again.session, first.session);
    let rows = ana.rows(["sessions"]);
    assert!(rows.iter().any(|v| text(v, "session") == again.session && text(v, "verified") == "stored"));
}

#[test]
fn a_blocked_device_is_told_nothing_but_a_no() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let ana_agent = ana.agent("Ana");
    let _b = ben.agent("Ben");
    let first = meet(&ana, &ben, "Ben");
    ben.rows(["trust", "set", ana_agent.peer(), "blocked"]);
    let end = ana.ask(["invite", &first.peer, "--timeout", "10"]);
    assert_ne!(end.code, Some(0));
    assert!(ben.rows(["inbox"]).iter().all(|v| kind(v) != "question"), "no question comes up");
    assert!(ben.rows(["sessions"]).iter().all(|v| text(v, "state") != "open"), "blocking ends the session");
}

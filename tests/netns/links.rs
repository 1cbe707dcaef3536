//! Invite links: from one person's hand to another's, without any advert.

use hither_tests::{
    Seat,
    acts::{APPEAR, question},
    events::{kind, text},
    netns::Lab,
    run::{End, SOON},
};

fn link(seat: &Seat) -> String {
    let rows = seat.rows(["invite", "--link"]);
    let made = rows.iter().find(|v| kind(v) == "link").expect("a link is made");
    text(made, "url").to_owned()
}

/// Opens a link the way it is meant: by standard input, never as an argument.
fn open(seat: &Seat, url: &str) -> hither_tests::Run {
    let mut run = seat.hither(["open", "-"]);
    run.type_in(format!("{url}\n").as_bytes());
    drop(run.stdin());
    run
}

fn refused(run: hither_tests::Run) -> End {
    let end = run.end(SOON);
    assert_ne!(end.code, Some(0), "{:?}", end.said);
    end
}

#[test]
fn a_link_brings_two_people_together_without_a_code_and_works_once() {
    let Some(lab) = Lab::of(3) else { return };
    let (ana, ben, eve) = (lab.seat(0), lab.seat(1), lab.seat(2));
    let ana_agent = ana.agent("Ana");
    let (_b, _e) = (ben.agent("Ben"), eve.agent("Eve"));
    let url = link(&ana);
    let mut inbox = ana.hither(["inbox", "--watch"]);
    let mut opening = open(&ben, &url);
    opening.wait("invite-sent");
    let asked = question(&mut inbox, "invite");
    assert_eq!(text(&asked, "code"), "");
    ana.rows(["accept", text(&asked, "id")]);
    let accepted = opening.wait_for("accepted", APPEAR, |v| matches!(kind(v), "accepted" | "error"));
    assert_eq!(text(&accepted, "peer"), ana_agent.peer(), "{accepted}");
    let used = refused(open(&eve, &url));
    let forged = format!("{}A", &url[..url.len() - 1]);
    let unknown = refused(open(&eve, &forged));
    assert_ne!(used.error_code(), "", "{:?}", used.said);
    assert_ne!(unknown.error_code(), "", "{:?}", unknown.said);
    assert!(ana.rows(["inbox"]).iter().all(|v| kind(v) != "question"), "a used link asks nobody anything");
}

#[test]
fn i15_ones_own_link_is_refused() {
    let Some(lab) = Lab::of(1) else { return };
    let ana = lab.seat(0);
    let _a = ana.agent("Ana");
    let url = link(&ana);
    refused(open(&ana, &url));
}

#[test]
fn a_revoked_link_is_worth_nothing() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    let rows = ana.rows(["invite", "--link"]);
    let made = rows.iter().find(|v| kind(v) == "link").unwrap();
    ana.rows(["invites", "revoke", text(made, "invite")]);
    refused(open(&ben, text(made, "url")));
    assert!(ana.rows(["inbox"]).iter().all(|v| kind(v) != "question"));
}

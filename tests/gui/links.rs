//! `hither://` links: opened by another program, they bring the window up with a question; nothing happens before the
//! person said yes to it.

use crate::desks::talks_with;
use hither_tests::{
    Seat,
    events::{kind, text},
    netns::Lab,
    window::{self, App, Look, Wanted},
};

fn link_of(seat: &Seat) -> String {
    let rows = seat.rows(["invite", "--link"]);
    text(rows.iter().find(|row| kind(row) == "link").expect("a link is made"), "url").to_owned()
}

/// What opening a link leads to, from the question on the screen on.
fn follows(lab: &Lab, app: &App, ana: &App, peer: &str) {
    app.find(Wanted::of("alertdialog", "Connect by invite link?"));
    assert!(
        lab.seat(0).rows(["inbox"]).iter().all(|row| kind(row) != "question"),
        "nothing has happened before the yes"
    );
    app.press_button("Connect");
    ana.find(Wanted::of("alertdialog", "Cara wants to use your invite link"));
    ana.press_button("Accept");
    talks_with(app, "Ana", peer);
}

#[test]
fn a_link_opened_in_a_third_profile_while_its_window_is_open_asks_first() {
    let Some(lab) = window::lab(1) else { return };
    let (seat, third) = (lab.seat(0), lab.seat(0).beside("third").unwrap());
    let (ana_agent, _cara_agent) = (seat.agent("Ana"), third.agent("Cara"));
    let (ana, cara) = (App::open(&seat), App::open(&third));
    let link = link_of(&seat);
    let second = cara.again(&[&link]);
    assert_eq!(second.end(window::PATIENCE).code, Some(0), "it hands the link over and leaves");
    follows(&lab, &cara, &ana, ana_agent.peer());
    assert!(!cara.said().contains(link.split('#').next_back().unwrap_or(&link)), "the secret is in no log");
}

#[test]
fn a_link_that_starts_the_window_asks_first() {
    let Some(lab) = window::lab(1) else { return };
    let (seat, third) = (lab.seat(0), lab.seat(0).beside("third").unwrap());
    let (ana_agent, _cara_agent) = (seat.agent("Ana"), third.agent("Cara"));
    let ana = App::open(&seat);
    let link = link_of(&seat);
    let cara = App::open_as(&third, Look { arguments: vec![link], ..Look::default() });
    follows(&lab, &cara, &ana, ana_agent.peer());
}

#[test]
fn a_link_that_is_turned_down_or_malformed_does_nothing() {
    let Some(lab) = window::lab(1) else { return };
    let (seat, third) = (lab.seat(0), lab.seat(0).beside("third").unwrap());
    let (_ana_agent, _cara_agent) = (seat.agent("Ana"), third.agent("Cara"));
    let link = link_of(&seat);
    let cara = App::open_as(&third, Look { arguments: vec![link], ..Look::default() });
    cara.find(Wanted::of("alertdialog", "Connect by invite link?"));
    cara.press_button("Cancel");
    cara.vanishes(Wanted::of("alertdialog", "Connect by invite link?"));
    for bad in ["hither://evil/?x=<img>", "hither://i/", "https://example.invalid/"] {
        assert!(cara.again(&[bad]).end(window::PATIENCE).code.is_some());
        cara.find(Wanted::of("heading", "Near"));
    }
    assert!(third.rows(["sessions"]).iter().all(|row| text(row, "session").is_empty()));
    assert!(seat.rows(["inbox"]).iter().all(|row| kind(row) != "question"));
}

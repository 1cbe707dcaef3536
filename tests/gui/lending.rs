//! A service of one machine, lent and used from the windows; and that the page alone lends nothing: the person answers a
//! dialog of the toolkit.

use crate::desks::Desks;
use hither_tests::{
    events::text,
    window::{
        App, PATIENCE, Wanted,
        keyboard::{self, Key},
    },
};
use serde_json::json;
use std::io::{Read, Write};

fn lent(app: &App) -> Vec<String> {
    let rows = app.seat.rows(["exposed"]);
    rows.iter().filter(|row| row.get("target").is_some()).map(|row| text(row, "target").to_owned()).collect()
}

/// Fills the sheet in and goes on to the question of the shell.
fn offers(app: &App, to: &str, port: u16, how_long: &str) {
    app.press_button(&format!("More for {to}"));
    app.press(Wanted::of("menuitem", "Let them use a service …"));
    app.type_into(Wanted::of("textbox", "What it is called"), "echo");
    app.type_into(Wanted::with("textbox", "Port on this computer"), &port.to_string());
    // The list that opens is the toolkit's, which WebDriver does not reach.
    let choose = "const list = document.querySelector('dialog select'); list.value = arguments[0]; \
        list.dispatchEvent(new Event('change', { bubbles: true }))";
    app.run(choose, &json!([how_long]));
    app.press_button("Go on …");
}

#[test]
fn a_service_is_lent_when_the_person_says_yes_outside_the_page_and_used_by_its_name() {
    let Some(desks) = Desks::met() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    let listener = ana.seat.inside(|| std::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    offers(ana, "Ben", port, "closed");
    keyboard::in_dialog(ana.display(), &[Key::Tab, Key::Return]);
    ana.reads(&format!("Ben may use your service echo (127.0.0.1:{port})."));

    ben.press_button("More for Ana");
    ben.press(Wanted::of("menuitem", "Use a service of theirs …"));
    ben.type_into(Wanted::of("textbox", "What it is called there"), "echo");
    ben.press_button("Use it");
    ben.reads("You reach echo of Ana at 127.0.0.1:");
    let rows = ben.seat.rows(["exposed"]);
    let bind = rows.iter().find_map(|row| row.get("bind")?.as_str()).expect("where it is reached").to_owned();
    let serving = std::thread::spawn(move || {
        let (mut line, _) = listener.accept().unwrap();
        let mut word = [0; 5];
        line.read_exact(&mut word).unwrap();
        line.write_all(&word).unwrap();
    });
    let at = bind.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap();
    let mut line = ben.seat.dial(at).unwrap();
    line.set_read_timeout(Some(PATIENCE)).unwrap();
    line.write_all(b"hello").unwrap();
    let mut back = [0; 5];
    line.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"hello");
    serving.join().unwrap();
    ana.press_button("Stop lending echo");
    ana.vanishes(Wanted::of("button", "Stop lending echo"));
    assert!(lent(ana).is_empty());
}

#[test]
fn a_service_lent_for_one_connection_is_a_grant_that_is_listed_and_taken_back() {
    let Some(desks) = Desks::met() else { return };
    let ana = &desks.ana;
    offers(ana, "Ben", 7, "once");
    keyboard::in_dialog(ana.display(), &[Key::Tab, Key::Return]);
    ana.reads("Ben may use your service echo (127.0.0.1:7).");
    ana.press(Wanted::with("link", "Permissions"));
    ana.reads("Ben may use your service echo 1 time, on any network, until you take it back.");
    ana.press(Wanted::with("button", "Take back: Ben may use"));
    ana.reads("You took it back");
    ana.until("the service to be lent no more", || lent(ana).is_empty().then_some(()));
}

#[test]
fn nothing_is_lent_when_the_person_says_no_or_the_page_asks_the_agent_itself() {
    let Some(desks) = Desks::met() else { return };
    let ana = &desks.ana;
    offers(ana, "Ben", 9, "day");
    keyboard::in_dialog(ana.display(), &[Key::Return]);
    // *No* is what Enter says. The sheet stays for another try.
    ana.until("a sheet that can be used again", || {
        let free = ana.run("return !document.querySelector('[data-deed=lend]')?.disabled", &json!([]));
        (free == json!(true)).then_some(())
    });
    assert!(lent(ana).is_empty());
    let ask = json!({"ask": "expose", "name": "x", "target": "127.0.0.1:9", "to": ["Ben"], "lasts": "always"});
    let script = "const done = arguments[arguments.length - 1]; \
        window.__TAURI_INTERNALS__.invoke('proximity', { ask: arguments[0] }).then(() => done('taken'), (no) => done(no.code))";
    assert_eq!(ana.run_later(script, &json!([ask])), json!("AccessDenied"));
    assert!(lent(ana).is_empty());
}

//! What a window may do is granted twice: by the permission sets of the shell, and by the capabilities of the agent,
//! which does not trust the first. Both say no where no is the answer.

use crate::desks::goes_to;
use hither_tests::{
    events::text,
    window::{self, App, Look, Wanted},
};
use serde_json::json;

/// Calls a command of the shell as the page does, and gives what came of it as text.
const CALL: &str = r#"
const [command, payload, done] = arguments;
window.__TAURI_INTERNALS__.invoke(command, payload).then(
  (answer) => done("answer " + JSON.stringify(answer)),
  (why) => done("refused " + (typeof why === "string" ? why : JSON.stringify(why))),
);
"#;

fn call(app: &App, command: &str, payload: serde_json::Value) -> String {
    app.run_later(CALL, &json!([command, payload])).as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_window_without_the_permission_sets_is_denied_every_command() {
    let Some(lab) = window::lab(1) else { return };
    let ana = lab.seat(0);
    let _agent = ana.agent("Ana");
    let guest = Look { variables: vec![("HITHER_GUEST".to_owned(), "1".to_owned())], ..Look::default() };
    let app = App::open_as(&ana, guest);
    for (command, payload) in [
        ("proximity", json!({"ask": {"ask": "near"}})),
        ("certificates", json!({"ask": {"ask": "identities"}})),
        ("settings", json!({"ask": {"ask": "status"}})),
        ("take_link", json!({})),
        ("paste", json!({})),
        ("send_picked", json!({"to": "x", "tokens": []})),
        ("copy_text", json!({"text": "x", "secret": false})),
        ("ready", json!({})),
        ("plugin:event|listen", json!({"event": "drop", "target": {"kind": "Any"}, "handler": 1})),
    ] {
        let outcome = call(&app, command, payload);
        assert!(outcome.starts_with("refused ") && outcome.contains("not allowed"), "{command}: {outcome}");
    }
}

#[test]
fn each_command_takes_only_the_questions_of_its_own_set() {
    let Some(lab) = window::lab(1) else { return };
    let ana = lab.seat(0);
    let _agent = ana.agent("Ana");
    let app = App::open(&ana);
    app.find(Wanted::of("heading", "Near"));
    let near = json!({"ask": {"ask": "near"}});
    assert!(call(&app, "proximity", near.clone()).starts_with("answer "), "the set it belongs to");
    for command in ["certificates", "settings"] {
        let outcome = call(&app, command, near.clone());
        assert!(outcome.starts_with("refused ") && outcome.contains("AccessDenied"), "{command}: {outcome}");
    }
    let stop = call(&app, "proximity", json!({"ask": {"ask": "stop"}}));
    assert!(stop.contains("AccessDenied"), "{stop}");
}

#[test]
fn a_page_cannot_name_a_path() {
    let Some(lab) = window::lab(1) else { return };
    let ana = lab.seat(0);
    let agent = ana.agent("Ana");
    let app = App::open(&ana);
    app.find(Wanted::of("heading", "Near"));
    let send = call(&app, "send_picked", json!({"to": agent.peer(), "tokens": ["/etc/passwd"]}));
    assert!(send.starts_with("refused "), "{send}");
    let ask = json!({"ask": {"ask": "send", "peer": agent.peer(), "paths": ["/etc/passwd"]}});
    let send = call(&app, "proximity", ask);
    assert!(send.starts_with("refused ") && send.contains("AccessDenied"), "{send}");
}

#[test]
fn with_proximity_switched_off_nobody_is_met_and_the_window_says_why() {
    let Some(lab) = window::lab(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let _agents = [ana.agent("Ana"), ben.agent("Ben")];
    let link = ben.rows(["invite", "--link"]);
    let link = link.iter().map(|row| text(row, "url")).find(|url| !url.is_empty()).expect("a link is made");
    let app = App::open(&ana);
    app.find(Wanted::of("button", "Invite Ben"));
    goes_to(&app, "Permissions");
    app.press(Wanted::of("switch", "Meet devices near you"));
    app.press_button("Switch off");
    app.reads("Switched off");
    goes_to(&app, "Near");
    app.vanishes(Wanted::of("button", "Invite Ben"));
    assert_eq!(app.again(&[link]).end(window::PATIENCE).code, Some(0));
    app.press_button("Connect");
    app.reads("hither is not allowed to do this. You can allow it under Permissions.");
    assert!(ana.rows(["sessions"]).iter().all(|row| text(row, "session").is_empty()));
    assert!(ben.rows(["inbox"]).iter().all(|row| text(row, "type") != "question"));
    // And it can be switched on again, with effect at once.
    app.press_button("Cancel");
    goes_to(&app, "Permissions");
    app.press(Wanted::of("switch", "Meet devices near you"));
    goes_to(&app, "Near");
    app.find(Wanted::of("button", "Invite Ben"));
}

//! Words chosen to do harm: as names, as messages, as file names. They are shown as text, with what is hidden made
//! visible, and nothing of them becomes part of the page.

use crate::desks::{Desks, says};
use hither_tests::window::{self, App, Wanted};
use serde_json::json;

/// Nothing of a peer's words may have become an element, and the page may not have gone anywhere.
fn unharmed(app: &App) {
    let made = app.run(
        "return [document.querySelectorAll('img[src=x], script:not([src]), iframe, [onerror], [onload], b, marquee').length, \
         window.harmed === undefined, location.protocol]",
        &json!([]),
    );
    assert_eq!(made, json!([0, true, "tauri:"]), "{}", app.text());
}

#[test]
fn g1_a_message_with_markup_is_shown_as_it_was_written() {
    let Some(desks) = Desks::met() else { return };
    for words in [
        "<img src=x onerror=\"window.harmed=1\">",
        "<script>window.harmed=1</script><b>bold</b>",
        "</p></div><iframe src=\"https://example.invalid\"></iframe>",
        "{{constructor.constructor('window.harmed=1')()}} ${window.harmed=1}",
    ] {
        desks.ana.seat.rows(["say", desks.ben_agent.peer(), words]);
        desks.ben.reads(words);
        desks.ana.reads(words);
    }
    for app in [&desks.ana, &desks.ben] {
        unharmed(app);
    }
}

#[test]
fn g1_hidden_and_turning_characters_of_a_message_are_made_visible() {
    let Some(desks) = Desks::met() else { return };
    desks.ana.seat.rows(["say", desks.ben_agent.peer(), "pay \u{202e}001 to\u{200b}me \u{2066}x\u{7}"]);
    desks.ben.reads("pay \\u{202e}001 to\\u{200b}me \\u{2066}x\\u{7}");
}

#[test]
fn a_message_of_ten_thousand_characters_is_folded_and_can_be_read_whole() {
    let Some(desks) = Desks::met() else { return };
    let words = "가나다 abc ".repeat(1_250) + "the very end";
    desks.ana.seat.rows(["say", desks.ben_agent.peer(), &words]);
    desks.ben.press_button("Show all of it");
    desks.ben.reads("the very end");
    let wide = desks.ben.run("return document.documentElement.scrollWidth <= innerWidth", &json!([]));
    assert_eq!(wide, json!(true), "nothing runs out of the window");
}

#[test]
fn g1_a_name_with_markup_and_marks_of_direction_is_shown_as_text_wherever_it_appears() {
    let Some(lab) = window::lab(2) else { return };
    let name = "<b>Eve</b>\u{5d0}<img src=x>";
    let (ana, eve) = (lab.seat(0), lab.seat(1));
    let _agents = [ana.agent("Ana"), eve.agent(name)];
    let app = App::open(&ana);
    app.find(Wanted::of("button", &format!("Invite {name}")));
    unharmed(&app);
    app.press_button(&format!("Invite {name}"));
    app.find(Wanted::with("dialog", name));
    unharmed(&app);
}

#[test]
fn g1_a_file_name_with_markup_is_shown_as_text_and_its_real_ending_is_seen() {
    let Some(desks) = Desks::met() else { return };
    let name = "<img src=x onerror=alert(1)>.txt";
    std::fs::write(desks.ana.seat.file(name), "x").unwrap();
    let file = desks.ana.seat.at(name);
    let _send =
        desks.ana.seat.hither(["send".as_ref(), desks.ben_agent.peer().as_ref(), file.as_os_str(), "--wait".as_ref()]);
    desks.ben.find(Wanted::of("alertdialog", "Ana wants to send you 1 item"));
    desks.ben.reads(name);
    unharmed(&desks.ben);
    desks.ben.press_button("Accept");
    desks.ben.reads("Received and checked");
    desks.ana.reads("Delivered and confirmed");
    for app in [&desks.ana, &desks.ben] {
        unharmed(app);
    }
    says(&desks.ben, "Ana", "thanks");
    desks.ana.reads("thanks");
}

//! Words chosen to do harm, on their way to the desktop's notification server: as names, as messages, as names of files.
//! What arrives there is short, has no markup but escaped, and nothing hidden; the summary is one line.

use super::{
    bus::{Act, Shown},
    pair,
};
use hither_model::text::is_hidden;
use hither_tests::{
    acts::offer,
    events::{kind, text},
};

/// Longest summary: a name of 60 characters and a sentence.
const SUMMARY: usize = 120;
/// Longest body before `&` and the like are written out: what a person wrote, and a sentence.
const BODY: usize = 400;

/// What the specification lets a server show is what was meant, and no more. Gives the body as a person reads it.
fn read(shown: &Shown) -> String {
    assert!(!shown.summary.chars().any(is_hidden), "the summary is one line of what can be seen: {shown:?}");
    assert!(shown.summary.chars().count() <= SUMMARY, "{shown:?}");
    assert!(!shown.body.contains(['<', '>', '"', '\'']), "no markup: {shown:?}");
    assert!(!shown.body.chars().any(|c| c != '\n' && is_hidden(c)), "nothing hidden: {shown:?}");
    assert!(shown.body.lines().count() <= 5, "{shown:?}");
    let mut read = shown.body.clone();
    for (written, meant) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")] {
        read = read.replace(written, meant);
    }
    assert!(read.chars().count() <= BODY, "{shown:?}");
    read
}

#[test]
fn g4_hostile_messages_reach_the_notification_server_as_short_text_without_markup() {
    let Some(mut pair) = pair("<b>&amp;</b>") else { return };
    let peer = pair.meet();
    for (said, wanted) in [
        ("<a href=\"http://x\">1</a> &lt;i&gt;<img src='y'/>", "<a href=\"http://x\">1</a> &lt;i&gt;<img src='y'/>"),
        ("2 pay \u{202e}001\u{2066} to\u{200b}me", "2 pay \\u{202e}001\\u{2066} to\\u{200b}me"),
        ("3 \u{1b}[2J\u{7}\u{9b}m\u{85}x", "3 \\u{1b}[2J\\u{7}\\u{9b}m\\u{85}x"),
        ("4 a\n\n\n\r\tb\u{2028}c", "4 a\n\\u{d} b\\u{2028}c"),
    ] {
        pair.ana.rows(["say", &peer, said]);
        let shown = pair.desktop.wait(said, |act| match act {
            Act::Shown(shown) if shown.summary.starts_with("Ana <b>&amp;</b>") && starts_like(shown, said) => {
                Some(shown.clone())
            }
            _ => None,
        });
        assert_eq!(read(&shown), wanted);
    }
    for (first, long) in [("5", "x".repeat(10_000)), ("6", "한글\n".repeat(3_000)), ("7", "&".repeat(10_000))] {
        pair.ana.rows(["say", &peer, &format!("{first}{long}")]);
        let shown = pair.desktop.wait(first, |act| match act {
            Act::Shown(shown) if shown.body.starts_with(first) => Some(shown.clone()),
            _ => None,
        });
        assert!(read(&shown).ends_with('…'));
    }
}

/// Notifications of a conversation replace each other: this is the one about that message.
fn starts_like(shown: &Shown, said: &str) -> bool {
    let digit = said.chars().find(char::is_ascii_digit);
    shown.body.chars().find(char::is_ascii_digit) == digit
}

#[test]
fn g4_a_message_with_a_nul_reaches_the_notification_server_with_the_nul_written_out() {
    let Some(mut pair) = pair("nul") else { return };
    let peer = pair.meet();
    // No argument of a program can have one; a peer that speaks the protocol itself can.
    let mut face = super::Window::of(&pair.ana);
    let ask = serde_json::json!({"ask": "say", "to": peer, "text": "before\u{0}after"});
    face.write(&serde_json::json!({"request": {"id": 7, "ask": ask}}).to_string());
    let shown = pair.desktop.wait("the message", |act| match act {
        Act::Shown(shown) if shown.body.starts_with("before") => Some(shown.clone()),
        _ => None,
    });
    assert_eq!(read(&shown), "before\\u{0}after");
}

#[test]
fn g4_hostile_words_beside_an_invite_and_names_of_files_reach_the_server_without_markup() {
    let Some(mut pair) = pair("<img src=x>") else { return };
    let peer = pair.meet();
    for name in ["<img src=x onerror=alert(1)>.txt", "&lt;script&gt;.txt", &format!("{}.txt", "한".repeat(80))] {
        std::fs::write(pair.ana.file(name), "x").unwrap();
        let _send = offer(&pair.ana, &peer, name);
        let shown = pair.desktop.shown("offers files");
        let beginning: String = name.chars().take(60).collect();
        assert!(read(&shown).starts_with(&beginning), "{shown:?}");
        pair.desktop.press(shown.id, "decline");
        pair.desktop.closed(shown.id);
    }
    let sessions = pair.ana.rows(["sessions"]);
    let session = sessions.iter().find(|row| kind(row) == "session").expect("the session is open");
    pair.ana.rows(["close", text(session, "session")]);
    let note = "<b>bold</b>\u{202e}\nsecond line";
    let _invite = pair.ana.hither(["invite", &peer, "--message", note]);
    let shown = pair.desktop.shown("wants to connect");
    assert!(shown.summary.starts_with("Ana <img src=x>"), "a summary is never read as markup: {shown:?}");
    assert!(read(&shown).contains("“<b>bold</b>\\u{202e}"), "{shown:?}");
}

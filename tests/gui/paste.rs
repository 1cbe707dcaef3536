//! What another program copied is pasted into a conversation: text to write on, a picture that becomes a file, files. All
//! of it waits in the window until the person sends it.

use crate::desks::{Desks, inbox_file};
use hither_tests::window::{
    Wanted,
    clipboard::{Clipboard, Copied},
    drag,
};
use std::{fs, path::Path};

/// Control and V, as WebDriver names keys; the last ends the holding down.
const PASTE: &str = "\u{e009}v\u{e000}";
const ENTER: &str = "\u{e007}";
/// A picture as any program has it, 32 pixels square.
const PICTURE: &[u8] = include_bytes!("../../icons/32x32.png");

fn message() -> Wanted<'static> {
    Wanted::of("textbox", "Message to Ben")
}

/// Ana pastes what was copied, with the focus where messages are written.
fn ana_pastes(desks: &Desks, copied: Copied) -> Clipboard {
    let clipboard = Clipboard::with(desks.ana.display(), copied);
    drag::focus(desks.ana.display());
    desks.ana.type_into(message(), PASTE);
    clipboard
}

#[test]
fn text_that_was_copied_is_pasted_into_the_message_and_nothing_is_sent_before_enter() {
    let Some(desks) = Desks::met() else { return };
    let words = "copied <b>elsewhere</b>\nover two lines, 한글 도";
    let _clipboard = ana_pastes(&desks, Copied::text(words));
    let field = desks.ana.find(message());
    let value = "return arguments[0].value";
    desks.ana.until("the text in the field", || {
        let shown = desks.ana.run(value, &serde_json::json!([field.argument()]));
        (shown.as_str() == Some(words)).then_some(())
    });
    assert!(!desks.ben.text().contains("copied"), "pasting sends nothing");
    desks.ana.type_into(message(), ENTER);
    desks.ben.reads("copied <b>elsewhere</b>");
}

#[test]
fn a_picture_that_was_copied_becomes_a_file_that_is_offered_with_enter() {
    let Some(desks) = Desks::met() else { return };
    let _clipboard = ana_pastes(&desks, Copied::png(PICTURE));
    desks.ana.find(Wanted::with("button", "Remove Pasted image"));
    assert!(desks.ben.there(Wanted::with("alertdialog", "Ana")).is_empty(), "pasting offers nothing");
    desks.ana.type_into(message(), ENTER);
    desks.ben.find(Wanted::of("alertdialog", "Ana wants to send you 1 item"));
    desks.ben.reads("Pasted image 2");
    desks.ben.press_button("Accept");
    desks.ben.reads("Received and checked");
    let kept = fs::read(inbox_file(&desks, ".png").expect("it is in the inbox")).unwrap();
    assert!(kept.starts_with(b"\x89PNG\r\n\x1a\n"), "it is a picture");
    assert_eq!(kept.get(16..24), PICTURE.get(16..24), "of the same width and height");
    // Who sent it keeps it where nobody else looks.
    let stored: Vec<_> = fs::read_dir(desks.ana.seat.profile().join("pasted")).unwrap().flatten().collect();
    let names: Vec<String> = stored.iter().map(|one| one.file_name().to_string_lossy().into_owned()).collect();
    assert!(matches!(names.as_slice(), [name] if name.starts_with("Pasted image 2")), "{names:?}");
}

#[test]
fn files_that_were_copied_in_a_file_manager_are_offered_with_enter() {
    let Some(desks) = Desks::met() else { return };
    let seat = &desks.ana.seat;
    let names = ["one, 하나 & #1.txt", "two%20.txt", "a folder"];
    for name in &names[..2] {
        fs::write(seat.file(name), name).unwrap();
    }
    fs::create_dir(seat.file(names[2])).unwrap();
    fs::write(seat.file("a folder/inside.txt"), "inside").unwrap();
    let paths = names.map(|name| seat.at(name));
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    let _clipboard = ana_pastes(&desks, Copied::files(&paths));
    for name in names {
        desks.ana.find(Wanted::of("button", &format!("Remove {name}")));
    }
    let value = desks.ana.run("return document.querySelector('[data-compose]').value", &serde_json::json!([]));
    assert_eq!(value, "", "their paths are not written into the message");
    desks.ana.type_into(message(), ENTER);
    desks.ben.find(Wanted::of("alertdialog", "Ana wants to send you 4 items"));
    desks.ben.press_button("Accept");
    desks.ben.reads("Received and checked");
    // They lie together in a folder of the offer's own, or beside each other.
    let kept = inbox_file(&desks, "").expect("they are in the inbox");
    let folder = if kept.is_dir() { kept } else { kept.parent().unwrap().to_owned() };
    assert_eq!(fs::read_to_string(folder.join(names[0])).unwrap(), names[0]);
    assert_eq!(fs::read_to_string(folder.join("a folder/inside.txt")).unwrap(), "inside");
}

//! Files between two windows: dropped by another program (XDND), taken by the person asked, whole at the end; and a
//! window killed in the middle of it.

use crate::desks::{Desks, inbox_file, is_transfer, middle_of, the_agent_tells};
use hither_tests::{
    acts::noise,
    window::{Wanted, catch, drag},
};
use std::{fs, path::Path};

fn blake3(path: &Path) -> String {
    let content = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    blake3::hash(&content).to_string()
}

/// Drops files of Ana's directory on her conversation with Ben.
fn ana_drops(desks: &Desks, names: &[&str]) {
    let files: Vec<_> = names.iter().map(|name| desks.ana.seat.at(name)).collect();
    let files: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
    let at = middle_of(&desks.ana, Wanted::with("textbox", "Message to Ben"));
    drag::drop_files(desks.ana.display(), &files, at);
}

#[test]
fn a_dropped_file_arrives_whole_after_the_other_person_said_yes() {
    let Some(desks) = Desks::met() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    let name = "photo of 고양이.raw";
    noise(&ana.seat.file(name), 3_000_001, 21).unwrap();
    ana_drops(&desks, &[name]);
    ben.find(Wanted::of("alertdialog", "Ana wants to send you 1 item"));
    ben.reads(name);
    assert!(inbox_file(&desks, name).is_none(), "nothing is written before the yes");
    ben.press_button("Accept");
    ben.reads("Received and checked");
    ana.reads("Delivered and confirmed");
    let kept = inbox_file(&desks, name).expect("it is in the inbox");
    assert_eq!(blake3(&kept), blake3(&ana.seat.file(name)));
}

#[test]
fn files_dropped_on_a_device_that_was_not_met_are_offered_after_the_meeting() {
    let Some(desks) = Desks::two() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    for name in ["one.txt", "two.txt"] {
        fs::write(ana.seat.file(name), name).unwrap();
    }
    let (_, y) = middle_of(ana, Wanted::of("button", "Invite Ben"));
    let (x, _) = middle_of(ana, Wanted::of("list", "Devices near"));
    let files = [ana.seat.at("one.txt"), ana.seat.at("two.txt")];
    drag::drop_files(ana.display(), &[files[0].as_ref(), files[1].as_ref()], (x, y));
    ben.press_button("Same code – accept");
    ana.press_button("Yes, the same");
    ben.find(Wanted::of("alertdialog", "Ana wants to send you 2 items"));
    ben.press_button("Accept");
    ben.reads("Received and checked");
    the_agent_tells(ana, &["transfers"], "kept transfer", |row| is_transfer(row, "kept"));
}

#[test]
fn a_window_killed_in_the_middle_of_a_transfer_loses_nothing() {
    let Some(mut desks) = Desks::met() else { return };
    noise(&desks.ana.seat.file("large.bin"), 48 << 20, 23).unwrap();
    // Slow enough that there is a middle.
    desks.lab.limit(1, 60).unwrap();
    ana_drops(&desks, &["large.bin"]);
    desks.ben.press_button("Accept");
    the_agent_tells(&desks.ben, &["transfers"], "transfer under way", |row| is_transfer(row, "moving"));
    desks.ben.find(Wanted::with("progressbar", "large.bin"));
    desks.ben.kill_9();
    let row = the_agent_tells(&desks.ben, &["transfers"], "transfer that goes on", |row| row.get("transfer").is_some());
    assert!(is_transfer(&row, "moving"), "it goes on without the window: {row}");
    desks.ben.reopen();
    desks.ben.press(Wanted::with("link", "Transfers"));
    desks.ben.find(Wanted::with("progressbar", "large.bin"));
    desks.lab.limit(1, 2000).unwrap();
    desks.ben.reads("Received and checked");
    let kept = inbox_file(&desks, "large.bin").expect("it is in the inbox");
    assert_eq!(blake3(&kept), blake3(&desks.ana.seat.file("large.bin")));
    desks.ana.reads("Delivered and confirmed");
}

#[test]
fn a_received_file_is_dragged_out_of_the_window_into_another_program() {
    let Some(desks) = Desks::met() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    let name = "drag me 하나.txt";
    fs::write(ana.seat.file(name), "dragged").unwrap();
    ana_drops(&desks, &[name]);
    ben.press_button("Accept");
    ben.reads("Received and checked");
    let card = ben.all("[data-transfer][data-state=kept] .title").into_iter().next().expect("the file is in the talk");
    let script = "const r = arguments[0].getBoundingClientRect(); return [r.x + 20, r.y + r.height / 2]";
    let at = ben.run(script, &serde_json::json!([card.argument()]));
    let pixel = |index: usize| at[index].as_f64().map_or(0, |value| value.round() as i16);
    let caught = catch::drag_out(ben.display(), (pixel(0), pixel(1)), (1040, 300));
    let rows = ben.seat.rows(["transfers"]);
    let path = rows.iter().find_map(|row| row.get("path")?.as_str()).expect("it is in the inbox");
    assert_eq!(caught, drag::addresses(&[path]));
    // The window is as usable as before, and nothing was offered to anybody by this.
    ben.press(Wanted::with("link", "Transfers"));
    ben.find(Wanted::of("heading", "Transfers"));
    assert!(ben.there(Wanted::with("dialog", "to whom?")).is_empty());
    let kept = inbox_file(&desks, name).expect("it is still there");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "dragged");
}

#[test]
fn a_program_that_is_offered_stays_one_only_if_the_person_asked_ticks_it() {
    use std::os::unix::fs::PermissionsExt;
    let Some(desks) = Desks::met() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    let tick = Wanted::of("checkbox", "Programs among them may be run");
    for (name, ticked) in [("plain.sh", false), ("ticked.sh", true)] {
        fs::write(ana.seat.file(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(ana.seat.file(name), fs::Permissions::from_mode(0o755)).unwrap();
        ana_drops(&desks, &[name]);
        ben.find(Wanted::of("alertdialog", "Ana wants to send you 1 item"));
        ben.reads(name);
        ben.find(tick);
        if ticked {
            ben.press(tick);
        }
        ben.press_button("Accept");
        ben.until("the file", || inbox_file(&desks, name).map(|_| ()));
        let kept = inbox_file(&desks, name).expect("it is in the inbox");
        let mode = fs::metadata(kept).unwrap().permissions().mode();
        assert_eq!(mode & 0o111 != 0, ticked, "{name}: {mode:o}");
    }
    fs::write(ana.seat.file("notes.sh"), "only its name is a program's").unwrap();
    ana_drops(&desks, &["notes.sh"]);
    ben.find(Wanted::of("alertdialog", "Ana wants to send you 1 item"));
    ben.reads("notes.sh");
    assert!(ben.there(tick).is_empty(), "nothing of it can be run anyway");
}

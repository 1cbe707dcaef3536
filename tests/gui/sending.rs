//! "Send with hither" in a file manager: the entries that the package brings are carried out as file managers do, and the
//! window comes up with the files, for the person to pick the device. Nothing is offered to anybody before that.

use crate::desks::{Desks, inbox_file};
use hither_tests::{
    program::on_path,
    skip::skipped,
    window::{self, App, Look, PATIENCE, Wanted},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Where the entries lie that the package brings.
const ENTRIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src-tauri/linux");
/// Thunar's, the desktops' of DES-EMA (PCManFM and others), KDE's and Nemo's.
const FILES: [&str; 4] = ["thunar-sendto.desktop", "des-ema.desktop", "kde-servicemenu.desktop", "hither.nemo_action"];
/// Names that would be something else to a shell, to an entry or to a list of addresses.
const NAMES: [&str; 3] = ["two words & 하나.txt", "--send %F;$(x)'.txt", "a%20b#c.txt"];

/// The arguments that a file manager calls the program with for these files: the entry's `Exec` without its first word,
/// every file an argument of its own in the place of `%F`.
fn called(entry: &str, files: &[PathBuf]) -> Vec<String> {
    let text = fs::read_to_string(Path::new(ENTRIES).join(entry)).unwrap();
    let exec: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("Exec=")).collect();
    let [exec] = exec.as_slice() else { panic!("{entry} has not one Exec line: {exec:?}") };
    let mut words = exec.split(' ');
    assert_eq!(words.next(), Some("hither-app"), "{entry}");
    let files = files.iter().map(|file| file.display().to_string());
    words.flat_map(|word| if word == "%F" { files.clone().collect() } else { vec![word.to_owned()] }).collect()
}

fn written(app: &App) -> Vec<PathBuf> {
    for name in NAMES {
        fs::write(app.seat.file(name), name).unwrap();
    }
    NAMES.map(|name| app.seat.at(name)).to_vec()
}

fn asks_to_whom(app: &App) {
    app.find(Wanted::of("dialog", &format!("Send {} items to whom?", NAMES.len())));
    for name in NAMES {
        app.reads(name);
    }
}

#[test]
fn every_file_managers_entry_brings_the_open_window_up_with_the_files() {
    let Some(desks) = Desks::two() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    let files = written(ana);
    for entry in FILES {
        let arguments = called(entry, &files);
        let second = ana.again(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(second.end(PATIENCE).code, Some(0), "{entry}: it hands the files over and leaves");
        asks_to_whom(ana);
        ana.press_button("Close");
        ana.vanishes(Wanted::with("dialog", "to whom?"));
    }
    assert!(ben.there(Wanted::with("alertdialog", "Ana")).is_empty(), "nobody is asked before the person chose");
    assert!(ana.seat.rows(["transfers"]).iter().all(|row| row.get("transfer").is_none()));
}

#[test]
fn files_handed_over_as_addresses_are_offered_to_the_device_that_the_person_picks() {
    if !on_path("gio") {
        return skipped("window", "gio is not installed (Debian: libglib2.0-bin)");
    }
    let Some(desks) = Desks::two() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    // What stands behind file managers made with GLib: it gets addresses, reads the entry and starts the program.
    let mut launch = ana.command("gio");
    let beside = window::program().unwrap().parent().unwrap().to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([beside].into_iter().chain(env::split_paths(&path))).unwrap();
    launch.env("PATH", path).arg("launch").arg(Path::new(ENTRIES).join(FILES[0]));
    launch.args(window::drag::addresses(&written(ana)));
    let launch = ana.seat.run(launch, "gio");
    asks_to_whom(ana);
    drop(launch);
    ana.press(Wanted::with("button", "Ben"));
    ben.press_button("Same code – accept");
    ana.press_button("Yes, the same");
    ben.find(Wanted::of("alertdialog", "Ana wants to send you 3 items"));
    ben.press_button("Accept");
    ben.reads("Received and checked");
    let kept = NAMES.map(|name| {
        let path = inbox_file(&desks, "").expect("they are in the inbox");
        let folder = if path.is_dir() { path } else { path.parent().unwrap().to_owned() };
        fs::read_to_string(folder.join(name)).unwrap_or_default()
    });
    assert_eq!(kept, NAMES.map(str::to_owned));
}

#[test]
fn files_handed_over_where_no_window_is_open_start_it_and_it_asks_to_whom() {
    let Some(lab) = window::lab(1) else { return };
    let seat = lab.seat(0);
    let _agent = seat.agent("Ana");
    let prepared = App::prepared(&seat, Look::default());
    let arguments = called(FILES[1], &written(&prepared));
    drop(prepared);
    asks_to_whom(&App::open_as(&seat, Look { arguments, ..Look::default() }));
}

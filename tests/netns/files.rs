//! Files and folders between two hosts: whole, declined, many, into a full disk.

use hither_tests::{
    Seat,
    acts::{self, TRANSFER, deliver, meet, noise, offer, question},
    events::{kind, number, text},
    netns::Lab,
    run::SOON,
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// Whether two trees hold the same files with the same bytes.
fn same_tree(a: &Path, b: &Path) -> bool {
    let names = |dir: &Path| {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (left, right) = (names(a), names(b));
    left == right
        && left.iter().all(|name| {
            let (x, y) = (a.join(name), b.join(name));
            if x.is_dir() { y.is_dir() && same_tree(&x, &y) } else { fs::read(&x).unwrap() == fs::read(&y).unwrap() }
        })
}

fn pair(lab: &Lab) -> (Seat, Seat, [hither_tests::seat::Agent; 2], String) {
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let agents = [ana.agent("Ana"), ben.agent("Ben")];
    let met = meet(&ana, &ben, "Ben");
    fs::create_dir_all(ben.file("got")).unwrap();
    (ana, ben, agents, met.peer)
}

#[test]
fn a_file_arrives_whole_and_both_sides_know() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben, _agents, peer) = pair(&lab);
    noise(&ana.file("photo.raw"), 5_000_001, 1).unwrap();
    fs::set_permissions(ana.file("photo.raw"), fs::Permissions::from_mode(0o4755)).unwrap();
    deliver(&ana, &ben, &peer, "photo.raw", "got");
    assert_eq!(fs::read(ben.file("got/photo.raw")).unwrap(), fs::read(ana.file("photo.raw")).unwrap());
    let mode = fs::metadata(ben.file("got/photo.raw")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7111, 0, "neither executable nor set-user-id: {mode:o}");
    let sent = ana.rows(["transfers"]);
    assert!(sent.iter().any(|v| text(v, "state") == "kept" && v["receipt"] == true), "{sent:?}");
    assert_eq!(leftovers(&ben, "got"), Vec::<String>::new());
}

fn leftovers(seat: &Seat, dir: &str) -> Vec<String> {
    let entries = fs::read_dir(seat.file(dir)).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    entries.filter(|name| name.starts_with('.')).collect()
}

#[test]
fn a_folder_of_ten_thousand_files_arrives_as_it_was() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben, _agents, peer) = pair(&lab);
    for folder in 0..100 {
        let dir = ana.file(&format!("many/d{folder:02}"));
        fs::create_dir_all(&dir).unwrap();
        for file in 0..100 {
            noise(&dir.join(format!("f{file:02}")), 4096, folder * 100 + file + 1).unwrap();
        }
    }
    fs::create_dir(ana.file("many/empty")).unwrap();
    fs::write(ana.file("many/nothing"), "").unwrap();
    let done = deliver(&ana, &ben, &peer, "many", "got");
    assert!(number(&done, "items") >= 10_001, "{done}");
    assert!(same_tree(&ana.file("many"), &ben.file("got/many")));
}

#[test]
fn nothing_is_written_before_the_yes_and_nothing_after_a_no() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben, _agents, peer) = pair(&lab);
    noise(&ana.file("secret"), 100_000, 3).unwrap();
    let mut inbox = ben.hither(["inbox", "--watch"]);
    let mut send = offer(&ana, &peer, "secret");
    let asked = question(&mut inbox, "transfer");
    assert_eq!((number(&asked, "items"), number(&asked, "bytes")), (1, 100_000));
    ben.rows(["decline", text(&asked, "id")]);
    let error = send.wait("error");
    assert_eq!(text(&error, "code"), "Declined");
    assert_eq!(fs::read_dir(ben.file("got")).unwrap().count(), 0);
}

#[test]
fn f13_a_name_that_exists_is_kept_and_the_new_file_gets_another() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben, _agents, peer) = pair(&lab);
    fs::write(ana.file("notes.txt"), "new").unwrap();
    fs::write(ben.file("got/notes.txt"), "old").unwrap();
    deliver(&ana, &ben, &peer, "notes.txt", "got");
    assert_eq!(fs::read_to_string(ben.file("got/notes.txt")).unwrap(), "old");
    assert_eq!(fs::read_to_string(ben.file("got/notes (2).txt")).unwrap_or_default(), "new");
}

#[test]
fn f8_a_full_disk_is_told_to_both_and_harms_nothing() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben, _agents, peer) = pair(&lab);
    lab.host(1).small_disk(&ben.at("small"), 8).unwrap();
    fs::write(ben.file("small/old"), "keep me").unwrap();
    noise(&ana.file("large"), 32 << 20, 5).unwrap();
    let small = ben.at("small");
    let _receive = ben.hither(["receive".as_ref(), "--to".as_ref(), small.as_os_str(), "--once".as_ref()]);
    let mut send = offer(&ana, &peer, "large");
    let error = send.wait_for("an error", TRANSFER, |v| matches!(kind(v), "error" | "item-failed" | "done"));
    assert_eq!(text(&error, "code"), "DiskFull", "{error}");
    assert!(!ben.file("small/large").exists());
    assert_eq!(fs::read_to_string(ben.file("small/old")).unwrap(), "keep me");
    // Both are alive and a small file still gets through.
    fs::write(ana.file("little"), "fits").unwrap();
    drop(send);
    deliver(&ana, &ben, &peer, "little", "got");
}

#[test]
fn a_pipe_carries_any_bytes_and_keeps_the_half_close() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben, _agents, peer) = pair(&lab);
    noise(&ana.file("raw"), 3_000_000, 7).unwrap();
    let ear = format!("{} pipe --listen --once </dev/null >{}", ben.program().display(), ben.at("heard").display());
    let listen = ben.start("sh", ["-c", &ear]);
    // The listener has to be known before the other end asks for it.
    acts::until(&ben, &["status"], "agent", SOON, |v| kind(v) == "status");
    let mouth = format!("{} pipe {peer} <{}", ana.program().display(), ana.at("raw").display());
    let spoken = ana.start("sh", ["-c", &mouth]).end(TRANSFER);
    assert_eq!(spoken.code, Some(0), "{}", spoken.errors);
    assert_eq!(listen.end(TRANSFER).code, Some(0));
    assert_eq!(fs::read(ben.file("heard")).unwrap(), fs::read(ana.file("raw")).unwrap());
}

#[test]
fn an_agent_that_is_to_drain_finishes_what_moves_and_begins_nothing() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben, [_ana_agent, ben_agent], peer) = pair(&lab);
    noise(&ana.file("film.mkv"), 8_000_000, 7).unwrap();
    lab.limit(1, 20).unwrap();
    let _receive = ben.hither(["receive".as_ref(), "--to".as_ref(), ben.at("got").as_os_str(), "--once".as_ref()]);
    let mut send = offer(&ana, &peer, "film.mkv");
    acts::moved(&mut send, 100_000);
    let stop = ben.hither(["stop", "--drain"]);
    let busy = acts::until(&ben, &["invite", "--link"], "a refusal", SOON, |row| kind(row) == "error");
    assert_eq!(text(&busy, "code"), "Busy");
    let done = send.wait_for("done", TRANSFER, |v| matches!(kind(v), "done" | "error"));
    assert_eq!(kind(&done), "done", "{done}");
    assert_eq!((stop.end(SOON).code, ben_agent.run.end(SOON).code), (Some(0), Some(0)));
    assert_eq!(fs::read(ben.file("got/film.mkv")).unwrap(), fs::read(ana.file("film.mkv")).unwrap());
}

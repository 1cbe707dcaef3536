//! Certificates that come in files, with the real program.

use crate::{
    authority::Authority,
    people_rig::{PATIENCE, Person},
    rig::{pem, run, skipped},
    terminal::Terminal,
};
use hither_tests::{
    Run,
    acts::sees,
    events::text,
    netns::Lab,
    run::{End, SOON},
};
use rcgen::KeyPair;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Words that nothing else in the world looks like.
pub(crate) const PASSWORD: &str = "Ufer-Zange-4180-Nebel";

/// A PKCS#12 file with a certificate of this name, at the person's seat; and its key. `None`, said aloud, where nothing
/// can write such a file.
pub(crate) fn file(person: &Person, authority: &Authority, name: &str) -> Option<(PathBuf, KeyPair)> {
    if !hither_tests::program::on_path("openssl") {
        skipped("openssl is not installed: it writes the file that is imported");
        return None;
    }
    let key = KeyPair::generate().expect("a key");
    let der = authority.issue(name, &key);
    let dir = tempfile::tempdir().expect("a directory");
    let made = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    let (certificate, secret) = (made("certificate.pem", &pem(&der)), made("key.pem", &key.serialize_pem()));
    let password = made("password", PASSWORD);
    let mut export = Command::new("openssl");
    export.args(["pkcs12", "-export", "-in"]).arg(certificate).arg("-inkey").arg(secret);
    export.arg("-passout").arg(format!("file:{}", password.display())).arg("-out").arg(person.seat.file("me.p12"));
    run(&mut export);
    Some((person.seat.at("me.p12"), key))
}

/// Imports with a password that is handed over on standard input.
pub(crate) fn import(person: &Person, path: &Path, password: &str) -> End {
    let mut run: Run = person.hither(&["identity", "import", &path.to_string_lossy(), "--password-stdin"]);
    run.type_in(format!("{password}\n").as_bytes());
    run.end(PATIENCE)
}

#[test]
fn a_file_with_a_password_is_imported_used_for_an_invite_and_forgotten() {
    let Some(lab) = Lab::of(2) else { return };
    let (authority, mut ben) = (Authority::new(), Person::at(&lab, 1, "Ben", &[]));
    ben.trusts(&authority);
    let mut ana = Person::at(&lab, 0, "Ana", &[]);
    let Some((path, _)) = file(&ana, &authority, "ana") else { return };
    let end = import(&ana, &path, "a wrong one");
    assert_eq!(end.error_code(), "PinWrong", "{:?}", end.said);
    let end = import(&ana, &path, PASSWORD);
    assert_eq!(end.code, Some(0), "{:?} {}", end.said, end.errors);
    let id = ana.certificate("ana");
    let of = |rows: Vec<Value>| rows.into_iter().find(|row| text(row, "id") == id).expect("it is listed");
    let row = of(ana.certificates());
    assert_eq!((text(&row, "source"), text(&row, "kept"), &row["current"]), ("file", "file", &false.into()));

    ana.seat.rows(["identity", "use", &id]);
    assert_eq!(of(ana.certificates())["current"], true);
    let row = sees(&ana.seat, "Ben");
    let mut invite = ana.hither(&["invite", text(&row, "peer"), "--yes-code"]);
    let question = ben.invited(true);
    assert_eq!(text(&question["certified"], "name"), "ana", "{question}");
    assert_eq!(text(&question["certified"], "authority"), "Lab Authority");
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    assert_eq!(text(&ben.session(&session)["certified"], "name"), "ana");
    assert_eq!(text(&ana.session(&session)["shown"], "subject"), "CN=ana,O=Lab");
    ana.closes(&session, &mut ben);

    ana.seat.rows(["identity", "remove", &id]);
    let rows = ana.certificates();
    assert!(rows.len() == 1 && rows[0]["current"] == true && text(&rows[0], "source") == "local", "{rows:?}");
    let end = ana.seat.ask(["invite", &ben.peer, "--identity", &id]);
    assert_eq!(end.error_code(), "UnknownId", "{:?}", end.said);
    assert_eq!(fs::read_dir(ana.seat.profile().join("identities")).map_or(0, key_files), 0, "its key is gone");
}

fn key_files(entries: fs::ReadDir) -> usize {
    entries.filter(|entry| entry.as_ref().is_ok_and(|e| e.path().extension().is_some_and(|e| e == "key"))).count()
}

#[test]
fn the_password_of_a_file_is_typed_at_a_terminal_and_not_shown() {
    let Some(lab) = Lab::of(1) else { return };
    let ana = Person::at(&lab, 0, "Ana", &[]);
    let Some((path, _)) = file(&ana, &Authority::new(), "ana") else { return };
    let Some(mut terminal) = Terminal::of(&ana.seat, &["identity", "import", &path.to_string_lossy()]) else { return };
    terminal.answer("Password of the file (it is not shown):", "a wrong one");
    terminal.answer("Password of the file (it is not shown):", PASSWORD);
    let (shown, good) = terminal.end(SOON);
    assert!(good && shown.contains("imported"), "{shown}");
    assert!(!shown.contains(PASSWORD) && !shown.contains("a wrong one"), "{shown}");
    ana.certificate("ana");
}

//! Certificates that come in files, with the real program; and where nothing of a PIN, a password or a key is found.

use crate::{
    authority::Authority,
    people_rig::{PATIENCE, Person, meet},
    rig::{run, skipped},
    secrecy::memory_holds,
    soft::Soft,
    terminal::Terminal,
};
use hither_tests::{
    Run,
    acts::sees,
    events::{kind, text},
    netns::Lab,
    run::{End, SOON},
};
use rcgen::KeyPair;
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Words that nothing else in the world looks like.
const PIN: &str = "7741093562881940";
const PASSWORD: &str = "Ufer-Zange-4180-Nebel";

/// A PKCS#12 file with a certificate of this name, at the person's seat; and its key. `None`, said aloud, where nothing
/// can write such a file.
fn file(person: &Person, authority: &Authority, name: &str) -> Option<(PathBuf, KeyPair)> {
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
    let body = data_encoding::BASE64.encode(&der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let text = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    let (certificate, secret) = (made("certificate.pem", &text), made("key.pem", &key.serialize_pem()));
    let password = made("password", PASSWORD);
    let mut export = Command::new("openssl");
    export.args(["pkcs12", "-export", "-in"]).arg(certificate).arg("-inkey").arg(secret);
    export.arg("-passout").arg(format!("file:{}", password.display())).arg("-out").arg(person.seat.file("me.p12"));
    run(&mut export);
    Some((person.seat.at("me.p12"), key))
}

/// Imports with a password that is handed over on standard input.
fn import(person: &Person, path: &Path, password: &str) -> End {
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

/// What must not be found, and where it was looked for.
struct Search {
    secrets: Vec<(&'static str, Vec<u8>)>,
    looked: usize,
    /// Files that hold the key because it is kept there.
    kept: usize,
}

impl Search {
    fn new(key: &KeyPair) -> Self {
        let der = key.serialize_der();
        let pem = key.serialize_pem();
        let line = pem.lines().nth(1).expect("the key's first line").to_owned();
        // SEC1 inside PKCS#8: the number itself follows this header.
        let at = der.windows(5).position(|w| w == [0x02, 0x01, 0x01, 0x04, 0x20]).expect("a P-256 key") + 5;
        let secrets = vec![
            ("the PIN", PIN.as_bytes().to_vec()),
            ("the password", PASSWORD.as_bytes().to_vec()),
            ("the key", der[at..at + 32].to_vec()),
            ("the key as text", line.into_bytes()),
        ];
        Self { secrets, looked: 0, kept: 0 }
    }

    fn found(&self, place: &[u8]) -> Vec<&'static str> {
        let holds = |secret: &[u8]| place.windows(secret.len()).any(|window| window == secret);
        self.secrets.iter().filter(|(_, secret)| holds(secret)).map(|(name, _)| *name).collect()
    }

    fn clean(&mut self, what: &str, place: &[u8]) {
        self.looked += 1;
        assert!(self.found(place).is_empty(), "{what} holds {:?}", self.found(place));
    }

    /// Command lines and environments of every process.
    fn processes(&mut self) {
        for process in fs::read_dir("/proc").expect("processes").filter_map(|entry| Some(entry.ok()?.path())) {
            for name in ["cmdline", "environ"] {
                // Processes end.
                let Ok(bytes) = fs::read(process.join(name)) else { continue };
                self.clean(&process.join(name).to_string_lossy(), &bytes);
            }
        }
    }

    /// Files, but for a key's own, which only its owner may read.
    fn files(&mut self, from: PathBuf) {
        let mut left = vec![from];
        while let Some(path) = left.pop() {
            match fs::read_dir(&path) {
                Ok(entries) => left.extend(entries.map(|entry| entry.expect("an entry").path())),
                Err(_) if path.extension().is_some_and(|e| e == "key") => {
                    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
                    match self.found(&fs::read(&path).expect("a file"))[..] {
                        [] => {}
                        ["the key as text"] => self.kept += 1,
                        _ => panic!("{} holds more than a key", path.display()),
                    }
                }
                Err(_) => {
                    if let Ok(bytes) = fs::read(&path) {
                        self.clean(&path.to_string_lossy(), &bytes);
                    }
                }
            }
        }
    }
}

#[test]
fn s11_pin_password_and_key_are_in_no_log_command_line_environment_file_or_memory() {
    let Some(soft) = Soft::new("work", PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let loud = ("HITHER_LOG", Path::new("trace"));
    let conf = soft.conf();
    let mut ben = Person::at(&lab, 1, "Ben", &[loud]);
    ben.trusts(&soft.authority);
    let mut ana = Person::at(&lab, 0, "Ana", &[("SOFTHSM2_CONF", &conf), loud]);
    let Some((path, key)) = file(&ana, &soft.authority, "ana-file") else { return };
    let mut search = Search::new(&key);
    let mut ends = vec![import(&ana, &path, PASSWORD)];
    fs::remove_file(ana.seat.outside(&path)).expect("it was there");
    let card = ana.certificate("ana");

    let mut invite = ana.invites(&ben, &card);
    let question = ana.question("pin");
    ends.push(ana.pin(&question, "1111111111111111", &[]));
    let question = ana.question("pin");
    // While the command waits for the PIN, and right after it has passed it on.
    let mut pin = ana.hither(&["pin", text(&question, "id"), "--stdin"]);
    pin.type_in(PIN.as_bytes());
    search.processes();
    pin.type_in(b"\n");
    invite.wait("invite-sent");
    search.processes();
    ends.push(pin.end(SOON));
    let question = ben.invited(true);
    ben.accepts(&question);
    let session = text(&invite.wait("accepted"), "session").to_owned();
    ana.closes(&session, &mut ben);
    let id = ana.certificate("ana-file");
    let mut invite = ana.hither(&["invite", &ben.peer, "--identity", &id]);
    let question = ben.invited(false);
    ben.accepts(&question);
    invite.wait("accepted");
    search.processes();
    assert!(search.looked > 20, "{}", search.looked);

    for end in &ends[..] {
        search.clean("a command", format!("{:?}{}", end.said, end.errors).as_bytes());
    }
    for person in [&mut ana, &mut ben] {
        let log = person.agent.errors();
        assert!(log.lines().count() > 2, "it logs: {log}");
        search.clean("the agent's log", log.as_bytes());
        let said = format!("{:?}", person.agent.events.seen());
        search.clean("what the agent said", said.as_bytes());
        search.files(person.seat.file(""));
        let [pid] = person.agent.pids()[..] else { panic!("one agent") };
        let memory = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
        for (name, secret) in &search.secrets[..2] {
            assert!(!memory_holds(&memory, |place| place.windows(secret.len()).any(|w| w == &secret[..])), "{name}");
        }
    }
    assert_eq!(search.kept, 1, "where it is kept, and only there");
    assert!(ana.certificates().iter().any(|row| kind(row) == "identity" && text(row, "id") == id));
    assert_eq!(meet(&mut ana, &mut ben, (&card, PIN), false).len(), 32, "the PIN is the PIN");
}

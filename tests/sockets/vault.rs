//! Passwords in a real keyring: GNOME Keyring on a session bus of its own, asked by `hither` after squid or Python asked.

use crate::lab::{Lab, free_port, have, have_python};
use hither_identity::{MAX_CREDENTIALS, Vault, VaultEntry, VaultError};
use hither_tests::Seat;
use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use zeroize::Zeroizing;

/// Starts the keyring in the new session, then this test's other half.
const SESSION: &str = "printf opened | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$@\"";
/// The directory of the session; set only inside it.
const HOME: &str = "VAULT_HOME";

/// Runs another test of this program in a session with a keyring; it says `DONE` at its end.
fn in_a_session(test: &str) {
    if !have(&["dbus-run-session", "gnome-keyring-daemon", "dbus-send"]) {
        return;
    }
    let home = tempfile::tempdir().expect("a directory");
    let mut inner = Command::new("dbus-run-session");
    inner.args(["--", "sh", "-c", SESSION, "sh"]).arg(std::env::current_exe().expect("this program"));
    inner.args(["--exact", &format!("vault::{test}"), "--nocapture"]);
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", HOME] {
        inner.env(variable, home.path());
    }
    let output = inner.output().expect("a session");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && (said.contains("DONE") || said.contains("SKIP")), "{said}");
}

fn entry(resource: &str, user: &str) -> VaultEntry {
    VaultEntry::new(resource, user).expect("an entry")
}

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// Locks the keyring, as a desktop does when its person is away. Nobody is here to unlock it.
fn lock() {
    let mut command = Command::new("dbus-send");
    command.args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"]);
    command.arg("org.freedesktop.Secret.Service.Lock");
    command.arg("array:objpath:/org/freedesktop/secrets/collection/login");
    let output = command.output().expect("dbus-send");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// All bytes of all files below a directory.
fn files(below: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for found in std::fs::read_dir(below).into_iter().flatten().flatten() {
        match found.file_type() {
            Ok(kind) if kind.is_dir() => all.extend(files(&found.path())),
            Ok(kind) if kind.is_file() => all.extend(std::fs::read(found.path()).unwrap_or_default()),
            _ => {}
        }
    }
    all
}

#[test]
fn r6_3_and_r6_4_the_keyring_holds_twenty_and_no_file_holds_a_password() {
    in_a_session("the_part_with_the_vault");
}

/// The part of the test above that runs in a session of its own; by itself it does nothing.
#[test]
fn the_part_with_the_vault() {
    let Some(home) = std::env::var_os(HOME).map(PathBuf::from) else { return };
    let vault = Vault::of_session().expect("the session has a keyring");
    assert!(matches!(vault.find_by_resource("p.example:1"), Err(VaultError::Unknown)));
    assert!(!vault.add(&entry("P.example:1", "ana"), &secret("first-word")).expect("kept"));
    assert!(vault.add(&entry("p.example:1", "ana"), &secret("second-word")).expect("replaced"));
    assert_eq!(*vault.retrieve(&entry("p.example:1", "ana")).expect("it is there"), "second-word");
    for n in 1..MAX_CREDENTIALS {
        vault.add(&entry(&format!("s{n}.example:1"), "ana maria"), &secret("second-word")).expect("kept");
    }
    assert!(matches!(vault.add(&entry("one.more:1", "ana"), &secret("x")), Err(VaultError::Full)));
    let again = Vault::of_session().expect("the session has a keyring");
    assert_eq!(again.all().expect("a list").len(), MAX_CREDENTIALS);
    assert_eq!(again.find_by_user("ana").expect("one"), [entry("p.example:1", "ana")]);
    again.remove(&entry("s1.example:1", "ana maria")).expect("forgotten");
    assert!(matches!(vault.retrieve(&entry("s1.example:1", "ana maria")), Err(VaultError::Unknown)));
    let kept = files(&home);
    assert!(!kept.is_empty(), "the keyring's own file is here");
    for word in ["first-word", "second-word"] {
        assert!(!kept.windows(word.len()).any(|window| window == word.as_bytes()), "{word} is in a file");
    }
    lock();
    for error in [
        again.retrieve(&entry("p.example:1", "ana")).map(drop).expect_err("locked"),
        again.add(&entry("p.example:1", "ana"), &secret("x")).map(drop).expect_err("locked"),
        again.remove(&entry("p.example:1", "ana")).expect_err("locked"),
    ] {
        assert!(matches!(error, VaultError::Refused(_)), "{error}");
        assert!(error.hint().contains("--ask"), "{}", error.hint());
    }
    println!("DONE");
}

#[test]
fn r6_2_and_r6_3_what_is_kept_goes_to_whom_it_is_for_and_only_when_they_ask() {
    if !(have(&["openssl", "squid", "/usr/lib/squid/basic_ncsa_auth"]) && have_python("websockets")) {
        return;
    }
    in_a_session("the_part_with_the_program");
}

/// A person at a seat with the session's keyring.
struct Person {
    seat: Seat,
    bus: std::ffi::OsString,
}

impl Person {
    fn run(&self, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.seat.command(self.seat.program());
        command.args(args).env("DBUS_SESSION_BUS_ADDRESS", &self.bus);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("hither");
        child.stdin.take().expect("stdin").write_all(input).expect("it reads");
        child.wait_with_output().expect("an end")
    }

    /// What comes back of a word while the input is open: squid cuts an end short whose other half has ended.
    fn echo(&self, args: &[&str]) -> String {
        let mut command = self.seat.command(self.seat.program());
        command.args(args).env("DBUS_SESSION_BUS_ADDRESS", &self.bus);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("hither");
        let mut input = child.stdin.take().expect("stdin");
        input.write_all(b"hello").expect("it reads");
        let mut back = [0; 5];
        let came = child.stdout.as_mut().expect("stdout").read_exact(&mut back);
        drop(input);
        assert!(came.is_ok() && child.wait().expect("an end").success(), "{args:?}");
        String::from_utf8_lossy(&back).into_owned()
    }

    /// Runs a command; its exit status, and all it said.
    fn says(&self, args: &[&str], input: &[u8]) -> (Option<i32>, String) {
        let output = self.run(args, input);
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }
}

/// The part of the test above that runs in a session of its own; by itself it does nothing.
#[test]
fn the_part_with_the_program() {
    let Some(home) = std::env::var_os(HOME).map(PathBuf::from) else { return };
    let seat = Seat::here("vault").expect("a seat");
    // The agent has no part in this, and none of the keyring.
    seat.rows(["status"]);
    let bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").expect("a session");
    let person = Person { seat, bus };
    through_squid(&person);
    to_python(&person);
    let kept = [files(&home), files(&person.seat.profile())].concat();
    assert!(!kept.windows(7).any(|window| window == b"hunter2"), "the password is in a file");

    lock();
    let (code, said) = person.says(&["credential", "list"], b"");
    assert!(code == Some(10) && said.contains("--ask"), "{code:?} {said}");
    let absent = Person { bus: "".into(), ..person };
    let (code, said) = absent.says(&["credential", "add", "p.example:1", "ana", "--stdin"], b"hunter2\n");
    assert!(code == Some(10) && said.contains("no keyring") && said.contains("--ask"), "{code:?} {said}");
    absent.seat.rows(["stop"]);
    println!("DONE");
}

fn through_squid(person: &Person) {
    let lab = Lab::new();
    let (_squid, port) = crate::proxies::squid(&lab, "basic");
    let proxy = format!("http://127.0.0.1:{port}");
    let to = crate::proxies::echo().to_string();
    let through = ["connect", "localhost", &to, "--level", "plain", "--loopback", "--proxy", &proxy];
    let (code, said) = person.says(&through, b"hello");
    assert!(code == Some(4) && said.contains("hither credential add"), "nothing is kept yet: {code:?} {said}");
    // One for another port of the same machine is one for somebody else.
    let other = format!("127.0.0.1:{}", free_port());
    person.run(&["credential", "add", &other, "ana", "--stdin"], b"hunter2\n");
    let (code, said) = person.says(&through, b"hello");
    assert_eq!(code, Some(4), "{said}");
    let (code, said) = person.says(&["credential", "add", &proxy, "ana", "--stdin"], b"wrong\n");
    assert!(code == Some(0) && said.contains("kept in the keyring"), "{said}");
    let (code, said) = person.says(&through, b"hello");
    assert!(code == Some(4) && said.contains("did not accept") && !said.contains("wrong"), "{code:?} {said}");
    let (code, said) = person.says(&["credential", "add", &proxy, "ana", "--stdin"], b"hunter2\n");
    assert!(code == Some(0) && said.contains("replaced"), "{said}");
    assert_eq!(person.echo(&through), "hello");
    let (_, said) = person.says(&["credential", "list"], b"");
    assert!(said.contains(&format!("127.0.0.1:{port}")) && !said.contains("hunter2"), "{said}");
    person.run(&["credential", "add", &proxy, "ben", "--stdin"], b"else\n");
    let (code, said) = person.says(&through, b"hello");
    assert!(code == Some(4) && said.contains("--user"), "{code:?} {said}");
    let named = [&through[..], &["--user", "ana"]].concat();
    assert_eq!(person.echo(&named), "hello");
    for user in ["ana", "ben"] {
        assert_eq!(person.says(&["credential", "remove", &proxy, user], b"").0, Some(0));
    }
    assert_eq!(person.says(&through, b"hello").0, Some(4), "it is forgotten");
    typed(person, &through);
}

/// Typed at a terminal for one connection, and kept nowhere.
fn typed(person: &Person, through: &[&str]) {
    if !have(&["script"]) {
        return;
    }
    let words = format!("{} {} --user ana --ask", person.seat.program().display(), through.join(" "));
    let mut command = person.seat.command("script");
    command.args(["-qec", &words, "/dev/null"]).env("NO_COLOR", "1").env("DBUS_SESSION_BUS_ADDRESS", &person.bus);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a terminal");
    let (mut keys, mut screen) = (child.stdin.take().expect("keys"), child.stdout.take().expect("a screen"));
    let mut shown = String::new();
    for (wanted, line) in
        [("not shown): ", "hunter2\n"), ("in use: in the clear", "hello\n"), ("hello\r\nhello", "\u{4}")]
    {
        let mut byte = [0];
        while !shown.contains(wanted) {
            assert_eq!(screen.read(&mut byte).expect("a screen"), 1, "no {wanted:?}: {shown}");
            shown.push(char::from(byte[0]));
        }
        keys.write_all(line.as_bytes()).expect("it reads");
    }
    assert!(child.wait().expect("an end").success() && !shown.contains("hunter2"), "{shown}");
    assert!(!person.says(&["credential", "list"], b"").1.contains("ana at"), "nothing is kept");
}

fn to_python(person: &Person) {
    let lab = Lab::new();
    let (_server, port) = crate::websockets::server(&lab, &["basic"]);
    let ca = lab.at("ca.pem").display().to_string();
    let url = format!("wss://localhost:{port}/");
    let call = ["ws", &url, "--ca", &ca, "--loopback", "--proxy", "none"];
    assert_eq!(person.says(&call, b"hello\n").0, Some(4));
    person.run(&["credential", "add", &url, "ana", "--stdin"], b"hunter2\n");
    let (code, said) = person.says(&call, b"hello\n");
    assert!(code == Some(0) && said.contains("connected"), "{code:?} {said}");
    person.run(&["credential", "remove", &url, "ana"], b"");
}

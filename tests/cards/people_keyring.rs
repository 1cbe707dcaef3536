//! A device whose own key is with the desktop's keyring, with the real program, a real GNOME Keyring and a bus of its own.

use crate::{people_rig::Person, rig::skipped};
use hither_tests::{
    Run, Seat,
    acts::sees,
    events::{kind, text},
    netns::Lab,
    run::{End, SOON},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Instant,
};

/// A session bus that starts nobody.
const BUS: &str = r#"<busconfig><type>session</type><listen>unix:path=SOCKET</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>"#;

const WHERE: &str = "DBUS_SESSION_BUS_ADDRESS";

/// A person's session: a bus, and a keyring on it or none.
struct Session {
    seat: Seat,
    address: PathBuf,
    keyring: Option<Run>,
    _bus: Run,
}

impl Session {
    fn at(seat: Seat) -> Option<Self> {
        for tool in ["dbus-daemon", "dbus-send", "gnome-keyring-daemon"] {
            if !hither_tests::program::on_path(tool) {
                skipped(&format!("{tool} is not installed"));
                return None;
            }
        }
        let socket = seat.at("run/session");
        fs::write(seat.file("bus.conf"), BUS.replace("SOCKET", &socket.to_string_lossy())).expect("a file");
        let config = format!("--config-file={}", seat.at("bus.conf").display());
        let mut bus = seat.start("dbus-daemon", [config.as_str(), "--nofork", "--nopidfile", "--print-address"]);
        bus.wait_for("the bus's address", SOON, |_| true);
        let address = format!("unix:path={}", socket.display()).into();
        Some(Self { seat, address, keyring: None, _bus: bus })
    }

    /// Starts the keyring anew, with its password or without.
    fn keyring(&mut self, password: Option<&str>) {
        self.no_keyring();
        let mut command = self.seat.command("gnome-keyring-daemon");
        command.env(WHERE, &self.address).args(["--foreground", "--components=secrets"]);
        command.args(password.map(|_| "--unlock"));
        let mut run = self.seat.run(command, "gnome-keyring-daemon");
        run.type_in(password.unwrap_or_default().as_bytes());
        drop(run.stdin());
        self.keyring = Some(run);
        self.until("boolean true", &["org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", SECRETS]);
    }

    fn no_keyring(&mut self) {
        if let Some(mut run) = self.keyring.take() {
            run.kill_9();
            self.until("boolean false", &["org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", SECRETS]);
        }
    }

    /// Asks on the bus until the answer has that in it.
    fn until(&self, wanted: &str, ask: &[&str]) {
        let deadline = Instant::now() + SOON;
        while !self.says(ask).contains(wanted) {
            assert!(Instant::now() < deadline, "the bus never says {wanted}");
        }
    }

    fn says(&self, ask: &[&str]) -> String {
        let mut command = self.seat.command("dbus-send");
        let (to, rest) = ask.split_first().expect("whom");
        command
            .env(WHERE, &self.address)
            .args(["--session", "--print-reply=literal", &format!("--dest={to}")])
            .args(rest);
        let output = command.output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What the keyring has of hither.
    fn entries(&self) -> usize {
        let search = "org.freedesktop.Secret.Service.SearchItems";
        let said = self.says(&[SECRETS_NAME, "/org/freedesktop/secrets", search, "dict:string:string:service,hither"]);
        said.matches("/collection/").count()
    }
}

const SECRETS_NAME: &str = "org.freedesktop.secrets";
const SECRETS: &str = "string:org.freedesktop.secrets";

/// The device's own key in the list of identities.
fn kept(person: &Person) -> String {
    let rows = person.seat.rows(["identity", "show", "local"]);
    text(rows.first().expect("it is shown"), "kept").to_owned()
}

/// Files of the profile that hold one of these.
fn files_with(from: &Path, secrets: &[Vec<u8>]) -> Vec<PathBuf> {
    let (mut left, mut found) = (vec![from.to_owned()], vec![]);
    while let Some(path) = left.pop() {
        if let Ok(entries) = fs::read_dir(&path) {
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if let Ok(bytes) = fs::read(&path) {
            let holds = |secret: &Vec<u8>| bytes.windows(secret.len()).any(|window| window == &secret[..]);
            found.extend(secrets.iter().any(holds).then_some(path));
        }
    }
    found
}

/// An agent that is not there in the end.
fn refused(person: &Person, bus: Option<&Path>, args: &[&str]) -> End {
    let mut command = person.seat.command(person.seat.program());
    command.envs(bus.map(|bus| (WHERE, bus))).arg("--json").args(args);
    person.seat.run(command, &args.join(" ")).end(SOON)
}

fn is_refused(end: &End, why: &str) {
    let error = end.of_kind("error").last().copied().cloned().unwrap_or_default();
    assert_eq!((end.code, end.error_code()), (Some(8), "KeyUnusable"), "{:?} {}", end.said, end.errors);
    assert!(text(&error, "message").contains(why), "{error}");
    assert!(text(&error, "hint").contains("unlock the keyring"), "{error}");
}

#[test]
fn a_devices_key_goes_to_the_keyring_and_back_and_is_in_no_file_while_it_is_there() {
    let Some(lab) = Lab::of(2) else { return };
    let Some(mut session) = Session::at(lab.seat(0)) else { return };
    session.keyring(Some("opened"));
    let mut ben = Person::at(&lab, 1, "Ben", &[]);
    let ana = Person::at_seat(lab.seat(0), "Ana", &[(WHERE, &session.address)]);
    let (peer, file) = (ana.peer.clone(), ana.seat.profile().join("identity/device.key"));
    let pem = fs::read_to_string(&file).expect("the key in its file");
    let lines: Vec<Vec<u8>> =
        pem.lines().filter(|line| !line.starts_with('-')).map(|l| l.as_bytes().to_vec()).collect();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = data_encoding::BASE64.decode(base64.as_bytes()).expect("a key");
    let at = der.windows(5).position(|w| w == [0x02, 0x01, 0x01, 0x04, 0x20]).expect("a P-256 key") + 5;
    let secrets = [lines, vec![der[at..at + 32].to_vec()]].concat();
    assert_eq!((kept(&ana), files_with(&ana.seat.profile(), &secrets)), ("file".into(), vec![file.clone()]));

    let said = ana.seat.rows(["identity", "keep", "keyring"]);
    assert_eq!((kind(&said[0]), text(&said[0], "place")), ("key-kept", "secret-service"), "{said:?}");
    assert_eq!((kept(&ana), session.entries()), ("secret-service".into(), 1));
    assert_eq!(files_with(&ana.seat.file(""), &secrets), Vec::<PathBuf>::new());
    // Nothing is left to do the second time; and the key is not exchanged there.
    ana.seat.rows(["identity", "keep", "keyring"]);
    let end = ana.seat.ask(["identity", "rotate"]);
    assert_eq!(end.error_code(), "Misuse", "{:?}", end.said);
    assert!(text(end.of_kind("error")[0], "hint").contains("hither identity keep file"), "{:?}", end.said);
    ana.seat.rows(["identity", "new"]);

    let mut ana = ana.again((WHERE, &session.address));
    assert_eq!((&ana.peer, kept(&ana), session.entries()), (&peer, "secret-service".into(), 1));
    let row = sees(&ana.seat, "Ben");
    let mut invite = ana.hither(&["invite", text(&row, "peer"), "--yes-code"]);
    let question = ben.invited(true);
    assert_eq!(text(&question, "peer"), peer);
    ben.accepts(&question);
    let open = text(&invite.wait("accepted"), "session").to_owned();
    ana.closes(&open, &mut ben);
    assert_eq!(files_with(&ana.seat.file(""), &secrets), Vec::<PathBuf>::new());

    let said = ana.seat.rows(["identity", "keep", "file"]);
    assert_eq!(text(&said[0], "place"), "file", "{said:?}");
    assert_eq!((kept(&ana), session.entries()), ("file".into(), 0));
    assert_eq!(files_with(&ana.seat.file(""), &secrets), std::slice::from_ref(&file));
    assert_eq!(fs::metadata(&file).expect("the key").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&file).expect("the key"), pem);
    session.no_keyring();
    let ana = ana.again((WHERE, &session.address));
    assert_eq!(ana.peer, peer, "and no keyring is missed");
    ana.seat.rows(["identity", "rotate"]);
}

#[test]
fn x6_an_agent_whose_keyring_is_locked_or_missing_does_not_start_and_makes_no_other_key() {
    let Some(lab) = Lab::of(1) else { return };
    let Some(mut session) = Session::at(lab.seat(0)) else { return };
    session.keyring(Some("opened"));
    let ana = Person::at_seat(lab.seat(0), "Ana", &[(WHERE, &session.address)]);
    let peer = ana.peer.clone();
    ana.seat.rows(["identity", "keep", "keyring"]);
    let mut ana = ana.again((WHERE, &session.address));
    let listing = || {
        let entries = fs::read_dir(ana.seat.profile().join("identity")).expect("it is there");
        let mut files: Vec<_> = entries
            .map(|e| e.expect("a file").path())
            .map(|path| (path.clone(), fs::read(path).expect("a file")))
            .collect();
        files.sort();
        files
    };
    let before = listing();

    // The agent that runs has its key, whatever becomes of the keyring.
    session.keyring(None);
    assert_eq!(kept(&ana), "secret-service");
    ana.agent.kill_9();
    let address = session.address.clone();
    let bus = Some(address.as_path());
    is_refused(&refused(&ana, bus, &["agent", "--stdio"]), "locked");
    is_refused(&refused(&ana, bus, &["status"]), "locked");
    session.no_keyring();
    is_refused(&refused(&ana, bus, &["agent", "--stdio"]), "there is none in this session");
    is_refused(&refused(&ana, None, &["agent", "--stdio"]), "there is none in this session");
    assert_eq!(listing(), before, "nothing was made, and nothing was lost");

    session.keyring(Some("opened"));
    let ana = ana.again((WHERE, &session.address));
    assert_eq!((&ana.peer, kept(&ana), session.entries()), (&peer, "secret-service".into(), 1));
    // A keyring that has gone is not needed to do without it; what it still has is taken away when it is back.
    session.keyring(None);
    let end = ana.seat.ask(["identity", "keep", "file"]);
    assert_eq!(end.error_code(), "KeyUnusable", "{:?}", end.said);
    assert_eq!(kept(&ana), "file");
    session.keyring(Some("opened"));
    assert_eq!(session.entries(), 1);
    let ana = ana.again((WHERE, &session.address));
    assert_eq!((&ana.peer, kept(&ana), session.entries()), (&peer, "file".into(), 0));
}

//! Where nothing of a PIN, a password or a private key is found, with the real program: logs at their most talkative,
//! command lines, environments, files, the agent's memory, and core dumps.

use crate::{
    people_files::{PASSWORD, file, import},
    people_rig::{PATIENCE, Person, meet},
    rig::skipped,
    secrecy::memory_holds,
    soft::Soft,
};
use hither_tests::{
    events::{kind, text},
    netns::Lab,
    run::SOON,
};
use rcgen::KeyPair;
use rustix::process::{Pid, Resource, Signal, kill_process};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Instant,
};

/// Words that nothing else in the world looks like.
const PIN: &str = "7741093562881940";

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

    /// Everything a person's agent said, logged, wrote and remembers.
    fn person(&mut self, person: &mut Person) {
        let log = person.agent.errors();
        assert!(log.contains("DEBUG "), "it logs: {log}");
        self.clean("the agent's log", log.as_bytes());
        let said = format!("{:?}", person.agent.events.seen());
        self.clean("what the agent said", said.as_bytes());
        self.files(person.seat.file(""));
        let [pid] = person.agent.pids()[..] else { panic!("one agent") };
        let memory = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
        for (name, secret) in &self.secrets {
            assert!(!memory_holds(&memory, |place| place.windows(secret.len()).any(|w| w == &secret[..])), "{name}");
        }
    }
}

/// Whether this machine writes core dumps where a process stands; else they are none of ours to read.
fn cores_are_files() -> bool {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let allowed = rustix::process::getrlimit(Resource::Core).maximum != Some(0);
    allowed && !pattern.trim().is_empty() && !pattern.contains(['/', '|'])
}

/// Core dumps of processes that stood in the person's home.
fn cores(person: &Person) -> Vec<PathBuf> {
    let all = fs::read_dir(person.seat.file("home")).expect("a home").map(|entry| entry.expect("an entry").path());
    all.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core"))).collect()
}

/// What is left when the process of a card's software and the agent die where they stand.
fn dead(search: &mut Search, mut person: Person, (other, card): (&mut Person, &str)) {
    if !cores_are_files() {
        return skipped("core dumps are not looked at: this machine makes none, or keeps them elsewhere");
    }
    let mut invite = person.hither(&["invite", &other.peer, "--identity", card]);
    let question = person.question("pin");
    person.unlocks(&question, PIN);
    invite.wait("invite-sent");
    let helpers = person.processes();
    assert!(!helpers.is_empty(), "the card's software runs in a process of its own");
    let abort = |pid: Pid| kill_process(pid, Signal::ABORT).expect("it is there");
    // The agent may leave a core dump, and they began with its leave.
    helpers.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)).for_each(abort);
    let [agent] = person.agent.pids()[..] else { panic!("one agent") };
    let deadline = Instant::now() + PATIENCE;
    while person.processes().iter().any(|pid| helpers.contains(pid)) {
        assert!(Instant::now() < deadline, "it goes on");
        std::thread::yield_now();
    }
    assert!(cores(&person).is_empty(), "{:?}", cores(&person));
    abort(agent);
    // Its output ends once all of it is written.
    assert!(person.agent.events.rest(PATIENCE).is_ok(), "it goes on");
    person.agent.kill_9();
    let left = cores(&person);
    assert_eq!(left.len(), 1, "the search needs something to search");
    let left = fs::read(&left[0]).expect("a core dump");
    assert!(left.len() > 1024 * 1024, "{} bytes of it", left.len());
    search.clean("the agent's core dump", &left);
}

#[test]
fn s11_pin_password_and_key_are_in_no_log_command_line_environment_file_memory_or_core_dump() {
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
    let session = text(&invite.wait("accepted"), "session").to_owned();
    search.processes();
    assert!(search.looked > 20, "{}", search.looked);

    for end in &ends[..] {
        search.clean("a command", format!("{:?}{}", end.said, end.errors).as_bytes());
    }
    // It logs all there is to log, what the secrets went through among it.
    let log = ana.agent.errors();
    for passed in ["TRACE asked about certificates ask=ImportIdentity", "TRACE answered about certificates answer=Pin"]
    {
        assert!(log.contains(passed), "no {passed:?}: {log}");
    }
    for person in [&mut ana, &mut ben] {
        search.person(person);
    }
    assert_eq!(search.kept, 1, "where it is kept, and only there");
    assert!(ana.certificates().iter().any(|row| kind(row) == "identity" && text(row, "id") == id));
    ana.closes(&session, &mut ben);
    let session = meet(&mut ana, &mut ben, (&card, PIN), false);
    ana.closes(&session, &mut ben);
    dead(&mut search, ana, (&mut ben, &card));
}

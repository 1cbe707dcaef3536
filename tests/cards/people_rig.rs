//! People at lab hosts with the real program: an agent each that tells all its news on standard output, and what people do
//! about cards as one call each. Every host has its own modules, readers and tokens; nothing of this machine's own
//! tokens is asked for.

use crate::{authority::Authority, module::Bad, piv_rig, rig::pem, soft::Soft};
use hither_tests::{
    Run, Seat,
    acts::{APPEAR, sees},
    events::{kind, text},
    netns::Lab,
    run::{End, children_of},
};
use rcgen::KeyPair;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a card may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Takes the system's descriptions of modules away from a host.
const HIDE: &str = "for d in /usr/share/p11-kit/modules /usr/local/share/p11-kit/modules /etc/pkcs11/modules; do \
                    [ ! -d $d ] || mount -t tmpfs tmpfs $d; done";

/// Somebody at a host of their own.
pub(crate) struct Person {
    pub(crate) seat: Seat,
    pub(crate) name: String,
    pub(crate) agent: Run,
    pub(crate) peer: String,
    variables: Vec<(String, PathBuf)>,
}

impl Person {
    /// Somebody with these variables in the agent's environment, and SoftHSM without tokens unless they say otherwise.
    pub(crate) fn at(lab: &Lab, host: usize, name: &str, variables: &[(&str, &Path)]) -> Self {
        Self::at_seat(lab.seat(host), name, variables)
    }

    /// As [`Self::at`], at a seat that is there already.
    pub(crate) fn at_seat(seat: Seat, name: &str, variables: &[(&str, &Path)]) -> Self {
        fs::create_dir_all(seat.file("tokens")).expect("a directory");
        let conf = format!("directories.tokendir = {}\nlog.level = ERROR\n", seat.at("tokens").display());
        fs::write(seat.file("softhsm2.conf"), conf).expect("a file");
        let mut all = vec![("SOFTHSM2_CONF".to_owned(), seat.at("softhsm2.conf"))];
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (agent, peer) = started(&seat, name, &all);
        Self { seat, name: name.into(), agent, peer, variables: all }
    }

    /// The same person with a new agent, which has done nothing yet and has one variable more.
    pub(crate) fn again(mut self, more: (&str, &Path)) -> Self {
        self.agent.kill_9();
        self.variables.push((more.0.to_owned(), more.1.to_owned()));
        (self.agent, self.peer) = started(&self.seat, &self.name, &self.variables);
        self
    }

    /// Starts a command of hither with the log that the agent has.
    pub(crate) fn hither(&self, args: &[&str]) -> Run {
        let mut command = self.seat.command(self.seat.program());
        let log = self.variables.iter().filter(|(name, _)| name == "HITHER_LOG");
        command.envs(log.map(|(name, value)| (name, value))).arg("--json").args(args);
        self.seat.run(command, &format!("hither {}", args.join(" ")))
    }

    /// Processes that the agent started and that still run.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let agents = self.agent.pids();
        agents.iter().flat_map(|pid| children_of(pid.as_raw_nonzero().get().unsigned_abs())).collect()
    }

    /// Asks the agent on its standard input, and gives its answer.
    pub(crate) fn asks(&mut self, id: u64, ask: &Value) -> Value {
        self.agent.type_in(format!("{}\n", serde_json::json!({"request": {"id": id, "ask": ask}})).as_bytes());
        let is = |said: &Value| said["reply"]["id"] == id;
        self.agent.wait_for("an answer", PATIENCE, is)["reply"].clone()
    }

    /// Somebody with a software token, found as the system describes its module.
    pub(crate) fn with_token(lab: &Lab, host: usize, name: &str, soft: &Soft) -> Self {
        let person = Self::at(lab, host, name, &[("SOFTHSM2_CONF", &soft.conf())]);
        if !Path::new("/usr/share/p11-kit/modules/softhsm2.module").exists() {
            person.loads(&soft.module);
        }
        person
    }

    /// Somebody with a software token behind a module that misbehaves, and no other.
    pub(crate) fn with_bad(lab: &Lab, host: usize, name: &str, bad: &Bad, mischief: &str) -> Self {
        lab.host(host).shell(HIDE).expect("mounts of its own");
        let variables = bad.variables(mischief);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_path())).collect();
        let person = Self::at(lab, host, name, &variables);
        person.loads(&bad.module);
        person
    }

    /// Somebody with readers for cards.
    pub(crate) fn with_readers(lab: &Lab, host: usize, name: &str, readers: &piv_rig::Lab) -> Self {
        lab.host(host).shell(HIDE).expect("mounts of its own");
        let person = Self::at(lab, host, name, &[("PCSCLITE_CSOCK_NAME", &readers.socket())]);
        person.loads(&readers.module);
        person
    }

    /// Registers a module.
    fn loads(&self, module: &Path) {
        self.seat.rows(["card".as_ref(), "module".as_ref(), "add".as_ref(), module.as_os_str()]);
    }

    /// Trusts an authority for people; its id.
    pub(crate) fn trusts(&self, authority: &Authority) -> String {
        fs::write(self.seat.file("authority.pem"), &authority.pem).expect("a file");
        let rows = self.seat.rows(["trust", "ca", "add", &self.seat.at("authority.pem").to_string_lossy()]);
        let row = rows.iter().find(|row| kind(row) == "authority").expect("it is listed");
        text(row, "id").to_owned()
    }

    /// Keeps a certificate and its key that come in a file without a password; its id.
    pub(crate) fn imports(&self, der: &[u8], key: &KeyPair) -> String {
        fs::write(self.seat.file("me.pem"), [pem(der), key.serialize_pem()].concat()).expect("a file");
        let rows = self.seat.rows(["identity", "import", &self.seat.at("me.pem").to_string_lossy()]);
        text(rows.iter().find(|row| kind(row) == "identity").expect("it is shown"), "id").to_owned()
    }

    /// Every certificate this person can be known by.
    pub(crate) fn certificates(&self) -> Vec<Value> {
        let rows = self.seat.rows(["identity", "list", "--all"]);
        rows.into_iter().filter(|row| kind(row) == "identity").collect()
    }

    /// The id of the certificate of this name that is not the device's own.
    pub(crate) fn certificate(&self, name: &str) -> String {
        let rows = self.certificates();
        let subject = format!("CN={name},O=Lab");
        let row = rows.iter().find(|row| text(row, "subject") == subject);
        text(row.unwrap_or_else(|| panic!("no certificate of {name}: {rows:?}")), "id").to_owned()
    }

    /// Waits for news.
    pub(crate) fn news(&mut self, what: &str, within: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let heard = self.agent.wait_for(what, within, |said| said.get("note").is_some_and(&wanted));
        heard["note"].clone()
    }

    /// Waits for a question of this kind.
    pub(crate) fn question(&mut self, wanted: &str) -> Value {
        let is = |note: &Value| kind(note) == "question" && text(note, "kind") == wanted;
        self.news(wanted, PATIENCE, is)
    }

    /// Waits for an invite that can be accepted: a first one has its code.
    pub(crate) fn invited(&mut self, first: bool) -> Value {
        let is = |note: &Value| {
            kind(note) == "question" && text(note, "kind") == "invite" && (!first || !text(note, "code").is_empty())
        };
        self.news("an invite", APPEAR, is)
    }

    /// Whether this person was ever asked anything by somebody else.
    pub(crate) fn was_asked(&mut self) -> bool {
        self.was_asked_for("invite")
    }

    /// Whether a question of this kind ever came up.
    pub(crate) fn was_asked_for(&mut self, what: &str) -> bool {
        self.times_asked(what) > 0
    }

    /// How often this person was asked something of this kind, the same question anew included.
    pub(crate) fn times_asked(&mut self, what: &str) -> usize {
        self.agent.events.seen().iter().filter(|said| text(&said["note"], "kind") == what).count()
    }

    /// Begins to invite somebody as the holder of `identity`.
    pub(crate) fn invites(&self, other: &Self, identity: &str) -> Run {
        let row = sees(&self.seat, &other.name);
        self.hither(&["invite", text(&row, "peer"), "--yes-code", "--identity", identity])
    }

    /// Types the PIN for a question, as standard input of `hither pin`.
    pub(crate) fn pin(&self, question: &Value, pin: &str, more: &[&str]) -> End {
        let mut run = self.hither(&[&["pin", text(question, "id"), "--stdin"], more].concat());
        run.type_in(format!("{pin}\n").as_bytes());
        run.end(PATIENCE)
    }

    /// As [`Self::pin`], and it is right.
    pub(crate) fn unlocks(&self, question: &Value, pin: &str) {
        let end = self.pin(question, pin, &[]);
        assert_eq!(end.code, Some(0), "{:?} {}", end.said, end.errors);
    }

    /// Says yes to an invite, as the device alone.
    pub(crate) fn accepts(&self, question: &Value) {
        self.seat.rows(["accept", text(question, "id"), "--yes-code", "--identity", "local"]);
    }

    /// The session of this id.
    pub(crate) fn session(&self, id: &str) -> Value {
        let rows = self.seat.rows(["session", id]);
        rows.into_iter().find(|row| kind(row) == "session").expect("a session")
    }

    /// Whether no session is open.
    pub(crate) fn is_alone(&self) -> bool {
        self.seat.rows(["sessions"]).iter().all(|row| kind(row) != "session")
    }

    /// Waits for the end of a session and gives the reason.
    pub(crate) fn closed(&mut self, session: &str, within: Duration) -> String {
        let is = |note: &Value| kind(note) == "session-closed" && text(note, "session") == session;
        text(&self.news("the end of the session", within, is), "why").to_owned()
    }

    /// Ends a session at both ends.
    pub(crate) fn closes(&mut self, session: &str, other: &mut Self) {
        self.seat.rows(["close", session]);
        self.closed(session, PATIENCE);
        other.closed(session, PATIENCE);
    }
}

fn started(seat: &Seat, name: &str, variables: &[(String, PathBuf)]) -> (Run, String) {
    // At home, and with core dumps allowed: that is where one would be.
    let mut command = seat.command("sh");
    command.args(["-c", "cd \"$HOME\"; ulimit -S -c \"$(ulimit -H -c)\"; exec \"$@\"", "sh"]).arg(seat.program());
    command.args(["--json", "agent", "--stdio", "--name", name]);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let mut agent = seat.run(command, "agent");
    let ready = agent.wait("ready");
    agent.type_in(b"{\"subscribe\":{\"id\":0}}\n");
    (agent, text(&ready, "peer").to_owned())
}

/// `from` invites `to` with a certificate on a token; both compare the code if it is their first meeting. The session.
pub(crate) fn meet(from: &mut Person, to: &mut Person, (identity, pin): (&str, &str), first: bool) -> String {
    let mut invite = from.invites(to, identity);
    let question = from.question("pin");
    from.unlocks(&question, pin);
    invite.wait("invite-sent");
    let question = to.invited(first);
    to.accepts(&question);
    text(&invite.wait("accepted"), "session").to_owned()
}

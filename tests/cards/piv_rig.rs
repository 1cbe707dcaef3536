//! A host's card service, made for one test: pcscd with two readers of software in a network namespace of its own, its
//! socket in a directory of its own. The system's card service, if there is one, notices nothing.

use crate::{
    authority::Authority,
    rig::{cards, first, pem, pin, run, skipped},
};
use hither_identity::card::{
    CardCertificate, CardCredential, CardError, Cards, Limits, Readers, SharedCertificates, Token, Watching,
    watch_readers,
};
use rcgen::{PublicKeyData, SignatureAlgorithm};
use std::{
    cell::RefCell,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

/// What every new PIV card has.
pub(crate) const PIN: &str = "123456";
pub(crate) const PUK: &str = "12345678";

/// The reader's port, inside its namespace. The second reader has the next one.
const PORT: u16 = 35963;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The limits as they are shipped, but for what takes long on a busy machine: this reader does one thing a millisecond.
pub(crate) fn patient() -> Limits {
    Limits { list: PATIENCE, login: PATIENCE, ..Limits::default() }
}

/// What a card does wrong.
#[derive(Default)]
pub(crate) struct Insert {
    pub(crate) die_on_sign: bool,
    pub(crate) slow: Option<u32>,
}

/// The service, its readers, and the cards in them.
pub(crate) struct Lab {
    dir: tempfile::TempDir,
    service: Child,
    cards: Vec<Child>,
    pub(crate) authority: Authority,
    program: PathBuf,
    pub(crate) module: PathBuf,
    heard: Receiver<Readers>,
    last: RefCell<Option<Readers>>,
    _watching: Watching,
}

impl Lab {
    /// `None`, said aloud, where there can be none.
    pub(crate) fn new() -> Option<Self> {
        let (program, module) = parts().map_err(|why| skipped(&why)).ok()?;
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["socket", "readers"] {
            fs::create_dir(dir.path().join(name)).expect("a directory");
        }
        let driver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
        let text = format!(
            "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x{PORT:X}\nLIBPATH {driver}\nCHANNELID 0x{PORT:X}\n"
        );
        fs::write(dir.path().join("readers/vpcd"), text).expect("a file");
        let script = "ip link set lo up && mkdir -p /run/pcscd && mount --bind \"$1/socket\" /run/pcscd && \
                      exec pcscd --foreground --info --config \"$1/readers\"";
        let mut service = Command::new("unshare");
        service.args(["--net", "--mount", "sh", "-c", script, "sh"]).arg(dir.path());
        let mut service = service.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("unshare starts");
        let mut said = BufReader::new(service.stdout.take().expect("its output")).lines();
        let ready = said.by_ref().map_while(Result::ok).any(|line| line.contains("ready"));
        assert!(ready, "pcscd did not start: {:?}", service.wait());
        drain(said);
        let (tell, heard) = mpsc::channel();
        let socket = dir.path().join("socket/pcscd.comm");
        let watching = watch_readers(socket, Duration::from_millis(200), move |readers| drop(tell.send(readers)));
        let _watching = watching.expect("a thread");
        let authority = Authority::new();
        let lab = Self {
            dir,
            service,
            cards: Vec::new(),
            authority,
            program,
            module,
            heard,
            last: RefCell::default(),
            _watching,
        };
        lab.until(|readers| matches!(readers, Readers::There(all) if all.len() == 2));
        Some(lab)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("socket/pcscd.comm")
    }

    /// Waits until the readers are so.
    pub(crate) fn until(&self, so: impl Fn(&Readers) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut last = self.last.borrow_mut();
        while !last.as_ref().is_some_and(&so) {
            let left = deadline.saturating_duration_since(Instant::now());
            *last = Some(self.heard.recv_timeout(left).expect("the service tells what happens"));
        }
    }

    fn start(&self, name: &str, port: u16, how: &Insert) -> Child {
        let mut card = Command::new("nsenter");
        card.args(["-t", &self.service.id().to_string(), "--net", "--"]).arg(&self.program);
        card.arg(self.dir.path().join(name)).arg(format!("127.0.0.1:{port}"));
        if how.die_on_sign {
            card.arg("--die-on-sign");
        }
        if let Some(ms) = how.slow {
            card.args(["--slow", &ms.to_string()]);
        }
        let mut card = card.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the card starts");
        let mut said = BufReader::new(card.stdout.take().expect("its output")).lines();
        assert_eq!(said.next().and_then(Result::ok).as_deref(), Some("in"), "the card is in its reader");
        card
    }

    /// Puts a card into the first reader. The same name is the same card.
    pub(crate) fn insert(&mut self, name: &str, how: Insert) {
        let card = self.start(name, PORT, &how);
        self.cards.push(card);
        self.until(|readers| matches!(readers, Readers::There(all) if all.iter().any(|reader| reader.card)));
    }

    /// Puts a card into the second reader.
    pub(crate) fn insert_second(&mut self, name: &str) {
        let card = self.start(name, PORT + 1, &Insert::default());
        self.cards.push(card);
    }

    /// Pulls every card.
    pub(crate) fn pull(&mut self) {
        for mut card in self.cards.drain(..) {
            card.kill().expect("it is there");
            card.wait().expect("it ends");
        }
        self.until(|readers| matches!(readers, Readers::There(all) if all.iter().all(|reader| !reader.card)));
    }

    /// Pulls one of the cards, by the order in which they were put in.
    pub(crate) fn pull_one(&mut self, at: usize) {
        let mut card = self.cards.remove(at);
        card.kill().expect("it is there");
        card.wait().expect("it ends");
        let left = self.cards.len();
        self.until(|readers| matches!(readers, Readers::There(all) if all.iter().filter(|r| r.card).count() == left));
    }

    /// The card has pulled itself.
    pub(crate) fn gone(&mut self) {
        for mut card in self.cards.drain(..) {
            card.wait().expect("it ends");
        }
        self.until(|readers| matches!(readers, Readers::There(all) if all.iter().all(|reader| !reader.card)));
    }

    pub(crate) fn stop_service(&mut self) {
        self.service.kill().expect("it is there");
        self.service.wait().expect("it ends");
    }

    /// Yubico's tool on the card.
    pub(crate) fn tool(&self, args: &[&str]) {
        let mut tool = Command::new("yubico-piv-tool");
        tool.env("PCSCLITE_CSOCK_NAME", self.socket()).args(["-r", "Virtual"]).args(args);
        run(&mut tool);
    }

    /// Makes a key on the card, and a certificate for it.
    pub(crate) fn provision(&self, slot: &str, algorithm: &str, name: &str) {
        let path = |name: &str| self.dir.path().join(name).to_string_lossy().into_owned();
        // Cards fresh from the same constant randomness have the same serial number until this is done.
        self.tool(&["-a", "set-chuid"]);
        self.tool(&["-a", "generate", "-s", slot, "-A", algorithm, "-o", &path("public.pem")]);
        let key = Public::read(Path::new(&path("public.pem")), algorithm);
        let der = self.authority.issue(name, &key);
        fs::write(path("certificate.pem"), pem(&der)).expect("a file");
        self.tool(&["-a", "import-certificate", "-s", slot, "-i", &path("certificate.pem")]);
    }

    pub(crate) fn cards(&self, limits: Limits) -> Cards {
        cards(&self.module, &[("PCSCLITE_CSOCK_NAME", &self.socket())], limits)
    }

    /// Unlocks a card that has just been put in again: its module may have to be ended first.
    pub(crate) fn unlocked(
        &self,
        cards: &Cards,
        permit: &SharedCertificates,
        token: &Token,
        certificate: &CardCertificate,
    ) -> CardCredential {
        match cards.unlock(permit, token, certificate, pin(PIN)) {
            Err(CardError::Hung { .. }) => cards.unlock(permit, token, certificate, pin(PIN)).expect("a fresh process"),
            other => other.expect("it unlocks"),
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for child in self.cards.iter_mut().chain([&mut self.service]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn drain(lines: std::io::Lines<BufReader<ChildStdout>>) {
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
}

/// The virtual card's program and OpenSC's module, or what is missing.
fn parts() -> Result<(PathBuf, PathBuf), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("a virtual card needs root: its reader listens in a network namespace of its own".into());
    }
    for (tool, package) in [
        ("pcscd", "pcscd"),
        ("yubico-piv-tool", "yubico-piv-tool"),
        ("unshare", "util-linux"),
        ("nsenter", "util-linux"),
        ("ip", "iproute2"),
    ] {
        if !hither_tests::program::on_path(tool) && !Path::new("/usr/sbin").join(tool).is_file() {
            return Err(format!("{tool} is not installed ({package})"));
        }
    }
    if !Path::new("/usr/lib/pcsc/drivers/serial/libifdvpcd.so").is_file() {
        return Err("the virtual reader is not installed (vsmartcard-vpcd)".into());
    }
    let places = ["/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so", "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so"];
    let module = first(&places).ok_or("OpenSC is not installed (opensc-pkcs11)")?;
    let allowed = Command::new("unshare").args(["--net", "--mount", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        return Err("namespaces are not allowed here".into());
    }
    Ok((virtual_card()?, module))
}

/// Builds the card's program: a workspace of its own beside this file.
fn virtual_card() -> Result<PathBuf, String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("cards/virtual/Cargo.toml");
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    // <target>/<profile>/deps/<this test>
    let target = own.ancestors().nth(3).ok_or("no target directory")?.join("virtual-card");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(manifest).arg("--target-dir").arg(&target);
    build.env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
    let output = build.output().map_err(|error| format!("the virtual card cannot be built: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        let line = why.lines().find(|line| line.contains("libclang") || line.starts_with("error"));
        return Err(format!("the virtual card cannot be built: {}", line.unwrap_or("see its own build")));
    }
    Ok(target.join("debug/virtual-card"))
}

/// A public key out of a PEM file.
struct Public {
    bits: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

impl Public {
    fn read(path: &Path, algorithm: &str) -> Self {
        let text = fs::read_to_string(path).expect("the tool wrote it");
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let der = data_encoding::BASE64.decode(body.as_bytes()).expect("base64");
        // What precedes the key itself in a SubjectPublicKeyInfo is as long for every key of a kind.
        let (ahead, algorithm) = match algorithm {
            "ECCP256" => (der.len() - 65, &rcgen::PKCS_ECDSA_P256_SHA256),
            "ECCP384" => (der.len() - 97, &rcgen::PKCS_ECDSA_P384_SHA384),
            _ => (24, &rcgen::PKCS_RSA_SHA256),
        };
        Self { bits: der[ahead..].to_vec(), algorithm }
    }
}

impl PublicKeyData for Public {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

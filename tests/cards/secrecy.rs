//! Where a PIN is not: command lines, environments, files, this process's own memory. And what a module cannot reach
//! from where it runs.

use crate::{
    module::Bad,
    rig::{cards, helper, named, pin},
    soft::{Soft, permitted},
};
use hither_identity::{
    Credential,
    card::{Limits, Pin, SignatureScheme, Unlock},
};
use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A PIN that nothing else in the world looks like.
const PIN: &str = "8361940275518823";
const MASK: u8 = 0x5a;

/// Nothing that is looked for in memory is longer, in bytes.
const OVERLAP: u64 = 64;

fn masked() -> Vec<u8> {
    PIN.bytes().map(|byte| byte ^ MASK).collect()
}

/// Whether the masked bytes are there unmasked.
fn holds(place: &[u8], masked: &[u8]) -> bool {
    place.windows(masked.len()).any(|window| window.iter().zip(masked).all(|(here, there)| here ^ MASK == *there))
}

#[test]
fn s11_a_module_runs_without_network_programs_core_dumps_or_other_peoples_files() {
    let Some(bad) = Bad::new("24680") else { return };
    let report = bad.file("report");
    let cards = bad.cards_with("", Limits::default(), &[("CARD_REPORT", &report)]);
    assert_eq!(cards.list(&permitted(&cards)).unwrap().tokens.len(), 1);
    let report = fs::read_to_string(report).unwrap();
    let told =
        |what: &str| report.lines().find_map(|line| line.strip_prefix(what)).unwrap_or("nothing").trim().to_owned();
    assert_eq!(told("internet"), "0", "{report}");
    assert_eq!(told("netlink"), "0");
    assert_eq!(told("local"), "1", "the card service is behind a local socket");
    assert_eq!(told("core"), "0");
    assert_eq!(told("dumpable"), "0");
    assert_eq!(told("privileges"), "0");
    assert_eq!(told("programs"), "0");
    // Nothing of the agent's: two pipes, nowhere three times, and what the report itself opened.
    for open in report.lines().filter_map(|line| line.strip_prefix("open ")) {
        let to = open.split_once(' ').unwrap().1;
        let known = ["/dev/null", "pipe:", "/proc/", "socket:"].iter().any(|known| to.starts_with(known));
        assert!(known || to.ends_with("/report"), "{report}");
    }
    assert_eq!(report.matches(" pipe:").count(), 2, "{report}");
}

#[test]
fn s11_a_pin_is_in_no_command_line_environment_file_or_memory() {
    let Some(soft) = Soft::new("work", PIN) else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    // A process of its own, which has never seen the PIN in the clear but in the value made for it.
    let mut inner = Command::new(std::env::current_exe().unwrap());
    inner.args([
        "--exact",
        "secrecy::the_part_that_runs_in_a_process_of_its_own",
        "--nocapture",
        "--test-threads",
        "1",
    ]);
    inner.env("CARDS_MODULE", &soft.module).env("CARDS_CONF", soft.conf()).env("HITHER_LOG", "trace");
    let mut inner = inner.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    inner.stdin.take().unwrap().write_all(&masked()).unwrap();
    let output = inner.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    assert!(String::from_utf8_lossy(&said).contains("LOOKED EVERYWHERE"), "{}", String::from_utf8_lossy(&said));
    assert!(!holds(&said, &masked()), "nothing that was said or logged has it");
    // What lies on the disk, the token's own files included.
    let mut files = vec![soft.dir.path().to_owned()];
    while let Some(path) = files.pop() {
        match fs::read_dir(&path) {
            Ok(entries) => files.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) => assert!(!holds(&fs::read(&path).unwrap(), &masked()), "{}", path.display()),
        }
    }
}

/// The part of the test above that runs in its own process; by itself it does nothing.
#[test]
fn the_part_that_runs_in_a_process_of_its_own() {
    let Some(module) = std::env::var_os("CARDS_MODULE").map(PathBuf::from) else { return };
    let conf = PathBuf::from(std::env::var_os("CARDS_CONF").unwrap());
    let mut masked = [0; PIN.len()];
    File::open("/dev/stdin").unwrap().read_exact(&mut masked).unwrap();

    let cards = cards(&module, &[("SOFTHSM2_CONF", &conf)], Limits::default());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let mut typed = String::with_capacity(masked.len());
    typed.extend(masked.iter().map(|byte| char::from(byte ^ MASK)));
    let how = Unlock::Pin { pin: Pin::new(typed).unwrap(), last_try: false };
    let card = cards.unlock(&permit, &token, &certificate, how).unwrap();
    // While the helper is logged in and has just signed.
    let signer = card.certified_key().key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]).unwrap();
    signer.sign(b"message").unwrap();
    let [helper] = cards.processes()[..] else { panic!("one process") };

    let mut looked = 0;
    for process in fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path())) {
        for name in ["cmdline", "environ"] {
            // Processes end, and others' environments are theirs.
            let Ok(bytes) = fs::read(process.join(name)) else { continue };
            looked += 1;
            assert!(!holds(&bytes, &masked), "{}", process.join(name).display());
        }
    }
    assert!(looked > 2 && Path::new(&format!("/proc/{helper}/cmdline")).exists());
    assert!(!own_memory_holds(&masked), "this process's memory has it");
    // The search finds what is there.
    let there: Vec<u8> = masked.iter().map(|byte| byte ^ MASK).collect();
    assert!(own_memory_holds(&masked));
    drop(there);
    println!("LOOKED EVERYWHERE");
}

fn own_memory_holds(masked: &[u8]) -> bool {
    memory_holds(Path::new("/proc/self"), |place| holds(place, masked))
}

/// Whether something is in the writable memory of a process, given its directory below `/proc`.
pub(crate) fn memory_holds(process: &Path, holds: impl Fn(&[u8]) -> bool) -> bool {
    let maps = fs::read_to_string(process.join("maps")).unwrap();
    let mut memory = File::open(process.join("mem")).unwrap();
    let writable = maps.lines().filter(|line| line.contains(" rw") && !line.ends_with("[vvar]"));
    let mut found = false;
    for line in writable {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        // In pieces that overlap; what is not there is passed over. The buffer is wiped: it would be found the next time.
        let mut buffer = vec![0; 64 * 1024];
        let mut at = from;
        while at < to {
            let Ok(_) = memory.seek(SeekFrom::Start(at)) else { break };
            let Ok(read) = memory.read(&mut buffer) else { break };
            if read == 0 {
                break;
            }
            found |= holds(&buffer[..read]);
            at += (read as u64).saturating_sub(OVERLAP).max(1);
        }
        buffer.fill(0);
    }
    found
}

#[test]
fn the_helper_is_small() {
    let Some(soft) = Soft::new("work", "24680") else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let cards = soft.cards(Limits::default());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let card = cards.unlock(&permit, &token, &certificate, pin("24680")).unwrap();
    let signer = card.certified_key().key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]).unwrap();
    signer.sign(b"message").unwrap();
    let [helper] = cards.processes()[..] else { panic!("one process") };
    let status = fs::read_to_string(format!("/proc/{helper}/status")).unwrap();
    let line =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    let kib = |name: &str| line(name).trim_end_matches(" kB").parse::<u64>().unwrap();
    println!("helper: VmRSS {} KiB, RssAnon {} KiB, RssFile {} KiB", kib("VmRSS:"), kib("RssAnon:"), kib("RssFile:"));
    assert_eq!(line("Name:"), "hither-card");
    // Most of it is what the loader writes into the program's own tables: more where nothing was left out of it.
    assert!(kib("RssAnon:") <= 4 * 1024, "{status}");
}

/// A key that came in a file, and the number that is secret in it.
fn file_key(dir: &Path, sealed: bool) -> (PathBuf, Vec<u8>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    let der = key.serialize_der();
    // SEC1 inside PKCS#8: the number itself follows this header.
    let at = der.windows(5).position(|w| w == [0x02, 0x01, 0x01, 0x04, 0x20]).unwrap() + 5;
    let (plain, file) = (dir.join("me.pem"), dir.join("me.p12"));
    fs::write(&plain, [certificate.pem(), key.serialize_pem()].concat()).unwrap();
    if sealed {
        let mut export = Command::new("openssl");
        export.args(["pkcs12", "-export", "-passout", "pass:24680", "-in"]).arg(&plain).arg("-out").arg(&file);
        crate::rig::run(&mut export);
    }
    (if sealed { file } else { plain }, der[at..at + 32].iter().map(|byte| byte ^ MASK).collect())
}

#[test]
fn s11_a_key_out_of_a_file_is_in_no_memory_once_it_was_used() {
    for sealed in [false, true] {
        if sealed && !hither_tests::program::on_path("openssl") {
            return crate::rig::skipped("openssl is not installed: it writes the file that is imported");
        }
        let dir = tempfile::tempdir().unwrap();
        let (file, masked) = file_key(dir.path(), sealed);
        let mut inner = Command::new(std::env::current_exe().unwrap());
        inner.args([
            "--exact",
            "secrecy::the_part_that_uses_a_key_out_of_a_file",
            "--nocapture",
            "--test-threads",
            "1",
        ]);
        inner.env("CARDS_FILE", &file).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut inner = inner.spawn().unwrap();
        inner.stdin.take().unwrap().write_all(&masked).unwrap();
        let output = inner.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && said.contains("LOOKED EVERYWHERE"), "{sealed}: {said}");
    }
}

/// The part of the test above that runs in its own process; by itself it does nothing.
#[test]
fn the_part_that_uses_a_key_out_of_a_file() {
    let Some(file) = std::env::var_os("CARDS_FILE").map(PathBuf::from) else { return };
    let mut masked = [0; 32];
    File::open("/dev/stdin").unwrap().read_exact(&mut masked).unwrap();
    let wallet = hither_identity::Wallet::open(&file.with_file_name("identities"), None).unwrap();
    let text = zeroize::Zeroizing::new(fs::read(&file).unwrap());
    let sealed = file.extension().is_some_and(|e| e == "p12");
    let password = sealed.then(|| Pin::new("24680".into()).unwrap());
    let imported = hither_identity::import_apart(&helper(&[]), &text, password.as_ref()).unwrap();
    drop(text);
    // The search finds what is there.
    assert!(own_memory_holds(&masked));
    let kept = wallet.keep(&imported).unwrap();
    drop(imported);
    let credential = wallet.load(&kept.id).unwrap();
    credential.sign(b"message").unwrap();
    drop(credential);
    assert!(!own_memory_holds(&masked), "this process's memory has it");
    println!("LOOKED EVERYWHERE");
}

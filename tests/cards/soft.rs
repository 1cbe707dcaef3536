//! SoftHSM: keys in files behind a real PKCS#11 module. Never blocks a PIN and cannot be pulled; the rest is as with
//! hardware.

use crate::{
    authority::Authority,
    handshake::meet,
    rig::{cards, first, found, gate, helper, named, pin, run, skipped},
};
use hither_identity::{
    Credential, SessionKey,
    card::{CardError, Cards, Left, Limits, Pin, SharedCertificates, Unlock},
};
use hither_model::{CertificateSource, ErrorCode};
use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

/// A token with keys, in a directory of its own.
pub(crate) struct Soft {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) module: PathBuf,
    pub(crate) authority: Authority,
    pin: String,
    keys: std::cell::Cell<u8>,
}

impl Soft {
    /// A token of this label and PIN; `None`, said aloud, where SoftHSM is not installed.
    pub(crate) fn new(label: &str, pin: &str) -> Option<Self> {
        let places =
            ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib/pkcs11/libsofthsm2.so"];
        let Some(module) = first(&places) else {
            skipped("SoftHSM is not installed (softhsm2)");
            return None;
        };
        for tool in ["softhsm2-util", "pkcs11-tool"] {
            if !hither_tests::program::on_path(tool) {
                skipped(&format!("{tool} is not installed"));
                return None;
            }
        }
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("tokens")).expect("a directory");
        let text = format!("directories.tokendir = {}/tokens\nlog.level = ERROR\n", dir.path().display());
        fs::write(dir.path().join("softhsm2.conf"), text).expect("a file");
        let soft = Self { dir, module, authority: Authority::new(), pin: pin.into(), keys: Default::default() };
        run(soft.util().args(["--init-token", "--free", "--label", label, "--so-pin", "87654321", "--pin", pin]));
        Some(soft)
    }

    pub(crate) fn conf(&self) -> PathBuf {
        self.dir.path().join("softhsm2.conf")
    }

    fn util(&self) -> Command {
        let mut util = Command::new("softhsm2-util");
        util.env("SOFTHSM2_CONF", self.conf());
        util
    }

    fn tool(&self, label: &str) -> Command {
        let mut tool = Command::new("pkcs11-tool");
        tool.env("SOFTHSM2_CONF", self.conf()).arg("--module").arg(&self.module);
        tool.args(["--token-label", label, "--login", "--pin", &self.pin]);
        tool
    }

    /// Puts a key and a certificate on the token. The certificate may be for another key.
    pub(crate) fn put(
        &self,
        label: &str,
        name: &str,
        algorithm: &'static SignatureAlgorithm,
        certified: Option<&KeyPair>,
    ) {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        self.put_key(label, name, &key, &self.authority.issue(name, certified.unwrap_or(&key)));
    }

    /// Puts this key on the token, and a certificate for it.
    pub(crate) fn put_own(&self, label: &str, name: &str, key: &KeyPair) {
        self.put_key(label, name, key, &self.authority.issue(name, key));
    }

    /// Puts a key and a certificate on the token that is otherwise than usual.
    pub(crate) fn put_with(&self, label: &str, name: &str, change: impl FnOnce(&mut CertificateParams)) {
        let key = KeyPair::generate().expect("a key");
        self.put_key(label, name, &key, &self.authority.issue_with(name, &key, change));
    }

    fn put_key(&self, label: &str, name: &str, key: &KeyPair, certificate: &[u8]) {
        self.keys.set(self.keys.get() + 1);
        let id = format!("{:02x}", self.keys.get());
        let file = self.dir.path().join("key.pem");
        fs::write(&file, key.serialize_pem()).expect("a file");
        run(self
            .util()
            .args(["--import"])
            .arg(&file)
            .args(["--token", label, "--label", name, "--id", &id, "--pin", &self.pin]));
        fs::remove_file(&file).expect("it was there");
        let file = self.dir.path().join("certificate.der");
        fs::write(&file, certificate).expect("a file");
        run(self.tool(label).arg("--write-object").arg(&file).args(["--type", "cert", "--label", name, "--id", &id]));
    }

    pub(crate) fn cards(&self, limits: Limits) -> Cards {
        let conf = self.conf();
        let cards = cards(&self.module, &[("SOFTHSM2_CONF", &conf)], limits);
        assert!(cards.processes().is_empty(), "no process before a token is used");
        cards
    }
}

pub(crate) fn permitted(cards: &Cards) -> SharedCertificates {
    cards.permit(&gate()).expect("a permit")
}

fn local() -> Arc<dyn Credential> {
    Arc::new(SessionKey::generate().expect("a key"))
}

/// A card at either end, and what both ends are shown then.
async fn both_roles(algorithm: &'static SignatureAlgorithm, kind: &str) {
    let Some(soft) = Soft::new("work", "24680") else { return };
    soft.put("work", "ana", algorithm, None);
    let cards = soft.cards(Limits::default());
    let permit = permitted(&cards);
    let shelf = cards.list(&permit).unwrap();
    assert!(shelf.faults.is_empty(), "{:?}", shelf.faults);
    let (token, certificate) = named(&shelf.tokens, "ana");
    let card = Arc::new(cards.unlock(&permit, &token, &certificate, pin("24680")).unwrap());
    let (me, other): (Arc<dyn Credential>, _) = (card.clone(), local());

    let met = meet(&me, &other).await;
    let near = met.dialler.unwrap();
    assert_eq!(near.negotiated.version, "TLS1.3");
    assert_eq!((near.local_certificate.key.as_str(), near.local_certificate.source), (kind, CertificateSource::Card));
    assert_eq!(met.listener.unwrap().peer, me.peer_id());
    assert_eq!(card.signatures(), 1, "a session costs one signature");

    let met = meet(&other, &me).await;
    let near = met.dialler.unwrap();
    assert_eq!((near.peer, near.negotiated.version.as_str()), (me.peer_id(), "TLS1.3"));
    assert_eq!(near.peer_certificate.subject, "CN=ana,O=Lab");
    assert_eq!(card.signatures(), 2);
}

#[tokio::test]
async fn a_p256_key_on_a_token_proves_its_owner_in_both_roles() {
    both_roles(&rcgen::PKCS_ECDSA_P256_SHA256, "p256").await;
}

#[tokio::test]
async fn a_p384_key_on_a_token_proves_its_owner_in_both_roles() {
    both_roles(&rcgen::PKCS_ECDSA_P384_SHA384, "p384").await;
}

#[tokio::test]
async fn an_rsa_key_on_a_token_proves_its_owner_in_both_roles() {
    both_roles(&rcgen::PKCS_RSA_SHA256, "rsa2048").await;
}

#[test]
fn r1_15_without_the_capability_nothing_is_asked_of_a_token() {
    let Some(soft) = Soft::new("work", "24680") else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let cards = soft.cards(Limits::default());
    let permit = permitted(&cards);
    let tokens = cards.list(&permit).unwrap().tokens;
    let (token, certificate) = named(&tokens, "ana");
    let card = cards.unlock(&permit, &token, &certificate, pin("24680")).unwrap();
    assert_eq!(cards.processes().len(), 1);

    cards.revoke();
    for denied in
        [cards.list(&permit).unwrap_err(), cards.unlock(&permit, &token, &certificate, pin("24680")).unwrap_err()]
    {
        assert_eq!(denied.code(), ErrorCode::AccessDenied);
    }
    let signer = card.certified_key().key.choose_scheme(&[rustls_scheme()]).unwrap();
    assert!(signer.sign(b"message").is_err());
    assert_eq!(card.failure().unwrap().code(), ErrorCode::AccessDenied);
    assert!(permitted(&cards).check().is_ok(), "granted again, it works again");
}

/// ECDSA with P-256, as TLS numbers it.
fn rustls_scheme() -> hither_identity::card::SignatureScheme {
    hither_identity::card::SignatureScheme::ECDSA_NISTP256_SHA256
}

#[tokio::test]
async fn s1_a_wrong_pin_is_told_and_never_tried_again() {
    let Some(soft) = Soft::new("work", "24680") else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let cards = soft.cards(Limits::default());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let error = cards.unlock(&permit, &token, &certificate, pin("11111")).unwrap_err();
    assert_eq!(error, CardError::PinWrong { left: Left::Few });
    assert_eq!(error.code(), ErrorCode::PinWrong);
    // Too short for any token of this kind: it is not bothered with it.
    let error = cards.unlock(&permit, &token, &certificate, pin("1")).unwrap_err();
    assert_eq!(error, CardError::PinForm { token: "work".into(), min: 4, max: 255 });
    let error = cards.unlock(&permit, &token, &certificate, Unlock::There { last_try: false }).unwrap_err();
    assert_eq!(error, CardError::PinNeeded { token: "work".into() });
    assert!(Pin::new(String::new()).is_none(), "S4");
    cards.unlock(&permit, &token, &certificate, pin("24680")).unwrap();
}

#[tokio::test]
async fn a_key_that_was_locked_again_signs_nothing() {
    let Some(soft) = Soft::new("work", "24680") else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let cards = soft.cards(Limits::default());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let card = Arc::new(cards.unlock(&permit, &token, &certificate, pin("24680")).unwrap());
    card.lock();
    let me: Arc<dyn Credential> = card.clone();
    for met in [meet(&me, &local()).await, meet(&local(), &me).await] {
        assert!(met.dialler.is_err() && met.listener.is_none());
        assert_eq!(card.failure(), Some(CardError::PinNeeded { token: "work".into() }));
    }
    assert_eq!(card.signatures(), 0);
    // Another login, and the same certificate works; the first one stays locked.
    let again: Arc<dyn Credential> = Arc::new(cards.unlock(&permit, &token, &certificate, pin("24680")).unwrap());
    assert!(meet(&again, &local()).await.dialler.is_ok());
    assert!(meet(&me, &local()).await.dialler.is_err());
}

#[tokio::test]
async fn a_certificate_and_a_key_that_do_not_belong_together_are_noticed_before_anything_is_sent() {
    let Some(soft) = Soft::new("work", "24680") else { return };
    let other = KeyPair::generate().unwrap();
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, Some(&other));
    let cards = soft.cards(Limits::default());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let card = Arc::new(cards.unlock(&permit, &token, &certificate, pin("24680")).unwrap());
    let me: Arc<dyn Credential> = card.clone();
    assert!(meet(&me, &local()).await.dialler.is_err());
    assert_eq!(card.failure(), Some(CardError::KeyMismatch { token: "work".into() }));
    assert!(meet(&local(), &me).await.dialler.is_err());
}

#[test]
fn the_helper_ends_when_it_is_idle_and_starts_again_when_it_is_needed() {
    let Some(soft) = Soft::new("work", "24680") else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let cards = soft.cards(Limits { idle: Duration::from_millis(150), ..Limits::default() });
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let card = cards.unlock(&permit, &token, &certificate, pin("24680")).unwrap();
    let [first] = cards.processes()[..] else { panic!("one process") };
    // Longer than it may be idle; but somebody is logged in. Not for timing: that nothing happens takes time to see.
    std::thread::sleep(Duration::from_millis(400)); // not for timing
    assert_eq!(cards.processes(), [first]);
    card.lock();
    let until = Instant::now() + Duration::from_secs(10);
    while !cards.processes().is_empty() {
        assert!(Instant::now() < until, "it stays");
        std::thread::yield_now();
    }
    assert_eq!(cards.list(&permit).unwrap().tokens.len(), 1);
    assert_ne!(cards.processes(), [first]);
}

#[test]
fn two_modules_have_two_processes_and_a_missing_one_is_told() {
    let Some(soft) = Soft::new("work", "24680") else { return };
    soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let conf = soft.conf();
    let mut all = found(&soft.module);
    all.unusable.extend(found(Path::new("/nonexistent/module.so")).unusable);
    // A library that is no module.
    let libz = first(&["/lib/x86_64-linux-gnu/libz.so.1", "/usr/lib/x86_64-linux-gnu/libz.so.1", "/lib64/libz.so.1"]);
    all.modules.extend(libz.iter().flat_map(|libz| found(libz).modules));
    let cards = Cards::new(helper(&[("SOFTHSM2_CONF", &conf)]), Limits::default(), all);
    let shelf = cards.list(&permitted(&cards)).unwrap();
    assert_eq!(shelf.tokens.len(), 1);
    assert_eq!(shelf.faults.len(), 1 + usize::from(libz.is_some()), "{:?}", shelf.faults);
    assert!(shelf.faults.iter().all(|fault| matches!(fault.why, CardError::NoModule { .. })), "{:?}", shelf.faults);
}

//! A key that moves between its file and a keyring is never lost, never in two places in the end, and never made anew.

use super::*;
use crate::store::brink;
use hither_model::PeerId;
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

/// 2030-01-01, unix seconds.
const NOW: u64 = 1_893_456_000;

/// A keyring that is none. Each thing it is asked is a step, before and after which everything may end.
#[derive(Clone, Default)]
struct Fake {
    kept: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    locked: bool,
    /// Forgets what it is given.
    leaks: bool,
}

impl Strongbox for Fake {
    fn put(&self, name: &str, secret: &[u8]) -> Result<(), IdentityError> {
        brink::step();
        if !self.leaks {
            self.kept.lock().unwrap().insert(name.into(), secret.into());
        }
        brink::step();
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, IdentityError> {
        brink::step();
        Ok(self.kept.lock().unwrap().get(name).cloned().map(Zeroizing::new))
    }

    fn remove(&self, name: &str) -> Result<(), IdentityError> {
        brink::step();
        self.kept.lock().unwrap().remove(name);
        brink::step();
        Ok(())
    }
}

/// A profile's directory and a keyring.
struct Desk {
    _place: tempfile::TempDir,
    dir: PathBuf,
    keyring: Fake,
}

impl Desk {
    /// With a key in its file.
    fn new() -> (Self, DeviceKey) {
        let place = tempfile::tempdir().unwrap();
        let desk = Self { dir: place.path().join("identity"), _place: place, keyring: Fake::default() };
        let key = desk.load().unwrap();
        (desk, key)
    }

    fn load(&self) -> Result<DeviceKey, IdentityError> {
        DeviceKey::load_or_create_at(&self.dir, &|wait| self.open(wait), NOW)
    }

    fn open(&self, _: Wait) -> Result<Box<dyn Strongbox>, IdentityError> {
        match self.keyring.locked {
            true => Err(IdentityError::Keyring("it is locked".into())),
            false => Ok(Box::new(self.keyring.clone())),
        }
    }

    fn keep(&self, key: &DeviceKey, place: KeyPlace) -> Result<(), IdentityError> {
        key.keep_with(place, &|wait| self.open(wait))
    }

    /// Every file of the directory that has the key in it, and every entry of the keyring.
    fn copies(&self, key: &DeviceKey) -> (Vec<String>, usize) {
        let text = key.key.to_pem();
        let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        let files = fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap());
        let files = files.filter(|file| holds(&fs::read(file.path()).unwrap()));
        let kept = self.keyring.kept.lock().unwrap();
        assert!(kept.values().all(|secret| holds(secret)));
        (files.map(|file| file.file_name().to_string_lossy().into_owned()).collect(), kept.len())
    }

    fn is_only_in(&self, place: KeyPlace, id: PeerId) {
        let key = self.load().unwrap();
        assert_eq!((key.peer_id(), key.kept_in()), (id, place));
        let there = match place {
            KeyPlace::File => (vec![KEY.to_owned()], 0),
            KeyPlace::SecretService => (vec![], 1),
        };
        assert_eq!(self.copies(&key), there);
        assert_eq!(self.dir.join(ELSEWHERE).exists(), place == KeyPlace::SecretService);
    }
}

#[test]
fn a_key_moves_to_the_keyring_and_back_and_stays_the_same_key() {
    let (desk, key) = Desk::new();
    let before = key.certificate();
    for place in [KeyPlace::SecretService, KeyPlace::SecretService, KeyPlace::File, KeyPlace::File] {
        desk.keep(&key, place).unwrap();
        desk.is_only_in(place, key.peer_id());
    }
    assert_eq!(desk.load().unwrap().certificate(), before);
}

#[test]
fn whatever_is_interrupted_while_a_key_moves_leaves_the_same_key_in_one_place() {
    for (from, to) in [(KeyPlace::File, KeyPlace::SecretService), (KeyPlace::SecretService, KeyPlace::File)] {
        let mut steps = 0;
        loop {
            let (desk, key) = Desk::new();
            desk.keep(&key, from).unwrap();
            let done = brink::within(steps, || desk.keep(&key, to));
            let (files, kept) = desk.copies(&key);
            assert!(files.len() + kept > 0, "after {steps} steps it is nowhere");
            // Ended again while it puts things in order, and then left in peace.
            for more in 0..6 {
                let loaded = brink::within(more, || desk.load().map(|key| key.peer_id()));
                assert!(loaded.is_none_or(|id| id.unwrap() == key.peer_id()));
            }
            let place = desk.load().unwrap().kept_in();
            desk.is_only_in(place, key.peer_id());
            // From there it goes anywhere.
            for place in [to, from, to] {
                desk.keep(&desk.load().unwrap(), place).unwrap();
                desk.is_only_in(place, key.peer_id());
            }
            if done.is_some() {
                break;
            }
            steps += 1;
        }
        assert!(steps >= 8, "only {steps} steps were tried");
    }
}

#[test]
fn x6_a_keyring_that_is_locked_or_lost_its_entry_never_leads_to_a_new_key() {
    let (mut desk, key) = Desk::new();
    desk.keep(&key, KeyPlace::SecretService).unwrap();
    desk.keyring.locked = true;
    let error = desk.load().unwrap_err();
    assert!(matches!(error, IdentityError::KeyAway(_)) && error.hint().contains("unlock"), "{error}");
    // Whoever has it in memory can do without the keyring, which is tidied up later.
    assert!(desk.keep(&key, KeyPlace::File).is_err());
    assert_eq!(desk.load().unwrap().peer_id(), key.peer_id());
    assert_eq!(desk.copies(&key).1, 1);
    desk.keyring.locked = false;
    desk.is_only_in(KeyPlace::File, key.peer_id());

    desk.keep(&key, KeyPlace::SecretService).unwrap();
    desk.keyring.kept.lock().unwrap().clear();
    let error = desk.load().unwrap_err();
    assert!(matches!(error, IdentityError::KeyGone) && error.hint().contains("backup"), "{error}");
    fs::remove_file(desk.dir.join(super::super::CERTIFICATE)).unwrap();
    assert!(desk.load().is_err(), "without its certificate as well");
}

#[test]
fn a_keyring_that_does_not_give_back_what_it_was_given_gets_no_key() {
    let (mut desk, key) = Desk::new();
    desk.keyring.leaks = true;
    assert!(matches!(desk.keep(&key, KeyPlace::SecretService), Err(IdentityError::Keyring(_))));
    desk.is_only_in(KeyPlace::File, key.peer_id());
    desk.keyring.locked = true;
    assert!(matches!(desk.keep(&key, KeyPlace::SecretService), Err(IdentityError::Keyring(_))));
    desk.is_only_in(KeyPlace::File, key.peer_id());
}

#[test]
fn a_prepared_key_is_taken_first_and_a_key_in_the_keyring_goes_to_its_file_before_it_is_replaced() {
    let (desk, key) = Desk::new();
    let heir = key.prepare_heir().unwrap();
    assert!(matches!(desk.keep(&key, KeyPlace::SecretService), Err(IdentityError::HeirPrepared)));
    assert_eq!(key.take_over().unwrap(), heir.new_id());
    let refused = desk.keep(&key, KeyPlace::SecretService);
    assert!(matches!(refused, Err(IdentityError::Superseded)), "the file has the next key already");
    assert!(matches!(key.renewed(), Err(IdentityError::Superseded)));
    let key = desk.load().unwrap();
    assert_eq!(key.peer_id(), heir.new_id());
    // What is left of an exchange that was interrupted is this very key.
    fs::copy(desk.dir.join(KEY), desk.dir.join("device.next")).unwrap();
    desk.keep(&key, KeyPlace::SecretService).unwrap();
    desk.is_only_in(KeyPlace::SecretService, key.peer_id());
    let refused = key.prepare_heir().unwrap_err();
    assert!(matches!(refused, IdentityError::NotInFile) && refused.hint().contains("identity keep file"));
    assert!(!desk.dir.join("device.next").exists());
    assert_eq!(key.renewed().unwrap().peer_id(), key.peer_id());
    desk.is_only_in(KeyPlace::SecretService, key.peer_id());
    desk.keep(&key, KeyPlace::File).unwrap();
    key.prepare_heir().unwrap();
}

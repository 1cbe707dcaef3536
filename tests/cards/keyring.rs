//! Keys with a real Secret Service: GNOME Keyring on a session bus of its own.

use crate::rig::skipped;
use hither_identity::{Credential, DeviceKey, Keyring, Wallet, import};
use hither_model::KeyPlace;
use std::{fs, path::PathBuf, process::Command};

/// Starts the keyring in the new session, then this test's other half.
const SESSION: &str = "printf opened | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$@\"";

#[test]
fn with_a_secret_service_keys_are_there_and_in_no_file() {
    for tool in ["dbus-run-session", "gnome-keyring-daemon"] {
        if !hither_tests::program::on_path(tool) {
            return skipped(&format!("{tool} is not installed"));
        }
    }
    let home = tempfile::tempdir().unwrap();
    let mut inner = Command::new("dbus-run-session");
    inner.args(["--", "sh", "-c", SESSION, "sh"]).arg(std::env::current_exe().unwrap());
    inner.args(["--exact", "keyring::the_part_in_a_session_of_its_own", "--nocapture"]);
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "CARDS_HOME"] {
        inner.env(variable, home.path());
    }
    let output = inner.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains("KEPT AND FOUND"), "{said}");
}

/// The part of the test above that runs in a session of its own; by itself it does nothing.
#[test]
fn the_part_in_a_session_of_its_own() {
    let Some(home) = std::env::var_os("CARDS_HOME").map(PathBuf::from) else { return };
    let keyring = std::sync::Arc::new(Keyring::of_session().expect("the session has a keyring"));

    let profile = home.join("profile");
    let device = DeviceKey::load_or_create(&profile).unwrap();
    assert_eq!(device.kept_in(), KeyPlace::File, "the keyring is a person's choice");
    device.keep(KeyPlace::SecretService).unwrap();
    assert_eq!(device.kept_in(), KeyPlace::SecretService);
    assert!(!profile.join("device.key").exists());
    let again = DeviceKey::load_or_create(&profile).unwrap();
    assert_eq!((again.peer_id(), again.kept_in()), (device.peer_id(), KeyPlace::SecretService));

    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    let imported = import([certificate.pem(), key.serialize_pem()].concat().as_bytes(), None).unwrap();
    let wallet = Wallet::open(&home.join("identities"), Some(keyring)).unwrap();
    let kept = wallet.keep(&imported).unwrap();
    assert_eq!(kept.place, KeyPlace::SecretService);
    assert_eq!(wallet.list().unwrap().len(), 1);
    assert_eq!(wallet.load(&kept.id).unwrap().peer_id(), imported.peer_id());
    for file in fs::read_dir(home.join("identities")).unwrap() {
        assert!(!fs::read_to_string(file.unwrap().path()).unwrap().contains("PRIVATE KEY"));
    }
    assert!(wallet.remove(&kept.id).unwrap() && wallet.load(&kept.id).is_err());
    println!("KEPT AND FOUND");
}

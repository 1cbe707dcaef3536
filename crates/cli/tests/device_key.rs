//! The device's own key moves to another machine in a sealed file, and to nowhere where there is one already.

use hither_identity::DeviceKey;
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

fn run(profile: &Path, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hither"));
    command.args(args).args(["--no-start", "--json"]).env_clear().env("HITHER_PROFILE", profile);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_devices_key_moves_to_another_machine_sealed_and_only_where_there_is_none() {
    let top = tempfile::tempdir().unwrap();
    let (old, new) = (top.path().join("old"), top.path().join("new"));
    hither_control::profile::ensure(&old).unwrap();
    let file = top.path().join("me.key");
    let export = ["identity", "export", file.to_str().unwrap(), "--password-stdin"];
    let restore = ["identity", "restore", file.to_str().unwrap(), "--password-stdin"];
    let password = "a long enough password\n";
    assert_eq!(run(&old, &export, password).status.code(), Some(8), "there is nothing to export yet");
    let key = DeviceKey::load_or_create(&old.join("identity")).unwrap();
    assert_ne!(run(&old, &export, "short\n").status.code(), Some(0));
    assert!(!file.exists());
    let exported = run(&old, &export, password);
    assert!(exported.status.success(), "{exported:?}");
    let told = String::from_utf8(exported.stdout).unwrap();
    assert!(told.contains(&key.peer_id().to_string()) && !told.contains("password"), "{told}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("BEGIN ENCRYPTED PRIVATE KEY") && !text.contains("BEGIN PRIVATE KEY"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_ne!(run(&old, &export, password).status.code(), Some(0), "nothing is overwritten");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);

    assert_ne!(run(&new, &restore, "another long password\n").status.code(), Some(0));
    let restored = run(&new, &restore, password);
    assert!(restored.status.success(), "{restored:?}");
    assert_eq!(DeviceKey::load_or_create(&new.join("identity")).unwrap().peer_id(), key.peer_id());
    assert_eq!(run(&old, &restore, password).status.code(), Some(2), "a key that is there stays");
}

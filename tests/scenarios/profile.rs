//! What is on disk: keys and stores that were damaged or opened to others are refused with the fix, never replaced.

use crate::ALONE;
use hither_tests::{Seat, run::End};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A profile that was used once, and this device's id.
fn used() -> (Seat, String) {
    let seat = Seat::here("ana").unwrap();
    let agent = seat.agent_with(ALONE);
    let peer = agent.peer().to_owned();
    seat.rows(["stop"]);
    agent.run.end(hither_tests::run::SOON);
    (seat, peer)
}

fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(dir).ok()?.filter_map(|e| Some(e.ok()?.path())).find_map(|path| {
        if path.is_dir() { find(&path, name) } else { path.file_name().is_some_and(|n| n == name).then_some(path) }
    })
}

fn start(seat: &Seat) -> End {
    seat.ask(["agent"].iter().chain(ALONE))
}

#[test]
fn x6_a_key_that_others_can_read_is_refused_with_the_fix() {
    let (seat, peer) = used();
    let key = find(&seat.profile(), "device.key").expect("the profile has a key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let end = start(&seat);
    assert_eq!(end.error_code(), "KeyUnusable", "{:?} {}", end.said, end.errors);
    assert!(
        format!("{:?}{}", end.said, end.errors).contains("chmod"),
        "the fix is told: {:?} {}",
        end.said,
        end.errors
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(seat.agent_with(ALONE).peer(), peer, "the identity is still the same");
}

#[test]
fn x6_a_damaged_key_is_refused_and_never_replaced() {
    let (seat, peer) = used();
    let key = find(&seat.profile(), "device.key").expect("the profile has a key");
    let good = fs::read(&key).unwrap();
    fs::write(&key, &good[..good.len() / 2]).unwrap();
    let end = start(&seat);
    assert_eq!(end.error_code(), "KeyUnusable", "{:?} {}", end.said, end.errors);
    assert_eq!(fs::read(&key).unwrap(), &good[..good.len() / 2], "what is damaged is left alone");
    fs::write(&key, good).unwrap();
    assert_eq!(seat.agent_with(ALONE).peer(), peer);
}

#[test]
fn n6_without_home_and_runtime_directory_an_explicit_profile_is_enough() {
    let seat = Seat::here("ana").unwrap();
    let mut command = seat.command(seat.program());
    command.env_remove("HOME").env_remove("XDG_RUNTIME_DIR").args(["--json", "agent"]).args(ALONE);
    let mut run = hither_tests::Run::start("an agent without HOME".to_owned(), command, false);
    let event =
        run.wait_for("word", hither_tests::run::SOON, |v| matches!(hither_tests::events::kind(v), "ready" | "error"));
    assert_eq!(hither_tests::events::kind(&event), "ready", "{event}");
}

#[test]
fn n6_a_profile_that_cannot_be_written_is_a_clear_error() {
    let seat = Seat::here("ana").unwrap();
    // A file where the directory should be: no user, not even root, can make a profile there.
    fs::write(seat.profile(), "in the way").unwrap();
    let end = start(&seat);
    assert_ne!(end.code, Some(0));
    assert_ne!(end.error_code(), "", "{:?} {}", end.said, end.errors);
    assert_ne!(end.error_code(), "Internal", "{:?} {}", end.said, end.errors);
}

#[test]
fn n5_damaged_settings_are_refused_and_not_taken_for_defaults() {
    let (seat, _) = used();
    fs::write(seat.profile().join("settings.toml"), "version = 1\nvisibility = \"no").unwrap();
    let end = start(&seat);
    assert_ne!(end.code, Some(0), "{:?}", end.said);
    fs::write(seat.profile().join("settings.toml"), "version = 4000\n").unwrap();
    let end = start(&seat);
    assert_ne!(end.code, Some(0), "{:?}", end.said);
}

//! Disks that are full (F8), on a small file system of the test's own in a private mount namespace.

#![allow(clippy::print_stdout, reason = "a skipped test says why")]

mod pair;

use hither_model::{ErrorCode, TransferId};
use hither_transfer::{Choices, Limits, Outgoing, Plan, Receiving, Sender, Stop, TransferError, scan};
use pair::{ID, PEER, Pair, Turn, exchange, noise, run};
use std::{fs, io::Write, path::Path, process::Command};

/// Runs this test again with `home` on a file system of so many MiB. `None` in the process that does so.
fn on_a_small_disk(test: &str, mebibytes: u32) -> Option<Pair> {
    if let Some(home) = std::env::var_os("HITHER_SMALL_DISK") {
        return Some(Pair::within(home.as_ref()));
    }
    let home = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size={mebibytes}m none \"$0\"");
    let user = if rustix::process::geteuid().is_root() { "-m" } else { "-Urm" };
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args([user, "sh", "-c", script]).arg(home.path());
        command
    };
    if !unshared(&mount).output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no private mount namespace can be had here (unshare {user})");
        return None;
    }
    let mut command = unshared(&format!("{mount} && exec \"$@\""));
    command.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    let output = command.env("HITHER_SMALL_DISK", home.path()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    None
}

/// Fills the file system to its last byte.
fn fill(path: &Path) {
    let mut ballast = fs::File::create(path).unwrap();
    let mut step = 1 << 20;
    while step > 0 {
        if ballast.write_all(&vec![1; step]).is_err() {
            step /= 2;
        }
    }
}

#[test]
fn f8_r6_19_what_does_not_fit_is_refused_before_anything_is_written() {
    let Some(pair) = on_a_small_disk("f8_r6_19_what_does_not_fit_is_refused_before_anything_is_written", 16) else {
        return;
    };
    let sparse = fs::File::create(pair.source().join("huge")).unwrap();
    sparse.set_len(17 << 20).unwrap();
    let sender = pair.offer(&["huge"]);
    let error = pair.begin_with(&sender, Choices::default()).unwrap_err();
    assert!(matches!(error, TransferError::DiskFull { needed, .. } if needed == 17 << 20), "{error}");
    assert_eq!(error.code(), ErrorCode::DiskFull);
    assert!(pair.landed().is_empty());
}

#[test]
fn f8_a_file_larger_than_may_be_written_is_refused_before_anything_is_written() {
    let test = "f8_a_file_larger_than_may_be_written_is_refused_before_anything_is_written";
    let Some(pair) = on_a_small_disk(test, 16) else { return };
    pair.write("a", &noise(1, 2 << 20));
    let sender = pair.offer(&["a"]);
    let one = rustix::process::Rlimit { current: Some(1 << 20), maximum: Some(1 << 20) };
    rustix::process::setrlimit(rustix::process::Resource::Fsize, one).unwrap();
    let error = pair.begin_with(&sender, Choices::default()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TooLarge, "{error}");
    assert!(pair.landed().is_empty());
}

#[test]
fn f8_a_disk_that_fills_up_fails_the_item_and_it_goes_on_where_it_was() {
    let Some(pair) = on_a_small_disk("f8_a_disk_that_fills_up_fails_the_item_and_it_goes_on_where_it_was", 24) else {
        return;
    };
    pair.write("a", &noise(1, 8 << 20));
    fs::write(pair.inbox_path().join("old"), "old").unwrap();
    let mut sender = pair.offer(&["a"]);
    let mut receiving = pair.begin(&sender);
    let ballast = pair.home().join("ballast");
    let full = || fill(&ballast);
    let said = run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, |lane| Turn::at(lane, 4 << 20, full));
    let received = said.received.unwrap();
    assert_eq!((received.complete, received.failed[0].code), (false, ErrorCode::DiskFull));
    assert!(!pair.inbox_path().join("a").exists());
    assert_eq!(fs::read(pair.inbox_path().join("old")).unwrap(), b"old");
    drop(receiving);
    assert_eq!(pair.resume(&sender).unwrap_err().code(), ErrorCode::DiskFull, "still no room");

    fs::remove_file(&ballast).unwrap();
    let mut receiving = pair.resume(&sender).unwrap();
    assert!(receiving.plan(&Stop::new()).unwrap().points[0].offset >= 3 << 20);
    assert!(exchange(&mut sender, &mut receiving).received.unwrap().complete);
    receiving.retire().unwrap();
    assert!(fs::read(pair.inbox_path().join("a")).unwrap() == noise(1, 8 << 20));
}

#[test]
fn f8_a_smaller_file_behind_one_that_did_not_fit_is_kept() {
    let Some(pair) = on_a_small_disk("f8_a_smaller_file_behind_one_that_did_not_fit_is_kept", 24) else { return };
    pair.write("a", &noise(1, 8 << 20));
    pair.write("b", &noise(2, 400_000));
    let mut sender = pair.offer(&["a", "b"]);
    let mut receiving = pair.begin(&sender);
    let ballast = pair.home().join("ballast");
    let full = || fill(&ballast);
    let said = run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, |lane| Turn::at(lane, 4 << 20, full));
    let received = said.received.unwrap();
    assert_eq!((received.kept, received.failed.len()), (1, 1));
    assert!(fs::read(pair.inbox_path().join("b")).unwrap() == noise(2, 400_000));
    fs::remove_file(&ballast).unwrap();
    assert!(exchange(&mut sender, &mut receiving).received.unwrap().complete);
    receiving.retire().unwrap();
    assert_eq!(pair.landed(), pair::tree(&pair.source()));
}

#[test]
fn f8_a_read_only_disk_is_a_clear_error() {
    let Some(pair) = on_a_small_disk("f8_a_read_only_disk_is_a_clear_error", 24) else { return };
    pair.write("a", &noise(1, 3 << 20));
    let mut sender = pair.offer(&["a"]);
    let mut receiving = pair.begin(&sender);
    run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, |lane| pair::cut(lane, 2 << 20));
    drop(receiving);
    let (hash, manifest) = (sender.outgoing().manifest().hash(), sender.outgoing().manifest().encode());
    drop(sender);
    let remount = |mode: &str| {
        let done = Command::new("mount").args(["-o", &format!("remount,{mode}")]).arg(pair.home()).status();
        assert!(done.unwrap().success());
    };
    remount("ro");
    let resumed = Receiving::resume(&pair.inbox(), ID, PEER, hash);
    assert_eq!(resumed.unwrap_err().code(), ErrorCode::StorageFailed);
    let begun = Receiving::begin(&pair.inbox(), TransferId::new([1; 16]), PEER, &manifest, Choices::default());
    assert_eq!(begun.unwrap_err().code(), ErrorCode::StorageFailed);
    remount("rw");
    let mut sender = Sender::new(Outgoing::load(&pair.store(), ID).unwrap());
    let mut receiving = pair.resume(&sender).unwrap();
    assert!(exchange(&mut sender, &mut receiving).received.unwrap().complete);
}

#[test]
fn r6_19_a_file_no_file_system_here_can_hold_is_refused_at_once() {
    let Some(pair) = on_a_small_disk("r6_19_a_file_no_file_system_here_can_hold_is_refused_at_once", 8) else { return };
    let sparse = fs::File::create(pair.source().join("huge")).unwrap();
    if sparse.set_len(1 << 50).is_err() {
        println!("skipped: no file of this size can be made to be offered");
        return;
    }
    let found = scan(&[pair.source().join("huge")], &Limits::default(), &Stop::new()).unwrap();
    assert_eq!(found.manifest().bytes(), 1 << 50);
    let sender = pair.offer(&["huge"]);
    let error = pair.begin_with(&sender, Choices::default()).unwrap_err();
    assert!(matches!(error.code(), ErrorCode::DiskFull | ErrorCode::TooLarge));
    assert!(pair.landed().is_empty());
}

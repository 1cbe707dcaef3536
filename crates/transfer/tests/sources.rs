//! What the sender finds on its own disk: things that are no files, files that cannot be read, files that change.

#![allow(clippy::print_stdout, reason = "a skipped test says why")]

mod pair;

use hither_model::ErrorCode;
use hither_transfer::{Limits, Plan, Ranges, ReceiptFault, SendEvent, Stop, TransferError, scan};
use pair::{ID, PEER, Pair, Turn, exchange, noise, run};
use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    os::unix::{fs::symlink, net::UnixListener, process::CommandExt},
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

#[test]
fn f5_links_fifos_sockets_and_devices_are_skipped_and_reported_without_hanging() {
    let pair = Pair::new();
    pair.write("t/file", b"1");
    let tree = pair.source().join("t");
    symlink("file", tree.join("link")).unwrap();
    symlink("/", tree.join("root")).unwrap();
    let fifo = tree.join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let _socket = UnixListener::bind(tree.join("socket")).unwrap();
    fs::write(tree.join("a\nb"), "hidden character").unwrap();
    let given = [tree.clone(), tree.join("link"), "/dev/null".into(), tree.join("absent")];
    let found = scan(&given, &Limits::default(), &Stop::new()).unwrap();
    assert_eq!(found.manifest().items(), 2, "the folder and its one file");
    let why = |name: &str| {
        let row = found.skipped().iter().find(|row| row.path.ends_with(name));
        row.unwrap_or_else(|| panic!("{name} is not reported")).why.clone()
    };
    assert_eq!(why("t/link"), "links are not sent");
    assert_eq!(why("t/root"), "links are not sent");
    assert_eq!(why("t/fifo"), "FIFOs are not sent");
    assert_eq!(why("t/socket"), "sockets are not sent");
    assert_eq!(why("/dev/null"), "devices are not sent");
    assert!(why("t/absent").contains("No such file"));
    assert!(why("a\\u{a}b").contains("invisible"));
    assert_eq!(found.skipped().len(), 8);
}

#[test]
fn names_that_are_not_text_or_clash_are_skipped_and_reported() {
    use std::os::unix::ffi::OsStrExt;
    let pair = Pair::new();
    for name in [&b"plain"[..], b"PLAIN", b"\xff\xfe", b"back\\slash"] {
        fs::write(pair.source().join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
    }
    let found = scan(&[pair.source()], &Limits::default(), &Stop::new()).unwrap();
    assert_eq!(found.manifest().files(), 1);
    assert_eq!(found.skipped().len(), 3);
    assert!(found.skipped().iter().all(|row| row.code == ErrorCode::NameRefused));
}

#[test]
fn a_scan_can_be_stopped_and_nothing_to_send_is_an_error() {
    let pair = Pair::new();
    pair.write("t/a", b"1");
    let stop = Stop::new();
    stop.cancel();
    let stopped = scan(&[pair.source()], &Limits::default(), &stop);
    assert!(matches!(stopped, Err(TransferError::Canceled)));
    let nothing = scan(&["/dev/null".into()], &Limits::default(), &Stop::new());
    assert!(matches!(nothing, Err(TransferError::NothingToSend)));
}

/// Runs one test of this file again as a user who may not read everything.
fn as_nobody(test: &str, path: &Path) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("HITHER_UNREADABLE", path).current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    match command.status() {
        Ok(status) => {
            assert!(status.success(), "the test failed as an ordinary user");
            true
        }
        Err(error) => {
            println!("skipped: an ordinary user cannot run this test's program: {error}");
            false
        }
    }
}

#[test]
fn f5_what_cannot_be_read_is_skipped_and_reported() {
    use std::os::unix::fs::PermissionsExt;
    if let Some(path) = std::env::var_os("HITHER_UNREADABLE") {
        let found = scan(&[path.into()], &Limits::default(), &Stop::new()).unwrap();
        assert_eq!(found.manifest().files(), 1);
        let skipped: Vec<_> = found.skipped().iter().map(|row| row.path.rsplit('/').next().unwrap()).collect();
        assert_eq!(skipped, ["secret.txt", "shut"]);
        assert!(found.skipped().iter().all(|row| row.code == ErrorCode::StorageFailed));
        return;
    }
    let pair = Pair::new();
    pair.write("t/fine.txt", b"1");
    let secret = pair.write("t/secret.txt", b"2");
    let shut = pair.write("t/shut/in.txt", b"3").parent().unwrap().to_owned();
    fs::set_permissions(secret, fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(pair.source().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    as_nobody("f5_what_cannot_be_read_is_skipped_and_reported", &pair.source().join("t"));
    fs::set_permissions(shut, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn f5_what_became_something_else_since_the_offer_fails_and_the_others_go_on() {
    let pair = Pair::new();
    for name in ["t/a", "t/b", "t/c", "t/d", "t/e"] {
        pair.write(name, name.as_bytes());
    }
    let mut sender = pair.offer(&["t"]);
    let mut receiving = pair.begin(&sender);
    let path = |name: &str| pair.source().join("t").join(name);
    fs::remove_file(path("a")).unwrap();
    fs::remove_file(path("b")).unwrap();
    symlink("e", path("b")).unwrap();
    fs::remove_file(path("c")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, path("c"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    fs::write(path("d"), "longer than before").unwrap();
    let said = exchange(&mut sender, &mut receiving);
    let (sent, received) = (said.sent.unwrap(), said.received.unwrap());
    assert_eq!((sent.sent, sent.failed.len()), (1, 4));
    assert_eq!((received.kept, received.missing), (2, 0));
    let paths = |rows: &[hither_model::row::FailedItem]| -> Vec<_> {
        rows.iter().map(|row| (row.path.clone(), row.code)).collect()
    };
    assert_eq!(paths(&sent.failed), paths(&received.failed), "both sides list what failed");
    assert!(sent.failed.iter().all(|row| row.code == ErrorCode::SourceChanged));
    assert!(pair.inbox_path().join("t/e").exists());
    let receipt = receiving.receipt(1);
    assert_eq!(receipt.failed.len(), 4);
    receipt.verify(ID, sender.outgoing().manifest(), sender.outgoing().digests()).unwrap();
}

#[test]
fn failed_items_alone_are_tried_again_later() {
    let pair = Pair::new();
    let path = pair.write("t/a", b"12345");
    pair.write("t/b", b"b");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let mut sender = pair.offer(&["t"]);
    let mut receiving = pair.begin(&sender);
    fs::remove_file(&path).unwrap();
    assert!(!exchange(&mut sender, &mut receiving).received.unwrap().complete);
    drop(receiving);

    fs::write(&path, "12345").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    let mut receiving = pair.resume(&sender).unwrap();
    assert_eq!(receiving.failed().count(), 1);
    let said = exchange(&mut sender, &mut receiving);
    let received = said.received.unwrap();
    assert!(received.complete && received.failed.is_empty());
    assert_eq!(said.sent.unwrap().sent, 1, "only the one that failed");
    receiving.retire().unwrap();
    assert_eq!(pair.landed(), pair::tree(&pair.source()));
}

/// Changes the file when half of it is on the lane.
fn changed_in_the_middle(change: impl FnOnce(&mut fs::File) + Send) -> (Pair, pair::Said) {
    let pair = Pair::new();
    let path = pair.write("a", &noise(1, 4 << 20));
    pair.write("b", b"the others go on");
    let mut sender = pair.offer(&["a", "b"]);
    let mut receiving = pair.begin(&sender);
    let mut file = fs::File::options().write(true).open(path).unwrap();
    let over = |lane| Turn::at(lane, 2 << 20, move || change(&mut file));
    let said = run(&mut sender, &mut receiving, &Plan::default(), over, |lane| lane);
    (pair, said)
}

#[test]
fn f5_a_growing_file_fails_and_is_not_followed_for_ever() {
    let (pair, said) = changed_in_the_middle(|file| {
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"one more line").unwrap();
    });
    let received = said.received.unwrap();
    assert_eq!(received.failed[0].code, ErrorCode::SourceChanged);
    assert_eq!(said.sent.unwrap().failed[0].code, ErrorCode::SourceChanged);
    assert!(!pair.inbox_path().join("a").exists());
    assert!(pair.inbox_path().join("b").exists());
}

#[test]
fn f5_a_shrinking_file_fails_and_the_others_go_on() {
    let (pair, said) = changed_in_the_middle(|file| file.set_len(3 << 20).unwrap());
    assert_eq!(said.received.unwrap().failed[0].code, ErrorCode::SourceChanged);
    assert!(!pair.inbox_path().join("a").exists());
    assert!(pair.inbox_path().join("b").exists());
}

#[test]
fn f11_a_file_rewritten_while_it_is_sent_starts_over_and_arrives_as_it_is_now() {
    let (pair, said) = changed_in_the_middle(|file| {
        file.write_all(b"rewritten").unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
    });
    assert!(said.send_events.contains(&SendEvent::Restarted { item: 0 }));
    assert!(said.received.unwrap().complete);
    let landed = fs::read(pair.inbox_path().join("a")).unwrap();
    assert!(landed == fs::read(pair.source().join("a")).unwrap() && landed.starts_with(b"rewritten"));
}

#[test]
fn f11_a_file_of_another_time_is_sent_from_its_start() {
    let pair = Pair::new();
    let path = pair.write("a", &noise(1, 6 << 20));
    let mut sender = pair.offer(&["a"]);
    let mut receiving = pair.begin(&sender);
    run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, |lane| pair::cut(lane, 4 << 20));
    let mut changed = noise(1, 6 << 20);
    changed[(6 << 20) - 1] ^= 1;
    fs::write(&path, &changed).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let said = exchange(&mut sender, &mut receiving);
    assert!(said.received.unwrap().complete);
    assert!(said.send_events.contains(&SendEvent::Restarted { item: 0 }));
    assert_eq!(fs::read(pair.inbox_path().join("a")).unwrap(), changed);
}

#[test]
fn f5_f14_a_terabyte_of_nothing_streams_and_can_be_stopped() {
    let pair = Pair::new();
    fs::File::create(pair.source().join("sparse")).unwrap().set_len(1 << 40).unwrap();
    let mut sender = pair.offer(&["sparse"]);
    let stop = Stop::new();
    let cancel = stop.clone();
    let mut lane = Turn::at(std::io::sink(), 8 << 20, move || cancel.cancel());
    let error = sender.run(&mut lane, &Plan::default(), &mut |_| {}, &stop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Canceled);
}

#[test]
fn an_item_the_receiver_gave_up_is_not_sent_to_its_end() {
    let pair = Pair::new();
    pair.write("a", &noise(1, 8 << 20));
    pair.write("b", b"b");
    let mut sender = pair.offer(&["a", "b"]);
    let mut receiving = pair.begin(&sender);
    let abandon = sender.abandon();
    let plan = Plan::default();
    let said =
        run(&mut sender, &mut receiving, &plan, |lane| Turn::at(lane, 1 << 20, move || abandon.item(0)), |lane| lane);
    let received = said.received.unwrap();
    assert_eq!(received.failed[0].code, ErrorCode::Canceled);
    assert_eq!(*receiving.kept(), Ranges::of(1, 2));
    let most = said.send_events.iter().filter_map(|event| match event {
        SendEvent::Progress { done, .. } => Some(*done),
        _ => None,
    });
    assert!(most.max().unwrap() < 4 << 20);
}

#[test]
fn r6_13_a_killed_sender_goes_on_from_what_it_remembered() {
    let pair = Pair::new();
    pair.write("t/a", &noise(1, 3 << 20));
    pair.write("t/b", &noise(2, 6 << 20));
    let mut sender = pair.offer(&["t"]);
    let mut receiving = pair.begin(&sender);
    run(&mut sender, &mut receiving, &Plan::default(), |lane| pair::cut(lane, 6 << 20), |lane| lane);
    drop((sender, receiving));
    // And the power went: what it had noted is lost as well.
    fs::write(pair.store().join(format!("{ID}.sent")), "").unwrap();
    let outgoing = hither_transfer::Outgoing::load(&pair.store(), ID).unwrap();
    assert_eq!(outgoing.peer(), PEER);
    let mut sender = hither_transfer::Sender::new(outgoing);
    let mut receiving = pair.resume(&sender).unwrap();
    let said = exchange(&mut sender, &mut receiving);
    assert_eq!(said.sent.unwrap().sent, 1);
    assert!(said.received.unwrap().complete);
    let receipt = receiving.receipt(1);
    let check = |sender: &hither_transfer::Sender| {
        receipt.verify(ID, sender.outgoing().manifest(), sender.outgoing().digests())
    };
    assert_eq!(check(&sender), Err(ReceiptFault::Unknown));
    assert_eq!(sender.recall(&receipt.kept, &Stop::new()).unwrap(), 0);
    assert_eq!(check(&sender), Ok(()));
    receiving.retire().unwrap();
    assert_eq!(pair.landed(), pair::tree(&pair.source()));
}

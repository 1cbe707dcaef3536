//! Whole transfers with nothing in their way: what arrives is what was sent, under names that were free, and both sides
//! agree on it.

mod pair;

use hither_model::{ErrorCode, TransferId};
use hither_transfer::{
    Choices, Limits, Plan, Ranges, Receipt, ReceiveEvent, Receiving, SendEvent, Stop, TransferError, scan,
};
use pair::{ID, Pair, Trickle, exchange, noise, run};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::{Duration, UNIX_EPOCH},
};

/// A folder with all that may be in one.
fn make_album(pair: &Pair) {
    pair.write("album/one.bin", &noise(1, 10));
    pair.write("album/empty.bin", b"");
    pair.write("album/chunk.bin", &noise(2, 256 << 10));
    pair.write("album/large.bin", &noise(3, (3 << 20) + 17));
    pair.write("album/deep/er/still.txt", "tiefer, 깊은".as_bytes());
    fs::create_dir_all(pair.source().join("album/nothing/in/here")).unwrap();
}

#[test]
fn a_folder_arrives_whole_with_its_empty_folders_and_times() {
    let pair = Pair::new();
    make_album(&pair);
    let time = UNIX_EPOCH + Duration::new(1_500_000_000, 123_456_789);
    for name in ["album/one.bin", "album/large.bin"] {
        fs::File::options().write(true).open(pair.source().join(name)).unwrap().set_modified(time).unwrap();
    }
    for name in ["album/deep/er", "album/deep", "album"] {
        fs::File::open(pair.source().join(name)).unwrap().set_modified(time).unwrap();
    }
    let mut sender = pair.offer(&["album"]);
    let mut receiving = pair.begin(&sender);
    let said = exchange(&mut sender, &mut receiving);
    let received = said.received.unwrap();
    assert!(received.complete);
    assert_eq!((received.kept, received.missing, received.names), (11, 0, vec!["album".to_owned()]));
    assert_eq!(said.sent.unwrap().sent, 5);

    let receipt = receiving.receipt(1_700_000_000);
    receipt.verify(ID, sender.outgoing().manifest(), sender.outgoing().digests()).unwrap();
    assert_eq!(Receipt::decode(&receipt.encode()).unwrap(), receipt);
    assert!(receipt.is_complete(sender.outgoing().manifest()));
    receiving.retire().unwrap();

    assert_eq!(pair.landed(), pair::tree(&pair.source()), "and no journal or part file is left");
    for name in ["album/one.bin", "album/large.bin", "album/deep/er", "album/deep", "album"] {
        let landed = fs::metadata(pair.inbox_path().join(name)).unwrap().modified().unwrap();
        assert_eq!(landed, time, "{name}");
    }
}

#[test]
fn a_lane_of_single_bytes_is_slow_but_right() {
    let pair = Pair::new();
    pair.write("a/x", &noise(1, 3000));
    pair.write("a/y", b"");
    let mut sender = pair.offer(&["a"]);
    let mut receiving = pair.begin(&sender);
    let said = run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, Trickle);
    assert!(said.received.unwrap().complete);
    receiving.retire().unwrap();
    assert_eq!(pair.landed(), pair::tree(&pair.source()));
}

#[test]
fn nothing_but_the_part_directory_is_touched_before_the_first_byte() {
    let pair = Pair::new();
    make_album(&pair);
    let sender = pair.offer(&["album"]);
    let receiving = pair.begin(&sender);
    let top: Vec<_> = pair.landed().into_keys().filter(|name| !name.contains('/')).collect();
    assert_eq!(top, [".hither-partial"]);
    let mode = |name: &str| fs::metadata(pair.inbox_path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(".hither-partial"), 0o700);
    assert_eq!(mode(&format!(".hither-partial/{ID}")), 0o700);
    assert_eq!(mode(&format!(".hither-partial/{ID}/journal")), 0o600);
    receiving.discard().unwrap();
    assert!(pair.landed().is_empty());
}

#[test]
fn progress_ends_at_the_total_and_every_item_is_told_as_kept_once() {
    let pair = Pair::new();
    make_album(&pair);
    let mut sender = pair.offer(&["album"]);
    let mut receiving = pair.begin(&sender);
    let said = exchange(&mut sender, &mut receiving);
    let total = sender.outgoing().manifest().bytes();
    assert!(said.send_events.contains(&SendEvent::Progress { done: total, total }));
    assert!(said.receive_events.contains(&ReceiveEvent::Progress { done: total, total }));
    let mut kept = Ranges::new();
    for event in &said.receive_events {
        if let ReceiveEvent::Kept { items, .. } = event {
            assert!(items.iter().all(|item| !kept.contains(item)));
            kept.extend(items);
        }
    }
    assert_eq!(kept, Ranges::of(0, 11));
}

#[test]
fn f13_what_is_there_is_never_overwritten_and_a_folder_lands_in_one_place() {
    let pair = Pair::new();
    make_album(&pair);
    pair.write("note.txt", b"new");
    fs::create_dir(pair.inbox_path().join("album")).unwrap();
    fs::write(pair.inbox_path().join("album/one.bin"), "old").unwrap();
    fs::write(pair.inbox_path().join("note.txt"), "old").unwrap();
    std::os::unix::fs::symlink("elsewhere", pair.inbox_path().join("note (2).txt")).unwrap();
    let mut sender = pair.offer(&["album", "note.txt"]);
    let mut receiving = pair.begin(&sender);
    let received = exchange(&mut sender, &mut receiving).received.unwrap();
    assert_eq!(received.names, ["note (3).txt", "album (2)"]);
    receiving.retire().unwrap();
    let landed = pair.landed();
    assert_eq!(landed["album/one.bin"].as_deref(), Some(&b"old"[..]));
    assert_eq!(landed["note.txt"].as_deref(), Some(&b"old"[..]));
    assert_eq!(landed["note (3).txt"].as_deref(), Some(&b"new"[..]));
    assert_eq!(pair::tree(&pair.inbox_path().join("album (2)")), pair::tree(&pair.source().join("album")));
    assert!(!pair.inbox_path().join("elsewhere").exists());
}

#[test]
fn f13_two_transfers_with_one_name_are_both_kept() {
    let pair = Pair::new();
    pair.write("a.txt", b"first");
    let mut first = pair.offer(&["a.txt"]);
    let mut one = pair.begin(&first);
    assert!(matches!(
        pair.begin_with(&first, Choices::default()),
        Err(TransferError::AlreadyBegun | TransferError::InUse)
    ));
    let mut second = pair.offer_as(TransferId::new([8; 16]), &["a.txt"]);
    let mut two = pair.begin(&second);
    assert!(exchange(&mut second, &mut two).received.unwrap().complete);
    assert!(exchange(&mut first, &mut one).received.unwrap().complete);
    one.retire().unwrap();
    two.retire().unwrap();
    assert_eq!(pair.landed().into_keys().collect::<Vec<_>>(), ["a (2).txt", "a.txt"]);
}

#[test]
fn two_given_paths_with_one_name_are_both_sent() {
    let pair = Pair::new();
    pair.write("x/a.txt", b"1");
    pair.write("y/A.txt", b"2");
    pair.write("z/a.txt", b"3");
    let mut sender = pair.offer(&["x/a.txt", "y/A.txt", "z/a.txt"]);
    let mut receiving = pair.begin(&sender);
    assert!(exchange(&mut sender, &mut receiving).received.unwrap().complete);
    receiving.retire().unwrap();
    let landed = pair.landed();
    assert_eq!(landed["a.txt"].as_deref(), Some(&b"1"[..]));
    assert_eq!(landed["A (2).txt"].as_deref(), Some(&b"2"[..]));
    assert_eq!(landed["a (3).txt"].as_deref(), Some(&b"3"[..]));
}

#[test]
fn f15_setuid_is_dropped_and_the_executable_bit_needs_the_receivers_word() {
    for executable in [false, true] {
        let pair = Pair::new();
        for (name, mode) in [("plain", 0o666), ("run", 0o4755)] {
            let path = pair.write(name, b"#!/bin/sh\n");
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut sender = pair.offer(&["plain", "run"]);
        let mut receiving = pair.begin_with(&sender, Choices { executable }).unwrap();
        assert!(exchange(&mut sender, &mut receiving).received.unwrap().complete);
        receiving.retire().unwrap();
        let mode = |name: &str| fs::metadata(pair.inbox_path().join(name)).unwrap().mode() & 0o7777;
        assert_eq!(mode("plain") & 0o7133, 0);
        assert_eq!(mode("run") & 0o7022, 0, "neither setuid nor writable by others");
        assert_eq!(mode("run") & 0o100 != 0, executable);
    }
}

#[test]
fn f14_too_many_items_are_a_clear_error_and_what_is_too_deep_is_reported() {
    let pair = Pair::new();
    for number in 0..40 {
        pair.write(&format!("many/{number}"), b"x");
    }
    let few = Limits { items: 30, ..Limits::default() };
    let error = scan(&[pair.source().join("many")], &few, &Stop::new()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TooLarge);
    assert!(error.to_string().contains("30"));

    let deep = pair.source().join("deep");
    let mut path = deep.clone();
    for _ in 0..100 {
        path.push("d");
    }
    fs::create_dir_all(path).unwrap();
    let found = scan(&[deep], &Limits::default(), &Stop::new()).unwrap();
    assert_eq!(found.manifest().items(), 64);
    assert_eq!(found.skipped().len(), 1);
    assert_eq!(found.skipped()[0].code, ErrorCode::NameRefused);
}

#[test]
fn f14_a_transfer_of_several_batches_in_many_folders_is_complete() {
    let pair = Pair::new();
    for number in 0..1300 {
        pair.write(&format!("many/{}/{number}", number % 90), &noise(number, 40));
    }
    let mut sender = pair.offer(&["many"]);
    let mut receiving = pair.begin(&sender);
    let said = exchange(&mut sender, &mut receiving);
    assert!(said.received.unwrap().complete);
    let batches = said.receive_events.iter().filter(|event| matches!(event, ReceiveEvent::Kept { .. })).count();
    assert_eq!(batches, 4, "three batches of files and one of folders");
    receiving.retire().unwrap();
    assert_eq!(pair.landed(), pair::tree(&pair.source()));
}

#[test]
fn a_plan_can_name_single_items_and_the_rest_is_said_to_be_missing() {
    let pair = Pair::new();
    for name in ["f/a", "f/b", "f/c"] {
        pair.write(name, name.as_bytes());
    }
    let mut sender = pair.offer(&["f"]);
    let mut receiving = pair.begin(&sender);
    let plan = Plan { only: Some(Ranges::of(2, 3)), ..Plan::default() };
    let received = run(&mut sender, &mut receiving, &plan, |lane| lane, |lane| lane).received.unwrap();
    assert_eq!((received.complete, received.kept, received.missing), (false, 2, 2));
    let again = exchange(&mut sender, &mut receiving);
    assert!(again.received.unwrap().complete);
    assert_eq!(again.sent.unwrap().sent, 2, "what is kept is not sent again");
    receiving.retire().unwrap();
    assert_eq!(pair.landed(), pair::tree(&pair.source()));
}

#[test]
fn a_finished_transfer_is_found_again_until_its_receipt_is_safe() {
    let pair = Pair::new();
    pair.write("a", b"1");
    let mut sender = pair.offer(&["a"]);
    let mut receiving = pair.begin(&sender);
    exchange(&mut sender, &mut receiving).received.unwrap();
    let receipt = receiving.receipt(5);
    drop(receiving);
    let again = pair.resume(&sender).unwrap();
    assert!(again.is_complete());
    assert_eq!(again.receipt(5), receipt);
    again.retire().unwrap();
    assert!(matches!(pair.resume(&sender), Err(TransferError::NothingToResume)));
    let hash = sender.outgoing().manifest().hash();
    assert!(Receiving::resume(&pair.inbox(), ID, pair::PEER, hash).is_err());
}

#[test]
fn both_ends_can_be_moved_to_a_thread_of_their_own() {
    fn moves<T: Send + 'static>() {}
    moves::<hither_transfer::Sender>();
    moves::<Receiving>();
    moves::<hither_transfer::Inbox>();
    moves::<TransferError>();
}

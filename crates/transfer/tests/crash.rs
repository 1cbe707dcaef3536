//! Crashes and vanishing directories: whatever happens, no wrong bytes under a final name, and going on completes it.

mod pair;

use hither_model::ErrorCode;
use hither_transfer::{Outgoing, Plan, ReceiveEvent, Sender, Stop, TransferError, journal};
use pair::{ID, Pair, Turn, cut, exchange, noise, run};
use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
};

/// A folder of small files around a large one, and the bytes it takes on a lane.
fn make_mixture(pair: &Pair) -> usize {
    let mut bytes = 0;
    for number in 0..40 {
        let length = 100 + number as usize * 50;
        pair.write(&format!("t/{}/{number:02}", number % 5), &noise(number, length));
        bytes += length + 59;
    }
    pair.write("t/2/large", &noise(99, 1_300_000));
    pair.write("top.txt", b"at the top");
    bytes + 1_300_000 + 26 + 7 * 5 + 33 + 10 + 59 + 1
}

/// Everything under a final name has the right bytes.
fn nothing_is_wrong(pair: &Pair) {
    let source = pair::tree(&pair.source());
    for (name, bytes) in pair.landed().into_iter().filter(|(name, _)| !name.starts_with(".hither-partial")) {
        assert_eq!(source.get(&name), Some(&bytes), "{name}");
    }
}

#[test]
fn f9_a_receiver_dropped_at_a_hundred_points_keeps_nothing_wrong_and_completes() {
    for point in 0..100 {
        let pair = Pair::new();
        let total = make_mixture(&pair);
        let mut sender = pair.offer(&["t", "top.txt"]);
        let mut receiving = pair.begin(&sender);
        let said =
            run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, |lane| cut(lane, total * point / 100));
        assert_eq!(said.received.unwrap_err().code(), ErrorCode::Interrupted, "point {point}");
        drop(receiving);
        nothing_is_wrong(&pair);
        let mut receiving = pair.resume(&sender).unwrap();
        assert!(exchange(&mut sender, &mut receiving).received.unwrap().complete, "point {point}");
        receiving.receipt(1).verify(ID, sender.outgoing().manifest(), sender.outgoing().digests()).unwrap();
        receiving.retire().unwrap();
        assert_eq!(pair.landed(), pair::tree(&pair.source()), "point {point}: all of it, and nothing else");
    }
}

/// The receiving end as a process of its own, to be killed: its lane is the standard input.
#[test]
fn the_receiving_process_of_the_killing_test() {
    let Some(home) = std::env::var_os("HITHER_KILLED_HOME") else { return };
    let pair = Pair::within(home.as_ref());
    let sender = Sender::new(Outgoing::load(&pair.store(), ID).unwrap());
    let mut receiving = pair.resume(&sender).unwrap();
    receiving.plan(&Stop::new()).unwrap();
    receiving.run(&mut std::io::stdin().lock(), &mut |_| {}, &Stop::new()).unwrap();
}

#[test]
fn f9_a_receiving_process_killed_outright_keeps_nothing_wrong_and_completes() {
    for point in 0..12 {
        let pair = Pair::new();
        let total = make_mixture(&pair);
        let mut sender = pair.offer(&["t", "top.txt"]);
        drop(pair.begin(&sender));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_receiving_process_of_the_killing_test"])
            .env("HITHER_KILLED_HOME", pair.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut lane = Turn::at(stdin, total * point / 12, || child.kill().unwrap());
        let _ = sender.run(&mut lane, &Plan::default(), &mut |_| {}, &Stop::new());
        drop(lane);
        let _ = child.wait().unwrap();
        nothing_is_wrong(&pair);
        let mut receiving = pair.resume(&sender).unwrap();
        assert!(exchange(&mut sender, &mut receiving).received.unwrap().complete, "point {point}");
        receiving.retire().unwrap();
        assert_eq!(pair.landed(), pair::tree(&pair.source()), "point {point}: all of it, and nothing twice");
    }
}

#[test]
fn f9_files_in_place_whose_record_was_lost_are_known_again_and_not_received_twice() {
    let pair = Pair::new();
    make_mixture(&pair);
    let mut sender = pair.offer(&["t", "top.txt"]);
    let mut receiving = pair.begin(&sender);
    exchange(&mut sender, &mut receiving).received.unwrap();
    drop(receiving);
    let path = pair.inbox_path().join(format!(".hither-partial/{ID}/journal"));
    let whole = fs::read(&path).unwrap();
    let records = journal::parse(&whole).unwrap().records;
    let ready = records.iter().rposition(|record| matches!(record, journal::Record::Ready(_))).unwrap();
    let behind: usize = (0..=ready).map(|number| journal::encode(&records[number], number as u32).unwrap().len()).sum();
    for end in behind..=whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let receiving = pair.resume(&sender).unwrap();
        assert_eq!(receiving.kept_bytes(), sender.outgoing().manifest().bytes(), "cut at {end}");
    }
    let mut receiving = pair.resume(&sender).unwrap();
    let said = exchange(&mut sender, &mut receiving);
    assert_eq!(said.sent.unwrap().sent, 0, "nothing is sent twice");
    receiving.retire().unwrap();
    assert_eq!(pair.landed(), pair::tree(&pair.source()));
}

#[test]
fn f9_complete_part_files_that_were_not_moved_yet_are_moved_on_resume() {
    let pair = Pair::new();
    pair.write("a", b"1");
    let mut sender = pair.offer(&["a"]);
    let mut receiving = pair.begin(&sender);
    exchange(&mut sender, &mut receiving).received.unwrap();
    drop(receiving);
    // As if the crash had come just before the move.
    let partial = pair.inbox_path().join(format!(".hither-partial/{ID}"));
    fs::rename(pair.inbox_path().join("a"), partial.join("0")).unwrap();
    let path = partial.join("journal");
    let whole = fs::read(&path).unwrap();
    let records = journal::parse(&whole).unwrap().records;
    let keep: usize = (0..2).map(|number| journal::encode(&records[number], number as u32).unwrap().len()).sum();
    fs::write(&path, &whole[..keep]).unwrap();
    let receiving = pair.resume(&sender).unwrap();
    assert!(receiving.is_complete());
    assert_eq!(fs::read(pair.inbox_path().join("a")).unwrap(), b"1");
}

#[test]
fn f9_a_damaged_journal_is_an_error_and_the_rest_can_be_swept_away() {
    let pair = Pair::new();
    make_mixture(&pair);
    let mut sender = pair.offer(&["t"]);
    let mut receiving = pair.begin(&sender);
    run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, |lane| cut(lane, 30_000));
    let partial = pair.inbox_path().join(format!(".hither-partial/{ID}"));
    assert!(matches!(pair.resume(&sender), Err(TransferError::InUse)), "one at a time");
    let gone = BTreeSet::from([ID]);
    assert_eq!(pair.inbox().sweep(&gone).unwrap(), 0, "what is in use is not swept away");
    drop(receiving);
    assert_eq!(pair.inbox().sweep(&BTreeSet::new()).unwrap(), 0, "nor what is not known to be over");
    let mut bytes = fs::read(partial.join("journal")).unwrap();
    bytes[120] ^= 1;
    fs::write(partial.join("journal"), bytes).unwrap();
    assert!(matches!(pair.resume(&sender), Err(TransferError::JournalDamaged)));
    assert_eq!(pair.inbox().sweep(&gone).unwrap(), 1);
    nothing_is_wrong(&pair);
    assert!(!partial.parent().unwrap().exists());
}

#[test]
fn f9_a_transfer_that_crashed_while_it_began_can_begin_again() {
    let pair = Pair::new();
    pair.write("a", b"1");
    let sender = pair.offer(&["a"]);
    let partial = pair.inbox_path().join(format!(".hither-partial/{ID}"));
    fs::create_dir_all(&partial).unwrap();
    fs::write(partial.join("manifest"), "torn").unwrap();
    fs::write(partial.join("journal"), "").unwrap();
    assert!(matches!(pair.resume(&sender), Err(TransferError::NothingToResume)));
    pair.begin(&sender).discard().unwrap();
    assert!(pair.landed().is_empty());
}

#[test]
fn a_broken_lane_costs_at_most_what_was_in_flight() {
    let pair = Pair::new();
    pair.write("large", &noise(1, 12 << 20));
    let mut sender = pair.offer(&["large"]);
    let mut receiving = pair.begin(&sender);
    let said = run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, |lane| cut(lane, 9 << 20));
    assert!(said.sent.is_err());
    let plan = receiving.plan(&Stop::new()).unwrap();
    assert!(plan.points[0].offset >= 8 << 20, "resumes at {}", plan.points[0].offset);
    let said = run(&mut sender, &mut receiving, &plan, |lane| lane, |lane| lane);
    assert!(said.received.unwrap().complete);
    receiving.retire().unwrap();
    assert_eq!(pair.landed(), pair::tree(&pair.source()));
}

#[test]
fn f9_a_receiver_that_dies_between_two_batches_has_to_get_few_small_files_again() {
    let pair = Pair::new();
    for number in 0..24 {
        pair.write(&format!("t/{number:02}"), &noise(number, 1 << 20));
    }
    let mut sender = pair.offer(&["t"]);
    let mut receiving = pair.begin(&sender);
    let mut whole = Vec::new();
    sender.run(&mut whole, &Plan::default(), &mut |_| {}, &Stop::new()).unwrap();
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let mut die = |event| match event {
            ReceiveEvent::Progress { done, .. } if done >= 20 << 20 => std::panic::resume_unwind(Box::new(())),
            ReceiveEvent::Kept { .. } => panic!("the first batch ends later"),
            _ => {}
        };
        receiving.run(&mut &whole[..], &mut die, &Stop::new())
    }));
    assert!(died.is_err());
    let mut receiving = pair.resume(&sender).unwrap();
    assert!(receiving.kept_bytes() >= 16 << 20, "{} bytes were found again", receiving.kept_bytes());
    assert!(exchange(&mut sender, &mut receiving).received.unwrap().complete);
    receiving.retire().unwrap();
    assert_eq!(pair.landed(), pair::tree(&pair.source()));
}

#[test]
fn f16_cancel_on_either_side_leaves_no_stray_file() {
    let pair = Pair::new();
    pair.write("t/large", &noise(1, 8 << 20));
    let mut sender = pair.offer(&["t"]);
    let mut receiving = pair.begin(&sender);
    let stop = Stop::new();
    let canceling = stop.clone();
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    let sent = std::thread::scope(|scope| {
        let sending = scope.spawn(|| sender.run(&mut &near, &Plan::default(), &mut |_| {}, &Stop::new()));
        let mut lane = Turn::at(far, 3 << 20, move || canceling.cancel());
        let received = receiving.run(&mut lane, &mut |_| {}, &stop);
        assert_eq!(received.unwrap_err().code(), ErrorCode::Canceled);
        drop(lane);
        sending.join().unwrap()
    });
    assert_eq!(sent.unwrap_err().code(), ErrorCode::Interrupted);
    receiving.discard().unwrap();
    assert!(pair.landed().is_empty());
    sender.into_outgoing().forget().unwrap();
    assert_eq!(fs::read_dir(pair.store()).unwrap().count(), 0);
}

#[test]
fn a_pause_keeps_what_is_there() {
    let pair = Pair::new();
    pair.write("t/large", &noise(1, 8 << 20));
    let mut sender = pair.offer(&["t"]);
    let mut receiving = pair.begin(&sender);
    let stop = Stop::new();
    let pausing = stop.clone();
    let mut whole = Vec::new();
    sender.run(&mut whole, &Plan::default(), &mut |_| {}, &Stop::new()).unwrap();
    let mut lane = Turn::at(&whole[..], 3 << 20, move || pausing.pause());
    assert!(matches!(receiving.run(&mut lane, &mut |_| {}, &stop), Err(TransferError::Paused)));
    assert!(receiving.plan(&Stop::new()).unwrap().points[0].offset >= 2 << 20);
    assert!(exchange(&mut sender, &mut receiving).received.unwrap().complete);
}

#[test]
fn f16_an_inbox_that_vanishes_ends_the_transfer_and_nothing_is_written_elsewhere() {
    for moved in [false, true] {
        let pair = Pair::new();
        make_mixture(&pair);
        let mut sender = pair.offer(&["t"]);
        let mut receiving = pair.begin(&sender);
        let (inbox, aside) = (pair.inbox_path(), pair.home().join("aside"));
        let vanish = || {
            if moved {
                fs::rename(&inbox, &aside).unwrap();
            } else {
                fs::remove_dir_all(&inbox).unwrap();
            }
            fs::create_dir(&inbox).unwrap();
        };
        let said =
            run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, |lane| Turn::at(lane, 20_000, vanish));
        let error = said.received.unwrap_err();
        assert!(matches!(error, TransferError::InboxGone { .. }), "{error}");
        assert_eq!(error.code(), ErrorCode::StorageFailed);
        assert!(pair.landed().is_empty());
        if moved {
            let kept = pair::tree(&aside).into_keys().filter(|name| !name.starts_with(".hither-partial"));
            assert_eq!(kept.count(), 0);
        }
    }
}

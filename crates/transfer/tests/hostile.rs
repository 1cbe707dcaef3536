//! Senders that lie and directories that are tampered with: the lane ends, the item fails, and nothing lands elsewhere.

mod pair;

use hither_model::{ErrorCode, PeerId};
use hither_transfer::{Plan, Received, Receiving, Stop, TransferError, wire::Head};
use pair::{ID, PEER, Pair, Turn, exchange, noise, run};
use std::{
    fs,
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
};

/// A lane made by hand.
#[derive(Default)]
struct Lane(Vec<u8>);

impl Lane {
    fn put(mut self, head: Head) -> Self {
        head.put(&mut self.0);
        self
    }

    fn item(self, item: u32, offset: u64, size: u64) -> Self {
        self.put(Head::Item { item, offset, size })
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        let mut lane = self.put(Head::Bytes { len: bytes.len() as u32 });
        lane.0.extend_from_slice(bytes);
        lane
    }

    fn end(self, bytes: &[u8]) -> Self {
        self.put(Head::End { blake3: *blake3::hash(bytes).as_bytes() })
    }

    fn into(self, receiving: &mut Receiving) -> Result<Received, TransferError> {
        receiving.run(&mut &self.0[..], &mut |_| {}, &Stop::new())
    }
}

/// An offer of `a` (10 bytes) and `b` (1 byte).
fn offered(pair: &Pair) -> Receiving {
    pair.write("a", &noise(1, 10));
    pair.write("b", b"b");
    pair.begin(&pair.offer(&["a", "b"]))
}

#[test]
fn f6_a_byte_more_than_declared_ends_the_lane_and_nothing_is_kept() {
    let pair = Pair::new();
    let mut receiving = offered(&pair);
    let eleven = noise(1, 11);
    let error = Lane::default().item(0, 0, 10).bytes(&eleven).end(&eleven).into(&mut receiving).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Misbehaved);
    let one_by_one = Lane::default().item(0, 0, 10).bytes(&noise(1, 10)).bytes(b"!").into(&mut receiving);
    assert_eq!(one_by_one.unwrap_err().code(), ErrorCode::Misbehaved);
    receiving.discard().unwrap();
    assert!(pair.landed().is_empty());
}

#[test]
fn f6_a_byte_less_than_declared_fails_that_item_and_the_others_are_kept() {
    let pair = Pair::new();
    let mut receiving = offered(&pair);
    let nine = noise(1, 9);
    let lane = Lane::default().item(0, 0, 10).bytes(&nine).end(&nine);
    let received = lane.item(1, 0, 1).bytes(b"b").end(b"b").put(Head::Done).into(&mut receiving).unwrap();
    assert_eq!((received.complete, received.kept), (false, 1));
    assert_eq!(received.failed[0].code, ErrorCode::Truncated);
    receiving.discard().unwrap();
    assert_eq!(pair.landed().into_keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn f6_sizes_and_items_that_were_not_offered_end_the_lane() {
    for (item, offset, size) in [(0, 0, 11), (0, 0, 1 << 63), (0, 11, 10), (0, 5, 10), (2, 0, 1), (u32::MAX, 0, 1)] {
        let pair = Pair::new();
        let mut receiving = offered(&pair);
        let error = Lane::default().item(item, offset, size).into(&mut receiving).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Misbehaved, "{item} {offset} {size}");
    }
}

#[test]
fn frames_out_of_turn_end_the_lane() {
    let a = noise(1, 10);
    let whole = |lane: Lane| lane.item(0, 0, 10).bytes(&noise(1, 10)).end(&noise(1, 10));
    let lanes: Vec<Lane> = vec![
        Lane::default().bytes(b"x"),
        Lane::default().end(b"x"),
        Lane::default().item(0, 0, 10).item(1, 0, 1),
        Lane::default().item(0, 0, 10).put(Head::Done),
        Lane::default().item(0, 0, 10).bytes(&a).put(Head::Fail { item: 1, code: ErrorCode::SourceChanged }),
        whole(whole(Lane::default())),
        Lane::default().item(1, 0, 1).bytes(b"b").end(b"b").item(0, 0, 10),
        (0..5).fold(Lane::default(), |lane, _| lane.item(0, 0, 10).bytes(b"again")),
        Lane(vec![77]),
    ];
    for (number, lane) in lanes.into_iter().enumerate() {
        let pair = Pair::new();
        let mut receiving = offered(&pair);
        let error = lane.into(&mut receiving).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Misbehaved, "lane {number}: {error}");
    }
}

#[test]
fn a_wrong_digest_fails_that_item_and_leaves_no_part_file() {
    let pair = Pair::new();
    let mut receiving = offered(&pair);
    let lane = Lane::default().item(0, 0, 10).bytes(&noise(2, 10)).end(&noise(1, 10));
    let received = lane.item(1, 0, 1).bytes(b"b").end(b"b").put(Head::Done).into(&mut receiving).unwrap();
    assert_eq!(received.failed[0].code, ErrorCode::DigestWrong);
    assert!(!pair.inbox_path().join(format!(".hither-partial/{ID}/0")).exists());
    assert!(!pair.inbox_path().join("a").exists());
}

#[test]
fn a_file_may_start_over_and_only_its_last_bytes_count() {
    let pair = Pair::new();
    let mut receiving = offered(&pair);
    let a = noise(1, 10);
    let lane = Lane::default().item(0, 0, 10).bytes(b"wrong").item(0, 0, 10).bytes(&a).end(&a);
    let lane = lane.put(Head::Fail { item: 1, code: ErrorCode::StorageFailed }).put(Head::Done);
    let received = lane.into(&mut receiving).unwrap();
    assert_eq!((received.kept, received.failed.len(), received.missing), (1, 1, 0));
    assert_eq!(fs::read(pair.inbox_path().join("a")).unwrap(), a);
    let receipt = receiving.receipt(1);
    assert_eq!(receipt.failed, [(1, ErrorCode::StorageFailed)]);
}

#[test]
fn f4_a_link_at_the_target_or_in_its_way_is_never_followed() {
    let pair = Pair::new();
    let outside = tempfile::tempdir().unwrap();
    pair.write("album/x/one", b"1");
    pair.write("two", b"2");
    symlink(outside.path(), pair.inbox_path().join("album")).unwrap();
    symlink(outside.path().join("two"), pair.inbox_path().join("two")).unwrap();
    let mut sender = pair.offer(&["album", "two"]);
    let mut receiving = pair.begin(&sender);
    assert!(exchange(&mut sender, &mut receiving).received.unwrap().complete);
    receiving.retire().unwrap();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(fs::read(pair.inbox_path().join("album (2)/x/one")).unwrap(), b"1");
    assert_eq!(fs::read(pair.inbox_path().join("two (2)")).unwrap(), b"2");
}

#[test]
fn f4_a_folder_swapped_for_a_link_during_the_transfer_leads_nowhere() {
    let pair = Pair::new();
    let outside = tempfile::tempdir().unwrap();
    for number in 0..1200 {
        pair.write(&format!("album/{:02}/{number}", number % 40), &noise(number, 600));
    }
    let mut sender = pair.offer(&["album"]);
    let mut receiving = pair.begin(&sender);
    let (inbox, target) = (pair.inbox_path(), outside.path().to_owned());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let (album, aside) = (inbox.join("album/07"), inbox.join("aside"));
            while !over.load(Ordering::Relaxed) {
                if fs::rename(&album, &aside).is_ok() {
                    let _ = symlink(&target, &album);
                    std::thread::yield_now();
                    let _ = fs::remove_file(&album);
                    let _ = fs::rename(&aside, &album);
                }
            }
        });
        let said = exchange(&mut sender, &mut receiving);
        over.store(true, Ordering::Relaxed);
        swapping.join().unwrap();
        said.received.unwrap();
    });
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "nothing is written outside");
}

#[test]
fn f4_a_link_where_a_folder_of_the_transfer_belongs_fails_those_items_only() {
    let pair = Pair::new();
    let outside = tempfile::tempdir().unwrap();
    pair.write("album/one", &noise(1, 2 << 20));
    pair.write("album/sub/two", b"2");
    let mut sender = pair.offer(&["album"]);
    let mut receiving = pair.begin(&sender);
    let plan = receiving.plan(&Stop::new()).unwrap();
    let link = pair.inbox_path().join("album/sub");
    let target = outside.path().to_owned();
    let plant = move || {
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, link).unwrap();
    };
    let said = run(&mut sender, &mut receiving, &plan, |lane| lane, |lane| Turn::at(lane, 1 << 20, plant));
    let received = said.received.unwrap();
    // The planted folder took the name, so ours is the second one and the link is not even in the way.
    assert!(received.complete);
    assert_eq!(received.names, ["album (2)"]);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn f12_only_the_peer_it_began_with_can_resume_and_others_learn_nothing() {
    let pair = Pair::new();
    pair.write("a", b"1");
    let sender = pair.offer(&["a"]);
    drop(pair.begin(&sender));
    let hash = sender.outgoing().manifest().hash();
    let other = Receiving::resume(&pair.inbox(), ID, PeerId::new([1; 32]), hash).unwrap_err();
    let none = Receiving::resume(&pair.inbox(), hither_model::TransferId::new([1; 16]), PEER, hash).unwrap_err();
    assert_eq!(other.to_string(), none.to_string());
    assert_eq!(other.code(), ErrorCode::UnknownId);
    let changed = Receiving::resume(&pair.inbox(), ID, PEER, [0; 32]).unwrap_err();
    assert_eq!(changed.code(), ErrorCode::Stale);
    assert!(pair.resume(&sender).is_ok());
}

#[test]
fn f11_an_altered_part_file_is_found_out_and_the_file_arrives_right() {
    let pair = Pair::new();
    let bytes = noise(1, 6 << 20);
    pair.write("a", &bytes);
    let mut sender = pair.offer(&["a"]);
    let mut receiving = pair.begin(&sender);
    let said = run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, |lane| pair::cut(lane, 4 << 20));
    assert_eq!(said.received.unwrap_err().code(), ErrorCode::Interrupted);
    drop(receiving);
    let part = pair.inbox_path().join(format!(".hither-partial/{ID}/0"));
    let mut held = fs::read(&part).unwrap();
    assert!(held.len() > 3 << 20);
    held[1_000_000] ^= 1;
    fs::write(&part, held).unwrap();
    let mut receiving = pair.resume(&sender).unwrap();
    let said = exchange(&mut sender, &mut receiving);
    assert!(said.received.unwrap().complete);
    assert!(said.send_events.contains(&hither_transfer::SendEvent::Restarted { item: 0 }));
    assert_eq!(fs::read(pair.inbox_path().join("a")).unwrap(), bytes);
}

#[test]
fn f11_a_source_altered_in_its_sent_part_starts_over_even_with_the_same_size_and_time() {
    let pair = Pair::new();
    let mut bytes = noise(1, 6 << 20);
    let path = pair.write("a", &bytes);
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let mut sender = pair.offer(&["a"]);
    let mut receiving = pair.begin(&sender);
    run(&mut sender, &mut receiving, &Plan::default(), |lane| lane, |lane| pair::cut(lane, 4 << 20));
    bytes[5] ^= 1;
    fs::write(&path, &bytes).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    let plan = receiving.plan(&Stop::new()).unwrap();
    assert_eq!(plan.points.len(), 1);
    let said = run(&mut sender, &mut receiving, &plan, |lane| lane, |lane| lane);
    assert!(said.received.unwrap().complete);
    assert_eq!(fs::read(pair.inbox_path().join("a")).unwrap(), bytes, "the new bytes, not a mixture");
    receiving.receipt(1).verify(ID, sender.outgoing().manifest(), sender.outgoing().digests()).unwrap();
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(96))]
    #[test]
    fn any_row_of_frames_ends_without_a_panic_and_keeps_nothing_wrong(steps in proptest::collection::vec((0u8..7, 0u32..3), 0..14)) {
        let pair = Pair::new();
        let mut receiving = offered(&pair);
        let contents = [noise(1, 10), b"b".to_vec(), Vec::new()];
        let lane = steps.into_iter().fold(Lane::default(), |lane, (kind, item)| {
            let right = &contents[item as usize];
            match kind {
                0 | 1 => lane.item(item, 0, right.len() as u64),
                2 | 3 if !right.is_empty() => lane.bytes(right),
                4 => lane.end(right),
                5 => lane.put(Head::Fail { item, code: ErrorCode::SourceChanged }),
                6 => lane.put(Head::Done),
                _ => lane.bytes(b"x"),
            }
        });
        let _ = lane.into(&mut receiving);
        for (name, right) in [("a", &contents[0]), ("b", &contents[1])] {
            if let Ok(landed) = fs::read(pair.inbox_path().join(name)) {
                proptest::prop_assert_eq!(&landed, right);
            }
        }
        receiving.discard().unwrap();
    }
}

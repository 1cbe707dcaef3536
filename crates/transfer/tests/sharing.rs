//! Several recipients of one scan: the source is read once for those that keep up, and each has every byte.

mod pair;

use hither_model::TransferId;
use hither_transfer::{Limits, Plan, Ranges, ResumePoint, Sender, Stop, TransferError, Window, scan};
use pair::{Pair, noise, run};
use std::{
    fs,
    io::{self, Write},
    sync::{Arc, Barrier},
    thread,
};

/// Blocks of 256 KiB in a file of so many bytes.
fn blocks(bytes: usize) -> u64 {
    bytes.div_ceil(256 << 10) as u64
}

/// A lane that lets nobody get ahead: all write at the same time.
struct InStep(Vec<u8>, Arc<Barrier>);

impl Write for InStep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.wait();
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn recipients(pair: &Pair, count: u8, names: &[&str], window: &Window) -> Vec<Sender> {
    let one = |n| {
        let mut sender = pair.offer_as(TransferId::new([n; 16]), names);
        sender.share(Some(window.clone()));
        sender
    };
    (1..=count).map(one).collect()
}

fn send(sender: &mut Sender, lane: &mut impl Write) -> Result<u32, TransferError> {
    sender.run(lane, &Plan::default(), &mut |_| {}, &Stop::new()).map(|outcome| outcome.sent)
}

#[test]
fn one_post_to_three_reads_the_source_once() {
    let pair = Pair::new();
    let sizes = [9 << 20, (6 << 20) + 77, 1_000];
    for (n, size) in sizes.iter().enumerate() {
        pair.write(&format!("t/{n}"), &noise(n as u64 + 1, *size));
    }
    let window = Window::new();
    let barrier = Arc::new(Barrier::new(3));
    let mut senders = recipients(&pair, 3, &["t"], &window);
    let lanes: Vec<Vec<u8>> = thread::scope(|scope| {
        let each = |sender| {
            let mut lane = InStep(vec![], Arc::clone(&barrier));
            scope.spawn(move || {
                assert_eq!(send(sender, &mut lane).unwrap(), 3);
                lane.0
            })
        };
        let running: Vec<_> = senders.iter_mut().map(each).collect();
        running.into_iter().map(|sending| sending.join().unwrap()).collect()
    });
    assert!(lanes[0] == lanes[1] && lanes[1] == lanes[2], "each has every byte");
    assert!(lanes[0].len() > sizes.iter().sum());
    assert_eq!(window.reads(), sizes.iter().map(|size| blocks(*size)).sum::<u64>(), "no block is read twice");
    assert!(window.is_idle());
}

#[test]
fn whoever_is_far_behind_or_resumes_elsewhere_reads_for_itself_and_has_every_byte() {
    let pair = Pair::new();
    pair.write("film", &noise(3, 12 << 20));
    let window = Window::new();
    let mut senders = recipients(&pair, 2, &["film"], &window);
    let (mut first, mut second) = (vec![], vec![]);
    send(&mut senders[0], &mut first).unwrap();
    send(&mut senders[1], &mut second).unwrap();
    assert!(first == second);
    assert_eq!(window.reads(), 2 * blocks(12 << 20), "one after the other, nothing is left to share");

    let mut receiving = pair.begin(&senders[0]);
    let whole = noise(3, 12 << 20);
    let offset = (5 << 20) + 13;
    let point =
        ResumePoint { item: 0, offset, prefix: *blake3::hash(&whole[..usize::try_from(offset).unwrap()]).as_bytes() };
    let plan = Plan { points: vec![point], skip: Ranges::new(), only: None };
    let mut lane = vec![];
    senders[1].run(&mut lane, &plan, &mut |_| {}, &Stop::new()).unwrap();
    let rest = whole.len() - usize::try_from(offset).unwrap();
    assert!((rest..rest + 10_000).contains(&lane.len()), "it goes on where it stood");
    let all = receiving.plan(&Stop::new()).unwrap();
    let said = run(&mut senders[0], &mut receiving, &all, |lane| lane, |lane| lane);
    assert!(said.received.unwrap().complete);
    receiving.retire().unwrap();
    assert_eq!(pair.landed(), pair::tree(&pair.source()));
}

#[test]
fn a_scan_finds_the_same_until_a_file_is_another() {
    let pair = Pair::new();
    pair.write("t/a", b"one");
    pair.write("t/b", b"two");
    let look = || scan(&[pair.source().join("t")], &Limits::default(), &Stop::new()).unwrap();
    let before = look();
    fs::write(pair.source().join("t/passing"), "").unwrap();
    assert!(!before.found_the_same(&look()), "one more");
    fs::remove_file(pair.source().join("t/passing")).unwrap();
    assert!(before.found_the_same(&look()), "that the folder was touched says nothing");
    pair.write("t/b", b"three");
    assert!(!before.found_the_same(&look()));
}

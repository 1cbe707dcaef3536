//! What the queue promises, whatever is in it and whatever is seen.

use super::*;
use crate::networks::Cost;
use hither_model::{CostPolicy, ErrorCode, Priority};
use proptest::prelude::*;

const NOW: u64 = 1_000_000;

fn peer(n: u8) -> PeerId {
    PeerId::new([n; 32])
}

fn id(n: u64) -> OutboxId {
    OutboxId::new(n.to_be_bytes())
}

fn post_to(queue: &mut Queue, peers: &[u8], change: impl Fn(&mut Post)) -> Vec<OutboxId> {
    let mut post = Post {
        to: peers.iter().map(|n| (peer(*n), format!("peer {n}"))).collect(),
        paths: vec![format!("/a/{}", queue.posted).into()],
        seconds: 3_600,
        priority: Priority::Default,
        cost: CostPolicy::Default,
        group: None,
    };
    change(&mut post);
    let first = queue.posted;
    let ids: Vec<OutboxId> = (0..peers.len() as u64).map(|n| id(first + n)).collect();
    let batch = TransferId::new([queue.batches.len() as u8; 16]);
    queue.post(batch, &post, "a title", &ids, NOW);
    ids
}

fn seen(session: Session) -> Peer {
    Peer { session, reachable: true, known: true, calling: false, asked: false, again: 0, cost: Cost::Free }
}

fn world(peers: impl IntoIterator<Item = (u8, Peer)>) -> View {
    let peers = peers.into_iter().map(|(n, seen)| (peer(n), seen)).collect();
    View { now: NOW, network: true, may_dial: true, rests: false, unfinished: 0, peers }
}

fn waits(decision: &Decision, id: OutboxId) -> Option<WaitsFor> {
    decision.waits.iter().find(|(of, _)| *of == id).map(|(_, what)| *what)
}

fn started(decision: &Decision) -> Vec<OutboxId> {
    let start = |act: &Act| if let Act::Start(id) = act { Some(*id) } else { None };
    decision.acts.iter().filter_map(start).collect()
}

#[test]
fn what_can_go_goes_those_that_matter_most_first_then_the_oldest() {
    let mut queue = Queue::default();
    let low = post_to(&mut queue, &[1], |post| post.priority = Priority::Low)[0];
    let first = post_to(&mut queue, &[1], |_| {})[0];
    let second = post_to(&mut queue, &[1], |_| {})[0];
    let high = post_to(&mut queue, &[1], |post| post.priority = Priority::High)[0];
    let decision = queue.decide(&world([(1, seen(Session::Up))]));
    assert_eq!(started(&decision), [high, first, second, low]);
}

#[test]
fn r6_14_the_policy_says_over_which_networks() {
    let all = [Cost::Free, Cost::Metered, Cost::Dear];
    let over = |policy| all.map(|cost| allows(policy, cost));
    assert_eq!(over(CostPolicy::Default), [true, true, false]);
    assert_eq!(over(CostPolicy::Unrestricted), [true, false, false]);
    assert_eq!(over(CostPolicy::Always), [true, true, true]);
}

#[test]
fn r6_14_what_runs_is_paused_when_the_network_costs_too_much_and_goes_on_when_it_does_not() {
    let mut queue = Queue::default();
    let entry = post_to(&mut queue, &[1], |_| {})[0];
    queue.entries.get_mut(&entry).unwrap().state = OutboxState::Sending;
    let dear = world([(1, Peer { cost: Cost::Dear, ..seen(Session::Up) })]);
    assert_eq!(queue.decide(&dear).acts, [Act::Pause(entry)]);
    queue.entries.get_mut(&entry).unwrap().costly = true;
    assert_eq!(queue.decide(&dear).acts, []);
    let free = world([(1, seen(Session::Up))]);
    assert_eq!(queue.decide(&free).acts, [Act::Resume(entry)]);
    queue.entries.get_mut(&entry).unwrap().held = true;
    assert_eq!(queue.decide(&free).acts, [], "the person holds it back");
    let other = post_to(&mut queue, &[1], |_| {})[0];
    assert_eq!(waits(&queue.decide(&dear), other), Some(WaitsFor::Unmetered));
}

#[test]
fn r6_15_a_serial_group_sends_one_after_the_other_and_a_parallel_one_side_by_side() {
    let mut queue = Queue::default();
    let mut group = |name: &str| post_to(&mut queue, &[1, 2], |post| post.group = Some(name.into()));
    let (rows, heap) = (group("rows"), group("heap"));
    assert!(queue.group("rows", true), "making one that is there changes it");
    assert_eq!(queue.groups.len(), 2);
    let view = world([(1, seen(Session::Up)), (2, seen(Session::Up))]);
    let decision = queue.decide(&view);
    assert_eq!(started(&decision), [rows[0], heap[0], heap[1]]);
    assert_eq!(waits(&decision, rows[1]), Some(WaitsFor::Turn));
    for n in 0..48 {
        assert!(queue.group(&format!("g{n}"), false));
    }
    assert!(!queue.group("one more than fifty", false));
    assert!(queue.group("rows", false), "those that are there still change");
}

#[test]
fn r6_16_below_two_hundred_transfers_and_no_flood_for_one_device() {
    let mut queue = Queue::default();
    for n in 0..250 {
        post_to(&mut queue, &[(n % 50) as u8], |_| {});
    }
    let all = |unfinished| View { unfinished, ..world((0..50).map(|n| (n, seen(Session::Up)))) };
    assert_eq!(started(&queue.decide(&all(0))).len(), 200);
    assert_eq!(started(&queue.decide(&all(150))).len(), 50);
    assert_eq!(started(&queue.decide(&all(200))).len(), 0);
    let mut queue = Queue::default();
    for _ in 0..40 {
        post_to(&mut queue, &[1], |_| {});
    }
    assert_eq!(started(&queue.decide(&world([(1, seen(Session::Up))]))).len(), 16);
}

#[test]
fn a_device_is_invited_once_for_all_that_waits_for_it_and_only_if_that_makes_sense() {
    let mut queue = Queue::default();
    let one = post_to(&mut queue, &[1], |_| {})[0];
    post_to(&mut queue, &[1], |_| {});
    let with = |change: fn(&mut Peer)| {
        let mut there = seen(Session::None);
        change(&mut there);
        world([(1, there)])
    };
    assert_eq!(queue.decide(&with(|_| {})).acts, [Act::Invite(peer(1))]);
    for (change, what) in [
        ((|p| p.reachable = false) as fn(&mut Peer), WaitsFor::Device),
        (|p| p.known = false, WaitsFor::Device),
        (|p| p.session = Session::Down, WaitsFor::Device),
        (|p| p.calling = true, WaitsFor::Device),
        (|p| (p.calling, p.asked) = (true, true), WaitsFor::Person),
        (|p| p.cost = Cost::Dear, WaitsFor::Unmetered),
        (|p| p.again = NOW + 60, WaitsFor::Device),
    ] {
        let decision = queue.decide(&with(change));
        assert_eq!((decision.acts.as_slice(), waits(&decision, one)), (&[][..], Some(what)));
    }
    assert_eq!(queue.decide(&with(|p| p.again = NOW + 60)).again, Some(NOW + 60));
    let lonely = View { network: false, ..with(|_| {}) };
    assert_eq!(waits(&queue.decide(&lonely), one), Some(WaitsFor::Network));
    let revoked = View { may_dial: false, ..with(|_| {}) };
    assert_eq!((queue.decide(&revoked).acts.len(), waits(&queue.decide(&revoked), one)), (0, Some(WaitsFor::Word)));
    let resting = View { rests: true, ..with(|_| {}) };
    assert_eq!(queue.decide(&resting).acts, [], "before the end nothing is begun");
    assert_eq!(queue.decide(&View { rests: true, ..with(|p| p.session = Session::Up) }).acts, []);
    for entry in queue.entries.values_mut() {
        entry.declined = true;
    }
    let decision = queue.decide(&with(|_| {}));
    assert_eq!((decision.acts.as_slice(), waits(&decision, one)), (&[][..], Some(WaitsFor::Word)));
}

#[test]
fn r6_17_three_tries_with_back_off_then_it_has_failed_and_a_word_begins_anew() {
    let mut queue = Queue::default();
    let entry = post_to(&mut queue, &[1], |post| post.seconds = 1_000_000)[0];
    let here = |now| View { now, ..world([(1, seen(Session::Up))]) };
    let mut now = NOW;
    for wait in [20, 60, 180] {
        queue.stumbled(&entry, &Failure::new(ErrorCode::TimedOut, "no answer"), now);
        let decision = queue.decide(&here(now));
        assert_eq!((waits(&decision, entry), decision.again), (Some(WaitsFor::Retry), Some(now + wait)));
        let alone = View { network: false, ..world([]) };
        assert_eq!(waits(&queue.decide(&alone), entry), Some(WaitsFor::Network), "without a network it waits for that");
        now += wait;
        assert_eq!(started(&queue.decide(&here(now))), [entry]);
    }
    queue.stumbled(&entry, &Failure::new(ErrorCode::TimedOut, "no answer"), now);
    assert_eq!(queue.entries[&entry].state, OutboxState::Failed);
    queue.entries.get_mut(&entry).unwrap().go();
    assert_eq!(started(&queue.decide(&here(now))), [entry]);
    queue.stumbled(&entry, &Failure::new(ErrorCode::Declined, "no, thank you"), now);
    assert_eq!(queue.entries[&entry].state, OutboxState::Failed, "a no is not asked about again");
}

#[test]
fn r6_18_a_batch_is_done_once_when_all_of_it_is_over() {
    let mut queue = Queue::default();
    let ids = post_to(&mut queue, &[1, 2, 3], |_| {});
    let batch = queue.entries[&ids[0]].batch;
    let mut over = |n: usize, state| {
        queue.entries.get_mut(&ids[n]).unwrap().state = state;
        queue.finished(&batch)
    };
    assert_eq!(over(0, OutboxState::Sent), None);
    assert_eq!(over(1, OutboxState::Failed), None);
    assert_eq!(over(2, OutboxState::Sent), Some(Finished { title: "a title".into(), all: 3, sent: 2 }));
    assert_eq!(over(1, OutboxState::Sent), None, "a second time it is not told");
}

#[test]
fn what_waits_too_long_expires_and_what_is_over_makes_room() {
    let mut queue = Queue::default();
    let ids = post_to(&mut queue, &[1, 2], |post| post.seconds = 10);
    let later = View { now: NOW + 10, ..world([(1, seen(Session::Up))]) };
    assert_eq!(queue.decide(&later).acts, [Act::Expire(ids[0]), Act::Expire(ids[1])]);
    assert_eq!(queue.decide(&world([])).again, Some(NOW + 10));
    assert_eq!(queue.room_for(MAX_ENTRIES - 2), Some(vec![]));
    assert_eq!(queue.room_for(MAX_ENTRIES - 1), None);
    queue.entries.get_mut(&ids[1]).unwrap().state = OutboxState::Expired;
    assert_eq!(queue.room_for(MAX_ENTRIES - 1), Some(vec![ids[1]]));
    assert!(queue.holds(&peer(1), &["/a/0".into()]) && !queue.holds(&peer(2), &["/a/0".into()]));
    assert_eq!(queue.take_out(&[ids[1]]).batches, []);
    assert_eq!(queue.take_out(&[ids[0]]).batches.len(), 1);
}

fn any_peer() -> impl Strategy<Value = Peer> {
    let session = prop_oneof![Just(Session::None), Just(Session::Down), Just(Session::Up)];
    let cost = prop_oneof![Just(Cost::Free), Just(Cost::Metered), Just(Cost::Dear)];
    let flags = any::<[bool; 4]>();
    (session, cost, flags, 0..3u64).prop_map(|(session, cost, [reachable, known, calling, asked], again)| Peer {
        session,
        reachable,
        known,
        calling,
        asked,
        again: NOW + again * 10 - 10,
        cost,
    })
}

fn any_entry() -> impl Strategy<Value = (u8, usize, usize, Option<u8>, usize, [bool; 4], u64)> {
    (0..6u8, 0..3usize, 0..3usize, proptest::option::of(0..3u8), 0..5usize, any::<[bool; 4]>(), 0..4u64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_there_nothing_goes_that_must_not(
        entries in proptest::collection::vec(any_entry(), 0..60),
        peers in proptest::collection::vec(any_peer(), 6),
        unfinished in 0..205usize, network: bool, may_dial: bool,
    ) {
        let mut queue = Queue::default();
        for (to, priority, cost, group, state, [held, declined, costly, retry], life) in entries {
            let ids = post_to(&mut queue, &[to], |post| {
                (post.priority, post.cost) = (Priority::ALL[priority], CostPolicy::ALL[cost]);
                (post.group, post.seconds) = (group.map(|g| format!("g{g}")), life * 5);
            });
            let entry = queue.entries.get_mut(&ids[0]).unwrap();
            (entry.state, entry.held, entry.declined, entry.costly) = (OutboxState::ALL[state], held, declined, costly);
            entry.next = retry.then_some(NOW + life);
        }
        queue.group("g0", true);
        let view = View { network, may_dial, unfinished, ..world((0..6).zip(peers)) };
        let decision = queue.decide(&view);
        prop_assert_eq!(&decision, &queue.decide(&view), "the same always leads to the same");

        let waiting = queue.entries.iter().filter(|(_, e)| e.state == OutboxState::Waiting).count();
        let going = started(&decision);
        let expired = decision.acts.iter().filter(|act| matches!(act, Act::Expire(_))).count();
        prop_assert_eq!(waiting, going.len() + expired + decision.waits.len(), "each has exactly one fate");
        prop_assert!(going.is_empty() || unfinished + going.len() <= MAX_UNFINISHED);
        let mut last = None;
        for id in &going {
            let entry = &queue.entries[id];
            let there = &view.peers[&entry.peer];
            prop_assert!(there.session == Session::Up && allows(entry.cost, there.cost));
            prop_assert!(!entry.held && !entry.declined && entry.expires > NOW && entry.next.is_none_or(|at| at <= NOW));
            let place = (Reverse(entry.priority), entry.number);
            prop_assert!(last.is_none_or(|before| before < place), "in order");
            last = Some(place);
        }
        let serial = |e: &&Entry| e.group.as_deref() == Some("g0");
        let under_way = queue.entries.values().filter(|e| e.state == OutboxState::Sending).filter(serial).count();
        let begun = going.iter().map(|id| &queue.entries[id]).filter(serial).count();
        prop_assert!(begun <= usize::from(under_way == 0));
        let mut invited = BTreeSet::new();
        for act in &decision.acts {
            let Act::Invite(peer) = act else { continue };
            let there = &view.peers[peer];
            prop_assert!(invited.insert(*peer), "one invite for all that waits");
            prop_assert!(may_dial && network && there.known && there.reachable && !there.calling);
            prop_assert!(there.session == Session::None && there.again <= NOW);
        }
        prop_assert!(decision.again.is_none_or(|at| at > NOW), "it is not decided in a circle");
    }
}

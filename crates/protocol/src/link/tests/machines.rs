//! Redeeming a link, and everything that may go wrong with it.

use super::*;
use crate::{
    Breach, Digest,
    hello::{Frame, Hello, LinkHello, No},
    invite::{Admission, Alarm, Effect, Ending, Step, Unfit},
};
use hither_model::{DisplayName, ErrorCode, Verified};

const UNIX: u64 = 1000;

fn name(text: &str) -> Option<DisplayName> {
    DisplayName::new(text).ok()
}

fn ending<M>(step: &Step<M>) -> Option<Ending> {
    match step.effects.last() {
        Some(Effect::End(ending)) => Some(*ending),
        _ => None,
    }
}

fn sent<M>(step: &Step<M>) -> Vec<Frame> {
    let frames =
        step.effects.iter().filter_map(|e| if let Effect::Send(frame) = e { Some(frame.clone()) } else { None });
    frames.collect()
}

fn alarm<M>(step: &Step<M>) -> Option<Alarm> {
    step.effects.iter().find_map(|e| if let Effect::Alarm(alarm) = e { Some(*alarm) } else { None })
}

fn admission<M>(step: &Step<M>) -> Option<&Admission> {
    step.effects.iter().find_map(|e| if let Effect::Admit(admission) = e { Some(admission) } else { None })
}

fn open(binding: Binding) -> (LinkOpener, LinkHello) {
    let step = LinkOpener::start(0, binding, &url(), invite(), (name("Ana"), None), 60_000);
    let Some(Effect::Open(Hello::Link(hello))) = step.effects.first() else { panic!("no hello") };
    (step.next.unwrap(), hello.clone())
}

fn hello_from(client: u8, exporter: u8) -> (Binding, LinkHello) {
    let ends = || Binding::new([exporter; 32], peer(client), peer(2));
    let proof = acceptor_proof(&url().keys(), &ends());
    (ends(), LinkHello { name: None, proof, certified: None })
}

fn host(binding: Binding, hello: LinkHello, ledger: &mut LinkLedger) -> Step<LinkHost> {
    LinkHost::start(0, UNIX, binding, hello, invite(), name("Ben"), ledger)
}

/// A host that has asked its person.
fn proven(ledger: &mut LinkLedger) -> (LinkOpener, LinkHost) {
    let (opener, hello) = open(binding(9));
    let step = host(binding(9), hello, ledger);
    let proof = sent(&step).into_iter().next().unwrap();
    (opener.heard(1, proof).next.unwrap(), step.next.unwrap())
}

fn state(ledger: &mut LinkLedger) -> String {
    ledger.rows(UNIX)[0].state.clone()
}

#[test]
fn a_link_is_proven_confirmed_and_used_up_before_either_side_is_admitted() {
    let mut ledger = ledger(1);
    assert_eq!(state(&mut ledger), "made");
    let (opener, host) = proven(&mut ledger);
    assert_eq!(state(&mut ledger), "proven");
    let step = host.answer(2, UNIX, true, &mut ledger);
    assert_eq!(state(&mut ledger), "confirmed");
    assert!(sent(&step).is_empty(), "nothing is said before the link is used up");
    assert!(matches!(step.effects[..], [Effect::Consume { .. }]));
    ledger.consume(UNIX, &invite(), &peer(1)).unwrap();
    assert_eq!(state(&mut ledger), "consumed");
    let step = step.next.unwrap().consumed(3, true);
    let accepted = sent(&step).into_iter().next().unwrap();
    let host = step.next.unwrap();
    let step = opener.heard(4, accepted);
    let welcome = sent(&step).into_iter().next().unwrap();
    let ours = admission(&step).unwrap();
    let step = host.heard(5, welcome);
    let theirs = admission(&step).unwrap();
    assert_eq!((ours.verified(), theirs.verified()), (Verified::Link, Verified::Link));
    assert_eq!((ours.peer(), theirs.peer()), (peer(2), peer(1)));
    assert_eq!(ours.pair_key().unwrap().as_bytes(), theirs.pair_key().unwrap().as_bytes());
    assert_eq!(ours.session(), theirs.session());
    assert_eq!((ours.name().unwrap().as_str(), theirs.name().unwrap().as_str()), ("Ben", "Ana"));
}

#[test]
fn i1_opening_a_link_twice_without_a_yes_leaves_it_good() {
    let mut ledger = ledger(1);
    for _ in 0..2 {
        let (_, host) = proven(&mut ledger);
        assert_eq!(ending(&host.lost()), Some(Ending::Interrupted));
    }
    assert_eq!(ledger.rows(UNIX)[0].uses_left, 1);
    assert_eq!(ledger.find(UNIX, &url().keys().rid), Some(invite()));
}

#[test]
fn i2_expired_unknown_used_revoked_and_wrong_sound_exactly_alike_and_ask_nobody() {
    let used = || {
        let mut ledger = ledger(1);
        let (_, host) = proven(&mut ledger);
        let _ = host.answer(2, UNIX, true, &mut ledger);
        ledger.consume(UNIX, &invite(), &peer(1)).unwrap();
        ledger
    };
    let revoked = || {
        let mut ledger = ledger(1);
        ledger.revoke(&invite()).unwrap();
        ledger
    };
    let expired = || {
        let mut ledger = ledger(1);
        assert!(ledger.sweep(1600));
        ledger
    };
    let mut wrong = hello_from(1, 9);
    wrong.1.proof.0[0] ^= 1;
    for (mut ledger, (ends, hello)) in [
        (LinkLedger::default(), hello_from(1, 9)),
        (used(), hello_from(1, 9)),
        (used(), hello_from(3, 9)),
        (revoked(), hello_from(1, 9)),
        (expired(), hello_from(1, 9)),
        (ledger(1), wrong),
    ] {
        let step = host(ends, hello, &mut ledger);
        assert_eq!(sent(&step), [Frame::No { why: No::Expired }]);
        assert_eq!(ending(&step), Some(Ending::LinkRefused));
        assert!(!step.effects.iter().any(|e| matches!(e, Effect::AskPerson(_))));
    }
    for mut ledger in [LinkLedger::default(), used(), revoked(), expired()] {
        assert_eq!(ledger.find(UNIX, &url().keys().rid), None, "the door does not even open");
    }
    let step = open(binding(9)).0.heard(1, Frame::No { why: No::Expired });
    assert_eq!(ending(&step), Some(Ending::LinkDead));
}

#[test]
fn i4_at_another_device_than_the_one_in_the_link_not_a_word_is_said() {
    let other = Binding::new([9; 32], peer(1), peer(66));
    let step = LinkOpener::start(0, other, &url(), invite(), (name("Ana"), None), 60_000);
    assert!(matches!(step.effects[..], [Effect::End(Ending::NotTheInviter)]));
    assert!(Ending::NotTheInviter.failure().message.contains("not the device that made this invite"));
}

#[test]
fn i5_a_proof_from_another_connection_or_another_device_is_refused() {
    let mut ledger = ledger(1);
    let (_, heard_elsewhere) = hello_from(1, 8);
    let step = host(binding(9), heard_elsewhere, &mut ledger);
    assert_eq!(ending(&step), Some(Ending::LinkRefused));
    let (_, of_another) = hello_from(3, 9);
    assert_eq!(ending(&host(binding(9), of_another, &mut ledger)), Some(Ending::LinkRefused));
    let reflected = LinkHello { name: None, proof: inviter_proof(&url().keys(), &binding(9)), certified: None };
    assert_eq!(ending(&host(binding(9), reflected, &mut ledger)), Some(Ending::LinkRefused));
    let (opener, hello) = open(binding(9));
    let step = opener.heard(1, Frame::LinkProof { proof: hello.proof });
    assert_eq!(ending(&step), Some(Ending::Misbehaved(Breach::WrongProof)), "our own proof sent back");
}

#[test]
fn an_inviter_that_cannot_prove_the_link_is_not_believed() {
    let (opener, _) = open(binding(9));
    let step = opener.heard(1, Frame::Accepted { name: None, certified: None });
    assert_eq!(ending(&step), Some(Ending::Misbehaved(Breach::OutOfOrder)));
    let (opener, _) = open(binding(9));
    assert_eq!(opener.deadline(), 10_000, "no person is asked for the proof");
    assert_eq!(ending(&opener.tick(10_000)), Some(Ending::TimedOut));
}

#[test]
fn a_second_device_with_a_good_proof_is_refused_and_raises_an_alarm() {
    let mut ledger = ledger(1);
    let (_, host_machine) = proven(&mut ledger);
    let (ends, hello) = hello_from(3, 20);
    let step = host(ends, hello, &mut ledger);
    assert_eq!(alarm(&step), Some(Alarm::SecondDevice { invite: invite(), peer: peer(3) }));
    assert_eq!(sent(&step), [Frame::No { why: No::Expired }]);
    let step = host_machine.answer(2, UNIX, false, &mut ledger);
    assert_eq!(ending(&step), Some(Ending::DeclinedHere));
    let (ends, hello) = hello_from(3, 21);
    assert!(alarm(&host(ends, hello, &mut ledger)).is_some(), "it stays bound to the first, also after a no");
}

#[test]
fn a_link_for_three_serves_three_devices_once_each() {
    let mut ledger = ledger(3);
    for client in 11..=13 {
        let (ends, hello) = hello_from(client, client);
        let step = host(ends, hello, &mut ledger).next.unwrap().answer(1, UNIX, true, &mut ledger);
        assert!(matches!(step.effects[..], [Effect::Consume { .. }]));
        ledger.consume(UNIX, &invite(), &peer(client)).unwrap();
        assert!(ledger.consume(UNIX, &invite(), &peer(client)).is_err(), "once");
        if client < 13 {
            let (ends, hello) = hello_from(client, client + 100);
            assert_eq!(ending(&host(ends, hello, &mut ledger)), Some(Ending::LinkRefused), "the same device again");
        }
    }
    assert_eq!((state(&mut ledger).as_str(), ledger.rows(UNIX)[0].uses_left), ("consumed", 0));
}

#[test]
fn five_wrong_proofs_burn_a_link() {
    let mut ledger = ledger(1);
    for attempt in 1..=5 {
        let step =
            host(binding(9), LinkHello { name: None, proof: Digest([attempt; 32]), certified: None }, &mut ledger);
        assert_eq!(alarm(&step).is_some(), attempt == 5);
    }
    assert_eq!(state(&mut ledger), "burned");
    let (ends, hello) = hello_from(1, 9);
    assert_eq!(ending(&host(ends, hello, &mut ledger)), Some(Ending::LinkRefused));
}

#[test]
fn i12_a_clock_turned_back_does_not_bring_a_link_to_life_and_fresh_ones_work() {
    let (day, fresh) = (86_400, InviteId::new([8; 16]));
    let rid = url().keys().rid;
    for start in [1_000_000, 1_000_000 - 2 * day, 1_000_000 + 2 * day] {
        let mut ledger = LinkLedger::default();
        ledger.make(1_000_000, invite(), token(), 600, 1).unwrap();
        assert_eq!(ledger.find(1_000_599, &rid), Some(invite()));
        assert_eq!(ledger.find(1_000_600, &rid), None);
        let json = serde_json::to_string(&ledger).unwrap();
        assert!(!json.contains("5a5a5a"), "a dead link's secret is wiped");
        let mut ledger: LinkLedger = serde_json::from_str(&json).unwrap();
        for turned in [start, start + 1, 1_000_000] {
            assert_eq!(ledger.find(turned, &rid), None, "stays expired");
        }
        ledger.make(start, fresh, LinkToken::new([1; 16]), 600, 1).unwrap();
        assert_eq!(
            ledger.find(start + 599, &InviteUrl::new(peer(2), LinkToken::new([1; 16]), 0, &[]).keys().rid),
            Some(fresh)
        );
    }
}

#[test]
fn i12_time_that_was_seen_to_pass_does_not_come_back_with_the_clock() {
    let mut ledger = LinkLedger::default();
    ledger.make(1_000_000, invite(), token(), 600, 1).unwrap();
    ledger.sweep(1_000_500);
    assert!(!ledger.sweep(1_000_000 - 172_800), "two days back, still good");
    assert_eq!(ledger.find(1_000_000 - 172_800 + 99, &url().keys().rid), Some(invite()));
    assert_eq!(ledger.find(1_000_000 - 172_800 + 100, &url().keys().rid), None, "its 100 seconds are over");
}

#[test]
fn i13_a_withdrawal_that_crosses_the_yes_admits_nobody() {
    let mut ledger = ledger(1);
    let (opener, host) = proven(&mut ledger);
    let host = host.answer(2, UNIX, true, &mut ledger).next.unwrap();
    ledger.consume(UNIX, &invite(), &peer(1)).unwrap();
    let host = host.consumed(3, true).next.unwrap();
    let step = opener.withdraw(3);
    assert_eq!(ending(&step), Some(Ending::Canceled));
    let step = host.heard(4, sent(&step).into_iter().next().unwrap());
    assert_eq!(ending(&step), Some(Ending::Withdrawn));
}

#[test]
fn i15_an_own_link_is_refused_before_a_word_is_said() {
    let step = LinkOpener::start(0, Binding::new([9; 32], peer(2), peer(2)), &url(), invite(), (None, None), 1000);
    assert!(matches!(step.effects[..], [Effect::End(Ending::OwnLink)]));
    assert_eq!(Ending::OwnLink.code(), ErrorCode::Misuse);
}

#[test]
fn a_link_revoked_or_not_stored_while_the_person_thinks_admits_nobody() {
    let mut ledger = ledger(1);
    let (_, host) = proven(&mut ledger);
    ledger.revoke(&invite()).unwrap();
    assert_eq!(ending(&host.answer(2, UNIX, true, &mut ledger)), Some(Ending::LinkDead));

    let mut ledger = super::ledger(1);
    let (opener, host) = proven(&mut ledger);
    let host = host.answer(2, UNIX, true, &mut ledger).next.unwrap();
    let step = host.consumed(3, false);
    assert_eq!(sent(&step), [Frame::No { why: No::Expired }]);
    assert_eq!(ending(&opener.heard(4, Frame::No { why: No::Expired })), Some(Ending::Expired));
}

#[test]
fn nothing_is_consumed_that_was_not_proven_and_confirmed() {
    let mut ledger = ledger(1);
    assert_eq!(ledger.consume(UNIX, &invite(), &peer(1)), Err(LedgerFault::NotConfirmed));
    let (_, host) = proven(&mut ledger);
    assert_eq!(ledger.consume(UNIX, &invite(), &peer(1)), Err(LedgerFault::NotConfirmed));
    let step = host.consumed(2, true);
    assert!(step.effects.is_empty(), "the machine does not believe it either");
    let host = step.next.unwrap().answer(3, UNIX, true, &mut ledger).next.unwrap();
    let step = host.answer(4, UNIX, true, &mut ledger);
    assert!(matches!(step.effects[..], [Effect::Unfit(Unfit::Answered)]));
}

#[test]
fn the_ledger_keeps_to_its_limits() {
    let mut ledger = LinkLedger::default();
    let mut make =
        |n: u8, seconds, uses| ledger.make(5, InviteId::new([n; 16]), LinkToken::new([n; 16]), seconds, uses);
    assert_eq!(make(1, 0, 1), Err(LedgerFault::Lifetime));
    assert_eq!(make(1, MAX_SECONDS + 1, 1), Err(LedgerFault::Lifetime));
    assert_eq!(make(1, 600, 0), Err(LedgerFault::Uses));
    assert_eq!(make(1, 600, MAX_USES + 1), Err(LedgerFault::Uses));
    for n in 1..=64 {
        assert_eq!(make(n, 600, 1), Ok(605));
    }
    assert_eq!(make(1, 600, 1), Err(LedgerFault::Exists));
    assert_eq!(make(65, 600, 1), Err(LedgerFault::Full));
    ledger.sweep(605);
    for n in 65..=128 {
        ledger.make(700, InviteId::new([n; 16]), LinkToken::new([n; 16]), 60, 1).unwrap();
    }
    ledger.sweep(900);
    assert_eq!(ledger.rows(900).len(), 64, "dead links are listed, but not all for ever");
    assert_eq!(ledger.revoke(&InviteId::new([200; 16])), Err(LedgerFault::Unknown));
    assert_eq!(ledger.revoke(&InviteId::new([128; 16])), Err(LedgerFault::Gone));
}

fn frames() -> impl proptest::strategy::Strategy<Value = Vec<Frame>> {
    use proptest::prelude::*;
    let frame = prop_oneof![
        Just(Frame::Waiting),
        any::<[u8; 32]>().prop_map(|proof| Frame::LinkProof { proof: Digest(proof) }),
        Just(Frame::Accepted { name: None, certified: None }),
        Just(Frame::Welcome { name: Some("x".into()) }),
        Just(Frame::NoCode),
        Just(Frame::No { why: No::Busy }),
    ];
    prop::collection::vec(frame, 0..8)
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_heard_nobody_is_admitted_without_proof_and_yes(frames in frames(), displayed: bool) {
        let mut ledger = ledger(1);
        let (mut opener, (_, hello)) = (Some(open(binding(9)).0), open(binding(9)));
        let mut host = host(binding(9), hello, &mut ledger).next;
        for frame in frames {
            if let Some(machine) = opener.take() {
                let step = machine.heard(1, frame.clone());
                proptest::prop_assert!(admission(&step).is_none());
                opener = step.next;
            }
            if let Some(machine) = host.take() {
                let machine = if displayed { machine.displayed(1).next.unwrap() } else { machine };
                let step = machine.heard(1, frame);
                proptest::prop_assert!(admission(&step).is_none());
                host = step.next;
            }
        }
    }
}

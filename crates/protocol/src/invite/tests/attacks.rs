//! Somebody in between, or at the other end, who does not play by the rules.

use super::*;
use crate::{Breach, Invite, RunBudget, hello::No};
use proptest::prelude::*;

/// Two connections, each with the attacker at one end: other exporters, the attacker's key on one side.
struct Attack {
    inviter: Inviter,
    invitee: Invitee,
    codes: (Code, Code),
}

/// The attacker relays what it can, and makes up what it must, as the protocol forces it to: its own nonce towards the
/// inviter has to be committed to before the inviter's nonce is known.
fn man_in_the_middle(exporters: (u8, u8), own: [u8; 32], towards_invitee: [u8; 32]) -> Attack {
    let left = || Binding::new([exporters.0; 32], peer(1), peer(66));
    let right = Binding::new([exporters.1; 32], peer(66), peer(2));
    let step = Inviter::start(0, left(), ask(), NONCE_C, 60_000);
    let Some(Effect::Open(Hello::Invite(invite))) = step.effects.into_iter().next() else { panic!("no hello") };
    let inviter = step.next.unwrap();
    let invitee = Invitee::start(0, right, invite, me(false)).next.unwrap();
    let invitee = invitee.displayed(1, NONCE_S).next.unwrap();
    let inviter = inviter.heard(1, Frame::Commit { c: left().commit(&own) }).next.unwrap();
    let invitee = invitee.heard(2, Frame::NonceC { n: Digest(towards_invitee) }).next.unwrap();
    let inviter = inviter.heard(2, Frame::NonceS { n: Digest(own) }).next.unwrap();
    let codes = (inviter.code().unwrap(), invitee.code().unwrap());
    Attack { inviter, invitee, codes }
}

#[test]
fn a_man_in_the_middle_gets_equal_codes_only_by_chance() {
    let mut equal = 0;
    for i in 5..=255_u8 {
        for j in [1, 77] {
            let attack = man_in_the_middle((10, 11), [i; 32], [j; 32]);
            equal += u32::from(attack.codes.0 == attack.codes.1);
        }
    }
    assert_eq!(equal, 0, "502 tries at one in a million each");
}

#[test]
fn a_relayed_commitment_does_not_fit_the_attackers_own_connection() {
    let left = Binding::new([10; 32], peer(1), peer(66));
    let right = Binding::new([11; 32], peer(66), peer(2));
    let machine = Inviter::start(0, left, ask(), NONCE_C, 60_000).next.unwrap();
    let machine = machine.heard(1, Frame::Commit { c: right.commit(&NONCE_S) }).next.unwrap();
    let step = machine.heard(2, Frame::NonceS { n: Digest(NONCE_S) });
    assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(Breach::WrongCommitment)));
}

#[test]
fn confirmations_cannot_be_relayed_reflected_or_made_up() {
    let attack = man_in_the_middle((10, 11), [50; 32], [51; 32]);
    let sent = |effects: &[Effect]| {
        effects.iter().find_map(|e| match e {
            Effect::Send(Frame::Confirm { mac }) => Some(*mac),
            _ => None,
        })
    };
    // Even with both persons saying "same" blindly, what one says is worthless to the other.
    let left = attack.inviter.confirm_code(3, true);
    let right = attack.invitee.answer(3, YES);
    let (ours, theirs) = (sent(&left.effects).unwrap(), sent(&right.effects).unwrap());
    let step = left.next.unwrap().heard(4, Frame::Confirm { mac: theirs });
    assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(Breach::WrongMac)));
    let step = right.next.unwrap().heard(4, Frame::Confirm { mac: ours });
    assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(Breach::WrongMac)));

    let attack = man_in_the_middle((10, 11), [50; 32], [51; 32]);
    let left = attack.inviter.confirm_code(3, true);
    let own = sent(&left.effects).unwrap();
    let step = left.next.unwrap().heard(4, Frame::Confirm { mac: own });
    assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(Breach::WrongMac)), "reflected");
}

fn inviter_with_commit(nonce: [u8; 32]) -> Inviter {
    let machine = Inviter::start(0, binding(9), ask(), NONCE_C, 60_000).next.unwrap();
    machine.heard(1, Frame::Commit { c: binding(9).commit(&nonce) }).next.unwrap()
}

#[test]
fn t11_equal_and_zero_nonces_end_the_run_on_both_sides() {
    for nonce in [NONCE_C, [0; 32]] {
        let step = inviter_with_commit(nonce).heard(2, Frame::NonceS { n: Digest(nonce) });
        assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(Breach::WeakNonce)));
    }
    for nonce in [NONCE_S, [0; 32]] {
        let mut pair = Pair::new(ask(), me(false));
        pair.invitee(|m, now| m.displayed(now, NONCE_S));
        pair.invitee(|m, now| m.heard(now, Frame::NonceC { n: Digest(nonce) }));
        assert_eq!(pair.endings().1, Some(Ending::Misbehaved(Breach::WeakNonce)));
        assert!(!pair.to_inviter.iter().any(|f| matches!(f, Frame::NonceS { .. })), "our nonce stays secret");
    }
    let step = Inviter::start(0, binding(9), ask(), [0; 32], 1000);
    assert_eq!(ending(&step.effects), Some(Ending::NoRandomness));
}

#[test]
fn t11_a_second_commitment_or_a_second_run_on_one_connection_ends_it() {
    let again = || Frame::Commit { c: binding(9).commit(&[5; 32]) };
    let ends = |step: Step<Inviter>| {
        assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(Breach::OutOfOrder)));
    };
    ends(inviter_with_commit(NONCE_S).heard(2, again()));
    let shown = || inviter_with_commit(NONCE_S).heard(2, Frame::NonceS { n: Digest(NONCE_S) }).next.unwrap();
    ends(shown().heard(3, again()));
    ends(shown().heard(3, Frame::NonceS { n: Digest(NONCE_S) }));
    ends(shown().confirm_code(3, true).next.unwrap().heard(4, again()));

    let mut pair = Pair::new(ask(), me(false));
    pair.display();
    pair.invitee(|m, now| m.heard(now, Frame::NonceC { n: Digest([5; 32]) }));
    assert_eq!(pair.endings().1, Some(Ending::Misbehaved(Breach::OutOfOrder)));

    let mut pair = Pair::new(ask(), me(false));
    pair.display();
    pair.invitee(|m, now| m.displayed(now, [5; 32]));
    assert!(pair.to_inviter.is_empty(), "shown again is not asked again");
}

#[test]
fn t11_a_second_confirmation_is_out_of_order() {
    let mut pair = Pair::new(ask(), me(false));
    pair.display();
    pair.invitee(|m, now| m.answer(now, YES));
    let confirm = pair.to_inviter.first().cloned().unwrap();
    pair.inviter(|m, now| m.heard(now, confirm.clone()));
    pair.inviter(|m, now| m.heard(now, confirm));
    assert_eq!(pair.endings().0, Some(Ending::Misbehaved(Breach::OutOfOrder)));
}

#[test]
fn t12_runs_dropped_right_after_the_nonces_all_count_and_codes_stop_after_three() {
    let mut budget = RunBudget::default();
    let mut runs = 0;
    for second in 0..20 {
        let mut pair = Pair::new(ask(), me(false));
        if !budget.may_start(second) {
            pair.invitee(|m, now| m.refuse(now, No::LinkOnly));
            pair.talk();
            assert_eq!(pair.endings().0, Some(Ending::LinkOnly));
            continue;
        }
        pair.display();
        pair.invitee(|m, _| m.lost());
        for effect in &pair.at_invitee {
            if matches!(effect, Effect::RunStarted) {
                budget.started(second);
                runs += 1;
            }
        }
        pair.nobody_is_admitted();
    }
    assert_eq!(runs, 3);
}

#[test]
fn t15_a_connection_to_oneself_is_refused() {
    let own = || Binding::new([9; 32], peer(1), peer(1));
    let step = Inviter::start(0, own(), ask(), NONCE_C, 1000);
    assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(Breach::SameKey)));
    let invite = Invite {
        invite: InviteId::new([0; 16]),
        name: None,
        message: None,
        known: true,
        unverified: true,
        certified: None,
        codeless: false,
    };
    let step = Invitee::start(0, own(), invite, me(true));
    assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(Breach::SameKey)));
}

#[test]
fn accepted_before_the_code_was_confirmed_is_out_of_order() {
    let accepted = || Frame::Accepted { name: None, certified: None };
    let fresh = Inviter::start(0, binding(9), ask(), NONCE_C, 60_000).next.unwrap();
    let shown = || inviter_with_commit(NONCE_S).heard(2, Frame::NonceS { n: Digest(NONCE_S) }).next.unwrap();
    for machine in [fresh, inviter_with_commit(NONCE_S), shown(), shown().confirm_code(3, true).next.unwrap()] {
        let step = machine.heard(4, accepted());
        assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(Breach::OutOfOrder)));
    }
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let digest = prop_oneof![Just(NONCE_C), Just(NONCE_S), Just([0; 32]), any::<[u8; 32]>()].prop_map(Digest);
    let name = || prop::option::of("\\PC{0,60}");
    prop_oneof![
        Just(Frame::Waiting),
        digest.clone().prop_map(|c| Frame::Commit { c }),
        Just(Frame::Commit { c: binding(9).commit(&NONCE_S) }),
        digest.clone().prop_map(|n| Frame::NonceC { n }),
        digest.clone().prop_map(|n| Frame::NonceS { n }),
        Just(Frame::NoCode),
        digest.clone().prop_map(|mac| Frame::Confirm { mac }),
        name().prop_map(|name| Frame::Accepted { name, certified: None }),
        name().prop_map(|name| Frame::Welcome { name }),
        digest.prop_map(|proof| Frame::LinkProof { proof }),
        Just(Frame::Resumed),
        Just(Frame::No { why: No::Busy }),
    ]
}

#[derive(Debug, Clone)]
enum Event {
    Heard(Frame),
    Same(bool),
    Displayed,
    Queued,
    Tick(u64),
}

fn any_events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => any_frame().prop_map(Event::Heard),
        2 => prop_oneof![4 => Just(true), 1 => Just(false)].prop_map(Event::Same),
        2 => Just(Event::Displayed),
        1 => Just(Event::Queued),
        1 => (0_u64..70_000).prop_map(Event::Tick),
    ];
    prop::collection::vec(event, 0..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_inviter_that_hears_anything_neither_panics_nor_admits_without_proof(events in any_events()) {
        let step = Inviter::start(0, binding(9), ask(), NONCE_C, 60_000);
        let (mut machine, mut all) = (step.next, step.effects);
        for event in events {
            let Some(m) = machine.take() else { break };
            let step = match event {
                Event::Heard(frame) => m.heard(1, frame),
                Event::Same(same) => m.confirm_code(1, same),
                Event::Displayed | Event::Queued => Step::stay(m),
                Event::Tick(now) => m.tick(now),
            };
            prop_assert_eq!(step.next.is_none(), matches!(step.effects.last(), Some(Effect::End(_) | Effect::Admit(_))));
            machine = step.next;
            all.extend(step.effects);
        }
        prop_assert!(!all.iter().any(|effect| matches!(effect, Effect::Admit(_))));
    }

    #[test]
    fn an_invitee_that_hears_anything_neither_panics_nor_admits_without_proof(events in any_events(), unverified: bool) {
        let invite = Invite { invite: InviteId::new([0; 16]), name: None, message: None, known: true, unverified, certified: None, codeless: false };
        let step = Invitee::start(0, binding(9), invite, me(false));
        let (mut machine, mut all) = (step.next, step.effects);
        for event in events {
            let Some(m) = machine.take() else { break };
            let step = match event {
                Event::Heard(frame) => m.heard(1, frame),
                Event::Same(same_code) => m.answer(1, Reply::Yes { same_code, unverified: false }),
                Event::Displayed => m.displayed(1, NONCE_S),
                Event::Queued => m.queued(1),
                Event::Tick(now) => m.tick(now),
            };
            prop_assert_eq!(step.next.is_none(), matches!(step.effects.last(), Some(Effect::End(_) | Effect::Admit(_))));
            machine = step.next;
            all.extend(step.effects);
        }
        prop_assert!(!all.iter().any(|effect| matches!(effect, Effect::Admit(_))));
    }
}

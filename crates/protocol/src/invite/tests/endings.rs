//! Every way an invite comes to nothing.

use super::*;
use crate::{
    Breach,
    hello::{No, Taken},
};
use hither_model::{ErrorCode, Failure};

#[test]
fn declined_busy_expired_and_withdrawn_are_different_words_on_both_sides() {
    let no = |why| {
        let mut pair = Pair::new(ask(), me(false));
        pair.invitee(|m, now| m.refuse(now, why));
        pair.talk();
        pair.nobody_is_admitted();
        pair.endings()
    };
    let mut seen = vec![
        (no(No::Declined), ErrorCode::Declined),
        (no(No::Busy), ErrorCode::Busy),
        (no(No::LinkOnly), ErrorCode::Busy),
        (no(No::Expired), ErrorCode::Expired),
    ];
    let mut pair = Pair::new(ask(), me(false));
    pair.inviter(Inviter::withdraw);
    pair.talk();
    assert_eq!(pair.endings(), (Some(Ending::Canceled), Some(Ending::Withdrawn)));
    seen.push((pair.endings(), ErrorCode::Canceled));
    let mut words = std::collections::BTreeSet::new();
    for ((there, here), code) in seen {
        let (there, here) = (there.unwrap().failure(), here.unwrap().failure());
        assert_eq!(there.code, code);
        assert!(words.insert(there.message.clone()), "{} is used twice", there.message);
        assert!(words.insert(here.message.clone()), "{} is used twice", here.message);
    }
    assert_eq!(Failure::from(Ending::Withdrawn).code, ErrorCode::Withdrawn);
}

#[test]
fn the_person_declines_at_any_time_before_the_yes() {
    for after in 0..3 {
        let mut pair = Pair::new(ask(), me(false));
        if after > 0 {
            pair.display();
        }
        if after > 1 {
            pair.invitee(|m, now| m.answer(now, YES));
            pair.talk();
        }
        pair.invitee(|m, now| m.answer(now, Reply::No));
        pair.talk();
        pair.nobody_is_admitted();
        assert_eq!(pair.endings(), (Some(Ending::Declined), Some(Ending::DeclinedHere)));
    }
}

#[test]
fn t12_different_codes_said_on_either_side_store_nothing_and_do_not_confirm_the_run() {
    for invitee_says in [true, false] {
        let mut pair = Pair::new(ask(), me(false));
        pair.display();
        if invitee_says {
            pair.invitee(|m, now| m.answer(now, Reply::Different));
        } else {
            pair.inviter(|m, now| m.confirm_code(now, false));
        }
        pair.talk();
        pair.nobody_is_admitted();
        let expected = if invitee_says {
            (Ending::CodesDifferThere, Ending::CodesDiffer)
        } else {
            (Ending::CodesDiffer, Ending::CodesDifferThere)
        };
        assert_eq!(pair.endings(), (Some(expected.0), Some(expected.1)));
        for effects in [&pair.at_inviter, &pair.at_invitee] {
            assert_eq!(count(effects, |e| matches!(e, Effect::RunStarted)), 1);
            assert_eq!(count(effects, |e| matches!(e, Effect::RunConfirmed)), 0);
        }
    }
}

#[test]
fn the_person_may_think_again_after_saying_same() {
    let mut pair = Pair::new(ask(), me(false));
    pair.display();
    pair.invitee(|m, now| m.answer(now, YES));
    pair.invitee(|m, now| m.answer(now, Reply::Different));
    pair.inviter(|m, now| m.confirm_code(now, true));
    pair.talk();
    pair.nobody_is_admitted();
}

#[test]
fn i13_accept_and_cancel_at_the_same_moment_leave_both_unpaired() {
    // The codes are confirmed on both sides; the yes and the withdrawal cross on the wire.
    let mut pair = Pair::new(ask(), me(false));
    pair.display();
    pair.invitee(|m, now| m.answer(now, YES));
    pair.talk();
    pair.inviter(|m, now| m.confirm_code(now, true));
    for frame in std::mem::take(&mut pair.to_invitee) {
        pair.invitee(|m, now| m.heard(now, frame));
    }
    assert!(matches!(pair.to_inviter.last(), Some(Frame::Accepted { .. })), "the yes is on its way");
    pair.inviter(Inviter::withdraw);
    pair.talk();
    pair.nobody_is_admitted();
    assert_eq!(pair.endings(), (Some(Ending::Canceled), Some(Ending::Withdrawn)));

    // The same between two that know each other.
    let mut pair = Pair::new(InviteAsk { known: true, ..ask() }, me(true));
    pair.display();
    pair.invitee(|m, now| m.answer(now, YES));
    pair.inviter(Inviter::withdraw);
    pair.talk();
    pair.nobody_is_admitted();
}

#[test]
fn i13_a_no_after_the_yes_comes_too_late_instead_of_leaving_one_side_paired() {
    let mut pair = Pair::new(InviteAsk { known: true, ..ask() }, me(true));
    pair.display();
    pair.invitee(|m, now| m.answer(now, YES));
    pair.invitee(|m, now| m.answer(now, Reply::No));
    assert!(matches!(pair.at_invitee.last(), Some(Effect::Unfit(Unfit::Answered))));
    pair.talk();
    both_are_admitted(&pair, Verified::Stored);
}

#[test]
fn i13_a_connection_that_breaks_before_the_last_word_admits_nobody_who_has_not_heard_it() {
    let mut pair = Pair::new(InviteAsk { known: true, ..ask() }, me(true));
    pair.display();
    pair.invitee(|m, now| m.answer(now, YES));
    pair.to_inviter.clear();
    pair.inviter(|m, _| m.lost());
    pair.invitee(|m, _| m.lost());
    pair.nobody_is_admitted();
    assert_eq!(pair.endings(), (Some(Ending::Interrupted), Some(Ending::Interrupted)));
}

#[test]
fn nobody_there_to_ask_expires_on_both_sides() {
    let mut pair = Pair::new(ask(), me(false));
    let deadline = pair.invitee.as_ref().unwrap().deadline();
    assert_eq!(deadline, 61_000);
    pair.now = deadline - 1;
    pair.invitee(Invitee::tick);
    assert!(pair.invitee.is_some());
    pair.now = deadline;
    pair.invitee(Invitee::tick);
    pair.inviter(Inviter::tick);
    pair.talk();
    pair.nobody_is_admitted();
    assert_eq!(pair.endings(), (Some(Ending::Expired), Some(Ending::ExpiredHere)));
}

#[test]
fn the_asker_who_stops_waiting_is_told_from_one_who_takes_it_back() {
    let mut pair = Pair::new(ask(), me(false));
    pair.now = pair.inviter.as_ref().unwrap().deadline();
    pair.inviter(Inviter::tick);
    pair.now -= 1;
    pair.talk();
    assert_eq!(pair.endings(), (Some(Ending::Expired), Some(Ending::StoppedWaiting)));
}

#[test]
fn a_frame_after_the_deadline_is_as_good_as_none() {
    let mut pair = Pair::new(InviteAsk { known: true, ..ask() }, me(true));
    pair.display();
    pair.invitee(|m, now| m.answer(now, YES));
    pair.now += 60_000;
    pair.talk();
    pair.nobody_is_admitted();
}

#[test]
fn a_program_that_never_says_the_last_word_is_given_up_after_ten_seconds() {
    let mut pair = Pair::new(InviteAsk { known: true, ..ask() }, me(true));
    pair.display();
    pair.invitee(|m, now| m.answer(now, YES));
    pair.now += PROGRAM_MS;
    pair.invitee(Invitee::tick);
    assert_eq!(pair.endings().1, Some(Ending::TimedOut));
}

#[test]
fn without_room_in_the_budget_no_nonce_is_given_away() {
    let mut pair = Pair::new(InviteAsk { known: true, codes: false, ..ask() }, me(false));
    pair.display();
    assert_eq!(pair.endings(), (Some(Ending::LinkOnlyHere), Some(Ending::LinkOnly)));
    assert_eq!(count(&pair.at_inviter, |e| matches!(e, Effect::RunStarted)), 0);
}

#[test]
fn texts_that_are_too_long_end_it() {
    let invite = |name: usize, message: usize| crate::Invite {
        invite: InviteId::new([0; 16]),
        name: Some("x".repeat(name)),
        message: Some("한".repeat(message)),
        known: false,
        unverified: false,
        certified: None,
        codeless: false,
    };
    for (name, message, fits) in [(200, 280, true), (201, 280, false), (200, 281, false)] {
        let step = Invitee::start(0, binding(9), invite(name, message), me(false));
        assert_eq!(step.next.is_some(), fits, "{name} {message}");
    }
    let machine = Inviter::start(0, binding(9), InviteAsk { known: true, ..ask() }, NONCE_C, 1000).next.unwrap();
    let machine = machine.heard(1, Frame::NoCode).next.unwrap();
    let step = machine.heard(2, Frame::Accepted { name: Some("x".repeat(201)), certified: None });
    assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(Breach::TooLong("the name"))));
}

#[test]
fn every_ending_has_words_of_its_own() {
    let all = [
        Ending::Declined,
        Ending::DeclinedHere,
        Ending::Busy,
        Ending::BusyHere,
        Ending::Expired,
        Ending::ExpiredHere,
        Ending::StoppedWaiting,
        Ending::Withdrawn,
        Ending::Canceled,
        Ending::LinkOnly,
        Ending::LinkOnlyHere,
        Ending::CodesDiffer,
        Ending::CodesDifferThere,
        Ending::Interrupted,
        Ending::TimedOut,
        Ending::LinkDead,
        Ending::LinkRefused,
        Ending::NotTheInviter,
        Ending::OwnLink,
        Ending::NoRandomness,
        Ending::Misbehaved(Breach::OutOfOrder),
    ];
    let words: std::collections::BTreeSet<_> = all.iter().map(|ending| ending.failure().message).collect();
    assert_eq!(words.len(), all.len());
    assert_eq!(Ending::told_withdrawn(Taken::Expired), Ending::StoppedWaiting);
}

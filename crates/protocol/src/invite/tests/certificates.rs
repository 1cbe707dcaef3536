//! Invites in which a certificate takes the place of a code.

use super::*;
use crate::{
    breach::Breach,
    certified::{Blob, Certified, MAX_CERTIFICATE_BYTES},
    hello::Taken,
};

fn certificate() -> Box<Certified> {
    Box::new(Certified { chain: vec![Blob(vec![0x30; 400])], signature: Blob(vec![9; 70]) })
}

fn pair(ours: bool, theirs: bool, unverified: bool) -> Pair {
    let ask = InviteAsk { certified: Some(certificate()), codeless: ours, unverified, ..ask() };
    let mut pair = Pair::new(ask, InviteeSide { codeless: theirs, ..me(false) });
    pair.invitee(|machine, now| machine.displayed(now, NONCE_S));
    pair.talk();
    pair
}

fn yes(pair: &mut Pair, certified: bool, vouched: bool) {
    pair.invitee(|mut machine, now| {
        machine.certify(certified.then(certificate));
        machine.answer(now, Reply::Yes { same_code: false, unverified: false })
    });
    pair.inviter(|mut machine, _| {
        if vouched {
            machine.vouched();
        }
        Step::stay(machine)
    });
    pair.talk();
}

fn admitted(effects: &[Effect]) -> Option<(Verified, bool)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Admit(admission) => Some((admission.verified(), admission.pair_key().is_some())),
        _ => None,
    })
}

fn ended(effects: &[Effect]) -> Option<Ending> {
    effects.iter().find_map(|effect| match effect {
        Effect::End(ending) => Some(*ending),
        _ => None,
    })
}

#[test]
fn two_trusted_certificates_take_the_place_of_a_code() {
    let mut pair = pair(true, true, false);
    assert!(matches!(pair.at_invitee.first(), Some(Effect::AskPerson(Question { need: Need::Certificate, .. }))));
    assert!(!pair.at_inviter.iter().any(|effect| matches!(effect, Effect::RunStarted | Effect::ShowCode(_))));
    yes(&mut pair, true, true);
    assert_eq!(admitted(&pair.at_inviter), Some((Verified::Certificate, true)));
    assert_eq!(admitted(&pair.at_invitee), Some((Verified::Certificate, true)));
}

#[test]
fn the_code_stays_unless_both_sides_take_certificates_for_it() {
    for (ours, theirs) in [(true, false), (false, true), (false, false)] {
        let pair = pair(ours, theirs, false);
        assert!(pair.at_inviter.iter().any(|effect| matches!(effect, Effect::ShowCode(_))), "{ours} {theirs}");
    }
}

#[test]
fn a_yes_without_a_certificate_is_told_what_it_lacks_and_can_be_said_again() {
    let mut pair = pair(true, true, false);
    yes(&mut pair, false, true);
    assert!(matches!(pair.at_invitee.last(), Some(Effect::Unfit(Unfit::CertificateNeeded))));
    yes(&mut pair, true, true);
    assert_eq!(admitted(&pair.at_invitee), Some((Verified::Certificate, true)));
}

#[test]
fn a_yes_nobody_trusted_vouches_for_ends_it_and_stores_nothing() {
    let mut pair = pair(true, true, false);
    yes(&mut pair, true, false);
    assert_eq!(ended(&pair.at_inviter), Some(Ending::CertificateRefused));
    assert_eq!(ended(&pair.at_invitee), Some(Ending::CertificateRefusedThere));
    assert_eq!((admitted(&pair.at_inviter), admitted(&pair.at_invitee)), (None, None));
}

#[test]
fn somebody_who_would_also_meet_unverified_gets_no_more_than_that_from_an_unknown_certificate() {
    let mut pair = pair(true, true, true);
    yes(&mut pair, true, false);
    assert_eq!(admitted(&pair.at_inviter), Some((Verified::No, false)));
}

#[test]
fn a_bad_certificate_in_the_answer_takes_the_invite_back() {
    let mut pair = pair(false, false, false);
    pair.inviter(|machine, _| machine.refuse_certificate());
    assert!(matches!(pair.to_invitee.last(), Some(Frame::Withdraw { why: Taken::Certificate })));
    pair.talk();
    assert_eq!(ended(&pair.at_invitee), Some(Ending::CertificateRefusedThere));
}

#[test]
fn m1_certificates_beyond_their_bounds_end_it() {
    let good = certificate();
    let many = Certified { chain: vec![Blob(vec![1]); 5], ..(*good).clone() };
    let large = Certified { chain: vec![Blob(vec![1; MAX_CERTIFICATE_BYTES + 1])], ..(*good).clone() };
    let none = Certified { chain: vec![], ..(*good).clone() };
    let proof = Certified { signature: Blob(vec![1; 1025]), ..(*good).clone() };
    for bad in [many, large, none, proof] {
        let invite = crate::Invite {
            invite: InviteId::new([0; 16]),
            name: None,
            message: None,
            known: false,
            unverified: false,
            certified: Some(Box::new(bad)),
            codeless: false,
        };
        let step = Invitee::start(0, binding(9), invite, me(false));
        assert!(matches!(step.effects.as_slice(), [Effect::End(Ending::Misbehaved(Breach::TooLong(_)))]));
    }
}

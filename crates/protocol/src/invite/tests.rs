//! Two machines and what may happen between them.

mod attacks;
mod certificates;
mod endings;

use super::*;
use crate::{digest::Digest, hello::Hello, pairing::Binding};
use hither_model::{InviteId, Verified};

pub(super) const NONCE_C: [u8; 32] = [3; 32];
pub(super) const NONCE_S: [u8; 32] = [4; 32];

pub(super) fn peer(n: u8) -> PeerId {
    PeerId::new([n; 32])
}

pub(super) fn binding(exporter: u8) -> Binding {
    Binding::new([exporter; 32], peer(1), peer(2))
}

pub(super) fn ask() -> InviteAsk {
    InviteAsk {
        invite: InviteId::new([7; 16]),
        name: DisplayName::new("Ana").ok(),
        message: Some("coffee?".into()),
        known: false,
        unverified: false,
        codes: true,
        certified: None,
        codeless: false,
    }
}

pub(super) fn me(known: bool) -> InviteeSide {
    InviteeSide { name: DisplayName::new("Ben").ok(), known, codeless: false }
}

pub(super) const YES: Reply = Reply::Yes { same_code: true, unverified: false };

/// Two machines joined by queues; what each effect was is written down.
pub(super) struct Pair {
    pub(super) inviter: Option<Inviter>,
    pub(super) invitee: Option<Invitee>,
    pub(super) to_inviter: Vec<Frame>,
    pub(super) to_invitee: Vec<Frame>,
    pub(super) at_inviter: Vec<Effect>,
    pub(super) at_invitee: Vec<Effect>,
    pub(super) now: u64,
}

impl Pair {
    pub(super) fn new(ask: InviteAsk, me: InviteeSide) -> Self {
        let mut pair = Self {
            inviter: None,
            invitee: None,
            to_inviter: Vec::new(),
            to_invitee: Vec::new(),
            at_inviter: Vec::new(),
            at_invitee: Vec::new(),
            now: 1000,
        };
        let step = Inviter::start(pair.now, binding(9), ask, NONCE_C, 60_000);
        let Some(Effect::Open(Hello::Invite(invite))) = step.effects.first() else { panic!("no hello") };
        let invite = invite.clone();
        pair.inviter_step(step);
        let step = Invitee::start(pair.now, binding(9), invite, me);
        pair.invitee_step(step);
        pair
    }

    pub(super) fn inviter_step(&mut self, step: Step<Inviter>) {
        self.inviter = step.next;
        for effect in step.effects {
            match effect {
                Effect::Send(frame) => self.to_invitee.push(frame),
                other => self.at_inviter.push(other),
            }
        }
    }

    pub(super) fn invitee_step(&mut self, step: Step<Invitee>) {
        self.invitee = step.next;
        for effect in step.effects {
            match effect {
                Effect::Send(frame) => self.to_inviter.push(frame),
                other => self.at_invitee.push(other),
            }
        }
    }

    pub(super) fn inviter(&mut self, act: impl FnOnce(Inviter, u64) -> Step<Inviter>) {
        if let Some(machine) = self.inviter.take() {
            let step = act(machine, self.now);
            self.inviter_step(step);
        }
    }

    pub(super) fn invitee(&mut self, act: impl FnOnce(Invitee, u64) -> Step<Invitee>) {
        if let Some(machine) = self.invitee.take() {
            let step = act(machine, self.now);
            self.invitee_step(step);
        }
    }

    /// Delivers everything until nobody has anything to say.
    pub(super) fn talk(&mut self) {
        while !self.to_inviter.is_empty() || !self.to_invitee.is_empty() {
            for frame in std::mem::take(&mut self.to_invitee) {
                self.invitee(|machine, now| machine.heard(now, frame));
            }
            for frame in std::mem::take(&mut self.to_inviter) {
                self.inviter(|machine, now| machine.heard(now, frame));
            }
        }
    }

    pub(super) fn display(&mut self) {
        self.invitee(|machine, now| machine.displayed(now, NONCE_S));
        self.talk();
    }

    pub(super) fn admissions(&self) -> (Option<&Admission>, Option<&Admission>) {
        fn find(effects: &[Effect]) -> Option<&Admission> {
            effects.iter().find_map(|effect| match effect {
                Effect::Admit(admission) => Some(admission),
                _ => None,
            })
        }
        (find(&self.at_inviter), find(&self.at_invitee))
    }

    pub(super) fn endings(&self) -> (Option<Ending>, Option<Ending>) {
        (ending(&self.at_inviter), ending(&self.at_invitee))
    }

    pub(super) fn nobody_is_admitted(&self) {
        assert!(matches!(self.admissions(), (None, None)));
    }

    pub(super) fn codes(&self) -> (Option<Code>, Option<Code>) {
        (self.inviter.as_ref().and_then(Inviter::code), self.invitee.as_ref().and_then(Invitee::code))
    }
}

pub(super) fn ending(effects: &[Effect]) -> Option<Ending> {
    effects.iter().find_map(|effect| if let Effect::End(ending) = effect { Some(*ending) } else { None })
}

fn count(effects: &[Effect], what: impl Fn(&Effect) -> bool) -> usize {
    effects.iter().filter(|effect| what(effect)).count()
}

fn both_are_admitted(pair: &Pair, verified: Verified) {
    let (Some(ours), Some(theirs)) = pair.admissions() else { panic!("not admitted: {:?}", pair.endings()) };
    assert_eq!((ours.verified(), theirs.verified()), (verified, verified));
    assert_eq!((ours.peer(), theirs.peer()), (peer(2), peer(1)));
    assert_eq!(ours.session(), theirs.session());
    assert_eq!(ours.pair_key().map(|k| *k.as_bytes()), theirs.pair_key().map(|k| *k.as_bytes()));
    assert_eq!((ours.is_inviter(), theirs.is_inviter()), (true, false));
    assert_eq!(ours.name().unwrap().as_str(), "Ben");
    assert_eq!(theirs.name().unwrap().as_str(), "Ana");
    assert!(pair.inviter.is_none() && pair.invitee.is_none());
}

#[test]
fn a_first_meeting_shows_the_same_code_and_admits_both_once_both_persons_found_it_right() {
    for invitee_first in [true, false] {
        let mut pair = Pair::new(ask(), me(false));
        pair.display();
        let (Some(ours), Some(theirs)) = pair.codes() else { panic!("no codes") };
        assert_eq!(ours, theirs);
        let (a, b) = (
            |p: &mut Pair| p.inviter(|m, now| m.confirm_code(now, true)),
            |p: &mut Pair| {
                p.invitee(|m, now| m.answer(now, YES));
            },
        );
        if invitee_first {
            b(&mut pair)
        } else {
            a(&mut pair)
        }
        pair.talk();
        pair.nobody_is_admitted();
        if invitee_first {
            a(&mut pair)
        } else {
            b(&mut pair)
        }
        pair.talk();
        both_are_admitted(&pair, Verified::Code);
        assert!(pair.admissions().0.unwrap().pair_key().is_some());
        for effects in [&pair.at_inviter, &pair.at_invitee] {
            assert_eq!(count(effects, |e| matches!(e, Effect::RunStarted)), 1);
            assert_eq!(count(effects, |e| matches!(e, Effect::RunConfirmed)), 1);
        }
    }
}

#[test]
fn the_question_says_who_asks_and_what_a_yes_needs() {
    let pair = Pair::new(ask(), me(false));
    let Some(Effect::AskPerson(question)) = pair.at_invitee.first() else { panic!("no question") };
    assert_eq!(question.name.as_ref().unwrap().as_str(), "Ana");
    assert_eq!((question.peer, question.need), (peer(1), Need::Code));
    assert_eq!(question.message.as_deref(), Some("coffee?"));
}

#[test]
fn two_that_know_each_other_need_no_code_and_keep_their_key() {
    let mut pair = Pair::new(InviteAsk { known: true, ..ask() }, me(true));
    assert!(!pair.invitee.as_ref().unwrap().needs_run());
    pair.display();
    pair.invitee(|m, now| m.answer(now, Reply::Yes { same_code: false, unverified: false }));
    pair.talk();
    both_are_admitted(&pair, Verified::Stored);
    assert!(pair.admissions().0.unwrap().pair_key().is_none());
}

#[test]
fn if_only_one_still_knows_the_other_the_codes_are_compared() {
    for (known_there, known_here) in [(true, false), (false, true)] {
        let mut pair = Pair::new(InviteAsk { known: known_there, ..ask() }, me(known_here));
        assert!(pair.invitee.as_ref().unwrap().needs_run());
        pair.display();
        pair.inviter(|m, now| m.confirm_code(now, true));
        pair.invitee(|m, now| m.answer(now, YES));
        pair.talk();
        both_are_admitted(&pair, Verified::Code);
    }
}

#[test]
fn a_meeting_without_code_needs_both_persons_to_want_it_and_stores_nothing() {
    let mut pair = Pair::new(InviteAsk { unverified: true, ..ask() }, me(false));
    pair.display();
    pair.invitee(|m, now| m.answer(now, Reply::Yes { same_code: true, unverified: false }));
    assert!(matches!(pair.at_invitee.last(), Some(Effect::Unfit(Unfit::SayUnverified))));
    pair.invitee(|m, now| m.answer(now, Reply::Yes { same_code: false, unverified: true }));
    pair.talk();
    both_are_admitted(&pair, Verified::No);
    assert!(pair.admissions().1.unwrap().pair_key().is_none());
}

#[test]
fn m7_a_code_cannot_be_skipped_by_one_side_alone() {
    let mut pair = Pair::new(ask(), me(false));
    pair.display();
    pair.invitee(|m, now| m.answer(now, Reply::Yes { same_code: false, unverified: true }));
    assert!(matches!(pair.at_invitee.last(), Some(Effect::Unfit(Unfit::CodeNeeded))));
    let step = Inviter::start(0, binding(9), ask(), NONCE_C, 1000).next.unwrap().heard(1, Frame::NoCode);
    assert_eq!(ending(&step.effects), Some(Ending::Misbehaved(crate::Breach::Unasked)));
}

#[test]
fn a_queued_invite_is_told_so_and_gets_its_full_time_once_it_is_shown() {
    let mut pair = Pair::new(ask(), me(false));
    pair.invitee(Invitee::queued);
    pair.talk();
    assert!(matches!(pair.at_inviter.last(), Some(Effect::Waiting)));
    pair.now += 30_000;
    pair.invitee(|m, now| m.answer(now, YES));
    assert!(matches!(pair.at_invitee.last(), Some(Effect::Unfit(Unfit::NotDisplayed))));
    pair.display();
    assert_eq!(pair.invitee.as_ref().unwrap().deadline(), pair.now + ANSWER_MS);
}

#[test]
fn nothing_of_a_code_a_key_or_a_nonce_is_shown_by_debug() {
    let mut pair = Pair::new(ask(), me(false));
    pair.display();
    let code = pair.codes().0.unwrap().to_string();
    let shown = format!("{:?} {:?} {:?}", pair.inviter, pair.invitee, pair.at_inviter);
    assert!(!shown.contains(&code), "{shown}");
    assert!(!shown.contains(&Digest([9; 32]).to_string()[..16]));
}

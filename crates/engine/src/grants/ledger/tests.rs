//! What is used, what comes back, and what never does.

use super::*;
use proptest::prelude::*;

const ANA: PeerId = PeerId::new([1; 32]);
const BO: PeerId = PeerId::new([2; 32]);
const GB: u64 = 1_000_000_000;

fn at(unix: u64) -> Now {
    Now { mono: unix * 1_000, unix }
}

fn id(n: u8) -> GrantId {
    GrantId::new([n; 8])
}

fn transfer(n: u8) -> TransferId {
    TransferId::new([n; 16])
}

fn files(bytes: Option<u64>, until: Option<u64>, place: Option<&str>) -> Allowance {
    let place = place.map(|uuid| Place { uuid: uuid.into(), name: "Home".into() });
    Allowance::new(ANA, Allows::Files { bytes, to: None }, until, place, at(100))
}

fn ssh() -> LentName {
    "ssh".parse().unwrap()
}

fn service(times: Option<u32>) -> Allowance {
    Allowance::new(ANA, Allows::Service { name: ssh(), times }, None, None, at(100))
}

fn one(given: Allowance) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.give(id(1), given).unwrap();
    ledger
}

fn anywhere(_: &Place) -> bool {
    true
}

fn nowhere(_: &Place) -> bool {
    false
}

/// As it is read back after a crash.
fn again(ledger: &Ledger, now: Now) -> Ledger {
    let text = serde_json::to_string(ledger).unwrap();
    serde_json::from_str::<Ledger>(&text).unwrap().revived(now)
}

#[test]
fn what_is_reserved_counts_as_used_until_it_is_settled_and_the_rest_comes_back() {
    let mut ledger = one(files(Some(2 * GB), None, None));
    assert_eq!(ledger.takes(&ANA, 2 * GB, at(101), anywhere), Some(id(1)));
    ledger.reserve(&id(1), transfer(1), 1_500_000_000);
    assert_eq!(ledger.takes(&ANA, GB, at(101), anywhere), None);
    assert_eq!(ledger.takes(&ANA, GB / 2, at(101), anywhere), Some(id(1)), "to the byte");
    assert_eq!(ledger.takes(&BO, 1, at(101), anywhere), None, "nobody else's");
    assert_eq!(ledger.settle(transfer(1), GB, 102), Some(id(1)));
    assert_eq!(ledger.find(&id(1)).unwrap().used(), GB);
    assert_eq!(ledger.settle(transfer(1), GB, 102), None, "once");
    ledger.reserve(&id(1), transfer(2), GB);
    assert_eq!(ledger.find(&id(1)).unwrap().over, None, "it may still come back");
    ledger.settle(transfer(2), GB, 103);
    assert_eq!(ledger.find(&id(1)).unwrap().over, Some((GrantOver::Used, 103)));
}

#[test]
fn n4_what_was_reserved_when_the_agent_was_killed_is_reserved_afterwards() {
    let mut ledger = one(files(Some(GB), None, None));
    ledger.reserve(&id(1), transfer(1), GB);
    let ledger = again(&ledger, at(200));
    assert_eq!(ledger.takes(&ANA, 1, at(200), anywhere), None);
    assert_eq!(ledger.under_way(None), [transfer(1)]);
    let mut ledger = one(service(Some(1)));
    ledger.connecting(&id(1));
    let mut ledger = again(&ledger, at(200));
    assert_eq!(ledger.opens(&ANA, &ssh(), at(200), anywhere), None);
    ledger.connected(&id(1), false, 200);
    assert_eq!(ledger.opens(&ANA, &ssh(), at(200), anywhere), None, "nothing of an earlier run is given back");
}

#[test]
fn an_empty_file_counts_for_what_it_takes_on_a_disk() {
    assert_eq!(
        [weight(0, 1), weight(5_000, 1), weight(10, 1_000), weight(0, u64::MAX)],
        [4_096, 5_000, 4_096_000, u64::MAX]
    );
}

#[test]
fn a_grant_for_one_network_is_good_nowhere_else() {
    let ledger = one(files(None, None, Some("home")));
    assert_eq!(ledger.takes(&ANA, GB, at(101), nowhere), None);
    assert_eq!(ledger.takes(&ANA, GB, at(101), |place| place.uuid == "home"), Some(id(1)));
}

#[test]
fn n6_an_expired_grant_does_not_come_back_with_a_clock_that_is_turned_back() {
    let mut ledger = one(files(None, Some(200), None));
    assert_eq!(ledger.takes(&ANA, 1, at(199), anywhere), Some(id(1)));
    assert_eq!(ledger.takes(&ANA, 1, at(200), anywhere), None);
    assert_eq!(ledger.pass(at(200)), (vec![id(1)], false));
    assert_eq!(ledger.takes(&ANA, 1, at(101), anywhere), None);
    assert_eq!(again(&ledger, at(101)).takes(&ANA, 1, at(101), anywhere), None);
    // Turned back while it runs, the other clock goes on.
    let mut ledger = one(files(None, Some(200), None));
    let turned = |mono: u64| Now { mono: mono * 1_000, unix: 50 };
    assert_eq!(ledger.pass(turned(199)), (vec![], false));
    assert_eq!(ledger.pass(turned(200)), (vec![id(1)], false));
    // And between two lives no later time than one that was seen is forgotten.
    let mut ledger = one(files(None, Some(200), None));
    ledger.pass(Now { mono: 0, unix: 190 });
    let ledger = again(&ledger, Now { mono: 5_000, unix: 100 });
    assert_eq!(ledger.deadline(), Some(15_000), "ten seconds are left");
}

#[test]
fn a_service_is_opened_so_often_and_a_connection_that_never_stood_does_not_count() {
    let mut ledger = one(service(Some(2)));
    for stands in [false, true, true] {
        assert_eq!(ledger.opens(&ANA, &ssh(), at(101), anywhere), Some(id(1)));
        ledger.connecting(&id(1));
        ledger.connected(&id(1), stands, 101);
    }
    assert_eq!(ledger.opens(&ANA, &ssh(), at(101), anywhere), None);
    assert!(ledger.is_used_up(&ANA, &ssh()) && !ledger.is_used_up(&BO, &ssh()));
    assert_eq!(ledger.find(&id(1)).unwrap().over, Some((GrantOver::Used, 101)));
    assert_eq!(ledger.opens(&ANA, &"wiki".parse().unwrap(), at(101), anywhere), None);
}

#[test]
fn what_is_over_stays_listed_for_a_week() {
    let mut ledger = one(files(None, None, None));
    ledger.revoke(&id(1), 1_000).unwrap();
    assert_eq!(ledger.takes(&ANA, 1, at(1_000), anywhere), None);
    assert_eq!(ledger.revoke(&id(1), 1_000).unwrap_err().code, ErrorCode::Stale);
    assert!(!ledger.pass(at(1_000 + LISTED - 1)).1);
    assert!(ledger.pass(at(1_000 + LISTED)).1);
    assert_eq!(ledger.named("01").unwrap_err().code, ErrorCode::UnknownId);
}

#[test]
fn there_is_an_end_to_how_many_there_can_be() {
    let mut ledger = Ledger::default();
    let peer = |n: usize| PeerId::new([u8::try_from(n % 251).unwrap(); 32]);
    let named = |n: usize| GrantId::new((n as u64).to_be_bytes());
    let given = |n: usize| Allowance { peer: peer(n), ..files(None, None, None) };
    (0..MAX_GRANTS).for_each(|n| ledger.give(named(n), given(n)).unwrap());
    assert_eq!(ledger.give(named(MAX_GRANTS), given(1)).unwrap_err().code, ErrorCode::Busy);
    ledger.revoke(&named(5), 200).unwrap();
    ledger.give(named(MAX_GRANTS), given(1)).unwrap();
    assert!(ledger.find(&named(5)).is_none(), "what is over makes room");
    let mut ledger = Ledger::default();
    (0..MAX_EACH).for_each(|n| ledger.give(named(n), given(1)).unwrap());
    assert_eq!(ledger.give(named(MAX_EACH), given(1)).unwrap_err().code, ErrorCode::Busy);
    ledger.give(named(MAX_EACH), given(2)).unwrap();
}

#[test]
fn a_grant_goes_with_the_device_to_its_next_key() {
    let mut ledger = one(files(None, None, None));
    assert!(ledger.succeed(&ANA, BO) && !ledger.succeed(&ANA, BO));
    assert_eq!(
        (ledger.takes(&ANA, 1, at(101), anywhere), ledger.takes(&BO, 1, at(101), anywhere)),
        (None, Some(id(1)))
    );
    ledger.forget(&BO);
    assert_eq!(ledger.iter().count(), 0);
}

/// What can happen to a grant.
#[derive(Debug, Clone)]
enum Act {
    Offer(u8, u64),
    End(u8, u64),
    Crash,
    Clock(u64),
    Revoke,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..6u8, 0..2_000u64).prop_map(|(n, weight)| Act::Offer(n, weight)),
        4 => (0..6u8, 0..3_000u64).prop_map(|(n, kept)| Act::End(n, kept)),
        1 => Just(Act::Crash),
        1 => (0..400u64).prop_map(Act::Clock),
        1 => Just(Act::Revoke),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn never_more_is_taken_than_was_allowed_whatever_happens(acts in prop::collection::vec(act(), 0..60)) {
        let mut ledger = one(files(Some(5_000), Some(300), None));
        let (mut kept, mut late, mut mono) = (0u64, false, 0u64);
        let mut now = at(100);
        let mut moving: BTreeMap<u8, u64> = BTreeMap::new();
        for act in acts {
            match act {
                Act::Offer(n, weight) if !moving.contains_key(&n) => {
                    if let Some(grant) = ledger.takes(&ANA, weight, now, anywhere) {
                        prop_assert!(!late, "it came back");
                        ledger.reserve(&grant, transfer(n), weight);
                        moving.insert(n, weight);
                    }
                }
                Act::End(n, part) => {
                    if let Some(weight) = moving.remove(&n) {
                        kept += part.min(weight);
                        ledger.settle(transfer(n), part, now.unix);
                    }
                }
                Act::Crash => ledger = again(&ledger, now),
                Act::Clock(unix) => {
                    mono += 1;
                    now = Now { mono: 100_000 + mono, unix };
                    ledger.pass(now);
                    late |= unix >= 300;
                }
                Act::Revoke => late |= ledger.revoke(&id(1), now.unix).is_ok(),
                Act::Offer(..) => {}
            }
            prop_assert!(kept + moving.values().sum::<u64>() <= 5_000);
        }
    }
}

//! Leaves: to one device, for one target, for one time.

use super::*;
use proptest::prelude::*;

const ANA: PeerId = PeerId::new([1; 32]);
const BEN: PeerId = PeerId::new([2; 32]);
const NOW: Now = Now { mono: 5_000, unix: 1_000 };

fn name(text: &str) -> LentName {
    text.parse().unwrap()
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn session(n: u8) -> SessionId {
    SessionId::new([n; 16])
}

fn later(seconds: u64) -> Now {
    Now { mono: NOW.mono + seconds * 1_000, unix: NOW.unix + seconds }
}

#[test]
fn w1_a_leave_is_for_one_device_one_name_and_its_target() {
    let mut table = Table::default();
    assert_eq!(table.admits(&name("ssh"), &ANA, NOW), None, "nothing is lent by default");
    table.lend(&name("ssh"), at("127.0.0.1:22"), &[(ANA, Until::Always)]).unwrap();
    assert_eq!(table.admits(&name("ssh"), &ANA, NOW), Some(at("127.0.0.1:22")));
    assert_eq!(table.admits(&name("ssh"), &BEN, NOW), None);
    assert_eq!(table.admits(&name("SSH"), &ANA, NOW), None);
    let other = table.lend(&name("ssh"), at("127.0.0.1:23"), &[(BEN, Until::Always)]).unwrap_err();
    assert_eq!(other.code, ErrorCode::Misuse);
    assert_eq!(table.admits(&name("ssh"), &BEN, NOW), None, "a name is never moved to another target");
    table.lend(&name("ssh"), at("127.0.0.1:22"), &[(BEN, Until::Always)]).unwrap();
    assert_eq!(table.end(|n, peer, _| *n == name("ssh") && *peer == ANA), [(name("ssh"), ANA)]);
    assert_eq!(table.admits(&name("ssh"), &ANA, NOW), None);
    assert!(table.admits(&name("ssh"), &BEN, NOW).is_some());
}

#[test]
fn a_leave_ends_with_its_session_its_time_or_the_persons_word() {
    let mut table = Table::default();
    let leaves = [(ANA, Until::Closed(session(1))), (BEN, Until::after(60, NOW))];
    table.lend(&name("web"), at("[::1]:80"), &leaves).unwrap();
    table.lend(&name("db"), at("127.0.0.1:5432"), &[(ANA, Until::Always)]).unwrap();
    assert_eq!(table.session_ended(session(2)), []);
    assert_eq!(table.session_ended(session(1)), [(name("web"), ANA)]);
    assert_eq!(table.deadline(), Some(later(60).mono));
    assert!(table.admits(&name("web"), &BEN, later(59)).is_some());
    assert_eq!(table.admits(&name("web"), &BEN, later(60)), None, "even before anybody looked");
    assert_eq!(table.expire(later(60)), [(name("web"), BEN)]);
    assert!(table.find(&name("web")).is_none(), "a service lent to nobody is not lent");
    assert!(table.admits(&name("db"), &ANA, later(1 << 30)).is_some());
}

#[test]
fn a_clock_that_is_turned_back_lengthens_nothing() {
    let mut table = Table::default();
    table.lend(&name("web"), at("127.0.0.1:80"), &[(ANA, Until::after(60, NOW))]).unwrap();
    let back = Now { unix: 1, ..later(60) };
    assert_eq!(table.admits(&name("web"), &ANA, back), None);
    let slept = Now { mono: NOW.mono, ..later(60) };
    assert_eq!(table.admits(&name("web"), &ANA, slept), None, "nor one that stood still while the machine slept");
    let kept = table.kept().revived(back);
    assert!(kept.deadline().unwrap() <= back.mono + MAX_SECONDS * 1_000);
}

#[test]
fn nothing_outlives_the_agent_that_was_not_said_to() {
    let mut table = Table::default();
    let leaves = [(ANA, Until::Closed(session(1))), (BEN, Until::after(60, NOW))];
    table.lend(&name("web"), at("127.0.0.1:80"), &leaves).unwrap();
    table.lend(&name("tmp"), at("127.0.0.1:81"), &[(ANA, Until::Closed(session(1)))]).unwrap();
    table.lend(&name("db"), at("127.0.0.1:82"), &[(ANA, Until::Always)]).unwrap();
    let disk = serde_json::to_string(&table.kept()).unwrap();
    let again = |now| serde_json::from_str::<Table>(&disk).unwrap().revived(now);
    let soon = Now { mono: 7, unix: NOW.unix + 30 };
    let table = again(soon);
    assert_eq!(table.admits(&name("web"), &ANA, soon), None);
    assert!(table.admits(&name("web"), &BEN, soon).is_some() && table.admits(&name("db"), &ANA, soon).is_some());
    assert_eq!((table.find(&name("tmp")), table.deadline()), (None, Some(30_007)));
    assert!(again(later(60)).find(&name("web")).is_none());
}

#[test]
fn w4_what_is_lent_is_bounded() {
    let mut table = Table::default();
    let many: Vec<_> = (0..=MAX_TO).map(|n| (PeerId::new([n as u8; 32]), Until::Always)).collect();
    assert_eq!(table.lend(&name("a"), at("127.0.0.1:1"), &many).unwrap_err().code, ErrorCode::Busy);
    assert!(table.find(&name("a")).is_none(), "nothing of it");
    for n in 0..MAX_LENT {
        table.lend(&name(&format!("s{n}")), at("127.0.0.1:1"), &many[1..]).unwrap();
    }
    assert_eq!(table.lend(&name("one-more"), at("127.0.0.1:1"), &many[1..2]).unwrap_err().code, ErrorCode::Busy);
    table.lend(&name("s0"), at("127.0.0.1:1"), &many[1..]).unwrap();
}

#[derive(Debug, Clone)]
enum Act {
    Lend(u8, u8, u8),
    Stop(u8, Option<u8>),
    Close(u8),
    Wait(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0..3u8, 0..3u8, 0..3u8).prop_map(|(n, p, u)| Act::Lend(n, p, u)),
        (0..3u8, proptest::option::of(0..3u8)).prop_map(|(n, p)| Act::Stop(n, p)),
        (0..3u8).prop_map(Act::Close),
        (0..90u64).prop_map(Act::Wait),
    ];
    proptest::collection::vec(act, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    /// Against a model that only remembers the last word about each pair.
    #[test]
    fn nobody_is_let_in_but_by_the_last_word(acts in acts()) {
        let (mut table, mut now) = (Table::default(), NOW);
        let mut model: BTreeMap<(u8, u8), (u8, u64)> = BTreeMap::new();
        let service = |n: u8| name(&format!("s{n}"));
        let peer = |n: u8| PeerId::new([n; 32]);
        for act in acts {
            match act {
                Act::Lend(n, p, kind) => {
                    let until = match kind {
                        0 => Until::Closed(session(p)),
                        1 => Until::after(60, now),
                        _ => Until::Always,
                    };
                    table.lend(&service(n), at("127.0.0.1:9"), &[(peer(p), until)]).unwrap();
                    model.insert((n, p), (kind, now.unix + 60));
                }
                Act::Stop(n, only) => {
                    table.end(|name, who, _| *name == service(n) && only.is_none_or(|p| *who == peer(p)));
                    model.retain(|(m, p), _| *m != n || only.is_some_and(|only| only != *p));
                }
                Act::Close(p) => {
                    table.session_ended(session(p));
                    model.retain(|(_, q), (kind, _)| *q != p || *kind != 0);
                }
                Act::Wait(seconds) => {
                    now = Now { mono: now.mono + seconds * 1_000, unix: now.unix + seconds };
                    if seconds % 2 == 0 {
                        table.expire(now);
                    }
                }
            }
            for (n, p) in (0..3).flat_map(|n| (0..3).map(move |p| (n, p))) {
                let may = model.get(&(n, p)).is_some_and(|(kind, end)| *kind != 1 || now.unix < *end);
                prop_assert_eq!(table.admits(&service(n), &peer(p), now).is_some(), may);
            }
        }
    }
}

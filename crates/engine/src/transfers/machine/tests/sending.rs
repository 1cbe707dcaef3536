//! The sending machine.

use super::*;
use outgoing::{Effect, Event, Hand, Outcome, Outgoing, Stage, Verdict, Work};

fn events() -> Vec<Event> {
    vec![
        Event::Scanned,
        Event::AnsweredYes,
        Event::AnsweredNo(failure()),
        Event::Fetched,
        Event::Fetched,
        Event::Loaded,
        Event::LoadFailed(failure()),
        Event::LaneUp,
        Event::LaneUp,
        Event::LaneFailed("no lane".into()),
        Event::Sent(Outcome::Done),
        Event::Sent(Outcome::Broken("broken".into())),
        Event::Sent(Outcome::Stopped),
        Event::Receipt,
        Event::Pause,
        Event::Resume,
        Event::Cancel(failure()),
        Event::PausedThere,
        Event::CanceledThere(failure()),
        Event::SessionOver(failure()),
        Event::Tick,
    ]
}

fn can_be(event: &Event, machine: &Outgoing, lanes: usize) -> bool {
    match event {
        Event::Scanned => machine.hand() == Hand::Away(Work::Scanning),
        Event::Loaded | Event::LoadFailed(_) => {
            matches!(machine.hand(), Hand::Away(Work::Loading | Work::Recalling))
        }
        Event::Sent(_) => machine.hand() == Hand::Away(Work::Sending),
        Event::LaneUp | Event::LaneFailed(_) => lanes > 0,
        _ => true,
    }
}

#[derive(Default)]
struct Seen {
    /// Lanes that are being made.
    lanes: usize,
    believed: bool,
    fetched: bool,
}

fn step(machine: &mut Outgoing, world: World, event: Event, verdict: &Verdict, seen: &mut Seen) {
    let before = machine.stage();
    if matches!(event, Event::LaneUp | Event::LaneFailed(_)) {
        seen.lanes -= 1;
    }
    seen.fetched |= event == Event::Fetched;
    let pending = seen.lanes;
    let effects = machine.step(world.at, event.clone());
    for effect in &effects {
        match effect {
            // The verdict comes back at once.
            Effect::Check { .. } => {
                assert_eq!(machine.hand(), Hand::Here);
                assert!(seen.fetched, "a receipt for what nobody asked for");
                seen.believed |= *verdict == Verdict::Kept;
                step(machine, world, Event::Checked(verdict.clone()), verdict, seen);
            }
            Effect::RequestLane => {
                assert_eq!(machine.hand(), Hand::Here);
                assert!(before != Stage::Making { lane: true } || event != Event::Fetched, "a second lane");
                seen.lanes = pending + 1;
            }
            Effect::Load | Effect::Recall => {
                assert!(matches!(machine.hand(), Hand::Away(Work::Loading | Work::Recalling)));
            }
            Effect::Clear => {
                assert_eq!(machine.stage(), Stage::Dropped);
                assert!(!matches!(machine.hand(), Hand::Away(_)), "a thread still has the records");
            }
            _ => {}
        }
    }
    let after = machine.stage();
    if matches!(before, Stage::Kept | Stage::Dropped) {
        assert_eq!(before, after, "{event:?} moved what was over");
    }
    if after == Stage::Kept {
        assert!(seen.believed || before == Stage::Kept, "{event:?} made it kept");
    }
    goes_on(machine, world, seen);
}

fn goes_on(machine: &Outgoing, world: World, seen: &Seen) {
    let next = match machine.stage() {
        Stage::Offered | Stage::Paused(Pause::Here | Pause::There) | Stage::Partly | Stage::Kept | Stage::Dropped => {
            true
        }
        Stage::Making { lane: true } => seen.lanes > 0,
        Stage::Scanning | Stage::Making { lane: false } | Stage::Moving => matches!(machine.hand(), Hand::Away(_)),
        Stage::Accepted { .. } | Stage::Checking { .. } | Stage::Paused(Pause::Waiting { .. }) => {
            machine.deadline().is_some()
        }
    };
    assert!(next || !world.at.up, "{machine:?} is stranded");
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        2 => Just(Verdict::Kept),
        2 => Just(Verdict::Partly),
        1 => Just(Verdict::Recall),
        1 => Just(Verdict::Bad(failure())),
        1 => Just(Verdict::NotNow),
    ]
}

proptest! {
    #[test]
    fn no_order_of_events_keeps_without_a_receipt_or_strands(
        turns in turns(events()),
        verdicts in proptest::collection::vec(verdicts(), 60),
    ) {
        let mut world = World { at: Context { now: 0, up: true } };
        let (mut machine, mut seen) = (Outgoing::scanning(), Seen::default());
        for (turn, verdict) in turns.into_iter().zip(&verdicts) {
            // Hashing again settles the matter.
            let recalled = machine.hand() == Hand::Away(Work::Recalling);
            let verdict = if recalled && *verdict == Verdict::Recall { &Verdict::Partly } else { verdict };
            let mut happens = |machine: &mut Outgoing, world, event| step(machine, world, event, verdict, &mut seen);
            match turn {
                Turn::Event(event @ Event::SessionOver(_)) => {
                    world.at.up = false;
                    happens(&mut machine, world, event);
                }
                Turn::Event(event) => {
                    // A receiver says what it wants over a session.
                    let heard = matches!(event, Event::Fetched | Event::Receipt | Event::AnsweredYes);
                    if can_be(&event, &machine, seen.lanes) && (world.at.up || !heard) {
                        step(&mut machine, world, event, verdict, &mut seen);
                    }
                }
                Turn::Up(up) if up == world.at.up => {}
                Turn::Up(up) => {
                    world.at.up = up;
                    let event = if up { Event::Connected } else { Event::Lost("lost".into()) };
                    happens(&mut machine, world, event);
                }
                Turn::Replaced => {
                    world.at.up = false;
                    happens(&mut machine, world, Event::Lost("replaced".into()));
                    world.at.up = true;
                    happens(&mut machine, world, Event::Connected);
                }
                Turn::Later(ms) => {
                    let due = machine.deadline().filter(|due| *due >= world.at.now);
                    world.at.now = due.unwrap_or(world.at.now + ms);
                    happens(&mut machine, world, Event::Tick);
                    let due = machine.deadline();
                    assert!(due.is_none_or(|due| due > world.at.now), "{machine:?} is due for ever");
                }
                Turn::Restart => {
                    world.at.up = false;
                    seen.lanes = 0;
                    machine = Outgoing::revived(Past {
                        state: machine.shown(),
                        held: machine.stage() == Stage::Paused(Pause::Here),
                        partly: machine.stage() == Stage::Partly,
                        fetched: machine.was_fetched(),
                    });
                }
            }
        }
    }
}

fn at(now: u64) -> Context {
    Context { now, up: true }
}

fn offered() -> Outgoing {
    let mut machine = Outgoing::scanning();
    assert_eq!(machine.step(at(0), Event::Scanned), [Effect::Offer]);
    machine
}

#[test]
fn the_plain_course_is_offered_answered_fetched_sent_and_receipted() {
    let mut machine = offered();
    machine.step(at(0), Event::AnsweredYes);
    assert_eq!(machine.step(at(0), Event::Fetched), [Effect::Show(None), Effect::RequestLane]);
    assert_eq!(machine.step(at(0), Event::LaneUp), [Effect::Show(None), Effect::Send]);
    machine.step(at(0), Event::Sent(Outcome::Done));
    assert_eq!(machine.shown(), TransferState::Checking);
    assert_eq!(machine.step(at(0), Event::Receipt), [Effect::Check { recalled: false }]);
    let settled = machine.step(at(0), Event::Checked(Verdict::Kept));
    assert_eq!(settled, [Effect::ForgetPlan, Effect::Settle { complete: true }]);
}

#[test]
fn requests_while_a_lane_is_being_made_ask_for_no_other() {
    let mut machine = offered();
    machine.step(at(0), Event::Fetched);
    for _ in 0..600 {
        assert_eq!(machine.step(at(0), Event::Fetched), []);
    }
}

#[test]
fn an_answer_counts_only_while_it_is_offered() {
    let mut machine = offered();
    machine.step(at(0), Event::Cancel(failure()));
    assert_eq!(machine.step(at(0), Event::AnsweredYes), []);
    let mut machine = offered();
    machine.step(at(0), Event::Fetched);
    assert_eq!(machine.step(at(0), Event::AnsweredNo(failure())), []);
    assert_eq!(machine.shown(), TransferState::Accepted);
}

#[test]
fn a_receipt_for_what_was_never_fetched_is_not_looked_at() {
    let mut machine = offered();
    assert_eq!(machine.step(at(0), Event::Receipt), []);
    machine.step(at(0), Event::AnsweredYes);
    assert_eq!(machine.step(at(0), Event::Receipt), []);
}

#[test]
fn what_is_over_is_not_sent_and_the_receiver_is_told() {
    let mut machine = offered();
    machine.step(Context { now: 0, up: false }, Event::SessionOver(failure()));
    assert_eq!(machine.step(at(1), Event::Fetched), [Effect::ForgetPlan, Effect::SayCancel(None)]);
}

#[test]
fn a_receiver_that_is_silent_is_asked() {
    let mut machine = offered();
    machine.step(at(0), Event::AnsweredYes);
    let due = machine.deadline().unwrap();
    assert_eq!(machine.step(at(due), Event::Tick), [Effect::SayMoving]);
    assert!(machine.deadline().unwrap() > due);
}

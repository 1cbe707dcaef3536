//! The receiving machine.

use super::*;
use incoming::{Effect, Event, Incoming, Outcome, Stage, Trouble, Work};

fn events() -> Vec<Event> {
    let (local, last) = (Trouble::Local(failure()), Trouble::Final(failure()));
    vec![
        Event::Read,
        Event::Refused(failure()),
        Event::Consent,
        Event::OfferedAgain,
        Event::Ready { complete: false },
        Event::Ready { complete: false },
        Event::Ready { complete: true },
        Event::NotReady(Trouble::Stopped),
        Event::NotReady(local.clone()),
        Event::NotReady(last.clone()),
        Event::LaneUp,
        Event::LaneUp,
        Event::LaneFailed("no lane".into()),
        Event::Progressed,
        Event::Received(Outcome::Complete),
        Event::Received(Outcome::Partly),
        Event::Received(Outcome::TooLong(failure())),
        Event::Received(Outcome::Broken("broken".into())),
        Event::Received(Outcome::Trouble(Trouble::Stopped)),
        Event::Received(Outcome::Trouble(local)),
        Event::Received(Outcome::Trouble(last)),
        Event::Pause,
        Event::Resume,
        Event::Cancel(failure()),
        Event::PausedThere,
        Event::CanceledThere(failure()),
        Event::MovingThere,
        Event::SessionOver(failure()),
        Event::Tick,
    ]
}

/// A thread reports only what it was set to do, and once.
fn can_be(event: &Event, machine: &Incoming) -> bool {
    match event {
        Event::Read => machine.work() == Work::Reading,
        Event::Refused(_) => machine.work() == Work::Reading || machine.stage() == Stage::Asked,
        Event::Consent => machine.stage() == Stage::Asked,
        Event::Ready { .. } | Event::NotReady(_) => machine.work() == Work::Opening,
        Event::Received(_) => machine.work() == Work::Receiving,
        _ => true,
    }
}

#[derive(Default)]
struct Seen {
    asked: usize,
    verified: bool,
    settled: bool,
}

fn step(machine: &mut Incoming, world: World, event: Event, seen: &mut Seen) {
    let before = machine.stage();
    seen.verified |= matches!(event, Event::Received(Outcome::Complete) | Event::Ready { complete: true });
    let effects = machine.step(world.at, event.clone());
    let after = machine.stage();
    if matches!(before, Stage::Kept | Stage::Dropped) {
        assert_eq!(before, after, "{event:?} moved what was over");
    }
    for effect in &effects {
        match effect {
            Effect::Ask => seen.asked += 1,
            Effect::Settle { complete } => {
                seen.settled = *complete;
                assert_eq!(after, if *complete { Stage::Kept } else { Stage::Partly });
            }
            Effect::Clear => {
                assert_eq!(after, Stage::Dropped);
                assert!(matches!(machine.work(), Work::Idle | Work::Reading), "a thread still has the files");
            }
            Effect::Open => assert_eq!(machine.work(), Work::Opening, "one thread at a time"),
            Effect::Receive => assert_eq!(machine.work(), Work::Receiving),
            _ => {}
        }
    }
    assert!(seen.asked <= 1, "asked twice");
    if after == Stage::Kept && before != Stage::Kept {
        assert!(seen.verified && seen.settled, "{event:?} made it kept");
    }
    if before != Stage::Dropped && after == Stage::Dropped {
        assert!(effects.iter().any(|e| matches!(e, Effect::Drop(_))), "nobody was told");
    }
    let told = effects.iter().any(|e| matches!(e, Effect::Show(_) | Effect::Drop(_) | Effect::Settle { .. }));
    assert!(told || machine.shown() == shown(before), "{event:?}: {before:?} → {after:?} is not shown");
    goes_on(machine, world);
}

fn shown(stage: Stage) -> TransferState {
    match stage {
        Stage::Reading | Stage::Asked | Stage::Opening => TransferState::Offered,
        Stage::Awaiting { .. } => TransferState::Accepted,
        Stage::Moving => TransferState::Moving,
        Stage::Paused(_) => TransferState::Paused,
        Stage::Kept => TransferState::Kept,
        Stage::Partly | Stage::Dropped => TransferState::Dropped,
    }
}

/// What can go on has a next step: a thread at work, a question, a lane, or a time.
fn goes_on(machine: &Incoming, world: World) {
    let waits = matches!(
        machine.stage(),
        Stage::Asked | Stage::Paused(Pause::Here | Pause::There) | Stage::Partly | Stage::Kept | Stage::Dropped
    );
    if world.at.up && !waits {
        assert!(machine.work() != Work::Idle || machine.deadline().is_some(), "{machine:?} is stranded");
    }
}

proptest! {
    #[test]
    fn no_order_of_events_keeps_what_is_not_verified_or_strands_or_asks_twice(turns in turns(events())) {
        let mut world = World { at: Context { now: 0, up: true } };
        let (mut machine, mut seen) = (Incoming::offered(), Seen::default());
        for turn in turns {
            match turn {
                Turn::Event(event) if !can_be(&event, &machine) => {}
                // A session that is over is not connected.
                Turn::Event(event @ Event::SessionOver(_)) => {
                    world.at.up = false;
                    step(&mut machine, world, event, &mut seen);
                }
                Turn::Event(event) => step(&mut machine, world, event, &mut seen),
                Turn::Up(up) if up == world.at.up => {}
                Turn::Up(up) => {
                    world.at.up = up;
                    let event = if up { Event::Connected } else { Event::Lost("lost".into()) };
                    step(&mut machine, world, event, &mut seen);
                }
                Turn::Replaced => {
                    world.at.up = false;
                    step(&mut machine, world, Event::Lost("replaced".into()), &mut seen);
                    world.at.up = true;
                    step(&mut machine, world, Event::Connected, &mut seen);
                }
                Turn::Later(ms) => {
                    let due = machine.deadline().filter(|due| *due >= world.at.now);
                    world.at.now = due.unwrap_or(world.at.now + ms);
                    step(&mut machine, world, Event::Tick, &mut seen);
                    let due = machine.deadline();
                    assert!(due.is_none_or(|due| due > world.at.now), "{machine:?} is due for ever");
                }
                Turn::Restart => {
                    world.at.up = false;
                    let past = Past {
                        state: machine.shown(),
                        held: machine.stage() == Stage::Paused(Pause::Here),
                        partly: machine.stage() == Stage::Partly,
                        fetched: true,
                    };
                    match Incoming::revived(past) {
                        Some(revived) => machine = revived,
                        // Nobody had said yes: if it is offered again, it is asked anew.
                        None => (machine, seen) = (Incoming::offered(), Seen::default()),
                    }
                }
            }
        }
    }
}

fn at(now: u64) -> Context {
    Context { now, up: true }
}

fn agreed() -> Incoming {
    let mut machine = Incoming::offered();
    machine.step(at(0), Event::Read);
    machine.step(at(0), Event::Consent);
    machine
}

#[test]
fn the_plain_course_is_asked_opened_answered_fetched_received_and_settled() {
    let mut machine = Incoming::offered();
    assert_eq!(machine.step(at(0), Event::Read), [Effect::Ask]);
    let unask = Effect::Unask { why: "accepted".into(), code: None };
    assert_eq!(machine.step(at(0), Event::Consent), [unask, Effect::Open]);
    let ready = machine.step(at(0), Event::Ready { complete: false });
    assert_eq!(ready, [Effect::Answer(Ok(())), Effect::Show(None), Effect::Fetch]);
    assert_eq!(machine.step(at(0), Event::LaneUp), [Effect::Show(None), Effect::Receive]);
    let settled = machine.step(at(0), Event::Received(Outcome::Complete));
    assert_eq!((settled, machine.shown()), (vec![Effect::Settle { complete: true }], TransferState::Kept));
}

#[test]
fn a_request_lost_with_its_connection_is_made_again_with_the_next() {
    let mut machine = agreed();
    machine.step(at(0), Event::Ready { complete: false });
    machine.step(Context { now: 1, up: false }, Event::Lost("replaced".into()));
    assert!(!machine.expects_lane());
    assert!(machine.step(at(2), Event::Connected).contains(&Effect::Open));
    assert!(machine.step(at(3), Event::Ready { complete: false }).contains(&Effect::Fetch));
}

#[test]
fn a_silent_lane_is_given_up_with_its_connection() {
    let mut machine = agreed();
    machine.step(at(0), Event::Ready { complete: false });
    machine.step(at(0), Event::LaneUp);
    let lost = machine.step(Context { now: 1, up: false }, Event::Lost("replaced".into()));
    assert_eq!(lost[0], Effect::Abort { for_good: false });
    assert_eq!(machine.step(at(2), Event::Connected), [Effect::Show(Some("going on".into()))]);
    let ended = Event::Received(Outcome::Trouble(Trouble::Stopped));
    assert_eq!(machine.step(at(3), ended), [Effect::Open], "as soon as its thread has ended");
}

#[test]
fn a_disk_that_is_away_pauses_and_is_tried_again() {
    let past = Past { state: TransferState::Moving, held: false, partly: false, fetched: true };
    let mut machine = Incoming::revived(past).unwrap();
    machine.step(at(0), Event::Connected);
    let effects = machine.step(at(0), Event::NotReady(Trouble::Local(failure())));
    assert_eq!(effects, [Effect::SayPause, Effect::Show(Some("something".into()))]);
    assert_eq!(machine.deadline(), Some(1_000));
    assert_eq!(machine.step(at(1_000), Event::Tick), [Effect::Open]);
}

#[test]
fn a_lane_that_does_not_come_is_asked_for_again() {
    let mut machine = agreed();
    machine.step(at(0), Event::Ready { complete: false });
    let due = machine.deadline().unwrap();
    machine.step(at(due), Event::Tick);
    let again = machine.deadline().unwrap();
    assert_eq!(machine.step(at(again), Event::Tick), [Effect::Open]);
}

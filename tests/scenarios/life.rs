//! The life of an agent: ready, asked, stopped; one for each profile; started by a client that finds none; killed and
//! started again.

use crate::ALONE;
use hither_tests::{
    Seat,
    events::{kind, text},
    run::SOON,
};
use rustix::process::Signal;
use std::time::{Duration, Instant};

#[test]
fn an_agent_says_when_it_is_ready_and_what_is_off_and_why() {
    let seat = Seat::here("ana").unwrap();
    let agent = seat.agent_with(&[ALONE, &["--name", "Ana"]].concat());
    assert_eq!(agent.peer().len(), 64);
    assert_eq!(text(&agent.ready, "name"), "Ana");
    assert!(agent.ready["listen"][0].as_str().is_some_and(|a| a.starts_with("127.0.0.1:")), "{}", agent.ready);
    assert_eq!(agent.ready["media"]["mdns"], "off");
    let status = seat.rows(["status"]);
    let row = status.iter().find(|v| kind(v) == "status").expect("a status row");
    assert_eq!((text(row, "state"), text(row, "peer")), ("serving", agent.peer()));
}

#[test]
fn an_agent_that_is_asked_to_stop_ends_well_and_its_identity_stays() {
    let seat = Seat::here("ana").unwrap();
    let first = seat.agent_with(ALONE);
    let peer = first.peer().to_owned();
    seat.rows(["stop"]);
    assert_eq!(first.run.end(SOON).code, Some(0));
    assert_eq!(seat.agent_with(ALONE).peer(), peer);
}

#[test]
fn n7_sigterm_ends_an_agent_within_three_seconds() {
    let seat = Seat::here("ana").unwrap();
    let agent = seat.agent_with(ALONE);
    let began = Instant::now();
    agent.run.signal(Signal::TERM);
    assert_eq!(agent.run.end(SOON).code, Some(0));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn a5_a_second_agent_for_a_profile_leaves_with_a_message_and_the_first_goes_on() {
    let seat = Seat::here("ana").unwrap();
    let first = seat.agent_with(ALONE);
    let second = seat.ask(["agent"].iter().chain(ALONE));
    assert_ne!(second.code, Some(0));
    assert_ne!(second.error_code(), "", "{:?} {}", second.said, second.errors);
    let status = seat.rows(["status"]);
    assert!(status.iter().any(|v| text(v, "peer") == first.peer()));
}

#[test]
fn a5_what_a_killed_agent_left_behind_is_no_hindrance() {
    let seat = Seat::here("ana").unwrap();
    let mut first = seat.agent_with(ALONE);
    let peer = first.peer().to_owned();
    first.run.kill_9();
    let again = seat.agent_with(ALONE);
    assert_eq!(again.peer(), peer);
    assert!(seat.rows(["status"]).iter().any(|v| text(v, "state") == "serving"));
}

#[test]
fn two_profiles_are_two_devices() {
    let seat = Seat::here("ana").unwrap();
    let other = seat.beside("second").unwrap();
    let (a, b) = (seat.agent_with(ALONE), other.agent_with(ALONE));
    assert_ne!(a.peer(), b.peer());
}

#[test]
fn without_an_agent_a_command_that_may_not_start_one_says_so() {
    let seat = Seat::here("ana").unwrap();
    let end = seat.ask(["--no-start", "near"]);
    assert_eq!((end.code, end.error_code()), (Some(3), "NoAgent"), "{:?}", end.said);
}

#[test]
fn headless_mode_ends_with_its_input() {
    let seat = Seat::here("ana").unwrap();
    let mut run = seat.hither(["agent", "--stdio"].iter().chain(ALONE));
    run.wait("ready");
    drop(run.stdin());
    assert_eq!(run.end(SOON).code, Some(0));
}

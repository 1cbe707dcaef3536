//! A window comes and goes; the agent stays. An agent comes and goes; the window says so and carries on.

use crate::desks::{Desks, pid_of, says, talks_with};
use hither_tests::{
    events::{kind, text},
    window::{self, App, Wanted, drag},
};
use rustix::process::Signal;

#[test]
fn a_window_that_finds_no_agent_starts_it_and_it_outlives_the_window() {
    let Some(lab) = window::lab(1) else { return };
    let ana = lab.seat(0);
    let mut app = App::open(&ana);
    app.find(Wanted::of("heading", "Who may see this device?"));
    let pid = app.pid().expect("the app runs");
    drag::close(app.display());
    app.gone(pid);
    let status = ana.rows(["--no-start", "status"]);
    assert!(status.iter().any(|row| kind(row) == "status" && text(row, "state") == "serving"), "{status:?}");
    app.reopen();
    app.find(Wanted::of("heading", "Near"));
    ana.rows(["stop"]);
}

#[test]
fn a_closed_window_misses_nothing_and_shows_it_when_it_is_opened_again() {
    let Some(mut desks) = Desks::met() else { return };
    let pid = desks.ben.pid().expect("the app runs");
    drag::close(desks.ben.display());
    desks.ben.gone(pid);
    says(&desks.ana, "Ben", "are you there?");
    desks.ana.reads("Delivered");
    desks.ben.reopen();
    desks.ben.press(Wanted::with("link", "Ana"));
    talks_with(&desks.ben, "Ana", desks.ana_agent.peer());
    desks.ben.reads("are you there?");
}

#[test]
fn an_agent_that_is_killed_is_missed_and_started_again_and_the_conversation_goes_on() {
    let Some(mut desks) = Desks::met() else { return };
    let before = pid_of(&desks.ana_agent);
    desks.ana_agent.run.kill_9();
    // The window starts the agent anew at once; that it was away may be seen for a moment only.
    let status = desks.ana.until("an agent that serves again", || {
        let end = desks.ana.seat.ask(["--no-start", "status"]);
        end.said.into_iter().find(|row| kind(row) == "status" && text(row, "state") == "serving")
    });
    assert_eq!(text(&status, "peer"), desks.ana_agent.peer());
    assert!(before > 0);
    talks_with(&desks.ana, "Ben", desks.ben_agent.peer());
    says(&desks.ana, "Ben", "here I am again");
    desks.ben.reads("here I am again");
}

#[test]
fn an_agent_that_does_not_answer_is_missed_by_a_banner_until_it_is_back() {
    let Some(lab) = window::lab(1) else { return };
    let ana = lab.seat(0);
    let agent = ana.agent("Ana");
    let mut app = App::open(&ana);
    app.find(Wanted::of("heading", "Near"));
    // Stopped on purpose: the window does not start it behind the person's back.
    ana.rows(["stop"]);
    drop(agent);
    app.find(Wanted::of("alert", ""));
    app.reads("hither’s background program does not answer");
    app.press_button("Try now");
    app.until("the end of the banner", || app.there(Wanted::of("alert", "")).is_empty().then_some(()));
    assert!(ana.rows(["--no-start", "status"]).iter().any(|row| text(row, "state") == "serving"));
    app.end();
    ana.rows(["stop"]);
}

#[test]
fn n7_a_window_told_to_end_does_so_and_leaves_the_agent_alone() {
    let Some(lab) = window::lab(1) else { return };
    let ana = lab.seat(0);
    let agent = ana.agent("Ana");
    let mut app = App::open(&ana);
    let pid = app.pid().expect("the app runs");
    app.signal(Signal::TERM);
    app.gone(pid);
    assert!(ana.rows(["--no-start", "status"]).iter().any(|row| text(row, "peer") == agent.peer()));
}

#[test]
fn r4_25_thirty_starts_at_once_where_no_window_is_open_leave_one() {
    let Some(lab) = window::lab(1) else { return };
    let ana = lab.seat(0);
    let _agent = ana.agent("Ana");
    let desk = App::prepared(&ana, window::Look::default());
    let starts: Vec<_> = (0..30).map(|_| desk.again(&["--view", "history"])).collect();
    let alive = || starts.iter().filter(|run| !run.pids().is_empty()).count();
    desk.until("one of them to be left", || (alive() == 1).then_some(()));
    // It is the window: it tells the agent of itself, and stays.
    desk.until("a window that the agent knows", || {
        let shown = starts.iter().map(hither_tests::Run::errors).any(|said| said.contains("the page was ready"));
        shown.then_some(())
    });
    assert_eq!(alive(), 1);
}

#[test]
fn the_program_started_twice_is_one_window() {
    let Some(lab) = window::lab(1) else { return };
    let ana = lab.seat(0);
    let _agent = ana.agent("Ana");
    let app = App::open(&ana);
    let pid = app.pid();
    let second = app.again(&[]);
    assert_eq!(second.end(window::PATIENCE).code, Some(0), "the second hands over and leaves");
    assert_eq!(app.pid(), pid);
    app.find(Wanted::of("heading", "Near"));
}

//! What an agent tells about itself: its state as it changes, its history, a report for who looks for a fault.

use crate::ALONE;
use hither_tests::{
    Seat,
    events::{kind, text},
    run::SOON,
};
use std::fs;

#[test]
fn a_state_that_is_watched_is_shown_again_when_it_changes() {
    let seat = Seat::here("ana").unwrap();
    let _agent = seat.agent_with(ALONE);
    let mut watching = seat.hither(["status", "--watch"]);
    assert_eq!(text(&watching.wait("status"), "visibility"), "known");
    seat.rows(["visibility", "nobody"]);
    let next = watching.wait("status");
    assert_eq!(text(&next, "visibility"), "nobody");
    seat.rows(["stop"]);
    let end = watching.end(SOON);
    assert!(end.said.iter().all(|row| kind(row) != "error"), "{:?}", end.said);
}

#[test]
fn the_history_is_found_by_word_checked_and_erased_for_good() {
    let seat = Seat::here("ana").unwrap();
    let _agent = seat.agent_with(ALONE);
    seat.rows(["capability", "revoke", "sharedUserCertificates"]);
    seat.rows(["capability", "revoke", "internetClient"]);
    assert_eq!(seat.rows(["history"]).len(), 2);
    let found = seat.rows(["history", "--search", "INTERNETclient"]);
    assert_eq!(found.len(), 1, "{found:?}");
    let checked = seat.rows(["history", "check"]);
    assert_eq!((checked[0]["head"].as_str().map(str::len), checked[0]["forgotten"].as_u64()), (Some(64), Some(0)));
    assert_eq!(seat.rows(["history", "erase", "--older-than", "1d"])[0]["lines"], 0);
    assert_eq!(seat.ask(["history", "erase"]).code, Some(2), "what to erase has to be said");
    assert_eq!(seat.rows(["history", "erase", "--all"])[0]["lines"], 2);
    seat.rows(["stop"]);
    let file = fs::read_to_string(seat.profile().join("history.jsonl")).unwrap();
    assert!(!file.contains("internetClient") && file.contains("2 lines"), "{file}");
}

#[test]
fn a_history_that_was_changed_by_hand_is_told() {
    let seat = Seat::here("ana").unwrap();
    let agent = seat.agent_with(ALONE);
    seat.rows(["capability", "revoke", "internetClient"]);
    seat.rows(["stop"]);
    assert_eq!(agent.run.end(SOON).code, Some(0));
    let path = seat.profile().join("history.jsonl");
    let changed = fs::read_to_string(&path).unwrap().replace("internetClient", "proximity");
    fs::write(&path, changed).unwrap();
    let _agent = seat.agent_with(ALONE);
    let end = seat.ask(["history", "check"]);
    assert_eq!((end.code, end.error_code()), (Some(10), "StorageFailed"), "{:?}", end.said);
    let doctor = seat.rows(["doctor"]);
    assert!(doctor.iter().any(|row| text(row, "name") == "history" && text(row, "state") == "warn"), "{doctor:?}");
}

#[test]
fn a_report_tells_what_is_wrong_and_neither_who_nor_where() {
    let seat = Seat::here("ana").unwrap();
    let agent = seat.agent_with(&[ALONE, &["--name", "Anastasia"]].concat());
    let file = seat.at("fault.txt");
    let file = file.to_str().unwrap();
    seat.rows(["report", "--log", file]);
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains("== checks") && text.contains("\"serving\"") && text.contains("<name 1>"), "{text}");
    for private in ["Anastasia", agent.peer(), &agent.peer()[..8], seat.profile().to_str().unwrap()] {
        assert!(!text.contains(private), "{private} is in it:\n{text}");
    }
    assert_eq!(seat.ask(["report", file]).error_code(), "StorageFailed", "what is there is not overwritten");
}

#[test]
fn r4_24_without_systemd_the_desktop_starts_the_agent_at_login_and_that_is_said() {
    let seat = Seat::here("ana").unwrap();
    assert_eq!(seat.rows(["background"])[0]["when"], "off");
    let set = &seat.rows(["background", "on"])[0];
    assert_eq!((text(set, "when"), text(set, "by")), ("always", "autostart"));
    let entry = fs::read_to_string(set["files"][0].as_str().unwrap()).unwrap();
    assert!(entry.contains(" agent\n") && entry.contains(seat.profile().to_str().unwrap()), "{entry}");
    assert_eq!(seat.ask(["background", "on", "--on-demand"]).error_code(), "Misuse", "there is no socket to wait at");
    assert_eq!(seat.rows(["background", "off"])[0]["when"], "off");
}

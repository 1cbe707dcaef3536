//! What commands say when something is wrong, and what the control socket refuses.

use crate::ALONE;
use hither_tests::{
    Seat,
    acts::until,
    events::{kind, text},
    run::SOON,
};
use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    time::Duration,
};

/// The control socket below a directory.
fn socket(dir: &Path) -> Option<PathBuf> {
    fs::read_dir(dir).ok()?.filter_map(|e| Some(e.ok()?.path())).find_map(|path| {
        if path.is_dir() {
            socket(&path)
        } else {
            path.file_name().is_some_and(|n| n == "control.sock").then_some(path)
        }
    })
}

fn socket_of(seat: &Seat) -> PathBuf {
    socket(&seat.runtime()).or_else(|| socket(&seat.profile())).expect("the agent has a control socket")
}

#[test]
fn errors_have_a_stable_code_a_sentence_and_an_exit_code() {
    let seat = Seat::here("ana").unwrap();
    let _agent = seat.agent_with(ALONE);
    let unknown = seat.ask(["session", "0123abcd"]);
    assert_eq!(unknown.error_code(), "UnknownId", "{:?}", unknown.said);
    assert_ne!(unknown.code, Some(0));
    assert!(unknown.of_kind("error").iter().all(|v| text(v, "message").len() > 5));
    let usage = seat.ask(["no-such-command"]);
    assert_eq!(usage.code, Some(2));
}

#[test]
fn i16_other_things_under_the_link_scheme_change_nothing() {
    let seat = Seat::here("ana").unwrap();
    let _agent = seat.agent_with(ALONE);
    for bad in ["hither://settings?visibility=everyone", "--help", "hither://i/1#AAAA%00", "hither://i/2#AAAA", ""] {
        let mut run = seat.hither(["open", "-"]);
        run.type_in(format!("{bad}\n").as_bytes());
        let end = run.end(SOON);
        assert_ne!(end.code, Some(0), "{bad}: {:?}", end.said);
    }
    assert!(seat.rows(["sessions"]).iter().all(|v| kind(v) != "session"));
}

#[test]
fn capabilities_are_shown_and_can_be_revoked_while_running() {
    let seat = Seat::here("ana").unwrap();
    let _agent = seat.agent_with(ALONE);
    let rows = seat.rows(["capability", "list"]);
    let proximity = rows.iter().find(|v| text(v, "name") == "proximity").expect("proximity is declared");
    assert_eq!((&proximity["declared"], &proximity["granted"]), (&true.into(), &true.into()));
    seat.rows(["capability", "revoke", "proximity"]);
    let end = seat.ask(["invite", "--link"]);
    assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"), "{:?}", end.said);
    seat.rows(["capability", "grant", "proximity"]);
    seat.rows(["invite", "--link"]);
}

#[test]
fn a1_the_control_socket_and_its_directory_are_the_users_alone() {
    let seat = Seat::here("ana").unwrap();
    let _agent = seat.agent_with(ALONE);
    let socket = socket_of(&seat);
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    assert_eq!(mode(&seat.profile()), 0o700);
}

#[test]
fn a2_an_agent_does_not_start_in_a_directory_that_others_prepared() {
    let seat = Seat::here("ana").unwrap();
    let shared = seat.runtime().join("hither");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    let end = seat.ask(["agent"].iter().chain(ALONE));
    assert_ne!(end.code, Some(0), "open to others: {:?}", end.said);
    fs::remove_dir(&shared).unwrap();
    let elsewhere = seat.file("tmp");
    std::os::unix::fs::symlink(elsewhere, &shared).unwrap();
    let end = seat.ask(["agent"].iter().chain(ALONE));
    assert_ne!(end.code, Some(0), "a link: {:?}", end.said);
}

#[test]
fn a4_rubbish_on_the_control_socket_is_refused_and_others_are_served() {
    let seat = Seat::here("ana").unwrap();
    let _agent = seat.agent_with(ALONE);
    let socket = socket_of(&seat);
    // A gigabyte announced, half a message, and a crowd that says nothing.
    let mut huge = UnixStream::connect(&socket).unwrap();
    huge.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    huge.write_all(&[0x40, 0, 0, 0, b'{']).unwrap();
    let mut answer = Vec::new();
    huge.read_to_end(&mut answer).expect("the agent closes the connection");
    let mut half = UnixStream::connect(&socket).unwrap();
    half.write_all(&[0, 0, 0, 50, b'{', b'"']).unwrap();
    drop(half);
    assert!(seat.rows(["status"]).iter().any(|v| text(v, "state") == "serving"));
    let crowd: Vec<_> = (0..200).filter_map(|_| UnixStream::connect(&socket).ok()).collect();
    drop(crowd);
    // Their places are free again as soon as the agent has noticed.
    until(&seat, &["status"], "agent that serves", SOON, |v| text(v, "state") == "serving");
}

#[test]
fn every_command_shows_an_example_in_its_help() {
    let seat = Seat::here("ana").unwrap();
    for command in [
        "agent",
        "status",
        "stop",
        "near",
        "invite",
        "open",
        "inbox",
        "accept",
        "decline",
        "sessions",
        "session",
        "close",
        "say",
        "messages",
        "send",
        "outbox",
        "grant",
        "held",
        "receive",
        "transfers",
        "transfer",
        "pause",
        "resume",
        "cancel",
        "pipe",
        "identity",
        "trust",
        "capability",
        "doctor",
        "history",
        "completions",
    ] {
        let run = seat.start(&seat.program().to_string_lossy(), [command, "--help"]);
        let end = run.end(SOON);
        assert_eq!(end.code, Some(0), "{command}: {}", end.errors);
        let help: String = end.said.iter().filter_map(|v| v.as_str()).collect::<Vec<_>>().join("\n");
        assert!(help.contains(&format!("hither {command}")), "{command} --help shows no example:\n{help}");
        assert!(help.to_lowercase().contains("example"), "{command} --help shows no example:\n{help}");
    }
}

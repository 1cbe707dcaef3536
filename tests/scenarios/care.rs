//! Disks that cannot be written, files of newer versions, programs of other versions: a clear word, nothing lost, no crash.

use crate::ALONE;
use hither_tests::{
    Run, Seat,
    events::{kind, text},
    run::{End, SOON},
    skip::skipped,
};
use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
    process::Command,
};

fn start(seat: &Seat) -> End {
    seat.ask(["agent"].iter().chain(ALONE))
}

/// What a person reads of an end: everything.
fn words(end: &End) -> String {
    format!("{:?}{}", end.said, end.errors)
}

/// A profile that was used and came to rest, and this device's id.
fn used() -> (Seat, String) {
    let seat = Seat::here("ana").unwrap();
    let agent = seat.agent_with(ALONE);
    let peer = agent.peer().to_owned();
    seat.rows(["settings", "set", "notifications", "off"]);
    seat.rows(["invite", "--link"]);
    seat.rows(["stop"]);
    assert_eq!(agent.run.end(SOON).code, Some(0));
    (seat, peer)
}

/// Every store by its own name, and what a newer version would have made of it.
fn newer(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let name = path.file_name()?.to_str()?;
    match name {
        "settings.toml" => Some(text.replacen("version = ", "version = 99", 1)),
        _ if name.contains('.') => None,
        _ => {
            let rest = text.strip_prefix("hither ")?;
            let mut words: Vec<&str> = rest.splitn(3, ' ').collect();
            *words.get_mut(1)? = "99";
            Some(format!("hither {}", words.join(" ")))
        }
    }
}

#[test]
fn n5_no_file_of_a_newer_hither_is_read_or_overwritten_and_both_versions_are_named() {
    let (seat, peer) = used();
    let mut tried = vec![];
    let paths: Vec<_> = fs::read_dir(seat.profile()).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in paths {
        let Some(text) = newer(&path) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let before = fs::read(&path).unwrap();
        fs::write(&path, &text).unwrap();
        let end = start(&seat);
        assert_eq!(end.error_code(), "StorageFailed", "{name}: {}", words(&end));
        assert!(words(&end).contains("newer") && words(&end).contains("99"), "{name}: {}", words(&end));
        assert!(
            words(&end).contains(env!("CARGO_PKG_VERSION")) && words(&end).contains(&name),
            "{name}: {}",
            words(&end)
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{name} was changed");
        fs::write(&path, before).unwrap();
        tried.push(name);
    }
    tried.sort();
    for name in ["settings.toml", "links", "radio", "sessions"] {
        assert!(tried.contains(&name.to_owned()), "{name} is not among {tried:?}");
    }
    assert_eq!(seat.agent_with(ALONE).peer(), peer, "nothing was lost by refusing");
}

#[test]
fn a_command_that_starts_the_agent_shows_why_it_does_not_start() {
    let (seat, _) = used();
    let path = seat.profile().join("settings.toml");
    fs::write(&path, newer(&path).unwrap()).unwrap();
    let end = seat.ask(["status"]);
    assert_ne!(end.code, Some(0));
    assert!(words(&end).contains("newer hither"), "{}", words(&end));
}

/// Runs a program in mounts of its own, where `prepare` was done first.
fn with_mounts(seat: &Seat, prepare: &str, args: &[&str]) -> Run {
    let mut command = seat.command("unshare");
    let script = format!("{prepare}\nexec \"$@\"");
    command.args(["--mount", "sh", "-ec", &script, "sh"]).arg(seat.program()).arg("--json").args(args);
    seat.run(command, "hither in mounts of its own")
}

fn mounts_can_be_made() -> bool {
    let tried = Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    let can = tried.is_ok_and(|out| out.status.success());
    if !can {
        skipped("scenarios", "mounts of one's own need root");
    }
    can
}

fn agent_args() -> Vec<&'static str> {
    [&["agent"], ALONE].concat()
}

#[test]
fn n6_a_profile_on_a_read_only_disk_is_a_clear_error_and_stays_as_it_is() {
    if !mounts_can_be_made() {
        return;
    }
    let (seat, peer) = used();
    let before = hither_tests::crash::contents(&seat.profile());
    let at = seat.profile().display().to_string();
    let read_only = format!("mount --bind '{at}' '{at}'; mount -o remount,ro,bind '{at}'");
    let end = with_mounts(&seat, &read_only, &agent_args()).end(SOON);
    assert_eq!(end.error_code(), "StorageFailed", "{}", words(&end));
    assert!(words(&end).contains(&at), "it names the place: {}", words(&end));
    assert!(hither_tests::crash::contents(&seat.profile()) == before);
    assert_eq!(seat.agent_with(ALONE).peer(), peer);
}

#[test]
fn f8_a_profile_on_a_full_disk_fails_the_request_and_keeps_what_was() {
    if !mounts_can_be_made() {
        return;
    }
    let seat = Seat::here("ana").unwrap();
    let at = seat.profile().display().to_string();
    fs::create_dir(seat.profile()).unwrap();
    // Half a mebibyte, on which a file takes what is left once the agent runs; the tests reach in through its process.
    let small = format!("mount -t tmpfs -o size=512k,mode=700 tmpfs '{at}'");
    let mut agent = with_mounts(&seat, &small, &agent_args());
    agent.wait("ready");
    let pid = agent.pids().first().unwrap().as_raw_nonzero();
    let inside = Path::new(&format!("/proc/{pid}/root")).join(at.trim_start_matches('/'));
    let settings = fs::read(inside.join("settings.toml")).unwrap();
    let filler = inside.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    let refused = seat.ask(["--no-start", "settings", "set", "notifications", "off"]);
    assert_eq!(refused.error_code(), "StorageFailed", "{}", words(&refused));
    assert_eq!(fs::read(inside.join("settings.toml")).unwrap(), settings, "the old ones are whole");
    assert!(seat.rows(["status"]).iter().any(|v| text(v, "state") == "serving"), "the agent goes on");
    drop(file);
    fs::remove_file(&filler).unwrap();
    seat.rows(["--no-start", "settings", "set", "notifications", "off"]);
    assert!(fs::read_to_string(inside.join("settings.toml")).unwrap().contains("notifications = false"));
    let left: Vec<_> = fs::read_dir(&inside).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".new")), "{left:?}");
    seat.rows(["stop"]);
    assert_eq!(agent.end(SOON).code, Some(0));
}

#[test]
fn a_profile_that_vanishes_under_a_running_agent_is_an_error_and_no_crash() {
    let seat = Seat::here("ana").unwrap();
    let agent = seat.agent_with(ALONE);
    let (profile, away) = (seat.profile(), seat.file("away"));
    fs::rename(&profile, &away).unwrap();
    let refused = seat.ask(["--no-start", "settings", "set", "notifications", "off"]);
    assert_eq!(refused.error_code(), "StorageFailed", "{}", words(&refused));
    assert!(!profile.exists(), "no new profile is made in its place");
    fs::rename(&away, &profile).unwrap();
    seat.rows(["--no-start", "settings", "set", "notifications", "off"]);
    seat.rows(["stop"]);
    assert_eq!(agent.run.end(SOON).code, Some(0));
    assert!(fs::read_to_string(profile.join("settings.toml")).unwrap().contains("notifications = false"));
}

/// An agent of another version, as far as a client gets to know it.
fn other_agent(seat: &Seat, version: u32) -> std::thread::JoinHandle<()> {
    let agent = seat.agent_with(ALONE);
    let socket = find(&seat.runtime()).expect("the agent has a control socket");
    seat.rows(["stop"]);
    agent.run.end(SOON);
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600)).unwrap();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let hello = format!(r#"{{"hello":"hither-control","version":{version},"program":"7.7.7"}}"#);
        let length = u32::try_from(hello.len()).unwrap().to_be_bytes();
        client.write_all(&[&length[..], hello.as_bytes()].concat()).unwrap();
        let _ = client.read_to_end(&mut Vec::new());
    })
}

fn find(dir: &Path) -> Option<std::path::PathBuf> {
    let mut paths = fs::read_dir(dir).ok()?.filter_map(|e| Some(e.ok()?.path()));
    paths.find_map(|path| match path.is_dir() {
        true => find(&path),
        false => path.file_name().is_some_and(|n| n == "control.sock").then_some(path),
    })
}

#[test]
fn a6_an_agent_of_another_version_is_named_as_older_or_newer_with_the_way_out() {
    for (version, word) in [(1, "older"), (999, "newer")] {
        let seat = Seat::here("ana").unwrap();
        let agent = other_agent(&seat, version);
        let end = seat.ask(["status"]);
        assert_eq!((end.code, end.error_code()), (Some(9), "VersionSkew"), "{}", words(&end));
        let said = end.of_kind("error").last().map(|v| format!("{} {}", text(v, "message"), text(v, "hint"))).unwrap();
        assert!(said.contains(word) && said.contains("7.7.7") && said.contains(env!("CARGO_PKG_VERSION")), "{said}");
        assert!(said.contains("hither stop"), "{said}");
        agent.join().unwrap();
        assert!(end.said.iter().all(|v| kind(v) != "status"));
    }
}

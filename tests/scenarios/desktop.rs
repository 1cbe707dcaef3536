//! What the desktop does for an agent whose window is closed: notifications with buttons, no sleep while bytes move. And
//! that nothing is missing but this where there is no desktop.

mod bus;
mod hostile;

use bus::{Act, Bus, Desktop, Shown, forge};
use hither_tests::{
    Run, Seat,
    acts::{TRANSFER, meet, moved, noise, offer, sees},
    events::{kind, text},
    run::SOON,
};
use serde_json::Value;
use std::{
    io::{Read, Write},
    path::Path,
};

/// The session bus and the system bus at once: a desktop's two buses are one here.
fn agent(seat: &Seat, bus: Option<&Bus>, args: &[&str]) -> Run {
    let mut command = seat.command(seat.program());
    command.args(["--json", "agent", "--loopback"]).args(args);
    command.env("HITHER_APP", seat.file("bin/hither-app"));
    if let Some(bus) = bus {
        command.env("DBUS_SESSION_BUS_ADDRESS", &bus.address).env("DBUS_SYSTEM_BUS_ADDRESS", &bus.address);
    }
    let mut run = seat.run(command, "agent");
    run.wait("ready");
    run
}

/// Ana without a desktop, Bo with one; both near each other on loopback.
struct Pair {
    ana: Seat,
    bo: Seat,
    /// The name Bo shows.
    name: String,
    desktop: Desktop,
    _agents: [Run; 2],
    bus: Bus,
}

fn pair(case: &str) -> Option<Pair> {
    let bus = Bus::start()?;
    let desktop = Desktop::on(&bus);
    let (ana, bo) = (Seat::here("ana").unwrap(), Seat::here("bo").unwrap());
    // A program that stands for the window: it writes down how it was started.
    let bin = bo.file("bin");
    std::fs::create_dir(&bin).unwrap();
    let window = bin.join("hither-app");
    std::fs::write(&window, format!("#!/bin/sh\necho \"$@\" >>{}\n", bo.file("opened").display())).unwrap();
    std::fs::set_permissions(&window, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let name = format!("Bo {case} {}", std::process::id());
    let first = agent(&ana, None, &["--name", &format!("Ana {case}")]);
    let second = agent(&bo, Some(&bus), &["--name", &name]);
    Some(Pair { ana, bo, name, desktop, _agents: [first, second], bus })
}

impl Pair {
    fn meet(&mut self) -> String {
        let peer = meet(&self.ana, &self.bo, &self.name).peer;
        let shown = self.desktop.shown("wants to connect");
        self.desktop.closed(shown.id);
        peer
    }
}

fn keys(shown: &Shown) -> Vec<&str> {
    shown.keys.iter().map(String::as_str).filter(|key| !matches!(*key, "default" | "open")).collect()
}

#[test]
fn a_first_meeting_shows_its_code_in_a_notification_that_can_decline_but_not_accept() {
    let Some(mut pair) = pair("code") else { return };
    sees(&pair.ana, &pair.name);
    let mut invite = pair.ana.hither(["invite", &pair.name, "--yes-code"]);
    let shown = pair.desktop.shown("wants to connect");
    assert!(shown.summary.starts_with("Ana code "), "{shown:?}");
    assert_eq!((keys(&shown), shown.urgency), (vec!["decline"], 1));
    let code = invite.wait("code");
    let (first, second) = text(&code, "code").split_at(3);
    assert!(shown.body.contains(&format!("{first} {second}")), "{shown:?}");
    pair.desktop.press(shown.id, "accept");
    pair.desktop.press(shown.id, "decline");
    assert_eq!(invite.end(SOON).error_code(), "Declined");
    pair.desktop.closed(shown.id);
}

#[test]
fn a_device_we_know_is_let_in_and_its_files_are_taken_from_notifications_alone() {
    let Some(mut pair) = pair("accept") else { return };
    let peer = pair.meet();
    let session = pair.ana.rows(["sessions"]).iter().find(|v| kind(v) == "session").cloned().unwrap();
    pair.ana.rows(["close", text(&session, "session")]);
    let mut invite = pair.ana.hither(["invite", &peer]);
    let shown = pair.desktop.shown("wants to connect");
    assert_eq!(keys(&shown), ["accept", "decline"]);
    // Not the server's word: nothing comes of it.
    forge(&pair.bus, &shown, "decline");
    pair.desktop.press(shown.id, "accept");
    invite.wait("accepted");
    pair.desktop.closed(shown.id);

    std::fs::write(pair.ana.file("a <b>&.txt"), "hello").unwrap();
    let mut send = offer(&pair.ana, &peer, "a <b>&.txt");
    let offered = pair.desktop.shown("offers files");
    assert_eq!(keys(&offered), ["accept", "decline"]);
    assert!(offered.body.starts_with("a &lt;b&gt;&amp;.txt (5 B)"), "{offered:?}");
    pair.desktop.press(offered.id, "accept");
    send.wait_for("done", TRANSFER, |v| kind(v) == "done");
    let received = pair.desktop.shown("Received from");
    assert_eq!(keys(&received), ["folder"]);
    pair.desktop.put_away(received.id);
}

#[test]
fn messages_are_told_once_for_a_session_and_a_press_opens_the_window() {
    let Some(mut pair) = pair("say") else { return };
    let peer = pair.meet();
    pair.ana.rows(["say", &peer, "<i>one</i> \u{202e}"]);
    let first = pair.desktop.shown("Ana say");
    assert_eq!(first.body, "&lt;i&gt;one&lt;/i&gt; \\u{202e}");
    pair.ana.rows(["say", &peer, &"x".repeat(5_000)]);
    let second = pair.desktop.shown("(2)");
    assert_eq!((second.id, second.replaces, second.body.chars().count()), (first.id, first.id, 200));
    pair.desktop.press(second.id, "default");
    pair.desktop.closed(second.id);
    let opened = waits_for_text(&pair.bo.file("opened"));
    let session = pair.bo.rows(["sessions"]).iter().find(|v| kind(v) == "session").cloned().unwrap();
    let profile = pair.bo.at("profile");
    let wanted = format!("--profile {} --view session --id {}\n", profile.display(), text(&session, "session"));
    assert_eq!(opened, wanted, "one window, told where to go");
}

#[test]
fn r4_25_a_hundred_presses_open_one_window_and_it_is_shown_the_last_of_them() {
    let Some(mut pair) = pair("often") else { return };
    let peer = pair.meet();
    // Each press takes its notification away; the next message raises another. Nobody waits for the window meanwhile.
    for n in 0..5 {
        pair.ana.rows(["say", &peer, &format!("message {n}")]);
        let shown = pair.desktop.shown("Ana often");
        for _ in 0..20 {
            pair.desktop.press(shown.id, "default");
        }
        pair.desktop.closed(shown.id);
    }
    assert_eq!(waits_for_text(&pair.bo.file("opened")).lines().count(), 1, "one process for a hundred presses");
    // The window is there now, and is told where the last press goes.
    let mut window = Window::of(&pair.bo);
    window.says(r#"{"ask":"watching","seen":false}"#);
    let show = window.hears("show");
    assert_eq!(text(&show, "view"), "session");
    assert_eq!(waits_for_text(&pair.bo.file("opened")).lines().count(), 1);
}

/// What another program writes into a file, once it is there.
fn waits_for_text(path: &Path) -> String {
    let deadline = std::time::Instant::now() + SOON;
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => assert!(std::time::Instant::now() < deadline, "{} was not written", path.display()),
        }
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
}

#[test]
fn nothing_is_raised_while_somebody_looks_at_a_window_and_a_press_goes_to_the_window_that_is_there() {
    let Some(mut pair) = pair("window") else { return };
    let peer = pair.meet();
    let mut window = Window::of(&pair.bo);
    window.says(r#"{"ask":"watching","seen":true}"#);
    pair.ana.rows(["say", &peer, "seen"]);
    window.hears("message");
    window.says(r#"{"ask":"watching","seen":false}"#);
    pair.ana.rows(["say", &peer, "not seen"]);
    let shown = pair.desktop.shown("Ana window");
    assert_eq!(shown.body, "not seen");
    assert!(!pair.desktop.has(|act| matches!(act, Act::Shown(shown) if shown.body == "seen")));
    pair.desktop.press(shown.id, "open");
    let show = window.hears("show");
    assert_eq!(text(&show, "view"), "session");
    assert!(!pair.bo.file("opened").exists(), "no second window");
}

#[test]
fn switched_off_nothing_is_raised_and_that_is_written_down() {
    let Some(mut pair) = pair("off") else { return };
    let peer = pair.meet();
    let mut window = Window::of(&pair.bo);
    window.says(r#"{"ask":"set","change":{"notifications":false}}"#);
    pair.ana.rows(["say", &peer, "hello"]);
    window.hears("message");
    let status = pair.bo.rows(["status"]);
    assert_eq!(status[0]["desktop"]["notifications"], "off", "{status:?}");
    assert!(!pair.desktop.has(|act| matches!(act, Act::Shown(_))));
    let settings = std::fs::read_to_string(pair.bo.profile().join("settings.toml")).unwrap();
    assert!(settings.contains("notifications = false"), "{settings}");
}

#[test]
fn the_machine_does_not_sleep_while_a_transfer_moves_and_may_again_after_it() {
    let Some(mut pair) = pair("sleep") else { return };
    let peer = pair.meet();
    noise(&pair.ana.file("big"), 256 << 20, 7).unwrap();
    let mut send = offer(&pair.ana, &peer, "big");
    let offered = pair.desktop.shown("offers files");
    assert!(!pair.desktop.has(|act| matches!(act, Act::Locked(_))), "an offer moves nothing");
    pair.desktop.press(offered.id, "accept");
    moved(&mut send, 1);
    let lock = pair.desktop.wait("a lock", |act| if let Act::Locked(lock) = act { Some(lock.clone()) } else { None });
    assert_eq!((lock[0].as_str(), lock[1].as_str(), lock[3].as_str()), ("sleep:idle", "hither", "block"));
    send.wait_for("done", TRANSFER, |v| kind(v) == "done");
    pair.desktop.wait("the release", |act| (*act == Act::Released).then_some(()));
}

#[test]
fn without_any_desktop_the_agent_serves_and_says_what_is_missing() {
    let seat = Seat::here("ana").unwrap();
    let _agent = agent(&seat, None, &["--no-mdns", "--listen", "127.0.0.1:0"]);
    let status = seat.rows(["status"]);
    let desktop = &status[0]["desktop"];
    assert!(text(desktop, "notifications").starts_with("no session bus"), "{desktop}");
    assert!(text(desktop, "sleep").starts_with("no system bus"), "{desktop}");
    let doctor = seat.ask(["doctor"]);
    for part in ["notifications", "sleep"] {
        let check = doctor.said.iter().find(|v| text(v, "name") == part).expect("the doctor says so too");
        assert_eq!(text(check, "state"), "warn");
    }
}

/// What stands for a window: a connection to the control socket that stays.
struct Window {
    socket: std::os::unix::net::UnixStream,
    next: u64,
}

impl Window {
    fn of(seat: &Seat) -> Self {
        let dir = seat.runtime().join("hither");
        let place = std::fs::read_dir(&dir).unwrap().flatten().map(|e| e.path().join("control.sock"));
        let path = place.chain([dir.join("control.sock")]).find(|path| path.exists()).expect("a control socket");
        let socket = std::os::unix::net::UnixStream::connect(path).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        let mut window = Self { socket, next: 1 };
        let hello = window.read();
        window.write(&hello.to_string());
        window.write(r#"{"subscribe":{"id":0}}"#);
        window.hears("snapshot");
        window
    }

    fn write(&mut self, text: &str) {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        self.socket.write_all(&[&length, text.as_bytes()].concat()).unwrap();
    }

    fn read(&mut self) -> Value {
        let mut length = [0; 4];
        self.socket.read_exact(&mut length).unwrap();
        let mut text = vec![0; u32::from_be_bytes(length) as usize];
        self.socket.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Asks and waits for the answer.
    fn says(&mut self, ask: &str) {
        let id = self.next;
        self.next += 1;
        self.write(&format!(r#"{{"request":{{"id":{id},"ask":{ask}}}}}"#));
        let reply = loop {
            let message = self.read();
            if message["reply"]["id"] == id {
                break message;
            }
        };
        assert_eq!(reply["reply"]["answer"]["answer"], "done", "{reply}");
    }

    /// Waits for a piece of news.
    fn hears(&mut self, event: &str) -> Value {
        loop {
            let message = self.read();
            if message["note"]["event"] == event {
                return message["note"].clone();
            }
        }
    }
}

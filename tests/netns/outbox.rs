//! What is sent to devices that are away, by real agents on hosts of their own: it goes when they come, whatever happens
//! to agents, faces and links meanwhile.

use hither_tests::{
    Run, Seat,
    acts::{self, TRANSFER, meet, noise, question},
    events::{kind, text},
    netns::Lab,
    run::SOON,
    seat::Agent,
};
use serde_json::Value;
use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    time::{Duration, Instant},
};

/// How many are queued (R6.16).
const MANY: usize = 200;

/// Closes every session and waits until both sides know.
fn part(from: &Seat, to: &Seat, session: &str) {
    from.rows(["close", session]);
    for seat in [from, to] {
        acts::until(seat, &["status"], "no session", SOON, |row| {
            kind(row) == "status" && row["sessions"].as_array().is_some_and(Vec::is_empty)
        });
    }
}

fn receive(seat: &Seat) -> Run {
    fs::create_dir_all(seat.file("got")).unwrap();
    let got = seat.at("got");
    seat.hither([OsStr::new("receive"), OsStr::new("--to"), got.as_os_str()])
}

/// Puts a file into the outbox for these devices and gives the entries' ids.
fn post(from: &Seat, to: &[&str], what: &str, more: &[&str]) -> Vec<String> {
    let mut args: Vec<&OsStr> = vec![OsStr::new("send"), OsStr::new("--later")];
    for peer in to {
        args.extend([OsStr::new("--to"), OsStr::new(peer)]);
    }
    args.extend(more.iter().map(OsStr::new));
    let path = from.at(what);
    args.push(path.as_os_str());
    from.rows(args).iter().map(|row| text(row, "entry").to_owned()).collect()
}

/// Waits until an entry is in that state.
fn stands(seat: &Seat, entry: &str, state: &str) -> Value {
    acts::until(seat, &["outbox"], state, TRANSFER, |row| {
        let ours = text(row, "entry") == entry;
        assert!(!ours || text(row, "state") != "failed" || state == "failed", "{row}");
        ours && text(row, "state") == state
    })
}

fn same(from: &Seat, to: &Seat, name: &str) {
    let hash = |seat: &Seat, path: &str| blake3::hash(&fs::read(seat.file(path)).unwrap());
    assert_eq!(hash(from, name), hash(to, &format!("got/{name}")), "{name}");
}

#[test]
fn r6_10_a_file_for_a_device_that_is_away_arrives_over_four_restarts_of_the_agent() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let (mut ana_agent, mut ben_agent) = (ana.agent("Ana"), ben.agent("Ben"));
    let met = meet(&ana, &ben, "Ben");
    part(&ana, &ben, &met.session);
    ben_agent.run.kill_9();
    noise(&ana.file("film"), 24 << 20, 5).unwrap();
    let entry = post(&ana, &[&met.peer], "film", &[]).remove(0);
    // What was said to be there is there, however the agent ends.
    for _ in 0..2 {
        ana_agent.run.kill_9();
        ana_agent = ana.agent("Ana");
        assert_eq!(text(&stands(&ana, &entry, "waiting"), "title"), "film");
    }
    lab.limit(1, 60).unwrap();
    let _ben_agent = ben.agent("Ben");
    let mut inbox = ben.hither(["inbox", "--watch"]);
    let _receive = receive(&ben);
    let asked = question(&mut inbox, "invite");
    assert_eq!(text(&asked, "message"), "to send you: film");
    ben.rows(["accept", text(&asked, "id")]);
    // In the middle of it, twice.
    for part in [2_u64 << 20, 9 << 20] {
        acts::until(&ana, &["transfers"], "some of it", TRANSFER, |row| {
            row["done"].as_u64().is_some_and(|done| done > part)
        });
        ana_agent.run.kill_9();
        ana_agent = ana.agent("Ana");
    }
    stands(&ana, &entry, "sent");
    same(&ana, &ben, "film");
    assert_eq!(fs::read_dir(ben.file("got")).unwrap().filter(|e| visible(e.as_ref().unwrap())).count(), 1, "once");
    assert_eq!(text(&stands(&ana, &entry, "sent"), "state"), "sent");
    ana.rows(["outbox", "tidy"]);
    assert!(ana.rows(["outbox"]).is_empty());
}

fn visible(entry: &fs::DirEntry) -> bool {
    !entry.file_name().to_string_lossy().starts_with('.')
}

#[test]
fn r6_10_a_transfer_goes_on_when_the_face_that_began_it_is_killed() {
    let Some(lab) = Lab::of(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let _agents = [ana.agent("Ana"), ben.agent("Ben")];
    let met = meet(&ana, &ben, "Ben");
    noise(&ana.file("film"), 16 << 20, 6).unwrap();
    lab.limit(1, 60).unwrap();
    let _receive = receive(&ben);
    let film = ana.at("film");
    let mut face = ana.hither([
        OsStr::new("send"),
        OsStr::new(&met.peer),
        film.as_os_str(),
        "--wait".as_ref(),
        "--later".as_ref(),
    ]);
    let entry = text(&face.wait("outbox"), "entry").to_owned();
    acts::moved(&mut face, 1 << 20);
    face.kill_9();
    let row = stands(&ana, &entry, "sent");
    assert!(!text(&row, "transfer").is_empty());
    same(&ana, &ben, "film");
}

#[test]
fn one_post_reaches_three_devices_as_they_come_and_its_end_is_noted_once() {
    let Some(lab) = Lab::of(4) else { return };
    let ana = lab.seat(0);
    let others = [lab.seat(1), lab.seat(2), lab.seat(3)];
    let names = ["Ben", "Cem", "Dia"];
    let _agent = ana.agent("Ana");
    let mut agents: Vec<Agent> = others.iter().zip(names).map(|(seat, name)| seat.agent(name)).collect();
    let peers: Vec<String> = others.iter().zip(names).map(|(seat, name)| meet(&ana, seat, name).peer).collect();
    // The last of them is away.
    agents[2].run.kill_9();
    noise(&ana.file("slides"), 3 << 20, 7).unwrap();
    let to: Vec<&str> = peers.iter().map(String::as_str).collect();
    let receiving: Vec<Run> = others[..2].iter().map(receive).collect();
    let entries = post(&ana, &to, "slides", &["--priority", "high"]);
    stands(&ana, &entries[0], "sent");
    stands(&ana, &entries[1], "sent");
    assert_eq!(text(&stands(&ana, &entries[2], "waiting"), "priority"), "high");
    agents[2] = others[2].agent("Dia");
    let last = receive(&others[2]);
    stands(&ana, &entries[2], "sent");
    others.iter().for_each(|seat| same(&ana, seat, "slides"));
    let noted = ana.rows(["history", "--limit", "100"]);
    let ends = noted.iter().filter(|row| text(row, "detail") == "slides: sent to 3 of 3").count();
    assert_eq!(ends, 1, "{noted:?}");
    drop((receiving, last));
}

/// How many are sent, all of them and those for one device.
fn sent(seat: &Seat, to: &str) -> (usize, usize) {
    let rows = seat.rows(["outbox"]);
    let all = rows.iter().filter(|row| text(row, "state") == "sent");
    (all.clone().count(), all.filter(|row| text(row, "peer") == to).count())
}

/// Waits until so many are sent, or all that are not for this device.
fn some_more(seat: &Seat, wanted: usize, but: &str) -> usize {
    let deadline = Instant::now() + TRANSFER;
    loop {
        let (all, cut_off) = sent(seat, but);
        if all >= wanted || (!but.is_empty() && all - cut_off >= MANY - MANY / 3 - 1) {
            return all;
        }
        assert!(Instant::now() < deadline, "{all} are sent, {wanted} are waited for: {:?}", seat.rows(["outbox"]));
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn r6_16_and_r6_17_two_hundred_for_three_devices_are_all_kept_though_links_are_cut_at_random() {
    let Some(lab) = Lab::of(4) else { return };
    let given = std::env::var("HITHER_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| u64::from(std::process::id()));
    let _ = writeln!(io::stderr(), "HITHER_SEED={seed}");
    let ana = lab.seat(0);
    let others = [lab.seat(1), lab.seat(2), lab.seat(3)];
    let _agents = [ana.agent("Ana"), others[0].agent("Ben"), others[1].agent("Cem"), others[2].agent("Dia")];
    let peers: Vec<String> =
        others.iter().zip(["Ben", "Cem", "Dia"]).map(|(seat, name)| meet(&ana, seat, name).peer).collect();
    let _receiving: Vec<Run> = others.iter().map(receive).collect();
    let mut chance = seed | 1;
    let mut draw = move |below: u64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        usize::try_from(chance % below).unwrap()
    };
    let mut script = String::from("set -e\n");
    for n in 0..MANY {
        noise(&ana.file(&format!("f{n:03}")), 20_000 + draw(280_000), seed ^ n as u64).unwrap();
        let (program, peer, file) = (ana.program(), &peers[n % 3], ana.at(&format!("f{n:03}")));
        writeln!(script, "{} --json send --later {peer} {}", program.display(), file.display()).unwrap();
    }
    let posting = ana.start("sh", ["-c", &script]);
    // Each time some more have arrived, a cable is pulled, and plugged in again when the others have got some.
    let mut arrived = 0;
    for _ in 0..4 {
        arrived = some_more(&ana, arrived + 1 + draw(20), "");
        let host = draw(3);
        lab.cut(host + 1).unwrap();
        arrived = some_more(&ana, arrived + 1 + draw(12), &peers[host]);
        lab.join(host + 1).unwrap();
    }
    let posted = posting.end(TRANSFER);
    assert_eq!(posted.code, Some(0), "{}", posted.errors);
    some_more(&ana, MANY, "");
    for n in 0..MANY {
        same(&ana, &others[n % 3], &format!("f{n:03}"));
    }
}

//! Two agents that are killed at random moments: of transfers, of accepting, of trust. What was answered is there
//! afterwards, nothing is half, and in the end everything has arrived. `HITHER_SEED` repeats a run (see
//! `hither_tests::crash`). With `scenarios/crashes.rs` these are a hundred moments.

use hither_tests::{
    Seat,
    acts::{self, TRANSFER, meet, noise},
    crash::{Chance, Mortal, contents, say, waiting},
    events::{kind, text},
    netns::Lab,
    run::SOON,
};
use std::{cell::Cell, fs, path::Path, time::Duration};

/// Kills in the middle of transfers, at least.
const IN_TRANSFERS: u32 = 40;
/// Of one transfer, at most.
const OF_ONE: u64 = 9;
/// Kills while somebody accepts an invite.
const IN_ACCEPTS: u32 = 20;
/// Kills while trust is written.
const IN_TRUST: u32 = 16;

fn two(lab: &Lab) -> (Mortal, Mortal) {
    let born = |host, name: &str| Mortal::born(lab.seat(host), &["--name", name]);
    (born(0, "Ana"), born(1, "Ben"))
}

/// A folder with one file of several megabytes and many small ones.
fn fill(folder: &Path, seed: u64) {
    fs::create_dir_all(folder.join("small")).unwrap();
    noise(&folder.join("large"), 6 << 20, seed).unwrap();
    for n in 0..60 {
        noise(&folder.join(format!("small/{n}")), usize::try_from(n).unwrap() * 97, seed + n).unwrap();
    }
}

/// Everything that has its final name is what was sent; what was kept before is still there.
fn nothing_half(sent: &Path, got: &Path, kept_before: &mut usize) {
    let source = contents(sent);
    let there = contents(got);
    let named: Vec<_> = there.iter().filter(|(path, _)| !path.to_string_lossy().contains(".hither-partial")).collect();
    for (path, digest) in &named {
        let path = path.strip_prefix("folder").expect("nothing else arrives there");
        assert_eq!(source.get(path), Some(*digest), "{} is not what was sent", path.display());
    }
    assert!(named.len() >= *kept_before, "{} files were kept, now {}", kept_before, named.len());
    *kept_before = named.len();
}

fn accept_offers(ben: &Seat, into: &str) {
    for id in waiting(ben, "transfer") {
        let into = ben.at(into);
        // It may have ended meanwhile; then it asks again.
        ben.ask(["accept".as_ref(), id.as_ref(), "--to".as_ref(), into.as_os_str()]);
    }
}

/// Waits for the offer at the other side, and takes it.
fn accepted(ben: &Seat, into: &str) {
    acts::until(ben, &["inbox"], "offer", SOON, |v| text(v, "kind") == "transfer");
    accept_offers(ben, into);
}

#[test]
fn f9_n4_whoever_is_killed_in_a_transfer_and_whenever_it_arrives_whole_and_once() {
    let Some(lab) = Lab::of(2) else { return };
    let mut chance = Chance::of("transfers", 20_261_123);
    let (mut ana, mut ben) = two(&lab);
    let met = meet(&ana.seat, &ben.seat, "Ben");
    lab.limit(1, 200).unwrap();
    let mut round = 0;
    while ana.deaths() + ben.deaths() < IN_TRANSFERS {
        round += 1;
        let (folder, into) = (format!("sent-{round}/folder"), format!("got-{round}"));
        fill(&ana.seat.file(&folder), chance.below(1 << 40));
        fs::create_dir_all(ben.seat.file(&into)).unwrap();
        let mut send = acts::offer(&ana.seat, &met.peer, &folder);
        let offered = send.events.seen().iter().find(|v| kind(v) == "offered").cloned().unwrap();
        let transfer = text(&offered, "transfer").to_owned();
        accepted(&ben.seat, &into);
        let mut kept = 0;
        for _ in 0..=chance.below(OF_ONE) {
            let victims = match chance.below(5) {
                0 | 1 => vec![&mut ana],
                2 | 3 => vec![&mut ben],
                _ => vec![&mut ana, &mut ben],
            };
            for victim in victims {
                victim.dies_after(chance.moment(Duration::from_millis(250)));
                if chance.below(4) == 0 {
                    victim.dies_at_birth(chance.moment(Duration::from_millis(60)));
                }
            }
            nothing_half(&ana.seat.file(&folder), &ben.seat.file(&into), &mut kept);
            for each in [&mut ana, &mut ben] {
                each.rises_if_dead();
            }
            // What was offered and what was agreed to is remembered.
            assert!(!ana.seat.rows(["transfer", &transfer]).is_empty());
            assert!(waiting(&ben.seat, "transfer").is_empty(), "what was accepted is asked about again");
        }
        for seat in [&ben.seat, &ana.seat] {
            acts::until(seat, &["transfer", &transfer], "kept transfer", TRANSFER, |v| {
                assert_ne!(text(v, "state"), "dropped", "{v}");
                text(v, "state") == "kept"
            });
        }
        let (sent, got) = (contents(&ana.seat.file(&folder)), contents(&ben.seat.file(&into).join("folder")));
        assert!(sent == got, "{} files were sent, {} arrived", sent.len(), got.len());
        let all = contents(&ben.seat.file(&into));
        assert_eq!(all.len(), sent.len(), "beside them: {:?}", all.keys().collect::<Vec<_>>());
    }
    say(&format!("{} kills of the sender, {} of the receiver, {round} transfers", ana.deaths(), ben.deaths()));
    ana.ends();
    ben.ends();
}

/// The session with the other, and whether it is open.
fn session(seat: &Seat) -> Option<(String, bool)> {
    let rows = seat.rows(["sessions"]);
    let session = rows.iter().find(|v| kind(v) == "session")?;
    Some((text(session, "session").to_owned(), text(session, "state") == "open"))
}

/// Waits until both sides say the same of the session with the other: that it is open, or that there is none.
fn agree(ana: &Seat, ben: &Seat) -> Option<String> {
    let agreed = Cell::new(None);
    acts::until(ana, &["status"], "agreement about the session", TRANSFER, |_| match (session(ana), session(ben)) {
        (None, None) => true,
        (Some((one, true)), Some((other, true))) => {
            assert_eq!(one, other, "two sessions where there is one");
            agreed.set(Some(one));
            true
        }
        _ => false,
    });
    agreed.take()
}

#[test]
fn whoever_is_killed_while_an_invite_is_accepted_both_agree_afterwards_whether_there_is_a_session() {
    let Some(lab) = Lab::of(2) else { return };
    let mut chance = Chance::of("accepts", 20_261_124);
    let (mut ana, mut ben) = two(&lab);
    let met = meet(&ana.seat, &ben.seat, "Ben");
    ana.seat.rows(["close", &met.session]);
    let (mut opened, mut lost) = (0, 0);
    while ana.deaths() + ben.deaths() < IN_ACCEPTS {
        let mut invite = ana.seat.hither(["--no-start", "invite", &met.peer]);
        let asked = acts::until(&ben.seat, &["inbox"], "invite", SOON, |v| text(v, "kind") == "invite");
        let accept = ben.seat.hither(["--no-start", "accept", text(&asked, "id")]);
        // Ben always: as long as he lives, nobody whose invite came to nothing may ask again for half a minute.
        let victims = match chance.below(3) {
            0 => vec![&mut ben],
            1 => vec![&mut ana, &mut ben],
            _ => vec![&mut ben, &mut ana],
        };
        for victim in victims {
            victim.dies_after(chance.moment(Duration::from_millis(40)));
        }
        accept.end(SOON);
        let was_told = invite.events.seen().iter().any(|v| kind(v) == "accepted");
        drop(invite);
        ana.rises_if_dead();
        ben.rises_if_dead();
        let agreed = agree(&ana.seat, &ben.seat);
        assert!(agreed.is_some() || !was_told, "the inviter was told of a session that nobody remembers");
        match agreed {
            Some(session) => {
                opened += 1;
                ana.seat.rows(["close", &session]);
                agree(&ana.seat, &ben.seat);
            }
            None => lost += 1,
        }
        for (seat, other) in [(&ana.seat, ben.peer()), (&ben.seat, ana.peer())] {
            let known = seat.rows(["trust", "list"]);
            assert!(known.iter().any(|v| text(v, "peer") == other), "{}: {known:?}", seat.title);
        }
    }
    say(&format!("{opened} sessions came of it, {lost} did not"));
    acts::meet_again(&ana.seat, &ben.seat, &met.peer);
    ana.ends();
    ben.ends();
}

#[test]
fn trust_that_was_answered_is_there_after_any_kill_and_never_half() {
    let Some(lab) = Lab::of(2) else { return };
    let mut chance = Chance::of("trust", 20_261_125);
    let (mut ana, ben) = two(&lab);
    let met = meet(&ana.seat, &ben.seat, "Ben");
    ana.seat.rows(["close", &met.session]);
    let trust = |ana: &Seat| {
        let rows = ana.rows(["trust", "list"]);
        rows.iter().find(|v| text(v, "peer") == met.peer).map_or("forget".to_owned(), |v| text(v, "trust").to_owned())
    };
    let mut before = trust(&ana.seat);
    while ana.deaths() < IN_TRUST {
        let choices: &[&str] =
            if ana.deaths() + 1 == IN_TRUST { &["forget"] } else { &["known", "verified", "blocked"] };
        let wanted = *chance.one_of(choices);
        let set = ana.seat.hither(["--no-start", "trust", "set", &met.peer, wanted]);
        ana.dies_after(chance.moment(Duration::from_millis(25)));
        let answered = set.end(SOON).code == Some(0);
        ana.rises();
        let now = trust(&ana.seat);
        assert!(
            now == wanted || (!answered && now == before),
            "{before} became {now}; {wanted} was answered: {answered}"
        );
        before = now;
    }
    ana.ends();
}

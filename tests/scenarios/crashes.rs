//! An agent that is killed at random moments while settings are written, and while files of an earlier version are brought
//! forward. With `netns/killed.rs` these are a hundred moments; `HITHER_SEED` repeats a run.

use crate::ALONE;
use hither_tests::{
    Seat,
    crash::{Chance, Mortal},
    events::{kind, number, text},
    run::SOON,
};
use std::{fs, time::Duration};

/// Kills while a setting is written.
const IN_SETTINGS: u32 = 14;
/// Kills while a profile of an earlier version is taken over.
const IN_MIGRATIONS: u32 = 10;

fn set(seat: &Seat, name: &str) -> bool {
    let rows = seat.rows(["settings", "list"]);
    let row = rows.iter().find(|v| kind(v) == "settings").expect("the settings are listed").clone();
    row[name].as_bool().unwrap_or_else(|| panic!("{name}: {row}"))
}

#[test]
fn settings_that_were_answered_are_there_after_any_kill_and_never_half() {
    let mut chance = Chance::of("settings", 20_261_126);
    let mut ana = Mortal::born(Seat::here("ana").unwrap(), ALONE);
    let names = [("notifications", "notifications"), ("allow-tls12", "allow_tls12"), ("near-only", "near_only")];
    while ana.deaths() < IN_SETTINGS {
        let (name, field) = *chance.one_of(&names);
        let before = set(&ana.seat, field);
        let wanted = if before { "off" } else { "on" };
        let change = ana.seat.hither(["--no-start", "settings", "set", name, wanted]);
        ana.dies_after(chance.moment(Duration::from_millis(20)));
        let answered = change.end(SOON).code == Some(0);
        ana.rises();
        let now = set(&ana.seat, field);
        assert!(now != before || !answered, "{name} was answered and is {now} again");
    }
    ana.ends();
}

/// A profile as hither 0.1 wrote it.
fn first(seat: &Seat) -> String {
    let inbox = seat.at("in");
    format!(
        "version = 1\nname = \"Ana\"\nvisibility = \"nobody\"\ninbox = \"{}\"\nallow_tls12 = true\nrevoked = [\"proximity\"]\n\n\
         [interfaces]\ninclude = [\"lo\"]\nexclude = []\nvirtual = true\n",
        inbox.display()
    )
}

#[test]
fn settings_of_an_earlier_version_survive_any_kill_of_the_first_start_and_are_kept_beside() {
    let mut chance = Chance::of("migrations", 20_261_127);
    let mut killed = 0;
    while killed < IN_MIGRATIONS {
        let mut ana = Mortal::born(Seat::here("ana").unwrap(), ALONE);
        ana.dies_after(Duration::ZERO);
        let (file, beside) = (ana.seat.profile().join("settings.toml"), ana.seat.profile().join("settings.toml.v1"));
        let old = first(&ana.seat);
        fs::write(&file, &old).unwrap();
        for _ in 0..=chance.below(3) {
            ana.dies_at_birth(chance.moment(Duration::from_millis(30)));
            killed += 1;
            let now = fs::read_to_string(&file).unwrap();
            assert!(
                now == old || fs::read_to_string(&beside).is_ok_and(|kept| kept == old),
                "what was is lost:\n{now}"
            );
        }
        ana.rises();
        let status = ana.seat.rows(["status"]);
        let row = status.iter().find(|v| kind(v) == "status").expect("a status row");
        assert_eq!((text(row, "name"), text(row, "visibility")), ("Ana", "nobody"));
        assert!(set(&ana.seat, "allow_tls12"));
        assert_eq!(fs::read_to_string(&beside).unwrap(), old);
        assert_eq!(number(row, "questions"), 0);
        ana.ends();
    }
}

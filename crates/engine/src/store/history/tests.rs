//! The history and its chain, as a file that others can reach.

use super::*;
use proptest::prelude::*;
use std::fs;

fn row(at: u64) -> HistoryRow {
    HistoryRow { at, what: "session".into(), peer: None, name: Some("Ana".into()), detail: format!("line {at}") }
}

/// A history of `count` rows on disk.
fn written(count: u64) -> (tempfile::TempDir, PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let path = top.path().join("history.jsonl");
    let keeper = Keeper::start(top.path().to_owned(), || {}).unwrap();
    let mut history = History::load(path.clone());
    for at in 1..=count {
        history.note(&keeper, row(at));
    }
    drop(keeper);
    (top, path)
}

fn times(history: &History) -> Vec<u64> {
    history.rows().map(|row| row.at).collect()
}

#[test]
fn what_was_noted_is_there_again_and_its_chain_is_whole() {
    let (_top, path) = written(5);
    let history = History::load(path.clone());
    assert_eq!(times(&history), [5, 4, 3, 2, 1]);
    assert_eq!(history.state().broken, None);
    assert_eq!(history.state().head, History::load(path).state().head, "reading changes nothing");
}

#[test]
fn a_line_that_was_changed_taken_out_or_put_in_is_noticed() {
    let (_top, path) = written(5);
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 6, "an anchor and five rows");
    let changed = whole.replace("line 3", "line X");
    let out: Vec<&str> = lines.iter().enumerate().filter(|(i, _)| *i != 3).map(|(_, line)| *line).collect();
    let mut twice = lines.clone();
    twice.insert(2, lines[4]);
    let garbled = whole.replace("{\"at\":3,", "{\"at\":");
    for (text, at) in [(changed, 3), (out.join("\n"), 4), (twice.join("\n"), 4), (garbled, 4)] {
        fs::write(&path, text).unwrap();
        assert_eq!(History::load(path.clone()).state().broken, Some(at));
    }
    fs::write(&path, lines[..5].join("\n")).unwrap();
    let short = History::load(path);
    assert_eq!(short.state().broken, None, "a missing end is seen by the head alone");
    assert_eq!(short.rows().count(), 4);
}

#[test]
fn what_is_erased_is_gone_from_the_disk_and_the_rest_hangs_together() {
    let (top, path) = written(5);
    let keeper = Keeper::start(top.path().to_owned(), || {}).unwrap();
    let mut history = History::load(path.clone());
    let before = history.state().head;
    assert_eq!(history.erase(&keeper, |row| row.at % 2 == 0), 2);
    assert_eq!(history.erase(&keeper, |row| row.at > 100), 0);
    history.note(&keeper, row(6));
    drop(keeper);
    assert!(!fs::read_to_string(&path).unwrap().contains("line 2"));
    let again = History::load(path);
    assert_eq!((times(&again), again.state().forgotten, again.state().broken), (vec![6, 5, 3, 1], 2, None));
    assert_ne!(again.state().head, before);
}

#[test]
fn a_history_from_before_there_was_a_chain_gets_one() {
    let top = tempfile::tempdir().unwrap();
    let path = top.path().join("history.jsonl");
    let old: String = (1..=3).map(|at| serde_json::to_string(&row(at)).unwrap() + "\n").collect();
    fs::write(&path, old).unwrap();
    assert_eq!(times(&History::load(path.clone())), [3, 2, 1]);
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("line 2", "line Y")).unwrap();
    assert_eq!(History::load(path).state().broken, Some(2));
}

#[test]
fn it_stays_within_its_bounds_and_says_how_much_is_gone() {
    let most = MAX_ROWS as u64;
    let (_top, path) = written(most + 500);
    let history = History::load(path);
    let state = history.state();
    assert!(history.rows.len() <= MAX_ROWS && history.rows.len() > MAX_ROWS / 2);
    assert_eq!((history.rows.len() as u64 + state.forgotten, state.broken), (most + 500, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_file_is_read_without_harm(text in "(\\PC|\n|\\{\"at\":1,\"what\":\"x\",\"detail\":\"y\"\\}\n){0,40}") {
        let read = chain::read(&text);
        prop_assert!(read.rows.len() <= 40);
    }
}

//! Habits every file keeps: it opens by saying what it is, tests do not wait by sleeping and are not switched off, and
//! work that is left names its issue.

use crate::source::{Source, numbered, sources};

fn complaints(mut find: impl FnMut(&Source, &mut Vec<String>)) -> String {
    let mut bad = Vec::new();
    for source in sources() {
        find(&source, &mut bad);
    }
    bad.join("\n")
}

/// Whether a line of code calls a function of this name.
fn calls(code: &str, name: &str) -> bool {
    let call = format!("{name}(");
    code.match_indices(&call).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let bad = complaints(|source, bad| {
        if !source.text.starts_with("//! ") && !source.text.starts_with("#![no_main]\n//! ") {
            bad.push(source.path.display().to_string());
        }
    });
    assert!(bad.is_empty(), "these need a //! header:\n{bad}");
}

/// Sleeping is no way to wait for something. It may be what a test is about: under tokio's paused clock, where it costs
/// no time, or where the line says "not for timing" and what for.
#[test]
fn tests_wait_for_events_and_never_sleep() {
    let bad = complaints(|source, bad| {
        let virtual_time = source.text.contains("start_paused = true");
        for ((line, code), comment) in source.tests().zip(source.comments.lines().skip(source.first_test_line())) {
            let sleeps = calls(code, "sleep") || calls(code, "sleep_until");
            if sleeps && !virtual_time && !comment.contains("not for timing") {
                bad.push(format!("{}:{line}: {}", source.path.display(), code.trim()));
            }
        }
    });
    assert!(bad.is_empty(), "wait for the event instead:\n{bad}");
}

#[test]
fn a_test_is_switched_off_only_with_a_reason() {
    let bad = complaints(|source, bad| {
        for (line, code) in numbered(&source.code) {
            if code.replace(' ', "").contains("#[ignore]") {
                bad.push(format!("{}:{line}", source.path.display()));
            }
        }
    });
    assert!(bad.is_empty(), "say why in #[ignore = \"…\"]:\n{bad}");
}

#[test]
fn what_is_left_to_do_names_its_issue() {
    let marks = ["TO".to_owned() + "DO", "FIX".to_owned() + "ME", "XX".to_owned() + "X"];
    let bad = complaints(|source, bad| {
        for (line, comment) in numbered(&source.comments) {
            if marks.iter().any(|mark| comment.contains(mark)) && !comment.contains("(#") {
                bad.push(format!("{}:{line}: {}", source.path.display(), comment.trim()));
            }
        }
    });
    assert!(bad.is_empty(), "write (#number) behind the mark, or do it:\n{bad}");
}

#[test]
fn there_is_no_unsafe_code() {
    let bad = complaints(|source, bad| {
        for (line, code) in numbered(&source.code) {
            let mut words = code.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            if words.any(|word| word == "unsafe") {
                bad.push(format!("{}:{line}: {}", source.path.display(), code.trim()));
            }
        }
    });
    assert!(bad.is_empty(), "{bad}");
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let root = crate::source::root();
    let mut manifests: Vec<_> = std::fs::read_dir(root.join("crates"))
        .expect("crates/ is there")
        .filter_map(|e| Some(e.ok()?.path().join("Cargo.toml")))
        .collect();
    manifests.extend([root.join("tests/Cargo.toml"), root.join("Cargo.toml")]);
    for manifest in manifests {
        let text = std::fs::read_to_string(&manifest).unwrap_or_default();
        assert!(text.contains("[lints]\nworkspace = true"), "{} has lints of its own", manifest.display());
    }
}

#[test]
fn crates_that_read_peers_bytes_cannot_panic_on_them() {
    let root = crate::source::root();
    for name in ["protocol", "discovery", "socket", "transfer"] {
        let lib = std::fs::read_to_string(root.join(format!("crates/{name}/src/lib.rs"))).unwrap_or_default();
        let lib: String = lib.split_whitespace().collect();
        for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing"] {
            let denied = lib.find("#![deny(").is_some_and(|at| lib.split_at(at).1.contains(&format!("clippy::{lint}")));
            assert!(denied, "crates/{name}/src/lib.rs does not deny clippy::{lint}");
        }
    }
}

//! What the documents must say: a line and an exit code for every error code, the words of every state, and for every
//! test that a document names, that it exists.

use crate::source::{root, sources};
use hither_model::{
    AgentState, DesktopPart, ErrorCode, ItemState, Medium, Nearness, Presence, ProtectionLevel, SessionState,
    TransferState, Trust, Verified, View,
};
use std::{collections::BTreeSet, fs};

fn document(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap_or_else(|e| panic!("docs/{name}: {e}"))
}

/// The cells of every table row of a document.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter_map(|line| Some(line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect()))
}

#[test]
fn every_error_code_has_a_line_and_an_exit_code_in_the_documents() {
    let text = document("control.md");
    for code in ErrorCode::ALL {
        let cell = format!("`{}`", code.name());
        let row = rows(&text).find(|row| row.first() == Some(&cell.as_str()));
        let row = row.unwrap_or_else(|| panic!("docs/control.md has no table row for {code}"));
        let exit: u8 = row.get(1).and_then(|c| c.parse().ok()).unwrap_or_else(|| panic!("{code}: no exit code"));
        assert!(matches!(exit, 1..=11 | 130), "{code}: exit code {exit} does not exist");
        assert!(row.get(3).is_some_and(|sentence| sentence.len() > 10), "{code}: no sentence");
    }
}

#[test]
fn every_error_code_has_the_same_exit_code_in_the_command_line_and_the_documents() {
    let table = sources().into_iter().find(|s| s.path.starts_with("crates/cli") && s.path.ends_with("exit.rs"));
    let table = table.expect("the command line has an exit.rs that maps each ErrorCode to an exit code");
    let code: String = table.production().map(|(_, line)| format!("{line} ")).collect();
    let text = document("control.md");
    for error in ErrorCode::ALL {
        let ours =
            arm(&code, error.name()).unwrap_or_else(|| panic!("{error}: no exit code in {}", table.path.display()));
        let cell = format!("`{}`", error.name());
        let told = rows(&text).find(|row| row.first() == Some(&cell.as_str())).and_then(|row| row.get(1).copied());
        assert_eq!(told, Some(ours), "the exit code of {error} in docs/control.md is not the command line's");
    }
}

/// The number in the match arm of a word: the first one after the `=>` that follows it.
fn arm<'c>(code: &'c str, word: &str) -> Option<&'c str> {
    let whole = |at: usize| {
        let after = code[at + word.len()..].chars().next();
        code[..at].ends_with(':') && after.is_some_and(|c| !c.is_alphanumeric())
    };
    let (at, _) = code.match_indices(word).find(|(at, _)| whole(*at))?;
    let (_, rest) = code[at..].split_once("=>")?;
    let number = rest.trim_start();
    let end = number.find(|c: char| !c.is_ascii_digit())?;
    number.get(..end).filter(|n| !n.is_empty())
}

#[test]
fn the_documents_know_the_words_of_every_state() {
    fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|value| word(*value)).collect()
    }
    let text = document("control.md");
    let levels = [ProtectionLevel::Plain, ProtectionLevel::Tls12, ProtectionLevel::Tls13].map(|l| l.to_string());
    let expected = [
        ("Presence", words(Presence::ALL, Presence::word)),
        ("Trust", words(Trust::ALL, Trust::word)),
        ("Verified", words(Verified::ALL, Verified::word)),
        ("SessionState", words(SessionState::ALL, SessionState::word)),
        ("TransferState", words(TransferState::ALL, TransferState::word)),
        ("ItemState", words(ItemState::ALL, ItemState::word)),
        ("Nearness", words(Nearness::ALL, Nearness::word)),
        ("DesktopPart", words(DesktopPart::ALL, DesktopPart::word)),
        ("View", words(View::ALL, View::word)),
        ("AgentState", words(AgentState::ALL, AgentState::word)),
        ("Medium", words(Medium::ALL, Medium::word)),
        ("ProtectionLevel", levels.iter().map(String::as_str).collect()),
    ];
    for (name, words) in expected {
        let cell = format!("`{name}`");
        let row = rows(&text).find(|row| row.first() == Some(&cell.as_str()));
        let row = row.unwrap_or_else(|| panic!("docs/control.md has no table row for {name}"));
        let told: Vec<&str> = row.get(1).unwrap_or(&"").split('`').skip(1).step_by(2).collect();
        assert_eq!(told, words, "the words of {name} in docs/control.md are not those of the code");
    }
}

/// Names of every function in the code that reads like a case's test: `d1_…`.
fn case_tests() -> BTreeSet<String> {
    let code: String = sources().into_iter().map(|s| s.code).collect();
    let names = code.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
    names.filter(|name| case_of(name).is_some()).map(str::to_owned).collect()
}

/// `D1` for `d1_a_flood…`.
fn case_of(test: &str) -> Option<String> {
    // `r2_4_…` is about requirement R2.4 and not about case R2.
    let (case, rest) = test.split_once('_')?;
    if rest.split('_').next().is_some_and(|w| !w.is_empty() && w.chars().all(|c| c.is_ascii_digit())) {
        return None;
    }
    let mut chars = case.chars();
    let letter = chars.next().filter(|c| "ditxmfarngsbw".contains(*c))?;
    let number = chars.as_str();
    (!number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
        .then(|| format!("{}{number}", letter.to_uppercase()))
}

#[test]
fn every_case_has_a_test_or_a_reason() {
    let known = case_tests();
    let text = document("security.md");
    let (_, cases) = text.split_once("## Cases").expect("docs/security.md lists the cases");
    let mut bad = Vec::new();
    for row in rows(cases).filter(|row| row.len() == 3 && case_of(&format!("{}_", row[0].to_lowercase())).is_some()) {
        let (case, told) = (row[0], row[2]);
        if told.starts_with("Reasoned: ") {
            continue;
        }
        let named: Vec<&str> = told.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            bad.push(format!("{case}: neither a test nor \"Reasoned: …\""));
        }
        for name in named {
            if !known.contains(name) || case_of(name).as_deref() != Some(case) {
                bad.push(format!("{case}: there is no test {name}"));
            }
        }
    }
    assert!(bad.is_empty(), "docs/security.md:\n{}", bad.join("\n"));
}

#[test]
fn documents_speak_only_of_cases_that_are_listed() {
    let security = document("security.md");
    let (properties, cases) = security.split_once("## Cases").expect("docs/security.md lists the cases");
    let listed: BTreeSet<&str> = rows(cases).filter_map(|row| row.first().copied()).collect();
    let past = document("past-vulns.md");
    let past: String = rows(&past).filter_map(|row| row.get(3).map(|c| format!("({c})"))).collect();
    for group in properties.split('(').chain(past.split('(')).skip(1).filter_map(|g| g.split(')').next()) {
        for case in group.split([',', ' ']).filter(|word| case_of(&format!("{}_", word.to_lowercase())).is_some()) {
            assert!(listed.contains(case), "{case} is named but not in the list of docs/security.md");
        }
    }
}

#[test]
fn the_documents_are_there() {
    for name in
        ["architecture", "wire", "control", "security", "threat-model", "past-vulns", "known-issues", "performance"]
    {
        let text = document(&format!("{name}.md"));
        assert!(text.starts_with("# ") && text.len() > 500, "docs/{name}.md says too little");
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap_or_default();
    for command in ["script/run", "script/test"] {
        assert!(readme.contains(command), "README.md does not name {command}");
    }
}

//! Words that say nothing are not names here: a type is called after what it is, a function after what it does.

use crate::source::sources;

/// Parts a type's name must not have.
const EMPTY_WORDS: &[&str] =
    &["Manager", "Service", "Helper", "Helpers", "Util", "Utils", "Common", "Info", "Data", "Processor", "Impl"];

/// Names that are a standard's, with the standard.
const BORROWED: &[(&str, &str)] = &[("QualityOfService", "what networks call it (RFC 2474)")];

/// File names that would become drawers for everything.
const DRAWERS: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager", "shared"];

#[test]
fn types_are_named_after_what_they_are() {
    let mut bad = Vec::new();
    for source in sources() {
        for (line, code) in source.production().chain(source.tests()) {
            let names = declared(code, &["struct", "enum", "trait", "type", "union"]);
            for name in names.into_iter().filter(|name| BORROWED.iter().all(|(borrowed, _)| borrowed != name)) {
                if let Some(word) = parts(name).into_iter().find(|part| EMPTY_WORDS.contains(&part.as_str())) {
                    bad.push(format!("{}:{line}: {name} ({word})", source.path.display()));
                }
            }
        }
    }
    assert!(bad.is_empty(), "these names say nothing:\n{}", bad.join("\n"));
}

#[test]
fn no_function_begins_with_get() {
    let mut bad = Vec::new();
    for source in sources() {
        for (line, code) in source.production().chain(source.tests()) {
            bad.extend(
                declared(code, &["fn"])
                    .into_iter()
                    .filter(|name| name.starts_with("get_"))
                    .map(|name| format!("{}:{line}: {name}", source.path.display())),
            );
        }
    }
    assert!(bad.is_empty(), "name these after what they give:\n{}", bad.join("\n"));
}

#[test]
fn no_file_is_a_drawer() {
    let bad: Vec<String> = sources()
        .iter()
        .filter(|s| s.path.file_stem().is_some_and(|stem| DRAWERS.contains(&stem.to_string_lossy().as_ref())))
        .map(|s| s.path.display().to_string())
        .collect();
    assert!(bad.is_empty(), "name these after what is in them:\n{}", bad.join("\n"));
}

/// Names that a line of code declares after one of these keywords.
fn declared<'c>(code: &'c str, keywords: &[&str]) -> Vec<&'c str> {
    let words: Vec<&str> = code.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
    words
        .windows(2)
        .filter_map(|pair| pair.first().filter(|k| keywords.contains(k)).and(pair.get(1)).copied())
        .collect()
}

/// The words of a name in camel case.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for c in name.chars() {
        match parts.last_mut() {
            Some(last) if !c.is_uppercase() => last.push(c),
            _ => parts.push(c.to_string()),
        }
    }
    parts
}

#[test]
fn a_name_is_cut_at_its_capitals() {
    assert_eq!(parts("PeerInfoRow"), ["Peer", "Info", "Row"]);
    assert_eq!(declared("pub(crate) struct DataBag;", &["struct"]), ["DataBag"]);
    assert_eq!(declared("impl Information for X {", &["struct"]), [""; 0]);
}

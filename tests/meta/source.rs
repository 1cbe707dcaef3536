//! The project's Rust files, with comments and literals told apart from code. A small scanner, not a parser: it knows
//! strings (raw ones too), characters, lifetimes and nested comments, which is what the checks need.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One file.
pub(crate) struct Source {
    /// From the repository's root.
    pub(crate) path: PathBuf,
    /// As it is.
    pub(crate) text: String,
    /// With the insides of comments and literals blanked out; line for line the same.
    pub(crate) code: String,
    /// With everything but comments blanked out.
    pub(crate) comments: String,
    /// The line (from 0) of its first inline test module, else its number of lines.
    pub(crate) tests_from: usize,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (code, comments) = separate(&text);
        let lines: Vec<&str> = code.lines().collect();
        let tests_from = lines
            .iter()
            .position(|line| line.trim_start().starts_with("#[cfg(test)]"))
            .filter(|at| lines.iter().skip(*at).take(4).any(|l| l.trim_start().starts_with("mod ") && l.ends_with('{')))
            .unwrap_or(lines.len());
        Self { path: path.strip_prefix(root).unwrap_or(path).to_owned(), text, code, comments, tests_from }
    }

    /// Lines of code that is not a test, numbered from 1.
    pub(crate) fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = if self.is_test() { 0 } else { self.tests_from };
        numbered(&self.code).take(end)
    }

    /// Lines of test code, numbered from 1.
    pub(crate) fn tests(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.code).skip(self.first_test_line())
    }

    /// How many lines precede the first line of test code.
    pub(crate) fn first_test_line(&self) -> usize {
        if self.is_test() { 0 } else { self.tests_from }
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test(&self) -> bool {
        self.path.iter().any(|part| part == "tests" || part == "benches") || self.path.ends_with("tests.rs")
    }
}

/// Lines with their numbers, from 1.
pub(crate) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line))
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// Every Rust file of the project.
pub(crate) fn sources() -> Vec<Source> {
    let root = root();
    let mut files = Vec::new();
    for part in ["crates", "tests", "fuzz", "src-tauri"] {
        collect(&root.join(part), &mut files);
    }
    files.sort();
    assert!(files.len() > 10, "the scan found {} Rust files: it looks in the wrong place", files.len());
    files.iter().map(|path| Source::read(&root, path)).collect()
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != "corpus" && name != "gen" {
            collect(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// The text as (code, comments), each with the rest blanked out.
fn separate(text: &str) -> (String, String) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut comments) = (String::with_capacity(text.len()), String::with_capacity(text.len()));
    let mut at = 0;
    while at < chars.len() {
        let (end, kind) = piece(&chars, at);
        for &c in chars.get(at..end).unwrap_or_default() {
            let blank = if c == '\n' { '\n' } else { ' ' };
            code.push(if kind == Kind::Code { c } else { blank });
            comments.push(if kind == Kind::Comment { c } else { blank });
        }
        at = end.max(at + 1);
    }
    (code, comments)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// Where the piece that begins at `at` ends, and what it is.
fn piece(chars: &[char], at: usize) -> (usize, Kind) {
    let here = |offset: usize| chars.get(at + offset).copied().unwrap_or('\0');
    let word_before = at > 0 && chars.get(at - 1).is_some_and(|c| c.is_alphanumeric() || *c == '_');
    match (here(0), here(1)) {
        ('/', '/') => (find(chars, at, |i| chars.get(i) == Some(&'\n')), Kind::Comment),
        ('/', '*') => (block_comment(chars, at), Kind::Comment),
        ('"', _) => (string_end(chars, at + 1), Kind::Literal),
        ('r', '"' | '#') if !word_before => raw_string(chars, at),
        ('b', 'r') if !word_before && matches!(here(2), '"' | '#') => raw_string(chars, at + 1),
        ('\'', '\\') => (find(chars, at + 3, |i| chars.get(i) == Some(&'\'')) + 1, Kind::Literal),
        ('\'', _) if here(2) == '\'' => (at + 3, Kind::Literal),
        _ => (at + 1, Kind::Code),
    }
}

fn find(chars: &[char], from: usize, stop: impl Fn(usize) -> bool) -> usize {
    (from..chars.len()).find(|i| stop(*i)).unwrap_or(chars.len())
}

fn block_comment(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0usize, at);
    while i < chars.len() {
        match (chars.get(i), chars.get(i + 1)) {
            (Some('/'), Some('*')) => (depth, i) = (depth + 1, i + 2),
            (Some('*'), Some('/')) => {
                (depth, i) = (depth - 1, i + 2);
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    i
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut i = from;
    while let Some(c) = chars.get(i) {
        match c {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    i
}

/// A raw string that begins with `r` at `at`; plain code if it is a raw identifier.
fn raw_string(chars: &[char], at: usize) -> (usize, Kind) {
    let hashes = chars.iter().skip(at + 1).take_while(|c| **c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return (at + 1, Kind::Code);
    }
    let closes = |i: usize| chars.get(i) == Some(&'"') && (1..=hashes).all(|n| chars.get(i + n) == Some(&'#'));
    (find(chars, open + 1, closes) + 1 + hashes, Kind::Literal)
}

#[test]
fn comments_and_literals_are_not_taken_for_code() {
    let text = "let a = \"unsafe // no\"; // unsafe\nlet b = r#\"un\"safe\"#; /* a /* b */ unsafe */ let c = '\"';\nlet d: &'a str = r#type;";
    let (code, comments) = separate(text);
    assert!(!code.contains("unsafe"), "{code}");
    assert_eq!(code.lines().count(), text.lines().count());
    assert!(code.contains("let c = ") && code.contains("&'a str = r#type;"), "{code}");
    assert_eq!(comments.matches("unsafe").count(), 2, "{comments}");
}

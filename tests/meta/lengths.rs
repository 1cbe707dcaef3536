//! No file grows without end: 400 lines, inline test modules not counted. Functions are clippy's (60 lines, clippy.toml).

use crate::source::sources;

const LIMIT: usize = 400;

/// Files that may be longer: the path, how long, and why.
const LONGER: &[(&str, usize, &str)] = &[];

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let too_long: Vec<String> = sources()
        .iter()
        .map(|source| (source, source.tests_from))
        .filter(|(source, lines)| *lines > limit(&source.path.to_string_lossy()))
        .map(|(source, lines)| format!("{}: {lines} lines", source.path.display()))
        .collect();
    assert!(too_long.is_empty(), "cut these in two (or say in LONGER why not):\n{}", too_long.join("\n"));
}

fn limit(path: &str) -> usize {
    LONGER.iter().find(|(name, ..)| *name == path).map_or(LIMIT, |(_, lines, _)| *lines)
}

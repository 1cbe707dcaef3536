//! A manifest in a few words, for the question a person is asked.

use super::Manifest;
use serde::{Deserialize, Serialize};

/// Names listed at most.
const NAMES: usize = 20;

/// What a manifest offers, in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Files and folders.
    pub items: u64,
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
    /// Whether any file is marked executable.
    pub executables: bool,
    /// The first names at the top, at most 20.
    pub names: Vec<String>,
    /// The first name, and how many more there are.
    pub title: String,
}

impl Manifest {
    /// What is offered, in a few words.
    pub fn summary(&self) -> Summary {
        let mut tops = self.entries().iter().filter(|entry| entry.parent.is_none());
        let names: Vec<String> = tops.by_ref().take(NAMES).map(|entry| entry.name.to_string()).collect();
        let count = names.len() + tops.count();
        let first = names.first().cloned().unwrap_or_default();
        let title = if count > 1 { format!("{first} and {} more", count - 1) } else { first };
        Summary {
            items: u64::from(self.items()),
            files: u64::from(self.files()),
            bytes: self.bytes(),
            executables: self
                .entries()
                .iter()
                .any(|entry| matches!(entry.kind, super::Kind::File { executable: true, .. })),
            names,
            title,
        }
    }
}

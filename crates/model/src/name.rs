//! The name a person chose to show (R2.4): a claim until proven, never the host or account name by default.

use crate::text::is_hidden;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest display name, in characters (R2.4).
pub const MAX_CHARACTERS: usize = 50;

/// A display name that is safe to store and show: 1 to 50 visible characters on one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
#[serde(try_from = "String", into = "String")]
pub struct DisplayName(String);

/// Why a text cannot be a display name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// Nothing is left after trimming.
    #[error("a name must have at least one visible character")]
    Empty,
    /// More than 50 characters.
    #[error("a name has at most {MAX_CHARACTERS} characters")]
    TooLong,
    /// A control, direction or invisible character.
    #[error("a name must not contain control, direction or invisible characters")]
    Hidden,
}

impl DisplayName {
    /// Takes a name as a person typed it: spaces around it are dropped, anything else that is wrong is an error.
    ///
    /// # Errors
    /// [`NameFault`] says which rule the text breaks.
    pub fn new(text: &str) -> Result<Self, NameFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NameFault::Empty);
        }
        if text.chars().nth(MAX_CHARACTERS).is_some() {
            return Err(NameFault::TooLong);
        }
        if text.chars().any(|c| is_hidden(c) && c != '\u{200d}') {
            return Err(NameFault::Hidden);
        }
        Ok(Self(text.to_owned()))
    }

    /// Makes the best of what a peer claims (R2.12): hidden characters dropped, cut at 50 characters; `None` if nothing
    /// visible is left.
    pub fn cleaned(claim: &str) -> Option<Self> {
        let visible: String = claim.chars().filter(|c| !is_hidden(*c)).take(MAX_CHARACTERS).collect();
        Self::new(&visible).ok()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The longest beginning of the name that fits in `max` bytes of UTF-8, cut at a character boundary.
    pub fn prefix(&self, max: usize) -> &str {
        let mut end = max.min(self.0.len());
        while !self.0.is_char_boundary(end) {
            end -= 1;
        }
        self.0.get(..end).unwrap_or_default()
    }

    /// A rough skeleton for "these two names look alike": lower case, without spaces and punctuation, with a few
    /// look-alike digits and letters folded. Equal skeletons mean "warn", never "same person" (D7).
    pub fn skeleton(&self) -> String {
        self.0
            .chars()
            .flat_map(char::to_lowercase)
            .filter(|c| c.is_alphanumeric())
            .map(|c| match c {
                '0' => 'o',
                '1' | 'i' | '|' | 'і' => 'l',
                '5' => 's',
                'а' => 'a',
                'е' => 'e',
                'о' => 'o',
                'р' => 'p',
                'с' => 'c',
                other => other,
            })
            .collect()
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for DisplayName {
    type Error = NameFault;
    fn try_from(text: String) -> Result<Self, NameFault> {
        Self::new(&text)
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r2_4_fifty_characters_fit_and_fifty_one_do_not() {
        let emoji = "\u{1F600}".repeat(50);
        let name = DisplayName::new(&emoji).unwrap();
        assert_eq!(name.as_str().len(), 200);
        assert_eq!(name.prefix(63).chars().count(), 15, "a DNS label holds 15 whole emoji");
        assert_eq!(DisplayName::new(&"x".repeat(51)), Err(NameFault::TooLong));
    }

    #[test]
    fn a_claimed_name_cannot_carry_escapes_or_turn_the_line_round() {
        assert_eq!(DisplayName::cleaned("\u{1b}[2JAna\u{202e}").unwrap().as_str(), "[2JAna");
        assert_eq!(DisplayName::cleaned("\u{200b}\n"), None);
        assert_eq!(DisplayName::new("Ana\n"), DisplayName::new("Ana"));
        assert_eq!(DisplayName::new("A\nB"), Err(NameFault::Hidden));
    }

    #[test]
    fn d7_look_alike_names_share_a_skeleton() {
        let real = DisplayName::new("Anna Lindberg").unwrap();
        for twin in ["anna lindberg", "Аnna Lindberg", "Anna-L1ndberg", "Anna  Lindberg"] {
            assert_eq!(DisplayName::new(twin).unwrap().skeleton(), real.skeleton(), "{twin}");
        }
        assert_ne!(DisplayName::new("Anne Lindberg").unwrap().skeleton(), real.skeleton());
    }
}

//! What a service is called that is lent to another device: a word both people can say and type. Bounded, plain ASCII, so
//! that two names never look alike.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Longest name, bytes.
const LONGEST: usize = 32;

/// The name of a service that is lent: 1 to 32 ASCII letters, digits, `-`, `_` or `.`, the first of them a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
#[serde(try_from = "String", into = "String")]
pub struct LentName(String);

/// The text cannot be the name of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a service's name has 1 to 32 letters (a to z), digits, `-`, `_` or `.`, and begins with a letter or digit")]
pub struct NotLentName;

impl LentName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LentName {
    type Err = NotLentName;

    fn from_str(text: &str) -> Result<Self, NotLentName> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        let good = begins && text.len() <= LONGEST && text.bytes().all(plain);
        if good { Ok(Self(text.to_owned())) } else { Err(NotLentName) }
    }
}

impl TryFrom<String> for LentName {
    type Error = NotLentName;

    fn try_from(text: String) -> Result<Self, NotLentName> {
        text.parse()
    }
}

impl From<LentName> for String {
    fn from(name: LentName) -> Self {
        name.0
    }
}

impl fmt::Display for LentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_services_name_is_a_short_plain_word() {
        let longest = "a".repeat(LONGEST);
        for good in ["ssh", "web-8080", "A.b_c", "7", longest.as_str()] {
            assert_eq!(good.parse::<LentName>().unwrap().as_str(), good);
        }
        let long = "a".repeat(LONGEST + 1);
        for bad in ["", " ssh", "ssh ", "-x", ".x", "a/b", "a\u{0}", "a\nb", "s\u{455}h", "서버", "../x", long.as_str()]
        {
            assert_eq!(bad.parse::<LentName>(), Err(NotLentName), "{bad:?}");
            assert!(serde_json::from_value::<LentName>(bad.into()).is_err(), "{bad:?}");
        }
    }
}

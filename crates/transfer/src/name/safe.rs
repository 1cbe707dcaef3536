//! The types that stand for "checked": one name, and a path of names below the inbox.

use super::{MAX_DEPTH, MAX_NAME_BYTES, MAX_PATH_BYTES, NameFault, NameRules, PARTIAL};
use hither_model::text::is_hidden;
use std::fmt;

/// The name of one file or folder that is safe to write and to show.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SafeName(Box<str>);

impl SafeName {
    /// Checks one name.
    ///
    /// # Errors
    /// [`NameFault`] says which rule it breaks.
    pub fn new(name: &str, rules: NameRules) -> Result<Self, NameFault> {
        check_everywhere(name)?;
        match rules {
            NameRules::Unix => {}
            NameRules::Windows | NameRules::Strict => check_windows(name)?,
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name to try when this one is taken: `a.txt` becomes `a (2).txt`, a folder `a.b` becomes `a.b (2)`. Names that
    /// would become too long lose the end of their stem.
    pub(crate) fn numbered(&self, number: u32, folder: bool) -> Self {
        let (stem, ending) = match self.0.rfind('.') {
            Some(dot) if dot > 0 && !folder && self.0.len() - dot <= 32 => self.0.split_at(dot),
            _ => (&*self.0, ""),
        };
        let mark = format!(" ({number})");
        let mut room = MAX_NAME_BYTES.saturating_sub(mark.len() + ending.len()).min(stem.len());
        while !stem.is_char_boundary(room) {
            room -= 1;
        }
        Self(format!("{}{mark}{ending}", stem.get(..room).unwrap_or_default()).into())
    }
}

impl fmt::Display for SafeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path below the inbox: 1 to [`MAX_DEPTH`] safe names, at most [`MAX_PATH_BYTES`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SafeRelPath(Vec<SafeName>);

impl SafeRelPath {
    /// Checks the components of a path.
    ///
    /// # Errors
    /// [`NameFault`] says which rule is broken.
    pub fn new(components: &[impl AsRef<str>], rules: NameRules) -> Result<Self, NameFault> {
        if components.len() > MAX_DEPTH {
            return Err(NameFault::Deep);
        }
        let names: Result<Vec<_>, _> = components.iter().map(|name| SafeName::new(name.as_ref(), rules)).collect();
        Self::from_names(names?)
    }

    pub(crate) fn from_names(names: Vec<SafeName>) -> Result<Self, NameFault> {
        if names.is_empty() {
            return Err(NameFault::Empty);
        }
        if names.len() > MAX_DEPTH {
            return Err(NameFault::Deep);
        }
        if names.iter().map(|name| name.0.len() + 1).sum::<usize>() > MAX_PATH_BYTES + 1 {
            return Err(NameFault::LongPath);
        }
        Ok(Self(names))
    }

    /// The names, outermost first.
    pub fn names(&self) -> &[SafeName] {
        &self.0
    }
}

impl fmt::Display for SafeRelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            f.write_str(&name.0)?;
        }
        Ok(())
    }
}

fn check_everywhere(name: &str) -> Result<(), NameFault> {
    if name.is_empty() {
        return Err(NameFault::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(NameFault::Long);
    }
    if name == "." || name == ".." {
        return Err(NameFault::Dots);
    }
    if name.contains(['/', '\\']) {
        return Err(NameFault::Separator);
    }
    if name.chars().any(is_hidden) {
        return Err(NameFault::Hidden);
    }
    let begins_partial = name.get(..PARTIAL.len()).is_some_and(|head| head.eq_ignore_ascii_case(PARTIAL));
    if begins_partial { Err(NameFault::Partial) } else { Ok(()) }
}

fn check_windows(name: &str) -> Result<(), NameFault> {
    if name.contains(['<', '>', ':', '"', '|', '?', '*']) {
        return Err(NameFault::WindowsCharacter);
    }
    if name.ends_with(['.', ' ']) {
        return Err(NameFault::WindowsTail);
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$") {
        return Err(NameFault::WindowsDevice);
    }
    let digit = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let device = digit.is_some_and(|rest| {
        let mut rest = rest.chars();
        matches!(rest.next(), Some('0'..='9' | '¹' | '²' | '³')) && rest.next().is_none()
    });
    if device { Err(NameFault::WindowsDevice) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    fn one(name: &str, rules: NameRules) -> Option<NameFault> {
        SafeName::new(name, rules).err()
    }

    #[test]
    fn f1_names_that_lead_elsewhere_are_refused() {
        for (name, fault) in [
            ("../x", NameFault::Separator),
            ("/x", NameFault::Separator),
            ("C:\\x", NameFault::Separator),
            ("\\\\s\\x", NameFault::Separator),
            ("a/../../b", NameFault::Separator),
            (".", NameFault::Dots),
            ("..", NameFault::Dots),
            ("", NameFault::Empty),
            ("a\0b", NameFault::Hidden),
            ("a\nb", NameFault::Hidden),
            ("gpj\u{202e}.exe", NameFault::Hidden),
            ("a\u{200b}", NameFault::Hidden),
            (".hither-partial", NameFault::Partial),
            (".Hither-Partial-x", NameFault::Partial),
        ] {
            for rules in [NameRules::Unix, NameRules::Windows, NameRules::Strict] {
                assert_eq!(one(name, rules), Some(fault), "{name:?}");
            }
        }
        assert_eq!(one(&"x".repeat(256), NameRules::Unix), Some(NameFault::Long));
        assert_eq!(one(&"x".repeat(255), NameRules::Unix), None);
        assert_eq!(one(&"é".repeat(128), NameRules::Unix), Some(NameFault::Long));
        assert_eq!(SafeRelPath::new(&[""; 0], NameRules::Unix), Err(NameFault::Empty));
        assert_eq!(SafeRelPath::new(&["a", ".."], NameRules::Unix), Err(NameFault::Dots));
        assert_eq!(SafeRelPath::new(&["d"; 65], NameRules::Unix), Err(NameFault::Deep));
        assert!(SafeRelPath::new(&["d"; 64], NameRules::Unix).is_ok());
        let long = "x".repeat(255);
        assert_eq!(SafeRelPath::new(&[&long; 17], NameRules::Unix), Err(NameFault::LongPath));
        assert!(SafeRelPath::new(&[&long; 16], NameRules::Unix).is_ok());
    }

    #[test]
    fn f2_windows_devices_and_streams_are_refused_where_they_would_work() {
        for name in ["CON", "con.txt", "COM¹", "lpt9.log", "aux .txt", "NUL.tar.gz", "x.", "x ", "a:b", "what?"] {
            assert!(one(name, NameRules::Windows).is_some(), "{name}");
            assert!(one(name, NameRules::Strict).is_some(), "{name}");
            assert_eq!(one(name, NameRules::Unix), None, "{name} is an ordinary name on Unix");
        }
        for name in ["COM", "COM10", "console.txt", "auxiliary", ".profile", "a b"] {
            assert_eq!(one(name, NameRules::Windows), None, "{name}");
        }
    }

    #[test]
    fn f13_the_next_name_keeps_the_ending_and_fits() {
        let name = |text| SafeName::new(text, NameRules::Unix).unwrap();
        assert_eq!(name("a.txt").numbered(2, false).as_str(), "a (2).txt");
        assert_eq!(name("a.b").numbered(3, true).as_str(), "a.b (3)");
        assert_eq!(name(".bashrc").numbered(2, false).as_str(), ".bashrc (2)");
        let long = name(&"é".repeat(127)).numbered(12, false);
        assert!(long.as_str().len() <= MAX_NAME_BYTES && long.as_str().ends_with("é (12)"));
    }

    proptest! {
        #[test]
        fn f1_nothing_that_is_accepted_ever_escapes(components in prop::collection::vec("(\\.|\\.\\.|[a-c./\\\\:]{0,4}|\\PC{0,6})", 0..5)) {
            if let Ok(path) = SafeRelPath::new(&components, NameRules::Unix) {
                let text = path.to_string();
                prop_assert_eq!(&text, &components.join("/"), "the name written is the name given");
                prop_assert!(!text.chars().any(is_hidden));
                let parts: Vec<_> = Path::new(&text).components().collect();
                prop_assert_eq!(parts.len(), components.len());
                prop_assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))));
            }
        }

        #[test]
        fn a_numbered_name_is_as_safe_as_the_name(name in "\\PC{1,90}", number in 2u32..10_000, folder: bool) {
            if let Ok(name) = SafeName::new(&name, NameRules::Unix) {
                let next = name.numbered(number, folder);
                prop_assert!(SafeName::new(next.as_str(), NameRules::Unix).is_ok());
                prop_assert_ne!(next, name);
            }
        }
    }
}

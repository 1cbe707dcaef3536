//! Two names in one folder that some file system takes for the same: compared in NFC after full case folding.

use std::collections::HashSet;
use unicode_normalization::UnicodeNormalization;

/// The names seen so far, per folder.
#[derive(Debug, Default)]
pub(crate) struct ClashSet(HashSet<(u32, Box<str>)>);

impl ClashSet {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a name to a folder (any number that stands for it). `false` if it clashes with one that is there.
    pub(crate) fn insert(&mut self, folder: u32, name: &str) -> bool {
        self.0.insert((folder, folded(name)))
    }

    /// Whether a name would clash.
    pub(crate) fn contains(&self, folder: u32, name: &str) -> bool {
        self.0.contains(&(folder, folded(name)))
    }
}

/// What names that clash have in common.
fn folded(name: &str) -> Box<str> {
    if name.is_ascii() {
        return name.to_ascii_lowercase().into();
    }
    let apart: String = name.nfd().collect();
    let folded: String = caseless::default_case_fold_str(&apart);
    folded.nfd().nfc().collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn f2_names_that_differ_in_case_or_composition_only_clash() {
        for (a, b) in [
            ("Read.me", "README"),
            ("README", "readme"),
            ("straße", "STRASSE"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("CAF\u{c9}", "cafe\u{301}"),
            ("ΣΑΣ", "σας"),
            ("\u{212b}ngström", "ångström"),
        ] {
            let mut set = ClashSet::new();
            assert!(set.insert(0, a));
            assert_eq!(set.insert(0, b), a == "Read.me", "{a} and {b}");
            assert!(set.insert(1, b), "another folder is another matter");
        }
    }

    proptest! {
        #[test]
        fn a_name_clashes_with_itself_in_any_form(name in "\\PC{1,12}") {
            let mut set = ClashSet::new();
            prop_assert!(set.insert(7, &name));
            prop_assert!(!set.insert(7, &name.nfc().collect::<String>()));
            prop_assert!(!set.insert(7, &name.nfd().collect::<String>()));
            prop_assert!(set.contains(7, &name));
        }
    }
}

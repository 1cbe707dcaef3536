//! The languages the system is set to, as the page wants them.

/// Languages, best first (BCP 47), from what the environment says. `variables` are the values of `LANGUAGE`, `LC_ALL`,
/// `LC_MESSAGES` and `LANG`, in this order; the first three override what comes after them.
pub fn languages(variables: [Option<&str>; 4]) -> Vec<String> {
    let [list, all, messages, lang] = variables.map(|value| value.filter(|v| !v.is_empty()));
    let locale = all.or(messages).or(lang).unwrap_or_default();
    let mut found: Vec<String> = Vec::new();
    // The list counts only where a locale is set at all.
    let list = list.filter(|_| tag(locale).is_some()).unwrap_or_default();
    for name in list.split(':').chain([locale]) {
        if let Some(tag) = tag(name).filter(|tag| !found.contains(tag)) {
            found.push(tag);
        }
    }
    if found.is_empty() {
        found.push("en".to_owned());
    }
    found
}

/// `ko-KR` for `ko_KR.UTF-8@x`; nothing for `C`, `POSIX` and what is no locale.
fn tag(locale: &str) -> Option<String> {
    let name = locale.split(['.', '@']).next()?;
    is_tag(&name.replace('_', "-")).then(|| name.replace('_', "-"))
}

/// Whether a text has the form of a language tag: a language of two or three letters, then parts of two to eight
/// letters and digits.
pub fn is_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    text.len() <= 35
        && matches!(language.len(), 2..=3)
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(|part| matches!(part.len(), 2..=8) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_read_in_the_usual_order() {
        assert_eq!(languages([None, None, None, Some("ko_KR.UTF-8")]), ["ko-KR"]);
        assert_eq!(languages([None, Some("de_DE"), Some("fr_FR"), Some("ko_KR")]), ["de-DE"]);
        assert_eq!(languages([Some("ko:en_GB"), None, None, Some("de_DE.UTF-8")]), ["ko", "en-GB", "de-DE"]);
        assert_eq!(languages([Some("ko"), None, None, Some("C.UTF-8")]), ["en"]);
        assert_eq!(languages([None, Some(""), None, Some("POSIX")]), ["en"]);
        assert_eq!(languages([None; 4]), ["en"]);
    }

    #[test]
    fn only_language_tags_are_tags() {
        for good in ["en", "ko-KR", "zh-Hant-TW", "sr-Latn"] {
            assert!(is_tag(good), "{good}");
        }
        for bad in ["", "e", "EN", "en_US", "en-", "en-u", "../en", "english", "en-<b>"] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}

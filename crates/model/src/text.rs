//! Text from elsewhere made safe to show (SECURITY: escape C0, C1, ESC, bidirectional and invisible controls).

/// Whether a character changes how its surroundings look, or cannot be seen at all.
///
/// Covers C0 and C1 controls, the bidirectional controls (U+202A–202E, U+2066–2069, U+200E/F, U+061C), zero-width
/// characters, line and paragraph separators, interlinear annotations, tags, and the byte order mark.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every hidden character written as `\u{…}`, on one line. For names, paths and reasons.
pub fn printable(text: &str) -> String {
    escape(text, |_| false)
}

/// Like [`printable`], but line breaks and tabs stay: for messages a person wrote.
pub fn printable_lines(text: &str) -> String {
    escape(text, |c| c == '\n' || c == '\t')
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) && !keep(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// At most `max` characters, cut at a character boundary, with an ellipsis where something was cut.
pub fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// One argument of `Exec` in a desktop entry (freedesktop Desktop Entry Specification): in quotes, what is special in them
/// escaped, and that escaped again as in every string value. Controls are left out: a line break would begin another key.
pub fn exec_argument(argument: &str) -> String {
    let mut out = String::from("\"");
    for c in argument.chars() {
        match c {
            '"' | '`' | '$' => out.extend(['\\', '\\', c]),
            '\\' => out.push_str("\\\\\\\\"),
            '%' => out.push_str("%%"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_of_a_desktop_entry_stays_one_word_on_one_line() {
        assert_eq!(
            exec_argument("/opt/my $apps/100%/h\"i`t\\her\nExec=x"),
            r#""/opt/my \\$apps/100%%/h\\"i\\`t\\\\herExec=x""#
        );
    }

    #[test]
    fn m10_escapes_and_direction_marks_are_shown_not_obeyed() {
        assert_eq!(printable("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(printable("cod\u{202e}exe"), "cod\\u{202e}exe");
        assert_eq!(printable("two\nlines"), "two\\u{a}lines");
        assert_eq!(printable_lines("two\nlines\u{9b}"), "two\nlines\\u{9b}");
        assert_eq!(printable("한국어 ☺"), "한국어 ☺");
    }

    #[test]
    fn shortening_counts_characters_not_bytes() {
        assert_eq!(shortened("한국어입니다", 4), "한국어…");
        assert_eq!(shortened("short", 5), "short");
    }
}

//! Numbers in words: sizes, durations, moments, codes; and back.

use hither_model::{PeerId, text};
use jiff::{Timestamp, tz::TimeZone};

/// `1.5 MiB` and the like.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut rest = bytes as f64 / 1024.0;
    let mut unit = 0;
    while rest >= 1023.95 && unit + 1 < UNITS.len() {
        rest /= 1024.0;
        unit += 1;
    }
    format!("{rest:.1} {}", UNITS[unit])
}

/// `3 files`, `1 file`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// `45 s`, `2 min 5 s`, `3 h 10 min`.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A moment on the clock of this machine.
pub(crate) fn moment(unix: u64) -> String {
    let second = i64::try_from(unix).ok().and_then(|s| Timestamp::from_second(s).ok());
    second.map_or_else(|| "?".into(), |t| t.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// Six digits as they are read out: `123 456`.
pub(crate) fn code(digits: &str) -> String {
    let digits = text::printable(digits);
    match digits.char_indices().nth(3) {
        Some((at, _)) if digits.chars().count() == 6 => format!("{} {}", &digits[..at], &digits[at..]),
        _ => digits,
    }
}

/// A name and the beginning of the id behind it.
pub(crate) fn person(name: &str, peer: &PeerId) -> String {
    format!("{} ({})", text::printable(name), peer.short())
}

/// Reads `90`, `90s`, `10m`, `2h` or `1d` as seconds.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, factor) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .filter(|n| *n > 0)
        .ok_or_else(|| "a time such as 90s, 10m, 2h or 1d is expected".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_said_in_words_a_person_uses() {
        assert_eq!([size(0), size(1023), size(1536), size(1 << 30)], ["0 B", "1023 B", "1.5 KiB", "1.0 GiB"]);
        assert_eq!(size(u64::MAX), "16.0 EiB");
        assert_eq!([span(45), span(120), span(125), span(11_400)], ["45 s", "2 min", "2 min 5 s", "3 h 10 min"]);
        assert_eq!(code("123456"), "123 456");
        assert_eq!(code("\u{1b}1"), "\\u{1b}1");
        assert_eq!(moment(u64::MAX), "?");
    }

    #[test]
    fn times_are_read_with_their_unit_and_nothing_else_is() {
        assert_eq!(["90", "90s", "10m", "2h", "1d"].map(|t| seconds(t).unwrap()), [90, 90, 600, 7200, 86_400]);
        for bad in ["", "0", "m", "-1s", "1w", "1 m", "99999999999999999999", "9999999999999999999d", "m한"] {
            assert!(seconds(bad).is_err(), "{bad:?} was taken");
        }
    }
}

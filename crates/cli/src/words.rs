//! Numbers in words: sizes, durations, moments, codes; and back.

use hither_model::{PeerId, text};
use jiff::{Timestamp, civil, tz::TimeZone};

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

/// `2 GB` if that is exactly what somebody said, else as [`size`].
pub(crate) fn amount(bytes: u64) -> String {
    let units = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)];
    let whole = units.into_iter().find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    whole.map_or_else(|| size(bytes), |(name, unit)| format!("{} {name}", bytes / unit))
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

/// Reads `500`, `20KB`, `500MB`, `2GB` or `1TB` as bytes, by thousands; `2GiB` and the like by 1024.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u32); 4] = [("K", 1), ("M", 2), ("G", 3), ("T", 4)];
    let upper = text.trim().to_ascii_uppercase();
    let (head, base) = match upper.strip_suffix("IB") {
        Some(head) => (head, 1024_u64),
        None => (upper.strip_suffix('B').unwrap_or(&upper), 1000),
    };
    let unit = UNITS.iter().find_map(|(unit, power)| Some((head.strip_suffix(unit)?, base.pow(*power))));
    let (number, factor) = unit.unwrap_or((head, 1));
    let plain = number.trim().parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).filter(|n| *n > 0);
    plain.ok_or_else(|| "a size such as 500MB or 2GB is expected".into())
}

/// Reads a day, which lasts to its end, or a moment of it, by the clock of this machine: seconds since 1970.
pub(crate) fn until(text: &str) -> Result<u64, String> {
    end_of(text, &TimeZone::system()).ok_or_else(|| "a day such as 2026-11-27, or 2026-11-27T18:00, is expected".into())
}

fn end_of(text: &str, zone: &TimeZone) -> Option<u64> {
    let text = text.trim();
    let moment: civil::DateTime = match text.contains(['T', ' ']) {
        true => text.parse().ok()?,
        false => text.parse::<civil::Date>().ok()?.tomorrow().ok()?.at(0, 0, 0, 0),
    };
    let second = moment.to_zoned(zone.clone()).ok()?.timestamp().as_second();
    u64::try_from(second).ok()
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
    fn sizes_are_read_as_they_are_written_on_disks() {
        let read = ["500", "20KB", "500 MB", "2GB", "1tb", "2GiB", "1K", "7B"].map(|t| bytes(t).unwrap());
        let two = 2_000_000_000;
        assert_eq!(read, [500, 20_000, 500_000_000, two, 1_000_000_000_000, 2 << 30, 1_000, 7]);
        assert_eq!([amount(two), amount(20_000), amount(2 << 30), amount(0)], ["2 GB", "20 KB", "2.0 GiB", "0 B"]);
        for bad in ["", "0", "GB", "-1GB", "1.5GB", "2PB", "99999999999TB", "2G한"] {
            assert!(bytes(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_day_lasts_to_its_end_and_a_moment_is_a_moment() {
        let read = |text| end_of(text, &TimeZone::UTC);
        assert_eq!(read("2026-11-27"), Some(1_795_824_000));
        assert_eq!(read("2026-11-27T18:00"), Some(1_795_824_000 - 6 * 3_600));
        assert_eq!(read("2026-11-27 18:00:01"), Some(1_795_824_001 - 6 * 3_600));
        assert_eq!(["friday", "2026-13-01", "27.11.2026", "1969-01-01", ""].map(read), [None; 5]);
    }

    #[test]
    fn times_are_read_with_their_unit_and_nothing_else_is() {
        assert_eq!(["90", "90s", "10m", "2h", "1d"].map(|t| seconds(t).unwrap()), [90, 90, 600, 7200, 86_400]);
        for bad in ["", "0", "m", "-1s", "1w", "1 m", "99999999999999999999", "9999999999999999999d", "m한"] {
            assert!(seconds(bad).is_err(), "{bad:?} was taken");
        }
    }
}

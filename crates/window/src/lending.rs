//! What the shell asks before a service of this machine is lent: the sentence the person decides by. Made from what the
//! agent is asked and what the agent calls the device; nothing of it is the page's own words.

use crate::{
    tray::Words,
    words::{Confirm, LendTerms},
};
use hither_model::{row::Lasting, text};

/// Longest name that is shown, in characters.
const NAME: usize = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

impl Words {
    /// The question before what `terms` say, which is at `target` here, is lent to a device of this name.
    pub fn lends(&self, name: &str, target: &str, terms: &LendTerms) -> Confirm {
        let seconds = terms.seconds.unwrap_or_default();
        let (sentence, count) = match (terms.times, terms.lasts) {
            (Some(times), _) => (self.lend_times, times.into()),
            (None, Lasting::UntilClosed) => (self.lend_closed, 0),
            (None, Lasting::For) if seconds.is_multiple_of(DAY) => (self.lend_days, seconds / DAY),
            // Never less than what is asked.
            (None, Lasting::For) => (self.lend_hours, seconds.div_ceil(HOUR)),
            (None, Lasting::Always) => (self.lend_always, 0),
        };
        // The name comes last: nothing in it is taken for a place to fill.
        let name = text::shortened(&text::printable(name), NAME);
        let filled = sentence
            .replace("{count}", &count.to_string())
            .replace("{target}", target)
            .replace("{service}", terms.name.as_str())
            .replace("{name}", &name);
        Confirm { question: self.lend.replace("{name}", &name), body: filled, no: self.lend_no, yes: self.lend_yes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(lasts: Lasting, seconds: Option<u64>, times: Option<u32>) -> LendTerms {
        LendTerms { peer: "a".into(), name: "ssh".parse().unwrap(), port: 22, lasts, seconds, times }
    }

    #[test]
    fn what_is_lent_is_said_whole_whatever_the_device_is_called() {
        let words = Words::of(["en"]);
        let asked = words.lends("Ana {target}\u{202e}\n", "127.0.0.1:22", &terms(Lasting::UntilClosed, None, None));
        assert_eq!(asked.question, "Let Ana {target}\\u{202e}\\u{a} use a service of this computer?");
        assert!(
            asked.body.contains("reach 127.0.0.1:22 here, as “ssh”, until your conversation ends"),
            "{}",
            asked.body
        );
        assert!(!asked.body.contains(['\u{202e}', '\n']));
        let long = words.lends(&"x".repeat(5_000), "127.0.0.1:22", &terms(Lasting::Always, None, None));
        assert!(long.body.chars().count() < 300);
    }

    #[test]
    fn how_long_is_said_in_hours_whole_days_or_connections() {
        for (tag, hours, days, times) in
            [("en", "for 2 h", "for 7 d", "for 5 connection"), ("ko", "2시간", "7일", "5번")]
        {
            let body = |terms| Words::of([tag]).lends("Ana", "127.0.0.1:80", &terms).body;
            assert!(body(terms(Lasting::For, Some(3_601), None)).contains(hours));
            assert!(body(terms(Lasting::For, Some(7 * DAY), None)).contains(days));
            assert!(body(terms(Lasting::Always, None, Some(5))).contains(times));
        }
    }
}

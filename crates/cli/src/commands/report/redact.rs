//! Takes out of a report what tells who and where: names, addresses, ids. The same word is always replaced by the same
//! one, so that the report still says what belongs together.

use serde_json::Value;
use std::{cell::RefCell, collections::BTreeMap, net::IpAddr};

/// Fields whose text is a person's or a network's own word.
const NAMED: &[&str] =
    &["name", "resembles", "message", "inbox", "text", "subject", "issuer", "path", "ssid", "adapter"];
/// Fewer digits than these are no id.
const ID: usize = 8;

/// Collects the words that are somebody's own, wherever they are in an answer.
pub(super) fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            // Capabilities, checks and settings are called by our words, not by theirs.
            let ours = fields.contains_key("declared") || fields.contains_key("fix") || fields.contains_key("detail");
            for (key, value) in fields {
                match value {
                    Value::String(text) if NAMED.contains(&key.as_str()) && !ours => found.push(text.clone()),
                    other => names(other, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

/// What is replaced.
pub(super) struct Redaction {
    /// Longest first, so that a name within a name is not what is found.
    words: Vec<(String, String)>,
    /// What addresses and ids have become so far.
    numbered: RefCell<BTreeMap<String, String>>,
}

impl Redaction {
    pub(super) fn new(names: Vec<String>, own: &[(&str, String)]) -> Self {
        let mut words: Vec<(String, String)> =
            own.iter().map(|(what, word)| (word.clone(), format!("<{what}>"))).collect();
        for name in names {
            if !words.iter().any(|(word, _)| *word == name) {
                let number = words.len() + 1 - own.len();
                words.push((name, format!("<name {number}>")));
            }
        }
        // A single letter would be found in every word.
        words.retain(|(word, _)| word.chars().count() > 1);
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self { words, numbered: RefCell::default() }
    }

    /// The text without them.
    pub(super) fn of(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (word, instead) in &self.words {
            text = text.replace(word, instead);
            // As it is written in JSON.
            let written = serde_json::to_string(word).unwrap_or_default();
            let written = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(word);
            if written != word {
                text = text.replace(written, instead);
            }
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(start) = rest.find(is_part) {
            let (before, from) = rest.split_at(start);
            let (token, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
            out.push_str(before);
            out.push_str(&self.token(token));
            rest = after;
        }
        out + rest
    }

    fn token(&self, token: &str) -> String {
        let bare = token.trim_end_matches([':', '.']);
        let tail = &token[bare.len()..];
        match kind(bare) {
            Some((kind, known, more)) => {
                let mut numbered = self.numbered.borrow_mut();
                let number = numbered.len() + 1;
                let instead = numbered.entry(known.to_owned()).or_insert_with(|| format!("<{kind} {number}>"));
                format!("{instead}{more}{tail}")
            }
            None => token.to_owned(),
        }
    }
}

/// What can be part of an address or an id.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '%')
}

/// Whether it is an address or an id: what, what is replaced, and what follows it.
fn kind(token: &str) -> Option<(&'static str, &str, &str)> {
    let address = token.split('%').next().unwrap_or(token);
    if let Ok(address) = address.parse::<IpAddr>() {
        let harmless = address.is_loopback() || address.is_unspecified();
        return if harmless { None } else { Some(("address", token, "")) };
    }
    if let Some((host, port)) = token.rsplit_once(':')
        && let Ok(host_address) = host.parse::<IpAddr>()
        && port.bytes().all(|b| b.is_ascii_digit())
    {
        let harmless = host_address.is_loopback() || host_address.is_unspecified();
        return if harmless { None } else { Some(("address", host, &token[host.len()..])) };
    }
    let parts: Vec<&str> = token.split(':').collect();
    if parts.len() == 6 && parts.iter().all(|part| part.len() == 2 && is_hex(part)) {
        return Some(("hardware address", token, ""));
    }
    // Numbers are times and sizes; an id has letters too. One written short begins the one written in full.
    let id = token.len() >= ID && is_hex(token) && token.bytes().any(|b| b.is_ascii_alphabetic());
    id.then(|| ("id", &token[..ID], ""))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_addresses_and_ids_are_gone_and_what_belongs_together_still_shows() {
        let told = json!({"rows": [{"name": "Ana", "peer": "ab12cd34ef"}, {"name": "Ana Maria"}],
            "checks": [{"name": "port", "detail": "open", "fix": null}]});
        let mut found = Vec::new();
        names(&told, &mut found);
        assert_eq!(found, ["Ana", "Ana Maria"]);
        let redaction = Redaction::new(found, &[("home", "/home/ana".to_owned())]);
        let text = redaction.of(
            "Ana Maria and Ana at 192.168.1.7:40123, [fe80::1%3]:40123 and 192.168.1.7. ab12cd34ef00 is ab12cd34; \
             00:11:22:aa:bb:cc in /home/ana/inbox, on 127.0.0.1:80 and 0.0.0.0:5, port ok, 1763850000 s",
        );
        assert_eq!(
            text,
            "<name 2> and <name 1> at <address 1>:40123, [<address 2>]:40123 and <address 1>. <id 3> is <id 3>; \
             <hardware address 4> in <home>/inbox, on 127.0.0.1:80 and 0.0.0.0:5, port ok, 1763850000 s"
        );
    }

    #[test]
    fn any_text_comes_through_whatever_it_holds() {
        let redaction = Redaction::new(vec!["\u{1f600}\"".to_owned()], &[]);
        for text in ["", "::::", "é:é", "%%%", "a\u{1f600}\"b", "\\\"", "1.2.3.4:", "::1]:"] {
            let _ = redaction.of(text);
        }
        assert_eq!(redaction.of("\"\u{1f600}\\\"\""), "\"<name 1>\"");
    }
}

//! What a server or proxy asks for: `WWW-Authenticate` and `Proxy-Authenticate` (RFC 9110 section 11.6). Hostile text.

/// One scheme with its parameters; names in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Challenge {
    pub(crate) scheme: String,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Most challenges and parameters taken.
const MAX_PARTS: usize = 64;

/// The challenges in one header's value. What cannot be read is left out.
pub(crate) fn challenges(header: &str) -> Vec<Challenge> {
    let mut out: Vec<Challenge> = Vec::new();
    for part in parts(header).into_iter().take(MAX_PARTS) {
        let part = part.trim();
        let (head, tail) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
        let parameter = match is_token(head) && !head.contains('=') {
            true => {
                out.push(Challenge { scheme: head.to_ascii_lowercase(), parameters: Vec::new() });
                tail.trim()
            }
            false => part,
        };
        if let (Some((name, value)), Some(last)) = (parameter.split_once('='), out.last_mut()) {
            last.parameters.push((name.trim().to_ascii_lowercase(), unquoted(value.trim())));
        }
    }
    out
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Cut at commas outside quotes.
fn parts(text: &str) -> Vec<&str> {
    let (mut out, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                out.extend(text.get(from..at));
                from = at + 1;
            }
            _ => {}
        }
    }
    out.extend(text.get(from..));
    out
}

fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else { return text.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn several_challenges_in_one_line_are_told_apart() {
        let line = r#"Digest realm="a, \"b\"", nonce=xyz, qop="auth,auth-int", Basic realm="c", Negotiate"#;
        let all = challenges(line);
        assert_eq!(all.iter().map(|c| c.scheme.as_str()).collect::<Vec<_>>(), ["digest", "basic", "negotiate"]);
        assert_eq!(all[0].value("realm"), Some(r#"a, "b""#));
        assert_eq!(all[0].value("qop"), Some("auth,auth-int"));
        assert_eq!(all[1].value("realm"), Some("c"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[ -~\u{e9}]{0,200}") {
            let _ = challenges(&text);
        }
    }
}

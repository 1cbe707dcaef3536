//! What a `hither://` link looks like before anybody does anything with it: the outer grammar only. What is in it the
//! agent reads, after the person has said yes.

use hither_model::ask::LinkText;

/// Longest link, in bytes; the agent looks at no longer one either.
const LONGEST: usize = 512;

/// The link, if a text is nothing but one: `hither://i/N#` and base64url, or `HITHER://I/N#` and base32 (as in QR
/// codes). No other scheme, host or path, no query, no escapes, no spaces, nothing before or behind (I16).
pub fn link(text: &str) -> Option<LinkText> {
    if text.len() > LONGEST {
        return None;
    }
    let (rest, in_body): (&str, fn(u8) -> bool) = match text.strip_prefix("hither://i/") {
        Some(rest) => (rest, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
        None => (text.strip_prefix("HITHER://I/")?, |b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)),
    };
    let (version, body) = rest.split_once('#')?;
    let version_fits = matches!(version.len(), 1..=3) && version.bytes().all(|b| b.is_ascii_digit());
    (version_fits && !version.starts_with('0') && !body.is_empty() && body.bytes().all(in_body))
        .then(|| LinkText(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_as_it_is_made_passes_unchanged() {
        for good in ["hither://i/1#AQAUFBQU-_x", "HITHER://I/1#AEAFA234", "hither://i/12#A"] {
            assert_eq!(link(good), Some(LinkText(good.to_owned())));
        }
    }

    #[test]
    fn i16_what_is_not_exactly_a_link_is_nothing() {
        let long = format!("hither://i/1#{}", "A".repeat(600));
        for bad in [
            "",
            "hither:",
            "hither://",
            "hither://settings?visibility=everyone",
            "hither://i/1",
            "hither://i/1#",
            "hither://i/#A",
            "hither://i/0#A",
            "hither://i/01#A",
            "hither://i/1234#A",
            "hither://i/1?x=1#A",
            "hither://i/1/#A",
            "hither://user@i/1#A",
            "hither://i:80/1#A",
            "hither://i/%31#A",
            "hither://i/1#%00A",
            "hither://i/1#A%00",
            "hither://i/1#A\0",
            "hither://i/1#A B",
            "hither://i/1#A\n",
            " hither://i/1#A",
            "--url=hither://i/1#A",
            "Hither://i/1#A",
            "HITHER://I/1#a",
            "HITHER://I/1#A1",
            "hither://i/1#A=",
            "hither://i/1#한국어",
            "http://i/1#A",
            "file:///etc/passwd",
            &long,
        ] {
            assert_eq!(link(bad), None, "{bad:?} was taken");
        }
    }
}

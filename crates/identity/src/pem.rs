//! PEM (RFC 7468), read strictly. Text and bytes are wiped when dropped.

use data_encoding::BASE64;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";

/// The block as text, lines of 64 characters.
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    // Reserved up front: growing would leave copies behind.
    let mut body = Zeroizing::new(String::with_capacity(BASE64.encode_len(der.len())));
    BASE64.encode_append(der, &mut body);
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 2 * label.len() + 64));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for (at, letter) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}

/// The bytes of the one block of this kind; `None` if there is anything else or anything is missing.
pub(crate) fn decode(label: &str, text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = str::from_utf8(text).ok()?.trim_ascii();
    let body =
        text.strip_prefix(&*format!("-----BEGIN {label}-----"))?.strip_suffix(&*format!("-----END {label}-----"))?;
    let mut letters = Zeroizing::new(Vec::with_capacity(body.len()));
    letters.extend(body.bytes().filter(|b| !b.is_ascii_whitespace()));
    BASE64.decode(&letters).ok().map(Zeroizing::new)
}

/// Every block of a text, in order, with its label; what is around them is passed over. `None` if one is not whole.
pub(crate) fn blocks(text: &[u8]) -> Option<Vec<(String, Zeroizing<Vec<u8>>)>> {
    let mut rest = str::from_utf8(text).ok()?;
    let mut blocks = Vec::new();
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (label, _) = after.split_once("-----")?;
        let end = format!("-----END {label}-----");
        let at = after.find(&end)?;
        let (body, after) = after.split_at_checked(at)?;
        // Reserved up front here as well; `format!` would grow.
        let mut block = Zeroizing::new(String::with_capacity(BEGIN.len() + body.len() + end.len()));
        [BEGIN, body, &end].iter().for_each(|part| block.push_str(part));
        blocks.push((label.to_owned(), decode(label, block.as_bytes())?));
        rest = after.strip_prefix(&*end)?;
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_written_is_read_back_and_no_part_of_it_is_taken_for_the_whole(
            der in prop::collection::vec(any::<u8>(), 1..300), cut in any::<prop::sample::Index>()
        ) {
            let text = encode("PRIVATE KEY", &der);
            prop_assert!(text.lines().all(|line| line.len() <= 64));
            prop_assert_eq!(decode("PRIVATE KEY", text.as_bytes()).unwrap().to_vec(), der);
            prop_assert!(decode("CERTIFICATE", text.as_bytes()).is_none());
            let short = &text.as_bytes()[..cut.index(text.len() - 1)];
            prop_assert!(decode("PRIVATE KEY", short).is_none());
        }
    }
}

//! Files the person chose, dropped or pasted. The page gets a token, a name and a size for each; the path stays in the
//! shell. A page that has been taken over can therefore send what the person handed it, and nothing else.

use crate::words::Picked;
use hither_model::{ErrorCode, Failure, text};
use std::{collections::BTreeMap, path::PathBuf};

/// So many tokens are remembered; the oldest go first.
const HELD: usize = 10_000;
/// Longest name that is told, in characters.
const NAME: usize = 255;

/// The tokens that are out, and what they stand for.
#[derive(Debug, Default)]
pub struct Tokens {
    next: u64,
    held: BTreeMap<u64, PathBuf>,
}

impl Tokens {
    /// A token for a path: of a file with its size in bytes, of a folder without one.
    pub fn hand_out(&mut self, path: PathBuf, bytes: Option<u64>) -> Picked {
        let number = self.next;
        self.next += 1;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|| path.to_string_lossy().into_owned());
        self.held.insert(number, path);
        if self.held.len() > HELD {
            self.held.pop_first();
        }
        Picked {
            token: format!("p{number}"),
            name: text::shortened(&text::printable(&name), NAME),
            bytes,
            folder: bytes.is_none(),
        }
    }

    /// What these tokens stand for, in order.
    ///
    /// # Errors
    /// `AccessDenied` if one was never handed out, or was used already.
    pub fn paths(&self, tokens: &[String]) -> Result<Vec<PathBuf>, Failure> {
        let path = |token: &String| number(token).and_then(|number| self.held.get(&number)).cloned();
        tokens.iter().map(|token| path(token).ok_or_else(unknown)).collect()
    }

    /// Makes these tokens worthless: what they stand for was sent.
    pub fn spend(&mut self, tokens: &[String]) {
        for number in tokens.iter().filter_map(|token| number(token)) {
            self.held.remove(&number);
        }
    }
}

fn number(token: &str) -> Option<u64> {
    let digits = token.strip_prefix('p')?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn unknown() -> Failure {
    Failure::new(ErrorCode::AccessDenied, "this was not chosen in the window, or was sent already")
        .hint("choose or drop the files again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_for_its_file_until_it_is_spent() {
        let mut tokens = Tokens::default();
        let a = tokens.hand_out("/tmp/a.txt".into(), Some(3));
        let b = tokens.hand_out("/tmp/b".into(), None);
        assert_eq!((a.name.as_str(), a.bytes, a.folder), ("a.txt", Some(3), false));
        assert!(b.folder);
        let both = [a.token.clone(), b.token];
        assert_eq!(tokens.paths(&both).unwrap(), [PathBuf::from("/tmp/a.txt"), PathBuf::from("/tmp/b")]);
        tokens.spend(&[a.token]);
        assert_eq!(tokens.paths(&both).unwrap_err().code, ErrorCode::AccessDenied);
    }

    #[test]
    fn what_is_no_token_stands_for_nothing() {
        let mut tokens = Tokens::default();
        tokens.hand_out("/tmp/a".into(), None);
        for bad in ["", "p", "0", "p-0", "p+0", "p0 ", "/tmp/a", "p18446744073709551616"] {
            assert!(tokens.paths(&[bad.to_owned()]).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn m10_a_name_is_told_with_its_hidden_characters_shown() {
        let picked = Tokens::default().hand_out("/tmp/cod\u{202e}exe.\n".into(), Some(0));
        assert_eq!(picked.name, "cod\\u{202e}exe.\\u{a}");
    }

    #[test]
    fn the_oldest_tokens_go_first() {
        let mut tokens = Tokens::default();
        let first = tokens.hand_out("/first".into(), None);
        for _ in 0..HELD {
            tokens.hand_out("/other".into(), None);
        }
        assert!(tokens.paths(&[first.token]).is_err());
        assert_eq!(tokens.held.len(), HELD);
    }
}

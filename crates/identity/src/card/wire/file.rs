//! The other errand of the helper's program: one sealed file (PKCS#12) is opened, and the process ends. What reads such
//! files leaves copies of the key in memory that nobody wipes; they go with the process.
//!
//! Framed like everything else ([`super`]); kinds of their own, so that neither is taken for a question about a module.

use super::{Reader, Writer};
use crate::{
    card::pin::Pin,
    import::{ImportFault, MAX_FILE, Opened},
};
use std::io;
use zeroize::Zeroizing;

/// Longest question, in bytes: a file and a password.
pub(in crate::card) const MAX_QUESTION: usize = MAX_FILE + 1024;

/// Longest answer, in bytes: what was in the file, with the lengths of its parts.
pub(in crate::card) const MAX_ANSWER: usize = 2 * MAX_FILE;

/// Most certificates of a file.
const MAX_CERTIFICATES: usize = 256;

const QUESTION: u8 = 16;
const OPENED: u8 = 17;
const REFUSED: u8 = 18;

/// "Open this."
pub(in crate::card) fn question(file: &[u8], password: Option<&Pin>) -> io::Result<Zeroizing<Vec<u8>>> {
    let password = password.map_or("", Pin::expose);
    let mut out = Writer::new(file.len() + password.len() + 64, QUESTION);
    out.text(password).bytes(file);
    out.framed(MAX_QUESTION)
}

/// The file and the password; `None` if the question is another one.
pub(in crate::card) fn asked(bytes: &[u8]) -> Option<(&[u8], Option<Pin>)> {
    let mut of = Reader(bytes.strip_prefix(&[QUESTION])?);
    let password = Pin::from_bytes(of.bytes()?);
    let file = of.bytes()?;
    of.end((file, password))
}

/// What came of it, on its way back.
pub(in crate::card) fn answer(opened: &Result<Opened, ImportFault>) -> io::Result<Zeroizing<Vec<u8>>> {
    let out = match opened {
        Ok(Opened { key, certificates }) => {
            let length: usize = certificates.iter().map(|der| der.len() + 8).sum();
            let mut out = Writer::new(key.len() + length + 64, OPENED);
            out.bytes(key).number(certificates.len() as u64);
            for der in certificates {
                out.bytes(der);
            }
            out
        }
        Err(fault) => {
            let (which, count) = match fault {
                ImportFault::PasswordNeeded => (1, 0),
                ImportFault::PasswordWrong => (2, 0),
                ImportFault::NoKey => (3, 0),
                ImportFault::SeveralKeys(count) => (4, *count),
                _ => (0, 0),
            };
            let mut out = Writer::new(32, REFUSED);
            out.number(which).number(count as u64);
            out
        }
    };
    out.framed(MAX_ANSWER)
}

/// What came of it; `None` if the answer makes no sense.
pub(in crate::card) fn answered(bytes: &[u8]) -> Option<Result<Opened, ImportFault>> {
    let (kind, rest) = bytes.split_first()?;
    let mut of = Reader(rest);
    let answer = match *kind {
        OPENED => {
            let key = Zeroizing::new(of.bytes()?.to_vec());
            let count = usize::try_from(of.number()?).ok().filter(|count| *count <= MAX_CERTIFICATES)?;
            let certificates = (0..count).map(|_| of.bytes().map(<[u8]>::to_vec)).collect::<Option<_>>()?;
            Ok(Opened { key, certificates })
        }
        REFUSED => {
            let which = of.number()?;
            let count = usize::try_from(of.number()?).ok()?;
            Err(match which {
                1 => ImportFault::PasswordNeeded,
                2 => ImportFault::PasswordWrong,
                3 => ImportFault::NoKey,
                4 => ImportFault::SeveralKeys(count),
                _ => ImportFault::Unreadable("it is not PKCS#12 of a kind that is known here"),
            })
        }
        _ => return None,
    };
    of.end(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn file_and_password_arrive_and_what_was_in_it_comes_back() {
        for typed in [Some("geheim"), None] {
            let password = typed.and_then(|typed| Pin::new(typed.into()));
            let bytes = question(&[0x30; 300], password.as_ref()).unwrap();
            let (file, password) = asked(&bytes[4..]).unwrap();
            assert_eq!((file, password.as_ref().map(Pin::expose)), (&[0x30; 300][..], typed));
        }
        let opened = Opened { key: Zeroizing::new(vec![7; 138]), certificates: vec![vec![1; 900], vec![2; 9]] };
        let back = answered(&answer(&Ok(opened)).unwrap()[4..]).unwrap().unwrap();
        assert_eq!((back.key.len(), back.certificates), (138, vec![vec![1; 900], vec![2; 9]]));
        for fault in [ImportFault::PasswordNeeded, ImportFault::PasswordWrong, ImportFault::SeveralKeys(3)] {
            let bytes = answer(&Err(fault.clone())).unwrap();
            assert_eq!(answered(&bytes[4..]).unwrap().err(), Some(fault));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_bytes_are_an_answer_or_none(mut bytes in prop::collection::vec(any::<u8>(), 1..200), kind in 16..19_u8) {
            bytes[0] = kind;
            let _ = (answered(&bytes), asked(&bytes));
        }
    }
}

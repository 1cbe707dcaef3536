//! What the test and its machine say to each other: one JSON object a line, the test's [`Order`]s one way, the guest's
//! [`Word`]s the other. The guest speaks first: [`Word::Ready`].
//!
//! Bytes are base64, at most [`CHUNK`] of them in a word. Both ends are ours, so a line that cannot be understood ends
//! the conversation.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};

/// The most bytes that one word carries.
pub const CHUNK: usize = 16 * 1024;

/// What the guest is to do. `id` is the test's name for a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Order {
    /// Start a program, in a process group of its own, with nothing in its environment but this.
    Start {
        /// The process.
        id: u32,
        /// The program and its arguments.
        argv: Vec<String>,
        /// Its environment.
        environment: Vec<(String, String)>,
    },
    /// Write to its standard input.
    Input {
        /// The process.
        id: u32,
        /// Base64.
        bytes: String,
    },
    /// Close its standard input.
    EndInput {
        /// The process.
        id: u32,
    },
    /// Send a signal to its process group.
    Signal {
        /// The process.
        id: u32,
        /// The signal's number.
        signal: i32,
    },
}

/// What the guest tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Word {
    /// The machine is up: orders are taken.
    Ready,
    /// A process wrote to its standard output.
    Out {
        /// The process.
        id: u32,
        /// Base64.
        bytes: String,
    },
    /// A process wrote to its standard error.
    Error {
        /// The process.
        id: u32,
        /// Base64.
        bytes: String,
    },
    /// A process is gone, and all it wrote has been told. `code` is its exit code, nothing when a signal ended it.
    End {
        /// The process.
        id: u32,
        /// Its exit code.
        code: Option<i32>,
    },
}

/// Bytes as words carry them.
pub fn packed(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// The bytes that a word carries.
///
/// # Errors
/// When they are not base64.
pub fn unpacked(text: &str) -> io::Result<Vec<u8>> {
    BASE64.decode(text.as_bytes()).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// Writes one line.
///
/// # Errors
/// What the writer says.
pub fn say(to: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

/// Reads one line; nothing at the end.
///
/// # Errors
/// What the reader says, or that the line is no word.
pub fn hear<T: for<'de> Deserialize<'de>>(from: &mut impl BufRead) -> io::Result<Option<T>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    serde_json::from_str(&line).map(Some).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let words = [Word::Ready, Word::Out { id: 7, bytes: packed(b"a\0\n") }, Word::End { id: 7, code: Some(3) }];
        let mut line = Vec::new();
        for word in &words {
            say(&mut line, word).unwrap();
        }
        let mut from = &line[..];
        for word in &words {
            assert_eq!(hear::<Word>(&mut from).unwrap().as_ref(), Some(word));
        }
        assert_eq!(hear::<Word>(&mut from).unwrap(), None);
        assert!(hear::<Word>(&mut &b"{\"what\":1}\n"[..]).is_err());
    }
}

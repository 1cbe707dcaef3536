//! How messages are cut out of a stream of bytes: as frames (length in four bytes, big-endian, then JSON) on the
//! socket, as lines on standard input and output.
//!
//! A length is compared with the cap before anything is reserved, and the buffer grows only by what has arrived, so
//! that a declared gigabyte costs nothing (A4, M1). [`Reader::next`] may be dropped and called again without loss.

use crate::fault::ControlError;
use serde::{Serialize, de::DeserializeOwned};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::Instant,
};
use zeroize::{Zeroize, Zeroizing};

/// Largest message from a client, bytes: a text of 64 KiB fits however much of it JSON has to escape.
pub const REQUEST_CAP: usize = 512 * 1024;
/// Largest message from the agent, bytes.
pub const REPLY_CAP: usize = 4 * 1024 * 1024;
/// How long the rest of a message may take once its first byte is there.
pub const REST_WITHIN: Duration = Duration::from_secs(10);

const STEP: usize = 16 * 1024;

/// How messages are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Four bytes of length before each.
    Frames,
    /// A line feed after each.
    Lines,
}

/// Collects bytes and gives whole messages. Pure: the same messages come out however the bytes are split.
#[derive(Debug)]
pub struct Decoder {
    cut: Cut,
    cap: usize,
    held: Vec<u8>,
    looked: usize,
}

impl Decoder {
    /// A decoder for messages of at most `cap` bytes.
    pub fn new(cut: Cut, cap: usize) -> Self {
        Self { cut, cap, held: Vec::new(), looked: 0 }
    }

    /// Takes bytes as they arrive.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Whether a message has begun and is not complete.
    pub fn midway(&self) -> bool {
        !self.held.is_empty()
    }

    /// The next whole message, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// Empty or larger than the cap; the stream cannot be used after that.
    pub fn take(&mut self) -> Result<Option<Vec<u8>>, ControlError> {
        match self.cut {
            Cut::Frames => self.take_frame(),
            Cut::Lines => self.take_line(),
        }
    }

    fn take_frame(&mut self) -> Result<Option<Vec<u8>>, ControlError> {
        let Some((head, body)) = self.held.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*head) as usize;
        if length == 0 {
            return Err(ControlError::Malformed("it is empty".into()));
        }
        if length > self.cap {
            return Err(ControlError::TooLarge { length, cap: self.cap });
        }
        let Some(message) = body.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.drop_front(4 + length);
        Ok(Some(message))
    }

    fn take_line(&mut self) -> Result<Option<Vec<u8>>, ControlError> {
        loop {
            let fresh = self.held.get(self.looked..).unwrap_or_default();
            let Some(at) = fresh.iter().position(|b| *b == b'\n') else {
                self.looked = self.held.len();
                if self.looked > self.cap {
                    return Err(ControlError::TooLarge { length: self.looked, cap: self.cap });
                }
                return Ok(None);
            };
            let end = self.looked + at;
            let line = self.held.get(..end).unwrap_or_default().trim_ascii().to_vec();
            self.drop_front(end + 1);
            if line.len() > self.cap {
                return Err(ControlError::TooLarge { length: line.len(), cap: self.cap });
            }
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn drop_front(&mut self, bytes: usize) {
        // A request may hold a PIN.
        let bytes = bytes.min(self.held.len());
        self.held.get_mut(..bytes).unwrap_or_default().zeroize();
        self.held.drain(..bytes);
        self.looked = 0;
        if self.held.is_empty() && self.held.capacity() > STEP {
            self.held = Vec::new();
        }
    }
}

/// Reads messages.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    decoder: Decoder,
    step: Box<[u8]>,
    due: Option<Instant>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads messages of at most `cap` bytes.
    pub fn new(from: R, cut: Cut, cap: usize) -> Self {
        Self { from, decoder: Decoder::new(cut, cap), step: vec![0; STEP].into_boxed_slice(), due: None }
    }

    /// The bytes of the next message; `None` at a clean end. A message that was begun must be complete within
    /// [`REST_WITHIN`] of its first byte.
    ///
    /// # Errors
    /// Too large, cut off, or too slow.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ControlError> {
        loop {
            if let Some(message) = self.decoder.take()? {
                self.due = None;
                return Ok(Some(message));
            }
            let read = self.from.read(&mut self.step);
            let count = if self.decoder.midway() {
                let due = *self.due.get_or_insert_with(|| Instant::now() + REST_WITHIN);
                tokio::time::timeout_at(due, read).await.map_err(|_| ControlError::Silent)?
            } else {
                read.await
            };
            let count = count.map_err(ControlError::Lost)?;
            if count == 0 {
                return if self.decoder.midway() {
                    Err(ControlError::Lost(io::ErrorKind::UnexpectedEof.into()))
                } else {
                    Ok(None)
                };
            }
            let read = self.step.get_mut(..count).unwrap_or_default();
            self.decoder.push(read);
            read.zeroize();
        }
    }

    /// The next message, read as JSON.
    ///
    /// # Errors
    /// As [`Reader::next`], and when it is not the JSON that is expected.
    pub async fn message<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ControlError> {
        match self.next().await? {
            Some(bytes) => parse(&Zeroizing::new(bytes)).map(Some),
            None => Ok(None),
        }
    }

    /// The stream itself, for a connection that goes on as something else; bytes already taken come too.
    pub fn into_parts(self) -> (R, Vec<u8>) {
        (self.from, self.decoder.held)
    }
}

/// Reads one message as JSON. Nesting is bounded by the parser (M6).
///
/// # Errors
/// It is not the JSON that is expected.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ControlError> {
    // The parser's own words would repeat what was sent, which may be a PIN.
    serde_json::from_slice(bytes).map_err(|e| {
        let what = match e.classify() {
            serde_json::error::Category::Data => "a word, a field or a type that is not expected",
            serde_json::error::Category::Io | serde_json::error::Category::Syntax => "not JSON",
            serde_json::error::Category::Eof => "JSON that breaks off",
        };
        ControlError::Malformed(format!("{what}, at line {} column {}", e.line(), e.column()))
    })
}

/// One message as bytes ready to be written.
///
/// # Errors
/// Larger than `cap`.
pub fn encode<T: Serialize>(message: &T, cut: Cut, cap: usize) -> Result<Vec<u8>, ControlError> {
    // Roomy enough for anything with a secret in it: what grows leaves copies behind.
    let mut out = Vec::with_capacity(STEP);
    if cut == Cut::Frames {
        out.extend_from_slice(&[0; 4]);
    }
    serde_json::to_writer(&mut out, message).map_err(|e| ControlError::Malformed(e.to_string()))?;
    let length = if cut == Cut::Frames { out.len() - 4 } else { out.len() };
    if length > cap {
        return Err(ControlError::TooLarge { length, cap });
    }
    match (cut, u32::try_from(length), out.first_chunk_mut::<4>()) {
        (Cut::Frames, Ok(length), Some(head)) => *head = length.to_be_bytes(),
        (Cut::Frames, ..) => return Err(ControlError::TooLarge { length, cap }),
        (Cut::Lines, ..) => out.push(b'\n'),
    }
    Ok(out)
}

/// Writes one message within a time limit.
///
/// # Errors
/// Too large, lost, or the other end takes nothing for so long.
pub async fn send<W: AsyncWrite + Unpin, T: Serialize>(
    to: &mut W,
    message: &T,
    cut: Cut,
    cap: usize,
    within: Duration,
) -> Result<(), ControlError> {
    let bytes = Zeroizing::new(encode(message, cut, cap)?);
    let write = async {
        to.write_all(&bytes).await?;
        to.flush().await
    };
    tokio::time::timeout(within, write).await.map_err(|_| ControlError::Silent)?.map_err(ControlError::Lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(decoder: &mut Decoder) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| decoder.take().unwrap()).collect()
    }

    #[test]
    fn m1_lengths_of_zero_and_beyond_the_cap_are_refused_without_reserving() {
        for head in [0u32, REQUEST_CAP as u32 + 1, u32::MAX, 0x8000_0000] {
            let mut decoder = Decoder::new(Cut::Frames, REQUEST_CAP);
            decoder.push(&head.to_be_bytes());
            assert!(decoder.take().is_err(), "{head} was taken");
            assert!(decoder.held.capacity() < 64, "{head} reserved memory");
        }
        let mut decoder = Decoder::new(Cut::Frames, REQUEST_CAP);
        decoder.push(&(REQUEST_CAP as u32).to_be_bytes());
        assert!(decoder.take().unwrap().is_none(), "the cap itself is allowed");
    }

    #[test]
    fn a4_a_line_without_end_is_refused_at_the_cap() {
        let mut decoder = Decoder::new(Cut::Lines, 10);
        decoder.push(b"0123456789");
        assert!(decoder.take().unwrap().is_none());
        decoder.push(b"x");
        assert!(matches!(decoder.take(), Err(ControlError::TooLarge { cap: 10, .. })));
    }

    #[test]
    fn m6_deep_nesting_and_text_that_is_not_utf8_are_refused() {
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        assert!(parse::<serde_json::Value>(&deep).is_err());
        assert!(parse::<String>(b"\"\xff\xfe\"").is_err());
        assert!(parse::<crate::message::FromClient>(br#"{"request":{"id":1,"id":2,"ask":{"ask":"near"}}}"#).is_err());
    }

    #[tokio::test]
    async fn a_stream_cut_off_in_a_message_is_told_from_one_that_ended() {
        let mut whole = Reader::new(&b"\0\0\0\x021 "[..], Cut::Frames, 10);
        assert_eq!(whole.message::<u8>().await.unwrap(), Some(1));
        assert!(whole.message::<u8>().await.unwrap().is_none());
        let mut cut = Reader::new(&b"\0\0\0\x021"[..], Cut::Frames, 10);
        assert!(matches!(cut.message::<u8>().await, Err(ControlError::Lost(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a4_half_a_message_is_given_up_after_ten_seconds() {
        let (mut ours, theirs) = tokio::io::duplex(64);
        ours.write_all(b"\0\0").await.unwrap();
        let mut reader = Reader::new(theirs, Cut::Frames, 10);
        assert!(matches!(reader.next().await, Err(ControlError::Silent)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn m2_messages_come_out_whole_at_every_split(
            texts in prop::collection::vec("[a-z\"\\\\é ]{0,40}", 1..6),
            size in 1usize..9,
            lines in any::<bool>(),
        ) {
            let cut = if lines { Cut::Lines } else { Cut::Frames };
            let bytes: Vec<u8> = texts.iter().flat_map(|t| encode(t, cut, 4096).unwrap()).collect();
            let mut decoder = Decoder::new(cut, 4096);
            let mut got = Vec::new();
            for part in bytes.chunks(size) {
                decoder.push(part);
                got.extend(all(&mut decoder));
            }
            let got: Vec<String> = got.iter().map(|m| parse(m).unwrap()).collect();
            prop_assert_eq!(got, texts);
        }

        #[test]
        fn a4_any_bytes_give_a_message_or_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut decoder = Decoder::new(Cut::Frames, 128);
            decoder.push(&bytes);
            while let Ok(Some(message)) = decoder.take() {
                let _ = parse::<crate::message::FromClient>(&message);
            }
        }
    }
}

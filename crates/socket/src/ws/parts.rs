//! Messages in parts as they arrive (R5.4, `PartialMessage`): what stands between the library, which puts messages together, and
//! the stream below. It reads the headers of frames (RFC 6455 section 5.2), and hands the library each piece of a data frame,
//! as soon as it is there, as a message of its own; what piece of what message it is, is kept beside. Control frames pass as they
//! are. Nothing is held but what one read of the stream gave.
//!
//! Everything a server's frames have to keep to is judged here: no extension bits, no mask, control frames whole and short,
//! parts of one message in a row, lengths in their shortest form, the largest message. UTF-8 is judged by who takes the parts.

use super::control::MessageWebSocketReceiveMode;
use std::{
    collections::VecDeque,
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes of one read of the stream, and of one part.
const PIECE: usize = 16 * 1024;
/// The end of the answer to the handshake.
const END_OF_HEAD: &[u8; 4] = b"\r\n\r\n";
/// The header of a frame that is a message of bytes by itself, without its length.
const WHOLE: u8 = 0x82;

/// Why the other end is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// It broke a rule.
    Rule(&'static str),
    /// The message is larger than allowed.
    TooLarge,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Of a text; else of bytes.
    pub(super) text: bool,
    /// The last of its message.
    pub(super) last: bool,
}

/// Where in a frame we are.
enum Place {
    Header,
    Control { left: u64 },
    Data { left: u64, last: bool },
}

/// Cuts frames into pieces. Pure.
pub(super) struct Splitter {
    limit: u64,
    header: Vec<u8>,
    place: Place,
    /// The message that is under way: whether it is text, and the bytes its frames announced so far.
    message: Option<(bool, u64)>,
    pieces: VecDeque<Piece>,
}

impl Splitter {
    pub(super) fn new(limit: usize) -> Self {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        Self { limit, header: Vec::with_capacity(10), place: Place::Header, message: None, pieces: VecDeque::new() }
    }

    /// Takes what came and writes what the library is to see.
    pub(super) fn feed(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
        while let Some((first, rest)) = input.split_first() {
            match self.place {
                Place::Header => {
                    self.header.push(*first);
                    input = rest;
                    self.header(out)?;
                }
                Place::Control { left } => {
                    let taken = take(&mut input, left);
                    out.extend_from_slice(taken);
                    let left = left.saturating_sub(length(taken));
                    self.place = if left == 0 { Place::Header } else { Place::Control { left } };
                }
                Place::Data { left, last } => {
                    let taken = take(&mut input, left.min(length(&[0; PIECE])));
                    self.data(taken, left.saturating_sub(length(taken)), last, out);
                }
            }
        }
        Ok(())
    }

    /// A piece of a frame of which `left` bytes are to come.
    fn data(&mut self, piece: &[u8], left: u64, last: bool, out: &mut Vec<u8>) {
        let text = self.message.is_some_and(|(text, _)| text);
        let ends = left == 0 && last;
        self.pieces.push_back(Piece { text, last: ends });
        out.push(WHOLE);
        match (u8::try_from(piece.len()), u16::try_from(piece.len())) {
            (Ok(short @ ..=125), _) => out.push(short),
            (_, longer) => {
                out.push(126);
                out.extend_from_slice(&longer.unwrap_or(u16::MAX).to_be_bytes());
            }
        }
        out.extend_from_slice(piece);
        if ends {
            self.message = None;
        }
        self.place = if left == 0 { Place::Header } else { Place::Data { left, last } };
    }

    /// One more byte of a header is there.
    fn header(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        let [first, second, longer @ ..] = self.header.as_slice() else {
            return self.header.first().map_or(Ok(()), |first| self.opens(*first));
        };
        if second & 0x80 != 0 {
            return Err(Broken::Rule("a server's frame is not masked"));
        }
        let (opcode, last, short) = (first & 0x0f, first & 0x80 != 0, second & 0x7f);
        if opcode >= 8 {
            if !last || short > 125 {
                return Err(Broken::Rule("a control frame is whole and short"));
            }
            out.extend_from_slice(&self.header);
            self.place = if short == 0 { Place::Header } else { Place::Control { left: short.into() } };
            self.header.clear();
            return Ok(());
        }
        let Some(bytes) = announced(short, longer)? else { return Ok(()) };
        let (text, before) = self.message.unwrap_or((opcode == 1, 0));
        let size = before.checked_add(bytes).filter(|size| *size <= self.limit).ok_or(Broken::TooLarge)?;
        self.message = Some((text, size));
        self.header.clear();
        self.place = Place::Data { left: bytes, last };
        if bytes == 0 {
            self.data(&[], 0, last, out);
        }
        Ok(())
    }

    /// The first byte of a header is there.
    fn opens(&self, first: u8) -> Result<(), Broken> {
        match (first & 0x70, first & 0x0f, self.message) {
            (1.., _, _) => Err(Broken::Rule("it uses an extension that was not offered")),
            (_, 0, None) => Err(Broken::Rule("a part of no message")),
            (_, 1 | 2, Some(_)) => Err(Broken::Rule("a message within another")),
            (_, 3..=7 | 11.., _) => Err(Broken::Rule("a frame of no known kind")),
            _ => Ok(()),
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Takes up to `most` bytes off the front.
fn take<'a>(input: &mut &'a [u8], most: u64) -> &'a [u8] {
    let count = usize::try_from(most).unwrap_or(usize::MAX).min(input.len());
    let (taken, rest) = input.split_at_checked(count).unwrap_or((input, &[]));
    *input = rest;
    taken
}

/// The length that a header announces, once it is all there.
fn announced(short: u8, longer: &[u8]) -> Result<Option<u64>, Broken> {
    let (bytes, least) = match (short, longer) {
        (..=125, _) => (u64::from(short), 0),
        (126, [a, b]) => (u64::from(u16::from_be_bytes([*a, *b])), 126),
        (127, longer) => match <[u8; 8]>::try_from(longer) {
            Ok(longer) => (u64::from_be_bytes(longer), 65_536),
            Err(_) => return Ok(None),
        },
        _ => return Ok(None),
    };
    match bytes >= least {
        true => Ok(Some(bytes)),
        false => Err(Broken::Rule("a length is not in its shortest form")),
    }
}

/// What the stream is read as.
enum Reading {
    /// As it comes.
    Whole,
    /// The answer to the handshake; so many bytes of its end were seen.
    Head(usize),
    Frames,
}

/// A stream below a WebSocket.
pub(super) struct Tap<S> {
    inner: S,
    reading: Reading,
    splitter: Splitter,
    raw: Vec<u8>,
    out: Vec<u8>,
    given: usize,
    broken: Option<Broken>,
}

impl<S> Tap<S> {
    pub(super) fn new(inner: S, mode: MessageWebSocketReceiveMode, limit: usize) -> Self {
        let (reading, raw) = match mode {
            MessageWebSocketReceiveMode::FullMessage => (Reading::Whole, Vec::new()),
            MessageWebSocketReceiveMode::PartialMessage => (Reading::Head(0), vec![0; PIECE]),
        };
        Self { inner, reading, splitter: Splitter::new(limit), raw, out: Vec::new(), given: 0, broken: None }
    }

    /// What the message is that the library just handed over; `None` if it is one by itself.
    pub(super) fn piece(&mut self) -> Option<Piece> {
        self.splitter.pieces.pop_front()
    }

    /// Why nothing more comes.
    pub(super) fn broken(&self) -> Option<Broken> {
        self.broken
    }

    /// What came, turned into what the library is to see.
    fn came(&mut self, mut raw: &[u8]) {
        self.out.clear();
        self.given = 0;
        if let Reading::Head(seen) = &mut self.reading {
            let end = raw.iter().position(|byte| {
                let next = END_OF_HEAD.get(*seen) == Some(byte);
                *seen = if next { *seen + 1 } else { usize::from(*byte == b'\r') };
                *seen == END_OF_HEAD.len()
            });
            let head = end.map_or(raw.len(), |end| end + 1);
            let (head, rest) = raw.split_at_checked(head).unwrap_or((raw, &[]));
            self.out.extend_from_slice(head);
            raw = rest;
            if end.is_some() {
                self.reading = Reading::Frames;
            }
        }
        self.broken = self.splitter.feed(raw, &mut self.out).err();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if matches!(self.reading, Reading::Whole) {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        }
        loop {
            let waiting = self.out.get(self.given..).unwrap_or_default();
            if !waiting.is_empty() {
                let count = waiting.len().min(buf.remaining());
                buf.put_slice(waiting.get(..count).unwrap_or_default());
                self.given += count;
                return Poll::Ready(Ok(()));
            }
            if self.broken.is_some() {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            let mut raw = mem::take(&mut self.raw);
            let mut room = ReadBuf::new(&mut raw);
            let outcome = Pin::new(&mut self.inner).poll_read(cx, &mut room);
            let count = room.filled().len();
            if matches!(outcome, Poll::Ready(Ok(()))) {
                self.came(raw.get(..count).unwrap_or_default());
            }
            self.raw = raw;
            ready!(outcome)?;
            if count == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;

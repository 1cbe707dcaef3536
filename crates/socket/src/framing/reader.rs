//! The reading half: bytes are loaded, then taken as values. A message's length is judged before memory is taken for it, and
//! memory grows with what has arrived (R3.32).

use super::{ByteOrder, FramingError, UnicodeEncoding, decode};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest message taken, bytes, if nothing else is said.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// How much is read at once.
const STEP: usize = 64 * 1024;

/// When loading returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum InputStreamOptions {
    /// When all that was asked for is there, or the stream has ended.
    #[default]
    None = 0,
    /// As soon as there is at least one byte.
    Partial = 1,
    /// As [`Self::None`]; more than was asked for may be loaded.
    ReadAhead = 2,
}

/// Reads values from a stream.
#[derive(Debug)]
pub struct ValueReader<S> {
    stream: Option<S>,
    buffer: Vec<u8>,
    taken: usize,
    busy: bool,
    /// Order of the bytes of numbers.
    pub byte_order: ByteOrder,
    /// Encoding of texts.
    pub encoding: UnicodeEncoding,
    /// When loading returns.
    pub options: InputStreamOptions,
    /// Longest message taken by [`Self::read_message`], bytes.
    pub max_message: usize,
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($kind:ty, $size:literal)),+ $(,)?) => {
        $($(#[$doc])*
        ///
        /// # Errors
        /// [`FramingError::OutOfBounds`], [`FramingError::Closed`].
        pub fn $name(&mut self) -> Result<$kind, FramingError> {
            let bytes: [u8; $size] = self.array()?;
            Ok(match self.byte_order {
                ByteOrder::LittleEndian => <$kind>::from_le_bytes(bytes),
                ByteOrder::BigEndian => <$kind>::from_be_bytes(bytes),
            })
        })+
    };
}

impl<S: AsyncRead + Unpin> ValueReader<S> {
    /// A reader on a stream; big-endian, UTF-8.
    pub fn new(stream: S) -> Self {
        Self {
            stream: Some(stream),
            buffer: Vec::new(),
            taken: 0,
            busy: false,
            byte_order: ByteOrder::default(),
            encoding: UnicodeEncoding::default(),
            options: InputStreamOptions::default(),
            max_message: MAX_MESSAGE,
        }
    }

    fn alive(&self) -> Result<(), FramingError> {
        if self.stream.is_none() || self.busy { Err(FramingError::Closed) } else { Ok(()) }
    }

    /// Loads `count` more bytes and gives how many came: fewer when the stream ended, or with
    /// [`InputStreamOptions::Partial`]. Cancelled midway, the stream is of no use any more.
    ///
    /// # Errors
    /// [`FramingError::Stream`], [`FramingError::Closed`].
    pub async fn load(&mut self, count: usize) -> Result<usize, FramingError> {
        self.alive()?;
        let stream = self.stream.as_mut().ok_or(FramingError::Closed)?;
        self.buffer.drain(..self.taken.min(self.buffer.len()));
        self.taken = 0;
        self.busy = true;
        let mut loaded = 0;
        while loaded < count {
            let room = if self.options == InputStreamOptions::ReadAhead { STEP } else { STEP.min(count - loaded) };
            let before = self.buffer.len();
            self.buffer.resize(before + room, 0);
            let got = stream.read(self.buffer.get_mut(before..).unwrap_or_default()).await;
            self.buffer.truncate(before + got.as_ref().copied().unwrap_or(0));
            match got? {
                0 => break,
                got => loaded += got,
            }
            if self.options == InputStreamOptions::Partial {
                break;
            }
        }
        self.busy = false;
        Ok(loaded)
    }

    #[cfg(test)]
    pub(super) fn buffer_capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Bytes that are loaded and not taken.
    pub fn unconsumed(&self) -> usize {
        self.buffer.len() - self.taken
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FramingError> {
        let bytes = self.read_bytes(N)?;
        bytes.try_into().map_err(|_| FramingError::OutOfBounds { wanted: N, loaded: 0 })
    }

    numbers! {
        /// One byte.
        read_u8(u8, 1),
        /// Two bytes.
        read_u16(u16, 2),
        /// Four bytes.
        read_u32(u32, 4),
        /// Eight bytes.
        read_u64(u64, 8),
        /// Four bytes, signed.
        read_i32(i32, 4),
        /// Eight bytes, signed.
        read_i64(i64, 8),
        /// A number of eight bytes (IEEE 754).
        read_f64(f64, 8),
    }

    /// One byte; anything but 0 is true.
    ///
    /// # Errors
    /// As [`Self::read_u8`].
    pub fn read_bool(&mut self) -> Result<bool, FramingError> {
        self.read_u8().map(|byte| byte != 0)
    }

    /// Loaded bytes as they are.
    ///
    /// # Errors
    /// As [`Self::read_u8`].
    pub fn read_bytes(&mut self, count: usize) -> Result<Vec<u8>, FramingError> {
        self.alive()?;
        let loaded = self.unconsumed();
        let end = self.taken.checked_add(count);
        let bytes = end.and_then(|end| self.buffer.get(self.taken..end)).map(<[u8]>::to_vec);
        let bytes = bytes.ok_or(FramingError::OutOfBounds { wanted: count, loaded })?;
        self.taken += count;
        Ok(bytes)
    }

    /// A text of so many bytes.
    ///
    /// # Errors
    /// As [`Self::read_u8`]; [`FramingError::NotText`].
    pub fn read_text(&mut self, bytes: usize) -> Result<String, FramingError> {
        let bytes = self.read_bytes(bytes)?;
        decode(&bytes, self.encoding)
    }

    /// A message as other programs write it: four bytes of length, then so many bytes of text. `None` when the stream
    /// ended between two messages.
    ///
    /// # Errors
    /// [`FramingError::BadLength`] before memory is taken; [`FramingError::Truncated`], [`FramingError::NotText`],
    /// [`FramingError::Stream`], [`FramingError::Closed`]. After any of these the stream is of no use any more.
    pub async fn read_message(&mut self) -> Result<Option<String>, FramingError> {
        let outcome = self.message().await;
        self.busy |= outcome.is_err();
        outcome
    }

    async fn message(&mut self) -> Result<Option<String>, FramingError> {
        if !self.have(4).await? {
            return if self.unconsumed() == 0 { Ok(None) } else { Err(FramingError::Truncated) };
        }
        let announced = self.read_i32()?;
        let length = usize::try_from(announced).ok().filter(|length| *length <= self.max_message);
        let bad = FramingError::BadLength { length: announced.into(), limit: self.max_message };
        let length = length.ok_or(bad)?;
        if !self.have(length).await? {
            return Err(FramingError::Truncated);
        }
        self.read_text(length).map(Some)
    }

    /// Loads until `count` bytes are there; false if the stream ended before.
    async fn have(&mut self, count: usize) -> Result<bool, FramingError> {
        self.alive()?;
        while self.unconsumed() < count {
            if self.load(count - self.unconsumed()).await? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes the stream back; the reader is closed, the stream is not.
    ///
    /// # Errors
    /// [`FramingError::InvalidOperation`] while something is loaded and not taken: it would be lost, and after an upgrade
    /// taken for protected; [`FramingError::Closed`].
    pub fn detach_stream(&mut self) -> Result<S, FramingError> {
        self.alive()?;
        if self.unconsumed() > 0 {
            return Err(FramingError::InvalidOperation("take what is loaded before taking the stream back"));
        }
        self.stream.take().ok_or(FramingError::Closed)
    }
}

//! The writing half: values go into a buffer, [`ValueWriter::store`] sends it, [`ValueWriter::flush`] returns when all that was
//! stored is in the system's hands (R3.35).

use super::{ByteOrder, FramingError, UnicodeEncoding, encode, measure};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Most bytes that wait to be stored.
const MAX_BUFFER: usize = 64 * 1024 * 1024;

/// Writes values to a stream.
#[derive(Debug)]
pub struct ValueWriter<S> {
    /// `None` once it was taken back.
    stream: Option<S>,
    buffer: Vec<u8>,
    /// An operation is under way, or was cancelled midway: the stream is of no use any more (R3.9).
    busy: bool,
    /// Order of the bytes of numbers.
    pub byte_order: ByteOrder,
    /// Encoding of texts.
    pub encoding: UnicodeEncoding,
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($kind:ty)),+ $(,)?) => {
        $($(#[$doc])*
        ///
        /// # Errors
        /// [`FramingError::Closed`], [`FramingError::InvalidOperation`] when too much waits.
        pub fn $name(&mut self, value: $kind) -> Result<(), FramingError> {
            match self.byte_order {
                ByteOrder::LittleEndian => self.put(&value.to_le_bytes()),
                ByteOrder::BigEndian => self.put(&value.to_be_bytes()),
            }
        })+
    };
}

impl<S: AsyncWrite + Unpin> ValueWriter<S> {
    /// A writer on a stream; big-endian, UTF-8.
    pub fn new(stream: S) -> Self {
        let (byte_order, encoding) = (ByteOrder::default(), UnicodeEncoding::default());
        Self { stream: Some(stream), buffer: Vec::new(), busy: false, byte_order, encoding }
    }

    fn alive(&self) -> Result<(), FramingError> {
        if self.stream.is_none() || self.busy { Err(FramingError::Closed) } else { Ok(()) }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), FramingError> {
        self.alive()?;
        if self.buffer.len().saturating_add(bytes.len()) > MAX_BUFFER {
            return Err(FramingError::InvalidOperation("store what is written before writing more"));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    numbers! {
        /// One byte.
        write_u8(u8),
        /// Two bytes.
        write_u16(u16),
        /// Four bytes.
        write_u32(u32),
        /// Eight bytes.
        write_u64(u64),
        /// Four bytes, signed.
        write_i32(i32),
        /// Eight bytes, signed.
        write_i64(i64),
        /// A number of eight bytes (IEEE 754).
        write_f64(f64),
    }

    /// One byte: 1 or 0.
    ///
    /// # Errors
    /// As [`Self::write_u8`].
    pub fn write_bool(&mut self, value: bool) -> Result<(), FramingError> {
        self.put(&[u8::from(value)])
    }

    /// Bytes as they are.
    ///
    /// # Errors
    /// As [`Self::write_u8`].
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), FramingError> {
        self.put(bytes)
    }

    /// Bytes the text will take; write it as the length before the text.
    pub fn measure(&self, text: &str) -> usize {
        measure(text, self.encoding)
    }

    /// A text, without its length. Gives the bytes it took.
    ///
    /// # Errors
    /// As [`Self::write_u8`].
    pub fn write_text(&mut self, text: &str) -> Result<usize, FramingError> {
        let bytes = encode(text, self.encoding);
        self.put(&bytes)?;
        Ok(bytes.len())
    }

    /// A message as other programs write it: the length of the text in bytes, four of them, then the text.
    ///
    /// # Errors
    /// As [`Self::write_u8`]; [`FramingError::BadLength`] for a text over 2 GiB.
    pub fn write_message(&mut self, text: &str) -> Result<(), FramingError> {
        let length = measure(text, self.encoding);
        let announced = i32::try_from(length);
        let bad = |_| FramingError::BadLength { length: i64::MAX, limit: i32::MAX as usize };
        self.write_i32(announced.map_err(bad)?)?;
        self.write_text(text).map(drop)
    }

    /// Bytes that are written and not stored.
    pub fn unstored(&self) -> usize {
        self.buffer.len()
    }

    /// Sends what was written. Cancelled midway, the stream is of no use any more. Gives the number of bytes.
    ///
    /// # Errors
    /// [`FramingError::Stream`], [`FramingError::Closed`].
    pub async fn store(&mut self) -> Result<usize, FramingError> {
        self.alive()?;
        let bytes = std::mem::take(&mut self.buffer);
        let stream = self.stream.as_mut().ok_or(FramingError::Closed)?;
        self.busy = true;
        stream.write_all(&bytes).await?;
        self.busy = false;
        Ok(bytes.len())
    }

    /// Returns when everything that was stored before is in the system's hands.
    ///
    /// # Errors
    /// [`FramingError::Stream`], [`FramingError::Closed`].
    pub async fn flush(&mut self) -> Result<(), FramingError> {
        self.alive()?;
        let stream = self.stream.as_mut().ok_or(FramingError::Closed)?;
        self.busy = true;
        stream.flush().await?;
        self.busy = false;
        Ok(())
    }

    /// Takes the stream back; the writer is closed, the stream is not.
    ///
    /// # Errors
    /// [`FramingError::InvalidOperation`] while something is written and not stored; [`FramingError::Closed`].
    pub fn detach_stream(&mut self) -> Result<S, FramingError> {
        self.alive()?;
        if !self.buffer.is_empty() {
            return Err(FramingError::InvalidOperation("store what is written before taking the stream back"));
        }
        self.stream.take().ok_or(FramingError::Closed)
    }

    /// Ends the stream, unless it was taken back. What was not stored is dropped.
    ///
    /// # Errors
    /// [`FramingError::Stream`], [`FramingError::Closed`].
    pub async fn close(mut self) -> Result<(), FramingError> {
        let mut stream = self.stream.take().ok_or(FramingError::Closed)?;
        Ok(stream.shutdown().await?)
    }
}

//! Received bytes, cut into TLS records (RFC 8446 section 5.1) before the TLS library sees them.
//!
//! The library is fed whole records only and one at a time. So it never reads ahead of what was asked of it, an
//! oversize or foreign record is refused at its first five bytes, and a connection can be handed over to a
//! [`BlockingLane`](crate::BlockingLane) between two records without losing a byte.

use crate::SocketError;
use std::io;
use tokio::net::TcpStream;

/// Header of a record: type, version, length.
pub(crate) const HEADER: usize = 5;
/// Largest payload of a record on the wire: 2^14 + 256 (RFC 8446 section 5.2). TLS 1.2 would allow more, we do not.
pub(crate) const MAX_PAYLOAD: usize = 16_384 + 256;
/// Bytes read from the system at once. Holds any record.
const CAPACITY: usize = 32 * 1024;
/// The same until more than this came at once: most connections never see a large record, and a device may have a
/// thousand of them.
const SMALL: usize = 4 * 1024;

/// A buffer of received bytes.
#[derive(Debug)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; SMALL], start: 0, end: 0 }
    }

    /// What was received and not taken yet.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The first record, if it is whole, header included.
    ///
    /// # Errors
    /// [`SocketError::Misbehaved`] if what is there is not the beginning of a record.
    pub(crate) fn record(&self) -> Result<Option<&[u8]>, SocketError> {
        let rest = self.rest();
        match record_length(rest)? {
            Some(length) => Ok(rest.get(..length)),
            None => Ok(None),
        }
    }

    /// Forgets the first `count` bytes.
    pub(crate) fn discard(&mut self, count: usize) {
        self.start = self.end.min(self.start.saturating_add(count));
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Reads what the system has, without waiting: `WouldBlock` if nothing, 0 at the end of the stream.
    pub(crate) fn fill(&mut self, tcp: &TcpStream) -> io::Result<usize> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() && self.end < CAPACITY {
            let mut larger = Vec::with_capacity(CAPACITY);
            larger.extend_from_slice(&self.bytes);
            larger.resize(CAPACITY, 0);
            self.bytes = larger;
        }
        let free = self.bytes.get_mut(self.end..).unwrap_or_default();
        if free.is_empty() {
            return Err(io::Error::other("the receive buffer is full"));
        }
        let count = tcp.try_read(free)?;
        self.end += count;
        Ok(count)
    }
}

/// The length of the record at the beginning of `bytes`, header included, as soon as the header is there and whether or
/// not the rest is.
pub(crate) fn record_length(bytes: &[u8]) -> Result<Option<usize>, SocketError> {
    let [kind, major, _, high, low, ..] = *bytes else {
        return match *bytes {
            [kind, ..] if !is_kind(kind) => Err(foreign()),
            _ => Ok(None),
        };
    };
    if !is_kind(kind) || major != 3 {
        return Err(foreign());
    }
    let payload = usize::from(u16::from_be_bytes([high, low]));
    if payload > MAX_PAYLOAD {
        return Err(SocketError::Misbehaved("an oversize TLS record".into()));
    }
    Ok(Some(HEADER + payload))
}

/// change_cipher_spec, alert, handshake, application_data.
fn is_kind(byte: u8) -> bool {
    (20..=23).contains(&byte)
}

fn foreign() -> SocketError {
    SocketError::Misbehaved("bytes that are not TLS".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn t8_an_oversize_record_is_refused_at_its_header() {
        assert!(record_length(&[23, 3, 3, 0x41, 0x01]).is_err());
        assert_eq!(record_length(&[23, 3, 3, 0x41, 0x00]).unwrap(), Some(HEADER + MAX_PAYLOAD));
        assert_eq!(record_length(&[23, 3, 3, 0x41]).unwrap(), None);
    }

    #[test]
    fn t1_bytes_that_are_not_tls_are_refused_at_once() {
        for bytes in [&b"GET / HTTP/1.1"[..], b"SSH-2.0", &[0x80, 0x2e, 1, 3, 1], &[22, 2, 0, 0, 5]] {
            assert!(record_length(bytes).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_cutter_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(Some(length)) = record_length(&bytes) {
                prop_assert!(length <= HEADER + MAX_PAYLOAD);
            }
        }
    }
}

//! The receiving direction of a lane.

use super::record::{ALERT, APPLICATION_DATA, Opened, Opener};
use crate::{SocketError, error::cut_off, inbox::record_length};
use rustls::{AlertDescription, Error as Tls};
use std::{
    io::{self, Read},
    net::TcpStream,
    ops::Range,
};

/// Bytes asked of the system at once.
const CAPACITY: usize = 256 * 1024;
/// Most records without content in a row.
const MAX_EMPTY: u32 = 32;

pub(super) struct Inward {
    opener: Opener,
    bytes: Vec<u8>,
    /// Received and not opened yet.
    sealed: Range<usize>,
    /// Opened and not read yet: either from before the lane was one, or a record larger than the reader's buffer.
    plain: Vec<u8>,
    read: usize,
    empty: u32,
    closed: bool,
    dead: bool,
}

impl Inward {
    pub(super) fn new(opener: Opener, sealed: Vec<u8>, plain: Vec<u8>, closed: bool) -> Self {
        let end = sealed.len();
        Self { opener, bytes: sealed, sealed: 0..end, plain, read: 0, empty: 0, closed, dead: false }
    }

    pub(super) fn read(&mut self, tcp: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
        if self.dead {
            return Err(SocketError::Dead.into());
        }
        let outcome = self.next(tcp, into);
        self.dead = outcome.is_err();
        outcome.map_err(io::Error::from)
    }

    fn next(&mut self, tcp: &TcpStream, into: &mut [u8]) -> Result<usize, SocketError> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let mut waiting = self.plain.get(self.read..).unwrap_or_default();
            if !waiting.is_empty() {
                let count = waiting.read(into)?;
                self.read += count;
                return Ok(count);
            }
            let count = self.open_records(into)?;
            if count > 0 {
                return Ok(count);
            }
            if self.read < self.plain.len() {
                continue;
            }
            if self.closed {
                return Ok(0);
            }
            self.fill(tcp)?;
        }
    }

    /// Opens whole records straight into the reader's buffer, as many as fit; a first one that does not fit goes to
    /// `plain`.
    fn open_records(&mut self, into: &mut [u8]) -> Result<usize, SocketError> {
        let mut got = 0;
        while !self.closed && self.read >= self.plain.len() {
            let sealed = self.bytes.get(self.sealed.clone()).unwrap_or_default();
            let Some(length) = record_length(sealed)? else { break };
            let Some(record) = sealed.get(..length) else { break };
            let room = Opener::room(length)?;
            if let Some(place) = into.get_mut(got..got + room) {
                let opened = self.opener.open(record, place)?;
                let content = place.get(..opened.length).unwrap_or_default();
                self.closed = judged(&opened, content, &mut self.empty)?;
                got += if self.closed { 0 } else { opened.length };
            } else if got > 0 {
                break;
            } else {
                self.plain.resize(room, 0);
                let opened = self.opener.open(record, &mut self.plain)?;
                self.plain.truncate(opened.length);
                self.closed = judged(&opened, &self.plain, &mut self.empty)?;
                self.read = if self.closed { self.plain.len() } else { 0 };
            }
            self.sealed.start += length;
        }
        Ok(got)
    }

    fn fill(&mut self, mut tcp: &TcpStream) -> Result<(), SocketError> {
        if self.bytes.len() < CAPACITY {
            self.bytes.resize(CAPACITY, 0);
        }
        if self.sealed.start > 0 {
            self.bytes.copy_within(self.sealed.clone(), 0);
            self.sealed = 0..self.sealed.len();
        }
        let free = self.bytes.get_mut(self.sealed.end..).unwrap_or_default();
        let count = loop {
            match tcp.read(free) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if count == 0 {
            return Err(cut_off());
        }
        self.sealed.end += count;
        Ok(())
    }
}

/// Whether the record was the other end's close_notify.
fn judged(opened: &Opened, content: &[u8], empty: &mut u32) -> Result<bool, SocketError> {
    match (opened.kind, content) {
        (APPLICATION_DATA, []) => {
            *empty += 1;
            match *empty > MAX_EMPTY {
                true => Err(SocketError::Misbehaved("too many TLS records without content".into())),
                false => Ok(false),
            }
        }
        (APPLICATION_DATA, _) => {
            *empty = 0;
            Ok(false)
        }
        (ALERT, [_, 0]) => Ok(true),
        (ALERT, [_, alert]) => Err(Tls::AlertReceived(AlertDescription::from(*alert)).into()),
        _ => Err(SocketError::Misbehaved("something else than data in a lane".into())),
    }
}

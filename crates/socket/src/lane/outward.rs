//! The sending direction of a lane.

use super::record::{ALERT, APPLICATION_DATA, MAX_CONTENT, Sealer};
use crate::{SocketError, inbox::HEADER};
use std::{
    io::{self, Write},
    net::TcpStream,
};

/// Ciphertext handed to the system at once.
const BLOCK: usize = 256 * 1024;
/// warning(1), close_notify(0).
const CLOSE_NOTIFY: [u8; 2] = [1, 0];

pub(super) struct Outward {
    sealer: Sealer,
    /// Sealed records, then perhaps one that is being filled.
    bytes: Vec<u8>,
    /// Where the record that is being filled begins.
    filling: Option<usize>,
    finished: bool,
    dead: bool,
}

impl Outward {
    pub(super) fn new(sealer: Sealer, outgoing: Vec<u8>) -> Self {
        Self { sealer, bytes: outgoing, filling: None, finished: false, dead: false }
    }

    pub(super) fn remaining(&self) -> u64 {
        self.sealer.remaining().saturating_mul(MAX_CONTENT as u64)
    }

    /// Takes all of `from`.
    pub(super) fn write(&mut self, tcp: &TcpStream, from: &[u8]) -> io::Result<()> {
        if self.finished {
            return Err(SocketError::Misuse("nothing can be written after the end").into());
        }
        self.guarded(|this| this.take(tcp, from))
    }

    pub(super) fn flush(&mut self, tcp: &TcpStream) -> io::Result<()> {
        self.guarded(|this| {
            this.seal()?;
            this.send(tcp)
        })
    }

    pub(super) fn finish(&mut self, tcp: &TcpStream) -> io::Result<()> {
        if self.finished {
            return Ok(());
        }
        self.guarded(|this| {
            this.seal()?;
            let start = this.bytes.len();
            this.bytes.extend_from_slice(&[0; HEADER]);
            this.bytes.extend_from_slice(&CLOSE_NOTIFY);
            this.sealer.seal(&mut this.bytes, start, ALERT)?;
            this.finished = true;
            this.send(tcp)
        })
    }

    /// After a failure nothing more is sent: what the other end has is not known.
    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> Result<(), SocketError>) -> io::Result<()> {
        if self.dead {
            return Err(SocketError::Dead.into());
        }
        let outcome = work(self);
        // A spent lane can still be ended in order.
        self.dead = !matches!(outcome, Ok(()) | Err(SocketError::LaneSpent));
        outcome.map_err(io::Error::from)
    }

    fn take(&mut self, tcp: &TcpStream, mut from: &[u8]) -> Result<(), SocketError> {
        while !from.is_empty() {
            let start = match self.filling {
                Some(start) => start,
                None if self.sealer.remaining() == 0 => return Err(SocketError::LaneSpent),
                None => {
                    self.bytes.reserve(HEADER + MAX_CONTENT + 64);
                    let start = self.bytes.len();
                    self.bytes.extend_from_slice(&[0; HEADER]);
                    *self.filling.insert(start)
                }
            };
            let room = (start + HEADER + MAX_CONTENT).saturating_sub(self.bytes.len());
            let (now, later) = from.split_at(room.min(from.len()));
            self.bytes.extend_from_slice(now);
            from = later;
            if now.len() == room {
                self.seal()?;
                if self.bytes.len() >= BLOCK {
                    self.send(tcp)?;
                }
            }
        }
        Ok(())
    }

    fn seal(&mut self) -> Result<(), SocketError> {
        match self.filling.take() {
            Some(start) => self.sealer.seal(&mut self.bytes, start, APPLICATION_DATA),
            None => Ok(()),
        }
    }

    fn send(&mut self, mut tcp: &TcpStream) -> Result<(), SocketError> {
        tcp.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

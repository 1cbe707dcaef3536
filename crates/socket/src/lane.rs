//! A proven channel as a lane for bulk data: blocking [`Read`] and [`Write`] for a thread of its own.
//!
//! TLS stays what it was; only its records are sealed and opened here (see `record`), directly between the caller's
//! buffer and one large buffer for the system: no allocation and one copy per record, a system call per quarter
//! megabyte. A lane sends at most 2^24 records with one set of keys, 256 GiB (RFC 8446 section 5.5), then it is spent
//! and the work goes on in a new one. Handshake messages, key updates among them, do not occur in a lane.

mod inward;
mod outward;
mod record;

use crate::{
    Meter, Proof, SocketError,
    wire::{Parts, Wire},
};
use inward::Inward;
use outward::Outward;
use record::{Opener, Sealer};
use rustls::ProtocolVersion;
use std::{
    fmt,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::Arc,
};

/// A stream of bytes for a thread that may block. Errors are [`SocketError`]s inside [`io::Error`]s; after one the
/// direction it came from is dead.
///
/// Reading yields the end (0) only after the other end's close_notify, otherwise `UnexpectedEof` (T9). [`Self::finish`]
/// sends ours; dropping a lane without it tells the other end that something is missing.
pub struct BlockingLane {
    tcp: Arc<TcpStream>,
    proof: Arc<Proof>,
    meter: Arc<Meter>,
    inward: Inward,
    outward: Outward,
}

impl BlockingLane {
    pub(crate) fn new(wire: Wire, proof: Arc<Proof>) -> Result<Self, SocketError> {
        if wire.tls().protocol_version() != Some(ProtocolVersion::TLSv1_3) {
            return Err(SocketError::Incompatible("bulk lanes need TLS 1.3".into()));
        }
        let Parts { tcp, tls, ciphertext, plaintext, outgoing, closed, meter } = wire.into_parts()?;
        let secrets = tls.dangerous_extract_secrets().map_err(|error| SocketError::Internal(error.to_string()))?;
        let opener = Opener::new(secrets.rx.0, &secrets.rx.1)?;
        let sealer = Sealer::new(secrets.tx.0, &secrets.tx.1)?;
        let tcp = tcp.into_std()?;
        tcp.set_nonblocking(false)?;
        Ok(Self {
            tcp: Arc::new(tcp),
            proof,
            meter,
            inward: Inward::new(opener, ciphertext, plaintext, closed),
            outward: Outward::new(sealer, outgoing),
        })
    }

    /// Everything the handshake proved.
    pub fn proof(&self) -> &Arc<Proof> {
        &self.proof
    }

    /// Counts the bytes carried.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Ends the lane from another thread.
    pub fn abort_handle(&self) -> LaneAbort {
        LaneAbort { tcp: Arc::clone(&self.tcp) }
    }

    /// Bytes it may still send before it is spent, if they are written in large pieces.
    pub fn remaining(&self) -> u64 {
        self.outward.remaining()
    }

    /// Sends what waits and the proper end. Reading goes on. Twice is no error.
    ///
    /// # Errors
    /// As for writing.
    pub fn finish(&mut self) -> io::Result<()> {
        self.outward.finish(&self.tcp)?;
        match self.tcp.shutdown(Shutdown::Write) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(error),
            _ => Ok(()),
        }
    }
}

impl Read for BlockingLane {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inward.read(&self.tcp, into)?;
        self.meter.received(count);
        Ok(count)
    }
}

impl Write for BlockingLane {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.outward.write(&self.tcp, from)?;
        self.meter.sent(from.len());
        Ok(from.len())
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        slices.iter().map(|slice| self.write(slice)).sum()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.outward.flush(&self.tcp)
    }
}

impl fmt::Debug for BlockingLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingLane").field("peer", &self.proof.peer).finish_non_exhaustive()
    }
}

/// Ends a lane from another thread: its blocked and later operations fail.
#[derive(Debug, Clone)]
pub struct LaneAbort {
    tcp: Arc<TcpStream>,
}

impl LaneAbort {
    /// Ends the lane at once.
    pub fn abort(&self) {
        // It may have ended by itself.
        let _ = self.tcp.shutdown(Shutdown::Both);
    }
}

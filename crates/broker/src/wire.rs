//! How requests and replies travel: four bytes of length, big-endian, then JSON; a descriptor travels with the first
//! byte of the message it belongs to (`SCM_RIGHTS`). Used by both sides, blocking or not.

use rustix::{
    io::Errno,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        recvmsg, sendmsg,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::VecDeque,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// Largest message, bytes.
pub const CAP: usize = 256 * 1024;
/// Most descriptors that may come before they are asked for.
const MAX_FDS: usize = 4;
const STEP: usize = 16 * 1024;

/// A message, with the descriptor that came with it.
#[derive(Debug)]
pub struct Message {
    /// JSON.
    pub bytes: Vec<u8>,
    /// At most one.
    pub fd: Option<OwnedFd>,
}

impl Message {
    /// Reads it as JSON.
    ///
    /// # Errors
    /// It is not what is expected.
    pub fn parse<T: DeserializeOwned>(&self) -> io::Result<T> {
        serde_json::from_slice(&self.bytes).map_err(|e| invalid(format!("not a message of the broker: {e}")))
    }
}

/// Gathers bytes and descriptors, and gives whole messages.
#[derive(Debug, Default)]
pub struct Decoder {
    held: Vec<u8>,
    fds: VecDeque<OwnedFd>,
}

impl Decoder {
    /// Reads once from a socket; `false` at its end.
    ///
    /// # Errors
    /// The socket's own ([`io::ErrorKind::WouldBlock`] among them), or more descriptors than anybody needs.
    pub fn fill(&mut self, from: impl AsFd) -> io::Result<bool> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut step = [0; STEP];
        let got = loop {
            let mut parts = [IoSliceMut::new(&mut step)];
            match recvmsg(from.as_fd(), &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                other => break other?,
            }
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.fds.extend(fds);
            }
        }
        if self.fds.len() > MAX_FDS {
            return Err(invalid("too many descriptors"));
        }
        self.held.extend_from_slice(step.get(..got.bytes).unwrap_or_default());
        Ok(got.bytes > 0)
    }

    /// The next whole message. A message has one descriptor at most, so what came with two is refused.
    ///
    /// # Errors
    /// Empty, too large, or with more descriptors than one.
    pub fn take(&mut self) -> io::Result<Option<Message>> {
        let Some((head, body)) = self.held.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*head) as usize;
        if length == 0 || length > CAP {
            return Err(invalid(format!("a message of {length} bytes")));
        }
        let Some(bytes) = body.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.held.drain(..4 + length);
        let fd = self.fds.pop_front();
        if !self.fds.is_empty() {
            return Err(invalid("more than one descriptor"));
        }
        Ok(Some(Message { bytes, fd }))
    }
}

/// A message ready to be written.
///
/// # Errors
/// It is too large.
pub fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut out = vec![0; 4];
    serde_json::to_writer(&mut out, message).map_err(|e| invalid(e.to_string()))?;
    let length = out.len().saturating_sub(4);
    match (u32::try_from(length), out.first_chunk_mut::<4>()) {
        (Ok(number), Some(head)) if length <= CAP => *head = number.to_be_bytes(),
        _ => return Err(invalid(format!("a message of {length} bytes"))),
    }
    Ok(out)
}

/// Writes once; how many bytes were taken. The descriptor travels with the first of them.
///
/// # Errors
/// The socket's own.
pub fn write(to: impl AsFd, bytes: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let fds: Vec<BorrowedFd<'_>> = fd.into_iter().collect();
    loop {
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&fds));
        }
        match sendmsg(to.as_fd(), &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

fn invalid(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a4_a_length_of_zero_or_beyond_the_cap_is_refused_before_anything_is_kept_for_it() {
        for head in [0, CAP as u32 + 1, u32::MAX] {
            let mut decoder = Decoder::default();
            decoder.held.extend_from_slice(&head.to_be_bytes());
            assert!(decoder.take().is_err(), "{head} was taken");
        }
    }

    #[test]
    fn more_descriptors_than_one_come_to_nothing() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        for _ in 0..2 {
            write(&ours, b"\0", Some(theirs.as_fd())).unwrap();
        }
        write(&ours, b"\0\x02{}", None).unwrap();
        let mut decoder = Decoder::default();
        let outcome = loop {
            decoder.fill(&theirs).unwrap();
            match decoder.take() {
                Ok(None) => {}
                other => break other,
            }
        };
        assert!(outcome.is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a4_any_bytes_give_messages_or_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut decoder = Decoder { held: bytes, ..Decoder::default() };
            while let Ok(Some(message)) = decoder.take() {
                let _ = message.parse::<crate::message::Ask>();
            }
        }
    }
}

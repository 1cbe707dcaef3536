//! A connection to the agent: naming what to start, and the sockets that are held.

use crate::{
    fault::BrokerError,
    message::{Ask, Condition, Reply, Start, VERSION, Wake},
    place::usual_place,
    socket::Socket,
    wire::{Decoder, encode, write},
};
use data_encoding::BASE64;
use hither_model::row::HeldKind;
use std::{
    collections::BTreeMap,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
};

/// A socket that the agent holds, as it is listed (R4.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Information {
    /// Its name.
    pub id: String,
    /// The task that is started for it.
    pub task: String,
    /// What it is.
    pub kind: HeldKind,
    /// Bytes of its context.
    pub context: u64,
}

/// A socket that was taken back.
#[derive(Debug)]
pub struct Held {
    /// The socket itself.
    pub socket: Socket,
    /// What was handed over with it, unchanged (R4.6).
    pub context: Vec<u8>,
}

/// A connection to the agent that holds sockets. One request is under way at a time.
#[derive(Debug)]
pub struct Broker {
    stream: UnixStream,
    decoder: Decoder,
}

impl Broker {
    /// The agent of the usual profile, or the one that started this program.
    ///
    /// # Errors
    /// No agent answers, or it speaks another version.
    pub fn open() -> Result<Self, BrokerError> {
        Self::at(&usual_place()?)
    }

    /// The agent that listens at `path`.
    ///
    /// # Errors
    /// As [`Broker::open`], and when whoever listens belongs to another user.
    pub fn at(path: &Path) -> Result<Self, BrokerError> {
        let none = |_| BrokerError::NoAgent(path.display().to_string());
        let stream = UnixStream::connect(path).map_err(none)?;
        let theirs = rustix::net::sockopt::socket_peercred(&stream).map_err(|e| BrokerError::Lost(e.into()))?.uid;
        if theirs != rustix::process::geteuid() {
            return Err(BrokerError::Stranger(theirs.as_raw()));
        }
        let mut broker = Self { stream, decoder: Decoder::default() };
        match broker.call(&Ask::Hello { version: VERSION }, None)?.0 {
            Reply::Hello { version: VERSION } => Ok(broker),
            _ => Err(BrokerError::Version("the agent speaks another version of the broker's words".into())),
        }
    }

    /// Names what to start for sockets of `app`; the same again gives the same task. The task's id.
    ///
    /// # Errors
    /// The command is no full path, a name is too long, or there are too many tasks.
    pub fn register(&mut self, app: &str, start: Start, condition: Option<Condition>) -> Result<String, BrokerError> {
        match self.call(&Ask::Register { app: app.into(), start, condition }, None)?.0 {
            Reply::Task { task } => Ok(task),
            _ => Err(BrokerError::unexpected("no task")),
        }
    }

    /// Forgets a task and closes its sockets.
    ///
    /// # Errors
    /// There is none.
    pub fn unregister(&mut self, task: &str) -> Result<(), BrokerError> {
        self.done(&Ask::Unregister { task: task.into() }, None)
    }

    /// All sockets of an app, by name (R4.12).
    ///
    /// # Errors
    /// The connection broke.
    pub fn all_sockets(&mut self, app: &str) -> Result<BTreeMap<String, Information>, BrokerError> {
        let Reply::Sockets { rows } = self.call(&Ask::Sockets { app: app.into() }, None)?.0 else {
            return Err(BrokerError::unexpected("no sockets"));
        };
        let each = rows.into_iter().map(|row| {
            let information = Information { id: row.id, task: row.task, kind: row.kind, context: row.context };
            (information.id.clone(), information)
        });
        Ok(each.collect())
    }

    /// What was handed over with a socket, without taking it.
    ///
    /// # Errors
    /// There is no such socket.
    pub fn context(&mut self, app: &str, id: &str) -> Result<Vec<u8>, BrokerError> {
        match self.call(&Ask::Context { app: app.into(), id: id.into() }, None)?.0 {
            Reply::Context { context } => decoded(&context),
            _ => Err(BrokerError::unexpected("no context")),
        }
    }

    /// Takes a socket back: from now on it is this program's and not held any more.
    ///
    /// # Errors
    /// There is no such socket, it is of another kind (and stays held), or it was closed.
    pub fn take(&mut self, app: &str, id: &str, kind: HeldKind) -> Result<Held, BrokerError> {
        let (reply, fd) = self.call(&Ask::Take { app: app.into(), id: id.into(), kind }, None)?;
        match (reply, fd) {
            (Reply::Socket { task, context }, Some(fd)) => {
                Ok(Held { socket: Socket::taken(fd, kind, task)?, context: decoded(&context)? })
            }
            _ => Err(BrokerError::unexpected("no socket")),
        }
    }

    /// Closes a socket that is held: its other end hears so.
    ///
    /// # Errors
    /// There is none.
    pub fn release(&mut self, task: &str, id: &str) -> Result<(), BrokerError> {
        self.done(&Ask::Release { task: task.into(), id: id.into() }, None)
    }

    pub(crate) fn enable(&mut self, task: &str, wake: Wake) -> Result<(), BrokerError> {
        self.done(&Ask::Enable { task: task.into(), wake }, None)
    }

    pub(crate) fn done(&mut self, ask: &Ask, fd: Option<BorrowedFd<'_>>) -> Result<(), BrokerError> {
        match self.call(ask, fd)?.0 {
            Reply::Done => Ok(()),
            _ => Err(BrokerError::unexpected("another reply")),
        }
    }

    pub(crate) fn call(
        &mut self,
        ask: &Ask,
        fd: Option<BorrowedFd<'_>>,
    ) -> Result<(Reply, Option<OwnedFd>), BrokerError> {
        let bytes = encode(ask).map_err(BrokerError::System)?;
        let mut rest = bytes.as_slice();
        let mut fd = fd;
        while !rest.is_empty() {
            let taken = write(self.stream.as_fd(), rest, fd.take()).map_err(BrokerError::Lost)?;
            rest = rest.get(taken..).unwrap_or_default();
        }
        loop {
            if let Some(message) = self.decoder.take().map_err(BrokerError::Lost)? {
                return match message.parse().map_err(BrokerError::Lost)? {
                    Reply::Refused { word, message } => Err(BrokerError::refused(word, message)),
                    reply => Ok((reply, message.fd)),
                };
            }
            if !self.decoder.fill(self.stream.as_fd()).map_err(BrokerError::Lost)? {
                return Err(BrokerError::Lost(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

pub(crate) fn decoded(text: &str) -> Result<Vec<u8>, BrokerError> {
    BASE64.decode(text.as_bytes()).map_err(|_| BrokerError::unexpected("a context that is not base64"))
}

//! Connections of programs: hello, then one request after the other.

use super::Held;
use hither_broker::{
    message::{Ask, Reply, VERSION, Word},
    wire::{Decoder, Message, encode, write},
};
use hither_control::Door;
use rustix::net::{RecvFlags, recv};
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Duration,
};
use tokio::{io::Interest, net::UnixStream, sync::Semaphore};
use tokio_util::sync::CancellationToken;

/// How long a program may take for its hello, for the rest of a message, and to take what is written to it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes programs in until `stop`.
pub(super) async fn all(held: &Held, door: Door, stop: &CancellationToken) {
    let seats = Arc::new(Semaphore::new(held.0.parts.bounds.clients));
    let mut client = 0;
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            next = door.next() => next,
        };
        let stream = match stream {
            Ok(stream) => stream,
            Err(e) => {
                tracing::warn!("no program can be taken: {e}");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        // One too many is let go: it finds the connection closed.
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else { continue };
        client += 1;
        held.state().clients += 1;
        let talk = Talk { held: held.clone(), client, stream, decoder: Decoder::default() };
        let stop = stop.clone();
        tokio::spawn(async move {
            if let Some(Err(e)) = stop.run_until_cancelled(talk.go()).await {
                tracing::debug!("program {client} left: {e}");
            }
            drop(seat);
        });
    }
}

struct Talk {
    held: Held,
    client: u64,
    stream: UnixStream,
    decoder: Decoder,
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.held.gone(self.client);
    }
}

impl Talk {
    async fn go(mut self) -> io::Result<()> {
        let hello = tokio::time::timeout(PATIENCE, self.message()).await?;
        let Some(hello) = hello? else { return Ok(()) };
        match hello.parse()? {
            Ask::Hello { version: VERSION } => self.say(&Reply::Hello { version: VERSION }, None).await?,
            Ask::Hello { version } => {
                let why = format!("this agent speaks version {VERSION} and not {version}");
                return self.say(&Reply::Refused { word: Word::Version, message: why }, None).await;
            }
            _ => {
                let why = "the first request is hello".to_owned();
                return self.say(&Reply::Refused { word: Word::IllegalMethodCall, message: why }, None).await;
            }
        }
        while let Some(message) = self.message().await? {
            let ask: Ask = match message.parse() {
                Ok(ask) => ask,
                Err(_) => {
                    let why = "no request of this version".to_owned();
                    self.say(&Reply::Refused { word: Word::InvalidArgument, message: why }, None).await?;
                    continue;
                }
            };
            let handed = matches!(ask, Ask::Transfer { .. });
            let (reply, fd) = match ask {
                Ask::Next { task, wait } => (self.next(task, wait).await?, None),
                ask => match self.held.answer(self.client, ask, message.fd) {
                    Ok(given) => given,
                    Err((word, message)) => (Reply::Refused { word, message }, None),
                },
            };
            if handed && reply == Reply::Done {
                // Whoever hears `done` may end: the socket outlives us too, from here on.
                self.held.settle().await;
            }
            self.say(&reply, fd).await?;
        }
        Ok(())
    }

    /// Waits for what the program is wanted for, as long as it does.
    async fn next(&mut self, task: String, wait: bool) -> io::Result<Reply> {
        let told = match self.held.next(self.client, task, wait) {
            Ok(Some(told)) => told,
            Ok(None) => return Ok(Reply::Nothing),
            Err((word, message)) => return Ok(Reply::Refused { word, message }),
        };
        tokio::select! {
            biased;
            told = told => Ok(told.unwrap_or(Reply::Nothing)),
            () = self.stirs() => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Returns when the program left, or speaks before its turn.
    async fn stirs(&self) {
        let look = || Ok(recv(&self.stream, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT)?);
        let _: io::Result<(usize, usize)> = self.stream.async_io(Interest::READABLE, look).await;
    }

    /// The next message; `None` at the end. One that was begun is to be complete in time.
    async fn message(&mut self) -> io::Result<Option<Message>> {
        let mut begun = false;
        loop {
            if let Some(message) = self.decoder.take()? {
                return Ok(Some(message));
            }
            let Self { stream, decoder, .. } = self;
            let read = stream.async_io(Interest::READABLE, || decoder.fill(stream.as_fd()));
            let more = if begun { tokio::time::timeout(PATIENCE, read).await?? } else { read.await? };
            if !more {
                return Ok(None);
            }
            begun = true;
        }
    }

    async fn say(&self, reply: &Reply, fd: Option<OwnedFd>) -> io::Result<()> {
        let bytes = encode(reply)?;
        let mut rest = bytes.as_slice();
        let mut fd = fd.as_ref().map(AsFd::as_fd);
        let all = async {
            while !rest.is_empty() {
                let taken = self.stream.async_io(Interest::WRITABLE, || write(self.stream.as_fd(), rest, fd)).await?;
                (rest, fd) = (rest.get(taken..).unwrap_or_default(), None);
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, all).await?
    }
}

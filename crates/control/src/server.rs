//! Takes clients in: who they are, how many, and the hello. What follows is in `connection` and `pipe`.
//!
//! At most 32 at a time; the next one is told so and let go (A4). A client of another user is dropped before a byte is
//! read or written (A1); one that says no hello within ten seconds, too.

use crate::{
    connection,
    door::Door,
    fault::ControlError,
    frame::{self, Cut, REPLY_CAP, REQUEST_CAP, Reader},
    message::{FromAgent, FromClient, Hello, PipeAsk},
    pipe,
    surface::{ClientId, Surface, Wire},
    user,
};
use hither_model::{ErrorCode, Failure};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long either side may take for its hello.
pub(crate) const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// How long connections may take to say their last words.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Bounds of a server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Clients at a time.
    pub clients: usize,
    /// How long a client may take nothing while something is written to it.
    pub write_within: Duration,
    /// The user whose processes may connect.
    pub uid: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { clients: 32, write_within: Duration::from_secs(30), uid: user::ours() }
    }
}

/// Serves clients until `stop`, then gives them a second for what is still queued.
pub async fn serve(door: Door, surface: Arc<dyn Surface>, limits: Limits, stop: CancellationToken) {
    let seats = Arc::new(Semaphore::new(limits.clients));
    let tasks = TaskTracker::new();
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = door.listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(e) => {
                tracing::warn!("no client can be taken: {e}");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        if let Err(e) = user::check(&stream, limits.uid) {
            tracing::warn!("client refused: {e}");
            continue;
        }
        let Ok(seat) = seats.clone().try_acquire_owned() else {
            turn_away(&stream, limits.clients);
            continue;
        };
        number += 1;
        let guest = Guest { client: ClientId(number), surface: surface.clone(), limits: limits.clone(), _seat: seat };
        tasks.spawn(guest.attend(stream, stop.clone()));
    }
    tasks.close();
    if tokio::time::timeout(LAST_WORDS, tasks.wait()).await.is_err() {
        tracing::debug!("some clients did not take their last words");
    }
}

/// Tells a client that there is no seat. A fresh socket has room for these bytes, so nothing waits.
fn turn_away(stream: &UnixStream, clients: usize) {
    let failure = Failure::new(ErrorCode::Busy, format!("the agent already has {clients} clients"))
        .hint("close a window or a watching command");
    let words = [
        frame::encode(&Hello::ours(), Cut::Frames, REPLY_CAP),
        frame::encode(&FromAgent::Refused(failure), Cut::Frames, REPLY_CAP),
    ];
    for bytes in words.into_iter().flatten() {
        if stream.try_write(&bytes).is_err() {
            return;
        }
    }
}

struct Guest {
    client: ClientId,
    surface: Arc<dyn Surface>,
    limits: Limits,
    _seat: OwnedSemaphorePermit,
}

impl Guest {
    async fn attend(self, stream: UnixStream, stop: CancellationToken) {
        let (reader, writer) = stream.into_split();
        let reader = Reader::new(reader, Cut::Frames, REQUEST_CAP);
        let client = self.client;
        tracing::debug!("{client} connected");
        let outcome = stop.run_until_cancelled(self.greet(reader, writer)).await;
        let outcome = match outcome {
            Some(Ok(Some(next))) => next.go_on(&self, stop).await,
            Some(Err(e)) => Err(e),
            Some(Ok(None)) | None => Ok(()),
        };
        match outcome {
            Ok(()) => tracing::debug!("{client} left"),
            Err(e) => tracing::debug!("{client} left: {e}"),
        }
    }

    async fn greet(
        &self,
        mut reader: Reader<OwnedReadHalf>,
        mut writer: OwnedWriteHalf,
    ) -> Result<Option<Next>, ControlError> {
        frame::send(&mut writer, &Hello::ours(), Cut::Frames, REPLY_CAP, HELLO_WITHIN).await?;
        let hello = tokio::time::timeout(HELLO_WITHIN, reader.message::<Hello>()).await;
        let Some(hello) = hello.map_err(|_| ControlError::Silent)?? else { return Ok(None) };
        hello.judge_client()?;
        let first = match reader.message().await {
            Ok(first) => first,
            Err(e) => {
                self.refuse(&mut writer, e).await?;
                return Ok(None);
            }
        };
        Ok(first.map(|first| Next { first, reader, writer }))
    }

    async fn refuse(&self, writer: &mut OwnedWriteHalf, error: ControlError) -> Result<(), ControlError> {
        let refused = FromAgent::Refused(error.into());
        frame::send(writer, &refused, Cut::Frames, REPLY_CAP, self.limits.write_within).await
    }

    async fn pipe(
        &self,
        id: u64,
        ask: PipeAsk,
        reader: Reader<OwnedReadHalf>,
        mut writer: OwnedWriteHalf,
    ) -> Result<(), ControlError> {
        let (mut reader, early) = reader.into_parts();
        if !early.is_empty() {
            return self
                .refuse(&mut writer, ControlError::Malformed("bytes came before the stream was there".into()))
                .await;
        }
        let _stay = Stay::begin(self.client, &self.surface);
        let mut probe = [0; 1];
        let made = tokio::select! {
            made = self.surface.pipe(self.client, ask) => made,
            // The client left, or speaks before its turn.
            _ = reader.read(&mut probe) => return Err(ControlError::Lost(io::ErrorKind::BrokenPipe.into())),
        };
        let (word, wire): (FromAgent, Option<Box<dyn Wire>>) = match made {
            Ok(wire) => (FromAgent::Piped { id }, Some(wire)),
            Err(failure) => (FromAgent::Refused(failure), None),
        };
        frame::send(&mut writer, &word, Cut::Frames, REPLY_CAP, self.limits.write_within).await?;
        if let Some(wire) = wire {
            pipe::relay(reader, writer, wire).await;
        }
        Ok(())
    }
}

/// Tells the engine that a client is there, and that it left, however it leaves.
pub(crate) struct Stay<'a> {
    client: ClientId,
    surface: &'a Arc<dyn Surface>,
}

impl<'a> Stay<'a> {
    pub(crate) fn begin(client: ClientId, surface: &'a Arc<dyn Surface>) -> Self {
        surface.came(client);
        Self { client, surface }
    }
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        self.surface.gone(self.client);
    }
}

struct Next {
    first: FromClient,
    reader: Reader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Next {
    async fn go_on(self, guest: &Guest, stop: CancellationToken) -> Result<(), ControlError> {
        let Self { first, reader, writer } = self;
        if let FromClient::Pipe { id, ask } = first {
            let piped = stop.run_until_cancelled(guest.pipe(id, ask, reader, writer)).await;
            return piped.unwrap_or(Ok(()));
        }
        let talk = connection::Talk {
            client: guest.client,
            surface: guest.surface.clone(),
            cut: Cut::Frames,
            write_within: guest.limits.write_within,
        };
        talk.run(reader, writer, Some(first), stop).await
    }
}

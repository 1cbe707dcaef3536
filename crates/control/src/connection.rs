//! One client's conversation: requests are handed to the engine in the order in which they came, replies go back as
//! they are ready, and news follow a subscription.
//!
//! Three bounds: 16 requests in flight, then nothing more is read; 64 messages queued for writing, then the engine's
//! answers wait; and news that a slow listener missed are replaced by a fresh snapshot, never queued without end (A4).

use crate::{
    fault::ControlError,
    frame::{self, Cut, REPLY_CAP, REQUEST_CAP, Reader},
    message::{FromAgent, FromClient},
    server::Stay,
    surface::{ClientId, Surface},
};
use hither_model::{Answer, ErrorCode, Failure, News};
use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Semaphore, broadcast::error::RecvError, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const IN_FLIGHT: usize = 16;
const QUEUED: usize = 64;
/// How long answers may still take when the input of the headless mode has ended.
const DRAIN: Duration = Duration::from_secs(3);

/// The headless mode: one client on standard input and output, one JSON object a line. Ends when the input ends (and
/// what was asked is answered), or on `stop`.
///
/// # Errors
/// The output cannot be written.
pub async fn serve_lines<R, W>(
    input: R,
    output: W,
    surface: Arc<dyn Surface>,
    stop: CancellationToken,
) -> Result<(), ControlError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let talk = Talk { client: ClientId(0), surface, cut: Cut::Lines, write_within: Duration::from_secs(600) };
    talk.run(Reader::new(input, Cut::Lines, REQUEST_CAP), output, None, stop).await
}

pub(crate) struct Talk {
    pub(crate) client: ClientId,
    pub(crate) surface: Arc<dyn Surface>,
    pub(crate) cut: Cut,
    pub(crate) write_within: Duration,
}

impl Talk {
    pub(crate) async fn run<R, W>(
        self,
        mut reader: Reader<R>,
        writer: W,
        first: Option<FromClient>,
        stop: CancellationToken,
    ) -> Result<(), ControlError>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let _stay = Stay::begin(self.client, &self.surface);
        let (queue, queued) = mpsc::channel(QUEUED);
        let over = stop.child_token();
        let scribe = Scribe { cut: self.cut, within: self.write_within };
        let written = tokio::spawn(scribe.write(queued, writer, over.clone()));
        let mut turn = Turn {
            talk: &self,
            queue,
            over: over.clone(),
            hush: over.child_token(),
            seats: Arc::new(Semaphore::new(IN_FLIGHT)),
            subscribed: false,
            tasks: TaskTracker::new(),
        };
        let heard = over.run_until_cancelled(turn.listen(&mut reader, first)).await;
        turn.tasks.close();
        if self.cut == Cut::Lines && matches!(heard, Some(Ok(()))) {
            turn.hush.cancel();
            tokio::select! {
                () = turn.tasks.wait() => {}
                () = tokio::time::sleep(DRAIN) => {}
            }
        }
        over.cancel();
        turn.tasks.wait().await;
        drop(turn);
        // The queue is closed now: what is in it is written, then the writer ends.
        let written = written.await.unwrap_or_else(|e| Err(ControlError::Malformed(e.to_string())));
        heard.unwrap_or(Ok(())).and(written)
    }
}

struct Turn<'a> {
    talk: &'a Talk,
    queue: mpsc::Sender<FromAgent>,
    over: CancellationToken,
    /// Ends the news alone.
    hush: CancellationToken,
    seats: Arc<Semaphore>,
    subscribed: bool,
    tasks: TaskTracker,
}

impl Turn<'_> {
    async fn listen<R: AsyncRead + Unpin>(
        &mut self,
        reader: &mut Reader<R>,
        first: Option<FromClient>,
    ) -> Result<(), ControlError> {
        if let Some(first) = first {
            self.take(first).await?;
        }
        loop {
            match reader.message().await {
                Ok(Some(message)) => self.take(message).await?,
                Ok(None) => return Ok(()),
                Err(e @ ControlError::Lost(_)) => return Err(e),
                Err(e) => {
                    // On lines the next message is found again; in frames a bad one is a broken client.
                    let goes_on = self.talk.cut == Cut::Lines && matches!(e, ControlError::Malformed(_));
                    self.put(FromAgent::Refused(e.into())).await?;
                    if !goes_on {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn take(&mut self, message: FromClient) -> Result<(), ControlError> {
        match message {
            FromClient::Request { id, ask } => self.request(id, ask).await,
            FromClient::Subscribe { id } if self.subscribed => {
                self.put(misuse(id, "this connection is subscribed already")).await
            }
            FromClient::Subscribe { id } => {
                self.subscribed = true;
                let news = tell_news(self.talk.surface.clone(), self.queue.clone(), id);
                let hush = self.hush.clone();
                self.tasks.spawn(async move { hush.run_until_cancelled(news).await });
                Ok(())
            }
            FromClient::Pipe { id, .. } => {
                self.put(misuse(id, "a stream needs a connection of its own on the control socket")).await
            }
        }
    }

    /// Begins the request here, so that requests reach the engine in order; finishes it in a task of its own.
    async fn request(&mut self, id: u64, ask: hither_model::Ask) -> Result<(), ControlError> {
        let lost = |_| ControlError::Lost(std::io::ErrorKind::BrokenPipe.into());
        let seat = self.seats.clone().acquire_owned().await.map_err(|_| ControlError::Silent)?;
        let (surface, client) = (self.talk.surface.clone(), self.talk.client);
        let mut work = Box::pin(async move { surface.ask(client, ask).await });
        let begun = poll_fn(|context| {
            Poll::Ready(match Pin::as_mut(&mut work).poll(context) {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            })
        });
        if let Some(answer) = begun.await {
            return self.queue.send(FromAgent::Reply { id, answer }).await.map_err(lost);
        }
        let (queue, over) = (self.queue.clone(), self.over.clone());
        self.tasks.spawn(async move {
            let _seat = seat;
            let work = async {
                let answer = work.await;
                queue.send(FromAgent::Reply { id, answer }).await
            };
            over.run_until_cancelled(work).await
        });
        Ok(())
    }

    async fn put(&self, message: FromAgent) -> Result<(), ControlError> {
        self.queue.send(message).await.map_err(|_| ControlError::Lost(std::io::ErrorKind::BrokenPipe.into()))
    }
}

fn misuse(id: u64, why: &str) -> FromAgent {
    FromAgent::Reply { id, answer: Answer::Failed { failure: Failure::new(ErrorCode::Misuse, why) } }
}

/// A snapshot, then changes; a fresh snapshot whenever the listener fell behind.
async fn tell_news(surface: Arc<dyn Surface>, queue: mpsc::Sender<FromAgent>, id: u64) {
    loop {
        let (snapshot, mut changes) = match surface.news().await {
            Ok(news) => news,
            Err(failure) => {
                let answer = Answer::Failed { failure };
                let _ = queue.send(FromAgent::Reply { id, answer }).await;
                return;
            }
        };
        if queue.send(FromAgent::Note(snapshot)).await.is_err() {
            return;
        }
        loop {
            match changes.recv().await {
                Ok(news) => {
                    if queue.send(FromAgent::Note(news)).await.is_err() {
                        return;
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    tracing::debug!(missed, "a listener fell behind and gets a fresh snapshot");
                    break;
                }
                Err(RecvError::Closed) => return,
            }
        }
    }
}

struct Scribe {
    cut: Cut,
    within: Duration,
}

impl Scribe {
    /// Writes what is queued until the queue is closed; a client that takes nothing for too long ends the conversation.
    async fn write<W: AsyncWrite + Unpin>(
        self,
        mut queue: mpsc::Receiver<FromAgent>,
        mut to: W,
        over: CancellationToken,
    ) -> Result<(), ControlError> {
        while let Some(message) = queue.recv().await {
            let sent = match frame::send(&mut to, &message, self.cut, REPLY_CAP, self.within).await {
                Err(ControlError::TooLarge { length, cap }) => match smaller(message, length, cap) {
                    Some(message) => frame::send(&mut to, &message, self.cut, REPLY_CAP, self.within).await,
                    None => Ok(()),
                },
                sent => sent,
            };
            if let Err(e) = sent {
                over.cancel();
                return Err(e);
            }
        }
        Ok(())
    }
}

/// What is sent instead of a message that is too large: an answer becomes a failure, a snapshot loses the lists of
/// failed items, other news are left out.
fn smaller(message: FromAgent, length: usize, cap: usize) -> Option<FromAgent> {
    match message {
        FromAgent::Reply { id, .. } => {
            let failure = ControlError::TooLarge { length, cap }.into();
            Some(FromAgent::Reply { id, answer: Answer::Failed { failure } })
        }
        FromAgent::Note(News::Snapshot { me, peers, questions, sessions, mut transfers }) => {
            for row in &mut transfers {
                row.failed.clear();
            }
            Some(FromAgent::Note(News::Snapshot { me, peers, questions, sessions, transfers }))
        }
        FromAgent::Note(_) | FromAgent::Piped { .. } | FromAgent::Refused(_) => {
            tracing::warn!(length, "news too large for a message are left out");
            None
        }
    }
}

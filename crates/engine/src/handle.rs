//! The way into the engine: requests, news and byte streams. Cloneable; the engine's state is never shared.

use crate::{networks::Network, settings::Settings};
use hither_model::{Answer, Ask, ErrorCode, Failure, News};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{broadcast, mpsc, oneshot, watch},
};

/// A client of the control socket, for as long as it is connected.
pub type ClientId = u64;

/// Bytes both ways, with half-close kept.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A request for a byte stream to or from a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipeAsk {
    /// Open one to a device with an open session.
    To {
        /// The device or session.
        peer: String,
        /// Which of its listening pipes.
        name: Option<String>,
    },
    /// Wait for one.
    Listen {
        /// Under this name.
        name: Option<String>,
        /// From this device only.
        from: Option<String>,
    },
}

/// Where an opened stream is handed to.
pub(crate) type StreamSlot = oneshot::Sender<Result<Box<dyn Stream>, Failure>>;

/// What clients send to the engine.
pub(crate) enum Call {
    Ask { client: ClientId, ask: Ask, answer: oneshot::Sender<Result<Answer, Failure>> },
    News { listener: oneshot::Sender<(News, broadcast::Receiver<News>)> },
    Pipe { client: ClientId, ask: PipeAsk, stream: StreamSlot },
    Gone { client: ClientId },
    Networks { here: Option<Vec<Network>> },
    Stop,
}

/// The engine, for those who talk to it.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) calls: mpsc::Sender<Call>,
    pub(crate) settings: watch::Receiver<Settings>,
    pub(crate) running: watch::Receiver<bool>,
    pub(crate) news: broadcast::WeakSender<News>,
}

impl Handle {
    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The failure the engine names, or `Internal` if the engine is gone.
    pub async fn ask(&self, client: ClientId, ask: Ask) -> Result<Answer, Failure> {
        let (answer, receiver) = oneshot::channel();
        self.call(Call::Ask { client, ask, answer }).await?;
        receiver.await.map_err(|_| gone())?
    }

    /// A snapshot, and the changes after it. A listener that falls behind (1,024 items) calls this again.
    ///
    /// # Errors
    /// If the engine is gone.
    pub async fn news(&self) -> Result<(News, broadcast::Receiver<News>), Failure> {
        let (listener, receiver) = oneshot::channel();
        self.call(Call::News { listener }).await?;
        receiver.await.map_err(|_| gone())
    }

    /// Opens or awaits a byte stream. Dropping the future takes the request back.
    ///
    /// # Errors
    /// `UnknownId` without a session, `Declined` if nobody listens there, and what the network says.
    pub async fn pipe(&self, client: ClientId, ask: PipeAsk) -> Result<Box<dyn Stream>, Failure> {
        let (stream, receiver) = oneshot::channel();
        self.call(Call::Pipe { client, ask, stream }).await?;
        receiver.await.map_err(|_| gone())?
    }

    /// The client disconnected: what it alone wanted ends.
    pub async fn client_gone(&self, client: ClientId) {
        let _ = self.call(Call::Gone { client }).await;
    }

    /// Tells the engine which networks this machine is in, at start and whenever that changes; `None` when nobody knows,
    /// which is not the same as that there are none.
    pub async fn networks_are(&self, here: impl Into<Option<Vec<Network>>>) {
        let _ = self.call(Call::Networks { here: here.into() }).await;
    }

    /// Asks the engine to finish; see [`Handle::stopped`].
    pub async fn stop(&self) {
        let _ = self.call(Call::Stop).await;
    }

    /// Returns once the engine has stopped and everything is on disk.
    pub async fn stopped(&self) {
        let mut running = self.running.clone();
        let _ = running.wait_for(|running| !running).await;
    }

    /// Tells every listener something that the program around the engine knows.
    pub fn tell(&self, news: News) {
        if let Some(listeners) = self.news.upgrade() {
            let _ = listeners.send(news);
        }
    }

    /// The settings as they change through requests.
    pub fn settings(&self) -> watch::Receiver<Settings> {
        self.settings.clone()
    }

    async fn call(&self, call: Call) -> Result<(), Failure> {
        self.calls.send(call).await.map_err(|_| gone())
    }
}

fn gone() -> Failure {
    Failure::new(ErrorCode::NoAgent, "the agent is stopping").hint("start it again and repeat the command")
}

//! What a server of the control socket needs from whatever it stands in front of.

use crate::message::PipeAsk;
use hither_model::{Answer, Ask, Failure, News};
use std::{fmt, pin::Pin};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::broadcast,
};

/// A future that can be stored behind a trait.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One connection of a client, numbered from 1 for the life of the agent. A face that asks and listens has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u64);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {}", self.0)
    }
}

/// Bytes both ways, with half-close: `shutdown` ends our direction, end of file ends theirs. An error while reading
/// means that the other end did not finish properly, and is told to the client as a failure.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// The engine as the control socket sees it.
pub trait Surface: Send + Sync + 'static {
    /// Answers one request. The future is dropped when the client leaves.
    fn ask(&self, client: ClientId, ask: Ask) -> Boxed<'_, Answer>;

    /// A snapshot, and everything that changes after it. Called again when a listener fell behind.
    ///
    /// # Errors
    /// The agent is about to stop.
    fn news(&self) -> Boxed<'_, Result<(News, broadcast::Receiver<News>), Failure>>;

    /// A stream to or from another device. The future is dropped when the client leaves.
    ///
    /// # Errors
    /// No such device, no session, refused, or the way is broken.
    fn pipe(&self, client: ClientId, ask: PipeAsk) -> Boxed<'_, Result<Box<dyn Wire>, Failure>>;

    /// A client is there; everything else about it comes after.
    fn came(&self, client: ClientId) {
        let _ = client;
    }

    /// The client left: whatever was to last only as long as it, ends.
    fn gone(&self, client: ClientId);
}

//! The engine as the control socket sees it: every call is passed on but `stop`, which is for the agent.

use crate::engine::Engine;
use hither_control::{Boxed, ClientId, PipeAsk, Surface, Wire};
use hither_model::{Answer, Ask, Failure, News};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Passes calls on to an engine.
pub(crate) struct Front<E> {
    pub(crate) engine: E,
    /// Told when a client asks the agent to stop.
    pub(crate) stop: CancellationToken,
}

impl<E: Engine> Surface for Front<E> {
    fn ask(&self, client: ClientId, ask: Ask) -> Boxed<'_, Answer> {
        Box::pin(async move {
            if ask == Ask::Stop {
                self.stop.cancel();
                return Answer::Done;
            }
            match self.engine.ask(client.0, ask).await {
                Ok(answer) => answer,
                Err(failure) => Answer::Failed { failure },
            }
        })
    }

    fn news(&self) -> Boxed<'_, Result<(News, broadcast::Receiver<News>), Failure>> {
        Box::pin(self.engine.news())
    }

    fn pipe(&self, client: ClientId, ask: PipeAsk) -> Boxed<'_, Result<Box<dyn Wire>, Failure>> {
        Box::pin(self.engine.pipe(client.0, ask))
    }

    fn gone(&self, client: ClientId) {
        let engine = self.engine.clone();
        tokio::spawn(async move { engine.client_gone(client.0).await });
    }
}

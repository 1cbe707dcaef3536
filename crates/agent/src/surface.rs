//! The engine as the control socket sees it: every call is passed on, nothing is decided here.

use crate::engine::Engine;
use hither_control::{Boxed, ClientId, PipeAsk, Surface, Wire};
use hither_model::{Answer, Ask, Failure, News};
use tokio::sync::broadcast;

/// Passes calls on to an engine.
pub(crate) struct Front<E>(pub(crate) E);

impl<E: Engine> Surface for Front<E> {
    fn ask(&self, client: ClientId, ask: Ask) -> Boxed<'_, Answer> {
        Box::pin(async move {
            match self.0.ask(client.0, ask).await {
                Ok(answer) => answer,
                Err(failure) => Answer::Failed { failure },
            }
        })
    }

    fn news(&self) -> Boxed<'_, Result<(News, broadcast::Receiver<News>), Failure>> {
        Box::pin(self.0.news())
    }

    fn pipe(&self, client: ClientId, ask: PipeAsk) -> Boxed<'_, Result<Box<dyn Wire>, Failure>> {
        Box::pin(self.0.pipe(client.0, ask))
    }

    fn gone(&self, client: ClientId) {
        let engine = self.0.clone();
        tokio::spawn(async move { engine.client_gone(client.0).await });
    }
}

//! The engine as the control socket sees it: every call is passed on but what is for the agent around it: `stop`,
//! `watching`, `held`, and what the desktop does in `status` and `doctor`.

use crate::{
    desktop::{Parts, faces::Faces},
    drain::Drain,
    engine::Engine,
    held::Held,
    rest::Clients,
    saving::Saved,
};
use hither_control::{Boxed, ClientId, PipeAsk, Surface, Wire};
use hither_model::{Answer, Ask, Failure, News};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Passes calls on to an engine.
pub(crate) struct Front<E> {
    pub(crate) engine: E,
    /// Told when a client asks the agent to stop.
    pub(crate) stop: CancellationToken,
    /// Whether it only finishes what moves.
    pub(crate) drain: Drain,
    /// The windows among the clients.
    pub(crate) faces: Faces,
    /// All clients.
    pub(crate) clients: Clients,
    /// The sockets of other programs; none where they cannot be held.
    pub(crate) held: Option<Held>,
    /// What the desktop does for us.
    pub(crate) parts: Parts,
    /// The settings that are on disk.
    pub(crate) saved: Saved,
}

/// Whether a request may change the settings.
fn sets(ask: &Ask) -> bool {
    matches!(
        ask,
        Ask::Set { .. }
            | Ask::SetVisibility { .. }
            | Ask::SetCapability { .. }
            | Ask::UseIdentity { .. }
            | Ask::RemoveIdentity { .. }
            | Ask::RegisterModule { .. }
            | Ask::UnregisterModule { .. }
    )
}

impl<E: Engine> Surface for Front<E> {
    fn ask(&self, client: ClientId, ask: Ask) -> Boxed<'_, Answer> {
        Box::pin(async move {
            match ask {
                Ask::Stop => {
                    self.stop.cancel();
                    return Answer::Done;
                }
                Ask::Drain => {
                    self.drain.begin(&self.engine, &self.stop);
                    return Answer::Done;
                }
                Ask::Watching { seen } => {
                    self.faces.watching(client.0, seen);
                    return Answer::Done;
                }
                Ask::Held => return Answer::Held { rows: self.held.as_ref().map(Held::rows).unwrap_or_default() },
                _ => {}
            }
            if let Err(failure) = self.drain.permits(&ask) {
                return Answer::Failed { failure };
            }
            let sets = sets(&ask);
            let mut answer = self.engine.ask(client.0, ask).await;
            if sets && answer.is_ok() {
                let now = self.engine.settings().borrow().clone().into();
                answer = self.saved.until(now).await.and(answer);
            }
            match answer {
                Ok(Answer::Status { mut status }) => {
                    status.desktop = self.parts.all();
                    Answer::Status { status }
                }
                Ok(Answer::Checks { mut rows }) => {
                    rows.extend(self.parts.checks());
                    Answer::Checks { rows }
                }
                Ok(answer) => answer,
                Err(failure) => Answer::Failed { failure },
            }
        })
    }

    fn news(&self) -> Boxed<'_, Result<(News, broadcast::Receiver<News>), Failure>> {
        Box::pin(self.engine.news())
    }

    fn pipe(&self, client: ClientId, ask: PipeAsk) -> Boxed<'_, Result<Box<dyn Wire>, Failure>> {
        Box::pin(async move {
            self.drain.permits_streams()?;
            self.engine.pipe(client.0, ask).await
        })
    }

    fn came(&self, client: ClientId) {
        self.clients.came(client.0);
    }

    fn gone(&self, client: ClientId) {
        self.clients.gone(client.0);
        self.faces.gone(client.0);
        let engine = self.engine.clone();
        tokio::spawn(async move { engine.client_gone(client.0).await });
    }
}

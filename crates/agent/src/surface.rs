//! The engine as the control socket sees it: every call is passed on but what is for the agent around it: `stop`,
//! `watching`, and what the desktop does in `status` and `doctor`.

use crate::{
    desktop::{Parts, faces::Faces},
    drain::Drain,
    engine::{Chosen, Engine},
    rest::Clients,
};
use hither_control::{Boxed, ClientId, PipeAsk, Surface, Wire};
use hither_model::{Answer, Ask, Failure, News};
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

/// How long a disk may take before a change of the settings is answered all the same.
const SAVED_WITHIN: Duration = Duration::from_secs(5);

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
    /// What the desktop does for us.
    pub(crate) parts: Parts,
    /// The settings that are on disk.
    pub(crate) saved: watch::Receiver<Chosen>,
}

impl<E: Engine> Front<E> {
    /// Waits until what the settings are now is on disk: an answer says that it is.
    async fn until_saved(&self) {
        let settings = self.engine.settings();
        let mut saved = self.saved.clone();
        let same = saved.wait_for(|saved| *saved == settings.borrow().clone().into());
        if tokio::time::timeout(SAVED_WITHIN, same).await.is_err() {
            tracing::warn!("the settings are not on disk yet");
        }
    }
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
                _ => {}
            }
            if let Err(failure) = self.drain.permits(&ask) {
                return Answer::Failed { failure };
            }
            let sets = sets(&ask);
            let answer = self.engine.ask(client.0, ask).await;
            if sets && answer.is_ok() {
                self.until_saved().await;
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

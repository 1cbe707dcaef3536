//! The real engine.

use crate::engine::{Chosen, Engine, Started, Wanted};
use hither_control::{PipeAsk, Wire};
use hither_engine::Handle;
use hither_model::{Answer, Ask, Failure, News};
use tokio::sync::{broadcast, watch};

/// Starts the engine.
pub(crate) async fn start(wanted: Wanted) -> Result<(Handle, Started), Failure> {
    let Wanted { profile, listen, listeners, standby, chosen: settings, mdns, ble, websocket, loopback } = wanted;
    let options =
        hither_engine::Options { profile, listen, listeners, standby, settings, mdns, ble, websocket, loopback };
    hither_engine::Engine::start(options).await
}

impl Engine for Handle {
    type Kept = Chosen;

    async fn ask(&self, client: u64, ask: Ask) -> Result<Answer, Failure> {
        Handle::ask(self, client, ask).await
    }

    async fn news(&self) -> Result<(News, broadcast::Receiver<News>), Failure> {
        Handle::news(self).await
    }

    async fn pipe(&self, client: u64, ask: PipeAsk) -> Result<Box<dyn Wire>, Failure> {
        let ask = match ask {
            PipeAsk::Connect { peer, name } => hither_engine::PipeAsk::To { peer, name },
            PipeAsk::Listen { from, name } => hither_engine::PipeAsk::Listen { name, from },
        };
        let stream = Handle::pipe(self, client, ask).await?;
        Ok(Box::new(stream))
    }

    async fn client_gone(&self, client: u64) {
        Handle::client_gone(self, client).await;
    }

    async fn stop(&self) {
        Handle::stop(self).await;
    }

    async fn stopped(&self) {
        Handle::stopped(self).await;
    }

    fn tell(&self, news: News) {
        Handle::tell(self, news);
    }

    async fn networks_are(&self, here: Option<Vec<hither_engine::Network>>) {
        Handle::networks_are(self, here).await;
    }

    fn settings(&self) -> watch::Receiver<Self::Kept> {
        Handle::settings(self)
    }
}

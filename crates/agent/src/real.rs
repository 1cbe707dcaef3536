//! The real engine behind the agent's own words for one.

use crate::engine::{Chosen, Engine, Interfaces, Started, Wanted};
use crate::settings::{Bluetooth, Certificates};
use hither_control::{PipeAsk, Wire};
use hither_engine::Handle;
use hither_model::{Answer, Ask, Failure, News};
use tokio::sync::{broadcast, watch};

/// Starts the engine.
pub(crate) async fn start(wanted: Wanted) -> Result<(Handle, Started), Failure> {
    let Wanted { profile, listen, listeners, chosen, mdns, ble, loopback } = wanted;
    let Chosen { name, visibility, inbox, allow_tls12, revoked, interfaces, notifications, certificates, bluetooth } =
        chosen;
    let Interfaces { include, exclude, virtual_too } = interfaces;
    let interfaces = hither_engine::Interfaces { include, exclude, virtual_too };
    let Certificates { identity, modules, network_modules, organisation, card_bound, stale_crl } = certificates;
    let certificates =
        hither_engine::Certificates { identity, modules, network_modules, organisation, card_bound, stale_crl };
    let Bluetooth { on, adapter, near_only } = bluetooth;
    let bluetooth = hither_engine::Bluetooth { on, adapter, near_only };
    let settings = hither_engine::Settings {
        name,
        visibility,
        inbox,
        allow_tls12,
        revoked,
        interfaces,
        notifications,
        certificates,
        bluetooth,
    };
    let options = hither_engine::Options { profile, listen, listeners, settings, mdns, ble, loopback };
    let (handle, started) = hither_engine::Engine::start(options).await?;
    let hither_engine::Started { peer, name, listen, media } = started;
    Ok((handle, Started { peer, name, listen, media }))
}

impl From<hither_engine::Settings> for Chosen {
    fn from(settings: hither_engine::Settings) -> Self {
        let hither_engine::Settings {
            name,
            visibility,
            inbox,
            allow_tls12,
            revoked,
            interfaces,
            notifications,
            certificates,
            bluetooth,
        } = settings;
        let hither_engine::Interfaces { include, exclude, virtual_too } = interfaces;
        let interfaces = Interfaces { include, exclude, virtual_too };
        let hither_engine::Certificates { identity, modules, network_modules, organisation, card_bound, stale_crl } =
            certificates;
        let certificates = Certificates { identity, modules, network_modules, organisation, card_bound, stale_crl };
        let hither_engine::Bluetooth { on, adapter, near_only } = bluetooth;
        let bluetooth = Bluetooth { on, adapter, near_only };
        Self { name, visibility, inbox, allow_tls12, revoked, interfaces, notifications, certificates, bluetooth }
    }
}

impl Engine for Handle {
    type Kept = hither_engine::Settings;

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

    fn settings(&self) -> watch::Receiver<Self::Kept> {
        Handle::settings(self)
    }
}

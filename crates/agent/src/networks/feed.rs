//! Tells the engine of the networks, when the agent starts and whenever something about them changes. Nothing waits for it: until
//! it spoke, no network is private and none costs.

use super::{Changes, Network, known};
use crate::engine::Engine;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Tells the engine until `stop`.
pub(crate) async fn feed<E: Engine>(engine: E, profile: PathBuf, stop: CancellationToken) {
    let telling = async {
        let mut changes = Changes::listen(&profile).await;
        let mut last = None;
        loop {
            let now = known(&profile).await;
            if last.as_ref() != Some(&now) {
                let told = now.as_ref().map(|all| all.iter().map(Network::told).collect());
                engine.networks_are(told).await;
                last = Some(now);
            }
            changes.next().await;
        }
    };
    tokio::select! {
        () = telling => {}
        () = stop.cancelled() => {}
    }
}

impl Network {
    /// As the engine knows it.
    fn told(&self) -> hither_engine::Network {
        hither_engine::Network {
            uuid: self.uuid.clone(),
            name: self.name.clone(),
            private: self.private(),
            cost: self.cost(),
            addresses: self.addresses.clone(),
        }
    }
}

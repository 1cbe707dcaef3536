//! The engine as the agent needs it: how it is started, and what it can be told. The agent's life cycle is written
//! against this, so that it can be tested without a network.

use hither_control::{PipeAsk, Wire};
use hither_engine::Standby;
use hither_model::{Answer, Ask, Failure, News};
use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
};
use tokio::sync::{broadcast, watch};

/// Settings that may change while the engine runs.
pub(crate) type Chosen = hither_engine::Settings;

/// What is known once an engine runs.
pub(crate) type Started = hither_engine::Started;

/// How to start an engine.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) profile: PathBuf,
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) standby: Arc<dyn Standby>,
    pub(crate) chosen: Chosen,
    pub(crate) mdns: bool,
    pub(crate) ble: bool,
    pub(crate) websocket: hither_engine::Websocket,
    pub(crate) loopback: bool,
}

/// A running engine.
pub(crate) trait Engine: Clone + Send + Sync + 'static {
    /// The engine's own word for what was chosen.
    type Kept: Clone + Send + Sync + Into<Chosen> + 'static;

    fn ask(&self, client: u64, ask: Ask) -> impl Future<Output = Result<Answer, Failure>> + Send;
    fn news(&self) -> impl Future<Output = Result<(News, broadcast::Receiver<News>), Failure>> + Send;
    fn pipe(&self, client: u64, ask: PipeAsk) -> impl Future<Output = Result<Box<dyn Wire>, Failure>> + Send;
    fn client_gone(&self, client: u64) -> impl Future<Output = ()> + Send;
    /// Asks it to finish.
    fn stop(&self) -> impl Future<Output = ()> + Send;
    /// Returns once it has finished and everything is on disk.
    fn stopped(&self) -> impl Future<Output = ()> + Send;
    /// Tells every face something the engine does not know of.
    fn tell(&self, news: News);
    /// Tells it which networks this machine is in; `None` when nobody knows.
    fn networks_are(&self, here: Option<Vec<hither_engine::Network>>) -> impl Future<Output = ()> + Send;
    /// The settings as they change through requests.
    fn settings(&self) -> watch::Receiver<Self::Kept>;
}

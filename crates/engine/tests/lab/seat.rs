//! A profile on disk, from which an agent is started, once or several times.

use super::Agent;
use hither_engine::{Engine, Interfaces, Options, Settings};
use hither_model::{DisplayName, Failure, row::Visibility};
use std::{collections::VecDeque, net::SocketAddr};

/// A profile on disk, between two lives of its agent.
pub(crate) struct Seat {
    pub(crate) name: String,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) settings: Settings,
    pub(crate) mdns: bool,
    pub(crate) listen: SocketAddr,
}

impl Seat {
    /// A new profile, visible to everyone. Several test programs may share this machine's loopback: the name is made
    /// one of a kind.
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("{name} {}", std::process::id());
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            name: Some(DisplayName::new(&name).unwrap()),
            visibility: Visibility::Everyone,
            inbox: dir.path().join("inbox"),
            allow_tls12: false,
            revoked: vec![],
            interfaces: Interfaces { include: vec!["lo".into()], ..Interfaces::default() },
            notifications: true,
            certificates: Default::default(),
            bluetooth: Default::default(),
        };
        std::fs::create_dir(dir.path().join("outgoing")).unwrap();
        Self { name, dir, settings, mdns: true, listen: "127.0.0.1:0".parse().unwrap() }
    }

    pub(crate) async fn start(self) -> Agent {
        self.try_start().await.unwrap_or_else(|(_, failure)| panic!("{failure:?}"))
    }

    pub(crate) async fn try_start(mut self) -> Result<Agent, (Self, Failure)> {
        let options = Options {
            profile: self.dir.path().to_owned(),
            listen: vec![self.listen],
            listeners: vec![],
            standby: hither_engine::nobody(),
            settings: self.settings.clone(),
            mdns: self.mdns,
            ble: true,
            websocket: Default::default(),
            loopback: true,
        };
        let (handle, started) = match Engine::start(options).await {
            Ok(running) => running,
            Err(failure) => return Err((self, failure)),
        };
        if let Some(bound) = started.listen.first() {
            self.listen = *bound;
        }
        let (_, news) = handle.news().await.unwrap();
        let kept = VecDeque::new();
        Ok(Agent {
            name: self.name.clone(),
            peer: started.peer,
            port: self.listen.port(),
            handle,
            news,
            kept,
            seat: self,
        })
    }
}

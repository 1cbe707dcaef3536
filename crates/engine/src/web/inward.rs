//! The listener for the person's own web server: plain WebSocket, by default on this machine only, under the capability
//! of a server (R1.3). What comes in is handed to the same door as every other caller, but for strangers: who comes this way has
//! to show a link, or be known, and hears nothing otherwise.
//!
//! All callers have the web server's address, and what a header says about theirs could be anybody's word. So each gets a name
//! of its own, and what bounds them is counted over all of them: half-open WebSockets here, places at the side door of
//! the listener (`hither_socket`), four handshakes for one link or device. In none of these can one who says nothing keep
//! out another: the oldest that has not said its part gives way.

use super::Ending;
use crate::{clock::random, state::State};
use hither_capability::{Grant, Listen, web_address};
use hither_model::Failure;
use hither_socket::{
    SocketError, Tunnel,
    ws::{PEER_MESSAGE, PEER_PROTOCOL, WebSocketDoor},
};
use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// WebSockets that are being opened at a time; one more takes the place of the oldest.
const HALF_OPEN: usize = 32;
/// Pause after the system could not accept.
const BREATH: Duration = Duration::from_millis(100);

/// What the accepting task needs.
struct Gatehouse {
    grant: watch::Receiver<Grant<Listen>>,
    door: WebSocketDoor,
    tunnels: mpsc::Sender<Tunnel>,
    tasks: TaskTracker,
    listening: CancellationToken,
    carrying: CancellationToken,
}

impl State {
    /// Listens for the web server if that is wanted and permitted, and does not otherwise.
    ///
    /// # Errors
    /// The capability is missing, or the address cannot be bound.
    pub(crate) async fn serve_web(&mut self) -> Result<(), Failure> {
        let Some(at) = self.web.options.listen else { return Ok(()) };
        let permitted = self.gate.listen_beyond(at, &self.surroundings.trusted()).and_then(|grant| {
            grant.permits(at)?;
            self.gate.listen().map(|_| grant)
        });
        let (grant, tunnels) = match (permitted, self.tunnels.clone()) {
            (Ok(grant), Some(tunnels)) => (grant, tunnels),
            (Err(denied), _) => {
                self.stop_web();
                return Err(denied.into());
            }
            (Ok(_), None) => return Ok(()),
        };
        if let Some(ending) = &self.web.inward {
            ending.grant.send_replace(grant);
            return Ok(());
        }
        let listener = TcpListener::bind(at).await.map_err(|cause| SocketError::Listen { at, cause })?;
        let bound = listener.local_addr().unwrap_or(at);
        let (listening, carrying) = (self.cancel.child_token(), CancellationToken::new());
        let door = WebSocketDoor {
            protocols: vec![PEER_PROTOCOL.to_owned()],
            hosts: self.hosts(bound),
            origins: vec![],
            max_message: PEER_MESSAGE,
        };
        let (sender, grant) = watch::channel(grant);
        let ending = Ending { grant: sender, listening: listening.clone(), carrying: carrying.clone() };
        let gatehouse = Gatehouse { grant, door, tunnels, tasks: self.tasks.clone(), listening, carrying };
        self.tasks.spawn(accept(listener, Arc::new(gatehouse)));
        tracing::info!(%bound, "listening for a web server");
        (self.web.inward, self.web.bound) = (Some(ending), Some(bound));
        Ok(())
    }

    /// Ends the listener and everything that came by it.
    pub(crate) fn stop_web(&mut self) {
        if let Some(ending) = self.web.inward.take() {
            ending.listening.cancel();
            ending.carrying.cancel();
        }
        self.web.bound = None;
    }

    /// `Host` values that are ours: those of the web server, and this listener's own, which a web server names that does not
    /// hand on what it was asked for. A page that has bound its own name to this address says that name (P4).
    fn hosts(&self, bound: SocketAddr) -> Vec<String> {
        let mut hosts = vec![bound.to_string(), format!("localhost:{}", bound.port())];
        if let Some(route) = &self.web.options.url {
            hosts.extend([route.authority().to_owned(), route.host().to_owned()]);
        }
        hosts
    }
}

async fn accept(listener: TcpListener, gatehouse: Arc<Gatehouse>) {
    let mut opening = JoinSet::new();
    let mut oldest: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = gatehouse.listening.cancelled() => return,
            Some(_) = opening.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        if gatehouse.grant.borrow().check().is_err() {
            return;
        }
        match accepted {
            Ok((tcp, _)) => {
                oldest.retain(|task| !task.is_finished());
                if oldest.len() >= HALF_OPEN
                    && let Some(task) = oldest.pop_front()
                {
                    task.abort();
                }
                oldest.push_back(opening.spawn(admit(tcp, Arc::clone(&gatehouse))));
            }
            Err(error) => {
                tracing::debug!(%error, "a web server could not be let in");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Opens one WebSocket and hands its inside to the listener of devices.
async fn admit(tcp: TcpStream, gatehouse: Arc<Gatehouse>) {
    let stream = match gatehouse.door.admit(tcp).await {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!(%error, "a WebSocket was not opened"),
    };
    let Ok((tunnel, end)) = Tunnel::to(web_address(random())) else { return };
    let cancel = gatehouse.carrying.clone();
    gatehouse.tasks.spawn(async move {
        tokio::select! {
            outcome = stream.carry(end) => tracing::debug!(?outcome, "a WebSocket ended"),
            () = cancel.cancelled() => {}
        }
    });
    let _ = gatehouse.tunnels.send(tunnel).await;
}

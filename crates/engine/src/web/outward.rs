//! Dialling through somebody's web server: the WebSocket under the permission to reach servers, checked like every server's
//! connection; what is said inside is for the device alone.

use super::named;
use hither_capability::{Denied, Reach};
use hither_model::Failure;
use hither_protocol::WebRoute;
use hither_socket::{
    Proxies, Roots, Tunnel,
    ws::{PEER_MESSAGE, PEER_PROTOCOL, StreamWebSocket, WebSocketControl, WebSocketError, WebSocketUrl},
};
use std::{net::SocketAddr, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long it may take until the WebSocket is open: names, proxies and TLS included.
const OPENING: Duration = Duration::from_secs(15);

/// A route through a web server.
#[derive(Clone)]
pub(crate) struct Outward {
    address: SocketAddr,
    /// As it is told to a person.
    host: String,
    url: WebSocketUrl,
    reach: Result<Reach, Denied>,
    control: WebSocketControl,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Outward {
    pub(super) fn new(
        route: &WebRoute,
        url: WebSocketUrl,
        reach: Result<Reach, Denied>,
        roots: Roots,
        proxies: Proxies,
        (tasks, cancel): (TaskTracker, CancellationToken),
    ) -> Option<Self> {
        let mut control = WebSocketControl::default();
        control.set_supported_protocols(&[PEER_PROTOCOL]).ok()?;
        control.set_max_message_size(PEER_MESSAGE).ok()?;
        control.set_deadline(OPENING).ok()?;
        let below = control.outward().ok()?;
        below.set_roots(roots).ok()?;
        below.set_proxies(proxies).ok()?;
        Some(Self { address: named(route), host: route.authority().to_owned(), url, reach, control, tasks, cancel })
    }

    /// Its name among addresses.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens the WebSocket. Ends with the connection inside, or when reaching servers is not permitted any more.
    ///
    /// # Errors
    /// [`Failure`] names the web server. That its certificate is not good is a failure of the way there (`Unreachable`): it
    /// says nothing about the device.
    pub(crate) async fn open(&self) -> Result<Tunnel, Failure> {
        let reach = self.reach.clone()?;
        // Before a name is looked up; the addresses it has are asked about once more, right before they are dialled.
        match self.url.host().canonical().trim_matches(['[', ']']).parse() {
            Ok(ip) => reach.permits(SocketAddr::new(ip, self.url.port()))?,
            Err(_) => reach.permits_named()?,
        }
        let stream = StreamWebSocket::connect(&reach, &self.control, &self.url);
        let stream = stream.await.map_err(|error| self.told(error))?;
        let (tunnel, end) = Tunnel::to(self.address).map_err(|error| self.told(WebSocketError::Aborted(error)))?;
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                outcome = stream.carry(end) => tracing::debug!(?outcome, "a WebSocket ended"),
                () = cancel.cancelled() => {}
            }
        });
        Ok(tunnel)
    }

    fn told(&self, error: WebSocketError) -> Failure {
        use hither_model::ErrorCode::{AccessDenied, TimedOut, Unreachable};
        let refused = matches!(error, WebSocketError::Refused { .. } | WebSocketError::NeedsCredential(_));
        let mut failure = Failure::from(error);
        failure.code = match failure.code {
            TimedOut => TimedOut,
            // Ours alone: what a server denies is its affair.
            AccessDenied if !refused => AccessDenied,
            _ => Unreachable,
        };
        failure.message = format!("through the web server {}: {}", self.host, failure.message);
        failure
    }
}

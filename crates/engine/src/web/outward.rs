//! Dialling through somebody's web server: the WebSocket under the permission to reach servers, checked like every server's
//! connection; what is said inside is for the device alone.

use super::{Permitted, named, who::Who};
use hither_capability::{Denied, Reach};
use hither_model::{Failure, text::printable};
use hither_protocol::WebRoute;
use hither_socket::{
    PasswordCredential, Proxies, ProxyError, Roots, ServerError, StreamSocketInformation, Tunnel,
    ws::{PEER_MESSAGE, PEER_PROTOCOL, StreamWebSocket, WebSocketControl, WebSocketError, WebSocketUrl},
};
use std::{net::SocketAddr, time::Duration};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

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
    proxies: Proxies,
    tasks: TaskTracker,
    watched: watch::Receiver<Permitted>,
    who: Who,
}

impl Outward {
    pub(super) fn new(
        route: &WebRoute,
        url: WebSocketUrl,
        reach: Result<Reach, Denied>,
        roots: Roots,
        proxies: Proxies,
        (tasks, watched, who): (TaskTracker, watch::Receiver<Permitted>, Who),
    ) -> Option<Self> {
        let mut control = WebSocketControl::default();
        control.set_supported_protocols(&[PEER_PROTOCOL]).ok()?;
        control.set_max_message_size(PEER_MESSAGE).ok()?;
        control.set_deadline(OPENING).ok()?;
        let below = control.outward().ok()?;
        below.set_roots(roots).ok()?;
        Some(Self {
            address: named(route),
            host: route.authority().to_owned(),
            url,
            reach,
            control,
            proxies,
            tasks,
            watched,
            who,
        })
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
            Err(_) => reach.permits_names()?,
        }
        let stream = self.connect(&reach).await?;
        let (tunnel, end) = Tunnel::to(self.address).map_err(|error| self.told(WebSocketError::Aborted(error)))?;
        let forbidden = forbidden(reach, stream.information().stream.clone(), self.watched.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                outcome = stream.carry(end) => tracing::debug!(?outcome, "a WebSocket ended"),
                () = forbidden => tracing::info!("a WebSocket is not permitted any more"),
            }
        });
        Ok(tunnel)
    }

    /// Once more, with what the keyring has for the proxy, if that is what is missing.
    async fn connect(&self, reach: &Reach) -> Result<StreamWebSocket, Failure> {
        let first = StreamWebSocket::connect(reach, &self.known_as(self.who.remembered())?, &self.url).await;
        let asks = match first {
            Ok(stream) => return Ok(stream),
            Err(WebSocketError::Server(ServerError::Proxy(ProxyError::NeedsCredential(offered)))) => {
                ProxyError::NeedsCredential(offered)
            }
            Err(WebSocketError::Server(ServerError::Proxy(ProxyError::CredentialRefused))) => {
                self.who.forget();
                ProxyError::CredentialRefused
            }
            Err(error) => return Err(self.told(error)),
        };
        let asks = self.told(ServerError::Proxy(asks).into());
        let Some(resource) = self.proxy() else { return Err(asks) };
        let known = self.who.to(&resource, asks).await?;
        let second = StreamWebSocket::connect(reach, &self.known_as(Some(known))?, &self.url).await;
        second.map_err(|error| match error {
            WebSocketError::Server(ServerError::Proxy(ProxyError::CredentialRefused)) => {
                self.who.forget();
                let add = format!("keep the right one with `hither credential add {} NAME`", printable(&resource));
                self.told(error).hint(add)
            }
            error => self.told(error),
        })
    }

    /// The proxy's name, as passwords are kept for it.
    fn proxy(&self) -> Option<String> {
        match &self.proxies {
            Proxies::Direct => None,
            Proxies::Only(proxy) | Proxies::Raced(proxy) => Some(proxy.resource()),
        }
    }

    /// The settings, with who we are to the proxy. What is for another one is left out.
    fn known_as(&self, known: Option<PasswordCredential>) -> Result<WebSocketControl, Failure> {
        let mut control = self.control.clone();
        let proxies = match (self.proxies.clone(), known) {
            (Proxies::Only(proxy), Some(known)) => Proxies::Only(proxy.with_credential(known)),
            (Proxies::Raced(proxy), Some(known)) => Proxies::Raced(proxy.with_credential(known)),
            (proxies, _) => proxies,
        };
        let set = control.outward().map_err(Failure::from)?.set_proxies(proxies);
        set.map_err(Failure::from).map(|()| control)
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

/// Returns when a connection may not go on: what it was opened under was revoked, or its network is not trusted any more.
async fn forbidden(own: Reach, known: StreamSocketInformation, mut watched: watch::Receiver<Permitted>) {
    let Some(remote) = known.remote_address else { return };
    let stands = |now: &Permitted| {
        let trusted = now.as_ref().is_none_or(|now| now.as_ref().is_ok_and(|now| now.is_private(remote)));
        let held = if known.by_proxy { own.permits_named() } else { own.permits(remote) };
        held.is_ok() && (trusted || known.by_proxy || !known.private)
    };
    if watched.wait_for(|now| !stands(now)).await.is_err() {
        // The engine stops: what is open says its last words.
        std::future::pending::<()>().await;
    }
}

//! Devices beyond this network: how they reach us through the person's own web server (`inward`), and how we reach them
//! through theirs (`outward`). The devices' own TLS runs inside the WebSocket; a web server proves and reads nothing.
//!
//! Where the other device is, only an invite link says. It is remembered for the session that the link led to, and for the
//! device once it has proven its key there. Nothing is called there by itself but a session that is taken up again.

mod inward;
mod outward;
mod who;

pub(crate) use outward::Outward;

use crate::{
    asks::doctor::{fail, ok, warn},
    settings::Websocket,
    state::State,
    store::Slot,
};
use hither_capability::{Denied, Grant, Listen, Reach, web_address};
use hither_model::{ErrorCode, Failure, PeerId, row::CheckRow};
use hither_protocol::WebRoute;
use hither_socket::{Environment, HostName, Proxies, Proxy, Roots, ws::WebSocketUrl};
use std::{env, io::Read, net::SocketAddr, path::Path};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Longest file of authorities, bytes.
const MAX_AUTHORITIES: u64 = 4 * 1024 * 1024;

/// The engine's part in it.
pub(crate) struct Web {
    options: Websocket,
    roots: Roots,
    proxies: Choice,
    /// Who we are to them.
    who: who::Who,
    /// What may be reached now: whoever stands on something that is not permitted any more ends.
    reach: watch::Sender<Permitted>,
    /// What ends the listener, and what came by it; absent while there is none.
    inward: Option<Ending>,
    /// Where it listens.
    pub(crate) bound: Option<SocketAddr>,
}

/// The permission to reach servers, or why there is none; before the engine asked for the first time, nothing.
type Permitted = Option<Result<Reach, Denied>>;

/// What is ended for our web server. An agent that stops listens no more, and lets its sessions say their last words.
struct Ending {
    /// What permits it, which may become another capability's.
    grant: watch::Sender<Grant<Listen>>,
    listening: CancellationToken,
    carrying: CancellationToken,
}

/// Which proxy leads out of the house.
enum Choice {
    Environment(Environment),
    Said(Proxies),
}

impl Web {
    /// Reads what the options name.
    ///
    /// # Errors
    /// [`ErrorCode::Misuse`] for options that make no sense.
    pub(crate) fn new(options: Websocket) -> Result<Self, Failure> {
        let misuse = |message: String| Failure::new(ErrorCode::Misuse, message);
        let roots = match &options.authorities {
            Some(path) => {
                let wrong = |why: String| misuse(format!("{}: {why}", path.display()));
                let pem = read(path).map_err(|error| wrong(error.to_string()))?;
                Roots::exclusive(&pem).map_err(|fault| wrong(fault.to_string()))?
            }
            None => Roots::system(),
        };
        let proxies = match options.proxy.as_deref() {
            None => Choice::Environment(Environment::read(|name| env::var(name).ok())),
            Some("none") => Choice::Said(Proxies::Direct),
            Some(text) => Choice::Said(Proxies::Only(Proxy::parse(text).map_err(|fault| misuse(fault.to_string()))?)),
        };
        if let Some(at) = options.listen.filter(|at| !at.ip().is_loopback() && !options.exposed) {
            return Err(misuse(format!("{at} can be reached from other machines, and what listens there has no protection of its own but that between devices"))
                .hint("name an address of this machine (127.0.0.1:PORT), or say `--websocket-exposed` if this is meant"));
        }
        Ok(Self {
            options,
            roots,
            proxies,
            who: who::Who::default(),
            reach: watch::Sender::new(None),
            inward: None,
            bound: None,
        })
    }

    /// The route that goes into links: only while somebody who takes it can come in.
    pub(crate) fn for_links(&self) -> Option<WebRoute> {
        self.inward.as_ref().and(self.options.url.clone())
    }

    fn proxies(&self, host: &HostName) -> Proxies {
        match &self.proxies {
            Choice::Said(proxies) => proxies.clone(),
            // What the environment says wrong is as good as nothing; `hither connect` tells it.
            Choice::Environment(environment) => {
                environment.proxy(host, true).ok().flatten().map_or(Proxies::Direct, Proxies::Raced)
            }
        }
    }
}

/// How a route is named wherever an address is asked for.
pub(crate) fn named(route: &WebRoute) -> SocketAddr {
    let digest = blake3::hash(route.as_str().as_bytes());
    web_address(digest.as_bytes().first_chunk().copied().unwrap_or_default())
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_AUTHORITIES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl State {
    /// A route through a web server, ready to be dialled as far as it is permitted now.
    pub(crate) fn outward(&self, route: &WebRoute) -> Option<Outward> {
        // What the grammar of routes lets through is an address of a WebSocket.
        let url = WebSocketUrl::parse(route.as_str()).ok()?;
        let proxies = self.web.proxies(url.host());
        let reach = self.gate.reach(self.surroundings.trusted());
        let watched = self.web.reach.subscribe();
        let shared = (self.tasks.clone(), watched, self.web.who.clone());
        Outward::new(route, url, reach, self.web.roots.clone(), proxies, shared)
    }

    /// The capabilities of the network or the networks themselves changed: what is not permitted any more ends (R1.6, R1.17),
    /// what is permitted again begins.
    pub(crate) async fn align_web(&mut self) {
        let reach = self.gate.reach(self.surroundings.trusted());
        if reach.is_ok() {
            self.redial_soon(None);
        }
        self.web.reach.send_replace(Some(reach));
        let served = self.web.bound;
        if let Err(failure) = self.serve_web().await {
            tracing::info!(%failure, "no web server is listened for");
            if let Some(at) = served {
                let hint = failure.hint.unwrap_or_default();
                self.alarm(
                    format!("the web server at {at} is not listened for any more: {}; {hint}", failure.message),
                    None,
                );
            }
        }
    }

    /// What the doctor says of the person's own web server, if there is to be one.
    pub(crate) fn web_check(&self) -> Option<CheckRow> {
        let wanted = self.web.options.listen?;
        let networks = self.surroundings.trusted();
        Some(match (self.web.bound, self.gate.listen_beyond(wanted, &networks)) {
            (Some(at), _) => match &self.web.options.url {
                Some(url) => ok("web server", format!("listening for it at {at}; links name {url}")),
                None => warn(
                    "web server",
                    format!("listening for it at {at}, but links do not name it"),
                    "add `--websocket-url wss://…` to the agent",
                ),
            },
            (None, Err(denied)) => fail("web server", format!("not listened for: {denied}"), denied.hint()),
            (None, Ok(_)) => {
                fail("web server", format!("not listened for at {wanted}"), "grant `proximity`, and see the log")
            }
        })
    }

    /// A route that led to this very device is remembered for it.
    pub(crate) fn led_by_web(&mut self, peer: &PeerId, route: Option<&WebRoute>) {
        let Some(person) = self.people.find_mut(peer) else { return };
        if person.web.as_ref() != route && route.is_some() {
            person.web = route.cloned();
            self.keeper.save(Slot::People, &self.people);
        }
    }
}

//! Dialling a device whose addresses were heard or remembered: several routes are tried side by side, a little apart,
//! and the first that proves itself wins (the idea of RFC 8305).

use crate::{knocks::Wire, radio::carry, web::Outward};
use hither_capability::{Dial, Grant, is_web, radio_of};
use hither_discovery::{
    DiscoveryError,
    ble::{Ble, RadioAddress, RadioTrouble},
};
use hither_identity::Credential;
use hither_model::{Blame, ErrorCode, Failure, Rid};
use hither_socket::{Connected, Expected, Profile, SocketError, Tunnel, dial, dial_through};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Head start of a route over the next, RFC 8305 section 5.
const STAGGER: Duration = Duration::from_millis(250);
/// How often something is tried by radio, and the pause in between.
const TRIES: u32 = 3;
const BREATH: Duration = Duration::from_secs(1);

/// Everything a dialling task needs.
#[derive(Clone)]
pub(crate) struct Dialling {
    pub(crate) grant: Arc<Grant<Dial>>,
    /// Addresses, best first.
    pub(crate) routes: Vec<SocketAddr>,
    /// Rendezvous values that may be good there, best first.
    pub(crate) rids: Vec<Rid>,
    pub(crate) expected: Expected,
    pub(crate) me: Arc<dyn Credential>,
    pub(crate) profile: Profile,
    /// For routes that are radios. They are tried when nothing else led there.
    pub(crate) ble: Option<Arc<Ble>>,
    /// For the route that is a web server. It is tried a head start after the addresses.
    pub(crate) web: Option<Outward>,
}

/// A route that led nowhere.
#[derive(Debug, Clone)]
struct Missed {
    failure: Failure,
    /// Somebody answered there and turned us away.
    answered: bool,
    /// How little it tells a person.
    rank: u8,
}

impl From<SocketError> for Missed {
    fn from(error: SocketError) -> Self {
        let answered = matches!(error, SocketError::TurnedAway);
        let failure = Failure::from(error);
        let rank = match failure.code.blame() {
            Blame::Peer => 0,
            Blame::Us => 1,
            _ => 3,
        };
        Self { failure, answered, rank }
    }
}

impl Missed {
    /// A web server that did not let us through says more than an address where nobody is.
    fn web(failure: Failure) -> Self {
        Self { rank: if failure.code.blame() == Blame::Us { 1 } else { 2 }, failure, answered: false }
    }
}

type Attempts = JoinSet<Result<(Connected, SocketAddr), Missed>>;

impl Dialling {
    /// Tries until one route proves itself or all failed.
    ///
    /// # Errors
    /// The most telling failure: what a peer did before what the network did.
    pub(crate) async fn run(self) -> Result<(Wire, SocketAddr), Failure> {
        let mut worst: Option<Missed> = None;
        for rid in &self.rids {
            match self.race(*rid).await {
                Ok((connected, route)) => return Ok((Wire::new(connected), route)),
                Err(missed) => {
                    let answered = missed.answered;
                    worst = Some(most_telling(worst, missed));
                    // Where nobody answers at all, another rendezvous value changes nothing.
                    if !answered {
                        break;
                    }
                }
            }
        }
        Err(worst.map(|missed| missed.failure).unwrap_or_else(|| {
            Failure::new(ErrorCode::Unreachable, "no address of that device is known")
                .hint("run `hither near --watch` until it is heard, or let them send you an invite link")
        }))
    }

    /// All routes with one value. The error also says whether somebody answered there and turned us away.
    async fn race(&self, rid: Rid) -> Result<(Connected, SocketAddr), Missed> {
        let mut attempts: Attempts = JoinSet::new();
        let mut routes = self.routes.iter().copied();
        let mut worst: Option<Missed> = None;
        let mut answered = false;
        self.spawn(&mut attempts, routes.next(), rid);
        loop {
            let outcome = tokio::select! {
                outcome = attempts.join_next() => outcome,
                () = tokio::time::sleep(STAGGER), if routes.clone().next().is_some_and(|r| radio_of(r).is_none()) => {
                    self.spawn(&mut attempts, routes.next(), rid);
                    continue;
                }
            };
            match outcome {
                Some(Ok(Ok(won))) => return Ok(won),
                Some(Ok(Err(missed))) => {
                    tracing::debug!(failure = %missed.failure, "a route failed");
                    answered |= missed.answered;
                    worst = Some(most_telling(worst, missed));
                    self.spawn(&mut attempts, routes.next(), rid);
                }
                Some(Err(_)) => {}
                None if routes.len() > 0 => self.spawn(&mut attempts, routes.next(), rid),
                None => {
                    let none = || Missed::web(Failure::new(ErrorCode::Unreachable, "no route"));
                    return Err(Missed { answered, ..worst.unwrap_or_else(none) });
                }
            }
        }
    }

    fn spawn(&self, attempts: &mut Attempts, route: Option<SocketAddr>, rid: Rid) {
        let Some(route) = route else { return };
        let it = self.clone();
        attempts.spawn(async move {
            let connected = match radio_of(route) {
                Some(radio) => it.through_radio(route, radio, rid).await?,
                None if is_web(route) => it.through_web(route, rid).await?,
                None => dial(&it.grant, route, rid, &it.me, it.expected, &it.profile).await?,
            };
            Ok((connected, route))
        });
    }
}

impl Dialling {
    /// Opens a WebSocket and speaks TLS inside: the same proofs, for the same key, as anywhere else.
    async fn through_web(&self, route: SocketAddr, rid: Rid) -> Result<Connected, Missed> {
        let unknown = || Failure::new(ErrorCode::Unreachable, "its web server is not known any more");
        let web = self.web.as_ref().filter(|web| web.address() == route);
        let tunnel = web.ok_or_else(|| Missed::web(unknown()))?.open().await.map_err(Missed::web)?;
        Ok(dial_through(&self.grant, tunnel, rid, &self.me, self.expected, &self.profile).await?)
    }

    /// Opens a channel by radio and speaks TLS through it. The port is the channel's number (PSM), if it is known; else
    /// the device is asked at its door.
    async fn through_radio(&self, route: SocketAddr, radio: [u8; 6], rid: Rid) -> Result<Connected, SocketError> {
        let unheard = |why: &dyn std::fmt::Display| SocketError::Connect {
            to: route,
            cause: std::io::Error::other(why.to_string()),
        };
        let Some(ble) = &self.ble else { return Err(unheard(&"Bluetooth is not in use")) };
        self.grant.permits_radio(route)?;
        let source = RadioAddress::new(radio);
        let told = |error: DiscoveryError| match error {
            DiscoveryError::Radio(RadioTrouble::Shut) => SocketError::TurnedAway,
            error => unheard(&error),
        };
        let psm = match route.port() {
            0 => persist(|| ble.knock(source, rid)).await.map_err(told)?.psm,
            psm => Some(psm),
        };
        let Some(psm) = psm else { return Err(unheard(&"the other device opens no channels by Bluetooth")) };
        let pipe = persist(|| ble.open(source, psm)).await.map_err(told)?;
        let (tunnel, end) = Tunnel::to(route)?;
        // Ends with the connection, whose end of the tunnel it is.
        tokio::spawn(carry(pipe, end, CancellationToken::new()));
        let begun = tokio::time::Instant::now();
        let connected = dial_through(&self.grant, tunnel, rid, &self.me, self.expected, &self.profile).await;
        tracing::debug!(took_ms = begun.elapsed().as_millis(), ok = connected.is_ok(), "TLS by radio");
        connected
    }
}

/// Tries again what broke: two devices share one link by radio, and the one that is done with it hangs up on the other.
pub(crate) async fn persist<T, F>(mut errand: impl FnMut() -> F) -> Result<T, DiscoveryError>
where
    F: Future<Output = Result<T, DiscoveryError>>,
{
    for _ in 1..TRIES {
        match errand().await {
            Err(DiscoveryError::Radio(trouble)) if trouble != RadioTrouble::Shut => {
                tracing::debug!(%trouble, "a device is tried again by radio");
                tokio::time::sleep(BREATH).await;
            }
            outcome => return outcome,
        }
    }
    errand().await
}

fn most_telling(before: Option<Missed>, now: Missed) -> Missed {
    match before {
        Some(before) if before.rank <= now.rank => before,
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn by_radio_what_broke_is_tried_again_and_a_shut_door_is_not() {
        let broke = || DiscoveryError::Radio(RadioTrouble::Broke);
        for (outcomes, expected, tries) in [
            (vec![Err(broke()), Ok(7)], Ok(7), 2),
            (vec![Err(broke()), Err(broke()), Err(broke()), Ok(7)], Err(broke()), 3),
            (
                vec![Err(DiscoveryError::Radio(RadioTrouble::Shut)), Ok(7)],
                Err(DiscoveryError::Radio(RadioTrouble::Shut)),
                1,
            ),
        ] {
            let mut left = outcomes.into_iter();
            let mut asked = 0;
            let outcome = persist(|| {
                asked += 1;
                std::future::ready(left.next().unwrap())
            });
            assert_eq!((outcome.await, asked), (expected, tries));
        }
    }

    #[test]
    fn what_a_peer_did_outweighs_what_the_network_did() {
        let missed = |code, rank| Missed { failure: Failure::new(code, "x"), answered: false, rank };
        let (network, peer) = (missed(ErrorCode::Unreachable, 3), missed(ErrorCode::CertificateRefused, 0));
        let web = Missed::web(Failure::new(ErrorCode::Unreachable, "its certificate"));
        assert_eq!(most_telling(Some(network.clone()), peer.clone()).failure.code, ErrorCode::CertificateRefused);
        assert_eq!(most_telling(Some(peer), network.clone()).failure.code, ErrorCode::CertificateRefused);
        assert_eq!(most_telling(Some(network), web).failure.message, "its certificate");
    }
}

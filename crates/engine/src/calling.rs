//! Dialling a device whose addresses were heard or remembered: several routes are tried side by side, a little apart,
//! and the first that proves itself wins (the idea of RFC 8305).

use crate::{knocks::Wire, radio::carry};
use hither_capability::{Dial, Grant, radio_of};
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
}

impl Dialling {
    /// Tries until one route proves itself or all failed.
    ///
    /// # Errors
    /// The most telling failure: what a peer did before what the network did.
    pub(crate) async fn run(self) -> Result<(Wire, SocketAddr), Failure> {
        let mut worst: Option<Failure> = None;
        for rid in &self.rids {
            match self.race(*rid).await {
                Ok((connected, route)) => return Ok((Wire::new(connected), route)),
                Err((failure, answered)) => {
                    worst = Some(most_telling(worst, failure));
                    // Where nobody answers at all, another rendezvous value changes nothing.
                    if !answered {
                        break;
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(|| {
            Failure::new(ErrorCode::Unreachable, "no address of that device is known")
                .hint("run `hither near --watch` until it is heard, or let them send you an invite link")
        }))
    }

    /// All routes with one value. The error also says whether somebody answered there and turned us away.
    async fn race(&self, rid: Rid) -> Result<(Connected, SocketAddr), (Failure, bool)> {
        let mut attempts: JoinSet<Result<(Connected, SocketAddr), SocketError>> = JoinSet::new();
        let mut routes = self.routes.iter().copied();
        let mut worst: Option<Failure> = None;
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
                Some(Ok(Err(error))) => {
                    tracing::debug!(%error, "a route failed");
                    answered |= matches!(error, SocketError::TurnedAway);
                    worst = Some(most_telling(worst, error.into()));
                    self.spawn(&mut attempts, routes.next(), rid);
                }
                Some(Err(_)) => {}
                None if routes.len() > 0 => self.spawn(&mut attempts, routes.next(), rid),
                None => {
                    let failure = worst.unwrap_or_else(|| Failure::new(ErrorCode::Unreachable, "no route"));
                    return Err((failure, answered));
                }
            }
        }
    }

    fn spawn(
        &self,
        attempts: &mut JoinSet<Result<(Connected, SocketAddr), SocketError>>,
        route: Option<SocketAddr>,
        rid: Rid,
    ) {
        let Some(route) = route else { return };
        let it = self.clone();
        attempts.spawn(async move {
            let connected = match radio_of(route) {
                Some(radio) => it.through_radio(route, radio, rid).await?,
                None => dial(&it.grant, route, rid, &it.me, it.expected, &it.profile).await?,
            };
            Ok((connected, route))
        });
    }
}

impl Dialling {
    /// Asks at the door where channels are opened, opens one, and speaks TLS through it.
    async fn through_radio(&self, route: SocketAddr, radio: [u8; 6], rid: Rid) -> Result<Connected, SocketError> {
        let unheard = |why: &dyn std::fmt::Display| SocketError::Connect {
            to: route,
            cause: std::io::Error::other(why.to_string()),
        };
        let Some(ble) = &self.ble else { return Err(unheard(&"Bluetooth is not in use")) };
        self.grant.permits_radio(route)?;
        let source = RadioAddress::new(radio);
        let told = ble.knock(source, rid).await.map_err(|error| match error {
            DiscoveryError::Radio(RadioTrouble::Shut) => SocketError::TurnedAway,
            error => unheard(&error),
        })?;
        let Some(psm) = told.psm else { return Err(unheard(&"the other device opens no channels by Bluetooth")) };
        let pipe = ble.open(source, psm).await.map_err(|error| unheard(&error))?;
        let (tunnel, end) = Tunnel::to(route)?;
        // Ends with the connection, whose end of the tunnel it is.
        tokio::spawn(carry(pipe, end, CancellationToken::new()));
        dial_through(&self.grant, tunnel, rid, &self.me, self.expected, &self.profile).await
    }
}

fn most_telling(before: Option<Failure>, now: Failure) -> Failure {
    let rank = |failure: &Failure| match failure.code.blame() {
        Blame::Peer => 0,
        Blame::Us => 1,
        _ => 2,
    };
    match before {
        Some(before) if rank(&before) <= rank(&now) => before,
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_did_outweighs_what_the_network_did() {
        let network = Failure::new(ErrorCode::Unreachable, "n");
        let peer = Failure::new(ErrorCode::CertificateRefused, "p");
        assert_eq!(most_telling(Some(network.clone()), peer.clone()).code, ErrorCode::CertificateRefused);
        assert_eq!(most_telling(Some(peer), network).code, ErrorCode::CertificateRefused);
    }
}

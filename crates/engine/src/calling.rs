//! Dialling a device whose addresses were heard or remembered: several routes are tried side by side, a little apart,
//! and the first that proves itself wins (the idea of RFC 8305).

use crate::knocks::Wire;
use hither_capability::{Dial, Grant};
use hither_identity::Credential;
use hither_model::{Blame, ErrorCode, Failure, Rid};
use hither_socket::{Connected, Expected, Profile, SocketError, dial};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::task::JoinSet;

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
                () = tokio::time::sleep(STAGGER), if routes.len() > 0 => {
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
            let connected = dial(&it.grant, route, rid, &it.me, it.expected, &it.profile).await?;
            Ok((connected, route))
        });
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

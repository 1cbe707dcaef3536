//! One caller: from its first byte to a checked connection, under one absolute deadline.
//!
//! The order matters (cases T1, T16): the ClientHello is read and bounded, its rendezvous value looked up, its
//! application protocol compared, and only then a certificate is chosen and something signed. Before the lookup has
//! succeeded nothing is sent, not even an alert.

use super::{Arrival, Entry, Front, seats::Seat};
use crate::{
    Phase, Profile, Signing, SocketError,
    dial::{SLOWER, SUFFIX, hand_over},
    inbox::Inbox,
    profile::ALPN,
    verifier::PeerVerifier,
    wire::{Wire, aside, within},
};
use hither_model::Rid;
use rustls::{
    ServerConfig, ServerConnection,
    server::{Accepted, AcceptedAlert, Acceptor, ClientHello},
};
use socket2::SockRef;
use std::{io, net::SocketAddr, sync::Arc};
use tokio::net::TcpStream;

/// A fatal no_application_protocol alert (RFC 7301 section 3.2), in the clear as before any key.
const NO_APPLICATION_PROTOCOL: [u8; 7] = [21, 3, 3, 0, 2, 2, 120];

/// Receives one caller and hands it over.
pub(super) async fn receive(
    front: &Front,
    tcp: TcpStream,
    from: SocketAddr,
    through: Option<SocketAddr>,
    mut seat: Seat,
) -> Result<(), SocketError> {
    let evicted = seat.evicted();
    let work = async {
        if through.is_none() {
            front.control.apply(&SockRef::from(&tcp), from)?;
        }
        let hello = tokio::select! {
            biased;
            () = evicted.cancelled() => return Err(SocketError::TurnedAway),
            hello = Hello::read(tcp, front.caps.hello) => hello?,
        };
        let rid = hello.rid().ok_or(SocketError::TurnedAway)?;
        let entry = front.door.admit(&rid, from).ok_or(SocketError::TurnedAway)?;
        if !seat.spoke(rid, entry.reserved) {
            return Err(SocketError::TurnedAway);
        }
        let connected = hello.answer(rid, &entry, front, through).await?;
        Ok(Arrival { connected, rid, from })
    };
    let limit = if through.is_some() { front.profile.handshake * SLOWER } else { front.profile.handshake };
    let arrival = within(limit, Phase::Handshake, work).await?;
    // While the queue is full the caller keeps its place, so those who wait are as many as there are places.
    let sent = front.out.send(arrival).await.map_err(|_| SocketError::TurnedAway);
    drop(seat);
    sent
}

/// A caller that has shown a whole ClientHello.
struct Hello {
    tcp: TcpStream,
    inbox: Inbox,
    accepted: Accepted,
}

impl Hello {
    /// Reads until the hello is whole. Whatever is wrong with it, the answer is silence.
    async fn read(tcp: TcpStream, cap: usize) -> Result<Self, SocketError> {
        let (mut inbox, mut acceptor, mut seen) = (Inbox::new(), Acceptor::default(), 0);
        loop {
            while let Some(mut record) = inbox.record()? {
                let length = record.len();
                seen += length;
                if seen > cap {
                    return Err(SocketError::Misbehaved("an oversize ClientHello".into()));
                }
                while !record.is_empty() {
                    acceptor.read_tls(&mut record)?;
                }
                inbox.discard(length);
                if let Some(accepted) = acceptor.accept().map_err(|(error, _silence)| error)? {
                    return Ok(Self { tcp, inbox, accepted });
                }
            }
            tcp.readable().await?;
            match inbox.fill(&tcp) {
                Ok(0) => return Err(SocketError::TurnedAway),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The rendezvous value in the server name.
    fn rid(&self) -> Option<Rid> {
        self.accepted.client_hello().server_name()?.strip_suffix(SUFFIX)?.parse().ok()
    }

    /// Goes on with a caller that is expected.
    async fn answer(
        self,
        rid: Rid,
        entry: &Entry,
        front: &Front,
        through: Option<SocketAddr>,
    ) -> Result<crate::Connected, SocketError> {
        let Self { tcp, inbox, accepted } = self;
        if !speaks(&accepted.client_hello()) {
            // It is expected, so it may know why: another version of this program.
            let _ = tcp.try_write(&NO_APPLICATION_PROTOCOL);
            return Err(SocketError::Incompatible("it does not offer this application protocol".into()));
        }
        let profile = &front.profile;
        let me = &entry.credential;
        let verifier = PeerVerifier::new(profile.provider(), entry.expected, me.peer_id());
        let config = profile.server(me, Arc::clone(&verifier))?;
        let tls = match start(accepted, config, profile).await? {
            Ok(tls) => tls,
            Err((error, mut alert)) => {
                let mut bytes = Vec::new();
                alert.write_all(&mut bytes)?;
                let _ = tcp.try_write(&bytes);
                return Err(error.into());
            }
        };
        let wire = Wire::new(tcp, tls.into(), inbox).through(through).handshake(profile.signing).await;
        let wire = wire.map_err(|error| verifier.explain(error))?;
        hand_over(wire, &verifier, me, entry.expected, rid, profile, front.control.clone()).await
    }
}

/// Answers the hello, which signs.
async fn start(
    accepted: Accepted,
    config: Arc<ServerConfig>,
    profile: &Profile,
) -> Result<Result<ServerConnection, (rustls::Error, AcceptedAlert)>, SocketError> {
    match profile.signing {
        Signing::Inline => Ok(accepted.into_connection(config)),
        Signing::Aside => aside(move || accepted.into_connection(config)).await,
    }
}

fn speaks(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut offered| offered.any(|protocol| protocol == ALPN.as_bytes()))
}

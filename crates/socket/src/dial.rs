//! The dialling end: TCP, TLS and READY under their deadlines, handed over only when everything was as asked.

use crate::{
    Channel, Connected, Expected, Phase, Profile, SocketError, StreamSocketControl,
    channel::Core,
    inbox::Inbox,
    proof::Proof,
    tunnel::Tunnel,
    verifier::PeerVerifier,
    wire::{Wire, within},
};
use hither_capability::{Dial, Grant};
use hither_identity::Credential;
use hither_model::Rid;
use rustls::{ClientConnection, pki_types::ServerName};
use socket2::{Domain, SockRef, Socket, Type};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::net::{TcpSocket, TcpStream};

/// What follows the rendezvous value in the server name. `.invalid` exists nowhere (RFC 6761).
pub(crate) const SUFFIX: &str = ".hither.invalid";

/// How much longer a handshake by radio or through a web server may take.
pub(crate) const SLOWER: u32 = 3;

/// Connects to a device, showing it `rid`, as `me`, and hands the connection over when its protection is as `profile`
/// demands and the other end is who is `expected`.
///
/// # Errors
/// [`SocketError::Denied`] before a packet leaves if the grant does not cover the address; [`SocketError::Connect`],
/// [`SocketError::TimedOut`], [`SocketError::TurnedAway`] if nobody answers or this `rid` is not expected there;
/// [`SocketError::IdentityChanged`], [`SocketError::SelfDial`], [`SocketError::Certificate`] if the other end is not
/// acceptable; [`SocketError::RefusedByPeer`] if we are not; [`SocketError::Incompatible`],
/// [`SocketError::Unprotected`] if no protection of that level came about.
pub async fn dial(
    grant: &Grant<Dial>,
    to: SocketAddr,
    rid: Rid,
    me: &Arc<dyn Credential>,
    expected: Expected,
    profile: &Profile,
) -> Result<Connected, SocketError> {
    if expected == Expected::Only(me.peer_id()) {
        return Err(SocketError::SelfDial);
    }
    grant.permits(to)?;
    let tcp = within(profile.connect, Phase::Connect, connect(to, &profile.control)).await?;
    within(profile.handshake, Phase::Handshake, shake(tcp, None, rid, me, expected, profile)).await
}

/// The same over a stream that is there already: a radio's, or one in a WebSocket. Its handshake may take three times as long.
///
/// # Errors
/// As for [`dial`], but for what concerns TCP; [`SocketError::Denied`] if the grant does not cover that radio or route.
pub async fn dial_through(
    grant: &Grant<Dial>,
    tunnel: Tunnel,
    rid: Rid,
    me: &Arc<dyn Credential>,
    expected: Expected,
    profile: &Profile,
) -> Result<Connected, SocketError> {
    if expected == Expected::Only(me.peer_id()) {
        return Err(SocketError::SelfDial);
    }
    let Tunnel { end, remote } = tunnel;
    grant.permits_tunnel(remote)?;
    let shaking = shake(end, Some(remote), rid, me, expected, profile);
    within(profile.handshake * SLOWER, Phase::Handshake, shaking).await
}

async fn connect(to: SocketAddr, control: &StreamSocketControl) -> Result<TcpStream, SocketError> {
    let open = || -> io::Result<TcpSocket> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        control.apply(&SockRef::from(&socket), to)?;
        Ok(TcpSocket::from_std_stream(socket.into()))
    };
    let tcp = match open() {
        Ok(socket) => socket.connect(to).await,
        Err(error) => Err(error),
    };
    tcp.map_err(|cause| SocketError::Connect { to, cause })
}

async fn shake(
    tcp: TcpStream,
    through: Option<SocketAddr>,
    rid: Rid,
    me: &Arc<dyn Credential>,
    expected: Expected,
    profile: &Profile,
) -> Result<Connected, SocketError> {
    let verifier = PeerVerifier::new(profile.provider(), expected, me.peer_id());
    let config = profile.client(me, Arc::clone(&verifier))?;
    let name =
        ServerName::try_from(format!("{rid}{SUFFIX}")).map_err(|error| SocketError::Internal(error.to_string()))?;
    let tls = ClientConnection::new(config, name)?;
    let wire = Wire::new(tcp, tls.into(), Inbox::new()).through(through).handshake(profile.signing).await;
    let wire = wire.map_err(|error| verifier.explain(error))?;
    hand_over(wire, &verifier, me, expected, rid, profile, profile.control.clone()).await
}

/// The last steps of both ends: compare with what was asked, then READY.
pub(crate) async fn hand_over(
    wire: Wire,
    verifier: &PeerVerifier,
    me: &Arc<dyn Credential>,
    expected: Expected,
    rid: Rid,
    profile: &Profile,
    control: StreamSocketControl,
) -> Result<Connected, SocketError> {
    let proof = Proof::check(&wire, verifier, profile, me.as_ref(), rid)?;
    let core = Core::new(wire, proof, profile, control).greet(me.peer_id()).await?;
    Ok(match expected {
        Expected::Only(_) | Expected::Either(..) => Connected::Known(Channel::new(core)),
        Expected::Anyone => Connected::Stranger(Channel::new(core)),
    })
}

//! From a host and service to a TCP connection: names, the race of the addresses, proxies. The permission is asked again
//! for each address, right before it is dialled.

use super::{OutwardControl, ServerError};
use crate::{
    HostName, Phase,
    credential::reply,
    names::{
        Names, local_address,
        race::{Race, Turn},
    },
    proxy::{self, Outcome, Proxies, Proxy, ProxyError},
};
use hither_capability::Reach;
use socket2::{Domain, SockRef, Socket, Type};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

/// What is to be reached.
#[derive(Debug, Clone)]
pub(super) struct Goal {
    pub(super) host: HostName,
    pub(super) service: String,
    /// Where the connection comes from, if the caller said so; then no proxy is used (R3.3).
    pub(super) local: Option<(Option<HostName>, u16)>,
}

/// How it was reached.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) tcp: TcpStream,
    /// The address of the server, or of the proxy.
    pub(super) at: SocketAddr,
    pub(super) by_proxy: bool,
}

/// Whether an address may be dialled.
type Permits = fn(&Reach, SocketAddr) -> Result<(), hither_capability::Denied>;

/// Connects within the deadline.
pub(super) async fn reach(
    permission: &Reach,
    names: &Names,
    control: &OutwardControl,
    goal: &Goal,
) -> Result<Reached, ServerError> {
    permission.check()?;
    let direct = async {
        let addresses = names.addresses(&goal.host, &goal.service).await?;
        race(permission, Reach::permits, control, addresses, goal.local.as_ref()).await
    };
    let work = async {
        match &control.proxies {
            Proxies::Only(proxy) if goal.local.is_none() => through(permission, names, control, goal, proxy).await,
            Proxies::Raced(proxy) if goal.local.is_none() && control.serialize => match direct.await {
                Ok(reached) => Ok(reached),
                Err(_) => through(permission, names, control, goal, proxy).await,
            },
            Proxies::Raced(proxy) if goal.local.is_none() => {
                either(direct, through(permission, names, control, goal, proxy)).await
            }
            Proxies::Direct | Proxies::Only(_) | Proxies::Raced(_) => direct.await,
        }
    };
    timeout(control.connect, work).await.unwrap_or(Err(ServerError::TimedOut(Phase::Connect)))
}

/// The first of two ways that gets there; the other is given up. If neither does, the direct way's reason is told, unless
/// the proxy only wants to know who we are: that can be answered.
async fn either(
    direct: impl Future<Output = Result<Reached, ServerError>>,
    proxied: impl Future<Output = Result<Reached, ServerError>>,
) -> Result<Reached, ServerError> {
    let (mut direct, mut proxied) = (Box::pin(direct), Box::pin(proxied));
    tokio::select! {
        first = &mut direct => match first {
            Ok(reached) => Ok(reached),
            Err(reason) => proxied.await.map_err(|other| reason_of(reason, other)),
        },
        first = &mut proxied => match first {
            Ok(reached) => Ok(reached),
            Err(other) => direct.await.map_err(|reason| reason_of(reason, other)),
        },
    }
}

fn reason_of(direct: ServerError, proxied: ServerError) -> ServerError {
    match proxied {
        asks @ ServerError::Proxy(ProxyError::NeedsCredential(_) | ProxyError::CredentialRefused) => asks,
        _ => direct,
    }
}

/// Tries the addresses as the race says.
async fn race(
    permission: &Reach,
    permits: Permits,
    control: &OutwardControl,
    addresses: Vec<SocketAddr>,
    local: Option<&(Option<HostName>, u16)>,
) -> Result<Reached, ServerError> {
    let began = Instant::now();
    let now = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut race = Race::new(addresses, control.serialize);
    let mut attempts = JoinSet::new();
    let mut last = None;
    loop {
        let wake = match race.turn(now()) {
            Turn::Lost => {
                return Err(last.unwrap_or(ServerError::Interrupted(io::ErrorKind::AddrNotAvailable.into())));
            }
            Turn::Start(address) => {
                match permits(permission, address)
                    .map_err(ServerError::from)
                    .and_then(|()| open(address, control, local, permission))
                {
                    Ok(socket) => {
                        attempts.spawn(async move { (address, socket.connect(address).await) });
                    }
                    Err(error) => {
                        // A refusal of ours is never hidden behind what the network says of other addresses.
                        last = keep(last, error);
                        race.failed(now());
                    }
                }
                continue;
            }
            Turn::WaitUntil(at) => Some(began + Duration::from_millis(at)),
            Turn::Wait => None,
        };
        let ended = tokio::select! {
            ended = attempts.join_next(), if !attempts.is_empty() => ended,
            () = sleep_until(wake.unwrap_or(began)), if wake.is_some() => continue,
        };
        match ended {
            Some(Ok((at, Ok(tcp)))) => return Ok(Reached { tcp, at, by_proxy: false }),
            Some(Ok((to, Err(cause)))) => {
                last = keep(last, ServerError::Connect { to, cause });
                race.failed(now());
            }
            Some(Err(error)) => {
                last = keep(last, ServerError::Internal(error.to_string()));
                race.failed(now());
            }
            None => {}
        }
    }
}

fn keep(known: Option<ServerError>, new: ServerError) -> Option<ServerError> {
    match known {
        Some(denied @ ServerError::Denied(_)) => Some(denied),
        _ => Some(new),
    }
}

/// A socket with its options, bound if the caller wanted that.
fn open(
    to: SocketAddr,
    control: &OutwardControl,
    local: Option<&(Option<HostName>, u16)>,
    permission: &Reach,
) -> Result<TcpSocket, ServerError> {
    let failed = |cause| ServerError::Connect { to, cause };
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    control.options.apply(&SockRef::from(&socket), to).map_err(failed)?;
    if let Some((host, port)) = local {
        permission.permits_local(*port)?;
        let from = match host {
            Some(host) => local_address(host, *port)?,
            None if to.is_ipv4() => SocketAddr::from(([0, 0, 0, 0], *port)),
            None => SocketAddr::from(([0; 16], *port)),
        };
        socket.bind(&from.into()).map_err(failed)?;
    }
    Ok(TcpSocket::from_std_stream(socket.into()))
}

/// Goes through the proxy; once more on a fresh connection where it asks for the credential that we have.
async fn through(
    permission: &Reach,
    names: &Names,
    control: &OutwardControl,
    goal: &Goal,
    proxy: &Proxy,
) -> Result<Reached, ServerError> {
    let port: u16 = match goal.service.parse() {
        Ok(port) if port != 0 => port,
        _ => return Err(ServerError::Argument("through a proxy the service is given as a port")),
    };
    // What is no name is judged as if it were dialled here; a name only the proxy can look up.
    let literals = goal.host.literals();
    if literals.is_empty() {
        permission.permits_named()?;
    }
    literals.into_iter().try_for_each(|ip| permission.permits(SocketAddr::new(ip, port)))?;
    let mut asked = None;
    loop {
        let addresses = names.addresses(proxy.host(), &proxy.port().to_string()).await?;
        let mut reached = race(permission, Reach::permits_proxy, control, addresses, None).await?;
        let sign_in = control.sign_in.as_ref();
        match proxy::pass(&mut reached.tcp, proxy, &goal.host, port, asked.as_ref(), sign_in).await? {
            Outcome::Through => return Ok(Reached { by_proxy: true, ..reached }),
            Outcome::Asks(challenges) => {
                let (known, host) = (proxy.credential(), proxy.host().canonical());
                asked = Some(reply(challenges, known, sign_in, host, permission).await?);
            }
        }
    }
}

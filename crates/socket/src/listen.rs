//! The listening end (R3.11, R3.20): accepts, asks the door about the rendezvous value of each ClientHello, and hands
//! over connections whose protection was checked. Whoever does not show an expected value gets no byte back.
//!
//! What an unauthenticated caller can cost is bounded: see [`Caps`] and `seats`.

mod caller;
mod quiet;
mod seats;

use crate::{Connected, Expected, Profile, SocketError, StreamSocketControl, tunnel::Tunnel};
use caller::receive;
use hither_capability::{Grant, Listen};
use hither_identity::Credential;
use hither_model::Rid;
use nix::errno::Errno;
use quiet::Quiet;
use seats::Seats;
use socket2::{Domain, SockRef, Socket, Type};
use std::{
    fs::File,
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// Callers through tunnels that may wait.
const TUNNELS: usize = 8;
/// Connections that may wait in the system for being accepted.
const BACKLOG: i32 = 128;
/// Attempts to find a port that is free on every address.
const ATTEMPTS: u32 = 16;
/// Pause after the system could not give a descriptor.
const BREATH: Duration = Duration::from_millis(100);

/// What a caller is answered with.
#[derive(Clone)]
pub struct Entry {
    /// As whom we appear.
    pub credential: Arc<dyn Credential>,
    /// Whose key the caller must prove.
    pub expected: Expected,
    /// Whether a place is kept for this caller when strangers crowd the door.
    pub reserved: bool,
}

/// Decides who is answered.
pub trait Door: Send + Sync {
    /// The entry for this rendezvous value, or `None` to stay silent. Must not block: it is asked on the accepting task.
    fn admit(&self, rid: &Rid, from: SocketAddr) -> Option<Entry>;
}

/// A caller whose key is proven.
#[derive(Debug)]
pub struct Arrival {
    /// The connection.
    pub connected: Connected,
    /// The rendezvous value it showed.
    pub rid: Rid,
    /// Its address.
    pub from: SocketAddr,
}

/// Limits for callers that are not authenticated yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// Handshakes at a time, in all.
    pub handshakes: usize,
    /// How many of them are kept for callers the door calls reserved.
    pub reserved: usize,
    /// Handshakes at a time per IPv4 address or IPv6 /64.
    pub per_source: usize,
    /// From how many on newcomers are dropped at random.
    pub drop_from: usize,
    /// Largest ClientHello, bytes.
    pub hello: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { handshakes: 64, reserved: 16, per_source: 4, drop_from: 32, hello: 16 * 1024 }
    }
}

/// A bound listener.
#[derive(Debug)]
pub struct StreamSocketListener {
    grant: Grant<Listen>,
    control: StreamSocketControl,
    sockets: Vec<TcpListener>,
    addrs: Vec<SocketAddr>,
    tunnels: (mpsc::Sender<Tunnel>, mpsc::Receiver<Tunnel>),
}

impl StreamSocketListener {
    /// Binds every address. Port 0 is any free port, the same for all of them. IPv6 sockets take IPv6 only, so bind
    /// both unspecified addresses for both families. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`SocketError::Denied`] before anything is bound, [`SocketError::Listen`] with the first address that cannot be
    /// bound, [`SocketError::Misuse`] without an address.
    pub fn bind(grant: Grant<Listen>, addrs: &[SocketAddr], control: StreamSocketControl) -> Result<Self, SocketError> {
        for at in addrs {
            grant.permits(*at)?;
        }
        let mut attempt = 0;
        let sockets = loop {
            attempt += 1;
            match bind_all(addrs, &control) {
                // The port that was free on the first address is taken on another one.
                Err(SocketError::Listen { at, cause })
                    if at.port() == 0 && attempt < ATTEMPTS && cause.kind() == io::ErrorKind::AddrInUse => {}
                other => break other?,
            }
        };
        let listen = |cause| SocketError::Listen { at: SocketAddr::from(([0, 0, 0, 0], 0)), cause };
        let addrs = sockets.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>().map_err(listen)?;
        Ok(Self { grant, control: control.bound(), sockets, addrs, tunnels: mpsc::channel(TUNNELS) })
    }

    /// Takes over sockets that were bound and put to listen by somebody else: the service manager (`LISTEN_FDS`).
    ///
    /// # Errors
    /// [`SocketError::Denied`] for an address the grant does not cover, [`SocketError::Listen`] if a socket is no
    /// listening TCP socket, [`SocketError::Misuse`] without any.
    pub fn adopt(
        grant: Grant<Listen>,
        listeners: Vec<std::net::TcpListener>,
        control: StreamSocketControl,
    ) -> Result<Self, SocketError> {
        if listeners.is_empty() {
            return Err(SocketError::Misuse("at least one listening socket is needed"));
        }
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let (mut sockets, mut addrs) = (Vec::new(), Vec::new());
        for listener in listeners {
            let at = listener.local_addr().map_err(|cause| SocketError::Listen { at: unknown, cause })?;
            grant.permits(at)?;
            let listen = |cause| SocketError::Listen { at, cause };
            listener.set_nonblocking(true).map_err(listen)?;
            sockets.push(TcpListener::from_std(listener).map_err(listen)?);
            addrs.push(at);
        }
        Ok(Self { grant, control: control.bound(), sockets, addrs, tunnels: mpsc::channel(TUNNELS) })
    }

    /// Where callers that came another way than TCP are handed in, to be treated like all others.
    pub fn tunnels(&self) -> mpsc::Sender<Tunnel> {
        self.tunnels.0.clone()
    }

    /// Where it listens, in the order of [`Self::bind`], with the real port.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// The sockets themselves, for who keeps them open while this program does not run (R4.22).
    pub fn handles(&self) -> Vec<BorrowedFd<'_>> {
        self.sockets.iter().map(AsFd::as_fd).collect()
    }

    /// The socket options; settled by now (R3.11).
    pub fn control(&mut self) -> &mut StreamSocketControl {
        &mut self.control
    }

    /// Accepts until cancelled. Connections that were handed over live on (R3.11), unfinished handshakes are dropped.
    ///
    /// # Errors
    /// [`SocketError::Denied`] when the grant was revoked.
    pub async fn serve(
        self,
        door: Arc<dyn Door>,
        profile: Profile,
        caps: Caps,
        cancel: CancellationToken,
        out: mpsc::Sender<Arrival>,
    ) -> Result<(), SocketError> {
        let front = Arc::new(Front {
            grant: self.grant,
            control: self.control,
            door,
            profile,
            seats: Seats::new(caps.clone()),
            caps,
            quiet: Quiet::default(),
            out,
        });
        let mut loops = JoinSet::new();
        for socket in self.sockets {
            let front = Arc::clone(&front);
            loops.spawn(accept(socket, front));
        }
        loops.spawn(admit(self.tunnels.1, Arc::clone(&front)));
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => Ok(()),
            () = front.out.closed() => Ok(()),
            Some(ended) = loops.join_next() => ended.unwrap_or(Ok(())),
        };
        loops.shutdown().await;
        outcome
    }
}

/// What all accepting tasks share.
struct Front {
    grant: Grant<Listen>,
    control: StreamSocketControl,
    door: Arc<dyn Door>,
    profile: Profile,
    caps: Caps,
    seats: Arc<Seats>,
    quiet: Quiet,
    out: mpsc::Sender<Arrival>,
}

fn bind_all(addrs: &[SocketAddr], control: &StreamSocketControl) -> Result<Vec<TcpListener>, SocketError> {
    if addrs.is_empty() {
        return Err(SocketError::Misuse("a listener needs an address"));
    }
    let mut port = None;
    let mut sockets = Vec::with_capacity(addrs.len());
    for at in addrs {
        let mut place = *at;
        if place.port() == 0 {
            place.set_port(port.unwrap_or(0));
        }
        let fault = |cause| SocketError::Listen { at: *at, cause };
        let socket = bind_one(place, control).map_err(fault)?;
        port = port.or(socket.local_addr().ok().map(|addr| addr.port()).filter(|_| at.port() == 0));
        sockets.push(socket);
    }
    Ok(sockets)
}

fn bind_one(at: SocketAddr, control: &StreamSocketControl) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, None)?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // On Unix this allows binding while old connections are still fading, not sharing a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    control.apply(&SockRef::from(&socket), at)?;
    socket.bind(&at.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts on one socket until the grant is revoked.
async fn accept(socket: TcpListener, front: Arc<Front>) -> Result<(), SocketError> {
    let mut spare = Spare::new();
    let mut callers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            Some(_) = callers.join_next() => continue,
            accepted = socket.accept() => accepted,
        };
        front.grant.check()?;
        match accepted {
            Ok((tcp, from)) => {
                if let Some(caller) = seat(&front, tcp, from, None) {
                    callers.spawn(caller);
                }
            }
            Err(error) if is_exhausted(&error) => {
                front.quiet.say("descriptors", || tracing::warn!("too many open files: turning callers away"));
                spare.turn_away(&socket).await;
            }
            Err(error) => {
                // The caller is gone again, or the network hiccupped; nothing that stopping would better.
                front.quiet.say("accept", || tracing::debug!(%error, "a connection could not be accepted"));
                sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

/// Takes callers through tunnels until the grant is revoked.
async fn admit(mut tunnels: mpsc::Receiver<Tunnel>, front: Arc<Front>) -> Result<(), SocketError> {
    let mut callers = JoinSet::new();
    loop {
        let tunnel = tokio::select! {
            biased;
            Some(_) = callers.join_next() => continue,
            tunnel = tunnels.recv() => tunnel,
        };
        front.grant.check()?;
        // As long as there is a listener somebody may hand one in.
        let Some(Tunnel { end, remote }) = tunnel else { return std::future::pending().await };
        if let Some(caller) = seat(&front, end, remote, Some(remote)) {
            callers.spawn(caller);
        }
    }
}

/// A place for the caller and the work on it, or nothing: then it is closed without a word.
fn seat(
    front: &Arc<Front>,
    tcp: TcpStream,
    from: SocketAddr,
    through: Option<SocketAddr>,
) -> Option<impl Future<Output = ()> + use<>> {
    if from.ip().to_canonical().is_loopback() && !front.grant.loopback() {
        front.quiet.say("loopback", || tracing::debug!("a caller from this machine was turned away"));
        return None;
    }
    let Some(place) = front.seats.enter(source_of(from)) else {
        front.quiet.say("crowded", || tracing::info!("too many callers: some are turned away"));
        return None;
    };
    let front = Arc::clone(front);
    Some(async move {
        if let Err(error) = receive(&front, tcp, from, through, place).await {
            let code = error.code();
            front.quiet.say(code.name(), || tracing::info!(%from, %code, %error, "a caller was turned away"));
        }
    })
}

fn source_of(from: SocketAddr) -> IpAddr {
    from.ip().to_canonical()
}

fn is_exhausted(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM))
}

/// A descriptor to give away when there is none left, so that a waiting caller can be accepted and closed instead of
/// waking the listener for ever.
struct Spare(Option<File>);

impl Spare {
    fn new() -> Self {
        Self(File::open("/dev/null").ok())
    }

    async fn turn_away(&mut self, socket: &TcpListener) {
        let had = self.0.take().is_some();
        if had {
            // Without waiting: the system reports the shortage even if nobody is there, and then the next caller, for
            // whom there may be descriptors again, must not be the one who pays.
            let caller = poll_fn(|cx| Poll::Ready(socket.poll_accept(cx))).await;
            drop(caller);
        }
        *self = Self::new();
        // One caller a time without a pause would keep a core busy while the shortage lasts.
        sleep(if had && self.0.is_some() { BREATH / 10 } else { BREATH }).await;
    }
}

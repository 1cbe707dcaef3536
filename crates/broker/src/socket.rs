//! A socket that can be handed over: named for it before it is bound or connected (R4.2), used, ended in what it does
//! (R4.4), handed over (R4.5). May be shared between threads.

use crate::{
    broker::Broker,
    fault::BrokerError,
    message::{Ask, MAX_CONTEXT, MAX_KEEP_ALIVE, Wake},
};
use data_encoding::BASE64;
use hither_model::row::HeldKind;
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, eventfd, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect,
        getsockname, listen, recv, send, socket_with,
        sockopt::{set_socket_reuseaddr, socket_error},
    },
};
use std::{
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const BACKLOG: i32 = 128;

/// Whose addresses a socket has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// A path.
    Unix,
}

/// A socket that can be handed over.
#[derive(Debug)]
pub struct Socket {
    kind: HeldKind,
    state: Mutex<State>,
    /// Told when nothing is under way any more.
    still: Condvar,
    /// Readable while what is under way shall end.
    cancel: OwnedFd,
}

#[derive(Debug)]
struct State {
    fd: Option<Arc<OwnedFd>>,
    task: Option<String>,
    begun: bool,
    pending: usize,
}

impl Socket {
    /// A new socket, not bound.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new(kind: HeldKind, family: Family) -> Result<Self, BrokerError> {
        let domain = match family {
            Family::V4 => AddressFamily::INET,
            Family::V6 => AddressFamily::INET6,
            Family::Unix => AddressFamily::UNIX,
        };
        let sort = if kind == HeldKind::Datagram { SocketType::DGRAM } else { SocketType::STREAM };
        let fd = socket_with(domain, sort, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None).map_err(system)?;
        if kind == HeldKind::Listener && family != Family::Unix {
            set_socket_reuseaddr(&fd, true).map_err(system)?;
        }
        Self::around(fd, kind, None, false)
    }

    /// One that this program has from elsewhere. It is in use already, so it can be used here and not handed over.
    ///
    /// # Errors
    /// The system refuses.
    pub fn adopt(fd: OwnedFd, kind: HeldKind) -> Result<Self, BrokerError> {
        Self::around(fd, kind, None, true)
    }

    pub(crate) fn taken(fd: OwnedFd, kind: HeldKind, task: String) -> Result<Self, BrokerError> {
        Self::around(fd, kind, Some(task), true)
    }

    fn around(fd: OwnedFd, kind: HeldKind, task: Option<String>, begun: bool) -> Result<Self, BrokerError> {
        let flags = rustix::fs::fcntl_getfl(&fd).map_err(system)?;
        rustix::fs::fcntl_setfl(&fd, flags | rustix::fs::OFlags::NONBLOCK).map_err(system)?;
        let cancel = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(system)?;
        let state = State { fd: Some(Arc::new(fd)), task, begun, pending: 0 };
        Ok(Self { kind, state: Mutex::new(state), still: Condvar::new(), cancel })
    }

    /// What it is.
    pub fn kind(&self) -> HeldKind {
        self.kind
    }

    /// Says that this socket will be handed over for a task: before it is bound or connected (R4.2).
    ///
    /// # Errors
    /// [`BrokerError::IllegalMethodCall`] once it is bound or connected; [`BrokerError::ElementNotFound`] for [`Wake::Wake`],
    /// and for a task that nobody named.
    pub fn enable_ownership(&self, broker: &mut Broker, task: &str, wake: Wake) -> Result<(), BrokerError> {
        let too_late = || BrokerError::IllegalMethodCall("the socket is bound or connected already".into());
        if self.state().begun {
            return Err(too_late());
        }
        broker.enable(task, wake)?;
        let mut state = self.state();
        if state.begun {
            return Err(too_late());
        }
        state.task = Some(task.to_owned());
        Ok(())
    }

    /// The same as every program should say it: waking the machine if that can be had, else without (R4.3). What was had.
    ///
    /// # Errors
    /// As [`Socket::enable_ownership`], but that waking cannot be had.
    pub fn enable(&self, broker: &mut Broker, task: &str) -> Result<Wake, BrokerError> {
        match self.enable_ownership(broker, task, Wake::Wake) {
            Err(BrokerError::ElementNotFound(_)) => {
                self.enable_ownership(broker, task, Wake::DoNotWake).map(|()| Wake::DoNotWake)
            }
            other => other.map(|()| Wake::Wake),
        }
    }

    /// Binds it; a listener listens from now on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn bind(&self, address: SocketAddr) -> Result<(), BrokerError> {
        self.begin(|fd| bind(fd, &address))
    }

    /// The same at a path.
    ///
    /// # Errors
    /// The system refuses.
    pub fn bind_path(&self, path: &Path) -> Result<(), BrokerError> {
        self.begin(|fd| bind(fd, &SocketAddrUnix::new(path)?))
    }

    fn begin(&self, place: impl Fn(&OwnedFd) -> Result<(), Errno>) -> Result<(), BrokerError> {
        let mut state = self.state();
        let fd = state.fd.clone().ok_or(BrokerError::Closed)?;
        place(&fd).map_err(system)?;
        state.begun = true;
        if self.kind == HeldKind::Listener { listen(&*fd, BACKLOG).map_err(system) } else { Ok(()) }
    }

    /// Connects it, and waits until it is.
    ///
    /// # Errors
    /// Nobody answers there, or what is under way was ended.
    pub fn connect(&self, address: SocketAddr) -> Result<(), BrokerError> {
        self.reach(|fd| connect(fd, &address))
    }

    /// The same to a path.
    ///
    /// # Errors
    /// As [`Socket::connect`].
    pub fn connect_path(&self, path: &Path) -> Result<(), BrokerError> {
        self.reach(|fd| connect(fd, &SocketAddrUnix::new(path)?))
    }

    fn reach(&self, go: impl Fn(&OwnedFd) -> Result<(), Errno>) -> Result<(), BrokerError> {
        let mut under_way = false;
        self.wait(PollFlags::OUT, |fd| {
            if under_way {
                return socket_error(fd)?;
            }
            under_way = true;
            match go(fd) {
                // It is, once it can be written to.
                Err(Errno::INPROGRESS) => Err(Errno::AGAIN),
                other => other,
            }
        })
    }

    /// Takes the next connection of a listener. What comes of it can be handed over for the same task.
    ///
    /// # Errors
    /// The system refuses, or what is under way was ended.
    pub fn accept(&self) -> Result<Self, BrokerError> {
        let fd = self.wait(PollFlags::IN, |fd| accept_with(fd, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK))?;
        let task = self.state().task.clone();
        Self::around(fd, HeldKind::Stream, task, true)
    }

    /// Reads what is there, or waits for it; 0 at the end.
    ///
    /// # Errors
    /// The connection broke, or what is under way was ended.
    pub fn receive(&self, into: &mut [u8]) -> Result<usize, BrokerError> {
        self.wait(PollFlags::IN, |fd| recv(fd, &mut *into, RecvFlags::DONTWAIT).map(|(count, _)| count))
    }

    /// Writes some of it.
    ///
    /// # Errors
    /// The connection broke, or what is under way was ended.
    pub fn send(&self, bytes: &[u8]) -> Result<usize, BrokerError> {
        self.wait(PollFlags::OUT, |fd| send(fd, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL))
    }

    /// Does something as soon as the socket is ready for it, unless [`Socket::cancel_io`] comes first.
    fn wait<T>(&self, ready: PollFlags, mut act: impl FnMut(&OwnedFd) -> Result<T, Errno>) -> Result<T, BrokerError> {
        let fd = {
            let mut state = self.state();
            let fd = state.fd.clone().ok_or(BrokerError::Closed)?;
            state.begun = true;
            state.pending += 1;
            fd
        };
        let outcome = loop {
            match act(&fd) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => break other.map_err(system),
            }
            let mut both = [PollFd::new(&*fd, ready), PollFd::new(&self.cancel, PollFlags::IN)];
            match poll(&mut both, None) {
                Ok(_) if both.last().is_some_and(|cancel| !cancel.revents().is_empty()) => {
                    break Err(BrokerError::Canceled);
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => break Err(system(e)),
            }
        };
        // Before anybody hears that nothing is under way: whoever hands over must hold the only one.
        drop(fd);
        self.state().pending -= 1;
        self.still.notify_all();
        outcome
    }

    /// Whether something is under way, in another thread: then it cannot be handed over.
    pub fn is_busy(&self) -> bool {
        self.state().pending > 0
    }

    /// Ends everything that is under way, and returns when it has ended (R4.4). What was given to the system to be sent is sent.
    ///
    /// # Errors
    /// The socket is not this program's any more.
    pub fn cancel_io(&self) -> Result<(), BrokerError> {
        let mut state = self.state();
        if state.fd.is_none() {
            return Err(BrokerError::Closed);
        }
        if state.pending == 0 {
            return Ok(());
        }
        rustix::io::write(&self.cancel, &1_u64.to_ne_bytes()).map_err(system)?;
        while state.pending > 0 {
            state = self.still.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut count = [0; 8];
        match rustix::io::read(&self.cancel, &mut count) {
            // Somebody else ended it at the same time.
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(e) => Err(system(e)),
        }
    }

    /// Hands the socket over (R4.5): from now on this handle is dead, and the task's program is started when something comes.
    /// `id` is unique in the app. `context` (at most 64 KiB) comes back unchanged. After `keep_alive` without traffic the
    /// program is wanted too; not for listeners.
    ///
    /// # Errors
    /// [`BrokerError::IllegalMethodCall`] if it was not enabled, or something is under way; [`BrokerError::InvalidArgument`] for a
    /// name that is taken, a long context, or a listener with a time. The socket stays this program's then.
    pub fn transfer_ownership(
        &self,
        broker: &mut Broker,
        id: &str,
        context: &[u8],
        keep_alive: Option<Duration>,
    ) -> Result<(), BrokerError> {
        let mut state = self.state();
        let fd = state.fd.clone().ok_or(BrokerError::Closed)?;
        let refuse = |why: &str| Err(BrokerError::IllegalMethodCall(why.into()));
        let Some(task) = state.task.clone() else {
            return refuse("the socket was not enabled to be handed over before it was bound or connected");
        };
        if state.pending > 0 {
            return refuse("something is under way on the socket: end it first (cancel_io)");
        }
        let keep_alive = match keep_alive {
            None => None,
            Some(time) if self.kind != HeldKind::Listener && (1..=MAX_KEEP_ALIVE).contains(&time.as_secs()) => {
                Some(time.as_secs())
            }
            Some(_) => {
                return Err(BrokerError::InvalidArgument("a time is for streams and datagrams, 1 s to a day".into()));
            }
        };
        if context.len() > MAX_CONTEXT {
            return Err(BrokerError::InvalidArgument(format!("a context of more than {MAX_CONTEXT} bytes")));
        }
        let context = BASE64.encode(context);
        let ask = Ask::Transfer { task, id: id.into(), kind: self.kind, context, keep_alive };
        broker.done(&ask, Some(fd.as_fd()))?;
        state.fd = None;
        Ok(())
    }

    /// Its own address, where it has an Internet one.
    ///
    /// # Errors
    /// The socket is not this program's any more, or has no such address.
    pub fn local_addr(&self) -> Result<SocketAddr, BrokerError> {
        let fd = self.state().fd.clone().ok_or(BrokerError::Closed)?;
        SocketAddr::try_from(getsockname(&*fd).map_err(system)?).map_err(system)
    }

    /// The number by which the kernel tells sockets apart: the same in every program that has it (R4.21).
    ///
    /// # Errors
    /// The socket is not this program's any more.
    pub fn inode(&self) -> Result<u64, BrokerError> {
        let fd = self.state().fd.clone().ok_or(BrokerError::Closed)?;
        Ok(rustix::fs::fstat(&*fd).map_err(system)?.st_ino)
    }

    /// The descriptor, for use elsewhere. It does not block.
    ///
    /// # Errors
    /// [`BrokerError::IllegalMethodCall`] while something is under way.
    pub fn into_fd(self) -> Result<OwnedFd, BrokerError> {
        let fd = self.state().fd.take().ok_or(BrokerError::Closed)?;
        Arc::try_unwrap(fd).map_err(|_| BrokerError::IllegalMethodCall("something is under way".into()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn system(e: Errno) -> BrokerError {
    BrokerError::System(e.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Read, net::TcpListener, thread};

    #[test]
    fn r4_4_what_is_under_way_ends_before_cancel_io_returns_and_what_was_sent_arrives() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = Arc::new(Socket::new(HeldKind::Stream, Family::V4).unwrap());
        socket.connect(server.local_addr().unwrap()).unwrap();
        let (mut far, _) = server.accept().unwrap();
        assert_eq!(socket.send(b"sent").unwrap(), 4);
        let reads: Vec<_> = (0..3)
            .map(|_| {
                let socket = Arc::clone(&socket);
                thread::spawn(move || socket.receive(&mut [0; 8]))
            })
            .collect();
        while socket.state().pending < 3 {
            thread::yield_now();
        }
        socket.cancel_io().unwrap();
        assert_eq!(socket.state().pending, 0, "something is still under way");
        for read in reads {
            assert!(matches!(read.join().unwrap(), Err(BrokerError::Canceled)));
        }
        let mut arrived = [0; 4];
        far.read_exact(&mut arrived).unwrap();
        assert_eq!(&arrived, b"sent");
        // It can be used again.
        std::io::Write::write_all(&mut far, b"x").unwrap();
        assert_eq!(socket.receive(&mut [0; 8]).unwrap(), 1);
    }
}

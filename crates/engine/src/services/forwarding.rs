//! The using side: an address of this machine at which its programs reach a service that another device lends. It is
//! there as long as the session, and no program of another machine reaches it.

use super::{
    Arrived, ForwardId, Leave, MAX_OPEN_EACH, Party,
    carry::{Post, break_off},
};
use crate::{asks::Reply, lanes::Use, state::State};
use hither_capability::{Forward, Grant, spelt};
use hither_model::{Answer, ErrorCode, Failure, LentName, News, PeerId, SessionId};
use hither_protocol::session::Purpose;
use hither_socket::{Channel, Proven};
use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Addresses at which services of others are reached.
const MAX_FORWARDS: usize = 32;
/// Lanes that are made at a time for the programs of one session: a listener takes four callers of one address (section 2
/// of docs/wire.md), and the other side may want some too.
const TURNS: usize = 2;
/// Where a service is reached if nobody said where.
const ANYWHERE: &str = "127.0.0.1:0";

/// An address at which a service is reached.
pub(super) struct Forwarding {
    pub(super) session: SessionId,
    pub(super) peer: PeerId,
    pub(super) name: LentName,
    pub(super) bind: SocketAddr,
    pub(super) served: u64,
    /// Why the last connection came to nothing.
    pub(super) trouble: Option<String>,
    turns: Arc<Semaphore>,
    cancel: CancellationToken,
}

/// Whether a service is lent to us is being asked; the address is taken already.
pub(crate) struct Seek {
    session: SessionId,
    name: LentName,
    listener: TcpListener,
    grant: Grant<Forward>,
    reply: Reply,
}

/// A connection of a program here for which a lane is being made.
pub(crate) struct Borrow {
    arrived: Arrived,
    /// Held until the lane stands or will not.
    _turn: OwnedSemaphorePermit,
}

impl State {
    /// A person wants to reach a service of another device.
    pub(crate) fn forward(&mut self, wanted: &str, name: LentName, bind: Option<&str>, reply: Reply) {
        match self.take_address(wanted, bind) {
            Ok((session, grant, listener)) => {
                let purpose = Purpose::Service { name: name.to_string(), ask: true };
                let seek = Seek { session, name, listener, grant, reply };
                self.request_lane(session, purpose, Use::Seek(Box::new(seek)));
            }
            Err(failure) => drop(reply.send(Err(failure))),
        }
    }

    fn take_address(
        &self,
        wanted: &str,
        bind: Option<&str>,
    ) -> Result<(SessionId, Grant<Forward>, TcpListener), Failure> {
        let session = self.session_for_new(wanted)?;
        if self.loans.forwards.len() >= MAX_FORWARDS {
            return Err(Failure::new(ErrorCode::Busy, "as many services are reached here as can be")
                .hint("see `hither forward --list`, and stop what is not needed"));
        }
        let grant = spelt(bind.unwrap_or(ANYWHERE)).and_then(|bind| self.gate.forward(bind))?;
        let bind = grant.bind()?;
        if self.loans.table.iter().any(|(_, lent)| lent.target == bind) {
            return Err(Failure::new(
                ErrorCode::Misuse,
                format!("{bind} is lent to others as a service of this machine"),
            )
            .hint("choose another port, or none"));
        }
        let listener = TcpListener::bind(bind).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        Ok((session, grant, listener.map_err(|error| not_bound(bind, &error))?))
    }

    /// It is lent to us: programs are let in from now on.
    pub(crate) fn seek_granted(&mut self, seek: Seek) {
        let Seek { session, name, listener, grant, reply } = seek;
        let opened = listener.local_addr().and_then(|bind| Ok((bind, tokio::net::TcpListener::from_std(listener)?)));
        let (bind, listener) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let failure = Failure::new(ErrorCode::Internal, format!("listening failed: {error}"));
                return drop(reply.send(Err(failure)));
            }
        };
        let Some(peer) = self.sessions.get(&session).map(|s| s.kept.peer) else { return };
        let shared = self.loans.forwards.values().find(|f| f.session == session).map(|f| Arc::clone(&f.turns));
        let turns = shared.unwrap_or_else(|| Arc::new(Semaphore::new(TURNS)));
        self.loans.counter += 1;
        let (id, cancel) = (ForwardId(self.loans.counter), self.cancel.child_token());
        let post = Post {
            forward: id,
            grant,
            seats: [Arc::new(Semaphore::new(MAX_OPEN_EACH)), Arc::clone(&self.loans.seats_borrowed)],
            turns: Arc::clone(&turns),
            events: self.events.clone(),
            tasks: self.tasks.clone(),
            cancel: cancel.clone(),
        };
        self.tasks.spawn(post.attend(listener));
        let who = self.name_of(&peer);
        self.note("borrowed", Some(peer), Some(who), format!("their service {name} can be reached at {bind}"));
        let forwarding = Forwarding { session, peer, name, bind, served: 0, trouble: None, turns, cancel };
        self.loans.forwards.insert(id, forwarding);
        self.tell_forwarding(id);
        let forwarding = self.forwarding_row(id).into_iter().collect();
        let _ = reply.send(Ok(Answer::Lent { exposed: vec![], forwarding }));
    }

    /// It is not lent to us, or could not be asked.
    pub(crate) fn seek_failed(&mut self, seek: Seek, failure: Failure) {
        let failure = match failure.code {
            ErrorCode::Declined => failure.hint("ask them to lend it: `hither expose NAME ADDR:PORT --to …`"),
            _ => failure,
        };
        let _ = seek.reply.send(Err(failure));
    }

    /// A program here connected.
    pub(super) fn borrow_service(&mut self, arrived: Arrived, turn: OwnedSemaphorePermit) {
        let Some(forwarding) = self.loans.forwards.get(&arrived.forward) else { return break_off(arrived.local) };
        let purpose = Purpose::Service { name: forwarding.name.to_string(), ask: false };
        let session = forwarding.session;
        self.request_lane(session, purpose, Use::Borrow(Box::new(Borrow { arrived, _turn: turn })));
    }

    /// The lane of a connection to a service of theirs stands.
    pub(crate) fn borrow_on(&mut self, session: SessionId, borrow: Borrow, channel: Channel<Proven>) {
        let Arrived { forward, local, seat } = borrow.arrived;
        let Some(forwarding) = self.loans.forwards.get_mut(&forward) else { return break_off(local) };
        forwarding.served = forwarding.served.saturating_add(1);
        forwarding.trouble = None;
        let by = Leave { session, grant: None };
        self.carry(by, Party::Borrowed(forward), local, channel, seat.into());
    }

    /// There will be no lane. If it is lent no more, there is nothing to reach.
    pub(crate) fn borrow_failed(&mut self, borrow: Borrow, failure: &Failure) {
        let Arrived { forward, local, .. } = borrow.arrived;
        break_off(local);
        let Some(forwarding) = self.loans.forwards.get_mut(&forward) else { return };
        tracing::debug!(name = %forwarding.name, %failure, "a service of another device was not reached");
        if failure.code == ErrorCode::Declined {
            return self.end_forward(forward, "it is not lent to us any more");
        }
        forwarding.trouble = Some(failure.message.clone());
        self.use_changed(Party::Borrowed(forward));
    }

    /// A person wants it no more.
    pub(crate) fn unforward(&mut self, what: &str) -> Result<Answer, Failure> {
        let what = what.trim();
        let fits = |f: &Forwarding| f.name.as_str() == what || f.bind.to_string() == what;
        let found: Vec<ForwardId> = self.loans.forwards.iter().filter(|(_, f)| fits(f)).map(|(id, _)| *id).collect();
        match found.as_slice() {
            [one] => {
                self.end_forward(*one, "stopped");
                Ok(Answer::Done)
            }
            found => {
                let message = match found.len() {
                    0 => format!("no service {what:?} of another device is reached here"),
                    _ => format!("{what:?} could be several"),
                };
                Err(Failure::new(ErrorCode::UnknownId, message)
                    .hint("run `hither forward --list`, and name it by its address"))
            }
        }
    }

    pub(super) fn end_forward(&mut self, id: ForwardId, why: &str) {
        let Some(forwarding) = self.loans.forwards.remove(&id) else { return };
        forwarding.cancel.cancel();
        self.loans.break_off(|carried| carried.party == Party::Borrowed(id));
        self.loans.untold.remove(&Party::Borrowed(id));
        let Forwarding { peer, name, bind, .. } = forwarding;
        let who = self.name_of(&peer);
        self.note("borrowed", Some(peer), Some(who), format!("their service {name} is reached no more: {why}"));
        self.tell(News::ForwardingEnded { name, peer, bind: bind.to_string(), why: why.to_owned() });
    }
}

fn not_bound(bind: SocketAddr, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AddrInUse => Failure::new(ErrorCode::Misuse, format!("{bind} is in use by another program"))
            .hint("choose another port, or leave `--bind` out for a free one"),
        _ => Failure::new(ErrorCode::Misuse, format!("{bind} cannot be listened on: {error}"))
            .hint("choose another address of this machine, or leave `--bind` out"),
    }
}

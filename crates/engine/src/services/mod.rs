//! Services of one device lent to another: a name, a target on this machine, and leaves for peers; and addresses of this
//! machine at which programs reach what others lend. Each connection is a lane of its own.
//!
//! Whoever uses a service asks for the lane, whoever lends it decides (`table`), connects to the target and then lets
//! the lane come. The bytes are nobody's business here. What is *not* here: pipes (`lanes`), which are for one program on
//! each side, and which addresses may be lent at all (`hither_capability`).

mod carry;
mod forwarding;
mod granted;
mod lending;
mod rows;
mod table;

pub(crate) use forwarding::{Borrow, Seek};
pub(crate) use lending::Lend;

use crate::{
    clock::Clock,
    state::State,
    store::{Keeper, Slot},
};
use forwarding::Forwarding;
use hither_model::{Failure, GrantId, LaneId, LentName, News, PeerId, SessionId};
use hither_socket::{Channel, Proven};
use lending::Reaching;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use table::{Now, Table};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

/// Connections of others to services here, and of programs here to services of others: each at most so many at a time.
/// A connection takes two descriptors.
const MAX_OPEN: usize = 128;
/// The same for one device that uses services here, and for one address at which a service is reached.
const MAX_OPEN_EACH: usize = 64;
/// How often the faces are told how one service is used, milliseconds.
const TELL_EVERY: u64 = 1_000;
/// How often the history says that somebody uses a service, milliseconds.
const NOTE_EVERY: u64 = 60_000;

/// Names an address at which a service is reached, for as long as the agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ForwardId(u64);

/// A connection of a program here that is to become a lane.
pub(crate) struct Arrived {
    forward: ForwardId,
    local: TcpStream,
    seat: [OwnedSemaphorePermit; 2],
}

/// From the tasks of this room.
pub(crate) enum Report {
    /// The target of a service that is lent took the connection, or not.
    Reached { lane: LaneId, outcome: Result<TcpStream, Failure> },
    /// A program here wants the service of another device, and it is its turn.
    Arrived { arrived: Box<Arrived>, turn: OwnedSemaphorePermit },
    /// A connection is over; bytes from and to the other device.
    Ended { carried: u64, moved: (u64, u64) },
}

/// For whom a connection is carried.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Party {
    /// The device uses this service of ours.
    Lent(LentName, PeerId),
    /// A program here uses a service of theirs.
    Borrowed(ForwardId),
}

/// In which session a connection is, and by which grant.
#[derive(Debug, Clone, Copy)]
struct Leave {
    session: SessionId,
    grant: Option<GrantId>,
}

/// An open connection.
struct Carried {
    session: SessionId,
    party: Party,
    /// The grant it was made by.
    grant: Option<GrantId>,
    cancel: CancellationToken,
}

/// All of it.
pub(crate) struct Loans {
    table: Table,
    /// Connections to targets that are being made.
    reaching: HashMap<LaneId, Reaching>,
    forwards: BTreeMap<ForwardId, Forwarding>,
    carried: HashMap<u64, Carried>,
    counter: u64,
    /// Seats for others, and for programs here.
    seats_lent: Arc<Semaphore>,
    seats_borrowed: Arc<Semaphore>,
    /// What the faces are yet to be told about, and when, monotonic milliseconds.
    untold: BTreeMap<Party, u64>,
    told: BTreeMap<Party, u64>,
    /// When the history last said that somebody uses a service.
    noted: BTreeMap<(LentName, PeerId), u64>,
    /// When it last said that somebody was refused.
    refused_at: Option<u64>,
}

impl Loans {
    /// What was lent beyond the last run of the agent.
    ///
    /// # Errors
    /// A damaged file.
    pub(crate) fn load(keeper: &Keeper, clock: Clock) -> Result<Self, Failure> {
        let table: Table = keeper.load(Slot::Lent).map_err(Failure::from)?.unwrap_or_default();
        Ok(Self {
            table: table.revived(now(clock)),
            reaching: HashMap::new(),
            forwards: BTreeMap::new(),
            carried: HashMap::new(),
            counter: 0,
            seats_lent: Arc::new(Semaphore::new(MAX_OPEN)),
            seats_borrowed: Arc::new(Semaphore::new(MAX_OPEN)),
            untold: BTreeMap::new(),
            told: BTreeMap::new(),
            noted: BTreeMap::new(),
            refused_at: None,
        })
    }

    /// Whether a lane of that name or rendezvous value is being prepared.
    pub(crate) fn prepares(&self, lane: &LaneId, rid: &hither_model::Rid) -> bool {
        self.reaching.contains_key(lane) || self.reaching.values().any(|reaching| reaching.rid == *rid)
    }

    /// How many lanes of a session are being prepared.
    pub(crate) fn preparing(&self, session: SessionId) -> usize {
        self.reaching.values().filter(|reaching| reaching.session == session).count()
    }

    fn open(&self, fits: impl Fn(&Party) -> bool) -> usize {
        self.carried.values().filter(|carried| fits(&carried.party)).count()
    }

    /// Ends the connections that fit, at once.
    fn break_off(&mut self, fits: impl Fn(&Carried) -> bool) {
        // The tasks report their end, which takes them out of the list.
        self.carried.values().filter(|carried| fits(carried)).for_each(|carried| carried.cancel.cancel());
    }
}

fn now(clock: Clock) -> Now {
    Now { mono: clock.now(), unix: clock.unix() }
}

impl State {
    /// Something came from a task of this room.
    pub(crate) fn services_reported(&mut self, report: Report) {
        match report {
            Report::Reached { lane, outcome } => self.target_reached(lane, outcome),
            Report::Arrived { arrived, turn } => self.borrow_service(*arrived, turn),
            Report::Ended { carried, moved } => self.carried_over(carried, moved),
        }
    }

    /// Moves the bytes of a connection from now on.
    fn carry(&mut self, by: Leave, party: Party, local: TcpStream, channel: Channel<Proven>, seat: Seats) {
        self.loans.counter += 1;
        let (id, cancel) = (self.loans.counter, self.cancel.child_token());
        let Leave { session, grant } = by;
        let carried = Carried { session, party: party.clone(), grant, cancel: cancel.clone() };
        self.loans.carried.insert(id, carried);
        let events = self.events.clone();
        self.tasks.spawn(async move {
            let moved = carry::carry(local, channel.into_stream(), cancel).await;
            drop(seat);
            let _ = events.send(crate::event::Event::Services(Report::Ended { carried: id, moved })).await;
        });
        self.use_changed(party);
    }

    fn carried_over(&mut self, id: u64, (received, sent): (u64, u64)) {
        let Some(carried) = self.loans.carried.remove(&id) else { return };
        if let Some(session) = self.sessions.get_mut(&carried.session) {
            session.bytes_in = session.bytes_in.saturating_add(received);
            session.bytes_out = session.bytes_out.saturating_add(sent);
        }
        if let (Party::Lent(name, _), Some(_)) = (&carried.party, carried.grant) {
            self.holders_changed(&name.clone());
        }
        self.use_changed(carried.party);
    }

    /// The faces are told, but not more often than they can show.
    fn use_changed(&mut self, party: Party) {
        let now = self.clock.now();
        let soonest = self.loans.told.get(&party).map_or(now, |told| (told + TELL_EVERY).max(now));
        self.loans.untold.entry(party).or_insert(soonest);
    }

    /// What is due: leaves that are over, and what the faces are yet to be told.
    pub(crate) fn loans_due(&mut self) {
        let at = now(self.clock);
        let over = self.loans.table.expire(at);
        self.leaves_over(over, "its time is over");
        let due: Vec<Party> =
            self.loans.untold.iter().filter(|(_, due)| **due <= at.mono).map(|(party, _)| party.clone()).collect();
        for party in due {
            self.loans.untold.remove(&party);
            self.loans.told.insert(party.clone(), at.mono);
            match party {
                Party::Lent(name, _) => self.tell_exposed(&name),
                Party::Borrowed(forward) => self.tell_forwarding(forward),
            }
        }
        self.loans.told.retain(|_, told| *told + TELL_EVERY > at.mono);
    }

    pub(crate) fn loans_deadline(&self) -> Option<u64> {
        self.loans.untold.values().copied().chain(self.loans.table.deadline()).min()
    }

    /// A session ends, or takes nothing new: what was lent in it ends at once, in both directions.
    pub(crate) fn end_loans_of(&mut self, session: SessionId, why: &str) {
        self.give_up(|reaching| reaching.session == session);
        self.loans.break_off(|carried| carried.session == session);
        let over = self.loans.table.session_ended(session);
        self.leaves_over(over, why);
        let forwards: Vec<ForwardId> =
            self.loans.forwards.iter().filter(|(_, f)| f.session == session).map(|(id, _)| *id).collect();
        for forward in forwards {
            self.end_forward(forward, why);
        }
    }

    /// A device was forgotten or blocked: nothing is lent to it any more.
    pub(crate) fn end_loans_to(&mut self, peer: PeerId, why: &str) {
        let over = self.loans.table.end(|_, to, _| *to == peer);
        self.leaves_over(over, why);
    }

    /// Leaves that are over: their connections end, and everybody hears of it.
    fn leaves_over(&mut self, over: Vec<table::Over>, why: &str) {
        if over.is_empty() {
            return;
        }
        for (name, peer) in &over {
            self.give_up(|reaching| reaching.lend.name == *name && reaching.lend.peer == *peer);
            let party = Party::Lent(name.clone(), *peer);
            self.loans.break_off(|carried| carried.party == party);
            self.loans.untold.remove(&party);
            self.loans.noted.remove(&(name.clone(), *peer));
            let who = self.name_of(peer);
            self.note("lent", Some(*peer), Some(who), format!("the service {name} is lent no more: {why}"));
        }
        for name in over.into_iter().map(|(name, _)| name).collect::<std::collections::BTreeSet<_>>() {
            if self.loans.table.find(&name).is_some() {
                self.tell_exposed(&name);
            } else {
                self.tell(News::Unexposed { name, why: why.to_owned() });
            }
        }
        self.keep_loans();
    }

    fn keep_loans(&self) {
        self.keeper.save(Slot::Lent, &self.loans.table.kept());
    }

    /// What a device is called here.
    pub(crate) fn name_of(&self, peer: &PeerId) -> String {
        let session = self.sessions_with(peer).first().and_then(|id| self.sessions.get(id));
        let name = session.map(|s| s.kept.name.to_string());
        name.or_else(|| self.people.find(peer).map(|p| p.name.to_string())).unwrap_or_else(|| peer.short())
    }
}

/// Seats that are held as long as a connection is open.
type Seats = Vec<OwnedSemaphorePermit>;

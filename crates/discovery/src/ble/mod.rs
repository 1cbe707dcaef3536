//! Bluetooth LE: who is near, heard by radio, and what they say of themselves to who may ask.
//!
//! The pure parts say what is on the air ([`beacon`]), what is read over GATT ([`card`], [`routes`], `door`), how near
//! something is ([`nearness`]) and who is on the list ([`table`]). [`Ble`] is the part that sends and hears: one task
//! (`actor`) keeps the list and what is wanted, another (`driver`) makes the radio follow, and neither waits for the
//! system without a deadline. Two traits (`radio`) are all they know of it: `bluez` is Linux behind them.
//!
//! At rest it listens for 2 s of every 30 s; while somebody looks, all the time. Whatever sends needs the grant, which is
//! looked at again before every request and every three seconds. What is *not* here: making and resolving ids and tags,
//! deciding who it is, trust; a sighting is a claim by whoever sends, and nearness never proves anything.

mod actor;
mod address;
pub mod beacon;
#[cfg(target_os = "linux")]
mod bluez;
pub mod card;
mod door;
mod driver;
mod fact;
#[cfg(test)]
mod fake;
pub mod nearness;
mod pipe;
pub mod privacy;
mod radio;
mod reader;
pub mod routes;
pub mod table;
mod trouble;
mod work;

pub use address::{AddressFault, RadioAddress};
pub use beacon::{Beacon, BeaconId};
pub use card::{Card, CardFault};
pub use door::Porter;
pub use fact::Fact;
pub use hither_model::Nearness;
pub use pipe::{Duplex, Pipe};
pub use privacy::keeps_private;
pub use routes::{Routes, RoutesFault};
pub use table::Sighting;
pub use trouble::RadioTrouble;

use crate::fault::DiscoveryError;
use hither_capability::{Discover, Grant};
use hither_model::{MediumState, Rid};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the task.
const QUEUE: usize = 64;

/// What the radio says.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A device is heard, or says something new; at most once a second for one advert.
    Seen(Sighting),
    /// An advert is not heard any more, or the radio does not listen any more. Says nothing about an open session.
    Gone {
        /// The address it showed.
        source: RadioAddress,
        /// The id it had.
        id: Option<BeaconId>,
    },
    /// Whether Bluetooth works; if not, why and what to do. Told at the start and at every change.
    State(MediumState),
    /// Somebody opened a channel to us. Nothing is known of them but the address they show.
    Arrived(Pipe),
}

/// How a device shows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The id in the advert.
    pub id: BeaconId,
    /// What is read by who connects; only if `connectable`.
    pub card: Card,
    /// Others may connect: to read the card, to knock and to open channels. Without [`privacy`], that shows the radio's
    /// own address, which never changes.
    pub connectable: bool,
    /// The advert says that everyone may read the card.
    pub open: bool,
}

/// What [`Ble`] needs to know.
#[derive(Clone)]
pub struct Options {
    /// Which adapter to use; the first one that is switched on if none is named.
    pub adapter: Option<RadioAddress>,
    /// Who is told where we can be reached.
    pub porter: Arc<dyn Porter>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("adapter", &self.adapter).finish_non_exhaustive()
    }
}

type Back<T> = oneshot::Sender<Result<T, DiscoveryError>>;

/// A request to the task, with the way back.
#[derive(Debug)]
enum Request {
    Announce(Box<Announcement>, Back<()>),
    Withdraw(Back<()>),
    Look(bool),
    Keep(RadioAddress, bool),
    Read(RadioAddress, Back<Card>),
    Knock(RadioAddress, Rid, Back<Routes>),
    Open(RadioAddress, u16, Back<Pipe>),
    Psm(oneshot::Sender<Option<u16>>),
    Facts(oneshot::Sender<Vec<Fact>>),
    Stop(oneshot::Sender<()>),
}

/// Discovery by Bluetooth LE, running. Dropping it withdraws the advert as well, if the runtime lives long enough.
#[derive(Debug)]
pub struct Ble {
    requests: mpsc::Sender<Request>,
}

impl Ble {
    /// Starts listening at rest; announces nothing yet. Needs a Tokio runtime; returns at once, whatever the system does:
    /// how it goes is told as [`Event::State`], and trouble is tried again, when something changes and with growing pauses.
    ///
    /// A reader that lets `events` run full gets changes merged, not lost.
    ///
    /// # Errors
    /// [`DiscoveryError::Denied`].
    pub fn start(
        grant: Grant<Discover>,
        options: Options,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, DiscoveryError> {
        #[cfg(target_os = "linux")]
        let stack = bluez::Bluez::new(options.adapter, options.porter);
        #[cfg(not(target_os = "linux"))]
        let stack = radio::Nothing::new(options);
        Self::start_on(stack, grant, events, actor::wall)
    }

    fn start_on<S: radio::Stack>(
        stack: S,
        grant: Grant<Discover>,
        events: mpsc::Sender<Event>,
        clock: fn() -> u64,
    ) -> Result<Self, DiscoveryError> {
        grant.check()?;
        let (requests, inbox) = mpsc::channel(QUEUE);
        let actor = actor::Actor::new(Arc::new(stack), grant, events, clock);
        tokio::spawn(actor.run(inbox));
        Ok(Self { requests })
    }

    /// Shows this device as from now on; replaces what was shown before, id and radio address in the same instant.
    /// Returns before it is on the air: trouble on the way there is told as [`Event::State`], and what was asked for is
    /// done when the radio is back.
    ///
    /// # Errors
    /// [`DiscoveryError::Denied`], [`DiscoveryError::Card`], [`DiscoveryError::RadioStopped`].
    pub async fn announce(&self, announcement: Announcement) -> Result<(), DiscoveryError> {
        self.ask(|back| Request::Announce(Box::new(announcement), back)).await?
    }

    /// Shows this device no more; goes on listening. Returns when the advert is off the air, or cannot be on it.
    ///
    /// # Errors
    /// [`DiscoveryError::Denied`], [`DiscoveryError::Radio`], [`DiscoveryError::RadioStopped`].
    pub async fn withdraw(&self) -> Result<(), DiscoveryError> {
        self.ask(Request::Withdraw).await?
    }

    /// A person looks at who is near, or does not any more: listens all the time, and reads cards that everyone may.
    pub async fn look(&self, on: bool) {
        // A task that is gone does not listen either.
        let _ = self.requests.send(Request::Look(on)).await;
    }

    /// Marks what is heard from the address of a known device, so that no flood pushes it off the list (or unmarks it).
    pub async fn keep(&self, source: RadioAddress, keep: bool) {
        let _ = self.requests.send(Request::Keep(source, keep)).await;
    }

    /// Reads a device's card: connects, reads, disconnects. One device at a time, twelve seconds at most for each.
    ///
    /// # Errors
    /// [`DiscoveryError::Denied`], [`DiscoveryError::Radio`], [`DiscoveryError::Card`], [`DiscoveryError::RadioStopped`].
    pub async fn read(&self, source: RadioAddress) -> Result<Card, DiscoveryError> {
        self.ask(|back| Request::Read(source, back)).await?
    }

    /// Shows a device a value that may open its door, and reads where it can be reached.
    ///
    /// # Errors
    /// [`DiscoveryError::Radio`] (with [`RadioTrouble::Shut`] if the value does not open), [`DiscoveryError::Routes`],
    /// [`DiscoveryError::Denied`], [`DiscoveryError::RadioStopped`].
    pub async fn knock(&self, source: RadioAddress, rid: Rid) -> Result<Routes, DiscoveryError> {
        self.ask(|back| Request::Knock(source, rid, back)).await?
    }

    /// Opens a channel to a device that said where it listens. What goes through it is readable by everybody around:
    /// speak TLS.
    ///
    /// # Errors
    /// [`DiscoveryError::Denied`], [`DiscoveryError::Radio`], [`DiscoveryError::Routes`] for a PSM that cannot be,
    /// [`DiscoveryError::RadioStopped`].
    pub async fn open(&self, source: RadioAddress, psm: u16) -> Result<Pipe, DiscoveryError> {
        self.ask(|back| Request::Open(source, psm, back)).await?
    }

    /// Where channels to us can be opened at the moment; none unless a connectable announcement is on the air.
    pub async fn psm(&self) -> Option<u16> {
        self.ask(Request::Psm).await.ok().flatten()
    }

    /// What `doctor` says about Bluetooth here. Takes five seconds at most; empty once stopped.
    pub async fn facts(&self) -> Vec<Fact> {
        self.ask(Request::Facts).await.unwrap_or_default()
    }

    /// Withdraws the advert, ceases to listen, hangs up, ends; takes twelve seconds at most. When this returns, nothing is
    /// sent any more but through channels that were handed out, which are the holder's to close, and everything else asked
    /// of it is answered with [`DiscoveryError::RadioStopped`].
    pub async fn stop(&self) {
        let _ = self.ask(Request::Stop).await;
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, DiscoveryError> {
        let (back, answer) = oneshot::channel();
        self.requests.send(request(back)).await.map_err(|_| DiscoveryError::RadioStopped)?;
        answer.await.map_err(|_| DiscoveryError::RadioStopped)
    }
}

#[cfg(test)]
mod tests;

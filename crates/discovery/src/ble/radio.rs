//! What the rest of discovery knows of a radio: something that hears ([`Ears`]), something that speaks ([`Voice`]), and
//! something that finds both ([`Stack`]). Either of the two may be missing. No type of a Bluetooth library crosses this
//! line, so fakes with a hand clock stand in for it in tests.
//!
//! Whoever calls these puts a deadline on every one of them; dropping what [`Stack::open`] gave undoes all of it.

use super::{Beacon, BeaconId, Fact, Pipe, RadioAddress, RadioTrouble};
use hither_model::Rid;
use std::future::Future;
use tokio::sync::oneshot;

/// What was heard.
#[derive(Debug)]
pub(super) enum Signal {
    /// An advert of hither's.
    Heard { source: RadioAddress, beacon: Beacon, rssi: Option<i16> },
    /// Something of an address whose advert was, or was not, hither's.
    Again { source: RadioAddress, rssi: Option<i16> },
    /// No more will be heard.
    Lost(RadioTrouble),
}

/// What is wanted of another device.
#[derive(Debug, Clone, Copy)]
pub(super) enum Errand {
    /// Its card.
    Card,
    /// Its routes, in exchange for this value.
    Knock(Rid),
    /// A channel.
    Open(u16),
}

/// What an errand brought.
#[derive(Debug)]
pub(super) enum Brought {
    /// The value that was read.
    Bytes(Vec<u8>),
    /// The channel that was opened.
    Pipe(Pipe),
}

/// Where it is brought.
pub(super) type Back = oneshot::Sender<Result<Brought, RadioTrouble>>;

/// How this device shows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) id: BeaconId,
    pub(super) open: bool,
    pub(super) connectable: bool,
    pub(super) card: Vec<u8>,
}

impl Shown {
    /// Whether what is on the air is the same.
    pub(super) fn same_advert(&self, other: &Self) -> bool {
        (self.id, self.open, self.connectable) == (other.id, other.open, other.connectable)
    }
}

/// The hearing half.
pub(super) trait Ears: Send + 'static {
    /// Begins or ceases to listen. Begins anew if it listens already: receivers tell of a sender only once.
    fn listen(&mut self, on: bool) -> impl Future<Output = Result<(), RadioTrouble>> + Send;

    /// What is heard next. Cancel safe.
    fn next(&mut self) -> impl Future<Output = Signal> + Send;

    /// Connects, does the errand, tells `back` what it brought, disconnects; the same, but earlier, once `stop` is told or
    /// dropped.
    fn errand(
        &self,
        source: RadioAddress,
        errand: Errand,
        stop: oneshot::Receiver<()>,
        back: Back,
    ) -> impl Future<Output = ()> + Send + 'static;
}

/// The speaking half.
pub(super) trait Voice: Send + 'static {
    /// Puts an advert on the air, in place of the one before; the radio shows another address from then on, if it can.
    fn say(&mut self, shown: &Shown) -> impl Future<Output = Result<(), RadioTrouble>> + Send;

    /// Changes what is read, not what is on the air.
    fn show(&mut self, card: Vec<u8>);

    /// Takes the advert off the air; returns when it is.
    fn hush(&mut self) -> impl Future<Output = Result<(), RadioTrouble>> + Send;

    /// Where channels are listened for.
    fn psm(&self) -> Option<u16>;

    /// The next channel that somebody opened. Cancel safe.
    fn arrived(&mut self) -> impl Future<Output = Pipe> + Send;
}

/// A radio that was found and is switched on.
pub(super) struct Opened<E, V> {
    pub(super) ears: E,
    /// Or why it cannot speak.
    pub(super) voice: Result<V, RadioTrouble>,
}

/// The system's Bluetooth.
pub(super) trait Stack: Send + Sync + 'static {
    type Ears: Ears;
    type Voice: Voice;

    /// Finds a radio that can be used.
    fn open(&self) -> impl Future<Output = Result<Opened<Self::Ears, Self::Voice>, RadioTrouble>> + Send;

    /// Whether what was opened last can still be used.
    fn check(&self) -> impl Future<Output = Result<(), RadioTrouble>> + Send;

    /// Something may have changed: services, adapters, switches. Nothing that changes between two calls is missed. Cancel
    /// safe.
    fn changed(&self) -> impl Future<Output = ()> + Send;

    /// What is known about it.
    fn facts(&self) -> impl Future<Output = Vec<Fact>> + Send;
}

/// A system whose Bluetooth hither cannot use.
#[cfg(not(target_os = "linux"))]
pub(super) use nothing::Nothing;

#[cfg(not(target_os = "linux"))]
mod nothing {
    use super::*;
    use std::{convert::Infallible, future::pending};

    pub(in super::super) struct Nothing;

    impl Nothing {
        pub(in super::super) fn new(_: super::super::Options) -> Self {
            Self
        }
    }

    impl Ears for Infallible {
        async fn listen(&mut self, _: bool) -> Result<(), RadioTrouble> {
            match *self {}
        }
        async fn next(&mut self) -> Signal {
            match *self {}
        }
        fn errand(
            &self,
            _: RadioAddress,
            _: Errand,
            _: oneshot::Receiver<()>,
            _: Back,
        ) -> impl Future<Output = ()> + Send + 'static {
            std::future::ready(())
        }
    }

    impl Voice for Infallible {
        async fn say(&mut self, _: &Shown) -> Result<(), RadioTrouble> {
            match *self {}
        }
        fn show(&mut self, _: Vec<u8>) {}
        async fn hush(&mut self) -> Result<(), RadioTrouble> {
            match *self {}
        }
        fn psm(&self) -> Option<u16> {
            None
        }
        async fn arrived(&mut self) -> Pipe {
            match *self {}
        }
    }

    impl Stack for Nothing {
        type Ears = Infallible;
        type Voice = Infallible;
        async fn open(&self) -> Result<Opened<Infallible, Infallible>, RadioTrouble> {
            Err(RadioTrouble::Unsupported)
        }
        async fn check(&self) -> Result<(), RadioTrouble> {
            Err(RadioTrouble::Unsupported)
        }
        async fn changed(&self) {
            pending().await
        }
        async fn facts(&self) -> Vec<Fact> {
            vec![Fact::Trouble(RadioTrouble::Unsupported)]
        }
    }
}

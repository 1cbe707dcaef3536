//! Who may come in: the rendezvous values that are good at the moment, published by the engine and read by the listener
//! before it shows a certificate or signs anything (SECURITY 3.2, gate).

use crate::clock::Clock;
use hither_identity::Credential;
use hither_model::{InviteId, LaneId, PeerId, Rid, SessionId};
use hither_socket::{Door, Entry, Expected};
use std::{collections::HashMap, net::SocketAddr, sync::Arc};
use tokio::sync::watch;

/// What a rendezvous value is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Anybody who heard our advert may ask.
    Advert,
    /// One known device may ask, call, or both.
    Known(PeerId),
    /// Whoever holds this invite link.
    Link(InviteId),
    /// Taking a session up again.
    Resume(SessionId),
    /// A lane of a session.
    Lane(LaneId),
}

/// One value and who is behind it.
#[derive(Clone)]
pub(crate) struct Pass {
    pub(crate) purpose: Purpose,
    pub(crate) expected: Expected,
    /// Whose certificate is shown: the device's, or the session's own for lanes.
    pub(crate) credential: Arc<dyn Credential>,
    /// Not good any more from then on, seconds since 1970.
    pub(crate) until: Option<u64>,
}

/// All values good at the moment.
pub(crate) type Passes = HashMap<Rid, Pass>;

/// The engine's end.
pub(crate) struct DoorBook(watch::Sender<Arc<Passes>>, Clock);

impl DoorBook {
    pub(crate) fn new(clock: Clock) -> Self {
        Self(watch::Sender::new(Arc::default()), clock)
    }

    pub(crate) fn publish(&self, passes: Passes) {
        self.0.send_replace(Arc::new(passes));
    }

    /// The listener's end.
    pub(crate) fn porter(&self) -> Porter {
        Porter(self.0.subscribe(), self.1)
    }
}

/// The listener's end.
pub(crate) struct Porter(watch::Receiver<Arc<Passes>>, Clock);

impl Porter {
    /// What a value is good for, looked up again once the connection stands.
    pub(crate) fn purpose(&self, rid: &Rid) -> Option<Purpose> {
        self.0.borrow().get(rid).map(|pass| pass.purpose)
    }
}

impl Porter {
    /// Whether a value opens the door at this moment.
    pub(crate) fn admits(&self, rid: &Rid) -> bool {
        self.0.borrow().get(rid).is_some_and(|pass| pass.until.is_none_or(|until| self.1.unix() < until))
    }
}

impl Door for Porter {
    fn admit(&self, rid: &Rid, _from: SocketAddr) -> Option<Entry> {
        let passes = self.0.borrow();
        let pass = passes.get(rid)?;
        if pass.until.is_some_and(|until| self.1.unix() >= until) {
            return None;
        }
        Some(Entry {
            credential: Arc::clone(&pass.credential),
            expected: pass.expected,
            reserved: !matches!(pass.purpose, Purpose::Advert),
        })
    }
}

//! Who may come in: the rendezvous values that are good at the moment, published by the engine and read by the listener
//! before it shows a certificate or signs anything (SECURITY 3.2, gate).

use crate::clock::Clock;
use hither_capability::is_web;
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
    fn admit(&self, rid: &Rid, from: SocketAddr) -> Option<Entry> {
        let passes = self.0.borrow();
        let pass = passes.get(rid)?;
        // Adverts are for those near: nobody who comes through a web server has heard one.
        if pass.purpose == Purpose::Advert && is_web(from) {
            return None;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use hither_capability::web_address;
    use hither_identity::SessionKey;
    use hither_model::InviteId;

    #[test]
    fn p2_an_advert_opens_nothing_to_who_comes_through_a_web_server() {
        let credential: Arc<dyn Credential> = Arc::new(SessionKey::generate().unwrap());
        let book = DoorBook::new(Clock::start());
        let porter = book.porter();
        let purposes = [
            (Purpose::Advert, false),
            (Purpose::Known(PeerId::new([1; 32])), true),
            (Purpose::Link(InviteId::new([2; 16])), true),
            (Purpose::Resume(SessionId::new([3; 16])), true),
            (Purpose::Lane(LaneId::new([4; 8])), true),
        ];
        for (purpose, beyond) in purposes {
            let (expected, rid) = (Expected::Anyone, Rid::new([9; 16]));
            let pass = Pass { purpose, expected, credential: Arc::clone(&credential), until: None };
            book.publish(Passes::from([(rid, pass)]));
            assert!(porter.admit(&rid, "192.168.1.2:7777".parse().unwrap()).is_some(), "{purpose:?} from near");
            assert_eq!(porter.admit(&rid, web_address([7; 12])).is_some(), beyond, "{purpose:?} from beyond");
        }
    }
}

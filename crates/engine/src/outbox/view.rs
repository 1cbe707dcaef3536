//! What the queue decides by: sessions, who is heard, what networks cost.

use super::queue::{Peer, Session, View};
use crate::{
    directory::{DeviceId, Reach},
    networks::Cost,
    state::State,
};
use hither_capability::{Capability, is_place, radio_of};
use hither_model::{PeerId, Trust};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

impl State {
    pub(super) fn outbox_view(&self) -> View {
        let mut sessions: BTreeMap<PeerId, Session> = BTreeMap::new();
        for (id, session) in &self.sessions {
            let up = session.is_up() && self.takes_new(*id).is_ok();
            let best = sessions.entry(session.kept.peer).or_insert(Session::Down);
            if up {
                *best = Session::Up;
            }
        }
        let calling = self.callers();
        let peer = |id: &PeerId| {
            let session = sessions.get(id).copied().unwrap_or(Session::None);
            (*id, Peer { calling: calling.contains(id), ..self.peer_in_view(id, session) })
        };
        let starting = self.outbox.starting.len();
        View {
            now: self.clock.unix(),
            network: self.surroundings.any(),
            may_dial: self.gate.allows(Capability::Proximity).is_ok(),
            rests: self.outbox.rests,
            unfinished: self.unfinished_transfers() + starting,
            peers: self.outbox.peers.iter().map(peer).collect(),
        }
    }

    fn peer_in_view(&self, id: &PeerId, session: Session) -> Peer {
        let person = self.people.find(id);
        let reach = match session {
            Session::None => self.directory.reach(&DeviceId::Met(*id), &self.people),
            Session::Down | Session::Up => None,
        };
        let cost = match session {
            Session::Up => self.cost_of(self.live_session(id).and_then(|id| self.sessions.get(&id)?.route())),
            Session::None | Session::Down => reach.as_ref().map_or(Cost::Free, |reach| self.cheapest(reach)),
        };
        Peer {
            session,
            reachable: reach.is_some(),
            known: person.is_some_and(|p| p.is_known() && p.trust != Trust::Blocked),
            calling: false,
            asked: self.knocks.values().any(|knock| knock.peer == *id),
            again: self.outbox.calls.get(id).map_or(0, |call| call.not_before(self.clock.unix())),
            cost,
        }
    }

    /// With whom an invite is under way, whoever began it.
    fn callers(&self) -> BTreeSet<PeerId> {
        let dialled = self.dials.values().filter_map(|dial| match dial.device {
            DeviceId::Met(peer) => Some(peer),
            DeviceId::Passing(_) => None,
        });
        dialled.chain(self.knocks.values().map(|knock| knock.peer)).collect()
    }

    /// The cheapest way there is: it may be the one that is taken.
    fn cheapest(&self, reach: &Reach) -> Cost {
        if !reach.radio.is_empty() {
            return Cost::Free;
        }
        reach.routes.iter().map(|route| self.cost_of(Some(*route))).min().unwrap_or_else(|| self.cost_of(None))
    }

    /// A radio costs nothing; what goes through a web server goes by the dearest way.
    fn cost_of(&self, route: Option<SocketAddr>) -> Cost {
        match route {
            Some(route) if radio_of(route).is_some() => Cost::Free,
            route => self.surroundings.cost(route.filter(|route| is_place(*route)).map(|route| route.ip())),
        }
    }
}

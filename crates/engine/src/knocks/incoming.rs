//! Others' connections: what the opening frame asks for decides which machine, if any, takes over.

use super::{KnockId, Stepped, Wire, outgoing::BINDING_LABEL};
use crate::{door::Purpose, state::State};
use hither_model::{InviteId, PeerId, Trust};
use hither_protocol::{Binding, Frame, Hello, Invite, Invitee, InviteeSide, LinkHello, LinkHost, No};
use std::net::SocketAddr;

/// Invites under way at one time, ours not counted; beyond that a stranger is told "busy".
const MAX_KNOCKS: usize = 32;

impl State {
    /// Somebody connected and said what for.
    pub(crate) async fn hello(&mut self, wire: Wire, purpose: Purpose, from: SocketAddr, hello: Hello) {
        let peer = wire.peer();
        if self.people.trust(&peer) == Trust::Blocked {
            return self.turn_away(wire, No::Declined);
        }
        match (hello, purpose) {
            (Hello::Invite(invite), Purpose::Advert | Purpose::Known(_)) => self.invited(wire, from, invite).await,
            (Hello::Link(hello), Purpose::Link(invite)) => self.link_opened(wire, from, hello, invite).await,
            (Hello::Resume { session }, Purpose::Resume(expected)) if session == expected => {
                self.resumed_by_peer(session, wire, from);
            }
            (Hello::Resume { session }, Purpose::Known(_)) => self.resumed_by_peer(session, wire, from),
            (Hello::Presence { port, .. }, Purpose::Known(known)) if known == peer => {
                // The scope of a link-local address stays.
                let mut route = from;
                route.set_port(port);
                self.called(peer, route);
                let here = Frame::Here { name: None, port: self.port() };
                self.tasks.spawn(wire.reply_and_close(here));
            }
            _ => self.turn_away(wire, No::Unknown),
        }
    }

    /// A known device is there: it called us, or answered our call.
    pub(crate) fn called(&mut self, peer: PeerId, route: SocketAddr) {
        let now = self.clock.now();
        if let Some(person) = self.people.find_mut(&peer) {
            person.reached_at(route);
            self.keeper.save(crate::store::Slot::People, &self.people);
        }
        self.directory.called(peer, route, now);
        self.show_changes();
    }

    fn turn_away(&mut self, wire: Wire, why: No) {
        self.tasks.spawn(wire.reply_and_close(Frame::No { why }));
    }

    fn binding(&self, wire: &Wire) -> Option<Binding> {
        let exporter = wire.exporter(BINDING_LABEL).ok()?;
        Some(Binding::new(exporter, wire.peer(), self.me.peer_id()))
    }

    async fn invited(&mut self, wire: Wire, from: SocketAddr, invite: Invite) {
        let peer = wire.peer();
        let known = self.people.find(&peer).is_some_and(crate::store::Person::is_known);
        if self.knocks.len() >= MAX_KNOCKS && !known {
            return self.turn_away(wire, No::Busy);
        }
        let Some(binding) = self.binding(&wire) else { return };
        let id = self.next_knock();
        let named = invite.invite;
        let me = InviteeSide { name: self.shown_name(), known };
        let stepped: Stepped = Invitee::start(self.clock.now(), binding, invite, me).into();
        self.start_knock(id, wire, named, from, false);
        self.carry_out(id, stepped).await;
    }

    async fn link_opened(&mut self, wire: Wire, from: SocketAddr, hello: LinkHello, invite: InviteId) {
        let Some(binding) = self.binding(&wire) else { return };
        let (now, unix) = (self.clock.now(), self.clock.unix());
        let id: KnockId = self.next_knock();
        let name = self.shown_name();
        let stepped: Stepped = LinkHost::start(now, unix, binding, hello, invite, name, &mut self.links).into();
        self.keeper.save(crate::store::Slot::Links, &self.links);
        // A wrong proof may have burned it.
        self.publish_door();
        self.start_knock(id, wire, invite, from, false);
        self.carry_out(id, stepped).await;
    }
}

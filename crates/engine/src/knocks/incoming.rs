//! Others' connections: what the opening frame asks for decides which machine, if any, takes over.

use super::{KnockId, Stepped, Wire, effects::TURNED_AWAY, outgoing::BINDING_LABEL};
use crate::{
    certificates::{Occasions, Proven},
    door::Purpose,
    state::State,
};
use hither_capability::is_place;
use hither_identity::proof::{Occasion, Speaker};
use hither_model::{Failure, InviteId, PeerId, Trust};
use hither_protocol::{
    Binding, Certified, Ending, Frame, Hello, Invite, Invitee, InviteeSide, LinkHello, LinkHost, No,
};
use std::net::SocketAddr;

/// Invites under way at one time, ours not counted; beyond that a stranger is told "busy".
const MAX_KNOCKS: usize = 32;

impl State {
    /// Somebody connected and said what for.
    pub(crate) async fn hello(&mut self, wire: Wire, purpose: Purpose, from: SocketAddr, hello: Hello) {
        let peer = wire.peer();
        let purpose = self.heir_shown(peer, purpose);
        if self.people.trust(&peer) == Trust::Blocked {
            return self.turn_away(wire, No::Declined);
        }
        match (hello, purpose) {
            (Hello::Invite(invite), Purpose::Advert | Purpose::Known(_)) => {
                self.invited(wire, purpose, from, invite).await;
            }
            (Hello::Link(hello), Purpose::Link(invite)) => self.link_opened(wire, from, hello, invite).await,
            (Hello::Resume { session }, Purpose::Resume(expected)) if session == expected => {
                self.resumed_by_peer(session, wire, from);
            }
            (Hello::Resume { session }, Purpose::Known(_)) => self.resumed_by_peer(session, wire, from),
            (Hello::Presence { port, .. }, Purpose::Known(known)) if known == peer => {
                // The scope of a link-local address stays.
                let mut route = from;
                route.set_port(port);
                if is_place(from) {
                    self.called(peer, route);
                }
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

    /// What they prove to be by a certificate, if they show one: judged before a person is asked.
    fn theirs(&self, occasion: Option<&Occasion>, certified: Option<&Certified>) -> Result<Option<Proven>, Failure> {
        match (occasion, certified) {
            (Some(occasion), Some(certified)) => self.judge(occasion, Speaker::Client, certified).map(Some),
            _ => Ok(None),
        }
    }

    /// Somebody who has to show a certificate and did not, or a bad one. The history has one line a minute.
    fn uncertified(&mut self, wire: Wire, why: &str) {
        let (now, peer) = (self.clock.now(), wire.peer());
        if now.saturating_sub(self.turned_away_at) >= TURNED_AWAY || self.turned_away_at == 0 {
            self.turned_away_at = now;
            self.note("invite", Some(peer), None, why.to_owned());
        }
        self.turn_away(wire, No::Certificate);
    }

    async fn invited(&mut self, wire: Wire, purpose: Purpose, from: SocketAddr, invite: Invite) {
        let peer = wire.peer();
        let known = self.people.find(&peer).is_some_and(crate::store::Person::is_known);
        if self.knocks.len() >= MAX_KNOCKS && !known {
            return self.turn_away(wire, No::Busy);
        }
        let Some(binding) = self.binding(&wire) else { return };
        let occasion = Occasions::answered(&wire, self.my_id).ok();
        let theirs = match self.theirs(occasion.as_ref(), invite.certified.as_deref()) {
            Ok(theirs) => theirs,
            Err(failure) => return self.uncertified(wire, &failure.message),
        };
        if !self.may_knock(purpose, theirs.as_ref()) {
            return self.uncertified(wire, &Ending::CertificateNeededHere.failure().message);
        }
        let id = self.next_knock();
        let named = invite.invite;
        let codeless =
            theirs.as_ref().is_some_and(|proven| proven.codeless) && self.identity_for(None, Some(&peer)).is_some();
        let me = InviteeSide { name: self.shown_name(), known, codeless };
        let stepped: Stepped = Invitee::start(self.clock.now(), binding, invite, me).into();
        self.start_knock(id, wire, named, from, false);
        self.certified_knock(id, occasion, theirs);
        self.carry_out(id, stepped).await;
    }

    async fn link_opened(&mut self, wire: Wire, from: SocketAddr, hello: LinkHello, invite: InviteId) {
        let Some(binding) = self.binding(&wire) else { return };
        let occasion = Occasions::answered(&wire, self.my_id).ok();
        let theirs = match self.theirs(occasion.as_ref(), hello.certified.as_deref()) {
            Ok(theirs) => theirs,
            Err(failure) => return self.uncertified(wire, &failure.message),
        };
        let (now, unix) = (self.clock.now(), self.clock.unix());
        let id: KnockId = self.next_knock();
        let name = self.shown_name();
        let stepped: Stepped = LinkHost::start(now, unix, binding, hello, invite, name, &mut self.links).into();
        self.keeper.save(crate::store::Slot::Links, &self.links);
        // A wrong proof may have burned it.
        self.publish_door();
        self.start_knock(id, wire, invite, from, false);
        self.certified_knock(id, occasion, theirs);
        self.carry_out(id, stepped).await;
    }

    fn certified_knock(&mut self, id: KnockId, occasion: Option<Occasion>, theirs: Option<Proven>) {
        if let Some(knock) = self.knocks.get_mut(&id) {
            (knock.occasion, knock.theirs) = (occasion, theirs);
        }
    }
}

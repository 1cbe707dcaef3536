//! Our invites: from a person's wish to a connection on which the machine starts.

use super::{Dial, Knock, KnockId, MAX_ORDERS, Plan, Stepped, Wire, run_wire};
use crate::{
    calling::Dialling,
    clock::random,
    directory::{DeviceId, Reach},
    event::{Dialled, Event},
    questions::Terms,
    state::State,
};
use hither_capability::{Capability, Consent};
use hither_model::{ErrorCode, Failure, InviteId, News, PeerId, Rid, Trust};
use hither_protocol::{Binding, InviteAsk, InviteUrl, Inviter, LinkOpener, epoch, known_rid};
use hither_socket::Expected;
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::mpsc;

/// Label of the channel binding, RFC 9266.
pub(crate) const BINDING_LABEL: &str = "EXPORTER-Channel-Binding";
/// Seconds an invite waits for the other person, unless said otherwise.
const WAIT: u64 = 60;
/// Milliseconds that dialling may take on top.
const DIAL_TIME: u64 = 25_000;

impl State {
    /// Invites a device by id, beginning of an id, or name.
    pub(crate) fn invite(
        &mut self,
        peer: &str,
        message: Option<String>,
        timeout: Option<u64>,
        unverified: bool,
    ) -> Result<InviteId, Failure> {
        self.gate.allows(Capability::Proximity)?;
        if let Some(id) = self.peer_named(peer).ok().filter(|id| self.people.trust(id) == Trust::Blocked) {
            return Err(Failure::new(ErrorCode::AccessDenied, "that device is blocked here")
                .hint(format!("run `hither trust set {} known` first", id.short())));
        }
        let reach = self.reach(peer)?;
        let (rids, expected) = self.ways_in(&reach)?;
        let plan = Plan::Invite { message, unverified };
        self.dial_invite(reach.device, reach.routes, rids, expected, plan, timeout)
    }

    /// Redeems a link; the person confirmed already.
    pub(crate) fn open_link(&mut self, url: InviteUrl) -> Result<InviteId, Failure> {
        url.check_opener(&self.me.peer_id()).map_err(|ending| ending.failure())?;
        let inviter = url.inviter();
        let mut routes: Vec<SocketAddr> = url.hints().to_vec();
        if let Some(reach) = self.directory.reach(&DeviceId::Met(inviter), &self.people) {
            routes.extend(reach.routes);
        }
        if self.loopback {
            // A link names no loopback address: on one machine, whoever is heard there is tried.
            routes.extend(self.directory.routes());
        }
        let rids = vec![url.keys().rid];
        let plan = Plan::Link { url: Box::new(url) };
        self.dial_invite(DeviceId::Met(inviter), routes, rids, Expected::Only(inviter), plan, None)
    }

    fn dial_invite(
        &mut self,
        device: DeviceId,
        routes: Vec<SocketAddr>,
        rids: Vec<Rid>,
        expected: Expected,
        plan: Plan,
        timeout: Option<u64>,
    ) -> Result<InviteId, Failure> {
        if routes.is_empty() {
            return Err(Failure::new(
                ErrorCode::Unreachable,
                "no address of that device is known, and it is not heard",
            )
            .hint(
                "make sure that both devices are on one network, then try again; `hither doctor` looks for reasons",
            ));
        }
        let now = self.clock.now();
        let grant = self.gate.dial(Consent::new(device.to_string(), routes.clone(), now), now)?;
        let id = self.next_knock();
        let invite = InviteId::new(random());
        let cancel = self.cancel.child_token();
        let wait = timeout.unwrap_or(WAIT).clamp(1, 3_600) * 1_000;
        let dialling =
            Dialling { grant: Arc::new(grant), routes, rids, expected, me: self.credential(), profile: self.profile() };
        self.dials.insert(id, Dial { invite, device, plan, cancel: cancel.clone(), deadline: now + DIAL_TIME, wait });
        let events = self.events.clone();
        self.tasks.spawn(async move {
            let outcome = tokio::select! {
                outcome = dialling.run() => outcome,
                () = cancel.cancelled() => return,
            };
            let _ = events.send(Event::Dialled { knock: id, outcome: Box::new(outcome) }).await;
        });
        Ok(invite)
    }

    /// The rendezvous values that may open a device's door, and what its key must be.
    pub(crate) fn ways_in(&self, reach: &Reach) -> Result<(Vec<Rid>, Expected), Failure> {
        match reach.device {
            DeviceId::Met(peer) => {
                let mut rids = self.known_rids(&peer, reach.epoch);
                // They may have forgotten us, and still be visible to everyone.
                rids.extend(reach.rid);
                Ok((rids, Expected::Only(peer)))
            }
            DeviceId::Passing(_) => match reach.rid {
                Some(rid) => Ok((vec![rid], Expected::Anyone)),
                None => Err(Failure::new(
                    ErrorCode::AccessDenied,
                    format!("{} is visible to known devices only", reach.name),
                )
                .hint("ask them to run `hither visibility everyone`, or to send you an invite link")),
            },
        }
    }

    /// Values a known device should accept: by the clock of its advert if it has one, else by ours and its neighbours.
    pub(crate) fn known_rids(&self, peer: &PeerId, advertised: Option<u32>) -> Vec<Rid> {
        let Some(key) = self.people.find(peer).and_then(|p| p.pair_key.as_ref()) else { return vec![] };
        let ours = epoch(self.clock.unix());
        let mut epochs = vec![advertised.unwrap_or(ours), ours];
        epochs.dedup();
        epochs.into_iter().map(|e| known_rid(key, e, peer)).collect()
    }

    /// The connection for one of our invites stands, or will not.
    pub(crate) async fn dialled(&mut self, id: KnockId, outcome: Dialled) {
        let Some(dial) = self.dials.remove(&id) else { return };
        let (wire, route) = match outcome {
            Ok(connected) => connected,
            Err(failure) => {
                self.dial_failed(&dial.device, &failure).await;
                self.tell(News::InviteEnded { invite: dial.invite, failure });
                return;
            }
        };
        let exporter = match wire.exporter(BINDING_LABEL) {
            Ok(exporter) => exporter,
            Err(error) => return self.tell(News::InviteEnded { invite: dial.invite, failure: error.into() }),
        };
        let peer = wire.peer();
        if self.people.trust(&peer) == Trust::Blocked {
            // Under a passing name: who it is shows only now.
            let failure = Failure::new(ErrorCode::Declined, "that device is one you have blocked")
                .hint("run `hither trust set DEVICE forget` first if you want to meet it again");
            return self.tell(News::InviteEnded { invite: dial.invite, failure });
        }
        let binding = Binding::new(exporter, self.me.peer_id(), peer);
        let now = self.clock.now();
        let wait = dial.wait;
        let stepped: Stepped = match dial.plan {
            Plan::Invite { message, unverified } => {
                let ask = InviteAsk {
                    invite: dial.invite,
                    name: self.shown_name(),
                    message,
                    known: self.people.find(&peer).is_some_and(crate::store::Person::is_known),
                    unverified,
                    codes: self.budget.may_start(self.clock.unix()),
                };
                Inviter::start(now, binding, ask, random(), wait).into()
            }
            Plan::Link { url } => LinkOpener::start(now, binding, &url, dial.invite, self.shown_name(), wait).into(),
        };
        self.start_knock(id, wire, dial.invite, route, true);
        if let (DeviceId::Passing(instance), Some(knock)) = (dial.device, self.knocks.get_mut(&id)) {
            knock.instance = Some(instance);
        }
        self.tell(News::InviteSent { invite: dial.invite, peer: peer.to_string() });
        self.carry_out(id, stepped).await;
    }

    /// Registers a knock and starts its connection task.
    pub(super) fn start_knock(&mut self, id: KnockId, wire: Wire, invite: InviteId, remote: SocketAddr, ours: bool) {
        let (orders, receiver) = mpsc::channel(MAX_ORDERS);
        let knock = Knock {
            machine: None,
            orders,
            invite,
            peer: wire.peer(),
            remote,
            ours,
            question: None,
            instance: None,
            run: None,
            claimed: None,
            terms: Terms::default(),
            admitted: false,
        };
        self.knocks.insert(id, knock);
        self.tasks.spawn(run_wire(id, wire, receiver, self.events.clone(), self.cancel.child_token()));
    }

    /// A device did not answer or is not who it should be: its row fades, and a wrong key is an alarm (D5, T14).
    pub(crate) async fn dial_failed(&mut self, device: &DeviceId, failure: &Failure) {
        self.directory.failed(device);
        if let Some(reach) = self.directory.reach(device, &self.people) {
            self.suspect(&reach.instances).await;
        }
        if let (DeviceId::Met(peer), ErrorCode::IdentityChanged | ErrorCode::CertificateRefused) =
            (device, failure.code)
        {
            let name = self.people.find(peer).map(|p| p.name.to_string()).unwrap_or_default();
            self.alarm(
                format!("something that claims to be {name} does not hold {name}'s key; nothing was sent to it"),
                Some(*peer),
            );
        }
        self.show_changes();
    }

    /// Ends an invite that never got a connection.
    pub(super) fn end_dial(&mut self, id: KnockId, failure: Failure) {
        if let Some(dial) = self.dials.remove(&id) {
            dial.cancel.cancel();
            self.tell(News::InviteEnded { invite: dial.invite, failure });
        }
    }
}

//! Our invites: from a person's wish to a connection on which the machine starts.

use super::{Dial, Knock, KnockId, MAX_ORDERS, Plan, Stepped, Way, Wire, run_wire};
use crate::{
    calling::Dialling,
    certificates::{Going, Holder, Occasions, prove},
    clock::random,
    directory::{DeviceId, Reach},
    door::Purpose,
    event::{Connected, Dialled, Event},
    questions::Terms,
    state::State,
    web,
};
use hither_capability::{self as capability, Capability, Consent, Grant};
use hither_discovery::ble::RadioAddress;
use hither_identity::proof::Speaker;
use hither_model::{ErrorCode, Failure, InviteId, News, PeerId, Rid, Trust};
use hither_protocol::{Binding, InviteAsk, InviteUrl, Inviter, LinkOpener, WebRoute, epoch, known_rid};
use hither_socket::Expected;
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::mpsc;

/// Label of the channel binding, RFC 9266.
pub(crate) const BINDING_LABEL: &str = "EXPORTER-Channel-Binding";
/// Seconds an invite waits for the other person, unless said otherwise.
const WAIT: u64 = 60;
/// Milliseconds that dialling may take on top.
const DIAL_TIME: u64 = 25_000;
/// And what asking by radio, and connecting by it, may take beyond that.
const RADIO_TIME: u64 = 60_000;
/// And opening a WebSocket.
const WEB_TIME: u64 = 20_000;

/// Whom to dial, and what for.
struct Goal {
    device: DeviceId,
    routes: Vec<SocketAddr>,
    /// By which radios it is heard.
    radio: Vec<RadioAddress>,
    /// Its web server, if one is known.
    web: Option<WebRoute>,
    rids: Vec<Rid>,
    expected: Expected,
    plan: Plan,
    timeout: Option<u64>,
}

/// Dials, and lets the unlocked key sign for the connection that came of it.
async fn connect(dialling: Dialling, holder: Option<Arc<Holder>>, me: PeerId) -> Dialled {
    let (wire, route) = dialling.run().await?;
    let Some(holder) = holder else { return Ok(Connected { wire, route, certified: None }) };
    let (shown, occasion) = (holder.shown(), Occasions::dialled(&wire, me)?);
    let proof = prove(holder, occasion, Speaker::Client).await?;
    Ok(Connected { wire, route, certified: Some((proof, shown)) })
}

impl State {
    /// Invites a device by id, beginning of an id, or name.
    pub(crate) fn invite(
        &mut self,
        peer: &str,
        message: Option<String>,
        timeout: Option<u64>,
        unverified: bool,
        identity: Option<&str>,
    ) -> Result<InviteId, Failure> {
        self.gate.allows(Capability::Proximity)?;
        let invite = InviteId::new(random());
        let known = self.peer_named(peer).ok();
        if let Some(wanted) = self.identity_for(identity, known.as_ref()) {
            // What makes no sense is told before a person is asked for a PIN.
            let name = self.reach(peer)?.name;
            let going = Going::Invite { peer: peer.to_owned(), message, timeout, unverified };
            self.run_errand(going, Some(invite), wanted, (known.unwrap_or(self.my_id), name), None);
            return Ok(invite);
        }
        self.invite_now(invite, peer, (message, unverified), timeout, None).map(|()| invite)
    }

    /// The same once it is clear who we are.
    pub(crate) fn invite_now(
        &mut self,
        invite: InviteId,
        peer: &str,
        (message, unverified): (Option<String>, bool),
        timeout: Option<u64>,
        holder: Option<Arc<Holder>>,
    ) -> Result<(), Failure> {
        self.gate.allows(Capability::Proximity)?;
        if let Some(id) = self.peer_named(peer).ok().filter(|id| self.people.trust(id) == Trust::Blocked) {
            return Err(Failure::new(ErrorCode::AccessDenied, "that device is blocked here")
                .hint(format!("run `hither trust set {} known` first", id.short())));
        }
        let reach = self.reach(peer)?;
        let (rids, expected) = self.ways_in(&reach)?;
        let plan = Plan::Invite { message, unverified };
        let Reach { device, routes, radio, web, .. } = reach;
        let goal = Goal { device, routes, radio, web, rids, expected, plan, timeout };
        self.dial_invite(invite, goal, holder)
    }

    /// Redeems a link; the person confirmed already.
    pub(crate) fn open_link(&mut self, url: InviteUrl, identity: Option<&str>) -> Result<InviteId, Failure> {
        url.check_opener(&self.me.peer_id()).map_err(|ending| ending.failure())?;
        let invite = InviteId::new(random());
        let inviter = url.inviter();
        if let Some(wanted) = self.identity_for(identity, Some(&inviter)) {
            let known = self.people.find(&inviter).map(|person| person.name.to_string());
            let name = known.unwrap_or_else(|| format!("device {}", inviter.short()));
            self.run_errand(Going::Link { url: Box::new(url) }, Some(invite), wanted, (inviter, name), None);
            return Ok(invite);
        }
        self.open_link_now(invite, url, None).map(|()| invite)
    }

    /// The same once it is clear who we are.
    pub(crate) fn open_link_now(
        &mut self,
        invite: InviteId,
        url: InviteUrl,
        holder: Option<Arc<Holder>>,
    ) -> Result<(), Failure> {
        let inviter = url.inviter();
        let (mut routes, mut radio, web) = (url.hints().to_vec(), vec![], url.web().cloned());
        if let Some(reach) = self.directory.reach(&DeviceId::Met(inviter), &self.people) {
            routes.extend(reach.routes);
            radio = reach.radio;
        }
        if self.loopback {
            // A link names no loopback address: on one machine, whoever is heard there is tried.
            routes.extend(self.directory.routes());
        }
        let rids = vec![url.keys().rid];
        let plan = Plan::Link { url: Box::new(url) };
        let (device, expected) = (DeviceId::Met(inviter), Expected::Only(inviter));
        self.dial_invite(invite, Goal { device, routes, radio, web, rids, expected, plan, timeout: None }, holder)
    }

    fn dial_invite(&mut self, invite: InviteId, goal: Goal, holder: Option<Arc<Holder>>) -> Result<(), Failure> {
        let Goal { device, mut routes, radio, web, rids, expected, plan, timeout } = goal;
        routes.extend(web.as_ref().map(web::named));
        let heard = !radio.is_empty() && self.radio.ble.is_some();
        if routes.is_empty() && !heard {
            return Err(Failure::new(
                ErrorCode::Unreachable,
                "no address of that device is known, and it is not heard",
            )
            .hint(
                "make sure that both devices are on one network, then try again; `hither doctor` looks for reasons",
            ));
        }
        let (now, cancel) = (self.clock.now(), self.cancel.child_token());
        let wait = timeout.unwrap_or(WAIT).clamp(1, 3_600) * 1_000;
        let more = if heard { RADIO_TIME } else { 0 } + if web.is_some() { WEB_TIME } else { 0 };
        let deadline = now + DIAL_TIME + more;
        let grant = match routes.is_empty() {
            true => None,
            false => Some(self.gate.dial(Consent::new(device.to_string(), routes.clone(), now), now)?),
        };
        let id = self.next_knock();
        let way = Way { rids, expected, holder, radio, web };
        self.dials.insert(id, Dial { invite, device, plan, cancel, deadline, wait, way });
        match grant {
            Some(grant) => self.dial_routes(id, Arc::new(grant), routes),
            None => drop(self.locate(id)),
        }
        Ok(())
    }

    /// Dials for an invite, under leave to use these addresses.
    pub(super) fn dial_routes(&mut self, id: KnockId, grant: Arc<Grant<capability::Dial>>, routes: Vec<SocketAddr>) {
        let Some(Dial { way, cancel, .. }) = self.dials.get(&id) else { return };
        let (holder, cancel) = (way.holder.clone(), cancel.clone());
        let (rids, expected, ble) = (way.rids.clone(), way.expected, self.radio.ble.clone());
        let web = way.web.as_ref().and_then(|route| self.outward(route));
        let (me, profile) = (self.credential(), self.profile());
        let dialling = Dialling { grant, routes, rids, expected, me, profile, ble, web };
        let (events, me) = (self.events.clone(), self.my_id);
        self.tasks.spawn(async move {
            let outcome = tokio::select! {
                outcome = connect(dialling, holder, me) => outcome,
                () = cancel.cancelled() => return,
            };
            let _ = events.send(Event::Dialled { knock: id, outcome: Box::new(outcome) }).await;
        });
    }

    /// The rendezvous values that may open a device's door, and what its key must be.
    pub(crate) fn ways_in(&self, reach: &Reach) -> Result<(Vec<Rid>, Expected), Failure> {
        match reach.device {
            DeviceId::Met(peer) => {
                let mut rids = self.known_rids(&peer, reach.epoch);
                let heir = self.people.find(&peer).and_then(|person| person.heir).map(|heir| heir.peer);
                rids.extend(heir.iter().flat_map(|heir| self.known_rids(heir, reach.epoch)));
                // They may have forgotten us, and still be visible to everyone.
                rids.extend(reach.rid);
                Ok((rids, heir.map_or(Expected::Only(peer), |heir| Expected::Either(peer, heir))))
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
        if let Err(failure) = &outcome
            && self.locate_instead(id, failure)
        {
            return;
        }
        let Some(dial) = self.dials.remove(&id) else { return };
        let Connected { wire, route, certified } = match outcome {
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
        self.heir_shown(peer, Purpose::Advert);
        if self.people.trust(&peer) == Trust::Blocked {
            // Under a passing name: who it is shows only now.
            let failure = Failure::new(ErrorCode::Declined, "that device is one you have blocked")
                .hint("run `hither trust set DEVICE forget` first if you want to meet it again");
            return self.tell(News::InviteEnded { invite: dial.invite, failure });
        }
        let binding = Binding::new(exporter, self.me.peer_id(), peer);
        let occasion = Occasions::dialled(&wire, self.my_id).ok();
        let (certified, shown) = certified.unzip();
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
                    codeless: certified.is_some() && self.takes_certificates(),
                    certified,
                };
                Inviter::start(now, binding, ask, random(), wait).into()
            }
            Plan::Link { url } => {
                let us = (self.shown_name(), certified);
                LinkOpener::start(now, binding, &url, dial.invite, us, wait).into()
            }
        };
        self.start_knock(id, wire, dial.invite, route, true);
        if let Some(knock) = self.knocks.get_mut(&id) {
            (knock.occasion, knock.shown, knock.web) = (occasion, shown, dial.way.web);
            if let DeviceId::Passing(instance) = dial.device {
                knock.instance = Some(instance);
            }
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
            web: None,
            run: None,
            claimed: None,
            occasion: None,
            theirs: None,
            shown: None,
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

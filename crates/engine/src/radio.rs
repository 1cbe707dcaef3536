//! Bluetooth LE switched on and off, our advert there kept in step with the one on the network, and what is heard handed
//! to the directory.

use crate::{
    clock::random,
    directory::DeviceId,
    door::Porter,
    event::Event,
    presence,
    state::State,
    store::{Keeper, Slot},
};
use hither_capability::{Denied, radio_address};
use hither_discovery::{
    Txt,
    ble::{self, Announcement, BeaconId, Ble, Card, Options, Pipe, Routes, Sighting},
    interfaces::{self, InterfaceRule},
};
use hither_model::{Failure, InstanceId, Medium, MediumState, Nearness, News, PeerId, Rid, row::Visibility};
use hither_protocol::ResolvingKey;
use hither_socket::Tunnel;
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::mpsc};

/// How long somebody looks at the list of devices unless asked again, milliseconds.
const LOOK: u64 = 30_000;
/// How long the system may take to end scanning and adverts before everything else goes on.
const STOPPING: Duration = Duration::from_secs(2);
/// How long Linux keeps a resolvable private address, and a little more, milliseconds: only then does a new advert get a
/// new one.
const PRIVATE_ADDRESS: u64 = ble::privacy::ADDRESS_LASTS.as_secs() * 1_000 + 1_000;

/// The Bluetooth side of the engine.
pub(crate) struct Radio {
    /// Whether it may be used at all (command line).
    wanted: bool,
    pub(crate) ble: Option<Arc<Ble>>,
    pub(crate) state: MediumState,
    /// By which friends recognise our ids.
    key: ResolvingKey,
    /// Until when somebody looks, monotonic milliseconds.
    looking: Option<u64>,
    /// The id on the air, and since when, monotonic milliseconds.
    id: Option<(BeaconId, u64)>,
    /// The system hides the radio's own address.
    private: bool,
}

impl Radio {
    pub(crate) fn new(wanted: bool, key: ResolvingKey) -> Self {
        Self { wanted, ble: None, state: MediumState::Off, key, looking: None, id: None, private: false }
    }

    /// What a friend needs to recognise us.
    pub(crate) fn key(&self) -> &ResolvingKey {
        &self.key
    }

    /// An id for the next advert, if there will be one. Where the system draws a private address for so long, the id
    /// stays as long: two ids under one address would tell that they are one device's.
    pub(crate) fn next_id(&mut self, epoch: u32, now: u64) -> Option<BeaconId> {
        if self.ble.is_none() || self.state != MediumState::On {
            self.id = None;
            return None;
        }
        let lasts = self.id.filter(|(_, since)| self.private && now < since + PRIVATE_ADDRESS);
        let (id, _) = *self.id.insert(lasts.unwrap_or_else(|| (BeaconId(self.key.beacon_id(epoch, random())), now)));
        Some(id)
    }

    /// How long the id on the air has to stay from now on, milliseconds, if it has to: an advert that is made anew before,
    /// for whatever reason, lengthens nothing.
    pub(crate) fn lasts(&self, now: u64) -> Option<u64> {
        let (_, since) = self.id.filter(|_| self.private)?;
        Some((since + PRIVATE_ADDRESS).saturating_sub(now))
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        self.looking
    }
}

/// Our door as those see it who ask by radio where it is: only who holds a value that opens it is told.
struct RadioDoor {
    porter: Porter,
    rule: InterfaceRule,
    port: u16,
}

impl ble::Porter for RadioDoor {
    fn admits(&self, rid: &Rid) -> bool {
        self.porter.admits(rid)
    }

    fn routes(&self) -> Routes {
        let all = interfaces::list().unwrap_or_default();
        let addresses = self.rule.select(&all).into_iter().flat_map(|one| one.addrs).map(|subnet| subnet.ip);
        // A link-local address means nothing without the name of our interface.
        let addresses = addresses.filter(|ip| !matches!(ip, std::net::IpAddr::V6(v6) if v6.is_unicast_link_local()));
        Routes { port: self.port, addresses: addresses.collect(), psm: None, network: None }
    }
}

impl State {
    /// Brings Bluetooth into line with settings and capabilities: on, off, or failed with a reason.
    pub(crate) async fn align_radio(&mut self) {
        // Practice on one machine stays on it.
        let wanted = self.radio.wanted && self.settings.borrow().bluetooth.on && !self.loopback;
        let hidden = self.visibility() == Visibility::Nobody;
        let grant = if wanted && !hidden { self.gate.discover().map_err(Some) } else { Err(None) };
        match grant {
            Ok(grant) if self.radio.ble.is_none() => {
                let (sender, mut receiver) = mpsc::channel(64);
                match Ble::start(grant, self.radio_options(), sender) {
                    Ok(ble) => {
                        self.radio.ble = Some(Arc::new(ble));
                        self.radio.private = ble::privacy::here();
                        // Nobody waits for it: whether it works is told when it is known.
                        self.radio_is(MediumState::Failed("starting".into()));
                    }
                    Err(error) => return self.radio_is(MediumState::Failed(error.to_string())),
                }
                let events = self.events.clone();
                self.tasks.spawn(async move {
                    while let Some(event) = receiver.recv().await {
                        if events.send(Event::Radio(event)).await.is_err() {
                            break;
                        }
                    }
                });
            }
            Ok(_) => {}
            Err(denied) => {
                self.stop_radio().await;
                self.radio_is(
                    denied.map_or(MediumState::Off, |denied: Denied| MediumState::Failed(denied.to_string())),
                );
            }
        }
    }

    fn radio_options(&self) -> Options {
        let door = RadioDoor { porter: self.door.porter(), rule: self.interface_rule(), port: self.port() };
        let adapter = self.settings.borrow().bluetooth.adapter.as_deref().and_then(|named| named.parse().ok());
        Options { adapter, porter: Arc::new(door) }
    }

    pub(crate) async fn stop_radio(&mut self) {
        if let Some(ble) = self.radio.ble.take()
            && tokio::time::timeout(STOPPING, ble.stop()).await.is_err()
        {
            // It stops by itself when the system answers again.
            tracing::warn!("Bluetooth does not answer while it is switched off here");
        }
        self.radio.looking = None;
        if self.media.mdns.is_none() {
            self.media.forget_draw();
        }
        self.directory.radio_lost();
        self.show_changes();
    }

    fn radio_is(&mut self, state: MediumState) {
        if self.radio.state != state {
            self.radio.state = state.clone();
            self.tell(News::Medium { medium: Medium::Ble, state });
        }
    }

    /// The same advert on the air as on the network, both of the same moment.
    pub(crate) async fn announce_by_radio(&mut self, id: Option<BeaconId>, instance: InstanceId, txt: Option<&Txt>) {
        let Some(ble) = self.radio.ble.clone() else { return };
        // Without an id the radio is off; where nobody may see us, it is stopped.
        let (Some(id), Some(txt)) = (id, txt) else { return };
        let open = txt.rid.is_some();
        let card = Card {
            version: ble::card::VERSION,
            power: ble::card::USUAL_POWER,
            epoch: txt.epoch,
            name: txt.name.clone(),
            instance: open.then_some(instance),
            rid: txt.rid,
            tags: presence::card_tags(&txt.tags),
        };
        // Without private addresses the adapter would show its own, the same for ever: friends alone are not worth that.
        let connectable = open || self.radio.private;
        if let Err(error) = ble.announce(Announcement { id, card, connectable, open }).await {
            tracing::info!(%error, "nothing is announced by Bluetooth");
        }
    }

    pub(crate) async fn beamed(&mut self, event: ble::Event) {
        match event {
            ble::Event::Seen(sighting) => {
                let (source, epoch) = (sighting.source, hither_protocol::epoch(self.clock.unix()));
                let is_new = self.directory.beamed(sighting, &self.people, epoch);
                if let Some(peer) = self.directory.met_by_radio(&source).filter(|_| is_new) {
                    if let Some(ble) = &self.radio.ble {
                        ble.keep(source, true).await;
                    }
                    self.redial_soon(Some(peer));
                }
            }
            ble::Event::Gone { source, .. } => self.directory.faded(&source),
            ble::Event::Arrived(pipe) => self.arrived_by_radio(pipe).await,
            ble::Event::State(state) => {
                let up = state == MediumState::On && self.radio.state != MediumState::On;
                self.radio_is(state);
                if self.radio.state != MediumState::On {
                    self.directory.radio_lost();
                }
                if up {
                    // A fresh advert everywhere, so that both media change in one moment.
                    self.announce().await;
                }
            }
            _ => {}
        }
        self.show_changes();
    }

    /// Somebody looks at the list of devices.
    pub(crate) async fn look_near(&mut self) {
        if let Some(ble) = &self.radio.ble {
            if self.radio.looking.is_none() {
                ble.look(true).await;
            }
            self.radio.looking = Some(self.clock.now() + LOOK);
        }
    }

    /// A device told by which key its adverts are recognised.
    pub(crate) fn know_radio(&mut self, peer: PeerId, key: Option<ResolvingKey>) {
        let Some(person) = self.people.find_mut(&peer).filter(|person| person.is_known()) else { return };
        if key.is_some() && person.radio != key {
            person.radio = key;
            self.keeper.save(Slot::People, &self.people);
            self.directory.people_changed(&self.people, hither_protocol::epoch(self.clock.unix()));
            self.show_changes();
        }
    }

    pub(crate) async fn radio_due(&mut self) {
        if self.radio.looking.take_if(|until| *until <= self.clock.now()).is_some()
            && let Some(ble) = &self.radio.ble
        {
            ble.look(false).await;
        }
    }

    /// Somebody opened a channel by radio: they come to the same door as those who come over the network.
    async fn arrived_by_radio(&mut self, pipe: Pipe) {
        let Some(tunnels) = self.tunnels.clone() else { return };
        match Tunnel::to(radio_address(*pipe.peer().as_bytes())) {
            Ok((tunnel, end)) => {
                self.tasks.spawn(carry(pipe, end, self.cancel.child_token()));
                // Callers that find the queue full are too many.
                let _ = tunnels.try_send(tunnel);
            }
            Err(error) => tracing::warn!(%error, "a caller by radio cannot be let in"),
        }
    }

    /// Whether a device that may come in unasked is near enough for that, if the person wants it near.
    pub(crate) fn near_enough(&self, peer: &PeerId) -> bool {
        let near_only = self.settings.borrow().bluetooth.near_only;
        !near_only
            || matches!(self.directory.nearness(&DeviceId::Met(*peer)), Some(Nearness::Touching | Nearness::Near))
    }

    /// Another key, after somebody who held the old one was forgotten or blocked. Friends learn it in the next session.
    pub(crate) fn renew_radio_key(&mut self) {
        self.radio.key = ResolvingKey::new(random());
        self.keeper.save(Slot::Radio, &self.radio.key);
    }
}

/// The key of this profile; a new one if it has none.
pub(crate) fn radio_key(keeper: &Keeper) -> Result<ResolvingKey, Failure> {
    if let Some(key) = keeper.load(Slot::Radio).map_err(Failure::from)? {
        return Ok(key);
    }
    let key = ResolvingKey::new(random());
    keeper.save(Slot::Radio, &key);
    Ok(key)
}

/// Stands for a stranger heard by radio alone, as long as its radio sends this. A label of its own: the one on its card
/// may be anybody's.
pub(crate) fn stand_in(sighting: &Sighting) -> InstanceId {
    let label = hither_protocol::radio::stand_in(sighting.source.as_bytes(), sighting.id.map(|id| id.0));
    InstanceId::new(label)
}

/// Carries bytes between a radio and a tunnel until both directions ended or one broke.
pub(crate) async fn carry(mut pipe: Pipe, mut end: TcpStream, cancel: tokio_util::sync::CancellationToken) {
    tokio::select! {
        outcome = tokio::io::copy_bidirectional(&mut pipe, &mut end) => {
            tracing::debug!(?outcome, "a channel by radio ended");
        }
        () = cancel.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advert_that_is_made_anew_early_does_not_keep_its_id_on_the_air_for_longer() {
        let mut radio = Radio::new(true, ResolvingKey::new(random()));
        assert_eq!(radio.lasts(5), None, "nothing is on the air");
        radio.id = Some((BeaconId([1; 8]), 1_000));
        assert_eq!(radio.lasts(5_000), None, "each advert has an address of its own");
        radio.private = true;
        assert_eq!(radio.lasts(1_000), Some(PRIVATE_ADDRESS));
        // The clock on the wall was twice past a quarter of an hour, and the advert got tags of the time.
        assert_eq!(radio.lasts(911_000), Some(PRIVATE_ADDRESS - 910_000));
        assert_eq!(radio.lasts(5_000_000), Some(0));
    }
}

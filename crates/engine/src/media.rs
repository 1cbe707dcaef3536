//! Multicast DNS switched on and off, our advert kept fresh, and what is heard handed to the directory.

use crate::{
    clock::random,
    directory::{Advert, Change},
    event::Event,
    presence::{self, Draw},
    state::State,
};
use hither_discovery::{
    announce::Announcement,
    interfaces::InterfaceRule,
    mdns::{self, Mdns},
};
use hither_model::{DisplayName, InstanceId, Medium, MediumState, News, Rid, row::Visibility};
use hither_protocol::epoch;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Adverts whose rendezvous values stay good after they were replaced, so that a knock on its way still finds the door.
const OLD_RIDS: usize = 2;

/// Adverts of ours that are remembered as ours: a network that changes all the time makes new ones.
const OWN: usize = 64;

/// The multicast side of the engine.
pub(crate) struct Media {
    /// Whether it may be used at all (command line).
    pub(crate) wanted: bool,
    pub(crate) mdns: Option<Arc<Mdns>>,
    pub(crate) state: MediumState,
    pub(crate) draw: Option<Draw>,
    pub(crate) old_rids: Vec<Rid>,
    /// Adverts of ours that may still be heard.
    pub(crate) own: Vec<InstanceId>,
    /// Somebody else was heard with our key; told once in the life of the agent.
    pub(crate) twin_told: bool,
    /// When the advert is made anew, monotonic milliseconds.
    pub(crate) rotate_at: Option<u64>,
    /// Holds instead of the setting, which alone is kept on disk: a crash in between ends it.
    pub(crate) passing: Option<Passing>,
}

/// A visibility for a while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passing {
    pub(crate) visibility: Visibility,
    /// When it ends, monotonic milliseconds.
    pub(crate) at: u64,
    /// The same moment, seconds since 1970.
    pub(crate) until: u64,
}

impl Media {
    pub(crate) fn new(wanted: bool) -> Self {
        Self {
            wanted,
            mdns: None,
            state: MediumState::Off,
            draw: None,
            old_rids: vec![],
            own: vec![],
            twin_told: false,
            rotate_at: None,
            passing: None,
        }
    }

    /// Nothing is announced any more.
    pub(crate) fn forget_draw(&mut self) {
        (self.draw, self.rotate_at) = (None, None);
        self.old_rids.clear();
    }
}

impl State {
    /// The name everyone may see, if any.
    pub(crate) fn shown_name(&self) -> Option<DisplayName> {
        self.settings.borrow().name.clone()
    }

    pub(crate) fn visibility(&self) -> Visibility {
        self.media.passing.map_or(self.settings.borrow().visibility, |passing| passing.visibility)
    }

    /// Brings multicast into line with the settings and capabilities: on, off, or failed with a reason.
    pub(crate) async fn align_media(&mut self) {
        let hidden = self.visibility() == Visibility::Nobody;
        let grant = if self.media.wanted && !hidden { self.gate.discover().map_err(Some) } else { Err(None) };
        match grant {
            Ok(grant) if self.media.mdns.is_none() => {
                let (sender, mut receiver) = mpsc::channel(64);
                let started = Mdns::start(grant, self.interface_rule(), sender).await;
                match started {
                    Ok(mdns) => {
                        self.media.mdns = Some(Arc::new(mdns));
                        self.media_is(MediumState::On);
                        let events = self.events.clone();
                        self.tasks.spawn(async move {
                            while let Some(event) = receiver.recv().await {
                                if events.send(Event::Discovery(event)).await.is_err() {
                                    break;
                                }
                            }
                        });
                    }
                    Err(error) => self.media_is(MediumState::Failed(error.to_string())),
                }
            }
            Ok(_) => {}
            Err(denied) => {
                self.stop_mdns().await;
                self.media_is(denied.map_or(MediumState::Off, |d| MediumState::Failed(d.to_string())));
            }
        }
        self.align_radio().await;
        self.announce().await;
    }

    pub(crate) async fn stop_mdns(&mut self) {
        if let Some(mdns) = self.media.mdns.take() {
            mdns.stop().await;
        }
        if self.radio.ble.is_none() {
            self.media.forget_draw();
        }
        self.directory.lost_all();
        self.show_changes();
    }

    fn media_is(&mut self, state: MediumState) {
        if self.media.state != state {
            self.media.state = state.clone();
            self.tell(News::Medium { medium: Medium::Mdns, state });
        }
    }

    pub(crate) fn interface_rule(&self) -> InterfaceRule {
        let settings = self.settings.borrow();
        if self.loopback {
            // Practice and tests on one machine stay on it: not a packet leaves.
            return InterfaceRule { include: vec!["lo".into()], loopback: true, ..InterfaceRule::default() };
        }
        InterfaceRule {
            include: settings.interfaces.include.clone(),
            exclude: settings.interfaces.exclude.clone(),
            virtual_too: settings.interfaces.virtual_too,
            loopback: false,
        }
    }

    /// A fresh advert: new random bits, tags of this epoch.
    pub(crate) async fn announce(&mut self) {
        if self.media.mdns.is_none() && self.radio.ble.is_none() {
            return self.publish_door();
        }
        let draw = Draw {
            instance: InstanceId::new(random()),
            host: random(),
            rid: Rid::new(random()),
            spread: u16::from_be_bytes(random()),
        };
        let epoch = epoch(self.clock.unix());
        self.advert_epoch = epoch;
        let name = self.shown_name();
        let open = self.visibility() == Visibility::Everyone || self.open_to_colleagues();
        let rid = open.then_some(draw.rid);
        let beacon = self.radio.next_id(epoch, self.clock.now());
        let mut txt = presence::advert(self.visibility(), name.as_ref(), &self.my_id, &self.people, epoch, rid, random);
        if let Some(txt) = &mut txt {
            txt.beacon = beacon.map(|id| id.0);
        }
        self.media.own.insert(0, draw.instance);
        self.media.own.truncate(OWN);
        if let Some(old) = self.media.draw.replace(draw) {
            self.media.old_rids.insert(0, old.rid);
            self.media.old_rids.truncate(OLD_RIDS);
        }
        self.media.rotate_at = Some(draw.rotate_at(self.clock.now(), self.radio.lasts(self.clock.now())));
        self.publish_door();
        self.announce_by_radio(beacon, draw.instance, txt.as_ref()).await;
        let Some(mdns) = self.media.mdns.clone() else { return };
        let outcome = match txt {
            Some(txt) => {
                let advert = Announcement { instance: draw.instance, host: draw.host, port: self.port(), txt };
                mdns.announce(advert).await
            }
            None => mdns.withdraw().await,
        };
        if let Err(error) = outcome {
            self.media_is(MediumState::Failed(error.to_string()));
        }
    }

    /// Rotates the advert and ends temporary visibility when due.
    pub(crate) async fn media_due(&mut self) {
        let now = self.clock.now();
        if self.media.passing.take_if(|passing| passing.at <= now).is_some() {
            self.tell(News::Me { me: self.me_row() });
            self.align_media().await;
        } else if self.media.rotate_at.is_some_and(|at| at <= now) {
            self.announce().await;
        }
    }

    pub(crate) fn media_deadline(&self) -> Option<u64> {
        [self.media.rotate_at, self.media.passing.map(|passing| passing.at)].into_iter().flatten().min()
    }

    pub(crate) async fn discovered(&mut self, event: mdns::Event) {
        match event {
            mdns::Event::Seen(sighting) => {
                self.look_for_twin(&sighting.instance, sighting.txt.epoch, &sighting.txt.tags);
                let advert = Advert {
                    instance: sighting.instance,
                    epoch: sighting.txt.epoch,
                    rid: sighting.txt.rid,
                    beacon: sighting.txt.beacon,
                    name: sighting.txt.name,
                    tags: sighting.txt.tags,
                    routes: sighting.routes,
                };
                let instance = advert.instance;
                self.directory.heard(advert, &self.people);
                if let Some(peer) = self.directory.met(&instance) {
                    if let Some(mdns) = &self.media.mdns {
                        mdns.keep(instance, true).await;
                    }
                    self.redial_soon(Some(peer));
                }
            }
            mdns::Event::Gone(instance) => self.directory.lost(&instance),
            mdns::Event::NetworkChanged { .. } => {
                self.announce().await;
                self.redial_soon(None);
                self.call_known();
            }
            mdns::Event::NameTaken(_) => self.announce().await,
            mdns::Event::State(state) => self.media_is(state),
            _ => {}
        }
        self.show_changes();
    }

    /// Another device that announces itself with our key: a copied disk, a restored backup, or a thief. Only who has the
    /// key can make the tags that known devices resolve.
    fn look_for_twin(&mut self, instance: &InstanceId, epoch: u32, tags: &[[u8; 8]]) {
        if self.media.twin_told || self.media.own.contains(instance) {
            return;
        }
        let ours = |tag: &[u8; 8]| {
            self.people.known().any(|(_, _, key)| hither_protocol::rendezvous::tag(key, epoch, &self.my_id) == *tag)
        };
        if tags.iter().any(ours) {
            self.media.twin_told = true;
            let message = "another device here uses this device's key: a copied disk or a restored backup. Give one of the two \
                           a profile of its own; if you made no copy, tell the people you met that the key was stolen";
            self.alarm(message.to_owned(), None);
        }
    }

    /// Asks the link once more after adverts whose device did not answer.
    pub(crate) async fn suspect(&self, instances: &[InstanceId]) {
        if let Some(mdns) = &self.media.mdns {
            for instance in instances {
                mdns.expire(*instance).await;
            }
        }
    }

    /// Tells everybody what changed in the list of devices.
    pub(crate) fn show_changes(&mut self) {
        for change in self.directory.changes(&self.people, self.clock.now()) {
            self.tell(match change {
                Change::Added(peer) => News::PeerAdded { peer },
                Change::Updated(peer) => News::PeerUpdated { peer },
                Change::Removed(peer) => News::PeerRemoved { peer },
            });
        }
    }
}

//! What is heard by Bluetooth LE: which device an advert belongs to, and how near it is. Pure.
//!
//! An advert is one device's with an advert on the network only if each names the other: the record on the network names
//! the id in the air, and the card read from that very radio names the record. Either claim alone is worth nothing, for
//! anybody can make it; a copy of both makes no second row and hides none, and how near the device is is not said as
//! long as two radios send one id.

use super::{DeviceId, Directory, Entry, add};
use crate::radio::stand_in;
use crate::store::People;
use hither_capability::radio_of;
use hither_discovery::ble::{RadioAddress, Sighting};
use hither_model::{InstanceId, Medium, Nearness, PeerId, Presence, Trust, row::PeerRow};
use hither_protocol::rendezvous;
use std::{collections::BTreeMap, net::SocketAddr};

/// One radio that sends adverts of ours.
#[derive(Debug)]
pub(super) struct Beacon {
    sighting: Sighting,
    met: Option<PeerId>,
    /// In which epoch that was worked out: an advert that is repeated for longer is nobody's any more.
    epoch: u32,
    /// Who answered there, with a proven key.
    proved: Option<PeerId>,
    fading: bool,
}

impl Beacon {
    fn claims(&self) -> Option<InstanceId> {
        self.sighting.card.as_ref()?.instance
    }
}

/// Whose advert it is, if a friend's: by the key they told us, else by the tags on its card.
fn resolve(sighting: &Sighting, people: &People, epoch: u32) -> Option<PeerId> {
    // An advert may last a little longer than an epoch, and clocks differ.
    let epochs = [epoch, epoch.wrapping_sub(1), epoch.wrapping_sub(2), epoch.wrapping_add(1)];
    let by_id = sighting.id.and_then(|id| {
        let made = |key: &hither_protocol::ResolvingKey| epochs.iter().any(|e| key.made(&id.0, *e));
        people.known().find(|(_, person, _)| person.radio.as_ref().is_some_and(made))
    });
    let by_card = || {
        // An older card is a copy of one.
        let card = sighting.card.as_ref().filter(|card| epochs.contains(&card.epoch))?;
        let tagged = |peer: &PeerId, key| card.tags.contains(&rendezvous::tag(key, card.epoch, peer));
        people.announced().find(|(peer, key)| tagged(peer, key)).map(|(peer, _)| peer)
    };
    by_id.map(|(peer, _, _)| *peer).or_else(by_card)
}

impl Directory {
    /// Takes in what a radio sends. True if that radio was not heard before, or sends another id now.
    pub(crate) fn beamed(&mut self, sighting: Sighting, people: &People, epoch: u32) -> bool {
        let before = self.beacons.get(&sighting.source);
        let same = before.is_some_and(|b| b.sighting.id == sighting.id);
        let proved = before.filter(|_| same).and_then(|b| b.proved);
        // Resolving costs a few hashes a friend: done when there is something new to resolve.
        let known = before.filter(|b| same && b.epoch == epoch && b.sighting.card == sighting.card).map(|b| b.met);
        let met = known.unwrap_or_else(|| resolve(&sighting, people, epoch));
        let met = met.or(proved.filter(|peer| people.find(peer).is_some()));
        self.beacons.insert(sighting.source, Beacon { sighting, met, epoch, proved, fading: false });
        !same
    }

    /// Nothing was heard of that radio for long.
    pub(crate) fn faded(&mut self, source: &RadioAddress) {
        self.beacons.remove(source);
    }

    /// Nothing is heard by radio any more.
    pub(crate) fn radio_lost(&mut self) {
        self.beacons.clear();
    }

    /// Somebody was reached there, by an advert of theirs or not, and proved a key: whatever led there is theirs.
    pub(crate) fn reached(&mut self, instance: Option<&InstanceId>, at: SocketAddr, peer: PeerId) {
        if let Some(instance) = instance {
            self.proved(instance, peer);
        }
        let beacon = radio_of(at).and_then(|radio| self.beacons.get_mut(&RadioAddress::new(radio)));
        if let Some(beacon) = beacon {
            (beacon.proved, beacon.met) = (Some(peer), Some(peer));
        }
    }

    /// How many rows the radio has a part in.
    pub(crate) fn heard_by_radio(&self) -> usize {
        self.shown.values().filter(|row| row.media.contains(&Medium::Ble)).count()
    }

    /// How near a device is, as far as that can be said.
    pub(crate) fn nearness(&self, device: &DeviceId) -> Option<Nearness> {
        self.shown.get(device).and_then(|row| row.nearness)
    }

    /// Whose radio it is, if somebody's we met.
    pub(crate) fn met_by_radio(&self, source: &RadioAddress) -> Option<PeerId> {
        self.beacons.get(source).and_then(|beacon| beacon.met)
    }

    /// Works out again whose radio is whose.
    pub(super) fn resolve_beacons(&mut self, people: &People, epoch: u32) {
        for beacon in self.beacons.values_mut() {
            let proved = beacon.proved.filter(|peer| people.find(peer).is_some());
            (beacon.met, beacon.epoch) = (resolve(&beacon.sighting, people, epoch).or(proved), epoch);
        }
    }

    /// Adds what the radio says to the rows made from the network.
    pub(super) fn add_beacons(&self, rows: &mut BTreeMap<DeviceId, PeerRow>, people: &People) {
        let mut latest: BTreeMap<DeviceId, u64> = BTreeMap::new();
        for beacon in self.beacons.values() {
            let device = self.device_of_beacon(beacon);
            let shows = beacon.sighting.open || beacon.sighting.card.is_some();
            if people.trust_of(&device) == Trust::Blocked || (matches!(device, DeviceId::Passing(_)) && !shows) {
                continue;
            }
            let name = beacon.sighting.card.as_ref().and_then(|card| card.name.as_ref());
            let row = rows.entry(device).or_insert_with(|| super::blank_row(device, name, people));
            add(&mut row.media, Medium::Ble);
            if !beacon.fading {
                row.presence = Presence::Near;
            }
            // The one heard last counts: a device that has just changed its address is heard under both.
            if latest.insert(device, beacon.sighting.last_heard).is_none_or(|other| other < beacon.sighting.last_heard)
            {
                let said = !self.is_doubled(&beacon.sighting);
                row.rssi = beacon.sighting.rssi.filter(|_| said);
                row.nearness = beacon.sighting.nearness.filter(|_| said);
                row.metres = beacon.sighting.metres.filter(|_| said);
            }
        }
    }

    /// The radios of a device, the one heard last first.
    pub(super) fn radios(&self, device: &DeviceId) -> Vec<&Sighting> {
        let mut radios: Vec<&Sighting> =
            self.beacons.values().filter(|b| self.device_of_beacon(b) == *device).map(|b| &b.sighting).collect();
        radios.sort_by_key(|sighting| std::cmp::Reverse(sighting.last_heard));
        radios
    }

    fn device_of_beacon(&self, beacon: &Beacon) -> DeviceId {
        if let Some(peer) = beacon.met {
            return DeviceId::Met(peer);
        }
        let id = beacon.sighting.id.map(|id| id.0);
        let named = beacon.claims().and_then(|instance| self.adverts.get(&instance));
        let both = named.filter(|entry: &&Entry| id.is_some() && entry.advert.beacon == id);
        both.map_or_else(|| DeviceId::Passing(stand_in(&beacon.sighting)), super::device_of)
    }

    /// Whether another radio sends the same id: one of the two repeats what it heard.
    fn is_doubled(&self, sighting: &Sighting) -> bool {
        let same = |other: &&Beacon| other.sighting.source != sighting.source && other.sighting.id == sighting.id;
        sighting.id.is_some() && self.beacons.values().any(|other| same(&other))
    }
}

#[cfg(test)]
mod tests;

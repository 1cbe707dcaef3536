//! Who is near: sightings from every medium merged into one row per device. Pure: time is an argument (milliseconds).
//!
//! A sighting is a hint (SECURITY: D5, D6). Nothing here changes trust, stored names or stored routes.

mod beacons;
mod label;

use crate::store::People;
use beacons::Beacon;
use hither_capability::radio_of;
use hither_discovery::ble::RadioAddress;
use hither_model::{DisplayName, InstanceId, Medium, Nearness, PeerId, Presence, Rid, Trust, row::PeerRow};
use hither_protocol::rendezvous;
use std::{collections::BTreeMap, net::SocketAddr};

/// How long a device that called us stays near without calling again, milliseconds.
const CALL_LASTS: u64 = 120_000;
/// Routes shown for one device.
const MAX_ROUTES: usize = 8;

/// What one advert says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Advert {
    pub(crate) instance: InstanceId,
    pub(crate) epoch: u32,
    pub(crate) rid: Option<Rid>,
    /// The id it claims to send by radio.
    pub(crate) beacon: Option<[u8; 8]>,
    pub(crate) name: Option<DisplayName>,
    pub(crate) tags: Vec<[u8; 8]>,
    pub(crate) routes: Vec<SocketAddr>,
}

/// Which row: a device we met, or the present advert of one we did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum DeviceId {
    Met(PeerId),
    Passing(InstanceId),
}

impl std::fmt::Display for DeviceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Met(peer) => peer.fmt(f),
            Self::Passing(instance) => instance.fmt(f),
        }
    }
}

#[derive(Debug)]
struct Entry {
    advert: Advert,
    met: Option<PeerId>,
    /// Who answered there, with a proven key.
    proved: Option<PeerId>,
    fading: bool,
    /// Adverts heard first have smaller numbers.
    order: u64,
}

#[derive(Debug)]
struct Call {
    route: SocketAddr,
    at: u64,
}

/// Everything heard.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    adverts: BTreeMap<InstanceId, Entry>,
    /// What is heard by radio, by the address it shows.
    beacons: BTreeMap<RadioAddress, Beacon>,
    calls: BTreeMap<PeerId, Call>,
    connected: BTreeMap<PeerId, SocketAddr>,
    shown: BTreeMap<DeviceId, PeerRow>,
    orders: u64,
}

/// A change of the list.
#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    Added(PeerRow),
    Updated(PeerRow),
    Removed(PeerRow),
}

/// How a device can be reached now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reach {
    pub(crate) device: DeviceId,
    pub(crate) name: String,
    pub(crate) routes: Vec<SocketAddr>,
    /// From its present advert, if it shows one to everyone.
    pub(crate) rid: Option<Rid>,
    /// The epoch its advert names, which is its clock and not ours.
    pub(crate) epoch: Option<u32>,
    pub(crate) instances: Vec<InstanceId>,
    /// Its radios, the one heard last first.
    pub(crate) radio: Vec<RadioAddress>,
    /// The web server through which it was reached last.
    pub(crate) web: Option<hither_protocol::WebRoute>,
}

impl Directory {
    /// Takes in an advert. Whether it belongs to somebody known is worked out from its epoch tags.
    pub(crate) fn heard(&mut self, advert: Advert, people: &People) {
        let before = self.adverts.get(&advert.instance).map(|e| (e.proved, e.order));
        self.orders += u64::from(before.is_none());
        let (proved, order) = before.unwrap_or((None, self.orders));
        let met = resolve(&advert, people).or(proved.filter(|peer| people.find(peer).is_some()));
        self.adverts.insert(advert.instance, Entry { advert, met, proved, fading: false, order });
    }

    /// The device behind an advert was reached through it and proved its key.
    pub(crate) fn proved(&mut self, instance: &InstanceId, peer: PeerId) {
        if let Some(entry) = self.adverts.get_mut(instance) {
            entry.proved = Some(peer);
            entry.met = Some(peer);
        }
    }

    /// The advert lapsed or said goodbye. A session is untouched by that (D6).
    pub(crate) fn lost(&mut self, instance: &InstanceId) {
        self.adverts.remove(instance);
    }

    /// Nothing of that medium is heard any more.
    pub(crate) fn lost_all(&mut self) {
        self.adverts.clear();
    }

    /// A known device called us from there.
    pub(crate) fn called(&mut self, peer: PeerId, route: SocketAddr, now: u64) {
        self.calls.insert(peer, Call { route, at: now });
    }

    /// Dialling failed: the row fades at once, long before its advert lapses.
    pub(crate) fn failed(&mut self, device: &DeviceId) {
        for entry in self.adverts.values_mut() {
            if device_of(entry) == *device {
                entry.fading = true;
            }
        }
        if let DeviceId::Met(peer) = device {
            self.calls.remove(peer);
        }
    }

    /// A session with it is connected, or is not any more.
    pub(crate) fn connected(&mut self, peer: PeerId, route: Option<SocketAddr>) {
        match route {
            Some(route) => self.connected.insert(peer, route),
            None => self.connected.remove(&peer),
        };
    }

    /// Works out again who is who, after the people changed.
    pub(crate) fn people_changed(&mut self, people: &People, epoch: u32) {
        self.resolve_beacons(people, epoch);
        for entry in self.adverts.values_mut() {
            let proved = entry.proved.filter(|peer| people.find(peer).is_some());
            entry.met = resolve(&entry.advert, people).or(proved);
        }
    }

    /// Whose advert it is, if somebody's we met.
    pub(crate) fn met(&self, instance: &InstanceId) -> Option<PeerId> {
        self.adverts.get(instance).and_then(|e| e.met)
    }

    /// Every address in any advert, for practice on one machine.
    pub(crate) fn routes(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.adverts.values().flat_map(|e| e.advert.routes.iter().copied())
    }

    /// The next moment something lapses by itself.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.calls.values().map(|c| c.at + CALL_LASTS).min()
    }

    /// Lets old calls lapse and compares with what was shown before.
    pub(crate) fn changes(&mut self, people: &People, now: u64) -> Vec<Change> {
        self.calls.retain(|_, call| call.at + CALL_LASTS > now);
        let rows = self.rows_by_device(people);
        let mut changes = Vec::new();
        for (device, row) in &rows {
            match self.shown.get(device) {
                None => changes.push(Change::Added(row.clone())),
                Some(before) if before != row => changes.push(Change::Updated(row.clone())),
                Some(_) => {}
            }
        }
        for (device, row) in &self.shown {
            if !rows.contains_key(device) {
                changes.push(Change::Removed(PeerRow { presence: Presence::Gone, ..row.clone() }));
            }
        }
        self.shown = rows;
        changes
    }

    /// The list, people met before strangers, then by name.
    pub(crate) fn rows(&self) -> Vec<PeerRow> {
        let mut rows: Vec<PeerRow> = self.shown.values().cloned().collect();
        rows.sort_by_cached_key(|r| {
            let stranger = !matches!(r.trust, Trust::Known | Trust::Verified);
            (r.presence, r.nearness.unwrap_or(Nearness::InRange), stranger, r.name.to_lowercase(), r.peer.clone())
        });
        rows
    }

    fn rows_by_device(&self, people: &People) -> BTreeMap<DeviceId, PeerRow> {
        let mut rows: BTreeMap<DeviceId, PeerRow> = BTreeMap::new();
        for entry in self.adverts.values() {
            let device = device_of(entry);
            if people.trust_of(&device) == Trust::Blocked {
                continue;
            }
            let row = rows.entry(device).or_insert_with(|| blank_row(device, entry.advert.name.as_ref(), people));
            add(&mut row.media, Medium::Mdns);
            if !entry.fading {
                row.presence = Presence::Near;
            }
            row.routes.extend(entry.advert.routes.iter().map(ToString::to_string));
        }
        let direct = self.calls.iter().map(|(p, c)| (p, c.route)).chain(self.connected.iter().map(|(p, r)| (p, *r)));
        for (peer, route) in direct {
            let Some(person) = people.find(peer).filter(|p| p.trust != Trust::Blocked) else { continue };
            let row = rows.entry(DeviceId::Met(*peer)).or_insert_with(|| PeerRow {
                peer: peer.to_string(),
                name: person.name.to_string(),
                trust: person.trust,
                presence: Presence::Near,
                media: vec![],
                routes: vec![],
                resembles: None,
                rssi: None,
                metres: None,
                nearness: None,
            });
            row.presence = Presence::Near;
            if radio_of(route).is_some() {
                add(&mut row.media, Medium::Ble);
                continue;
            }
            add(&mut row.media, Medium::Route);
            row.routes.push(route.to_string());
        }
        self.add_beacons(&mut rows, people);
        for row in rows.values_mut() {
            let mut seen = std::collections::BTreeSet::new();
            row.routes.retain(|r| seen.insert(r.clone()));
            row.routes.truncate(MAX_ROUTES);
        }
        rows
    }

    /// Finds a device by id, unambiguous beginning of an id, or exact name. `Err` holds the candidates.
    pub(crate) fn find(&self, wanted: &str) -> Result<DeviceId, Vec<PeerRow>> {
        let wanted = wanted.trim();
        let by = |test: &dyn Fn(&PeerRow) -> bool| -> Vec<(DeviceId, PeerRow)> {
            self.shown.iter().filter(|(_, r)| test(r)).map(|(d, r)| (*d, r.clone())).collect()
        };
        let mut found = by(&|r| r.name == wanted);
        if found.is_empty() {
            found = by(&|r| wanted.len() >= 4 && r.peer.starts_with(&wanted.to_lowercase()));
        }
        match found.as_slice() {
            [(device, _)] => Ok(*device),
            several if !several.is_empty() => {
                self.one_listener(several).ok_or_else(|| several.iter().map(|(_, row)| row.clone()).collect())
            }
            _ => Err(self.rows()),
        }
    }

    /// The newest of several adverts, if all of them lead to one listening port: a device that is just changing its advert.
    fn one_listener(&self, found: &[(DeviceId, PeerRow)]) -> Option<DeviceId> {
        let mut entries = Vec::new();
        for (device, _) in found {
            let DeviceId::Passing(instance) = device else { return None };
            entries.push(self.adverts.get(instance)?);
        }
        let newest = entries.iter().max_by_key(|e| e.order)?;
        let shared = |e: &&Entry| e.advert.routes.iter().any(|r| newest.advert.routes.contains(r));
        entries.iter().all(shared).then_some(DeviceId::Passing(newest.advert.instance))
    }

    /// How to reach a device; `None` if nothing is heard of it and no route is remembered.
    pub(crate) fn reach(&self, device: &DeviceId, people: &People) -> Option<Reach> {
        let entries: Vec<&Entry> = self.adverts.values().filter(|e| device_of(e) == *device).collect();
        let mut routes: Vec<SocketAddr> = Vec::new();
        if let DeviceId::Met(peer) = device {
            routes.extend(self.calls.get(peer).map(|c| c.route));
        }
        routes.extend(entries.iter().flat_map(|e| e.advert.routes.iter().copied()));
        let radios = self.radios(device);
        let cards = || radios.iter().filter_map(|r| r.card.as_ref());
        let name =
            entries.iter().find_map(|e| e.advert.name.as_ref()).or_else(|| cards().find_map(|c| c.name.as_ref()));
        let mut name = name.map(ToString::to_string);
        if let DeviceId::Met(peer) = device {
            let person = people.find(peer)?;
            routes.extend(person.routes.iter().copied());
            name = Some(person.name.to_string());
        }
        let mut seen = std::collections::BTreeSet::new();
        routes.retain(|r| seen.insert(*r));
        let newest = entries.iter().max_by_key(|e| e.advert.epoch);
        let radio: Vec<RadioAddress> = radios.iter().map(|r| r.source).collect();
        let passing = match device {
            DeviceId::Passing(instance) => Some(*instance),
            DeviceId::Met(_) => None,
        };
        let web = match device {
            DeviceId::Met(peer) => people.find(peer).and_then(|person| person.web.clone()),
            DeviceId::Passing(_) => None,
        };
        (!routes.is_empty() || !radio.is_empty() || web.is_some()).then(|| Reach {
            device: *device,
            name: name.unwrap_or_else(|| label::of(passing)),
            routes,
            rid: entries.iter().find_map(|e| e.advert.rid).or_else(|| cards().find_map(|c| c.rid)),
            epoch: newest.map(|e| e.advert.epoch).or_else(|| cards().map(|c| c.epoch).next()),
            instances: entries.iter().map(|e| e.advert.instance).collect(),
            radio,
            web,
        })
    }
}

impl People {
    fn trust_of(&self, device: &DeviceId) -> Trust {
        match device {
            DeviceId::Met(peer) => self.trust(peer),
            DeviceId::Passing(_) => Trust::New,
        }
    }
}

fn device_of(entry: &Entry) -> DeviceId {
    entry.met.map_or(DeviceId::Passing(entry.advert.instance), DeviceId::Met)
}

fn resolve(advert: &Advert, people: &People) -> Option<PeerId> {
    if advert.tags.is_empty() {
        return None;
    }
    people
        .announced()
        .find(|(peer, key)| advert.tags.contains(&rendezvous::tag(key, advert.epoch, peer)))
        .map(|(peer, _)| peer)
}

fn blank_row(device: DeviceId, claimed: Option<&DisplayName>, people: &People) -> PeerRow {
    let (name, trust, resembles) = match device {
        DeviceId::Met(peer) => {
            let name = people.find(&peer).map(|p| p.name.to_string()).unwrap_or_default();
            (name, people.trust(&peer), None)
        }
        DeviceId::Passing(instance) => {
            let twin = claimed.and_then(|n| people.resembling(n, None)).map(|(_, p)| p.name.to_string());
            let name = claimed.map_or_else(|| label::of(Some(instance)), ToString::to_string);
            (name, Trust::New, twin)
        }
    };
    PeerRow {
        peer: device.to_string(),
        name,
        trust,
        presence: Presence::Fading,
        media: vec![],
        routes: vec![],
        resembles,
        rssi: None,
        metres: None,
        nearness: None,
    }
}

fn add(media: &mut Vec<Medium>, medium: Medium) {
    if !media.contains(&medium) {
        media.push(medium);
    }
}

#[cfg(test)]
mod tests;

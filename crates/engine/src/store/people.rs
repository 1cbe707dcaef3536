//! The trust store: devices met, what was proven of them, and the secret shared with each of them.

use hither_capability::is_place;
use hither_model::{
    DisplayName, PeerId, Trust, Verified,
    row::{CertifiedRow, TrustRow},
};
use hither_protocol::{ResolvingKey, WebRoute, rendezvous::PairKey};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::SocketAddr};

/// Routes remembered for one device.
const MAX_ROUTES: usize = 8;

/// One device we met.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    /// The name it showed when it was proven.
    pub(crate) name: DisplayName,
    /// What the person here decided.
    pub(crate) trust: Trust,
    /// How its key was proven.
    pub(crate) verified: Verified,
    /// Shared by the two devices; absent when they met "once, unverified" or it was blocked before meeting.
    pub(crate) pair_key: Option<PairKey>,
    /// First met, seconds since 1970.
    pub(crate) since: u64,
    /// Last session, seconds since 1970.
    pub(crate) last_seen: u64,
    /// Where it was reached last. Only proven connections change this (D5).
    pub(crate) routes: Vec<SocketAddr>,
    /// Its invites are accepted without asking.
    pub(crate) always: bool,
    /// Who they proved to be by a certificate, when last they showed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certified: Option<Box<CertifiedRow>>,
    /// The certificate that was chosen here for them, or `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<String>,
    /// By which its Bluetooth adverts are recognised, as it told in a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) radio: Option<ResolvingKey>,
    /// The web server through which it proved its key last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) web: Option<WebRoute>,
    /// The key it will have next, as its present one signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heir: Option<Heir>,
    /// The next key of ours that it keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) told_heir: Option<PeerId>,
}

/// A next key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Heir {
    /// Its id.
    pub(crate) peer: PeerId,
    /// When it was named, unix seconds: an older statement does not come back.
    pub(crate) made: u64,
}

impl Person {
    /// Whether its key counts as known: a code is not needed again.
    pub(crate) fn is_known(&self) -> bool {
        self.pair_key.is_some() && matches!(self.trust, Trust::Known | Trust::Verified)
    }

    /// Remembers a route that led to this very key.
    pub(crate) fn reached_at(&mut self, route: SocketAddr) {
        if !is_place(route) {
            // The address of a radio is another one soon; a web server's route is remembered by its text.
            return;
        }
        self.routes.retain(|r| *r != route && !(r.ip() == route.ip() && r.is_ipv4() == route.is_ipv4()));
        self.routes.insert(0, route);
        self.routes.truncate(MAX_ROUTES);
    }
}

/// Everybody.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct People(BTreeMap<PeerId, Person>);

impl People {
    /// The device with this key, or which named it as its next one.
    pub(crate) fn find(&self, peer: &PeerId) -> Option<&Person> {
        self.0.get(&self.holder(peer)?)
    }

    pub(crate) fn find_mut(&mut self, peer: &PeerId) -> Option<&mut Person> {
        let holder = self.holder(peer)?;
        self.0.get_mut(&holder)
    }

    fn holder(&self, peer: &PeerId) -> Option<PeerId> {
        if self.0.contains_key(peer) {
            return Some(*peer);
        }
        self.0.iter().find(|(_, p)| p.heir.is_some_and(|heir| heir.peer == *peer)).map(|(id, _)| *id)
    }

    /// Whether this key is, or will be, that of another device than `than`.
    pub(crate) fn is_another(&self, peer: &PeerId, than: &PeerId) -> bool {
        self.holder(peer).is_some_and(|holder| Some(holder) != self.holder(than))
    }

    /// Whoever named this key as their next one has it now. Gives the key before.
    pub(crate) fn succeed(&mut self, peer: &PeerId) -> Option<PeerId> {
        let old = self.holder(peer).filter(|old| old != peer)?;
        let person = self.0.remove(&old)?;
        self.0.insert(*peer, Person { heir: None, ..person });
        Some(old)
    }

    /// This key of ours is taken over: whoever does not keep it would refuse us as somebody they know, and has to be met
    /// anew.
    pub(crate) fn taken_over(&mut self, ours: &PeerId) {
        let untold = self.0.values_mut().filter(|person| person.is_known() && person.told_heir != Some(*ours));
        untold.for_each(|person| person.pair_key = None);
    }

    pub(crate) fn insert(&mut self, peer: PeerId, person: Person) {
        self.succeed(&peer);
        self.0.insert(peer, person);
    }

    pub(crate) fn forget(&mut self, peer: &PeerId) -> Option<Person> {
        self.0.remove(peer)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&PeerId, &Person)> {
        self.0.iter()
    }

    /// Those who can resolve our epoch tags and call us.
    pub(crate) fn known(&self) -> impl Iterator<Item = (&PeerId, &Person, &PairKey)> {
        self.0.iter().filter(|(_, p)| p.is_known()).filter_map(|(id, p)| Some((id, p, p.pair_key.as_ref()?)))
    }

    /// The same by each key they may announce themselves with: their present one, and the next one they named.
    pub(crate) fn announced(&self) -> impl Iterator<Item = (PeerId, &PairKey)> {
        let keys = |person: &Person| person.heir.map(|heir| heir.peer);
        self.known()
            .flat_map(move |(id, person, key)| [Some(*id), keys(person)].into_iter().flatten().map(move |id| (id, key)))
    }

    pub(crate) fn trust(&self, peer: &PeerId) -> Trust {
        self.find(peer).map_or(Trust::New, |p| p.trust)
    }

    /// Somebody known whose name looks like this one, other than `except` (D7).
    pub(crate) fn resembling(&self, name: &DisplayName, except: Option<&PeerId>) -> Option<(&PeerId, &Person)> {
        let skeleton = name.skeleton();
        self.0.iter().find(|(id, p)| {
            Some(*id) != except && !skeleton.is_empty() && p.is_known() && p.name.skeleton() == skeleton
        })
    }

    pub(crate) fn rows(&self) -> Vec<TrustRow> {
        let row = |(peer, p): (&PeerId, &Person)| TrustRow {
            peer: *peer,
            name: p.name.to_string(),
            trust: p.trust,
            verified: p.verified,
            since: p.since,
            last_seen: p.last_seen,
            always: p.always,
            certified: p.certified.clone(),
        };
        self.0.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Person {
        Person {
            name: DisplayName::new(name).unwrap(),
            trust: Trust::Verified,
            verified: Verified::Code,
            pair_key: Some(PairKey::new([7; 32])),
            since: 1,
            last_seen: 1,
            routes: vec![],
            always: false,
            certified: None,
            identity: None,
            radio: None,
            web: None,
            heir: None,
            told_heir: None,
        }
    }

    #[test]
    fn d7_a_stranger_who_calls_himself_like_a_friend_is_noticed() {
        let mut people = People::default();
        people.insert(PeerId::new([1; 32]), person("Anna Lindberg"));
        let claim = DisplayName::new("anna lindberg").unwrap();
        assert!(people.resembling(&claim, None).is_some());
        assert!(people.resembling(&claim, Some(&PeerId::new([1; 32]))).is_none(), "she resembles herself");
        assert!(people.resembling(&DisplayName::new("Bert").unwrap(), None).is_none());
    }

    #[test]
    fn an_address_that_moved_port_replaces_its_old_route() {
        let mut ana = person("Ana");
        for route in ["10.0.0.1:1", "10.0.0.2:2", "10.0.0.1:3"] {
            ana.reached_at(route.parse().unwrap());
        }
        let routes: Vec<String> = ana.routes.iter().map(ToString::to_string).collect();
        assert_eq!(routes, ["10.0.0.1:3", "10.0.0.2:2"]);
    }
}

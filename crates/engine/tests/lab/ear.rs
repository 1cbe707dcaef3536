//! Somebody on the link who hears every advert and can announce any.

use hither_capability::{Gate, Manifest};
use hither_discovery::{
    announce::Announcement,
    interfaces::InterfaceRule,
    mdns::{Event, Mdns},
    sightings::Sighting,
    txt::{Txt, VERSION},
};
use hither_model::{DisplayName, InstanceId, Rid};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;

pub(crate) struct Ear {
    mdns: Mdns,
    events: mpsc::Receiver<Event>,
    heard: BTreeMap<InstanceId, Sighting>,
}

/// Leave to do what any program on the link could do.
pub(crate) fn gate() -> Gate {
    Gate::new(Manifest::shipped().unwrap(), BTreeSet::new(), true)
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

impl Ear {
    pub(crate) async fn start() -> Self {
        let rule = InterfaceRule { include: vec!["lo".into()], loopback: true, ..InterfaceRule::default() };
        let (sender, events) = mpsc::channel(256);
        let mdns = Mdns::start(gate().discover().unwrap(), rule, sender).await.unwrap();
        Self { mdns, events, heard: BTreeMap::new() }
    }

    /// The latest advert that fits.
    pub(crate) async fn advert(&mut self, what: &str, fits: impl Fn(&Sighting) -> bool) -> Sighting {
        super::within(what, async {
            loop {
                let found = self.heard.values().filter(|s| fits(s)).max_by_key(|s| s.first_heard);
                if let Some(found) = found {
                    return found.clone();
                }
                match self.events.recv().await.unwrap() {
                    Event::Seen(sighting) => drop(self.heard.insert(sighting.instance, sighting)),
                    Event::Gone(instance) => drop(self.heard.remove(&instance)),
                    _ => {}
                }
            }
        })
        .await
    }

    /// Waits until an advert is not heard any more.
    pub(crate) async fn gone(&mut self, instance: InstanceId) {
        super::within("an advert's end", async {
            while self.heard.contains_key(&instance) {
                match self.events.recv().await.unwrap() {
                    Event::Seen(sighting) => drop(self.heard.insert(sighting.instance, sighting)),
                    Event::Gone(instance) => drop(self.heard.remove(&instance)),
                    _ => {}
                }
            }
        })
        .await;
    }

    /// An advert of whoever listens on that port.
    pub(crate) async fn advert_of(&mut self, port: u16) -> Sighting {
        self.advert("an advert", |s| s.routes.iter().any(|r| r.port() == port)).await
    }

    /// The value that lets a stranger knock there.
    pub(crate) async fn rid_of(&mut self, port: u16) -> Rid {
        let shown = |s: &Sighting| s.txt.rid.is_some() && s.routes.iter().any(|r| r.port() == port);
        self.advert("an advert for everyone", shown).await.txt.rid.unwrap()
    }

    /// Announces a device at that port under fresh labels.
    pub(crate) async fn announce(&self, port: u16, txt: Txt) -> InstanceId {
        let instance = InstanceId::new(random());
        self.mdns.announce(Announcement { instance, host: random(), port, txt }).await.unwrap();
        instance
    }

    pub(crate) async fn stop(self) {
        self.mdns.stop().await;
    }
}

/// What a device that shows itself to everyone says.
pub(crate) fn shown(name: &str, rid: Rid) -> Txt {
    let tags = (0..8).map(|_| random()).collect();
    Txt { version: VERSION, epoch: 0, rid: Some(rid), beacon: None, name: DisplayName::new(name).ok(), tags }
}

//! A stranger who listens to everything: keeps what each controller sends as long as it sends just that, so that an hour
//! is a few lines. It hears all, at any strength, and asks for scan responses where one may.

use super::{Address, Advert, Told, shown};
use data_encoding::HEXLOWER;
use std::collections::BTreeMap;

/// What a packet holds that anybody can tell apart.
type Packet = (Address, bool, u8, Vec<u8>, Vec<u8>);

/// The stranger.
#[derive(Debug, Default)]
pub(super) struct Ear {
    last: BTreeMap<usize, Packet>,
    heard: Vec<Told>,
}

impl Ear {
    /// A controller sent an advert at this time (milliseconds).
    pub(super) fn hears(&mut self, at: u64, by: usize, address: Address, advert: &Advert) {
        let response = if matches!(advert.kind, 0 | 2) { advert.response.clone() } else { Vec::new() };
        let packet = (address, advert.random, advert.kind, advert.data.clone(), response);
        if self.last.get(&by) == Some(&packet) {
            return;
        }
        self.heard.push(Told::Overheard {
            by,
            at,
            address: shown(&address),
            random: advert.random,
            kind: advert.kind,
            data: HEXLOWER.encode(&packet.3),
            response: HEXLOWER.encode(&packet.4),
        });
        self.last.insert(by, packet);
    }

    /// What was new since this was asked last.
    pub(super) fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stranger_tells_of_each_packet_once_and_of_any_byte_that_differs() {
        let mut ear = Ear::default();
        let mut advert = Advert { kind: 0, random: true, every: 100, data: vec![2, 1, 6], response: vec![] };
        for at in 0..3 {
            ear.hears(at, 0, [1; 6], &advert);
        }
        assert_eq!(ear.told().len(), 1);
        ear.hears(3, 0, [2; 6], &advert);
        ear.hears(4, 1, [2; 6], &advert);
        assert_eq!(ear.told().len(), 2, "another address, another controller");
        advert.response = vec![7];
        ear.hears(5, 0, [2; 6], &advert);
        let told = ear.told();
        assert!(matches!(&told[..], [Told::Overheard { by: 0, at: 5, response, .. }] if response == "07"), "{told:?}");
        advert.kind = 3;
        ear.hears(6, 0, [2; 6], &advert);
        let told = ear.told();
        assert!(matches!(&told[..], [Told::Overheard { response, .. }] if response.is_empty()), "nobody may ask it");
    }
}

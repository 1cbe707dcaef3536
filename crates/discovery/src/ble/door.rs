//! What is answered over GATT: the card to everyone, routes to who has shown a value that opens the door. Pure.
//!
//! | characteristic | operation | answer |
//! |---|---|---|
//! | card | read | the card; a read in pieces is of one card, also when it changes in between |
//! | door | write, 16 bytes | nothing if the [`Porter`] admits the value, else ATT error 0x80 |
//! | door | read | the routes, once, within 30 s of an admitted write by the same address; else ATT error 0x80 |
//!
//! Writes of another length, or in pieces, are refused and nothing of them is kept (B4). An address can be borrowed by a
//! neighbour, so routes are no secret between the two; they are told to nobody who knows no value at all.

use super::{RadioAddress, Routes, card::MAX_BYTES, routes::MAX_ADDRESSES};
use hither_model::Rid;
use std::sync::Arc;

/// Callers remembered at a time.
pub(super) const MAX_CALLERS: usize = 8;
/// How long, milliseconds.
pub(super) const REMEMBERED: u64 = 30_000;

/// Decides who is told where we can be reached. Asked for every knock; must not block.
pub trait Porter: Send + Sync {
    /// Whether this value opens our door at this moment.
    fn admits(&self, rid: &Rid) -> bool;
    /// Where we can be reached, best first: addresses above eight are not told. The channel's PSM is filled in here if it
    /// is none.
    fn routes(&self) -> Routes;
}

/// Why a caller gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The door stays shut: ATT application error 0x80.
    Shut,
    /// A place that is not there: ATT error 0x07.
    Offset,
    /// Too short or too long: ATT error 0x0d.
    Length,
}

#[derive(Debug)]
struct Caller {
    from: RadioAddress,
    since: u64,
    value: Option<Vec<u8>>,
}

/// Values that are being read, or may be, by caller; the oldest makes room.
#[derive(Debug, Default)]
struct Callers(Vec<Caller>);

impl Callers {
    fn expire(&mut self, now: u64) {
        self.0.retain(|caller| caller.since <= now && now - caller.since < REMEMBERED);
    }

    fn remember(&mut self, now: u64, from: RadioAddress, value: Option<Vec<u8>>) {
        self.0.retain(|caller| caller.from != from);
        if self.0.len() >= MAX_CALLERS {
            self.0.remove(0);
        }
        self.0.push(Caller { from, since: now, value });
    }

    fn find(&mut self, from: RadioAddress) -> Option<&mut Caller> {
        self.0.iter_mut().find(|caller| caller.from == from)
    }
}

/// The answering end.
pub(super) struct Door {
    porter: Arc<dyn Porter>,
    card: Vec<u8>,
    psm: Option<u16>,
    readers: Callers,
    callers: Callers,
}

impl Door {
    pub(super) fn new(porter: Arc<dyn Porter>) -> Self {
        Self { porter, card: vec![], psm: None, readers: Callers::default(), callers: Callers::default() }
    }

    /// What is read from now on. Who is in the middle of an earlier card reads that to its end.
    pub(super) fn show(&mut self, card: Vec<u8>) {
        self.card = card;
    }

    /// Where channels are listened for.
    pub(super) fn listen(&mut self, psm: Option<u16>) {
        self.psm = psm;
    }

    /// The card was asked for, from `offset` on.
    pub(super) fn read_card(&mut self, now: u64, from: RadioAddress, offset: usize) -> Result<Vec<u8>, Refusal> {
        self.readers.expire(now);
        if offset == 0 {
            let card = self.card.clone();
            self.readers.remember(now, from, Some(card));
        }
        let begun = self.readers.find(from).and_then(|reader| reader.value.as_deref());
        rest(begun.unwrap_or(&self.card), offset)
    }

    /// Somebody writes to the door.
    pub(super) fn knock(&mut self, now: u64, from: RadioAddress, offset: usize, value: &[u8]) -> Result<(), Refusal> {
        self.callers.expire(now);
        if offset != 0 {
            return Err(Refusal::Offset);
        }
        let rid = Rid::new(value.try_into().map_err(|_| Refusal::Length)?);
        if !self.porter.admits(&rid) {
            self.callers.0.retain(|caller| caller.from != from);
            return Err(Refusal::Shut);
        }
        self.callers.remember(now, from, None);
        Ok(())
    }

    /// Somebody reads from the door, from `offset` on.
    pub(super) fn read_routes(&mut self, now: u64, from: RadioAddress, offset: usize) -> Result<Vec<u8>, Refusal> {
        self.callers.expire(now);
        let caller = self.callers.find(from).ok_or(Refusal::Shut)?;
        match (&caller.value, offset) {
            (Some(told), 1..) => rest(told, offset),
            // Told once already, or begun in the middle.
            (Some(_), 0) | (None, 1..) => Err(Refusal::Shut),
            (None, 0) => {
                let mut routes = self.porter.routes();
                routes.psm = routes.psm.or(self.psm);
                routes.addresses.truncate(MAX_ADDRESSES);
                let told = routes.encode().map_err(|fault| {
                    tracing::debug!(%fault, "our routes cannot be told");
                    Refusal::Shut
                })?;
                caller.value = Some(told.clone());
                Ok(told)
            }
        }
    }
}

/// A value from `offset` on; its end is a place that is there.
fn rest(value: &[u8], offset: usize) -> Result<Vec<u8>, Refusal> {
    const { assert!(MAX_BYTES <= 512) };
    value.get(offset..).map(<[u8]>::to_vec).ok_or(Refusal::Offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: RadioAddress = RadioAddress::new([1; 6]);
    const EVE: RadioAddress = RadioAddress::new([2; 6]);

    struct Only(Rid);
    impl Porter for Only {
        fn admits(&self, rid: &Rid) -> bool {
            *rid == self.0
        }
        fn routes(&self) -> Routes {
            Routes { port: 7, addresses: vec![[192, 0, 2, 1].into(); 20], ..Routes::default() }
        }
    }

    fn door() -> Door {
        let mut door = Door::new(Arc::new(Only(Rid::new([5; 16]))));
        door.show((0..200).collect());
        door
    }

    #[test]
    fn routes_are_told_once_to_who_showed_the_value_that_opens() {
        let mut door = door();
        door.listen(Some(0x80));
        assert_eq!(door.read_routes(0, ANA, 0), Err(Refusal::Shut), "nobody knocked");
        assert_eq!(door.knock(0, EVE, 0, &[6; 16]), Err(Refusal::Shut));
        assert_eq!(door.read_routes(0, EVE, 0), Err(Refusal::Shut));
        assert_eq!(door.knock(1, ANA, 0, &[5; 16]), Ok(()));
        assert_eq!(door.read_routes(2, EVE, 0), Err(Refusal::Shut), "another caller's knock");
        let told = door.read_routes(2, ANA, 0).unwrap();
        let best = vec![[192, 0, 2, 1].into(); MAX_ADDRESSES];
        assert_eq!(Routes::parse(&told), Ok(Routes { port: 7, psm: Some(0x80), addresses: best, network: None }));
        assert_eq!(door.read_routes(3, ANA, 4).as_deref(), Ok(told.get(4..).unwrap()), "the rest of a long read");
        assert_eq!(door.read_routes(3, ANA, 0), Err(Refusal::Shut), "once");
    }

    #[test]
    fn a_knock_is_forgotten_after_thirty_seconds_or_a_wrong_one() {
        let mut door = door();
        assert_eq!(door.knock(0, ANA, 0, &[5; 16]), Ok(()));
        assert_eq!(door.read_routes(REMEMBERED, ANA, 0), Err(Refusal::Shut));
        assert_eq!(door.knock(50_000, ANA, 0, &[5; 16]), Ok(()));
        assert_eq!(door.knock(50_001, ANA, 0, &[6; 16]), Err(Refusal::Shut));
        assert_eq!(door.read_routes(50_002, ANA, 0), Err(Refusal::Shut));
    }

    #[test]
    fn b4_a_write_past_the_limit_or_in_pieces_is_refused_and_nothing_of_it_kept() {
        let mut door = door();
        for length in (0..16).chain([17, 512, 70_000]) {
            assert_eq!(door.knock(0, EVE, 0, &vec![5; length]), Err(Refusal::Length), "{length} bytes");
        }
        assert_eq!(door.knock(0, EVE, 8, &[5; 8]), Err(Refusal::Offset));
        assert_eq!(door.knock(0, EVE, 16, &[5; 16]), Err(Refusal::Offset));
        assert!(door.callers.0.is_empty());
    }

    #[test]
    fn b4_a_read_that_began_before_a_rotation_is_of_one_card_to_its_end() {
        let mut door = door();
        let first = door.read_card(0, ANA, 0).unwrap();
        door.show(vec![99; 300]);
        assert_eq!(door.read_card(1, ANA, 100).as_deref(), Ok(first.get(100..).unwrap()));
        assert_eq!(door.read_card(1, EVE, 100), Ok(vec![99; 200]), "others read the new one");
        assert_eq!(door.read_card(2, ANA, 0), Ok(vec![99; 300]), "beginning anew gives the new one");
        assert_eq!(door.read_card(2, ANA, 300), Ok(vec![]), "the end is a place that is there");
        assert_eq!(door.read_card(2, ANA, 301), Err(Refusal::Offset));
    }

    #[test]
    fn b4_callers_remembered_do_not_grow() {
        let mut door = door();
        for n in 0..100 {
            let from = RadioAddress::new([n; 6]);
            assert_eq!(door.knock(1, from, 0, &[5; 16]), Ok(()));
            door.read_card(1, from, 0).unwrap();
        }
        assert_eq!((door.callers.0.len(), door.readers.0.len()), (MAX_CALLERS, MAX_CALLERS));
        assert!(door.read_routes(2, RadioAddress::new([99; 6]), 0).is_ok());
        assert_eq!(door.read_routes(2, RadioAddress::new([91; 6]), 0), Err(Refusal::Shut));
    }
}

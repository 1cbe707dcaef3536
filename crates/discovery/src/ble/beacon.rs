//! What is on the air: ten bytes of service data under a service UUID of our own, and nothing else. Pure.
//!
//! | byte | content |
//! |---|---|
//! | 0 | high nibble: version, 1; bit 0: the card may be read by everyone; other bits: 0 when sent, ignored when read |
//! | 1–8 | the rotating id; what it means only known devices can tell |
//! | 9 | 0 when sent, ignored when read |
//!
//! No name, no transmit power, no scan response: each would outlive the rotation of id and address (SECURITY 3.1). The
//! Flags field (3 bytes) and the service data (2 + 16 + 10) leave nothing of a legacy advert's 31 bytes. Systems that
//! cannot send service data show the UUID alone ([`Beacon::bare`]). What is *not* here: making and resolving ids.

use std::fmt;

/// The service: in adverts, and of the GATT service.
pub const SERVICE_UUID: u128 = 0xcad2_0098_965b_415b_beae_dcdf_6658_d614;
/// The characteristic with the card (read).
pub const CARD_UUID: u128 = 0x20c4_dc07_d59a_4446_bc8a_9c3f_36b3_0d37;
/// The characteristic at which callers knock (write, then read).
pub const DOOR_UUID: u128 = 0x760d_be1a_87db_4ea5_b8dc_479e_d2e9_536e;

/// Bytes of service data.
pub const LEN: usize = 10;
const VERSION: u8 = 1;
const OPEN: u8 = 1;

/// The rotating id of an advert: eight bytes that say nothing to strangers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BeaconId(pub [u8; 8]);

impl fmt::Display for BeaconId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for BeaconId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BeaconId({self})")
    }
}

/// An advert of hither's, as it was heard. A claim by whoever shouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beacon {
    /// The id; none where the sender's system cannot send one.
    pub id: Option<BeaconId>,
    /// Everyone may read the card.
    pub open: bool,
}

impl Beacon {
    /// An advert that shows the service and no more: whether there is a card, reading tells.
    pub const fn bare() -> Self {
        Self { id: None, open: true }
    }

    /// Reads service data; `None` if it is not of a version that is understood here.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let [first, id @ .., _spare] = <&[u8; LEN]>::try_from(data).ok()?;
        (first >> 4 == VERSION).then_some(Self { id: Some(BeaconId(*id)), open: first & OPEN != 0 })
    }
}

/// The service data to send.
pub fn encode(id: BeaconId, open: bool) -> [u8; LEN] {
    let [a, b, c, d, e, f, g, h] = id.0;
    [VERSION << 4 | u8::from(open), a, b, c, d, e, f, g, h, 0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: BeaconId = BeaconId([1, 2, 3, 4, 5, 6, 7, 8]);

    #[test]
    fn an_advert_is_the_ten_bytes_that_are_documented() {
        assert_eq!(encode(ID, true), [0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
        assert_eq!(encode(ID, false), [0x10, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
    }

    #[test]
    fn spare_bits_and_the_spare_byte_are_ignored() {
        let heard = Beacon::parse(&[0x1e, 1, 2, 3, 4, 5, 6, 7, 8, 99]);
        assert_eq!(heard, Some(Beacon { id: Some(ID), open: false }));
    }

    #[test]
    fn b1_service_data_of_another_length_or_version_is_ignored() {
        for length in (0..LEN).chain(LEN + 1..40) {
            assert_eq!(Beacon::parse(&vec![0x11; length]), None, "{length} bytes");
        }
        for version in (0..16).filter(|v| *v != VERSION) {
            assert_eq!(Beacon::parse(&[version << 4 | 1; LEN]), None, "version {version}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_is_heard(id in any::<[u8; 8]>(), open in any::<bool>()) {
            prop_assert_eq!(Beacon::parse(&encode(BeaconId(id), open)), Some(Beacon { id: Some(BeaconId(id)), open }));
        }

        #[test]
        fn b1_no_service_data_upsets_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Beacon::parse(&bytes);
        }
    }
}

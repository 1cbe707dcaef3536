//! The card: what a device says of itself over GATT to who may read it. Version 1, at most 512 bytes (the longest
//! attribute value there is). Pure.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | version: 1 |
//! | 1 | transmit power as received at one metre, dBm, signed |
//! | 4 | the epoch the tags are for, big endian |
//! | 1 | what follows, in this order: bit 0 name, bit 1 instance, bit 2 rendezvous id; the other bits are 0 |
//! | 1 + n | the display name: its length, 1 to 200, and as many bytes of UTF-8 |
//! | 16 | the instance of the same device's mDNS advert |
//! | 16 | the rendezvous id a stranger dials and knocks with |
//! | 1 | number of tags: 8 or 32 |
//! | 8 each | tags that only known devices can resolve, real ones and dummies |
//!
//! It is a claim and hostile: anything that is not exactly this is a fault, and the card is dropped. The number of tags
//! is padded so that it does not tell how many devices are known. What is *not* here: making or resolving tags.

use super::reader::Reader;
use hither_model::{DisplayName, ErrorCode, InstanceId, Rid};

/// The version written and read here.
pub const VERSION: u8 = 1;
/// Largest card, in bytes.
pub const MAX_BYTES: usize = 512;
/// Most tags of one card.
pub const MAX_TAGS: usize = 32;
/// What is received at one metre from a radio that was not calibrated, dBm.
pub const USUAL_POWER: i8 = -59;

const TAG: usize = 8;
const MAX_NAME_BYTES: usize = 200;
const NAME: u8 = 1;
const INSTANCE: u8 = 2;
const RID: u8 = 4;

/// What a device says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Version of the layout; [`VERSION`].
    pub version: u8,
    /// Transmit power as received at one metre, dBm.
    pub power: i8,
    /// The epoch the tags are for.
    pub epoch: u32,
    /// The name the person chose to show. A claim.
    pub name: Option<DisplayName>,
    /// The device's mDNS advert. A claim.
    pub instance: Option<InstanceId>,
    /// What a stranger shows to be let in to knock.
    pub rid: Option<Rid>,
    /// Tags for known devices, real ones and dummies.
    pub tags: Vec<[u8; TAG]>,
}

/// What is wrong with a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardFault {
    /// Of another version.
    #[error("the card is of another version of hither")]
    OtherVersion,
    /// It ends in the middle.
    #[error("the card ends too early")]
    Short,
    /// Something follows its end.
    #[error("something follows the end of the card")]
    Long,
    /// A field of the wrong form.
    #[error("the card's {0} is malformed")]
    Malformed(&'static str),
    /// Larger than an attribute can be.
    #[error("the card is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// A card of ours with a number of tags that would tell how many devices are known.
    #[error("{0} tags: the number must be 8 or 32")]
    Unpadded(usize),
}

impl CardFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::OtherVersion => ErrorCode::Incompatible,
            Self::Short | Self::Long | Self::Malformed(_) => ErrorCode::Misbehaved,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::Unpadded(_) => ErrorCode::Misuse,
        }
    }
}

impl Card {
    /// To how many tags so many are filled up with dummies; above 32 the rest must be left out.
    pub const fn padded(tags: usize) -> usize {
        if tags <= 8 { 8 } else { MAX_TAGS }
    }

    /// The card as bytes.
    ///
    /// # Errors
    /// [`CardFault::Unpadded`], and [`CardFault::OtherVersion`] if `version` is not [`VERSION`].
    pub fn encode(&self) -> Result<Vec<u8>, CardFault> {
        if self.version != VERSION {
            return Err(CardFault::OtherVersion);
        }
        let count = u8::try_from(self.tags.len()).ok().filter(|count| matches!(count, 8 | 32));
        let count = count.ok_or(CardFault::Unpadded(self.tags.len()))?;
        let mut out = vec![self.version];
        out.extend(self.power.to_be_bytes());
        out.extend(self.epoch.to_be_bytes());
        let flag = |there: bool, bit: u8| if there { bit } else { 0 };
        out.push(
            flag(self.name.is_some(), NAME) | flag(self.instance.is_some(), INSTANCE) | flag(self.rid.is_some(), RID),
        );
        if let Some(name) = &self.name {
            // A display name has at most 200 bytes.
            let name = name.prefix(MAX_NAME_BYTES).as_bytes();
            out.push(u8::try_from(name.len()).unwrap_or(0));
            out.extend(name);
        }
        out.extend(self.instance.iter().flat_map(|instance| *instance.as_bytes()));
        out.extend(self.rid.iter().flat_map(|rid| *rid.as_bytes()));
        out.push(count);
        out.extend(self.tags.iter().flatten());
        if out.len() > MAX_BYTES { Err(CardFault::TooLarge) } else { Ok(out) }
    }

    /// Reads a card somebody gave.
    ///
    /// # Errors
    /// [`CardFault`]: drop the card, all of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, CardFault> {
        if bytes.len() > MAX_BYTES {
            return Err(CardFault::TooLarge);
        }
        let mut reader = Reader::new(bytes);
        if reader.byte().ok_or(CardFault::Short)? != VERSION {
            return Err(CardFault::OtherVersion);
        }
        let power = i8::from_be_bytes(reader.array().ok_or(CardFault::Short)?);
        let epoch = u32::from_be_bytes(reader.array().ok_or(CardFault::Short)?);
        let flags = reader.byte().ok_or(CardFault::Short)?;
        if flags & !(NAME | INSTANCE | RID) != 0 {
            return Err(CardFault::Malformed("list of contents"));
        }
        let name = if flags & NAME != 0 { name(&mut reader)? } else { None };
        let mut id =
            |bit: u8| if flags & bit == 0 { Ok(None) } else { reader.array().map(Some).ok_or(CardFault::Short) };
        let (instance, rid) = (id(INSTANCE)?.map(InstanceId::new), id(RID)?.map(Rid::new));
        let tags = tags(&mut reader)?;
        if !reader.is_empty() {
            return Err(CardFault::Long);
        }
        Ok(Self { version: VERSION, power, epoch, name, instance, rid, tags })
    }
}

/// A claimed name, made safe to show (R2.12); none if nothing visible is left of it.
fn name(reader: &mut Reader<'_>) -> Result<Option<DisplayName>, CardFault> {
    let claim = reader.text().ok_or(CardFault::Short)?;
    let fine = (1..=MAX_NAME_BYTES).contains(&claim.len()) && !claim.contains(&0);
    let claim = std::str::from_utf8(claim).ok().filter(|_| fine).ok_or(CardFault::Malformed("name"))?;
    Ok(DisplayName::cleaned(claim))
}

fn tags(reader: &mut Reader<'_>) -> Result<Vec<[u8; TAG]>, CardFault> {
    let count = reader.byte().ok_or(CardFault::Short)?;
    if !matches!(count, 8 | 32) {
        return Err(CardFault::Malformed("number of tags"));
    }
    (0..count).map(|_| reader.array().ok_or(CardFault::Short)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quiet(tags: usize) -> Card {
        Card {
            version: VERSION,
            power: -59,
            epoch: 1_900_000,
            name: None,
            instance: None,
            rid: None,
            tags: vec![[7; 8]; tags],
        }
    }

    fn full() -> Card {
        Card {
            name: DisplayName::new(&"\u{1F600}".repeat(50)).ok(),
            instance: Some(InstanceId::new([4; 16])),
            rid: Some(Rid::new([9; 16])),
            ..quiet(32)
        }
    }

    #[test]
    fn the_fullest_card_fits_in_an_attribute() {
        let bytes = full().encode().unwrap();
        assert_eq!(bytes.len(), 7 + 201 + 32 + 1 + 256);
        assert_eq!(Card::parse(&bytes), Ok(full()));
    }

    #[test]
    fn a_card_is_the_bytes_that_are_documented() {
        let card =
            Card { name: DisplayName::new("Ana").ok(), rid: Some(Rid::new([9; 16])), epoch: 0x0102_0304, ..quiet(8) };
        let mut wanted = vec![1, 0xc5, 1, 2, 3, 4, 0b101, 3, b'A', b'n', b'a'];
        wanted.extend([9; 16]);
        wanted.push(8);
        wanted.extend([7; 64]);
        assert_eq!(card.encode(), Ok(wanted));
    }

    #[test]
    fn a_number_of_tags_that_would_tell_is_not_written() {
        assert_eq!(quiet(7).encode(), Err(CardFault::Unpadded(7)));
        assert_eq!(quiet(128).encode(), Err(CardFault::Unpadded(128)));
        assert_eq!(Card { version: 2, ..quiet(8) }.encode(), Err(CardFault::OtherVersion));
        assert_eq!([0, 8, 9, 32, 999].map(Card::padded), [8, 8, 32, 32, 32]);
    }

    #[test]
    fn b1_a_card_that_is_not_exactly_right_is_dropped() {
        let good = full().encode().unwrap();
        for end in 0..good.len() {
            assert_eq!(Card::parse(good.get(..end).unwrap()), Err(CardFault::Short), "cut after {end}");
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Card::parse(&bytes)
        };
        assert_eq!(with(0, 2), Err(CardFault::OtherVersion));
        assert_eq!(with(6, 0b1111), Err(CardFault::Malformed("list of contents")));
        assert_eq!(with(7, 0), Err(CardFault::Malformed("name")));
        assert_eq!(with(7, 201), Err(CardFault::Malformed("name")));
        assert_eq!(with(8, 0xff), Err(CardFault::Malformed("name")));
        assert_eq!(with(8 + 200 + 32, 31), Err(CardFault::Malformed("number of tags")));
        assert_eq!(with(8 + 200 + 32, 8), Err(CardFault::Long));
        assert_eq!(Card::parse(&[good.as_slice(), &[0]].concat()), Err(CardFault::Long));
        assert_eq!(Card::parse(&[1; MAX_BYTES + 1]), Err(CardFault::TooLarge));
    }

    #[test]
    fn a_claimed_name_is_made_safe_to_show() {
        let card = |name: &str| {
            let mut bytes = vec![1, 0, 0, 0, 0, 0, 1, u8::try_from(name.len()).unwrap()];
            bytes.extend(name.as_bytes());
            bytes.push(8);
            bytes.extend([0; 64]);
            Card::parse(&bytes).map(|card| card.name.map(String::from))
        };
        assert_eq!(card("\u{202e}Ana\u{1b}[31m"), Ok(Some("Ana[31m".to_owned())));
        assert_eq!(card("\u{200b}"), Ok(None), "nothing visible is no name");
        assert_eq!(card("A\0na"), Err(CardFault::Malformed("name")));
    }

    fn some_card() -> impl Strategy<Value = Card> {
        let tags = prop::sample::select(vec![8usize, 32]);
        let tags = tags.prop_flat_map(|count| prop::collection::vec(any::<[u8; 8]>(), count));
        let ids = any::<(Option<[u8; 16]>, Option<[u8; 16]>)>();
        (any::<i8>(), any::<u32>(), prop::option::of("\\PC{1,50}"), ids, tags).prop_map(
            |(power, epoch, name, (instance, rid), tags)| Card {
                version: VERSION,
                power,
                epoch,
                name: name.and_then(|n| DisplayName::cleaned(&n)),
                instance: instance.map(InstanceId::new),
                rid: rid.map(Rid::new),
                tags,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn what_is_written_is_what_is_read(card in some_card()) {
            prop_assert_eq!(Card::parse(&card.encode().unwrap()), Ok(card));
        }

        #[test]
        fn b4_no_bytes_from_a_neighbour_upset_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..600), at in 0usize..600) {
            let _ = Card::parse(&bytes);
            let mut nearly = full().encode().unwrap();
            nearly.truncate(at);
            nearly.extend(bytes);
            if let Ok(card) = Card::parse(&nearly) {
                prop_assert!(card.tags.len() <= MAX_TAGS);
            }
        }
    }
}

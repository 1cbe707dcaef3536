//! Where a device can be reached, told over GATT to who was let in at its door. Version 1. Pure.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | version: 1 |
//! | 2 | TCP port, big endian; 0 where there is no network at all |
//! | 2 | PSM of the L2CAP channel, big endian; 0 for none |
//! | 1 | number of addresses, 0 to 8 |
//! | 5 or 17 each | 4 and an IPv4 address, or 6 and an IPv6 address |
//! | 1 + n | the name of the network: its length, 0 (untold) to 32, and as many bytes of UTF-8 |
//!
//! A claim and hostile: anything that is not exactly this is a fault. What is *not* here: which of these addresses may be
//! dialled; the grant decides that.

use super::reader::Reader;
use hither_model::{ErrorCode, text::is_hidden};
use std::net::IpAddr;

/// Most addresses.
pub const MAX_ADDRESSES: usize = 8;
/// Longest network name, bytes.
pub const MAX_NETWORK: usize = 32;
/// Largest encoding, bytes.
pub const MAX_BYTES: usize = 6 + MAX_ADDRESSES * 17 + 1 + MAX_NETWORK;
/// PSMs that LE channels can have (Core specification, vol. 3 part A, 4.22).
pub const PSMS: std::ops::RangeInclusive<u16> = 0x80..=0xff;

const VERSION: u8 = 1;

/// Where a device can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    /// TCP port; 0 where there is no network.
    pub port: u16,
    /// IP addresses, best first; at most [`MAX_ADDRESSES`].
    pub addresses: Vec<IpAddr>,
    /// Where an L2CAP channel can be opened.
    pub psm: Option<u16>,
    /// The name of the network the addresses are in, if the person lets it be told; at most [`MAX_NETWORK`] bytes.
    pub network: Option<String>,
}

/// What is wrong with routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoutesFault {
    /// Of another version.
    #[error("the routes are of another version of hither")]
    OtherVersion,
    /// They end in the middle, or something follows.
    #[error("the routes have the wrong length")]
    Length,
    /// A field of the wrong form.
    #[error("the {0} in the routes is malformed")]
    Malformed(&'static str),
    /// More than fit.
    #[error("more than {MAX_ADDRESSES} addresses, or a network name of more than {MAX_NETWORK} bytes")]
    TooLarge,
}

impl RoutesFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::OtherVersion => ErrorCode::Incompatible,
            Self::Length | Self::Malformed(_) => ErrorCode::Misbehaved,
            Self::TooLarge => ErrorCode::TooLarge,
        }
    }
}

impl Routes {
    /// The routes as bytes.
    ///
    /// # Errors
    /// [`RoutesFault::TooLarge`]; [`RoutesFault::Malformed`] for a PSM out of [`PSMS`] or a network name with hidden
    /// characters.
    pub fn encode(&self) -> Result<Vec<u8>, RoutesFault> {
        let network = self.network.as_deref().unwrap_or_default();
        let count = u8::try_from(self.addresses.len()).ok().filter(|count| usize::from(*count) <= MAX_ADDRESSES);
        let length = u8::try_from(network.len()).ok().filter(|length| usize::from(*length) <= MAX_NETWORK);
        let (Some(count), Some(length)) = (count, length) else { return Err(RoutesFault::TooLarge) };
        if network.chars().any(is_hidden) {
            return Err(RoutesFault::Malformed("name of the network"));
        }
        if self.psm.is_some_and(|psm| !PSMS.contains(&psm)) {
            return Err(RoutesFault::Malformed("channel"));
        }
        let mut out = vec![VERSION];
        out.extend(self.port.to_be_bytes());
        out.extend(self.psm.unwrap_or(0).to_be_bytes());
        out.push(count);
        for address in &self.addresses {
            match address {
                IpAddr::V4(ip) => out.extend([4].into_iter().chain(ip.octets())),
                IpAddr::V6(ip) => out.extend([6].into_iter().chain(ip.octets())),
            }
        }
        out.push(length);
        out.extend(network.as_bytes());
        Ok(out)
    }

    /// Reads routes somebody gave.
    ///
    /// # Errors
    /// [`RoutesFault`]: drop them, all of them.
    pub fn parse(bytes: &[u8]) -> Result<Self, RoutesFault> {
        if bytes.len() > MAX_BYTES {
            return Err(RoutesFault::Length);
        }
        let mut reader = Reader::new(bytes);
        if reader.byte().ok_or(RoutesFault::Length)? != VERSION {
            return Err(RoutesFault::OtherVersion);
        }
        let port = reader.word().ok_or(RoutesFault::Length)?;
        let psm = reader.word().ok_or(RoutesFault::Length)?;
        if psm != 0 && !PSMS.contains(&psm) {
            return Err(RoutesFault::Malformed("channel"));
        }
        let count = reader.byte().ok_or(RoutesFault::Length)?;
        if usize::from(count) > MAX_ADDRESSES {
            return Err(RoutesFault::Malformed("number of addresses"));
        }
        let addresses = (0..count).map(|_| address(&mut reader)).collect::<Result<_, _>>()?;
        let network = network(reader.text().ok_or(RoutesFault::Length)?)?;
        if !reader.is_empty() {
            return Err(RoutesFault::Length);
        }
        Ok(Self { port, addresses, psm: Some(psm).filter(|psm| *psm != 0), network })
    }
}

fn address(reader: &mut Reader<'_>) -> Result<IpAddr, RoutesFault> {
    match reader.byte().ok_or(RoutesFault::Length)? {
        4 => reader.array::<4>().map(IpAddr::from).ok_or(RoutesFault::Length),
        6 => reader.array::<16>().map(IpAddr::from).ok_or(RoutesFault::Length),
        _ => Err(RoutesFault::Malformed("kind of an address")),
    }
}

fn network(name: &[u8]) -> Result<Option<String>, RoutesFault> {
    let text = std::str::from_utf8(name).ok().filter(|text| text.len() <= MAX_NETWORK && !text.chars().any(is_hidden));
    let text = text.ok_or(RoutesFault::Malformed("name of the network"))?;
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some() -> Routes {
        Routes {
            port: 7_777,
            addresses: vec![[192, 0, 2, 1].into(), [0xfe80, 0, 0, 0, 0, 0, 0, 1].into()],
            psm: Some(0x81),
            network: Some("Café".to_owned()),
        }
    }

    #[test]
    fn routes_are_the_bytes_that_are_documented() {
        let mut wanted = vec![1, 0x1e, 0x61, 0, 0x81, 2, 4, 192, 0, 2, 1, 6, 0xfe, 0x80];
        wanted.extend([0; 13]);
        wanted.extend([1, 5]);
        wanted.extend("Café".as_bytes());
        assert_eq!(some().encode(), Ok(wanted.clone()));
        assert_eq!(Routes::parse(&wanted), Ok(some()));
    }

    #[test]
    fn the_most_there_can_be_fits_in_one_read() {
        let most = Routes { addresses: vec![[9; 16].into(); MAX_ADDRESSES], network: Some("n".repeat(32)), ..some() };
        assert_eq!(most.encode().unwrap().len(), MAX_BYTES);
        const { assert!(MAX_BYTES <= 512) };
        let more = Routes { addresses: vec![[9; 4].into(); MAX_ADDRESSES + 1], ..some() };
        assert_eq!(more.encode(), Err(RoutesFault::TooLarge));
        assert_eq!(Routes { network: Some("n".repeat(33)), ..some() }.encode(), Err(RoutesFault::TooLarge));
        assert_eq!(Routes { psm: Some(0x25), ..some() }.encode(), Err(RoutesFault::Malformed("channel")));
    }

    #[test]
    fn b1_routes_that_are_not_exactly_right_are_dropped() {
        let good = some().encode().unwrap();
        for end in 0..good.len() {
            assert_eq!(Routes::parse(good.get(..end).unwrap()), Err(RoutesFault::Length), "cut after {end}");
        }
        assert_eq!(Routes::parse(&[good.as_slice(), b"x"].concat()), Err(RoutesFault::Length));
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Routes::parse(&bytes)
        };
        assert_eq!(with(0, 9), Err(RoutesFault::OtherVersion));
        assert_eq!(with(4, 0x7f), Err(RoutesFault::Malformed("channel")));
        assert_eq!(with(5, 9), Err(RoutesFault::Malformed("number of addresses")));
        assert_eq!(with(6, 5), Err(RoutesFault::Malformed("kind of an address")));
        assert_eq!(with(29, 0x1b), Err(RoutesFault::Malformed("name of the network")));
        assert_eq!(with(29, 0xff), Err(RoutesFault::Malformed("name of the network")));
    }

    fn some_routes() -> impl Strategy<Value = Routes> {
        let addresses = prop::collection::vec(any::<IpAddr>(), 0..=MAX_ADDRESSES);
        (any::<u16>(), addresses, prop::option::of(PSMS), prop::option::of("[a-zA-Z ]{1,32}"))
            .prop_map(|(port, addresses, psm, network)| Routes { port, addresses, psm, network })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn what_is_written_is_what_is_read(routes in some_routes()) {
            prop_assert_eq!(Routes::parse(&routes.encode().unwrap()), Ok(routes));
        }

        #[test]
        fn b4_no_bytes_from_a_neighbour_upset_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..250)) {
            if let Ok(routes) = Routes::parse(&bytes) {
                prop_assert!(routes.addresses.len() <= MAX_ADDRESSES);
            }
        }
    }
}

//! What kind of place an address is (R1.5), and whether another device can be there (D3).
//!
//! Addresses from adverts and links are hostile: they may point back at this machine, at a cloud's metadata server or
//! at everybody. The table follows the IANA special-purpose address registries (RFC 6890).

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
};

/// The kind of place an address is. An IPv4 address in IPv6 clothing counts as what it is underneath.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointClass {
    /// This machine: 127.0.0.0/8, ::1.
    Loopback,
    /// This link: 169.254.0.0/16, fe80::/10.
    LinkLocal,
    /// A home or work network: RFC 1918.
    Private,
    /// A home or work network: fc00::/7.
    UniqueLocal,
    /// Behind a provider's address translation, or an overlay network: 100.64.0.0/10.
    SharedCgnat,
    /// Many machines: 224.0.0.0/4, ff00::/8.
    Multicast,
    /// Every machine on the link: 255.255.255.255.
    Broadcast,
    /// No machine: 0.0.0.0, ::.
    Unspecified,
    /// A cloud's metadata server, which hands out credentials to whoever asks.
    Metadata,
    /// A device heard by radio: 2001:20::/32, out of the range of ORCHIDv2 (RFC 7343), which is no place on any network.
    /// Never dialled over IP.
    Radio,
    /// A route through a web server, or somebody who came by one: 2001:21::/32, out of the same range.
    Web,
    /// Documentation, benchmarks, obsolete or not yet assigned: no machine is there.
    Reserved,
    /// Everything else.
    Internet,
}

impl EndpointClass {
    /// Classifies an address.
    pub fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::of_v4(ip),
            IpAddr::V6(ip) => match embedded_v4(ip) {
                Some(ip) => Self::of_v4(ip),
                None => Self::of_v6(ip),
            },
        }
    }

    /// Whether another device may be dialled there. `loopback` is the switch for several agents on one machine.
    pub const fn dialable(self, loopback: bool) -> bool {
        match self {
            Self::LinkLocal | Self::Private | Self::UniqueLocal | Self::SharedCgnat | Self::Internet => true,
            Self::Loopback => loopback,
            Self::Multicast | Self::Broadcast | Self::Unspecified | Self::Metadata => false,
            Self::Radio | Self::Web | Self::Reserved => false,
        }
    }

    /// Its word, as in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Private => "private",
            Self::UniqueLocal => "unique-local",
            Self::SharedCgnat => "shared-cgnat",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Unspecified => "unspecified",
            Self::Metadata => "metadata",
            Self::Radio => "radio",
            Self::Web => "web",
            Self::Reserved => "reserved",
            Self::Internet => "internet",
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Self {
        match ip.octets() {
            [0, 0, 0, 0] => Self::Unspecified,
            [127, ..] => Self::Loopback,
            [169, 254, 169, 254] => Self::Metadata,
            [169, 254, ..] => Self::LinkLocal,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Self::Private,
            [100, 64..=127, ..] => Self::SharedCgnat,
            [224..=239, ..] => Self::Multicast,
            [255, 255, 255, 255] => Self::Broadcast,
            [0 | 240..=255, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18..=19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _] => Self::Reserved,
            _ => Self::Internet,
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Self {
        const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254);
        let [first, second, ..] = ip.segments();
        match first {
            _ if ip.is_unspecified() => Self::Unspecified,
            _ if ip.is_loopback() => Self::Loopback,
            _ if ip == METADATA => Self::Metadata,
            0xff00..=0xffff => Self::Multicast,
            0xfe80..=0xfebf => Self::LinkLocal,
            0xfc00..=0xfdff => Self::UniqueLocal,
            0x2001 if second == 0x0020 => Self::Radio,
            0x2001 if second == 0x0021 => Self::Web,
            // Teredo, benchmarks, ORCHID, documentation and 6to4 lie inside what is otherwise the Internet.
            0x2001 if second < 0x0200 || second == 0x0db8 => Self::Reserved,
            0x2002 => Self::Reserved,
            0x3fff if second < 0x1000 => Self::Reserved,
            0x2000..=0x3fff => Self::Internet,
            _ => Self::Reserved,
        }
    }
}

impl fmt::Display for EndpointClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The IPv4 address inside a v4-mapped (RFC 4291) or NAT64 (RFC 6052) address.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

/// The one spelling of an address that grants compare: v4-mapped becomes IPv4, the flow label goes, and the scope stays
/// only where it means something (link-local).
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(v6) => match v6.ip().to_canonical() {
            ip @ IpAddr::V4(_) => SocketAddr::new(ip, v6.port()),
            IpAddr::V6(ip) => {
                let scope = if ip.is_unicast_link_local() { v6.scope_id() } else { 0 };
                SocketAddr::V6(SocketAddrV6::new(ip, v6.port(), 0, scope))
            }
        },
    }
}

/// Names a device by the address of its radio, wherever an address and a port are asked for. Only this program knows what
/// it means; nothing is ever sent there over IP.
pub fn radio_address(radio: [u8; 6]) -> SocketAddr {
    let [a, b, c, d, e, f] = radio.map(u16::from);
    SocketAddr::from((Ipv6Addr::new(0x2001, 0x0020, 0, 0, 0, a << 8 | b, c << 8 | d, e << 8 | f), 0))
}

/// The radio that [`radio_address`] named; `None` for every other address.
pub fn radio_of(address: SocketAddr) -> Option<[u8; 6]> {
    let IpAddr::V6(ip) = address.ip() else { return None };
    if EndpointClass::of_v6(ip) != EndpointClass::Radio {
        return None;
    }
    let [.., a, b, c, d, e, f] = ip.octets();
    Some([a, b, c, d, e, f])
}

/// Ports where people and programs expect something else than hither (R1.7): all system ports, and the well-known ones
/// of file sharing, remote desktops, databases and discovery above them.
pub(crate) fn critical_port(port: u16) -> bool {
    matches!(port, 1..=1023 | 1900 | 2049 | 3306 | 3389 | 5353 | 5355 | 5432 | 5900 | 5985 | 5986 | 6379)
}

/// Names a route through a web server, or one caller who came by one, wherever an address and a port are asked for. The
/// bits are a digest of the route, or random. Nothing is ever sent there over IP.
pub fn web_address(bits: [u8; 12]) -> SocketAddr {
    let mut octets = [0; 16];
    octets[..4].copy_from_slice(&[0x20, 0x01, 0x00, 0x21]);
    octets[4..].copy_from_slice(&bits);
    SocketAddr::from((Ipv6Addr::from(octets), 0))
}

/// Whether an address is one that [`web_address`] made.
pub fn is_web(address: SocketAddr) -> bool {
    EndpointClass::of(address.ip()) == EndpointClass::Web
}

/// Whether an address is a place on a network, and not the name of a radio or of a web server's route.
pub fn is_place(address: SocketAddr) -> bool {
    !matches!(EndpointClass::of(address.ip()), EndpointClass::Radio | EndpointClass::Web)
}

#[cfg(test)]
mod tests {
    use super::*;
    use EndpointClass::*;

    const TABLE: &[(&str, EndpointClass)] = &[
        ("127.0.0.1", Loopback),
        ("127.255.255.254", Loopback),
        ("::1", Loopback),
        ("::ffff:127.0.0.1", Loopback),
        ("64:ff9b::7f00:1", Loopback),
        ("169.254.0.1", LinkLocal),
        ("169.254.169.253", LinkLocal),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("::ffff:169.254.7.7", LinkLocal),
        ("10.0.0.1", Private),
        ("172.16.0.1", Private),
        ("172.31.255.255", Private),
        ("172.15.255.255", Internet),
        ("172.32.0.1", Internet),
        ("192.168.255.1", Private),
        ("192.169.0.1", Internet),
        ("::ffff:10.1.2.3", Private),
        ("fc00::1", UniqueLocal),
        ("fdff::1", UniqueLocal),
        ("fd00:ec2::253", UniqueLocal),
        ("100.63.255.255", Internet),
        ("100.64.0.1", SharedCgnat),
        ("100.127.255.255", SharedCgnat),
        ("100.128.0.1", Internet),
        ("224.0.0.1", Multicast),
        ("239.255.255.255", Multicast),
        ("ff02::fb", Multicast),
        ("::ffff:224.0.0.251", Multicast),
        ("255.255.255.255", Broadcast),
        ("0.0.0.0", Unspecified),
        ("::", Unspecified),
        ("::ffff:0.0.0.0", Unspecified),
        ("169.254.169.254", Metadata),
        ("::ffff:169.254.169.254", Metadata),
        ("64:ff9b::a9fe:a9fe", Metadata),
        ("fd00:ec2::254", Metadata),
        ("0.1.2.3", Reserved),
        ("192.0.2.1", Reserved),
        ("198.51.100.1", Reserved),
        ("203.0.113.1", Reserved),
        ("198.19.0.1", Reserved),
        ("240.0.0.1", Reserved),
        ("2001:20::1", Radio),
        ("2001:20:ffff::1", Radio),
        ("2001:21::1", Web),
        ("2001:22::1", Reserved),
        ("2001:2f:ffff::1", Reserved),
        ("2001:30::1", Reserved),
        ("2001:10::1", Reserved),
        ("2001:db8::1", Reserved),
        ("2001::1", Reserved),
        ("2002:7f00:1::", Reserved),
        ("3fff:fff::1", Reserved),
        ("fec0::1", Reserved),
        ("::127.0.0.1", Reserved),
        ("8.8.8.8", Internet),
        ("2001:4860:4860::8888", Internet),
        ("2606:4700::1111", Internet),
    ];

    #[test]
    fn r1_5_every_row_of_the_address_table_has_its_class() {
        for (text, class) in TABLE {
            assert_eq!(EndpointClass::of(text.parse().unwrap()), *class, "{text}");
        }
    }

    #[test]
    fn r1_5_the_scope_of_a_link_local_address_changes_the_place_but_not_the_class() {
        let on = |scope| SocketAddr::V6(SocketAddrV6::new("fe80::1".parse().unwrap(), 4000, 7, scope));
        assert_eq!(EndpointClass::of(on(2).ip()), LinkLocal);
        assert_ne!(canonical(on(2)), canonical(on(3)));
        let mapped: SocketAddr = "[::ffff:192.168.1.2]:4000".parse().unwrap();
        assert_eq!(canonical(mapped), "192.168.1.2:4000".parse().unwrap());
    }

    #[test]
    fn d3_only_places_where_another_device_can_be_are_dialable() {
        for (text, class) in TABLE {
            let never = matches!(class, Multicast | Broadcast | Unspecified | Metadata | Radio | Web | Reserved);
            assert_eq!(class.dialable(true), !never, "{text}");
            assert_eq!(class.dialable(false), !never && *class != Loopback, "{text}");
        }
    }

    #[test]
    fn a_route_through_a_web_server_is_named_by_an_address_that_is_no_place_on_a_network() {
        let named = web_address([0xff; 12]);
        assert!(is_web(named) && !is_place(named) && radio_of(named).is_none());
        assert!(!EndpointClass::of(named.ip()).dialable(true));
        assert!(!is_web(radio_address([1; 6])) && !is_place(radio_address([1; 6])));
        assert!(is_place("192.168.1.2:3".parse().unwrap()));
    }

    #[test]
    fn a_radio_is_named_by_an_address_that_is_no_place_on_a_network() {
        let named = radio_address([1, 2, 3, 4, 5, 0xff]);
        assert_eq!(
            (named.to_string().as_str(), radio_of(named)),
            ("[2001:20::102:304:5ff]:0", Some([1, 2, 3, 4, 5, 0xff]))
        );
        assert!(!EndpointClass::of(named.ip()).dialable(true));
        assert!(TABLE.iter().all(|(text, class)| {
            radio_of(SocketAddr::new(text.parse().unwrap(), 1)).is_some() == (*class == Radio)
        }));
    }

    #[test]
    fn the_word_is_the_same_in_json() {
        for (_, class) in TABLE {
            let json = toml::Value::try_from(class).unwrap();
            assert_eq!(json.as_str(), Some(class.word()));
        }
    }
}

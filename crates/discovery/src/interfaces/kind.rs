//! What an interface is, judged by what the system tells of it and, where it tells nothing, by its name. Pure.

/// What an interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A cable, or a bridge, bond or VLAN on top of one.
    Wired,
    /// A radio.
    Wireless,
    /// No hardware behind it: the uplink of a virtual machine or container, or something unknown.
    Virtual,
    /// A tunnel, or a mobile network: whoever is at the other end is not near.
    Vpn,
    /// A host's side of its containers or virtual machines.
    Container,
    /// This machine.
    Loopback,
}

/// What the system tells of an interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traits {
    /// The loopback interface.
    pub loopback: bool,
    /// A link with exactly one other end.
    pub point_to_point: bool,
    /// A tunnel without Ethernet frames, or a tun/tap device.
    pub tunnel: bool,
    /// There is hardware behind it.
    pub hardware: bool,
    /// The hardware is a Wi-Fi card.
    pub wireless: bool,
    /// It lies on top of another interface that has hardware.
    pub over_hardware: bool,
    /// It is plugged into a bridge of this machine.
    pub bridge_port: bool,
    /// The system's own word for its type, such as `wlan`, `bridge` or `wireguard`.
    pub devtype: Option<String>,
}

const TUNNEL_NAMES: [&str; 10] = ["tun", "tap", "wg", "ppp", "utun", "ipsec", "zt", "tailscale", "nordlynx", "proton"];
const TUNNEL_TYPES: [&str; 4] = ["wireguard", "ppp", "wwan", "vxlan"];
const CONTAINER_NAMES: [&str; 14] = [
    "docker",
    "podman",
    "cni",
    "flannel",
    "cali",
    "lxc",
    "lxd",
    "incus",
    "virbr",
    "vnet",
    "vmnet",
    "vboxnet",
    "br-",
    "vEthernet",
];

/// Judges one interface.
pub(crate) fn judge(name: &str, traits: &Traits) -> Kind {
    let starts = |names: &[&str]| names.iter().any(|n| name.starts_with(n));
    let is = |types: &[&str]| traits.devtype.as_deref().is_some_and(|t| types.contains(&t));
    if traits.loopback {
        Kind::Loopback
    } else if traits.point_to_point || traits.tunnel || is(&TUNNEL_TYPES) {
        Kind::Vpn
    } else if traits.hardware {
        if traits.wireless || is(&["wlan"]) { Kind::Wireless } else { Kind::Wired }
    } else if traits.over_hardware {
        Kind::Wired
    } else if traits.bridge_port || starts(&CONTAINER_NAMES) {
        Kind::Container
    } else if starts(&TUNNEL_NAMES) {
        Kind::Vpn
    } else {
        Kind::Virtual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devtype(word: &str) -> Traits {
        Traits { devtype: Some(word.into()), ..Traits::default() }
    }

    #[test]
    fn each_interface_of_a_machine_is_what_it_is() {
        let none = Traits::default();
        let card = Traits { hardware: true, ..none.clone() };
        let table = [
            ("lo", Traits { loopback: true, ..none.clone() }, Kind::Loopback),
            ("enp3s0", card.clone(), Kind::Wired),
            ("wlp2s0", Traits { wireless: true, ..card.clone() }, Kind::Wireless),
            ("wlan0", Traits { hardware: true, ..devtype("wlan") }, Kind::Wireless),
            ("br0", Traits { over_hardware: true, ..devtype("bridge") }, Kind::Wired),
            ("eth0.20", Traits { over_hardware: true, ..devtype("vlan") }, Kind::Wired),
            ("br0", devtype("bridge"), Kind::Virtual),
            ("docker0", devtype("bridge"), Kind::Container),
            ("br-0f3c", devtype("bridge"), Kind::Container),
            ("virbr0", devtype("bridge"), Kind::Container),
            ("veth12ab", Traits { bridge_port: true, ..none.clone() }, Kind::Container),
            ("eth0", none.clone(), Kind::Virtual),
            ("wg0", devtype("wireguard"), Kind::Vpn),
            ("home", devtype("wireguard"), Kind::Vpn),
            ("wwan0", Traits { hardware: true, ..devtype("wwan") }, Kind::Vpn),
            ("tun0", Traits { tunnel: true, ..none.clone() }, Kind::Vpn),
            ("tap0", none.clone(), Kind::Vpn),
            ("ppp0", Traits { point_to_point: true, ..none.clone() }, Kind::Vpn),
            ("tailscale0", none.clone(), Kind::Vpn),
        ];
        for (name, traits, kind) in table {
            assert_eq!(judge(name, &traits), kind, "{name} {traits:?}");
        }
    }
}

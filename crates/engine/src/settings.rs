//! What a person can set, as the engine needs it. The agent keeps it on disk: groups of settings are written as they are
//! here, so that another field, or another name for one, is another version of the agent's file.

use crate::standby::Standby;
use hither_model::{DisplayName, Medium, MediumState, PeerId, row::Visibility};
use hither_protocol::WebRoute;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc};

/// Which network interfaces take part in discovery, beyond the rule that only physical ones do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interfaces {
    /// Only these, if any are named.
    pub include: Vec<String>,
    /// Never these.
    pub exclude: Vec<String>,
    /// Virtual, VPN and container interfaces too.
    #[serde(rename = "virtual")]
    pub virtual_too: bool,
}

/// Settings that may change while the agent runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The name shown to everyone, if chosen.
    pub name: Option<DisplayName>,
    /// Who may see this device.
    pub visibility: Visibility,
    /// Where received files go.
    pub inbox: PathBuf,
    /// Permit TLS 1.2 with extended master secret; 1.3 is the floor otherwise.
    pub allow_tls12: bool,
    /// Capabilities the person revoked, by name.
    pub revoked: Vec<String>,
    /// Interfaces for discovery.
    pub interfaces: Interfaces,
    /// Whether the agent around the engine raises notifications; the engine itself never does.
    pub notifications: bool,
    /// Certificates of people.
    pub certificates: Certificates,
    /// Bluetooth LE.
    pub bluetooth: Bluetooth,
}

/// How Bluetooth LE takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bluetooth {
    /// Whether it does; off means that nothing is asked of the adapter (R2.7).
    pub on: bool,
    /// The adapter to use, by its address; absent: the first that is switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// Invites that are accepted without asking are asked about all the same unless the device is heard to be near. A
    /// convenience: radio can be relayed.
    pub near_only: bool,
}

impl Default for Bluetooth {
    fn default() -> Self {
        Self { on: true, adapter: None, near_only: false }
    }
}

/// Certificates of people, ours and others'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificates {
    /// The one to be known by unless another is named: its id, or `ask`; absent: the device's key alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// PKCS#11 modules that the person registered by their path.
    pub modules: Vec<PathBuf>,
    /// Those of them that need the network.
    pub network_modules: Vec<PathBuf>,
    /// Only people vouched for by an authority trusted here may invite.
    pub organisation: bool,
    /// A session that began with a card ends when the card is taken out.
    pub card_bound: bool,
    /// Accept certificates though the list of revoked ones is out of date.
    pub stale_crl: bool,
}

impl Default for Certificates {
    fn default() -> Self {
        Self {
            identity: None,
            modules: vec![],
            network_modules: vec![],
            organisation: false,
            card_bound: true,
            stale_crl: false,
        }
    }
}

/// Reaching, and being reached by, devices beyond this network through web servers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Websocket {
    /// Where this device listens for its person's own web server, in plain WebSocket.
    pub listen: Option<SocketAddr>,
    /// Whether that may be an address other machines reach.
    pub exposed: bool,
    /// What that web server is known as; goes into invite links.
    pub url: Option<WebRoute>,
    /// Only the authorities in this PEM file vouch for the web servers of others; absent: the system's.
    pub authorities: Option<PathBuf>,
    /// The proxy towards them (`http://…`, `socks5://…`, or `none`); absent: what the environment says.
    pub proxy: Option<String>,
}

/// How to start the engine.
#[derive(Debug)]
pub struct Options {
    /// Directory of the profile; exists and is private.
    pub profile: PathBuf,
    /// Addresses to listen on; empty: every address, the port of last time if free.
    pub listen: Vec<SocketAddr>,
    /// Sockets handed over by the service manager, instead of `listen`.
    pub listeners: Vec<std::net::TcpListener>,
    /// Who keeps the listening sockets open while no agent runs ([`crate::nobody`] if nobody does).
    pub standby: Arc<dyn Standby>,
    /// Settings at start.
    pub settings: Settings,
    /// Whether to use multicast DNS.
    pub mdns: bool,
    /// Whether to use Bluetooth LE.
    pub ble: bool,
    /// Web servers.
    pub websocket: Websocket,
    /// Permit loopback addresses: for practice and tests on one machine, never set by default (R1.8).
    pub loopback: bool,
}

/// What is known once the engine runs.
#[derive(Debug, Clone)]
pub struct Started {
    /// This device.
    pub peer: PeerId,
    /// The name it shows.
    pub name: Option<DisplayName>,
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// Which media work.
    pub media: BTreeMap<Medium, MediumState>,
}

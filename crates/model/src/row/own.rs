//! Rows about this device: what others see of it, what a person can set, and the agent at a glance.

use super::{CapabilityRow, ExposedRow, ForwardingRow, SessionRow, TransferRow};
use crate::{AgentState, DesktopPart, DisplayName, Medium, MediumState, PeerId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who may see this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// No packet leaves.
    Nobody,
    /// Only devices met before can tell who this is.
    Known,
    /// Everyone on the link sees the chosen name.
    Everyone,
}

/// What others see of this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct MeRow {
    /// This device.
    pub peer: PeerId,
    /// The name it shows, if one was chosen.
    pub name: Option<DisplayName>,
    /// Who may see it.
    pub visibility: Visibility,
    /// When the visibility falls back to what it was, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// Which network interfaces take part in discovery, beyond the rule that only physical ones do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct InterfacesRow {
    /// Only these, if any are named.
    pub include: Vec<String>,
    /// Never these.
    pub exclude: Vec<String>,
    /// Virtual, VPN and container interfaces too.
    #[serde(rename = "virtual")]
    pub virtual_too: bool,
}

/// What a person can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SettingsRow {
    /// Where received files go.
    pub inbox: String,
    /// Whether TLS 1.2 is permitted towards older devices.
    pub allow_tls12: bool,
    /// Whether the agent raises notifications.
    pub notifications: bool,
    /// Which network interfaces take part.
    pub interfaces: InterfacesRow,
    /// Only people vouched for by an authority trusted here may invite; others are turned away unasked.
    pub organisation: bool,
    /// A session that began with a card ends when the card is taken out.
    pub card_bound: bool,
    /// PKCS#11 modules that the person registered by their path.
    pub modules: Vec<String>,
    /// Certificates are accepted though the list of revoked ones is out of date.
    pub stale_crl: bool,
    /// Whether Bluetooth LE takes part in finding devices.
    pub bluetooth: bool,
    /// Invites that are accepted without asking are asked about all the same when the device is not heard to be near.
    pub near_only: bool,
}

/// The agent's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct StatusRow {
    /// Version of the agent.
    pub version: String,
    /// Where it stands.
    pub state: AgentState,
    /// This device.
    pub peer: PeerId,
    /// The name it shows, if any.
    pub name: Option<DisplayName>,
    /// Who may see it.
    pub visibility: Visibility,
    /// When the visibility falls back to what it was, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Where it listens.
    pub listen: Vec<String>,
    /// Each medium and whether it works.
    pub media: BTreeMap<Medium, MediumState>,
    /// Each thing the desktop can do for the agent, and whether it does.
    #[serde(default)]
    pub desktop: BTreeMap<DesktopPart, MediumState>,
    /// What it may do.
    pub capabilities: Vec<CapabilityRow>,
    /// Open sessions.
    pub sessions: Vec<SessionRow>,
    /// Transfers that are not over.
    pub transfers: Vec<TransferRow>,
    /// Services of this machine that are lent.
    #[serde(default)]
    pub exposed: Vec<ExposedRow>,
    /// Services of others that are reached here.
    #[serde(default)]
    pub forwarding: Vec<ForwardingRow>,
    /// Questions waiting for a person.
    pub questions: u32,
    /// Devices near.
    pub near: u32,
    /// Where received files go.
    pub inbox: String,
}

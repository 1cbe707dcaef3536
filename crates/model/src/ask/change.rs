//! What a person can set otherwise: settings, and trust in a device.

use crate::row::InterfacesRow;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is to be set otherwise; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SettingsChange {
    /// Where received files go: an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox: Option<PathBuf>,
    /// Whether TLS 1.2 is permitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_tls12: Option<bool>,
    /// Whether the agent raises notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<bool>,
    /// Which network interfaces take part, all three lists at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interfaces: Option<InterfacesRow>,
    /// Whether only people vouched for by an authority trusted here may invite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<bool>,
    /// Whether a session that began with a card ends when the card is taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_bound: Option<bool>,
    /// Whether certificates are accepted though the list of revoked ones is out of date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_crl: Option<bool>,
    /// Whether Bluetooth LE takes part in finding devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bluetooth: Option<bool>,
    /// Whether invites are accepted without asking only from devices that are heard to be near.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near_only: Option<bool>,
}

/// How a person's trust in a device is set by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum TrustChoice {
    /// Its key was compared by other means.
    Verified,
    /// Met, not compared.
    Known,
    /// May not ask.
    Blocked,
    /// As if never met.
    Forget,
}

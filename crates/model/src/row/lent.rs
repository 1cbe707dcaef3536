//! Rows about services: what this device lends, and what it uses of others'.

use crate::{LentName, PeerId};
use serde::{Deserialize, Serialize};

/// How long somebody may use a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Lasting {
    /// Until the session with them ends.
    UntilClosed,
    /// Until a moment.
    For,
    /// Until it is taken back.
    Always,
}

/// Somebody who may use a service of this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct BorrowerRow {
    /// The device.
    pub peer: PeerId,
    /// Its name.
    pub name: String,
    /// How long it may.
    pub lasts: Lasting,
    /// Until when, seconds since 1970, for [`Lasting::For`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Its connections that are open.
    pub open: u32,
}

/// A service of this machine that is lent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ExposedRow {
    /// What it is called.
    pub name: LentName,
    /// Where connections go: `ip:port` on this machine.
    pub target: String,
    /// Who may use it.
    pub to: Vec<BorrowerRow>,
    /// Connections that are open.
    pub open: u32,
    /// Connections since it was lent or the agent started.
    pub served: u64,
}

/// A service of another device that programs here reach at an address of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ForwardingRow {
    /// What it is called there.
    pub name: LentName,
    /// Whose it is.
    pub peer: PeerId,
    /// Their name.
    pub peer_name: String,
    /// Where programs here reach it: `ip:port`.
    pub bind: String,
    /// Connections that are open.
    pub open: u32,
    /// Connections so far.
    pub served: u64,
    /// Why the last connection came to nothing, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ask, News};
    use serde_json::{from_value, json, to_value};

    #[test]
    fn the_words_about_services_keep_their_shape() {
        let ask = json!({"ask": "expose", "name": "ssh", "target": "127.0.0.1:22", "to": ["Ana"], "lasts": "for", "seconds": 60});
        let expected = Ask::Expose {
            name: "ssh".parse().unwrap(),
            target: "127.0.0.1:22".into(),
            to: vec!["Ana".into()],
            lasts: Lasting::For,
            seconds: Some(60),
        };
        assert_eq!(from_value::<Ask>(ask.clone()).unwrap(), expected);
        assert_eq!(to_value(&expected).unwrap(), ask);
        let bare = json!({"ask": "forward", "peer": "Ana", "name": "ssh"});
        assert!(matches!(from_value(bare).unwrap(), Ask::Forward { bind: None, .. }));
        assert!(from_value::<Ask>(json!({"ask": "forward", "peer": "Ana", "name": "s h"})).is_err());
        let peer = PeerId::new([1; 32]);
        let to = BorrowerRow { peer, name: "Ana".into(), lasts: Lasting::UntilClosed, until: None, open: 1 };
        let name: LentName = "ssh".parse().unwrap();
        let exposed = ExposedRow { name, target: "127.0.0.1:22".into(), to: vec![to], open: 1, served: 4 };
        let told = json!({"event": "exposed", "name": "ssh", "target": "127.0.0.1:22", "open": 1, "served": 4,
            "to": [{"peer": "01".repeat(32), "name": "Ana", "lasts": "until-closed", "open": 1}]});
        assert_eq!(to_value(News::Exposed { exposed }).unwrap(), told);
    }
}

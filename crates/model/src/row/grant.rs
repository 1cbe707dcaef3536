//! Rows about grants: what a device may do here without asking again, how far, where and until when.

use crate::{GrantId, LentName, PeerId};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a grant allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "allows", rename_all = "kebab-case")]
pub enum Allows {
    /// Sending files here without a question.
    Files {
        /// Bytes in all; absent: no limit but the disk's reserve.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
        /// Into this folder, an absolute path; absent: the inbox.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<PathBuf>,
    },
    /// Connecting to a service that is lent.
    Service {
        /// What it is called. In JSON `service`: a row's `name` is the device's.
        #[serde(rename = "service")]
        name: LentName,
        /// So many connections; absent: any number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<u32>,
    },
}

/// What a person says when they give a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct GrantTerms {
    /// What it allows.
    #[serde(flatten)]
    pub allows: Allows,
    /// Until when, seconds since 1970; absent: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Only in the network this machine is in now.
    #[serde(default)]
    pub here: bool,
}

/// Why a grant is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum GrantOver {
    /// All of it was used.
    Used,
    /// Its time is over.
    Expired,
    /// The person took it back.
    Revoked,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct GrantRow {
    /// Its id.
    pub grant: GrantId,
    /// Who has it.
    pub peer: PeerId,
    /// Their name.
    pub name: String,
    /// What it allows.
    #[serde(flatten)]
    pub allows: Allows,
    /// Bytes, or connections, used of it.
    pub used: u64,
    /// When it was given, seconds since 1970.
    pub at: u64,
    /// Until when, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// The network it is good in, by the name people know it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Whether it would be taken now: not over, and in its network.
    pub usable: bool,
    /// Why it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<GrantOver>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_about_a_service_names_the_device_and_the_service() {
        let row = GrantRow {
            grant: GrantId::new([7; 8]),
            peer: PeerId::new([1; 32]),
            name: "Ana".into(),
            allows: Allows::Service { name: "ssh".parse().unwrap(), times: Some(2) },
            used: 1,
            at: 100,
            until: None,
            network: None,
            usable: true,
            over: None,
        };
        let told = serde_json::to_string(&row).unwrap();
        assert!(told.contains(r#""name":"Ana""#) && told.contains(r#""service":"ssh""#), "{told}");
        assert_eq!(serde_json::from_str::<GrantRow>(&told).unwrap(), row);
    }
}

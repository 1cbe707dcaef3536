//! The capabilities there are, by their manifest names (R1).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Something the program may only do when its manifest declares it and the person has not revoked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Capability {
    /// Find devices near and talk to those that agreed.
    Proximity,
    /// Open connections to the Internet.
    InternetClient,
    /// Open and accept connections on the Internet.
    InternetClientServer,
    /// Open and accept connections on home and work networks.
    PrivateNetworkClientServer,
    /// Use the person's sign-in at their organisation without asking.
    EnterpriseAuthentication,
    /// Use certificates and smart cards the person shares between programs.
    SharedUserCertificates,
}

impl Capability {
    /// Every capability, in the order they are shown.
    pub const ALL: &'static [Self] = &[
        Self::Proximity,
        Self::InternetClient,
        Self::InternetClientServer,
        Self::PrivateNetworkClientServer,
        Self::EnterpriseAuthentication,
        Self::SharedUserCertificates,
    ];

    /// The name used in manifests and commands, such as `proximity`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proximity => "proximity",
            Self::InternetClient => "internetClient",
            Self::InternetClientServer => "internetClientServer",
            Self::PrivateNetworkClientServer => "privateNetworkClientServer",
            Self::EnterpriseAuthentication => "enterpriseAuthentication",
            Self::SharedUserCertificates => "sharedUserCertificates",
        }
    }

    /// What it allows, in one plain sentence for a person.
    pub const fn allows(self) -> &'static str {
        match self {
            Self::Proximity => {
                "See devices near you, be seen by them, and connect to a device when you invite it or accept its invite."
            }
            Self::InternetClient => "Open connections to servers on the Internet.",
            Self::InternetClientServer => "Open connections to the Internet and accept connections from it.",
            Self::PrivateNetworkClientServer => "Open and accept connections on your home and work networks.",
            Self::EnterpriseAuthentication => "Sign in to servers of your organisation as you, without asking you.",
            Self::SharedUserCertificates => "Use your smart cards and the certificates you share between programs.",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no capability called {0:?}; `hither capability list` shows the names")]
pub struct UnknownCapability(pub String);

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(name: &str) -> Result<Self, UnknownCapability> {
        Self::ALL
            .iter()
            .copied()
            .find(|c| c.name() == name)
            .ok_or_else(|| UnknownCapability(name.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_is_found_by_its_name_and_only_by_it() {
        for capability in Capability::ALL {
            assert_eq!(capability.name().parse(), Ok(*capability));
            assert!(capability.name().to_uppercase().parse::<Capability>().is_err());
            assert!(capability.allows().ends_with('.'));
        }
        assert!("".parse::<Capability>().is_err());
    }
}

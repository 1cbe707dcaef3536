//! What the program declares it needs (R1.18): a TOML text with one list, part of the program and parsed once.
//!
//! An unknown or repeated name, an unknown key or a list of the wrong kind is a reason not to start, never to guess.

use crate::capability::Capability;
use hither_model::{ErrorCode, Failure};
use serde::Deserialize;
use std::collections::BTreeSet;

/// The declared capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    declared: BTreeSet<Capability>,
}

/// Why a manifest was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestFault {
    /// It names a capability that does not exist.
    #[error("the manifest declares {0:?}, which is no capability; remove it or install a program that matches")]
    Unknown(String),
    /// It names a capability twice.
    #[error("the manifest declares \"{0}\" twice; remove one of the two")]
    Duplicate(Capability),
    /// It is not TOML of the expected shape.
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
}

impl ManifestFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unknown(_) | Self::Duplicate(_) | Self::Unreadable(_) => ErrorCode::Misuse,
        }
    }
}

impl From<ManifestFault> for Failure {
    fn from(fault: ManifestFault) -> Self {
        Failure::new(fault.code(), fault.to_string()).hint("reinstall hither: its manifest is part of the program")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    capabilities: Vec<String>,
}

impl Manifest {
    /// The manifest that is compiled into the program.
    ///
    /// # Errors
    /// When the shipped text is faulty; the program then must not start.
    pub fn shipped() -> Result<Self, ManifestFault> {
        Self::parse(include_str!("../capabilities.toml"))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ManifestFault`], with the offending name.
    pub fn parse(text: &str) -> Result<Self, ManifestFault> {
        let text: Text = toml::from_str(text).map_err(|e| ManifestFault::Unreadable(e.message().to_owned()))?;
        let mut declared = BTreeSet::new();
        for name in text.capabilities {
            let capability = name.parse().map_err(|_| ManifestFault::Unknown(name))?;
            if !declared.insert(capability) {
                return Err(ManifestFault::Duplicate(capability));
            }
        }
        Ok(Self { declared })
    }

    /// Whether it declares the capability.
    pub fn declares(&self, capability: Capability) -> bool {
        self.declared.contains(&capability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_manifest_declares_what_is_used_and_no_more() {
        let manifest = Manifest::shipped().unwrap();
        let used = [
            Capability::Proximity,
            Capability::InternetClient,
            Capability::InternetClientServer,
            Capability::PrivateNetworkClientServer,
            Capability::EnterpriseAuthentication,
            Capability::SharedUserCertificates,
        ];
        for capability in Capability::ALL {
            assert_eq!(manifest.declares(*capability), used.contains(capability), "{capability}");
        }
    }

    #[test]
    fn r1_18_an_unknown_name_is_refused_by_name() {
        let fault = Manifest::parse(r#"capabilities = ["proximity", "teleport"]"#).unwrap_err();
        assert!(fault.to_string().contains("teleport"), "{fault}");
        let fault = Manifest::parse(r#"capabilities = ["Proximity"]"#).unwrap_err();
        assert_eq!(fault, ManifestFault::Unknown("Proximity".into()));
    }

    #[test]
    fn r1_18_a_name_given_twice_is_refused_by_name() {
        let fault = Manifest::parse(r#"capabilities = ["proximity", "internetClient", "proximity"]"#).unwrap_err();
        assert_eq!(fault, ManifestFault::Duplicate(Capability::Proximity));
        assert!(fault.to_string().contains("proximity"), "{fault}");
    }

    #[test]
    fn a_manifest_of_another_shape_is_refused() {
        for text in ["", "capabilities = 3", "capabilities = []\nextra = 1", "capabilities = [1]", "\u{0}", "a = ["] {
            assert!(matches!(Manifest::parse(text), Err(ManifestFault::Unreadable(_))), "{text:?}");
        }
        assert!(!Manifest::parse("capabilities = []").unwrap().declares(Capability::Proximity));
    }
}

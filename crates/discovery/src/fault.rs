//! Why discovery does not work, with what to do about it.

use crate::{
    ble::{CardFault, RadioTrouble, RoutesFault},
    txt::TxtFault,
};
use hither_capability::Denied;
use hither_model::{ErrorCode, Failure};

/// Discovery cannot do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The capability is missing or was revoked. Nothing has left the machine.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Another program has the mDNS port for itself alone.
    #[error("another program keeps UDP port 5353 to itself, so nearby devices cannot be heard")]
    PortTaken,
    /// The advert cannot be written.
    #[error("the advert cannot be written: {0}")]
    Advert(#[from] TxtFault),
    /// The system refused something discovery needs.
    #[error("discovery on the local network failed: {0}")]
    System(String),
    /// The mDNS thread does not answer.
    #[error("discovery on the local network does not answer; it is being started again")]
    Silent,
    /// It was stopped.
    #[error("discovery on the local network has been stopped")]
    Stopped,
    /// Bluetooth does not do what was asked.
    #[error(transparent)]
    Radio(#[from] RadioTrouble),
    /// A card that cannot be written, or read.
    #[error(transparent)]
    Card(#[from] CardFault),
    /// Routes that cannot be read.
    #[error(transparent)]
    Routes(#[from] RoutesFault),
    /// Bluetooth was stopped.
    #[error("discovery by Bluetooth has been stopped")]
    RadioStopped,
}

impl DiscoveryError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::PortTaken | Self::System(_) => ErrorCode::Unreachable,
            Self::Advert(fault) => fault.code(),
            Self::Silent => ErrorCode::TimedOut,
            Self::Radio(trouble) => trouble.code(),
            Self::Card(fault) => fault.code(),
            Self::Routes(fault) => fault.code(),
            Self::Stopped | Self::RadioStopped => ErrorCode::Stale,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Denied(denied) => denied.hint(),
            Self::PortTaken => {
                "run `hither doctor` to see which program it is; other devices can still be reached by an invite link"
                    .into()
            }
            Self::Advert(_) => "choose a shorter name".into(),
            Self::System(_) => "run `hither doctor`, which looks at interfaces, multicast and firewall".into(),
            Self::Silent => "try again in a few seconds".into(),
            Self::Radio(trouble) => trouble.hint().into(),
            Self::Card(_) | Self::Routes(_) => "update hither on both devices".into(),
            Self::Stopped | Self::RadioStopped => "make this device visible again to start it".into(),
        }
    }

    /// A refusal of the system, in its own words.
    pub(crate) fn system(error: impl std::fmt::Display) -> Self {
        Self::System(error.to_string())
    }
}

impl From<DiscoveryError> for Failure {
    fn from(error: DiscoveryError) -> Self {
        let message = hither_model::text::printable(&error.to_string());
        Failure::new(error.code(), message).hint(error.hint())
    }
}

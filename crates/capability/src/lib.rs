//! What hither may do here: manifest, consent, grants, endpoint classes. Pure.
//!
//! The rule of the house is *no grant, no socket*: whatever discovers, listens or dials takes a [`Grant`], and only a
//! [`Gate`] makes one. The gate knows what the program declared ([`Manifest`]), what the person took away, and that a
//! dial needs a fresh [`Consent`] to exactly the addresses it will use.
//!
//! What is *not* here: sockets, files, clocks. Times are `u64` milliseconds that the caller passes in.

mod capability;
mod consent;
mod denied;
mod endpoint;
mod gate;
mod grant;
mod manifest;
mod reach;

pub use capability::{Capability, UnknownCapability};
pub use consent::{CONSENT_LASTS_MS, Consent};
pub use denied::Denied;
pub use endpoint::{EndpointClass, is_place, is_web, radio_address, radio_of, web_address};
pub use gate::Gate;
pub use grant::{Dial, Discover, Forward, Grant, Lend, Listen, spelt};
pub use manifest::{Manifest, ManifestFault};
pub use reach::{Networks, Reach, Zone};

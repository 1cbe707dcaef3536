//! Who is near: mDNS / DNS-SD adverts and sightings (RFC 6762, RFC 6763), and the same by Bluetooth LE ([`ble`]).
//!
//! The pure parts say what an advert contains ([`txt`]), which interfaces take part ([`interfaces`]), which announced
//! addresses may be believed ([`onlink`]) and who is on the list ([`sightings`]). [`mdns`] is the part that sends and
//! hears; it takes a grant, and without one no packet leaves. [`doctor`] asks the link why nobody is seen.
//!
//! A sighting is a claim by whoever shouts on the link. What is *not* here: deciding who it is, dialling, trust, and
//! visibility. By itself nothing in this crate opens a connection, but for reading the card of a radio while somebody looks.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod announce;
pub mod ble;
pub mod doctor;
mod fault;
pub mod interfaces;
pub mod mdns;
pub mod onlink;
pub mod sightings;
pub mod txt;

pub use announce::{Announcement, SERVICE};
pub use ble::Ble;
pub use fault::DiscoveryError;
pub use interfaces::{Interface, InterfaceRule, Kind, Subnet};
pub use mdns::{Event, Heard, Mdns};
pub use sightings::Sighting;
pub use txt::{Txt, TxtFault};

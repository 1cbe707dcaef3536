//! Stream sockets whose protection was asked for and checked.
//!
//! [`dial`] and [`StreamSocketListener`] give out a [`Channel`] only when TLS is up, what was negotiated equals what was
//! asked for (R3.13), the other end's key is the expected one, and both ends have said so (READY). A channel to a key
//! that nobody has vouched for yet is a `Channel<Stranger>`: a few small frames, enough for the invite protocol and
//! nothing else. A `Channel<Proven>` carries frames ([`FrameReader`], [`FrameWriter`]), any program's bytes
//! ([`StreamSocket`]) or bulk data ([`BlockingLane`]).
//!
//! What is *not* here: who may connect (capability and engine), what the frames mean (protocol), names and addresses of
//! devices (discovery), trust.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod channel;
mod control;
mod dial;
mod error;
mod frame;
mod host;
mod inbox;
mod lane;
mod listen;
mod profile;
mod proof;
mod ready;
mod split;
mod statistics;
pub mod status;
mod stream;
mod verifier;
mod wire;

pub use channel::{Admits, Channel, Connected, Proven, Standing, Stranger};
pub use control::{QualityOfService, StreamSocketControl};
pub use dial::dial;
pub use error::{Phase, SocketError};
pub use frame::MAX_FRAME;
pub use host::{EndpointPair, HostName, HostNameFault, HostNameType};
pub use lane::{BlockingLane, LaneAbort};
pub use listen::{Arrival, Caps, Door, Entry, StreamSocketListener};
pub use profile::{ALPN, Profile, Signing};
pub use proof::{Meter, Proof};
pub use split::{FrameReader, FrameWriter, Link};
pub use statistics::RoundTripTimeStatistics;
pub use stream::StreamSocket;
pub use verifier::Expected;

#[cfg(test)]
mod tests;

//! Stream sockets whose protection was asked for and checked.
//!
//! [`dial`] and [`StreamSocketListener`] give out a [`Channel`] only when TLS is up, what was negotiated equals what was
//! asked for (R3.13), the other end's key is the expected one, and both ends have said so (READY). A channel to a key
//! that nobody has vouched for yet is a `Channel<Stranger>`: a few small frames, enough for the invite protocol and
//! nothing else. A `Channel<Proven>` carries frames ([`FrameReader`], [`FrameWriter`]), any program's bytes
//! ([`PeerStream`]) or bulk data ([`BlockingLane`]).
//!
//! [`StreamSocket`] reaches any server by name, with a level of protection that was asked for and checked, through a proxy
//! if need be; [`framing`] and [`ws`] put values and WebSocket messages on such a stream. Servers are judged by the
//! authorities of the system, devices near never are.
//!
//! What is *not* here: who may connect (capability and engine), what the frames mean (protocol), names and addresses of
//! devices (discovery), trust.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod channel;
mod control;
mod credential;
mod dial;
mod error;
mod frame;
pub mod framing;
mod host;
mod inbox;
mod lane;
mod level;
mod listen;
mod names;
mod outward;
mod profile;
mod proof;
mod proxy;
mod ready;
mod server;
mod split;
mod statistics;
pub mod status;
mod stream;
mod tunnel;
mod verifier;
mod wire;
pub mod ws;

pub use channel::{Admits, Channel, Connected, Proven, Standing, Stranger};
pub use control::{QualityOfService, StreamSocketControl};
pub use credential::{CredentialFault, PasswordCredential, SignIn, SignInFault};
pub use dial::{dial, dial_through};
pub use error::{Phase, SocketError};
pub use frame::MAX_FRAME;
pub use host::{EndpointPair, HostName, HostNameFault, HostNameType};
pub use lane::{BlockingLane, LaneAbort};
pub use level::SocketProtectionLevel;
pub use listen::{Arrival, Caps, Door, Entry, StreamSocketListener};
pub use names::{
    HostNameSortOptions, NameFault, Names,
    race::{ATTEMPT_DELAY_MS, MAX_ATTEMPTS, Race, Turn},
};
pub use outward::{OutwardControl, ServerError, StreamSocket, StreamSocketInformation, Validation, Verdict};
pub use profile::{ALPN, Profile, Signing};
pub use proof::{Meter, Proof};
pub use proxy::{Environment, Offered, Proxies, Proxy, ProxyError, ProxyFault, ProxyKind};
pub use server::{ChainValidationResult, Roots, RootsFault, ServerCertificate, SocketSslErrorSeverity};
pub use split::{FrameReader, FrameWriter, Link};
pub use statistics::{BandwidthStatistics, RoundTripTimeStatistics};
pub use stream::PeerStream;
pub use tunnel::Tunnel;
pub use verifier::Expected;

#[cfg(test)]
mod tests;

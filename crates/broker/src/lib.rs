//! Sockets of other programs, held by the agent: a program names a socket, hands it over with an opaque context, and ends.
//! When somebody calls or a byte comes, it is started and takes the socket back (R4.2–R4.14). The agent's side is in
//! `hither-agent`, the words on the wire are for everybody (docs/broker.md).
//!
//! Everything here blocks the thread that calls, and nothing here needs a runtime.
//!
//! What is *not* here: sessions with other devices, and TLS. A descriptor carries neither (R4.23).

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod activity;
mod broker;
mod fault;
pub mod message;
mod place;
mod socket;
pub mod wire;

pub use activity::{Handler, SocketActivity};
pub use broker::{Broker, Held, Information};
pub use fault::BrokerError;
pub use message::{Condition, Reason, Start, Wake};
pub use place::{SOCKET, TASK, usual_place};
pub use socket::{Family, Socket};

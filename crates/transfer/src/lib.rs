//! Files over any byte stream: offered, named, placed, sent, received, resumed, proven.
//!
//! The sender walks what it was given ([`scan`]) and offers a [`Manifest`]; the receiver's person consents to the hash of
//! exactly that manifest. Bytes then go one way over a *lane* (any `Write` here, any `Read` there; [`wire`]); all that the
//! receiver has to say (what it keeps, where to go on, what failed, the receipt) goes over another channel, which is the
//! caller's: [`SendEvent`], [`ReceiveEvent`], [`Plan`] and [`Receipt`] are what it carries.
//!
//! Everything is synchronous and blocks: run it on threads of its own. What is *not* here: sockets, encryption, sessions,
//! signatures, consent, and any clock but the files' own.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bytes;
mod digests;
mod error;
pub mod journal;
mod limits;
pub mod manifest;
pub mod name;
mod outgoing;
mod place;
mod plan;
mod ranges;
mod receipt;
mod receive;
mod scan;
mod send;
mod stop;
pub mod wire;

pub use digests::Digests;
pub use error::{ItemFault, TransferError};
pub use limits::Limits;
pub use manifest::{Entry, Kind, Manifest, ManifestFault, Mtime, Summary};
pub use name::{NameFault, NameRules, SafeName, SafeRelPath};
pub use outgoing::Outgoing;
pub use place::Inbox;
pub use plan::{Plan, ResumePoint};
pub use ranges::Ranges;
pub use receipt::{Receipt, ReceiptFault};
pub use receive::{Choices, ReceiveEvent, Received, Receiving};
pub use scan::{Scan, Skipped, scan};
pub use send::{Abandon, SendEvent, SendOutcome, Sender, Window};
pub use stop::Stop;

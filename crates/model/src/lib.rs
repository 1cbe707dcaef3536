//! hither's shared words: ids, names, states, endpoints, failures.
//!
//! What is *not* here: I/O, clocks, randomness, sockets. Everything is a plain value that every other crate and every
//! face of hither may speak of.

pub mod ask;
pub mod failure;
pub mod id;
pub mod lent;
pub mod name;
pub mod news;
pub mod protection;
pub mod row;
pub mod state;
pub mod text;

pub use ask::{Answer, Ask};
pub use failure::{Blame, ErrorCode, Failure, SocketErrorStatus};
pub use id::{GrantId, InstanceId, InviteId, LaneId, OutboxId, PeerId, QuestionId, Rid, SessionId, TransferId};
pub use lent::{LentName, NotLentName};
pub use name::{DisplayName, NameFault};
pub use news::News;
pub use protection::{CertificateFacts, CertificateSource, Negotiated, ProtectionLevel};
pub use state::{
    AgentState, CostPolicy, DesktopPart, ItemState, KeyPlace, Medium, MediumState, Nearness, OutboxState, Presence,
    Priority, SessionState, TransferState, Trust, Verified, View, WaitsFor,
};

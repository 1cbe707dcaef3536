//! The one owner of state: who is near, questions, invites, sessions, transfers.
//!
//! [`Engine::start`] opens what the capabilities allow and runs one task that owns everything; clients reach it through a
//! [`Handle`]. Rooms: `directory` (who is near) · `media`, `calls`, `presence` (being seen) · `door` (who may come in) ·
//! `knocks` (invites) · `sessions` · `certificates` (those of people, cards) · `lanes` (further connections, pipes) · `services` (those lent and used) · `transfers` · `questions` · `asks` (requests)
//! · `store` (what is remembered). Decisions about the protocol are `hither_protocol`'s; here they are carried out.

mod actor;
mod asks;
mod calling;
mod calls;
mod certificates;
mod clock;
mod directory;
mod door;
mod event;
mod grants;
mod handle;
mod heirs;
mod knocks;
mod lanes;
mod listen;
mod media;
mod networks;
mod outbox;
mod presence;
mod questions;
mod radio;
mod services;
mod sessions;
mod settings;
mod standby;
mod state;
mod store;
mod transfers;
mod waking;
mod web;

pub use actor::Engine;
pub use handle::{ClientId, Handle, PipeAsk, Stream};
pub use hither_protocol::WebRoute;
pub use networks::{Cost, Network};
pub use settings::{Bluetooth, Certificates, Interfaces, Options, Settings, Started, Websocket};
pub use standby::{Standby, nobody};
pub use store::StoreFault;

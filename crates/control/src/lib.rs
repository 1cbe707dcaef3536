//! The local API: requests, replies, notes, and the socket they travel on.
//!
//! One agent holds a profile; every face of hither is its client over a Unix socket that only the same user can open.
//! Both ends check the other's user before a byte is sent. What may be asked is [`hither_model::Ask`]; this crate
//! carries it and knows nothing of what it means.
//!
//! What is *not* here: the engine, settings, the lock (see `hither-agent`), and anything that leaves the machine.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod client;
mod connection;
mod door;
mod fault;
pub mod frame;
pub mod message;
pub mod pipe;
pub mod place;
pub mod profile;
mod server;
mod start;
mod surface;
mod user;

pub use client::{Client, NewsFeed};
pub use connection::serve_lines;
pub use door::Door;
pub use fault::ControlError;
pub use message::{CONTROL_VERSION, PipeAsk};
pub use pipe::{Moved, Pipe};
pub use place::Place;
pub use server::{Limits, serve};
pub use start::{OPENING, Start, agent_program};
pub use surface::{Boxed, ClientId, Surface, Wire};

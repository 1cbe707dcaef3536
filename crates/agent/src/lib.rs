//! The process that holds one profile: its lock, its settings, its log, its life from start to stop, and the control
//! socket in front of the engine.
//!
//! What is *not* here: sockets to other devices, trust, transfers (see `hither-engine`), and the commands of a person
//! (see the command line).

mod activation;
pub mod background;
mod descriptors;
mod desktop;
mod drain;
mod engine;
mod held;
pub mod host;
mod lock;
pub mod logs;
pub mod networks;
mod practice;
mod ready;
mod real;
mod rest;
mod saving;
pub mod settings;
mod supervisor;
mod surface;

pub use hither_engine::{WebRoute, Websocket};
pub use host::{Options, run};

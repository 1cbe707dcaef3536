//! The process that holds one profile: its lock, its settings, its log, its life from start to stop, and the control
//! socket in front of the engine.
//!
//! What is *not* here: sockets to other devices, trust, transfers (see `hither-engine`), and the commands of a person
//! (see the command line).

mod activation;
mod desktop;
mod engine;
pub mod host;
mod lock;
pub mod logs;
mod practice;
mod ready;
mod real;
pub mod settings;
mod surface;

pub use host::{Options, run};

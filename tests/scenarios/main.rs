//! The real program on one machine: its life, its control socket, its errors and exit codes. No network but loopback.

mod care;
mod control;
mod crashes;
mod desktop;
mod life;
mod profile;
mod telling;

/// An agent that stays off the network: no adverts, a listener on loopback alone.
const ALONE: &[&str] = &["--no-mdns", "--loopback", "--listen", "127.0.0.1:0"];

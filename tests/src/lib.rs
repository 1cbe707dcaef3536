//! What the scenarios stand on: the real `hither` program started as a process, its JSON lines waited for (never polled
//! by sleeping), and several hosts as network namespaces on one machine.
//!
//! [`Seat`] is where a person sits: a host, a user, a profile. [`Run`] is a program started there. [`netns::Lab`] makes
//! hosts and breaks the network between them. [`window::App`] is the window on a virtual display. [`ble::Machine`] is a virtual machine with Bluetooth. [`services::Systemd`] is a systemd of a user.
//!
//! What is *not* here: the engine in-process (the crates' own tests do that) and expectations about a scenario (those
//! are in `scenarios/` and `netns/`).

pub mod acts;
pub mod ble;
pub mod crash;
pub mod events;
pub mod netns;
pub mod program;
pub mod run;
pub mod seat;
pub mod services;
pub mod skip;
pub mod window;

pub use events::Events;
pub use run::Run;
pub use seat::Seat;

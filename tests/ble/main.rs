//! Bluetooth for real: the distribution's kernel and bluetoothd in a small virtual machine, with virtual controllers, and
//! the programs of this project in it. One machine serves all scenarios of this process, one after the other; each has
//! its own controllers, bus and bluetoothd.
//!
//! Best run by `cargo test` (one process, one boot); a runner that makes a process of each scenario boots for each.

mod agents;
mod figures;
mod hostile;
mod privacy;
mod radio;
mod recovery;
mod rig;

//! A small machine with Bluetooth, for tests that need one: the distribution's kernel under qemu, a real `bluetoothd`,
//! virtual controllers, and the programs of this project. Nothing of the host is needed but packages (`script/bootstrap
//! ble`); no radio, no `/dev/vhci`, no rights.
//!
//! ```text
//! test ── Machine ──(one line of JSON per word)── ble-guest ── hither, bluetoothctl, …
//!                                                     │ D-Bus
//!                                                 bluetoothd
//!                                                     │ HCI
//!                                                  ble-air ── btvirt      (one socket per controller)
//! ```
//!
//! [`Image`] is what the machine boots, [`Machine`] the running machine, [`Process`] a program in it. [`air`] is what is
//! between the controllers: who hears whom, how loud, and whatever else is on the air.
//!
//! What is *not* here: expectations about a scenario (those are in `tests/ble`), and radio: nothing interferes, nothing
//! is lost, no vendor's controller has its quirks.

pub mod air;
mod cpio;
pub mod guest;
mod image;
mod machine;
mod parts;
mod process;
pub mod words;

pub use image::Image;
pub use machine::Machine;
pub use parts::Parts;
pub use process::Process;

//! The agent as a service of a real systemd: started by a socket, kept over crashes, gone when there is nothing to do.

mod calls;
mod held;
mod service;

use hither_tests::{services::Systemd, skip::skipped};

/// A systemd with nothing of hither, or the reason why there is none.
fn systemd() -> Option<Systemd> {
    match Systemd::start() {
        Ok(systemd) => Some(systemd),
        Err(reason) => {
            skipped("background", &reason);
            None
        }
    }
}

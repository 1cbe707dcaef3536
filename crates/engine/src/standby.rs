//! Who keeps the listening sockets open while no agent runs (R4.22): the service manager, if one started us. Devices that
//! call in between wait in the queue of the socket instead of being refused.

use std::{fmt::Debug, os::fd::BorrowedFd, sync::Arc};

/// Keeps sockets for the agent that comes next.
pub trait Standby: Debug + Send + Sync {
    /// Keeps these listening sockets from now on. One that is kept already is not kept twice.
    fn keep(&self, sockets: &[BorrowedFd<'_>]);

    /// Keeps none of them any more: what they were for is not allowed any longer.
    fn release(&self);
}

/// Nobody does: the sockets end with the agent.
#[derive(Debug)]
struct Nobody;

impl Standby for Nobody {
    fn keep(&self, _: &[BorrowedFd<'_>]) {}

    fn release(&self) {}
}

/// Nobody keeps the sockets.
#[must_use]
pub fn nobody() -> Arc<dyn Standby> {
    Arc::new(Nobody)
}

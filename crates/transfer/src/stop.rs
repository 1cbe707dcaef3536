//! How a person stops a transfer that runs on another thread.

use crate::TransferError;
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// A flag that a running transfer looks at between chunks (at most 256 KiB apart) and between files. A thread that
/// is blocked in the lane does not see it: shut the lane down as well.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicU8>);

impl Stop {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops for now: what is there stays for later.
    pub fn pause(&self) {
        self.0.fetch_max(1, Ordering::Relaxed);
    }

    /// Stops for good.
    pub fn cancel(&self) {
        self.0.fetch_max(2, Ordering::Relaxed);
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// # Errors
    /// [`TransferError::Paused`] or [`TransferError::Canceled`] if it is set.
    pub fn check(&self) -> Result<(), TransferError> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            1 => Err(TransferError::Paused),
            _ => Err(TransferError::Canceled),
        }
    }

    /// The error to report: the stop itself if it is set (it broke the lane), else what happened.
    pub(crate) fn or(&self, error: TransferError) -> TransferError {
        self.check().err().unwrap_or(error)
    }
}

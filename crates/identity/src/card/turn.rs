//! One at a time, with a limit on the waiting: a module is asked one thing at once, and a second caller must not wait
//! for a hung first one longer than for the module itself.

use std::{
    sync::{Condvar, Mutex, MutexGuard},
    time::Instant,
};

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turn {
    taken: Mutex<bool>,
    free: Condvar,
}

/// Gives the turn back when dropped.
pub(super) struct Taken<'a>(&'a Turn);

impl Turn {
    /// Waits for the turn; `None` if it does not come in time.
    pub(super) fn take(&self, until: Instant) -> Option<Taken<'_>> {
        let mut taken = self.look();
        while *taken {
            let left = until.checked_duration_since(Instant::now())?;
            taken = match self.free.wait_timeout(taken, left) {
                Ok((guard, _)) => guard,
                Err(poison) => poison.into_inner().0,
            };
        }
        *taken = true;
        Some(Taken(self))
    }

    fn look(&self) -> MutexGuard<'_, bool> {
        self.taken.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.look() = false;
        self.0.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_second_caller_waits_no_longer_than_it_wants_to() {
        let turn = Turn::default();
        let first = turn.take(Instant::now()).unwrap();
        assert!(turn.take(Instant::now() + Duration::from_millis(20)).is_none());
        drop(first);
        assert!(turn.take(Instant::now()).is_some());
    }
}

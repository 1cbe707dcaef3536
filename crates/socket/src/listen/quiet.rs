//! Log lines about callers, at most one a second for each cause: a flood must not fill the disk.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

const PAUSE: Duration = Duration::from_secs(1);

/// When something was said last, by cause. Causes are words of this program, so there are few.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    last: Mutex<HashMap<&'static str, (Instant, u64)>>,
}

impl Quiet {
    /// Says it, unless this cause has had its line within a second; then it is counted and the next line tells.
    pub(super) fn say(&self, cause: &'static str, line: impl FnOnce()) {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let untold = match last.get_mut(cause) {
            Some((at, untold)) if now.duration_since(*at) < PAUSE => {
                *untold += 1;
                return;
            }
            Some((_, untold)) => *untold,
            None => 0,
        };
        last.insert(cause, (now, 0));
        drop(last);
        if untold > 0 {
            tracing::info!(cause, untold, "more of the same were not logged");
        }
        line();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_one_cause_makes_one_line_a_second_and_hides_no_other_cause() {
        let (quiet, lines) = (Quiet::default(), Cell::new(0));
        let say = |cause| quiet.say(cause, || lines.set(lines.get() + 1));
        for _ in 0..1000 {
            say("crowded");
        }
        say("descriptors");
        assert_eq!(lines.get(), 2);
        tokio::time::advance(PAUSE).await;
        say("crowded");
        assert_eq!(lines.get(), 3);
    }
}

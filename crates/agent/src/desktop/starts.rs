//! When the window's program may be started. However often something is pressed, one window opens: while it is on its way
//! what else is pressed waits for it, and a window that never comes is not started without end. Pure: the time is an
//! argument, in milliseconds of any clock that only goes forward.

use hither_model::View;
use std::collections::VecDeque;

/// So many starts …
const MOST: usize = 5;
/// … within so many milliseconds.
const WITHIN: u64 = 60_000;
/// A window that was started is waited for so long, milliseconds.
const PATIENCE: u64 = 10_000;
/// A window that has come listens so much later at the latest, milliseconds.
const LISTENS: u64 = 1_000;

/// Where a window is to go.
pub(super) type Place = (View, Option<String>);

/// The starts there were, and what waits for the window that is on its way.
#[derive(Debug, Default)]
pub(super) struct Starts {
    recent: VecDeque<u64>,
    under_way: Option<u64>,
    waiting: Option<Place>,
    to_show: Option<(u64, Place)>,
}

impl Starts {
    /// Somebody wants a window that is not there. Gives where it goes if it is to be started for that now.
    pub(super) fn wanted(&mut self, place: Place, now: u64) -> Option<Place> {
        if self.under_way.is_some_and(|at| now < at.saturating_add(PATIENCE)) {
            self.waiting = Some(place);
            return None;
        }
        while self.recent.front().is_some_and(|at| at.saturating_add(WITHIN) <= now) {
            self.recent.pop_front();
        }
        if self.recent.len() >= MOST {
            tracing::warn!("the window was started {MOST} times within a minute and never came: not started again yet");
            return None;
        }
        self.recent.push_back(now);
        (self.under_way, self.waiting) = (Some(now), None);
        Some(place)
    }

    /// The program has ended. One that ended well has handed over to another, or was closed.
    pub(super) fn ended(&mut self, well: bool) {
        if !well {
            (self.under_way, self.waiting) = (None, None);
        }
    }

    /// A window is there: what was pressed last while it was on its way is shown in a moment.
    pub(super) fn came(&mut self, now: u64) {
        self.under_way = None;
        if let Some(place) = self.waiting.take() {
            self.to_show = Some((now.saturating_add(LISTENS), place));
        }
    }

    /// What is to be shown now in the window that came.
    pub(super) fn show(&mut self, now: u64) -> Option<Place> {
        self.to_show.take_if(|(at, _)| *at <= now).map(|(_, place)| place)
    }

    /// When to call [`Starts::show`].
    pub(super) fn due(&self) -> Option<u64> {
        self.to_show.as_ref().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near() -> Place {
        (View::Near, None)
    }

    #[test]
    fn r4_25_a_hundred_presses_in_a_second_start_one_window_which_shows_the_last() {
        let mut starts = Starts::default();
        let started = (0..100u64).filter(|n| starts.wanted((View::Session, Some(n.to_string())), n * 10).is_some());
        assert_eq!(started.count(), 1);
        starts.came(1_500);
        assert_eq!((starts.show(1_500), starts.due()), (None, Some(2_500)), "it has to listen first");
        assert_eq!(starts.show(2_500), Some((View::Session, Some("99".into()))));
        assert_eq!((starts.show(9_000), starts.due()), (None, None));
    }

    #[test]
    fn a_window_that_never_comes_is_started_five_times_a_minute_at_most() {
        let mut starts = Starts::default();
        let began = |starts: &mut Starts, from: u64, to: u64| {
            (from..to).step_by(100).filter(|now| starts.wanted(near(), *now).is_some()).count()
        };
        assert_eq!(began(&mut starts, 0, 60_000), 5, "one after the other was waited for");
        let mut fails = Starts::default();
        let mut count = 0;
        for now in (0..60_000).step_by(100) {
            count += usize::from(fails.wanted(near(), now).is_some());
            fails.ended(false);
        }
        assert_eq!(count, 5);
        assert!(fails.wanted(near(), 60_000).is_some(), "a minute after the first");
    }

    #[test]
    fn a_window_that_failed_is_started_again_by_the_next_press() {
        let mut starts = Starts::default();
        assert!(starts.wanted(near(), 0).is_some());
        assert!(starts.wanted(near(), 10).is_none());
        starts.ended(true);
        assert!(starts.wanted(near(), 20).is_none(), "another one may have taken over");
        starts.ended(false);
        assert!(starts.wanted(near(), 30).is_some());
    }
}

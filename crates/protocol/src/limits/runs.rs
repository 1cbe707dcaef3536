//! The budget of code runs. Somebody in between knows after the nonces whether the two codes agree and could hang up
//! before a person looks, so every run counts from its start, whoever it was with; only a run that both persons confirmed
//! is given back. When the budget is spent, pairing goes by link only.

use serde::{Deserialize, Serialize};

/// Runs that may be started and not confirmed within ten minutes.
pub const RUNS_PER_TEN_MINUTES: usize = 3;

/// Runs that may be started and not confirmed within a day.
pub const RUNS_PER_DAY: usize = 10;

const TEN_MINUTES: u64 = 600;
const DAY: u64 = 86_400;

/// Names one run, so that its confirmation gives back the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunNumber(u64);

/// The runs of the last day that did not end in a confirmed match. Store it: a restart must not refill it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunBudget {
    next: u64,
    open: Vec<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    number: RunNumber,
    at: u64,
}

impl RunBudget {
    /// Whether another run may start; times are seconds since 1970.
    pub fn may_start(&mut self, unix: u64) -> bool {
        self.wait(unix) == 0
    }

    /// Counts a run that starts now.
    pub fn started(&mut self, unix: u64) -> RunNumber {
        self.prune(unix);
        let number = RunNumber(self.next);
        self.next = self.next.wrapping_add(1);
        self.open.push(Run { number, at: unix });
        number
    }

    /// Gives a run back: both persons found the code right.
    pub fn confirmed(&mut self, run: RunNumber) {
        self.open.retain(|open| open.number != run);
    }

    /// Seconds until another run may start; 0 for now.
    pub fn wait(&mut self, unix: u64) -> u64 {
        self.prune(unix);
        let until = |most: usize, span: u64| match self.open.len().checked_sub(most) {
            Some(index) => self.open.get(index).map_or(0, |run| (run.at + span).saturating_sub(unix)),
            None => 0,
        };
        until(RUNS_PER_TEN_MINUTES, TEN_MINUTES).max(until(RUNS_PER_DAY, DAY))
    }

    /// Forgets what is over a day old. After the clock was turned back, what lies ahead counts as of now.
    fn prune(&mut self, unix: u64) {
        for run in &mut self.open {
            run.at = run.at.min(unix);
        }
        self.open.retain(|run| unix - run.at < DAY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t12_after_three_runs_that_came_to_nothing_codes_pause_for_ten_minutes() {
        let mut budget = RunBudget::default();
        for at in [1000, 1100, 1200] {
            assert!(budget.may_start(at));
            budget.started(at);
        }
        assert!(!budget.may_start(1200));
        assert_eq!(budget.wait(1200), 400);
        assert!(!budget.may_start(1599));
        assert!(budget.may_start(1600));
    }

    #[test]
    fn t12_after_ten_runs_in_a_day_codes_pause_until_the_first_is_a_day_old() {
        let mut budget = RunBudget::default();
        for i in 0..10 {
            assert!(budget.may_start(i * 700), "run {i}");
            budget.started(i * 700);
        }
        assert!(!budget.may_start(10 * 700));
        assert!(!budget.may_start(DAY - 1));
        assert!(budget.may_start(DAY));
    }

    #[test]
    fn t12_a_confirmed_run_does_not_count_and_a_restart_does_not_refill() {
        let mut budget = RunBudget::default();
        let first = budget.started(5);
        budget.started(5);
        budget.started(5);
        let json = serde_json::to_string(&budget).unwrap();
        let mut budget: RunBudget = serde_json::from_str(&json).unwrap();
        assert!(!budget.may_start(6));
        budget.confirmed(first);
        assert!(budget.may_start(6));
    }

    #[test]
    fn a_clock_turned_back_two_days_neither_refills_nor_blocks_for_two_days() {
        let mut budget = RunBudget::default();
        for _ in 0..3 {
            budget.started(500_000);
        }
        assert!(!budget.may_start(500_000 - 2 * DAY));
        assert!(budget.may_start(500_000 - 2 * DAY + TEN_MINUTES));
    }
}

//! How often somebody may try (SECURITY 3.2 and 3.4, R7.8). Pure counting: nothing waits here.

mod backoff;
mod questions;
mod runs;

pub use backoff::{Backoff, HEALTHY_MS, LONGEST_MS};
pub use questions::{Asker, Over, Place, Questions};
pub use runs::{RUNS_PER_DAY, RUNS_PER_TEN_MINUTES, RunBudget, RunNumber};

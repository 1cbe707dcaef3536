//! Progress on standard error, drawn only on a terminal: one line that is written over.

use crate::{halt::Halt, screen::Screen, words};

const BAR: u64 = 24;

/// The line that shows how far a transfer is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    drawn: bool,
}

impl Progress {
    /// Shows how far it is.
    pub(crate) fn show(&mut self, screen: &Screen, done: u64, total: u64, per_second: u64) -> Result<(), Halt> {
        if !screen.drawable() {
            return Ok(());
        }
        self.drawn = true;
        screen.draw(&format!("\r\u{1b}[K{}", line(done, total, per_second)))
    }

    /// Removes the line, so that something else can be written.
    pub(crate) fn clear(&mut self, screen: &Screen) -> Result<(), Halt> {
        if !std::mem::take(&mut self.drawn) {
            return Ok(());
        }
        screen.draw("\r\u{1b}[K")
    }
}

fn line(done: u64, total: u64, per_second: u64) -> String {
    let share = |of: u64| u64::try_from(u128::from(done.min(total)) * u128::from(of) / u128::from(total.max(1)));
    let full = usize::try_from(share(BAR).unwrap_or(0)).unwrap_or(0);
    let percent = if total == 0 { 100 } else { share(100).unwrap_or(0) };
    let bar = format!("{}{}", "█".repeat(full), "░".repeat(BAR as usize - full));
    let left = match (total.saturating_sub(done), per_second) {
        (0, _) | (_, 0) => String::new(),
        (left, speed) => format!("  {} left", words::span(left.div_ceil(speed))),
    };
    format!("{bar} {percent:3} %  {} of {}  {}/s{left}", words::size(done), words::size(total), words::size(per_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_right_at_the_ends_and_never_overflows() {
        assert!(line(0, 100, 0).starts_with(&"░".repeat(24)));
        assert!(line(100, 100, 1).starts_with(&"█".repeat(24)));
        assert!(line(50, 100, 10).contains(" 50 %"), "{}", line(50, 100, 10));
        assert!(line(50, 100, 10).ends_with("5 s left"));
        for (done, total) in [(0, 0), (u64::MAX, 1), (u64::MAX, u64::MAX), (1, u64::MAX)] {
            assert!(line(done, total, u64::MAX).contains('%'));
        }
    }
}

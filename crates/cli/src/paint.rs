//! Colour, only where a person looks: on a terminal, and not if `NO_COLOR` is set.

use std::{env, io::IsTerminal};

/// Wraps text in colour, or leaves it as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    /// Colour for a stream, if it is a terminal that wants it.
    pub(crate) fn on(stream: &impl IsTerminal) -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let plain = env::var_os("TERM").is_some_and(|v| v == "dumb");
        Self(stream.is_terminal() && !refused && !plain)
    }

    /// No colour.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(false)
    }

    fn wrap(self, code: u8, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap(1, text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.wrap(2, text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.wrap(31, text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.wrap(32, text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.wrap(33, text)
    }
}

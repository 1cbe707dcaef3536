//! Why a command ends before it is done.

use crate::{exit, screen::Screen};
use hither_model::{ErrorCode, Failure, text};
use serde::Serialize;
use std::io;

/// A reason to stop.
#[derive(Debug)]
pub(crate) enum Halt {
    /// It failed.
    Failed(Failure),
    /// The person pressed Ctrl-C.
    Interrupted,
    /// Nobody reads what we say any more (`hither … | head`).
    Unread,
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "error")]
struct ErrorLine<'a> {
    #[serde(flatten)]
    failure: &'a Failure,
}

impl Halt {
    /// Says why, and gives the exit status.
    pub(crate) fn end(self, screen: &Screen) -> u8 {
        let failure = match self {
            Self::Failed(failure) => failure,
            Self::Interrupted => return exit::INTERRUPTED,
            Self::Unread => return exit::DONE,
        };
        // If nobody can be told, the exit status still says it.
        let _ = if screen.json() {
            screen.object(&ErrorLine { failure: &failure })
        } else {
            let hint = failure.hint.as_ref().map(|hint| format!("\n  {}", text::printable(hint))).unwrap_or_default();
            let word = screen.paint_error().red("error:");
            screen.aside(&format!("{word} {}{hint}", text::printable(&failure.message)))
        };
        exit::status(failure.code)
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<io::Error> for Halt {
    fn from(e: io::Error) -> Self {
        if e.kind() == io::ErrorKind::BrokenPipe {
            return Self::Unread;
        }
        Self::Failed(Failure::new(ErrorCode::StorageFailed, format!("the output cannot be written: {e}")))
    }
}

/// An answer of another kind than the question.
pub(crate) fn unexpected() -> Halt {
    Halt::Failed(
        Failure::new(ErrorCode::VersionSkew, "the agent answered something else than was asked")
            .hint("stop the agent and let this hither start it again"),
    )
}

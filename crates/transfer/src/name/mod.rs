//! Names from peers (SECURITY 3.5, F1, F2): the only way to a [`SafeName`], and so the only way to open a file.
//!
//! Pure: no file system is asked. Names are refused, never rewritten: the name shown is the name written. What is *not*
//! here: links and races on the disk (`place`), and two names that clash with each other (`clash`).

mod clash;
mod safe;

pub(crate) use clash::ClashSet;
pub use safe::{SafeName, SafeRelPath};

/// Longest name of one file or folder, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 255;
/// Most folders in each other, the file itself included.
pub const MAX_DEPTH: usize = 64;
/// Longest path, in bytes of UTF-8 with one separator between names.
pub const MAX_PATH_BYTES: usize = 4096;
/// Where part files live, inside the inbox; no received name may begin like this.
pub const PARTIAL: &str = ".hither-partial";

/// Which names can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRules {
    /// A Unix file system: `aux.c` and `a:b` are ordinary names.
    Unix,
    /// Windows: reserved stems, streams, trailing dots and more are refused as well.
    Windows,
    /// Only names that can be written on every system.
    Strict,
}

impl NameRules {
    /// The rules of the system this runs on.
    pub const fn here() -> Self {
        if cfg!(windows) { Self::Windows } else { Self::Unix }
    }
}

/// Which rule a name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// No component, or an empty one.
    #[error("a name is empty")]
    Empty,
    /// `.` or `..`.
    #[error("a name is a step within directories, not a name")]
    Dots,
    /// `/` or `\`.
    #[error("a name contains a path separator")]
    Separator,
    /// NUL or another control, direction or invisible character.
    #[error("a name contains control, direction or invisible characters")]
    Hidden,
    /// More than [`MAX_NAME_BYTES`].
    #[error("a name is longer than {MAX_NAME_BYTES} bytes")]
    Long,
    /// More than [`MAX_DEPTH`].
    #[error("more than {MAX_DEPTH} folders are in each other")]
    Deep,
    /// More than [`MAX_PATH_BYTES`].
    #[error("a path is longer than {MAX_PATH_BYTES} bytes")]
    LongPath,
    /// Begins like the directory of part files.
    #[error("a name is reserved for files that are on their way")]
    Partial,
    /// `< > : " | ? *` on Windows.
    #[error("a name contains a character that Windows does not allow")]
    WindowsCharacter,
    /// `CON`, `COM1`, `aux.txt` … on Windows.
    #[error("a name is that of a Windows device")]
    WindowsDevice,
    /// A dot or a space at the end, on Windows.
    #[error("a name ends with a dot or a space, which Windows drops")]
    WindowsTail,
}

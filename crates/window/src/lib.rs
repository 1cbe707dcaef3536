//! What the window's shell decides, without a window: its words, which command may ask what, tokens for files, what an
//! argument or a link may look like, how often progress is told, what stands in the tray.
//!
//! What is *not* here: Tauri, GTK, D-Bus, files being written, the agent. This crate is built and tested where there is
//! no WebKit; the shell in `src-tauri` only carries out.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod backoff;
pub mod call;
pub mod entry;
pub mod lending;
pub mod link;
pub mod locale;
pub mod merge;
pub mod opening;
pub mod picked;
pub mod place;
pub mod renderer;
pub mod room;
pub mod tray;
pub mod words;

pub use backoff::Backoff;
pub use call::{Call, call};
pub use link::link;
pub use merge::Merge;
pub use picked::Tokens;
pub use room::{Room, admit, room};
pub use words::{
    AgentNews, Background, By, Contrast, Desktop, Drop, Go, LendTerms, Offer, Pasted, PickKind, Picked, PostTerms,
    TakenLink, When, WindowNews,
};

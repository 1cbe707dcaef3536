//! What a page may call. Each command belongs to one permission set (`src-tauri/permissions`); which window has which
//! set is in `src-tauri/capabilities`. A failure is always a [`hither_model::Failure`].

pub(crate) mod agent;
pub(crate) mod files;
pub(crate) mod lending;
pub(crate) mod window;

use crate::shell::Shell;
use std::sync::Arc;

/// The shell, as commands get it.
pub(crate) type Desk<'a> = tauri::State<'a, Arc<Shell>>;

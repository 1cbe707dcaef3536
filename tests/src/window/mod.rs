//! The real window on a virtual display: the built app started at a [`Seat`](crate::Seat) of a lab host, with a display,
//! a session bus and directories of its own, and driven through WebKit's own WebDriver. WebKit's processes, the driver
//! and the agent live in the host's namespaces and end with the lab; the display lives outside and ends with the app.
//!
//! [`App`] is a window and what a person does with it: find by role and name, press, type, read, look at a picture.
//! [`drag`] lets files fall into it as another program would, [`clipboard`] has something copied that can be
//! pasted, [`catch`] takes what is dragged out of it, [`keyboard`] presses keys in a dialog of the toolkit.
//!
//! What is *not* here: scenarios (in `tests/gui/`), the page without a shell (tests in `ui/`).

mod app;
pub mod catch;
pub mod clipboard;
mod display;
pub mod drag;
mod driver;
mod evidence;
mod find;
pub mod keyboard;

pub use app::{App, Look};
pub use display::Display;
pub use driver::{Element, Refusal};
pub use find::{PATIENCE, Wanted};

use crate::{netns::Lab, program, skip::skipped};
use std::path::PathBuf;

/// Why there can be no window here; `Ok` when there can.
///
/// # Errors
/// What is missing, and what to do about it.
pub fn available() -> Result<(), String> {
    for (tool, package) in [("Xvfb", "xvfb"), ("WebKitWebDriver", "webkit2gtk-driver"), ("dbus-daemon", "dbus")] {
        if !program::on_path(tool) {
            return Err(format!("the tool `{tool}` is missing: run script/bootstrap test (Debian's {package})"));
        }
    }
    program()?;
    Lab::available()
}

/// A lab of `count` hosts on which windows can be opened; `None`, and the reason noted, where there can be none.
pub fn lab(count: usize) -> Option<Lab> {
    match available() {
        Ok(()) => Lab::of(count),
        Err(reason) => {
            skipped("window", &reason);
            None
        }
    }
}

/// The window's program: what `HITHER_APP_BIN` names, else the build beside the tests.
///
/// # Errors
/// A sentence that says how to build it.
pub fn program() -> Result<PathBuf, String> {
    program::named("hither-app", "HITHER_APP_BIN", "cargo build -p hither-app")
}

//! A person at a dialog of the toolkit: WebDriver knows nothing of it, so the keys come as from a keyboard (XTEST). There is
//! no window manager that would give the dialog the keyboard, so this does.

use super::Display;
use std::{
    thread,
    time::{Duration, Instant},
};
use x11rb::{
    connection::Connection,
    errors::ReplyOrIdError,
    protocol::{
        xproto::{AtomEnum, ConnectionExt as _, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState, Window},
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
};

/// How long a dialog may take to come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two keys.
const PAUSE: Duration = Duration::from_millis(150);

/// A key, by its code on the display's own keyboard.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// To the next button.
    Tab = 23,
    /// Presses the button.
    Return = 36,
    /// Closes.
    Escape = 9,
}

/// Presses keys in the dialog that comes up in front of the window.
///
/// # Panics
/// When the display is lost, or there is no dialog in time.
pub fn in_dialog(display: &Display, keys: &[Key]) {
    press(display, keys).unwrap_or_else(|why| panic!("keys for a dialog: {why}"));
}

fn press(display: &Display, keys: &[Key]) -> Result<(), ReplyOrIdError> {
    let (line, screen) = x11rb::connect(Some(display.name())).unwrap_or_else(|e| panic!("{}: {e}", display.name()));
    let screen = line.setup().roots.get(screen).unwrap_or_else(|| panic!("{} has no screen", display.name()));
    let root = screen.root;
    let began = Instant::now();
    let dialog = loop {
        if let Some(found) = dialog(&line, root)? {
            break found;
        }
        assert!(began.elapsed() < PATIENCE, "no dialog came up");
        thread::park_timeout(PAUSE);
    };
    line.set_input_focus(InputFocus::PARENT, dialog, x11rb::CURRENT_TIME)?.check()?;
    for key in keys {
        thread::park_timeout(PAUSE);
        for what in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            line.xtest_fake_input(what, *key as u8, x11rb::CURRENT_TIME, root, 0, 0, 0)?.check()?;
        }
    }
    Ok(())
}

/// A window that is shown and says it belongs to another.
fn dialog(line: &RustConnection, root: Window) -> Result<Option<Window>, ReplyOrIdError> {
    for window in line.query_tree(root)?.reply()?.children {
        let property = line.get_property(false, window, AtomEnum::WM_TRANSIENT_FOR, AtomEnum::WINDOW, 0, 1)?.reply()?;
        let shown = line.get_window_attributes(window)?.reply()?.map_state == MapState::VIEWABLE;
        if shown && property.value_len > 0 {
            return Ok(Some(window));
        }
    }
    Ok(None)
}

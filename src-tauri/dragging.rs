//! A received file dragged out of the window, into a file manager or another program: the toolkit's own drag, begun while
//! the person holds the pointer's button. The other program gets the file's address and copies it.

use crate::shell::MAIN;
use gtk::{TargetEntry, TargetFlags, TargetList, gdk, gio, glib::SignalHandlerId, prelude::*};
use std::{cell::Cell, path::Path, rc::Rc};
use tauri::{AppHandle, Manager, Runtime};

/// The button that drags.
const BUTTON: i32 = 1;

/// Begins to drag a file or folder. Whether it could: not without the window, nor when the button was let go already. On
/// the toolkit's thread.
pub(crate) fn begin<R: Runtime>(app: &AppHandle<R>, path: &Path) -> bool {
    let window = app.get_webview_window(MAIN).and_then(|window| window.gtk_window().ok());
    window.is_some_and(|window| drag(&window, path).is_some())
}

fn drag(window: &gtk::ApplicationWindow, path: &Path) -> Option<()> {
    let pointer = window.display().default_seat()?.pointer()?;
    let (_, _, _, held) = window.window()?.device_position(&pointer);
    if !held.contains(gdk::ModifierType::BUTTON1_MASK) {
        return None;
    }
    let address = gio::File::for_path(path).uri();
    let given = window.connect_drag_data_get(move |_, _, selection, _, _| {
        selection.set_uris(&[address.as_str()]);
    });
    let handlers: Rc<Cell<Vec<SignalHandlerId>>> = Rc::default();
    let of_this_drag = handlers.clone();
    let ended = window.connect_drag_end(move |window, _| {
        for handler in of_this_drag.take() {
            window.disconnect(handler);
        }
    });
    handlers.set(vec![given, ended]);
    let targets = TargetList::new(&[TargetEntry::new("text/uri-list", TargetFlags::empty(), 0)]);
    match window.drag_begin_with_coordinates(&targets, gdk::DragAction::COPY, BUTTON, None, -1, -1) {
        Some(context) => {
            context.drag_set_icon_name(if path.is_dir() { "folder" } else { "text-x-generic" }, 0, 0);
            Some(())
        }
        None => {
            for handler in handlers.take() {
                window.disconnect(handler);
            }
            None
        }
    }
}

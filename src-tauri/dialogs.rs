//! The system's own dialogs for files, for which the toolkit asks the portal in a sandbox; and a question that no page can
//! answer.

use crate::{main_thread::on_main, shell::MAIN};
use gtk::{
    ButtonsType, DialogFlags, FileChooserAction, FileChooserNative, MessageDialog, MessageType, ResponseType, glib,
    prelude::*,
};
use hither_model::{Failure, text};
use hither_window::{PickKind, tray::Words, words::Confirm};
use std::{cell::RefCell, path::PathBuf};
use tauri::{AppHandle, Manager, Runtime};

thread_local! {
    /// A native dialog lives only as long as somebody holds it; there is one at a time.
    static OPEN: RefCell<Option<FileChooserNative>> = const { RefCell::new(None) };
}

/// Lets the person choose files, or folders; nothing if they change their mind.
///
/// # Errors
/// The window ends.
pub(crate) async fn choose<R: Runtime>(
    app: &AppHandle<R>,
    kind: PickKind,
    words: Words,
) -> Result<Vec<PathBuf>, Failure> {
    let (action, title) = match kind {
        PickKind::Files => (FileChooserAction::Open, words.choose_files),
        PickKind::Folder => (FileChooserAction::SelectFolder, words.choose_folder),
    };
    ask(app, action, title, None).await
}

/// Lets the person choose where to save something; the dialog asks before a file is replaced.
///
/// # Errors
/// The window ends.
pub(crate) async fn destination<R: Runtime>(
    app: &AppHandle<R>,
    name: &str,
    words: Words,
) -> Result<Option<PathBuf>, Failure> {
    let name = file_name(name);
    Ok(ask(app, FileChooserAction::Save, words.save, Some(name)).await?.pop())
}

/// What a page suggests, as the name of a file and of nothing else.
fn file_name(suggested: &str) -> String {
    let name = text::printable(suggested).replace(['/', '\\'], "-");
    let name = text::shortened(name.trim_start_matches('.').trim(), 100);
    if name.is_empty() { "hither.txt".to_owned() } else { name }
}

async fn ask<R: Runtime>(
    app: &AppHandle<R>,
    action: FileChooserAction,
    title: &'static str,
    name: Option<String>,
) -> Result<Vec<PathBuf>, Failure> {
    let handle = app.clone();
    on_main(app, None, move |answer| {
        let parent = handle.get_webview_window(MAIN).and_then(|window| window.gtk_window().ok());
        let dialog = FileChooserNative::new(Some(title), parent.as_ref(), action, None, None);
        dialog.set_modal(true);
        dialog.set_current_folder(glib::home_dir());
        dialog.set_select_multiple(action != FileChooserAction::Save);
        if let Some(name) = name {
            dialog.set_current_name(&name);
            dialog.set_do_overwrite_confirmation(true);
        }
        let answer = RefCell::new(Some(answer));
        dialog.connect_response(move |dialog, response| {
            let chosen = if response == ResponseType::Accept { dialog.filenames() } else { Vec::new() };
            if let Some(answer) = answer.take() {
                drop(answer.send(chosen));
            }
            OPEN.with(|open| drop(open.take()));
        });
        dialog.show();
        OPEN.with(|open| drop(open.replace(Some(dialog))));
    })
    .await
}

/// Asks the person something in a dialog of the toolkit; whether they said yes. *No* is what Enter and Esc say.
///
/// # Errors
/// The window ends.
pub(crate) async fn confirm<R: Runtime>(app: &AppHandle<R>, asked: Confirm) -> Result<bool, Failure> {
    let handle = app.clone();
    on_main(app, None, move |answer| {
        let parent = handle.get_webview_window(MAIN).and_then(|window| window.gtk_window().ok());
        let flags = DialogFlags::MODAL | DialogFlags::DESTROY_WITH_PARENT;
        let dialog =
            MessageDialog::new(parent.as_ref(), flags, MessageType::Question, ButtonsType::None, &asked.question);
        dialog.set_title("hither");
        dialog.set_secondary_text(Some(&asked.body));
        dialog.add_button(asked.no, ResponseType::Cancel);
        dialog.add_button(asked.yes, ResponseType::Accept);
        dialog.set_default_response(ResponseType::Cancel);
        let answer = RefCell::new(Some(answer));
        dialog.connect_response(move |dialog, response| {
            if let Some(answer) = answer.take() {
                answer.send(response == ResponseType::Accept).ok();
            }
            dialog.close();
        });
        dialog.show_all();
    })
    .await
}

#[test]
fn a_page_suggests_a_name_and_never_a_place() {
    assert_eq!(file_name("hither history.txt"), "hither history.txt");
    assert_eq!(file_name("../../.bashrc"), "-..-.bashrc");
    assert_eq!(file_name(".profile"), "profile");
    assert_eq!(file_name("..\n/\u{202e}"), "\\u{a}-\\u{202e}".replace('\\', "-"));
    assert_eq!(file_name(""), "hither.txt");
}

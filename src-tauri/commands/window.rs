//! Commands every window has: how the desktop looks, language, login, clipboard and saving on a click.

use super::Desk;
use crate::{clipboard, desktop, dialogs, entries, shell::Pending, window};
use hither_model::{ErrorCode, Failure};
use hither_window::{Background, Desktop, Offer, When, locale};
use std::fs;
use tauri::{AppHandle, Runtime};

/// Longest text that is copied or saved, in bytes.
const LONGEST: usize = 1 << 20;

/// The desktop the window is on.
#[tauri::command]
pub(crate) async fn desktop<R: Runtime>(app: AppHandle<R>, desk: Desk<'_>) -> Result<Desktop, Failure> {
    desktop::describe(&app, &desk).await
}

/// Starts hither at login from now on, or not any more.
#[tauri::command]
pub(crate) async fn set_autostart(on: bool, desk: Desk<'_>) -> Result<(), Failure> {
    entries::set_autostart(on, desk.other_profile()).map_err(|e| stored("the entry for login", &e))
}

/// Whether the agent runs without a window.
#[tauri::command]
pub(crate) async fn background(desk: Desk<'_>) -> Result<Background, Failure> {
    crate::background::state(&desk.profile).await
}

/// Has the agent run without a window from now on, or not. It is started anew by that.
#[tauri::command]
pub(crate) async fn set_background(when: When, desk: Desk<'_>) -> Result<Background, Failure> {
    crate::background::set(&desk.reach, &desk.profile, when).await
}

/// Remembers the language the person chose; an empty one means the system's.
#[tauri::command]
pub(crate) async fn set_language<R: Runtime>(tag: String, app: AppHandle<R>, desk: Desk<'_>) -> Result<(), Failure> {
    if !tag.is_empty() && !locale::is_tag(&tag) {
        return Err(Failure::new(ErrorCode::Misuse, "this is not the tag of a language"));
    }
    desk.remembered.set_language((!tag.is_empty()).then_some(tag)).map_err(|e| stored("the language", &e))?;
    desktop::changed(&app, &desk).await;
    Ok(())
}

/// The page listens and can be used. What waited for it follows as events. The answer is the number of milliseconds
/// since the window began to open, for the first one since the program began.
#[tauri::command]
pub(crate) async fn ready<R: Runtime>(app: AppHandle<R>, desk: Desk<'_>) -> Result<u64, Failure> {
    let took = u64::try_from(desk.opened_for().as_millis()).unwrap_or(u64::MAX);
    tracing::info!("the page was ready after {took} ms");
    let Pending { link, offered, go } = desk.page_ready();
    if link {
        window::tell(&app, "link", serde_json::json!({}));
    }
    if !offered.is_empty() {
        window::tell(&app, "offer", Offer { picked: offered });
    }
    if let Some(go) = go {
        window::tell(&app, "go", go);
    }
    Ok(took)
}

/// Puts a text into the clipboard, on a click. A secret one (a link) is marked, so that clipboard histories leave it
/// out.
#[tauri::command]
pub(crate) async fn copy_text<R: Runtime>(text: String, secret: bool, app: AppHandle<R>) -> Result<(), Failure> {
    bounded(&text)?;
    clipboard::write(&app, text, secret).await
}

/// Lets the person choose where to save a text; says whether it was saved.
#[tauri::command]
pub(crate) async fn save_text<R: Runtime>(
    name: String,
    text: String,
    app: AppHandle<R>,
    desk: Desk<'_>,
) -> Result<bool, Failure> {
    bounded(&text)?;
    let Some(path) = dialogs::destination(&app, &name, desk.words()).await? else { return Ok(false) };
    fs::write(path, text).map_err(|e| stored("the file", &e))?;
    Ok(true)
}

fn bounded(text: &str) -> Result<(), Failure> {
    if text.len() > LONGEST {
        return Err(Failure::new(ErrorCode::TooLarge, "the text is longer than 1 MiB"));
    }
    Ok(())
}

fn stored(what: &str, e: &std::io::Error) -> Failure {
    Failure::new(ErrorCode::StorageFailed, format!("{what} could not be written: {e}"))
}

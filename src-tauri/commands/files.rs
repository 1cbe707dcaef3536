//! Commands about files. A page never names a path: it has tokens for what the person chose, dropped or pasted, and the
//! ids of transfers for what was received.

use super::Desk;
use crate::{clipboard, dialogs, dragging, main_thread::on_main, picking, shell::Shell};
use hither_model::{Answer, Ask, ErrorCode, Failure, TransferState, ask::OutboxAsk, row::Direction};
use hither_window::{Pasted, PickKind, Picked, PostTerms, opening};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tauri::{AppHandle, Runtime};
use tokio::sync::oneshot;

/// How long the toolkit's thread may take to begin a drag.
const DRAG_WITHIN: Duration = Duration::from_secs(5);

/// Offers what these tokens stand for to a device with an open session. The tokens are good until that has worked.
#[tauri::command]
pub(crate) async fn send_picked(to: String, tokens: Vec<String>, desk: Desk<'_>) -> Result<Answer, Failure> {
    let paths = desk.tokens().paths(&tokens)?;
    if paths.is_empty() {
        return Err(Failure::new(ErrorCode::Misuse, "there is nothing to send").hint("choose a file or a folder"));
    }
    let answer = desk.reach.ask(Ask::Send { peer: to, paths }).await?;
    desk.tokens().spend(&tokens);
    Ok(answer)
}

/// Puts what these tokens stand for into the outbox for devices, connected or away. The tokens are good until that has
/// worked.
#[tauri::command]
pub(crate) async fn post_picked(
    to: Vec<String>,
    tokens: Vec<String>,
    terms: PostTerms,
    desk: Desk<'_>,
) -> Result<Answer, Failure> {
    let paths = desk.tokens().paths(&tokens)?;
    if paths.is_empty() || to.is_empty() {
        let failure = Failure::new(ErrorCode::Misuse, "there is nothing to send, or nobody to send it to");
        return Err(failure.hint("choose files and devices"));
    }
    let PostTerms { seconds, priority, cost } = terms;
    let post = OutboxAsk::Post { to, paths, seconds, priority, cost, group: None };
    let answer = desk.reach.ask(Ask::Outbox(post)).await?;
    desk.tokens().spend(&tokens);
    Ok(answer)
}

/// Lets the person choose in the system's dialog; nothing if they change their mind.
#[tauri::command]
pub(crate) async fn pick<R: Runtime>(
    kind: PickKind,
    app: AppHandle<R>,
    desk: Desk<'_>,
) -> Result<Vec<Picked>, Failure> {
    let paths = dialogs::choose(&app, kind, desk.words()).await?;
    Ok(picking::hand_out(&desk, &paths))
}

/// What is in the clipboard, on the person's key press: files, an image, or text.
#[tauri::command]
pub(crate) async fn paste<R: Runtime>(app: AppHandle<R>, desk: Desk<'_>) -> Result<Pasted, Failure> {
    Ok(match clipboard::read(&app, &desk.profile).await? {
        clipboard::Found::Files(paths) => Pasted::Picked(picking::hand_out(&desk, &paths)),
        clipboard::Found::Text(text) => Pasted::Text(text),
        clipboard::Found::Nothing => Pasted::Nothing {},
    })
}

/// Opens what was received: a folder in the file manager, a file with its program if it is of a kind that is shown and
/// not run.
#[tauri::command]
pub(crate) async fn open_kept(transfer: String, desk: Desk<'_>) -> Result<(), Failure> {
    let path = received(transfer, &desk).await?;
    // What stands there now counts, and not what a link points to.
    let there = fs::symlink_metadata(&path).map_err(|e| gone(&path, &e))?;
    let runnable = there.is_file() && there.permissions().mode() & 0o111 != 0;
    let may = there.is_dir() || (there.is_file() && opening::may_open(&path, runnable));
    if !may {
        let failure = Failure::new(ErrorCode::AccessDenied, "files of this kind are not opened from here");
        return Err(failure.hint("show it in its folder and decide there"));
    }
    apart(move || tauri_plugin_opener::open_path(path, None::<&str>)).await
}

/// Shows what was received in the file manager.
#[tauri::command]
pub(crate) async fn show_kept(transfer: String, desk: Desk<'_>) -> Result<(), Failure> {
    let path = received(transfer, &desk).await?;
    fs::symlink_metadata(&path).map_err(|e| gone(&path, &e))?;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    match apart(move || tauri_plugin_opener::reveal_item_in_dir(path)).await {
        Ok(()) => Ok(()),
        // No file manager that can point at things: its folder, then.
        Err(_) => apart(move || tauri_plugin_opener::open_path(folder, None::<&str>)).await,
    }
}

/// Drags what was received out of the window, for as long as the person holds the button. A button that was let go
/// meanwhile is no failure.
#[tauri::command]
pub(crate) async fn drag_kept<R: Runtime>(transfer: String, app: AppHandle<R>, desk: Desk<'_>) -> Result<(), Failure> {
    let path = received(transfer, &desk).await?;
    fs::symlink_metadata(&path).map_err(|e| gone(&path, &e))?;
    let handle = app.clone();
    let begin = move |answer: oneshot::Sender<bool>| {
        answer.send(dragging::begin(&handle, &path)).ok();
    };
    on_main(&app, Some(DRAG_WITHIN), begin).await.map(|_| ())
}

/// Where the agent put what was received.
async fn received(transfer: String, shell: &Shell) -> Result<PathBuf, Failure> {
    let Answer::Transfers { rows } = shell.reach.ask(Ask::Transfer { transfer }).await? else {
        return Err(Failure::new(ErrorCode::Internal, "the agent answered something else"));
    };
    let row = rows.into_iter().next().ok_or_else(|| Failure::new(ErrorCode::UnknownId, "no such transfer"))?;
    let over = matches!(row.state, TransferState::Kept | TransferState::Dropped);
    match row.path {
        Some(path) if row.direction == Direction::In && over && Path::new(&path).is_absolute() => Ok(path.into()),
        _ => Err(Failure::new(ErrorCode::Misuse, "nothing of this transfer has been kept here yet")),
    }
}

fn gone(path: &Path, e: &std::io::Error) -> Failure {
    let path = hither_model::text::printable(&path.to_string_lossy());
    Failure::new(ErrorCode::StorageFailed, format!("{path}: {e}")).hint("it may have been moved or deleted")
}

/// Calls what may wait for another program, off the threads that must not wait.
async fn apart<E: std::fmt::Display + Send + 'static>(
    call: impl FnOnce() -> Result<(), E> + Send + 'static,
) -> Result<(), Failure> {
    let failed = |why: String| {
        Failure::new(ErrorCode::StorageFailed, format!("it could not be opened: {why}"))
            .hint("open the folder in your file manager")
    };
    match tokio::task::spawn_blocking(call).await {
        Ok(outcome) => outcome.map_err(|e| failed(e.to_string())),
        Err(e) => Err(failed(e.to_string())),
    }
}

//! The window: opening it where it was, bringing it to the front, what is dragged onto it, and closing it.

use crate::{
    desktop, picking,
    shell::{MAIN, Shell},
};
use hither_window::{
    Call, Drop, Offer,
    place::{self, Area},
};
use serde::Serialize;
use std::{
    env,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tauri::{
    AppHandle, DragDropEvent, Emitter, Manager, PhysicalPosition, Runtime, Url, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder, WindowEvent, webview::NewWindowResponse,
};

/// While something is dragged over the window, the page hears of it so often at most.
const DRAG_EVERY: Duration = Duration::from_millis(50);

/// Tells the window people use, and no other.
pub(crate) fn tell<R: Runtime>(app: &AppHandle<R>, event: &str, payload: impl Serialize + Clone) {
    if let Err(e) = app.emit_to(MAIN, event, payload) {
        tracing::warn!("the page could not be told of {event}: {e}");
    }
}

/// Carries out a call of the program, the first one or one that came later.
pub(crate) fn answer<R: Runtime>(app: &AppHandle<R>, shell: &Arc<Shell>, call: Call) {
    match call {
        Call::Background => return,
        Call::Open => {}
        Call::Link(link) => {
            if shell.keep_link(link) {
                tell(app, "link", serde_json::json!({}));
            }
        }
        Call::Offer(paths) => {
            let picked = picking::hand_out(shell, &paths);
            if let Some(picked) = shell.offer(picked) {
                tell(app, "offer", Offer { picked });
            }
        }
        Call::Show(go) => {
            if let Some(go) = shell.go(go) {
                tell(app, "go", go);
            }
        }
    }
    front(app, shell);
}

/// Brings the window to the front, opening it if there is none. From any thread.
pub(crate) fn front<R: Runtime>(app: &AppHandle<R>, shell: &Arc<Shell>) {
    let (handle, shell) = (app.clone(), shell.clone());
    let done = app.run_on_main_thread(move || {
        let outcome = match handle.get_webview_window(label()) {
            Some(window) => window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus()),
            None => open(&handle, &shell),
        };
        if let Err(e) = outcome {
            tracing::error!("the window could not be opened: {e}");
        }
    });
    if let Err(e) = done {
        tracing::warn!("the window could not be brought to the front: {e}");
    }
}

/// Ends the program; where the window is is remembered first. From any thread.
pub(crate) fn quit<R: Runtime>(app: &AppHandle<R>, shell: &Arc<Shell>) {
    if let Some(window) = app.get_webview_window(MAIN) {
        remember(&window, shell);
    }
    app.exit(0);
}

/// The label of the window that is opened. In builds for testing it can be one that no capability file names, to show
/// that such a window may do nothing; it can never be one that may do more.
fn label() -> &'static str {
    if cfg!(debug_assertions) && env::var_os("HITHER_GUEST").is_some() { "guest" } else { MAIN }
}

/// Opens the window. On the toolkit's thread.
fn open<R: Runtime>(app: &AppHandle<R>, shell: &Arc<Shell>) -> tauri::Result<()> {
    shell.opens();
    let (area, maximized) = shell.remembered.place();
    let screens: Vec<Area> = app.available_monitors().unwrap_or_default().iter().map(screen).collect();
    let ((width, height), position) = place::placed(area, &screens);
    let mut builder = WebviewWindowBuilder::new(app, label(), WebviewUrl::App("index.html".into()))
        .title("hither")
        .inner_size(width, height)
        .min_inner_size(place::SMALLEST.0, place::SMALLEST.1)
        .maximized(maximized)
        .on_navigation(ours)
        .on_new_window(|_, _| NewWindowResponse::Deny);
    if let Some((x, y)) = position {
        builder = builder.position(x, y);
    }
    // Nothing of a page is to stay on disk. A window that is driven by a test needs the ordinary kind of storage.
    builder = if env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some() {
        builder.data_directory(shell.profile.join("webkit"))
    } else {
        builder.incognito(true)
    };
    let window = builder.build()?;
    let (handle, shell, last) = (window.clone(), shell.clone(), Mutex::new(None));
    window.on_window_event(move |event| happened(&handle, &shell, &last, event));
    Ok(())
}

/// The page never goes anywhere: only what this program carries (or, while it is written, its development server).
fn ours(url: &Url) -> bool {
    let carried = url.scheme() == "tauri" && url.host_str() == Some("localhost");
    let developed = cfg!(not(feature = "custom-protocol"))
        && url.scheme() == "http"
        && url.host_str() == Some("127.0.0.1")
        && url.port() == Some(5173);
    carried || developed
}

fn screen(monitor: &tauri::Monitor) -> Area {
    let (at, size) = (monitor.position(), monitor.size());
    let scale = monitor.scale_factor();
    let (at, size) = (at.to_logical::<f64>(scale), size.to_logical::<f64>(scale));
    Area { x: at.x, y: at.y, width: size.width, height: size.height }
}

fn happened<R: Runtime>(
    window: &WebviewWindow<R>,
    shell: &Arc<Shell>,
    last_drag: &Mutex<Option<Instant>>,
    event: &WindowEvent,
) {
    match event {
        WindowEvent::DragDrop(drag) => dragged(window, shell, last_drag, drag),
        WindowEvent::Focused(seen) => shell.focused(*seen),
        WindowEvent::CloseRequested { .. } => remember(window, shell),
        WindowEvent::Destroyed => shell.page_gone(),
        WindowEvent::ThemeChanged(_) | WindowEvent::ScaleFactorChanged { .. } => {
            let (app, shell) = (window.app_handle().clone(), shell.clone());
            tauri::async_runtime::spawn(async move { desktop::changed(&app, &shell).await });
        }
        _ => {}
    }
}

/// Something is dragged over the window. The toolkit gives positions in CSS pixels already.
fn dragged<R: Runtime>(
    window: &WebviewWindow<R>,
    shell: &Arc<Shell>,
    last: &Mutex<Option<Instant>>,
    drag: &DragDropEvent,
) {
    let app = window.app_handle().clone();
    let over = |over: bool, at: PhysicalPosition<f64>| tell(&app, "drop", Drop::Over { over, x: at.x, y: at.y });
    let mut last = crate::shell::held(last);
    match drag {
        DragDropEvent::Enter { position, .. } => {
            *last = Some(Instant::now());
            over(true, *position);
        }
        DragDropEvent::Over { position } => {
            if last.is_none_or(|last| last.elapsed() >= DRAG_EVERY) {
                *last = Some(Instant::now());
                over(true, *position);
            }
        }
        DragDropEvent::Drop { paths, position } => {
            let (shell, paths, at) = (shell.clone(), paths.clone(), *position);
            // Looking at the files may take long where they lie on a network.
            tauri::async_runtime::spawn_blocking(move || {
                let picked = picking::hand_out(&shell, &paths);
                tell(&app, "drop", Drop::Let { picked, x: at.x, y: at.y });
            });
        }
        _ => over(false, PhysicalPosition::default()),
    }
}

fn remember<R: Runtime>(window: &WebviewWindow<R>, shell: &Shell) {
    let scale = window.scale_factor().unwrap_or(1.0);
    let (Ok(size), Ok(at), Ok(maximized)) = (window.inner_size(), window.outer_position(), window.is_maximized())
    else {
        return;
    };
    let (size, at) = (size.to_logical::<f64>(scale), at.to_logical::<f64>(scale));
    let area = Area { x: at.x, y: at.y, width: size.width, height: size.height };
    if let Err(e) = shell.remembered.set_place(area, maximized) {
        tracing::warn!("where the window is could not be remembered: {e}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_goes_nowhere_but_to_what_the_program_carries() {
        assert!(ours(&"tauri://localhost/index.html#/near".parse().unwrap()));
        for bad in
            ["https://example.org/", "http://localhost/", "file:///etc/passwd", "tauri://evil/", "data:text/html,x"]
        {
            assert!(!ours(&bad.parse().unwrap()), "{bad}");
        }
    }
}

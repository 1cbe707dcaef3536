//! The window of hither: a face of the agent for people with a screen. It is a client and holds no state of the domain:
//! it can be closed, killed and opened again at any moment.
//!
//! The page (in `ui/`) calls the commands in `commands`; what of them a window may call is in `src-tauri/permissions`
//! and `src-tauri/capabilities`. What can be decided without a window is decided in `hither-window`.
//!
//! What is *not* here: notifications and everything else that goes on while the window is closed (the agent's).

mod agent;
mod background;
mod clipboard;
mod commands;
mod company;
mod desktop;
mod dialogs;
mod dragging;
mod entries;
#[cfg(test)]
mod gates;
mod main_thread;
mod picking;
mod remembered;
mod renderer;
mod shell;
mod tray;
mod watch;
mod window;

use hither_control::profile;
use hither_model::Failure;
use hither_window::{Call, call};
use shell::Shell;
use std::{
    env,
    ffi::OsString,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
    time::Instant,
};
use tauri::{AppHandle, Builder, RunEvent, Runtime};
use tracing_subscriber::EnvFilter;

/// Adds what a page may call.
fn with_commands<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    use commands::{agent, files, lending, window};
    builder.invoke_handler(tauri::generate_handler![
        agent::proximity,
        agent::certificates,
        agent::settings,
        agent::watch,
        agent::start_agent,
        agent::take_link,
        files::send_picked,
        files::post_picked,
        lending::lend,
        files::pick,
        files::paste,
        files::open_kept,
        files::show_kept,
        files::drag_kept,
        window::desktop,
        window::set_autostart,
        window::background,
        window::set_background,
        window::set_language,
        window::ready,
        window::copy_text,
        window::save_text,
    ])
}

/// Runs the window until it is closed, or for as long as it has a place in the tray.
pub fn run() -> ExitCode {
    let began = Instant::now();
    let filter = EnvFilter::try_from_env("HITHER_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    renderer::choose();
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    match start(began, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // The one that had this place ended just as it was told what to show: the place is free now.
        Err(why) if why.to_string().contains(NOT_HANDED_OVER) && env::var_os(AGAIN).is_none() => {
            tracing::info!("the window that was there is gone: {why}");
            again(&arguments)
        }
        Err(why) => {
            tracing::error!("the window cannot be opened: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What the single-instance plugin says when the program it found ended before it took the arguments.
const NOT_HANDED_OVER: &str = "failed to forward arguments to the running instance";
/// Set for the second try, so that there is no third.
const AGAIN: &str = "HITHER_APP_AGAIN";

/// Begins once more in the same process: a toolkit that was set up cannot be set up a second time.
fn again(arguments: &[OsString]) -> ExitCode {
    let why = match env::current_exe() {
        Ok(own) => Command::new(own).args(arguments).env(AGAIN, "1").exec(),
        Err(why) => why,
    };
    tracing::error!("the window cannot be opened: {why}");
    ExitCode::FAILURE
}

fn start(began: Instant, arguments: &[OsString]) -> Result<(), Box<dyn std::error::Error>> {
    let first = call(arguments);
    let profile = profile_dir(arguments)?;
    let profile = profile::ensure(&profile).unwrap_or_else(|e| {
        // The agent says the same to the page, with what to do.
        tracing::warn!("{e}");
        profile
    });
    let usual = profile::default_dir().is_ok_and(|usual| std::fs::canonicalize(&usual).unwrap_or(usual) == profile);
    let shell = Shell::new(profile, usual, began);
    let called = shell.clone();
    let mut single = tauri_plugin_single_instance::Builder::new().callback(move |app, arguments, _| {
        let arguments: Vec<OsString> = arguments.into_iter().skip(1).map(OsString::from).collect();
        window::answer(app, &called, call(&arguments));
    });
    if !usual {
        single = single.dbus_id(format!("dev.hither.app.p{:016x}", fingerprint(&shell.profile)));
    }
    let (set_up, at_exit) = (shell.clone(), shell.clone());
    let app = with_commands(Builder::default().plugin(single.build()))
        .manage(shell)
        .setup(move |app| {
            begin(app.handle(), &set_up, first);
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(move |_, event| {
        // Without a code it is the last window that closed: the tray goes on.
        if let RunEvent::ExitRequested { code: None, api, .. } = event
            && at_exit.tray()
        {
            api.prevent_exit();
        }
    });
    Ok(())
}

/// Everything that begins with the program. On the toolkit's thread.
fn begin<R: Runtime>(app: &AppHandle<R>, shell: &Arc<Shell>, first: Call) {
    let background = first == Call::Background;
    desktop::follow(app, shell);
    window::answer(app, shell, first);
    tauri::async_runtime::spawn(company::keep(app.clone(), shell.clone()));
    tauri::async_runtime::spawn(company::say_whether_seen(shell.clone()));
    if background {
        shell.in_background();
        let (app, shell) = (app.clone(), shell.clone());
        tauri::async_runtime::spawn(async move { tray::leave_unless_seen(&app, &shell).await });
    }
    let shell = shell.clone();
    tauri::async_runtime::spawn_blocking(move || {
        clipboard::tidy(&shell.profile);
        // A profile somebody made beside the usual one does not take the person's links.
        if shell.other_profile().is_none()
            && let Err(e) = entries::register_links()
        {
            tracing::warn!("hither could not be registered for its links: {e}");
        }
    });
}

/// The profile: the one that was named, or `HITHER_PROFILE`, or the usual place.
fn profile_dir(arguments: &[OsString]) -> Result<PathBuf, Failure> {
    if let (Some(named), _) = hither_window::call::profile(arguments) {
        return Ok(named);
    }
    match env::var_os("HITHER_PROFILE").filter(|dir| !dir.is_empty()) {
        Some(dir) => Ok(std::path::absolute(&dir).unwrap_or_else(|_| dir.into())),
        None => profile::default_dir(),
    }
}

/// Tells profiles apart on one session bus. Only two runs of one program must agree on it.
fn fingerprint(profile: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    profile.hash(&mut hasher);
    hasher.finish()
}

//! Windows and folders opened on a person's press: our own window beside the agent's program, and the file manager.
//! A file that came from a peer is never opened, only shown in its folder.

use super::bus::call;
use hither_model::View;
use std::{
    env,
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Command, task::JoinHandle, time::timeout};
use zbus::Connection;

/// The window's program.
const WINDOW: &str = "hither-app";
/// How long the file manager may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Names the window's program, where it is neither beside ours nor in the `PATH`.
const NAMED: &str = "HITHER_APP";

/// Where the window's program is: where `HITHER_APP` says, else beside this program, else in the `PATH`.
pub(super) fn window() -> Option<PathBuf> {
    if let Some(named) = env::var_os(NAMED) {
        return Some(PathBuf::from(named)).filter(|program| program.is_absolute() && program.is_file());
    }
    let own = env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    let absolute = env::split_paths(&path).filter(|dir| dir.is_absolute());
    beside.into_iter().chain(absolute).map(|dir| dir.join(WINDOW)).find(|program| program.is_file())
}

/// What the window is started with to show something.
fn arguments(profile: &Path, view: View, id: Option<&str>) -> Vec<std::ffi::OsString> {
    let mut arguments = vec!["--profile".into(), profile.into(), "--view".into(), view.word().into()];
    if let Some(id) = id {
        arguments.extend(["--id".into(), id.into()]);
    }
    arguments
}

/// Starts the window. What is given ends with the program, and says whether it ended well.
pub(super) fn start_window(
    program: &Path,
    profile: &Path,
    view: View,
    id: Option<&str>,
    token: Option<&str>,
) -> JoinHandle<bool> {
    let mut command = Command::new(program);
    command.args(arguments(profile, view, id));
    launch(command, token)
}

/// Shows a file or folder in the file manager.
pub(super) async fn show(bus: Option<&Connection>, path: &str, token: Option<&str>) {
    let path = Path::new(path);
    if !path.is_absolute() {
        return;
    }
    if let Some(bus) = bus {
        const MANAGER: &str = "org.freedesktop.FileManager1";
        let what = (vec![address(path.as_os_str())], token.unwrap_or_default());
        let shown = call(bus, MANAGER, "/org/freedesktop/FileManager1", "ShowItems", &what);
        if matches!(timeout(PATIENCE, shown).await, Ok(Ok(_))) {
            return;
        }
    }
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
        let mut command = Command::new("xdg-open");
        command.arg(folder);
        drop(launch(command, token));
    }
}

/// A path as a `file:` address.
fn address(path: &OsStr) -> String {
    let mut out = String::from("file://");
    for byte in path.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(*byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Starts a program of its own; it outlives us, and its end is awaited by the runtime.
fn launch(mut command: Command, token: Option<&str>) -> JoinHandle<bool> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).kill_on_drop(false);
    if let Some(token) = token {
        command.env("XDG_ACTIVATION_TOKEN", token).env("DESKTOP_STARTUP_ID", token);
    }
    match command.spawn() {
        Ok(mut child) => tokio::spawn(async move { child.wait().await.is_ok_and(|status| status.success()) }),
        Err(error) => {
            tracing::warn!(%error, "{} could not be started", command.as_std().get_program().display());
            tokio::spawn(async { false })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_address_whatever_is_in_it() {
        assert_eq!(address(OsStr::new("/in/a b#?%\n한.txt")), "file:///in/a%20b%23%3F%25%0A%ED%95%9C.txt");
    }

    #[test]
    fn the_window_is_started_with_harmless_words() {
        let words = arguments(Path::new("/p"), View::Question, Some("ab"));
        assert_eq!(words, ["--profile", "/p", "--view", "question", "--id", "ab"]);
        assert_eq!(arguments(Path::new("/p"), View::Near, None).len(), 4);
    }
}

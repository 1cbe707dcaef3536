//! Desktop entries written for this person: start at login, and who opens `hither://` links where no package said so.

use hither_window::entry;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where this program lies; its AppImage if it runs from one.
fn program() -> Option<PathBuf> {
    env::var_os("APPIMAGE").map(PathBuf::from).or_else(|| env::current_exe().ok())
}

/// An XDG base directory: the variable if it holds an absolute path, else below the home directory.
fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |value: std::ffi::OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    env::var_os(variable).and_then(absolute).or_else(|| Some(env::home_dir()?.join(below_home)))
}

fn autostart_file() -> Option<PathBuf> {
    Some(base("XDG_CONFIG_HOME", ".config")?.join("autostart").join(entry::AUTOSTART))
}

/// Whether hither starts at login.
pub(crate) fn autostart() -> bool {
    autostart_file().is_some_and(|file| file.is_file())
}

/// Starts hither at login from now on, or not any more; for another profile than the usual one if it is named.
///
/// # Errors
/// The entry cannot be written or removed.
pub(crate) fn set_autostart(on: bool, profile: Option<&Path>) -> io::Result<()> {
    let nowhere = || io::Error::new(io::ErrorKind::NotFound, "there is no home directory");
    let file = autostart_file().ok_or_else(nowhere)?;
    if on {
        write(&file, &entry::autostart(&program().ok_or_else(nowhere)?, profile))
    } else {
        match fs::remove_file(file) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

/// Sees to it that somebody opens `hither://` links: this program, unless another is registered. May wait for another
/// program.
///
/// # Errors
/// The entry cannot be written.
pub(crate) fn register_links() -> io::Result<()> {
    let (Some(program), Some(data)) = (program(), base("XDG_DATA_HOME", ".local/share")) else { return Ok(()) };
    let file = data.join("applications").join(entry::LINKS);
    let registered = default_for_links();
    if !registered.is_empty() && registered != entry::LINKS {
        return Ok(());
    }
    let text = entry::links(&program);
    if fs::read_to_string(&file).is_ok_and(|there| there == text) && registered == entry::LINKS {
        return Ok(());
    }
    write(&file, &text)?;
    let set = xdg_mime(&["default", entry::LINKS, "x-scheme-handler/hither"]).stdout(Stdio::null()).status();
    if !set.is_ok_and(|status| status.success()) {
        tracing::warn!("xdg-mime did not register hither for hither:// links");
    }
    Ok(())
}

fn default_for_links() -> String {
    let asked = xdg_mime(&["query", "default", "x-scheme-handler/hither"]).output();
    asked.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default()
}

fn xdg_mime(arguments: &[&str]) -> Command {
    let mut command = Command::new("xdg-mime");
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = file.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, file)
}

//! What is kept of a window when a test fails: the last picture, the page, what the programs said. In
//! `target/window-tests/<test>/`.

use super::App;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// Keeps what can be had; never fails.
pub(super) fn keep(app: &App) {
    let folder = folder();
    if fs::create_dir_all(&folder).is_err() {
        return;
    }
    let file = |ending: &str| folder.join(format!("{}.{ending}", plain(&app.seat.title)));
    let _ = fs::write(file("log"), app.said());
    let Some(session) = app.session.as_ref() else { return };
    if let Ok(source) = session.get("/source") {
        let _ = fs::write(file("html"), source.as_str().unwrap_or_default());
    }
    if let Ok(picture) = app.picture() {
        let _ = fs::write(file("png"), picture);
    }
    // Where it is, in the output of the test that failed.
    let _ = writeln!(std::io::stderr(), "what {} showed is in {}", app.seat.title, folder.display());
}

/// The folder of the running test, in the target directory of the test's own program.
fn folder() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let target = own.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file()).unwrap_or(Path::new("target"));
    let thread = std::thread::current();
    target.join("window-tests").join(plain(thread.name().unwrap_or("test")))
}

fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

//! Where the `hither` program is that the scenarios start.

use std::path::PathBuf;

/// The program under test: what `HITHER_BIN` names, else the debug build of this workspace (`script/test` makes it).
///
/// # Errors
/// A sentence that says how to build it.
pub fn hither() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("HITHER_BIN") {
        let path = PathBuf::from(named);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(format!("HITHER_BIN names {}, which is no file", path.display()))
        };
    }
    // The test binary lies in <target>/<profile>/deps.
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    own.ancestors()
        .skip(1)
        .take(3)
        .map(|dir| dir.join("hither"))
        .find(|path| path.is_file())
        .ok_or_else(|| "no hither program beside the tests: run `cargo build -p hither-cli` first".to_owned())
}

/// Whether a tool is on the `PATH`.
pub fn on_path(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(tool).is_file())
}

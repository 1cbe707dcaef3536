//! Where the programs are that the scenarios start.

use std::path::PathBuf;

/// The program under test: what `HITHER_BIN` names, else the debug build of this workspace (`script/test` makes it).
///
/// # Errors
/// A sentence that says how to build it.
pub fn hither() -> Result<PathBuf, String> {
    named("hither", "HITHER_BIN", "cargo build -p hither-cli")
}

/// A program of this workspace: the one the variable names, else the one built beside the tests.
///
/// # Errors
/// A sentence that says how to build it.
pub fn named(name: &str, variable: &str, build: &str) -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os(variable) {
        let path = PathBuf::from(named);
        let there = path.is_file();
        // A host's programs have another working directory.
        let path = std::path::absolute(&path).unwrap_or(path);
        return if there { Ok(path) } else { Err(format!("{variable} names {}, which is no file", path.display())) };
    }
    // The test binary lies in <target>/<profile>/deps.
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    own.ancestors()
        .skip(1)
        .take(3)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("no {name} program beside the tests: run `{build}` first"))
}

/// Whether a tool is on the `PATH`.
pub fn on_path(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(tool).is_file())
}

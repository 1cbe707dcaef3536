//! Saying aloud that a test could not run here. A skipped test is never silent: the reason is printed, and written to
//! the file that `HITHER_SKIP_LOG` names, from which `script/test` counts it.

use std::{fs::OpenOptions, io::Write};

/// Notes that the calling test is skipped, and why.
pub fn skipped(suite: &str, reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("SKIP {suite} {test}: {reason}\n");
    let mut out = std::io::stdout();
    let _ = out.write_all(line.as_bytes());
    let Some(path) = std::env::var_os("HITHER_SKIP_LOG") else { return };
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path) {
        let _ = file.write_all(line.as_bytes());
    }
}

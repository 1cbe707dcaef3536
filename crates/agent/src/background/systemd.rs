//! The user's systemd, by its own command.

use hither_model::{ErrorCode, Failure, text};
use std::process::{Command, Stdio};

/// Whether there is one for this user.
pub(super) fn answers() -> bool {
    let mut asked = command(&["show-environment"]);
    asked.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Has it do something.
///
/// # Errors
/// It refuses; the failure has its words.
pub(super) fn run(words: &[&str]) -> Result<(), Failure> {
    let failed = |why: String| {
        let said = format!("`systemctl --user {}` failed: {}", words.join(" "), text::printable(why.trim()));
        Failure::new(ErrorCode::Internal, said).hint("run it yourself to see more, then try again")
    };
    let done = command(words).output().map_err(|e| failed(e.to_string()))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(failed(String::from_utf8_lossy(&done.stderr).into_owned())),
    }
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new("systemctl");
    command.arg("--user").args(words).stdin(Stdio::null());
    command
}

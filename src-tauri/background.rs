//! Whether the agent runs without a window: asked of and changed by `hither background`, which lies beside this program. What
//! is set up (units of systemd, an entry of the desktop) is that program's business and the same from both faces.

use crate::agent::Reach;
use hither_control::agent_program;
use hither_model::{ErrorCode, Failure};
use hither_window::{Background, When};
use serde::Deserialize;
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// A line of `hither --json background`: a row, or why not.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Row {
        r#type: String,
        #[serde(flatten)]
        set: Background,
    },
    News {
        event: String,
        #[serde(flatten)]
        failure: Failure,
    },
}

/// What is set up.
///
/// # Errors
/// The program beside this one is not there, or says why not.
pub(crate) async fn state(profile: &Path) -> Result<Background, Failure> {
    run(profile, &["show"]).await
}

/// Sets it up. The agent that runs now ends meanwhile, and another takes its place: it is not started from here before
/// that is done.
///
/// # Errors
/// As [`state`]; or systemd or the disk refuse.
pub(crate) async fn set(reach: &Reach, profile: &Path, when: When) -> Result<Background, Failure> {
    let words: &[&str] = match when {
        When::Off => &["off"],
        When::Always => &["on"],
        When::OnDemand => &["on", "--on-demand"],
    };
    reach.stopped();
    let outcome = run(profile, words).await;
    reach.wanted();
    outcome
}

async fn run(profile: &Path, words: &[&str]) -> Result<Background, Failure> {
    let mut command = Command::new(agent_program()?);
    command.args(["--json", "--profile"]).arg(profile).arg("background").args(words);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let failed = |why: String| {
        Failure::new(ErrorCode::Internal, format!("`hither background` did not answer: {why}"))
            .hint("run it in a terminal to see more")
    };
    // It may wait for systemd, and for the agent to end.
    let ended = tokio::task::spawn_blocking(move || command.output()).await.map_err(|e| failed(e.to_string()))?;
    read(&ended.map_err(|e| failed(e.to_string()))?.stdout).ok_or_else(|| failed("it said nothing".into()))?
}

/// What it said, if anything of that is about this.
fn read(said: &[u8]) -> Option<Result<Background, Failure>> {
    said.split(|byte| *byte == b'\n').find_map(|line| match serde_json::from_slice(line).ok()? {
        Line::Row { r#type, set } => (r#type == "background").then_some(Ok(set)),
        Line::News { event, failure } => (event == "error").then_some(Err(failure)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_window::By;

    #[test]
    fn what_the_command_says_is_understood() {
        let said = b"{\"type\":\"note\"}\n{\"type\":\"background\",\"when\":\"on-demand\",\"by\":\"systemd\",\"files\":[\"/a\"]}\n";
        assert_eq!(read(said), Some(Ok(Background { when: When::OnDemand, by: By::Systemd })));
        let said = b"{\"event\":\"error\",\"code\":\"Misuse\",\"message\":\"there is no systemd\"}\n";
        assert_eq!(read(said).unwrap().unwrap_err().code, ErrorCode::Misuse);
        assert_eq!((read(b""), read(b"hello\n")), (None, None));
    }
}

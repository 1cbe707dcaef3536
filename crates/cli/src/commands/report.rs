//! `hither report`: what helps to understand a fault, in one text that can be read before it is handed on.

mod redact;

use crate::{desk::Desk, halt::Halt};
use clap::Args;
use hither_model::{Answer, Ask, ErrorCode, Failure};
use redact::Redaction;
use serde::Serialize;
use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// As much of the end of a log, bytes.
const LOG: u64 = 64 * 1024;

/// Write what helps to understand a fault: version, system, state, checks and settings, without names, addresses and ids
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither report --log fault.txt")]
pub(crate) struct Report {
    /// Where to; it must not be there yet (default: standard output)
    file: Option<PathBuf>,
    /// The end of the agent's log too. Names of files may be in it: read it before you hand it on
    #[arg(long)]
    log: bool,
}

#[derive(Serialize)]
struct Written<'a> {
    file: &'a Path,
    bytes: usize,
}

#[derive(Serialize)]
struct Said<'a> {
    text: &'a str,
}

impl Report {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let text = self.text(desk).await?;
        let Some(file) = &self.file else {
            return desk.screen.event("report", &Said { text: &text }, || text.trim_end().to_owned());
        };
        let fault = |e: io::Error| {
            Failure::new(ErrorCode::StorageFailed, format!("{} cannot be written: {e}", file.display()))
                .hint("name a file that is not there yet, in a folder of yours")
        };
        let mut options = OpenOptions::new();
        let mut to = options.write(true).create_new(true).mode(0o600).open(file).map_err(fault)?;
        to.write_all(text.as_bytes()).map_err(fault)?;
        let written = Written { file, bytes: text.len() };
        desk.screen
            .event("report", &written, || format!("{} is written: read it before you hand it on", file.display()))
    }

    async fn text(&self, desk: &Desk<'_>) -> Result<String, Halt> {
        let mut client = desk.client().await?;
        let mut parts = vec![("hither", env!("CARGO_PKG_VERSION").to_owned()), ("system", system())];
        let mut names = Vec::new();
        let asked = [
            ("status", Ask::Status),
            ("settings", Ask::Settings),
            ("checks", Ask::Doctor { peer: None }),
            ("near", Ask::Near),
            ("people", Ask::TrustList),
            ("history", Ask::History { peer: None, limit: 50, search: None }),
        ];
        for (title, ask) in asked {
            // What the agent cannot tell is part of the report.
            let told = client.ask(ask).await.unwrap_or_else(|failure| Answer::Failed { failure });
            let told = serde_json::to_value(&told).unwrap_or_default();
            redact::names(&told, &mut names);
            parts.push((title, serde_json::to_string_pretty(&told).unwrap_or_default()));
        }
        if self.log {
            parts.push(("log", end_of(&desk.profile().join("agent.log"))));
        }
        let redaction = Redaction::new(names, &own_words());
        let parts = parts.iter().map(|(title, text)| format!("== {title}\n{}\n", redaction.of(text.trim_end())));
        Ok(parts.collect::<Vec<_>>().join("\n"))
    }
}

/// The kernel and the distribution, as they call themselves.
fn system() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let wanted = |line: &&str| ["PRETTY_NAME=", "VERSION_ID="].iter().any(|key| line.starts_with(key));
    let mut lines: Vec<String> = release.lines().filter(wanted).map(str::to_owned).collect();
    lines.push(fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned());
    for variable in ["XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP", "LANG"] {
        if let Ok(value) = std::env::var(variable) {
            lines.push(format!("{variable}={value}"));
        }
    }
    lines.join("\n")
}

/// What this machine and its person are called.
fn own_words() -> Vec<(&'static str, String)> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let variable = |name| std::env::var(name).unwrap_or_default();
    vec![("home", variable("HOME")), ("host", host.trim().to_owned()), ("user", variable("USER"))]
}

fn end_of(path: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG)))?;
        let mut bytes = Vec::new();
        file.take(LOG).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_else(|e| format!("(no log: {e})"))
}

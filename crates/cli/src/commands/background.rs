//! `hither background`: whether the agent runs without anybody starting it.

use super::stop;
use crate::{desk::Desk, halt::Halt, table::facts};
use clap::{Args, Subcommand};
use hither_agent::background::{self, Background as Set, By, Program, When};
use hither_control::{agent_program, profile};
use hither_model::{Ask, ErrorCode};

/// Whether the agent runs without anybody starting it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither background on")]
pub(crate) struct Background {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show it (what happens if nothing is said)
    #[command(after_help = "Example:\n  hither background show")]
    Show,
    /// From login on: invites arrive though no window is open
    #[command(after_help = "Example:\n  hither background on --on-demand")]
    On {
        /// Only when a window or a command wants it; it ends when there is nothing to do and nobody can see this device
        #[arg(long)]
        on_demand: bool,
    },
    /// Only when a window or a command starts it
    #[command(after_help = "Example:\n  hither background off")]
    Off,
}

impl Background {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let profile = profile::settled(desk.profile());
        let when = match self.what {
            None | Some(What::Show) => return show(desk, &background::state(&profile)?),
            Some(What::On { on_demand: false }) => When::Always,
            Some(What::On { on_demand: true }) => When::OnDemand,
            Some(What::Off) => When::Off,
        };
        let before = background::state(&profile)?;
        if before.when != when && (before.when == When::Off || before.by == By::Autostart) {
            end_the_present_one(desk).await?;
        }
        let program = Program { path: agent_program()?, profile };
        show(desk, &background::set(&program, when)?)
    }
}

/// An agent that a window or a command started holds the profile, and the place of the socket.
async fn end_the_present_one(desk: &Desk<'_>) -> Result<(), Halt> {
    match desk.running().await {
        Ok(client) => Ok(stop::ended(client, Ask::Stop).await?),
        Err(failure) if failure.code == ErrorCode::NoAgent => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

fn show(desk: &Desk<'_>, set: &Set) -> Result<(), Halt> {
    desk.screen.row("background", set, || {
        let when = match (set.when, set.by) {
            (When::Off, _) => "off: a window or a command starts the agent",
            (When::Always, By::Systemd) => "on: from login, and again after a crash",
            (When::Always, By::Autostart) => "on: from login; after a crash a window or a command starts it again",
            (When::OnDemand, _) => {
                "on demand: a window or a command starts it, and it ends when there is nothing to do"
            }
        };
        let by = match set.by {
            By::Systemd => "systemd of this user",
            By::Autostart => "the desktop's autostart (there is no systemd for this user)",
        };
        let files: Vec<String> = set.files.iter().map(|file| file.display().to_string()).collect();
        let mut told = vec![("background", when.to_owned()), ("by", by.to_owned())];
        if !files.is_empty() {
            told.push(("files", files.join(" ")));
        }
        facts(desk.screen.paint(), &told)
    })
}

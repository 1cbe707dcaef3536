//! `hither background`: whether the agent runs without anybody starting it.

use super::stop;
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    table::facts,
};
use clap::{Args, Subcommand};
use hither_agent::background::{self, Background as Set, By, Program, When};
use hither_control::{agent_program, profile};
use hither_model::{Answer, Ask, ErrorCode, Failure};
use std::net::SocketAddr;

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
        /// A device that calls starts it too: those that know where this one is, and invite links
        #[arg(long, requires = "on_demand")]
        calls: bool,
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
            Some(What::On { on_demand: false, .. }) => When::Always,
            Some(What::On { on_demand: true, .. }) => When::OnDemand,
            Some(What::Off) => When::Off,
        };
        let port = match self.what {
            Some(What::On { calls: true, .. }) => Some(port(desk).await?),
            _ => None,
        };
        let before = background::state(&profile)?;
        if before.when != when && (before.when == When::Off || before.by == By::Autostart) {
            end_the_present_one(desk).await?;
        }
        let program = Program { path: agent_program()?, profile };
        show(desk, &background::set(&program, when, port)?)
    }
}

/// Where devices call: the port that the agent has had so far, and that others know.
async fn port(desk: &Desk<'_>) -> Result<u16, Halt> {
    let Answer::Status { status } = desk.client().await?.ask(Ask::Status).await? else { return Err(unexpected()) };
    let ports = status.listen.iter().filter_map(|at| at.parse::<SocketAddr>().ok()).map(|at| at.port());
    match ports.into_iter().next() {
        Some(port) => Ok(port),
        None => Err(Failure::new(ErrorCode::AccessDenied, "no device can call: nothing is listened at")
            .hint("`hither capability grant proximity` lets them")
            .into()),
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
            (When::OnDemand, _) if set.calls => {
                "on demand: a window, a command or a device that calls starts it, and it ends when there is nothing to do"
            }
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

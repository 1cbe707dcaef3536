//! `hither agent`: be the agent.

use crate::{args::Globals, desk::profile_of, halt::Halt};
use clap::Args;
use hither_agent::Options;
use hither_model::DisplayName;
use std::{net::SocketAddr, path::PathBuf};

/// Run the agent in the foreground: it holds this profile's sockets, identity, trust and transfers.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither agent --name \"Ana's laptop\"")]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Agent {
    /// Listen here (may be repeated; default: every address, any port)
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<SocketAddr>,
    /// Show this name to everyone near, while this agent runs
    #[arg(long, value_name = "N", value_parser = DisplayName::new)]
    name: Option<DisplayName>,
    /// Do not use multicast DNS
    #[arg(long)]
    no_mdns: bool,
    /// Do not use Bluetooth LE
    #[arg(long)]
    no_ble: bool,
    /// Speak the control protocol as JSON lines on standard input and output; end when the input ends
    #[arg(long)]
    stdio: bool,
    /// Be a practice device in a throw-away profile: accepts invites, echoes messages, sends files back
    #[arg(long, conflicts_with = "stdio")]
    practice: bool,
    /// Permit loopback addresses, for two agents on one machine
    #[arg(long)]
    loopback: bool,
    /// Started by a client: no terminal, the log in the profile
    #[arg(long, hide = true)]
    detached: bool,
}

impl Agent {
    pub(crate) fn run(self, globals: &Globals) -> Result<(), Halt> {
        let profile = if self.practice { PathBuf::new() } else { profile_of(globals)? };
        let options = Options {
            profile,
            listen: self.listen,
            name: self.name,
            mdns: !self.no_mdns,
            ble: !self.no_ble,
            stdio: self.stdio,
            practice: self.practice,
            loopback: self.loopback,
            json: globals.json,
            detached: self.detached,
            desktop: true,
            verbosity: globals.verbose,
        };
        Ok(hither_agent::run(options)?)
    }
}

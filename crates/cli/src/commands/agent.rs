//! `hither agent`: be the agent.

use crate::{args::Globals, desk::profile_of, halt::Halt};
use clap::Args;
use hither_agent::{Options, WebRoute, Websocket};
use hither_model::DisplayName;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Web servers: the person's own, and those of others.
#[derive(Debug, Args)]
#[command(next_help_heading = "Beyond this network")]
struct Web {
    /// Be reached through your own web server: listen here for it, in plain WebSocket (needs the capability
    /// internetClientServer)
    #[arg(long, value_name = "ADDR:PORT")]
    websocket: Option<SocketAddr>,
    /// What that web server is called; goes into the invite links you make
    #[arg(long, value_name = "wss://HOST/PATH", requires = "websocket")]
    websocket_url: Option<WebRoute>,
    /// Permit --websocket at an address that other machines reach
    #[arg(long, requires = "websocket")]
    websocket_exposed: bool,
    /// Only the authorities in this file (PEM) may vouch for the web servers of others
    #[arg(long, value_name = "FILE")]
    websocket_ca: Option<PathBuf>,
    /// Go to the web servers of others through this proxy: http://HOST:PORT, socks5://HOST:PORT, or `none` (default: what
    /// the environment says, raced with the direct way)
    #[arg(long, value_name = "URL")]
    websocket_proxy: Option<String>,
}

impl Web {
    fn wanted(self) -> Websocket {
        let Self { websocket, websocket_url, websocket_exposed, websocket_ca, websocket_proxy } = self;
        Websocket {
            listen: websocket,
            exposed: websocket_exposed,
            url: websocket_url,
            authorities: websocket_ca,
            proxy: websocket_proxy,
        }
    }
}

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
    #[command(flatten)]
    web: Web,
    /// Permit loopback addresses, for two agents on one machine
    #[arg(long)]
    loopback: bool,
    /// End when there was nothing to do for so many seconds, and nobody can see this device (for socket activation)
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    until_idle: Option<u64>,
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
            websocket: self.web.wanted(),
            stdio: self.stdio,
            practice: self.practice,
            loopback: self.loopback,
            json: globals.json,
            detached: self.detached,
            desktop: true,
            until_idle: self.until_idle.map(Duration::from_secs),
            verbosity: globals.verbose,
        };
        Ok(hither_agent::run(options)?)
    }
}

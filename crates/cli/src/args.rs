//! The command line: what may be typed. What each command does is in `commands`, one file each.

use crate::{commands as c, desk::Desk, halt::Halt};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Meet devices near you, and exchange messages, files and streams with them. No account, no server.
#[derive(Debug, Parser)]
#[command(name = "hither", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Example:\n  hither near --watch")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Globals {
    /// Directory of the profile (default: the platform's data directory for hither)
    #[arg(long, global = true, value_name = "DIR", env = "HITHER_PROFILE")]
    pub(crate) profile: Option<PathBuf>,
    /// One JSON object a line on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on standard error (twice: still more; HITHER_LOG sets a filter)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Fail with NoAgent instead of starting an agent
    #[arg(long, global = true)]
    pub(crate) no_start: bool,
}

macro_rules! commands {
    ($($(#[$meta:meta])* $variant:ident($kind:ty)),+ $(,)?) => {
        /// One command.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            /// Run the agent in the foreground
            Agent(c::agent::Agent),
            #[command(hide = true)]
            CardHelper(c::card_helper::CardProcess),
            /// Write a completion script for a shell
            Completions(c::completions::Completions),
            /// Write the manual page
            Man(c::man::Man),
            $($(#[$meta])* $variant($kind)),+
        }

        impl Command {
            /// Does what a client of the agent does.
            pub(crate) async fn carry_out(self, desk: &Desk<'_>) -> Result<(), Halt> {
                match self {
                    Self::Agent(_) | Self::CardHelper(_) | Self::Completions(_) | Self::Man(_) => Ok(()),
                    $(Self::$variant(command) => command.run(desk).await),+
                }
            }
        }
    };
}

commands! {
    /// The agent's state: identity, visibility, media, sessions, transfers
    Status(c::status::Status),
    /// Ask the agent to finish and stop
    Stop(c::stop::Stop),
    /// Whether the agent runs without anybody starting it
    Background(c::background::Background),
    /// Write what helps to understand a fault, without names, addresses and ids
    Report(c::report::Report),
    /// Devices near, nearest first
    Near(c::near::Near),
    /// Who may see this device
    Visibility(c::visibility::Visible),
    /// Invite a device, or make an invite link
    Invite(c::invite::Invite),
    /// Redeem an invite link
    Open(c::open::Open),
    /// Invite links that are out
    Invites(c::invites::Invites),
    /// Take an invite back
    Withdraw(c::withdraw::Withdraw),
    /// Questions waiting for you: invites, offered files, changed keys, PINs
    Inbox(c::inbox::Inbox),
    /// Say yes to a question
    Accept(c::accept::Accept),
    /// Say no to a question
    Decline(c::decline::Decline),
    /// Unlock a card or token that a question is about
    Pin(c::pin::Pin),
    /// Choose the certificate that a question is about
    Choose(c::choose::Choose),
    /// Open sessions
    Sessions(c::sessions::Sessions),
    /// One session in full
    Session(c::sessions::Session),
    /// Finish a session
    Close(c::sessions::Close),
    /// Send a text message
    Say(c::say::Say),
    /// Messages so far
    Messages(c::messages::Messages),
    /// Offer files and folders
    Send(c::send::Send),
    /// What is to be sent, also to devices that are away
    Outbox(c::outbox::Outbox),
    /// Accept what is offered, while this runs
    Receive(c::receive::Receive),
    /// Past and present transfers
    Transfers(c::transfers::Transfers),
    /// One transfer in full
    Transfer(c::transfers::Transfer),
    /// Stop a transfer for now
    Pause(c::transfers::Pause),
    /// Go on with a paused transfer, or try failed items again
    Resume(c::transfers::Resume),
    /// End a transfer
    Cancel(c::transfers::Cancel),
    /// Standard input and output through a stream to another device
    Pipe(c::pipe::Pipe),
    /// Lend a TCP service of this machine to a device, by name
    Expose(c::expose::Expose),
    /// Services that are lent, and those of others that are used
    Exposed(c::expose::Exposed),
    /// What devices may do here without asking again
    Grant(c::grant::Grant),
    /// Reach a service that another device lends
    Forward(c::forward::Forward),
    /// A stream to any server, its protection asked for and checked
    Connect(c::connect::Connect),
    /// Text messages over a WebSocket
    Ws(c::ws::Ws),
    /// The networks this machine is in, and which of them you trust
    Network(c::network::NetworkCommand),
    /// Sockets that the agent holds for other programs of yours
    Held(c::held::Held),
    /// User names and passwords for servers and proxies, kept in the keyring
    Credential(c::credential::Credential),
    /// Certificates this device can be known by
    Identity(c::identity::Identity),
    /// Cards and tokens with certificates
    Card(c::card::Card),
    /// Who is who
    Trust(c::trust::Trust),
    /// What hither may do here
    Capability(c::capability::Capability),
    /// What can be set
    Settings(c::settings::Settings),
    /// Why a device is not seen or not reached, and what to do
    Doctor(c::doctor::Doctor),
    /// What happened
    History(c::history::History),
}

impl Command {
    /// Whether the command takes care of Ctrl-C itself.
    pub(crate) fn ends_by_itself(&self) -> bool {
        matches!(self, Self::Invite(_) | Self::Open(_) | Self::Accept(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_every_command_shows_an_example() {
        fn look(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = help.strip_prefix("Example:\n  hither ");
            assert!(example.is_some(), "{} shows no example", command.get_name());
            command.get_subcommands().for_each(look);
        }
        Cli::command().debug_assert();
        look(&Cli::command());
    }

    /// One of each.
    const CONTRACT: &str = "agent --listen 127.0.0.1:0 --listen [::1]:0 --name Ana --no-mdns --no-ble --stdio
            agent --practice --loopback
            agent --websocket 127.0.0.1:7000 --websocket-url wss://home.example/hither --websocket-ca ca.pem --websocket-proxy none
            agent --websocket 0.0.0.0:7000 --websocket-exposed
            status
            stop
            near
            near --watch --timeout 5
            near --details
            visibility
            visibility everyone --name Ana --for 10m
            invite Ana --message hello --timeout 30 --yes-code
            invite Ana --unverified
            invite --link --expires 10m --uses 1 --qr
            invite --link --qr out.png
            invites
            invites list
            invites revoke ab
            open -
            open hither://i/1#x
            open --yes
            withdraw 00112233445566778899aabbccddeeff
            inbox --watch
            accept ab --always --yes-code --to /tmp
            accept ab --unverified --executable
            accept ab --grant-files 2GB --grant-for 3d --grant-here
            accept ab --grant-files any --grant-to /tmp --grant-until 2096-11-27
            grant
            grant list
            grant files Ana
            grant files Ana --up-to 2GB --to Inbox --until 2096-11-27 --here
            grant files Ana --for 3d
            grant service Ana ssh --times 2 --for 3d --here
            grant revoke ab
            decline ab --block
            sessions
            session ab
            close ab
            say Ana hello
            messages
            messages Ana --follow
            send Ana a b --wait
            send Ana a --later --expires 7d --priority low --cost always --group g
            send --to Ana --to Ben a b --later
            send a --to Ana
            outbox
            outbox list
            outbox withdraw ab
            outbox change ab --priority high --cost unrestricted --expires 2d
            outbox hold ab
            outbox go ab
            outbox tidy
            outbox group films --serial
            outbox group films --parallel
            outbox ungroup films
            receive --to /tmp --once --from Ana
            transfers
            transfer ab
            transfer ab --items
            settings list
            settings set notifications off
            settings set include eth0,wlan0
            settings set organisation on
            settings set card-bound off
            settings set stale-crl off
            settings set bluetooth off
            settings set near-only on
            pause ab
            resume ab
            cancel ab
            pipe Ana --name x
            pipe --listen --name x --from Ana --once
            connect example.org 443
            connect example.org 443 --level plain --proxy none --loopback
            connect mail.example 25 --upgrade --validate-host mx.example --ca ca.pem --level tls13
            connect example.org 443 --proxy http://proxy:3128 --proxy-credential secret.txt
            expose ssh 127.0.0.1:22 --to Ana
            expose wiki [::1]:8080 --to Ana --to 3f2a --for 2h
            expose wiki localhost:8080 --to Ana --always
            expose wiki localhost:8080 --to Ana --until-closed
            expose ssh 127.0.0.1:22 --to Ana --times 2 --for 2h
            expose ssh 127.0.0.1:22 --granted
            expose --list
            expose --stop ssh
            expose --stop ssh --to Ana
            exposed
            exposed --watch
            forward Ana ssh
            forward Ana ssh --bind 127.0.0.1:2222
            forward --list
            forward --stop 127.0.0.1:2222
            connect example.org 443 --proxy http://proxy:3128 --user ana --ask
            credential add proxy.example:3128 ana
            credential add wss://chat.example ana --stdin
            connect example.org 443 --identity card-0123 --pin-stdin
            ws wss://example.org/x --identity file-0123
            credential list
            network list
            network trust ab
            network distrust Cafe
            network forget ab
            connect example.org 443 --proxy http://proxy:3128 --sign-in
            credential remove proxy.example:3128 ana
            ws wss://example.org/x --protocol a --protocol b --ca ca.pem
            identity list
            identity list --all --hardware --issuer Lab
            identity show
            identity show local
            identity new
            identity use ab
            identity use ask
            identity import me.p12
            identity import - --password-stdin
            identity remove ab
            identity export-cert
            card list
            card watch
            card module list
            card module add /lib/x.so --network
            card module remove /lib/x.so
            pin ab
            pin ab --stdin --last-try
            choose ab cd
            invite Ana --identity ab
            open - --identity local
            accept ab --identity ask
            trust ca add ca.pem
            trust ca list
            trust ca set ab --invite on
            trust ca set ab --invite off --codeless on
            trust ca remove ab
            trust ca crl ca.crl
            trust list
            trust set Ana verified
            trust set Ana forget
            capability list
            capability grant discovery
            capability revoke discovery
            doctor
            history --peer Ana --limit 5
            completions bash
            man
            man --to /tmp
            --profile /p --json -vv --no-start status
            status --profile /p --json -v --no-start";

    #[test]
    fn every_command_of_the_contract_is_understood() {
        for line in CONTRACT.lines().map(str::trim) {
            if let Err(e) = Cli::try_parse_from(std::iter::once("hither").chain(line.split(' '))) {
                panic!("{line}: {e}");
            }
        }
    }

    const NONSENSE: &[&str] = &[
        "invite",
        "invite Ana --link",
        "invite --link --message x",
        "invite Ana --qr",
        "invite Ana --yes-code --unverified",
        "send Ana",
        "send --to Ana",
        "send Ana a --priority urgent",
        "outbox change ab",
        "outbox group films --serial --parallel",
        "pipe",
        "pipe Ana --listen",
        "pipe Ana --once",
        "accept",
        "accept ab --yes-code --unverified",
        "trust set Ana friend",
        "visibility some",
        "withdraw ab",
        "invite --link --identity ab",
        "pin",
        "pin ab 123456",
        "choose ab",
        "identity use",
        "identity import",
        "identity import me.p12 --password secret",
        "trust ca set ab",
        "trust ca set ab --invite maybe",
        "card module add",
        "visibility --for 10m",
        "near --timeout soon",
        "near --watch --details",
        "settings set colour red",
        "history --limit -1",
        "connect example.org",
        "expose",
        "expose ssh 127.0.0.1:22",
        "expose ssh --to Ana",
        "expose a/b 127.0.0.1:22 --to Ana",
        "expose ssh 127.0.0.1:22 --to Ana --for 2h --always",
        "expose ssh 127.0.0.1:22 --to Ana --until-closed --always",
        "expose ssh 127.0.0.1:22 --to Ana --for 0",
        "expose --list --stop ssh",
        "expose ssh 127.0.0.1:22 --to Ana --times 2 --until-closed",
        "expose ssh 127.0.0.1:22 --to Ana --times 0",
        "expose ssh 127.0.0.1:22 --to Ana --granted",
        "grant files",
        "grant files Ana --up-to some",
        "grant files Ana --until friday",
        "grant files Ana --for 3d --until 2096-11-27",
        "grant service Ana",
        "grant service Ana ssh --times 0",
        "accept ab --grant-here",
        "accept ab --grant-files 2GB --unverified",
        "forward Ana",
        "forward --stop ssh --bind 127.0.0.1:1",
        "connect example.org 443 --ask",
        "connect example.org 443 --pin-stdin",
        "credential add proxy.example:3128",
        "credential add proxy.example:3128 ana secret",
        "connect example.org 443 --level tls11",
        "connect example.org 443 --validate-host x",
        "ws",
        "agent --websocket 7000",
        "agent --websocket-url wss://home.example/",
        "agent --websocket 127.0.0.1:7000 --websocket-url ws://home.example/",
    ];

    #[test]
    fn calls_that_make_no_sense_are_refused() {
        for line in NONSENSE {
            let parsed = Cli::try_parse_from(std::iter::once("hither").chain(line.split(' ')));
            assert!(parsed.is_err(), "{line} was taken");
        }
    }
}

//! The doctor: why a device is not seen or not reached, one line each with what to do. Gathering is I/O and runs in a
//! task of its own; the engine only hands over what it knows.

use crate::{asks::Reply, state::State};
use hither_capability::{Discover, Grant};
use hither_discovery::{ble::Ble, doctor, interfaces, mdns::Mdns};
use hither_model::{
    Answer, Failure, MediumState,
    row::{CheckRow, CheckState, Visibility},
};
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::oneshot;

mod firewall;
mod radio;
mod system;

/// How long is waited for answers from the link.
const ECHO: Duration = Duration::from_millis(1_500);
/// How long a peer may take to dial back.
const DIAL_BACK: Duration = Duration::from_secs(7);

/// What the engine knows when it is asked.
pub(crate) struct Examination {
    grant: Result<Grant<Discover>, Failure>,
    mdns: Option<Arc<Mdns>>,
    medium: MediumState,
    ble: (Option<Arc<Ble>>, MediumState, usize),
    rule: interfaces::InterfaceRule,
    visibility: Visibility,
    listen: Vec<SocketAddr>,
    inbox: PathBuf,
    near: usize,
    dial_back: Option<(String, oneshot::Receiver<Result<(), String>>)>,
    certificates: Vec<CheckRow>,
    peer: Option<CheckRow>,
}

/// A line that is fine.
pub(crate) fn ok(name: &str, detail: impl Into<String>) -> CheckRow {
    CheckRow { name: name.into(), state: CheckState::Ok, detail: detail.into(), fix: None }
}

/// A line that may be a reason.
pub(crate) fn warn(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> CheckRow {
    CheckRow { name: name.into(), state: CheckState::Warn, detail: detail.into(), fix: Some(fix.into()) }
}

/// A line that is a reason.
pub(crate) fn fail(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> CheckRow {
    CheckRow { name: name.into(), state: CheckState::Fail, detail: detail.into(), fix: Some(fix.into()) }
}

impl State {
    /// Examines this machine, and one device if named.
    pub(super) fn examine(&mut self, peer: Option<String>, reply: Reply) {
        let wanted = peer.as_deref().map(|wanted| self.reach(wanted));
        let peer_row = wanted.as_ref().map(|reach| match reach {
            Ok(reach) => {
                let routes: Vec<String> = reach.routes.iter().map(ToString::to_string).collect();
                ok(
                    "peer",
                    format!("{} can be tried at {}", hither_model::text::printable(&reach.name), routes.join(", ")),
                )
            }
            Err(failure) => fail("peer", failure.message.clone(), failure.hint.clone().unwrap_or_default()),
        });
        let dial_back = self.ask_to_dial_back(peer.as_deref());
        let inbox = self.settings.borrow().inbox.clone();
        let examination = Examination {
            grant: self.gate.discover().map_err(Failure::from),
            mdns: self.media.mdns.clone(),
            medium: self.media.state.clone(),
            ble: (self.radio.ble.clone(), self.radio.state.clone(), self.directory.heard_by_radio()),
            rule: self.interface_rule(),
            visibility: self.visibility(),
            listen: self.listen.clone(),
            inbox,
            near: self.directory.rows().len(),
            dial_back,
            certificates: self
                .certificate_checks()
                .into_iter()
                .chain(self.history_check())
                .chain(self.web_check())
                .chain(self.networks_check())
                .collect(),
            peer: peer_row,
        };
        self.tasks.spawn(async move {
            let rows = examination.run().await;
            let _ = reply.send(Ok(Answer::Checks { rows }));
        });
    }

    /// Asks a device we have a session with whether it reaches our port.
    fn ask_to_dial_back(&mut self, peer: Option<&str>) -> Option<(String, oneshot::Receiver<Result<(), String>>)> {
        let session = match peer {
            Some(wanted) => self.session_named(wanted).ok()?,
            None => *self.sessions.iter().find(|(_, s)| s.is_up())?.0,
        };
        let port = self.port();
        let open = self.sessions.get(&session).filter(|s| s.is_up())?;
        open.post(hither_protocol::session::Frame::DialBack { port });
        let name = open.kept.name.to_string();
        let (sender, receiver) = oneshot::channel();
        self.dial_backs.insert(session, sender);
        Some((name, receiver))
    }
}

impl Examination {
    async fn run(self) -> Vec<CheckRow> {
        let mut rows = vec![self.capability(), self.shown()];
        let all = interfaces::list().unwrap_or_default();
        let chosen = self.rule.select(&all);
        rows.push(self.interfaces(&all, &chosen).await);
        rows.extend(self.multicast(&chosen).await);
        rows.push(port_5353());
        let (ble, state, heard) = self.ble.clone();
        rows.extend(radio::examine(ble, &state, heard).await);
        rows.push(self.listening());
        rows.extend(firewall::examine(self.listen.first().map_or(0, SocketAddr::port)).await);
        rows.push(system::clock().await);
        rows.push(system::inbox(&self.inbox));
        rows.extend(self.certificates);
        rows.extend(self.peer);
        if let Some((name, answer)) = self.dial_back {
            rows.push(reachable(&name, answer).await);
        }
        rows
    }

    fn capability(&self) -> CheckRow {
        match &self.grant {
            Ok(_) => ok("capability", "`proximity` is granted"),
            Err(failure) => fail("capability", failure.message.clone(), "run `hither capability grant proximity`"),
        }
    }

    fn shown(&self) -> CheckRow {
        match self.visibility {
            Visibility::Everyone => ok("visibility", "everyone on the network sees this device's chosen name"),
            Visibility::Known => warn(
                "visibility",
                "only devices met before recognise this one; strangers see an unnamed device and cannot invite it",
                "run `hither visibility everyone --for 10m` to be found by somebody new",
            ),
            Visibility::Nobody => fail(
                "visibility",
                "this device shows itself to nobody and hears nobody",
                "run `hither visibility known` or `hither visibility everyone --for 10m`",
            ),
        }
    }

    async fn interfaces(&self, all: &[interfaces::Interface], chosen: &[interfaces::Interface]) -> CheckRow {
        let advertised = match &self.mdns {
            Some(mdns) => mdns.advertised().await,
            None => vec![],
        };
        let names = |list: &[interfaces::Interface]| list.iter().map(|i| i.name.clone()).collect::<Vec<_>>().join(", ");
        if chosen.is_empty() {
            let others = names(all);
            return fail(
                "interfaces",
                format!("no network interface is used; there are: {others}"),
                "connect to a network, or name an interface under `interfaces` in settings.toml",
            );
        }
        let shown: Vec<String> = advertised
            .iter()
            .map(|(name, ips)| {
                let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
                format!("{name}: {}", ips.join(" "))
            })
            .collect();
        let left: Vec<String> = all
            .iter()
            .filter(|i| i.up && !chosen.iter().any(|c| c.name == i.name))
            .map(|i| format!("{} ({:?})", i.name, i.kind).to_lowercase())
            .collect();
        let left = if left.is_empty() { String::new() } else { format!("; not used: {}", left.join(", ")) };
        match shown.as_slice() {
            [] => warn(
                "interfaces",
                format!("nothing is advertised on {}{left}", names(chosen)),
                "see the line about mDNS",
            ),
            shown => ok("interfaces", format!("advertised on {}{left}", shown.join("; "))),
        }
    }

    async fn multicast(&self, chosen: &[interfaces::Interface]) -> Vec<CheckRow> {
        let mut rows = match &self.medium {
            MediumState::On => vec![ok("mdns", format!("working; {} device(s) near", self.near))],
            MediumState::Off => {
                vec![warn("mdns", "switched off", "start the agent without --no-mdns and be visible to somebody")]
            }
            MediumState::Failed(why) => vec![fail("mdns", why.clone(), "see the log with HITHER_LOG=debug")],
        };
        let (Ok(grant), Some(_)) = (&self.grant, &self.mdns) else { return rows };
        match doctor::echo(grant, chosen, ECHO).await {
            Ok(echoes) => {
                for echo in echoes {
                    let name = format!("multicast {}", echo.interface);
                    rows.push(match (echo.own, echo.others) {
                        (_, 1..) => ok(&name, format!("{} other device(s) answer", echo.others)),
                        (true, 0) if self.near > 0 => ok(&name, "our own packets come back"),
                        (true, 0) => warn(
                            &name,
                            "our own packets come back, but no other device answers",
                            "if another device is there: the access point may isolate its clients (guest network), or \
                             its firewall drops UDP 5353; use an invite link instead",
                        ),
                        (false, 0) => fail(
                            &name,
                            "not even our own packets are heard back",
                            "a firewall or a VPN's kill switch drops UDP 5353 here; allow mDNS",
                        ),
                    });
                }
            }
            Err(error) => rows.push(warn("multicast", error.to_string(), "see the line about interfaces")),
        }
        rows
    }

    fn listening(&self) -> CheckRow {
        match self.listen.as_slice() {
            [] => fail("listening", "no port is open", "see the line about the capability"),
            addrs => {
                let addrs: Vec<String> = addrs.iter().map(ToString::to_string).collect();
                ok("listening", addrs.join(", "))
            }
        }
    }
}

fn port_5353() -> CheckRow {
    match doctor::port_5353() {
        Ok(holders) if holders.is_empty() => ok("port 5353", "no other program uses the mDNS port"),
        Ok(holders) => {
            let mut names: Vec<String> = holders
                .into_iter()
                .map(|h| h.program.unwrap_or_else(|| format!("a program of user {}", h.uid)))
                .collect();
            names.sort();
            names.dedup();
            ok("port 5353", format!("shared with {}", names.join(", ")))
        }
        Err(error) => warn("port 5353", error.to_string(), "nothing, unless devices are not seen"),
    }
}

async fn reachable(name: &str, answer: oneshot::Receiver<Result<(), String>>) -> CheckRow {
    let name = hither_model::text::printable(name);
    match tokio::time::timeout(DIAL_BACK, answer).await {
        Ok(Ok(Ok(()))) => ok("reachable", format!("{name} reaches our port")),
        Ok(Ok(Err(why))) => fail(
            "reachable",
            format!("{name} does not reach our port: {}", hither_model::text::printable(&why)),
            "allow the listening port in this machine's firewall, see the line about it",
        ),
        _ => warn("reachable", format!("{name} did not answer in time"), "try again"),
    }
}

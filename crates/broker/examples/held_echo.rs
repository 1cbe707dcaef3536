//! A program that is not there most of the time: it says back each line it is sent, and who it is. In between it has ended, and the
//! agent holds its port and its connections.
//!
//! `held_echo leave` opens a port, hands it over and ends; the port is said on standard output. `held_echo wake` is what the
//! agent starts. With `by-bus` after either, the session's bus starts it, by the name `org.example.HeldEcho`.

use hither_broker::{Broker, BrokerError, Family, Handler, Reason, Socket, SocketActivity, Start};
use hither_model::row::HeldKind;
use std::{env, net::Ipv4Addr, process::ExitCode};

const APP: &str = "org.example.held-echo";
/// What is handed over with each connection.
const CONTEXT: &[u8] = b"\0a connection\xff";

#[allow(clippy::print_stderr, reason = "a person may have started it")]
fn main() -> ExitCode {
    let by_bus = env::args().nth(2).as_deref() == Some("by-bus");
    let done = match env::args().nth(1).as_deref() {
        Some("leave") => leave(by_bus),
        Some("wake") if by_bus => woken_by_bus(),
        Some("wake") => Handler::of_env().and_then(wake),
        _ => Err(BrokerError::InvalidArgument("held_echo leave, or held_echo wake".into())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn bus() -> Start {
    Start::Bus { name: "org.example.HeldEcho".into() }
}

/// The bus says nothing of a task: the same words name the same one.
fn woken_by_bus() -> Result<(), BrokerError> {
    let mut broker = Broker::open()?;
    let task = broker.register(APP, bus(), None)?;
    wake(Handler::new(broker, task))
}

#[allow(clippy::print_stdout, reason = "the port is what it is started for")]
fn leave(by_bus: bool) -> Result<(), BrokerError> {
    let mut broker = Broker::open()?;
    let program = env::current_exe().map_err(BrokerError::System)?;
    let start = if by_bus { bus() } else { Start::Command { program, args: vec!["wake".into()] } };
    let task = broker.register(APP, start, None)?;
    let port = Socket::new(HeldKind::Listener, Family::V4)?;
    port.enable(&mut broker, &task)?;
    port.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    println!("{}", port.local_addr()?.port());
    port.transfer_ownership(&mut broker, "port", b"", None)
}

fn wake(mut handler: Handler) -> Result<(), BrokerError> {
    while let Some(activity) = handler.next(false)? {
        match activity.reason {
            Reason::ConnectionAccepted => take_call(&mut handler, &activity)?,
            Reason::SocketActivity => say_back(&mut handler, &activity)?,
            // Whoever is gone needs no answer, and nobody is asked whether they are.
            Reason::SocketClosed | Reason::KeepAliveTimerExpired => {}
        }
        handler.complete()?;
    }
    Ok(())
}

/// Takes one call, and hands it over at once: it comes back with its first line.
fn take_call(handler: &mut Handler, activity: &SocketActivity) -> Result<(), BrokerError> {
    let port = handler.take(activity, HeldKind::Listener)?.socket;
    let call = port.accept()?;
    let id = format!("call-{}", call.inode()?);
    handler.give(&call, &id, CONTEXT, None)?;
    handler.give(&port, &activity.id, &activity.context, None)
}

fn say_back(handler: &mut Handler, activity: &SocketActivity) -> Result<(), BrokerError> {
    let held = handler.take(activity, HeldKind::Stream)?;
    let mut line = [0; 1024];
    let count = held.socket.receive(&mut line)?;
    let text = String::from_utf8_lossy(line.get(..count).unwrap_or_default()).trim().to_owned();
    let intact = if held.context == CONTEXT { "intact" } else { "damaged" };
    held.socket.send(format!("{text} from {} of {} context {intact}\n", std::process::id(), group()).as_bytes())?;
    handler.give(&held.socket, &activity.id, &held.context, None)
}

/// The last part of the control group it runs in: the unit that it is.
fn group() -> String {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    groups.trim().rsplit('/').next().unwrap_or_default().to_owned()
}

//! The broker through its own socket and library, around real sockets on this machine.

mod given;
mod kept;
mod started;

use super::{Bounds, Held, Parts};
use crate::supervisor::Supervisor;
use hither_broker::{Broker, Family, Handler, Socket, SocketActivity, Start, Wake};
use hither_control::{Door, Place};
use hither_model::row::HeldKind;
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    path::PathBuf,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

const APP: &str = "org.example.echo";
const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A broker that runs, without an engine around it.
struct Rig {
    runtime: tokio::runtime::Runtime,
    held: Held,
    socket: PathBuf,
    stop: CancellationToken,
    top: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        Self::with(Bounds::default())
    }

    fn with(bounds: Bounds) -> Self {
        Self::again(tempfile::tempdir().unwrap(), bounds, &[], vec![])
    }

    fn again(top: tempfile::TempDir, bounds: Bounds, revoked: &[String], kept: Vec<(String, OwnedFd)>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let entered = runtime.enter();
        let place = Place::within(top.path()).unwrap();
        let door = Door::open_broker(&place).unwrap();
        let supervisor = Supervisor::default();
        let parts = Parts { bounds, online: || true, ..Parts::new(top.path().into(), place.broker(), supervisor) };
        let held = Held::start(parts, revoked, kept).unwrap();
        let stop = CancellationToken::new();
        runtime.spawn(held.clone().serve(door, stop.clone()));
        drop(entered);
        Self { runtime, held, socket: place.broker(), stop, top }
    }

    /// Ends it as a crash does: nothing is tidied up. What it held is given as the service manager gives it.
    fn crash(self) -> (tempfile::TempDir, Vec<(String, OwnedFd)>) {
        let state = self.held.state();
        let kept = state.entries.iter();
        let kept =
            kept.filter_map(|(key, entry)| Some((key.clone(), entry.fd.as_ref()?.try_clone().unwrap()))).collect();
        drop(state);
        self.stop.cancel();
        self.runtime.shutdown_timeout(Duration::from_secs(1));
        (self.top, kept)
    }

    fn broker(&self) -> Broker {
        Broker::at(&self.socket).unwrap()
    }

    /// A task whose program, if it is ever started, does what the shell says.
    fn task(&self, script: &str) -> String {
        let args = vec!["-c".to_owned(), script.to_owned()];
        self.broker().register(APP, Start::Command { program: "/bin/sh".into(), args }, None).unwrap()
    }

    /// Somebody who waits to be told, so that nothing is started.
    fn handler(&self, task: &str) -> Handler {
        Handler::new(self.broker(), task.to_owned())
    }

    /// A connected stream that may be handed over, and its other end.
    fn stream(&self, task: &str) -> (Socket, TcpStream) {
        let server = TcpListener::bind(HERE).unwrap();
        let socket = Socket::new(HeldKind::Stream, Family::V4).unwrap();
        assert_eq!(socket.enable(&mut self.broker(), task).unwrap(), Wake::DoNotWake);
        socket.connect(server.local_addr().unwrap()).unwrap();
        (socket, server.accept().unwrap().0)
    }

    /// The same, handed over.
    fn given(&self, task: &str, id: &str) -> TcpStream {
        let (socket, far) = self.stream(task);
        socket.transfer_ownership(&mut self.broker(), id, b"context", None).unwrap();
        far
    }

    fn listener(&self, task: &str, at: SocketAddr) -> Socket {
        let socket = Socket::new(HeldKind::Listener, Family::V4).unwrap();
        socket.enable(&mut self.broker(), task).unwrap();
        socket.bind(at).unwrap();
        socket
    }
}

fn next(handler: &mut Handler) -> SocketActivity {
    handler.next(true).unwrap().expect("a reason")
}

/// The program of a task that is always told.
const NEVER: &str = "exit 0";

//! The life of an agent: profile, lock, settings, engine, control socket, `ready`, and an orderly end.
//!
//! Order matters: the lock comes before the control socket, so that nobody's live socket is replaced, and the socket
//! before the engine, so that a client that comes early waits instead of failing. At the end the engine gets three
//! seconds to put everything on disk and to tell the others (N7).

use crate::{
    activation, descriptors,
    desktop::{self, Parts, faces::Faces},
    drain::Drain,
    engine::{Chosen, Engine, Started, Wanted},
    held::{self, Held},
    lock::{Opening, ProfileLock},
    logs, networks, practice, ready,
    rest::{self, Clients},
    saving::Saving,
    settings::Settings,
    supervisor::Supervisor,
    surface::Front,
};
use hither_control::{Door, Limits, Place, profile, serve, serve_lines};
use hither_engine::Websocket;
use hither_model::{DisplayName, ErrorCode, Failure, row::Visibility};
use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    num::NonZero,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// How long the engine may take to finish (N7).
const DRAIN: Duration = Duration::from_secs(3);
/// How long the desktop may take to clear the screen.
const FAREWELL: Duration = Duration::from_millis(300);
/// Most worker threads: the work is waiting, and bulk has threads of its own.
const WORKERS: usize = 4;

/// How an agent is run.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Options {
    /// The profile's directory; made if it is missing. Not used by the practice device.
    pub profile: PathBuf,
    /// Addresses to listen on; none means every address and any port.
    pub listen: Vec<SocketAddr>,
    /// A name to show; it makes the device visible to everyone for as long as this agent runs.
    pub name: Option<DisplayName>,
    /// Use multicast DNS.
    pub mdns: bool,
    /// Use Bluetooth LE, where the settings say so too. The practice device never does.
    pub ble: bool,
    /// Be one client's agent on standard input and output; ends when the input ends.
    pub stdio: bool,
    /// Be a practice device in a throw-away profile.
    pub practice: bool,
    /// Web servers, ours and those of others.
    pub websocket: Websocket,
    /// Permit loopback addresses, for two agents on one machine.
    pub loopback: bool,
    /// Say `ready` as JSON.
    pub json: bool,
    /// Started by a client: a session of its own, the log in the profile.
    pub detached: bool,
    /// Let the desktop help, where there is one: notifications, and no sleep while a transfer moves.
    pub desktop: bool,
    /// End when nothing was there to do for so long: for an agent that a socket starts again.
    pub until_idle: Option<Duration>,
    /// How often `-v` was given.
    pub verbosity: u8,
}

/// Runs an agent until it is told to stop.
///
/// # Errors
/// The profile cannot be used, another agent holds it, or the engine cannot start.
pub fn run(options: Options) -> Result<(), Failure> {
    run_with(options, crate::real::start)
}

/// Like [`run`], with whatever `start` gives as the engine.
pub(crate) fn run_with<E, F>(options: Options, start: impl FnOnce(Wanted) -> F) -> Result<(), Failure>
where
    E: Engine,
    F: Future<Output = Result<(E, Started), Failure>>,
{
    let throwaway = if options.practice { Some(practice::profile()?) } else { None };
    let wanted = throwaway.as_ref().map_or(options.profile.as_path(), |dir| dir.path());
    let profile = profile::ensure(wanted)?;
    if options.detached {
        // Fails only for a process that leads a group already, which is as good.
        let _ = rustix::process::setsid();
        logs::to_file(&profile, options.verbosity.max(1)).map_err(|e| storage(&profile.join("agent.log"), &e))?;
    } else {
        logs::to_stderr(options.verbosity);
    }
    descriptors::make_room();
    let opening = Opening::begin(&profile)?;
    let lock = ProfileLock::take(&profile)?;
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(WORKERS);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|e| Failure::new(ErrorCode::Internal, format!("no runtime: {e}")))?;
    let host = Host { options, profile };
    let outcome = runtime.block_on(host.live(opening, start));
    // Everything is on disk: the next agent may begin.
    drop(lock);
    // A read of standard input that still waits must not hold the end up.
    runtime.shutdown_timeout(Duration::from_millis(200));
    outcome
}

fn storage(path: &Path, e: &io::Error) -> Failure {
    Failure::new(ErrorCode::StorageFailed, format!("{}: {e}", path.display())).hint("make room and permission there")
}

struct Host {
    options: Options,
    profile: PathBuf,
}

/// What ends an agent.
enum Ending {
    /// By a signal or a client.
    Told,
    /// There was nothing to do.
    Idle,
    Engine,
    Input(Result<(), Failure>),
}

impl Host {
    async fn live<E, F>(self, opening: Opening, start: impl FnOnce(Wanted) -> F) -> Result<(), Failure>
    where
        E: Engine,
        F: Future<Output = Result<(E, Started), Failure>>,
    {
        let stored = self.settings()?;
        let chosen = self.chosen(&stored);
        let supervisor = match self.options.detached {
            true => Supervisor::default(),
            false => Supervisor::from_env(&self.profile),
        };
        let mut inherited = activation::inherited()?;
        let peer = std::mem::take(&mut inherited.peer);
        let (door, held) = self.doors(inherited, &supervisor, &stored.revoked)?;
        drop(opening);
        let listening = Signals::new()?;
        let (engine, started) = start(self.wanted(peer, &supervisor, chosen.clone())).await?;
        // Listened to before any client can change them.
        let kept = engine.settings();
        let (stop, asked) = (CancellationToken::new(), CancellationToken::new());
        let (faces, parts, clients) = (Faces::new(), Parts::new(), Clients::new());
        let (saving, saved) = Saving::new(stored, chosen);
        let holder = held.as_ref().map(|(held, _)| held.clone());
        let surface = Arc::new(Front {
            engine: engine.clone(),
            stop: asked.clone(),
            drain: Drain::default(),
            faces: faces.clone(),
            clients: clients.clone(),
            held: holder.clone(),
            parts: parts.clone(),
            saved,
        });
        let helped = self.options.desktop && !self.options.practice;
        let desk = helped.then(|| desktop::start(&engine, faces, parts, self.profile.clone(), &stop));
        let server = tokio::spawn(serve(door, surface.clone(), Limits::default(), stop.clone()));
        if let Some((held, door)) = held {
            tokio::spawn(follow(held.clone(), engine.settings()));
            tokio::spawn(held.serve(door, stop.clone()));
        }
        ready::say(&ready::line(&started, &self.profile, self.options.json || self.options.stdio));
        supervisor.ready(&format!("listening on {} addresses", started.listen.len()));
        tokio::spawn(networks::feed(engine.clone(), self.profile.clone(), stop.clone()));
        if self.options.practice {
            tokio::spawn(practice::play(self.profile.clone(), stop.clone()));
        }
        let ending = tokio::select! {
            () = listening.any() => Ending::Told,
            () = asked.cancelled() => Ending::Told,
            () = engine.stopped() => Ending::Engine,
            () = self.idle(&engine, &clients, holder.as_ref()) => Ending::Idle,
            () = supervisor.reassure(&engine) => Ending::Engine,
            outcome = self.input(surface.clone(), &stop) => Ending::Input(outcome),
            never = saving.follow(&self.profile, kept) => match never {},
        };
        supervisor.stopping();
        if matches!(ending, Ending::Idle) {
            // Who comes now waits at the socket for the next agent.
            stop.cancel();
        }
        wind_up(&engine, &stop, desk, server).await;
        match ending {
            Ending::Told | Ending::Idle | Ending::Engine => Ok(()),
            Ending::Input(outcome) => outcome,
        }
    }

    /// The one client on standard input and output, if that is wanted.
    async fn input<E: Engine>(&self, surface: Arc<Front<E>>, stop: &CancellationToken) -> Result<(), Failure> {
        if !self.options.stdio {
            return std::future::pending().await;
        }
        let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
        serve_lines(input, output, surface, stop.clone()).await.map_err(Failure::from)
    }

    /// The control socket, and the broker of sockets of other programs with where it listens. An agent without a broker is still an
    /// agent.
    fn doors(
        &self,
        inherited: activation::Inherited,
        supervisor: &Supervisor,
        revoked: &[String],
    ) -> Result<(Door, Option<(Held, Door)>), Failure> {
        let place = Place::of(&self.profile)?;
        let door = inherited.control.map_or_else(|| Door::open(&place), Door::adopt)?;
        inherited.unknown.iter().for_each(|name| supervisor.let_go(name));
        if self.options.practice {
            return Ok((door, None));
        }
        let broken = |e: String| tracing::warn!("no sockets of other programs are held: {e}");
        let at = inherited.broker.map_or_else(|| Door::open_broker(&place), Door::adopt);
        let parts = held::Parts::new(self.profile.clone(), place.broker(), supervisor.clone());
        let held = Held::start(parts, revoked, inherited.held).map_err(|e| broken(e.to_string())).ok();
        Ok((door, held.zip(at.map_err(|e| broken(e.to_string())).ok())))
    }

    async fn idle<E: Engine>(&self, engine: &E, clients: &Clients, held: Option<&Held>) {
        // Who is reached through a web server has to be there for it.
        match self.options.until_idle.filter(|_| self.options.websocket.listen.is_none()) {
            Some(period) => rest::until_idle(engine, clients, || held.is_some_and(Held::holds), period).await,
            None => std::future::pending().await,
        }
    }

    fn wanted(&self, listeners: Vec<TcpListener>, supervisor: &Supervisor, chosen: Chosen) -> Wanted {
        Wanted {
            profile: self.profile.clone(),
            listen: self.options.listen.clone(),
            listeners,
            standby: Arc::new(supervisor.clone()),
            chosen,
            mdns: self.options.mdns,
            ble: self.options.ble && !self.options.practice,
            websocket: self.options.websocket.clone(),
            loopback: self.options.loopback || self.options.practice,
        }
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = Settings::load(&self.profile)?;
        if self.options.practice {
            settings.inbox = self.profile.join("inbox");
        }
        settings.save(&self.profile)?;
        fs::create_dir_all(&settings.inbox).map_err(|e| storage(&settings.inbox, &e))?;
        Ok(settings)
    }

    /// What this run begins with: the settings, and what the command line says.
    fn chosen(&self, stored: &Settings) -> Chosen {
        let mut chosen = Chosen {
            name: stored.name.clone(),
            visibility: stored.visibility,
            inbox: stored.inbox.clone(),
            allow_tls12: stored.allow_tls12,
            revoked: stored.revoked.clone(),
            interfaces: stored.interfaces.clone(),
            notifications: stored.notifications && !self.options.practice,
            certificates: stored.certificates.clone(),
            bluetooth: stored.bluetooth.clone(),
        };
        let practice = if self.options.practice { DisplayName::new(practice::NAME).ok() } else { None };
        if let Some(name) = self.options.name.clone().or(practice) {
            chosen.name = Some(name);
            chosen.visibility = Visibility::Everyone;
        }
        chosen
    }
}

/// Tells the broker which capabilities are revoked, as that changes.
async fn follow<K: Clone + Into<Chosen>>(held: Held, mut settings: tokio::sync::watch::Receiver<K>) {
    while settings.changed().await.is_ok() {
        let now: Chosen = settings.borrow_and_update().clone().into();
        held.revoked(&now.revoked);
    }
}

/// The orderly end.
async fn wind_up<E: Engine>(
    engine: &E,
    stop: &CancellationToken,
    desk: Option<JoinHandle<()>>,
    server: JoinHandle<()>,
) {
    finish(engine).await;
    stop.cancel();
    if let Some(desk) = desk {
        // It closes what it has on the screen; a desktop that hangs must not hold the end up.
        let _ = tokio::time::timeout(FAREWELL, desk).await;
    }
    if let Err(e) = server.await {
        tracing::warn!("the control socket ended badly: {e}");
    }
}

async fn finish<E: Engine>(engine: &E) {
    let end = async {
        engine.stop().await;
        engine.stopped().await;
    };
    if tokio::time::timeout(DRAIN, end).await.is_err() {
        tracing::warn!("the engine did not finish within three seconds");
    }
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen =
            |kind| signal(kind).map_err(|e| Failure::new(ErrorCode::Internal, format!("signals cannot be heard: {e}")));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn any(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests;

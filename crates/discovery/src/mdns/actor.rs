//! The task that owns the mDNS thread, the list of sightings and our advert. One loop: requests first, then events to the
//! reader, then what was heard, then the clock.

use super::{
    Event, Request,
    advert::Advertised,
    daemon::{Daemon, Signal, port_trouble},
    hearing::Hearing,
};
use crate::{
    fault::DiscoveryError,
    interfaces::{Interface, InterfaceRule, Scanner, Watch},
    sightings::{Change, Sightings},
};
use hither_capability::{Discover, Grant};
use hither_model::MediumState;
use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// How often the grant is looked at, and the thread asked or heard; together with the interfaces where those are looked at seldom.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(10);
/// How often the interfaces are looked at; changes must be followed within 10 s (D10).
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The same where the system tells of changes: in case it forgets to.
const LOOK_ANYWAY_EVERY: Duration = Duration::from_secs(20);
/// Changes come in bursts; the look waits so long for the rest of them.
const SETTLE: Duration = Duration::from_millis(250);
/// The owner of discovery's state.
pub(super) struct Actor {
    pub(super) grant: Grant<Discover>,
    pub(super) rule: InterfaceRule,
    pub(super) scanner: Scanner,
    pub(super) interfaces: Vec<Interface>,
    pub(super) table: Sightings,
    pub(super) daemon: Option<Daemon>,
    pub(super) advertised: Advertised,
    pub(super) outbox: VecDeque<Event>,
    pub(super) browsing: bool,
    pub(super) state: Option<MediumState>,
    watch: Option<Watch>,
    pub(super) next_look: Instant,
    pub(super) next_check: Instant,
    pub(super) failures: u32,
    pub(super) retry_at: Option<Instant>,
    /// One address family's port is somebody else's.
    pub(super) port_trouble: bool,
    pub(super) sweep_at: Option<Instant>,
    pub(super) forget_at: Option<Instant>,
    pub(super) hearing: Hearing,
    events: mpsc::Sender<Event>,
}

enum Input {
    Request(Option<Request>),
    Room,
    NoReader,
    Signal(Signal),
    Change,
    Clock,
}

/// The time of the wall, milliseconds since 1970.
pub(super) fn wall() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

impl Actor {
    pub(super) fn new(
        grant: Grant<Discover>,
        rule: InterfaceRule,
        scanner: Scanner,
        interfaces: Vec<Interface>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let mut table = Sightings::new(grant.loopback());
        table.relink(wall(), interfaces.clone());
        Self {
            grant,
            rule,
            scanner,
            interfaces,
            table,
            daemon: None,
            advertised: Advertised::default(),
            outbox: VecDeque::new(),
            browsing: true,
            state: None,
            watch: Watch::open().inspect_err(|error| tracing::debug!(%error, "no watch on the interfaces")).ok(),
            next_look: Instant::now() + LOOK_EVERY,
            next_check: Instant::now() + CHECK_EVERY,
            failures: 0,
            retry_at: None,
            port_trouble: false,
            sweep_at: None,
            forget_at: None,
            hearing: Hearing::default(),
            events,
        }
    }

    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        loop {
            let input = self.wait(&mut requests).await;
            match input {
                Input::Request(Some(Request::Stop(back))) => {
                    self.finish().await;
                    // Nobody may be waiting any more.
                    let _ = back.send(());
                    return;
                }
                Input::Request(Some(request)) => self.answer(request).await,
                Input::Request(None) | Input::NoReader => return self.finish().await,
                Input::Room => self.tell(),
                Input::Signal(signal) => self.hear(signal).await,
                Input::Change => self.next_look = self.next_look.min(Instant::now() + SETTLE),
                Input::Clock => self.tick().await,
            }
        }
    }

    async fn wait(&self, requests: &mut mpsc::Receiver<Request>) -> Input {
        let now = wall();
        let due = self.table.due(now);
        let to_tell = !self.outbox.is_empty() || due.is_some_and(|due| due <= now);
        let later = due.filter(|due| *due > now).map(|due| Instant::now() + Duration::from_millis(due - now));
        let rounds = [self.retry_at, self.sweep_at, self.forget_at];
        let timers = rounds.into_iter().chain([self.advertised.retire_at(), self.hearing.wake(), later]);
        let wake = timers.flatten().fold(self.next_look.min(self.next_check), Instant::min);
        let signal = async {
            match &self.daemon {
                Some(daemon) => daemon.next().await,
                None => std::future::pending().await,
            }
        };
        let change = async {
            match &self.watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            request = requests.recv() => Input::Request(request),
            room = self.events.reserve(), if to_tell => room.map_or(Input::NoReader, |_| Input::Room),
            () = self.events.closed() => Input::NoReader,
            signal = signal => Input::Signal(signal),
            () = change => Input::Change,
            () = tokio::time::sleep_until(wake) => Input::Clock,
        }
    }

    /// When the interfaces are looked at again if nothing is told of them.
    pub(super) fn after_look(&self) -> Instant {
        Instant::now() + if self.watch.is_some() { LOOK_ANYWAY_EVERY } else { LOOK_EVERY }
    }

    /// Whether the system tells of changes, so that looking is only a precaution.
    pub(super) fn looks_seldom(&self) -> bool {
        self.watch.is_some()
    }

    /// Hands the reader as much as it has room for.
    fn tell(&mut self) {
        let now = wall();
        while let Ok(room) = self.events.try_reserve() {
            let change = |change| match change {
                Change::Seen(sighting) => Event::Seen(sighting),
                Change::Gone(instance) => Event::Gone(instance),
            };
            let Some(event) = self.outbox.pop_front().or_else(|| self.table.next(now).map(change)) else { return };
            room.send(event);
        }
    }

    async fn answer(&mut self, request: Request) {
        let reply = |back: oneshot::Sender<Result<(), DiscoveryError>>, result| {
            // Whoever asked may have given up.
            let _ = back.send(result);
        };
        if self.grant.check().is_err() {
            // What follows from it does not wait for its turn.
            self.next_check = Instant::now();
        }
        match request {
            Request::Announce(announcement, back) => reply(back, self.announce(*announcement).await),
            Request::Withdraw(back) => reply(back, self.withdraw().await),
            Request::Browse(on, back) => reply(back, self.switch_browsing(on).await),
            Request::Refresh(back) => reply(back, self.ask_link().await),
            Request::Keep(instance, keep) => drop(self.table.keep(instance, keep)),
            Request::Expire(instance) => self.verify(instance).await,
            Request::Heard(back) => drop(back.send(self.last_heard())),
            Request::Advertised(back) => drop(back.send(self.advertised_on())),
            // Handled by the loop, which ends with it.
            Request::Stop(_) => {}
        }
    }

    fn advertised_on(&self) -> Vec<(String, Vec<IpAddr>)> {
        if self.daemon.is_none() || self.advertised.current().is_none() {
            return vec![];
        }
        self.interfaces.iter().map(|i| (i.name.clone(), i.addrs.iter().map(|a| a.ip).collect())).collect()
    }

    /// Starts the thread on the chosen interfaces, with everything that was wanted of it.
    pub(super) async fn bring_up(&mut self) {
        self.retry_at = None;
        self.hearing.start_over();
        if self.grant.check().is_err() {
            return self.tell_state(MediumState::Off);
        }
        match self.start_daemon().await {
            Ok(trouble) => {
                self.port_trouble = trouble.is_some();
                let nowhere = self.interfaces.is_empty().then(|| "no network interface is up".to_owned());
                self.tell_state(nowhere.or(trouble).map_or(MediumState::On, MediumState::Failed));
            }
            Err(error) => self.fail(error).await,
        }
    }

    async fn start_daemon(&mut self) -> Result<Option<String>, DiscoveryError> {
        let trouble = port_trouble()?;
        let mut daemon = Daemon::start(&self.interfaces).await?;
        if self.browsing {
            daemon.browse().await?;
        }
        if let Some(service) = self.advertised.service() {
            daemon.register(service).await?;
        }
        self.daemon = Some(daemon);
        Ok(trouble)
    }

    /// The thread is of no use: tries another one later, with growing pauses.
    pub(super) async fn fail(&mut self, error: DiscoveryError) {
        tracing::warn!(%error, "discovery failed");
        if let Some(daemon) = self.daemon.take() {
            daemon.shut(&[]).await;
        }
        self.retry_at = Some(Instant::now() + Duration::from_secs(1 << self.failures.min(5)));
        self.failures = self.failures.saturating_add(1);
        self.tell_state(MediumState::Failed(error.to_string()));
    }

    pub(super) fn tell_state(&mut self, state: MediumState) {
        if self.state.as_ref() != Some(&state) {
            self.post(Event::State(state.clone()));
            self.state = Some(state);
        }
    }

    /// Puts an event aside for the reader. One that was not read yet gives way to a later one of its kind.
    pub(super) fn post(&mut self, mut event: Event) {
        let kind = std::mem::discriminant(&event);
        let place = self.outbox.iter().position(|waiting| std::mem::discriminant(waiting) == kind);
        let before = place.and_then(|place| self.outbox.remove(place));
        if let (Some(Event::NetworkChanged { added: a, removed: r }), Event::NetworkChanged { added, removed }) =
            (before, &mut event)
        {
            added.extend(a);
            removed.extend(r);
            for names in [added, removed] {
                names.sort_unstable();
                names.dedup();
            }
        }
        self.outbox.push_back(event);
    }
}

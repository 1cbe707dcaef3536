//! The task that owns the mDNS thread, the list of sightings and our advert. One loop: requests first, then events to the
//! reader, then what was heard, then the clock.

use super::{
    Event, Heard, Request,
    advert::Advertised,
    daemon::{Daemon, Signal, port_trouble},
};
use crate::{
    announce::instance_of,
    fault::DiscoveryError,
    interfaces::{Interface, InterfaceRule, Scanner},
    onlink::Claim,
    sightings::{Advert, Change, Sightings},
    txt::Txt,
};
use hither_capability::{Discover, Grant};
use hither_model::{InstanceId, MediumState};
use mdns_sd::{ResolvedService, ScopedIp, ServiceEvent};
use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// How often the interfaces are looked at; changes must be followed within 10 s (D10).
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What can be answered from the thread's memory is asked for again only while it holds fewer adverts than this: all of
/// them come at once, and its queue holds 1,000 events.
const REPEATABLE: usize = 300;
/// A thread that holds more adverts than this is started again, to be rid of a flood (D1).
const MAX_HELD: usize = 2_048;
/// Shortest time between two such restarts.
const RELIEF_EVERY: Duration = Duration::from_secs(3);
/// A device that fell silent may come back without saying so: the link is asked again after these times.
const ASK_AGAIN: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(50)];
/// Events handled before requests get their turn.
const BURST: usize = 256;

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
    pub(super) next_look: Instant,
    pub(super) looks: u32,
    pub(super) failures: u32,
    pub(super) retry_at: Option<Instant>,
    pub(super) sweep_at: Option<Instant>,
    pub(super) forget_at: Option<Instant>,
    pub(super) held: usize,
    contested: bool,
    relieved: Option<Instant>,
    ask_again: Option<(Instant, usize)>,
    own_heard: Option<Instant>,
    others_heard: Option<Instant>,
    events: mpsc::Sender<Event>,
}

enum Input {
    Request(Option<Request>),
    Room,
    NoReader,
    Signal(Signal),
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
            next_look: Instant::now() + LOOK_EVERY,
            looks: 0,
            failures: 0,
            retry_at: None,
            sweep_at: None,
            forget_at: None,
            held: 0,
            contested: false,
            relieved: None,
            ask_again: None,
            own_heard: None,
            others_heard: None,
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
                Input::Clock => self.tick().await,
            }
        }
    }

    async fn wait(&self, requests: &mut mpsc::Receiver<Request>) -> Input {
        let now = wall();
        let due = self.table.due(now);
        let to_tell = !self.outbox.is_empty() || due.is_some_and(|due| due <= now);
        let later = due.filter(|due| *due > now).map(|due| Instant::now() + Duration::from_millis(due - now));
        let ask_again = self.ask_again.map(|(at, _)| at);
        let timers = [self.retry_at, self.sweep_at, self.forget_at, self.advertised.retire_at(), ask_again, later];
        let wake = timers.into_iter().flatten().fold(self.next_look, Instant::min);
        let signal = async {
            match &self.daemon {
                Some(daemon) => daemon.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            request = requests.recv() => Input::Request(request),
            room = self.events.reserve(), if to_tell => room.map_or(Input::NoReader, |_| Input::Room),
            () = self.events.closed() => Input::NoReader,
            signal = signal => Input::Signal(signal),
            () = tokio::time::sleep_until(wake) => Input::Clock,
        }
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

    fn last_heard(&self) -> Heard {
        let ago = |at: Option<Instant>| at.map(|at| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX));
        Heard { own_ms_ago: ago(self.own_heard), others_ms_ago: ago(self.others_heard) }
    }

    fn advertised_on(&self) -> Vec<(String, Vec<IpAddr>)> {
        if self.daemon.is_none() || self.advertised.current().is_none() {
            return vec![];
        }
        self.interfaces.iter().map(|i| (i.name.clone(), i.addrs.iter().map(|a| a.ip).collect())).collect()
    }

    async fn switch_browsing(&mut self, on: bool) -> Result<(), DiscoveryError> {
        self.grant.check()?;
        if self.browsing == on {
            return Ok(());
        }
        self.browsing = on;
        self.held = 0;
        if !on {
            self.table.clear();
        }
        match (&mut self.daemon, on) {
            (Some(daemon), true) => daemon.browse().await,
            (Some(daemon), false) => daemon.stop_browse().await,
            (None, _) => Ok(()),
        }
    }

    /// Asks the link again, unless so many answer that the answer would not fit.
    pub(super) async fn ask_link(&mut self) -> Result<(), DiscoveryError> {
        self.grant.check()?;
        match &mut self.daemon {
            Some(daemon) if self.browsing && self.held < REPEATABLE => {
                self.held = 0;
                daemon.browse().await
            }
            _ => Ok(()),
        }
    }

    async fn verify(&mut self, instance: InstanceId) {
        if self.grant.check().is_err() {
            return;
        }
        if let Some(daemon) = &self.daemon
            && let Err(error) = daemon.verify(instance).await
        {
            tracing::debug!(%error, "cannot ask a device whether it is still there");
        }
    }

    async fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::Service(event) => self.service(event),
            Signal::Own(event) => self.own_event(event).await,
            Signal::Overrun => {
                tracing::debug!("more was heard than could be read; starting over");
                self.restart_quietly().await;
            }
            Signal::Dead => self.fail(DiscoveryError::Silent).await,
        }
        // A burst is read in one go, before the queue of 1,000 events runs over.
        for _ in 0..BURST {
            let Some(event) = self.daemon.as_ref().and_then(Daemon::waiting) else { break };
            self.service(event);
        }
        if std::mem::take(&mut self.contested) {
            self.give_way().await;
        }
        let may_restart = self.relieved.is_none_or(|at| at.elapsed() >= RELIEF_EVERY);
        if self.held > MAX_HELD && may_restart {
            tracing::warn!("a flood of adverts; forgetting them");
            self.relieved = Some(Instant::now());
            self.restart_quietly().await;
        }
    }

    fn service(&mut self, event: ServiceEvent) {
        match event {
            ServiceEvent::SearchStarted(_) => {
                let rest = self.daemon.as_mut().map(Daemon::rest).unwrap_or_default();
                rest.into_iter().for_each(|event| self.service(event));
            }
            ServiceEvent::ServiceFound(..) => self.held += 1,
            ServiceEvent::ServiceResolved(resolved) => self.resolved(&resolved),
            ServiceEvent::ServiceRemoved(_, name) => {
                self.held = self.held.saturating_sub(1);
                let Some(instance) = instance_of(&name) else { return };
                if self.table.knows(instance) {
                    self.table.remove(instance);
                    let [first, ..] = ASK_AGAIN;
                    self.ask_again.get_or_insert((Instant::now() + first, 1));
                }
            }
            _ => {}
        }
    }

    fn resolved(&mut self, resolved: &ResolvedService) {
        let Some(instance) = instance_of(&resolved.fullname) else { return };
        if self.table.is_own(instance) {
            self.own_heard = Some(Instant::now());
            self.contested |= self.advertised.is_contested(&resolved.fullname, &resolved.host);
            return;
        }
        let properties = resolved.txt_properties.iter().map(|p| (p.key(), p.val()));
        let txt = match Txt::parse(properties) {
            Ok(txt) => txt,
            // The TXT record may be still on its way; if it is wrong, the row stays as it was (D4).
            Err(fault) => return tracing::debug!(%instance, %fault, "an advert was dropped"),
        };
        self.others_heard = Some(Instant::now());
        let claims = resolved.addresses.iter().filter_map(claim).collect();
        self.table.heard(wall(), Advert { instance, port: resolved.port, claims, txt });
    }

    /// The next of the questions asked after a device fell silent.
    pub(super) async fn ask_again_if_due(&mut self) {
        let Some((at, next)) = self.ask_again.filter(|(at, _)| *at <= Instant::now()) else { return };
        self.ask_again = ASK_AGAIN.get(next).map(|pause| (at + *pause, next + 1));
        if let Err(error) = self.ask_link().await {
            tracing::debug!(%error, "cannot ask the link again");
        }
    }

    /// Starts the thread on the chosen interfaces, with everything that was wanted of it.
    pub(super) async fn bring_up(&mut self) {
        self.retry_at = None;
        self.held = 0;
        if self.grant.check().is_err() {
            return self.tell_state(MediumState::Off);
        }
        match self.start_daemon().await {
            Ok(trouble) => {
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
            self.outbox.push_back(Event::State(state.clone()));
            self.state = Some(state);
        }
    }
}

fn claim(address: &ScopedIp) -> Option<Claim> {
    match address {
        ScopedIp::V4(v4) => {
            let heard_on = v4.interface_ids().iter().map(|i| i.index).take(16).collect();
            Some(Claim { ip: (*v4.addr()).into(), heard_on })
        }
        ScopedIp::V6(v6) => Some(Claim { ip: (*v6.addr()).into(), heard_on: vec![v6.scope_id().index] }),
        _ => None,
    }
}

//! The task that keeps the list of who is heard and what is wanted of the radio. It never waits for the radio: that is
//! the driver's business. One loop: requests first, then what the driver reports, then events to the reader, then the
//! clock.

use super::{
    Announcement, Card, Event, RadioAddress, RadioTrouble, Request, Routes,
    driver::{Call, Driver, Report, Wanted},
    radio::{Brought, Errand, Shown, Stack},
    routes::{PSMS, RoutesFault},
    table::{Change, Key, Table},
};
use crate::fault::DiscoveryError;
use hither_capability::{Discover, Grant};
use hither_model::{MediumState, Rid};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until, timeout},
};

/// How often the grant is looked at while the radio does something.
const CHECK_EVERY: Duration = Duration::from_secs(3);
/// The same while there is no radio to silence: a device at rest wakes seldom (R4.26).
const CHECK_AT_REST: Duration = Duration::from_secs(30);
/// How long ending may take.
const END_WITHIN: Duration = Duration::from_secs(12);
/// How long a withdrawal waits for the radio.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);
/// Errands that may wait.
const MAX_CALLS: usize = 16;
/// Reports that may wait; adverts above that are heard again.
const MAX_REPORTS: usize = 256;
/// Channels that may wait for the reader; the oldest is closed for a newer one.
const MAX_ARRIVED: usize = 8;

type Back<T> = oneshot::Sender<Result<T, DiscoveryError>>;

/// The time of the wall, milliseconds since 1970.
pub(super) fn wall() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// A card that was read, or was not; who asked for it, if it was asked for.
struct Finished {
    key: Key,
    card: Result<Card, DiscoveryError>,
    back: Option<Back<Card>>,
    /// When it was begun.
    since: u64,
}

/// The owner of the list.
pub(super) struct Actor<S> {
    stack: Arc<S>,
    grant: Grant<Discover>,
    events: mpsc::Sender<Event>,
    clock: fn() -> u64,
    table: Table,
    outbox: VecDeque<Event>,
    state: Option<MediumState>,
    wanted: watch::Sender<Wanted>,
    calls: mpsc::Sender<Call>,
    reports: mpsc::Receiver<Report>,
    /// Gone once the grant is.
    driver: Option<JoinHandle<()>>,
    psm: Option<u16>,
    /// Who waits for which serial, since when.
    settling: Vec<(u64, Instant, Back<()>)>,
    reads: JoinSet<Finished>,
    /// A card is being read unasked.
    curious: bool,
    next_check: Instant,
}

enum Input {
    Request(Option<Request>),
    Report(Report),
    Read(Finished),
    Room,
    NoReader,
    Clock,
}

impl<S: Stack> Actor<S> {
    /// Starts the driver as well.
    pub(super) fn new(stack: Arc<S>, grant: Grant<Discover>, events: mpsc::Sender<Event>, clock: fn() -> u64) -> Self {
        let (wanted, wanted_by) = watch::channel(Wanted { shown: None, serial: 0, looking: false, run: true });
        let (calls, calls_in) = mpsc::channel(MAX_CALLS);
        let (reports_out, reports) = mpsc::channel(MAX_REPORTS);
        let driver = Driver { stack: Arc::clone(&stack), wanted: wanted_by, calls: calls_in, reports: reports_out };
        Self {
            stack,
            grant,
            events,
            clock,
            table: Table::default(),
            outbox: VecDeque::new(),
            state: None,
            wanted,
            calls,
            reports,
            driver: Some(tokio::spawn(driver.run())),
            psm: None,
            settling: vec![],
            reads: JoinSet::new(),
            curious: false,
            next_check: Instant::now() + CHECK_EVERY,
        }
    }

    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        loop {
            match self.wait(&mut requests).await {
                Input::Request(Some(Request::Stop(back))) => {
                    self.end().await;
                    // Nobody may be waiting any more.
                    let _ = back.send(());
                    return;
                }
                Input::Request(Some(request)) => self.answer(request),
                Input::Request(None) | Input::NoReader => return self.end().await,
                Input::Report(report) => self.take(report),
                Input::Read(finished) => self.finished(finished),
                Input::Room => self.tell(),
                Input::Clock => self.tick().await,
            }
            self.read_unasked();
        }
    }

    async fn wait(&mut self, requests: &mut mpsc::Receiver<Request>) -> Input {
        let now = (self.clock)();
        let due = self.table.due(now);
        let to_tell = !self.outbox.is_empty() || due.is_some_and(|due| due <= now);
        let curious = if self.looks() && !self.curious { self.table.unread_at() } else { None };
        let timers = [due.filter(|due| *due > now), self.table.ages_at(), curious];
        let after = |at: u64| Instant::now() + Duration::from_millis(at.saturating_sub(now));
        let wake = timers.into_iter().flatten().map(after).fold(self.next_check, Instant::min);
        tokio::select! {
            biased;
            request = requests.recv() => Input::Request(request),
            Some(finished) = self.reads.join_next() => match finished {
                Ok(finished) => Input::Read(finished),
                Err(_) => Input::Clock,
            },
            () = sleep_until(wake) => Input::Clock,
            room = self.events.reserve(), if to_tell => room.map_or(Input::NoReader, |_| Input::Room),
            () = self.events.closed() => Input::NoReader,
            Some(report) = self.reports.recv() => Input::Report(report),
        }
    }

    fn looks(&self) -> bool {
        self.wanted.borrow().looking
    }

    /// Hands the reader as much as it has room for.
    fn tell(&mut self) {
        let now = (self.clock)();
        while let Ok(room) = self.events.try_reserve() {
            let change = |change| match change {
                Change::Seen(sighting) => Event::Seen(sighting),
                Change::Gone((source, id)) => Event::Gone { source, id },
            };
            let Some(event) = self.outbox.pop_front().or_else(|| self.table.next(now).map(change)) else { return };
            room.send(event);
        }
    }

    fn take(&mut self, report: Report) {
        let now = (self.clock)();
        match report {
            Report::State(state, hears) => {
                if !hears {
                    self.table.clear();
                }
                self.tell_state(state);
            }
            Report::Heard(source, beacon, rssi) => self.table.heard(now, source, beacon, rssi),
            Report::Again(source, rssi) => self.table.heard_again(now, source, rssi),
            Report::Arrived(pipe) => {
                let waiting = self.outbox.iter().filter(|event| matches!(event, Event::Arrived(_))).count();
                let oldest = self.outbox.iter().position(|event| matches!(event, Event::Arrived(_)));
                if let Some(oldest) = oldest.filter(|_| waiting >= MAX_ARRIVED) {
                    self.outbox.remove(oldest);
                }
                self.outbox.push_back(Event::Arrived(pipe));
            }
            Report::Deaf(deaf) => self.table.deafen(now, deaf),
            Report::Psm(psm) => self.psm = psm,
            Report::Settled(serial) => self.settle(|waiting, _| waiting <= serial, |back| drop(back.send(Ok(())))),
        }
    }

    /// Answers those who wait for the radio to follow and are picked.
    fn settle(&mut self, pick: impl Fn(u64, Instant) -> bool, answer: impl Fn(Back<()>)) {
        for (serial, since, back) in std::mem::take(&mut self.settling) {
            if pick(serial, since) { answer(back) } else { self.settling.push((serial, since, back)) }
        }
    }

    fn answer(&mut self, request: Request) {
        let reply = |back: Back<()>, result| drop(back.send(result));
        match request {
            Request::Announce(announcement, back) => reply(back, self.announce(&announcement)),
            Request::Withdraw(back) => self.withdraw(back),
            Request::Look(on) => self.look(on),
            Request::Keep(source, keep) => drop(self.table.keep(source, keep)),
            Request::Read(source, back) => {
                let key = self.table.latest(source).unwrap_or((source, None));
                self.read(key, Some(back));
            }
            Request::Knock(source, rid, back) => self.knock(source, rid, back),
            Request::Open(source, psm, back) => self.open(source, psm, back),
            Request::Psm(back) => drop(back.send(self.psm)),
            Request::Facts(back) => {
                let stack = Arc::clone(&self.stack);
                tokio::spawn(async move { back.send(stack.facts().await) });
            }
            // Handled by the loop, which ends with it.
            Request::Stop(_) => {}
        }
    }

    fn announce(&mut self, announcement: &Announcement) -> Result<(), DiscoveryError> {
        self.permitted()?;
        let Announcement { id, ref card, connectable, open } = *announcement;
        let shown = Shown { id, open, connectable, card: card.encode()? };
        self.want_shown(Some(Arc::new(shown)));
        Ok(())
    }

    fn withdraw(&mut self, back: Back<()>) {
        if let Err(error) = self.permitted() {
            return drop(back.send(Err(error)));
        }
        let serial = self.want_shown(None);
        self.settling.push((serial, Instant::now(), back));
        self.check_soon();
    }

    fn want_shown(&mut self, shown: Option<Arc<Shown>>) -> u64 {
        self.wanted.send_modify(|wanted| (wanted.shown, wanted.serial) = (shown, wanted.serial + 1));
        self.wanted.borrow().serial
    }

    fn look(&mut self, on: bool) {
        self.table.look((self.clock)(), on);
        self.wanted.send_if_modified(|wanted| std::mem::replace(&mut wanted.looking, on) != on);
    }

    fn permitted(&self) -> Result<(), DiscoveryError> {
        Ok(self.grant.check()?)
    }

    /// Sends an errand; what it brings comes through the channel.
    fn call(
        &self,
        source: RadioAddress,
        errand: Errand,
    ) -> Result<oneshot::Receiver<Result<Brought, RadioTrouble>>, DiscoveryError> {
        self.permitted()?;
        let (back, brought) = oneshot::channel();
        // Too many at once are not worth waiting for: each may take twelve seconds.
        self.calls.try_send(Call { source, errand, back }).map_err(|_| RadioTrouble::TimedOut)?;
        Ok(brought)
    }

    fn read(&mut self, key: Key, back: Option<Back<Card>>) {
        match self.call(key.0, Errand::Card) {
            Ok(brought) => {
                self.curious |= back.is_none();
                let since = (self.clock)();
                self.reads.spawn(async move { Finished { key, card: card(brought).await, back, since } });
            }
            Err(error) => drop(back.map(|back| back.send(Err(error)))),
        }
    }

    /// Reads the next card that everyone may read, while somebody looks.
    fn read_unasked(&mut self) {
        if self.curious || !self.looks() || self.permitted().is_err() {
            return;
        }
        if let Some(key) = self.table.unread((self.clock)()) {
            self.read(key, None);
        }
    }

    fn finished(&mut self, finished: Finished) {
        let Finished { key, card, back, since } = finished;
        let now = (self.clock)();
        match &card {
            Ok(card) => self.table.read(now, key, card.clone()),
            Err(_) if back.is_none() => self.table.tried_in_vain(now, now.saturating_sub(since)),
            Err(error) => tracing::debug!(source = %key.0, %error, "a card was not read"),
        }
        match back {
            Some(back) => drop(back.send(card)),
            None => self.curious = false,
        }
    }

    fn knock(&self, source: RadioAddress, rid: Rid, back: Back<Routes>) {
        match self.call(source, Errand::Knock(rid)) {
            Ok(brought) => drop(tokio::spawn(async move {
                let routes = async { Ok(Routes::parse(&bytes(brought).await?)?) };
                drop(back.send(routes.await));
            })),
            Err(error) => drop(back.send(Err(error))),
        }
    }

    fn open(&self, source: RadioAddress, psm: u16, back: Back<super::Pipe>) {
        let fits = if PSMS.contains(&psm) { Ok(()) } else { Err(RoutesFault::Malformed("channel").into()) };
        match fits.and_then(|()| self.call(source, Errand::Open(psm))) {
            Ok(brought) => drop(tokio::spawn(async move {
                drop(back.send(match brought.await {
                    Ok(Ok(Brought::Pipe(pipe))) => Ok(pipe),
                    Ok(Err(trouble)) => Err(trouble.into()),
                    Ok(Ok(Brought::Bytes(_))) | Err(_) => Err(RadioTrouble::Broke.into()),
                }));
            })),
            Err(error) => drop(back.send(Err(error))),
        }
    }

    fn tell_state(&mut self, state: MediumState) {
        if self.state.as_ref() != Some(&state) {
            // One that was not read yet gives way.
            self.outbox.retain(|event| !matches!(event, Event::State(_)));
            self.outbox.push_back(Event::State(state.clone()));
            self.state = Some(state);
            self.check_soon();
        }
    }

    fn check_soon(&mut self) {
        self.next_check = self.next_check.min(Instant::now() + CHECK_EVERY);
    }

    async fn tick(&mut self) {
        self.table.age((self.clock)());
        if self.next_check > Instant::now() {
            return;
        }
        let busy = self.state == Some(MediumState::On) || !self.settling.is_empty();
        self.next_check = Instant::now() + if busy { CHECK_EVERY } else { CHECK_AT_REST };
        let late = |since: Instant| since.elapsed() > SETTLED_WITHIN;
        self.settle(|_, since| late(since), |back| drop(back.send(Err(RadioTrouble::Silent.into()))));
        if self.permitted().is_err() && self.driver.is_some() {
            self.end().await;
            self.table.clear();
            self.tell_state(MediumState::Off);
        }
    }

    /// Makes the radio silent and deaf.
    async fn end(&mut self) {
        self.wanted.send_modify(|wanted| (wanted.run, wanted.shown) = (false, None));
        let Some(mut driver) = self.driver.take() else { return };
        let ended = async {
            // What it still reports is not needed, but must not hold it up.
            loop {
                tokio::select! {
                    _ = &mut driver => return,
                    Some(_) = self.reports.recv() => {}
                }
            }
        };
        if timeout(END_WITHIN, ended).await.is_err() {
            tracing::warn!("the Bluetooth service keeps hither from ending in order");
            driver.abort();
        }
        self.psm = None;
        self.settle(|_, _| true, |back| drop(back.send(Ok(()))));
    }
}

async fn bytes(brought: oneshot::Receiver<Result<Brought, RadioTrouble>>) -> Result<Vec<u8>, DiscoveryError> {
    match brought.await.map_err(|_| RadioTrouble::Broke)?? {
        Brought::Bytes(bytes) => Ok(bytes),
        Brought::Pipe(_) => Err(RadioTrouble::Broke.into()),
    }
}

async fn card(brought: oneshot::Receiver<Result<Brought, RadioTrouble>>) -> Result<Card, DiscoveryError> {
    Ok(Card::parse(&bytes(brought).await?)?)
}

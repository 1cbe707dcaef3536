//! The engine's task: one event at a time, the earliest deadline next, and an orderly end.

use crate::{
    certificates::Certificates,
    clock::Clock,
    directory::Directory,
    door::DoorBook,
    event::Event,
    grants::Grants,
    handle::{Call, Handle},
    media::Media,
    outbox::Outbox,
    questions::Questions,
    radio::{Radio, radio_key},
    services::Loans,
    settings::{Options, Started},
    state::State,
    store::{History, Keeper, Slot, Stale},
    web::Web,
};
use hither_capability::{Capability, Gate, Manifest};
use hither_identity::DeviceKey;
use hither_model::{ErrorCode, Failure, News};
use hither_protocol::limits;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Events that may wait; a full queue slows the connections down, which is what back-pressure is for.
const MAX_EVENTS: usize = 1_024;
/// News a slow listener may fall behind before it gets a snapshot instead.
const MAX_NEWS: usize = 1_024;
/// How long the end may take (N7).
const DRAIN: Duration = Duration::from_millis(2_500);

/// Starts engines.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Opens the profile and whatever its capabilities allow, and starts the task that owns it.
    ///
    /// A medium that does not work is no reason to fail: [`Started::media`] says which and why.
    ///
    /// # Errors
    /// A damaged key or store, a port that cannot be bound.
    pub async fn start(options: Options) -> Result<(Handle, Started), Failure> {
        let (events, event_inbox) = mpsc::channel(MAX_EVENTS);
        let (calls, call_inbox) = mpsc::channel(64);
        let (running, is_running) = watch::channel(true);
        let (wanted, mut options) = (options.listen.clone(), options);
        let handed_over = std::mem::take(&mut options.listeners);
        let mut state = open(options, events).await?;
        let last_port: Option<u16> = state.keeper.load(Slot::Traces).map_err(Failure::from)?;
        match state.bind(&wanted, last_port, handed_over) {
            // The door is open before anybody can knock: who is turned away takes it for an answer.
            Ok(listener) => {
                state.publish_door();
                state.serve(listener);
            }
            Err(failure) if failure.code == ErrorCode::AccessDenied => state.standby.release(),
            Err(failure) => return Err(failure),
        }
        if last_port != Some(state.port()) && wanted.is_empty() {
            state.keeper.save(Slot::Traces, &state.port());
        }
        state.publish_door();
        match state.serve_web().await {
            Err(failure) if failure.code == ErrorCode::AccessDenied => {
                let hint = failure.hint.unwrap_or_default();
                state.alarm(format!("no web server is listened for: {}; {hint}", failure.message), None);
            }
            outcome => outcome?,
        }
        // Known devices first: they see us before multicast has even probed its name.
        state.call_known();
        state.align_media().await;
        let handle =
            Handle { calls, settings: state.settings.subscribe(), running: is_running, news: state.news.downgrade() };
        let started = Started {
            peer: state.my_id,
            name: state.shown_name(),
            listen: state.listen.clone(),
            media: state.media_states(),
        };
        tokio::spawn(async move {
            run(&mut state, event_inbox, call_inbox).await;
            finish(state).await;
            running.send_replace(false);
        });
        Ok((handle, started))
    }
}

/// Reads everything the profile remembers.
async fn open(options: Options, events: mpsc::Sender<Event>) -> Result<State, Failure> {
    let Options { profile, settings, standby, mdns, ble, websocket, loopback, .. } = options;
    let me = device_key(profile.join("identity")).await?;
    let keeper = keeper(&profile, &events)?;
    let clock = Clock::start();
    let news = broadcast::Sender::new(MAX_NEWS);
    let mut state = State {
        web: Web::new(websocket)?,
        surroundings: Default::default(),
        clock,
        my_id: me.peer_id(),
        heir: me.heir().map_err(Failure::from)?,
        me: Arc::new(me),
        gate: gate(&settings, loopback)?,
        loopback,
        certificates: Certificates::open(&profile, &settings.certificates, &keeper, !loopback)?,
        settings: watch::Sender::new(settings),
        people: keeper.load(Slot::People).map_err(Failure::from)?.unwrap_or_default(),
        budget: keeper.load(Slot::Runs).map_err(Failure::from)?.unwrap_or_default(),
        links: keeper.load(Slot::Links).map_err(Failure::from)?.unwrap_or_default(),
        history: History::load(profile.join("history.jsonl")),
        uses: keeper.load(Slot::Uses).map_err(Failure::from)?.unwrap_or_default(),
        directory: Directory::default(),
        media: Media::new(mdns),
        radio: Radio::new(ble, radio_key(&keeper)?),
        door: DoorBook::new(clock),
        door_epoch: 0,
        advert_epoch: 0,
        waking: Default::default(),
        listen: vec![],
        standby,
        listener: None,
        tunnels: None,
        questions: Questions::default(),
        turns: limits::Questions::default(),
        dials: Default::default(),
        knocks: Default::default(),
        sessions: Default::default(),
        lanes: Default::default(),
        pipes: vec![],
        loans: Loans::load(&keeper, clock)?,
        grants: Grants::load(&keeper, clock)?,
        transfers: Default::default(),
        standing: vec![],
        dial_backs: Default::default(),
        outbox: Outbox::load(&keeper, news.subscribe())?,
        news,
        events,
        tasks: TaskTracker::new(),
        cancel: CancellationToken::new(),
        counter: 0,
        turned_away_at: 0,
        profile_dir: profile,
        keeper,
        stale_sessions: Stale::default(),
        stale_transfers: Stale::default(),
    };
    state.revive()?;
    Ok(state)
}

/// What the shipped manifest permits and the person has not switched off.
fn gate(settings: &crate::settings::Settings, loopback: bool) -> Result<Gate, Failure> {
    let manifest = Manifest::shipped().map_err(Failure::from)?;
    let revoked: BTreeSet<Capability> = settings.revoked.iter().filter_map(|name| name.parse().ok()).collect();
    Ok(Gate::new(manifest, revoked, loopback))
}

async fn device_key(directory: std::path::PathBuf) -> Result<DeviceKey, Failure> {
    let loading = tokio::task::spawn_blocking(move || DeviceKey::load_or_create(&directory)).await;
    loading.map_err(|e| Failure::new(ErrorCode::Internal, e.to_string()))?.map_err(Failure::from)
}

/// The thread that writes what is remembered, and the directories it needs.
fn keeper(profile: &std::path::Path, events: &mpsc::Sender<Event>) -> Result<Keeper, Failure> {
    private_directory(&profile.join("outgoing"))?;
    private_directory(&profile.join("lists"))?;
    Keeper::start(profile.to_owned(), written(events)).map_err(|e| Failure::new(ErrorCode::Internal, e.to_string()))
}

/// Wakes the loop when files are on disk. If the queue is full, the loop is awake.
fn written(events: &mpsc::Sender<Event>) -> impl Fn() + Send + use<> {
    let events = events.downgrade();
    move || {
        if let Some(events) = events.upgrade() {
            let _ = events.try_send(Event::Written);
        }
    }
}

/// Makes a directory only we can enter.
fn private_directory(path: &std::path::Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| {
        Failure::new(ErrorCode::StorageFailed, format!("{}: {e}", path.display()))
            .hint("check that the profile directory is yours and can be written")
    })
}

async fn run(state: &mut State, mut events: mpsc::Receiver<Event>, mut calls: mpsc::Receiver<Call>) {
    loop {
        let deadline = state.deadline();
        let wait = deadline.map(|at| state.clock.until(at));
        tokio::select! {
            biased;
            call = calls.recv() => match call {
                Some(Call::Stop) | None => return,
                Some(call) => state.called_by_client(call).await,
            },
            Some(event) = events.recv() => state.happened(event).await,
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => state.due().await,
        }
        state.renew_door();
        state.heed_outbox().await;
        state.drains_due();
        state.write_stale();
        state.settle_grants();
    }
}

/// Everything in its order: peers and faces are told, journals are flushed, then the tasks end.
async fn finish(mut state: State) {
    state.tell(News::Stopping);
    state.pause_transfers_for_stop();
    state.write_last();
    state.keep_uses();
    let drain = async {
        state.stop_mdns().await;
        state.stop_radio().await;
        state.cancel.cancel();
        state.tasks.close();
        state.tasks.wait().await;
    };
    if tokio::time::timeout(DRAIN, drain).await.is_err() {
        tracing::warn!("some tasks did not end in time");
    }
    // The keeper's drop waits until everything is on disk.
    let _ = tokio::task::spawn_blocking(move || drop(state)).await;
}

impl State {
    /// Takes up again what was open when the agent stopped.
    fn revive(&mut self) -> Result<(), Failure> {
        let sessions = self.keeper.load(Slot::Sessions).map_err(Failure::from)?.unwrap_or_default();
        self.revive_sessions(sessions);
        self.begin_certificates();
        let transfers = self.keeper.load(Slot::Transfers).map_err(Failure::from)?.unwrap_or_default();
        self.revive_transfers(transfers);
        self.revive_outbox();
        self.revive_grants();
        Ok(())
    }

    fn deadline(&self) -> Option<u64> {
        [
            self.knocks_deadline(),
            self.questions.deadline(),
            self.errands_deadline(),
            self.directory.deadline(),
            self.media_deadline(),
            self.radio.deadline(),
            self.redials_deadline(),
            self.lanes_deadline(),
            self.loans_deadline(),
            self.grants_deadline(),
            self.transfers_deadline(),
            self.outbox_deadline(),
            self.drains_deadline(),
            Some(self.door_deadline()),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    async fn due(&mut self) {
        self.knocks_due().await;
        self.errands_due().await;
        self.media_due().await;
        self.radio_due().await;
        self.redials_due();
        self.lanes_due();
        self.loans_due();
        self.grants_due();
        self.transfers_due().await;
        self.show_changes();
    }

    async fn called_by_client(&mut self, call: Call) {
        match call {
            Call::Ask { client, ask, answer } => self.asked(client, ask, answer).await,
            Call::News { listener } => {
                let _ = listener.send((self.snapshot(), self.news.subscribe()));
            }
            Call::Pipe { client, ask, stream } => self.pipe(client, ask, stream),
            Call::Networks { here } => self.networks_are(here).await,
            Call::Gone { client } => self.client_gone(client),
            Call::Stop => {}
        }
    }

    fn snapshot(&self) -> News {
        News::Snapshot {
            me: self.me_row(),
            peers: self.directory.rows(),
            questions: self.questions.rows(self.clock.now()),
            sessions: self.session_rows(),
            transfers: self.transfer_rows(),
        }
    }

    async fn happened(&mut self, event: Event) {
        match event {
            Event::Discovery(event) => self.discovered(event).await,
            Event::Radio(event) => self.beamed(event).await,
            Event::Located { knock, outcome } => self.located(knock, *outcome).await,
            Event::Hello { wire, purpose, from, hello } => self.hello(*wire, purpose, from, hello).await,
            Event::LaneArrived { lane, channel } => self.lane_ready(lane, Ok(channel)),
            Event::LaneDialled { lane, outcome } => self.lane_ready(lane, outcome),
            Event::Dialled { knock, outcome } => self.dialled(knock, *outcome).await,
            Event::KnockHeard { knock, frame } => self.knock_heard(knock, frame).await,
            Event::KnockSilent { knock, why } => self.knock_silent(knock, why).await,
            Event::Admitted { knock, admission, channel } => self.admitted(knock, *admission, channel).await,
            Event::Called { peer, route } => self.called(peer, route),
            Event::SessionHeard { session, generation, frame } => self.session_heard(session, generation, frame).await,
            Event::SessionLost { session, generation, why } => self.session_lost(session, generation, &why),
            Event::Redialled { session, outcome } => self.redialled(session, *outcome),
            Event::Resumed { session, outcome } => self.resumed(session, *outcome),
            // They only wake the loop, which looks after files and finished sessions by itself.
            Event::PipeEnded | Event::Written => {}
            Event::Services(report) => self.services_reported(report),
            Event::Looked(looked) => self.looked(*looked).await,
            Event::Unlocked { errand, unlocked } => self.unlocked(errand, unlocked).await,
            Event::Proven { errand, proof } => self.proven(errand, Some(*proof)).await,
            Event::Uncertified { errand } => self.proven(errand, None).await,
            Event::Readers(readers) => self.readers_changed(&readers),
            Event::GrantUsed { transfer, written } => self.grant_used(transfer, written),
            Event::Outbox(report) => self.outbox_reported(report),
            Event::Transfer { transfer, report } => self.transfer_reported(transfer, report).await,
            Event::DialBack { session, reached, why } => self.dial_back_done(session, reached, why),
        }
    }
}

//! Everything the engine knows. One task owns it; no lock stands round any of it.

use crate::{
    certificates::Certificates,
    clock::Clock,
    directory::{DeviceId, Directory, Reach},
    door::{DoorBook, Pass, Passes, Purpose},
    event::Event,
    grants::Grants,
    handle::ClientId,
    knocks::{Dial, Knock, KnockId},
    lanes::{Lane, PipeListener},
    media::Media,
    outbox::Outbox,
    questions::Questions,
    radio::Radio,
    services::Loans,
    sessions::Session,
    settings::Settings,
    store::{History, Keeper, People, Slot, Stale, Uses},
    transfers::{Standing, Transfer},
    web::Web,
};
use hither_capability::{Capability, Gate};
use hither_identity::{Credential, DeviceKey};
use hither_model::{
    DisplayName, ErrorCode, Failure, LaneId, News, PeerId, SessionId, TransferId,
    row::{HistoryRow, PeerRow},
};
use hither_protocol::{LinkLedger, RunBudget, epoch, known_rid, limits};
use hither_socket::{Expected, Profile};
use std::{collections::BTreeMap, collections::HashMap, net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often the wall clock is looked at while nothing happens, milliseconds.
const DOOR_LOOK: u64 = 60_000;

/// The engine's state.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) profile_dir: PathBuf,
    pub(crate) me: Arc<DeviceKey>,
    pub(crate) my_id: PeerId,
    /// The key we shall have next, if one is prepared.
    pub(crate) heir: Option<hither_identity::Succession>,
    pub(crate) gate: Gate,
    pub(crate) loopback: bool,
    pub(crate) settings: watch::Sender<Settings>,
    pub(crate) keeper: Keeper,
    /// Large files that change often; [`State::write_stale`].
    pub(crate) stale_sessions: Stale,
    pub(crate) stale_transfers: Stale,
    pub(crate) people: People,
    pub(crate) history: History,
    pub(crate) uses: Uses,
    pub(crate) certificates: Certificates,
    pub(crate) budget: RunBudget,
    pub(crate) links: LinkLedger,
    pub(crate) directory: Directory,
    pub(crate) media: Media,
    pub(crate) radio: Radio,
    pub(crate) web: Web,
    /// The networks this machine is in.
    pub(crate) surroundings: crate::networks::Surroundings,
    pub(crate) door: DoorBook,
    /// The epoch the door was last published in, and the one of the advert.
    pub(crate) door_epoch: u32,
    pub(crate) advert_epoch: u32,
    pub(crate) waking: crate::waking::Waking,
    pub(crate) listen: Vec<SocketAddr>,
    /// Who keeps the listening sockets while no agent runs.
    pub(crate) standby: Arc<dyn crate::standby::Standby>,
    /// Ends the listener when its capability is revoked.
    pub(crate) listener: Option<CancellationToken>,
    /// Where callers by radio and through a web server are handed in.
    pub(crate) tunnels: Option<mpsc::Sender<hither_socket::Tunnel>>,
    pub(crate) questions: Questions,
    /// Who may ask, and in what order.
    pub(crate) turns: limits::Questions,
    pub(crate) dials: BTreeMap<KnockId, Dial>,
    pub(crate) knocks: BTreeMap<KnockId, Knock>,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) lanes: HashMap<LaneId, Lane>,
    pub(crate) pipes: Vec<PipeListener>,
    pub(crate) loans: Loans,
    pub(crate) grants: Grants,
    pub(crate) transfers: BTreeMap<TransferId, Transfer>,
    pub(crate) outbox: Outbox,
    /// Clients that accept what is offered while they stay.
    pub(crate) standing: Vec<Standing>,
    pub(crate) dial_backs: BTreeMap<SessionId, oneshot::Sender<Result<(), String>>>,
    pub(crate) news: broadcast::Sender<News>,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) tasks: TaskTracker,
    pub(crate) cancel: CancellationToken,
    pub(crate) counter: u64,
    /// When the history last said that a stranger was turned away unasked, monotonic milliseconds.
    pub(crate) turned_away_at: u64,
}

impl State {
    /// Tells every listener.
    pub(crate) fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }

    /// Something the person must know; it also goes into the history.
    pub(crate) fn alarm(&mut self, message: String, peer: Option<PeerId>) {
        tracing::warn!(message, "alarm");
        self.note("alarm", peer, None, message.clone());
        self.tell(News::Alarm { message, peer });
    }

    /// Notes a line of history.
    pub(crate) fn note(&mut self, what: &str, peer: Option<PeerId>, name: Option<String>, detail: String) {
        // What happened with somebody happened over a connection.
        if matches!(what, "met" | "session" | "sent" | "received" | "transfer" | "invite") {
            let what = if what == "invite" { "invite" } else { "session" };
            self.used(Capability::Proximity, &format!("{what} with {}", name.as_deref().unwrap_or("a stranger")));
        }
        let row = HistoryRow { at: self.clock.unix(), what: what.to_owned(), peer, name, detail };
        self.history.note(&self.keeper, row);
    }

    /// Notes that something used a capability just now.
    pub(crate) fn used(&mut self, capability: Capability, by: &str) {
        self.uses.note(&self.keeper, capability, by.to_owned(), self.clock.unix());
    }

    pub(crate) fn next_knock(&mut self) -> KnockId {
        self.counter += 1;
        KnockId(self.counter)
    }

    pub(crate) fn credential(&self) -> Arc<dyn Credential> {
        Arc::clone(&self.me) as Arc<dyn Credential>
    }

    pub(crate) fn profile(&self) -> Profile {
        let tls12 = self.settings.borrow().allow_tls12;
        Profile { tls12, control: crate::listen::watched(), ..Profile::default() }
    }

    /// The port others reach us on.
    pub(crate) fn port(&self) -> u16 {
        self.listen.first().map_or(0, SocketAddr::port)
    }

    pub(crate) fn unnamed(&self) -> DisplayName {
        DisplayName::cleaned("unnamed device").unwrap_or_else(|| unreachable!("a constant that is a name"))
    }

    /// The device a person means, and how to reach it.
    pub(crate) fn reach(&self, wanted: &str) -> Result<Reach, Failure> {
        let device = match self.directory.find(wanted) {
            Ok(device) => device,
            Err(candidates) => match self.person_named(wanted) {
                Ok(peer) => DeviceId::Met(peer),
                Err(_) => return Err(unknown_device(wanted, &candidates)),
            },
        };
        self.directory.reach(&device, &self.people).ok_or_else(|| {
            Failure::new(
                ErrorCode::Unreachable,
                format!("{wanted:?} is known but not heard, and no address is remembered"),
            )
            .hint("run `hither doctor` for reasons")
        })
    }

    /// Somebody met, by id, beginning of an id, or exact name.
    pub(crate) fn person_named(&self, wanted: &str) -> Result<PeerId, Failure> {
        let wanted = wanted.trim();
        let mut found: Vec<PeerId> =
            self.people.iter().filter(|(_, p)| p.name.as_str() == wanted).map(|(id, _)| *id).collect();
        if found.is_empty() && wanted.len() >= 4 {
            let lower = wanted.to_lowercase();
            found =
                self.people.iter().filter(|(id, _)| id.to_string().starts_with(&lower)).map(|(id, _)| *id).collect();
        }
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(Failure::new(ErrorCode::UnknownId, format!("nobody called {wanted:?} is known here"))
                .hint("run `hither trust list` to see who is")),
            many => {
                let ids: Vec<String> = many.iter().map(PeerId::short).collect();
                Err(Failure::new(ErrorCode::UnknownId, format!("{wanted:?} could be {}", ids.join(" or ")))
                    .hint("name the device by its id"))
            }
        }
    }

    /// A device with a session, near or met, as a proven key.
    pub(crate) fn peer_named(&self, wanted: &str) -> Result<PeerId, Failure> {
        if let Ok(session) = self.session_named(wanted)
            && let Some(session) = self.sessions.get(&session)
        {
            return Ok(session.kept.peer);
        }
        match self.directory.find(wanted) {
            Ok(DeviceId::Met(peer)) => Ok(peer),
            _ => self.person_named(wanted),
        }
    }

    /// The people changed: who is who near, who may come in, and what our advert says follow.
    pub(crate) fn people_changed(&mut self) {
        self.directory.people_changed(&self.people, epoch(self.clock.unix()));
        self.show_changes();
        self.publish_door();
        // The next advert carries their tag; it is made now, so that they recognise us at once.
        self.media.rotate_at = self.media.rotate_at.map(|_| self.clock.now());
    }

    /// Writes the large files that have changed and whose last version is on disk: so a burst of changes costs one
    /// writing, and each is written as soon as the disk can take it.
    pub(crate) fn write_stale(&mut self) {
        if !self.keeper.is_writing(Slot::Sessions)
            && let Some(receipts) = self.stale_sessions.take()
        {
            self.keeper.write(Slot::Sessions, &self.kept_sessions(), receipts);
        }
        if !self.keeper.is_writing(Slot::Transfers)
            && let Some(receipts) = self.stale_transfers.take()
        {
            self.keeper.write(Slot::Transfers, &self.kept_transfers(), receipts);
        }
        if !self.keeper.is_writing(Slot::Outbox)
            && let Some(receipts) = self.outbox.stale.take()
        {
            self.keeper.write(Slot::Outbox, self.outbox.kept(), receipts);
        }
    }

    /// Writes them whatever is under way: nothing comes after.
    pub(crate) fn write_last(&mut self) {
        let (sessions, transfers) = (self.stale_sessions.take(), self.stale_transfers.take());
        self.keeper.write(Slot::Sessions, &self.kept_sessions(), sessions.unwrap_or_default());
        self.keeper.write(Slot::Transfers, &self.kept_transfers(), transfers.unwrap_or_default());
        if let Some(receipts) = self.outbox.stale.take() {
            self.keeper.write(Slot::Outbox, self.outbox.kept(), receipts);
        }
        self.keep_grants_last();
    }

    /// Rendezvous values change with the wall clock, whatever else happens or does not.
    pub(crate) fn renew_door(&mut self) {
        self.wake();
        let here = epoch(self.clock.unix());
        if here != self.door_epoch {
            self.publish_door();
            // Beyond the usual turn the machine slept, and the advert is as old.
            if here.wrapping_sub(self.advert_epoch) > 1 {
                self.media.rotate_at = self.media.rotate_at.map(|_| self.clock.now());
            }
        }
    }

    /// When to look at the wall clock again, monotonic milliseconds: it may jump, and the monotonic one may have slept.
    pub(crate) fn door_deadline(&self) -> u64 {
        self.clock.now() + DOOR_LOOK
    }

    /// Publishes which rendezvous values open the door now.
    pub(crate) fn publish_door(&mut self) {
        self.door_epoch = epoch(self.clock.unix());
        let mut passes = Passes::new();
        if self.gate.listen().is_err() {
            return self.door.publish(passes);
        }
        let device = self.credential();
        let mut admit = |rid, purpose, expected, credential: &Arc<dyn Credential>| {
            passes.insert(rid, Pass { purpose, expected, credential: Arc::clone(credential), until: None });
        };
        if self.visibility() == hither_model::row::Visibility::Everyone || self.open_to_colleagues() {
            let adverts = self.media.draw.iter().map(|d| d.rid).chain(self.media.old_rids.iter().copied());
            adverts.for_each(|rid| admit(rid, Purpose::Advert, Expected::Anyone, &device));
        }
        let unix = self.clock.unix();
        let here = epoch(unix);
        let epochs = [here, here.wrapping_sub(1), here.wrapping_add(1)];
        for (peer, person, key) in self.people.known() {
            let expected = person.heir.map_or(Expected::Only(*peer), |heir| Expected::Either(*peer, heir.peer));
            for e in epochs {
                admit(known_rid(key, e, &self.my_id), Purpose::Known(*peer), expected, &device);
            }
        }
        for (rid, invite) in self.links.rids(unix) {
            admit(rid, Purpose::Link(invite), Expected::Anyone, &device);
        }
        for (id, session) in &self.sessions {
            for e in epochs {
                let rid = known_rid(&session.kept.resume_key, e, &self.my_id);
                admit(rid, Purpose::Resume(*id), Expected::Only(session.kept.peer), &device);
            }
        }
        for (id, lane) in &self.lanes {
            if lane.stage != crate::lanes::Stage::AwaitArrival {
                continue;
            }
            let Some(session) = self.sessions.get(&lane.session) else { continue };
            if let Some(theirs) = session.their_lane {
                admit(lane.rid, Purpose::Lane(*id), Expected::Only(theirs), &session.credential());
            }
        }
        for row in self.links.rows(unix) {
            for pass in passes.values_mut().filter(|p| p.purpose == Purpose::Link(row.invite)) {
                pass.until = Some(row.expires);
            }
        }
        self.door.publish(passes);
    }

    /// A client of the control socket left.
    pub(crate) fn client_gone(&mut self, client: ClientId) {
        self.standing.retain(|s| s.client != client);
        self.pipes.retain(|p| p.client != client);
    }
}

fn unknown_device(wanted: &str, candidates: &[PeerRow]) -> Failure {
    let near: Vec<String> = candidates
        .iter()
        .take(5)
        .map(|r| format!("{} ({})", hither_model::text::printable(&r.name), r.peer.chars().take(8).collect::<String>()))
        .collect();
    let failure = Failure::new(ErrorCode::UnknownId, format!("no device near is called {wanted:?}, or several are"));
    failure.hint(match near.as_slice() {
        [] => "nobody is near; run `hither doctor` for reasons".to_owned(),
        names => format!("near are: {}", names.join(", ")),
    })
}

//! Somebody with a key of their own and no engine behind it: dials, speaks the protocol by its pure machines or against
//! them, and can keep a session's connection in their own hands.

use super::{
    ear::{gate, random},
    within,
};
use hither_capability::Consent;
use hither_identity::{Credential, DeviceKey, SessionKey};
use hither_model::{DisplayName, InviteId, PeerId, Rid};
use hither_protocol::{
    Admission, Binding, Certified, Effect, Ending, Frame, Hello, Invite, InviteAsk, InviteUrl, Inviter, LinkOpener,
    MAX_FRAME, MAX_HELLO, PairKey, Step, Vocabulary, encode_payload, parse_lenient, session,
};
use hither_socket::{
    Admits, Caps, Channel, Connected, Door, Entry, Expected, Profile, Proven, SocketError, Standing, Stranger,
    StreamSocketControl, StreamSocketListener, dial,
};
use std::{collections::VecDeque, net::SocketAddr, sync::Arc};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const BINDING: &str = "EXPORTER-Channel-Binding";

#[derive(Clone)]
pub(crate) struct Outsider {
    me: Arc<dyn Credential>,
    /// Claims to have met whoever it invites.
    known: bool,
}

impl Outsider {
    pub(crate) fn new() -> Self {
        Self { me: Arc::new(SessionKey::generate().unwrap()), known: false }
    }

    /// Somebody who signs with that key.
    pub(crate) fn with(key: Arc<DeviceKey>) -> Self {
        Self { me: key, known: false }
    }

    /// Somebody with the key of an agent that is not running.
    pub(crate) fn in_the_place_of(seat: &super::Seat) -> Self {
        let key = DeviceKey::load_or_create(&seat.dir.path().join("identity")).unwrap();
        Self { me: Arc::new(key), known: true }
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.me.peer_id()
    }

    pub(crate) async fn dial_as(&self, port: u16, rid: Rid, expected: Expected) -> Result<Connected, SocketError> {
        let to = SocketAddr::from(([127, 0, 0, 1], port));
        let grant = gate().dial(Consent::new("somebody".into(), vec![to], 0), 0).unwrap();
        within("dialling", dial(&grant, to, rid, &self.me, expected, &Profile::default())).await
    }

    /// A connection to whoever listens there.
    pub(crate) async fn dial(&self, port: u16, rid: Rid) -> Result<Channel<Stranger>, SocketError> {
        match self.dial_as(port, rid, Expected::Anyone).await? {
            Connected::Stranger(channel) => Ok(channel),
            Connected::Known(_) => panic!("nobody was expected"),
        }
    }

    /// A connection to the one whose key is known.
    pub(crate) async fn dial_known(&self, port: u16, rid: Rid, peer: PeerId) -> Channel<Proven> {
        match self.dial_as(port, rid, Expected::Only(peer)).await.unwrap() {
            Connected::Known(channel) => channel,
            Connected::Stranger(_) => panic!("somebody was expected"),
        }
    }

    fn binding(&self, channel: &Channel<Stranger>) -> Binding {
        Binding::new(channel.exporter(BINDING, b"").unwrap(), self.peer(), channel.peer())
    }

    /// As [`Self::binding`], for whoever was dialled.
    pub(crate) fn answered(&self, channel: &Channel<Stranger>) -> Binding {
        Binding::new(channel.exporter(BINDING, b"").unwrap(), channel.peer(), self.peer())
    }

    /// Invites by the book.
    pub(crate) async fn invite(&self, port: u16, rid: Rid, name: &str) -> Asking<Inviter> {
        let channel = self.dial(port, rid).await.unwrap();
        let binding = self.binding(&channel);
        let ask = InviteAsk {
            invite: InviteId::new(random()),
            name: DisplayName::new(name).ok(),
            message: None,
            known: self.known,
            unverified: false,
            codes: true,
            certified: None,
            codeless: false,
        };
        Asking::begin(channel, Inviter::start(0, binding, ask, random(), 60_000)).await
    }

    /// Invites with a certificate and a signature that may be somebody else's.
    pub(crate) async fn invite_certified(&self, port: u16, rid: Rid, certified: Certified) -> Asking<Inviter> {
        let channel = self.dial(port, rid).await.unwrap();
        let binding = self.binding(&channel);
        let ask = InviteAsk {
            invite: InviteId::new(random()),
            name: DisplayName::new("Outsider").ok(),
            message: None,
            known: false,
            unverified: false,
            codes: true,
            certified: Some(Box::new(certified)),
            codeless: true,
        };
        Asking::begin(channel, Inviter::start(0, binding, ask, random(), 60_000)).await
    }

    /// Opens a link by the book.
    pub(crate) async fn open(&self, port: u16, url: &InviteUrl) -> Result<Asking<LinkOpener>, SocketError> {
        let channel = self.dial(port, url.keys().rid).await?;
        let binding = self.binding(&channel);
        let name = DisplayName::new("Outsider").ok();
        let step = LinkOpener::start(0, binding, url, InviteId::new(random()), (name, None), 60_000);
        Ok(Asking::begin(channel, step).await)
    }

    /// Listens and answers anybody who calls, whatever value they show.
    pub(crate) fn listen(&self) -> Listening {
        let any = vec!["127.0.0.1:0".parse().unwrap()];
        let grant = gate().listen().unwrap();
        let listener = StreamSocketListener::bind(grant, &any, StreamSocketControl::default()).unwrap();
        let port = listener.local_addrs()[0].port();
        let (arrivals, arrived) = mpsc::channel(16);
        let end = CancellationToken::new();
        let door = Arc::new(OpenDoor(Arc::clone(&self.me)));
        tokio::spawn(listener.serve(door, Profile::default(), Caps::default(), end.clone(), arrivals));
        Listening { port, arrived, _end: end.drop_guard() }
    }
}

/// A door that lets in whoever comes.
struct OpenDoor(Arc<dyn Credential>);

impl Door for OpenDoor {
    fn admit(&self, _rid: &Rid, _from: SocketAddr) -> Option<Entry> {
        Some(Entry { credential: Arc::clone(&self.0), expected: Expected::Anyone, reserved: false })
    }
}

pub(crate) struct Listening {
    pub(crate) port: u16,
    pub(crate) arrived: mpsc::Receiver<hither_socket::Arrival>,
    _end: tokio_util::sync::DropGuard,
}

/// The machines an outsider can be run by.
pub(crate) trait Machine: Sized {
    fn hears(self, frame: Frame) -> Step<Self>;
}

impl Machine for Inviter {
    fn hears(self, frame: Frame) -> Step<Self> {
        self.heard(0, frame)
    }
}

impl Machine for LinkOpener {
    fn hears(self, frame: Frame) -> Step<Self> {
        self.heard(0, frame)
    }
}

/// What comes of asking.
#[derive(Debug)]
pub(crate) enum Turn {
    Waiting,
    Code(String),
    Admitted(Box<Admission>),
    Over(Ending),
}

/// An invite or link under way.
pub(crate) struct Asking<M> {
    channel: Channel<Stranger>,
    machine: Option<M>,
    effects: VecDeque<Effect>,
}

impl<M: Machine> Asking<M> {
    async fn begin(channel: Channel<Stranger>, step: Step<M>) -> Self {
        let mut asking = Self { channel, machine: step.next, effects: step.effects.into() };
        if let Some(Effect::Open(_)) = asking.effects.front() {
            let Some(Effect::Open(hello)) = asking.effects.pop_front() else { unreachable!() };
            write(&mut asking.channel, &hello).await.unwrap();
        }
        asking
    }

    /// Goes on until there is something to tell.
    pub(crate) async fn turn(&mut self) -> Turn {
        loop {
            while let Some(effect) = self.effects.pop_front() {
                match effect {
                    Effect::Send(frame) => drop(write(&mut self.channel, &frame).await),
                    Effect::ShowCode(code) => return Turn::Code(code.to_string()),
                    Effect::Waiting => return Turn::Waiting,
                    Effect::Admit(admission) => return Turn::Admitted(Box::new(admission)),
                    Effect::End(ending) => return Turn::Over(ending),
                    _ => {}
                }
            }
            let Some(machine) = self.machine.take() else { panic!("it is over") };
            let Some(frame) = read::<Frame, _>(&mut self.channel).await else { return Turn::Over(Ending::Interrupted) };
            self.step(machine.hears(frame));
        }
    }

    fn step(&mut self, step: Step<M>) {
        self.machine = step.next;
        self.effects.extend(step.effects);
    }

    pub(crate) async fn code(&mut self) -> String {
        match self.turn().await {
            Turn::Code(code) => code,
            other => panic!("no code, but {other:?}"),
        }
    }

    pub(crate) async fn over(&mut self) -> Ending {
        match self.turn().await {
            Turn::Over(ending) => ending,
            other => panic!("it goes on: {other:?}"),
        }
    }

    /// The session, held in our own hands; the other end's opening word is read.
    pub(crate) async fn session(mut self) -> Held {
        let Turn::Admitted(admission) = self.turn().await else { panic!("not admitted") };
        let channel = self.channel.admitted(&Pass(admission.peer())).unwrap();
        Held::begin(channel, admission.pair_key().cloned(), Outsider::new()).await
    }
}

impl Asking<Inviter> {
    pub(crate) fn confirm(&mut self) {
        let machine = self.machine.take().unwrap();
        self.step(machine.confirm_code(0, true));
    }
}

struct Pass(PeerId);

impl Admits for Pass {
    fn peer(&self) -> PeerId {
        self.0
    }
}

/// One end of a session, frame by frame.
pub(crate) struct Held {
    pub(crate) channel: Channel<Proven>,
    pub(crate) pair_key: Option<PairKey>,
    /// Whoever we are on lanes.
    pub(crate) on_lanes: Outsider,
    /// What the other end shows there.
    pub(crate) theirs: PeerId,
}

impl Held {
    /// Both sides' opening words on a connection of a session.
    pub(crate) async fn begin(channel: Channel<Proven>, pair_key: Option<PairKey>, on_lanes: Outsider) -> Self {
        let mine = on_lanes.peer();
        let mut held = Self { channel, pair_key, on_lanes, theirs: mine };
        held.post(&session::Frame::Keys { lane: mine, name: None, radio: None }).await;
        held.theirs = held
            .hear("its keys", |f| match f {
                session::Frame::Keys { lane, .. } => Some(*lane),
                _ => None,
            })
            .await;
        held
    }

    pub(crate) async fn post(&mut self, frame: &session::Frame) {
        let payload = encode_payload(frame, MAX_FRAME).unwrap();
        within("writing", self.channel.write_frame(&payload)).await.unwrap();
    }

    /// Whatever comes next; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<session::Frame> {
        read(&mut self.channel).await
    }

    /// The first frame that fits; the others are read over.
    pub(crate) async fn hear<T>(&mut self, what: &str, mut fits: impl FnMut(&session::Frame) -> Option<T>) -> T {
        loop {
            let Some(frame) = self.next().await else { panic!("the session ended before: {what}") };
            if let Some(found) = fits(&frame) {
                return found;
            }
        }
    }
}

/// Brings an outsider and an agent to a session.
pub(crate) async fn befriend(outsider: &Outsider, name: &str, bo: &mut super::Agent, rid: Rid) -> Held {
    let mut asking = outsider.invite(bo.port, rid, name).await;
    let code = asking.code().await;
    let question = bo.question().await;
    assert_eq!(question.code.as_deref(), Some(code.as_str()));
    bo.ask(super::yes(&question)).await;
    asking.confirm();
    let held = asking.session().await;
    bo.accepted().await;
    held
}

/// The plainest invite, as it travels.
pub(crate) fn bare_invite(name: &str, known: bool) -> Hello {
    let invite = InviteId::new(random());
    Hello::Invite(Invite {
        invite,
        name: Some(name.into()),
        message: None,
        known,
        unverified: false,
        certified: None,
        codeless: false,
    })
}

pub(crate) async fn write<S: Standing>(
    channel: &mut Channel<S>,
    frame: &impl serde::Serialize,
) -> Result<(), SocketError> {
    within("writing", channel.write_frame(&encode_payload(frame, MAX_HELLO).unwrap())).await
}

/// The next frame; `None` when the other end has closed or broken the connection.
pub(crate) async fn read<F: Vocabulary, S: Standing>(channel: &mut Channel<S>) -> Option<F> {
    match within("a frame", channel.read_frame(MAX_FRAME)).await {
        Ok(Some(bytes)) => parse_lenient(&bytes).unwrap(),
        Ok(None) | Err(_) => None,
    }
}

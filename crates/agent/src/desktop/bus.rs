//! The notification server of the desktop (`org.freedesktop.Notifications`, version 1.2 of the specification) over the
//! session bus. I/O only: what is shown is decided elsewhere. No bus or no server is an ordinary state, tried again when
//! something is to be shown, at most every half minute.
//!
//! Only what the program that took our notifications says is heard: other programs on the bus can send signals too.

use super::{
    note::{Note, Topic, Weight, without_markup},
    wording::Tongue,
};
use futures_core::Stream;
use hither_model::MediumState;
use std::{
    collections::{BTreeMap, HashMap},
    future::poll_fn,
    pin::Pin,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, time::timeout};
use zbus::{Connection, Message, MessageStream, connection, message::Type, zvariant::Value};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const BUS: &str = "org.freedesktop.DBus";
/// How long a call may take: a server may have to be started for it.
const PATIENCE: Duration = Duration::from_secs(3);
/// A bus or server that is not there is not looked for more often.
const AGAIN: Duration = Duration::from_secs(30);
/// Signals that may wait; more are dropped.
const SIGNALS: usize = 64;

/// Something happened to a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signal {
    /// A button was pressed. The token lets the window that is opened for it come to the front.
    Pressed { topic: Topic, key: String, token: Option<String> },
    /// It was closed by a person.
    Dismissed(Topic),
    /// The server went or another came: nothing is on the screen.
    Wiped,
}

/// What the bus says, not judged yet.
#[derive(Debug)]
enum Heard {
    Pressed { from: String, id: u32, key: String },
    Token { from: String, id: u32, token: String },
    Closed { from: String, id: u32, reason: u32 },
    Owner { new: String },
}

/// A connection to the session bus.
struct Live {
    connection: Connection,
    heard: mpsc::Receiver<Heard>,
    /// The server's unique name, once it took something, and what it can do.
    server: Option<Server>,
}

#[derive(Debug, Clone)]
struct Server {
    owner: String,
    markup: bool,
    actions: bool,
}

/// Raises notifications and hears what becomes of them.
pub(super) struct Notifier {
    tongue: Tongue,
    live: Option<Live>,
    tried: Option<Instant>,
    ids: BTreeMap<Topic, u32>,
    tokens: HashMap<u32, String>,
    state: MediumState,
}

impl Notifier {
    pub(super) fn new(tongue: Tongue) -> Self {
        Self { tongue, live: None, tried: None, ids: BTreeMap::new(), tokens: HashMap::new(), state: MediumState::Off }
    }

    /// Whether it works, as far as is known.
    pub(super) fn state(&self) -> &MediumState {
        &self.state
    }

    /// The connection, for others who need the same bus.
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.live.as_ref().map(|live| &live.connection)
    }

    /// Looks for the bus and the server, unless that was done a moment ago. True if they were not there before.
    pub(super) async fn look(&mut self) -> bool {
        if self.live.is_some() || self.tried.is_some_and(|at| at.elapsed() < AGAIN) {
            return false;
        }
        self.tried = Some(Instant::now());
        match timeout(PATIENCE, connect()).await {
            Ok(Ok(live)) => {
                self.state = match timeout(PATIENCE, offered(&live.connection)).await {
                    Ok(Ok(true)) => MediumState::On,
                    _ => MediumState::Failed("no notification server is on the session bus".into()),
                };
                self.live = Some(live);
            }
            Ok(Err(error)) => self.state = MediumState::Failed(format!("no session bus: {error}")),
            Err(_) => self.state = MediumState::Failed("the session bus does not answer".into()),
        }
        self.live.is_some()
    }

    /// Leaves the bus.
    pub(super) fn leave(&mut self) {
        self.live = None;
        self.tried = None;
        self.ids.clear();
        self.tokens.clear();
        self.state = MediumState::Off;
    }

    /// Raises a notification, or replaces the one about the same.
    pub(super) async fn show(&mut self, topic: Topic, note: &Note) {
        let replaces = self.ids.get(&topic).copied().unwrap_or(0);
        let Some(live) = &mut self.live else { return };
        let outcome = timeout(PATIENCE, live.notify(self.tongue, replaces, note)).await;
        match outcome {
            Ok(Ok(id)) => {
                self.ids.insert(topic, id);
                self.state = MediumState::On;
            }
            Ok(Err(error)) => self.state = MediumState::Failed(format!("the notification server: {error}")),
            Err(_) => self.state = MediumState::Failed("the notification server does not answer".into()),
        }
    }

    /// Takes a notification away.
    pub(super) async fn close(&mut self, topic: Topic) {
        let (Some(id), Some(live)) = (self.ids.remove(&topic), &self.live) else { return };
        self.tokens.remove(&id);
        // It may be gone already: no reason to complain.
        let _ = timeout(PATIENCE, call(&live.connection, NAME, PATH, "CloseNotification", &(id,))).await;
    }

    /// The next thing that happens; never, while there is no bus.
    pub(super) async fn next(&mut self) -> Signal {
        loop {
            let Some(live) = &mut self.live else { return std::future::pending().await };
            let Some(heard) = live.heard.recv().await else {
                self.leave();
                self.state = MediumState::Failed("the session bus is gone".into());
                return Signal::Wiped;
            };
            if let Some(signal) = self.judge(heard) {
                return signal;
            }
        }
    }

    /// Sorts out what is not about ours, or not from the server that has them.
    fn judge(&mut self, heard: Heard) -> Option<Signal> {
        let server = self.live.as_ref()?.server.as_ref().map(|server| server.owner.clone());
        let ours = |from: &str, id: u32| {
            let topic = self.ids.iter().find(|(_, known)| **known == id).map(|(topic, _)| *topic);
            topic.filter(|_| server.as_deref() == Some(from))
        };
        match heard {
            Heard::Token { from, id, token } => {
                ours(&from, id)?;
                self.tokens.insert(id, token);
                None
            }
            Heard::Pressed { from, id, key } => {
                let topic = ours(&from, id)?;
                Some(Signal::Pressed { topic, key, token: self.tokens.remove(&id) })
            }
            Heard::Closed { from, id, reason } => {
                let topic = ours(&from, id)?;
                self.ids.remove(&topic);
                self.tokens.remove(&id);
                // 1: its time was over, 2: a person closed it, 3: we did.
                (reason == 2).then_some(Signal::Dismissed(topic))
            }
            Heard::Owner { new } => {
                if let Some(live) = &mut self.live {
                    live.server = None;
                }
                self.ids.clear();
                self.tokens.clear();
                self.state = match new.is_empty() {
                    true => MediumState::Failed("the notification server is gone".into()),
                    false => MediumState::On,
                };
                (!new.is_empty()).then_some(Signal::Wiped)
            }
        }
    }
}

impl Live {
    async fn notify(&mut self, tongue: Tongue, replaces: u32, note: &Note) -> zbus::Result<u32> {
        let server = match &self.server {
            Some(server) => server.clone(),
            None => server(&self.connection).await?,
        };
        let labels: Vec<(&str, String)> = note.buttons.iter().map(|b| (b.key(), tongue.button(*b))).collect();
        let mut actions: Vec<&str> = Vec::new();
        if server.actions {
            // A press on the notification itself.
            if let Some((_, label)) = labels.iter().find(|(key, _)| *key == "open") {
                actions.extend(["default", label]);
            }
            actions.extend(labels.iter().flat_map(|(key, label)| [*key, label.as_str()]));
        }
        let body = if server.markup { without_markup(&note.body) } else { note.body.clone() };
        let (urgency, expires): (u8, i32) = match note.weight {
            Weight::Passing => (1, -1),
            Weight::Waiting => (1, 0),
            Weight::Urgent => (2, 0),
        };
        let hints = HashMap::from([
            ("urgency", Value::from(urgency)),
            ("category", Value::from(note.category)),
            ("desktop-entry", Value::from("hither")),
        ]);
        let content = ("hither", replaces, "hither-app", note.summary.as_str(), body.as_str(), actions, hints, expires);
        let reply = call(&self.connection, NAME, PATH, "Notify", &content).await?;
        let owner = reply.header().sender().map(ToString::to_string).unwrap_or_default();
        self.server = Some(Server { owner, ..server });
        reply.body().deserialize()
    }
}

async fn connect() -> zbus::Result<Live> {
    let connection = connection::Builder::session()?.method_timeout(PATIENCE).build().await?;
    let (sender, heard) = mpsc::channel(SIGNALS);
    let stream = MessageStream::from(&connection);
    let rules = [
        format!("type='signal',sender='{NAME}',path='{PATH}',interface='{NAME}'"),
        format!("type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{NAME}'"),
    ];
    // Ends with the connection.
    tokio::spawn(listen(stream, sender));
    for rule in rules {
        call(&connection, BUS, "/org/freedesktop/DBus", "AddMatch", &(rule,)).await?;
    }
    Ok(Live { connection, heard, server: None })
}

/// Reads whatever comes, so that nothing waits for us; a flood is dropped.
async fn listen(mut stream: MessageStream, to: mpsc::Sender<Heard>) {
    loop {
        let next = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx));
        tokio::select! {
            message = next => match message {
                Some(Ok(message)) => {
                    if let Some(heard) = read(&message) {
                        let _ = to.try_send(heard);
                    }
                }
                Some(Err(_)) | None => return,
            },
            () = to.closed() => return,
        }
    }
}

fn read(message: &Message) -> Option<Heard> {
    let header = message.header();
    if message.message_type() != Type::Signal {
        return None;
    }
    let (from, interface) = (header.sender()?.to_string(), header.interface()?.to_string());
    let body = message.body();
    match (interface.as_str(), header.member()?.as_str()) {
        (NAME, "ActionInvoked") => {
            let (id, key) = body.deserialize().ok()?;
            Some(Heard::Pressed { from, id, key })
        }
        (NAME, "ActivationToken") => {
            let (id, token) = body.deserialize().ok()?;
            Some(Heard::Token { from, id, token })
        }
        (NAME, "NotificationClosed") => {
            let (id, reason) = body.deserialize().ok()?;
            Some(Heard::Closed { from, id, reason })
        }
        (BUS, "NameOwnerChanged") if from == BUS => {
            let (name, _, new): (String, String, String) = body.deserialize().ok()?;
            (name == NAME).then_some(Heard::Owner { new })
        }
        _ => None,
    }
}

/// Whether a server is there or would be started.
async fn offered(connection: &Connection) -> zbus::Result<bool> {
    for list in ["ListNames", "ListActivatableNames"] {
        let reply = call(connection, BUS, "/org/freedesktop/DBus", list, &()).await?;
        let names: Vec<String> = reply.body().deserialize()?;
        if names.iter().any(|name| name == NAME) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn server(connection: &Connection) -> zbus::Result<Server> {
    let reply = call(connection, NAME, PATH, "GetCapabilities", &()).await?;
    let can: Vec<String> = reply.body().deserialize()?;
    let has = |what: &str| can.iter().any(|capability| capability == what);
    Ok(Server { owner: String::new(), markup: has("body-markup"), actions: has("actions") })
}

/// Calls a method of the interface that is called like the destination.
pub(super) async fn call<B: serde::ser::Serialize + zbus::zvariant::DynamicType>(
    connection: &Connection,
    destination: &str,
    path: &str,
    method: &str,
    body: &B,
) -> zbus::Result<Message> {
    connection.call_method(Some(destination), path, Some(destination), method, body).await
}

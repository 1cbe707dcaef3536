//! A message bus of the test's own, and on it what a desktop has: a notification server and a login manager, which only
//! write down what they are asked and answer as the real ones do. Nothing of this machine's desktop is touched.

use futures_core::Stream;
use hither_tests::{program::on_path, run::SOON, skip::skipped};
use std::{
    collections::HashMap,
    future::poll_fn,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};
use tokio::sync::mpsc;
use zbus::{
    Connection, Message, MessageStream, connection,
    message::Type,
    zvariant::{Fd, OwnedValue},
};

const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const LOGIN: &str = "org.freedesktop.login1";

/// A bus; ended with the value.
pub(crate) struct Bus {
    daemon: Child,
    pub(crate) address: String,
    _dir: tempfile::TempDir,
}

impl Bus {
    /// Starts one, unless this machine has none to start; that is said.
    pub(crate) fn start() -> Option<Self> {
        if !on_path("dbus-daemon") {
            skipped("scenarios", "dbus-daemon is not installed (Debian: dbus-daemon)");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}/bus</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            dir.path().display()
        );
        std::fs::write(&config, text).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .args(["--nofork", "--nopidfile", "--print-address"])
            .arg(format!("--config-file={}", config.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It says its address once it listens.
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Some(Self { daemon, address: address.trim().to_owned(), _dir: dir })
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// A notification as the server was asked to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) id: u32,
    pub(crate) replaces: u32,
    pub(crate) summary: String,
    pub(crate) body: String,
    /// Keys of what can be pressed.
    pub(crate) keys: Vec<String>,
    pub(crate) urgency: u8,
    /// Who wanted it: a name on the bus.
    pub(crate) from: String,
}

/// What happens on the desktop.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Shown(Shown),
    Closed(u32),
    /// A lock was taken: what, who, why, mode.
    Locked([String; 4]),
    /// And its holder let it go.
    Released,
}

/// What the person at the desktop does.
#[derive(Debug)]
enum Press {
    Button(u32, String),
    Away(u32),
}

/// A desktop on a bus.
pub(crate) struct Desktop {
    acts: Receiver<Act>,
    hand: mpsc::UnboundedSender<Press>,
    seen: Vec<Act>,
}

impl Desktop {
    pub(crate) fn on(bus: &Bus) -> Self {
        let (told, acts) = channel();
        let (hand, presses) = mpsc::unbounded_channel();
        let (ready, is_ready) = channel();
        let address = bus.address.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(&address, &told, presses, &ready));
        });
        is_ready.recv_timeout(SOON).expect("the desktop is on the bus");
        Self { acts, hand, seen: vec![] }
    }

    /// Waits for something that fits and was not taken before.
    pub(crate) fn wait<T>(&mut self, what: &str, fits: impl Fn(&Act) -> Option<T>) -> T {
        if let Some((at, found)) = self.seen.iter().enumerate().find_map(|(at, act)| Some((at, fits(act)?))) {
            self.seen.remove(at);
            return found;
        }
        loop {
            let Ok(act) = self.acts.recv_timeout(SOON) else { panic!("no {what}; but {:#?}", self.seen) };
            match fits(&act) {
                Some(found) => return found,
                None => self.seen.push(act),
            }
        }
    }

    /// Waits for a notification whose summary has these words.
    pub(crate) fn shown(&mut self, words: &str) -> Shown {
        self.wait(words, |act| match act {
            Act::Shown(shown) if shown.summary.contains(words) => Some(shown.clone()),
            _ => None,
        })
    }

    pub(crate) fn closed(&mut self, id: u32) {
        self.wait("closing", |act| (*act == Act::Closed(id)).then_some(()));
    }

    /// Whether anything like it happened by now.
    pub(crate) fn has(&mut self, fits: impl Fn(&Act) -> bool) -> bool {
        self.seen.extend(self.acts.try_iter());
        self.seen.iter().any(fits)
    }

    pub(crate) fn press(&self, id: u32, key: &str) {
        self.hand.send(Press::Button(id, key.to_owned())).unwrap();
    }

    /// The person closes it.
    pub(crate) fn put_away(&self, id: u32) {
        self.hand.send(Press::Away(id)).unwrap();
    }
}

/// Another program on the bus says that a button was pressed. Returns when the bus has passed it on.
pub(crate) fn forge(bus: &Bus, shown: &Shown, key: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let connection = connection::Builder::address(bus.address.as_str()).unwrap().build().await.unwrap();
        let (to, body) = (shown.from.as_str(), (shown.id, key));
        connection.emit_signal(Some(to), PATH, NOTIFICATIONS, "ActionInvoked", &body).await.unwrap();
        let daemon = "org.freedesktop.DBus";
        connection.call_method(Some(daemon), "/org/freedesktop/DBus", Some(daemon), "GetId", &()).await.unwrap();
    });
}

async fn serve(address: &str, told: &Sender<Act>, mut presses: mpsc::UnboundedReceiver<Press>, ready: &Sender<()>) {
    let connection = connection::Builder::address(address).unwrap().build().await.unwrap();
    let mut stream = MessageStream::from(&connection);
    connection.request_name(NOTIFICATIONS).await.unwrap();
    connection.request_name(LOGIN).await.unwrap();
    ready.send(()).unwrap();
    let mut last = 0;
    loop {
        tokio::select! {
            message = poll_fn(|cx| std::pin::Pin::new(&mut stream).poll_next(cx)) => {
                let Some(Ok(message)) = message else { return };
                if message.message_type() == Type::MethodCall {
                    called(&connection, &message, told, &mut last).await.unwrap();
                }
            }
            press = presses.recv() => match press {
                Some(Press::Button(id, key)) => signal(&connection, "ActionInvoked", &(id, key)).await.unwrap(),
                Some(Press::Away(id)) => signal(&connection, "NotificationClosed", &(id, 2u32)).await.unwrap(),
                None => return,
            },
        }
    }
}

async fn signal<B: serde::Serialize + zbus::zvariant::DynamicType>(
    connection: &Connection,
    name: &str,
    body: &B,
) -> zbus::Result<()> {
    connection.emit_signal(None::<&str>, PATH, NOTIFICATIONS, name, body).await
}

type Wanted = (String, u32, String, String, String, Vec<String>, HashMap<String, OwnedValue>, i32);

async fn called(connection: &Connection, message: &Message, told: &Sender<Act>, last: &mut u32) -> zbus::Result<()> {
    let header = message.header();
    let body = message.body();
    match header.member().map(|member| member.as_str()) {
        Some("GetCapabilities") => connection.reply(&header, &vec!["body", "actions", "body-markup"]).await,
        Some("Notify") => {
            let (_, replaces, _, summary, body, actions, hints, _): Wanted = body.deserialize()?;
            let urgency = hints.get("urgency").and_then(|hint| u8::try_from(hint).ok()).unwrap_or(1);
            let keys = actions.iter().step_by(2).cloned().collect();
            let id = if replaces > 0 {
                replaces
            } else {
                *last += 1;
                *last
            };
            connection.reply(&header, &id).await?;
            let from = header.sender().map(ToString::to_string).unwrap_or_default();
            let _ = told.send(Act::Shown(Shown { id, replaces, summary, body, keys, urgency, from }));
            Ok(())
        }
        Some("CloseNotification") => {
            let id: u32 = body.deserialize()?;
            connection.reply(&header, &()).await?;
            signal(connection, "NotificationClosed", &(id, 3u32)).await?;
            let _ = told.send(Act::Closed(id));
            Ok(())
        }
        Some("Inhibit") => {
            let (what, who, why, mode): (String, String, String, String) = body.deserialize()?;
            let (mut ours, theirs) = std::io::pipe().unwrap();
            connection.reply(&header, &Fd::from(&theirs)).await?;
            let _ = told.send(Act::Locked([what, who, why, mode]));
            let told = told.clone();
            // The end of the pipe is the end of the lock.
            thread::spawn(move || {
                let _ = ours.read_to_end(&mut Vec::new());
                let _ = told.send(Act::Released);
            });
            Ok(())
        }
        _ => Ok(()),
    }
}

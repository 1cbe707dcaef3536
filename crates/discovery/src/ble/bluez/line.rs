//! Our own line to `bluetoothd` over the system bus: which adapters there are, whether they are switched on, and a bell
//! that rings when any of that changes. Scanning is switched here as well: the library that hears would switch adapters
//! on that a person switched off, and search for classic Bluetooth devices too, which makes headsets stutter.

use crate::ble::{RadioAddress, RadioTrouble};
use dbus::{
    Message, Path,
    arg::{PropMap, RefArg, Variant, prop_cast},
    channel::MatchingReceiver,
    message::MatchRule,
    nonblock::{
        Proxy, SyncConnection,
        stdintf::org_freedesktop_dbus::{ObjectManager, Properties},
    },
};
use dbus_tokio::connection;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    task::{JoinHandle, spawn_blocking},
};

const BLUEZ: &str = "org.bluez";
const BUS: &str = "org.freedesktop.DBus";
const ADAPTER: &str = "org.bluez.Adapter1";
const ADVERTISING: &str = "org.bluez.LEAdvertisingManager1";
/// How long one call may take.
const CALL_WITHIN: Duration = Duration::from_secs(4);

/// What the bell rings for. Each names its sender, so nobody else can ring it.
const MATCHES: [&str; 4] = [
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.bluez'",
    "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.ObjectManager',member='InterfacesAdded'",
    "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.ObjectManager',member='InterfacesRemoved'",
    "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',\
     arg0='org.bluez.Adapter1'",
];

/// An adapter, as `bluetoothd` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its object, as in `/org/bluez/hci0`.
    pub(super) path: String,
    pub(super) address: RadioAddress,
    /// The address is not the maker's but a random one that stays.
    pub(super) random: bool,
    pub(super) powered: bool,
    pub(super) announces: bool,
    pub(super) version: Option<String>,
}

impl Found {
    /// What the system calls it, as in `hci0`.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether a switch of the machine or flight mode keeps it off.
    pub(super) fn blocked(&self) -> bool {
        let Ok(entries) = std::fs::read_dir(format!("/sys/class/bluetooth/{}", self.name())) else { return false };
        let switches = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("rfkill"));
        let on = |path: std::path::PathBuf| std::fs::read_to_string(path).is_ok_and(|text| text.trim() == "1");
        switches.take(8).any(|switch| on(switch.path().join("soft")) || on(switch.path().join("hard")))
    }
}

/// The line. Dropping it hangs up.
pub(super) struct Line {
    connection: Arc<SyncConnection>,
    task: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    /// Connects to the bus. `bell` is rung whenever something may have changed.
    pub(super) async fn connect(bell: Arc<Notify>) -> Result<Self, RadioTrouble> {
        // Connecting blocks.
        let connected = spawn_blocking(connection::new_system_sync).await.map_err(RadioTrouble::other)?;
        let (resource, connection) = connected.map_err(|error| {
            tracing::debug!(%error, "no system bus");
            RadioTrouble::NoBus
        })?;
        let hung_up = Arc::clone(&bell);
        let task = tokio::spawn(async move {
            resource.await;
            hung_up.notify_one();
        });
        let line = Self { connection, task };
        line.listen(bell).await?;
        Ok(line)
    }

    async fn listen(&self, bell: Arc<Notify>) -> Result<(), RadioTrouble> {
        self.connection.set_signal_match_mode(true);
        let mut rule = MatchRule::new();
        rule.msg_type = Some(dbus::MessageType::Signal);
        self.connection.start_receive(
            rule,
            Box::new(move |message, _| {
                if matters(&message) {
                    bell.notify_one();
                }
                true
            }),
        );
        for rule in MATCHES {
            self.connection.add_match_no_cb(rule).await.map_err(|error| trouble(&error))?;
        }
        Ok(())
    }

    /// Whether the bus is still there.
    pub(super) fn is_up(&self) -> bool {
        !self.task.is_finished()
    }

    fn at<'a>(&self, path: impl Into<Path<'a>>) -> Proxy<'a, Arc<SyncConnection>> {
        Proxy::new(BLUEZ, path, CALL_WITHIN, Arc::clone(&self.connection))
    }

    /// Which `bluetoothd` it is: another one after a restart. Does not start one.
    pub(super) async fn owner(&self) -> Result<String, RadioTrouble> {
        let bus = Proxy::new(BUS, "/org/freedesktop/DBus", CALL_WITHIN, Arc::clone(&self.connection));
        let owner: Result<(String,), dbus::Error> = bus.method_call(BUS, "GetNameOwner", (BLUEZ,)).await;
        owner.map(|(owner,)| owner).map_err(|error| trouble(&error))
    }

    /// All adapters, in the order of their names.
    pub(super) async fn adapters(&self) -> Result<Vec<Found>, RadioTrouble> {
        let objects = self.at("/").get_managed_objects().await.map_err(|error| trouble(&error))?;
        let mut found: Vec<Found> = objects
            .into_iter()
            .filter_map(|(path, interfaces)| {
                let properties = interfaces.get(ADAPTER)?;
                let text = |key| prop_cast::<String>(properties, key);
                let modalias = text("Modalias").map(String::as_str).unwrap_or_default();
                Some(Found {
                    path: path.to_string(),
                    address: text("Address")?.parse().ok()?,
                    random: text("AddressType").is_some_and(|kind| kind == "random"),
                    powered: prop_cast(properties, "Powered").copied().unwrap_or(false),
                    announces: interfaces.contains_key(ADVERTISING),
                    version: version(modalias),
                })
            })
            .collect();
        found.sort_by(|a, b| (a.path.len(), &a.path).cmp(&(b.path.len(), &b.path)));
        Ok(found)
    }

    /// Whether an adapter is switched on.
    pub(super) async fn powered(&self, adapter: &str) -> Result<bool, RadioTrouble> {
        self.at(adapter).get(ADAPTER, "Powered").await.map_err(|error| trouble(&error))
    }

    /// How many adverts, of all programs, the adapter has on the air.
    pub(super) async fn adverts(&self, adapter: &str) -> Result<u8, RadioTrouble> {
        self.at(adapter).get(ADVERTISING, "ActiveInstances").await.map_err(|error| trouble(&error))
    }

    /// Begins to scan: Low Energy only, everybody, every advert. No filter for our service: `bluetoothd` merges the
    /// filters of all programs, so ours would keep devices from others and theirs from us, and it drops adverts that have
    /// the service only in their service data.
    pub(super) async fn scan(&self, adapter: &str) -> Result<(), RadioTrouble> {
        let transport: Variant<Box<dyn RefArg>> = Variant(Box::new("le".to_owned()));
        let filter = PropMap::from([
            ("Transport".to_owned(), transport),
            ("DuplicateData".to_owned(), Variant(Box::new(true) as Box<dyn RefArg>)),
        ]);
        let adapter = self.at(adapter);
        let set: Result<(), dbus::Error> = adapter.method_call(ADAPTER, "SetDiscoveryFilter", (filter,)).await;
        set.map_err(|error| trouble(&error))?;
        match adapter.method_call::<(), _, _, _>(ADAPTER, "StartDiscovery", ()).await {
            // It does already what we want.
            Err(error) if error.name() == Some("org.bluez.Error.InProgress") => Ok(()),
            started => started.map_err(|error| trouble(&error)),
        }
    }

    /// Ceases to scan; other programs may go on.
    pub(super) async fn stop_scan(&self, adapter: &str) -> Result<(), RadioTrouble> {
        match self.at(adapter).method_call::<(), _, _, _>(ADAPTER, "StopDiscovery", ()).await {
            // It had ended by itself, as when the adapter was switched off and on.
            Err(error) if error.name() == Some("org.bluez.Error.Failed") => Ok(()),
            stopped => stopped.map_err(|error| trouble(&error)),
        }
    }
}

/// Whether a signal is about what we look at: the daemon, an adapter, or its switch. Devices come and go all the time.
fn matters(message: &Message) -> bool {
    match message.member().as_deref() {
        Some("NameOwnerChanged") => message.get1::<&str>() == Some(BLUEZ),
        Some("InterfacesAdded" | "InterfacesRemoved") => {
            message.get1::<Path<'_>>().is_some_and(|path| path.matches('/').count() == 3)
        }
        Some("PropertiesChanged") => {
            let (interface, changed): (Option<&str>, Option<PropMap>) = message.get2();
            interface == Some(ADAPTER)
                && changed.is_some_and(|changed| changed.contains_key("Powered") || changed.contains_key("PowerState"))
        }
        _ => false,
    }
}

/// `bluetoothd` tells its version in the modalias of its adapters, as in `usb:v1D6Bp0246d0542`: 5.66.
fn version(modalias: &str) -> Option<String> {
    let (_, digits) = modalias.strip_prefix("usb:v1D6Bp0246")?.split_once('d')?;
    let number = u16::from_str_radix(digits.get(..4)?, 16).ok()?;
    let [major, minor] = number.to_be_bytes();
    Some(format!("{major}.{minor}"))
}

/// What an error of the bus or of `bluetoothd` means.
pub(super) fn trouble(error: &dbus::Error) -> RadioTrouble {
    meaning(error.name().unwrap_or_default(), error.message().unwrap_or_default())
}

pub(super) fn meaning(name: &str, message: &str) -> RadioTrouble {
    match name.rsplit('.').next().unwrap_or_default() {
        "ServiceUnknown" | "NameHasNoOwner" => RadioTrouble::NoDaemon,
        "NoReply" | "Timeout" | "TimedOut" => RadioTrouble::Silent,
        "Disconnected" | "NoServer" => RadioTrouble::NoBus,
        "AccessDenied" | "NotPermitted" | "NotAuthorized" | "AuthFailed" => RadioTrouble::NotPermitted,
        "NotReady" => RadioTrouble::Off,
        "UnknownObject" | "UnknownMethod" | "UnknownInterface" => RadioTrouble::NoAdapter,
        _ => RadioTrouble::other(if message.is_empty() { name } else { message }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_modalias() {
        assert_eq!(version("usb:v1D6Bp0246d0542").as_deref(), Some("5.66"));
        for other in ["", "usb:v1D6Bp0246", "usb:v1D6Bp0246d", "usb:v1D6Bp0246dzzzz", "usb:v0A12p0001d0542"] {
            assert_eq!(version(other), None, "{other:?}");
        }
    }

    #[test]
    fn b5_errors_that_matter_have_names_of_their_own() {
        let table = [
            ("org.freedesktop.DBus.Error.ServiceUnknown", RadioTrouble::NoDaemon),
            ("org.freedesktop.DBus.Error.NameHasNoOwner", RadioTrouble::NoDaemon),
            ("org.freedesktop.DBus.Error.NoReply", RadioTrouble::Silent),
            ("org.freedesktop.DBus.Error.AccessDenied", RadioTrouble::NotPermitted),
            ("org.bluez.Error.NotReady", RadioTrouble::Off),
            ("org.freedesktop.DBus.Error.UnknownObject", RadioTrouble::NoAdapter),
            ("org.freedesktop.DBus.Error.Disconnected", RadioTrouble::NoBus),
        ];
        for (name, wanted) in table {
            assert_eq!(meaning(name, "said"), wanted, "{name}");
        }
        assert_eq!(meaning("org.bluez.Error.Failed", "said\u{1b}"), RadioTrouble::Other("said\\u{1b}".into()));
    }
}

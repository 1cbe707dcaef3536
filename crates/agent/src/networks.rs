//! Which networks this machine is in, and which of them count as private: home and work (R1.6). Asked of NetworkManager and
//! firewalld on the system's bus; where they are not there, no network is private. A zone of theirs called home, work, internal or
//! trusted is private, every other is public; the person's own word for one connection goes before that.
//!
//! Nothing is kept here but the person's word: `networks.json` of a profile, by the connection's UUID. It is read by whoever wants to
//! reach a server, each time.

use futures_core::Stream;
use hither_model::{ErrorCode, Failure};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    future::poll_fn,
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};
use tokio::time::timeout;
use zbus::{
    Connection, MessageStream, connection,
    message::Type,
    zvariant::{OwnedObjectPath, OwnedValue},
};

const MANAGER: &str = "org.freedesktop.NetworkManager";
const ROOT: &str = "/org/freedesktop/NetworkManager";
const BUS: &str = "org.freedesktop.DBus";
const FIREWALL: &str = "org.fedoraproject.FirewallD1";
/// How long the bus may take for everything that is asked at once.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long signals are gathered before it is looked again.
const SETTLING: Duration = Duration::from_millis(300);
/// Most connections that are looked at.
const MAX_CONNECTIONS: usize = 64;
/// Zones that are private.
const PRIVATE: [&str; 4] = ["home", "work", "internal", "trusted"];
/// The file with the person's word.
const FILE: &str = "networks.json";
/// Longest file of it, bytes.
const MAX_FILE: u64 = 64 * 1024;

/// A network that this machine is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The connection's UUID.
    pub uuid: String,
    /// Its name; escape it before showing.
    pub name: String,
    /// The firewall's zone for it; empty if nobody says.
    pub zone: String,
    /// The person's own word, if there is one.
    pub said: Option<bool>,
    /// This machine's addresses in it, with the lengths of their prefixes.
    pub addresses: Vec<(IpAddr, u8)>,
}

impl Network {
    /// Whether it counts as private: the person's word, else the zone's.
    pub fn private(&self) -> bool {
        self.said.unwrap_or_else(|| PRIVATE.contains(&self.zone.as_str()))
    }
}

/// The networks of this machine, as the profile's person sees them. Without NetworkManager there are none to know.
pub async fn look(profile: &Path) -> Vec<Network> {
    let asked = async { known(&connect().await?).await };
    let mut all = match timeout(PATIENCE, asked).await {
        Ok(Ok(all)) => all,
        // Unknown is public.
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    let said = words(profile).unwrap_or_default();
    all.iter_mut().for_each(|network| network.said = said.get(&network.uuid).copied());
    all
}

/// Hears when something about networks may have changed. What changes after [`Self::listen`] is not missed.
pub struct Changes {
    signals: Option<MessageStream>,
}

impl Changes {
    /// Listens on the system's bus; where there is none, nothing is ever heard.
    pub async fn listen() -> Self {
        let listening = async {
            let bus = connect().await?;
            let stream = MessageStream::from(&bus);
            for rule in [
                format!("type='signal',sender='{MANAGER}'"),
                format!("type='signal',sender='{FIREWALL}'"),
                format!("type='signal',member='NameOwnerChanged',arg0='{MANAGER}'"),
            ] {
                call(&bus, BUS, "/org/freedesktop/DBus", BUS, "AddMatch", &(rule,)).await?;
            }
            Ok::<_, zbus::Error>(stream)
        };
        Self { signals: timeout(PATIENCE, listening).await.ok().and_then(Result::ok) }
    }

    /// Returns when it is worth looking again. Cancellation safe.
    pub async fn next(&mut self) {
        let Some(signals) = &mut self.signals else { return std::future::pending().await };
        loop {
            match poll_fn(|cx| Pin::new(&mut *signals).poll_next(cx)).await {
                Some(Ok(message)) if message.message_type() == Type::Signal => break,
                Some(Ok(_)) => {}
                // The bus is gone, and with it whoever knew: look once more.
                Some(Err(_)) | None => {
                    self.signals = None;
                    break;
                }
            }
        }
        tokio::time::sleep(SETTLING).await;
    }
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

async fn connect() -> zbus::Result<Connection> {
    connection::Builder::system()?.method_timeout(PATIENCE).build().await
}

async fn call<B: serde::ser::Serialize + zbus::zvariant::DynamicType>(
    bus: &Connection,
    to: &str,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> zbus::Result<zbus::Message> {
    bus.call_method(Some(to), path, Some(interface), method, body).await
}

async fn property<T>(bus: &Connection, path: &str, interface: &str, name: &str) -> zbus::Result<T>
where
    T: TryFrom<OwnedValue>,
    T::Error: Into<zbus::zvariant::Error>,
{
    let interface = format!("{MANAGER}{interface}");
    let reply = call(bus, MANAGER, path, "org.freedesktop.DBus.Properties", "Get", &(interface, name)).await?;
    let value: OwnedValue = reply.body().deserialize()?;
    T::try_from(value).map_err(|error| zbus::Error::Variant(error.into()))
}

async fn known(bus: &Connection) -> zbus::Result<Vec<Network>> {
    let active: Vec<OwnedObjectPath> = property(bus, ROOT, "", "ActiveConnections").await?;
    let mut usual = None;
    let mut all = Vec::new();
    for path in active.iter().take(MAX_CONNECTIONS) {
        // One that goes away while it is looked at is not there.
        let Ok(mut network) = network(bus, path.as_str()).await else { continue };
        if network.zone.is_empty() {
            if usual.is_none() {
                usual = Some(default_zone(bus).await);
            }
            network.zone = usual.clone().unwrap_or_default();
        }
        all.push(network);
    }
    Ok(all)
}

async fn network(bus: &Connection, path: &str) -> zbus::Result<Network> {
    let part = ".Connection.Active";
    let uuid: String = property(bus, path, part, "Uuid").await?;
    let name: String = property(bus, path, part, "Id").await?;
    let settings: OwnedObjectPath = property(bus, path, part, "Connection").await?;
    let mut addresses = Vec::new();
    for (config, interface) in [("Ip4Config", ".IP4Config"), ("Ip6Config", ".IP6Config")] {
        let at: OwnedObjectPath = property(bus, path, part, config).await?;
        if at.as_str() == "/" {
            continue;
        }
        let listed: Vec<HashMap<String, OwnedValue>> = property(bus, at.as_str(), interface, "AddressData").await?;
        addresses.extend(listed.iter().filter_map(address));
    }
    Ok(Network { uuid, name, zone: zone(bus, settings.as_str()).await.unwrap_or_default(), said: None, addresses })
}

fn address(entry: &HashMap<String, OwnedValue>) -> Option<(IpAddr, u8)> {
    let text: &str = entry.get("address")?.downcast_ref().ok()?;
    let prefix: u32 = entry.get("prefix")?.downcast_ref().ok()?;
    // A prefix of nothing would make the whole Internet private.
    let prefix = u8::try_from(prefix).ok().filter(|prefix| (1..=128).contains(prefix))?;
    Some((text.parse().ok()?, prefix))
}

async fn zone(bus: &Connection, settings: &str) -> zbus::Result<String> {
    let interface = format!("{MANAGER}.Settings.Connection");
    let reply = call(bus, MANAGER, settings, &interface, "GetSettings", &()).await?;
    let all: HashMap<String, HashMap<String, OwnedValue>> = reply.body().deserialize()?;
    let zone = all.get("connection").and_then(|connection| connection.get("zone"));
    Ok(zone.and_then(|zone| zone.downcast_ref::<&str>().ok()).unwrap_or_default().to_owned())
}

/// What firewalld takes where a connection names none; empty where it is not there.
async fn default_zone(bus: &Connection) -> String {
    let asked = call(bus, FIREWALL, "/org/fedoraproject/FirewallD1", FIREWALL, "getDefaultZone", &()).await;
    asked.and_then(|reply| reply.body().deserialize()).unwrap_or_default()
}

/// The person's words, by UUID: private or not.
///
/// # Errors
/// [`ErrorCode::StorageFailed`] if the file cannot be read or is damaged.
pub fn words(profile: &Path) -> Result<BTreeMap<String, bool>, Failure> {
    let path = profile.join(FILE);
    let failed = |why: String| Failure::new(ErrorCode::StorageFailed, format!("{}: {why}", path.display()));
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failed(error.to_string())),
        Ok(found) if found.len() > MAX_FILE => return Err(failed("it is too long".into())),
        Ok(_) => {}
    }
    let text = fs::read(&path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))
}

/// Keeps the person's word for a connection, or forgets it.
///
/// # Errors
/// As [`words`], and if it cannot be written.
pub fn say(profile: &Path, uuid: &str, private: Option<bool>) -> Result<(), Failure> {
    let mut all = words(profile)?;
    match private {
        Some(private) => all.insert(uuid.to_owned(), private),
        None => all.remove(uuid),
    };
    let written = || -> io::Result<()> {
        let next: PathBuf = profile.join(format!("{FILE}.{}", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(&serde_json::to_vec(&all)?)?;
        file.sync_all()?;
        fs::rename(&next, profile.join(FILE))
    };
    written().map_err(|error| Failure::new(ErrorCode::StorageFailed, format!("{FILE}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(zone: &str, said: Option<bool>) -> Network {
        Network { uuid: "u".into(), name: "n".into(), zone: zone.into(), said, addresses: vec![] }
    }

    #[test]
    fn r1_6_four_zones_are_private_and_the_persons_word_goes_first() {
        for zone in PRIVATE {
            assert!(network(zone, None).private() && !network(zone, Some(false)).private(), "{zone}");
        }
        for zone in ["", "public", "external", "dmz", "block", "drop", "Home", "homes"] {
            assert!(!network(zone, None).private() && network(zone, Some(true)).private(), "{zone}");
        }
    }

    #[test]
    fn r1_6_the_persons_word_is_kept_and_forgotten() {
        let profile = tempfile::tempdir().unwrap();
        assert!(words(profile.path()).unwrap().is_empty());
        say(profile.path(), "a", Some(true)).unwrap();
        say(profile.path(), "b", Some(false)).unwrap();
        say(profile.path(), "a", None).unwrap();
        assert_eq!(words(profile.path()).unwrap(), BTreeMap::from([("b".to_owned(), false)]));
        fs::write(profile.path().join(FILE), "{").unwrap();
        assert!(words(profile.path()).is_err() && say(profile.path(), "c", Some(true)).is_err());
    }
}

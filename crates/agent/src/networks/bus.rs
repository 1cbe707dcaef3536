//! NetworkManager, firewalld and ModemManager, asked on the system's bus. Nothing is changed there, and nothing is kept here.

use super::{Network, PATIENCE, Said};
use std::{collections::HashMap, net::IpAddr};
use zbus::{
    Connection, connection,
    zvariant::{OwnedObjectPath, OwnedValue},
};

pub(super) const MANAGER: &str = "org.freedesktop.NetworkManager";
pub(super) const FIREWALL: &str = "org.fedoraproject.FirewallD1";
pub(super) const MODEMS: &str = "org.freedesktop.ModemManager1";
pub(super) const MODEM_3GPP: &str = "org.freedesktop.ModemManager1.Modem.Modem3gpp";
const ROOT: &str = "/org/freedesktop/NetworkManager";
/// Most connections that are looked at.
const MAX_CONNECTIONS: usize = 64;
/// Most devices of one connection that are looked at.
const MAX_DEVICES: usize = 16;
/// `NM_METERED_YES` and `NM_METERED_GUESS_YES`.
const METERED: [u32; 2] = [1, 3];
/// `NM_DEVICE_TYPE_MODEM`.
const MODEM: u32 = 8;
/// `MM_MODEM_3GPP_REGISTRATION_STATE_ROAMING`, `…_ROAMING_SMS_ONLY`, `…_ROAMING_CSFB_NOT_PREFERRED`.
const ABROAD: [u32; 3] = [5, 7, 10];

pub(super) async fn connect() -> zbus::Result<Connection> {
    connection::Builder::system()?.method_timeout(PATIENCE).build().await
}

pub(super) async fn call<B: serde::ser::Serialize + zbus::zvariant::DynamicType>(
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
    asked(bus, MANAGER, path, &format!("{MANAGER}{interface}"), name).await
}

async fn asked<T>(bus: &Connection, who: &str, path: &str, interface: &str, name: &str) -> zbus::Result<T>
where
    T: TryFrom<OwnedValue>,
    T::Error: Into<zbus::zvariant::Error>,
{
    let reply = call(bus, who, path, "org.freedesktop.DBus.Properties", "Get", &(interface, name)).await?;
    let value: OwnedValue = reply.body().deserialize()?;
    T::try_from(value).map_err(|error| zbus::Error::Variant(error.into()))
}

pub(super) async fn known(bus: &Connection) -> zbus::Result<Vec<Network>> {
    let active: Vec<OwnedObjectPath> = property(bus, ROOT, "", "ActiveConnections").await?;
    let mut usual = None;
    let mut all = Vec::new();
    for path in active.iter().take(MAX_CONNECTIONS) {
        // One that goes away while it is looked at is not there.
        let Ok(Some(mut network)) = network(bus, path.as_str()).await else { continue };
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

/// A connection; `None` for that of the machine with itself.
async fn network(bus: &Connection, path: &str) -> zbus::Result<Option<Network>> {
    let part = ".Connection.Active";
    if property::<String>(bus, path, part, "Type").await? == "loopback" {
        return Ok(None);
    }
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
    let zone = zone(bus, settings.as_str()).await.unwrap_or_default();
    let (metered, roaming) = cost(bus, path).await.unwrap_or_default();
    Ok(Some(Network { uuid, name, zone, metered, roaming, said: Said::default(), addresses }))
}

/// Whether any of its devices is metered, and whether any is a modem abroad.
async fn cost(bus: &Connection, path: &str) -> zbus::Result<(bool, bool)> {
    let devices: Vec<OwnedObjectPath> = property(bus, path, ".Connection.Active", "Devices").await?;
    let (mut metered, mut roaming) = (false, false);
    for device in devices.iter().take(MAX_DEVICES) {
        let device = device.as_str();
        metered |= METERED.contains(&property(bus, device, ".Device", "Metered").await.unwrap_or_default());
        if property::<u32>(bus, device, ".Device", "DeviceType").await.unwrap_or_default() == MODEM {
            roaming |= abroad(bus, device).await.unwrap_or_default();
        }
    }
    Ok((metered, roaming))
}

/// What ModemManager says; NetworkManager names its object as the device's id.
async fn abroad(bus: &Connection, device: &str) -> zbus::Result<bool> {
    let modem: String = property(bus, device, ".Device", "Udi").await?;
    // Where it is not an object's path, another program has the modem.
    let modem = OwnedObjectPath::try_from(modem)?;
    let state: u32 = asked(bus, MODEMS, modem.as_str(), MODEM_3GPP, "RegistrationState").await?;
    Ok(ABROAD.contains(&state))
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

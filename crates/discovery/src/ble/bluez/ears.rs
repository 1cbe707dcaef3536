//! Hearing and reading from others, through `btleplug`.
//!
//! It asks `bluetoothd` about a device at every signal of it, and keeps every signal until it is read. So no more than
//! [`BUDGET`] signals are read in a second, and the rest is thrown away when listening begins anew. What it tells first is
//! what `bluetoothd` remembers, which may be long gone: that is not listened to. Devices of others are never removed or
//! disconnected.

use super::{
    channel::Channel,
    line::{Found, Line, meaning},
};
use crate::ble::{
    Beacon, Pipe, RadioAddress, RadioTrouble,
    beacon::{CARD_UUID, DOOR_UUID, SERVICE_UUID},
    radio::{Back, Brought, Ears, Errand, Signal},
};
use bluer::l2cap;
use btleplug::{
    api::{AddressType, Central, CentralEvent, Characteristic, Peripheral as _, WriteType},
    platform::{Adapter, Peripheral, PeripheralId},
};
use futures_util::{FutureExt, Stream, StreamExt};
use hither_model::Rid;
use std::{
    collections::{BTreeSet, VecDeque},
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};
use uuid::Uuid;

/// Signals read in one second.
const BUDGET: u32 = 400;
/// Devices remembered from one beginning to listen to the next.
const MAX_MET: usize = 1_024;
/// Remembered devices that are skipped at the beginning.
const MAX_STALE: usize = 4_096;

type Events = Pin<Box<dyn Stream<Item = CentralEvent> + Send>>;

/// The hearing half.
pub(in crate::ble) struct BluezEars {
    line: Arc<Line>,
    path: String,
    own: l2cap::SocketAddr,
    adapter: Adapter,
    on: bool,
    events: Option<Events>,
    /// Devices that were looked at since listening began, and those of them that are hither's.
    met: BTreeSet<PeripheralId>,
    ours: BTreeSet<PeripheralId>,
    /// Devices to look at.
    newcomers: VecDeque<PeripheralId>,
    /// Signals left for this second, and when it ends.
    budget: (u32, Instant),
}

impl BluezEars {
    pub(super) fn new(line: Arc<Line>, chosen: &Found, adapter: Adapter) -> Self {
        Self {
            line,
            path: chosen.path.clone(),
            own: super::voice::own(chosen),
            adapter,
            on: false,
            events: None,
            met: BTreeSet::new(),
            ours: BTreeSet::new(),
            newcomers: VecDeque::new(),
            budget: (BUDGET, Instant::now()),
        }
    }

    fn forget(&mut self) {
        self.events = None;
        self.met.clear();
        self.ours.clear();
        self.newcomers.clear();
    }

    /// Takes the next signal in, within the budget.
    async fn signal(&mut self) -> Result<Option<CentralEvent>, RadioTrouble> {
        let now = Instant::now();
        if self.budget.1 <= now {
            self.budget = (BUDGET, now + Duration::from_secs(1));
        }
        if self.budget.0 == 0 {
            sleep_until(self.budget.1).await;
            return Ok(None);
        }
        let event = match &mut self.events {
            Some(events) => events.next().await,
            None => pending().await,
        };
        self.budget.0 = self.budget.0.saturating_sub(1);
        // It ends with its connection to the bus.
        event.map(Some).ok_or(RadioTrouble::NoBus)
    }

    /// What a signal says, if anything.
    fn understand(&mut self, event: CentralEvent) -> Option<Signal> {
        match event {
            CentralEvent::ServiceDataAdvertisement { id, service_data } => {
                self.met.insert(id.clone());
                let beacon = Beacon::parse(service_data.get(&Uuid::from_u128(SERVICE_UUID))?)?;
                let source = address(&id)?;
                self.ours.insert(id);
                // The strength comes as a signal of its own.
                Some(Signal::Heard { source, beacon, rssi: None })
            }
            CentralEvent::RssiUpdate { id, rssi } if self.ours.contains(&id) => {
                Some(Signal::Again { source: address(&id)?, rssi: possible(rssi) })
            }
            CentralEvent::DeviceDiscovered(id) | CentralEvent::RssiUpdate { id, .. } => {
                if self.met.len() < MAX_MET && self.met.insert(id.clone()) {
                    self.newcomers.push_back(id);
                }
                None
            }
            _ => None,
        }
    }
}

impl Ears for BluezEars {
    async fn listen(&mut self, on: bool) -> Result<(), RadioTrouble> {
        self.forget();
        if std::mem::take(&mut self.on) {
            self.line.stop_scan(&self.path).await?;
        }
        if !on {
            return Ok(());
        }
        let mut events = self.adapter.events().await.map_err(|error| trouble(&error))?;
        for _ in 0..MAX_STALE {
            if events.next().now_or_never().flatten().is_none() {
                break;
            }
        }
        self.line.scan(&self.path).await?;
        (self.on, self.events) = (true, Some(events));
        Ok(())
    }

    async fn next(&mut self) -> Signal {
        loop {
            if let Some(id) = self.newcomers.front().cloned() {
                let heard = look_at(&self.adapter, &id).await;
                self.newcomers.pop_front();
                if let Some(signal) = heard {
                    self.ours.insert(id);
                    return signal;
                }
                continue;
            }
            match self.signal().await {
                Ok(event) => {
                    if let Some(signal) = event.and_then(|event| self.understand(event)) {
                        return signal;
                    }
                }
                Err(trouble) => return Signal::Lost(trouble),
            }
        }
    }

    fn errand(
        &self,
        source: RadioAddress,
        errand: Errand,
        stop: oneshot::Receiver<()>,
        back: Back,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (adapter, own) = (self.adapter.clone(), self.own);
        async move {
            let mut stop = stop;
            let known = async {
                let device = find(&adapter, source).await?;
                // It may have connected to us, or somebody here to it: then it is not ours to hang up.
                let connected = device.is_connected().await.map_err(|error| trouble(&error))?;
                Ok((device, connected))
            };
            let known = tokio::select! {
                known = known => known,
                _ = &mut stop => Err(RadioTrouble::TimedOut),
            };
            let (device, connected) = match known {
                Ok(known) => known,
                Err(trouble) => return drop(back.send(Err(trouble))),
            };
            let work = async {
                match errand {
                    Errand::Open(psm) => open(own, &device, source, psm).await.map(Brought::Pipe),
                    Errand::Card => exchange(&device, connected, None).await.map(Brought::Bytes),
                    Errand::Knock(rid) => exchange(&device, connected, Some(rid)).await.map(Brought::Bytes),
                }
            };
            let brought = tokio::select! {
                brought = work => brought,
                _ = &mut stop => Err(RadioTrouble::TimedOut),
            };
            let _ = back.send(brought);
            // A channel is a connection of its own.
            if !connected
                && !matches!(errand, Errand::Open(_))
                && let Err(error) = device.disconnect().await
            {
                tracing::debug!(%error, "a device is not disconnected");
            }
        }
    }
}

/// Looks at a device that was not looked at yet. What is remembered from earlier has no strength.
async fn look_at(adapter: &Adapter, id: &PeripheralId) -> Option<Signal> {
    let properties = adapter.peripheral(id).await.ok()?.properties().await.ok()??;
    let rssi = properties.rssi?;
    let service = Uuid::from_u128(SERVICE_UUID);
    let beacon = match properties.service_data.get(&service) {
        Some(bytes) => Beacon::parse(bytes)?,
        None if properties.services.contains(&service) => Beacon::bare(),
        None => return None,
    };
    Some(Signal::Heard { source: address(id)?, beacon, rssi: possible(rssi) })
}

/// A device that `bluetoothd` knows: it does for half a minute after it was heard.
async fn find(adapter: &Adapter, source: RadioAddress) -> Result<Peripheral, RadioTrouble> {
    let devices = adapter.peripherals().await.map_err(|error| trouble(&error))?;
    devices.into_iter().find(|device| device.address().into_inner() == *source.as_bytes()).ok_or(RadioTrouble::NotHeard)
}

async fn exchange(device: &Peripheral, connected: bool, knock: Option<Rid>) -> Result<Vec<u8>, RadioTrouble> {
    if !connected {
        device.connect().await.map_err(|error| trouble(&error))?;
    }
    device.discover_services().await.map_err(|error| trouble(&error))?;
    let Some(rid) = knock else {
        let card = characteristic(device, CARD_UUID)?;
        return device.read(&card).await.map_err(|error| trouble(&error));
    };
    let door = characteristic(device, DOOR_UUID)?;
    device.write(&door, rid.as_bytes(), WriteType::WithResponse).await.map_err(|error| trouble(&error))?;
    device.read(&door).await.map_err(|error| trouble(&error))
}

fn characteristic(device: &Peripheral, uuid: u128) -> Result<Characteristic, RadioTrouble> {
    let (service, uuid) = (Uuid::from_u128(SERVICE_UUID), Uuid::from_u128(uuid));
    let found = device.characteristics().into_iter().find(|c| c.service_uuid == service && c.uuid == uuid);
    found.ok_or(RadioTrouble::Stranger)
}

async fn open(
    own: l2cap::SocketAddr,
    device: &Peripheral,
    source: RadioAddress,
    psm: u16,
) -> Result<Pipe, RadioTrouble> {
    let properties = device.properties().await.map_err(|error| trouble(&error))?.ok_or(RadioTrouble::NotHeard)?;
    let kind = match properties.address_type {
        Some(AddressType::Random) => bluer::AddressType::LeRandom,
        Some(AddressType::Public) | None => bluer::AddressType::LePublic,
    };
    let socket = super::voice::socket(own).map_err(RadioTrouble::other)?;
    let there = l2cap::SocketAddr::new(bluer::Address::new(*source.as_bytes()), kind, psm);
    let stream = socket.connect(there).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::TimedOut => RadioTrouble::TimedOut,
        std::io::ErrorKind::ConnectionRefused => RadioTrouble::Shut,
        _ => RadioTrouble::Broke,
    })?;
    Ok(Pipe::new(source, Channel::new(stream)))
}

/// The address in a device's name, as in `hci0/dev_00_1A_7D_DA_71_13`.
fn address(id: &PeripheralId) -> Option<RadioAddress> {
    id.to_string().rsplit("dev_").next()?.replace('_', ":").parse().ok()
}

/// 127 says that the receiver does not know.
fn possible(rssi: i16) -> Option<i16> {
    Some(rssi).filter(|rssi| *rssi != 127)
}

/// What an error means. The library passes those of `bluetoothd` on as text only: message, and name in parentheses.
pub(super) fn trouble(error: &btleplug::Error) -> RadioTrouble {
    match error {
        btleplug::Error::PermissionDenied => RadioTrouble::NotPermitted,
        btleplug::Error::DeviceNotFound => RadioTrouble::NotHeard,
        btleplug::Error::NotConnected => RadioTrouble::Broke,
        btleplug::Error::TimedOut(_) => RadioTrouble::TimedOut,
        error => said(&error.to_string(), &format!("{error:?}")),
    }
}

fn said(message: &str, whole: &str) -> RadioTrouble {
    const GONE: [&str; 4] = ["NotConnected", "ConnectionAttemptFailed", "AlreadyConnected", "abort"];
    if whole.contains("ATT error: 0x80") {
        return RadioTrouble::Shut;
    }
    if whole.contains("ServiceDiscoveryTimedOut") {
        return RadioTrouble::TimedOut;
    }
    if GONE.iter().any(|word| whole.contains(word)) {
        return RadioTrouble::Broke;
    }
    let name = whole.rsplit_once("(org.").and_then(|(_, rest)| rest.split([')', '"']).next()).unwrap_or_default();
    match meaning(name, message) {
        // A device that went away while it was talked to.
        RadioTrouble::NoAdapter => RadioTrouble::NotHeard,
        trouble => trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_daemon_is_understood_through_the_library() {
        let whole = |name: &str, message: &str| format!("Other(DbusError(D-Bus error: {message} ({name})))");
        let table = [
            ("org.bluez.Error.Failed", "Operation failed with ATT error: 0x80 (Application)", RadioTrouble::Shut),
            ("org.bluez.Error.Failed", "le-connection-abort-by-local", RadioTrouble::Broke),
            ("org.bluez.Error.NotReady", "Resource Not Ready", RadioTrouble::Off),
            ("org.freedesktop.DBus.Error.UnknownObject", "Method doesn't exist", RadioTrouble::NotHeard),
            ("org.freedesktop.DBus.Error.NoReply", "Did not receive a reply", RadioTrouble::Silent),
            ("org.bluez.Error.Failed", "Input/output error", RadioTrouble::Other("Input/output error".into())),
        ];
        for (name, message, wanted) in table {
            assert_eq!(said(message, &whole(name, message)), wanted, "{name}");
        }
    }
}

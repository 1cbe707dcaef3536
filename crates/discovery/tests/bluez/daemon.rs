//! A stand-in for `bluetoothd` on a private bus: adapters, devices and managers that do as they are told, also what a
//! real one rarely does. It writes down what it is asked for. It has no radio.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::watch;
use zbus::{
    Connection, connection, fdo, interface,
    zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value},
};

pub(crate) const SERVICE: &str = "cad20098-965b-415b-beae-dcdf6658d614";
const PATH: &str = "/org/bluez/hci0";

type Dict = HashMap<String, OwnedValue>;

/// Errors as `bluetoothd` names them.
#[derive(Debug, Clone, zbus::DBusError)]
#[zbus(prefix = "org.bluez.Error")]
pub(crate) enum Refusal {
    #[zbus(error)]
    Bus(zbus::Error),
    NotPermitted(String),
    NotReady(String),
    Failed(String),
}

/// What it was asked for, and what it shall answer.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) off: bool,
    pub(crate) hangs: bool,
    pub(crate) scan_refused: Option<Refusal>,
    pub(crate) advert_refused: Option<Refusal>,
    /// Somebody tried to switch the adapter.
    pub(crate) switched: bool,
    pub(crate) scanning: bool,
    /// The filters that were set, as text.
    pub(crate) filters: Vec<String>,
    /// The adverts on the air: their properties.
    pub(crate) adverts: Vec<(OwnedObjectPath, Dict)>,
    pub(crate) applications: usize,
    /// Devices that were removed, connected or disconnected.
    pub(crate) touched: Vec<String>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Desk>>, Arc<watch::Sender<u64>>);

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut Desk) -> T) -> T {
        let changed = change(&mut self.0.lock().unwrap());
        self.1.send_modify(|ticks| *ticks += 1);
        changed
    }

    async fn answer<T>(&self, answer: impl FnOnce(&mut Desk) -> Result<T, Refusal>) -> Result<T, Refusal> {
        if self.0.lock().unwrap().hangs {
            pending::<()>().await;
        }
        self.change(answer)
    }
}

struct Adapter(Shared);

#[interface(name = "org.bluez.Adapter1")]
impl Adapter {
    async fn start_discovery(&self) -> Result<(), Refusal> {
        self.0
            .answer(|desk| match desk.scan_refused.clone() {
                Some(refusal) => Err(refusal),
                None => {
                    desk.scanning = true;
                    Ok(())
                }
            })
            .await
    }

    async fn stop_discovery(&self) -> Result<(), Refusal> {
        self.0
            .answer(|desk| match std::mem::take(&mut desk.scanning) {
                true => Ok(()),
                false => Err(Refusal::Failed("No discovery started".into())),
            })
            .await
    }

    async fn set_discovery_filter(&self, filter: Dict) -> Result<(), Refusal> {
        let mut keys: Vec<String> = filter.iter().map(|(key, value)| format!("{key}={:?}", &**value)).collect();
        keys.sort();
        self.0
            .answer(|desk| {
                desk.filters.push(keys.join(" "));
                Ok(())
            })
            .await
    }

    async fn remove_device(&self, device: OwnedObjectPath) {
        self.0.change(|desk| desk.touched.push(format!("remove {device}")));
    }

    #[zbus(property)]
    fn address(&self) -> &str {
        "00:AA:01:00:00:00"
    }
    #[zbus(property)]
    fn address_type(&self) -> &str {
        "public"
    }
    #[zbus(property)]
    fn name(&self) -> &str {
        "stand-in"
    }
    #[zbus(property)]
    fn alias(&self) -> &str {
        "stand-in"
    }
    #[zbus(property)]
    fn modalias(&self) -> &str {
        "usb:v1D6Bp0246d0542"
    }
    #[zbus(property)]
    fn powered(&self) -> bool {
        !self.0.0.lock().unwrap().off
    }
    #[zbus(property)]
    fn set_powered(&mut self, _on: bool) {
        self.0.change(|desk| desk.switched = true);
    }
    #[zbus(property)]
    fn discovering(&self) -> bool {
        self.0.0.lock().unwrap().scanning
    }
}

struct Advertising(Shared);

#[interface(name = "org.bluez.LEAdvertisingManager1")]
impl Advertising {
    async fn register_advertisement(
        &self,
        path: OwnedObjectPath,
        _options: Dict,
        #[zbus(header)] header: zbus::message::Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Refusal> {
        let owner = header.sender().map(ToString::to_string);
        let arguments = ("org.bluez.LEAdvertisement1",);
        let properties = Some("org.freedesktop.DBus.Properties");
        let told = connection.call_method(owner.as_deref(), &path, properties, "GetAll", &arguments).await?;
        let told: Dict = told.body().deserialize()?;
        self.0
            .answer(|desk| match desk.advert_refused.clone() {
                Some(refusal) => Err(refusal),
                None => {
                    desk.adverts.push((path, told));
                    Ok(())
                }
            })
            .await
    }

    async fn unregister_advertisement(&self, path: OwnedObjectPath) -> Result<(), Refusal> {
        self.0
            .answer(|desk| {
                desk.adverts.retain(|(advert, _)| *advert != path);
                Ok(())
            })
            .await
    }

    #[zbus(property)]
    fn active_instances(&self) -> u8 {
        u8::try_from(self.0.0.lock().unwrap().adverts.len()).unwrap()
    }
    #[zbus(property)]
    fn supported_instances(&self) -> u8 {
        5
    }
}

struct Gatt(Shared);

#[interface(name = "org.bluez.GattManager1")]
impl Gatt {
    async fn register_application(&self, _path: OwnedObjectPath, _options: Dict) {
        self.0.change(|desk| desk.applications += 1);
    }
    async fn unregister_application(&self, _path: OwnedObjectPath) {
        self.0.change(|desk| desk.applications -= 1);
    }
}

/// A device that was heard just now.
struct Heard {
    address: String,
    service_data: HashMap<String, Vec<u8>>,
    services: Vec<String>,
    shared: Shared,
}

#[interface(name = "org.bluez.Device1")]
impl Heard {
    async fn connect(&self) -> Result<(), Refusal> {
        self.shared.change(|desk| desk.touched.push(format!("connect {}", self.address)));
        Err(Refusal::Failed("le-connection-abort-by-local".into()))
    }
    async fn disconnect(&self) {
        self.shared.change(|desk| desk.touched.push(format!("disconnect {}", self.address)));
    }
    #[zbus(property)]
    fn adapter(&self) -> ObjectPath<'_> {
        ObjectPath::from_static_str_unchecked(PATH)
    }
    #[zbus(property)]
    fn address(&self) -> &str {
        &self.address
    }
    #[zbus(property)]
    fn address_type(&self) -> &str {
        "random"
    }
    #[zbus(property)]
    fn paired(&self) -> bool {
        false
    }
    #[zbus(property)]
    fn trusted(&self) -> bool {
        false
    }
    #[zbus(property)]
    fn blocked(&self) -> bool {
        false
    }
    #[zbus(property)]
    fn legacy_pairing(&self) -> bool {
        false
    }
    #[zbus(property)]
    fn connected(&self) -> bool {
        false
    }
    #[zbus(property)]
    fn services_resolved(&self) -> bool {
        false
    }
    #[zbus(property, name = "RSSI")]
    fn rssi(&self) -> i16 {
        -63
    }
    #[zbus(property, name = "UUIDs")]
    fn uuids(&self) -> Vec<String> {
        self.services.clone()
    }
    #[zbus(property)]
    fn service_data(&self) -> HashMap<String, Value<'_>> {
        self.service_data.iter().map(|(service, data)| (service.clone(), Value::from(data.clone()))).collect()
    }
}

/// The stand-in, running.
pub(crate) struct Daemon {
    connection: Connection,
    shared: Shared,
}

impl Daemon {
    /// Takes the name, with or without an adapter.
    pub(crate) async fn start(adapter: bool, desk: Desk) -> Self {
        let shared = Shared(Arc::new(Mutex::new(desk)), Arc::new(watch::channel(0).0));
        let connection = connection::Builder::system().unwrap().build().await.unwrap();
        connection.object_server().at("/", fdo::ObjectManager).await.unwrap();
        let daemon = Self { connection, shared };
        if adapter {
            daemon.plug().await;
        }
        daemon.connection.request_name("org.bluez").await.unwrap();
        daemon
    }

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.shared.0.lock().unwrap()
    }

    /// Waits until it was asked for so much.
    pub(crate) async fn until(&self, come: impl Fn(&Desk) -> bool) {
        let mut ticks = self.shared.1.subscribe();
        while !come(&self.desk()) {
            ticks.changed().await.unwrap();
        }
    }

    pub(crate) async fn plug(&self) {
        let server = self.connection.object_server();
        server.at(PATH, Advertising(self.shared.clone())).await.unwrap();
        server.at(PATH, Gatt(self.shared.clone())).await.unwrap();
        server.at(PATH, Adapter(self.shared.clone())).await.unwrap();
    }

    pub(crate) async fn unplug(&self) {
        let server = self.connection.object_server();
        server.remove::<Adapter, _>(PATH).await.unwrap();
        server.remove::<Gatt, _>(PATH).await.unwrap();
        server.remove::<Advertising, _>(PATH).await.unwrap();
        self.shared.change(|desk| *desk = Desk::default());
    }

    /// Switches the adapter, as a person would; the radio forgets everything.
    pub(crate) async fn switch(&self, on: bool) {
        self.shared.change(|desk| (desk.off, desk.scanning) = (!on, false));
        let adapter = self.connection.object_server().interface::<_, Adapter>(PATH).await.unwrap();
        adapter.get().await.powered_changed(adapter.signal_emitter()).await.unwrap();
    }

    /// A device is heard for the first time.
    pub(crate) async fn hear(&self, address: &str, data: Option<&[u8]>, services: &[&str]) {
        let device = Heard {
            address: address.into(),
            service_data: data.map(|data| (SERVICE.to_owned(), data.to_vec())).into_iter().collect(),
            services: services.iter().map(ToString::to_string).collect(),
            shared: self.shared.clone(),
        };
        assert!(self.connection.object_server().at(Self::device(address), device).await.unwrap());
    }

    /// A device is heard again.
    pub(crate) async fn again(&self, address: &str, data: &[u8]) {
        let device = self.connection.object_server().interface::<_, Heard>(Self::device(address)).await.unwrap();
        device.get_mut().await.service_data = HashMap::from([(SERVICE.to_owned(), data.to_vec())]);
        let heard = device.get().await;
        heard.r_s_s_i_changed(device.signal_emitter()).await.unwrap();
        heard.service_data_changed(device.signal_emitter()).await.unwrap();
    }

    fn device(address: &str) -> String {
        format!("{PATH}/dev_{}", address.replace(':', "_"))
    }

    /// How many connections the bus has.
    pub(crate) async fn connections(&self) -> usize {
        let bus = fdo::DBusProxy::new(&self.connection).await.unwrap();
        bus.list_names().await.unwrap().iter().filter(|name| name.starts_with(':')).count()
    }

    /// Goes away, as when it is killed.
    pub(crate) async fn die(self) {
        self.connection.close().await.unwrap();
    }
}

//! Being heard, being read from, and channels, through `bluer`.
//!
//! A rotation takes the advert off the air and registers another one. The kernel draws a new address for an advert that
//! cannot be connected to whenever one is registered. Where the system hides the radio's own address, there is one hidden
//! address for everything; it is drawn anew only at the first registration after
//! [`ADDRESS_LASTS`](crate::ble::privacy::ADDRESS_LASTS). The GATT application stays registered meanwhile, so that who is
//! reading can finish.

use super::{
    channel::Channel,
    line::{Found, Line},
};
use crate::ble::{
    Pipe, Porter, RadioAddress, RadioTrouble,
    actor::wall,
    beacon::{self, CARD_UUID, DOOR_UUID, SERVICE_UUID},
    door::{Door, Refusal},
    radio::{Shown, Voice},
    routes::PSMS,
};
use bluer::{
    Adapter, Address, AddressType, ErrorKind, Session,
    adv::{Advertisement, AdvertisementHandle, Type},
    gatt::local::{
        Application, ApplicationHandle, Characteristic, CharacteristicRead, CharacteristicWrite,
        CharacteristicWriteMethod, ReqError, ReqResult, Service,
    },
    l2cap,
};
use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How often the advert is sent. Twice in each rest window of a listener at least, four times as a rule.
const INTERVAL: std::ops::Range<Duration> = Duration::from_millis(250)..Duration::from_millis(400);
/// Channels that may wait for being accepted.
const BACKLOG: u32 = 4;
/// Bytes taken in one piece through a channel; the kernel's 672 make it five times slower.
const MTU: u16 = 2_048;
/// How long the daemon may take to say that an advert is off the air, and how often it is asked.
const OFF_AIR_WITHIN: Duration = Duration::from_secs(2);
const ASK_EVERY: Duration = Duration::from_millis(20);
/// The kernel tells the radio a moment after the daemon says that an advert is gone; no event says when it has.
const KERNEL_LAG: Duration = Duration::from_millis(100);
/// Pause after a channel could not be accepted.
const BREATH: Duration = Duration::from_secs(1);

/// The speaking half.
pub(in crate::ble) struct BluezVoice {
    line: Arc<Line>,
    path: String,
    adapter: Adapter,
    own: l2cap::SocketAddr,
    door: Arc<Mutex<Door>>,
    advert: Option<AdvertisementHandle>,
    application: Option<ApplicationHandle>,
    channels: Option<(u16, l2cap::StreamListener)>,
}

/// The adapter's own end of a channel.
pub(super) fn own(chosen: &Found) -> l2cap::SocketAddr {
    let kind = if chosen.random { AddressType::LeRandom } else { AddressType::LePublic };
    l2cap::SocketAddr::new(Address::new(*chosen.address.as_bytes()), kind, 0)
}

impl BluezVoice {
    pub(super) async fn new(line: Arc<Line>, chosen: &Found, porter: Arc<dyn Porter>) -> Result<Self, RadioTrouble> {
        let session = Session::new().await.map_err(trouble)?;
        let adapter = session.adapter(chosen.name()).map_err(trouble)?;
        Ok(Self {
            line,
            path: chosen.path.clone(),
            adapter,
            own: own(chosen),
            door: Arc::new(Mutex::new(Door::new(porter))),
            advert: None,
            application: None,
            channels: None,
        })
    }

    /// Takes the advert off the air. The library does not say when it is: the daemon's count does.
    async fn off_air(&mut self) -> Result<(), RadioTrouble> {
        if self.advert.is_none() {
            return Ok(());
        }
        let before = self.line.adverts(&self.path).await?;
        self.advert = None;
        let until = Instant::now() + OFF_AIR_WITHIN;
        while self.line.adverts(&self.path).await? >= before.max(1) {
            if Instant::now() >= until {
                // Another program may have begun in the same moment.
                tracing::debug!("an advert is not seen to go off the air");
                break;
            }
            sleep(ASK_EVERY).await;
        }
        sleep(KERNEL_LAG).await;
        Ok(())
    }

    async fn serve(&mut self) -> Result<(), RadioTrouble> {
        if self.application.is_none() {
            let application = Application { services: vec![service(&self.door)], ..Application::default() };
            self.application = Some(self.adapter.serve_gatt_application(application).await.map_err(trouble)?);
        }
        if self.channels.is_none() {
            // A system without channels is read from all the same.
            self.channels = channels(self.own).inspect_err(|error| tracing::debug!(%error, "no channels")).ok();
        }
        lock(&self.door).listen(self.psm());
        Ok(())
    }

    fn cease(&mut self) {
        (self.application, self.channels) = (None, None);
        lock(&self.door).listen(None);
    }
}

impl Voice for BluezVoice {
    async fn say(&mut self, shown: &Shown) -> Result<(), RadioTrouble> {
        self.off_air().await?;
        if shown.connectable {
            self.serve().await?;
        } else {
            self.cease();
        }
        lock(&self.door).show(shown.card.clone());
        let data = beacon::encode(shown.id, shown.open).to_vec();
        let advertisement = Advertisement {
            advertisement_type: if shown.connectable { Type::Peripheral } else { Type::Broadcast },
            service_data: BTreeMap::from([(Uuid::from_u128(SERVICE_UUID), data)]),
            // Without it some listeners take no notice; a broadcast must not have it.
            discoverable: shown.connectable.then_some(true),
            min_interval: Some(INTERVAL.start),
            max_interval: Some(INTERVAL.end),
            ..Advertisement::default()
        };
        match self.adapter.advertise(advertisement).await {
            Ok(handle) => {
                self.advert = Some(handle);
                Ok(())
            }
            Err(error) => {
                self.cease();
                Err(match error {
                    bluer::Error { kind: ErrorKind::NotPermitted, message } if message.contains("aximum") => {
                        RadioTrouble::Crowded
                    }
                    error => trouble(error),
                })
            }
        }
    }

    fn show(&mut self, card: Vec<u8>) {
        lock(&self.door).show(card);
    }

    async fn hush(&mut self) -> Result<(), RadioTrouble> {
        let off = self.off_air().await;
        self.cease();
        off
    }

    fn psm(&self) -> Option<u16> {
        self.channels.as_ref().map(|(psm, _)| *psm)
    }

    async fn arrived(&mut self) -> Pipe {
        let Some((_, listener)) = &self.channels else { return pending().await };
        loop {
            match listener.accept().await {
                Ok((stream, from)) => return Pipe::new(RadioAddress::new(from.addr.0), Channel::new(stream)),
                Err(error) => {
                    tracing::debug!(%error, "a channel was not accepted");
                    sleep(BREATH).await;
                }
            }
        }
    }
}

/// A socket at our end of a channel. There are such sockets only outside of network namespaces.
pub(super) fn socket(own: l2cap::SocketAddr) -> std::io::Result<l2cap::Socket<l2cap::Stream>> {
    let socket = l2cap::Socket::<l2cap::Stream>::new_stream()?;
    socket.bind(own)?;
    socket.set_recv_mtu(MTU)?;
    Ok(socket)
}

/// Listens for channels on any PSM that is free.
fn channels(own: l2cap::SocketAddr) -> std::io::Result<(u16, l2cap::StreamListener)> {
    let socket = socket(own)?;
    let psm = socket.local_addr()?.psm;
    if !PSMS.contains(&psm) {
        return Err(std::io::Error::other(format!("the system gave the PSM {psm:#x}")));
    }
    Ok((psm, socket.listen(BACKLOG)?))
}

/// The GATT service: two characteristics, answered by the door.
fn service(door: &Arc<Mutex<Door>>) -> Service {
    let (card, knocks, routes) = (Arc::clone(door), Arc::clone(door), Arc::clone(door));
    let read_card = CharacteristicRead {
        read: true,
        fun: Box::new(move |request| {
            let from = RadioAddress::new(request.device_address.0);
            let answer = lock(&card).read_card(wall(), from, request.offset.into());
            Box::pin(async move { attribute(answer) })
        }),
        ..CharacteristicRead::default()
    };
    let knock = CharacteristicWrite {
        write: true,
        method: CharacteristicWriteMethod::Fun(Box::new(move |value, request| {
            let from = RadioAddress::new(request.device_address.0);
            let answer = lock(&knocks).knock(wall(), from, request.offset.into(), &value);
            Box::pin(async move { attribute(answer) })
        })),
        ..CharacteristicWrite::default()
    };
    let read_routes = CharacteristicRead {
        read: true,
        fun: Box::new(move |request| {
            let from = RadioAddress::new(request.device_address.0);
            let answer = lock(&routes).read_routes(wall(), from, request.offset.into());
            Box::pin(async move { attribute(answer) })
        }),
        ..CharacteristicRead::default()
    };
    Service {
        uuid: Uuid::from_u128(SERVICE_UUID),
        primary: true,
        characteristics: vec![
            Characteristic { uuid: Uuid::from_u128(CARD_UUID), read: Some(read_card), ..Characteristic::default() },
            Characteristic {
                uuid: Uuid::from_u128(DOOR_UUID),
                read: Some(read_routes),
                write: Some(knock),
                ..Characteristic::default()
            },
        ],
        ..Service::default()
    }
}

fn lock(door: &Mutex<Door>) -> MutexGuard<'_, Door> {
    door.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a refusal is told; the daemon makes the ATT error 0x80 of a plain failure.
fn attribute<T>(answer: Result<T, Refusal>) -> ReqResult<T> {
    answer.map_err(|refusal| match refusal {
        Refusal::Shut => ReqError::Failed,
        Refusal::Offset => ReqError::InvalidOffset,
        Refusal::Length => ReqError::InvalidValueLength,
    })
}

/// What an error of the library means.
fn trouble(error: bluer::Error) -> RadioTrouble {
    match error.kind {
        ErrorKind::NotPermitted | ErrorKind::NotAuthorized => RadioTrouble::NotPermitted,
        ErrorKind::NotReady => RadioTrouble::Off,
        ErrorKind::NotFound | ErrorKind::DoesNotExist => RadioTrouble::NoAdapter,
        _ => {
            let words = error.to_string();
            let known = ["NoReply", "ServiceUnknown", "AccessDenied", "UnknownMethod", "UnknownObject"];
            match known.into_iter().find(|name| words.contains(name)) {
                Some(name) => super::line::meaning(name, &words),
                None => RadioTrouble::other(words),
            }
        }
    }
}

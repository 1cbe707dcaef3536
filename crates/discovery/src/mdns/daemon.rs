//! The thread of the `mdns-sd` crate, tamed: it uses only the addresses it is allowed, its queues may be full for a
//! while, and it may die or fall silent.
//!
//! The crate joins every interface when it starts and picks up new addresses by itself. A predicate over the allowed
//! addresses, handed over before anything else is asked of it, keeps it where it belongs; it sends nothing before.

use crate::{
    announce::{Announcement, SERVICE},
    fault::DiscoveryError,
    interfaces::Interface,
};
use hither_model::InstanceId;
use mdns_sd::{DaemonEvent, Error, IfKind, IfPredicate, Metrics, Receiver, ServiceDaemon, ServiceEvent, ServiceInfo};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// How long is waited for the thread to have said goodbye or ended.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Pause before a request is repeated that met a full queue, and how often.
const AGAIN_AFTER: Duration = Duration::from_millis(20);
const AGAIN_TIMES: u32 = 50;
/// How long a device may take to answer the question whether it is still there.
const VERIFY_WITHIN: Duration = Duration::from_secs(3);

type Allowed = Arc<RwLock<BTreeSet<(u32, IpAddr)>>>;

/// What comes out of the thread.
#[derive(Debug)]
pub(super) enum Signal {
    /// About other devices (and, by loopback of multicast, about us).
    Service(ServiceEvent),
    /// About our own advert and addresses.
    Own(DaemonEvent),
    /// More was heard than was read: what it knows and what we know may differ from here on.
    Overrun,
    /// The thread is gone.
    Dead,
}

/// The thread.
pub(super) struct Daemon {
    inner: ServiceDaemon,
    allowed: Allowed,
    browse: Option<Receiver<ServiceEvent>>,
    /// The subscription before a repeated question; read to its end before the new one counts.
    before: Option<Receiver<ServiceEvent>>,
    monitor: Receiver<DaemonEvent>,
    asked: Option<Receiver<Metrics>>,
}

impl Daemon {
    /// Starts it on the addresses of `interfaces`.
    ///
    /// # Errors
    /// [`DiscoveryError::System`], [`DiscoveryError::Silent`].
    pub(super) async fn start(interfaces: &[Interface]) -> Result<Self, DiscoveryError> {
        let allowed: Allowed = Arc::new(RwLock::new(addresses(interfaces)));
        let inner = ServiceDaemon::new().map_err(DiscoveryError::system)?;
        insist(|| inner.disable_interface(IfKind::All)).await?;
        let shared = Arc::clone(&allowed);
        let may = IfPredicate::new(move |entry| {
            let allowed = shared.read().unwrap_or_else(PoisonError::into_inner);
            allowed.contains(&(entry.index.unwrap_or_default(), entry.ip()))
        });
        insist(|| inner.enable_interface(IfKind::Predicate(may.clone()))).await?;
        // Whoever looks at the interfaces tells it; left to itself it forgets devices that another interface still hears.
        insist(|| inner.set_ip_check_interval(0)).await?;
        let monitor = insist(|| inner.monitor()).await?;
        Ok(Self { inner, allowed, browse: None, before: None, monitor, asked: None })
    }

    /// Confines it to the addresses of `interfaces` from now on.
    pub(super) async fn allow(&self, interfaces: &[Interface]) -> Result<(), DiscoveryError> {
        *self.allowed.write().unwrap_or_else(PoisonError::into_inner) = addresses(interfaces);
        // Naming no interface makes it apply the predicate anew.
        insist(|| self.inner.enable_interface(Vec::<IfKind>::new())).await
    }

    /// Asks who is there. What it knows already comes again, after [`ServiceEvent::SearchStarted`].
    pub(super) async fn browse(&mut self) -> Result<(), DiscoveryError> {
        let fresh = insist(|| self.inner.browse(SERVICE)).await?;
        self.before = self.browse.replace(fresh);
        Ok(())
    }

    /// What the earlier subscription still held when the new one began.
    pub(super) fn rest(&mut self) -> Vec<ServiceEvent> {
        self.before.take().map(|rest| rest.try_iter().collect()).unwrap_or_default()
    }

    /// Looks for nobody any more, and forgets who was there.
    pub(super) async fn stop_browse(&mut self) -> Result<(), DiscoveryError> {
        (self.browse, self.before) = (None, None);
        insist(|| self.inner.stop_browse(SERVICE)).await
    }

    /// Probes for the labels and announces them, on all allowed interfaces.
    pub(super) async fn register(&self, service: &ServiceInfo) -> Result<(), DiscoveryError> {
        insist(|| self.inner.register(service.clone())).await
    }

    /// Says goodbye; returns when it is said.
    pub(super) async fn goodbye(&self, instance: InstanceId) -> Result<(), DiscoveryError> {
        let name = Announcement::full_name(instance);
        let said = insist(|| self.inner.unregister(&name)).await?;
        let said = timeout(ANSWER_WITHIN, said.recv_async()).await;
        said.map_err(|_| DiscoveryError::Silent)?.map(drop).map_err(|_| DiscoveryError::Silent)
    }

    /// An event about others that has come already.
    pub(super) fn waiting(&self) -> Option<ServiceEvent> {
        self.browse.as_ref()?.try_recv().ok()
    }

    /// Asks a device whether it is still there.
    pub(super) async fn verify(&self, instance: InstanceId) -> Result<(), DiscoveryError> {
        insist(|| self.inner.verify(Announcement::full_name(instance), VERIFY_WITHIN)).await
    }

    /// Asks how it is, or takes the answer to having asked before: how many records and timers it holds. It has the time
    /// between two calls to answer, and is read meanwhile.
    ///
    /// # Errors
    /// [`DiscoveryError::Silent`]: it did not answer.
    pub(super) async fn load(&mut self) -> Result<Option<u64>, DiscoveryError> {
        const COUNTED: [&str; 6] = ["cached-ptr", "cached-srv", "cached-txt", "cached-addr", "cached-nsec", "timer"];
        let Some(answer) = self.asked.take() else {
            self.asked = Some(insist(|| self.inner.get_metrics()).await?);
            return Ok(None);
        };
        let metrics = answer.try_recv().map_err(|_| DiscoveryError::Silent)?;
        let counts = COUNTED.iter().filter_map(|key| metrics.get(*key));
        Ok(Some(counts.filter_map(|count| u64::try_from(*count).ok()).sum()))
    }

    /// Ends it, with a goodbye on the interfaces of `interfaces` and nowhere else: another network must not learn the
    /// old labels.
    pub(super) async fn shut(self, interfaces: &[Interface]) {
        if let Err(error) = self.allow(interfaces).await {
            tracing::debug!(%error, "the mdns thread is not told to be quiet");
        }
        // A thread that is stuck finds the request to end when it comes round.
        if let Ok(ended) = insist(|| self.inner.shutdown()).await {
            let _ = timeout(ANSWER_WITHIN, ended.recv_async()).await;
        }
    }

    /// What comes next. Cancel safe.
    pub(super) async fn next(&self) -> Signal {
        let service = async {
            match &self.browse {
                Some(browse) => browse.recv_async().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.monitor.recv_async() => event.map_or(Signal::Dead, Signal::Own),
            event = service => event.map_or(Signal::Overrun, Signal::Service),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The thread outlives its handles unless it is told to end. It may have been, already.
        let _ = self.inner.shutdown();
    }
}

fn addresses(interfaces: &[Interface]) -> BTreeSet<(u32, IpAddr)> {
    interfaces.iter().flat_map(|i| i.addrs.iter().map(|a| (i.index, a.ip))).collect()
}

/// Repeats a request while its queue is full.
async fn insist<T>(mut request: impl FnMut() -> mdns_sd::Result<T>) -> Result<T, DiscoveryError> {
    for _ in 0..AGAIN_TIMES {
        match request() {
            Err(Error::Again) => sleep(AGAIN_AFTER).await,
            Err(Error::DaemonShutdown) => return Err(DiscoveryError::Silent),
            other => return other.map_err(DiscoveryError::system),
        }
    }
    Err(DiscoveryError::Silent)
}

/// Whether the mDNS port can be shared with whoever has it: `None`, or in words what cannot be heard. The crate itself
/// would go on without the socket and say nothing.
///
/// # Errors
/// [`DiscoveryError::PortTaken`]: nothing can be heard.
pub(super) fn port_trouble() -> Result<Option<String>, DiscoveryError> {
    const PORT: u16 = 5353;
    let taken = |ip: IpAddr| {
        let bound = shared_socket(SocketAddr::new(ip, PORT));
        bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    };
    match (taken(Ipv4Addr::UNSPECIFIED.into()), taken(Ipv6Addr::UNSPECIFIED.into())) {
        (true, true) => Err(DiscoveryError::PortTaken),
        (true, false) => Ok(Some("another program keeps UDP port 5353 to itself for IPv4".into())),
        (false, true) => Ok(Some("another program keeps UDP port 5353 to itself for IPv6".into())),
        (false, false) => Ok(None),
    }
}

fn shared_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

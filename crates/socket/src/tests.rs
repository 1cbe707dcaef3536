//! Two ends on loopback in one process, and adversaries made from the TLS library without our checks.

mod adversary;
mod attacks;
mod breaches;
mod certified;
mod flood;
mod happy;
mod lanes;
mod tunnels;
mod web;

use crate::{
    Arrival, Caps, Channel, Connected, Door, Entry, Expected, Profile, Proven, SocketError, StreamSocketControl,
    StreamSocketListener, dial,
};
use hither_capability::{Consent, Dial, Gate, Grant, Manifest};
use hither_identity::{Credential, SessionKey};
use hither_model::{CertificateFacts, CertificateSource, PeerId, Rid};
use rustls::sign::CertifiedKey;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle},
};
use tokio_util::sync::CancellationToken;

const RID: Rid = Rid::new([0xa5; 16]);

fn key() -> Arc<dyn Credential> {
    Arc::new(SessionKey::generate().unwrap())
}

fn gate() -> Gate {
    Gate::new(Manifest::shipped().unwrap(), Default::default(), true)
}

fn grant(to: SocketAddr) -> Grant<Dial> {
    gate().dial(Consent::new("test".into(), vec![to], 0), 0).unwrap()
}

/// One entry, for [`RID`].
struct OneDoor(Entry);

impl Door for OneDoor {
    fn admit(&self, rid: &Rid, _from: SocketAddr) -> Option<Entry> {
        (*rid == RID).then(|| self.0.clone())
    }
}

/// A listener at work.
struct Host {
    at: SocketAddr,
    arrivals: mpsc::Receiver<Arrival>,
    tunnels: mpsc::Sender<crate::Tunnel>,
    cancel: CancellationToken,
    serving: JoinHandle<Result<(), SocketError>>,
}

impl Host {
    fn start(me: &Arc<dyn Credential>, expected: Expected) -> Self {
        Self::with(me, expected, Profile::default(), Caps::default())
    }

    fn with(me: &Arc<dyn Credential>, expected: Expected, profile: Profile, caps: Caps) -> Self {
        let (out, arrivals) = mpsc::channel(8);
        let at = ["127.0.0.1:0".parse().unwrap()];
        let listener =
            StreamSocketListener::bind(gate().listen().unwrap(), &at, StreamSocketControl::default()).unwrap();
        let (at, tunnels) = (listener.local_addrs()[0], listener.tunnels());
        let door = Arc::new(OneDoor(Entry { credential: Arc::clone(me), expected, reserved: true }));
        let cancel = CancellationToken::new();
        let serving = tokio::spawn(listener.serve(door, profile, caps, cancel.clone(), out));
        Self { at, arrivals, tunnels, cancel, serving }
    }

    async fn arrival(&mut self) -> Connected {
        self.arrivals.recv().await.unwrap().connected
    }

    /// Stops it and says whether anybody had arrived.
    async fn nobody_came(mut self) -> bool {
        self.cancel.cancel();
        self.serving.await.unwrap().unwrap();
        self.arrivals.recv().await.is_none()
    }

    async fn call(&self, me: &Arc<dyn Credential>, expected: Expected) -> Result<Connected, SocketError> {
        dial(&grant(self.at), self.at, RID, me, expected, &Profile::default()).await
    }
}

/// Both ends of a connection between two who know each other: dialler, listener.
async fn pair() -> (Channel<Proven>, Channel<Proven>) {
    let (here, there) = (key(), key());
    let mut host = Host::start(&there, Expected::Only(here.peer_id()));
    let near = host.call(&here, Expected::Only(there.peer_id())).await.unwrap().known().unwrap();
    let far = host.arrival().await.known().unwrap();
    (near, far)
}

/// A credential made of any certificate and any key, which counts how often it is asked for.
struct Forged {
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: Arc<dyn rustls::sign::SigningKey>,
    asked: AtomicUsize,
}

impl Forged {
    /// The certificate of one, the key of another.
    fn of(certificate: &dyn Credential, key: &dyn Credential) -> Arc<Self> {
        let chain = certificate.certified_key().cert.clone();
        Arc::new(Self { chain, key: Arc::clone(&key.certified_key().key), asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Credential for Forged {
    fn peer_id(&self) -> PeerId {
        hither_identity::certificate::spki_id(&self.chain[0]).unwrap()
    }

    fn certified_key(&self) -> Arc<CertifiedKey> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Arc::new(CertifiedKey::new(self.chain.clone(), Arc::clone(&self.key)))
    }

    fn facts(&self) -> CertificateFacts {
        hither_identity::certificate::facts(&self.chain[0], CertificateSource::Local).unwrap()
    }
}

/// Ends a task when dropped.
struct OnDrop(AbortHandle);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

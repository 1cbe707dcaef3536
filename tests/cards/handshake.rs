//! Two ends on loopback through the socket crate, as the agent would have them.

use hither_capability::{Consent, Gate, Manifest};
use hither_identity::Credential;
use hither_model::Rid;
use hither_socket::{
    Arrival, Caps, Channel, Door, Entry, Expected, Profile, Proof, Proven, Signing, SocketError, StreamSocketControl,
    StreamSocketListener, dial,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const RID: Rid = Rid::new([0x5a; 16]);

struct OneDoor(Entry);

impl Door for OneDoor {
    fn admit(&self, rid: &Rid, _from: SocketAddr) -> Option<Entry> {
        (*rid == RID).then(|| self.0.clone())
    }
}

/// What the dialling end and, if anybody arrived, the listening end are shown.
pub(crate) struct Met {
    pub(crate) dialler: Result<Proof, SocketError>,
    pub(crate) listener: Option<Proof>,
}

type Ends = (Result<Channel<Proven>, SocketError>, Option<Channel<Proven>>);

/// Dials as one and listens as the other; each expects exactly the other's key.
pub(crate) async fn meet(dialler: &Arc<dyn Credential>, listener: &Arc<dyn Credential>) -> Met {
    let (dialler, listener) = ends(dialler, listener).await;
    Met {
        dialler: dialler.map(|channel| channel.proof().as_ref().clone()),
        listener: listener.map(|channel| channel.proof().as_ref().clone()),
    }
}

/// Both ends of a connection that came about.
pub(crate) async fn channels(
    dialler: &Arc<dyn Credential>,
    listener: &Arc<dyn Credential>,
) -> (Channel<Proven>, Channel<Proven>) {
    let (near, far) = ends(dialler, listener).await;
    (near.expect("it connects"), far.expect("it arrives"))
}

/// Something said by each end and heard by the other.
pub(crate) async fn talk(mut near: Channel<Proven>, mut far: Channel<Proven>) {
    near.write_frame(b"there").await.expect("it is written");
    assert_eq!(far.read_frame(64).await.expect("it is read").as_deref(), Some(b"there".as_slice()));
    far.write_frame(b"back").await.expect("it is written");
    assert_eq!(near.read_frame(64).await.expect("it is read").as_deref(), Some(b"back".as_slice()));
}

async fn ends(dialler: &Arc<dyn Credential>, at: &Arc<dyn Credential>) -> Ends {
    let gate = Gate::new(Manifest::shipped().expect("a manifest"), Default::default(), true);
    let profile = Profile { signing: Signing::Aside, ..Profile::default() };
    let anywhere = ["127.0.0.1:0".parse().expect("an address")];
    let grant = gate.listen().expect("a grant");
    let socket = StreamSocketListener::bind(grant, &anywhere, StreamSocketControl::default()).expect("a listener");
    let to = socket.local_addrs()[0];
    let expected = Expected::Only(dialler.peer_id());
    let door = Arc::new(OneDoor(Entry { credential: Arc::clone(at), expected, reserved: true }));
    let (out, mut arrivals) = mpsc::channel::<Arrival>(1);
    let cancel = CancellationToken::new();
    let serving = tokio::spawn(socket.serve(door, profile.clone(), Caps::default(), cancel.clone(), out));

    let grant = gate.dial(Consent::new("test".into(), vec![to], 0), 0).expect("a grant");
    let connected = dial(&grant, to, RID, dialler, Expected::Only(at.peer_id()), &profile).await;
    let near = connected.map(|connected| connected.known().expect("a known peer"));
    let far = if near.is_ok() { arrivals.recv().await } else { None };
    cancel.cancel();
    serving.await.expect("it serves").expect("it ends");
    (near, far.and_then(|arrival| arrival.connected.known()))
}

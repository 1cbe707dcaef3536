//! T6: a listener without descriptors turns callers away without spinning, and recovers. A process of its own, because
//! the limit is the process's.

use hither_capability::{Consent, Gate, Manifest};
use hither_identity::{Credential, SessionKey};
use hither_model::Rid;
use hither_socket::{Caps, Door, Entry, Expected, Profile, StreamSocketControl, StreamSocketListener, dial};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{fs::File, net::SocketAddr, os::unix::fs::FileExt, sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_util::sync::CancellationToken;

const RID: Rid = Rid::new([3; 16]);

struct Open(Arc<dyn Credential>);

impl Door for Open {
    fn admit(&self, rid: &Rid, _from: SocketAddr) -> Option<Entry> {
        let entry = Entry { credential: Arc::clone(&self.0), expected: Expected::Anyone, reserved: true };
        (*rid == RID).then_some(entry)
    }
}

/// Processor time of this process, user and system, in clock ticks (10 ms). Opened before descriptors get scarce.
fn ticks(stat: &File) -> u64 {
    let mut bytes = [0; 1024];
    let length = stat.read_at(&mut bytes, 0).unwrap();
    let text = String::from_utf8_lossy(&bytes[..length]);
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test]
async fn t6_without_descriptors_the_listener_neither_spins_nor_dies() {
    let gate = Gate::new(Manifest::shipped().unwrap(), Default::default(), true);
    let (here, there): (Arc<dyn Credential>, Arc<dyn Credential>) =
        (Arc::new(SessionKey::generate().unwrap()), Arc::new(SessionKey::generate().unwrap()));
    let any = ["127.0.0.1:0".parse().unwrap()];
    let listener = StreamSocketListener::bind(gate.listen().unwrap(), &any, StreamSocketControl::default()).unwrap();
    let at = listener.local_addrs()[0];
    let (out, mut arrivals) = mpsc::channel(4);
    let caps = Caps { per_source: usize::MAX, ..Caps::default() };
    let door = Arc::new(Open(Arc::clone(&there)));
    let serving = tokio::spawn(listener.serve(door, Profile::default(), caps, CancellationToken::new(), out));

    let stat = File::open("/proc/self/stat").unwrap();
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: before.maximum }).unwrap();
    let mut callers = Vec::new();
    while let Ok(caller) = TcpStream::connect(at).await {
        callers.push(caller);
    }
    assert!(callers.len() > 10, "there were descriptors for callers");
    let used = ticks(&stat);
    tokio::time::sleep(Duration::from_millis(400)).await; // not for timing: this is how long it could spin
    assert!(ticks(&stat) - used < 15, "it spins: {} ticks of 40", ticks(&stat) - used);
    assert!(!serving.is_finished());
    drop(callers);
    setrlimit(Resource::Nofile, before).unwrap();

    let grant = gate.dial(Consent::new("test".into(), vec![at], 0), 0).unwrap();
    let connected = dial(&grant, at, RID, &here, Expected::Anyone, &Profile::default()).await.unwrap();
    assert_eq!(connected.peer(), there.peer_id());
    assert_eq!(arrivals.recv().await.unwrap().connected.peer(), here.peer_id());
}
